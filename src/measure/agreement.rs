//! Agreement of the heads of one network: how much their maps for one image differ.

use crate::measure::similarity::{centre_distance, pearson};
use crate::measure::{mean, positive};
use ndarray::ArrayView2;
use serde::Serialize;

/// Means over the pairs of heads whose maps are both not empty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// 1 − Pearson's correlation, in [0, 2]: 0 for maps that are the same up to scale; `None` if every pair has an
    /// empty map.
    pub difference: Option<f64>,
    /// The distance between the centres of mass in pixels; `None` likewise.
    pub distance: Option<f64>,
    /// Pairs of maps.
    pub pairs: usize,
    /// Pairs left out because a map is empty.
    pub empty_pairs: usize,
}

/// Compares the maps of all heads for one image, pair by pair.
pub fn agreement(maps: &[ArrayView2<'_, f32>]) -> Agreement {
    let (mut differences, mut distances) = (Vec::new(), Vec::new());
    let (mut pairs, mut empty_pairs) = (0, 0);
    let empty: Vec<bool> = maps.iter().map(|map| map.iter().all(|&v| positive(v) == 0.0)).collect();
    for (i, a) in maps.iter().enumerate() {
        for (j, b) in maps.iter().enumerate().skip(i + 1) {
            pairs += 1;
            if empty[i] || empty[j] {
                empty_pairs += 1;
                continue;
            }
            differences.push(difference(*a, *b));
            distances.extend(centre_distance(*a, *b));
        }
    }
    Agreement { difference: mean(&differences), distance: mean(&distances), pairs, empty_pairs }
}

/// 1 − Pearson's correlation; 0 for two constant maps, which are the same up to scale.
fn difference(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> f64 {
    let constant = |map: ArrayView2<'_, f32>| map.iter().all(|v| Some(v) == map.first());
    if constant(a) && constant(b) { 0.0 } else { 1.0 - pearson(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn pairs_by_hand() {
        let a = array![[1.0f32, 0.0], [0.0, 0.0]];
        let b = array![[3.0f32, 0.0], [0.0, 0.0]];
        let c = array![[0.0f32, 0.0], [0.0, 1.0]];
        let agreement = agreement(&[a.view(), b.view(), c.view()]);
        // Pearson of a and c: −1/3; of a and b: 1.
        assert!((agreement.difference.unwrap() - 8.0 / 9.0).abs() < 1e-9, "{agreement:?}");
        assert!((agreement.distance.unwrap() - 2.0 * 2f64.sqrt() / 3.0).abs() < 1e-12);
        assert_eq!((agreement.pairs, agreement.empty_pairs), (3, 0));
    }

    #[test]
    fn empty_maps_are_left_out_and_counted() {
        let a = array![[1.0f32, 0.0]];
        let empty = array![[0.0f32, -1.0]];
        let result = agreement(&[a.view(), empty.view(), a.view()]);
        assert_eq!((result.difference.map(f64::round), result.distance, result.empty_pairs), (Some(0.0), Some(0.0), 2));
        let none = agreement(&[empty.view(), empty.view()]);
        assert_eq!((none.difference, none.distance, none.pairs), (None, None, 1));
        assert_eq!(agreement(&[]).pairs, 0);
    }
}
