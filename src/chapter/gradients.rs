//! The check of a network's gradients in words: for captions, for the page's facts, and as a table for the terminal.

use crate::explain::gradcheck::{HeadCheck, NetworkCheck};
use crate::finite_gradient::Verdict;
use crate::model::{Precision, printable};
use crate::report::page::Line;

/// How gradients were taken and how exact they are, for captions.
pub fn sentence(check: &NetworkCheck) -> String {
    if check.images == 0 {
        let why = check.left_out.as_deref().unwrap_or("there was no image to check it at");
        return format!("hand-written backprop from the ONNX file; {why}");
    }
    format!(
        "hand-written backprop from the ONNX file; largest difference from central differences through tract {:.1e} of the largest gradient",
        check.largest_error()
    )
}

/// How Grad-CAM's weights were found where operators have no gradient rule, for captions.
pub fn by_differences(without_rule: &[String]) -> String {
    format!(
        "Grad-CAM's weights by central differences through tract, as there is no gradient rule for {}",
        without_rule.join(", ")
    )
}

/// The figures for the page, a line a head.
pub fn lines(check: &NetworkCheck) -> Vec<Line> {
    let precision = precision(check.precision);
    let line = |head: &HeadCheck| {
        let (channels, elements) = (&head.channels, &head.elements);
        Line::new(
            format!("Gradient check of {}", head.head),
            format!(
                "{} channels: largest error {:.1e}, median {:.1e}, {} dropped; {} elements: {:.1e}, {:.1e}, {} dropped; {precision} precision, {}",
                channels.compared,
                channels.max_relative_error,
                channels.median_relative_error,
                channels.dropped,
                elements.compared,
                elements.max_relative_error,
                elements.median_relative_error,
                elements.dropped,
                verdict(head)
            ),
        )
    };
    let left_out = check.left_out.iter().map(|text| Line::new("Gradient check", text.clone()));
    check.heads.iter().map(line).chain(left_out).collect()
}

/// What the two comparisons of a head come to, in words.
fn verdict(head: &HeadCheck) -> String {
    let verdict = Verdict::of_all([head.channels.verdict, head.elements.verdict].into_iter());
    match (verdict, verdict.reason()) {
        (Verdict::Differ, _) => "✗ fails".into(),
        (_, Some(reason)) => format!("{}: {reason}", verdict.word()),
        (_, None) => "✓ holds".into(),
    }
}

/// A table for the terminal.
pub fn table(check: &NetworkCheck) -> String {
    let mut text = format!(
        "{}: {} images, {} precision, a gradient holds up to {:.0e}\n{:<12} {:<24} {:<9} {:>8} {:>7} {:>10} {:>10}  verdict\n",
        check.network,
        check.images,
        precision(check.precision),
        check.tolerance,
        "head",
        "tensor",
        "sample",
        "compared",
        "dropped",
        "largest",
        "median"
    );
    if let Some(left_out) = &check.left_out {
        text += &format!("{left_out}\n");
    }
    for head in &check.heads {
        let (name, tensor) = (printable(&head.head), printable(&head.tensor));
        for (sample, check) in [("channels", &head.channels), ("elements", &head.elements)] {
            let verdict = check.verdict.word();
            text += &format!(
                "{name:<12} {tensor:<24} {sample:<9} {:>8} {:>7} {:>10.1e} {:>10.1e}  {verdict}\n",
                check.compared, check.dropped, check.max_relative_error, check.median_relative_error
            );
        }
    }
    text
}

fn precision(precision: Precision) -> &'static str {
    if precision == Precision::F64 { "double" } else { "single" }
}
