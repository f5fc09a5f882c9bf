//! The comparison strip of one input: the input, each head's map and its overlay in one frame, each on a scale of its own, with what was
//! measured in a sentence. A second method is drawn only where it says something else.

use crate::chapter::arrays::file_name;
use crate::chapter::context::{MapDrawing, SectionContext};
use crate::chapter::{looks, words};
use crate::error::Result;
use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::explain::heatmap::Heatmap;
use crate::figure::frame::Frame;
use crate::figure::heat::Heat;
use crate::figure::{Picture, panel};
use crate::input::loaded::LoadedNetwork;
use crate::input::prepared::PreparedInput;
use crate::measure::similarity::pearson;
use crate::report::Assets;
use crate::report::assets::slug;
use crate::report::page::{Figure, Line, Panel, Row};
use crate::visualize::cause::Cause;
use serde_json::{Value, json};

/// The heading above overlays.
pub(crate) const OVER_INPUT: &str = "Heatmap over Input Image";
/// Maps of two methods whose cells correlate at least so much say the same.
const SAME: f64 = 0.95;

/// Draws the strip of one input.
pub(crate) struct Strip<'a> {
    pub context: &'a SectionContext<'a>,
    /// The input's number, from 1.
    pub number: usize,
    pub explanation: &'a Explanation,
}

/// One head's map as a strip shows it.
struct HeadMap<'a> {
    head: &'a HeadExplanation,
    map: &'a Heatmap,
    /// The explained class's label, behind the head's name where there are several heads.
    label: String,
    /// The explained score in words.
    score: String,
    /// The name of the file with the map's numbers.
    file: String,
    /// How well it correlates with the head's map by the first method; `None` for that itself.
    correlation: Option<f64>,
}

impl HeadMap<'_> {
    /// Whether it says something that the first method does not.
    fn differs(&self) -> bool {
        self.correlation.is_some_and(|correlation| correlation < SAME)
    }

    fn is_empty(&self) -> bool {
        self.map.cause.as_ref().is_some_and(|cause| *cause != Cause::Flat)
    }

    /// What is seen, from measurements.
    fn sentence(&self, input: &PreparedInput) -> String {
        format!("{} for {}: {}", self.map.method.title(), self.label, looks::at(self.map, input))
    }
}

impl Strip<'_> {
    /// The strip as a figure, its words being those of the first method and, where they agree, a line about the others.
    ///
    /// # Errors
    /// Maps without cells, or an input without pixels.
    pub fn figure(&self, assets: &mut Assets) -> Result<Figure> {
        let Strip { context, explanation, .. } = *self;
        let input = &explanation.input;
        let maps = self.maps(0);
        let others: Vec<HeadMap> =
            (1..context.explainer.methods().len()).flat_map(|method| self.maps(method)).collect();
        let id = self.id();
        let (height, width) = input.size();
        let size = panel::input_size((width, height), maps.len());
        let mut add = |part: &str, alt: String, picture: Picture| Panel {
            image: assets.add(&format!("{id}-{part}"), picture),
            alt,
        };
        let seen = add("input", self.seen(), panel::input(input.shown.view(), size)?);
        let (mut plain, mut over, mut further) = (Vec::new(), Vec::new(), Vec::new());
        for of in &maps {
            let name = &of.head.name;
            let alt = of.sentence(input);
            plain.push(add(&format!("{name}-map"), alt.clone(), self.map(of, size)?));
            over.push(add(&format!("{name}-overlay"), format!("over the input: {alt}"), self.overlay(of, maps.len())?));
        }
        for of in others.iter().filter(|of| of.differs()) {
            let part = format!("{}-{}", of.head.name, slug(of.map.method.title()));
            further.push(add(&part, of.sentence(input), self.map(of, size)?));
        }
        let row = |heading: &str, panels| Row { heading: Some(heading.to_string()), panels };
        let mut rows = vec![Row { heading: None, panels: vec![seen] }, row("Heatmap", plain), row(OVER_INPUT, over)];
        if let Some(of) = others.iter().find(|of| of.differs()) {
            rows.push(row(&format!("{}, where it differs", of.map.method.title()), further));
        }
        Ok(Figure {
            id,
            caption: self.caption(&maps),
            look: self.looks(&maps, &others),
            rows,
            enlargeable: true,
            provenance: provenance(&context.drawing, &maps, input),
            data: maps.iter().chain(&others).map(HeadMap::numbers).collect::<Value>(),
            ..Figure::default()
        })
    }

    /// What the picture of the input is; the strip shows it alone where there is no other.
    fn seen(&self) -> String {
        let name = &self.explanation.input.name;
        if self.context.answers_first {
            format!("the input as the network sees it, {name}")
        } else {
            format!("the input, {name}")
        }
    }

    fn id(&self) -> String {
        let method = self.context.explainer.methods().first().map_or("heatmap", |method| method.title());
        format!("{}-input-{}-{}", self.context.id, self.number, slug(method))
    }

    /// The maps of all heads by method number `method`.
    fn maps(&self, method: usize) -> Vec<HeadMap<'_>> {
        let heads = &self.explanation.heads;
        let of_head = |(i, head)| self.of_head(i, head, method);
        heads.iter().enumerate().filter_map(of_head).collect()
    }

    fn of_head<'a>(&self, i: usize, head: &'a HeadExplanation, method: usize) -> Option<HeadMap<'a>> {
        let map = head.heatmaps.get(method)?;
        let first = head.heatmaps.first().filter(|_| method > 0);
        let loaded: &LoadedNetwork = self.context.loaded();
        let class = loaded.label(i, head.explained);
        Some(HeadMap {
            head,
            map,
            label: if self.explanation.heads.len() > 1 { format!("{}: {class}", head.name) } else { class },
            score: words::score(loaded, i, head),
            file: file_name(
                &format!("{}-input-{}", self.context.id, self.number),
                &self.explanation.heads,
                i,
                map.method.title(),
            ),
            correlation: first.map(|first| pearson(first.rectified.view(), map.rectified.view())),
        })
    }

    fn heat<'a>(&'a self, map: &'a Heatmap) -> Heat<'a> {
        let object = self.explanation.input.mask.as_ref().map(|mask| mask.view());
        Heat { values: map.rectified.view(), grid: map.grid, colormap: self.context.drawing.colormap, object }
    }

    /// A map in the input's frame.
    fn map(&self, of: &HeadMap, size: (u32, u32)) -> Result<Picture> {
        let (height, width) = self.explanation.input.size();
        let words = match of.correlation {
            Some(correlation) => format!("{} (correlation {correlation:.2})", of.label),
            None => of.label.clone(),
        };
        match &of.map.cause {
            Some(cause) if of.is_empty() => panel::empty(cause.short(), size, &words),
            _ => self.heat(of.map).map(&Frame::of_input((width, height), size), &words),
        }
    }

    /// A map over the input, or over the whole photograph with resize and crop undone.
    fn overlay(&self, of: &HeadMap, maps: usize) -> Result<Picture> {
        let input = &self.explanation.input;
        let (height, width) = input.size();
        let heat = self.heat(of.map);
        match &input.photograph {
            None => {
                let size = panel::input_size((width, height), maps);
                heat.overlay(input.shown.view(), &Frame::of_input((width, height), size))
            }
            Some(photograph) => {
                let (rows, columns, _) = photograph.image.dim();
                let size = panel::fitted_size((columns, rows), panel::room(maps));
                let frame = Frame { size, input: (width, height), seen: photograph.seen() };
                heat.overlay(photograph.image.view(), &frame)
            }
        }
    }

    fn caption(&self, maps: &[HeadMap]) -> String {
        let drawing = &self.context.drawing;
        let (rows, columns) = maps.first().map_or((0, 0), |of| of.map.rectified.dim());
        let method = maps.first().map_or("Maps", |of| of.map.method.title());
        let cells = if maps.len() > 1 { "each on a scale of its own" } else { "from 0 to its largest value" };
        let legend = self.legend();
        format!(
            "{method} of {} for {}: {rows}×{columns} cells, {cells}, {}. {legend}",
            drawing.layer, self.explanation.input.name, drawing.placement
        )
    }

    /// What the lines of an overlay mean.
    fn legend(&self) -> String {
        let input = &self.explanation.input;
        let mut parts = vec!["the white line marks half of the largest value".to_string()];
        if input.mask.is_some() {
            parts.push(format!("the dashed one the {}", input.object));
        }
        if input.photograph.as_ref().is_some_and(|photograph| photograph.seen() != [0.0, 0.0, 1.0, 1.0]) {
            parts.push("the thin frame what the network saw of the photograph".into());
        }
        format!("Over the image, {}.", parts.join(", "))
    }

    /// What was measured of the first method's maps, and what the others add.
    fn looks(&self, maps: &[HeadMap], others: &[HeadMap]) -> Vec<String> {
        let input = &self.explanation.input;
        let mut sentences: Vec<String> = maps.iter().map(|of| format!("{}.", of.sentence(input))).collect();
        sentences.extend(others.iter().filter(|of| of.differs()).map(|of| format!("{}.", of.sentence(input))));
        for method in self.context.explainer.methods().iter().skip(1) {
            let same: Vec<&HeadMap> = others.iter().filter(|of| of.map.method == *method && !of.differs()).collect();
            let least = same.iter().filter_map(|of| of.correlation).fold(1.0, f64::min);
            if let Some(first) = same.first() {
                let of = if same.len() == maps.len() { String::new() } else { format!(" for {}", heads(&same)) };
                let which =
                    if same.len() == 1 { "correlation of the cells" } else { "the cells correlate by at least" };
                sentences.push(format!("{} shows the same{of} ({which} {least:.2}).", first.map.method.title()));
            }
        }
        sentences
    }
}

fn heads(maps: &[&HeadMap]) -> String {
    maps.iter().map(|of| of.head.name.as_str()).collect::<Vec<_>>().join(", ")
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
            "cause": map.cause, "energy": map.energy, "correlation": self.correlation,
        })
    }
}

/// How the maps were made.
fn provenance(drawing: &MapDrawing, maps: &[HeadMap], input: &PreparedInput) -> Vec<Line> {
    let formula = maps.iter().take(1).map(|of| Line::formula("Formula", of.map.method.formula()));
    let mut lines: Vec<Line> = formula.collect();
    lines.push(Line::new("Layer", drawing.layer.clone()));
    for HeadMap { head, map, score, file, .. } in maps {
        let (low, high) = map.range();
        lines.push(Line::new(
            format!("Score of {}", head.name),
            format!("{score} = {:.4}; map before the ReLU from {low:.5} to {high:.5}", head.logit),
        ));
        lines.push(Line::new(format!("Numbers of {}", head.name), format!("{file}.npy, where --raw was given")));
    }
    lines.push(Line::new("Placement", format!("{}; nothing is drawn beyond the cells", drawing.placement)));
    lines.push(Line::new("Scale", format!("{}, from 0 to each map's own largest value", drawing.colormap.name())));
    lines.push(Line::new("Gradient", drawing.gradient.clone()));
    let whole = "the image in grey, covered in proportion to the heat";
    let photograph = "; the whole photograph, with resize and crop undone, darker where the network did not see it";
    let over = if input.photograph.is_some() { format!("{whole}{photograph}") } else { whole.to_string() };
    lines.push(Line::new("Overlay", over));
    lines
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
