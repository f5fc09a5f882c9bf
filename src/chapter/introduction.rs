//! What the reader is told before the claims: how a number becomes a verdict, what the control is, and on how many images
//! each network was really measured.

use crate::measure::contrast::excess_width;
use crate::study::claims::threshold;
use crate::study::claims::unit::percent;
use crate::study::claims::words::list;
use crate::study::measurements::{Measurements, Network};
use crate::study::sizes::Sizes;

/// The paragraphs above the claims.
pub fn introduction(measurements: &Measurements, sizes: &Sizes) -> Vec<String> {
    let mut paragraphs = vec![format!(
        "Each claim is decided by a number that was measured on these networks. It stands with its 95 % interval: how far it could be off, as only some images were measured. Before measuring, a margin was fixed beyond which the number matters. A claim is *supported* if all of the interval lies beyond the margin, *not supported* if none of it does, and *undecided* if only a part does, or if there are fewer than {} images.",
        threshold::IMAGES
    )];
    paragraphs.extend(control(measurements));
    paragraphs.push(samples(measurements, sizes));
    paragraphs.extend(few(measurements));
    paragraphs
}

/// What copies with random weights are for, and how many there are.
fn control(measurements: &Measurements) -> Option<String> {
    let copies = measurements.networks.iter().map(shown_copies).filter(|copies| *copies > 0).max()?;
    Some(format!(
        "The control is the same network with random weights, drawn anew as before the first step of training: on a black background a network that has learned nothing points at the object too. There are {copies} such copies of each network. Random networks differ from one another, so the interval of a difference to them also covers which weights were drawn: it must hold the next random network as well. More copies would not narrow it much, by {} at most.",
        percent(excess_width(copies))
    ))
}

/// Copies of a network that were shown its images.
fn shown_copies(network: &Network) -> usize {
    let comparisons = network.heads.iter().filter_map(|head| head.grad_cam.lift.as_ref()).map(|lift| lift.copies.len());
    let details = network.activations.first().map_or(0, |first| first.detail.copies.len());
    comparisons.chain([details]).max().unwrap_or(0)
}

/// How many images each network was measured on; networks of the same numbers together.
fn samples(measurements: &Measurements, sizes: &Sizes) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for network in &measurements.networks {
        let text = sample(network, measurements.seed, sizes);
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(&network.name),
            None => groups.push((text, vec![&network.name])),
        }
    }
    let sentence = |(text, names): &(String, Vec<&str>)| format!("{}: {text}.", list(names));
    groups.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

/// One network's numbers of images.
fn sample(network: &Network, seed: u64, sizes: &Sizes) -> String {
    let head = network.heads.first();
    let drawn = if network.images.contains("fresh") { format!(" (seed {seed})") } else { String::new() };
    let maps = head.map_or(0, |head| head.grad_cam.maps);
    let mut parts = vec![format!("{maps} {}{drawn} for maps and activations", network.images)];
    let mut add = |n: usize, what: String| {
        if n > 0 {
            parts.push(format!("{n} for {what}"));
        }
    };
    add(network.heads.iter().map(|head| head.correct.len()).max().unwrap_or(0), "the accuracy".into());
    let pooled = network.poolings.iter().map(|layer| layer.effect.len()).max().unwrap_or(0);
    add(pooled, "poolings and the detail of activations".into());
    let overlaps = network.heads.iter().flat_map(|head| &head.overlaps).map(|overlap| overlap.stretched.len()).max();
    add(overlaps.unwrap_or(0), "the overlap with the object".into());
    if let Some(last) = head.and_then(|head| head.cascade.last()) {
        let images = last.similarity.iter().map(Vec::len).max().unwrap_or(0);
        add(images, format!("randomising layer by layer ({} draws)", last.similarity.len()));
    }
    let deleted = head.and_then(|head| head.faithfulness.first()).map_or(0, |map| map.deletion.len());
    add(deleted, format!("deletion and insertion ({} steps)", sizes.steps));
    let changed = network.heads.iter().flat_map(|head| &head.changes).map(|change| change.difference.len()).max();
    add(changed.unwrap_or(0), "changes of one attribute".into());
    let probed = network.probes.iter().map(|probe| probe.correct.trained.len()).max().unwrap_or(0);
    let copies = network.probes.iter().map(|probe| probe.correct.copies.len()).max().unwrap_or(0);
    add(probed, format!("testing linear probes, fitted to as many others ({copies} copies)"));
    parts.join(", ")
}

/// What is left out because there are too few images.
fn few(measurements: &Measurements) -> Option<String> {
    let images = |network: &&Network| network.heads.first().is_some_and(|head| head.grad_cam.maps < threshold::IMAGES);
    let networks: Vec<&str> = measurements.networks.iter().filter(images).map(|n| n.name.as_str()).collect();
    (!networks.is_empty()).then(|| {
        format!(
            "{} {} measured on fewer than {} images. On so few nothing can be told from chance, so what needs many images (the comparison with random weights, the cascade, deletion and insertion, probes) is left out.",
            list(&networks),
            if networks.len() == 1 { "was" } else { "were" },
            threshold::IMAGES
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::measurements::{Comparison, Head, Maps};

    #[test]
    fn sample_sizes_are_those_that_were_measured() {
        let network = |name: &str, maps: usize, copies: usize| {
            let lift = Some(Comparison::complete(vec![1.0; maps], vec![vec![1.0; maps]; copies]));
            let head = Head {
                grad_cam: Maps { lift, maps, ..Maps::default() },
                correct: vec![true; 2 * maps],
                ..Head::default()
            };
            Network { name: name.into(), images: "photographs".into(), heads: vec![head], ..Network::default() }
        };
        let networks = vec![network("A", 30, 8), network("B", 30, 8), network("C", 4, 0)];
        let text = introduction(&Measurements { seed: 7, networks }, &Sizes::FULL).join("\n");
        assert!(text.contains("A and B: 30 photographs for maps and activations, 60 for the accuracy."), "{text}");
        assert!(text.contains("C: 4 photographs") && text.contains("There are 8 such copies"), "{text}");
        assert!(text.contains("C was measured on fewer than 20 images"), "{text}");
        assert!(!text.contains("2000") && !text.contains("288") && !text.contains("seed"), "{text}");
    }
}
