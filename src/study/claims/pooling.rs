//! Claim 3: is the effect of max pooling visible?

use crate::measure::bootstrap::{Interval, mean_interval};
use crate::study::claims::words::{count, percent, percent_with_interval};
use crate::study::claims::{
    Chart, Detail, Evidence, IntervalRow, Measurements, Statistic, Threshold, judge, threshold,
};

/// *The effect of max pooling on the convolution's output is clearly visible.*
pub(crate) fn claim_3(measurements: &Measurements) -> Option<Evidence> {
    let mut rows = Vec::new();
    let mut details = Vec::new();
    let mut figures = Vec::new();
    let (mut n, mut kept, mut maxima) = (0, Vec::new(), Vec::new());
    for network in &measurements.networks {
        for layer in &network.poolings {
            let Some(interval) = mean_interval(&layer.effect, measurements.seed) else { continue };
            let mean = |values: &[f64]| crate::measure::mean(values).unwrap_or(0.0);
            n += layer.effect.len();
            kept.push(mean(&layer.energy_kept));
            maxima.push(mean(&layer.maxima_kept));
            let label = format!("{}, {}", network.name, layer.layer);
            details.push(Detail {
                name: label.clone(),
                text: format!(
                    "taking maxima changes {} of what is shown; {} of the energy and {} of the local maxima are kept, n = {}",
                    percent_with_interval(&interval),
                    percent(mean(&layer.energy_kept)),
                    percent(mean(&layer.maxima_kept)),
                    layer.effect.len()
                ),
            });
            rows.push(IntervalRow { label, interval, points: Vec::new() });
        }
        if !network.poolings.is_empty() {
            figures.extend(network.figures.activations.iter().cloned());
        }
    }
    let interval = Interval::mean_of(&rows.iter().map(|r| r.interval).collect::<Vec<_>>())?;
    let verdicts: Vec<_> = rows.iter().map(|r| judge::above(&r.interval, threshold::POOLING)).collect();
    let visible = verdicts.iter().filter(|v| **v == crate::study::claims::Verdict::Supported).count();
    let average = |values: &[f64]| percent(crate::measure::mean(values).unwrap_or(0.0));
    Some(Evidence {
        number: 3,
        statement: "The effect of max pooling on the convolution's output is clearly visible.".into(),
        verdict: judge::most(&verdicts),
        result: format!(
            "Taking maxima instead of every n-th value changes {} of what the pooled picture shows, and more than {} in {visible} of {}. It keeps {} of the energy and {} of the local maxima as maxima.",
            percent_with_interval(&interval),
            percent(threshold::POOLING),
            count(rows.len(), "pooling layer"),
            average(&kept),
            average(&maxima),
        ),
        statistic: Statistic {
            name: "effect of taking maxima, mean over pooling layers".into(),
            unit: String::new(),
            interval,
        },
        n,
        cases: "pictures of a layer for one image".into(),
        control: "the same layer's output reduced to the same size by taking the first value of each window".into(),
        threshold: Threshold {
            value: threshold::POOLING,
            rule: format!(
                "in more than half of the pooling layers the 95 % interval over images lies above {}",
                percent(threshold::POOLING)
            ),
            why: "a change of a fifth of what is shown is plain to the eye".into(),
        },
        beside: None,
        details,
        figures,
        chart: Some(Chart::Intervals {
            axis: "effect of taking maxima (share of what is shown)".into(),
            rows,
            threshold: threshold::POOLING,
        }),
    })
}
