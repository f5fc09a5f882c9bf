//! What making a chapter gives: the page, and what is written beside it.

use crate::report::page::{Figure, Page};
use crate::report::{Assets, Rows};
use ndarray::{Array3, ArrayD};
use std::collections::BTreeMap;

/// A chapter's page, numbered and cross-referenced, with its pictures and arrays.
pub struct ChapterOutput {
    /// What the reader sees.
    pub page: Page,
    /// What is written beside it.
    pub artifacts: Artifacts,
}

/// What filters look for: an image [height, width, 3] with values in [0, 1] for channels of layers, by the layer's name.
pub type FilterImages = BTreeMap<String, BTreeMap<usize, Array3<f32>>>;

/// What making the page leaves beside it.
#[derive(Default)]
pub struct Artifacts {
    /// The page's pictures.
    pub assets: Assets,
    /// The arrays behind the maps, by a name that is safe in a file name.
    pub raw: Vec<(String, ArrayD<f32>)>,
    /// What filters look for, to be shown beside the channels that they make.
    pub filters: FilterImages,
    /// A line of JSON for each image, where asked for.
    pub rows: Option<Rows>,
    /// What the network says of each image that the page shows, a line each, for the terminal.
    pub summary: Vec<String>,
    /// Sentences for the top of the page.
    pub notes: Vec<String>,
}

impl Artifacts {
    /// Takes in what another part of the chapter leaves. `figures` are those of that part, whose pictures get other names where theirs
    /// are taken.
    pub fn extend<'f>(&mut self, other: Artifacts, figures: impl IntoIterator<Item = &'f mut Figure>) {
        let renamed = self.assets.extend(other.assets);
        figures.into_iter().for_each(|figure| figure.rename(&renamed));
        self.raw.extend(other.raw);
        self.summary.extend(other.summary);
        self.notes.extend(other.notes);
        self.filters.extend(other.filters);
        self.rows = self.rows.take().or(other.rows);
    }
}
