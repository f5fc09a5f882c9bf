//! The page model: everything the reader sees, as small structs of display-ready values.
//!
//! How to fill it. Draw a [`Picture`](crate::figure::Picture), hand it to [`Assets::add`](crate::report::Assets::add) under a
//! stable name, and put the [`Image`] it returns into a [`Figure`]. Give every figure an `id` that is unique in the
//! chapter and made from what it shows (`base-line-conv2d_2-filters`): it names the anchor, and other parts refer to
//! it by this id. All strings are plain text and are escaped by the templates, so names from outside need no care;
//! only [`Page::introduction`] is Markdown (and is cleaned), and [`Line::formula`] is LaTeX. What is absent (`None`, an empty list) is simply not
//! shown. Fields marked "filled by `finish`" are left at their default. When all is in place, [`Page::finish`]
//! numbers figures and inferences, resolves references, decides what folds, and collects the contents;
//! [`crate::report::render`] then makes Markdown, HTML and JSON of it.

mod figure;
mod front;
mod inference;

use serde::Serialize;

pub use figure::{Figure, Folded, Image, Panel, Row};
pub use front::{Card, Front, Mood, Sheet, Thumbnail};
pub use inference::{Inference, Inferences, Remarks, Verdict};
/// The whole chapter.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Page {
    /// The chapter's number, shown before the title and in figure numbers ("Figure 3.7"); without it figures count from 1.
    pub number: Option<u32>,
    /// Such as "Network Visualization".
    pub title: String,
    /// Markdown from the chapter file. Raw HTML, images and unsafe links in it are made harmless by [`Page::finish`].
    pub introduction: String,
    /// What the reader has to beware of, at the top (for example that samples are small because of `--quick`).
    pub notes: Vec<String>,
    /// What a reader wants to know first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
    /// Whether each section begins with its images and ends with its network, not the other way round.
    pub answers_first: bool,
    /// Files beside the page that hold its numbers: `chapter.json` and the like.
    pub files: Vec<String>,
    /// One for each network, in order.
    pub sections: Vec<Section>,
    /// Section 3.1.
    pub inferences: Option<Inferences>,
    /// How the chapter was made.
    pub making: Option<Making>,
    /// The table of contents; filled by `finish`.
    pub contents: Vec<Entry>,
}

/// A line of the contents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Anchor of the heading.
    pub id: String,
    /// Words of the heading.
    pub title: String,
    /// The headings below it.
    pub entries: Vec<Entry>,
}

/// A network: architecture, filters, and what it does with each input.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Section {
    /// Unique in the chapter, such as `base-line`.
    pub id: String,
    /// Such as "Base model over Line data".
    pub heading: String,
    /// Opening paragraphs.
    pub paragraphs: Vec<String>,
    /// The strip of layer blocks above the table.
    pub flow: Option<Figure>,
    /// The architecture, with its totals.
    pub table: Option<Table>,
    /// Data set, test accuracy of each head, finite-difference error of each head and the like.
    pub facts: Vec<Line>,
    /// One for each convolution.
    pub filters: Vec<Filters>,
    /// All images together, where there are more than a page shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survey: Option<Survey>,
    /// One for each input image.
    pub inputs: Vec<Input>,
    /// Anchor of the part about the network, where the images come first; filled by `finish`.
    pub network_id: String,
    /// Closing remarks.
    pub notes: Vec<String>,
}

/// A name and what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Such as "Tensor" or "Control".
    pub name: String,
    /// Plain text; may be empty when there is a formula.
    pub value: String,
    /// LaTeX without delimiters, typeset behind the value.
    pub formula: Option<String>,
}

impl Line {
    /// A name with plain text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Line {
        Line { name: name.into(), value: value.into(), formula: None }
    }

    /// A name with a formula.
    pub fn formula(name: impl Into<String>, latex: impl Into<String>) -> Line {
        Line { name: name.into(), value: String::new(), formula: Some(latex.into()) }
    }
}

/// A table; numbers stand in right-aligned columns.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Table {
    /// Names the table for everybody.
    pub caption: String,
    /// Column heads.
    pub columns: Vec<Column>,
    /// Cells; a row shorter than `columns` is filled up with empty cells by `finish`.
    pub rows: Vec<Vec<String>>,
    /// Tables that single rows stand for, such as the layers of a group; each folds, and so do all together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Table>,
    /// What the fold around the parts says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parts_fold: String,
    /// Lines below the table, such as "Total params: 4,069,216".
    pub totals: Vec<String>,
    /// What the fold says when the table is long; filled by `finish`.
    pub fold: Option<String>,
}

/// The head of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Words at the top.
    pub title: String,
    /// Right-aligned, for numbers.
    pub number: bool,
}

impl Column {
    /// A column of words.
    pub fn text(title: impl Into<String>) -> Column {
        Column { title: title.into(), number: false }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Column {
        Column { title: title.into(), number: true }
    }
}

/// The filters of one convolution.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Filters {
    /// "Convolutional Filters (conv2d_2)".
    pub heading: String,
    /// Anchor; filled by `finish`.
    pub id: String,
    /// Kernels, ascended images, ascent curves.
    pub figures: Vec<Figure>,
    /// How many filters answered, needed another start, are dead.
    pub count: String,
    /// Further remarks.
    pub notes: Vec<String>,
}

/// What the network says of many images together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Survey {
    /// "All images".
    pub heading: String,
    /// Anchor; filled by `finish`.
    pub id: String,
    /// How many there are, how many are shown, where the numbers of the others are.
    pub paragraphs: Vec<String>,
    /// The predicted classes of each head; the images that could not be read.
    pub tables: Vec<Table>,
}

/// One input image and what the network does with it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Input {
    /// The image's name, for messages; not part of the page.
    #[serde(skip)]
    pub name: String,
    /// "Input Image".
    pub heading: String,
    /// Which image it is and by which rule it was chosen.
    pub description: String,
    /// Anchor; filled by `finish`.
    pub id: String,
    /// The picture, perhaps with probability bars.
    pub figure: Option<Figure>,
    /// One for each head.
    pub predictions: Vec<Prediction>,
    /// Activation grids under "Intermediate Layer Activation", one for each layer.
    pub activations: Vec<Figure>,
    /// In a sentence, whether the heads are right; empty where the truth is not known.
    pub verdict: String,
    /// Figures under "Class Activation Heatmap"; their rows carry the headings "Heatmap" and "Heatmap over Input Image".
    pub heatmaps: Vec<Figure>,
    /// Remarks under the heatmaps, such as why a map is empty.
    pub notes: Vec<String>,
}

/// What one head says about an image.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Prediction {
    /// The head's name.
    pub head: String,
    /// Label of the predicted class.
    pub predicted: String,
    /// Its probability, in [0, 1].
    pub probability: f64,
    /// The probability as shown.
    pub percent: String,
    /// Label of the true class, where it is known.
    pub truth: Option<String>,
    /// Whether the two agree, where the truth is known.
    pub correct: Option<bool>,
    /// The classes next in probability, each with its probability as shown, for a table that has no truth to show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Next>,
}

/// A class that is not the most probable one.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Next {
    /// Its label.
    pub label: String,
    /// Its probability as shown.
    pub percent: String,
}

impl Prediction {
    /// A prediction with its probability formatted and compared with the truth.
    pub fn new(
        head: impl Into<String>,
        predicted: impl Into<String>,
        probability: f64,
        truth: Option<String>,
    ) -> Prediction {
        let predicted = predicted.into();
        let correct = truth.as_ref().map(|truth| *truth == predicted);
        let percent = percent(probability);
        Prediction { head: head.into(), predicted, probability, percent, truth, correct, next: Vec::new() }
    }
}

/// A probability as shown: 99.97 % must not be printed as 100.0 %.
pub fn percent(probability: f64) -> String {
    match probability {
        p if (0.9995..1.0).contains(&p) => "> 99.9 %".to_owned(),
        p if p > 0.0 && p < 0.0005 => "< 0.1 %".to_owned(),
        p => format!("{:.1} %", p * 100.0),
    }
}

/// A link to a numbered part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Anchor.
    pub id: String,
    /// Such as "Figure 3.7" or "Inference 4".
    pub text: String,
}

/// How the chapter was made: program, files and their hashes, settings, seeds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Making {
    /// "How this chapter was made".
    pub heading: String,
    /// Anchor; filled by `finish`.
    pub id: String,
    /// Opening paragraphs.
    pub paragraphs: Vec<String>,
    /// Program version, hash of the chapter file, settings, seeds.
    pub facts: Vec<Line>,
    /// Models with their hashes and the like.
    pub tables: Vec<Table>,
}
