//! From measured evidence to the page: sentences, small charts, folded details, the table and the answer about trust.

use crate::error::Result;
use crate::figure::{Picture, chart};
use crate::measure::inference::{Chart, Evidence, Measurements, SummaryRow, Verdict, evaluate, summary, trust};
use crate::report::Assets;
use crate::report::page::{self, Column, Figure, Inference, Inferences, Line, Remarks, Table};

/// The original's claims have the numbers 1 to 11; ours follow.
const ORIGINAL: u8 = 11;

/// Section 3.1 from the measurements; `None` where no claim applies.
///
/// # Errors
/// Charts that cannot be drawn.
pub fn inferences(
    heading: String,
    paragraphs: Vec<String>,
    measurements: &Measurements,
    assets: &mut Assets,
) -> Result<Option<Inferences>> {
    let evidence = evaluate(measurements);
    if evidence.is_empty() {
        return Ok(None);
    }
    let (items, further): (Vec<_>, Vec<_>) = evidence.iter().partition(|e| e.number <= ORIGINAL);
    let mut page = |list: Vec<&Evidence>| list.into_iter().map(|e| inference(e, assets)).collect::<Result<Vec<_>>>();
    let trusted = Remarks {
        heading: "May I trust this map?".into(),
        paragraphs: vec![trust(measurements, &evidence)],
        ..Remarks::default()
    };
    let maps = measurements.networks.iter().any(|network| !network.heads.is_empty());
    Ok(Some(Inferences {
        heading,
        paragraphs,
        items: page(items)?,
        further_heading: "Further findings".into(),
        further: page(further)?,
        summary: maps.then(|| table(&summary(measurements))),
        trust: maps.then_some(trusted),
        ..Inferences::default()
    }))
}

fn inference(evidence: &Evidence, assets: &mut Assets) -> Result<Inference> {
    let id = format!("inference-{}", evidence.number);
    let verdict = match evidence.verdict {
        Verdict::Supported => page::Verdict::Supported,
        Verdict::NotSupported => page::Verdict::NotSupported,
        Verdict::Undecided => page::Verdict::Undecided,
    };
    let interval = evidence.statistic.interval;
    let unit = if evidence.statistic.unit.is_empty() { String::new() } else { format!(" {}", evidence.statistic.unit) };
    let mut details = vec![
        Line::new(
            "Statistic",
            format!(
                "{}: {:.4}{unit}, 95 % interval {:.4} to {:.4}",
                evidence.statistic.name, interval.value, interval.low, interval.high
            ),
        ),
        Line::new("Sample", format!("{} ({})", evidence.n, evidence.cases)),
        Line::new("Control", evidence.control.clone()),
        Line::new(
            "Threshold",
            format!("{}; fixed beforehand, because {}", evidence.threshold.rule, evidence.threshold.why),
        ),
    ];
    details.extend(evidence.details.iter().map(|detail| Line::new(detail.name.clone(), detail.text.clone())));
    let chart = evidence.chart.as_ref().map(|data| figure(&id, data, evidence, assets)).transpose()?.flatten();
    Ok(Inference {
        number: usize::from(evidence.number),
        statement: evidence.statement.clone(),
        verdict,
        result: evidence.result.clone(),
        paragraphs: evidence.beside.iter().map(|beside| beside.text.clone()).collect(),
        chart,
        details,
        figures: evidence.figures.clone(),
        data: serde_json::to_value(evidence).unwrap_or_default(),
        id,
        ..Inference::default()
    })
}

/// A chart, if there is any number to draw.
fn figure(id: &str, data: &Chart, evidence: &Evidence, assets: &mut Assets) -> Result<Option<Figure>> {
    let title = format!("{}: {}", evidence.statement, evidence.verdict.word());
    let drawn: Option<(Picture, String, String)> = match data {
        Chart::Intervals { axis, rows, threshold } => {
            let row = |row: &crate::measure::inference::IntervalRow| chart::Interval {
                label: row.label.clone(),
                value: row.interval.value,
                low: row.interval.low,
                high: row.interval.high,
                control: false,
            };
            let drawn: Vec<chart::Interval> = rows.iter().map(row).collect();
            let words =
                rows.iter().map(|r| format!("{} {:.2}", r.label, r.interval.value)).collect::<Vec<_>>().join(", ");
            let reference = Some((*threshold, "threshold"));
            let caption = format!("{}, with 95 % intervals.", capital(axis));
            (!drawn.is_empty())
                .then(|| Ok((chart::intervals(&title, axis, &drawn, reference)?, caption, words)))
                .transpose()?
        }
        Chart::Curves { axis, steps, series } => {
            let curves: Vec<Vec<f32>> = series.iter().map(|s| s.values.iter().map(|v| *v as f32).collect()).collect();
            let words = series
                .iter()
                .map(|s| {
                    format!("{} {}", s.label, s.values.iter().map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(" "))
                })
                .collect::<Vec<_>>()
                .join(", ");
            let x = match steps.as_slice() {
                [first, .., last] => format!("from {first} (0) to {last} ({})", steps.len() - 1),
                _ => "step".into(),
            };
            let median = if series.len() > 2 { "; the strong line is their median" } else { "" };
            let caption = format!(
                "{}: a line for each of {}{median}.",
                capital(axis),
                listed(series.iter().map(|s| s.label.as_str()))
            );
            let spec = chart::Curves { title: &title, x: &x, y: axis, curves: &curves };
            curves.iter().any(|c| !c.is_empty()).then(|| Ok((chart::curves(&spec)?, caption, words))).transpose()?
        }
        Chart::Bars { axis, bars } => {
            let bar = |bar: &crate::measure::inference::Bar| chart::Bar {
                label: bar.label.clone(),
                value: bar.value,
                text: format!("{:.1} %", bar.value * 100.0),
                ..chart::Bar::default()
            };
            let drawn: Vec<chart::Bar> = bars.iter().map(bar).collect();
            let words = drawn.iter().map(|b| format!("{} {}", b.label, b.text)).collect::<Vec<_>>().join(", ");
            (!drawn.is_empty())
                .then(|| Ok((chart::bars(&title, &drawn)?, format!("{}.", capital(axis)), words)))
                .transpose()?
        }
    };
    Ok(drawn.map(|(picture, caption, words)| {
        let id = format!("{id}-chart");
        let image = assets.add(&id, picture);
        Figure { enlargeable: false, ..Figure::single(id, caption, image, words) }
    }))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first few of many labels.
fn listed<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    let labels: Vec<&str> = labels.collect();
    if labels.len() > 6 { format!("{} heads", labels.len()) } else { labels.join(", ") }
}

/// The summary table.
fn table(rows: &[SummaryRow]) -> Table {
    let number = |value: Option<f64>| value.map_or("–".to_string(), |value| format!("{value:.2}"));
    let row = |row: &SummaryRow| {
        let accuracy = row.accuracy.map_or("–".to_string(), |a| {
            format!("{:.1} % ({:.1} to {:.1})", a.value * 100.0, a.low * 100.0, a.high * 100.0)
        });
        let beside = |trained, copies: Option<f64>| match copies {
            Some(_) => format!("{} / {}", number(trained), number(copies)),
            None => number(trained),
        };
        let zero = row.gradients.map_or("–".to_string(), |g| format!("{} / {}", g.softmax_zero, g.logit_zero));
        vec![
            row.network.clone(),
            row.head.clone(),
            accuracy,
            beside(row.grad_cam, row.grad_cam_copies),
            beside(row.hires_cam, row.hires_cam_copies),
            format!("{} of {}", row.empty, row.maps),
            zero,
            format!("{} of {}", row.filters_alive, row.filters),
        ]
    };
    Table {
        caption: "The networks side by side. Energy on the object is in multiples of chance, trained / re-initialised."
            .into(),
        columns: vec![
            Column::text("Network"),
            Column::text("Head"),
            Column::number("Accuracy (95 % interval)"),
            Column::number("Grad-CAM on the object"),
            Column::number("HiResCAM on the object"),
            Column::number("Empty Grad-CAM maps"),
            Column::number("Zero gradients: softmax / logit"),
            Column::number("Filters alive"),
        ],
        rows: rows.iter().map(row).collect(),
        ..Table::default()
    }
}
