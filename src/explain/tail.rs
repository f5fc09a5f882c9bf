//! The gradients of a network's scores: at the target, through the tail behind it, and at the input.

use crate::backprop::graph::ValueId;
use crate::backprop::{ReluRule, Tape};
use crate::error::{Error, Result};
use crate::explain::engine::{Engine, Score};
use crate::explain::score::{End, seed};
use crate::visualize::cause::{Cause, Walk, of_map};
use ndarray::{Array2, Array3, ArrayD, ArrayViewD, Axis};

/// A score with its gradient at the target.
pub struct Gradient {
    /// The score's value.
    pub score: f32,
    /// ∂score/∂target, [k, h, w].
    pub gradient: Array3<f32>,
}

/// A signed map with the activation and the gradient that it was made of.
pub struct MapParts<'a> {
    /// Before the ReLU, [h, w].
    pub signed: &'a Array2<f32>,
    /// The target's value, [k, h, w].
    pub activation: &'a Array3<f32>,
    /// The score's gradient at the target, [k, h, w].
    pub gradient: &'a Array3<f32>,
}

/// Where a walk back starts: values with the weights of their elements.
type Seeds = Vec<(ValueId, ArrayD<f32>)>;

/// One image's tail: everything between the target and the scores, computed once.
pub struct Tail<'e> {
    engine: &'e Engine,
    tape: Tape<'e, f32>,
    /// For each head the positions that count; all where there are none.
    positions: Vec<Option<Array2<bool>>>,
}

impl Engine {
    /// The tail of the network behind the target, ready for any number of walks back.
    ///
    /// # Errors
    /// Operators without a rule between target and scores, all of them listed.
    pub fn tail(&self, image: &ArrayD<f32>, activation: &ArrayD<f32>) -> Result<Tail<'_>> {
        let lowered = self.lowered();
        let mut given = vec![(lowered.target, lowered.repeated(activation)?)];
        if self.passed_by() {
            given.push((lowered.input, lowered.repeated(image)?));
        }
        let ends = [&lowered.logits[..], &lowered.outputs].concat();
        Ok(Tail { engine: self, tape: Tape::forward(&lowered.graph, given, &ends)?, positions: Vec::new() })
    }

    /// The gradient of a head's logit of a class with respect to the target, in double precision.
    ///
    /// # Errors
    /// Operators without a rule between target and scores, all of them listed.
    pub fn gradient_in_double(&self, image: &ArrayD<f64>, activation: &ArrayD<f64>, end: End) -> Result<ArrayD<f64>> {
        let lowered = self.lowered();
        let mut given = vec![(lowered.target, lowered.repeated(activation)?)];
        if self.passed_by() {
            given.push((lowered.input, lowered.repeated(image)?));
        }
        let logits = self.end(end.head, Score::Logit)?;
        let tape = Tape::forward(&lowered.graph, given, &[logits])?;
        let shape = tape.value(logits).map(|logits| logits.shape().to_vec()).unwrap_or_default();
        let seed = seed(self.head(end.head)?, &shape, end).mapv(f64::from);
        let gradient = tape.backward(&[(logits, seed)], &[lowered.target], ReluRule::Plain)?.pop();
        let gradient = gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?;
        Ok(lowered.summed(gradient))
    }

    /// A head's score of a class and its gradient with respect to the whole input.
    ///
    /// # Errors
    /// Operators without a rule anywhere on the way, all of them listed.
    pub fn input_gradient(&self, image: &ArrayD<f32>, end: End, relu: ReluRule) -> Result<(f32, ArrayD<f32>)> {
        let lowered = self.lowered();
        let id = self.end(end.head, Score::Logit)?;
        let tape = Tape::forward(&lowered.graph, vec![(lowered.input, lowered.repeated(image)?)], &[id])?;
        let logits = tape.value(id).ok_or_else(|| Error::other("the tape kept no logits"))?;
        let seed = seed(self.head(end.head)?, logits.shape(), end);
        let score = dot(&seed, &logits);
        let gradient = tape.backward(&[(id, seed)], &[lowered.input], relu)?.pop();
        let gradient = gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?;
        Ok((score, lowered.summed(gradient)))
    }
}

impl Tail<'_> {
    /// The same tail with scores averaged over some positions of each head, see [`Engine::positions`].
    pub fn within(self, positions: Vec<Option<Array2<bool>>>) -> Self {
        Tail { positions, ..self }
    }

    /// The gradient of one head's score of a class with respect to the target.
    ///
    /// # Errors
    /// A target that is no feature map [1, k, h, w].
    pub fn gradient(&self, head: usize, class: usize, score: Score) -> Result<Gradient> {
        let (seeds, value) = self.seeds(head, class, score)?;
        let gradient = self.tape.backward(&seeds, &[self.engine.lowered().target], ReluRule::Plain)?.pop();
        let gradient = gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?;
        let gradient = self.engine.lowered().summed(gradient);
        Ok(Gradient { score: value, gradient: feature_maps(&self.engine.target, gradient.view())? })
    }

    /// Why a signed map of this head's logit of a class shows nothing, if it does not.
    ///
    /// # Errors
    /// Those of walking back.
    pub fn cause(&self, head: usize, class: usize, map: &MapParts) -> Result<Option<Cause>> {
        let (seeds, _) = self.seeds(head, class, Score::Logit)?;
        let lowered = self.engine.lowered();
        let walk = Walk { graph: &lowered.graph, tape: &self.tape, seeds: &seeds, target: lowered.target };
        of_map(map.signed.view(), map.activation.view(), map.gradient, || walk.vanishing_point())
    }

    fn seeds(&self, head: usize, class: usize, score: Score) -> Result<(Seeds, f32)> {
        let id = self.engine.end(head, score)?;
        let values = self.tape.value(id).ok_or_else(|| Error::other("the tape kept no scores"))?;
        let positions = self.positions.get(head).and_then(Option::as_ref);
        let seed = seed(self.engine.head(head)?, values.shape(), End { head, class, positions });
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

fn dot(seed: &ArrayD<f32>, values: &ArrayViewD<f32>) -> f32 {
    seed.iter().zip(values.iter()).map(|(s, v)| s * v).sum()
}
