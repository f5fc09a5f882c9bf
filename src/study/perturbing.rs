//! Deletion and insertion by each map: the class's probability as the pixels go that the map ranks first.

use crate::error::{Error, Result};
use crate::input::prepared::PreparedInput;
use crate::measure::perturbation::{Perturbation, curve, deletion_batch, insertion_batch};
use crate::study::anatomy::{Anatomy, METHODS};
use crate::study::claims::Faithfulness;
use crate::study::heads::controls;
use crate::study::maps::Seen;
use crate::study::samples::Samples;
use crate::study::sizes::Sizes;
use ndarray::{Array2, Array3, ArrayD, ArrayView3, Axis};
use rayon::prelude::*;

/// Images whose frames run together, so that few places of the last batch stay empty.
const TOGETHER: usize = 3;

/// Areas under the deletion and the insertion curve.
type Areas = (f64, f64);

/// One image's areas: by head, then by map.
type Measured = Vec<Vec<(&'static str, Areas)>>;

/// By head: Grad-CAM, HiResCAM, then the controls. Pixels become black, the background of lines and digits.
///
/// # Errors
/// Images that the network does not take.
pub fn faithfulness(
    anatomy: &Anatomy,
    samples: &Samples,
    images: &[PreparedInput],
    seen: &[Seen],
    sizes: &Sizes,
    seed: u64,
) -> Result<Vec<Vec<Faithfulness>>> {
    let heads = anatomy.network.heads().len();
    let black = Array3::<u8>::zeros((anatomy.size.0, anatomy.size.1, 3));
    let black = samples.sources.loaded.recipe.preprocess.apply(black.view())?.input;
    let baseline = black.index_axis(Axis(0), 0);
    let channel_axis = if anatomy.network.input().channels_last { 2 } else { 0 };
    let how = |i: usize| Perturbation { baseline, steps: sizes.steps, channel_axis, seed: seed.wrapping_add(i as u64) };
    let positions: Vec<usize> = (0..sizes.perturbed.min(images.len()).min(seen.len())).collect();
    let groups: Vec<Vec<Measured>> = positions
        .par_chunks(TOGETHER)
        .map(|group| {
            let maps: Vec<_> = group.iter().map(|&i| maps(anatomy, &images[i], &seen[i], seed, i)).collect();
            let mut frames = Vec::new();
            for (&i, maps) in group.iter().zip(&maps) {
                frames.extend(self::frames(&images[i], maps, &how(i))?);
            }
            let scores = probabilities(anatomy, &frames)?;
            let of_image = |(nth, maps): (usize, &Vec<(&'static str, Array2<f32>)>)| {
                let classes = &seen[group[nth]].classes;
                let of_map = |head: usize, map: usize| {
                    let areas = areas(&scores[head], classes[head], nth * maps.len() + map, sizes.steps)?;
                    Ok((maps[map].0, areas))
                };
                // The head's own maps stand behind the controls.
                let own = |head: usize| (CONTROLS + METHODS.len() * head..).take(METHODS.len());
                let of_head = |head: usize| own(head).chain(0..CONTROLS).map(|map| of_map(head, map)).collect();
                (0..heads).map(of_head).collect::<Result<Measured>>()
            };
            maps.iter().enumerate().map(of_image).collect()
        })
        .collect::<Result<_>>()?;
    let measured: Vec<Measured> = groups.concat();
    let Some(first) = measured.first() else { return Ok(vec![Vec::new(); heads]) };
    let of_map = |head: usize, map: usize| Faithfulness {
        map: first[head][map].0.to_string(),
        is_control: map >= METHODS.len(),
        deletion: measured.iter().map(|image| image[head][map].1.0).collect(),
        insertion: measured.iter().map(|image| image[head][map].1.1).collect(),
    };
    Ok((0..heads).map(|head| (0..first[head].len()).map(|map| of_map(head, map)).collect()).collect())
}

/// Controls that rank pixels: all but the uniform one, which ranks none.
const CONTROLS: usize = 3;

/// The maps of image number `i`: the controls, which serve all heads, then each head's own.
fn maps(
    anatomy: &Anatomy,
    image: &PreparedInput,
    seen: &Seen,
    seed: u64,
    i: usize,
) -> Vec<(&'static str, Array2<f32>)> {
    let [_, gaussian, random, edges] = controls(anatomy, image, seed, i as u64);
    let mut maps = vec![gaussian, random, edges];
    for head in 0..seen.cells.len() {
        maps.extend((0..METHODS.len()).map(|m| (METHODS[m].title(), seen.dense(&anatomy.placed, head, m))));
    }
    maps
}

/// The images along the way, map by map: deletion, then insertion; each with a batch of one.
fn frames(image: &PreparedInput, maps: &[(&str, Array2<f32>)], how: &Perturbation) -> Result<Vec<ArrayD<f32>>> {
    let tensor = image.tensor.index_axis(Axis(0), 0);
    let tensor: ArrayView3<f32> = tensor.into_dimensionality().map_err(|cause| Error::other(cause.to_string()))?;
    let mut frames = Vec::new();
    for (_, map) in maps {
        for batch in [deletion_batch(tensor, map.view(), how)?, insertion_batch(tensor, map.view(), how)?] {
            frames.extend(batch.axis_chunks_iter(Axis(0), 1).map(|frame| frame.to_owned().into_dyn()));
        }
    }
    Ok(frames)
}

/// The probabilities of all classes for each frame: by head, then by frame.
fn probabilities(anatomy: &Anatomy, frames: &[ArrayD<f32>]) -> Result<Vec<Vec<Vec<f64>>>> {
    let heads = anatomy.network.heads().len();
    let mut all = vec![Vec::with_capacity(frames.len()); heads];
    for frames in frames.chunks(anatomy.batch) {
        let run = anatomy.run(&anatomy.graph, &frames.iter().collect::<Vec<_>>(), &anatomy.explained())?;
        for (head, of_head) in all.iter_mut().enumerate() {
            of_head.extend(run.probabilities(head)?);
        }
    }
    Ok(all)
}

/// The areas under the curves of the map in place `map`, for a class.
fn areas(scores: &[Vec<f64>], class: usize, map: usize, steps: usize) -> Result<Areas> {
    let area = |which: usize| {
        let start = (2 * map + which) * (steps + 1);
        let along = scores.get(start..start + steps + 1).unwrap_or_default();
        let along = along.iter().map(|probabilities| probabilities.get(class).copied().unwrap_or(0.0)).collect();
        Ok(curve(along, steps)?.auc)
    };
    Ok((area(0)?, area(1)?))
}
