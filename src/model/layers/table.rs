//! The architecture as text, in the manner of Keras's summary.

use crate::model::layers::layer::{Totals, totals};
use crate::model::layers::scope::{self, Item, MOST_ROWS};
use crate::model::{GraphInput, Head, Input, Layer, Meaning, Network, OtherOutput, ReceptiveField, printable};

/// How much of a large network [`render`] lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// Every layer of a small network; of a large one the finest level of scopes that fits.
    #[default]
    Overview,
    /// Scopes down to a depth, the outermost being 0, and the layers beside them.
    Depth(usize),
    /// Every layer.
    All,
}

/// What [`render`] shows besides Keras's columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    /// Size, step and first centre of the receptive field.
    pub receptive_fields: bool,
    /// The name of the ONNX value of each layer's output.
    pub tensors: bool,
    /// Multiply-adds and the memory of each layer's output.
    pub costs: bool,
}

/// Everything `inspect` says about a network, for JSON.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Description<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub sha256: &'a str,
    pub input: &'a Input,
    /// All inputs in the file's order.
    pub inputs: &'a [GraphInput],
    pub heads: &'a [Head],
    /// Outputs that name no classes beside others that do.
    pub other_outputs: &'a [OtherOutput],
    pub layers: Vec<DescribedLayer<'a>>,
    /// The layers of a large network by the scopes of their names; empty for a small one.
    pub groups: Vec<DescribedGroup<'a>>,
    pub totals: Totals,
}

/// Consecutive layers under one scope.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DescribedGroup<'a> {
    pub name: String,
    /// Their names, in order.
    pub layers: Vec<&'a str>,
    pub parameters: usize,
    /// Multiplications with their additions for one image.
    pub multiply_adds: usize,
    /// Numbers in all its layers' outputs for one image.
    pub output_values: usize,
    /// Shape of the last layer's output.
    pub output_shape: &'a [Option<usize>],
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
        inputs: network.graph_inputs(),
        heads: network.heads(),
        other_outputs: network.other_outputs(),
        layers: network.layers().iter().map(described).collect(),
        groups: overview(network).iter().filter_map(described_group).collect(),
        totals: totals(network.layers()),
    }
}

fn described_group<'n>(item: &Item<'n>) -> Option<DescribedGroup<'n>> {
    let Item::Group(group) = item else { return None };
    let layers = item.layers();
    Some(DescribedGroup {
        name: group.name.clone(),
        parameters: parameters(&layers),
        multiply_adds: multiply_adds(&layers),
        output_values: output_values(&layers),
        output_shape: layers.last().map_or(&[], |layer| layer.output_shape.as_slice()),
        layers: layers.iter().map(|layer| layer.name.as_str()).collect(),
    })
}

/// The printed layers of a large network grouped as they best fit a page; a small network's one by one.
pub fn overview(network: &Network) -> Vec<Item<'_>> {
    let layers = printed_layers(network);
    match layers.len() {
        0..=MOST_ROWS => layers.iter().map(Item::Layer).collect(),
        _ => scope::overview(layers, network.input().channels_last),
    }
}

/// Parameters of some layers.
pub fn parameters(layers: &[&Layer]) -> usize {
    layers.iter().map(|layer| layer.parameters).sum()
}

/// Multiply-adds of some layers for one image.
fn multiply_adds(layers: &[&Layer]) -> usize {
    layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.multiply_adds))
}

/// Numbers in the outputs of some layers for one image.
fn output_values(layers: &[&Layer]) -> usize {
    layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.output_values))
}

/// Numbers in single precision as memory: `1.5 MB`, a megabyte being a million bytes.
fn memory(values: usize) -> String {
    let bytes = 4.0 * values as f64;
    match bytes {
        1e9.. => format!("{:.2} GB", bytes / 1e9),
        1e6.. => format!("{:.2} MB", bytes / 1e6),
        1e3.. => format!("{:.2} kB", bytes / 1e3),
        _ => format!("{bytes} B"),
    }
}

/// The lines below the table that say what one image costs.
fn costs(network: &Network, totals: &Totals) -> String {
    let (height, width) = network.listed_size();
    format!(
        "Multiply-adds: {} for an image of {width}×{height} pixels\nMemory of all outputs: {} for one image in single precision\nMemory of the \
         parameters: {}\n",
        thousands(totals.multiply_adds),
        memory(totals.output_values),
        memory(totals.parameters)
    )
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
pub fn render(network: &Network, columns: Columns, detail: Detail) -> String {
    let connections = !network.sequential();
    let mut header = vec!["Layer (type)", "Output Shape", "Param #"];
    header.extend(columns.costs.then_some(["Multiply-adds", "Output memory"]).into_iter().flatten());
    header.extend(connections.then_some("Connected to"));
    header.extend(columns.receptive_fields.then_some("Receptive field"));
    header.extend(columns.tensors.then_some("Tensor"));
    let mut rows = vec![header.into_iter().map(String::from).collect::<Vec<_>>()];
    let listed = listed(network, detail);
    let mut closed = 0;
    for Listed { item, depth, open } in &listed {
        let layers = item.layers();
        let Some(last) = layers.last() else { continue };
        let (name, connected_to) = match item {
            Item::Layer(layer) => (format!("{} ({})", layer.name, layer.kind), layer.connected_to.join(", ")),
            Item::Group(group) => (format!("{} ({} layers)", group.name, layers.len()), String::new()),
        };
        closed += usize::from(matches!(item, Item::Group(_)) && !open);
        let mut row = vec![
            format!("{}{}", "  ".repeat(*depth), printable(&name)),
            shape_text(&last.output_shape),
            parameters(&layers).to_string(),
        ];
        if columns.costs {
            row.extend([thousands(multiply_adds(&layers)), memory(output_values(&layers))]);
        }
        row.extend(connections.then(|| printable(&connected_to)));
        row.extend(columns.receptive_fields.then(|| field_text(network, last)));
        row.extend(columns.tensors.then(|| printable(&last.output_tensor)));
        rows.push(row);
    }
    let totals = totals(network.layers());
    let more = match closed {
        0 => String::new(),
        _ => format!(
            "\nA row for several layers shows what their last one gives. --all lists all {} layers, --depth N opens N levels.\n",
            printed_layers(network).len()
        ),
    };
    format!(
        "{}\nTotal params: {}\nTrainable params: {}\nNon-trainable params: {}\n{}{more}",
        aligned(&rows),
        thousands(totals.parameters),
        thousands(totals.trainable),
        thousands(totals.non_trainable),
        if columns.costs { costs(network, &totals) } else { String::new() }
    )
}

/// What goes in, what comes out, and which layer heatmaps explain unless another is named: a line each.
pub fn ends(network: &Network) -> String {
    let input = network.input();
    let mut text = String::new();
    for declared in network.graph_inputs() {
        let what = match declared.name == input.name {
            true if network.graph_inputs().len() > 1 => "; images go here",
            true => "",
            false => "; given by --input",
        };
        let (name, shape) = (printable(&declared.name), shape_text(&declared.dims));
        text += &format!("Input: {name} {shape}, {}{what}\n", declared.element);
    }
    for head in network.heads() {
        let shape = network.shape(&head.logits).map(shape_text).unwrap_or_default();
        let positions = if head.spatial { " and position" } else { "" };
        let what = match (head.meaning, head.choices()) {
            (Meaning::Classes, Some(classes)) => format!("a score for each of {classes} classes{positions}"),
            (Meaning::Classes, None) => format!("a score for each class{positions}"),
            (Meaning::Values, _) => form(network.shape(&head.logits).unwrap_or_default()),
        };
        text += &format!("Output: {} {shape}, {what}\n", printable(&head.name));
    }
    for other in network.other_outputs() {
        let (shape, form) = (shape_text(&other.shape), form(&other.shape));
        text += &format!("Output: {} {shape}, {form}; not explained\n", printable(&other.name));
    }
    if let Some(Ok(target)) = network.heads().first().map(|head| network.default_target(head)) {
        let layer = target.layer.as_ref().unwrap_or(&target.tensor);
        text += &format!("Heatmaps explain {}, unless --layer names another\n", printable(layer));
    }
    text
}

/// What an output without classes is, by its axes.
fn form(shape: &[Option<usize>]) -> String {
    let length = |axis: &Option<usize>| axis.map_or("some".to_string(), |length| length.to_string());
    match shape {
        [_, one] if *one == Some(1) => "one value".into(),
        [_, values] => format!("a vector of {} values", length(values)),
        [_, rows, values] => format!("{} rows of {} values", length(rows), length(values)),
        [_, _, _, _] => "a map of values".into(),
        _ => "values".into(),
    }
}

/// A row of the table before it is text.
struct Listed<'n> {
    item: Item<'n>,
    depth: usize,
    /// Whether a group's own rows follow.
    open: bool,
}

fn listed(network: &Network, detail: Detail) -> Vec<Listed<'_>> {
    let layers = printed_layers(network);
    let closed = |item| Listed { item, depth: 0, open: false };
    match detail {
        Detail::All => layers.iter().map(Item::Layer).map(closed).collect(),
        Detail::Overview => overview(network).into_iter().map(closed).collect(),
        Detail::Depth(depth) => {
            let mut rows = Vec::new();
            list(scope::tree(layers, network.input().channels_last), depth, 0, &mut rows);
            rows
        }
    }
}

/// Lists a level of the tree, and what its groups hold down to `most`.
fn list<'n>(items: Vec<Item<'n>>, most: usize, depth: usize, rows: &mut Vec<Listed<'n>>) {
    for item in items {
        let below = match &item {
            Item::Group(group) if depth < most => group.items.clone(),
            _ => Vec::new(),
        };
        rows.push(Listed { item, depth, open: !below.is_empty() });
        list(below, most, depth + 1, rows);
    }
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
