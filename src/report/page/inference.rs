//! Conclusions with their verdicts.

use serde::Serialize;
use serde_json::Value;

use crate::report::page::{Figure, Line, Reference, Table};

/// The conclusions.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Inferences {
    /// "3.1 Inferences".
    pub heading: String,
    /// Anchor; filled by `finish`.
    pub id: String,
    /// Opening paragraphs.
    pub paragraphs: Vec<String>,
    /// How many are supported, not supported and undecided, in words; filled by `finish`.
    pub tally: String,
    /// The original's claims that apply, in the original's order.
    pub items: Vec<Inference>,
    /// Heading above further findings of our own.
    pub further_heading: String,
    /// Anchor of that heading; filled by `finish`.
    pub further_id: String,
    /// Further findings.
    pub further: Vec<Inference>,
    /// Networks side by side: accuracy, localisation, zero gradients, filters alive.
    pub summary: Option<Table>,
    /// "May I trust this map?".
    pub trust: Option<Remarks>,
}

/// A heading with paragraphs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Remarks {
    /// The heading.
    pub heading: String,
    /// Anchor; filled by `finish`.
    pub id: String,
    /// Plain paragraphs.
    pub paragraphs: Vec<String>,
}

/// How a claim came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The measurement bears the claim out.
    Supported,
    /// The measurement speaks against it, or its control does as well.
    NotSupported,
    /// The interval does not decide.
    #[default]
    Undecided,
}

/// One measured conclusion.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Inference {
    /// Unique in the chapter, stable, such as `inference-attention`.
    pub id: String,
    /// Position in its list; filled by `finish` when it is 0. The original's number is kept where claims are left out.
    pub number: usize,
    /// The claim in plain words.
    pub statement: String,
    /// How it came out.
    pub verdict: Verdict,
    /// The number that decided, with its interval, for the table of verdicts.
    pub measure: String,
    /// One sentence with its number and interval.
    pub result: String,
    /// Further sentences.
    pub paragraphs: Vec<String>,
    /// A small chart.
    pub chart: Option<Figure>,
    /// Statistic, sample size, control, threshold: folded.
    pub details: Vec<Line>,
    /// Ids of the figures that show it.
    pub figures: Vec<String>,
    /// Links to the first few of them; filled by `finish`.
    pub references: Vec<Reference>,
    /// How many figures there are beyond those; filled by `finish`.
    pub more_references: usize,
    /// Every number behind it, for chapter.json.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub data: Value,
}
