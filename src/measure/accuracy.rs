//! Accuracy: the share of correct predictions, with Wilson's score interval (Wilson 1927).
//!
//! centre = (p + z²/2n) / (1 + z²/n), half width = z·√(p(1−p)/n + z²/4n²) / (1 + z²/n), z = 1.96 for 95 %.
//! Unlike the normal approximation it stays within [0, 1] and has a width at p = 0 and p = 1.

use serde::Serialize;

/// The 97.5 % quantile of the standard normal distribution: both sides of a 95 % interval.
pub const Z95: f64 = 1.959_963_984_540_054;

/// A share of `n` cases with its 95 % interval; of no case at all it is 0 with the interval [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proportion {
    /// Cases that were right.
    pub hits: usize,
    /// All cases.
    pub n: usize,
    /// hits / n, in [0, 1].
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The proportion `hits` / `n` with Wilson's 95 % interval; `hits` above `n` count as `n`.
pub fn wilson(hits: usize, n: usize) -> Proportion {
    let hits = hits.min(n);
    if n == 0 {
        return Proportion { hits, n, value: 0.0, low: 0.0, high: 1.0 };
    }
    let (count, z2) = (n as f64, Z95 * Z95);
    let value = hits as f64 / count;
    let centre = value + z2 / (2.0 * count);
    let half = Z95 * (value * (1.0 - value) / count + z2 / (4.0 * count * count)).sqrt();
    let scale = 1.0 + z2 / count;
    // At the ends the bound is the value itself; rounding must not put it a hair inside.
    let low = if hits == 0 { 0.0 } else { ((centre - half) / scale).clamp(0.0, value) };
    let high = if hits == n { 1.0 } else { ((centre + half) / scale).clamp(value, 1.0) };
    Proportion { hits, n, value, low, high }
}

/// Accuracy of predicted classes against labels of the same length (further entries of the longer one are ignored).
pub fn accuracy(predictions: &[usize], labels: &[usize]) -> Proportion {
    let n = predictions.len().min(labels.len());
    wilson(predictions.iter().zip(labels).filter(|(p, l)| p == l).count(), n)
}

/// The class of the highest logit, the first of equals; NaN never wins. 0 for an empty slice.
pub fn argmax(logits: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (class, logit);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_by_hand() {
        // 8 of 10 with z = 1.96: centre (0.8 + 0.19207) / 1.38415 = 0.71674, half 1.96·√(0.016 + 0.0096036) / 1.38415 =
        // 0.22657.
        let p = wilson(8, 10);
        assert!((p.low - 0.49016).abs() < 1e-4 && (p.high - 0.94331).abs() < 1e-4, "{p:?}");
    }

    #[test]
    fn the_interval_holds_the_value_and_stays_in_range() {
        for n in 0..40 {
            for hits in 0..=n {
                let p = wilson(hits, n);
                assert!(0.0 <= p.low && p.low <= p.value && p.value <= p.high && p.high <= 1.0, "{p:?}");
            }
        }
        assert_eq!(wilson(0, 0), Proportion { hits: 0, n: 0, value: 0.0, low: 0.0, high: 1.0 });
        assert!(wilson(0, 20).high > 0.1 && wilson(20, 20).low < 0.9);
    }

    #[test]
    fn accuracy_counts_equal_entries() {
        let p = accuracy(&[1, 2, 3, 0], &[1, 2, 0, 0]);
        assert_eq!((p.hits, p.n, p.value), (3, 4, 0.75));
    }

    #[test]
    fn argmax_takes_the_first_of_equals_and_no_nan() {
        assert_eq!(argmax(&[f32::NAN, 1.0, 3.0, 3.0]), 2);
        assert_eq!(argmax(&[]), 0);
        assert_eq!(argmax(&[f32::NAN]), 0);
    }
}
