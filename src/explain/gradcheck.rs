//! The proof of a network's gradients: backprop against central differences through tract's tail, on given images.

use crate::error::Result;
use crate::explain::differences::{Differences, Point};
use crate::explain::effort::{ELEMENTS, Effort, Sample};
use crate::explain::engine::{Engine, Score};
use crate::explain::score::{End, best, probabilities};
use crate::explain::tail::feature_maps;
use crate::finite_gradient::{Check, Comparison, Verdict};
use crate::input::prepared::PreparedInput;
use crate::model::{Head, Network, Precision};
use crate::random::Random;
use ndarray::{Array3, ArrayD, Axis};
use rayon::prelude::*;
use serde::Serialize;

/// Standard deviation of the noise that moves an activation off its kinks, as a share of its largest value.
const NOISE: f64 = 0.05;

/// What one head's gradient was compared with.
#[derive(Debug, Clone, Serialize)]
pub struct HeadCheck {
    pub head: String,
    pub tensor: String,
    /// Uniform perturbations of whole channels, on the images as they are: what Grad-CAM pools.
    pub channels: Check,
    /// Single elements, with a little seeded noise on the activation.
    pub elements: Check,
}

/// The check of a network.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkCheck {
    pub network: String,
    pub precision: Precision,
    pub images: usize,
    pub heads: Vec<HeadCheck>,
    /// The error up to which a gradient holds in this precision.
    pub tolerance: f64,
    /// What was not checked to stay within the budget, in a sentence.
    pub left_out: Option<String>,
}

impl NetworkCheck {
    /// The largest relative error of all.
    pub fn largest_error(&self) -> f64 {
        self.heads
            .iter()
            .map(|head| head.channels.max_relative_error.max(head.elements.max_relative_error))
            .fold(0.0, f64::max)
    }

    /// What all comparisons come to.
    pub fn verdict(&self) -> Verdict {
        Verdict::of_all(self.heads.iter().flat_map(|head| [head.channels.verdict, head.elements.verdict]))
    }
}

/// Checks the gradients of the heads at their predicted classes, on the first few of the images: as many of each as the effort
/// affords, which may be none.
///
/// # Errors
/// A tail that cannot be cut or run.
pub fn check(network: &Network, engine: &Engine, images: &[PreparedInput], effort: Effort) -> Result<NetworkCheck> {
    let sample = match Sample::affordable(network, engine, effort) {
        Ok(sample) => sample,
        Err(why) => return Ok(unchecked(network, why)),
    };
    let images = &images[..images.len().min(sample.images)];
    let differences = Differences::new(network, engine)?;
    let precision = differences.precision();
    let tolerance = if precision == Precision::F64 { 1e-6 } else { 1e-3 };
    let checker = Checker { engine, differences, sample };
    let per_image =
        images.par_iter().enumerate().map(|(i, image)| checker.image(image, i as u64)).collect::<Result<Vec<_>>>()?;
    let check = |(head, described): (usize, &Head)| {
        let mut samples = Samples::default();
        per_image.iter().filter_map(|heads| heads.get(head)).for_each(|image| samples.extend(image));
        HeadCheck {
            head: described.name.clone(),
            tensor: engine.target.clone(),
            channels: samples.channels.check(tolerance),
            elements: samples.elements.check(tolerance),
        }
    };
    Ok(NetworkCheck {
        network: network.name().to_string(),
        precision,
        images: images.len(),
        heads: network.heads().iter().take(sample.heads).enumerate().map(check).collect(),
        tolerance,
        left_out: sample.left_out(network.heads().len()),
    })
}

/// No check, and why there is none.
fn unchecked(network: &Network, why: String) -> NetworkCheck {
    NetworkCheck {
        network: network.name().to_string(),
        precision: Precision::F64,
        images: 0,
        heads: Vec::new(),
        tolerance: 0.0,
        left_out: Some(why),
    }
}

/// The two comparisons of one head.
#[derive(Default)]
struct Samples {
    channels: Comparison,
    elements: Comparison,
}

impl Samples {
    fn extend(&mut self, other: &Samples) {
        self.channels.extend(&other.channels);
        self.elements.extend(&other.elements);
    }
}

struct Checker<'a> {
    engine: &'a Engine,
    differences: Differences,
    sample: Sample,
}

impl Checker<'_> {
    fn image(&self, image: &PreparedInput, number: u64) -> Result<Vec<Samples>> {
        let engine = self.engine;
        let forward = engine.forward(&image.tensor)?;
        let activation = forward.get(&engine.target)?;
        let noisy = noisy(activation, number);
        let check = |(head, described): (usize, &Head)| {
            let class = best(&probabilities(described, forward.get(&described.logits)?, None));
            let point = Point { image: &image.tensor, activation, end: End::of(head, class) };
            let moved = Point { activation: &noisy, ..point };
            let (channels, elements) = rayon::join(|| self.channels(&point, number), || self.elements(&moved, number));
            Ok(Samples { channels: channels?, elements: elements? })
        };
        engine.heads().iter().take(self.sample.heads).enumerate().map(check).collect()
    }

    /// Grad-CAM's pooled gradients on the image as it is; `number` counts the images.
    fn channels(&self, point: &Point, number: u64) -> Result<Comparison> {
        let gradient = self.gradient(point)?;
        let pooled: Vec<f64> = gradient.sum_axis(Axis(2)).sum_axis(Axis(1)).to_vec();
        let channels = sample(pooled.len(), self.sample.directions, number, 100 + point.end.head as u64);
        let found = self.differences.along_channels(point, &channels)?;
        let sampled: Vec<f64> = channels.iter().map(|channel| pooled[*channel]).collect();
        let mut comparison = Comparison::default();
        comparison.add(&sampled, &found, largest(&pooled));
        if let Some(coarser) = self.coarser() {
            comparison.doubt(&found, &coarser.along_channels(point, &channels)?, largest(&pooled));
        }
        Ok(comparison)
    }

    /// A seeded sample of single elements; `number` counts the images.
    fn elements(&self, point: &Point, number: u64) -> Result<Comparison> {
        let gradient: Vec<f64> = self.gradient(point)?.into_iter().collect();
        let most = self.sample.directions.min(ELEMENTS);
        let places = sample(gradient.len(), most, number, 1 + point.end.head as u64);
        let found = self.differences.at_elements(point, &places)?;
        let sampled: Vec<f64> = places.iter().map(|place| gradient[*place]).collect();
        let mut comparison = Comparison::default();
        comparison.add(&sampled, &found, largest(&gradient));
        if let Some(coarser) = self.coarser() {
            comparison.doubt(&found, &coarser.at_elements(point, &places)?, largest(&gradient));
        }
        Ok(comparison)
    }

    /// The same differences at twice the step, where single precision leaves them in doubt.
    fn coarser(&self) -> Option<Differences> {
        (self.differences.precision() == Precision::F32).then(|| self.differences.stretched(2.0))
    }

    fn gradient(&self, &Point { image, activation, end }: &Point) -> Result<Array3<f64>> {
        let engine = self.engine;
        if self.differences.precision() == Precision::F32 {
            let tail = engine.tail(image, activation)?;
            return Ok(tail.gradient(end.head, end.class, Score::Logit)?.gradient.mapv(f64::from));
        }
        let wide = |array: &ArrayD<f32>| array.mapv(f64::from);
        let gradient = engine.gradient_in_double(&wide(image), &wide(activation), end)?;
        feature_maps(&engine.target, gradient.view())
    }
}

/// At most `most` of the numbers 0..n, chosen by seed and in ascending order.
fn sample(n: usize, most: usize, seed: u64, stream: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    if n > most {
        Random::new(seed, stream).shuffle(&mut places);
        places.truncate(most);
        places.sort_unstable();
    }
    places
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// The activation with a little seeded noise, which moves it off the ties and kinks of a black background.
fn noisy(activation: &ArrayD<f32>, stream: u64) -> ArrayD<f32> {
    let largest = activation.iter().fold(0.0, |most: f32, a| most.max(a.abs()));
    let deviation = NOISE * f64::from(if largest > 0.0 { largest } else { 1.0 });
    let mut random = Random::new(1, stream);
    activation.mapv(|a| a + (deviation * random.normal()) as f32)
}
