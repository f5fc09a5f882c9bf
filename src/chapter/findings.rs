//! From measured evidence to the page: sentences, small charts, folded details, the table and the answer about trust.

use crate::chapter::charts::{self, capital};
use crate::chapter::introduction::introduction;
use crate::error::Result;
use crate::report::Assets;
use crate::report::page::{self, Column, Inference, Inferences, Line, Page, Remarks, Table};
use crate::study::Study;
use crate::study::claims::{
    Detail, Direction, Evidence, Judgement, SummaryRow, Verdict, evaluate, exactly, summary, trust,
};
use crate::study::measurements::Figures;
use crate::study::sizes::Sizes;

/// Section 3.1 of a chapter whose sections are made; `None` where no claim applies.
///
/// # Errors
/// Charts that cannot be drawn.
pub fn inferences(study: &Study, sizes: &Sizes, page: &Page, assets: &mut Assets) -> Result<Option<Inferences>> {
    let mut measurements = study.measurements.clone();
    for (network, section) in measurements.networks.iter_mut().zip(&study.sections) {
        network.figures = page.sections.get(*section).map(figures).unwrap_or_default();
    }
    let evidence = evaluate(&measurements);
    if evidence.is_empty() {
        return Ok(None);
    }
    let mut paragraphs = introduction(&measurements, sizes);
    paragraphs.extend(study.left_out.iter().map(|left| format!("{} is not measured: {}.", left.title, left.cause)));
    // The bundled chapter tells the original's claims from ours; others have a single list.
    let original = measurements.is_original();
    let (items, further): (Vec<_>, Vec<_>) = evidence.iter().partition(|e| !original || e.topic.is_original());
    let mut made = |list: Vec<&Evidence>| list.into_iter().map(|e| inference(e, assets)).collect::<Result<Vec<_>>>();
    let trusted = Remarks {
        heading: "May I trust this map?".into(),
        paragraphs: vec![trust(&measurements, &evidence)],
        ..Remarks::default()
    };
    let maps = measurements.networks.iter().any(|network| !network.heads.is_empty());
    Ok(Some(Inferences {
        heading: page.number.map_or("Inferences".into(), |number| format!("{number}.1 Inferences")),
        paragraphs,
        items: made(items)?,
        further_heading: "Further findings".into(),
        further: made(further)?,
        summary: maps.then(|| table(&summary(&measurements))),
        trust: maps.then_some(trusted),
        ..Inferences::default()
    }))
}

/// The figures of a section that show what is measured: those that are there.
fn figures(section: &page::Section) -> Figures {
    let filters = section.filters.iter().filter_map(|filters| filters.figures.first()).map(|f| f.id.clone()).collect();
    let first = section.inputs.first();
    let activations = first.map(|input| input.activations.iter().map(|f| f.id.clone()).collect()).unwrap_or_default();
    let heatmaps = section.inputs.iter().filter_map(|input| input.heatmaps.first()).map(|f| f.id.clone()).collect();
    Figures { filters, activations, heatmaps }
}

/// What a page made from smaller samples has to say.
pub fn note(sizes: &Sizes) -> Option<String> {
    (*sizes != Sizes::FULL).then(|| {
        format!(
            "Made with --quick: the inferences rest on smaller samples ({} images a network for the maps, {} for the accuracy, {} re-initialised copies) and the filters on fewer steps of ascent, so intervals are wider and verdicts may differ from those of the whole run.",
            sizes.maps, sizes.accuracy, sizes.copies
        )
    })
}

fn inference(evidence: &Evidence, assets: &mut Assets) -> Result<Inference> {
    let id = format!("inference-{}", evidence.number);
    let verdict = match evidence.verdict {
        Verdict::Supported => page::Verdict::Supported,
        Verdict::NotSupported => page::Verdict::NotSupported,
        Verdict::Undecided => page::Verdict::Undecided,
    };
    let mut details = vec![Line::new("Number", evidence.statistic.clone())];
    details.push(Line::new("What decides", evidence.rule.words(evidence.deciding.len())));
    details.extend(evidence.deciding.iter().map(decided));
    details.push(Line::new("Cases", evidence.cases.clone()));
    details.push(Line::new("Compared with", evidence.control.clone()));
    details.push(Line::new("Why this margin", format!("{}; fixed beforehand", evidence.why)));
    details.extend(evidence.excluded.iter().chain(&evidence.details).map(detail));
    let chart = evidence.chart.as_ref().map(|chart| charts::figure(&id, chart, assets)).transpose()?.flatten();
    Ok(Inference {
        number: usize::from(evidence.number),
        statement: evidence.statement.clone(),
        verdict,
        measure: measure(evidence),
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

/// The number that decides, with its interval: of several conditions the one that the verdict hangs on.
fn measure(evidence: &Evidence) -> String {
    let of_verdict = evidence.deciding.iter().find(|judgement| judgement.verdict == evidence.verdict);
    of_verdict.or(evidence.deciding.first()).map_or(String::new(), Judgement::number)
}

/// A judgement with all that its verdict follows from.
fn decided(judgement: &Judgement) -> Line {
    let side = match judgement.margin.direction {
        Direction::Above => "above",
        Direction::Below => "below",
    };
    let n = if judgement.basis.n == 0 { String::new() } else { format!(", n = {}", judgement.basis.n) };
    let text = format!(
        "{}{n}; {} if {side} {}: {}",
        exactly(&judgement.interval),
        Verdict::Supported.word(),
        judgement.margin.value,
        judgement.verdict.word()
    );
    Line::new(capital(&judgement.label()), text)
}

fn detail(detail: &Detail) -> Line {
    Line::new(detail.name.clone(), detail.text.clone())
}

/// The summary table.
fn table(rows: &[SummaryRow]) -> Table {
    let number = |value: Option<f64>| value.map_or("–".to_string(), |value| format!("{value:.2}"));
    let row = |row: &SummaryRow| {
        let accuracy = row.accuracy.map_or("–".to_string(), |a| {
            format!("{:.1} ({:.1} to {:.1})", a.value * 100.0, a.low * 100.0, a.high * 100.0)
        });
        let beside = |trained, copies: Option<f64>| match copies {
            Some(_) => format!("{} / {}", number(trained), number(copies)),
            None => number(trained),
        };
        let zero = row.zero_gradients.map_or("–".to_string(), |[softmax, logit]| format!("{softmax} / {logit}"));
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
        caption: "What was measured of each network and head".into(),
        totals: vec![
            "Grad-CAM and HiResCAM: energy on the object in multiples of chance, trained / re-initialised copies."
                .into(),
            "Zero gradients: images whose gradient is exactly zero, of the class probability (after the softmax) / of the logit (before it).".into(),
        ],
        columns: vec![
            Column::text("Network"),
            Column::text("Head"),
            Column::number("Accuracy, %"),
            Column::number("Grad-CAM"),
            Column::number("HiResCAM"),
            Column::number("Empty maps"),
            Column::number("Zero gradients"),
            Column::number("Filters alive"),
        ],
        rows: rows.iter().map(row).collect(),
        ..Table::default()
    }
}
