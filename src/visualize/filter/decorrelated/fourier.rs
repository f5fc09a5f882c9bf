//! Images made of waves: every coefficient belongs to one spatial frequency, and slow waves count for more, as in natural
//! images (C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", Distill 2017, "Preconditioning").

use std::f64::consts::TAU;

use crate::tensor::gemm::{Matrix, gemm};

/// The map from coefficients to planes, both [channels, height, width].
///
/// Waves are Hartley's real form of Fourier's, cos + sin (R. Bracewell 1983): along an axis of n pixels
/// cas(2πkx/n) / √n, k = 0..n, a matrix that is orthogonal and symmetric, so that the map is its own adjoint but for the
/// weights. Those are 1/(√8 · f), f = √(u² + v²) the frequency in cycles a pixel and at least one cycle a side: Lucid's
/// scale, where a quarter of √2 is what a coefficient and its conjugate add up to.
pub struct Fourier {
    height: usize,
    width: usize,
    /// [height, height] and [width, width].
    vertical: Vec<f32>,
    horizontal: Vec<f32>,
    /// [height, width].
    weights: Vec<f32>,
}

impl Fourier {
    /// The map for images of this size.
    pub fn new(height: usize, width: usize) -> Fourier {
        let slowest = 1.0 / height.max(width).max(1) as f64;
        let frequency = |k: usize, n: usize| k.min(n - k) as f64 / n as f64;
        let weight = |i: usize| {
            let f = frequency(i / width, height).hypot(frequency(i % width, width));
            (1.0 / (8f64.sqrt() * f.max(slowest))) as f32
        };
        Fourier {
            height,
            width,
            vertical: waves(height),
            horizontal: waves(width),
            weights: (0..height * width).map(weight).collect(),
        }
    }

    /// The planes that these coefficients make.
    pub fn planes(&self, coefficients: &[f32]) -> Vec<f32> {
        self.transformed(&self.weighted(coefficients))
    }

    /// The adjoint of [`Fourier::planes`]: a gradient of planes as one of coefficients.
    pub fn adjoint(&self, planes: &[f32]) -> Vec<f32> {
        self.weighted(&self.transformed(planes))
    }

    fn weighted(&self, planes: &[f32]) -> Vec<f32> {
        planes.iter().zip(self.weights.iter().cycle()).map(|(value, weight)| value * weight).collect()
    }

    /// vertical · plane · horizontal for every plane.
    fn transformed(&self, planes: &[f32]) -> Vec<f32> {
        let (h, w) = (self.height, self.width);
        let channels = planes.len() / self.weights.len().max(1);
        let mut rows = vec![0.0; planes.len()];
        gemm(
            Matrix::row_major(&mut rows[..], channels * h, w),
            Matrix::row_major(planes, channels * h, w),
            Matrix::row_major(&self.horizontal[..], w, w),
            false,
        );
        let mut transformed = vec![0.0; planes.len()];
        for (out, plane) in transformed.chunks_exact_mut((h * w).max(1)).zip(rows.chunks_exact((h * w).max(1))) {
            let waves = Matrix::row_major(&self.vertical[..], h, h);
            gemm(Matrix::row_major(out, h, w), waves, Matrix::row_major(plane, h, w), false);
        }
        transformed
    }
}

/// The matrix cas(2πkx/n) / √n.
fn waves(n: usize) -> Vec<f32> {
    let norm = (n as f64).sqrt();
    let wave = |i: usize| {
        // Reduced to one period in whole numbers, which keeps the fast waves exact.
        let (sin, cos) = (TAU * ((i / n) * (i % n) % n) as f64 / n as f64).sin_cos();
        ((cos + sin) / norm) as f32
    };
    (0..n * n).map(wave).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::visualize::filter::decorrelated::inner;

    fn noise(n: usize, stream: u64) -> Vec<f32> {
        let mut random = Random::new(8, stream);
        (0..n).map(|_| random.normal() as f32).collect()
    }

    #[test]
    fn the_adjoint_is_one() {
        for (channels, height, width) in [(1, 4, 4), (3, 7, 12), (2, 1, 5), (3, 28, 28)] {
            let fourier = Fourier::new(height, width);
            let (x, y) = (noise(channels * height * width, 0), noise(channels * height * width, 1));
            let (left, right) = (inner(&fourier.planes(&x), &y), inner(&x, &fourier.adjoint(&y)));
            assert!((left - right).abs() < 1e-4 * (1.0 + left.abs()), "{left} {right}");
        }
    }

    #[test]
    fn waves_are_orthonormal() {
        let n = 6;
        let waves = waves(n);
        for a in 0..n {
            for b in 0..n {
                let product = inner(&waves[a * n..][..n], &waves[b * n..][..n]);
                assert!((product - f64::from(u8::from(a == b))).abs() < 1e-6, "{a} {b}: {product}");
            }
        }
    }

    #[test]
    fn a_coefficient_is_a_wave_of_its_frequency_and_weight() {
        // Row 1 of 4, column 0 of 8: one cycle down the image, f = 1/4; its weight 4/√8 is spread by 1/√32.
        let fourier = Fourier::new(4, 8);
        let mut coefficients = vec![0.0; 32];
        coefficients[8] = 1.0;
        let plane = fourier.planes(&coefficients);
        for (y, wave) in [1.0, 1.0, -1.0, -1.0].into_iter().enumerate() {
            for x in 0..8 {
                assert!((plane[y * 8 + x] - wave * 0.25).abs() < 1e-6, "{y} {x}: {}", plane[y * 8 + x]);
            }
        }
        // The mean colour counts as the slowest wave, an eighth; the fastest of all, (1/2, 1/2), least.
        assert!((fourier.weights[0] - 8.0 / 8f32.sqrt()).abs() < 1e-6);
        assert!((fourier.weights[2 * 8 + 4] - 0.5).abs() < 1e-6);
    }
}
