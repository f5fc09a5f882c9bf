//! The pointing game (Zhang et al. 2016, 1608.00507): does the map's maximum lie on the object?

use crate::measure::{positive, quotient};
use ndarray::ArrayView2;

/// The hit in [0, 1]: the share of the map's maximal pixels that lie on the mask, so that ties are settled without
/// luck. A single maximum gives 0 or 1; a uniform or empty map gives the mask's share of the area, which is chance. The
/// original's tolerance of some pixels is a mask grown by [`crate::measure::energy::dilated`].
pub fn pointing(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>) -> f64 {
    let peak = map.iter().map(|&v| positive(v)).fold(0.0, f64::max);
    let (mut hits, mut maxima) = (0usize, 0usize);
    for (&value, &on) in map.iter().zip(mask.iter()) {
        if positive(value) == peak {
            maxima += 1;
            hits += usize::from(on);
        }
    }
    quotient(hits as f64, maxima as f64, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn the_maximum_decides() {
        let mask = array![[false, true], [false, false]];
        assert_eq!(pointing(array![[0.1f32, 0.9], [0.8, 0.0]].view(), mask.view()), 1.0);
        assert_eq!(pointing(array![[0.9f32, 0.1], [0.8, 0.0]].view(), mask.view()), 0.0);
        assert_eq!(pointing(array![[0.9f32, 0.9], [0.8, 0.0]].view(), mask.view()), 0.5);
    }

    #[test]
    fn uniform_and_empty_maps_are_at_chance_exactly() {
        let mask = array![[false, true], [false, false]];
        for value in [0.3f32, 0.0, -1.0, f32::NAN] {
            assert_eq!(pointing(Array2::from_elem((2, 2), value).view(), mask.view()), 0.25);
        }
        assert_eq!(pointing(Array2::zeros((0, 0)).view(), Array2::from_elem((0, 0), true).view()), 0.0);
    }
}
