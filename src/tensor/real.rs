//! The two scalar types that gradients are computed in.

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::NdFloat;

/// `f32` for speed, `f64` for proofs. Everything in `backprop` is generic over the two.
pub trait Real: NdFloat + 'static {
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The value as `f64`, exactly.
    fn to_f64(self) -> f64;

    /// A network's constant in this type; `f32` shares it, `f64` converts it.
    fn constant(values: &Arc<Vec<f32>>) -> Arc<Vec<Self>>;

    /// A network's weights in this type; `f32` borrows them.
    fn weights(values: &[f32]) -> Cow<'_, [Self]>;

    /// The error function 2/√π ∫₀ˣ exp(−t²) dt, within 2e-7 for `f32` and 1e-15 for `f64`.
    fn error_function(self) -> Self;
}

impl Real for f32 {
    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn constant(values: &Arc<Vec<f32>>) -> Arc<Vec<f32>> {
        values.clone()
    }

    fn weights(values: &[f32]) -> Cow<'_, [f32]> {
        Cow::Borrowed(values)
    }

    /// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
    fn error_function(self) -> f32 {
        let x = self.abs();
        let t = 1.0 / (1.0 + 0.3275911 * x);
        let polynomial = t * (0.2548296 + t * (-0.28449674 + t * (1.4214138 + t * (-1.4531521 + t * 1.0614054))));
        (1.0 - polynomial * (-x * x).exp()).copysign(self)
    }
}

impl Real for f64 {
    fn from_f64(value: f64) -> f64 {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    fn constant(values: &Arc<Vec<f32>>) -> Arc<Vec<f64>> {
        Arc::new(values.iter().map(|&x| f64::from(x)).collect())
    }

    fn weights(values: &[f32]) -> Cow<'_, [f64]> {
        Cow::Owned(values.iter().map(|&x| f64::from(x)).collect())
    }

    /// Below 3 the series 7.1.6 of Abramowitz and Stegun, whose terms are all positive; above it the continued
    /// fraction 7.1.14, which converges fast there.
    fn error_function(self) -> f64 {
        let x = self.abs();
        if x.is_nan() {
            return self;
        }
        let gauss = (-x * x).exp();
        let value = if x < 3.0 {
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while term > sum * 1e-17 {
                n += 1.0;
                term *= 2.0 * x * x / (2.0 * n + 1.0);
                sum += term;
            }
            std::f64::consts::FRAC_2_SQRT_PI * gauss * sum
        } else {
            let fraction = (1..=60).rev().fold(x, |tail, n| x + 0.5 * f64::from(n) / tail);
            1.0 - gauss / (fraction * std::f64::consts::PI.sqrt())
        };
        value.copysign(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_has_its_tabulated_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, expected) in [(0.0, 0.0), (0.5, 0.5204998778), (1.0, 0.8427007929), (2.0, 0.9953222650)] {
            assert!((f64::error_function(x) - expected).abs() < 1e-10);
            assert!((f64::error_function(-x) + expected).abs() < 1e-10);
            assert!((f32::error_function(x as f32) - expected as f32).abs() < 3e-7);
        }
        assert_eq!((f64::error_function(40.0), f32::error_function(-40.0)), (1.0, -1.0));
    }

    #[test]
    fn erf_is_smooth_where_series_and_fraction_meet() {
        let (below, above) = (f64::error_function(3.0 - 1e-9), f64::error_function(3.0 + 1e-9));
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-9f64).exp();
        assert!((above - below - 2e-9 * slope).abs() < 1e-15);
    }
}
