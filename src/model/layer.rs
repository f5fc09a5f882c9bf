//! The architecture as Keras would print it: one row per layer, activations folded in, shapes in the network's layout.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::{Role, role};
use super::name::{self, Names};
use super::onnx::Definition;
use super::step::{Step, readers, steps};
use super::values::{Input, Values};

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

/// Which values have their channels in the last axis.
pub(crate) struct Layouts(BTreeMap<String, bool>);

impl Layouts {
    pub fn channels_last(&self, value: &str) -> bool {
        self.0.get(value).copied().unwrap_or(false)
    }

    pub fn of(definition: &Definition, values: &Values, input: &Input) -> Layouts {
        let mut last = BTreeMap::from([(input.name.clone(), input.channels_last)]);
        for node in &definition.nodes {
            let inherited = node.inputs.iter().find_map(|value| last.get(value)).copied();
            let layout = match node.op.as_str() {
                "Conv"
                | "ConvTranspose"
                | "MaxPool"
                | "AveragePool"
                | "GlobalAveragePool"
                | "GlobalMaxPool"
                | "BatchNormalization"
                | "InstanceNormalization"
                | "LRN" => Some(false),
                "Transpose" => node.ints("perm").and_then(channels_moved).or(inherited),
                // A single-channel image is sometimes brought to channels-first by a reshape.
                "Reshape" => inherited.map(|layout| {
                    let shape = values.probed(node.output());
                    layout && !(shape.len() == 4 && shape.get(1) == Some(&1) && shape.get(3) != Some(&1))
                }),
                _ => inherited,
            };
            if let Some(layout) = layout {
                last.extend(node.outputs.iter().map(|output| (output.clone(), layout)));
            }
        }
        Layouts(last)
    }
}

/// Whether a permutation moves axis 1 to the end (true), the last axis to place 1 (false), or does something else.
fn channels_moved(permutation: &[i64]) -> Option<bool> {
    let rank = permutation.len() as i64;
    let to_end: Vec<i64> = std::iter::once(0).chain(2..rank).chain([1]).collect();
    let to_front: Vec<i64> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    match (permutation == to_end, permutation == to_front) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
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

/// A row under construction.
struct Row {
    layer: Layer,
    /// Rows it reads from.
    sources: Vec<usize>,
    /// The value to which later operators may still be folded: the output, seen through transposes and casts.
    tip: String,
    /// Names from node and weight, if they say anything.
    names: Option<Names>,
    /// Made of a factor or summand, to which its counterpart may be added.
    scaling: bool,
}

/// All rows, the input's first, in Keras's order for networks from Keras and in the file's order for others.
pub(crate) fn layers(definition: &Definition, values: &Values, input: &Input, layouts: &Layouts) -> Vec<Layer> {
    let steps = steps(definition, values);
    let mut builder = Builder {
        values,
        readers: readers(&steps, definition),
        owners: BTreeMap::from([(input.name.clone(), 0)]),
        counted: BTreeSet::new(),
        rows: vec![input_row(input)],
    };
    for step in &steps {
        builder.add(step);
    }
    let mut rows = builder.rows;
    name_rows(&mut rows);
    finish(&mut rows, values, input, layouts);
    let order = if input.channels_last { keras_order(&rows) } else { (0..rows.len()).collect() };
    order.into_iter().filter_map(|index| rows.get(index)).map(|row| row.layer.clone()).collect()
}

fn input_row(input: &Input) -> Row {
    let layer = Layer {
        name: String::new(),
        kind: "InputLayer".into(),
        output_shape: Vec::new(),
        parameters: 0,
        trainable: 0,
        connected_to: Vec::new(),
        activation: None,
        input_tensors: Vec::new(),
        output_tensor: input.name.clone(),
        pre_activation: input.name.clone(),
        channel_axis: if input.channels_last { 3 } else { 1 },
        convolution: None,
    };
    Row {
        layer,
        sources: Vec::new(),
        tip: input.name.clone(),
        names: Some(Names::only(name::without_port(&input.name))),
        scaling: false,
    }
}

struct Builder<'a> {
    values: &'a Values,
    readers: BTreeMap<String, usize>,
    /// Which row a value belongs to.
    owners: BTreeMap<String, usize>,
    /// Weights already counted.
    counted: BTreeSet<String>,
    rows: Vec<Row>,
}

impl Builder<'_> {
    fn add(&mut self, step: &Step) {
        let role = role(step, self.values);
        let owner = step.inputs.first().and_then(|value| self.owners.get(*value)).copied();
        let folded = match (&role, owner) {
            (Role::Alias, Some(owner)) => {
                self.own(step, owner);
                self.move_tip(step, owner);
                true
            }
            (Role::Activation(activation), Some(owner)) => self.fold_activation(step, owner, activation),
            (Role::Scale { constant, bias: true }, Some(owner)) => self.fold_bias(step, owner, constant),
            (Role::Flatten, Some(owner)) => self.fold_flatten(step, owner),
            _ => false,
        };
        let folded = folded
            || match (&role, owner) {
                (Role::Scale { constant, .. }, Some(owner)) => self.fold_scale(step, owner, constant),
                _ => false,
            };
        if !folded {
            self.push(step, role);
        }
    }

    fn own(&mut self, step: &Step, owner: usize) {
        for output in step.node.outputs.iter().filter(|output| !output.is_empty()) {
            self.owners.insert(output.clone(), owner);
        }
    }

    /// Whether `step` alone continues from the row's output.
    fn continues(&self, step: &Step, owner: usize) -> bool {
        let input = step.inputs.first().copied().unwrap_or("");
        self.readers.get(input) == Some(&1) && self.rows.get(owner).is_some_and(|row| row.tip == input)
    }

    fn move_tip(&mut self, step: &Step, owner: usize) {
        if self.continues(step, owner)
            && let Some(row) = self.rows.get_mut(owner)
        {
            row.tip = step.output().to_string();
        }
    }

    /// Makes the step's output the row's own.
    fn extend(&mut self, step: &Step, owner: usize, change: impl FnOnce(&mut Layer)) -> bool {
        self.own(step, owner);
        if let Some(row) = self.rows.get_mut(owner) {
            row.tip = step.output().to_string();
            row.layer.output_tensor = step.output().to_string();
            change(&mut row.layer);
        }
        true
    }

    fn fold_activation(&mut self, step: &Step, owner: usize, activation: &str) -> bool {
        let takes = |layer: &Layer| has_kernel(layer) && layer.activation.is_none();
        self.continues(step, owner)
            && self.rows.get(owner).is_some_and(|row| takes(&row.layer))
            && self.extend(step, owner, |layer| layer.activation = Some(activation.to_string()))
    }

    /// A constant added to a convolution or product is its bias.
    fn fold_bias(&mut self, step: &Step, owner: usize, constant: &str) -> bool {
        let takes = |layer: &Layer| {
            has_kernel(layer)
                && layer.activation.is_none()
                && layer.convolution.as_ref().is_none_or(|convolution| convolution.bias.is_none())
        };
        if !self.continues(step, owner) || !self.rows.get(owner).is_some_and(|row| takes(&row.layer)) {
            return false;
        }
        let count = self.count(constant);
        self.extend(step, owner, |layer| {
            layer.parameters += count;
            layer.trainable += count;
            layer.pre_activation = step.output().to_string();
            if let Some(convolution) = &mut layer.convolution {
                convolution.bias = Some(constant.to_string());
            }
        })
    }

    /// Scale and shift of one normalisation layer, which exporters write apart.
    fn fold_scale(&mut self, step: &Step, owner: usize, constant: &str) -> bool {
        let names = name::layer_name(step.node, None);
        let same = |row: &Row| {
            row.scaling && row.names.as_ref().map(|names| &names.short) == names.as_ref().map(|names| &names.short)
        };
        if !self.continues(step, owner) || !self.rows.get(owner).is_some_and(same) {
            return false;
        }
        let count = self.count_scale(constant);
        self.extend(step, owner, |layer| {
            layer.parameters += count;
            layer.trainable += count;
            layer.pre_activation = step.output().to_string();
        })
    }

    /// A factor per channel was learned; a single one was chosen.
    fn count_scale(&mut self, constant: &str) -> usize {
        if self.values.probed(constant).iter().product::<usize>() > 1 { self.count(constant) } else { 0 }
    }

    /// Keras's global pooling drops the two axes of length one itself.
    fn fold_flatten(&mut self, step: &Step, owner: usize) -> bool {
        let global = |row: &Row| row.layer.kind.starts_with("Global");
        self.continues(step, owner)
            && self.rows.get(owner).is_some_and(global)
            && self.extend(step, owner, |layer| layer.pre_activation = step.output().to_string())
    }

    /// Elements of a weight, or none if it was counted before.
    fn count(&mut self, weight: &str) -> usize {
        if self.counted.insert(weight.to_string()) { self.values.probed(weight).iter().product() } else { 0 }
    }

    fn push(&mut self, step: &Step, role: Role) {
        let index = self.rows.len();
        let scaling = matches!(role, Role::Scale { .. });
        let mut names = name::layer_name(step.node, None);
        let (mut parameters, mut trainable) = (0, 0);
        let (kind, convolution, activation) = match role {
            Role::Layer { kind, trainable: learned, fixed, convolution } => {
                names = name::layer_name(step.node, learned.first().map(String::as_str));
                trainable = learned.iter().map(|weight| self.count(weight)).sum();
                parameters = trainable + fixed.iter().map(|weight| self.count(weight)).sum::<usize>();
                (kind, convolution, None)
            }
            Role::Scale { constant, .. } => {
                trainable = self.count_scale(&constant);
                parameters = trainable;
                // TensorFlow's scope tells a folded batch norm from other scalings.
                let normalises = step.node.name.contains("/batchnorm/");
                (if normalises { "BatchNormalization" } else { "Rescaling" }.to_string(), None, None)
            }
            Role::Activation(activation) => ("Activation".to_string(), None, Some(activation)),
            Role::Flatten => ("Flatten".to_string(), None, None),
            Role::Alias => ("Identity".to_string(), None, None),
        };
        let mut sources = Vec::new();
        for source in step.inputs.iter().filter_map(|value| self.owners.get(*value)) {
            if !sources.contains(source) {
                sources.push(*source);
            }
        }
        let output = step.output().to_string();
        let layer = Layer {
            name: String::new(),
            kind,
            output_shape: Vec::new(),
            parameters,
            trainable,
            connected_to: Vec::new(),
            activation,
            input_tensors: step.inputs.iter().map(|value| (*value).to_string()).collect(),
            output_tensor: output.clone(),
            pre_activation: output.clone(),
            channel_axis: 0,
            convolution,
        };
        self.rows.push(Row { layer, sources, tip: output, names, scaling });
        self.own(step, index);
    }
}

/// Layers into which Keras folds an activation.
fn has_kernel(layer: &Layer) -> bool {
    layer.convolution.is_some() || layer.kind == "Dense" || layer.kind.starts_with("Conv")
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
