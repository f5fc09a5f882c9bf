//! From measured evidence to the page: sentences, small charts, folded details, the table and the answer about trust.

use crate::chapter::charts;
use crate::error::Result;
use crate::report::Assets;
use crate::report::page::{self, Column, Inference, Inferences, Line, Page, Remarks, Table};
use crate::study::Study;
use crate::study::claims::{
    Evidence, Figures, Measurements, Network, SummaryRow, Verdict, evaluate, summary, threshold, trust,
};
use crate::study::sizes::Sizes;

/// The original's claims have the numbers 1 to 11; ours follow.
const ORIGINAL: u8 = 11;

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
    let mut paragraphs = vec![method(&measurements, sizes)];
    paragraphs.extend(few(&measurements));
    paragraphs.extend(study.left_out.iter().map(|left| format!("{} is not measured: {}.", left.title, left.cause)));
    let (items, further): (Vec<_>, Vec<_>) = evidence.iter().partition(|e| e.number <= ORIGINAL);
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

/// Where the inferences come from, in a paragraph.
fn method(measurements: &Measurements, sizes: &Sizes) -> String {
    format!(
        "Every sentence in this part is generated from the measurements of this run, and every claim can fail. Each network is shown up to {} images, fresh ones where it reads lines or digits (seed {}), and so are up to {} copies of it with new random weights, each drawn as before the first step of training. Such copies are the control that counts: on a black background a network that has learned nothing points at the object too. Accuracy is from {} fresh images, the cascade from {}, deletion and insertion from {} a head in {} steps, probes from {} and as many again for the test.",
        sizes.maps,
        measurements.seed,
        sizes.copies,
        sizes.accuracy,
        sizes.cascade,
        sizes.perturbed,
        sizes.steps,
        sizes.probe
    )
}

/// What is left out because there are too few images.
fn few(measurements: &Measurements) -> Option<String> {
    let images = |network: &&Network| network.heads.first().is_some_and(|head| head.grad_cam.maps < threshold::IMAGES);
    let networks: Vec<&str> = measurements.networks.iter().filter(images).map(|n| n.name.as_str()).collect();
    (!networks.is_empty()).then(|| {
        format!(
            "{}: measured on the section's own inputs, which are fewer than {}. On so few nothing can be told from chance, so what needs many images (the comparison with copies, the cascade, deletion and insertion, probes) is left out.",
            networks.join(", "),
            threshold::IMAGES
        )
    })
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
    let interval = evidence.statistic.interval;
    let unit = if evidence.statistic.unit.is_empty() { String::new() } else { format!(" {}", evidence.statistic.unit) };
    let mut details = vec![
        Line::new(
            "Statistic",
            format!(
                "{}: {}{unit}, 95 % interval {} to {}",
                evidence.statistic.name,
                exact(interval.value),
                exact(interval.low),
                exact(interval.high)
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
    let chart = evidence.chart.as_ref().map(|chart| charts::figure(&id, chart, assets)).transpose()?.flatten();
    Ok(Inference {
        number: usize::from(evidence.number),
        statement: evidence.statement.clone(),
        verdict,
        measure: format!("{:.2}{unit} ({:.2} to {:.2})", interval.value, interval.low, interval.high).replace('-', "−"),
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

/// A number to four decimals, with a true minus sign.
fn exact(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
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
