//! Deletion and insertion by each map: the class's probability as the pixels go that the map ranks first.

use super::super::input::Ready;
use super::accuracy::predictions;
use super::anatomy::{Anatomy, METHODS};
use super::heads::controls;
use super::maps::Seen;
use super::samples::Samples;
use super::sizes::Sizes;
use crate::error::{Error, Result};
use crate::measure::inference::Faithfulness;
use crate::measure::perturbation::{Perturbation, curve, deletion_batch, insertion_batch};
use crate::model::Plan;
use ndarray::{Array2, Array3, Array4, ArrayD, ArrayView3, Axis};
use rayon::prelude::*;

/// Areas under the two curves.
type Areas = (f64, f64);

/// By head: Grad-CAM, HiResCAM, then the controls. Pixels become black, the background of lines and digits.
///
/// # Errors
/// Images that the network does not take.
pub fn faithfulness(
    anatomy: &Anatomy,
    plan: &Plan,
    samples: &Samples,
    images: &[Ready],
    seen: &[Seen],
    sizes: &Sizes,
    seed: u64,
) -> Result<Vec<Vec<Faithfulness>>> {
    let heads = anatomy.network.heads().len();
    let black = Array3::<u8>::zeros((anatomy.size.0, anatomy.size.1, 3));
    let black = samples.sources.recipe.preprocess.apply(black.view())?.input;
    let baseline = black.index_axis(Axis(0), 0);
    let channel_axis = if anatomy.network.input().channels_last { 2 } else { 0 };
    // By image, then by head, then by map.
    let measured: Vec<Vec<Vec<(&str, Areas)>>> = images
        .par_iter()
        .zip(seen)
        .take(sizes.perturbed)
        .enumerate()
        .map(|(i, (image, seen))| {
            let how = Perturbation { baseline, steps: sizes.steps, channel_axis, seed: seed.wrapping_add(i as u64) };
            let [_, gaussian, random, edges] = controls(anatomy, image, seed, i as u64);
            // Controls do not depend on the head, so one batch serves all of them.
            let mut maps = vec![gaussian, random, edges];
            for head in 0..heads {
                maps.extend((0..METHODS.len()).map(|m| (METHODS[m].title(), seen.dense(&anatomy.placed, head, m))));
            }
            let curves = curves(anatomy, plan, image, &maps, &how)?;
            let of_head = |head: usize| -> Result<Vec<(&str, Areas)>> {
                let own = 3 + METHODS.len() * head..3 + METHODS.len() * (head + 1);
                let order = own.chain(0..3);
                order
                    .map(|map| Ok((maps[map].0, areas(&curves, head, seen.classes[head], map, sizes.steps)?)))
                    .collect()
            };
            (0..heads).map(of_head).collect()
        })
        .collect::<Result<_>>()?;
    let Some(first) = measured.first() else { return Ok(vec![Vec::new(); heads]) };
    let of_map = |head: usize, map: usize| Faithfulness {
        map: first[head][map].0.to_string(),
        is_control: map >= METHODS.len(),
        deletion: measured.iter().map(|image| image[head][map].1.0).collect(),
        insertion: measured.iter().map(|image| image[head][map].1.1).collect(),
    };
    Ok((0..heads).map(|head| (0..first[head].len()).map(|map| of_map(head, map)).collect()).collect())
}

/// The probabilities along the way of all maps of one image: by head, then by step, deletion before insertion, map by
/// map.
fn curves(
    anatomy: &Anatomy,
    plan: &Plan,
    image: &Ready,
    maps: &[(&str, Array2<f32>)],
    how: &Perturbation,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let tensor = image.tensor.index_axis(Axis(0), 0);
    let tensor: ArrayView3<f32> = tensor.into_dimensionality().map_err(|cause| Error::other(cause.to_string()))?;
    let mut batches: Vec<ArrayD<f32>> = Vec::new();
    for (_, map) in maps {
        let (deletion, insertion): (Array4<f32>, Array4<f32>) =
            (deletion_batch(tensor, map.view(), how)?, insertion_batch(tensor, map.view(), how)?);
        batches.extend([deletion.into_dyn(), insertion.into_dyn()]);
    }
    predictions(anatomy.network, plan, &batches.iter().collect::<Vec<_>>())
}

/// The areas under one map's curves for a class of a head.
fn areas(curves: &[Vec<Vec<f64>>], head: usize, class: usize, map: usize, steps: usize) -> Result<Areas> {
    let area = |which: usize| {
        let start = (2 * map + which) * (steps + 1);
        let along = curves[head].get(start..start + steps + 1).unwrap_or_default();
        let scores = along.iter().map(|probabilities| probabilities.get(class).copied().unwrap_or(0.0)).collect();
        Ok(curve(scores, steps)?.auc)
    };
    Ok((area(0)?, area(1)?))
}
