//! What is measured layer by layer: poolings, filters, linear probes.

use crate::backprop::graph::{Conv, Graph};
use crate::error::Result;
use crate::input::prepared::PreparedInput;
use crate::measure::color::{Color, color};
use crate::measure::participation;
use crate::measure::pooling::pooling;
use crate::measure::sparsity::share_of_zeros;
use crate::measure::spectrum::spectrum;
use crate::study::anatomy::{Anatomy, Place};
use crate::study::claims::{self, Colors, Comparison, LayerKind, PoolingLayer};
use crate::study::maps::{answers, in_batches};
use crate::study::sizes::Sizes;
use ndarray::{ArrayD, ArrayView3};

/// Convolutions and poolings with their receptive fields, in the order of the data.
pub fn layers(anatomy: &Anatomy) -> Vec<claims::Layer> {
    let convolutions = anatomy.convolutions.iter().map(|place| (place, LayerKind::Convolution));
    let poolings = anatomy.poolings.iter().map(|place| (place, LayerKind::Pooling));
    let mut all: Vec<(&Place, LayerKind)> = convolutions.chain(poolings).collect();
    all.sort_by_key(|(place, _)| place.output);
    let layer = |(place, kind): (&Place, LayerKind)| claims::Layer {
        name: place.layer.name.clone(),
        kind,
        receptive_field: receptive_field(anatomy, place),
    };
    all.into_iter().map(layer).collect()
}

/// The longer side of what one output sees; the whole image where that differs from path to path.
fn receptive_field(anatomy: &Anatomy, place: &Place) -> usize {
    let side = anatomy.size.0.min(anatomy.size.1);
    let field = anatomy.network.receptive_field(&place.layer.output_tensor).and_then(|field| field.size);
    field.map_or(side, |[height, width]| height.max(width))
}

/// What each max pooling does to each image.
///
/// # Errors
/// Those of running.
pub fn poolings(anatomy: &Anatomy, images: &[PreparedInput]) -> Result<Vec<PoolingLayer>> {
    let mut measured = Vec::new();
    for place in &anatomy.poolings {
        let Some((before, after, window)) = anatomy.pooling(place) else { continue };
        let effects = in_batches(anatomy, &anatomy.graph, images, &[before, after], |run, _| {
            let (before, after) = (run.planes(before)?, run.planes(after)?);
            Ok(before.iter().zip(&after).map(|(b, a)| pooling(b.view(), a.view(), &window)).collect())
        })?;
        measured.push(PoolingLayer {
            layer: place.layer.name.clone(),
            effect: effects.iter().map(|p| p.effect).collect(),
            energy_kept: effects.iter().map(|p| p.energy_kept).collect(),
            maxima_kept: effects.iter().map(|p| p.maxima_kept).collect(),
        });
    }
    Ok(measured)
}

/// What the activations of one convolution show over all images.
#[derive(Default)]
pub struct Answers {
    /// Filters that answered some image.
    pub alive: usize,
    /// Share of zeros, image by image.
    pub zeros: Vec<f64>,
}

/// [`Answers`] of each convolution.
///
/// # Errors
/// Those of running.
pub fn answered(anatomy: &Anatomy, images: &[PreparedInput]) -> Result<Vec<Answers>> {
    let ends: Vec<_> = anatomy.convolutions.iter().map(|place| place.output).collect();
    let read = in_batches(anatomy, &anatomy.graph, images, &ends, |run, part| {
        let of_image: Vec<Vec<_>> = anatomy.convolutions.iter().map(|p| run.maps(p)).collect::<Result<_>>()?;
        let image = |i: usize| -> Vec<(Vec<bool>, f64)> {
            of_image.iter().map(|maps| (answers(&maps[i]), share_of_zeros(maps[i].iter().copied()))).collect()
        };
        Ok((0..part.len()).map(image).collect())
    })?;
    let of_layer = |layer: usize| {
        let filters = read.first().map_or(0, |image| image[layer].0.len());
        let alive = (0..filters).filter(|&filter| read.iter().any(|image| image[layer].0[filter])).count();
        Answers { alive, zeros: read.iter().map(|image| image[layer].1).collect() }
    };
    Ok((0..anatomy.convolutions.len()).map(of_layer).collect())
}

/// What the kernels of one convolution measure, filter by filter.
pub struct Kernels {
    /// `None` for kernels of 1×1.
    patterns: Option<Vec<f64>>,
    /// Of a first layer that reads three colour channels.
    colors: Option<Vec<Color>>,
    /// Of layers behind the first.
    participation: Option<Vec<f64>>,
}

/// [`Kernels`] of each convolution of a graph of this anatomy; `None` where the operator is another. `varies` are the
/// colour channels that are not the same in all images.
pub fn kernels(anatomy: &Anatomy, graph: &Graph, varies: [bool; 3], sizes: &Sizes) -> Vec<Option<Kernels>> {
    let measured = |(i, place): (usize, &Place)| {
        let conv = anatomy.convolution(graph, place)?;
        let first = i == 0;
        let colors = (first && conv.inputs == 3).then(|| each(conv, sizes.filters, &|kernel| color(kernel, varies)));
        Some(Kernels {
            patterns: (conv.window.kernel_len() > 1)
                .then(|| each(conv, sizes.filters, &|kernel| spectrum(kernel).pattern)),
            colors: colors.map(|colors| colors.into_iter().flatten().collect()),
            participation: (!first && conv.groups == 1).then(|| each(conv, sizes.filters, &participation::of_filter)),
        })
    };
    anatomy.convolutions.iter().enumerate().map(measured).collect()
}

/// The kernels of each convolution beside those of the copies.
pub fn filters(
    anatomy: &Anatomy,
    trained: Vec<Option<Kernels>>,
    copies: &[Vec<Option<Kernels>>],
) -> Vec<claims::Filters> {
    let filter = |(i, (place, trained)): (usize, (&Place, Option<Kernels>))| {
        let (conv, trained) = (anatomy.convolution(&anatomy.graph, place)?, trained?);
        let copies: Vec<&Kernels> = copies.iter().filter_map(|copy| copy.get(i)?.as_ref()).collect();
        let compare = |trained: Option<Vec<f64>>, of: fn(&Kernels) -> &Option<Vec<f64>>| {
            Some(Comparison::complete(trained?, copies.iter().filter_map(|copy| of(copy).clone()).collect()))
        };
        let colors = |trained: Vec<Color>| Colors {
            trained,
            copies: copies.iter().filter_map(|copy| copy.colors.clone()).collect(),
        };
        let [_, rows, columns] = conv.window.axes.map(|axis| axis.kernel);
        Some(claims::Filters {
            layer: place.layer.name.clone(),
            inputs: conv.inputs / conv.groups,
            kernel: [rows, columns],
            receptive_field: receptive_field(anatomy, place),
            patterns: compare(trained.patterns, |kernels| &kernels.patterns),
            colors: trained.colors.filter(|colors| !colors.is_empty()).map(colors),
            participation: compare(trained.participation, |kernels| &kernels.participation),
            alive: 0,
            total: conv.outputs,
        })
    };
    anatomy.convolutions.iter().zip(trained).enumerate().filter_map(filter).collect()
}

/// A number of the first filters of a convolution, each [inputs, height, width].
fn each<R>(conv: &Conv, most: usize, of: &dyn Fn(ArrayView3<f32>) -> R) -> Vec<R> {
    let [_, rows, columns] = conv.window.axes.map(|axis| axis.kernel);
    let inputs = conv.inputs / conv.groups;
    let kernels = conv.kernel.chunks_exact((inputs * conv.window.kernel_len()).max(1)).take(most);
    kernels.filter_map(|kernel| ArrayView3::from_shape((inputs, rows, columns), kernel).ok()).map(of).collect()
}

/// Which of three color channels are not the same in all images at all places. All of them in a network with another
/// number of channels, which has no colors.
pub fn varying_channels(images: &[PreparedInput]) -> [bool; 3] {
    let channel = |image: &ArrayD<f32>, c: usize| -> Option<(f32, f32)> {
        let axis = if image.shape().get(3) == Some(&3) { 3 } else { 1 };
        (image.shape().get(axis) == Some(&3)).then(|| {
            let values = image.index_axis(ndarray::Axis(axis), c);
            values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
        })
    };
    [0, 1, 2].map(|c| {
        let ranges: Option<Vec<(f32, f32)>> = images.iter().map(|image| channel(&image.tensor, c)).collect();
        ranges.is_none_or(|ranges| {
            let low = ranges.iter().fold(f32::INFINITY, |low, range| low.min(range.0));
            let high = ranges.iter().fold(f32::NEG_INFINITY, |high, range| high.max(range.1));
            high > low
        })
    })
}
