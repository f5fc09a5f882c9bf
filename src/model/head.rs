//! Heads: the graph's outputs, and the logits below their final activation.

use super::layout::Layouts;
use super::onnx::Definition;
use super::values::Values;

/// What turns a head's logits into its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadActivation {
    Softmax,
    LogSoftmax,
    Sigmoid,
    /// The output itself is the score.
    None,
}

/// One output of the network.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// The graph output's name.
    pub name: String,
    /// ONNX value with the scores before the final activation.
    pub logits: String,
    pub activation: HeadActivation,
    /// Number of classes; a one-unit sigmoid head has 1 here and two classes in fact. `None` when undeclared.
    pub classes: Option<usize>,
    /// Class names from the metadata key `labels.<head>`, one per class; a sigmoid unit may have two.
    pub labels: Option<Vec<String>>,
    /// Whether there is a score per class *and position*, as in segmentation.
    pub spatial: bool,
    /// The axis of `logits` along which the classes lie.
    pub class_axis: usize,
}

/// The outputs that say something about the image: not constants, such as a detector's anchors, nor empty ones, nor those
/// whose length depends on what is in the image.
pub(crate) fn heads(definition: &Definition, values: &Values, layouts: &Layouts) -> Vec<Head> {
    let shown = |output: &&String| !values.is_constant(output) && values.probed(output).iter().product::<usize>() > 0;
    let known = |output: &&String| values.probed.contains_key(*output);
    let outputs = definition.outputs.iter().filter(known).filter(shown);
    outputs.map(|output| head(definition, values, layouts, output)).collect()
}

fn head(definition: &Definition, values: &Values, layouts: &Layouts, output: &str) -> Head {
    let (logits, activation) = below_activation(definition, output);
    let shape = values.probed(&logits);
    let open = values.shapes.get(&logits).map_or(&[][..], Vec::as_slice);
    let rank = shape.len();
    let class_axis = match rank {
        0..=2 => rank.saturating_sub(1),
        4 if !layouts.channels_last(&logits) => 1,
        _ => rank - 1,
    };
    let spatial = shape.iter().enumerate().any(|(axis, &length)| axis != 0 && axis != class_axis && length != 1);
    let classes = open.get(class_axis).copied().flatten();
    let labels = definition
        .metadata
        .get(&format!("labels.{output}"))
        .and_then(|text| serde_json::from_str::<Vec<String>>(text).ok())
        .filter(|labels| {
            Some(labels.len()) == classes
                || (classes == Some(1) && activation == HeadActivation::Sigmoid && labels.len() == 2)
        });
    Head { name: output.to_string(), logits, activation, classes, labels, spatial, class_axis }
}

/// Steps from an output over operators that only rename, reshape or pick the best class to its activation, and below it.
fn below_activation(definition: &Definition, output: &str) -> (String, HeadActivation) {
    let mut value = output;
    let mut scores = output;
    // The graph has no cycles, so the walk ends.
    while let Some(node) = definition.producer(value) {
        let activation = match node.op.as_str() {
            "Softmax" => HeadActivation::Softmax,
            "LogSoftmax" => HeadActivation::LogSoftmax,
            "Sigmoid" => HeadActivation::Sigmoid,
            "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => {
                value = node.input();
                continue;
            }
            "Transpose" if matches!(node.ints("perm"), Some([0, 2, 3, 1] | [0, 3, 1, 2])) => {
                value = node.input();
                continue;
            }
            "ArgMax" => {
                value = node.input();
                scores = value;
                continue;
            }
            _ => break,
        };
        return (node.input().to_string(), activation);
    }
    (scores.to_string(), HeadActivation::None)
}
