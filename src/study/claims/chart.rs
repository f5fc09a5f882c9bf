//! The data of the small charts beside claims.

use crate::measure::bootstrap::Interval;
use crate::study::claims::Judgement;
use serde::Serialize;

/// Data of a small chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Chart {
    /// A number with its interval per row, and a line where the margin lies.
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

impl IntervalRow {
    /// The row of a judgement.
    pub(crate) fn of(judgement: &Judgement) -> IntervalRow {
        IntervalRow { label: judgement.label(), interval: judgement.interval, points: Vec::new() }
    }
}

/// The rows of parts with their mean, where there are several, and the margin's line.
pub(crate) fn chart_of(axis: &str, parts: &[Judgement], mean: &Judgement) -> Chart {
    let mut rows: Vec<IntervalRow> = parts.iter().map(IntervalRow::of).collect();
    if parts.len() > 1 {
        rows.push(IntervalRow { label: "mean".into(), ..IntervalRow::of(mean) });
    }
    Chart::Intervals { axis: axis.into(), rows, threshold: mean.margin.value }
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
