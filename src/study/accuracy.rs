//! Accuracy on fresh images, through tract in batches.

use crate::error::{Error, Result};
use crate::explain::score::{best, probabilities};
use crate::model::{Network, Plan};
use crate::study::samples::Samples;
use ndarray::{ArrayD, Axis, concatenate};
use rayon::prelude::*;

/// Images that run through the network at a time.
const BATCH: usize = 50;

/// A plan for the logits of all heads, in batches.
///
/// # Errors
/// As for [`Network::plan`].
pub fn plan(network: &Network, size: (usize, usize)) -> Result<Plan> {
    let logits: Vec<&str> = network.heads().iter().map(|head| head.logits.as_str()).collect();
    network.plan(&logits, BATCH, Some(size))
}

/// For each head whether it was right about each of the first `count` images; empty where the truth is unknown.
///
/// # Errors
/// Images that the network does not take.
pub fn correct(network: &Network, plan: &Plan, samples: &Samples, count: usize) -> Result<Vec<Vec<bool>>> {
    let starts: Vec<usize> = (0..count).step_by(BATCH).collect();
    let parts: Vec<Vec<Vec<bool>>> = starts
        .into_par_iter()
        .map(|start| {
            let images = samples.images(start, (start + BATCH).min(count))?;
            if images.is_empty() {
                return Ok(vec![Vec::new(); network.heads().len()]);
            }
            let predicted = predictions(network, plan, &images.iter().map(|image| &image.tensor).collect::<Vec<_>>())?;
            let of_head = |head: usize| {
                let truth = |i: usize| images[i].truths.get(head).copied().flatten();
                (0..images.len()).filter_map(|i| Some(best(&predicted[head][i]) == truth(i)?)).collect()
            };
            Ok((0..network.heads().len()).map(of_head).collect())
        })
        .collect::<Result<_>>()?;
    Ok((0..network.heads().len())
        .map(|head| parts.iter().flat_map(|part| part[head].iter().copied()).collect())
        .collect())
}

/// The probabilities of all classes: by head, then by image (each with a batch of one).
///
/// # Errors
/// Images that the network does not take.
fn predictions(network: &Network, plan: &Plan, images: &[&ArrayD<f32>]) -> Result<Vec<Vec<Vec<f64>>>> {
    let views: Vec<_> = images.iter().map(|image| image.view()).collect();
    let batch =
        concatenate(Axis(0), &views).map_err(|cause| Error::other(format!("images of different shapes: {cause}")))?;
    let logits = plan.run(&batch)?;
    let of_head = |(head, logits): (&crate::model::Head, &ArrayD<f32>)| {
        logits.axis_chunks_iter(Axis(0), 1).map(|row| probabilities(head, &row.to_owned(), None)).collect()
    };
    Ok(network.heads().iter().zip(&logits).map(of_head).collect())
}
