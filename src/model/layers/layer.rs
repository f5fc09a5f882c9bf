//! The architecture as Keras would print it: one row per layer, activations folded in, shapes in the network's layout.

use std::collections::BTreeMap;

use crate::model::layers::layout::Layouts;
use crate::model::layers::name::{self, Names};
use crate::model::layers::row::{Row, rows};
use crate::model::layers::step::{readers, steps};
use crate::model::read::onnx::Definition;
use crate::model::read::values::{Input, Values};

/// A convolution's weights and sizes. Pairs are (vertical, horizontal).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Convolution {
    /// Name of the kernel, of shape [out, in/group, height, width] ([in, out/group, …] when transposed).
    pub kernel: String,
    pub bias: Option<String>,
    pub kernel_size: [usize; 2],
    pub strides: [usize; 2],
    /// Top, left, bottom, right; resolved where the file says `SAME`.
    pub pads: [usize; 4],
    pub dilations: [usize; 2],
    pub group: usize,
    pub transposed: bool,
}

/// One row of the architecture.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Layer {
    pub name: String,
    /// Keras's class: `Conv2D`, `Dense`, ….
    pub kind: String,
    /// In the network's own layout, `None` for the batch and for open axes.
    pub output_shape: Vec<Option<usize>>,
    /// All parameters, trainable or not. A weight used twice counts where it is used first.
    pub parameters: usize,
    pub trainable: usize,
    /// Layers whose outputs it reads, in Keras's form `flatten_1[0][0]`.
    pub connected_to: Vec<String>,
    /// The activation folded into the layer: `relu`, `softmax`, `silu`, ….
    pub activation: Option<String>,
    /// ONNX values the layer reads that depend on the image.
    pub input_tensors: Vec<String>,
    /// ONNX value of its output, after the folded activation.
    pub output_tensor: String,
    /// ONNX value before the folded activation; [`Layer::output_tensor`] without one.
    pub pre_activation: String,
    /// The axis of `output_tensor` (in its own, possibly channels-first layout) along which channels or units lie.
    pub channel_axis: usize,
    pub convolution: Option<Convolution>,
}

impl Layer {
    /// Whether the output is an image of features: rows and columns, and more than one cell of them. A gate's single
    /// cell per channel, (None, 1, 1, 8), is none.
    pub fn is_map(&self) -> bool {
        let long = self.output_shape.iter().skip(1).filter(|length| **length != Some(1)).count();
        self.output_shape.len() == 4 && long > 1
    }
}

/// Sums over the rows, as Keras prints them below its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    pub parameters: usize,
    pub trainable: usize,
    pub non_trainable: usize,
}

/// The totals of `layers`.
pub fn totals(layers: &[Layer]) -> Totals {
    let parameters = layers.iter().map(|layer| layer.parameters).sum();
    let trainable = layers.iter().map(|layer| layer.trainable).sum();
    Totals { parameters, trainable, non_trainable: parameters - trainable }
}

/// Whether the layers form a chain, which Keras prints without its input row and without connections.
pub(crate) fn sequential(layers: &[Layer]) -> bool {
    let mut above: Option<&Layer> = None;
    layers.iter().all(|layer| {
        let chained = match above {
            None => layer.connected_to.is_empty(),
            Some(above) => layer.connected_to == [format!("{}[0][0]", above.name)],
        };
        above = Some(layer);
        chained
    })
}

/// All rows, the input's first, in Keras's order for networks from Keras and in the file's order for others.
pub(crate) fn layers(definition: &Definition, values: &Values, input: &Input, layouts: &Layouts) -> Vec<Layer> {
    let steps = steps(definition, values);
    let mut rows = rows(&steps, readers(&steps, definition), values, input);
    name_rows(&mut rows);
    finish(&mut rows, values, input, layouts);
    let order = if input.channels_last { keras_order(&rows) } else { (0..rows.len()).collect() };
    order.into_iter().filter_map(|index| rows.get(index)).map(|row| row.layer.clone()).collect()
}

fn name_rows(rows: &mut [Row]) {
    let mut counters: BTreeMap<String, usize> = BTreeMap::new();
    let mut names: Vec<Names> = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        names.push(match &row.names {
            Some(names) => names.clone(),
            None => {
                let number = counters.entry(row.layer.kind.clone()).or_default();
                *number += 1;
                Names::only(&format!("{}_{number}", name::snake(&row.layer.kind)))
            }
        });
    }
    for (row, name) in rows.iter_mut().zip(name::settle(names)) {
        row.layer.name = name;
    }
}

/// Fills in what needs all rows: connections, shapes.
fn finish(rows: &mut [Row], values: &Values, input: &Input, layouts: &Layouts) {
    let names: Vec<String> = rows.iter().map(|row| row.layer.name.clone()).collect();
    for row in rows {
        let connected = row.sources.iter().filter_map(|&source| names.get(source));
        row.layer.connected_to = connected.map(|name| format!("{name}[0][0]")).collect();
        let value = &row.layer.output_tensor;
        let shape = values.shapes.get(value).cloned().unwrap_or_default();
        let last = layouts.channels_last(value);
        row.layer.channel_axis = match shape.len() {
            4 if last => 3,
            rank => 1.min(rank.saturating_sub(1)),
        };
        row.layer.output_shape = match *shape.as_slice() {
            [n, c, h, w] if input.channels_last && !last => vec![n, h, w, c],
            [n, h, w, c] if !input.channels_last && last => vec![n, c, h, w],
            _ => shape,
        };
    }
}

/// Keras lists a graph by depth below the outputs, deepest first; equally deep layers in the order of their making,
/// which their numbers tell (`dense_1` before `dense_5`).
fn keras_order(rows: &[Row]) -> Vec<usize> {
    let mut depth = vec![0usize; rows.len()];
    for (index, row) in rows.iter().enumerate().rev() {
        let own = depth.get(index).copied().unwrap_or(0);
        for &source in &row.sources {
            if let Some(above) = depth.get_mut(source) {
                *above = (*above).max(own + 1);
            }
        }
    }
    let depth_of = |index: usize| depth.get(index).copied().unwrap_or(0);
    // Layers of one kind and depth stay together, at the place of the first.
    let mut first: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        first.entry((depth_of(index), numbered(&row.layer.name).0)).or_insert(index);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&index| {
        let (stem, number) = rows.get(index).map_or(("", 0), |row| numbered(&row.layer.name));
        let group = first.get(&(depth_of(index), stem)).copied().unwrap_or(index);
        (std::cmp::Reverse(depth_of(index)), group, number, index)
    });
    order
}

/// `dense_12` → (`dense`, 12); a name without number has number 0.
fn numbered(name: &str) -> (&str, u64) {
    match name.rsplit_once('_') {
        Some((stem, number)) => number.parse().map_or((name, 0), |number| (stem, number)),
        None => (name, 0),
    }
}
