//! Numbers and lists as they stand in sentences.

use super::super::bootstrap::Interval;

/// A number to three significant digits or two decimals, with a true minus sign.
pub(super) fn number(value: f64) -> String {
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
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.1}", share.abs() * 100.0);
    let sign = if share < 0.0 && text != "0.0" { "−" } else { "" };
    format!("{sign}{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// "0.52 (95 % interval 0.31 to 0.73)".
pub(super) fn with_interval(interval: &Interval) -> String {
    format!("{} (95 % interval {} to {})", number(interval.value), number(interval.low), number(interval.high))
}

/// The same in per cent.
pub(super) fn percent_with_interval(interval: &Interval) -> String {
    format!("{} (95 % interval {} to {})", percent(interval.value), percent(interval.low), percent(interval.high))
}

/// "a", "a and b", "a, b and c".
pub(super) fn list(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// "1 network", "3 networks".
pub(super) fn count(n: usize, thing: &str) -> String {
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
    fn lists() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!((list(&["a"]), list(&[""; 0])), ("a".into(), String::new()));
        assert_eq!((count(1, "map"), count(0, "map")), ("1 map".into(), "0 maps".into()));
    }
}
