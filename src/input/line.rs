//! The Line dataset: 28×28 RGB images on black, each with one straight hard-edged line of known length, width, color and angle.

pub use crate::config::line::{ANGLES, Attributes, CLASSES, COLOR_NAMES, COLORS, LENGTHS, WIDTHS};
use crate::random::Random;
use ndarray::{Array2, Array3};

/// Side of an image in pixels.
pub const SIDE: usize = 28;
/// Cosine and sine of the twelve angles. A table, because the standard library's functions may differ between platforms.
const DIRECTIONS: [(f64, f64); 12] = {
    const C15: f64 = 0.965_925_826_289_068_3;
    const C30: f64 = 0.866_025_403_784_438_6;
    const C45: f64 = std::f64::consts::FRAC_1_SQRT_2;
    const C75: f64 = 0.258_819_045_102_520_76;
    [
        (1.0, 0.0),
        (C15, C75),
        (C30, 0.5),
        (C45, C45),
        (0.5, C30),
        (C75, C15),
        (0.0, 1.0),
        (-C75, C15),
        (-0.5, C30),
        (-C45, C45),
        (-C30, 0.5),
        (-C15, C75),
    ]
};

/// One image of the dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub attributes: Attributes,
    /// The line's centre (x, y) in pixels; pixel (row r, column c) has its centre at (c + 0.5, r + 0.5).
    pub centre: (f64, f64),
    /// [28, 28, 3], 0..=255.
    pub image: Array3<u8>,
    /// [28, 28], true where the line is.
    pub mask: Array2<bool>,
}

/// Sample number `index` of a class for a seed; independent of how many samples are drawn, and the same bytes everywhere.
pub fn sample(seed: u64, class: usize, index: usize) -> Sample {
    let attributes = Attributes::of_class(class);
    let stream = (index as u64).wrapping_mul(CLASSES as u64).wrapping_add(attributes.class() as u64);
    let mut random = Random::new(seed, stream);
    let (half_length, half_width) = (LENGTHS[attributes.length] / 2.0, WIDTHS[attributes.width] / 2.0);
    let (cos, sin) = DIRECTIONS[attributes.angle];
    let reach_x = half_length * cos.abs() + half_width * sin.abs();
    let reach_y = half_length * sin.abs() + half_width * cos.abs();
    let side = SIDE as f64;
    let centre = (random.between(reach_x, side - reach_x), random.between(reach_y, side - reach_y));
    draw(attributes, centre)
}

/// Draws a line: a pixel belongs to it when its centre lies within half a length along and half a width across it.
pub fn draw(attributes: Attributes, centre: (f64, f64)) -> Sample {
    let (half_length, half_width) = (LENGTHS[attributes.length] / 2.0, WIDTHS[attributes.width] / 2.0);
    let (cos, sin) = DIRECTIONS[attributes.angle];
    let mask = Array2::from_shape_fn((SIDE, SIDE), |(row, column)| {
        let (dx, dy) = (column as f64 + 0.5 - centre.0, centre.1 - (row as f64 + 0.5));
        (dx * cos + dy * sin).abs() <= half_length && (dy * cos - dx * sin).abs() <= half_width
    });
    let color = COLORS[attributes.color];
    let image =
        Array3::from_shape_fn((SIDE, SIDE, 3), |(row, column, c)| if mask[[row, column]] { color[c] } else { 0 });
    Sample { attributes, centre, image, mask }
}

/// The first `count` samples in the order of the IDX files: one of each class in turn, so that any prefix is balanced.
pub fn samples(seed: u64, count: usize) -> impl Iterator<Item = Sample> {
    (0..count).map(move |i| sample(seed, i % CLASSES, i / CLASSES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_thin_horizontal_line_is_seven_pixels_in_one_row() {
        let attributes = Attributes { length: 0, width: 0, color: 1, angle: 0 };
        let line = draw(attributes, (10.5, 20.4));
        let on: Vec<(usize, usize)> = line.mask.indexed_iter().filter(|(_, m)| **m).map(|(at, _)| at).collect();
        assert_eq!(on, (7..14).map(|column| (20, column)).collect::<Vec<_>>());
        assert_eq!(line.image.slice(ndarray::s![20, 7, ..]).to_vec(), vec![0, 0, 255]);
        assert_eq!(line.image.iter().filter(|v| **v > 0).count(), 7);
    }

    #[test]
    fn angles_turn_counter_clockwise() {
        let attributes = Attributes { length: 1, width: 0, color: 0, angle: 3 };
        let line = draw(attributes, (14.5, 14.5));
        assert!(line.mask[[11, 17]] && line.mask[[17, 11]], "45 degrees rise to the right");
        assert!(!line.mask[[11, 11]] && !line.mask[[17, 17]]);
    }

    #[test]
    fn classes_are_the_96_combinations() {
        for class in 0..CLASSES {
            assert_eq!(Attributes::of_class(class).class(), class);
        }
        let attributes = Attributes::of_class(95);
        assert_eq!(attributes.name(), "15 px long, 3 px wide, blue, 165°");
    }

    #[test]
    fn directions_are_cosine_and_sine() {
        for (angle, (cos, sin)) in ANGLES.iter().zip(DIRECTIONS) {
            let radians = f64::from(*angle).to_radians();
            assert!((cos - radians.cos()).abs() < 1e-15 && (sin - radians.sin()).abs() < 1e-15, "{angle}");
        }
    }

    #[test]
    fn every_line_lies_whole_inside_the_frame_and_reaches_its_edges() {
        let mut nearest = f64::INFINITY;
        for sample in samples(11, 960) {
            let (cos, sin) = DIRECTIONS[sample.attributes.angle];
            let (half_length, half_width) =
                (LENGTHS[sample.attributes.length] / 2.0, WIDTHS[sample.attributes.width] / 2.0);
            for (along, across) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                let x = sample.centre.0 + along * half_length * cos - across * half_width * sin;
                let y = sample.centre.1 - along * half_length * sin - across * half_width * cos;
                let margin = x.min(y).min(28.0 - x).min(28.0 - y);
                assert!(margin >= -1e-12, "{}: {margin}", sample.attributes.name());
                nearest = nearest.min(margin);
            }
        }
        assert!(nearest < 0.05, "positions must use the whole frame: {nearest}");
    }

    #[test]
    fn the_bytes_are_pinned() {
        let digest = samples(1, 192).fold(0u64, |hash, sample| {
            sample.image.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
        });
        assert_eq!(digest, 3_097_779_216_506_612_909, "FNV-1a of the first 192 images of seed 1");
    }

    #[test]
    fn a_sample_does_not_depend_on_the_others() {
        let all: Vec<Sample> = samples(3, 200).collect();
        assert_eq!(all[199], sample(3, 199 % CLASSES, 199 / CLASSES));
        assert_ne!(sample(3, 5, 0).centre, sample(4, 5, 0).centre);
    }
}
