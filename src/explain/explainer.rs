//! One network made ready to explain images: a tract plan with taps, the gradient graph, and the gradients of its scores.

use crate::backprop::graph::{Graph, Node, Op, ValueId};
use crate::backprop::{ReluRule, Tape};
use crate::error::{Error, Result};
use crate::explain::score::{self, End, seed};
use crate::model::{Head, Network, Plan, printable};
use crate::visualize::cause::{Cause, Walk, of_map};
use ndarray::{Array2, Array3, ArrayD, ArrayViewD, Axis};
use std::collections::BTreeMap;

/// Which end of a head is differentiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The head's logit; a final softmax or sigmoid is stepped over.
    Logit,
    /// The head's output as the network gives it.
    Output,
}

/// A network with everything that does not depend on the image.
pub struct Explainer<'n> {
    pub network: &'n Network,
    /// The value that heatmaps explain, with its channels first.
    pub target: String,
    plan: Plan,
    taps: Vec<String>,
    graph: Graph,
    input_id: ValueId,
    target_id: ValueId,
    /// Whether a path from the input to a score leads around the target.
    passed_by: bool,
    size: (usize, usize),
    logits: Vec<ValueId>,
    outputs: Vec<ValueId>,
}

/// What tract computed for one image: the tapped values, by their names.
pub struct Forward {
    values: BTreeMap<String, ArrayD<f32>>,
}

impl Forward {
    /// A tapped value, with its batch of one.
    ///
    /// # Errors
    /// When it was not tapped.
    pub fn get(&self, tensor: &str) -> Result<&ArrayD<f32>> {
        self.values.get(tensor).ok_or_else(|| Error::other(format!("{tensor}: was not computed")))
    }
}

/// A score with its gradient at the target.
pub struct Gradient {
    /// The score's value.
    pub score: f32,
    /// ∂score/∂target, [k, h, w].
    pub gradient: Array3<f32>,
}

impl<'n> Explainer<'n> {
    /// Prepares a network to explain the value `target`, and to give the values `shown` on the way.
    ///
    /// # Errors
    /// Unknown values, an open image size, or a graph that cannot be typed.
    pub fn new(network: &'n Network, target: &str, shown: &[String], size: (usize, usize)) -> Result<Explainer<'n>> {
        let heads = network.heads();
        let target = network.channels_first(target);
        let mut ends: Vec<String> = vec![target.clone()];
        ends.extend(heads.iter().map(|head| head.logits.clone()));
        ends.extend(heads.iter().map(|head| head.name.clone()));
        let mut taps = ends.clone();
        taps.extend(shown.iter().cloned());
        taps.sort();
        taps.dedup();
        let plan = network.plan(&names(&taps), 1, Some(size))?;
        let graph = network.graph(&names(&ends), 1, Some(size))?;
        let find = |i: usize| graph.outputs.get(i).copied().ok_or_else(|| Error::other("a tap was lost in lowering"));
        let target_id = find(0)?;
        let logits = (0..heads.len()).map(|i| find(1 + i)).collect::<Result<Vec<_>>>()?;
        let outputs = (0..heads.len()).map(|i| find(1 + heads.len() + i)).collect::<Result<Vec<_>>>()?;
        let input_id = *graph.inputs.first().ok_or_else(|| Error::other("the lowered graph has no input"))?;
        let passed_by = passes_by(&graph, target_id, &logits);
        Ok(Explainer { network, target, plan, taps, graph, input_id, target_id, passed_by, size, logits, outputs })
    }

    /// Why tract's optimisations were left out, if they were.
    pub fn unoptimised(&self) -> Option<&str> {
        self.plan.unoptimised.as_deref()
    }

    /// The gradient graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether a skip connection leads around the target.
    pub fn passed_by(&self) -> bool {
        self.passed_by
    }

    /// The operators between the target and the logits.
    fn behind_target(&self) -> impl Iterator<Item = &Node> {
        let mut reached = vec![false; self.graph.nodes.len()];
        for (id, node) in self.graph.nodes.iter().enumerate() {
            reached[id] = id == self.target_id || node.inputs.iter().any(|input| reached[*input]);
        }
        let mut leads = vec![false; self.graph.nodes.len()];
        self.logits.iter().for_each(|id| leads[*id] = true);
        for (id, node) in self.graph.nodes.iter().enumerate().rev() {
            if leads[id] && id != self.target_id {
                node.inputs.iter().for_each(|input| leads[*input] = true);
            }
        }
        let behind = move |(id, node)| (id != self.target_id && reached[id] && leads[id]).then_some(node);
        self.graph.nodes.iter().enumerate().filter_map(behind)
    }

    /// The operators without a gradient rule between the target and the logits, each with its node's name.
    pub fn without_rule(&self) -> Vec<String> {
        let named = |node: &Node| match &node.op {
            Op::Unsupported { operator } => Some(format!("{operator} (`{}`)", node.name)),
            _ => None,
        };
        self.behind_target().filter_map(named).collect()
    }

    /// How many convolutions and matrix products lie between the target and the logits: one or two in most convolutional networks,
    /// dozens in one that goes on with a transformer.
    pub fn products_behind_target(&self) -> usize {
        self.behind_target().filter(|node| matches!(node.op, Op::Conv(_) | Op::Deconv(_) | Op::EinSum(_))).count()
    }

    /// The number of values of the target for one image.
    pub fn target_len(&self) -> usize {
        self.graph.nodes.get(self.target_id).map_or(0, Node::len)
    }

    /// Runs one image, or a batch, through tract.
    ///
    /// # Errors
    /// An input of the wrong shape; scores or a target that are not finite, of which nothing can be explained.
    pub fn forward(&self, image: &ArrayD<f32>) -> Result<Forward> {
        let values = self.plan.run(image)?;
        let forward = Forward { values: self.taps.iter().cloned().zip(values).collect() };
        let logits = self.network.heads().iter().map(|head| &head.logits);
        for tensor in logits.chain([&self.target]) {
            if !forward.get(tensor)?.iter().all(|value| value.is_finite()) {
                return Err(Error::input(format!(
                    "{}: the values of `{}` are not all finite numbers for this image: weights or sums overflowed or are not a number (NaN)",
                    self.network.name(),
                    printable(tensor)
                )));
            }
        }
        Ok(forward)
    }

    /// The tail of the network below the target, ready for any number of walks back.
    ///
    /// # Errors
    /// Operators without a rule between target and scores, all of them listed.
    pub fn tail(&self, image: &ArrayD<f32>, activation: &ArrayD<f32>) -> Result<Tail<'_>> {
        let mut given = vec![(self.target_id, activation.clone())];
        if self.passed_by {
            given.push((self.input_id, image.clone()));
        }
        let mut ends = self.logits.clone();
        ends.extend(&self.outputs);
        Ok(Tail { explainer: self, tape: Tape::forward(&self.graph, given, &ends)?, positions: Vec::new() })
    }

    /// The gradient of a head's logit of a class with respect to the target, in double precision.
    ///
    /// # Errors
    /// Operators without a rule between target and scores, all of them listed.
    pub fn gradient_in_double(&self, image: &ArrayD<f64>, activation: &ArrayD<f64>, end: End) -> Result<ArrayD<f64>> {
        let mut given = vec![(self.target_id, activation.clone())];
        if self.passed_by {
            given.push((self.input_id, image.clone()));
        }
        let logits = self.end(end.head, Score::Logit)?;
        let tape = Tape::forward(&self.graph, given, &[logits])?;
        let shape = tape.value(logits).map(|logits| logits.shape().to_vec()).unwrap_or_default();
        let seed = seed(self.head(end.head)?, &shape, end).mapv(f64::from);
        let gradient = tape.backward(&[(logits, seed)], &[self.target_id], ReluRule::Plain)?.pop();
        gradient.ok_or_else(|| Error::other("the tape gave no gradient"))
    }

    /// Height and width of the images.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// A head's score of a class and its gradient with respect to the whole input.
    ///
    /// # Errors
    /// Operators without a rule anywhere on the way, all of them listed.
    pub fn input_gradient(&self, image: &ArrayD<f32>, end: End, relu: ReluRule) -> Result<(f32, ArrayD<f32>)> {
        let id = self.end(end.head, Score::Logit)?;
        let tape = Tape::forward(&self.graph, vec![(self.input_id, image.clone())], &[id])?;
        let logits = tape.value(id).ok_or_else(|| Error::other("the tape kept no logits"))?;
        let seed = seed(self.head(end.head)?, logits.shape(), end);
        let score = dot(&seed, &logits);
        let gradient = tape.backward(&[(id, seed)], &[self.input_id], relu)?.pop();
        Ok((score, gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?))
    }

    /// The positions of a head's map that lie in a part of the network's input (`pixels`, [h, w]): those whose receptive
    /// fields have their centres in it, or the nearest if it is too small for any. `None` for a head without positions, and
    /// where no part is given: then all count.
    ///
    /// # Errors
    /// No such head.
    pub fn positions(&self, head: usize, pixels: Option<&Array2<bool>>) -> Result<Option<Array2<bool>>> {
        let described = self.head(head)?;
        let shape = &self.graph.nodes[self.end(head, Score::Logit)?].shape;
        let (Some(pixels), true, &[_, a, b, c]) = (pixels, described.has_maps(), shape.as_slice()) else {
            return Ok(None);
        };
        let (rows, columns) = if described.class_axis == 3 { (a, b) } else { (b, c) };
        let field = self.network.receptive_field(&described.logits);
        Ok(Some(score::positions(pixels, (rows, columns), field)))
    }

    /// A head's score of a class in words, with the positions that it is averaged over.
    pub fn scored(&self, head: usize, label: &str, positions: Option<&Array2<bool>>) -> String {
        let Ok(described) = self.head(head) else { return String::new() };
        let name = format!("{} of {label}", described.score_name());
        let shape = self.logits.get(head).map_or(&[][..], |id| &self.graph.nodes[*id].shape);
        let all: usize =
            shape.iter().enumerate().filter(|(axis, _)| *axis != described.class_axis).map(|(_, n)| n).product();
        match positions {
            Some(positions) => {
                let count = positions.iter().filter(|counts| **counts).count();
                format!(
                    "{name}, averaged over the {count} of {all} positions that lie in the given pixels (as SEG-GRAD-CAM, Vinogradova et al. 2020, sums them)"
                )
            }
            None if described.spatial => format!("{name}, averaged over all {all} positions"),
            None => name,
        }
    }

    fn head(&self, head: usize) -> Result<&Head> {
        self.network.heads().get(head).ok_or_else(|| Error::other(format!("there is no head {head}")))
    }

    fn end(&self, head: usize, score: Score) -> Result<ValueId> {
        let ends = if score == Score::Logit { &self.logits } else { &self.outputs };
        ends.get(head).copied().ok_or_else(|| Error::other(format!("there is no head {head}")))
    }
}

/// Where a walk back starts: values with the weights of their elements.
type Seeds = Vec<(ValueId, ArrayD<f32>)>;

/// One image's tail: everything between the target and the scores, computed once.
pub struct Tail<'e> {
    explainer: &'e Explainer<'e>,
    tape: Tape<'e, f32>,
    /// For each head the positions that count; all where there are none.
    positions: Vec<Option<Array2<bool>>>,
}

impl Tail<'_> {
    /// The same tail with scores averaged over some positions of each head, see [`Explainer::positions`].
    pub fn within(self, positions: Vec<Option<Array2<bool>>>) -> Self {
        Tail { positions, ..self }
    }

    /// The gradient of one head's score of a class with respect to the target.
    ///
    /// # Errors
    /// A target that is no feature map [1, k, h, w].
    pub fn gradient(&self, head: usize, class: usize, score: Score) -> Result<Gradient> {
        let (seeds, value) = self.seeds(head, class, score)?;
        let gradient = self.tape.backward(&seeds, &[self.explainer.target_id], ReluRule::Plain)?.pop();
        let gradient = gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?;
        Ok(Gradient { score: value, gradient: feature_maps(&self.explainer.target, gradient.view())? })
    }

    /// Why a signed map of this head and class shows nothing, if it does not.
    ///
    /// # Errors
    /// Those of walking back.
    pub fn cause(
        &self,
        head: usize,
        class: usize,
        score: Score,
        signed: &Array2<f32>,
        activation: &Array3<f32>,
        gradient: &Array3<f32>,
    ) -> Result<Option<Cause>> {
        let (seeds, _) = self.seeds(head, class, score)?;
        let explainer = self.explainer;
        let walk = Walk { graph: &explainer.graph, tape: &self.tape, seeds: &seeds, target: explainer.target_id };
        of_map(signed.view(), activation.view(), gradient, || walk.vanishing_point())
    }

    fn seeds(&self, head: usize, class: usize, score: Score) -> Result<(Seeds, f32)> {
        let id = self.explainer.end(head, score)?;
        let values = self.tape.value(id).ok_or_else(|| Error::other("the tape kept no scores"))?;
        let positions = self.positions.get(head).and_then(Option::as_ref);
        let seed = seed(self.explainer.head(head)?, values.shape(), End { head, class, positions });
        let value = dot(&seed, &values);
        Ok((vec![(id, seed)], value))
    }
}

/// A value [1, k, h, w] without its batch.
///
/// # Errors
/// Another rank or batch.
pub fn feature_maps<T: Clone>(name: &str, value: ArrayViewD<T>) -> Result<Array3<T>> {
    let shape = value.shape().to_vec();
    match value.into_dimensionality::<ndarray::Ix4>() {
        Ok(value) if value.len_of(Axis(0)) == 1 => Ok(value.index_axis(Axis(0), 0).to_owned()),
        _ => Err(Error::input(format!(
            "{name}: has the shape {shape:?}; a heatmap needs feature maps [1, channels, height, width]"
        ))),
    }
}

fn names(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn dot(seed: &ArrayD<f32>, values: &ArrayViewD<f32>) -> f32 {
    seed.iter().zip(values.iter()).map(|(s, v)| s * v).sum()
}

/// Whether any of `ends` can be reached from an input without passing through `target`.
fn passes_by(graph: &Graph, target: ValueId, ends: &[ValueId]) -> bool {
    let mut from_input = vec![false; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        from_input[id] =
            id != target && (matches!(node.op, Op::Input) || node.inputs.iter().any(|input| from_input[*input]));
    }
    ends.iter().any(|end| from_input[*end])
}
