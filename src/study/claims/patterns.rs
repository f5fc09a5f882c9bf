//! Do the learned filters show patterns?

use crate::measure::mean;
use crate::study::claims::contrasts::{Comparing, Contrasts, mean_over_networks};
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::list;
use crate::study::claims::{Detail, Evidence, Filters, Measurements, Network, Topic, threshold};
use crate::study::measurements::{Comparison, Filled};

/// *The learned filters show intricate patterns.* White noise has a pattern too, and the more of it the fewer numbers a
/// kernel has: each layer is measured in multiples of what its own kernel size has by chance.
pub(crate) fn patterns(measurements: &Measurements) -> Option<Evidence> {
    // The filters of a network are all there are, not a sample; no smallest number is asked for.
    let how = Comparing { unit: Unit::Noise, margin: threshold::PATTERN, fewest: 1, shared: false };
    let contrasts = Contrasts::of(measurements, how, |network| {
        let layers: Vec<Filled> = network.filters.iter().filter_map(|f| in_noise(f.patterns.as_ref()?)).collect();
        Filled::joined(&layers)
    })?;
    let mut details = contrasts.details("");
    for one in &contrasts.all {
        details.extend(one.network.filters.iter().filter_map(|layer| detail(one.network, layer)));
    }
    let sizes = kernel_sizes(measurements);
    Some(Evidence {
        result: format!(
            "Pattern of the kernels, in multiples of the pattern of white noise of the same kernel size: {}. {}",
            contrasts.levels(),
            contrasts.decided_by_mean(),
        ),
        statistic: "pattern of the kernels (contrast times concentration of the spectrum, from 0, flat or a single point, to 1, a pure grating) in multiples of noise, trained − random weights".into(),
        cases: "filters".into(),
        control: contrasts.control("the kernels, which are white noise of the same sizes,"),
        why: format!("a learned pattern should score as much again as noise does; noise of a kernel size, and with it the margin there, is {}", list(&sizes)),
        details,
        figures: contrasts.figures(|n| n.figures.filters.clone()),
        chart: Some(contrasts.chart("pattern, trained − random (times noise)")),
        parts: contrasts.parts(),
        ..Evidence::of(Topic::Patterns, "The learned filters show intricate patterns.", mean_over_networks(), vec![contrasts.mean()])
    })
}

/// The mean pattern of a layer's random kernels; `None` without copies.
fn noise(patterns: &Comparison) -> Option<f64> {
    mean(&patterns.with_chance(0.0).copies.concat()).filter(|noise| *noise > 0.0)
}

/// A layer's patterns in multiples of its noise.
fn in_noise(patterns: &Comparison) -> Option<Filled> {
    let noise = noise(patterns)?;
    let scale = |values: Vec<f64>| values.into_iter().map(|value| value / noise).collect();
    let filled = patterns.with_chance(0.0);
    Some(Filled { trained: scale(filled.trained), copies: filled.copies.into_iter().map(scale).collect() })
}

/// "0.047 for 7×7×3": the noise of each kernel size, once.
fn kernel_sizes(measurements: &Measurements) -> Vec<String> {
    let mut sizes: Vec<(String, Vec<f64>)> = Vec::new();
    for layer in measurements.networks.iter().flat_map(|network| &network.filters) {
        let Some(noise) = layer.patterns.as_ref().and_then(noise) else { continue };
        let [rows, columns] = layer.kernel;
        let size = format!("{rows}×{columns}×{}", layer.inputs);
        match sizes.iter_mut().find(|(known, _)| *known == size) {
            Some((_, all)) => all.push(noise),
            None => sizes.push((size, vec![noise])),
        }
    }
    let text = |(size, all): (String, Vec<f64>)| format!("{} for {size}", number(mean(&all).unwrap_or(0.0)));
    sizes.into_iter().map(text).collect()
}

fn detail(network: &Network, layer: &Filters) -> Option<Detail> {
    let patterns = layer.patterns.as_ref()?;
    let (trained, noise) = (mean(&patterns.with_chance(0.0).trained)?, noise(patterns)?);
    let [rows, columns] = layer.kernel;
    let text = format!(
        "kernels of {rows}×{columns}×{}: pattern {}, noise and margin {}; {} of {} filters answered",
        layer.inputs,
        number(trained),
        number(noise),
        layer.alive,
        layer.total
    );
    Some(Detail { name: format!("{}, {}", network.name, layer.layer), text })
}
