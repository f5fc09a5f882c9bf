//! Claim 9: gradients that are zero everywhere.

use crate::measure::accuracy::wilson;
use crate::measure::bootstrap::Interval;
use crate::study::claims::words::{label, list, percent};
use crate::study::claims::{Bar, Chart, Detail, Evidence, Gradients, Measurements, Statistic, Threshold, Verdict};

/// *For some images the gradient of the class output with respect to the convolution is zero everywhere; normalisation
/// must handle it.* The class output is the original's, behind the softmax; the logits' gradient stands beside it.
pub(crate) fn claim_9(measurements: &Measurements) -> Option<Evidence> {
    let mut counted: Vec<(String, Gradients)> = Vec::new();
    let mut details = Vec::new();
    let (mut maps, mut empty) = (0, 0);
    for network in &measurements.networks {
        for head in &network.heads {
            let Some(g) = head.gradients else { continue };
            let label = label(network, head);
            details.push(Detail {
                name: label.clone(),
                text: format!(
                    "of {} images, softmax: {} exactly zero, {} more below 1e-7; logit: {} and {}; {} of {} Grad-CAM maps empty; {} not finite",
                    g.images, g.softmax_zero, g.softmax_tiny, g.logit_zero, g.logit_tiny, head.grad_cam.empty, head.grad_cam.maps, g.not_finite
                ),
            });
            maps += head.grad_cam.maps;
            empty += head.grad_cam.empty;
            counted.push((label, g));
        }
    }
    let sum = |of: fn(&Gradients) -> usize| counted.iter().map(|(_, g)| of(g)).sum::<usize>();
    let (images, zero, tiny) = (sum(|g| g.images), sum(|g| g.softmax_zero), sum(|g| g.softmax_tiny));
    let (logit_zero, not_finite) = (sum(|g| g.logit_zero), sum(|g| g.not_finite));
    if images == 0 {
        return None;
    }
    let share = wilson(zero, images);
    let verdict = if not_finite > 0 || zero == 0 { Verdict::NotSupported } else { Verdict::Supported };
    let mut affected: Vec<&(String, Gradients)> = counted.iter().filter(|(_, g)| g.softmax_zero > 0).collect();
    affected.sort_by_key(|(_, g)| std::cmp::Reverse(g.softmax_zero));
    let most: Vec<String> =
        affected.iter().take(3).map(|(label, g)| format!("{label} {} of {}", g.softmax_zero, g.images)).collect();
    let most = if most.is_empty() { String::new() } else { format!(", most at {}", list(&most)) };
    let cause = match empty.saturating_sub(logit_zero) {
        0 => String::new(),
        n if n == empty => " although the logit's gradient is not zero: there no weighted sum is positive".to_string(),
        n => format!(", {n} of them although the logit's gradient is not zero: there no weighted sum is positive"),
    };
    let copes = if not_finite == 0 {
        "Every map stays finite after normalisation.".to_string()
    } else {
        format!(
            "{} not finite after normalisation: it does not cope.",
            if not_finite == 1 { "1 map is".into() } else { format!("{not_finite} maps are") }
        )
    };
    Some(Evidence {
        number: 9,
        statement: "For some images the gradient of the class output with respect to the convolution is zero everywhere; normalisation must handle it.".into(),
        verdict,
        result: format!(
            "Behind the softmax the gradient is exactly zero in {zero} of {images} cases ({}, 95 % interval {} to {}){most}, and below 1e-7 for {tiny} more. Of the logits it is zero for {logit_zero}. {empty} of {maps} Grad-CAM maps are empty{cause}. {copes}",
            percent(share.value),
            percent(share.low),
            percent(share.high),
        ),
        statistic: Statistic {
            name: "images and heads whose gradient behind the softmax is exactly zero".into(),
            unit: String::new(),
            interval: Interval { value: share.value, low: share.low, high: share.high },
        },
        n: images,
        cases: "images, each at each head".into(),
        control: "the gradient of the logits at the same images".into(),
        threshold: Threshold {
            value: 0.0,
            rule: "at least one such image, and no map that is not finite after normalisation".into(),
            why: "the claim is that there are some; one is enough".into(),
        },
        beside: None,
        details,
        figures: measurements.networks.iter().flat_map(|n| n.figures.heatmaps.iter().cloned()).collect(),
        chart: Some(Chart::Bars {
            axis: "gradients of exactly zero behind the softmax".into(),
            bars: counted
                .iter()
                .map(|(label, g)| Bar { label: label.clone(), value: crate::measure::quotient(g.softmax_zero as f64, g.images as f64, 0.0) })
                .collect(),
        }),
    })
}
