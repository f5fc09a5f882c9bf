//! From steps to rows: what becomes a layer of its own, and what is folded into the one above.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::layers::cost::multiply_adds;
use crate::model::layers::kind::{Role, role};
use crate::model::layers::layer::Layer;
use crate::model::layers::name::{self, Names};
use crate::model::layers::step::Step;
use crate::model::read::inputs::GraphInput;
use crate::model::read::shapes::{Input, Values};

/// A row under construction.
pub(crate) struct Row {
    pub layer: Layer,
    /// Rows it reads from.
    pub sources: Vec<usize>,
    /// The value to which later operators may still be folded: the output, seen through transposes and casts.
    tip: String,
    /// Names from node and weight, if they say anything.
    pub names: Option<Names>,
    /// Made of a factor or summand, to which its counterpart may be added.
    scaling: bool,
}

/// All rows in the order of the steps, the input's first; names and shapes are still to come.
pub(crate) fn rows(
    steps: &[Step],
    readers: BTreeMap<String, usize>,
    values: &Values,
    (input, others): (&Input, &[GraphInput]),
) -> Vec<Row> {
    let names = std::iter::once(&input.name).chain(others.iter().map(|other| &other.name));
    let mut builder = Builder {
        values,
        readers,
        owners: names.clone().enumerate().map(|(row, name)| (name.clone(), row)).collect(),
        counted: BTreeSet::new(),
        rows: names.map(|name| input_row(name, input.channels_last)).collect(),
    };
    for step in steps {
        builder.add(step);
    }
    builder.rows
}

fn input_row(value: &str, channels_last: bool) -> Row {
    let layer = Layer {
        name: String::new(),
        kind: "InputLayer".into(),
        output_shape: Vec::new(),
        parameters: 0,
        trainable: 0,
        multiply_adds: 0,
        output_values: 0,
        connected_to: Vec::new(),
        activation: None,
        input_tensors: Vec::new(),
        output_tensor: value.to_string(),
        pre_activation: value.to_string(),
        channel_axis: if channels_last { 3 } else { 1 },
        convolution: None,
    };
    Row {
        layer,
        sources: Vec::new(),
        tip: value.to_string(),
        names: Some(Names::only(name::without_port(value))),
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
        let mut seen = BTreeSet::new();
        let sources = step.inputs.iter().filter_map(|value| self.owners.get(*value).copied());
        let sources = sources.filter(|source| seen.insert(*source)).collect();
        let output = step.output().to_string();
        let layer = Layer {
            name: String::new(),
            kind,
            output_shape: Vec::new(),
            parameters,
            trainable,
            multiply_adds: multiply_adds(step.node, self.values),
            output_values: 0,
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
