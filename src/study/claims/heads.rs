//! Claims 7 and 12: do the heads of one network look at different places, and each at its own attribute?

use crate::measure::bootstrap::{Interval, mean_interval};
use crate::study::claims::attention::beside;
use crate::study::claims::measurements::{Change, Comparison, Filled, HeadDifferences};
use crate::study::claims::words::{count, grouped, label, list, number, with_interval};
use crate::study::claims::{
    Chart, Detail, Evidence, Head, IntervalRow, Measurements, Network, Statistic, Threshold, Verdict, judge, threshold,
};

/// *The heatmaps of the different heads of the multi-head models look at slightly different places.* A pair of heads
/// with an empty map shows nothing and counts as no better than the copies.
pub(crate) fn claim_7(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::HEADS;
    let judge_by = |of: fn(&HeadDifferences) -> &Comparison, margin: f64| {
        judge::judged(measurements, margin, threshold::IMAGES, |network| -> Option<Filled> {
            of(network.head_differences.as_ref()?).with_copies_as_chance()
        })
    };
    let grad_cam = judge_by(|d| &d.grad_cam, margin);
    let hires_cam = judge_by(|d| &d.hires_cam, margin);
    let distance = judge_by(|d| &d.distance, 0.0);
    let (verdict, interval) = judge::on_most(&grad_cam)?;
    let all: Vec<&HeadDifferences> = grad_cam.iter().filter_map(|j| j.network.head_differences.as_ref()).collect();
    let (pairs, empty): (usize, usize) = (all.iter().map(|d| d.pairs).sum(), all.iter().map(|d| d.empty_pairs).sum());
    let places = judge::on_most(&distance).map_or(String::new(), |(_, d)| {
        let apart: Vec<String> = distance.iter().map(|j| number(j.contrast.trained)).collect();
        format!(" Their centres of mass lie {} px apart, {} px more than the copies'.", list(&apart), with_interval(&d))
    });
    let mut details = judge::details(&grad_cam, "");
    details.extend(
        judge::details(&distance, " px")
            .into_iter()
            .map(|d| Detail { name: format!("{}, centres of mass", d.name), ..d }),
    );
    Some(Evidence {
        number: 7,
        statement: "The heatmaps of the different heads of the multi-head models look at slightly different places.".into(),
        verdict,
        result: format!(
            "Difference of two heads' Grad-CAM maps of one image (1 − correlation): {}; {}. Mean difference {}.{places}{} In {empty} of {pairs} pairs a map is empty; they count as no better than the copies.",
            judge::levels(&grad_cam),
            judge::sentence(&grad_cam),
            with_interval(&interval),
            judge::meaning(verdict),
        ),
        statistic: Statistic {
            name: "difference between two heads' maps (1 − Pearson's correlation) beyond the re-initialised copies', mean over networks".into(),
            unit: String::new(),
            interval,
        },
        n: judge::cases(&grad_cam),
        cases: judge::image_words(&grad_cam),
        control: "the heads of re-initialised copies on the same images".into(),
        threshold: Threshold { value: margin, rule: judge::rule(margin), why: "maps correlated by more than 0.9 look alike".into() },
        beside: beside(verdict, &hires_cam, ""),
        details,
        figures: judge::figures(&grad_cam, |n| n.figures.heatmaps.clone()),
        chart: Some(judge::chart(&grad_cam, "difference between heads, trained − re-initialised", margin)),
    })
}

/// One head's answer to claim 12.
struct OwnAttribute<'a> {
    network: &'a Network,
    head: &'a Head,
    excess: Interval,
    n: usize,
}

/// *Each head looks at its own attribute: its map changes more than the other heads' maps do when this attribute of the
/// image changes.*
pub(crate) fn claim_12(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::OWN_ATTRIBUTE;
    let mut found = Vec::new();
    let mut details = Vec::new();
    for network in &measurements.networks {
        for head in &network.heads {
            if let Some((excess, n)) = own_excess(network, head, measurements.seed) {
                found.push(OwnAttribute { network, head, excess, n });
                details.push(changes_detail(network, head));
            }
        }
    }
    let interval = Interval::mean_of(&found.iter().map(|f| f.excess).collect::<Vec<_>>())?;
    let verdicts: Vec<Verdict> = found
        .iter()
        .map(|f| if f.n < threshold::IMAGES { Verdict::Undecided } else { judge::above(&f.excess, margin) })
        .collect();
    let own: Vec<&OwnAttribute<'_>> =
        found.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Supported).map(|(f, _)| f).collect();
    let which =
        if own.is_empty() { String::new() } else { format!(": {}", grouped(own.iter().map(|f| (f.network, f.head)))) };
    let mut figures: Vec<String> = Vec::new();
    for f in &found {
        figures
            .extend(f.network.figures.heatmaps.iter().filter(|id| !figures.contains(id)).cloned().collect::<Vec<_>>());
    }
    Some(Evidence {
        number: 12,
        statement: "Each head looks at its own attribute: when only this attribute of the image changes, its map changes more than the other heads' maps.".into(),
        verdict: judge::most(&verdicts),
        result: format!(
            "So it is for {} of {}{which}. Mean excess {}.",
            own.len(),
            count(found.len(), "head"),
            with_interval(&interval)
        ),
        statistic: Statistic {
            name: "change of a head's map with its own attribute beyond the other heads' change (1 − correlation), mean over heads".into(),
            unit: String::new(),
            interval,
        },
        n: found.iter().map(|f| f.n).sum(),
        cases: "pairs of images that differ in one attribute".into(),
        control: "the other heads' maps of the same pairs; each map explains the class predicted for its image, so a head's map answers for another class once its own attribute has changed".into(),
        threshold: Threshold {
            value: margin,
            rule: format!("for more than half of the heads the 95 % interval of the excess lies above {}", number(margin)),
            why: "a twentieth in correlation is the least that shows in a pair of maps".into(),
        },
        beside: None,
        details,
        figures,
        chart: Some(Chart::Intervals {
            axis: "own attribute: change of the map beyond the other heads'".into(),
            rows: found.iter().map(|f| IntervalRow { label: label(f.network, f.head), interval: f.excess, points: Vec::new() }).collect(),
            threshold: margin,
        }),
    })
}

/// The head's change with its own attribute minus the mean of the other heads', over the pairs of images where its maps
/// and at least one other head's are there.
fn own_excess(network: &Network, head: &Head, seed: u64) -> Option<(Interval, usize)> {
    let own = head.changes.iter().find(|c| c.own)?;
    let same_attribute = |other: &Head| other.changes.iter().find(|c| c.attribute == own.attribute).cloned();
    let others: Vec<Change> = network.heads.iter().filter(|h| h.name != head.name).filter_map(same_attribute).collect();
    if others.is_empty() {
        return None;
    }
    let at = |change: &Change, i: usize| change.difference.get(i).copied().flatten().filter(|v| v.is_finite());
    let excess = |i: usize| {
        let rest: Vec<f64> = others.iter().filter_map(|o| at(o, i)).collect();
        Some(at(own, i)? - crate::measure::mean(&rest)?)
    };
    let excess: Vec<f64> = (0..own.difference.len()).filter_map(excess).collect();
    Some((mean_interval(&excess, seed)?, excess.len()))
}

fn changes_detail(network: &Network, head: &Head) -> Detail {
    let line = |change: &Change| {
        let present: Vec<f64> = change.difference.iter().flatten().copied().filter(|v| v.is_finite()).collect();
        let mean = crate::measure::mean(&present).map_or("no map".to_string(), number);
        format!("{}{} {mean} (n = {})", change.attribute, if change.own { " (own)" } else { "" }, present.len())
    };
    Detail {
        name: format!("{}, {}: change of the map with", network.name, head.name),
        text: head.changes.iter().map(line).collect::<Vec<_>>().join(", "),
    }
}
