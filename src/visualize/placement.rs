//! Where the cells of a map lie in the image, and the dense map between them.

use ndarray::{Array2, ArrayView2};

/// How the cells of a map are placed in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Each cell at the exact centre of its receptive field.
    ReceptiveField,
    /// The grid stretched to the image's edges, the usual picture.
    Stretch,
}

impl Placement {
    /// Both placements, the usual one first.
    pub const ALL: [Placement; 2] = [Placement::ReceptiveField, Placement::Stretch];
    /// The names used in chapter files and on the command line, in the order of [`Placement::ALL`].
    pub const NAMES: [&'static str; 2] = {
        let mut names = [""; 2];
        let mut i = 0;
        while i < 2 {
            names[i] = Placement::ALL[i].name();
            i += 1;
        }
        names
    };

    /// The name used in chapter files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Placement::ReceptiveField => "receptive-field",
            Placement::Stretch => "stretch",
        }
    }

    /// The placement of a name in [`Placement::NAMES`].
    pub fn named(name: &str) -> Option<Placement> {
        Placement::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// The cells' centres along one axis of the image: cell i lies at `first + i · step`, in pixels; pixel p has its centre at p + 0.5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cells {
    pub first: f64,
    pub step: f64,
}

impl Cells {
    /// `cells` cells stretched evenly over `pixels` pixels.
    pub fn stretched(cells: usize, pixels: usize) -> Cells {
        let step = pixels as f64 / cells.max(1) as f64;
        Cells { first: step / 2.0, step }
    }

    /// The two cells that enclose a position and the weight of the second; outside the outermost centres the edge cell alone.
    fn around(&self, position: f64, cells: usize) -> (usize, usize, f64) {
        let place = ((position - self.first) / self.step).clamp(0.0, cells.saturating_sub(1) as f64);
        let below = place.floor() as usize;
        (below, (below + 1).min(cells.saturating_sub(1)), place - below as f64)
    }
}

/// Where the cells of a map lie in the image: cell (row, column) at the crossing of two centres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Along the image's height.
    pub rows: Cells,
    /// Along the image's width.
    pub columns: Cells,
}

impl Grid {
    /// Cells whose first lies at `first` and whose neighbours are `step` apart, both (y, x) in pixels: those of a receptive field.
    pub fn of_field(first: [f64; 2], step: [f64; 2]) -> Grid {
        let axis = |axis: usize| Cells { first: first[axis], step: step[axis] };
        Grid { rows: axis(0), columns: axis(1) }
    }

    /// A grid of `rows` × `columns` cells stretched over an image of `height` × `width` pixels.
    pub fn stretched((rows, columns): (usize, usize), (height, width): (usize, usize)) -> Grid {
        Grid { rows: Cells::stretched(rows, height), columns: Cells::stretched(columns, width) }
    }

    /// How far a map of `rows` × `columns` cells reaches in the image: half a step beyond the centres of its outermost cells,
    /// (top, bottom) and (left, right) in pixels.
    pub fn extent(&self, (rows, columns): (usize, usize)) -> [(f64, f64); 2] {
        let along = |cells: Cells, count: usize| {
            let start = cells.first - cells.step / 2.0;
            (start, start + cells.step * count as f64)
        };
        [along(self.rows, rows), along(self.columns, columns)]
    }

    /// The centre of a cell in the image, (y, x) in pixels.
    pub fn centre(&self, row: usize, column: usize) -> (f64, f64) {
        let along = |cells: Cells, at: usize| cells.first + at as f64 * cells.step;
        (along(self.rows, row), along(self.columns, column))
    }
}

/// The map at the points (y, x) of the image for all `ys` and `xs`, [ys, xs]: bilinear between the cells, the edge value outside the
/// outermost centres, no number where y or x is none. An empty map has the value zero everywhere.
pub fn at_points(map: ArrayView2<f32>, grid: Grid, ys: &[f64], xs: &[f64]) -> Array2<f32> {
    if map.is_empty() {
        return Array2::zeros((ys.len(), xs.len()));
    }
    let down: Vec<(usize, usize, f64)> = ys.iter().map(|y| grid.rows.around(*y, map.nrows())).collect();
    let across: Vec<(usize, usize, f64)> = xs.iter().map(|x| grid.columns.around(*x, map.ncols())).collect();
    Array2::from_shape_fn((ys.len(), xs.len()), |(y, x)| {
        let ((top, bottom, down), (left, right, across)) = (down[y], across[x]);
        let along = |row: usize| f64::from(map[[row, left]]) * (1.0 - across) + f64::from(map[[row, right]]) * across;
        (along(top) * (1.0 - down) + along(bottom) * down) as f32
    })
}

/// The map as it is drawn at the points (y, x) of the image: as [`at_points`], but no number beyond the cells' own extent, of which the
/// map says nothing.
pub fn drawn_at_points(map: ArrayView2<f32>, grid: Grid, ys: &[f64], xs: &[f64]) -> Array2<f32> {
    let [down, across] = grid.extent(map.dim());
    let inside = |at: &f64, (start, end): (f64, f64)| if (start..=end).contains(at) { *at } else { f64::NAN };
    let ys: Vec<f64> = ys.iter().map(|y| inside(y, down)).collect();
    let xs: Vec<f64> = xs.iter().map(|x| inside(x, across)).collect();
    at_points(map, grid, &ys, &xs)
}

/// The map at every pixel centre of an image of `height` × `width` pixels.
pub fn dense(map: ArrayView2<f32>, grid: Grid, height: usize, width: usize) -> Array2<f32> {
    let centres = |length: usize| (0..length).map(|pixel| pixel as f64 + 0.5).collect::<Vec<f64>>();
    at_points(map, grid, &centres(height), &centres(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    /// A single row of cells on a single row of pixels.
    fn line(columns: Cells) -> Grid {
        Grid { rows: Cells::stretched(1, 1), columns }
    }

    #[test]
    fn stretching_two_cells_over_four_pixels() {
        let cells = Cells::stretched(2, 4);
        assert_eq!(cells, Cells { first: 1.0, step: 2.0 });
        let map = array![[0.0, 8.0]];
        let out = dense(map.view(), line(cells), 1, 4);
        assert_eq!(out, array![[0.0, 2.0, 6.0, 8.0]]);
    }

    #[test]
    fn valid_cells_lie_at_their_receptive_fields_and_keep_the_edge_value_outside() {
        // A 7×7 valid convolution over 9 pixels: three cells, at 3.5, 4.5 and 5.5.
        let cells = Cells { first: 3.5, step: 1.0 };
        let out = dense(array![[1.0, 5.0, 2.0]].view(), line(cells), 1, 9);
        assert_eq!(out, array![[1.0, 1.0, 1.0, 1.0, 5.0, 2.0, 2.0, 2.0, 2.0]]);
    }

    #[test]
    fn an_empty_map_is_zero() {
        let empty = Array2::<f32>::zeros((0, 3));
        assert_eq!(at_points(empty.view(), Grid::stretched((0, 3), (4, 4)), &[1.0], &[1.0]), array![[0.0]]);
    }

    #[test]
    fn beyond_its_cells_a_map_is_not_drawn() {
        // Two cells at 3.5 and 5.5, each two pixels wide: drawn from 2.5 to 6.5.
        let grid = line(Cells { first: 3.5, step: 2.0 });
        assert_eq!(grid.extent((1, 2)), [(0.0, 1.0), (2.5, 6.5)]);
        let drawn = drawn_at_points(array![[1.0, 5.0]].view(), grid, &[0.5], &[2.0, 3.0, 4.5, 6.0, 7.0]);
        assert!(drawn[[0, 0]].is_nan() && drawn[[0, 4]].is_nan());
        assert_eq!(drawn.slice(ndarray::s![0, 1..4]).to_vec(), [1.0, 3.0, 5.0]);
    }

    #[test]
    fn a_point_that_is_no_number_has_no_value() {
        let grid = Grid::stretched((2, 2), (2, 2));
        let out = at_points(array![[1.0, 2.0], [3.0, 4.0]].view(), grid, &[0.5, f64::NAN], &[1.5]);
        assert!(out[[0, 0]] == 2.0 && out[[1, 0]].is_nan());
    }

    proptest! {
        #[test]
        fn a_one_hot_cell_peaks_within_half_a_pixel_of_its_centre(
            n in 3usize..12, first in 0.5f64..6.0, step in 1.0f64..5.0, hot in 0usize..12,
        ) {
            // An outermost cell's value reaches to the image's edge, so only inner cells have a peak.
            let hot = 1 + hot % (n - 2);
            let mut map = Array2::zeros((1, n));
            map[[0, hot]] = 1.0;
            let cells = Cells { first, step };
            let width = (first + step * n as f64 + 6.0).ceil() as usize;
            let out = dense(map.view(), line(cells), 1, width);
            let centre = first + hot as f64 * step;
            prop_assert!((at_points(map.view(), line(cells), &[0.5], &[centre])[[0, 0]] - 1.0).abs() < 1e-5);
            let best = out.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0.0, |(i, _)| i as f64 + 0.5);
            prop_assert!((best - centre).abs() <= 0.5 + 1e-6, "{} for {}", best, centre);
        }

        #[test]
        fn values_stay_within_the_map(values in prop::collection::vec(-3.0f32..3.0, 6), y in -5.0f64..20.0, x in -5.0f64..20.0) {
            let map = Array2::from_shape_vec((2, 3), values.clone()).unwrap();
            let grid = Grid::of_field([2.0, 2.0], [3.0, 3.0]);
            let value = at_points(map.view(), grid, &[y], &[x])[[0, 0]];
            let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            prop_assert!(value >= low - 1e-6 && value <= high + 1e-6);
        }
    }
}
