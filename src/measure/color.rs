//! Hue and saturation of first-layer filters, and how varied the colours of a layer are.
//!
//! The colour of a filter is the colour of the light that excites it: per input channel the sum of the positive
//! weights. Inputs are not negative, so a filter's best input shines just where its weights are positive. Channels that
//! never vary in the data receive no gradient and keep their random start; they are left out.

use crate::measure::quotient;
use ndarray::ArrayView3;
use serde::Serialize;

/// A filter's colour in the hexagon of hues.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Color {
    /// Degrees in [0, 360): red 0, green 120, blue 240; 0 for grey.
    pub hue: f64,
    /// 1 − lowest/highest of the varying channels, in [0, 1]: 0 for grey and for a filter without positive weights.
    pub saturation: f64,
}

/// The colour of a filter [3, height, width] (red, green, blue), judged in the channels that vary. `None` unless the
/// filter has three channels of which at least two vary.
pub fn color(kernel: ArrayView3<'_, f32>, varies: [bool; 3]) -> Option<Color> {
    if kernel.shape()[0] != 3 || varies.iter().filter(|v| **v).count() < 2 {
        return None;
    }
    let mut light: Vec<f64> =
        kernel.outer_iter().map(|plane| plane.iter().map(|&w| crate::measure::positive(w)).sum()).collect();
    let judged = || light.iter().zip(varies).filter(|(_, varies)| *varies).map(|(light, _)| *light);
    let (low, high) = (judged().fold(f64::INFINITY, f64::min), judged().fold(0.0, f64::max));
    // A channel that is not judged must not tint: at the lowest of the others it adds only grey.
    light.iter_mut().zip(varies).filter(|(_, varies)| !varies).for_each(|(light, _)| *light = low);
    let (along, across) = (light[0] - (light[1] + light[2]) / 2.0, (light[1] - light[2]) * 3f64.sqrt() / 2.0);
    let saturation = quotient(high - low, high, 0.0);
    let hue = if saturation > 0.0 { across.atan2(along).to_degrees().rem_euclid(360.0) } else { 0.0 };
    Some(Color { hue, saturation })
}

/// How far each filter's colour lies from the mean colour, as points of the disk of radius 1 with hue as angle and
/// saturation as radius: all 0 for filters of one colour, grey or not; ½ each for two saturated hues 60° apart, 1 for
/// opposite ones. Its mean is the variety of a layer's colours.
pub fn deviations(colors: &[Color]) -> Vec<f64> {
    let points: Vec<(f64, f64)> = colors.iter().map(point).collect();
    let n = points.len() as f64;
    let centre = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    points.iter().map(|p| (p.0 - centre.0).hypot(p.1 - centre.1)).collect()
}

/// The mean hue in degrees [0, 360), weighted by saturation (circular mean), and the length of the mean vector in [0,
/// 1]: 1 if all filters are saturated and of one hue. `None` where the colours cancel out or there are none.
pub fn mean_hue(colors: &[Color]) -> Option<(f64, f64)> {
    let n = colors.len() as f64;
    let (x, y) = colors.iter().map(point).fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
    let length = x.hypot(y);
    (length > 1e-12).then(|| (y.atan2(x).to_degrees().rem_euclid(360.0), length))
}

fn point(color: &Color) -> (f64, f64) {
    let (sin, cos) = color.hue.to_radians().sin_cos();
    (color.saturation * cos, color.saturation * sin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    fn of(light: [f32; 3], varies: [bool; 3]) -> Color {
        color(Array3::from_shape_fn((3, 2, 2), |(k, r, _)| if r == 0 { light[k] } else { -1.0 }).view(), varies)
            .unwrap()
    }

    #[test]
    fn hues_by_hand() {
        let all = [true; 3];
        for (light, hue) in
            [([1.0, 0.0, 0.0], 0.0), ([1.0, 1.0, 0.0], 60.0), ([0.0, 1.0, 0.0], 120.0), ([0.0, 0.0, 1.0], 240.0)]
        {
            let color = of(light, all);
            assert!((color.hue - hue).abs() < 1e-9 && color.saturation == 1.0, "{color:?}");
        }
        assert_eq!(of([2.0, 1.0, 1.0], all).saturation, 0.5);
        assert_eq!(of([0.5, 0.5, 0.5], all), Color { hue: 0.0, saturation: 0.0 });
        assert_eq!(of([-1.0, -1.0, 0.0], all), Color { hue: 0.0, saturation: 0.0 });
    }

    #[test]
    fn channels_that_do_not_vary_do_not_tint() {
        let red_and_blue = [true, false, true];
        let (with, without) = (of([0.8, 5.0, 0.2], red_and_blue), of([0.8, 0.0, 0.2], red_and_blue));
        assert_eq!(with, without);
        assert_eq!((with.hue, with.saturation), (0.0, 0.75));
        let kernel = Array3::from_elem((3, 2, 2), 1.0f32);
        assert_eq!(color(kernel.view(), [true, false, false]), None);
        assert_eq!(color(Array3::zeros((1, 2, 2)).view(), [true; 3]), None);
        assert_eq!(color(Array3::zeros((3, 2, 2)).view(), [true; 3]), Some(Color { hue: 0.0, saturation: 0.0 }));
    }

    #[test]
    fn variety() {
        let red = Color { hue: 0.0, saturation: 1.0 };
        let grey = Color { hue: 0.0, saturation: 0.0 };
        assert!(deviations(&[red; 4]).iter().chain(&deviations(&[grey; 4])).all(|d| *d < 1e-12));
        let opposite = deviations(&[red, Color { hue: 180.0, saturation: 1.0 }]);
        assert!(opposite.iter().all(|d| (d - 1.0).abs() < 1e-12));
        let near = deviations(&[red, Color { hue: 60.0, saturation: 1.0 }]);
        assert!(near.iter().all(|d| (d - 0.5).abs() < 1e-12));
        assert!(deviations(&[]).is_empty());
    }

    #[test]
    fn mean_hues_go_round_the_circle() {
        let at = |hue: f64| Color { hue, saturation: 1.0 };
        let (hue, length) = mean_hue(&[at(350.0), at(30.0)]).unwrap();
        assert!((hue - 10.0).abs() < 1e-9 && (length - 20f64.to_radians().cos()).abs() < 1e-12);
        assert_eq!(mean_hue(&[at(0.0), at(180.0)]), None);
        assert_eq!(mean_hue(&[]), None);
    }
}
