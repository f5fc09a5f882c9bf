//! The bootstrap: 95 % percentile intervals from 2,000 seeded resamples (Efron 1979), and the comparison of a trained
//! network with its re-initialised copies.

use crate::measure::mean;
use crate::random::Random;
use serde::Serialize;

/// Number of resamples; the 2.5 % quantile of 2,000 is known to about ±0.35 percentage points.
pub const RESAMPLES: usize = 2000;

/// A number with its 95 % interval, low ≤ high.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// A number that is known exactly (a count of layers, a receptive field).
    pub fn exact(value: f64) -> Interval {
        Interval { value, low: value, high: value }
    }

    /// The interval of the mean of independent numbers, each with its own: half widths add up in squares, side by side.
    pub fn mean_of(parts: &[Interval]) -> Option<Interval> {
        let value = mean(&parts.iter().map(|p| p.value).collect::<Vec<_>>())?;
        let width = |side: fn(&Interval) -> f64| {
            parts.iter().map(|p| (side(p) - p.value).powi(2)).sum::<f64>().sqrt() / parts.len() as f64
        };
        Some(Interval { value, low: value - width(|p| p.low), high: value + width(|p| p.high) })
    }
}

/// The interval of any statistic of `n` cases: `statistic` gets the cases' numbers, first each once, then resampled
/// with replacement. Resamples whose statistic is not finite are dropped. `None` where the statistic of the sample
/// itself is not finite or `n` is 0.
pub fn interval_of(n: usize, seed: u64, mut statistic: impl FnMut(&[usize]) -> f64) -> Option<Interval> {
    let mut cases: Vec<usize> = (0..n).collect();
    let value = (n > 0).then(|| statistic(&cases)).filter(|v| v.is_finite())?;
    Some(percentiles(value, seed, |random| {
        cases.iter_mut().for_each(|case| *case = random.below(n));
        statistic(&cases)
    }))
}

/// The mean with its interval; values that are not finite are left out, and `None` if none is left.
pub fn mean_interval(values: &[f64], seed: u64) -> Option<Interval> {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let (n, value) = (values.len(), mean(&values)?);
    // As `interval_of`, but without writing the cases down: most intervals of a chapter are means.
    Some(percentiles(value, seed, |random| (0..n).map(|_| values[random.below(n)]).sum::<f64>() / n as f64))
}

/// The 2.5 % and 97.5 % quantiles of resampled values around the sample's own.
fn percentiles(value: f64, seed: u64, mut resample: impl FnMut(&mut Random) -> f64) -> Interval {
    let mut random = Random::new(seed, 0xb007);
    let mut resampled: Vec<f64> = (0..RESAMPLES).map(|_| resample(&mut random)).collect();
    resampled.retain(|v| v.is_finite());
    resampled.sort_unstable_by(f64::total_cmp);
    // With skewed statistics the value itself may lie outside the percentiles; an interval that excludes it would only
    // confuse.
    let low = quantile(&resampled, 0.025).unwrap_or(value).min(value);
    let high = quantile(&resampled, 0.975).unwrap_or(value).max(value);
    Interval { value, low, high }
}

/// The mean of a − b over pairs (same image, same filter) with its interval; pairs with a number that is not finite are
/// left out.
pub fn paired_difference(a: &[f64], b: &[f64], seed: u64) -> Option<Interval> {
    mean_interval(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>(), seed)
}

/// mean(a) − mean(b) of two independent samples, each resampled for itself.
pub fn difference_of_means(a: &[f64], b: &[f64], seed: u64) -> Option<Interval> {
    let (a, b) = (mean_interval(a, seed)?, mean_interval(b, seed.wrapping_add(1))?);
    let value = a.value - b.value;
    let low = value - (a.value - a.low).hypot(b.high - b.value);
    let high = value + (a.high - a.value).hypot(b.value - b.low);
    Some(Interval { value, low, high })
}

/// The quantile `share` in [0, 1] of an ascending slice, linear between neighbours; `None` of an empty one.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(at.floor() as usize)?, sorted.get(at.ceil() as usize)?);
    Some(low + (high - low) * at.fract())
}

/// A trained network against its re-initialised copies, on the same images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contrast {
    /// mean over images of trained − mean of the copies, with the interval described at [`against_copies`].
    pub difference: Interval,
    /// The trained network's mean.
    pub trained: f64,
    /// Each copy's mean.
    pub copies: Vec<f64>,
    /// Images (or filters) compared.
    pub n: usize,
}

impl Contrast {
    /// The mean of the copies' means; 0 without copies.
    pub fn copies_mean(&self) -> f64 {
        mean(&self.copies).unwrap_or(0.0)
    }
}

/// Compares `trained[image]` with `copies[copy][image]`: is the trained network more than one further draw of random
/// weights?
///
/// Two kinds of chance enter the 95 % interval of the difference d = mean(trained − copies), added up in squares:
/// which images were drawn (percentile bootstrap over images of the paired difference), and which weights (the
/// prediction interval t·s·√(1 + 1/R) for one further draw, s the standard deviation of the R copies' means and t
/// Student's quantile for R − 1 degrees of freedom). Without the second part, a network of random weights would be told
/// from five others every other time. `None` without an image that is finite everywhere, or without copies; with a
/// single copy the second part is missing.
pub fn against_copies(trained: &[f64], copies: &[Vec<f64>], seed: u64) -> Option<Contrast> {
    let complete: Vec<usize> = (0..trained.len())
        .filter(|&i| trained[i].is_finite() && copies.iter().all(|c| c.get(i).is_some_and(|v| v.is_finite())))
        .collect();
    let trained: Vec<f64> = complete.iter().map(|&i| trained[i]).collect();
    let means: Vec<f64> =
        copies.iter().filter_map(|c| mean(&complete.iter().map(|&i| c[i]).collect::<Vec<_>>())).collect();
    let of_copies: Vec<f64> =
        complete.iter().filter_map(|&i| mean(&copies.iter().map(|c| c[i]).collect::<Vec<_>>())).collect();
    let over_images = paired_difference(&trained, &of_copies, seed)?;
    let draw = standard_deviation(&means).map_or(0.0, |s| {
        let r = means.len();
        student_t975(r - 1) * s * (1.0 + 1.0 / r as f64).sqrt()
    });
    let d = over_images.value;
    let difference =
        Interval { value: d, low: d - (d - over_images.low).hypot(draw), high: d + (over_images.high - d).hypot(draw) };
    Some(Contrast { difference, trained: mean(&trained)?, copies: means, n: trained.len() })
}

/// The sample standard deviation (n − 1); `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Student's t, 97.5 % quantile: a table up to 10 degrees of freedom, from there Fisher's expansion z + (z³ + z) / 4ν +
/// … (error below 1e-3).
pub fn student_t975(degrees: usize) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let z = crate::measure::accuracy::Z95;
    let (nu, z3) = (degrees as f64, z.powi(3));
    match degrees {
        0 => TABLE[0],
        1..=10 => TABLE[degrees - 1],
        _ => {
            let (z5, z7) = (z.powi(5), z.powi(7));
            z + (z3 + z) / (4.0 * nu)
                + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * nu.powi(2))
                + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * nu.powi(3))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_values_have_no_width() {
        assert_eq!(mean_interval(&[2.5; 30], 1), Some(Interval::exact(2.5)));
        assert_eq!(mean_interval(&[], 1), None);
        assert_eq!(mean_interval(&[f64::NAN], 1), None);
    }

    #[test]
    fn the_mean_s_interval_is_two_standard_errors_either_side() {
        let mut random = Random::new(4, 0);
        let values: Vec<f64> = (0..400).map(|_| random.normal()).collect();
        let interval = mean_interval(&values, 9).unwrap();
        let error = standard_deviation(&values).unwrap() / 20.0;
        assert!((interval.high - interval.value - 1.96 * error).abs() < 0.15 * error, "{interval:?}");
        assert!((interval.value - interval.low - 1.96 * error).abs() < 0.15 * error, "{interval:?}");
        assert_eq!(mean_interval(&values, 9), Some(interval));
        assert_ne!(mean_interval(&values, 10), Some(interval));
    }

    #[test]
    fn pairing_takes_out_what_pairs_share() {
        let shared: Vec<f64> = (0..100).map(|i| (i * 37 % 100) as f64).collect();
        let raised: Vec<f64> = shared.iter().map(|v| v + 0.5).collect();
        let paired = paired_difference(&raised, &shared, 3).unwrap();
        assert!((paired.low - 0.5).abs() < 1e-12 && (paired.high - 0.5).abs() < 1e-12, "{paired:?}");
        let apart = difference_of_means(&raised, &shared, 3).unwrap();
        assert!(apart.low < -5.0 && apart.high > 5.0, "{apart:?}");
    }

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[7.0], 0.025), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn student_s_quantiles() {
        for (degrees, expected) in [(4, 2.776), (10, 2.228), (11, 2.201), (30, 2.042), (1000, 1.962)] {
            assert!((student_t975(degrees) - expected).abs() < 1e-3, "{degrees}");
        }
    }

    #[test]
    fn the_contrast_adds_the_draw_of_weights_to_the_draw_of_images() {
        let trained = vec![3.0; 40];
        let copies: Vec<Vec<f64>> = [0.8, 0.9, 1.0, 1.1, 1.2].iter().map(|&v| vec![v; 40]).collect();
        let contrast = against_copies(&trained, &copies, 1).unwrap();
        // s = √0.025, t = 2.776, √1.2: 0.48083.
        assert!((contrast.difference.value - 2.0).abs() < 1e-12);
        assert!((contrast.difference.low - (2.0 - 0.480_83)).abs() < 1e-4, "{contrast:?}");
        assert!((contrast.difference.high - (2.0 + 0.480_83)).abs() < 1e-4, "{contrast:?}");
        assert!(against_copies(&trained, &[], 1).is_none());
    }

    #[test]
    fn a_further_random_network_is_seldom_told_from_five_others() {
        let mut random = Random::new(11, 0);
        let mut told = 0;
        for trial in 0..200 {
            let mut network = || -> Vec<f64> {
                let level = random.normal();
                (0..30).map(|_| level + 0.2 * random.normal()).collect()
            };
            let trained = network();
            let copies: Vec<Vec<f64>> = (0..5).map(|_| network()).collect();
            let contrast = against_copies(&trained, &copies, trial).unwrap();
            told += usize::from(contrast.difference.low > 0.0);
        }
        assert!(told <= 10, "2.5 % of 200 are expected: {told}");
    }

    #[test]
    fn independent_intervals_average() {
        let parts = [Interval { value: 1.0, low: 0.7, high: 1.3 }, Interval { value: 3.0, low: 2.6, high: 3.4 }];
        let mean = Interval::mean_of(&parts).unwrap();
        assert!(
            (mean.value - 2.0).abs() < 1e-12 && (mean.low - 1.75).abs() < 1e-12 && (mean.high - 2.25).abs() < 1e-12
        );
        assert_eq!(Interval::mean_of(&[]), None);
    }
}
