//! Numbers as they stand in sentences.

use crate::measure::bootstrap::Interval;
use serde::Serialize;

/// What a number is counted in, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain number.
    Plain,
    /// A share from 0 to 1, written in per cent.
    Share,
    /// A difference of shares, written in percentage points.
    Points,
    /// Multiples of what a uniform map would have.
    Chance,
    /// Multiples of what white noise of the same shape would have.
    Noise,
    Pixels,
}

impl Unit {
    /// The number alone.
    pub fn number(self, value: f64) -> String {
        match self {
            Unit::Share => percent(value),
            Unit::Points => number(100.0 * value),
            _ => number(value),
        }
    }

    /// The unit's name, with a space before it; empty where the number says it itself.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Plain | Unit::Share => "",
            Unit::Points => " percentage points",
            Unit::Chance => " times chance",
            Unit::Noise => " times the noise",
            Unit::Pixels => " px",
        }
    }

    /// The number and its unit.
    pub fn with_name(self, value: f64) -> String {
        format!("{}{}", self.number(value), self.name())
    }

    /// "0.52 (95 % interval 0.31 to 0.73) times chance".
    pub fn with_interval(self, interval: &Interval) -> String {
        let text = |value: f64| self.number(value);
        let Interval { value, low, high } = *interval;
        format!("{} (95 % interval {} to {}){}", text(value), text(low), text(high), self.name())
    }
}

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
    fn units_write_their_numbers() {
        let interval = Interval { value: 0.013, low: -0.02, high: 0.05 };
        assert_eq!(Unit::Share.with_interval(&interval), "1.3 % (95 % interval −2 % to 5 %)");
        assert_eq!(Unit::Points.with_interval(&interval), "1.30 (95 % interval −2.00 to 5.00) percentage points");
        assert_eq!(Unit::Chance.with_name(0.5), "0.50 times chance");
    }
}
