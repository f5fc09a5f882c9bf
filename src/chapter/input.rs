//! The page of one input: its picture, what each head says, activations and maps.

use crate::chapter::context::SectionContext;
use crate::chapter::strip::{self, Strip};
use crate::chapter::{activations, saliency, words};
use crate::error::Result;
use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::explain::score::End;
use crate::figure::chart::{self, Bar};
use crate::figure::panel;
use crate::input::prepared::PreparedInput;
use crate::input::preprocessing;
use crate::model::{Layer, Meaning};
use crate::report::Assets;
use crate::report::page::{self, Figure, Line, Next, Prediction};
use serde_json::json;

/// Room for the picture of an input in CSS pixels.
const INPUT_ROOM: usize = 196;

/// The page of input `number`.
///
/// # Errors
/// Values that cannot be drawn.
pub(crate) fn input(
    context: &SectionContext,
    number: usize,
    explanation: &Explanation,
    assets: &mut Assets,
) -> Result<page::Input> {
    let input = &explanation.input;
    let activations = activations(context, number, explanation, assets)?;
    let mut strip = Strip { context, number, explanation }.figure(assets)?;
    let bars = probability_bars(context, &strip.id, explanation, assets)?;
    let figure = if context.answers_first {
        strip.rows.push(page::Row { heading: Some("Probabilities".into()), panels: bars });
        strip.provenance.extend(source(context, input));
        None
    } else {
        Some(picture(context, number, explanation, bars, assets)?)
    };
    let mut heatmaps = vec![strip];
    heatmaps.extend(saliency::figure(context, number, explanation, assets)?);
    Ok(page::Input {
        name: input.name.clone(),
        heading: match input.photograph {
            Some(_) => input.name.clone(),
            None => "Input Image".into(),
        },
        description: input.origin.clone(),
        figure,
        predictions: predictions(context, explanation),
        verdict: verdict(context, explanation),
        activations,
        heatmaps,
        notes: strip::causes(explanation),
        ..page::Input::default()
    })
}

/// A figure for each layer that the section shows.
fn activations(
    context: &SectionContext,
    number: usize,
    explanation: &Explanation,
    assets: &mut Assets,
) -> Result<Vec<Figure>> {
    let Some(head) = explanation.heads.first() else { return Ok(Vec::new()) };
    let layers = &context.shown.layers;
    let axes: Vec<usize> = layers.iter().map(|layer| layer.channel_axis).collect();
    let end = End { head: 0, class: head.explained, positions: head.positions.as_ref() };
    let label = context.loaded().label(0, head.explained);
    // Without a gradient rule for some operator the most active channels are shown.
    let contributions = if layers.is_empty() {
        Vec::new()
    } else {
        context.explainer.engine().contributions(&explanation.input.tensor, end, &axes).unwrap_or_default()
    };
    let figure = |(i, layer): (usize, &&Layer)| {
        let maps = activations::maps(layer, explanation)?;
        let shown = activations::Shown {
            layer,
            maps: &maps,
            contributions: contributions.get(i).map(|all| (all.as_slice(), label.as_str())),
            filters: context.filters.get(&layer.name),
            large: context.shown.large,
            apart: context.apart,
        };
        activations::figure(context.id, number, &shown, &explanation.input, assets)
    };
    layers.iter().enumerate().map(figure).collect()
}

/// Whether the heads are right, in a sentence; empty where the truth is not known.
fn verdict(context: &SectionContext, explanation: &Explanation) -> String {
    let several = explanation.heads.len() > 1;
    let head = |(i, head): (usize, &HeadExplanation)| {
        let truth = context.loaded().label(i, head.truth?);
        let name = if several { format!("{}: ", head.name) } else { String::new() };
        let said = context.loaded().label(i, head.predicted);
        Some(match head.correct()? {
            true => format!("{name}✓ correct, {said}"),
            false => format!("{name}✗ wrong, {said} where {truth} is true"),
        })
    };
    let said: Vec<String> = explanation.heads.iter().enumerate().filter_map(head).collect();
    if said.is_empty() { String::new() } else { format!("{}.", said.join("; ")) }
}

/// What each head says, and the classes next in probability where the truth is not known.
fn predictions(context: &SectionContext, explanation: &Explanation) -> Vec<Prediction> {
    let loaded = context.loaded();
    let prediction = |(i, head): (usize, &HeadExplanation)| {
        let next = head.leading(words::LEADING).into_iter().skip(1).filter(|_| head.truth.is_none());
        let next =
            next.map(|(class, p)| Next { label: loaded.label(i, class), percent: words::number(head.meaning, p) });
        Prediction {
            head: head.name.clone(),
            predicted: loaded.label(i, head.predicted),
            probability: head.probability(),
            percent: words::number(head.meaning, head.probability()),
            truth: head.truth.map(|truth| loaded.label(i, truth)),
            correct: head.correct(),
            next: next.collect(),
        }
    };
    explanation.heads.iter().enumerate().map(prediction).collect()
}

/// A chart for each head: its most probable classes, with the true one marked where it is known.
fn probability_bars(
    context: &SectionContext,
    id: &str,
    explanation: &Explanation,
    assets: &mut Assets,
) -> Result<Vec<page::Panel>> {
    let panel = |(i, head): (usize, &HeadExplanation)| {
        // Values have no common scale with 1 as its end: the largest fills the bar.
        let full = match head.meaning {
            Meaning::Classes => 1.0,
            Meaning::Values => head.probabilities.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs())),
        };
        let bar = |(class, value): (usize, f64)| Bar {
            label: context.loaded().label(i, class),
            value: value.abs() / full,
            text: words::number(head.meaning, value),
            mark: if head.truth == Some(class) { "✓".into() } else { String::new() },
        };
        let bars: Vec<Bar> = head.leading(words::LEADING).into_iter().map(bar).collect();
        let alt: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.label, bar.text)).collect();
        let image = assets.add(&format!("{id}-{}", head.name), chart::bars(&head.name, &bars)?);
        Ok(page::Panel { image, alt: format!("{}: {}", head.name, alt.join(", ")) })
    };
    explanation.heads.iter().enumerate().map(panel).collect()
}

/// The input's picture with the probabilities.
fn picture(
    context: &SectionContext,
    number: usize,
    explanation: &Explanation,
    bars: Vec<page::Panel>,
    assets: &mut Assets,
) -> Result<Figure> {
    let input = &explanation.input;
    let (height, width) = input.size();
    let id = format!("{}-input-{number}-picture", context.id);
    let shown = panel::input(input.shown.view(), panel::fitted_size((width, height), INPUT_ROOM))?;
    let image = assets.add(&id, shown);
    let caption =
        format!("The input as the network sees it, and the most probable classes of each head: {}.", input.name);
    let mut figure = Figure::single(&id, caption, image, format!("the input, {}", input.name));
    figure.rows.push(page::Row { heading: Some("Probabilities".into()), panels: bars });
    figure.provenance = source(context, input);
    let said = |head: &HeadExplanation| json!({ "head": head.name, "probabilities": head.probabilities });
    let all: Vec<_> = explanation.heads.iter().map(said).collect();
    figure.data = json!({ "input": input.name, "heads": all });
    Ok(figure)
}

/// Where the input comes from.
fn source(context: &SectionContext, input: &PreparedInput) -> Vec<Line> {
    vec![
        Line::new("Source", input.origin.clone()),
        Line::new("Preprocessing", preprocessing::sentence(&context.loaded().recipe)),
    ]
}
