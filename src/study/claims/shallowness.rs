//! How deep a network is.

use crate::measure::bootstrap::Interval;
use crate::study::claims::unit::{Unit, percent};
use crate::study::claims::words::count;
use crate::study::claims::{
    Basis, Detail, Evidence, Judgement, LayerKind, Margin, Measurements, Network, Role, Rule, Topic, threshold,
};

/// *The base model is very shallow, so only what happens at first, in one convolution and one pooling, can be seen.* In
/// other chapters a network with a single convolution is meant.
pub(crate) fn shallowness(measurements: &Measurements) -> Option<Evidence> {
    let networks: Vec<&Network> = measurements.networks.iter().filter(|n| !n.layers.is_empty()).collect();
    let of = |network: &Network, kind: LayerKind| network.layers.iter().filter(|l| l.kind == kind).count();
    let with_role = |role: Role| networks.iter().find(|n| n.role == role);
    let network = with_role(Role::Base)
        .or_else(|| with_role(Role::Digits))
        .or_else(|| networks.iter().find(|n| of(n, LayerKind::Convolution) == 1))?;
    let (convolutions, poolings) = (of(network, LayerKind::Convolution), of(network, LayerKind::Pooling));
    let deepest = network.layers.last()?;
    let share = crate::measure::quotient(deepest.receptive_field as f64, network.side as f64, 1.0).min(1.0);
    let conditions = vec![
        Judgement::counted("convolutions", convolutions, Margin::below(2.0)),
        Judgement::counted("poolings", poolings, Margin::below(2.0)),
        Judgement::new(
            "receptive field of the deepest layer as a share of the image's side",
            Unit::Share,
            Interval::exact(share),
            Basis::default(),
            threshold::SHALLOW,
        ),
    ];
    let counts: Vec<usize> = networks.iter().map(|n| of(n, LayerKind::Convolution)).collect();
    let span = match (counts.iter().min(), counts.iter().max()) {
        (Some(low), Some(high)) if counts.len() > 1 => {
            format!(" The networks of this chapter have {low} to {high} convolutions.")
        }
        _ => String::new(),
    };
    let name = if network.role == Role::Other { network.name.as_str() } else { "The base model" };
    let statement = format!(
        "{name} is very shallow, so only what happens at first, in one convolution and one pooling, can be seen."
    );
    Some(Evidence {
        result: format!(
            "It has {} and {}; what the deepest of them, {}, puts out at one place depends on {} of the image's {} px ({}). Three conditions decide: fewer than two convolutions, fewer than two poolings, and less than half of the image's side seen from one place.{span}",
            count(convolutions, "convolution"),
            count(poolings, "pooling"),
            deepest.name,
            deepest.receptive_field,
            network.side,
            percent(share),
        ),
        statistic: "layers, and the receptive field of the deepest, all counted exactly".into(),
        cases: count(network.layers.len(), "layer"),
        control: "the other networks' layers".into(),
        why: "from half of the image on, shapes as large as the image can be told apart in one place".into(),
        details: networks.iter().map(|n| layers(n)).collect(),
        figures: [&network.figures.activations[..], &network.figures.filters[..]].concat(),
        ..Evidence::of(Topic::Shallowness, statement, Rule::Conditions, conditions)
    })
}

/// What each layer of a network sees.
fn layers(network: &Network) -> Detail {
    let sees = network.layers.iter().map(|l| format!("{} sees {} px", l.name, l.receptive_field));
    Detail { name: network.name.clone(), text: sees.collect::<Vec<_>>().join(", ") }
}
