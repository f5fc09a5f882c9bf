//! Do the heads of one network look at different places?

use crate::study::claims::contrasts::{Comparing, Contrasts, mean_over_networks};
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::list;
use crate::study::claims::{Beside, Evidence, Margin, Measurements, Topic, threshold};
use crate::study::measurements::{Comparison, Filled, HeadDifferences};

/// *The heatmaps of the different heads of the multi-head models look at slightly different places.* A pair of heads
/// with an empty map shows nothing and counts as no better than the copies; a network none of whose pairs shows
/// anything has no different places at all.
pub(crate) fn different_places(measurements: &Measurements) -> Option<Evidence> {
    let how = Comparing { unit: Unit::Plain, margin: threshold::HEADS, fewest: threshold::IMAGES, shared: true };
    let judge_by = |of: fn(&HeadDifferences) -> &Comparison, how: Comparing| {
        Contrasts::of(measurements, how, |network| filled(of(network.head_differences.as_ref()?)))
    };
    let grad_cam = judge_by(|d| &d.grad_cam, how)?;
    let hires_cam = judge_by(|d| &d.hires_cam, how);
    let distance = judge_by(|d| &d.distance, Comparing { unit: Unit::Pixels, margin: Margin::above(0.0), ..how });
    let all: Vec<&HeadDifferences> =
        grad_cam.all.iter().filter_map(|one| one.network.head_differences.as_ref()).collect();
    let (pairs, empty): (usize, usize) = (all.iter().map(|d| d.pairs).sum(), all.iter().map(|d| d.empty_pairs).sum());
    let places = distance.as_ref().map_or(String::new(), |distance| {
        let apart: Vec<String> = distance.all.iter().map(|one| number(one.contrast.trained)).collect();
        let more = Unit::Pixels.with_interval(&distance.mean().interval);
        format!(" Their centres of mass lie {} px apart; trained − random is {more}.", list(&apart))
    });
    let mut details = grad_cam.details("");
    details.extend(distance.iter().flat_map(|distance| distance.details(", centres of mass")));
    let statement = "The heatmaps of the different heads of the multi-head models look at slightly different places.";
    let (mean, parts) = (grad_cam.mean(), grad_cam.parts());
    Some(Evidence {
        result: format!(
            "Difference of two heads' Grad-CAM maps of one image (1 − correlation): {}. {}{places} In {empty} of {pairs} pairs a map is empty; they count as no better than random weights.",
            grad_cam.levels(),
            grad_cam.decided_by_mean(),
        ),
        statistic:
            "difference between two heads' maps of one image (1 − Pearson's correlation), trained − random weights"
                .into(),
        cases: grad_cam.image_words(),
        control: grad_cam.control("the heads' maps of the same images"),
        why: "maps correlated by more than 0.9 look alike".into(),
        beside: hires_cam.map(|hires_cam| {
            let theirs = hires_cam.mean();
            let text = format!(
                "By HiResCAM the claim is {}: the mean difference is {}.",
                theirs.verdict.word(),
                theirs.held()
            );
            Beside::hires_cam(
                (std::slice::from_ref(&mean), mean.verdict),
                (std::slice::from_ref(&theirs), theirs.verdict),
                text,
            )
        }),
        details,
        figures: grad_cam.figures(|n| n.figures.heatmaps.clone()),
        chart: Some(grad_cam.chart("difference between heads, trained − random")),
        parts,
        ..Evidence::of(Topic::Heads, statement, mean_over_networks(), vec![mean])
    })
}

/// Gaps filled with the copies' level; zeros for a network without any pair of maps.
fn filled(differences: &Comparison) -> Option<Filled> {
    let mut filled = differences.with_copies_as_chance()?;
    if !differences.trained.iter().flatten().any(|value| value.is_finite()) {
        filled.trained.fill(0.0);
    }
    Some(filled)
}
