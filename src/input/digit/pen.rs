//! Strokes → pixels, antialiased and normalised as MNIST is.

use crate::input::digit::SIDE;
use crate::input::digit::hand::Stroke;
use ndarray::{Array2, s};

/// Side of the box that MNIST fits its ink in.
const BOX: usize = 20;
/// Width in pixels of the edge over which ink fades into paper.
const EDGE: f64 = 1.0;

/// Draws strokes with a pen of the given radius in pixels: [28, 28], 0 paper to 1 ink.
///
/// As in MNIST (LeCun, Cortes, Burges), the ink fills a box of 20×20 pixels with its aspect kept, and its centre of mass
/// is moved to the centre of the image, by whole pixels.
pub fn draw(strokes: &[Stroke], radius: f64) -> Array2<f64> {
    let ink = rasterize(&fit(strokes, radius), radius);
    let (top, left) = (placement(&ink, 0), placement(&ink, 1));
    let mut image = Array2::zeros((SIDE, SIDE));
    image.slice_mut(s![top..top + BOX, left..left + BOX]).assign(&ink);
    image
}

/// Scales and moves strokes so that their ink fills the box, centred.
fn fit(strokes: &[Stroke], radius: f64) -> Vec<Stroke> {
    let nodes = || strokes.iter().flatten();
    let thickest = nodes().fold(1.0, |most: f64, node| most.max(node.pressure)) * radius;
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = range(&mut nodes().map(|node| node.x));
    let (top, bottom) = range(&mut nodes().map(|node| node.y));
    let side = BOX as f64;
    let scale = (side - 2.0 * thickest) / (right - left).max(bottom - top);
    let middle = side / 2.0;
    let mut fitted = strokes.to_vec();
    for node in fitted.iter_mut().flatten() {
        node.x = middle + scale * (node.x - (left + right) / 2.0);
        node.y = middle + scale * (node.y - (top + bottom) / 2.0);
    }
    fitted
}

/// The ink in the box: a pixel's share by the signed distance of its centre from the nearest edge of a stroke.
fn rasterize(strokes: &[Stroke], radius: f64) -> Array2<f64> {
    Array2::from_shape_fn((BOX, BOX), |(row, column)| {
        let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
        let nearest = strokes
            .iter()
            .flat_map(|stroke| stroke.windows(2))
            .map(|segment| {
                let (a, b) = (segment[0], segment[1]);
                let (along_x, along_y) = (b.x - a.x, b.y - a.y);
                let squared = along_x * along_x + along_y * along_y;
                let dot = (x - a.x) * along_x + (y - a.y) * along_y;
                let t = if squared > 0.0 { (dot / squared).clamp(0.0, 1.0) } else { 0.0 };
                let (dx, dy) = (x - a.x - t * along_x, y - a.y - t * along_y);
                let pressure = a.pressure + t * (b.pressure - a.pressure);
                (dx * dx + dy * dy).sqrt() - radius * pressure
            })
            .fold(f64::INFINITY, f64::min);
        (0.5 - nearest / EDGE).clamp(0.0, 1.0)
    })
}

/// The first row (`axis` 0) or column (1) of the box in the image, so that the ink's centre of mass comes to the image's centre.
fn placement(ink: &Array2<f64>, axis: usize) -> usize {
    let (mut mass, mut moment) = (0.0, 0.0);
    for ((row, column), value) in ink.indexed_iter() {
        let position = if axis == 0 { row } else { column };
        mass += value;
        moment += value * (position as f64 + 0.5);
    }
    let centre = if mass > 0.0 { moment / mass } else { BOX as f64 / 2.0 };
    // The box stays whole inside the image; the cast rounds, since the sum is not negative.
    ((SIDE as f64 / 2.0 - centre).max(0.0) + 0.5).min((SIDE - BOX) as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::digit::hand::Node;

    fn line(from: (f64, f64), to: (f64, f64)) -> Stroke {
        [from, to].map(|(x, y)| Node { x, y, pressure: 1.0 }).to_vec()
    }

    #[test]
    fn an_upright_line_is_a_bar_of_its_thickness_in_the_middle() {
        let image = draw(&[line((0.3, 0.0), (0.3, 1.0))], 1.0);
        // Radius 1 around x = 14: columns 13 and 14 lie half a pixel inside, their neighbours half a pixel outside.
        assert_eq!(image.row(14).to_vec(), [vec![0.0; 13], vec![1.0; 2], vec![0.0; 13]].concat());
        assert_eq!(image.column(14).iter().filter(|ink| **ink > 0.0).count(), 20);
        let half = draw(&[line((0.3, 0.0), (0.3, 1.0))], 1.25);
        assert_eq!(half.row(14).to_vec()[12..16], [0.25, 1.0, 1.0, 0.25]);
    }

    #[test]
    fn the_centre_of_mass_comes_to_the_centre() {
        // A heavy roof on a thin stem: the box moves down until the ink's centre is in the middle.
        let image = draw(&[line((0.0, 0.0), (1.0, 0.0)), line((0.5, 0.0), (0.5, 1.0))], 1.5);
        let mass: f64 = image.sum();
        let moment: f64 = image.indexed_iter().map(|((row, _), ink)| ink * (row as f64 + 0.5)).sum();
        assert!((moment / mass - 14.0).abs() <= 0.5);
        assert!(image.row(4).iter().all(|ink| *ink == 0.0), "the box was moved");
    }

    #[test]
    fn a_dot_and_nothing_are_drawn_without_fault() {
        assert!(draw(&[line((0.5, 0.5), (0.5, 0.5))], 1.0).iter().all(|ink| ink.is_finite()));
        assert!(draw(&[], 1.0).iter().all(|ink| *ink == 0.0));
    }
}
