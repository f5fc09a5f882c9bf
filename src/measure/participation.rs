//! How many inputs a filter combines: the participation ratio of the energies of its kernels.

use ndarray::ArrayView3;

/// (Σ e)² / Σ e² of non-negative energies, in [1, n]: n if all are equal, 1 if one has all, m if m are equal and the
/// rest zero. 0 where all are zero: such a filter combines nothing.
pub fn participation_ratio(energies: &[f64]) -> f64 {
    let sum: f64 = energies.iter().sum();
    let squares: f64 = energies.iter().map(|e| e * e).sum();
    crate::measure::quotient(sum * sum, squares, 0.0)
}

/// The participation ratio of one filter [input channels, height, width], its kernels' energies being their squared
/// norms.
pub fn of_filter(filter: ArrayView3<'_, f32>) -> f64 {
    let energies: Vec<f64> =
        filter.outer_iter().map(|kernel| kernel.iter().map(|&w| f64::from(w).powi(2)).sum()).collect();
    participation_ratio(&energies)
}

/// How selective a filter of `inputs` channels is in what it combines: (n − ratio) / (n − 1) in [0, 1]: 1 if it reads
/// one channel only, 0 if all alike; 0 too where it reads nothing or has but one input.
pub fn selectivity(ratio: f64, inputs: usize) -> f64 {
    let n = inputs as f64;
    if ratio > 0.0 { crate::measure::quotient(n - ratio, n - 1.0, 0.0).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn by_hand_and_at_its_limits() {
        assert_eq!(participation_ratio(&[3.0, 1.0]), 1.6);
        assert_eq!(participation_ratio(&[2.0; 8]), 8.0);
        assert_eq!(participation_ratio(&[0.0, 5.0, 0.0]), 1.0);
        assert_eq!((participation_ratio(&[0.0; 4]), participation_ratio(&[])), (0.0, 0.0));
        assert_eq!(
            (selectivity(8.0, 8), selectivity(1.0, 8), selectivity(0.0, 8), selectivity(1.0, 1)),
            (0.0, 1.0, 0.0, 0.0)
        );
    }

    #[test]
    fn of_a_filter() {
        // Energies 4·1 and 4·4: 20² / (16 + 256).
        let filter = Array3::from_shape_fn((2, 2, 2), |(k, _, _)| if k == 0 { -1.0 } else { 2.0 });
        assert!((of_filter(filter.view()) - 400.0 / 272.0).abs() < 1e-12);
    }
}
