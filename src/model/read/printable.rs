//! Names from files in messages.

use std::collections::BTreeSet;

/// Names come from the file and may hold line breaks or control characters; messages stay on their line.
pub(crate) fn printable(text: &str) -> String {
    let shortened: String = text.chars().take(400).collect();
    shortened.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Values in ONNX are named; a list of names in a message is cut after a few.
pub(crate) fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let rest = names.len().saturating_sub(shown.len());
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}
