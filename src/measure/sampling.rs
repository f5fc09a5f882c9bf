//! From a grid of cells to pixels: linear interpolation between the cells' centres along each axis, the edge value
//! outside the outermost centres. Controls and the best possible overlap go through the same sampling as the maps they
//! are compared with.

use ndarray::{Array2, ArrayView2};

/// What one pixel reads along one axis: (1 − weight) · cell[low] + weight · cell[high].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

/// Linear interpolation along one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    taps: Vec<Tap>,
    cells: usize,
}

impl Axis {
    /// Cells at given centres (ascending, in pixels; pixel p has its centre at p + 0.5), read at the centres of
    /// `pixels` pixels. No cells give an axis that reads nothing.
    pub fn placed(centres: &[f64], pixels: usize) -> Axis {
        let cells = centres.len();
        let pixels = if cells == 0 { 0 } else { pixels };
        let tap = |pixel: usize| {
            let at = pixel as f64 + 0.5;
            let high = centres.partition_point(|&centre| centre <= at).min(cells - 1);
            let low = high.saturating_sub(1);
            let weight = ((at - centres[low]) / (centres[high] - centres[low])).clamp(0.0, 1.0);
            // A single cell, or two at one place, make 0/0: then either cell will do.
            Tap { low, high, weight: if weight.is_finite() { weight as f32 } else { 1.0 } }
        };
        Axis { taps: (0..pixels).map(tap).collect(), cells }
    }

    /// The usual stretching of the grid to the image's edges: cell i has its centre at (i + 0.5) · pixels / cells.
    pub fn stretched(cells: usize, pixels: usize) -> Axis {
        let centres: Vec<f64> = (0..cells).map(|i| (i as f64 + 0.5) * pixels as f64 / cells as f64).collect();
        Axis::placed(&centres, pixels)
    }
}

/// Bilinear interpolation from a grid [rows, columns] to an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Down the image.
    pub rows: Axis,
    /// Across it.
    pub columns: Axis,
}

impl Sampling {
    /// Shape of the grid of cells.
    pub fn grid(&self) -> (usize, usize) {
        (self.rows.cells, self.columns.cells)
    }

    /// Shape of the image of pixels.
    pub fn image(&self) -> (usize, usize) {
        (self.rows.taps.len(), self.columns.taps.len())
    }

    /// The dense map of a grid of cells; `cells` that do not have the shape of [`Sampling::grid`] give zeros where they
    /// have none.
    pub fn dense(&self, cells: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut dense = Array2::zeros(self.image());
        self.dense_into(cells, &mut dense);
        dense
    }

    /// As [`Sampling::dense`], into an array of the image's shape.
    pub(crate) fn dense_into(&self, cells: ArrayView2<'_, f32>, dense: &mut Array2<f32>) {
        let read = |r: usize, c: usize| cells.get((r, c)).copied().unwrap_or(0.0);
        for (row, mut line) in self.rows.taps.iter().zip(dense.rows_mut()) {
            for (column, pixel) in self.columns.taps.iter().zip(line.iter_mut()) {
                let along =
                    |r: usize| read(r, column.low) + column.weight * (read(r, column.high) - read(r, column.low));
                *pixel = along(row.low) + row.weight * (along(row.high) - along(row.low));
            }
        }
    }

    /// The transpose: adds each pixel's value to the cells it reads, by the weight with which it reads them.
    pub(crate) fn gather_into(&self, pixels: ArrayView2<'_, f32>, cells: &mut Array2<f32>) {
        cells.fill(0.0);
        for (row, line) in self.rows.taps.iter().zip(pixels.rows()) {
            for (column, &value) in self.columns.taps.iter().zip(line.iter()).filter(|(_, v)| **v != 0.0) {
                for (r, wr) in [(row.low, 1.0 - row.weight), (row.high, row.weight)] {
                    for (c, wc) in [(column.low, 1.0 - column.weight), (column.high, column.weight)] {
                        if let Some(cell) = cells.get_mut((r, c)) {
                            *cell += value * wr * wc;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn square(axis: Axis) -> Sampling {
        Sampling { rows: axis.clone(), columns: axis }
    }

    #[test]
    fn centres_on_pixels_are_read_as_they_are_and_edges_repeat() {
        let axis = Axis::placed(&[1.5, 2.5], 4);
        let line = Sampling { rows: Axis::placed(&[0.5], 1), columns: axis };
        assert_eq!(line.dense(array![[2.0f32, 6.0]].view()), array![[2.0, 2.0, 6.0, 6.0]]);
    }

    #[test]
    fn stretching_two_cells_over_four_pixels() {
        // Centres at 1 and 3: pixels at 0.5, 1.5, 2.5, 3.5 read 0, ¼, ¾, 1 of the way.
        let line = Sampling { rows: Axis::stretched(1, 1), columns: Axis::stretched(2, 4) };
        assert_eq!(line.dense(array![[0.0f32, 8.0]].view()), array![[0.0, 2.0, 6.0, 8.0]]);
    }

    #[test]
    fn a_uniform_grid_stays_uniform() {
        for axis in [Axis::stretched(7, 28), Axis::placed(&[3.0, 11.0, 20.0], 28), Axis::placed(&[9.0], 5)] {
            let sampling = square(axis);
            let dense = sampling.dense(Array2::from_elem(sampling.grid(), 0.3).view());
            assert!(dense.iter().all(|&v| v == 0.3));
        }
        assert_eq!(square(Axis::placed(&[], 9)).image(), (0, 0));
    }

    #[test]
    fn gathering_is_the_transpose() {
        let sampling = Sampling { rows: Axis::stretched(3, 7), columns: Axis::placed(&[1.0, 2.5, 6.0, 6.5], 9) };
        let cells = Array2::from_shape_fn((3, 4), |(r, c)| (r * 3 + c * c) as f32 - 2.0);
        let pixels = Array2::from_shape_fn((7, 9), |(r, c)| ((r * 5 + c * 11) % 7) as f32 - 3.0);
        let mut gathered = Array2::zeros((3, 4));
        sampling.gather_into(pixels.view(), &mut gathered);
        let left: f32 = (&sampling.dense(cells.view()) * &pixels).sum();
        assert!((left - (&cells * &gathered).sum()).abs() < 1e-3);
    }
}
