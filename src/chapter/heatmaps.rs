//! Class activation heatmaps of one input: a map for each head, its overlay, its numbers, and the reason where it is empty.

use crate::error::Result;
use crate::explain::differences::Differences;
use crate::explain::explainer::{Explainer, Forward, Gradient, Score, feature_maps};
use crate::explain::score::End;
use crate::figure::{Colormap, Picture, overlay, range};
use crate::input::sources::{Photograph, Ready};
use crate::measure::energy::{Energy, energy};
use crate::report::Assets;
use crate::report::page::{Figure, Image, Line, Panel, Row};
use crate::visualize::cam::{Method, rectified, signed_map, weighted_sum};
use crate::visualize::cause::{Cause, of_map};
use crate::visualize::placement::{Cells, Placement, at_points, dense};
use ndarray::{Array2, Array3};
use serde_json::json;

/// How much of the heatmap's colour shows over the image.
const OPACITY: f32 = 0.55;

/// The map of one head for one class.
pub struct Heatmap {
    pub head: usize,
    pub class: usize,
    /// The class's label.
    pub label: String,
    pub score: f32,
    /// What the score is, such as "logit of cat".
    pub scored: String,
    /// The method of `signed` and `rectified`.
    pub method: Method,
    /// Before the ReLU, on the target's own grid.
    pub signed: Array2<f32>,
    pub rectified: Array2<f32>,
    /// The map at the input's pixels.
    pub dense: Array2<f32>,
    /// Where in the input its largest cell looks, (x, y): the cell's centre, or the nearest point to it within the image.
    pub peak: (f64, f64),
    /// Why there is nothing to see, if there is not.
    pub cause: Option<Cause>,
    /// Where its energy lies, if the object is known.
    pub energy: Option<Energy>,
}

/// How maps are made and drawn in one section.
pub struct Style {
    pub method: Method,
    pub colormap: Colormap,
    /// The target's cells in the input, rows and columns; `None` where they are stretched.
    pub cells: Option<(Cells, Cells)>,
    /// Why cells are stretched although their true places were asked for.
    pub stretched_because: Option<String>,
    /// A sentence about how the gradient was obtained and how exact it is.
    pub gradient: String,
    /// The layer's name.
    pub layer: String,
}

impl Style {
    /// Where the cells of a map lie in an input of `height` × `width` pixels: at their receptive fields, else stretched.
    fn cells_of(&self, map: &Array2<f32>, (height, width): (usize, usize)) -> (Cells, Cells) {
        self.cells.unwrap_or_else(|| (Cells::stretched(map.nrows(), height), Cells::stretched(map.ncols(), width)))
    }

    /// The placement in a few words.
    fn placement(&self) -> String {
        match (&self.cells, &self.stretched_because) {
            (Some(_), _) => "each cell at the centre of its receptive field, bilinear between them".into(),
            (None, Some(reason)) => format!("stretched to the image, bilinear ({reason})"),
            (None, None) => "stretched to the image, bilinear".into(),
        }
    }
}

/// The cells of a grid in an image, by a placement and the receptive fields where they are known.
pub fn cells(placement: Placement, fields: Option<(Cells, Cells)>) -> (Option<(Cells, Cells)>, Option<String>) {
    match (placement, fields) {
        (Placement::Stretch, _) => (None, None),
        (Placement::ReceptiveField, Some(fields)) => (Some(fields), None),
        (Placement::ReceptiveField, None) => {
            (None, Some("the branches that lead to it see the image in different geometries".into()))
        }
    }
}

/// The maps of one input, by method and then by head; `classes` are the class of each head with its label.
///
/// # Errors
/// A target that is no feature map, or operators without a rule in the tail.
pub fn maps(
    explainer: &Explainer,
    forward: &Forward,
    input: &Ready,
    classes: &[(usize, String)],
    methods: &[Method],
    style: &Style,
) -> Result<Vec<Vec<Heatmap>>> {
    let value = forward.get(&explainer.target)?;
    let activation: Array3<f32> = feature_maps(&explainer.target, value.view())?;
    let heads = 0..explainer.network.heads().len();
    let positions = heads.map(|head| explainer.positions(head, input.pixels.as_ref())).collect::<Result<Vec<_>>>()?;
    let tail = explainer.tail(&input.tensor, value)?.within(positions.clone());
    let gradient = |(head, (class, _)): (usize, &(usize, String))| tail.gradient(head, *class, Score::Logit);
    let gradients = classes.iter().enumerate().map(gradient).collect::<Result<Vec<_>>>()?;
    let one = |method: Method, (head, ((class, label), found)): (usize, (&(usize, String), &Gradient))| {
        let signed = signed_map(method, activation.view(), found.gradient.view());
        let cause = tail.cause(head, *class, Score::Logit, &signed, &activation, &found.gradient)?;
        let scored = explainer.scored(head, label, positions.get(head).and_then(Option::as_ref));
        let score = found.score;
        Ok(placed(Found { head, class: *class, label, score, scored, method, signed, cause }, input, style))
    };
    let all = |method: &Method| classes.iter().zip(&gradients).enumerate().map(|head| one(*method, head)).collect();
    methods.iter().map(all).collect()
}

/// Grad-CAM maps of every head whose weights come from central differences, for tails with operators that have no rule.
///
/// # Errors
/// A target that is no feature map, or a tail that tract cannot run alone.
pub fn maps_by_differences(
    differences: &Differences,
    explainer: &Explainer,
    forward: &Forward,
    input: &Ready,
    classes: &[(usize, String)],
    style: &Style,
) -> Result<Vec<Heatmap>> {
    let value = forward.get(&explainer.target)?;
    let activation: Array3<f32> = feature_maps(&explainer.target, value.view())?;
    let one = |(head, (class, label)): (usize, &(usize, String))| {
        let positions = explainer.positions(head, input.pixels.as_ref())?;
        let (weights, _, score) =
            differences.weights(&input.tensor, value, End { head, class: *class, positions: positions.as_ref() })?;
        let signed = weighted_sum(activation.view(), &weights);
        // Differences show no operators on the way.
        let constant = || Ok(Cause::ScoreConstant { at: "the tail".into() });
        let cause = of_map(signed.view(), activation.view(), &weights, constant)?;
        let method = Method::GradCam;
        let scored = explainer.scored(head, label, positions.as_ref());
        Ok(placed(Found { head, class: *class, label, score, scored, method, signed, cause }, input, style))
    };
    classes.iter().enumerate().map(one).collect()
}

/// A signed map and what it is of.
struct Found<'a> {
    head: usize,
    class: usize,
    label: &'a str,
    score: f32,
    scored: String,
    method: Method,
    signed: Array2<f32>,
    cause: Option<Cause>,
}

/// The map with its place in the image and its energy.
fn placed(found: Found, input: &Ready, style: &Style) -> Heatmap {
    let Found { head, class, label, score, scored, method, signed, cause } = found;
    let rectified = rectified(&signed);
    let (height, width, _) = input.shown.dim();
    let (rows, columns) = style.cells_of(&rectified, (height, width));
    let dense = dense(rectified.view(), rows, columns, height, width);
    let energy = input.mask.as_ref().map(|mask| energy(dense.view(), mask.view()));
    let (row, column) = largest(&signed);
    let centre =
        |cells: Cells, at: usize, length: usize| (cells.first + at as f64 * cells.step).clamp(0.0, length as f64);
    let peak = (centre(columns, column, width), centre(rows, row, height));
    let label = label.to_string();
    Heatmap { head, class, label, score, scored, method, signed, rectified, dense, peak, cause, energy }
}

/// The input as it stands beside the maps of `heads` heads.
///
/// # Errors
/// An input without pixels.
pub fn beside(input: &Ready, heads: usize) -> Result<Picture> {
    let (height, width, _) = input.shown.dim();
    let size = overlay::input_size((width, height), heads);
    overlay::input(input.shown.view(), overlay::Panel { size, label: "Input" })
}

/// One figure for the maps of all heads by one method: maps in one row, overlays in the next, one colour bar for both; `beside` is
/// the input.
///
/// # Errors
/// Maps without cells.
pub fn figure(
    id: &str,
    heads: &[String],
    maps: &[Heatmap],
    (input, beside): (&Ready, &Picture),
    style: &Style,
    assets: &mut Assets,
) -> Result<Figure> {
    let (height, width, _) = input.shown.dim();
    let size = overlay::input_size((width, height), maps.len());
    let shared = range(maps.iter().flat_map(|map| map.rectified.iter().copied())).map_or(0.0, |(_, high)| high);
    let scale = (0.0, if shared > 0.0 { shared } else { 1.0 });
    let method = maps.first().map_or(style.method, |map| map.method);
    let mut add = |part: &str, alt: String, picture: Picture| -> Panel {
        let image: Image = assets.add(&format!("{id}-{part}"), picture);
        Panel { image, alt }
    };
    let bar = overlay::colour_bar(style.colormap, "0", &format!("{shared:.3}"), size.1)?;
    let bar = add("scale", format!("colour bar from 0 to {shared:.3}"), bar);
    let seen = add("input", format!("the input, {}", input.name), beside.clone());
    let mut plain = Vec::new();
    let mut over = Vec::new();
    for map in maps {
        let head = heads.get(map.head).map_or("", String::as_str);
        let label = if maps.len() > 1 { format!("{head}: {}", map.label) } else { map.label.clone() };
        let panel = overlay::Panel { size, label: &label };
        let alt = alternative(map, head, input);
        let picture = match &map.cause {
            Some(cause) if *cause != Cause::Flat => overlay::empty(cause.short(), panel),
            _ => overlay::heatmap(map.rectified.view(), scale, style.colormap, panel)?,
        };
        plain.push(add(&format!("{head}-map"), alt.clone(), picture));
        let picture = match &input.photograph {
            None => overlay::overlay(input.shown.view(), map.dense.view(), scale, style.colormap, OPACITY, panel)?,
            Some(photograph) => {
                let dense = over_photograph(map, photograph, style, (height, width));
                let (rows, columns, _) = photograph.image.dim();
                let panel =
                    overlay::Panel { size: overlay::panel_size((columns, rows), overlay::room(maps.len())), ..panel };
                overlay::overlay(photograph.image.view(), dense.view(), scale, style.colormap, OPACITY, panel)?
            }
        };
        over.push(add(&format!("{head}-overlay"), format!("over the input: {alt}"), picture));
    }
    let row = |heading: Option<&str>, panels: Vec<Panel>| Row { heading: heading.map(str::to_string), panels };
    plain.push(bar);
    let rows = vec![row(None, vec![seen]), row(Some("Heatmap"), plain), row(Some("Heatmap over Input Image"), over)];
    let grid = maps.first().map_or((0, 0), |map| map.rectified.dim());
    let caption = format!(
        "{} of {} for {}{}: {}×{} cells, {}.",
        method.title(),
        style.layer,
        input.name,
        if maps.len() > 1 { ", a map for each head on one colour scale" } else { "" },
        grid.0,
        grid.1,
        style.placement()
    );
    let mut figure = Figure { id: id.to_string(), caption, rows, enlargeable: true, ..Figure::default() };
    figure.provenance = provenance(heads, maps, method, style);
    if input.photograph.is_some() {
        let words = "over the whole photograph, with resize and crop undone; what the network did not see is darker";
        figure.provenance.push(Line::new("Overlay", words));
    }
    figure.data = serde_json::Value::Array(maps.iter().map(|map| numbers(heads, map)).collect());
    Ok(figure)
}

/// The map at the pixels of the whole photograph: resize and crop undone. What the network did not see has no value, and is drawn dark.
fn over_photograph(map: &Heatmap, photograph: &Photograph, style: &Style, size: (usize, usize)) -> Array2<f32> {
    let (rows, columns) = style.cells_of(&map.rectified, size);
    let (ys, xs) = photograph.in_input();
    at_points(map.rectified.view(), rows, columns, &ys, &xs)
}

fn provenance(heads: &[String], maps: &[Heatmap], method: Method, style: &Style) -> Vec<Line> {
    let mut lines = vec![Line::formula("Formula", method.formula()), Line::new("Layer", style.layer.clone())];
    for map in maps {
        let head = heads.get(map.head).map_or("", String::as_str);
        let (low, high) = range(map.signed.iter().copied()).unwrap_or((0.0, 0.0));
        lines.push(Line::new(
            format!("Score of {head}"),
            format!("{} = {:.4}; map before the ReLU from {low:.5} to {high:.5}", map.scored, map.score),
        ));
    }
    lines.push(Line::new("Placement", style.placement()));
    lines.push(Line::new("Scale", format!("{}, from 0 to the largest value of the figure", style.colormap.name())));
    lines.push(Line::new("Gradient", style.gradient.clone()));
    lines
}

fn numbers(heads: &[String], map: &Heatmap) -> serde_json::Value {
    let (low, high) = range(map.signed.iter().copied()).unwrap_or((0.0, 0.0));
    json!({
        "head": heads.get(map.head), "class": map.class, "label": map.label, "method": map.method.title(), "logit": map.score,
        "signed_minimum": low, "signed_maximum": high, "cells": [map.signed.nrows(), map.signed.ncols()],
        "signed": map.signed.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        "cause": map.cause, "energy": map.energy,
    })
}

/// What is seen, from measurements.
fn alternative(map: &Heatmap, head: &str, input: &Ready) -> String {
    let what = format!("{} of {head} for {}", map.method.title(), map.label);
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
            let peak = largest(&map.dense);
            format!("{what}: strongest at column {}, row {} of the input", peak.1, peak.0)
        }
    }
}

/// Row and column of the first of a map's largest values.
pub(crate) fn largest(map: &Array2<f32>) -> (usize, usize) {
    let larger = |most: ((usize, usize), f32), (at, value): ((usize, usize), &f32)| {
        if *value > most.1 { (at, *value) } else { most }
    };
    map.indexed_iter().fold(((0, 0), f32::NEG_INFINITY), larger).0
}
