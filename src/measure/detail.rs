//! Detail of activations: over how much of the picture something changes.

use crate::measure::quotient;
use ndarray::{ArrayView2, ArrayView3};

/// The effective share of positions at which the map changes, in [0, 1]: exp(H) / n, H the entropy of the gradient's
/// magnitude √(dx² + dy²) (differences to the right and below, n = (h−1)·(w−1) positions) taken as a distribution over
/// positions. One step at one place gives 1/n; equal change everywhere 1; a constant map 0. The measure does not depend
/// on the scale of the values, and little on the size of the map.
pub fn detail(map: ArrayView2<'_, f32>) -> f64 {
    let (rows, columns) = map.dim();
    let (mut total, mut weighted, mut n) = (0.0, 0.0, 0usize);
    for r in 1..rows {
        for c in 1..columns {
            let here = f64::from(map[[r - 1, c - 1]]);
            let change = (f64::from(map[[r - 1, c]]) - here).hypot(f64::from(map[[r, c - 1]]) - here);
            n += 1;
            if change > 0.0 && change.is_finite() {
                total += change;
                weighted += change * change.ln();
            }
        }
    }
    // H = ln Σ − Σ m ln m / Σ
    if total > 0.0 { quotient((total.ln() - weighted / total).exp(), n as f64, 0.0).clamp(0.0, 1.0) } else { 0.0 }
}

/// The mean detail of the channels of an activation [C, H, W]; dead channels count with 0, no channels give 0.
pub fn activation_detail(activation: ArrayView3<'_, f32>) -> f64 {
    let total: f64 = activation.outer_iter().map(detail).sum();
    quotient(total, activation.shape()[0] as f64, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array3, array};

    #[test]
    fn by_hand() {
        // 2×2 positions; the bright corner pixel is no one's right or lower neighbour but its own: change only at its
        // own place.
        assert_eq!(detail(array![[5.0f32, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]].view()), 0.25);
        // A ramp changes alike everywhere.
        let ramp = Array2::from_shape_fn((5, 7), |(r, c)| (r + 2 * c) as f32);
        assert!((detail(ramp.view()) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn limits() {
        for value in [0.0f32, 2.0, f32::NAN] {
            assert_eq!(detail(Array2::from_elem((6, 6), value).view()), 0.0);
        }
        assert_eq!(detail(Array2::zeros((1, 9)).view()), 0.0);
        assert_eq!(activation_detail(Array3::zeros((0, 3, 3)).view()), 0.0);
    }

    #[test]
    fn scale_does_not_matter_and_dead_channels_count() {
        let map = Array2::from_shape_fn((8, 8), |(r, c)| ((r * 5 + c * 3) % 7) as f32);
        assert!((detail(map.view()) - detail(map.mapv(|v| 1000.0 * v).view())).abs() < 1e-9);
        let mut activation = Array3::zeros((2, 8, 8));
        activation.index_axis_mut(ndarray::Axis(0), 0).assign(&map);
        assert!((activation_detail(activation.view()) - detail(map.view()) / 2.0).abs() < 1e-12);
    }
}
