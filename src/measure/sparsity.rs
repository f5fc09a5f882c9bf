//! Sparsity of activations: how few positions carry how much.

use crate::measure::quotient;
use ndarray::ArrayView3;

/// Hoyer's sparsity (2004): (√n − ‖x‖₁/‖x‖₂) / (√n − 1) of n values, in [0, 1]: 1 for a single non-zero value, 0 where
/// all are equal in size, which includes all zero and a single value.
pub fn hoyer(values: impl Iterator<Item = f32>) -> f64 {
    let (mut n, mut absolute, mut squares) = (0.0f64, 0.0, 0.0);
    for value in values.map(f64::from) {
        n += 1.0;
        absolute += value.abs();
        squares += value * value;
    }
    let root = n.sqrt();
    quotient(root - quotient(absolute, squares.sqrt(), root), root - 1.0, 0.0).clamp(0.0, 1.0)
}

/// The share of values that are exactly zero, as ReLU leaves them, in [0, 1]; 0 of no values.
pub fn share_of_zeros(values: impl Iterator<Item = f32>) -> f64 {
    let (mut n, mut zeros) = (0usize, 0usize);
    for value in values {
        n += 1;
        zeros += usize::from(value == 0.0);
    }
    quotient(zeros as f64, n as f64, 0.0)
}

/// Channels of an activation [C, H, W] whose values are not all the same: the others show an empty tile.
pub fn live_channels(activation: ArrayView3<'_, f32>) -> usize {
    let alive = |channel: ndarray::ArrayView2<'_, f32>| channel.first().is_some_and(|f| channel.iter().any(|v| v != f));
    activation.outer_iter().filter(|channel| alive(*channel)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn hoyer_by_hand_and_at_its_limits() {
        let of = |values: &[f32]| hoyer(values.iter().copied());
        // (2 − 7/5) / 1
        assert!((of(&[3.0, 4.0, 0.0, 0.0]) - 0.6).abs() < 1e-12);
        assert_eq!(of(&[0.0, -9.0, 0.0, 0.0]), 1.0);
        assert!(of(&[0.3; 49]) < 1e-12);
        assert_eq!((of(&[0.0; 5]), of(&[2.0]), of(&[])), (0.0, 0.0, 0.0));
        assert!(!of(&[f32::NAN, 1.0]).is_nan());
    }

    #[test]
    fn zeros_are_counted() {
        assert_eq!(share_of_zeros([0.0f32, -0.0, 1.0, 2.0].into_iter()), 0.5);
        assert_eq!(share_of_zeros(std::iter::empty()), 0.0);
    }

    #[test]
    fn a_constant_channel_is_not_alive() {
        let activation = Array3::from_shape_fn((3, 2, 2), |(k, r, _)| if k == 1 { r as f32 } else { k as f32 });
        assert_eq!(live_channels(activation.view()), 1);
    }
}
