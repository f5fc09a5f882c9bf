//! Do activations and heatmaps attend to the object?

use crate::measure::mean;
use crate::study::claims::contrasts::{Comparing, Contrasts};
use crate::study::claims::unit::{Unit, number, percent};
use crate::study::claims::{
    Beside, Detail, Evidence, Judgement, Measurements, Network, Rule, Topic, counted_words, rule, threshold,
};
use crate::study::measurements::{Comparison, Filled, Head, Maps};

/// A network's energy on the object in multiples of chance, the mean over its heads, image by image. Empty maps are
/// chance, 1.
pub(crate) fn lift(network: &Network, of: impl Fn(&Head) -> &Maps) -> Option<Filled> {
    let heads: Vec<Filled> =
        network.heads.iter().filter_map(|h| of(h).lift.as_ref()).map(|l| l.with_chance(1.0)).collect();
    Filled::mean_of(&heads)
}

/// *In most models the activations and the class heatmaps attend in and around the region that matters for the class.*
pub(crate) fn attention(measurements: &Measurements) -> Option<Evidence> {
    let how = Comparing { unit: Unit::Chance, margin: threshold::ATTENTION, fewest: threshold::IMAGES, shared: true };
    let judge_by = |of: &dyn Fn(&Network) -> Option<Filled>| Contrasts::of(measurements, how, of);
    let grad_cam = judge_by(&|network| lift(network, |h| &h.grad_cam))?;
    let hires_cam = judge_by(&|network| lift(network, |h| &h.hires_cam));
    let activations =
        judge_by(&|network| network.activations.last()?.lift.as_ref().map(|l: &Comparison| l.with_chance(1.0)));

    let (maps, empty) = empty_maps(measurements);
    let mut details = grad_cam.details("");
    details.extend(controls(measurements));
    details.extend(activations.iter().flat_map(|of| of.details(", activations")));
    let statement = "In most models the activations and the class heatmaps attend in and around the region that matters for the class.";
    let parts = grad_cam.parts();
    let count = rule::count("networks", &parts);
    let rule = Rule::Count { over: "networks".into() };
    Some(Evidence {
        result: format!(
            "Energy of the Grad-CAM maps on the object, in multiples of what a uniform map has there: {}. {} {empty} of {maps} Grad-CAM maps are empty and count as chance.{}",
            grad_cam.levels(),
            grad_cam.decided_by_count(),
            activation_sentence(activations.as_ref()),
        ),
        statistic: "Grad-CAM's energy on the object in multiples of chance, trained − random weights".into(),
        cases: grad_cam.image_words(),
        control: format!("{}; uniform, Gaussian, random and edge maps in the details", grad_cam.control("the maps")),
        why: "half a chance share more is the least that shows in a picture".into(),
        beside: hires_cam.map(|hires_cam| beside(&count, &parts, &hires_cam)),
        details,
        figures: grad_cam.figures(|n| n.figures.heatmaps.iter().chain(n.figures.activations.last()).cloned().collect()),
        chart: Some(grad_cam.chart("energy on object, trained − random (times chance)")),
        parts,
        ..Evidence::of(Topic::Attention, statement, rule, vec![count])
    })
}

/// HiResCAM's verdict by the count of networks, and whether it agrees network by network.
fn beside(count: &Judgement, parts: &[Judgement], hires_cam: &Contrasts<'_>) -> Beside {
    let theirs = hires_cam.parts();
    let their_count = rule::count("networks", &theirs);
    let text = format!(
        "By HiResCAM the claim is {}: it holds for {}, and the mean difference is {}.",
        their_count.verdict.word(),
        counted_words("networks", &their_count),
        hires_cam.mean().held()
    );
    Beside::hires_cam((parts, count.verdict), (&theirs, their_count.verdict), text)
}

/// Grad-CAM maps made with masks, and the empty ones.
fn empty_maps(measurements: &Measurements) -> (usize, usize) {
    let heads = || measurements.networks.iter().flat_map(|n| &n.heads).filter(|h| h.grad_cam.lift.is_some());
    (heads().map(|h| h.grad_cam.maps).sum(), heads().map(|h| h.grad_cam.empty).sum())
}

fn activation_sentence(activations: Option<&Contrasts<'_>>) -> String {
    activations.map_or(String::new(), |of| {
        format!(" For the activations of the last convolutions the mean difference is {}.", of.mean().held())
    })
}

/// The maps that know nothing of the network, the pointing game and the empty maps, head by head.
fn controls(measurements: &Measurements) -> Vec<Detail> {
    let mut details = Vec::new();
    for network in &measurements.networks {
        for head in network.heads.iter().filter(|h| h.grad_cam.lift.is_some()) {
            let level = |values: &[f64]| mean(values).unwrap_or(1.0);
            let mut parts: Vec<String> =
                head.controls.iter().map(|c| format!("{} {}", c.name, number(level(&c.lift)))).collect();
            let maps = &head.grad_cam;
            if let (Some(hits), Some(area)) = (mean(&maps.pointing), mean(&maps.area)) {
                parts.push(format!("pointing game {} at {} of the area", percent(hits), percent(area)));
            }
            parts.push(format!(
                "{} of {} Grad-CAM maps and {} of {} HiResCAM maps empty",
                maps.empty, maps.maps, head.hires_cam.empty, head.hires_cam.maps
            ));
            details.push(Detail { name: format!("{}, {}: controls", network.name, head.name), text: parts.join("; ") });
        }
    }
    details
}
