//! Linear probes: how well each head's classes are separated in the input, in each convolution, and in the last
//! convolution of the copies.

use crate::backprop::graph::{Graph, ValueId};
use crate::error::Result;
use crate::input::prepared::PreparedInput;
use crate::measure::probe::{pooled_features, probe};
use crate::study::anatomy::Anatomy;
use crate::study::claims::{Comparison, Probe};
use crate::study::maps::in_batches;
use ndarray::{Array2, Array3, Axis, s};
use rayon::prelude::*;

/// A layer is read as means over so many rows and columns of parts at most.
const CELLS: usize = 4;
/// The input, which has few channels, at a finer grain.
const INPUT_CELLS: usize = 14;

/// The features of all images at one layer.
struct Features {
    layer: String,
    values: Array2<f32>,
}

/// Probes of the network on every convolution, and of the copies on the last one. The first half of `images` fits, the
/// second tests; heads whose truth is not known for all images are left out.
///
/// # Errors
/// Those of running and of fitting.
pub fn probes(anatomy: &Anatomy, copies: &[Graph], images: &[PreparedInput]) -> Result<Vec<Probe>> {
    let targets: Vec<(&str, usize, Vec<usize>)> = anatomy
        .network
        .heads()
        .iter()
        .enumerate()
        .filter_map(|(head, of)| {
            let truths: Option<Vec<usize>> = images.iter().map(|i| i.truths.get(head).copied().flatten()).collect();
            Some((of.name.as_str(), of.classes?.max(2), truths?))
        })
        .collect();
    let Some(last) = anatomy.convolutions.last().filter(|_| !targets.is_empty() && images.len() > 1) else {
        return Ok(Vec::new());
    };
    let mut layers = vec![Features { layer: "input".into(), values: input(images)? }];
    let ends: Vec<_> = anatomy.convolutions.iter().map(|place| place.output).collect();
    let of_network = features(anatomy, &anatomy.graph, images, &ends)?;
    let names = anatomy.convolutions.iter().map(|place| place.layer.name.clone());
    layers.extend(names.zip(of_network).map(|(layer, values)| Features { layer, values }));
    let of_copies: Vec<Array2<f32>> = copies
        .iter()
        .map(|copy| Ok(features(anatomy, copy, images, &[last.output])?.pop().unwrap_or_default()))
        .collect::<Result<_>>()?;
    let deepest = layers.len() - 1;
    let mut cases: Vec<(usize, usize)> = Vec::new();
    (0..layers.len()).for_each(|layer| cases.extend((0..targets.len()).map(|target| (layer, target))));
    cases
        .into_par_iter()
        .map(|(layer, target)| {
            let (name, classes, truths) = &targets[target];
            let trained = correct(&layers[layer].values, truths, *classes)?;
            let copies = if layer == deepest {
                of_copies.par_iter().map(|copy| correct(copy, truths, *classes)).collect::<Result<Vec<_>>>()?
            } else {
                Vec::new()
            };
            Ok(Probe {
                layer: layers[layer].layer.clone(),
                target: (*name).to_string(),
                classes: *classes,
                correct: Comparison::complete(trained, copies),
            })
        })
        .collect()
}

/// 1 for each image of the second half that a probe fitted to the first half gets right, else 0.
fn correct(features: &Array2<f32>, truths: &[usize], classes: usize) -> Result<Vec<f64>> {
    let half = truths.len() / 2;
    let (train, test) = (features.slice(s![..half, ..]), features.slice(s![half.., ..]));
    let predicted = probe((train, &truths[..half]), test, classes)?;
    Ok(predicted.iter().zip(&truths[half..]).map(|(p, t)| f64::from(u8::from(p == t))).collect())
}

/// Features of all images at the convolutions whose outputs are `ends`.
fn features(anatomy: &Anatomy, graph: &Graph, images: &[PreparedInput], ends: &[ValueId]) -> Result<Vec<Array2<f32>>> {
    let rows: Vec<Vec<Vec<f32>>> = in_batches(anatomy, graph, images, ends, |run, part| {
        let places = anatomy.convolutions.iter().filter(|place| ends.contains(&place.output));
        let maps: Vec<Vec<Array3<f32>>> = places.map(|place| run.maps(place)).collect::<Result<_>>()?;
        let image = |i: usize| maps.iter().map(|of_layer| pooled_features(of_layer[i].view(), CELLS)).collect();
        Ok((0..part.len()).map(image).collect())
    })?;
    (0..ends.len()).map(|layer| matrix(rows.iter().map(|row| row[layer].as_slice()))).collect()
}

/// The input itself.
fn input(images: &[PreparedInput]) -> Result<Array2<f32>> {
    let row = |image: &PreparedInput| {
        let shown = image.shown.view().permuted_axes([2, 0, 1]);
        // Grey images are shown with three equal channels.
        let grey = image.tensor.shape().iter().skip(1).any(|&length| length == 1);
        let channels = if grey { 1 } else { 3 };
        pooled_features(shown.slice_axis(Axis(0), ndarray::Slice::from(0..channels)), INPUT_CELLS)
    };
    let rows: Vec<Vec<f32>> = images.par_iter().map(row).collect();
    matrix(rows.iter().map(Vec::as_slice))
}

fn matrix<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Result<Array2<f32>> {
    let rows: Vec<&[f32]> = rows.collect();
    let width = rows.first().map_or(0, |row| row.len());
    Array2::from_shape_vec((rows.len(), width), rows.concat())
        .map_err(|cause| crate::error::Error::other(format!("features of different lengths: {cause}")))
}
