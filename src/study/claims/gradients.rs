//! Are there gradients that are zero everywhere?

use crate::measure::bootstrap::{Interval, Sampled, interval_of_samples, samples};
use crate::measure::quotient;
use crate::study::claims::unit::{Unit, percent};
use crate::study::claims::words::count;
use crate::study::claims::{
    Bar, Chart, Detail, Evidence, Gradients, Head, Judgement, Margin, Measurements, Network, Rule, Topic, Vanishing,
    head_part,
};

/// One head's gradients.
struct Counted<'a> {
    network: &'a Network,
    head: &'a Head,
    gradients: &'a Gradients,
}

impl Counted<'_> {
    fn label(&self) -> String {
        let part = head_part(self.network, self.head);
        if part.is_empty() { self.network.name.clone() } else { format!("{}, {part}", self.network.name) }
    }
}

/// *For some images the gradient of the class output with respect to the convolution is zero everywhere; normalisation
/// must handle it.* The class output is the original's, behind the softmax; the logits' gradient stands beside it.
pub(crate) fn zero_gradients(measurements: &Measurements) -> Option<Evidence> {
    let heads = measurements.networks.iter().flat_map(|n| n.heads.iter().map(move |head| (n, head)));
    let all: Vec<Counted> = heads
        .filter_map(|(network, head)| Some(Counted { network, head, gradients: head.gradients.as_ref()? }))
        .collect();
    let sum = |of: &dyn Fn(&Counted) -> usize| all.iter().map(of).sum::<usize>();
    let cases = sum(&|c| c.gradients.softmax.len());
    let (zero, logit_zero) = (sum(&|c| c.gradients.softmax_zero()), sum(&|c| c.gradients.logit_zero()));
    let tiny = sum(&|c| Gradients::count(&c.gradients.softmax, Vanishing::Tiny));
    let (maps, empty) = (sum(&|c| c.head.grad_cam.maps), sum(&|c| c.head.grad_cam.empty));
    let not_finite = sum(&|c| c.gradients.not_finite);
    let share = share(&all, measurements.seed)?;
    let conditions = vec![
        Judgement::counted("gradients behind the softmax that are exactly zero", zero, Margin::above(0.0)),
        Judgement::counted("maps that are not finite after normalisation", not_finite, Margin::below(1.0)),
    ];
    let copes = match not_finite {
        0 => "Every map stays finite after normalisation.".to_string(),
        1 => "1 map is not finite after normalisation: it does not cope.".to_string(),
        n => format!("{n} maps are not finite after normalisation: it does not cope."),
    };
    let statement = "For some images the gradient of the class output with respect to the convolution is zero everywhere; normalisation must handle it.";
    Some(Evidence {
        result: format!(
            "Two counts decide: at least one such gradient, and no map that is not finite. Behind the softmax the gradient is exactly zero in {zero} of {cases} cases, {}{}, and below 1e-7 in {tiny} more. Of the logits it is zero in {logit_zero}. {empty} of {maps} Grad-CAM maps are empty{}. {copes}",
            Unit::Share.with_interval(&share),
            affected(&all),
            cause(empty, logit_zero),
        ),
        statistic: "gradients that vanish, counted; the interval of their share is over images, each with all its heads and networks".into(),
        cases: format!("{}, each an image at a head", count(cases, "case")),
        control: "the gradient of the logits at the same images".into(),
        why: "the claim is that there are some, and one is enough".into(),
        details: all.iter().map(detail).collect(),
        figures: measurements.networks.iter().flat_map(|n| n.figures.heatmaps.iter().cloned()).collect(),
        chart: Some(Chart::Bars {
            axis: "gradients of exactly zero behind the softmax".into(),
            bars: all.iter().map(bar).collect(),
        }),
        ..Evidence::of(Topic::Gradients, statement, Rule::Conditions, conditions)
    })
}

/// The share of zero gradients among all images and heads; an image is drawn with all heads of all networks that saw it.
fn share(all: &[Counted], seed: u64) -> Option<Interval> {
    let zero = |vanishing: &Vanishing| if *vanishing == Vanishing::Zero { 1.0 } else { 0.0 };
    let cases: Vec<Sampled> = all
        .iter()
        .map(|c| Sampled { sample: &c.network.sample, values: c.gradients.softmax.iter().map(zero).collect() })
        .collect();
    let (names, sizes) = samples(&cases);
    // Image by image the zero gradients and the cases.
    let mut images: Vec<Vec<(f64, f64)>> = sizes.iter().map(|n| vec![(0.0, 0.0); *n]).collect();
    for case in &cases {
        let sample = names.iter().position(|name| *name == case.sample)?;
        for (image, value) in images[sample].iter_mut().zip(&case.values) {
            *image = (image.0 + value, image.1 + 1.0);
        }
    }
    interval_of_samples(&sizes, seed, |drawn| {
        let pairs = images.iter().zip(drawn).flat_map(|(images, drawn)| drawn.iter().map(|at| images[*at]));
        let (zero, all) = pairs.fold((0.0, 0.0), |sum, image| (sum.0 + image.0, sum.1 + image.1));
        zero / all
    })
}

/// Every head where there are zero gradients, most first.
fn affected(all: &[Counted]) -> String {
    let mut of: Vec<&Counted> = all.iter().filter(|c| c.gradients.softmax_zero() > 0).collect();
    of.sort_by_key(|c| std::cmp::Reverse(c.gradients.softmax_zero()));
    let text = |c: &&Counted| format!("{} {} of {}", c.label(), c.gradients.softmax_zero(), c.gradients.softmax.len());
    let texts: Vec<String> = of.iter().map(text).collect();
    if texts.is_empty() { String::new() } else { format!(" ({})", texts.join("; ")) }
}

/// Why maps are empty that have a gradient.
fn cause(empty: usize, logit_zero: usize) -> String {
    match empty.saturating_sub(logit_zero) {
        0 => String::new(),
        n if n == empty => " although the logit's gradient is not zero: there no weighted sum is positive".to_string(),
        n => format!(", {n} of them although the logit's gradient is not zero: there no weighted sum is positive"),
    }
}

fn bar(counted: &Counted) -> Bar {
    let (zero, images) = (counted.gradients.softmax_zero(), counted.gradients.softmax.len());
    Bar { label: counted.label(), value: quotient(zero as f64, images as f64, 0.0) }
}

fn detail(counted: &Counted) -> Detail {
    let g = counted.gradients;
    let maps = &counted.head.grad_cam;
    Detail {
        name: counted.label(),
        text: format!(
            "of {}, softmax: {} exactly zero ({}), {} more below 1e-7; logit: {} and {}; {} of {} Grad-CAM maps empty; {} not finite",
            count(g.softmax.len(), "image"),
            g.softmax_zero(),
            percent(quotient(g.softmax_zero() as f64, g.softmax.len() as f64, 0.0)),
            Gradients::count(&g.softmax, Vanishing::Tiny),
            g.logit_zero(),
            Gradients::count(&g.logit, Vanishing::Tiny),
            maps.empty,
            maps.maps,
            g.not_finite
        ),
    }
}
