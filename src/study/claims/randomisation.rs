//! Claim 14: how much of each map survives when the weights are randomised from the top (Adebayo et al. 2018).

use crate::measure::bootstrap::{Interval, mean_interval};
use crate::measure::mean;
use crate::study::claims::words::{count, label, number, with_interval};
use crate::study::claims::{
    Chart, Detail, Evidence, Head, Measurements, Series, Stage, Statistic, Threshold, Verdict, judge, threshold,
};

/// *The heatmaps depend on what was learned: with all weights new, less than half of them is left.* A map that becomes
/// empty has nothing left.
pub(crate) fn claim_14(measurements: &Measurements) -> Option<Evidence> {
    let mut found: Vec<(String, &Head, Interval, usize)> = Vec::new();
    let mut figures = Vec::new();
    for network in &measurements.networks {
        for head in &network.heads {
            let Some(last) = head.cascade.last() else { continue };
            let Some(interval) = mean_interval(&left(last), measurements.seed) else { continue };
            found.push((label(network, head), head, interval, last.similarity.len()));
        }
        if network.heads.iter().any(|h| !h.cascade.is_empty()) {
            figures.extend(network.figures.heatmaps.iter().cloned());
        }
    }
    let interval = Interval::mean_of(&found.iter().map(|f| f.2).collect::<Vec<_>>())?;
    let verdict_of = |interval: &Interval, n: usize| {
        if n < threshold::IMAGES { Verdict::Undecided } else { judge::below(interval, threshold::SURVIVAL) }
    };
    let verdicts: Vec<Verdict> = found.iter().map(|f| verdict_of(&f.2, f.3)).collect();
    let surviving: Vec<String> = found
        .iter()
        .zip(&verdicts)
        .filter(|(_, v)| **v == Verdict::NotSupported)
        .map(|(f, _)| format!("{} ({})", f.0, number(f.2.value)))
        .collect();
    let surviving = if surviving.is_empty() {
        String::new()
    } else {
        format!(" More than half survives at {}.", surviving.join("; "))
    };
    let lost = verdicts.iter().filter(|v| **v == Verdict::Supported).count();
    let stages = |head: &Head| head.cascade.iter().map(level).collect::<Vec<f64>>();
    let detail = |f: &(String, &Head, Interval, usize)| Detail {
        name: f.0.clone(),
        text: format!(
            "correlation left after randomising down to {}; all new: {}, n = {}",
            f.1.cascade.iter().map(|s| format!("{} {}", s.layer, number(level(s)))).collect::<Vec<_>>().join(", "),
            with_interval(&f.2),
            f.3
        ),
    };
    let depth = found.iter().map(|f| f.1.cascade.len()).max().unwrap_or(0);
    // Before the first stage the map is itself.
    let series =
        |f: &(String, &Head, Interval, usize)| Series { label: f.0.clone(), values: [vec![1.0], stages(f.1)].concat() };
    let step = |i: usize| if i == 0 { "trained".to_string() } else { format!("{} new", count(i, "layer")) };
    Some(Evidence {
        number: 14,
        statement: "The heatmaps depend on what was learned: with all weights new, less than half of them is left."
            .into(),
        verdict: judge::most(&verdicts),
        result: format!(
            "When all weights are drawn anew, a rank correlation of {} with the trained network's Grad-CAM map is left; less than {} at {lost} of {}.{surviving}",
            with_interval(&interval),
            number(threshold::SURVIVAL),
            count(found.len(), "head"),
        ),
        statistic: Statistic {
            name: "Spearman's correlation with the trained map after randomising all layers, mean over heads".into(),
            unit: String::new(),
            interval,
        },
        n: found.iter().map(|f| f.3).sum(),
        cases: "images with a map, each at each head".into(),
        control: "0, the correlation of unrelated maps; 1, a map that no weight matters to".into(),
        threshold: Threshold {
            value: threshold::SURVIVAL,
            rule: format!(
                "at more than half of the heads the 95 % interval lies below {}",
                number(threshold::SURVIVAL)
            ),
            why: "above one half, most of the map's order comes from the image and the architecture".into(),
        },
        beside: None,
        details: found.iter().map(detail).collect(),
        figures,
        chart: Some(Chart::Curves {
            axis: "correlation left (rank correlation with the trained map)".into(),
            steps: (0..=depth).map(step).collect(),
            series: found.iter().map(series).collect(),
        }),
    })
}

/// What is left of each map at a stage; nothing of one that became empty.
fn left(stage: &Stage) -> Vec<f64> {
    stage.similarity.iter().map(|s| s.filter(|v| v.is_finite()).unwrap_or(0.0)).collect()
}

fn level(stage: &Stage) -> f64 {
    mean(&left(stage)).unwrap_or(0.0)
}
