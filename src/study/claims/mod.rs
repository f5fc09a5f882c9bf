//! From measurements to verdicts: the original chapter's eleven conclusions in their order, then our own, each a
//! function that says what was measured, against what control, and whether the number lies beyond a margin fixed
//! beforehand.
//!
//! Everything in a sentence is computed; claims that do not apply to the networks at hand are left out. One rule,
//! [`Margin::verdict`], makes every verdict.

mod attention;
mod beside;
mod chart;
mod colors;
mod combination;
mod comparison;
mod contrasts;
mod deletion;
mod detail;
mod gradients;
mod heads;
mod judgement;
mod own_attribute;
mod patterns;
mod pooling;
mod randomisation;
mod resizing;
mod rule;
mod separation;
mod shallowness;
mod summary;
#[cfg(test)]
mod tests;
pub mod threshold;
mod trust;
pub(crate) mod unit;
pub(crate) mod words;

pub use crate::study::measurements::*;
pub use beside::Beside;
pub(crate) use chart::chart_of;
pub use chart::{Bar, Chart, IntervalRow, Series};
pub use judgement::{Basis, Direction, Judgement, Margin, Verdict, exactly};
pub use rule::{Rule, all, count, counted_words};
pub use summary::{SummaryRow, summary};
pub use trust::trust;
pub use unit::Unit;

use rayon::prelude::*;
use serde::Serialize;

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Attention = 1,
    Shallowness,
    Pooling,
    Patterns,
    Colors,
    Combination,
    Heads,
    Resizing,
    Gradients,
    Comparison,
    Detail,
    OwnAttribute,
    Separation,
    Randomisation,
    Deletion,
}

impl Topic {
    /// Its number in the bundled chapter: 1 to 11 for the original's claims, from 12 for our own.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether the original chapter makes it.
    pub fn is_original(self) -> bool {
        self.number() <= Topic::Detail.number()
    }
}

/// One claim, its verdict and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    pub topic: Topic,
    /// As printed: the topic's in a chapter about the original's networks, else counted from 1.
    pub number: u8,
    /// The claim in plain words.
    pub statement: String,
    /// That of `deciding` by [`all`].
    pub verdict: Verdict,
    #[serde(flatten)]
    pub rule: Rule,
    /// What decides: the mean, the count, or each condition.
    pub deciding: Vec<Judgement>,
    /// Networks, heads or layers one by one, where a mean or count of them decides.
    pub parts: Vec<Judgement>,
    /// Parts that were not judged, and why.
    pub excluded: Vec<Detail>,
    /// What was found, one or a few sentences with the numbers.
    pub result: String,
    /// What the number is.
    pub statistic: String,
    /// What the cases are.
    pub cases: String,
    /// What the number is compared with.
    pub control: String,
    /// Why the margin lies where it does.
    pub why: String,
    /// The verdict by another method, where one stands beside the deciding one.
    pub beside: Option<Beside>,
    pub details: Vec<Detail>,
    /// Identifiers of the figures that show it.
    pub figures: Vec<String>,
    pub chart: Option<Chart>,
}

impl Evidence {
    /// A claim that a rule decides; the rest is to be filled in.
    fn of(topic: Topic, statement: impl Into<String>, rule: Rule, deciding: Vec<Judgement>) -> Evidence {
        Evidence {
            topic,
            number: topic.number(),
            statement: statement.into(),
            verdict: all(&deciding),
            rule,
            deciding,
            parts: Vec::new(),
            excluded: Vec::new(),
            result: String::new(),
            statistic: String::new(),
            cases: String::new(),
            control: String::new(),
            why: String::new(),
            beside: None,
            details: Vec::new(),
            figures: Vec::new(),
            chart: None,
        }
    }
}

/// A line of the details.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    pub name: String,
    pub text: String,
}

/// The head as a part of its network: empty where it is the only one.
fn head_part<'a>(network: &Network, head: &'a Head) -> &'a str {
    if network.heads.len() == 1 { "" } else { &head.name }
}

/// A claim: what the measurements say, or `None` where it does not apply.
type Claim = fn(&Measurements) -> Option<Evidence>;

/// The original's eleven in its order, then ours.
const CLAIMS: [Claim; 15] = [
    attention::attention,
    shallowness::shallowness,
    pooling::pooling,
    patterns::patterns,
    colors::colors,
    combination::combination,
    heads::different_places,
    resizing::resizing,
    gradients::zero_gradients,
    comparison::better_maps,
    detail::detail,
    own_attribute::own_attribute,
    separation::separation,
    randomisation::randomisation,
    deletion::deletion,
];

/// All claims that apply, in order. In a chapter about none of the original's networks they are counted from 1.
pub fn evaluate(measurements: &Measurements) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = CLAIMS.par_iter().filter_map(|claim| claim(measurements)).collect();
    if !measurements.is_original() {
        for (number, evidence) in (1..).zip(&mut evidence) {
            evidence.number = number;
        }
    }
    evidence
}
