//! The bootstrap: 95 % percentile intervals from 2,000 seeded resamples (Efron 1979). What is resampled is always the
//! image (or the filter): numbers that come from one image, at several heads or in several networks, are drawn
//! together, for they are not independent.

use crate::measure::mean;
use crate::random::Random;
use serde::Serialize;

/// Number of resamples; the 2.5 % quantile of 2,000 is known to about ±0.35 percentage points.
pub const RESAMPLES: usize = 2000;

/// A number with its 95 % interval, low ≤ value ≤ high.
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

    /// With a second, independent kind of chance of a half width of its own: half widths add up in squares.
    pub fn widened(&self, half_width: f64) -> Interval {
        let Interval { value, low, high } = *self;
        Interval { value, low: value - (value - low).hypot(half_width), high: value + (high - value).hypot(half_width) }
    }
}

/// The interval of any statistic of `n` cases: `statistic` gets the cases' positions, first each once, then resampled
/// with replacement. Resamples whose statistic is not finite are dropped. `None` where the statistic of the sample
/// itself is not finite or `n` is 0.
pub fn interval_of(n: usize, seed: u64, mut statistic: impl FnMut(&[usize]) -> f64) -> Option<Interval> {
    interval_of_samples(&[n], seed, |drawn| statistic(&drawn[0]))
}

/// The interval of a statistic of several samples, each resampled for itself: `statistic` gets for each of `sizes` the
/// positions that were drawn from a sample of that size. Otherwise as [`interval_of`].
pub fn interval_of_samples(
    sizes: &[usize],
    seed: u64,
    mut statistic: impl FnMut(&[Vec<usize>]) -> f64,
) -> Option<Interval> {
    let mut drawn: Vec<Vec<usize>> = sizes.iter().map(|n| (0..*n).collect()).collect();
    let value = sizes.iter().all(|n| *n > 0).then(|| statistic(&drawn)).filter(|v| v.is_finite())?;
    Some(percentiles(value, seed, |random| {
        for (positions, n) in drawn.iter_mut().zip(sizes) {
            positions.iter_mut().for_each(|position| *position = random.below(*n));
        }
        statistic(&drawn)
    }))
}

/// The numbers of one case (a head, a layer, a network) over the images of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled<'a> {
    /// Which images: cases with the same name here were shown the same ones, in the same order.
    pub sample: &'a str,
    /// One number an image; one that is not finite is missing.
    pub values: Vec<f64>,
}

/// The mean over cases of each case's mean over its images, every case counting alike. The images of a sample are
/// resampled for all its cases together. `None` without cases, or if one has no number.
pub fn mean_over_cases(cases: &[Sampled], seed: u64) -> Option<Interval> {
    let (samples, sizes) = samples(cases);
    let of = |case: &Sampled| samples.iter().position(|sample| *sample == case.sample).unwrap_or(0);
    let sample_of: Vec<usize> = cases.iter().map(of).collect();
    interval_of_samples(&sizes, seed, |drawn| {
        let mean = |(case, sample): (&Sampled, &usize)| mean_at(&case.values, &drawn[*sample]);
        cases.iter().zip(&sample_of).map(mean).sum::<f64>() / cases.len() as f64
    })
}

/// The samples of some cases in the order of their first case, and the images of each.
pub fn samples<'a>(cases: &[Sampled<'a>]) -> (Vec<&'a str>, Vec<usize>) {
    let (mut samples, mut sizes): (Vec<&str>, Vec<usize>) = (Vec::new(), Vec::new());
    for case in cases {
        match samples.iter().position(|sample| *sample == case.sample) {
            Some(at) => sizes[at] = sizes[at].max(case.values.len()),
            None => {
                samples.push(case.sample);
                sizes.push(case.values.len());
            }
        }
    }
    (samples, sizes)
}

/// The mean of the finite values at some positions; no number if there is none.
fn mean_at(values: &[f64], positions: &[usize]) -> f64 {
    let (mut sum, mut n) = (0.0, 0usize);
    for value in positions.iter().filter_map(|&position| values.get(position)).filter(|value| value.is_finite()) {
        sum += value;
        n += 1;
    }
    sum / n as f64
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::contrast::standard_deviation;

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
    fn heads_of_one_image_are_no_further_images() {
        let mut random = Random::new(6, 0);
        let values: Vec<f64> = (0..60).map(|_| random.normal()).collect();
        let case = |sample, values: &Vec<f64>| Sampled { sample, values: values.clone() };
        let alone = mean_interval(&values, 3).unwrap();
        // Four heads that say the same of each image know no more than one.
        let repeated = mean_over_cases(&vec![case("lines", &values); 4], 3).unwrap();
        assert!((repeated.low - alone.low).abs() < 1e-12 && (repeated.high - alone.high).abs() < 1e-12, "{repeated:?}");
        // Four cases of other images each do: half the width.
        let names = ["a", "b", "c", "d"];
        let apart = mean_over_cases(&names.map(|name| case(name, &values)), 3).unwrap();
        let ratio = (apart.high - apart.low) / (alone.high - alone.low);
        assert!((ratio - 0.5).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn every_case_counts_alike_and_gaps_are_left_out() {
        let cases = [
            Sampled { sample: "a", values: vec![1.0, 3.0, f64::NAN, f64::INFINITY] },
            Sampled { sample: "a", values: vec![6.0] },
        ];
        assert_eq!(mean_over_cases(&cases, 1).unwrap().value, 4.0);
        assert_eq!(mean_over_cases(&[], 1), None);
        assert_eq!(mean_over_cases(&[Sampled { sample: "a", values: vec![f64::NAN] }], 1), None);
        assert_eq!(samples(&cases), (vec!["a"], vec![4]));
    }
}
