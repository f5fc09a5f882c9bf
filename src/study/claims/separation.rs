//! How soon in the depth of a network its classes separate.

use crate::measure::{mean, quotient};
use crate::study::claims::contrasts::{Comparing, Contrasts, mean_over_networks};
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::list;
use crate::study::claims::{Chart, Detail, Evidence, Measurements, Network, Series, Topic, threshold};
use crate::study::measurements::{Filled, Probe};

/// *The convolutions separate the classes: a linear probe reads them better from the last convolutional layer than from
/// the same layer with random weights.* Text and chart give the separation: accuracy rescaled so that chance is 0 and
/// perfect 1.
pub(crate) fn separation(measurements: &Measurements) -> Option<Evidence> {
    let how = Comparing { unit: Unit::Plain, margin: threshold::SEPARATION, fewest: threshold::IMAGES, shared: true };
    let contrasts = Contrasts::of(measurements, how, |network| {
        let last = &network.probes.last()?.layer;
        let probes = network.probes.iter().filter(|p| p.layer == *last && !p.correct.copies.is_empty());
        Filled::mean_of(&probes.map(separated).collect::<Vec<_>>())
    })?;
    let curves: Vec<(&Network, Vec<(&str, f64)>)> =
        contrasts.all.iter().map(|one| (one.network, curve(one.network))).collect();
    let soon: Vec<String> =
        curves.iter().filter_map(|(n, curve)| Some(format!("{} at {}", n.name, first_near_the_top(curve)?))).collect();
    let soon = if soon.is_empty() {
        String::new()
    } else {
        format!(" Nine tenths of the best separation along the layers are reached by {}.", list(&soon))
    };
    let mut details = contrasts.details("");
    for (network, curve) in &curves {
        let text =
            curve.iter().map(|(layer, value)| format!("{layer} {}", number(*value))).collect::<Vec<_>>().join(", ");
        details.push(Detail { name: format!("{}: separation by layer", network.name), text });
        details.push(Detail {
            name: format!("{}: accuracy of the probe on the last layer", network.name),
            text: accuracies(network),
        });
    }
    let depth = curves.iter().map(|(_, curve)| curve.len()).max().unwrap_or(0);
    let step = |i: usize| if i == 0 { "input".to_string() } else { format!("layer {i}") };
    let series = |(network, curve): &(&Network, Vec<(&str, f64)>)| Series {
        label: network.name.clone(),
        values: curve.iter().map(|(_, value)| *value).collect(),
    };
    let statement = "The convolutions help to tell the classes apart: a linear probe reads the classes better from the last one than from the same layer with random weights.";
    Some(Evidence {
        result: format!(
            "Separation by a linear probe on the last convolution (its accuracy, rescaled so that chance is 0 and perfect 1): {}. {}{soon}",
            contrasts.levels(),
            contrasts.decided_by_mean(),
        ),
        statistic: "separation by a linear probe on the last layer (accuracy from chance, 0, to perfect, 1), trained − random weights".into(),
        cases: "test images of the probes".into(),
        control: format!("{}, and the input's pixels", contrasts.control("the same layer")),
        why: "a twentieth of the way from chance to perfect is more than the probe's own chance on such samples".into(),
        details,
        figures: contrasts.figures(|n| n.figures.activations.last().cloned().into_iter().collect()),
        chart: Some(Chart::Curves {
            axis: "separation by a probe (0 chance, 1 perfect)".into(),
            steps: (0..depth).map(step).collect(),
            series: curves.iter().map(series).collect(),
        }),
        parts: contrasts.parts(),
        ..Evidence::of(Topic::Separation, statement, mean_over_networks(), vec![contrasts.mean()])
    })
}

/// 1 for each image that a probe got right, else 0, rescaled so that chance is 0 in the mean.
fn separated(probe: &Probe) -> Filled {
    let chance = quotient(1.0, probe.classes as f64, 0.0);
    let rescale = |values: Vec<f64>| values.into_iter().map(|v| quotient(v - chance, 1.0 - chance, 0.0)).collect();
    let filled = probe.correct.with_chance(0.0);
    Filled { trained: rescale(filled.trained), copies: filled.copies.into_iter().map(rescale).collect() }
}

/// Layer by layer the trained network's separation, the mean over targets.
fn curve(network: &Network) -> Vec<(&str, f64)> {
    let mut layers: Vec<&str> = Vec::new();
    for probe in &network.probes {
        if !layers.contains(&probe.layer.as_str()) {
            layers.push(&probe.layer);
        }
    }
    let level = |layer: &str| {
        let of = network.probes.iter().filter(|p| p.layer == layer);
        mean(&of.map(|p| mean(&separated(p).trained).unwrap_or(0.0)).collect::<Vec<_>>()).unwrap_or(0.0)
    };
    layers.iter().map(|layer| (*layer, level(layer))).collect()
}

/// The probe's plain accuracy for each target.
fn accuracies(network: &Network) -> String {
    let last = network.probes.last().map(|p| p.layer.clone()).unwrap_or_default();
    let text = |p: &Probe| {
        let accuracy = mean(&p.correct.with_chance(0.0).trained).unwrap_or(0.0);
        format!("{} {} of {} classes", p.target, number(accuracy), p.classes)
    };
    network.probes.iter().filter(|p| p.layer == last).map(text).collect::<Vec<_>>().join(", ")
}

/// The first layer that reaches nine tenths of the highest separation; `None` where nothing separates.
fn first_near_the_top<'a>(curve: &[(&'a str, f64)]) -> Option<&'a str> {
    let top = curve.iter().map(|c| c.1).fold(0.0, f64::max);
    curve.iter().find(|c| top > 0.0 && c.1 >= 0.9 * top).map(|c| c.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::measurements::Comparison;

    #[test]
    fn chance_is_zero_and_perfect_one() {
        let correct = Comparison::complete(vec![1.0, 0.0, 0.0, 0.0], vec![vec![1.0; 4]]);
        let filled = separated(&Probe { classes: 4, correct, ..Probe::default() });
        assert!(mean(&filled.trained).unwrap().abs() < 1e-12);
        assert_eq!(filled.copies[0], vec![1.0; 4]);
    }

    #[test]
    fn nine_tenths_are_near_the_top() {
        assert_eq!(first_near_the_top(&[("input", 0.1), ("a", 0.89), ("b", 0.9), ("c", 1.0)]), Some("b"));
        assert_eq!(first_near_the_top(&[("input", 0.0)]), None);
    }
}
