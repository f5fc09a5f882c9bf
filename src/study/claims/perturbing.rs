//! Claim 15: do the pixels that a heatmap marks matter to the score?

use crate::measure::bootstrap::{Interval, paired_difference};
use crate::measure::mean;
use crate::study::claims::words::{count, grouped, label, number, with_interval};
use crate::study::claims::{
    Chart, Detail, Evidence, Faithfulness, IntervalRow, Measurements, Statistic, Threshold, Verdict, judge, threshold,
};

/// *The score falls faster when the pixels go that Grad-CAM ranks first than by any map that knows nothing of the
/// network.*
pub(crate) fn claim_15(measurements: &Measurements) -> Option<Evidence> {
    let mut rows = Vec::new();
    let mut details = Vec::new();
    let mut verdicts = Vec::new();
    let mut heads = Vec::new();
    let mut figures = Vec::new();
    let mut n = 0;
    for network in &measurements.networks {
        for head in &network.heads {
            let Some((map, others)) = head.faithfulness.split_first() else { continue };
            let level = |f: &Faithfulness| mean(&f.deletion).unwrap_or(f64::INFINITY);
            let Some(best) = others.iter().filter(|f| f.is_control).min_by(|a, b| level(a).total_cmp(&level(b))) else {
                continue;
            };
            let Some(gain) = paired_difference(&best.deletion, &map.deletion, measurements.seed) else { continue };
            let label = label(network, head);
            let areas = |f: &Faithfulness| {
                format!(
                    "{} {} / {}",
                    f.map,
                    number(mean(&f.deletion).unwrap_or(0.0)),
                    number(mean(&f.insertion).unwrap_or(0.0))
                )
            };
            details.push(Detail {
                name: format!("{label}: area under deletion / insertion"),
                text: format!(
                    "{}; best control {}, gain {}, n = {}",
                    head.faithfulness.iter().map(areas).collect::<Vec<_>>().join(", "),
                    best.map,
                    with_interval(&gain),
                    map.deletion.len()
                ),
            });
            n += map.deletion.len();
            verdicts.push(if map.deletion.len() < threshold::IMAGES {
                Verdict::Undecided
            } else {
                judge::above(&gain, threshold::DELETION)
            });
            heads.push((network, head));
            rows.push(IntervalRow { label, interval: gain, points: Vec::new() });
        }
        if network.heads.iter().any(|h| !h.faithfulness.is_empty()) {
            figures.extend(network.figures.heatmaps.iter().cloned());
        }
    }
    let interval = Interval::mean_of(&rows.iter().map(|r| r.interval).collect::<Vec<_>>())?;
    let supported = || heads.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Supported).map(|(head, _)| *head);
    let faster = supported().count();
    let which = if faster == 0 { String::new() } else { format!(": {}", grouped(supported())) };
    Some(Evidence {
        number: 15,
        statement: "The class's score falls faster when the pixels are removed that Grad-CAM ranks first than by any map that knows nothing of the network.".into(),
        verdict: judge::most(&verdicts),
        result: format!(
            "So it is at {} of {}{which}. The area under the deletion curve of the best control less that of Grad-CAM is {} in the mean.",
            faster,
            count(rows.len(), "head"),
            with_interval(&interval)
        ),
        statistic: Statistic { name: "area under the deletion curve, best control minus Grad-CAM, mean over heads".into(), unit: String::new(), interval },
        n,
        cases: "images, each at each head".into(),
        control: "the best of the maps that know nothing of the network, head by head".into(),
        threshold: Threshold {
            value: threshold::DELETION,
            rule: format!("at more than half of the heads the 95 % interval of the gain lies above {}", number(threshold::DELETION)),
            why: "two percentage points of probability over the whole way".into(),
        },
        beside: None,
        details,
        figures,
        chart: Some(Chart::Intervals { axis: "area under deletion, best control − Grad-CAM".into(), rows, threshold: threshold::DELETION }),
    })
}
