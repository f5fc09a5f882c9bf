//! Do digits show more detail in the activations than lines?

use crate::measure::bootstrap::{Interval, difference_of_means};
use crate::measure::mean;
use crate::study::claims::unit::{Unit, percent};
use crate::study::claims::{
    Basis, Chart, Detail, Evidence, IntervalRow, Judgement, Measurements, Network, Role, Rule, Topic, threshold,
};

/// The detail of one network's first activation, image by image.
struct Details<'a> {
    network: &'a Network,
    layer: &'a str,
    trained: Vec<f64>,
    /// The copies' mean.
    copies: Vec<f64>,
}

/// *Activations show more detail for digits than for the Line data, whose shapes are very simple.*
pub(crate) fn detail(measurements: &Measurements) -> Option<Evidence> {
    let with_role = |role: Role| measurements.networks.iter().find(|n| n.role == role);
    let (digits, lines) = (details(with_role(Role::Digits)?)?, details(with_role(Role::Base)?)?);
    let seed = measurements.seed;
    let difference = |digits: &[f64], lines: &[f64]| difference_of_means(digits, lines, seed);
    let trained = difference(&digits.trained, &lines.trained)?;
    let copies = difference(&digits.copies, &lines.copies);
    let images = difference(&digits.network.input_detail, &lines.network.input_detail);
    let n = digits.trained.len().min(lines.trained.len());
    let basis = Basis::of(n, threshold::IMAGES);
    let decides = Judgement::new("digits − lines", Unit::Points, trained, basis, threshold::DETAIL);
    let adverse = if decides.is_adverse() { " It is the other way round: lines show more." } else { "" };
    let untrained = copies.map_or(String::new(), |copies| {
        format!(
            " With random weights it is {}: {}.",
            Unit::Points.with_interval(&copies),
            without_training(crate::measure::quotient(copies.value, trained.value, 0.0))
        )
    });
    let of_images = images.map_or(String::new(), |images| {
        format!(" Between the images themselves it is {}.", Unit::Points.with_interval(&images))
    });
    let level = |values: &[f64]| percent(mean(values).unwrap_or(0.0));
    let rows = [("trained", Some(trained)), ("random weights", copies), ("the images", images)];
    let row = |(label, interval): (&str, Option<Interval>)| {
        Some(IntervalRow { label: label.into(), interval: interval?, points: Vec::new() })
    };
    let statement = "Activations show more detail for digits than for the Line data, whose shapes are very simple.";
    Some(Evidence {
        result: format!(
            "Activations of {} change at {} of the positions for digits and at {} for lines (effective share). The difference decides: {}.{adverse}{of_images}{untrained}",
            digits.layer,
            level(&digits.trained),
            level(&lines.trained),
            decides.held(),
        ),
        statistic: "detail of the first convolution's activations, digits − lines".into(),
        cases: "images of either kind".into(),
        control: "the input images' own detail, and copies with random weights".into(),
        why: "two in a hundred positions more is the least that shows in a tile".into(),
        details: [&digits, &lines].map(line).to_vec(),
        figures: [&digits.network.figures.activations[..], &lines.network.figures.activations[..]].concat(),
        chart: Some(Chart::Intervals {
            axis: "detail, digits − lines (share of positions)".into(),
            rows: rows.into_iter().filter_map(row).collect(),
            threshold: threshold::DETAIL.value,
        }),
        ..Evidence::of(Topic::Detail, statement, Rule::Conditions, vec![decides])
    })
}

fn details(network: &Network) -> Option<Details<'_>> {
    let first = network.activations.first()?;
    let filled = first.detail.with_chance(0.0);
    let of_image = |i: usize| mean(&filled.copies.iter().filter_map(|copy| copy.get(i).copied()).collect::<Vec<_>>());
    let copies = (0..filled.trained.len()).filter_map(of_image).collect();
    Some(Details { network, layer: &first.layer, trained: filled.trained, copies })
}

/// How much of a difference untrained copies show, in words.
fn without_training(share: f64) -> String {
    match share {
        s if s >= 1.0 => "it is there without training, and larger".into(),
        s if s > 0.0 => format!("{} of the difference is there without training", percent(s)),
        _ => "without training it is not there".into(),
    }
}

fn line(of: &Details) -> Detail {
    let level = |values: &[f64]| percent(mean(values).unwrap_or(0.0));
    let zeros = of.network.activations.first().and_then(|l| mean(&l.zeros)).unwrap_or(0.0);
    Detail {
        name: of.network.name.clone(),
        text: format!(
            "detail of {} {}, copies with random weights {}, the input images themselves {}; {} of the activations are zero; n = {}",
            of.layer,
            level(&of.trained),
            level(&of.copies),
            level(&of.network.input_detail),
            percent(zeros),
            of.trained.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_training_adds_is_said_on_each_side() {
        assert_eq!(without_training(1.0), "it is there without training, and larger");
        assert_eq!(without_training(0.25), "25 % of the difference is there without training");
        assert_eq!(without_training(0.0), "without training it is not there");
        assert_eq!(without_training(-0.3), "without training it is not there");
    }
}
