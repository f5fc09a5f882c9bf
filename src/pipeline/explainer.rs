//! One network made ready to explain images: a tract plan with taps, the gradient graph, and the gradients of its scores.

use crate::backprop::{ReluRule, Tape};
use crate::error::{Error, Result};
use crate::model::graph::{Graph, Node, Op, ValueId};
use crate::model::{Head, HeadActivation, Network, Plan};
use crate::visualize::cause::{Cause, Walk, of_map};
use ndarray::{Array2, Array3, ArrayD, ArrayViewD, Axis, IxDyn};
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
    /// The value that heatmaps explain.
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
        let mut ends: Vec<String> = vec![target.to_string()];
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
        Ok(Explainer {
            network,
            target: target.to_string(),
            plan,
            taps,
            graph,
            input_id,
            target_id,
            passed_by,
            size,
            logits,
            outputs,
        })
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

    /// The operators without a gradient rule between the target and the logits, each with its node's name.
    pub fn without_rule(&self) -> Vec<String> {
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
        let on_path = self.graph.nodes.iter().enumerate().filter(|(id, _)| reached[*id] && leads[*id]);
        let named = on_path.filter_map(|(_, node)| match &node.op {
            Op::Unsupported { operator } => Some(format!("{operator} (`{}`)", node.name)),
            _ => None,
        });
        named.collect()
    }

    /// The number of values of the target for one image.
    pub fn target_len(&self) -> usize {
        self.graph.nodes.get(self.target_id).map_or(0, Node::len)
    }

    /// Runs one image, or a batch, through tract.
    ///
    /// # Errors
    /// An input of the wrong shape.
    pub fn forward(&self, image: &ArrayD<f32>) -> Result<Forward> {
        let values = self.plan.run(image)?;
        Ok(Forward { values: self.taps.iter().cloned().zip(values).collect() })
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
        Ok(Tail { explainer: self, tape: Tape::forward(&self.graph, given, &ends)? })
    }

    /// The gradient of a head's logit of a class with respect to the target, in double precision.
    ///
    /// # Errors
    /// Operators without a rule between target and scores, all of them listed.
    pub fn gradient_in_double(
        &self,
        image: &ArrayD<f64>,
        activation: &ArrayD<f64>,
        head: usize,
        class: usize,
    ) -> Result<ArrayD<f64>> {
        let mut given = vec![(self.target_id, activation.clone())];
        if self.passed_by {
            given.push((self.input_id, image.clone()));
        }
        let end = self.end(head, Score::Logit)?;
        let tape = Tape::forward(&self.graph, given, &[end])?;
        let shape = tape.value(end).map(|logits| logits.shape().to_vec()).unwrap_or_default();
        let seed = seed(self.head(head)?, &shape, class).mapv(f64::from);
        let gradient = tape.backward(&[(end, seed)], &[self.target_id], ReluRule::Plain)?.pop();
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
    pub fn input_gradient(
        &self,
        image: &ArrayD<f32>,
        head: usize,
        class: usize,
        relu: ReluRule,
    ) -> Result<(f32, ArrayD<f32>)> {
        let end = self.end(head, Score::Logit)?;
        let tape = Tape::forward(&self.graph, vec![(self.input_id, image.clone())], &[end])?;
        let logits = tape.value(end).ok_or_else(|| Error::other("the tape kept no logits"))?;
        let seed = seed(self.head(head)?, logits.shape(), class);
        let score = dot(&seed, &logits);
        let gradient = tape.backward(&[(end, seed)], &[self.input_id], relu)?.pop();
        Ok((score, gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?))
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
}

impl Tail<'_> {
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
        of_map(signed.view(), activation.view(), gradient.view(), &walk)
    }

    fn seeds(&self, head: usize, class: usize, score: Score) -> Result<(Seeds, f32)> {
        let end = self.explainer.end(head, score)?;
        let values = self.tape.value(end).ok_or_else(|| Error::other("the tape kept no scores"))?;
        let seed = seed(self.explainer.head(head)?, values.shape(), class);
        let value = dot(&seed, &values);
        Ok((vec![(end, seed)], value))
    }
}

/// The weights that pick a class's score out of a head: 1 at the class, averaged over positions where the head has a score for
/// each. A one-unit sigmoid head gives −y for class 0 and +y for class 1.
pub fn seed(head: &Head, shape: &[usize], class: usize) -> ArrayD<f32> {
    let mut seed = ArrayD::zeros(IxDyn(shape));
    let classes = shape.get(head.class_axis).copied().unwrap_or(1);
    let (unit, sign) =
        if classes == 1 { (0, if class == 0 { -1.0 } else { 1.0 }) } else { (class.min(classes - 1), 1.0) };
    if head.class_axis < shape.len() {
        let mut scores = seed.index_axis_mut(Axis(head.class_axis), unit);
        let positions = scores.len().max(1) as f32;
        scores.fill(sign / positions);
    }
    seed
}

/// The probabilities of a head's classes from its logits, averaged over positions first: softmax, or the sigmoid and its complement for one unit.
pub fn probabilities(head: &Head, logits: &ArrayD<f32>) -> Vec<f64> {
    let scores = class_scores(head, logits);
    if let [y] = scores.as_slice() {
        let p = 1.0 / (1.0 + (-y).exp());
        return vec![1.0 - p, p];
    }
    if head.activation == HeadActivation::Sigmoid {
        return scores.iter().map(|y| 1.0 / (1.0 + (-y).exp())).collect();
    }
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|y| (y - most).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}

/// A head's scores, one a class, averaged over batch and positions.
pub fn class_scores(head: &Head, logits: &ArrayD<f32>) -> Vec<f64> {
    if head.class_axis >= logits.ndim() {
        return logits.iter().map(|y| f64::from(*y)).collect();
    }
    let mean = |scores: ndarray::ArrayViewD<f32>| {
        scores.iter().map(|y| f64::from(*y)).sum::<f64>() / scores.len().max(1) as f64
    };
    logits.axis_iter(Axis(head.class_axis)).map(mean).collect()
}

/// The most probable class.
pub fn best(probabilities: &[f64]) -> usize {
    probabilities
        .iter()
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (i, p)| if *p > best.1 { (i, *p) } else { best })
        .0
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
