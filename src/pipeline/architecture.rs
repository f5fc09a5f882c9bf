//! A network's architecture as a table and a strip, and the facts about it.

use crate::model::layer::totals;
use crate::model::{Layer, Network};
use crate::report::page::{Column, Line, Table};

/// A shape as Keras prints it: `(None, 22, 22, 32)`.
pub fn shape(shape: &[Option<usize>]) -> String {
    let axes: Vec<String> = shape.iter().map(|axis| axis.map_or("None".into(), |length| length.to_string())).collect();
    match axes.as_slice() {
        [only] => format!("({only},)"),
        axes => format!("({})", axes.join(", ")),
    }
}

/// A whole number with thousands separated by commas.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The architecture, row by row; `Connected to` only where the network branches.
pub fn table(network: &Network) -> Table {
    let branches = !network.sequential();
    let mut columns = vec![Column::text("Layer (type)"), Column::text("Output Shape"), Column::number("Param #")];
    if branches {
        columns.push(Column::text("Connected to"));
    }
    let row = |layer: &Layer| {
        let mut row = vec![
            format!("{} ({})", layer.name, layer.kind),
            shape(&layer.output_shape),
            layer.parameters.to_string(),
        ];
        if branches {
            row.push(layer.connected_to.join(", "));
        }
        row
    };
    let totals = totals(network.layers());
    Table {
        caption: format!("Architecture of {}", network.title()),
        columns,
        rows: network.layers().iter().map(row).collect(),
        totals: vec![
            format!("Total params: {}", grouped(totals.parameters)),
            format!("Trainable params: {}", grouped(totals.trainable)),
            format!("Non-trainable params: {}", grouped(totals.non_trainable)),
        ],
        fold: None,
    }
}

/// What the file's metadata says about training, and the recorded test accuracy of each head.
pub fn facts(network: &Network) -> Vec<Line> {
    let metadata = network.metadata();
    let mut facts = Vec::new();
    for (key, name) in [("dataset", "Trained on"), ("epochs", "Epochs"), ("frameworks", "Trained with")] {
        if let Some(value) = metadata.get(key) {
            facts.push(Line::new(name, plain(value)));
        }
    }
    for head in network.heads() {
        let recorded = metadata.get(&format!("accuracy.{}", head.name)).and_then(|text| serde_json::from_str(text).ok());
        let Some(recorded): Option<serde_json::Value> = recorded else { continue };
        let Some(accuracy) = recorded.get("accuracy").and_then(serde_json::Value::as_f64) else { continue };
        let mut value = format!("{:.2} %", accuracy * 100.0);
        if let Some(n) = recorded.get("n").and_then(serde_json::Value::as_u64) {
            value += &format!(" of {}", grouped(n as usize));
        }
        if let Some(data) = recorded.get("data").and_then(serde_json::Value::as_str) {
            value += &format!(" ({data})");
        }
        facts.push(Line::new(format!("Test accuracy of {}, recorded in the model's metadata", head.name), value));
    }
    facts
}

/// A metadata value as words: JSON objects and strings without their punctuation.
fn plain(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(entries)) => {
            let words = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
            entries.iter().map(|(key, value)| format!("{key} {}", words(value))).collect::<Vec<_>>().join(", ")
        }
        Ok(serde_json::Value::String(text)) => text,
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_numbers_are_written_as_keras_does() {
        assert_eq!(shape(&[None, Some(22), Some(22), Some(32)]), "(None, 22, 22, 32)");
        assert_eq!(shape(&[None]), "(None,)");
        let written = [0, 999, 1000, 4_069_216].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "4,069,216"]);
    }

    #[test]
    fn metadata_becomes_words() {
        assert_eq!(plain(r#"{"name": "Line", "seed": 1}"#), "name Line, seed 1");
        assert_eq!(plain("12"), "12");
        assert_eq!(plain("Line, seed 1"), "Line, seed 1");
    }
}
