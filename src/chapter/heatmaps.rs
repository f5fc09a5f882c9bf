//! The figures of class activation heatmaps: a map for each head, its overlay, its numbers, and the reason where it is empty.

use crate::chapter::arrays::file_name;
use crate::chapter::context::{MapDrawing, SectionContext};
use crate::chapter::words;
use crate::error::Result;
use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::explain::heatmap::{Heatmap, largest};
use crate::figure::{Picture, overlay, range};
use crate::input::loaded::LoadedNetwork;
use crate::input::prepared::PreparedInput;
use crate::report::Assets;
use crate::report::assets::slug;
use crate::report::page::{Figure, Image, Line, Panel, Row};
use crate::visualize::cam::Method;
use crate::visualize::cause::Cause;
use serde_json::{Value, json};

/// How much of the heatmap's colour shows over the image.
const OPACITY: f32 = 0.55;

/// One head's map as a figure shows it.
struct HeadMap<'a> {
    head: &'a HeadExplanation,
    map: &'a Heatmap,
    /// The explained class's label.
    label: String,
    /// The explained score in words.
    score: String,
    /// The name of the file with the map's numbers.
    file: String,
}

/// A figure for each method.
///
/// # Errors
/// Maps without cells, or an input without pixels.
pub(crate) fn figures(
    context: &SectionContext,
    number: usize,
    explanation: &Explanation,
    assets: &mut Assets,
) -> Result<Vec<Figure>> {
    let input = &explanation.input;
    let (height, width) = input.size();
    let size = overlay::input_size((width, height), explanation.heads.len());
    let beside = overlay::input(input.shown.view(), overlay::Panel { size, label: "Input" })?;
    let mut figures = Vec::new();
    for (i, &method) in context.explainer.methods().iter().enumerate() {
        let heads = explanation.heads.iter().enumerate();
        let maps: Vec<HeadMap> = heads
            .filter_map(|(h, head)| {
                let file = file_name(&format!("{}-input-{number}", context.id), &explanation.heads, h, method.title());
                Some(HeadMap { file, ..of_head(context.loaded(), h, head, i)? })
            })
            .collect();
        let id = format!("{}-input-{number}-{}", context.id, slug(method.title()));
        let figure = MethodFigure { id: &id, method, maps: &maps, input, beside: &beside, drawing: &context.drawing };
        figures.push(figure.draw(assets)?);
    }
    Ok(figures)
}

/// A head's map by method number `method`, with its words.
fn of_head<'a>(loaded: &LoadedNetwork, i: usize, head: &'a HeadExplanation, method: usize) -> Option<HeadMap<'a>> {
    let map = head.heatmaps.get(method)?;
    Some(HeadMap {
        head,
        map,
        label: loaded.label(i, head.explained),
        score: words::score(loaded, i, head),
        file: String::new(),
    })
}

/// Why maps are empty, a sentence each, by method and then by head.
pub(crate) fn causes(explanation: &Explanation) -> Vec<String> {
    let methods = explanation.heads.first().map_or(0, |head| head.heatmaps.len());
    let sentence = |(head, map): (&HeadExplanation, &Heatmap)| {
        let cause = map.cause.as_ref()?;
        Some(format!("{}, {}: {}", map.method.title(), head.name, cause.sentence()))
    };
    let of_method = |method: usize| {
        explanation.heads.iter().filter_map(move |head| Some((head, head.heatmaps.get(method)?))).filter_map(sentence)
    };
    (0..methods).flat_map(of_method).collect()
}

/// One figure for the maps of all heads by one method: maps in one row, overlays in the next, one colour bar for both.
struct MethodFigure<'a> {
    id: &'a str,
    method: Method,
    maps: &'a [HeadMap<'a>],
    input: &'a PreparedInput,
    /// The input as it stands beside the maps.
    beside: &'a Picture,
    drawing: &'a MapDrawing,
}

impl MethodFigure<'_> {
    fn draw(&self, assets: &mut Assets) -> Result<Figure> {
        let MethodFigure { maps, input, drawing, .. } = *self;
        let (height, width) = input.size();
        let size = overlay::input_size((width, height), maps.len());
        let shared = range(maps.iter().flat_map(|of| of.map.rectified.iter().copied())).map_or(0.0, |(_, high)| high);
        let scale = (0.0, if shared > 0.0 { shared } else { 1.0 });
        let mut add = |part: &str, alt: String, picture: Picture| -> Panel {
            let image: Image = assets.add(&format!("{}-{part}", self.id), picture);
            Panel { image, alt }
        };
        let bar = overlay::colour_bar(drawing.colormap, "0", &format!("{shared:.3}"), size.1)?;
        let bar = add("scale", format!("colour bar from 0 to {shared:.3}"), bar);
        let seen = add("input", format!("the input, {}", input.name), self.beside.clone());
        let mut plain = Vec::new();
        let mut over = Vec::new();
        for of in maps {
            let head = &of.head.name;
            let label = if maps.len() > 1 { format!("{head}: {}", of.label) } else { of.label.clone() };
            let panel = overlay::Panel { size, label: &label };
            let alt = of.alternative(input);
            let picture = match &of.map.cause {
                Some(cause) if *cause != Cause::Flat => overlay::empty(cause.short(), panel),
                _ => overlay::heatmap(of.map.rectified.view(), scale, drawing.colormap, panel)?,
            };
            plain.push(add(&format!("{head}-map"), alt.clone(), picture));
            let picture = self.overlay(of.map, scale, panel)?;
            over.push(add(&format!("{head}-overlay"), format!("over the input: {alt}"), picture));
        }
        plain.push(bar);
        let row = |heading: Option<&str>, panels| Row { heading: heading.map(str::to_string), panels };
        let rows =
            vec![row(None, vec![seen]), row(Some("Heatmap"), plain), row(Some("Heatmap over Input Image"), over)];
        Ok(Figure {
            id: self.id.to_string(),
            caption: self.caption(),
            rows,
            enlargeable: true,
            provenance: self.provenance(),
            data: Value::Array(maps.iter().map(HeadMap::numbers).collect()),
            ..Figure::default()
        })
    }

    /// A map over the input, or over the whole photograph: resize and crop undone, what the network did not see drawn dark.
    fn overlay(&self, map: &Heatmap, scale: (f32, f32), panel: overlay::Panel) -> Result<Picture> {
        let colormap = self.drawing.colormap;
        match &self.input.photograph {
            None => {
                let (height, width) = self.input.size();
                let dense = map.dense(height, width);
                overlay::overlay(self.input.shown.view(), dense.view(), scale, colormap, OPACITY, panel)
            }
            Some(photograph) => {
                let (ys, xs) = photograph.in_input();
                let dense = map.at_points(&ys, &xs);
                let (rows, columns, _) = photograph.image.dim();
                let size = overlay::panel_size((columns, rows), overlay::room(self.maps.len()));
                let panel = overlay::Panel { size, ..panel };
                overlay::overlay(photograph.image.view(), dense.view(), scale, colormap, OPACITY, panel)
            }
        }
    }

    fn caption(&self) -> String {
        let (rows, columns) = self.maps.first().map_or((0, 0), |of| of.map.rectified.dim());
        format!(
            "{} of {} for {}{}: {rows}×{columns} cells, {}.",
            self.method.title(),
            self.drawing.layer,
            self.input.name,
            if self.maps.len() > 1 { ", a map for each head on one colour scale" } else { "" },
            self.drawing.placement
        )
    }

    fn provenance(&self) -> Vec<Line> {
        let drawing = self.drawing;
        let mut lines =
            vec![Line::formula("Formula", self.method.formula()), Line::new("Layer", drawing.layer.clone())];
        for HeadMap { head, map, score, file, .. } in self.maps {
            let (low, high) = map.range();
            lines.push(Line::new(
                format!("Score of {}", head.name),
                format!("{score} = {:.4}; map before the ReLU from {low:.5} to {high:.5}", head.logit),
            ));
            lines.push(Line::new(format!("Numbers of {}", head.name), format!("{file}.npy, where --raw was given")));
        }
        let scale = format!("{}, from 0 to the largest value of the figure", drawing.colormap.name());
        lines.push(Line::new("Placement", drawing.placement.clone()));
        lines.push(Line::new("Scale", scale));
        lines.push(Line::new("Gradient", drawing.gradient.clone()));
        if self.input.photograph.is_some() {
            let words =
                "over the whole photograph, with resize and crop undone; what the network did not see is darker";
            lines.push(Line::new("Overlay", words));
        }
        lines
    }
}

impl HeadMap<'_> {
    /// The numbers for chapter.json.
    fn numbers(&self) -> Value {
        let HeadMap { head, map, label, .. } = self;
        let (low, high) = map.range();
        json!({
            "head": head.name, "class": head.explained, "label": label, "method": map.method.title(), "logit": head.logit,
            "signed_minimum": low, "signed_maximum": high, "cells": [map.signed.nrows(), map.signed.ncols()],
            "signed": map.signed.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
            "cause": map.cause, "energy": map.energy,
        })
    }

    /// What is seen, from measurements.
    fn alternative(&self, input: &PreparedInput) -> String {
        let HeadMap { head, map, label, .. } = self;
        let what = format!("{} of {} for {label}", map.method.title(), head.name);
        match (&map.cause, &map.energy) {
            (Some(cause), _) => format!("{what}: {}", cause.short()),
            (None, Some(energy)) => format!(
                "{what}: {:.0} % of its energy lies on the {}, {:.1} times the {}'s share of the image",
                energy.share * 100.0,
                input.object,
                energy.lift,
                input.object
            ),
            (None, None) => {
                let (height, width) = input.size();
                let peak = largest(&map.dense(height, width));
                format!("{what}: strongest at column {}, row {} of the input", peak.1, peak.0)
            }
        }
    }
}
