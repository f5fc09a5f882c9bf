//! The measurements of one network: what is made ready once, and the order of the work.

use crate::backprop::graph::{Graph, Op};
use crate::error::Result;
use crate::input::prepared::PreparedInput;
use crate::measure::detail::detail;
use crate::measure::pointing::pointing;
use crate::model::Network;
use crate::study::anatomy::Anatomy;
use crate::study::claims::{self, Activations, Comparison, HeadDifferences, Maps, Role, threshold};
use crate::study::copies::Parameters;
use crate::study::layers::Kernels;
use crate::study::maps::{Compared, Numbers, Seen, look};
use crate::study::samples::{self, Samples};
use crate::study::sizes::Sizes;
use crate::study::subject::Subject;
use crate::study::{accuracy, changes, heads, layers, perturbing, probes, randomised};
use ndarray::Axis;
use rayon::prelude::*;

/// What the seed of copy number 0 is above the chapter's and the network's own.
const COPIES: u64 = 20_000;
/// Copies whose kernels alone are measured.
const FEW: usize = 8;

/// Measures a network as far as its inputs allow. Figures are left to be filled in.
///
/// # Errors
/// Inputs that cannot be read; a network that cannot be run or differentiated in batches.
pub fn network(subject: &Subject, sizes: &Sizes) -> Result<claims::Network> {
    let network = &subject.loaded.network;
    let placement = subject.section.placement;
    let anatomy = Anatomy::new(network, &subject.target.tensor, placement, subject.loaded.size(), sizes.maps)?;
    let samples = Samples::of(subject)?;
    let seed = samples::seed(subject.seed);
    let images = samples.images(0, sizes.maps)?;
    let (role, name) = (subject.section.role, name(subject));

    // On a handful of images nothing can be decided: copies are not shown them, and there is no cascade, perturbation
    // or probe; kernels, which need no images, are still compared.
    let enough = images.len() >= threshold::IMAGES;
    let mut weights = Weights {
        anatomy: &anatomy,
        parameters: Parameters::of(&anatomy.graph),
        seed: subject.seed.wrapping_add(COPIES).wrapping_add(own_seed(network)),
        images: if enough { &images } else { &[] },
        varies: layers::varying_channels(&images),
        sizes,
        kept: Vec::new(),
    };
    weights.keep(if enough { sizes.cascade_copies.max(sizes.probed_copies) } else { 0 });
    let (seen, trained): (Vec<Seen>, Vec<Numbers>) =
        look(&anatomy, &anatomy.graph, &images, sizes.detail)?.into_iter().unzip();
    let (of_copies, kernels): (Vec<_>, Vec<_>) =
        weights.copies()?.into_iter().map(|copy| (copy.numbers, copy.kernels)).unzip();
    let compared = Compared { trained, copies: if enough { of_copies } else { Vec::new() } };
    let answered = layers::answered(&anatomy, &images)?;
    let of_network = layers::kernels(&anatomy, &anatomy.graph, weights.varies, sizes);
    let mut filters = layers::filters(&anatomy, of_network, &kernels);
    filters.iter_mut().zip(&answered).for_each(|(filters, answers)| filters.alive = answers.alive);
    let probed = if enough { samples.images(0, 2 * sizes.probe)? } else { Vec::new() };
    let probed_copies: Vec<Graph> =
        if enough { (0..sizes.probed_copies).map(|copy| weights.copy(copy)).collect() } else { Vec::new() };
    let head = Heads { sizes, anatomy: &anatomy, samples: &samples, images: &images, seen: &seen };
    Ok(claims::Network {
        name,
        role,
        images: samples.words().into(),
        sample: samples.name.clone(),
        side: anatomy.size.0.min(anatomy.size.1),
        layers: layers::layers(&anatomy),
        filters,
        poolings: layers::poolings(&anatomy, &images[..sizes.detail.min(images.len())])?,
        activations: activations(&anatomy, &compared, answered),
        input_detail: images.iter().take(sizes.detail).map(|i| input_detail(&i.shown)).collect(),
        heads: head.measured(&compared, &weights, seed)?,
        head_differences: (network.heads().len() > 1).then(|| differences(&compared)),
        probes: probes::probes(&anatomy, &probed_copies, &probed)?,
        figures: claims::Figures::default(),
    })
}

/// A seed of the network's own, from its file's hash, so that no two networks' copies are drawn alike.
fn own_seed(network: &Network) -> u64 {
    network.sha256().get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

/// What one copy of a network with new weights shows.
struct SeenCopy {
    /// Image by image.
    numbers: Vec<Numbers>,
    /// By convolution.
    kernels: Vec<Option<Kernels>>,
}

/// New weights for a network, and what its copies are shown.
struct Weights<'a> {
    anatomy: &'a Anatomy<'a>,
    parameters: Parameters,
    /// The seed of copy number 0.
    seed: u64,
    /// None where they are too few to decide anything.
    images: &'a [PreparedInput],
    varies: [bool; 3],
    sizes: &'a Sizes,
    /// The draws of the first copies, which are needed more than once.
    kept: Vec<Vec<Op>>,
}

impl Weights<'_> {
    fn draw(&self, copy: usize) -> Vec<Op> {
        self.parameters.draw(&self.anatomy.graph, self.seed.wrapping_add(copy as u64))
    }

    /// Draws the first copies and keeps them.
    fn keep(&mut self, copies: usize) {
        self.kept = (0..copies).into_par_iter().map(|copy| self.draw(copy)).collect();
    }

    /// The network with all weights new.
    fn copy(&self, copy: usize) -> Graph {
        let stages = self.parameters.stages();
        match self.kept.get(copy) {
            Some(drawn) => self.parameters.replaced(&self.anatomy.graph, drawn, stages),
            None => self.parameters.replaced(&self.anatomy.graph, &self.draw(copy), stages),
        }
    }

    /// What each copy shows, image by image, and its kernels. A copy's weights are let go as soon as it was looked at.
    fn copies(&self) -> Result<Vec<SeenCopy>> {
        let copies = if self.images.is_empty() { self.sizes.copies.min(FEW) } else { self.sizes.copies };
        (0..copies)
            .into_par_iter()
            .map(|copy| {
                let graph = self.copy(copy);
                let seen = look(self.anatomy, &graph, self.images, self.sizes.detail)?;
                let numbers = seen.into_iter().map(|(_, numbers)| numbers).collect();
                Ok(SeenCopy { numbers, kernels: layers::kernels(self.anatomy, &graph, self.varies, self.sizes) })
            })
            .collect()
    }
}

/// The network's name in sentences: short for a network with a role, the section's title for others.
fn name(subject: &Subject) -> String {
    match subject.section.role {
        Role::Base => "Base model".into(),
        Role::Digits => "Base (digits)".into(),
        Role::Variation(number) => format!("Variation {number}"),
        Role::Deep => "Deep model".into(),
        Role::Other => subject.section.title.clone(),
    }
}

/// Detail of an input image, the mean of its channels that show anything.
fn input_detail(shown: &ndarray::Array3<f32>) -> f64 {
    let of: Vec<f64> = shown.axis_iter(Axis(2)).map(detail).filter(|detail| *detail > 0.0).collect();
    crate::measure::mean(&of).unwrap_or(0.0)
}

fn activations(anatomy: &Anatomy, compared: &Compared, answered: Vec<layers::Answers>) -> Vec<Activations> {
    let last = anatomy.convolutions.len().saturating_sub(1);
    let layer = |(i, answers): (usize, layers::Answers)| Activations {
        layer: anatomy.convolutions[i].layer.name.clone(),
        detail: if i == 0 { compared.detail() } else { Comparison::default() },
        lift: if i == last { compared.attention() } else { None },
        zeros: answers.zeros,
    };
    answered.into_iter().enumerate().map(layer).collect()
}

/// How the heads' maps differ from one another, in the network and its copies.
fn differences(compared: &Compared) -> HeadDifferences {
    let sum = |of: fn(&Numbers) -> usize| compared.trained.iter().map(of).sum();
    HeadDifferences {
        grad_cam: compared.comparison(|n| n.agreement[0].difference),
        hires_cam: compared.comparison(|n| n.agreement[1].difference),
        distance: compared.comparison(|n| n.agreement[0].distance),
        pairs: sum(|n| n.agreement[0].pairs),
        empty_pairs: sum(|n| n.agreement[0].empty_pairs),
    }
}

/// What the measurements of the heads share.
struct Heads<'a> {
    sizes: &'a Sizes,
    anatomy: &'a Anatomy<'a>,
    samples: &'a Samples<'a>,
    images: &'a [PreparedInput],
    seen: &'a [Seen],
}

impl Heads<'_> {
    /// All heads; where copies are shown no images there is neither a cascade nor a perturbation.
    fn measured(&self, compared: &Compared, weights: &Weights, seed: u64) -> Result<Vec<claims::Head>> {
        let Heads { sizes, anatomy, samples, images, seen } = *self;
        let network = anatomy.network;
        let plan = accuracy::plan(network, anatomy.size)?;
        let correct = accuracy::correct(network, &plan, samples, sizes.accuracy)?;
        let controls = heads::control_lifts(anatomy, images, seed);
        let overlaps = heads::overlaps(anatomy, images, seen, sizes);
        let gradients = heads::gradients(anatomy, images, seen)?;
        let first = sizes.cascade.min(images.len());
        let (mut cascade, mut faithfulness) = (Vec::new(), Vec::new());
        if !weights.images.is_empty() {
            let draws = &weights.kept[..sizes.cascade_copies.min(weights.kept.len())];
            cascade = randomised::cascade(anatomy, &weights.parameters, draws, &images[..first], &seen[..first])?;
            faithfulness = perturbing::faithfulness(anatomy, samples, images, seen, sizes, seed)?;
        }
        let changes = if samples.are_lines() {
            changes::changes(anatomy, &samples.sources, sizes.changed, seed)?
        } else {
            Vec::new()
        };
        let head = |i: usize| claims::Head {
            name: network.heads()[i].name.clone(),
            classes: network.heads()[i].classes.unwrap_or(0).max(2),
            correct: correct[i].clone(),
            accuracy_by_seed: self.recorded(&network.heads()[i].name),
            grad_cam: self.maps(compared, i, 0),
            hires_cam: self.maps(compared, i, 1),
            controls: controls.clone(),
            gradients: gradients[i].clone(),
            overlaps: overlaps[i].clone(),
            faithfulness: faithfulness.get(i).cloned().unwrap_or_default(),
            cascade: cascade.get(i).cloned().unwrap_or_default(),
            changes: changes.get(i).cloned().unwrap_or_default(),
        };
        Ok((0..network.heads().len()).map(head).collect())
    }

    /// The maps of one head by one method.
    fn maps(&self, compared: &Compared, head: usize, method: usize) -> Maps {
        let masks = || self.images.iter().zip(self.seen).filter_map(|(image, seen)| Some((image.mask.as_ref()?, seen)));
        let share =
            |mask: &ndarray::Array2<bool>| mask.iter().filter(|on| **on).count() as f64 / mask.len().max(1) as f64;
        let shown = |seen: &&Seen| seen.cells[head][method].iter().any(|&v| v > 0.0);
        Maps {
            lift: (masks().count() > 0).then(|| compared.lift(head, method)),
            pointing: masks()
                .map(|(mask, seen)| pointing(seen.dense(&self.anatomy.placed, head, method).view(), mask.view()))
                .collect(),
            area: masks().map(|(mask, _)| share(mask)).collect(),
            maps: self.seen.len(),
            empty: self.seen.len() - self.seen.iter().filter(shown).count(),
        }
    }

    /// The accuracies of all trainings that the model records for a head.
    fn recorded(&self, head: &str) -> Vec<f64> {
        let metadata = self.anatomy.network.metadata();
        let text = metadata.get(&format!("accuracy_by_seed.{head}"));
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
