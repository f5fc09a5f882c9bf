//! Colour maps as functions from [0, 1] to sRGB.
//!
//! Viridis and inferno (S. van der Walt and N. Smith, 2015) are evaluated from Chebyshev series that we fitted by least
//! squares; the diverging map is built in OKLab (B. Ottosson, 2020), so that equal steps away from zero look equal.

use std::array;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::figure::LEVELS;

/// A named colour map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colormap {
    /// Perceptually uniform, dark violet to yellow: activations.
    #[default]
    Viridis,
    /// Perceptually uniform, black over red to pale yellow: class activation maps.
    Inferno,
    /// Blue over near white to red, centred on 0.5: signed values such as kernels.
    Diverging,
    /// Black to white.
    Grey,
    /// The rainbow of the original chapter; not uniform, so only on request.
    Jet,
}

/// Degree of the Chebyshev series plus one.
const TERMS: usize = 9;

/// Within 2/255 of the published table.
const VIRIDIS: [[f32; TERMS]; 3] = [
    [0.40882, 0.29915, 0.25526, 0.08113, -0.03283, -0.01858, -0.00137, 0.00812, 0.00268],
    [0.51869, 0.45467, -0.05743, -0.00485, -0.00854, 0.00075, 0.00206, 0.00083, -0.00044],
    [0.37601, -0.14694, -0.17042, 0.0209, 0.0151, 0.02853, 0.01501, 0.00443, 0.00457],
];

/// Within 6/255 of the published table.
const INFERNO: [[f32; TERMS]; 3] = [
    [0.59077, 0.53135, -0.13225, -0.05111, 0.02037, 0.00778, 0.01396, -0.00003, 0.00358],
    [0.37664, 0.50087, 0.14512, 0.00752, -0.02003, -0.00517, -0.0072, 0.00585, -0.00259],
    [0.28075, 0.10644, 0.00616, 0.2293, 0.04998, -0.00424, -0.01093, -0.02561, 0.00074],
];

impl Colormap {
    /// The map's name as the chapter file spells it.
    pub fn name(self) -> &'static str {
        match self {
            Colormap::Viridis => "viridis",
            Colormap::Inferno => "inferno",
            Colormap::Diverging => "diverging",
            Colormap::Grey => "grey",
            Colormap::Jet => "jet",
        }
    }

    /// The colour at `position`, clamped to [0, 1] and rounded to one of 255 levels, which lets a picture be stored
    /// with a palette. A position that is no number counts as 0.
    pub fn colour(self, position: f32) -> [u8; 3] {
        // One row of colours for each map, as a picture has a hundred thousand pixels.
        static ROWS: [OnceLock<[[u8; 3]; LEVELS]>; 5] = [const { OnceLock::new() }; 5];
        let steps = (LEVELS - 1) as f32;
        let row =
            ROWS.get(self as usize).map(|row| row.get_or_init(|| array::from_fn(|i| self.exact(i as f32 / steps))));
        // The cast takes a position that is no number for 0.
        let level = (position.clamp(0.0, 1.0) * steps + 0.5) as usize;
        row.and_then(|row| row.get(level)).copied().unwrap_or_default()
    }

    /// The colour at `t` in [0, 1].
    fn exact(self, t: f32) -> [u8; 3] {
        let rgb = match self {
            Colormap::Viridis => VIRIDIS.map(|series| chebyshev(&series, t)),
            Colormap::Inferno => INFERNO.map(|series| chebyshev(&series, t)),
            Colormap::Diverging => diverging(t),
            Colormap::Grey => [t; 3],
            Colormap::Jet => [3.0, 2.0, 1.0].map(|peak: f32| 1.5 - (4.0 * t - peak).abs()),
        };
        rgb.map(|channel| (channel.clamp(0.0, 1.0) * 255.0).round() as u8)
    }
}

/// Σ cₖ Tₖ(2t − 1) by Clenshaw's recurrence.
fn chebyshev(coefficients: &[f32; TERMS], t: f32) -> f32 {
    let x = 2.0 * t - 1.0;
    let (mut next, mut after) = (0.0, 0.0);
    for &c in coefficients.iter().skip(1).rev() {
        (next, after) = (2.0 * x * next - after + c, next);
    }
    x * next - after + coefficients[0]
}

/// Lightness falls and chroma grows evenly with the distance from the middle, at one hue for each sign.
fn diverging(t: f32) -> [f32; 3] {
    let distance = (2.0 * t - 1.0).abs();
    let hue: f32 = if t < 0.5 { 255.0 } else { 28.0 };
    let (sine, cosine) = hue.to_radians().sin_cos();
    let (lightness, chroma) = (0.97 - 0.5 * distance, 0.17 * distance);
    oklab_to_srgb(lightness, chroma * cosine, chroma * sine)
}

/// Ottosson's two matrices and the sRGB transfer function; results may lie a little outside [0, 1].
fn oklab_to_srgb(lightness: f32, a: f32, b: f32) -> [f32; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
    .map(|linear| if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: [u8; 3], wanted: [u8; 3], tolerance: u8) {
        assert!(found.iter().zip(wanted).all(|(f, w)| f.abs_diff(w) <= tolerance), "{found:?} is not {wanted:?}");
    }

    #[test]
    fn viridis_and_inferno_pass_through_the_published_colours() {
        for (t, rgb) in [(0.0, [68, 1, 84]), (0.25, [59, 82, 139]), (0.5, [33, 145, 140]), (1.0, [253, 231, 37])] {
            near(Colormap::Viridis.colour(t), rgb, 3);
        }
        for (t, rgb) in [(0.0, [0, 0, 4]), (0.25, [87, 16, 110]), (0.5, [188, 55, 84]), (1.0, [252, 255, 164])] {
            near(Colormap::Inferno.colour(t), rgb, 6);
        }
    }

    #[test]
    fn lightness_rises_evenly_where_that_is_promised() {
        let luminance = |[r, g, b]: [u8; 3]| 0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b);
        for map in [Colormap::Viridis, Colormap::Inferno, Colormap::Grey] {
            let values: Vec<f32> = (0..=16).map(|i| luminance(map.colour(i as f32 / 16.0))).collect();
            assert!(values.windows(2).all(|pair| pair[1] > pair[0]), "{map:?}: {values:?}");
        }
    }

    #[test]
    fn the_diverging_map_is_neutral_in_the_middle_and_as_dark_at_both_ends() {
        let [r, g, b] = Colormap::Diverging.colour(0.5);
        assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1 && r > 235);
        let (low, high) = (Colormap::Diverging.colour(0.0), Colormap::Diverging.colour(1.0));
        assert!(low[2] > low[0] + 60 && high[0] > high[2] + 60, "{low:?} {high:?}");
    }

    #[test]
    fn jet_is_the_familiar_rainbow() {
        assert_eq!(Colormap::Jet.colour(0.0), [0, 0, 128]);
        near(Colormap::Jet.colour(0.5), [128, 255, 128], 2);
        assert_eq!(Colormap::Jet.colour(1.0), [128, 0, 0]);
    }

    #[test]
    fn positions_outside_and_no_numbers_are_clamped() {
        for map in [Colormap::Viridis, Colormap::Inferno, Colormap::Diverging, Colormap::Grey, Colormap::Jet] {
            assert_eq!(map.colour(-3.0), map.colour(0.0));
            assert_eq!(map.colour(f32::INFINITY), map.colour(1.0));
            assert_eq!(map.colour(f32::NAN), map.colour(0.0));
        }
    }
}
