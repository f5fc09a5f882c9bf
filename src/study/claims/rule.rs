//! How the judgements of a claim become its verdict: conditions that must all hold, of which one may be a mean or a count.

use crate::measure::bootstrap::Interval;
use crate::study::claims::unit::Unit;
use crate::study::claims::{Basis, Judgement, Margin, Verdict};
use serde::Serialize;

/// The verdict of conditions that must all hold: one that does not decides against, else one that is undecided leaves
/// the claim undecided.
pub fn all(conditions: &[Judgement]) -> Verdict {
    if conditions.iter().any(|c| c.verdict == Verdict::NotSupported) {
        Verdict::NotSupported
    } else if !conditions.is_empty() && conditions.iter().all(|c| c.verdict == Verdict::Supported) {
        Verdict::Supported
    } else {
        Verdict::Undecided
    }
}

/// The share of parts for which a claim holds, as a number with an interval: at least those that are supported, at most
/// those that are not refuted. Beyond one half the claim holds for most.
pub fn count(over: &str, parts: &[Judgement]) -> Judgement {
    let of = |wanted: Verdict| parts.iter().filter(|part| part.verdict == wanted).count();
    let share = |count: usize| crate::measure::quotient(count as f64, parts.len() as f64, 0.0);
    let supported = of(Verdict::Supported);
    let (low, high) = (share(supported), share(supported + of(Verdict::Undecided)));
    let name = format!("share of the {over} for which the claim holds");
    Judgement::new(name, Unit::Share, Interval { value: low, low, high }, Basis::of(parts.len(), 1), Margin::above(0.5))
}

/// How the judgements of a claim become its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    /// The mean over networks, heads or layers decides.
    Mean { over: String },
    /// The claim speaks of most networks, so their count decides.
    Count { over: String },
    /// Every condition must hold; with a single one, it decides.
    Conditions,
}

impl Rule {
    /// What decides, in words.
    pub fn words(&self, deciding: usize) -> String {
        match self {
            Rule::Mean { over } => format!("the mean over the {over}"),
            Rule::Count { over } => format!("the count of {over}: the claim must hold for more than half of them"),
            Rule::Conditions if deciding == 1 => "this number".into(),
            Rule::Conditions => {
                format!("{deciding} conditions, all of which must hold; one that fails decides against")
            }
        }
    }
}

/// "at least 1 and at most 5 of 6 networks", "3 of 6 networks".
pub fn counted_words(over: &str, count: &Judgement) -> String {
    let n = count.basis.n;
    let of = |share: f64| number_of(share, n);
    let (low, high) = (of(count.interval.low), of(count.interval.high));
    if low == high {
        format!("{low} of {n} {over}")
    } else {
        format!("at least {low} and at most {high} of {n} {over}")
    }
}

fn number_of(share: f64, n: usize) -> usize {
    (share * n as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{NotSupported, Supported, Undecided};

    fn part(verdict: Verdict) -> Judgement {
        let (low, high) = match verdict {
            Supported => (0.6, 0.9),
            NotSupported => (0.1, 0.4),
            Undecided => (0.4, 0.6),
        };
        Judgement::new("A", Unit::Plain, Interval { value: low, low, high }, Basis::of(1, 1), Margin::above(0.5))
    }

    #[test]
    fn conditions_must_all_hold() {
        let all = |verdicts: &[Verdict]| super::all(&verdicts.iter().map(|v| part(*v)).collect::<Vec<_>>());
        assert_eq!(all(&[Supported, Supported]), Supported);
        assert_eq!(all(&[Supported, Undecided]), Undecided);
        assert_eq!(all(&[Supported, Undecided, NotSupported]), NotSupported);
        assert_eq!(all(&[]), Undecided);
    }

    #[test]
    fn a_count_decides_when_more_than_half_must_or_cannot_hold() {
        let count =
            |verdicts: &[Verdict]| super::count("networks", &verdicts.iter().map(|v| part(*v)).collect::<Vec<_>>());
        assert_eq!(count(&[Supported, Supported, NotSupported]).verdict, Supported);
        assert_eq!(count(&[Supported, Supported, Undecided]).verdict, Supported);
        assert_eq!(count(&[Supported, NotSupported]).verdict, NotSupported, "one of two is not more than half");
        assert_eq!(count(&[Supported, Undecided]).verdict, Undecided);
        assert_eq!(count(&[Supported, Undecided, NotSupported]).verdict, Undecided);
        assert_eq!(count(&[Undecided, NotSupported, NotSupported]).verdict, NotSupported);
        let some = count(&[Supported, Undecided, NotSupported]);
        assert_eq!(counted_words("networks", &some), "at least 1 and at most 2 of 3 networks");
        assert_eq!(counted_words("heads", &count(&[Supported, NotSupported])), "1 of 2 heads");
    }
}
