//! Do the pixels that a heatmap marks matter to the score?

use crate::measure::bootstrap::{Sampled, mean_over_cases, paired_difference};
use crate::measure::mean;
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::{count, standing};
use crate::study::claims::{
    Basis, Detail, Evidence, Faithfulness, Head, Judgement, Measurements, Network, Rule, Topic, Verdict, chart_of,
    head_part, threshold,
};

/// One head's deletion curves.
struct Deleted<'a> {
    network: &'a Network,
    head: &'a Head,
    /// The control whose deletion lowers the score fastest.
    best: &'a Faithfulness,
    /// Area under the best control's curve less that of Grad-CAM, image by image.
    gain: Vec<f64>,
    judgement: Judgement,
}

/// *The score falls faster when the pixels go that Grad-CAM ranks first than by any map that knows nothing of the
/// network.*
pub(crate) fn deletion(measurements: &Measurements) -> Option<Evidence> {
    let heads = measurements.networks.iter().flat_map(|n| n.heads.iter().map(move |head| (n, head)));
    let all: Vec<Deleted> = heads.filter_map(|(network, head)| deleted(network, head, measurements.seed)).collect();
    let cases: Vec<Sampled> =
        all.iter().map(|d| Sampled { sample: &d.network.sample, values: d.gain.clone() }).collect();
    let interval = mean_over_cases(&cases, measurements.seed)?;
    let n = all.iter().map(|d| d.gain.len()).sum();
    let basis = Basis::of(n, threshold::IMAGES * all.len());
    let name = format!("mean over {}", count(all.len(), "head"));
    let decides = Judgement::new(name, Unit::Plain, interval, basis, threshold::DELETION);
    let parts: Vec<Judgement> = all.iter().map(|d| d.judgement.clone()).collect();
    let statement = "The class's score falls faster when the pixels are removed that Grad-CAM ranks first than by any map that knows nothing of the network.";
    let rule = Rule::Mean { over: "heads".into() };
    Some(Evidence {
        result: format!(
            "The gain is the area under the deletion curve of the best such map less the area under Grad-CAM's; a smaller area is a faster fall. The mean over the heads decides: {}. One by one the claim is {}.{}",
            decides.held(),
            standing("heads", &parts),
            meaning(&decides),
        ),
        statistic: "area under the deletion curve, best control − Grad-CAM".into(),
        cases: "images, each at each head".into(),
        control: "the best of the maps that know nothing of the network, head by head".into(),
        why: "two percentage points of probability over the whole way are the least that matters".into(),
        details: all.iter().map(detail).collect(),
        figures: figures(measurements),
        chart: Some(chart_of("area under deletion, best control − Grad-CAM", &parts, &decides)),
        parts,
        ..Evidence::of(Topic::Deletion, statement, rule, vec![decides])
    })
}

fn meaning(decides: &Judgement) -> &'static str {
    match decides.verdict {
        Verdict::NotSupported if decides.is_adverse() => {
            " It is the other way round: removing the pixels that the best such map ranks first lowers the score more."
        }
        Verdict::NotSupported if decides.is_equivalent() => {
            " The best map that knows nothing of the network lowers the score about as fast."
        }
        _ => "",
    }
}

fn deleted<'a>(network: &'a Network, head: &'a Head, seed: u64) -> Option<Deleted<'a>> {
    let (map, others) = head.faithfulness.split_first()?;
    let level = |f: &Faithfulness| mean(&f.deletion).unwrap_or(f64::INFINITY);
    let controls = others.iter().filter(|f| f.is_control);
    let best = controls.min_by(|a, b| level(a).total_cmp(&level(b)))?;
    let interval = paired_difference(&best.deletion, &map.deletion, seed)?;
    let gain: Vec<f64> = best.deletion.iter().zip(&map.deletion).map(|(a, b)| a - b).collect();
    let basis = Basis::of(gain.len(), threshold::IMAGES);
    let judgement = Judgement::new(&network.name, Unit::Plain, interval, basis, threshold::DELETION);
    Some(Deleted { network, head, best, gain, judgement: judgement.part(head_part(network, head)) })
}

fn figures(measurements: &Measurements) -> Vec<String> {
    let with = measurements.networks.iter().filter(|n| n.heads.iter().any(|h| !h.faithfulness.is_empty()));
    with.flat_map(|network| network.figures.heatmaps.iter().cloned()).collect()
}

fn detail(deleted: &Deleted) -> Detail {
    let level = |values: &[f64]| number(mean(values).unwrap_or(0.0));
    let areas = |f: &Faithfulness| format!("{} {} / {}", f.map, level(&f.deletion), level(&f.insertion));
    Detail {
        name: format!("{}: area under deletion / insertion", deleted.judgement.label()),
        text: format!(
            "{}; best control {}, gain {}, n = {}: {}",
            deleted.head.faithfulness.iter().map(areas).collect::<Vec<_>>().join(", "),
            deleted.best.map,
            Unit::Plain.with_interval(&deleted.judgement.interval),
            deleted.gain.len(),
            deleted.judgement.verdict.word()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::bootstrap::Interval;

    #[test]
    fn a_wholly_negative_gain_is_not_supported_and_said_to_be_the_other_way_round() {
        let judged = |value: f64, low: f64, high: f64| {
            let interval = Interval { value, low, high };
            Judgement::new("mean", Unit::Plain, interval, Basis::of(99, 1), threshold::DELETION)
        };
        let adverse = judged(-0.030, -0.048, -0.013);
        assert_eq!(adverse.verdict, Verdict::NotSupported);
        assert!(meaning(&adverse).contains("other way round"));
        assert!(meaning(&judged(0.0, -0.01, 0.01)).contains("about as fast"));
        assert_eq!(meaning(&judged(0.0, -0.05, 0.01)), "");
        assert_eq!(meaning(&judged(0.03, 0.01, 0.05)), "");
    }
}
