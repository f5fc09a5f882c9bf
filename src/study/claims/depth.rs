//! Claim 2 and claim 13: how deep a network is, and how soon in its depth the classes separate.

use crate::measure::bootstrap::Interval;
use crate::study::claims::measurements::{Filled, Probe};
use crate::study::claims::words::{count, list, number, percent, with_interval};
use crate::study::claims::{
    Chart, Detail, Evidence, Layer, LayerKind, Measurements, Network, Role, Series, Statistic, Threshold, Verdict,
    judge, threshold,
};

/// *The base model is very shallow, so only what happens at first, in one convolution and one pooling, can be seen.* In
/// other chapters a network with a single convolution is meant.
pub(crate) fn claim_2(measurements: &Measurements) -> Option<Evidence> {
    let networks = &measurements.networks;
    let of = |network: &Network, kind: LayerKind| network.layers.iter().filter(|l| l.kind == kind).count();
    let with_role = |role: Role| networks.iter().find(|n| n.role == role && !n.layers.is_empty());
    let network = with_role(Role::Base)
        .or_else(|| with_role(Role::Digits))
        .or_else(|| networks.iter().find(|n| of(n, LayerKind::Convolution) == 1))?;
    let (convolutions, poolings) = (of(network, LayerKind::Convolution), of(network, LayerKind::Pooling));
    let deepest: &Layer = network.layers.last()?;
    let share = crate::measure::quotient(deepest.receptive_field as f64, network.side as f64, 1.0).min(1.0);
    let shallow = convolutions == 1 && poolings <= 1 && share <= threshold::SHALLOW;

    let others: Vec<usize> =
        networks.iter().filter(|n| !n.layers.is_empty()).map(|n| of(n, LayerKind::Convolution)).collect();
    let span = match (others.iter().min(), others.iter().max()) {
        (Some(low), Some(high)) if others.len() > 1 => {
            format!(" The networks of this chapter have {low} to {high} convolutions.")
        }
        _ => String::new(),
    };
    let layer_detail = |network: &Network| Detail {
        name: network.name.clone(),
        text: network
            .layers
            .iter()
            .map(|l| format!("{} sees {} px", l.name, l.receptive_field))
            .collect::<Vec<_>>()
            .join(", "),
    };
    Some(Evidence {
        number: 2,
        statement: format!(
            "{} is very shallow, so only what happens at first, in one convolution and one pooling, can be seen.",
            if network.role == Role::Other { network.name.as_str() } else { "The base model" }
        ),
        verdict: if shallow { Verdict::Supported } else { Verdict::NotSupported },
        result: format!(
            "It has {} and {}; what the deepest of them, {}, puts out at one place depends on {} of the image's {} px ({}).{span}",
            count(convolutions, "convolution"),
            count(poolings, "pooling"),
            deepest.name,
            deepest.receptive_field,
            network.side,
            percent(share),
        ),
        statistic: Statistic {
            name: "receptive field of the deepest convolution or pooling as a share of the image's side".into(),
            unit: String::new(),
            interval: Interval::exact(share),
        },
        n: network.layers.len(),
        cases: "layers, counted; the number is exact".into(),
        control: "the other networks' layers".into(),
        threshold: Threshold {
            value: threshold::SHALLOW,
            rule: "one convolution, at most one pooling, and a receptive field of at most half the image".into(),
            why: "beyond half, shapes as large as the image can be told apart in one place".into(),
        },
        beside: None,
        details: networks.iter().filter(|n| !n.layers.is_empty()).map(layer_detail).collect(),
        figures: [&network.figures.activations[..], &network.figures.filters[..]].concat(),
        chart: None,
    })
}

/// *The convolutions separate the classes: a linear probe reads them better from the last convolutional layer than from
/// the same layer with random weights.*
pub(crate) fn claim_13(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::PROBE;
    let judged = judge::judged(measurements, margin, threshold::IMAGES, |network| {
        let last = &network.probes.last()?.layer;
        let probes = network.probes.iter().filter(|p| p.layer == *last && !p.correct.copies.is_empty());
        Filled::mean_of(&probes.map(|p| p.correct.with_chance(0.0)).collect::<Vec<_>>())
    });
    let (verdict, interval) = judge::on_most(&judged)?;
    let curves: Vec<(&Network, Vec<(&str, f64)>)> = judged.iter().map(|j| (j.network, separation(j.network))).collect();
    let soon: Vec<String> =
        curves.iter().filter_map(|(n, curve)| Some(format!("{} at {}", n.name, first_near_the_top(curve)?))).collect();
    let soon = if soon.is_empty() {
        String::new()
    } else {
        format!(" Nine tenths of the best separation along the layers are reached by {}.", list(&soon))
    };
    let untrained = match verdict {
        Verdict::NotSupported => " Layers with random weights separate the classes as well.",
        Verdict::Supported | Verdict::Undecided => "",
    };
    let mut details = judge::details(&judged, " of the probe's test images right");
    for (network, curve) in &curves {
        let text =
            curve.iter().map(|(layer, value)| format!("{layer} {}", number(*value))).collect::<Vec<_>>().join(", ");
        details.push(Detail { name: format!("{}: separation by layer (0 chance, 1 perfect)", network.name), text });
    }
    let depth = curves.iter().map(|(_, curve)| curve.len()).max().unwrap_or(0);
    let step = |i: usize| if i == 0 { "input".to_string() } else { format!("layer {i}") };
    let series = |(network, curve): &(&Network, Vec<(&str, f64)>)| Series {
        label: network.name.clone(),
        values: curve.iter().map(|(_, value)| *value).collect(),
    };
    Some(Evidence {
        number: 13,
        statement: "The convolutions help to tell the classes apart: a linear probe reads the classes better from the last one than from the same layer with random weights.".into(),
        verdict,
        result: format!(
            "Accuracy of a linear probe on the last convolution: {}; {}. Mean difference {}.{untrained}{soon}",
            judge::levels(&judged),
            judge::sentence(&judged),
            with_interval(&interval),
        ),
        statistic: Statistic {
            name: "accuracy of a linear probe on the last layer beyond the re-initialised copies', mean over networks".into(),
            unit: String::new(),
            interval,
        },
        n: judge::cases(&judged),
        cases: "test images of the probes".into(),
        control: "the same layer in re-initialised copies, and the input's pixels".into(),
        threshold: Threshold { value: margin, rule: judge::rule(margin), why: "five percentage points are more than the probe's own chance on such samples".into() },
        beside: None,
        details,
        figures: judge::figures(&judged, |n| n.figures.activations.last().cloned().into_iter().collect()),
        chart: Some(Chart::Curves {
            axis: "probe's accuracy (0 chance, 1 perfect)".into(),
            steps: (0..depth).map(step).collect(),
            series: curves.iter().map(series).collect(),
        }),
    })
}

/// Layer by layer the trained network's probe accuracy, rescaled so that chance is 0 and perfect 1, the mean over
/// targets.
fn separation(network: &Network) -> Vec<(&str, f64)> {
    let mut layers: Vec<&str> = Vec::new();
    for probe in &network.probes {
        if !layers.contains(&probe.layer.as_str()) {
            layers.push(&probe.layer);
        }
    }
    let rescaled = |p: &Probe| {
        let chance = crate::measure::quotient(1.0, p.classes as f64, 0.0);
        let accuracy = crate::measure::mean(&p.correct.with_chance(0.0).trained).unwrap_or(chance);
        crate::measure::quotient(accuracy - chance, 1.0 - chance, 0.0)
    };
    let level = |layer: &str| network.probes.iter().filter(|p| p.layer == layer).map(rescaled).collect::<Vec<_>>();
    layers.iter().map(|layer| (*layer, crate::measure::mean(&level(layer)).unwrap_or(0.0))).collect()
}

/// The first layer that reaches nine tenths of the highest separation; `None` where nothing separates.
fn first_near_the_top<'a>(curve: &[(&'a str, f64)]) -> Option<&'a str> {
    let top = curve.iter().map(|c| c.1).fold(0.0, f64::max);
    curve.iter().find(|c| top > 0.0 && c.1 >= 0.9 * top).map(|c| c.0)
}
