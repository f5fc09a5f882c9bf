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

/// The outcome for the page: one line for all heads, and one for each part that was left out.
pub fn lines(check: &NetworkCheck) -> Vec<Line> {
    let left_out = check.left_out.iter().map(|text| Line::new("Gradient check", text.clone()));
    (!check.heads.is_empty()).then(|| line(check)).into_iter().chain(left_out).collect()
}

fn line(check: &NetworkCheck) -> Line {
    let checks = || check.heads.iter().flat_map(|head| [&head.channels, &head.elements]);
    let compared: usize = checks().map(|check| check.compared).sum();
    let dropped: usize = checks().map(|check| check.dropped).sum();
    let verdicts: Vec<String> = check.heads.iter().map(verdict).collect();
    let same = verdicts.windows(2).all(|pair| pair[0] == pair[1]);
    let named = || check.heads.iter().zip(&verdicts).map(|(head, verdict)| format!("{} {verdict}", head.head));
    let verdict =
        if same { verdicts.first().cloned().unwrap_or_default() } else { named().collect::<Vec<_>>().join(", ") };
    let heads = if check.heads.len() > 1 { format!(" of {} heads", check.heads.len()) } else { String::new() };
    Line::new(
        "Gradient check",
        format!(
            "{verdict}: {compared} derivatives{heads} by backpropagation and by central differences in {} precision differ by at most {:.1e} of the largest one; {dropped} more lie on a kink, where there is none",
            precision(check.precision),
            check.largest_error()
        ),
    )
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
