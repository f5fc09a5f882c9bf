//! The cascade of Adebayo et al. (2018): new weights from the top downwards, and what is left of each map.

use crate::backprop::graph::{Graph, Op};
use crate::error::Result;
use crate::input::prepared::PreparedInput;
use crate::measure::similarity::spearman;
use crate::study::anatomy::Anatomy;
use crate::study::claims::Stage;
use crate::study::copies::Parameters;
use crate::study::maps::{Seen, in_batches, see};
use rayon::prelude::*;

/// The stages by head. The class that is explained stays the trained network's.
///
/// # Errors
/// Those of running and walking back.
pub fn cascade(
    anatomy: &Anatomy,
    parameters: &Parameters,
    draws: &[Vec<Op>],
    images: &[PreparedInput],
    seen: &[Seen],
) -> Result<Vec<Vec<Stage>>> {
    let heads = anatomy.network.heads().len();
    let images = &images[..images.len().min(seen.len())];
    let cases: Vec<(usize, usize)> =
        (0..parameters.stages()).flat_map(|stage| (0..draws.len()).map(move |draw| (stage, draw))).collect();
    // By case, then by image, then by head.
    let similar: Vec<Vec<Vec<Option<f64>>>> = cases
        .par_iter()
        .map(|&(stage, draw)| {
            let graph = parameters.replaced(&anatomy.graph, &draws[draw], stage + 1);
            similarities(anatomy, &graph, images, seen)
        })
        .collect::<Result<_>>()?;
    let of_head = |head: usize| {
        let stage = |stage: usize| {
            let of_draws = &similar[stage * draws.len()..(stage + 1) * draws.len()];
            let of_draw = |draw: &Vec<Vec<Option<f64>>>| draw.iter().map(|image| image[head]).collect();
            Stage { layer: name(anatomy, parameters, stage), similarity: of_draws.iter().map(of_draw).collect() }
        };
        (0..parameters.stages()).map(stage).collect()
    };
    Ok((0..heads).map(of_head).collect())
}

/// Spearman's correlation of the maps by a graph with the trained network's, by image, then by head: 0 if the new map is
/// empty, `None` if the trained network's is.
fn similarities(
    anatomy: &Anatomy,
    graph: &Graph,
    images: &[PreparedInput],
    seen: &[Seen],
) -> Result<Vec<Vec<Option<f64>>>> {
    in_batches(anatomy, graph, images, &anatomy.explained(), |run, part| {
        let before = &seen[part];
        let heads = 0..anatomy.network.heads().len();
        let classes: Vec<Vec<usize>> =
            heads.clone().map(|head| before.iter().map(|seen| seen.classes[head]).collect()).collect();
        let after = see(anatomy, run, Some(&classes))?;
        let similarity = |before: &Seen, after: &Seen, head: usize| {
            let empty = |seen: &Seen| seen.cells[head][0].iter().all(|&v| v <= 0.0);
            let dense = |seen: &Seen| seen.dense(&anatomy.placed, head, 0);
            match (empty(before), empty(after)) {
                (true, _) => None,
                (false, true) => Some(0.0),
                (false, false) => Some(spearman(dense(before).view(), dense(after).view())),
            }
        };
        let image = |(before, after)| heads.clone().map(|head| similarity(before, after, head)).collect();
        Ok(before.iter().zip(&after).map(image).collect())
    })
}

/// The layers that are new at a stage: those whose output comes first after the new weights.
fn name(anatomy: &Anatomy, parameters: &Parameters, stage: usize) -> String {
    let mut names: Vec<&str> = Vec::new();
    for node in parameters.stage(stage) {
        let name = anatomy.layer_of(node).unwrap_or_default();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [] => format!("layer {} from the top", stage + 1),
        [one] => (*one).to_string(),
        [first, .., last] => format!("{first} to {last}"),
    }
}
