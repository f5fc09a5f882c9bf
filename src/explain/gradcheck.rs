//! The proof of a network's gradients: backprop against central differences through tract's tail, on given images.

use crate::error::Result;
use crate::explain::differences::Differences;
use crate::explain::explainer::{Explainer, Score, feature_maps};
use crate::explain::score::{End, best, probabilities};
use crate::finite_gradient::{Check, Comparison};
use crate::input::sources::Ready;
use crate::model::{Head, Precision, printable};
use crate::random::Random;
use crate::report::page::Line;
use ndarray::{Array3, ArrayD, Axis};
use rayon::prelude::*;
use serde::Serialize;

/// Images that are checked at most; more would add time and no information.
pub const IMAGES: usize = 4;

/// Images whose check a page can afford: fewer of a network with a large activation, whose tail takes seconds.
pub fn images(explainer: &Explainer) -> usize {
    (BUDGET / (LEAST * explainer.target_len()).max(1)).clamp(1, IMAGES)
}

/// Single elements of a gradient that are checked on each image and head.
const ELEMENTS: usize = 48;
/// Values of activations that are perturbed for one image and head: all channels of a small network, a seeded sample of a large one,
/// whose tail takes long to run.
const BUDGET: usize = 2_000_000;
/// The least sample.
const LEAST: usize = 16;
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
}

impl NetworkCheck {
    /// The largest relative error of all.
    pub fn largest_error(&self) -> f64 {
        self.heads
            .iter()
            .map(|head| head.channels.max_relative_error.max(head.elements.max_relative_error))
            .fold(0.0, f64::max)
    }

    /// Whether every comparison holds.
    pub fn holds(&self) -> bool {
        self.heads.iter().all(|head| head.channels.passed() && head.elements.passed())
    }

    /// The check of a network whose gradients cannot be taken by rules: there is nothing to compare.
    pub fn absent(explainer: &Explainer) -> NetworkCheck {
        NetworkCheck {
            network: explainer.network.name().to_string(),
            precision: Precision::F64,
            images: 0,
            heads: Vec::new(),
            tolerance: 0.0,
        }
    }

    /// A sentence for captions.
    pub fn sentence(&self) -> String {
        if self.images == 0 {
            return "hand-written backprop from the ONNX file; there was no image to check it at".into();
        }
        format!(
            "hand-written backprop from the ONNX file; largest difference from central differences through tract {:.1e} of the largest gradient",
            self.largest_error()
        )
    }

    /// The figures for the page, a line a head.
    pub fn lines(&self) -> Vec<Line> {
        let precision = if self.precision == Precision::F64 { "double" } else { "single" };
        let line = |head: &HeadCheck| {
            let (channels, elements) = (&head.channels, &head.elements);
            Line::new(
                format!("Gradient check of {}", head.head),
                format!(
                    "{} channels: largest error {:.1e}, median {:.1e}, {} dropped; {} elements: {:.1e}, {:.1e}, {} dropped; {precision} precision, {}",
                    channels.compared,
                    channels.max_relative_error,
                    channels.median_relative_error,
                    channels.dropped,
                    elements.compared,
                    elements.max_relative_error,
                    elements.median_relative_error,
                    elements.dropped,
                    if channels.passed() && elements.passed() { "✓ holds" } else { "✗ fails" }
                ),
            )
        };
        self.heads.iter().map(line).collect()
    }

    /// A table for the terminal.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{}: {} images, {} precision, a gradient holds up to {:.0e}\n{:<12} {:<24} {:<9} {:>8} {:>7} {:>10} {:>10}  verdict\n",
            self.network,
            self.images,
            if self.precision == Precision::F64 { "double" } else { "single" },
            self.tolerance,
            "head",
            "tensor",
            "sample",
            "compared",
            "dropped",
            "largest",
            "median"
        );
        for head in &self.heads {
            let (name, tensor) = (printable(&head.head), printable(&head.tensor));
            for (sample, check) in [("channels", &head.channels), ("elements", &head.elements)] {
                let verdict = if check.passed() { "holds" } else { "FAILS" };
                text += &format!(
                    "{name:<12} {tensor:<24} {sample:<9} {:>8} {:>7} {:>10.1e} {:>10.1e}  {verdict}\n",
                    check.compared, check.dropped, check.max_relative_error, check.median_relative_error
                );
            }
        }
        text
    }
}

/// Checks the gradients of every head at its predicted class, on the first few of the images.
///
/// # Errors
/// A tail that cannot be cut or run.
pub fn check(explainer: &Explainer, images: &[Ready]) -> Result<NetworkCheck> {
    let network = explainer.network;
    let images = &images[..images.len().min(IMAGES)];
    let differences = Differences::new(explainer)?;
    let precision = differences.precision();
    let tolerance = if precision == Precision::F64 { 1e-6 } else { 1e-3 };
    let checker = Checker { explainer, differences };
    let per_image =
        images.par_iter().enumerate().map(|(i, image)| checker.image(image, i as u64)).collect::<Result<Vec<_>>>()?;
    let check = |(head, described): (usize, &Head)| {
        let mut samples = Samples::default();
        per_image.iter().filter_map(|heads| heads.get(head)).for_each(|image| samples.extend(image));
        HeadCheck {
            head: described.name.clone(),
            tensor: explainer.target.clone(),
            channels: samples.channels.check(tolerance),
            elements: samples.elements.check(tolerance),
        }
    };
    Ok(NetworkCheck {
        network: network.name().to_string(),
        precision,
        images: images.len(),
        heads: network.heads().iter().enumerate().map(check).collect(),
        tolerance,
    })
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
    explainer: &'a Explainer<'a>,
    differences: Differences<'a>,
}

impl Checker<'_> {
    fn image(&self, image: &Ready, number: u64) -> Result<Vec<Samples>> {
        let explainer = self.explainer;
        let forward = explainer.forward(&image.tensor)?;
        let activation = forward.get(&explainer.target)?;
        let noisy = noisy(activation, number);
        let check = |(head, described): (usize, &Head)| {
            let class = best(&probabilities(described, forward.get(&described.logits)?, None));
            let end = End::of(head, class);
            let (mut channels, mut elements) = (Comparison::default(), Comparison::default());
            let (whole, single) = rayon::join(
                || self.channels(&image.tensor, activation, end, number, &mut channels),
                || self.elements(&image.tensor, &noisy, end, number, &mut elements),
            );
            whole.and(single)?;
            Ok(Samples { channels, elements })
        };
        explainer.network.heads().iter().enumerate().map(check).collect()
    }

    /// Grad-CAM's pooled gradients on the image as it is.
    fn channels(
        &self,
        image: &ArrayD<f32>,
        activation: &ArrayD<f32>,
        end: End,
        number: u64,
        to: &mut Comparison,
    ) -> Result<()> {
        let gradient = self.gradient(image, activation, end)?;
        let pooled: Vec<f64> = gradient.sum_axis(Axis(2)).sum_axis(Axis(1)).to_vec();
        let channels = sample(pooled.len(), affordable(activation), number, 100 + end.head as u64);
        let found = self.differences.along_channels(image, activation, end, &channels)?;
        let sampled: Vec<f64> = channels.iter().map(|channel| pooled[*channel]).collect();
        to.add(&sampled, &found, largest(&pooled));
        Ok(())
    }

    /// A seeded sample of single elements.
    fn elements(
        &self,
        image: &ArrayD<f32>,
        activation: &ArrayD<f32>,
        end: End,
        number: u64,
        to: &mut Comparison,
    ) -> Result<()> {
        let gradient: Vec<f64> = self.gradient(image, activation, end)?.into_iter().collect();
        let places = sample(gradient.len(), affordable(activation).min(ELEMENTS), number, 1 + end.head as u64);
        let found = self.differences.at_elements(image, activation, end, &places)?;
        let sampled: Vec<f64> = places.iter().map(|place| gradient[*place]).collect();
        to.add(&sampled, &found, largest(&gradient));
        Ok(())
    }

    fn gradient(&self, image: &ArrayD<f32>, activation: &ArrayD<f32>, end: End) -> Result<Array3<f64>> {
        let explainer = self.explainer;
        if self.differences.precision() == Precision::F32 {
            let tail = explainer.tail(image, activation)?;
            return Ok(tail.gradient(end.head, end.class, Score::Logit)?.gradient.mapv(f64::from));
        }
        let wide = |array: &ArrayD<f32>| array.mapv(f64::from);
        let gradient = explainer.gradient_in_double(&wide(image), &wide(activation), end)?;
        feature_maps(&explainer.target, gradient.view())
    }
}

/// How many perturbations of an activation can be afforded.
fn affordable(activation: &ArrayD<f32>) -> usize {
    (BUDGET / activation.len().max(1)).max(LEAST)
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
