//! A trained network against its re-initialised copies: is it more than one further draw of random weights?

use crate::measure::bootstrap::{Interval, Sampled, mean_over_cases, paired_difference};
use crate::measure::mean;
use serde::Serialize;

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
    /// trained − mean of the copies image by image; no number where an image is not compared.
    #[serde(skip)]
    pub by_image: Vec<f64>,
}

impl Contrast {
    /// The mean of the copies' means; 0 without copies.
    pub fn copies_mean(&self) -> f64 {
        mean(&self.copies).unwrap_or(0.0)
    }
}

/// Compares `trained[image]` with `copies[copy][image]`.
///
/// Two kinds of chance enter the 95 % interval of the difference d = mean(trained − copies), added up in squares:
/// which images were drawn (percentile bootstrap over images of the paired difference), and which weights
/// ([`further_draw`] of the copies' means). Without the second part, a network of random weights would be told from
/// five others every other time. `None` without an image that is finite everywhere, or without copies; with a single
/// copy the second part is missing.
pub fn against_copies(trained: &[f64], copies: &[Vec<f64>], seed: u64) -> Option<Contrast> {
    let is_complete =
        |i: usize| trained[i].is_finite() && copies.iter().all(|c| c.get(i).is_some_and(|v| v.is_finite()));
    let complete: Vec<usize> = (0..trained.len()).filter(|&i| is_complete(i)).collect();
    let at = |values: &[f64]| complete.iter().map(|&i| values[i]).collect::<Vec<f64>>();
    let means: Vec<f64> = copies.iter().filter_map(|copy| mean(&at(copy))).collect();
    let of_copies: Vec<f64> =
        complete.iter().filter_map(|&i| mean(&copies.iter().map(|copy| copy[i]).collect::<Vec<_>>())).collect();
    let trained_at = at(trained);
    let over_images = paired_difference(&trained_at, &of_copies, seed)?;
    let mut by_image = vec![f64::NAN; trained.len()];
    for ((&image, of_network), of_copies) in complete.iter().zip(&trained_at).zip(&of_copies) {
        by_image[image] = of_network - of_copies;
    }
    Some(Contrast {
        difference: over_images.widened(further_draw(&means)),
        trained: mean(&trained_at)?,
        copies: means,
        n: complete.len(),
        by_image,
    })
}

/// The mean of several networks' contrasts, each named with the sample of its images: images are resampled for all
/// networks of a sample together, the draws of weights are each network's own. `None` without contrasts.
pub fn mean_of_contrasts(contrasts: &[(&str, &Contrast)], seed: u64) -> Option<Interval> {
    let mut cases = Vec::with_capacity(contrasts.len());
    for (sample, contrast) in contrasts {
        cases.push(Sampled { sample, values: contrast.by_image.clone() });
    }
    let squares: f64 = contrasts.iter().map(|(_, contrast)| further_draw(&contrast.copies).powi(2)).sum();
    Some(mean_over_cases(&cases, seed)?.widened(squares.sqrt() / contrasts.len() as f64))
}

/// Half the width of the 95 % prediction interval t·s·√(1 + 1/R) of one further draw like these R, s their standard
/// deviation and t Student's quantile for R − 1 degrees of freedom. It never falls below 1.96·s, however many draws
/// there are: from 32 on it is within 6 % of that. 0 for fewer than two.
pub fn further_draw(draws: &[f64]) -> f64 {
    half_width(draws, |r| (1.0 + 1.0 / r).sqrt())
}

/// Half the width of the 95 % interval t·s/√R of the mean of these R draws; 0 for fewer than two.
pub fn mean_of_draws(draws: &[f64]) -> f64 {
    half_width(draws, |r| 1.0 / r.sqrt())
}

/// By what share of its width the prediction interval of [`further_draw`] is wider for this many draws than for very many:
/// more draws would narrow it by less than that.
pub fn excess_width(draws: usize) -> f64 {
    let r = draws.max(1) as f64;
    student_t975(draws.saturating_sub(1)) * (1.0 + 1.0 / r).sqrt() / crate::measure::accuracy::Z95 - 1.0
}

fn half_width(draws: &[f64], factor: fn(f64) -> f64) -> f64 {
    standard_deviation(draws).map_or(0.0, |s| student_t975(draws.len() - 1) * s * factor(draws.len() as f64))
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
    use crate::random::Random;

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
    fn more_copies_than_32_narrow_the_interval_by_no_more_than_six_per_cent() {
        // Half of the draws at 1 and half at −1: s = √(R / (R − 1)).
        let draws = |r: usize| (0..r).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect::<Vec<f64>>();
        let relative = |r: usize| further_draw(&draws(r)) / standard_deviation(&draws(r)).unwrap() / 1.959_964;
        assert!(relative(8) > 1.27 && relative(32) < 1.06 && relative(31) > 1.057, "{} {}", relative(8), relative(32));
        // t = 2.365 for 7 degrees, s = √(8/7), √8.
        assert!((mean_of_draws(&draws(8)) - 2.365 * (8f64 / 7.0).sqrt() / 8f64.sqrt()).abs() < 1e-12);
        assert_eq!((further_draw(&[1.0]), mean_of_draws(&[])), (0.0, 0.0));
        assert!((excess_width(32) - (relative(32) - 1.0)).abs() < 1e-6);
    }

    #[test]
    fn the_mean_of_contrasts_draws_shared_images_together_and_weights_apart() {
        let images: Vec<f64> = (0..50).map(|i| f64::from(i % 7)).collect();
        let copies: Vec<Vec<f64>> = [-0.2, 0.0, 0.1, 0.1, 0.0].iter().map(|&v| vec![v; 50]).collect();
        let contrast = against_copies(&images, &copies, 1).unwrap();
        let alone = mean_of_contrasts(&[("lines", &contrast)], 1).unwrap();
        let twice = mean_of_contrasts(&[("lines", &contrast), ("lines", &contrast)], 1).unwrap();
        let draw = further_draw(&contrast.copies);
        let images = |interval: Interval, draw: f64| (interval.high - interval.value).powi(2) - draw * draw;
        assert!((images(alone, draw) - images(twice, draw / 2f64.sqrt())).abs() < 1e-9, "{alone:?} {twice:?}");
        assert_eq!(alone.value, contrast.difference.value);
        assert_eq!(mean_of_contrasts(&[], 1), None);
    }
}
