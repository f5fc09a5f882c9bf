//! The energy-based pointing game (Wang et al. 2020, Score-CAM, 1910.01279): the share of a map's energy that falls on
//! the object, beside the object's share of the area. Their quotient, the *lift*, is 1 for a map that knows nothing.

use crate::measure::{positive, quotient};
use ndarray::ArrayView2;
use serde::Serialize;

/// Where a map's energy lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Energy {
    /// Σ map inside the mask / Σ map, in [0, 1]; an empty map counts as chance, that is `area`.
    pub share: f64,
    /// The mask's share of the area, in [0, 1]: what a uniform map gets.
    pub area: f64,
    /// share / area, in [0, 1/area]; 1 for uniform and for empty maps, and for a mask without area.
    pub lift: f64,
    /// True when the map has no positive value.
    pub empty: bool,
}

/// The energy of `map` on `mask`, both [height, width].
pub fn energy(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>) -> Energy {
    let (mut inside, mut total, mut covered) = (0.0, 0.0, 0usize);
    for (&value, &on) in map.iter().zip(mask.iter()) {
        let value = positive(value);
        total += value;
        if on {
            inside += value;
            covered += 1;
        }
    }
    let area = quotient(covered as f64, mask.len() as f64, 0.0);
    let share = quotient(inside, total, area);
    Energy { share, area, lift: quotient(share, area, 1.0), empty: total <= 0.0 }
}

/// The mask grown by `radius` pixels in all eight directions: "in and around" an object.
pub fn dilated(mask: ArrayView2<'_, bool>, radius: usize) -> ndarray::Array2<bool> {
    let (rows, columns) = mask.dim();
    let reach = |at: usize, size: usize| at.saturating_sub(radius)..(at + radius + 1).min(size);
    ndarray::Array2::from_shape_fn((rows, columns), |(r, c)| {
        reach(r, rows).any(|i| reach(c, columns).any(|j| mask[[i, j]]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn share_area_and_lift_by_hand() {
        let map = array![[3.0f32, 1.0], [0.0, -5.0]];
        let mask = array![[true, false], [false, false]];
        let energy = energy(map.view(), mask.view());
        assert_eq!(energy, Energy { share: 0.75, area: 0.25, lift: 3.0, empty: false });
    }

    #[test]
    fn uniform_maps_are_at_chance_exactly() {
        let mask = Array2::from_shape_fn((28, 28), |(r, c)| r * 5 + c < 31);
        for value in [0.1f32, 1.0, 3.3e-5] {
            assert_eq!(energy(Array2::from_elem((28, 28), value).view(), mask.view()).lift, 1.0);
        }
    }

    #[test]
    fn a_perfect_map_has_all_its_energy_inside() {
        let mask = Array2::from_shape_fn((28, 28), |(r, _)| r == 3);
        let map = mask.mapv(|on| if on { 0.7f32 } else { 0.0 });
        let energy = energy(map.view(), mask.view());
        assert_eq!((energy.share, energy.lift), (1.0, 28.0));
    }

    #[test]
    fn empty_maps_and_masks_are_chance() {
        let mask = array![[true, false]];
        for map in [array![[0.0f32, 0.0]], array![[-1.0, -2.0]], array![[f32::NAN, f32::INFINITY]]] {
            assert_eq!(energy(map.view(), mask.view()), Energy { share: 0.5, area: 0.5, lift: 1.0, empty: true });
        }
        assert_eq!(energy(array![[1.0f32, 2.0]].view(), array![[false, false]].view()).lift, 1.0);
        assert_eq!(energy(Array2::zeros((0, 0)).view(), Array2::from_elem((0, 0), true).view()).lift, 1.0);
    }

    #[test]
    fn dilation_grows_by_the_radius() {
        let mask = Array2::from_shape_fn((5, 5), |at| at == (0, 2));
        let grown = dilated(mask.view(), 1);
        assert_eq!(grown.iter().filter(|on| **on).count(), 6);
        assert!(grown[[1, 1]] && grown[[1, 3]] && !grown[[2, 2]]);
        assert_eq!(dilated(mask.view(), 0), mask);
    }
}
