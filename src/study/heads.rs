//! What is measured head by head on the network's own maps: controls, overlaps, gradients that vanish.

use crate::error::Result;
use crate::explain::engine::Score;
use crate::input::prepared::PreparedInput;
use crate::measure::control;
use crate::measure::energy::energy;
use crate::measure::overlap::{THRESHOLDS, best_iou, iou};
use crate::model::HeadActivation;
use crate::study::anatomy::Anatomy;
use crate::study::claims::{Control, Gradients, Overlap, Vanishing};
use crate::study::maps::{Seen, in_batches};
use crate::study::sizes::Sizes;
use ndarray::{Array2, ArrayD, Axis};
use rayon::prelude::*;

/// Below this a gradient is as good as zero.
const TINY: f32 = 1e-7;

/// The maps that know nothing of the network, by name, for one image; `stream` numbers the image.
pub fn controls(anatomy: &Anatomy, image: &PreparedInput, seed: u64, stream: u64) -> [(&'static str, Array2<f32>); 4] {
    [
        ("uniform", control::uniform(anatomy.size)),
        ("centred Gaussian", control::centred_gaussian(anatomy.size)),
        ("random", control::random(&anatomy.placed, seed, stream)),
        ("edge map", control::edges(image.shown.view(), 2)),
    ]
}

/// The controls' energy on the object; the same for all heads. None without masks.
pub fn control_lifts(anatomy: &Anatomy, images: &[PreparedInput], seed: u64) -> Vec<Control> {
    let lifts: Vec<Vec<(&str, f64)>> = images
        .par_iter()
        .enumerate()
        .filter_map(|(i, image)| {
            let mask = image.mask.as_ref()?;
            let lift = |(name, map): (&'static str, Array2<f32>)| (name, energy(map.view(), mask.view()).lift);
            Some(controls(anatomy, image, seed, i as u64).map(lift).to_vec())
        })
        .collect();
    let names: Vec<&str> = lifts.first().map(|first| first.iter().map(|c| c.0).collect()).unwrap_or_default();
    let control = |(i, name): (usize, &&str)| Control {
        name: (*name).to_string(),
        lift: lifts.iter().map(|of_image| of_image[i].1).collect(),
    };
    names.iter().enumerate().map(control).collect()
}

/// Overlap of Grad-CAM with the object for the first images, by head, then by threshold; the best possible overlap is
/// found once for each image. Empty without masks.
pub fn overlaps(anatomy: &Anatomy, images: &[PreparedInput], seen: &[Seen], sizes: &Sizes) -> Vec<Vec<Overlap>> {
    let heads = anatomy.network.heads().len();
    let measured: Vec<Vec<[[f64; 4]; 2]>> = images
        .par_iter()
        .zip(seen)
        .take(sizes.overlaps)
        .filter_map(|(image, seen)| {
            let mask = image.mask.as_ref()?.view();
            let best = THRESHOLDS.map(|threshold| best_iou(&anatomy.placed, mask, threshold));
            let of_head = |head: usize| {
                let (placed, stretched) =
                    (seen.dense(&anatomy.placed, head, 0), seen.dense(&anatomy.stretched, head, 0));
                let lift = energy(placed.view(), mask).lift;
                [0, 1].map(|cut| {
                    let of = |map: &Array2<f32>| iou(map.view(), mask, THRESHOLDS[cut]);
                    [of(&stretched), of(&placed), best[cut], lift]
                })
            };
            Some((0..heads).map(of_head).collect())
        })
        .collect();
    if measured.is_empty() {
        return vec![Vec::new(); heads];
    }
    let overlap = |head: usize, cut: usize| {
        let column = |which: usize| measured.iter().map(|image| image[head][cut][which]).collect();
        let (stretched, placed, best, lift) = (column(0), column(1), column(2), column(3));
        Overlap { threshold: THRESHOLDS[cut], stretched, placed, best, lift }
    };
    (0..heads).map(|head| (0..THRESHOLDS.len()).map(|cut| overlap(head, cut)).collect()).collect()
}

/// How much there is of the gradients of the predicted class, behind the final activation and of the logit; `None` for
/// heads without such an activation.
///
/// # Errors
/// Those of running and walking back.
pub fn gradients(anatomy: &Anatomy, images: &[PreparedInput], seen: &[Seen]) -> Result<Vec<Option<Gradients>>> {
    let ends = anatomy.with_outputs();
    let heads = anatomy.network.heads();
    let measured: Vec<Vec<[Vanishing; 2]>> = in_batches(anatomy, &anatomy.graph, images, &ends, |run, part| {
        let of_head = |head: usize| -> Result<Vec<[Vanishing; 2]>> {
            let classes: Vec<usize> = seen[part.clone()].iter().map(|seen| seen.classes[head]).collect();
            let output = vanishing(&run.gradients(head, &classes, Score::Output)?);
            let logit = vanishing(&run.gradients(head, &classes, Score::Logit)?);
            Ok(output.into_iter().zip(logit).map(|(output, logit)| [output, logit]).collect())
        };
        let of_heads: Vec<Vec<[Vanishing; 2]>> = (0..heads.len()).map(of_head).collect::<Result<_>>()?;
        let image = |i: usize| of_heads.iter().map(|of_head| of_head[i]).collect::<Vec<_>>();
        Ok((0..part.len()).map(image).collect())
    })?;
    let of_head = |head: usize| Gradients {
        softmax: measured.iter().map(|image| image[head][0]).collect(),
        logit: measured.iter().map(|image| image[head][1]).collect(),
        not_finite: seen.iter().filter(|seen| !normalised_is_finite(&seen.cells[head][0])).count(),
    };
    let squashed = |head: usize| heads[head].activation != HeadActivation::None;
    Ok((0..heads.len()).map(|head| squashed(head).then(|| of_head(head))).collect())
}

/// How much there is of each image's gradient.
fn vanishing(gradients: &ArrayD<f32>) -> Vec<Vanishing> {
    let of = |peak: f32| match peak {
        0.0 => Vanishing::Zero,
        peak if peak <= TINY => Vanishing::Tiny,
        _ => Vanishing::Plain,
    };
    let peaks = gradients.axis_iter(Axis(0)).map(|g| g.iter().fold(0f32, |peak, v| peak.max(v.abs())));
    peaks.map(of).collect()
}

/// Whether a map can be shown: divided by its maximum, or left as it is where that is zero.
fn normalised_is_finite(map: &Array2<f32>) -> bool {
    let peak = map.iter().fold(0f32, |peak, &v| peak.max(v));
    map.iter().all(|v| if peak > 0.0 { (v / peak).is_finite() } else { v.is_finite() })
}
