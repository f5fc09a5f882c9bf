//! Heads: the graph's outputs, and the logits below their final activation.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::layers::layout::Layouts;
use crate::model::read::definition::{Definition, Node};
use crate::model::read::shapes::Values;

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

/// How a head's logits are read as probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// Classes that exclude each other: exp(z) over the sum of all.
    Softmax,
    /// Classes that are independent of each other: 1 / (1 + exp(−z)) for each.
    Sigmoid,
    /// They are values and no probabilities.
    None,
}

impl ScoreKind {
    /// The names, as in a chapter file and on the command line.
    pub const NAMES: [&str; 3] = ["softmax", "sigmoid", "none"];

    /// The kind of a name.
    pub fn named(name: &str) -> Option<ScoreKind> {
        match name {
            "softmax" => Some(ScoreKind::Softmax),
            "sigmoid" => Some(ScoreKind::Sigmoid),
            "none" => Some(ScoreKind::None),
            _ => None,
        }
    }
}

/// What a head's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// A score for each class.
    Classes,
    /// Quantities that are no classes: a regression's value, boxes, an embedding, an image.
    Values,
}

/// An output that is not explained: it names no classes while another output does, or the same ones once more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OtherOutput {
    /// The graph output's name.
    pub name: String,
    /// `None` for the batch and for open axes.
    pub shape: Vec<Option<usize>>,
}

/// One output of the network.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// The graph output's name.
    pub name: String,
    /// ONNX value with the scores before the final activation.
    pub logits: String,
    pub activation: HeadActivation,
    pub meaning: Meaning,
    /// How its logits are read; what the graph ends in, unless [`Head::read_as`] says otherwise.
    pub scores: ScoreKind,
    /// Number of classes; a one-unit sigmoid head has 1 here and two classes in fact. `None` when undeclared.
    pub classes: Option<usize>,
    /// Class names from the metadata key `labels.<head>`, one per class; a single unit may have two.
    pub labels: Option<Vec<String>>,
    /// Whether there is a score per class *and position*, as in segmentation.
    pub spatial: bool,
    /// The axis of `logits` along which the classes lie.
    pub class_axis: usize,
}

impl Head {
    /// Whether it has a map of scores for each class, [N, C, rows, columns] or [N, rows, columns, C]; positions in a row, as of a
    /// detector's anchors, have no place in the image.
    pub fn has_maps(&self) -> bool {
        self.spatial && matches!(self.class_axis, 1 | 3)
    }

    /// Reads its logits otherwise than before.
    pub fn read_as(&mut self, scores: ScoreKind) {
        self.scores = scores;
        self.meaning = if scores == ScoreKind::None { Meaning::Values } else { Meaning::Classes };
    }

    /// Whether its numbers are scores of classes.
    pub fn names_classes(&self) -> bool {
        self.meaning == Meaning::Classes
    }

    /// Number of classes one can ask for: two for a single unit that separates two.
    pub fn choices(&self) -> Option<usize> {
        match self.meaning {
            Meaning::Classes => self.classes.map(|classes| classes.max(2)),
            Meaning::Values => self.classes,
        }
    }

    /// What its score is called.
    pub fn score_name(&self) -> &'static str {
        match self.meaning {
            Meaning::Classes => "logit",
            Meaning::Values => "value",
        }
    }
}

/// The outputs that name classes, each set of scores once and in the file's order, and the others; all of them as heads where
/// none does. Outputs that say nothing about the image are left out: constants, such as a detector's anchors, empty ones, and those
/// whose length depends on what is in the image.
pub(crate) fn heads(definition: &Definition, values: &Values, layouts: &Layouts) -> (Vec<Head>, Vec<OtherOutput>) {
    let shown = |output: &&String| !values.is_constant(output) && values.probed(output).iter().product::<usize>() > 0;
    let known = |output: &&String| values.probed.contains_key(*output);
    let outputs = definition.outputs.iter().filter(known).filter(shown);
    let mut all: Vec<Head> = outputs.map(|output| head(definition, values, layouts, output)).collect();
    if all.iter().any(|head| head.activation != HeadActivation::None) {
        all.iter_mut().filter(|head| holds_coordinates(head)).for_each(|head| head.meaning = Meaning::Values);
    }
    if all.iter().all(|head| head.meaning == Meaning::Values) {
        return (all, Vec::new());
    }
    let mut seen = BTreeSet::new();
    // Of an output and its softmax or sigmoid, which is another output, the latter tells how the former is read.
    let told: BTreeMap<String, HeadActivation> = all
        .iter()
        .filter(|head| head.activation != HeadActivation::None)
        .map(|head| (head.logits.clone(), head.activation))
        .collect();
    let (mut heads, others): (Vec<Head>, Vec<Head>) =
        all.into_iter().partition(|head| head.meaning == Meaning::Classes && seen.insert(head.logits.clone()));
    for head in &mut heads {
        head.activation = told.get(&head.logits).copied().unwrap_or(head.activation);
    }
    let other =
        |head: Head| OtherOutput { shape: values.shapes.get(&head.name).cloned().unwrap_or_default(), name: head.name };
    (heads, others.into_iter().map(other).collect())
}

/// Whether an output beside one with a softmax or sigmoid is boxes or landmarks: it has neither and no labels, and its name says so or
/// it is as long as a box, its corners, or the usual numbers of landmarks in a face (5, 68, 98, 106).
fn holds_coordinates(head: &Head) -> bool {
    let name = head.name.to_lowercase();
    let named = ["box", "landmark", "regress", "offset", "coord", "keypoint"].iter().any(|word| name.contains(word));
    let long = matches!(head.classes, Some(4 | 8 | 10 | 136 | 196 | 212));
    head.activation == HeadActivation::None && head.labels.is_none() && !head.spatial && (named || long)
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
        .filter(|labels| Some(labels.len()) == classes || (classes == Some(1) && labels.len() == 2));
    let classes_asked = labels.is_some() || activation != HeadActivation::None;
    let meaning = if classes_asked || scores_classes(definition, output, shape, class_axis, spatial) {
        Meaning::Classes
    } else {
        Meaning::Values
    };
    let scores = match (meaning, activation, classes) {
        (Meaning::Values, _, _) => ScoreKind::None,
        (_, HeadActivation::Sigmoid, _) | (_, HeadActivation::None, Some(1)) => ScoreKind::Sigmoid,
        _ => ScoreKind::Softmax,
    };
    Head { name: output.to_string(), logits, activation, meaning, scores, classes, labels, spatial, class_axis }
}

/// Whether an output without softmax or sigmoid at its end is taken for logits: several units, or a map for each of several
/// classes. A single unit is a regression's value; a list of vectors is boxes; a vector of unit length is an embedding; and a
/// map that the network goes on with is a feature map.
fn scores_classes(definition: &Definition, output: &str, shape: &[usize], class_axis: usize, spatial: bool) -> bool {
    let several = shape.get(class_axis).is_some_and(|&classes| classes > 1);
    let ends = |op: &str| matches!(op, "Softmax" | "LogSoftmax" | "Sigmoid" | "ArgMax" | "TopK" | "Identity");
    let read_on =
        definition.nodes.iter().any(|node| !ends(&node.op) && node.inputs.iter().any(|input| input == output));
    let normalised = definition.producer(output).is_some_and(|node| {
        let divisor = node.inputs.get(1).and_then(|value| definition.producer(value));
        node.op == "LpNormalization" || (node.op == "Div" && divisor.is_some_and(|node| has_norm(definition, node)))
    });
    several && !read_on && !normalised && (!spatial || shape.len() == 4)
}

/// Whether an operator, or one of the few that guard it against zero, is a Euclidean norm.
fn has_norm(definition: &Definition, node: &Node) -> bool {
    match node.op.as_str() {
        "ReduceL2" => true,
        "Clip" | "Max" | "Expand" | "Add" | "Sqrt" => {
            definition.producer(node.input()).is_some_and(|below| has_norm(definition, below))
        }
        "ReduceSum" => {
            definition.producer(node.input()).is_some_and(|below| matches!(below.op.as_str(), "Mul" | "Pow"))
        }
        _ => false,
    }
}

/// The logits of a softmax or sigmoid that is spelled out: `exp(z) / sum(exp(z))`, with or without the largest subtracted
/// first, `exp(log_softmax(z))`, and `1 / (1 + exp(−z))`.
fn spelled_out(definition: &Definition, node: &Node) -> Option<(String, HeadActivation)> {
    let below = |node: &Node, input: usize| definition.producer(node.inputs.get(input)?);
    match node.op.as_str() {
        "Exp" => {
            let log = below(node, 0).filter(|below| below.op == "LogSoftmax")?;
            Some((log.input().to_string(), HeadActivation::Softmax))
        }
        "Div" => {
            let (powers, sum) = (below(node, 0)?, below(node, 1)?);
            if powers.op != "Exp" || sum.op != "ReduceSum" || sum.input() != node.input() {
                return None;
            }
            let shifted = below(powers, 0).filter(|shift| {
                let largest = shift.inputs.get(1).and_then(|value| definition.producer(value));
                shift.op == "Sub" && largest.is_some_and(|l| l.op == "ReduceMax" && l.input() == shift.input())
            });
            Some((shifted.map_or(powers.input(), |shift| shift.input()).to_string(), HeadActivation::Softmax))
        }
        "Reciprocal" => {
            let sum = below(node, 0).filter(|sum| sum.op == "Add")?;
            let power = (0..2).find_map(|side| below(sum, side).filter(|power| power.op == "Exp"))?;
            let negative = below(power, 0).filter(|negative| negative.op == "Neg")?;
            Some((negative.input().to_string(), HeadActivation::Sigmoid))
        }
        _ => None,
    }
}

/// Steps from an output over operators that only rename, reshape or pick the best class to its activation, and below it.
fn below_activation(definition: &Definition, output: &str) -> (String, HeadActivation) {
    let mut value = output;
    let mut scores = output;
    // The graph has no cycles, so the walk ends.
    while let Some(node) = definition.producer(value) {
        if let Some(found) = spelled_out(definition, node) {
            return found;
        }
        let activation = match node.op.as_str() {
            "Softmax" => HeadActivation::Softmax,
            "LogSoftmax" => HeadActivation::LogSoftmax,
            "Sigmoid" => HeadActivation::Sigmoid,
            "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => {
                // Another output under a second name has the same scores.
                if node.op == "Identity"
                    && scores == value
                    && definition.outputs.iter().any(|name| name == node.input())
                {
                    scores = node.input();
                }
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
