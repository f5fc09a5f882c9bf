//! Lines over a picture as SVG paths: a map's level line, and the outline of a mask.

use std::fmt::Write as _;

use ndarray::{Array2, ArrayView2};

use crate::figure::frame::Frame;
use crate::visualize::placement::{Cells, Grid};

/// The line on which a map [rows, columns] has the value `level`, a positive number, by marching squares between the cells' centres. Outside
/// the centres the outermost cells keep their value as far as they reach, and the line closes there.
pub fn contour(map: ArrayView2<f32>, grid: Grid, level: f32, frame: &Frame) -> String {
    let (rows, columns) = map.dim();
    let (ys, xs) = (stations(grid.rows, rows), stations(grid.columns, columns));
    // Two stations on every side: the outermost value at its end, and nothing behind it.
    let value = |row: usize, column: usize| {
        let inside = |at: usize, count: usize| (1..count + 3).contains(&at).then(|| (at.max(2) - 2).min(count - 1));
        match (inside(row, rows), inside(column, columns)) {
            (Some(row), Some(column)) => map.get((row, column)).copied().unwrap_or(0.0),
            _ => 0.0,
        }
    };
    let padded = Array2::from_shape_fn((ys.len(), xs.len()), |(row, column)| value(row, column));
    let mut path = String::new();
    for row in 0..ys.len().saturating_sub(1) {
        for column in 0..xs.len().saturating_sub(1) {
            let corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
                .map(|at| Corner { x: xs[at.1], y: ys[at.0], value: padded[at] });
            for (from, to) in segments(&corners, level).into_iter().flatten() {
                let (from, to) = (frame.point(from), frame.point(to));
                if (from.0 - to.0).abs() + (from.1 - to.1).abs() > 0.05 {
                    let _ = write!(path, "M{} {}L{} {}", short(from.0), short(from.1), short(to.0), short(to.1));
                }
            }
        }
    }
    path
}

/// The cells' centres along an axis, each end of the map twice before and behind them.
fn stations(cells: Cells, count: usize) -> Vec<f64> {
    if count == 0 {
        return Vec::new();
    }
    let start = cells.first - cells.step / 2.0;
    let end = start + cells.step * count as f64;
    let centres = (0..count).map(|i| cells.first + i as f64 * cells.step);
    [start, start].into_iter().chain(centres).chain([end, end]).collect()
}

/// A corner of a square, with the map's value there.
#[derive(Clone, Copy)]
struct Corner {
    x: f64,
    y: f64,
    value: f32,
}

type Segment = ((f64, f64), (f64, f64));

/// The line's parts within a square whose corners go round it: at most two.
fn segments(corners: &[Corner; 4], level: f32) -> [Option<Segment>; 2] {
    let mut crossings = Vec::with_capacity(4);
    for i in 0..4 {
        let (a, b) = (corners[i], corners[(i + 1) % 4]);
        if (a.value >= level) != (b.value >= level) {
            let share = f64::from((level - a.value) / (b.value - a.value));
            crossings.push((a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share));
        }
    }
    match crossings[..] {
        [a, b] => [Some((a, b)), None],
        [a, b, c, d] => {
            // A saddle: the middle says which two corners belong together.
            let middle = corners.iter().map(|corner| corner.value).sum::<f32>() / 4.0;
            if (middle >= level) == (corners[0].value >= level) {
                [Some((a, b)), Some((c, d))]
            } else {
                [Some((d, a)), Some((b, c))]
            }
        }
        _ => [None, None],
    }
}

/// The outline of a mask [h, w] in the input's pixels: the edges between what is marked and what is not.
pub fn outline(mask: ArrayView2<bool>, frame: &Frame) -> String {
    let (rows, columns) = mask.dim();
    let marked =
        |row: usize, column: usize| row > 0 && column > 0 && mask.get((row - 1, column - 1)).copied().unwrap_or(false);
    let mut path = String::new();
    let mut line = |from: (usize, usize), to: (usize, usize)| {
        let point = |(x, y): (usize, usize)| frame.point((x as f64, y as f64));
        let (from, to) = (point(from), point(to));
        let _ = write!(path, "M{} {}L{} {}", short(from.0), short(from.1), short(to.0), short(to.1));
    };
    for y in 0..=rows {
        runs(columns, |x| marked(y, x + 1) != marked(y + 1, x + 1)).for_each(|(a, b)| line((a, y), (b, y)));
    }
    for x in 0..=columns {
        runs(rows, |y| marked(y + 1, x) != marked(y + 1, x + 1)).for_each(|(a, b)| line((x, a), (x, b)));
    }
    path
}

/// The stretches (start, end) of 0..`count` on which `holds` is true.
fn runs(count: usize, holds: impl Fn(usize) -> bool) -> impl Iterator<Item = (usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for i in (0..count).filter(|i| holds(*i)) {
        match found.last_mut() {
            Some((_, end)) if *end == i => *end = i + 1,
            _ => found.push((i, i + 1)),
        }
    }
    found.into_iter()
}

/// A coordinate to a tenth of a pixel.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// The ends of all segments of a path.
    fn points(path: &str) -> Vec<(f64, f64)> {
        path.split(['M', 'L'])
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once(' ').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
            .collect()
    }

    #[test]
    fn half_of_a_single_hot_cell_lies_half_way_to_its_neighbours() {
        let grid = Grid::of_field([5.0, 5.0], [10.0, 10.0]);
        let map = array![[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]];
        let found = points(&contour(map.view(), grid, 0.5, &Frame::of_input((30, 30), (30, 30))));
        assert_eq!(found.len(), 8, "a diamond of four sides");
        for corner in [(15.0, 10.0), (20.0, 15.0), (15.0, 20.0), (10.0, 15.0)] {
            assert_eq!(found.iter().filter(|point| **point == corner).count(), 2, "{found:?}");
        }
    }

    #[test]
    fn the_line_closes_where_the_map_ends() {
        let grid = Grid::of_field([4.0, 4.0], [2.0, 2.0]);
        let found = points(&contour(array![[1.0]].view(), grid, 0.5, &Frame::of_input((8, 8), (8, 8))));
        assert!(
            !found.is_empty() && found.iter().all(|(x, y)| [3.0, 4.0, 5.0].contains(x) && [3.0, 4.0, 5.0].contains(y))
        );
        assert!(found.iter().all(|(x, y)| *x == 3.0 || *x == 5.0 || *y == 3.0 || *y == 5.0), "{found:?}");
    }

    #[test]
    fn a_masks_outline_is_its_edges() {
        let mask = array![[false, true, true], [false, true, false]];
        let path = outline(mask.view(), &Frame::of_input((3, 2), (30, 20)));
        let wanted = ["M10 0L30 0", "M20 10L30 10", "M10 20L20 20", "M10 0L10 20", "M20 10L20 20", "M30 0L30 10"];
        assert_eq!(path, wanted.concat());
    }
}
