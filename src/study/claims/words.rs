//! Lists as they stand in sentences.

use crate::study::claims::{Judgement, Verdict};

/// For which parts a claim holds, for which it does not and for which that is open, all of them named: "supported for 2
/// of 3 heads (Variation 1 (Length and Width)), undecided for 1 (Variation 2 (Color))".
pub(crate) fn standing(over: &str, parts: &[Judgement]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for (verdict, word) in [
        (Verdict::Supported, "supported for"),
        (Verdict::NotSupported, "not supported for"),
        (Verdict::Undecided, "undecided for"),
    ] {
        let of: Vec<&Judgement> = parts.iter().filter(|part| part.verdict == verdict).collect();
        if !of.is_empty() {
            let all = if texts.is_empty() {
                format!(" of {} {}", parts.len(), singular(over, parts.len()))
            } else {
                String::new()
            };
            texts.push(format!("{word} {}{all} ({})", of.len(), grouped(&of)));
        }
    }
    texts.join(", ")
}

/// "networks" for several, "network" for one.
fn singular(over: &str, n: usize) -> &str {
    if n == 1 { over.strip_suffix('s').unwrap_or(over) } else { over }
}

/// Networks with their parts: "Deep model, Variation 1 (Length and Width)".
pub(crate) fn grouped(parts: &[&Judgement]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for part in parts {
        match groups.last_mut().filter(|(name, of)| *name == part.name && !of.is_empty() && !part.part.is_empty()) {
            Some((_, of)) => of.push(&part.part),
            None => groups.push((&part.name, if part.part.is_empty() { Vec::new() } else { vec![&part.part] })),
        }
    }
    let text = |(name, of): &(&str, Vec<&str>)| {
        if of.is_empty() { (*name).to_string() } else { format!("{name} ({})", list(of)) }
    };
    groups.iter().map(text).collect::<Vec<_>>().join(", ")
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
    use crate::measure::bootstrap::Interval;
    use crate::study::claims::{Basis, Margin, Unit};

    #[test]
    fn every_part_is_named_once_under_its_verdict() {
        let judged = |name: &str, part: &str, value: f64| {
            Judgement::new(name, Unit::Plain, Interval::exact(value), Basis::of(1, 1), Margin::above(0.5)).part(part)
        };
        let mut parts = vec![judged("A", "", 1.0), judged("B", "Length", 1.0), judged("B", "Width", 1.0)];
        assert_eq!(standing("heads", &parts), "supported for 3 of 3 heads (A, B (Length and Width))");
        parts.push(judged("B", "Color", 0.1));
        parts.push(Judgement { verdict: Verdict::Undecided, ..judged("C", "Color", 0.1) });
        assert_eq!(
            standing("heads", &parts),
            "supported for 3 of 5 heads (A, B (Length and Width)), not supported for 1 (B (Color)), undecided for 1 (C (Color))"
        );
        assert_eq!(standing("networks", &parts[..1]), "supported for 1 of 1 network (A)");
    }

    #[test]
    fn lists() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!((list(&["a"]), list(&[""; 0])), ("a".into(), String::new()));
        assert_eq!((count(1, "map"), count(0, "map")), ("1 map".into(), "0 maps".into()));
    }
}
