//! Claim 1: do activations and heatmaps attend to the object?

use crate::study::claims::measurements::{Comparison, Filled, Maps};
use crate::study::claims::words::{number, percent, with_interval};
use crate::study::claims::{
    Beside, Detail, Evidence, Measurements, Network, Statistic, Threshold, Verdict, judge, threshold,
};

/// A network's energy on the object in multiples of chance, the mean over its heads, image by image. Empty maps are
/// chance, 1.
pub(crate) fn lift(network: &Network, of: impl Fn(&crate::study::claims::Head) -> &Maps) -> Option<Filled> {
    let heads: Vec<Filled> =
        network.heads.iter().filter_map(|h| of(h).lift.as_ref()).map(|l| l.with_chance(1.0)).collect();
    Filled::mean_of(&heads)
}

/// *In most models the activations and the class heatmaps attend in and around the region that matters for the class.*
pub(crate) fn claim_1(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::ATTENTION;
    let judge_by = |of: &dyn Fn(&Network) -> Option<Filled>| judge::judged(measurements, margin, threshold::IMAGES, of);
    let grad_cam = judge_by(&|network| lift(network, |h| &h.grad_cam));
    let hires_cam = judge_by(&|network| lift(network, |h| &h.hires_cam));
    let activations =
        judge_by(&|network| network.activations.last()?.lift.as_ref().map(|l: &Comparison| l.with_chance(1.0)));
    let (verdict, interval) = judge::on_most(&grad_cam)?;

    let (maps, empty) = empty_maps(measurements);
    let result = format!(
        "Energy of Grad-CAM on the object, in multiples of chance: {}; {}. Mean difference {}.{} {empty} of {maps} Grad-CAM maps are empty and count as chance.{}",
        judge::levels(&grad_cam),
        judge::sentence(&grad_cam),
        with_interval(&interval),
        judge::meaning(verdict),
        activation_sentence(&activations),
    );
    let mut details = judge::details(&grad_cam, " times chance");
    details.extend(controls(measurements));
    details.extend(
        judge::details(&activations, " times chance")
            .into_iter()
            .map(|d| Detail { name: format!("{}, activations", d.name), ..d }),
    );
    Some(Evidence {
        number: 1,
        statement: "In most models the activations and the class heatmaps attend in and around the region that matters for the class.".into(),
        verdict,
        result,
        statistic: Statistic {
            name: "Grad-CAM's energy on the object beyond the re-initialised copies', mean over networks".into(),
            unit: "times chance".into(),
            interval,
        },
        n: judge::cases(&grad_cam),
        cases: judge::image_words(&grad_cam),
        control: "re-initialised copies of the same networks on the same images; uniform, Gaussian, random and edge maps in the details".into(),
        threshold: Threshold {
            value: margin,
            rule: judge::rule(margin),
            why: "half a chance share more is the least that shows in a picture; on black backgrounds random weights beat a uniform map too".into(),
        },
        beside: beside(verdict, &hires_cam, " times chance"),
        details,
        figures: judge::figures(&grad_cam, |n| {
            n.figures.heatmaps.iter().chain(n.figures.activations.last()).cloned().collect()
        }),
        chart: Some(judge::chart(&grad_cam, "energy on object, trained − copies (times chance)", margin)),
    })
}

/// HiResCAM's verdict beside Grad-CAM's, saying whether they agree.
pub(crate) fn beside(deciding: Verdict, hires_cam: &[judge::Judged<'_>], unit: &str) -> Option<Beside> {
    let (verdict, interval) = judge::on_most(hires_cam)?;
    let agreement = if verdict == deciding { "It agrees with Grad-CAM." } else { "It disagrees with Grad-CAM." };
    let text = format!(
        "By HiResCAM the claim is {}: mean difference {}{unit}, {}. {agreement}",
        verdict.word(),
        with_interval(&interval),
        judge::sentence(hires_cam)
    );
    Some(Beside { method: "HiResCAM".into(), verdict, text })
}

/// Grad-CAM maps made with masks, and the empty ones.
fn empty_maps(measurements: &Measurements) -> (usize, usize) {
    let heads = || measurements.networks.iter().flat_map(|n| &n.heads).filter(|h| h.grad_cam.lift.is_some());
    (heads().map(|h| h.grad_cam.maps).sum(), heads().map(|h| h.grad_cam.empty).sum())
}

fn activation_sentence(activations: &[judge::Judged<'_>]) -> String {
    let Some((verdict, interval)) = judge::on_most(activations) else { return String::new() };
    format!(
        " For the activations of the last convolutions the difference is {}: {}.",
        with_interval(&interval),
        verdict.word()
    )
}

/// The maps that know nothing of the network, the pointing game and the empty maps, head by head.
fn controls(measurements: &Measurements) -> Vec<Detail> {
    let mut details = Vec::new();
    for network in &measurements.networks {
        for head in network.heads.iter().filter(|h| h.grad_cam.lift.is_some()) {
            let mean = |values: &[f64]| crate::measure::mean(values).unwrap_or(1.0);
            let mut parts: Vec<String> =
                head.controls.iter().map(|c| format!("{} {}", c.name, number(mean(&c.lift)))).collect();
            let maps = &head.grad_cam;
            if let (Some(hits), Some(area)) = (crate::measure::mean(&maps.pointing), crate::measure::mean(&maps.area)) {
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
