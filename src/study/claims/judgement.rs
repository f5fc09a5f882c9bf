//! How a number becomes a verdict: one rule, which all claims use.

use crate::measure::bootstrap::Interval;
use crate::study::claims::unit::{Unit, number};
use serde::Serialize;

/// What the measurement says about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of the interval lies beyond the margin.
    Supported,
    /// None of it does.
    NotSupported,
    /// A part of it does, or too little was measured.
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
}

/// The side of a margin on which a claim expects its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Above,
    Below,
}

/// A line fixed before anything is measured, and the side of it that a claim speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Margin {
    #[serde(rename = "margin")]
    pub value: f64,
    pub direction: Direction,
}

impl Margin {
    /// For a claim that its number is larger.
    pub const fn above(value: f64) -> Margin {
        Margin { value, direction: Direction::Above }
    }

    /// For a claim that its number is smaller.
    pub const fn below(value: f64) -> Margin {
        Margin { value, direction: Direction::Below }
    }

    /// The rule: supported if every number of the interval lies beyond the margin, not supported if none does,
    /// undecided if some do. The margin itself is not beyond it.
    pub fn verdict(&self, interval: &Interval) -> Verdict {
        let (all, none) = match self.direction {
            Direction::Above => (interval.low > self.value, interval.high <= self.value),
            Direction::Below => (interval.high < self.value, interval.low >= self.value),
        };
        match (all, none) {
            (true, _) => Verdict::Supported,
            (_, true) => Verdict::NotSupported,
            _ => Verdict::Undecided,
        }
    }

    /// "above the margin of 0.50".
    pub fn words(&self, unit: Unit) -> String {
        let side = match self.direction {
            Direction::Above => "above",
            Direction::Below => "below",
        };
        format!("{side} the margin of {}", unit.number(self.value))
    }
}

/// What a number rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Basis {
    /// Cases: images, filters, networks.
    pub n: usize,
    /// Cases below which nothing is decided.
    pub fewest: usize,
    /// Re-initialised copies, where the number is a difference to such.
    pub copies: Option<usize>,
}

/// Copies below which the spread of random networks is not known well enough to decide.
pub const COPIES: usize = 5;

impl Basis {
    /// `n` cases, of which `fewest` are needed.
    pub fn of(n: usize, fewest: usize) -> Basis {
        Basis { n, fewest, copies: None }
    }

    /// Whether it is enough to decide.
    pub fn is_enough(&self) -> bool {
        self.n >= self.fewest && self.copies.is_none_or(|copies| copies >= COPIES)
    }
}

/// A number held against a margin, with all that its verdict follows from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What the number speaks of: a network, a mean, a condition.
    pub name: String,
    /// The head or layer of the network; empty for the whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part: String,
    pub unit: Unit,
    #[serde(flatten)]
    pub interval: Interval,
    #[serde(flatten)]
    pub basis: Basis,
    #[serde(flatten)]
    pub margin: Margin,
    pub verdict: Verdict,
}

impl Judgement {
    /// Judges a number.
    pub fn new(name: impl Into<String>, unit: Unit, interval: Interval, basis: Basis, margin: Margin) -> Judgement {
        let verdict = if basis.is_enough() { margin.verdict(&interval) } else { Verdict::Undecided };
        Judgement { name: name.into(), part: String::new(), unit, interval, basis, margin, verdict }
    }

    /// A number that was counted and is known exactly.
    pub fn counted(name: impl Into<String>, value: usize, margin: Margin) -> Judgement {
        Judgement::new(name, Unit::Plain, Interval::exact(value as f64), Basis::default(), margin)
    }

    /// The judgement of a part: a head, a layer.
    pub fn part(self, part: &str) -> Judgement {
        Judgement { part: part.to_string(), ..self }
    }

    /// "Variation 1, Length", or the name alone.
    pub fn label(&self) -> String {
        if self.part.is_empty() { self.name.clone() } else { format!("{}, {}", self.name, self.part) }
    }

    /// "0.73 (95 % interval 0.10 to 1.35) times chance, only partly above the margin of 0.50".
    pub fn held(&self) -> String {
        let margin = self.margin.words(self.unit);
        let Interval { value, low, high } = self.interval;
        let place = match self.verdict {
            Verdict::Undecided if !self.basis.is_enough() => "from too few cases or copies to be held against",
            Verdict::Supported if low == high => "",
            Verdict::NotSupported if low == high => "not",
            Verdict::Supported => "all of it",
            Verdict::NotSupported => "none of it",
            Verdict::Undecided => "only partly",
        };
        let number = if low == high { self.unit.with_name(value) } else { self.unit.with_interval(&self.interval) };
        let place = if place.is_empty() { margin } else { format!("{place} {margin}") };
        format!("{number}, {place}")
    }

    /// "0.73 times chance (0.10 to 1.35)", or the number alone where it is exact.
    pub fn number(&self) -> String {
        let Interval { value, low, high } = self.interval;
        let text = |value: f64| self.unit.number(value);
        let range = if low == high { String::new() } else { format!(" ({} to {})", text(low), text(high)) };
        format!("{}{range}", self.unit.with_name(value))
    }

    /// Whether all of the interval lies on the other side of zero than the claim speaks of.
    pub fn is_adverse(&self) -> bool {
        match self.margin.direction {
            Direction::Above => self.interval.high < 0.0,
            Direction::Below => self.interval.low > 0.0,
        }
    }

    /// Whether all of the interval lies nearer to zero than the margin: no difference that would matter.
    pub fn is_equivalent(&self) -> bool {
        let margin = self.margin.value.abs();
        self.basis.is_enough() && self.interval.low > -margin && self.interval.high < margin
    }
}

/// The interval in words, for details: "0.7315, 95 % interval −0.0278 to 1.4935".
pub fn exactly(interval: &Interval) -> String {
    let text = |value: f64| format!("{value:.4}").replace('-', "−");
    if interval.low == interval.high && interval.value.fract() == 0.0 {
        return number(interval.value).trim_end_matches(".00").to_string();
    }
    if interval.low == interval.high {
        return text(interval.value);
    }
    format!("{}, 95 % interval {} to {}", text(interval.value), text(interval.low), text(interval.high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{NotSupported, Supported, Undecided};

    fn interval(low: f64, high: f64) -> Interval {
        Interval { value: (low + high) / 2.0, low, high }
    }

    #[test]
    fn one_rule_on_each_side_of_each_boundary() {
        let tiny = 1e-9;
        let cases = [
            (0.5 + tiny, 0.9, Supported, NotSupported),
            (0.5, 0.9, Undecided, NotSupported),
            (0.5 - tiny, 0.9, Undecided, Undecided),
            (0.1, 0.5 + tiny, Undecided, Undecided),
            (0.1, 0.5, NotSupported, Undecided),
            (0.1, 0.5 - tiny, NotSupported, Supported),
            (0.5, 0.5, NotSupported, NotSupported),
            // Ignorance decides nothing, though it holds zero.
            (-3.5, 3.96, Undecided, Undecided),
        ];
        for (low, high, above, below) in cases {
            let interval = interval(low, high);
            assert_eq!(Margin::above(0.5).verdict(&interval), above, "{low} {high}");
            assert_eq!(Margin::below(0.5).verdict(&interval), below, "{low} {high}");
        }
    }

    #[test]
    fn too_few_cases_or_copies_decide_nothing() {
        let judged = |n: usize, copies: Option<usize>| {
            let basis = Basis { n, fewest: 20, copies };
            Judgement::new("A", Unit::Plain, interval(0.6, 0.9), basis, Margin::above(0.5)).verdict
        };
        assert_eq!((judged(20, None), judged(19, None)), (Supported, Undecided));
        assert_eq!((judged(20, Some(5)), judged(20, Some(4))), (Supported, Undecided));
    }

    #[test]
    fn adverse_and_equivalent_are_said_only_where_the_interval_shows_them() {
        let judged = |low: f64, high: f64| {
            Judgement::new("A", Unit::Plain, interval(low, high), Basis::of(9, 1), Margin::above(0.5))
        };
        assert!(judged(-0.3, -0.1).is_adverse() && !judged(-0.3, 0.0).is_adverse() && !judged(0.1, 0.3).is_adverse());
        assert!(judged(-0.4, 0.4).is_equivalent() && !judged(-0.5, 0.4).is_equivalent());
        assert!(!judged(-0.4, 0.5).is_equivalent() && !judged(-3.0, 0.4).is_equivalent());
        let below = |low, high| {
            Judgement::new("A", Unit::Plain, interval(low, high), Basis::of(9, 1), Margin::below(-0.5)).is_adverse()
        };
        assert!(below(0.1, 0.2) && !below(0.0, 0.2));
    }

    #[test]
    fn words_say_where_the_interval_lies() {
        let held = |low: f64, high: f64| {
            Judgement::new("A", Unit::Plain, interval(low, high), Basis::of(1, 1), Margin::above(0.5)).held()
        };
        assert_eq!(held(0.6, 0.9), "0.75 (95 % interval 0.60 to 0.90), all of it above the margin of 0.50");
        assert_eq!(held(0.1, 0.4), "0.25 (95 % interval 0.10 to 0.40), none of it above the margin of 0.50");
        assert_eq!(held(0.4, 0.6), "0.50 (95 % interval 0.40 to 0.60), only partly above the margin of 0.50");
        assert_eq!(exactly(&Interval::exact(2.0)), "2");
        assert_eq!(exactly(&interval(-0.5, 0.5)), "0.0000, 95 % interval −0.5000 to 0.5000");
    }
}
