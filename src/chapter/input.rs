//! The page of one input: its picture, what each head says, activations and maps.

use crate::chapter::context::SectionContext;
use crate::chapter::{activations, heatmaps, saliency, words};
use crate::error::Result;
use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::figure::chart::{self, Bar};
use crate::figure::overlay;
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
    let activation = |layer: &&Layer| {
        let maps = activations::maps(layer, explanation)?;
        let shown = activations::Shown { layer, maps: &maps, large: context.shown.large };
        activations::figure(context.id, number, &shown, input, assets)
    };
    let activations = context.shown.layers.iter().map(activation).collect::<Result<_>>()?;
    let mut figures = heatmaps::figures(context, number, explanation, assets)?;
    figures.extend(saliency::figure(context, number, explanation, assets)?);
    Ok(page::Input {
        name: input.name.clone(),
        heading: match input.photograph {
            Some(_) => input.name.clone(),
            None => "Input Image".into(),
        },
        description: input.origin.clone(),
        figure: Some(picture(context, number, explanation, assets)?),
        predictions: predictions(context, explanation),
        activations,
        heatmaps: figures,
        notes: heatmaps::causes(explanation),
        ..page::Input::default()
    })
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

/// The input's picture, beside the whole photograph where it is one, with the probabilities.
fn picture(context: &SectionContext, number: usize, explanation: &Explanation, assets: &mut Assets) -> Result<Figure> {
    let input = &explanation.input;
    let (height, width) = input.size();
    let id = format!("{}-input-{number}-picture", context.id);
    let mut figure = match &input.photograph {
        None => {
            let panel = overlay::Panel { size: overlay::panel_size((width, height), INPUT_ROOM), label: "" };
            let image = assets.add(&id, overlay::input(input.shown.view(), panel)?);
            Figure::single(&id, "Input image", image, format!("the input, {}", input.name))
        }
        Some(photograph) => {
            let (rows, columns, _) = photograph.image.dim();
            let panel = |size, label| overlay::Panel { size: overlay::fitted_size(size, INPUT_ROOM), label };
            let whole = panel((columns, rows), "Photograph");
            let whole = overlay::photograph(photograph.image.view(), photograph.seen(), whole)?;
            let seen = overlay::input(input.shown.view(), panel((width, height), "As the network sees it"))?;
            let alt = format!("the photograph {}, with what the network sees of it outlined", input.name);
            let whole = assets.add(&format!("{id}-whole"), whole);
            let mut figure = Figure::single(&id, "The photograph; the input", whole, alt);
            let alt = format!("the input, {width}×{height} pixels");
            figure.rows[0].panels.push(page::Panel { image: assets.add(&id, seen), alt });
            figure
        }
    };
    figure.caption += &format!(", as the network sees it, and the most probable classes of each head: {}.", input.name);
    let bars = probability_bars(context, &id, explanation, assets)?;
    figure.rows.push(page::Row { heading: Some("Probabilities".into()), panels: bars });
    figure.provenance = vec![
        Line::new("Source", input.origin.clone()),
        Line::new("Preprocessing", preprocessing::sentence(&context.loaded().recipe)),
    ];
    let said = |head: &HeadExplanation| json!({ "head": head.name, "probabilities": head.probabilities });
    let all: Vec<_> = explanation.heads.iter().map(said).collect();
    figure.data = json!({ "input": input.name, "heads": all });
    Ok(figure)
}
