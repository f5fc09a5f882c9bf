//! Heatmaps and activations of a network, or of one of its copies, image by image, and the numbers about them.

use crate::backprop::graph::{Graph, ValueId};
use crate::error::Result;
use crate::explain::score::best;
use crate::input::prepared::PreparedInput;
use crate::measure::agreement::{Agreement, agreement};
use crate::measure::detail::activation_detail;
use crate::measure::energy::energy;
use crate::measure::sampling::Sampling;
use crate::study::anatomy::{Anatomy, Run};
use crate::study::claims::Comparison;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// The maps of one image.
#[derive(Clone)]
pub struct Seen {
    /// The class that is explained at each head: the one that the network at hand predicts.
    pub classes: Vec<usize>,
    /// By head, then by method: rectified, on the target's grid.
    pub cells: Vec<[Array2<f32>; 2]>,
}

impl Seen {
    /// One map at the image's pixels.
    pub fn dense(&self, sampling: &Sampling, head: usize, method: usize) -> Array2<f32> {
        sampling.dense(self.cells[head][method].view())
    }
}

/// The maps of a batch. Without `classes` (by head, then by image) each head explains what it predicts itself.
///
/// # Errors
/// Those of running and walking back.
pub fn see(anatomy: &Anatomy, run: &Run, classes: Option<&[Vec<usize>]>) -> Result<Vec<Seen>> {
    let heads = 0..anatomy.network.heads().len();
    let predicted = |head: usize| -> Result<Vec<usize>> {
        // A head of one unit has two classes: that its score is positive, and that it is not.
        let class = |scores: &Vec<f64>| match scores.as_slice() {
            [y] => usize::from(*y > 0.0),
            scores => best(scores),
        };
        Ok(run.scores(head)?.iter().map(class).collect())
    };
    let classes: Vec<Vec<usize>> = match classes {
        Some(classes) => classes.to_vec(),
        None => heads.clone().map(predicted).collect::<Result<_>>()?,
    };
    let maps = heads.map(|head| run.heatmaps(head, &classes[head])).collect::<Result<Vec<_>>>()?;
    let images = maps.first().map_or(0, Vec::len);
    let image = |i: usize| Seen {
        classes: classes.iter().map(|of_head| of_head[i]).collect(),
        cells: maps.iter().map(|of_head| of_head[i].clone()).collect(),
    };
    Ok((0..images).map(image).collect())
}

/// Runs all images through a graph, batch by batch, and reads each run, given the positions of its images; results come
/// in the order of the images.
///
/// # Errors
/// Those of running and reading.
pub fn in_batches<R: Send>(
    anatomy: &Anatomy,
    graph: &Graph,
    images: &[PreparedInput],
    ends: &[ValueId],
    read: impl Fn(&Run, Range<usize>) -> Result<Vec<R>> + Sync,
) -> Result<Vec<R>> {
    let batches: Vec<Vec<R>> = images
        .par_chunks(anatomy.batch)
        .enumerate()
        .map(|(i, images)| {
            let tensors: Vec<_> = images.iter().map(|image| &image.tensor).collect();
            let start = i * anatomy.batch;
            read(&anatomy.run(graph, &tensors, ends)?, start..start + images.len())
        })
        .collect::<Result<_>>()?;
    Ok(batches.into_iter().flatten().collect())
}

/// The numbers about one image that a network is compared by with its copies.
pub struct Numbers {
    /// Energy on the object in multiples of chance, by head, then by method; `None` for empty maps and without a mask.
    lift: Vec<[Option<f64>; 2]>,
    /// How the heads' maps differ, by method.
    pub agreement: [Agreement; 2],
    /// Detail of the first convolution's activation, for the first images.
    detail: Option<f64>,
    /// Energy of the last convolution's activation on the object.
    attention: Option<f64>,
}

/// Looks at all images with the weights of `graph`; detail is measured for the first `detailed` of them.
///
/// # Errors
/// Those of running and reading.
pub fn look(
    anatomy: &Anatomy,
    graph: &Graph,
    images: &[PreparedInput],
    detailed: usize,
) -> Result<Vec<(Seen, Numbers)>> {
    let (first, last) = (anatomy.convolutions.first(), anatomy.convolutions.last());
    let sampling = last.and_then(|place| anatomy.sampling(place));
    let mut ends = anatomy.explained();
    ends.extend(first.iter().chain(&last).map(|place| place.output));
    in_batches(anatomy, graph, images, &ends, |run, part| {
        let seen = see(anatomy, run, None)?;
        let activations = last.map(|place| run.maps(place)).transpose()?.unwrap_or_default();
        let in_detail = first.filter(|_| part.start < detailed);
        let in_detail = in_detail.map(|place| run.maps(place)).transpose()?.unwrap_or_default();
        let read = |(i, (seen, image)): (usize, (Seen, &PreparedInput))| {
            let attention = image.mask.as_ref().zip(activations.get(i)).zip(sampling.as_ref());
            let attention = attention.map(|((mask, map), sampling)| {
                energy(sampling.dense(mean_size(map.view()).view()).view(), mask.view()).lift
            });
            let detail = in_detail.get(i).filter(|_| part.start + i < detailed);
            let detail = detail.map(|map| activation_detail(map.view()));
            let numbers = Numbers { detail, attention, ..numbers(anatomy, &seen, image) };
            (seen, numbers)
        };
        Ok(seen.into_iter().zip(&images[part.clone()]).enumerate().map(read).collect())
    })
}

/// The numbers about the maps of one image; those about activations are left out.
fn numbers(anatomy: &Anatomy, seen: &Seen, image: &PreparedInput) -> Numbers {
    let heads = 0..seen.cells.len();
    let dense: Vec<[Array2<f32>; 2]> =
        heads.map(|head| [0, 1].map(|method| seen.dense(&anatomy.placed, head, method))).collect();
    let lift = |map: &Array2<f32>| {
        let energy = energy(map.view(), image.mask.as_ref()?.view());
        (!energy.empty).then_some(energy.lift)
    };
    let agreement = |method: usize| {
        let maps: Vec<ArrayView2<f32>> = dense.iter().map(|maps| maps[method].view()).collect();
        agreement(&maps)
    };
    Numbers {
        lift: dense.iter().map(|maps| [lift(&maps[0]), lift(&maps[1])]).collect(),
        agreement: [agreement(0), agreement(1)],
        detail: None,
        attention: None,
    }
}

/// The mean over channels of the values' sizes.
fn mean_size(activation: ArrayView3<f32>) -> Array2<f32> {
    let channels = activation.len_of(Axis(0)).max(1) as f32;
    let mut sum = Array2::zeros((activation.len_of(Axis(1)), activation.len_of(Axis(2))));
    for plane in activation.outer_iter() {
        sum.zip_mut_with(&plane, |sum: &mut f32, value| *sum += value.abs());
    }
    sum.mapv_into(|sum| sum / channels)
}

/// The numbers of a network and of its copies, image by image.
pub struct Compared {
    pub trained: Vec<Numbers>,
    pub copies: Vec<Vec<Numbers>>,
}

impl Compared {
    /// One number of each, side by side.
    pub fn comparison(&self, of: impl Fn(&Numbers) -> Option<f64>) -> Comparison {
        let read = |numbers: &Vec<Numbers>| numbers.iter().map(&of).collect::<Vec<_>>();
        Comparison { trained: read(&self.trained), copies: self.copies.iter().map(read).collect() }
    }

    /// Energy of the maps of a head by a method.
    pub fn lift(&self, head: usize, method: usize) -> Comparison {
        self.comparison(|numbers| numbers.lift.get(head)?[method])
    }

    /// Detail of the first convolution's activations, of the images where it was measured.
    pub fn detail(&self) -> Comparison {
        let read = |numbers: &Vec<Numbers>| numbers.iter().filter_map(|n| n.detail).collect::<Vec<_>>();
        Comparison::complete(read(&self.trained), self.copies.iter().map(read).collect())
    }

    /// Energy of the last convolution's activations; `None` without masks.
    pub fn attention(&self) -> Option<Comparison> {
        self.trained.first()?.attention?;
        Some(self.comparison(|numbers| numbers.attention))
    }
}

/// The values of an activation that are the same everywhere in a channel, channel by channel: false means silent.
pub fn answers(activation: &Array3<f32>) -> Vec<bool> {
    let answers = |plane: ArrayView2<f32>| plane.first().is_some_and(|first| plane.iter().any(|value| value != first));
    activation.outer_iter().map(answers).collect()
}
