//! Is the effect of max pooling visible?

use crate::measure::bootstrap::{Sampled, mean_interval, mean_over_cases};
use crate::measure::mean;
use crate::study::claims::unit::{Unit, percent};
use crate::study::claims::words::standing;
use crate::study::claims::{
    Basis, Detail, Evidence, Judgement, Measurements, Network, PoolingLayer, Rule, Topic, chart_of, threshold,
};

/// *The effect of max pooling on the convolution's output is clearly visible.*
pub(crate) fn pooling(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::POOLING;
    let layers: Vec<(&Network, &PoolingLayer, Judgement)> = measurements
        .networks
        .iter()
        .flat_map(|n| n.poolings.iter().map(move |layer| (n, layer)))
        .filter_map(|(network, layer)| {
            let interval = mean_interval(&layer.effect, measurements.seed)?;
            let basis = Basis::of(layer.effect.len(), 1);
            let judgement = Judgement::new(&network.name, Unit::Share, interval, basis, margin).part(&layer.layer);
            Some((network, layer, judgement))
        })
        .collect();
    let cases: Vec<Sampled> =
        layers.iter().map(|(n, layer, _)| Sampled { sample: &n.sample, values: layer.effect.clone() }).collect();
    let interval = mean_over_cases(&cases, measurements.seed)?;
    let n = layers.iter().map(|(_, layer, _)| layer.effect.len()).sum();
    let name = format!("mean over {} pooling layers", layers.len());
    let decides = Judgement::new(name, Unit::Share, interval, Basis::of(n, 1), margin);
    let parts: Vec<Judgement> = layers.iter().map(|(_, _, judgement)| judgement.clone()).collect();
    let average = |of: fn(&PoolingLayer) -> &Vec<f64>| {
        let levels: Vec<f64> = layers.iter().filter_map(|(_, layer, _)| mean(of(layer))).collect();
        percent(mean(&levels).unwrap_or(0.0))
    };
    let statement = "The effect of max pooling on the convolution's output is clearly visible.";
    let rule = Rule::Mean { over: "pooling layers".into() };
    Some(Evidence {
        result: format!(
            "Taking the maximum of each window instead of its first value changes what the pooled picture shows. The mean over the pooling layers decides: {}. One by one the claim is {}. The values that a pooled picture shows hold {} of the energy before it, each counted once however many windows overlap there, and {} of the local maxima before it are still maxima.",
            decides.held(),
            standing("pooling layers", &parts),
            average(|layer| &layer.energy_kept),
            average(|layer| &layer.maxima_kept),
        ),
        statistic: "effect of taking maxima, as a share of what the pooled picture shows".into(),
        cases: "pictures of a layer for one image".into(),
        control: "the same layer's output reduced to the same size by taking the first value of each window".into(),
        why: "a change of a fifth of what is shown is plain to the eye".into(),
        details: layers.iter().map(|(_, layer, judgement)| detail(layer, judgement)).collect(),
        figures: figures(measurements),
        chart: Some(chart_of("effect of taking maxima (share of what is shown)", &parts, &decides)),
        parts,
        ..Evidence::of(Topic::Pooling, statement, rule, vec![decides])
    })
}

fn detail(layer: &PoolingLayer, judgement: &Judgement) -> Detail {
    let level = |values: &[f64]| percent(mean(values).unwrap_or(0.0));
    Detail {
        name: judgement.label(),
        text: format!(
            "taking maxima changes {} of what is shown; {} of the energy and {} of the local maxima are kept, n = {}: {}",
            judgement.unit.with_interval(&judgement.interval),
            level(&layer.energy_kept),
            level(&layer.maxima_kept),
            layer.effect.len(),
            judgement.verdict.word()
        ),
    }
}

fn figures(measurements: &Measurements) -> Vec<String> {
    let pooled = measurements.networks.iter().filter(|network| !network.poolings.is_empty());
    pooled.flat_map(|network| network.figures.activations.iter().cloned()).collect()
}
