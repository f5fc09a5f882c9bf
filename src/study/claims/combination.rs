//! Does a second layer of filters combine what the first one found?

use crate::measure::bootstrap::mean_interval;
use crate::measure::contrast::against_copies;
use crate::measure::mean;
use crate::measure::participation::selectivity;
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::count;
use crate::study::claims::{
    Basis, Chart, Detail, Evidence, Filters, IntervalRow, Judgement, Measurements, Network, Role, Rule, Topic, Verdict,
    threshold,
};

/// *In Variation 3, two consecutive filter layers show how the second combines small details of the first.* In other
/// chapters the first network with two convolutions is meant.
pub(crate) fn combination(measurements: &Measurements) -> Option<Evidence> {
    let (network, first, layer) = second_layer(measurements)?;
    let ratios = layer.participation.as_ref()?.with_chance(0.0);
    let selective = |ratios: &Vec<f64>| ratios.iter().map(|r| selectivity(*r, layer.inputs)).collect::<Vec<f64>>();
    let copies: Vec<Vec<f64>> = ratios.copies.iter().map(selective).collect();
    let contrast = against_copies(&selective(&ratios.trained), &copies, measurements.seed)?;
    let combined = mean_interval(&ratios.trained, measurements.seed)?;
    let basis = Basis { n: contrast.n, fewest: 1, copies: Some(contrast.copies.len()) };
    let selectivity = Judgement::new(
        "selectivity of a filter, trained − random weights",
        Unit::Plain,
        contrast.difference,
        basis,
        threshold::SELECTIVITY,
    );
    let basis = Basis::of(contrast.n, 1);
    let inputs = Judgement::new("inputs that a filter combines", Unit::Plain, combined, basis, threshold::COMBINED);
    let sees = first.map_or(String::new(), |f| {
        format!(
            " A filter of {} sees {} px of the image, one of {} {} px.",
            f.layer, f.receptive_field, layer.layer, layer.receptive_field
        )
    });
    let points = contrast.copies.iter().map(|copy| contrast.trained - copy).collect();
    let row = IntervalRow { label: network.name.clone(), interval: contrast.difference, points };
    let statement = format!(
        "In {}, two consecutive filter layers show how the second combines small details of the first.",
        network.name
    );
    Some(Evidence {
        result: format!(
            "The {} of {} combine {} of {} inputs each in the mean, those with random weights {}. Two conditions decide. A filter must combine more than one input: {}. And it must choose among them, more than random weights do; its selectivity (0 all inputs alike, 1 a single one) is higher by {}.{}{sees}",
            count(ratios.trained.len(), "filter"),
            layer.layer,
            number(combined.value),
            layer.inputs,
            number(mean(&ratios.copies.concat()).unwrap_or(0.0)),
            inputs.held(),
            selectivity.held(),
            meaning(&inputs, &selectivity),
        ),
        statistic: "inputs that a filter of the second layer combines, and how selective it is among them".into(),
        cases: format!("filters of {}", layer.layer),
        control: format!("the same layer in {} copies with random weights", contrast.copies.len()),
        why: format!(
            "a tenth of the way from reading all to reading one is about one of {} fewer",
            count(layer.inputs, "input")
        ),
        details: vec![detail(network, &contrast.copies, contrast.trained)],
        figures: network.figures.filters.clone(),
        chart: Some(Chart::Intervals {
            axis: "selectivity, trained − random".into(),
            rows: vec![row],
            threshold: threshold::SELECTIVITY.value,
        }),
        ..Evidence::of(Topic::Combination, statement, Rule::Conditions, vec![inputs, selectivity])
    })
}

/// The network that is meant, the layer before its second convolution, and that convolution.
fn second_layer(measurements: &Measurements) -> Option<(&Network, Option<&Filters>, &Filters)> {
    let second = |network: &Network| network.filters.iter().position(|f| f.participation.is_some());
    let networks = || measurements.networks.iter().filter(|n| second(n).is_some());
    let network = networks().find(|n| n.role == Role::Variation(3)).or_else(|| networks().next())?;
    let position = second(network)?;
    let first = position.checked_sub(1).and_then(|p| network.filters.get(p));
    Some((network, first, network.filters.get(position)?))
}

fn meaning(inputs: &Judgement, selectivity: &Judgement) -> &'static str {
    match selectivity.verdict {
        _ if inputs.verdict == Verdict::NotSupported => " So a filter combines next to nothing.",
        Verdict::NotSupported if selectivity.is_adverse() => {
            " It is the other way round: trained filters choose less than random ones."
        }
        Verdict::NotSupported if selectivity.is_equivalent() => {
            " Random weights combine the first layer about as selectively: the combination cannot be credited to training."
        }
        Verdict::NotSupported => " Training adds less than the margin.",
        Verdict::Undecided => " Whether training makes filters choose is not decided.",
        Verdict::Supported => "",
    }
}

fn detail(network: &Network, copies: &[f64], trained: f64) -> Detail {
    let each = copies.iter().map(|copy| number(*copy)).collect::<Vec<_>>().join(", ");
    Detail {
        name: format!("{}: selectivity", network.name),
        text: format!("trained {}, copies with random weights {each}", number(trained)),
    }
}
