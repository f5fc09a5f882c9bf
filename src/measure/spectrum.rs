//! Spatial frequencies of a kernel by its small discrete Fourier transform, and whether they make a pattern.
//!
//! P(u, v) = Σ over input channels of |Σ_xy w(x, y) e^(−2πi(ux/W + vy/H))|². Frequencies come in pairs (u, v), (−u, −v)
//! of equal power, which are one. White noise, the state before training, has power everywhere; measured kernels are
//! always to be compared with it ([`crate::measure::reinitialise`]), for small kernels of noise are not flat by chance.

use crate::measure::quotient;
use ndarray::ArrayView3;
use serde::Serialize;
use std::f64::consts::TAU;

/// What a kernel's spectrum says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spectrum {
    /// The share of the energy outside frequency 0, in [0, 1]: 0 for a flat kernel, which answers to uniform colour,
    /// and for a zero one.
    pub contrast: f64,
    /// 1 − H / ln n, H the entropy of the power over the n frequencies other than 0, in [0, 1]: 1 for a single grating,
    /// 0 for power that is the same everywhere (a single point), and where fewer than two frequencies exist.
    pub concentration: f64,
    /// contrast · concentration: 1 for a pure grating, 0 for a flat kernel and for a single point, low for noise.
    pub pattern: f64,
    /// The mean frequency √(u² + v²), weighted by power, 0 included, in cycles per pixel, in [0, 0.71].
    pub frequency: f64,
}

/// The spectrum of one filter [input channels, height, width].
pub fn spectrum(kernel: ArrayView3<'_, f32>) -> Spectrum {
    let (_, rows, columns) = kernel.dim();
    let (row_waves, column_waves) = (waves(rows), waves(columns));
    let (mut total, mut constant, mut weighted_frequency) = (0.0, 0.0, 0.0);
    let mut powers = Vec::with_capacity(rows * columns / 2 + 2);
    for v in 0..rows {
        for u in 0..columns {
            // Of each conjugate pair the first stands for both.
            let twin = ((rows - v) % rows, (columns - u) % columns);
            if twin < (v, u) {
                continue;
            }
            let power = kernel.outer_iter().map(|plane| {
                let (mut re, mut im) = (0.0, 0.0);
                for ((y, x), &w) in plane.indexed_iter() {
                    let ((a, b), (c, d)) = (row_waves[v * y % rows], column_waves[u * x % columns]);
                    re += f64::from(w) * (a * c - b * d);
                    im += f64::from(w) * (a * d + b * c);
                }
                re * re + im * im
            });
            let power = power.sum::<f64>() * if twin == (v, u) { 1.0 } else { 2.0 };
            total += power;
            weighted_frequency += power * folded(v, rows).hypot(folded(u, columns));
            if (v, u) == (0, 0) { constant = power } else { powers.push(power) }
        }
    }
    // Power below the rounding of the sum is none: a flat kernel must not show the pattern of its rounding errors.
    let varying: f64 = powers.iter().filter(|p| **p > 1e-12 * total).sum();
    let entropy: f64 = powers.iter().filter(|p| **p > 1e-12 * total).map(|p| -(p / varying) * (p / varying).ln()).sum();
    let flat = (powers.len() as f64).ln();
    let concentration = if varying > 0.0 { quotient(flat - entropy, flat, 0.0).clamp(0.0, 1.0) } else { 0.0 };
    let contrast = quotient(varying, varying + constant, 0.0);
    Spectrum {
        contrast,
        concentration,
        pattern: contrast * concentration,
        frequency: quotient(weighted_frequency, total, 0.0),
    }
}

/// e^(−2πi k/n) for k = 0..n as (cosine, sine).
fn waves(n: usize) -> Vec<(f64, f64)> {
    (0..n).map(|k| (-TAU * k as f64 / n as f64).sin_cos()).map(|(sin, cos)| (cos, sin)).collect()
}

/// Frequency k of n in cycles per pixel, in [0, 0.5].
fn folded(k: usize, n: usize) -> f64 {
    k.min(n - k) as f64 / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use ndarray::Array3;

    fn grating(cycles: usize) -> Array3<f32> {
        Array3::from_shape_fn((2, 7, 7), |(_, _, x)| (TAU * (cycles * x) as f64 / 7.0).cos() as f32)
    }

    #[test]
    fn a_grating_is_one_frequency() {
        let spectrum = spectrum(grating(2).view());
        assert!((spectrum.pattern - 1.0).abs() < 1e-9, "{spectrum:?}");
        assert!((spectrum.frequency - 2.0 / 7.0).abs() < 1e-6);
    }

    #[test]
    fn flat_zero_and_single_points_are_no_pattern() {
        for value in [0.0f32, 0.7] {
            let flat = spectrum(Array3::from_elem((3, 5, 5), value).view());
            assert_eq!((flat.contrast, flat.pattern, flat.frequency.round()), (0.0, 0.0, 0.0), "{flat:?}");
        }
        let mut point = Array3::<f32>::zeros((1, 7, 7));
        point[[0, 3, 3]] = 2.0;
        let point = spectrum(point.view());
        // Equal power at all 49 frequencies: 24 pairs share 48/49 of it.
        assert!((point.contrast - 48.0 / 49.0).abs() < 1e-9 && point.concentration < 1e-9, "{point:?}");
        assert_eq!(spectrum(Array3::from_elem((4, 1, 1), 2.0).view()).pattern, 0.0);
        assert_eq!(spectrum(Array3::zeros((0, 3, 3)).view()).pattern, 0.0);
        assert!(!spectrum(Array3::from_elem((1, 3, 3), f32::NAN).view()).pattern.is_nan());
    }

    #[test]
    fn power_is_parseval_s_by_hand() {
        // (1, 0; 0, 0): power 1 at each of the four frequencies, all their own twins.
        let mut kernel = Array3::<f32>::zeros((1, 2, 2));
        kernel[[0, 0, 0]] = 1.0;
        let spectrum = spectrum(kernel.view());
        assert!((spectrum.contrast - 0.75).abs() < 1e-12);
        assert!((spectrum.frequency - (0.5 + 0.5 + 0.5f64.sqrt()) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn noise_lies_far_below_a_grating() {
        let mut random = Random::new(1, 0);
        let mean = (0..50)
            .map(|_| spectrum(Array3::from_shape_fn((3, 7, 7), |_| random.normal() as f32).view()).pattern)
            .sum::<f64>()
            / 50.0;
        assert!(mean > 0.01 && mean < 0.2, "{mean}");
    }
}
