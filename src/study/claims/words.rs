//! Numbers and lists as they stand in sentences.

use crate::measure::bootstrap::Interval;
use crate::study::claims::{Head, Network};

/// A number to three significant digits or two decimals, with a true minus sign.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 0.0995 || v == 0.0 => 2,
        _ => 3,
    };
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    let text = format!("{:.1}", share.abs() * 100.0);
    let sign = if share < 0.0 && text != "0.0" { "−" } else { "" };
    format!("{sign}{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// "0.52 (95 % interval 0.31 to 0.73)".
pub(crate) fn with_interval(interval: &Interval) -> String {
    format!("{} (95 % interval {} to {})", number(interval.value), number(interval.low), number(interval.high))
}

/// The same in per cent.
pub(crate) fn percent_with_interval(interval: &Interval) -> String {
    format!("{} (95 % interval {} to {})", percent(interval.value), percent(interval.low), percent(interval.high))
}

/// "12.3 (95 % interval 8.1 to 16.9) percentage points".
pub(crate) fn points_with_interval(interval: &Interval) -> String {
    let Interval { value, low, high } = *interval;
    let scaled = Interval { value: 100.0 * value, low: 100.0 * low, high: 100.0 * high };
    format!("{} percentage points", with_interval(&scaled))
}

/// Networks with some of their heads: "Deep model, Variation 1 (Length and Width)". A network with a single head goes
/// without it.
pub(crate) fn grouped<'a>(heads: impl Iterator<Item = (&'a Network, &'a Head)>) -> String {
    let mut groups: Vec<(&Network, Vec<&str>)> = Vec::new();
    for (network, head) in heads {
        match groups.last_mut().filter(|(last, _)| std::ptr::eq(*last, network)) {
            Some((_, names)) => names.push(&head.name),
            None => groups.push((network, vec![&head.name])),
        }
    }
    let text = |(network, names): &(&Network, Vec<&str>)| match network.heads.len() {
        1 => network.name.clone(),
        _ => format!("{} ({})", network.name, list(names)),
    };
    groups.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// One head: "Variation 1, Length", or the network alone if it has a single head.
pub(crate) fn label(network: &Network, head: &Head) -> String {
    if network.heads.len() == 1 { network.name.clone() } else { format!("{}, {}", network.name, head.name) }
}

/// "a", "a and b", "a, b and c".
pub(crate) fn list(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// "1 network", "3 networks".
pub(crate) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_text() {
        let cases = [
            (6.234, "6.23"),
            (-0.5, "−0.50"),
            (-0.0001, "0.000"),
            (0.0, "0.00"),
            (0.0421, "0.042"),
            (12.34, "12.3"),
            (1234.5, "1234"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!((percent(0.4125), percent(1.0), percent(-0.02)), ("41.2 %".into(), "100 %".into(), "−2 %".into()));
    }

    #[test]
    fn heads_are_grouped_by_network() {
        let network = |name: &str, heads: &[&str]| Network {
            name: name.into(),
            heads: heads.iter().map(|head| Head { name: (*head).into(), ..Head::default() }).collect(),
            ..Network::default()
        };
        let (a, b) = (network("A", &["Class"]), network("B", &["Length", "Width"]));
        let heads = [(&a, &a.heads[0]), (&b, &b.heads[0]), (&b, &b.heads[1])];
        assert_eq!(grouped(heads.into_iter()), "A, B (Length and Width)");
        assert_eq!((label(&a, &a.heads[0]), label(&b, &b.heads[1])), ("A".into(), "B, Width".into()));
    }

    #[test]
    fn lists() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!((list(&["a"]), list(&[""; 0])), ("a".into(), String::new()));
        assert_eq!((count(1, "map"), count(0, "map")), ("1 map".into(), "0 maps".into()));
    }
}
