//! Similarity of two maps: Pearson's and Spearman's correlation, and the distance between their centres of mass.

use crate::measure::{positive, quotient};
use ndarray::ArrayView2;

/// Pearson's correlation of all pixels, in [−1, 1]; 0 where one map is constant (nothing varies, so nothing varies
/// together) or holds a number that is not finite.
pub fn pearson(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> f64 {
    let pairs = || a.iter().zip(b.iter()).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    correlation(pairs)
}

/// Spearman's correlation: Pearson's of the ranks, equal values sharing the mean of their ranks; the same limits.
pub fn spearman(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> f64 {
    if a.iter().chain(b.iter()).any(|v| !v.is_finite()) {
        return 0.0;
    }
    let (a, b) = (ranks(a), ranks(b));
    correlation(|| a.iter().copied().zip(b.iter().copied()))
}

/// The distance in pixels between the centres of mass of the positive values; `None` where a map is empty.
pub fn centre_distance(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> Option<f64> {
    let (a, b) = (centre_of_mass(a)?, centre_of_mass(b)?);
    Some((a.0 - b.0).hypot(a.1 - b.1))
}

/// The centre of mass (row, column) of the positive values, pixel (r, c) at (r + 0.5, c + 0.5); `None` of an empty map.
pub fn centre_of_mass(map: ArrayView2<'_, f32>) -> Option<(f64, f64)> {
    let (mut mass, mut row, mut column) = (0.0, 0.0, 0.0);
    for ((r, c), &value) in map.indexed_iter() {
        let value = positive(value);
        mass += value;
        row += value * (r as f64 + 0.5);
        column += value * (c as f64 + 0.5);
    }
    (mass > 0.0).then(|| (row / mass, column / mass))
}

fn correlation<I: Iterator<Item = (f64, f64)>>(pairs: impl Fn() -> I) -> f64 {
    let (mut n, mut sum_a, mut sum_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        n += 1.0;
        sum_a += a;
        sum_b += b;
    }
    let (mean_a, mean_b) = (quotient(sum_a, n, 0.0), quotient(sum_b, n, 0.0));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    quotient(ab, aa.sqrt() * bb.sqrt(), 0.0).clamp(-1.0, 1.0)
}

/// Ranks from 0, ties averaged.
fn ranks(map: ArrayView2<'_, f32>) -> Vec<f64> {
    let values: Vec<f32> = map.iter().copied().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut given = 0;
    // Not total_cmp here: 0 and −0 are equal values, and neighbours in the order.
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = given as f64 + (tied.len() - 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = rank);
        given += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn pearson_by_hand() {
        // a − 2 = (−1, 0, 1), b − 3 = (−2, 1, 1): 3 / √(2·6).
        let r = pearson(array![[1.0f32, 2.0, 3.0]].view(), array![[1.0f32, 4.0, 4.0]].view());
        assert!((r - 3.0 / 12f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn spearman_averages_ties_and_sees_only_order() {
        assert_eq!(ranks(array![[5.0f32, 1.0, 5.0, 0.0, -0.0]].view()), vec![3.5, 2.0, 3.5, 0.5, 0.5]);
        let r = spearman(array![[1.0f32, 2.0, 3.0, 4.0]].view(), array![[1.0f32, 10.0, 100.0, 1000.0]].view());
        assert!((r - 1.0).abs() < 1e-12);
        // Ranks (0, 1, 2) against (0, 1.5, 1.5): 1.5 / √(2·1.5).
        let tied = spearman(array![[1.0f32, 2.0, 3.0]].view(), array![[1.0f32, 4.0, 4.0]].view());
        assert!((tied - 1.5 / 3f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn limits() {
        let map = Array2::from_shape_fn((6, 6), |(r, c)| (r * 7 + c * 3) as f32 % 5.0);
        assert!((pearson(map.view(), map.view()) - 1.0).abs() < 1e-12);
        assert!((spearman(map.view(), map.mapv(|v| -v).view()) + 1.0).abs() < 1e-12);
        let flat = Array2::from_elem((6, 6), 0.3f32);
        assert_eq!((pearson(map.view(), flat.view()), spearman(flat.view(), flat.view())), (0.0, 0.0));
        let broken = Array2::from_elem((6, 6), f32::NAN);
        assert_eq!((pearson(map.view(), broken.view()), spearman(map.view(), broken.view())), (0.0, 0.0));
        assert_eq!(centre_distance(map.view(), broken.view()), None);
    }

    #[test]
    fn centres_of_mass() {
        let a = array![[1.0f32, 0.0, 0.0], [0.0, 0.0, 0.0]];
        let b = array![[0.0f32, 0.0, -9.0], [0.0, 1.0, 1.0]];
        assert_eq!(centre_of_mass(a.view()), Some((0.5, 0.5)));
        assert_eq!(centre_of_mass(b.view()), Some((1.5, 2.0)));
        assert_eq!(centre_distance(a.view(), b.view()), Some(1f64.hypot(1.5)));
    }
}
