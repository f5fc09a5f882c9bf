//! The small charts of the inferences.

use crate::error::Result;
use crate::figure::{Picture, chart};
use crate::report::Assets;
use crate::report::page::Figure;
use crate::study::claims::{Bar, Chart, IntervalRow, Series};

/// Labels longer than this are cut by the chart.
const LABEL: usize = 16;

/// A chart as a figure, if there is any number to draw.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn figure(inference: &str, chart: &Chart, assets: &mut Assets) -> Result<Option<Figure>> {
    let (picture, caption, alt) = match chart {
        Chart::Intervals { rows, .. } if rows.is_empty() => return Ok(None),
        Chart::Curves { series, .. } if series.iter().all(|s| s.values.is_empty()) => return Ok(None),
        Chart::Bars { bars, .. } if bars.is_empty() => return Ok(None),
        Chart::Intervals { axis, rows, threshold } => intervals(axis, rows, *threshold)?,
        Chart::Curves { axis, steps, series } => curves(axis, steps, series)?,
        Chart::Bars { axis, bars } => self::bars(axis, bars)?,
    };
    let id = format!("{inference}-chart");
    let image = assets.add(&id, picture);
    Ok(Some(Figure { enlargeable: false, ..Figure::single(id, caption, image, alt) }))
}

/// A picture, its caption, and its numbers in words.
type Drawn = Result<(Picture, String, String)>;

fn intervals(axis: &str, rows: &[IntervalRow], threshold: f64) -> Drawn {
    let row = |row: &IntervalRow| chart::Interval {
        label: short(&row.label),
        value: row.interval.value,
        low: row.interval.low,
        high: row.interval.high,
        control: false,
    };
    let drawn: Vec<chart::Interval> = rows.iter().map(row).collect();
    let picture = chart::intervals(&capital(axis), axis, &drawn, Some((threshold, "margin")))?;
    let words = rows.iter().map(|row| format!("{} {:.2}", row.label, row.interval.value));
    Ok((picture, format!("{}, with 95 % intervals.", capital(axis)), words.collect::<Vec<_>>().join(", ")))
}

fn curves(axis: &str, steps: &[String], series: &[Series]) -> Drawn {
    // A network with fewer layers keeps its last value, so that the median is always over all of them.
    let curve = |series: &Series| {
        let last = series.values.last().copied().unwrap_or(f64::NAN);
        (0..steps.len()).map(|i| series.values.get(i).copied().unwrap_or(last) as f32).collect()
    };
    let drawn: Vec<Vec<f32>> = series.iter().map(curve).collect();
    let x = match steps {
        [first, .., last] => format!("from {first} (0) to {last} ({})", steps.len() - 1),
        _ => "step".into(),
    };
    let y = axis.split(" (").next().unwrap_or(axis);
    let title = capital(axis);
    let picture = chart::curves(&chart::Curves { title: &title, x: &x, y, curves: &drawn })?;
    let labels: Vec<&str> = series.iter().map(|s| s.label.as_str()).collect();
    let each = if labels.len() > 6 { format!("{} heads", labels.len()) } else { labels.join(", ") };
    let median = if series.len() > 2 { "; the strong line is their median" } else { "" };
    let caption =
        format!("{title}: a line for each of {each}, those with fewer layers keeping their last value{median}.");
    let numbers = |s: &Series| s.values.iter().map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(" ");
    let words = series.iter().map(|s| format!("{} {}", s.label, numbers(s))).collect::<Vec<_>>().join(", ");
    Ok((picture, caption, words))
}

fn bars(axis: &str, bars: &[Bar]) -> Drawn {
    let bar = |bar: &Bar| chart::Bar {
        label: bar.label.clone(),
        value: bar.value,
        text: format!("{:.1} %", bar.value * 100.0),
        ..chart::Bar::default()
    };
    let drawn: Vec<chart::Bar> = bars.iter().map(bar).collect();
    let words = drawn.iter().map(|bar| format!("{} {}", bar.label, bar.text)).collect::<Vec<_>>().join(", ");
    Ok((chart::bars(&capital(axis), &drawn)?, format!("{}.", capital(axis)), words))
}

/// A label that fits, if shorter words make it fit.
fn short(label: &str) -> String {
    if label.chars().count() <= LABEL {
        return label.to_string();
    }
    label.replace("Variation ", "Var. ").replace("max_pooling2d", "pool")
}

pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
