//! Maps and numbers drawn as self-contained SVG documents: pixels as embedded PNG that is never blurred, text as text,
//! colours that follow the reader's light or dark preference.
//!
//! Every function is pure: arrays and numbers in, a [`Picture`] out, the same bytes for the same input.

pub mod chart;
pub mod colormap;
pub mod flow;
pub mod frame;
pub mod grid;
pub mod heat;
mod lines;
pub mod pairs;
mod palette;
pub mod panel;
mod raster;
pub mod svg;

pub use colormap::Colormap;

/// One drawn figure: an SVG document and its natural size in CSS pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The complete SVG document.
    pub svg: String,
    /// Natural width in CSS pixels.
    pub width: u32,
    /// Natural height in CSS pixels.
    pub height: u32,
}

pub use crate::tensor::range::range;

/// Width of the page's column, in CSS pixels.
pub const COLUMN: usize = 736;

/// The number of colours the largest palette of a map may have, one less than PNG's 256 to leave room for transparency.
const LEVELS: usize = 255;

/// A brightness in [0, 1] as a byte, rounded.
fn byte(brightness: f32) -> u8 {
    // The cast clips and takes no number for 0; `round` would be a call for each pixel.
    (brightness.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

/// Where `value` lies between `low` and `high`, in [0, 1]; the middle when the range is empty, 0 for a value that is no number.
fn fraction(value: f32, (low, high): (f32, f32)) -> f32 {
    if !value.is_finite() {
        0.0
    } else if high > low {
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_ignores_what_is_no_number() {
        assert_eq!(range([f32::NAN, 2.0, -1.0, f32::INFINITY]), Some((-1.0, 2.0)));
        assert_eq!(range([f32::NAN]), None);
    }

    #[test]
    fn fractions_are_linear_clamped_and_never_nan() {
        assert_eq!(fraction(3.0, (2.0, 4.0)), 0.5);
        assert_eq!(fraction(9.0, (2.0, 4.0)), 1.0);
        assert_eq!(fraction(7.0, (7.0, 7.0)), 0.5);
        assert_eq!(fraction(f32::NAN, (0.0, 1.0)), 0.0);
    }
}
