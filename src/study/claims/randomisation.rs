//! How much of each map survives when the weights are randomised from the top (Adebayo et al. 2018).

use crate::measure::bootstrap::{Interval, Sampled, mean_interval, mean_over_cases};
use crate::measure::contrast::mean_of_draws;
use crate::measure::mean;
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::{count, grouped, list, standing};
use crate::study::claims::{
    Basis, Chart, Detail, Evidence, Head, Judgement, Measurements, Network, Rule, Series, Topic, Verdict, head_part,
    threshold,
};
use crate::study::measurements::Stage;

/// One head's cascade.
struct Cascade<'a> {
    network: &'a Network,
    head: &'a Head,
    judgement: Judgement,
}

/// *The heatmaps depend on what was learned: with all weights new, less than half of them is left.* A map that becomes
/// empty has nothing left.
pub(crate) fn randomisation(measurements: &Measurements) -> Option<Evidence> {
    let heads = || measurements.networks.iter().flat_map(|n| n.heads.iter().map(move |head| (n, head)));
    let all: Vec<Cascade> = heads()
        .filter_map(|(network, head)| {
            let judgement = judgement(network, head, measurements.seed)?;
            Some(Cascade { network, head, judgement })
        })
        .collect();
    let (judged, left): (Vec<&Cascade>, Vec<&Cascade>) = all.iter().partition(|c| c.judgement.basis.is_enough());
    let interval = mean_left(&judged, measurements.seed)?;
    let n = judged.iter().map(|c| c.judgement.basis.n).sum();
    let name = format!("mean over {}", count(judged.len(), "head"));
    let decides = Judgement::new(name, Unit::Plain, interval, Basis::of(n, 1), threshold::SURVIVAL);
    let parts: Vec<Judgement> = judged.iter().map(|c| c.judgement.clone()).collect();
    let depth = judged.iter().map(|c| c.head.cascade.len()).max().unwrap_or(0);
    let step = |i: usize| if i == 0 { "trained".to_string() } else { format!("{} new", count(i, "layer")) };
    let draws = judged.iter().filter_map(|c| Some(c.head.cascade.last()?.similarity.len())).min().unwrap_or(0);
    let statement = "The heatmaps depend on what was learned: with all weights new, less than half of them is left.";
    let rule = Rule::Mean { over: "heads".into() };
    Some(Evidence {
        result: format!(
            "What is left of a Grad-CAM map is its rank correlation with the trained network's map of the same class; with all weights drawn anew ({draws} times) the mean over the heads decides: {}. One by one the claim is {}.{}{}",
            decides.held(),
            standing("heads", &parts),
            if decides.verdict == Verdict::NotSupported {
                " Most of a map's order comes from the image and the architecture."
            } else {
                ""
            },
            excluded_sentence(&left),
        ),
        statistic: "Spearman's correlation with the trained network's map after randomising all layers".into(),
        cases: "images with a map, each at each head".into(),
        control: "0, the correlation of unrelated maps; 1, a map that no weight matters to".into(),
        why: "above one half, most of the map's order comes from the image and the architecture".into(),
        excluded: left.iter().map(|c| excluded(c)).collect(),
        details: all.iter().map(detail).collect(),
        figures: figures(measurements),
        chart: Some(Chart::Curves {
            axis: "correlation left (rank correlation with the trained map)".into(),
            steps: (0..=depth).map(step).collect(),
            series: judged.iter().map(|c| series(c)).collect(),
        }),
        parts,
        ..Evidence::of(Topic::Randomisation, statement, rule, vec![decides])
    })
}

/// What is left of each map at a stage, the mean over the copies image by image; no number where there was no map.
fn left(stage: &Stage) -> Vec<f64> {
    let images = stage.similarity.iter().map(Vec::len).max().unwrap_or(0);
    let at = |i: usize| stage.similarity.iter().filter_map(|copy| copy.get(i).copied().flatten()).collect::<Vec<_>>();
    (0..images).map(|i| mean(&at(i)).unwrap_or(f64::NAN)).collect()
}

fn level(stage: &Stage) -> f64 {
    mean(&left(stage)).unwrap_or(0.0)
}

/// The level of each copy at a stage.
fn by_copy(stage: &Stage) -> Vec<f64> {
    let level = |copy: &Vec<Option<f64>>| mean(&copy.iter().flatten().copied().collect::<Vec<_>>());
    stage.similarity.iter().filter_map(level).collect()
}

/// With all weights new; the interval covers the draw of images and of weights. `None` without a map.
fn judgement(network: &Network, head: &Head, seed: u64) -> Option<Judgement> {
    let last = head.cascade.last()?;
    let values = left(last);
    let interval = mean_interval(&values, seed)?.widened(mean_of_draws(&by_copy(last)));
    let basis = Basis::of(values.iter().filter(|v| v.is_finite()).count(), threshold::IMAGES);
    Some(
        Judgement::new(&network.name, Unit::Plain, interval, basis, threshold::SURVIVAL).part(head_part(network, head)),
    )
}

/// The mean over heads. Heads of one network share the draws of its weights, so that their means are drawn together.
fn mean_left(judged: &[&Cascade], seed: u64) -> Option<Interval> {
    let last = |c: &Cascade| c.head.cascade.last().cloned().unwrap_or_default();
    let cases: Vec<Sampled> =
        judged.iter().map(|c| Sampled { sample: &c.network.sample, values: left(&last(c)) }).collect();
    let mut squares = 0.0;
    for of_network in judged.chunk_by(|a, b| std::ptr::eq(a.network, b.network)) {
        let copies: Vec<Vec<f64>> = of_network.iter().map(|c| by_copy(&last(c))).collect();
        let draws = copies.iter().map(Vec::len).min().unwrap_or(0);
        let sums: Vec<f64> = (0..draws).map(|draw| copies.iter().map(|copies| copies[draw]).sum()).collect();
        squares += (mean_of_draws(&sums) / judged.len() as f64).powi(2);
    }
    Some(mean_over_cases(&cases, seed)?.widened(squares.sqrt()))
}

fn series(cascade: &Cascade) -> Series {
    // Before the first stage the map is itself.
    let values = [1.0].into_iter().chain(cascade.head.cascade.iter().map(level)).collect();
    Series { label: cascade.judgement.label(), values }
}

fn figures(measurements: &Measurements) -> Vec<String> {
    let with = measurements.networks.iter().filter(|n| n.heads.iter().any(|h| !h.cascade.is_empty()));
    with.flat_map(|network| network.figures.heatmaps.iter().cloned()).collect()
}

fn excluded_sentence(left: &[&Cascade]) -> String {
    let judgements: Vec<&Judgement> = left.iter().map(|c| &c.judgement).collect();
    let names = list(&[grouped(&judgements)]);
    let fewest = threshold::IMAGES;
    if left.is_empty() {
        String::new()
    } else {
        format!(" Not judged, with maps of fewer than {fewest} images: {names}.")
    }
}

fn excluded(cascade: &Cascade) -> Detail {
    let text = format!("not judged: only {} of its images have a map", cascade.judgement.basis.n);
    Detail { name: cascade.judgement.label(), text }
}

fn detail(cascade: &Cascade) -> Detail {
    let stages = cascade.head.cascade.iter().map(|s| format!("{} {}", s.layer, number(level(s))));
    Detail {
        name: cascade.judgement.label(),
        text: format!(
            "correlation left after randomising down to {}; all new: {}, n = {}: {}",
            stages.collect::<Vec<_>>().join(", "),
            Unit::Plain.with_interval(&cascade.judgement.interval),
            cascade.judgement.basis.n,
            cascade.judgement.verdict.word()
        ),
    }
}
