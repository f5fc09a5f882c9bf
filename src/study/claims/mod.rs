//! From measurements to verdicts: the original chapter's eleven conclusions in their order, then our own, each a
//! function that says what was measured, against what control, and whether the number lies beyond a threshold fixed
//! here beforehand.
//!
//! Everything in a sentence is computed; claims that do not apply to the networks at hand are left out.

mod attention;
mod comparison;
mod depth;
mod filters;
mod gradients;
mod heads;
mod judge;
mod measurements;
mod perturbing;
mod pooling;
mod randomisation;
mod resizing;
mod summary;
#[cfg(test)]
mod tests;
pub mod threshold;
mod trust;
mod words;

pub use measurements::*;
pub use summary::{SummaryRow, summary};
pub use trust::trust;

use crate::measure::bootstrap::Interval;
use rayon::prelude::*;
use serde::Serialize;

/// What the measurement says about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Supported,
    NotSupported,
    Undecided,
}

impl Verdict {
    /// The verdict in words.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Supported => "supported",
            Verdict::NotSupported => "not supported",
            Verdict::Undecided => "undecided",
        }
    }

    /// A sign to go with the word, so that colour is never the only difference.
    pub fn sign(self) -> &'static str {
        match self {
            Verdict::Supported => "✓",
            Verdict::NotSupported => "✗",
            Verdict::Undecided => "?",
        }
    }
}

/// One claim, its verdict and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// 1 to 11 for the original's claims, from 12 for our own.
    pub number: u8,
    /// The claim in plain words.
    pub statement: String,
    pub verdict: Verdict,
    /// What was found, one or a few sentences with the numbers.
    pub result: String,
    pub statistic: Statistic,
    /// Cases (images, filters) behind the statistic, all networks together.
    pub n: usize,
    /// What the cases are.
    pub cases: String,
    /// What the statistic is compared with.
    pub control: String,
    pub threshold: Threshold,
    /// The verdict by another method, where one stands beside the deciding one.
    pub beside: Option<Beside>,
    pub details: Vec<Detail>,
    /// Identifiers of the figures that show it.
    pub figures: Vec<String>,
    pub chart: Option<Chart>,
}

/// The number that decides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistic {
    pub name: String,
    /// Empty for shares and plain numbers.
    pub unit: String,
    #[serde(flatten)]
    pub interval: Interval,
}

/// Where the line was drawn beforehand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    pub value: f64,
    /// What must be so for *supported*.
    pub rule: String,
    /// Why there.
    pub why: String,
}

/// A second method's verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    pub method: String,
    pub verdict: Verdict,
    /// Its number, and whether it agrees.
    pub text: String,
}

/// A line of the details.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    pub name: String,
    pub text: String,
}

/// Data of a small chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Chart {
    /// A number with its interval per row, and a line where the threshold lies.
    Intervals { axis: String, rows: Vec<IntervalRow>, threshold: f64 },
    /// Lines over named steps, such as layers. A series may be shorter than the steps.
    Curves { axis: String, steps: Vec<String>, series: Vec<Series> },
    /// Bars of counts or shares.
    Bars { axis: String, bars: Vec<Bar> },
}

/// See [`Chart::Intervals`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalRow {
    pub label: String,
    #[serde(flatten)]
    pub interval: Interval,
    /// Single results behind the number, such as the difference to each copy.
    pub points: Vec<f64>,
}

/// See [`Chart::Curves`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    pub label: String,
    pub values: Vec<f64>,
}

/// See [`Chart::Bars`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    pub label: String,
    pub value: f64,
}

/// A claim: what the measurements say, or `None` where it does not apply.
type Claim = fn(&Measurements) -> Option<Evidence>;

/// The original's eleven in its order, then ours.
const CLAIMS: [Claim; 15] = [
    attention::claim_1,
    depth::claim_2,
    pooling::claim_3,
    filters::claim_4,
    filters::claim_5,
    filters::claim_6,
    heads::claim_7,
    resizing::claim_8,
    gradients::claim_9,
    comparison::claim_10,
    comparison::claim_11,
    heads::claim_12,
    depth::claim_13,
    randomisation::claim_14,
    perturbing::claim_15,
];

/// All claims that apply, in order.
pub fn evaluate(measurements: &Measurements) -> Vec<Evidence> {
    CLAIMS.par_iter().filter_map(|claim| claim(measurements)).collect()
}
