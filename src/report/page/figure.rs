//! Pictures with their captions.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::report::page::{Line, Reference};

/// A picture among the page's assets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Image {
    /// File name in the chapter's folder, such as `base-line-input-1.svg`.
    pub file: String,
    /// Natural width in CSS pixels.
    pub width: u32,
    /// Natural height in CSS pixels.
    pub height: u32,
}

/// One or more pictures with one caption.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figure {
    /// Unique in the chapter, stable from run to run; also the anchor.
    pub id: String,
    /// Such as "3.7"; filled by `finish`.
    pub number: String,
    /// Plain text, without the number.
    pub caption: String,
    /// Pictures that stand side by side, row by row. When there are several rows, a first one without heading stands
    /// at the left (the input image), and the others beside it.
    pub rows: Vec<Row>,
    /// What to look at, a sentence each, from measurements.
    pub look: Vec<String>,
    /// Pictures that show more and are folded below the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<Folded>,
    /// How many tiles the figure holds, for grids; more than 64 fold.
    pub tiles: usize,
    /// What the fold says; filled by `finish`, or set by hand to fold in any case.
    pub fold: Option<String>,
    /// A click shows it as large as the window.
    pub enlargeable: bool,
    /// Tensor, score, formula, scale, error: folded under the caption.
    pub provenance: Vec<Line>,
    /// The numbers behind the figure, for chapter.json.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// The first few inferences that refer to this figure; filled by `finish`.
    pub cited_by: Vec<Reference>,
    /// How many more do; filled by `finish`.
    pub more_citations: usize,
}

impl Figure {
    /// A figure of one picture, enlargeable; `alt` says what is seen.
    pub fn single(id: impl Into<String>, caption: impl Into<String>, image: Image, alt: impl Into<String>) -> Figure {
        let row = Row { heading: None, panels: vec![Panel { image, alt: alt.into() }] };
        Figure { id: id.into(), caption: caption.into(), rows: vec![row], enlargeable: true, ..Figure::default() }
    }

    /// Gives the pictures that are among these old names their new ones.
    pub fn rename(&mut self, new_names: &BTreeMap<String, String>) {
        let folded = self.folded.iter_mut().flat_map(|folded| &mut folded.panels);
        for panel in self.rows.iter_mut().flat_map(|row| &mut row.panels).chain(folded) {
            if let Some(name) = new_names.get(&panel.image.file) {
                panel.image.file.clone_from(name);
            }
        }
    }
}

/// Further pictures of a figure, behind a fold.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Folded {
    /// What the fold says.
    pub summary: String,
    /// The pictures, from top to bottom.
    pub panels: Vec<Panel>,
    /// Whether the page only links to the pictures' files, as there would be too many to hold.
    pub apart: bool,
}

/// Pictures side by side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// A heading above the row, such as "Heatmap" or "Heatmap over Input Image".
    pub heading: Option<String>,
    /// The pictures, from left to right.
    pub panels: Vec<Panel>,
}

/// One picture of a figure.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Panel {
    /// The picture.
    pub image: Image,
    /// What is seen, in words, from measurements where there are any.
    pub alt: String,
}
