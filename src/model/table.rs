//! The architecture as text, in the manner of Keras's summary.

use super::layer::{Totals, totals};
use super::{Head, Input, Layer, Network, ReceptiveField, refusal::printable};

/// What [`render`] shows besides Keras's columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    /// Size, step and first centre of the receptive field.
    pub receptive_fields: bool,
    /// The name of the ONNX value of each layer's output.
    pub tensors: bool,
}

/// Everything `inspect` says about a network, for JSON.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Description<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub sha256: &'a str,
    pub input: &'a Input,
    pub heads: &'a [Head],
    pub layers: Vec<DescribedLayer<'a>>,
    pub totals: Totals,
}

/// A layer with its receptive field.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DescribedLayer<'a> {
    #[serde(flatten)]
    pub layer: &'a Layer,
    pub receptive_field: Option<ReceptiveField>,
}

/// The network as a serialisable structure.
pub fn describe(network: &Network) -> Description<'_> {
    let described = |layer| DescribedLayer { layer, receptive_field: network.receptive_field(&layer.output_tensor) };
    Description {
        name: network.name(),
        title: network.title(),
        sha256: network.sha256(),
        input: network.input(),
        heads: network.heads(),
        layers: network.layers().iter().map(described).collect(),
        totals: totals(network.layers()),
    }
}

/// The rows Keras prints: a chain goes without its input row.
pub fn printed_layers(network: &Network) -> &[Layer] {
    let layers = network.layers();
    if network.sequential() { layers.get(1..).unwrap_or(&[]) } else { layers }
}

/// A shape as Keras writes it: `(None, 22, 22, 32)`.
pub fn shape_text(shape: &[Option<usize>]) -> String {
    let axes: Vec<String> = shape.iter().map(|axis| axis.map_or("None".into(), |length| length.to_string())).collect();
    format!("({}{})", axes.join(", "), if axes.len() == 1 { "," } else { "" })
}

/// `4736` → `4,736`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 3 == head {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The table with aligned columns and the totals below it, ending in a line break.
pub fn render(network: &Network, columns: Columns) -> String {
    let connections = !network.sequential();
    let mut header = vec!["Layer (type)", "Output Shape", "Param #"];
    header.extend(connections.then_some("Connected to"));
    header.extend(columns.receptive_fields.then_some("Receptive field"));
    header.extend(columns.tensors.then_some("Tensor"));
    let mut rows = vec![header.into_iter().map(String::from).collect::<Vec<_>>()];
    for layer in printed_layers(network) {
        let mut row = vec![
            format!("{} ({})", printable(&layer.name), layer.kind),
            shape_text(&layer.output_shape),
            layer.parameters.to_string(),
        ];
        row.extend(connections.then(|| printable(&layer.connected_to.join(", "))));
        row.extend(columns.receptive_fields.then(|| field_text(network, layer)));
        row.extend(columns.tensors.then(|| printable(&layer.output_tensor)));
        rows.push(row);
    }
    let totals = totals(network.layers());
    format!(
        "{}\nTotal params: {}\nTrainable params: {}\nNon-trainable params: {}\n",
        aligned(&rows),
        thousands(totals.parameters),
        thousands(totals.trainable),
        thousands(totals.non_trainable)
    )
}

/// `7x7 step 1 from 3.5,3.5`: size, distance of neighbours, first centre; `-` where there is none.
fn field_text(network: &Network, layer: &Layer) -> String {
    match network.receptive_field(&layer.output_tensor) {
        None => "-".into(),
        Some(field) => {
            let size = field.size.map_or("all".into(), |[height, width]| format!("{height}x{width}"));
            let [vertical, horizontal] = field.jump;
            let step = if vertical == horizontal { vertical.to_string() } else { format!("{vertical}x{horizontal}") };
            format!("{size} step {step} from {},{}", field.start[0], field.start[1])
        }
    }
}

/// Left-aligned columns two blanks apart, a rule below the header.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
        if index == 0 {
            text.push_str(&"-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            text.push('\n');
        }
    }
    text
}
