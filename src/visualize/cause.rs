//! Why a class activation map is empty, found by measurement and not by guess.

use crate::backprop::graph::{Graph, Op, Unary, ValueId};
use crate::backprop::{ReluRule, Tape};
use crate::error::Result;
use crate::tensor::real::Real;
use ndarray::{ArrayD, ArrayView2, ArrayView3};

/// Why there is nothing to see in a map.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Cause {
    /// The layer's activation is zero everywhere.
    ActivationZero,
    /// The gradient is exactly zero because a function with a flat end lies between, at such an end.
    Saturated {
        /// The operator's node.
        at: String,
    },
    /// The gradient is exactly zero because every unit on the way to the class is switched off.
    NoActiveUnit {
        /// The operator's node.
        at: String,
    },
    /// The gradient is exactly zero because the score does not depend on the layer at all.
    ScoreConstant {
        /// The operator's node.
        at: String,
    },
    /// The gradient is there, but the weighted sum is negative at every place: the layer speaks against the class everywhere.
    AllNegative,
    /// The map has one and the same value everywhere.
    Flat,
}

impl Cause {
    /// The cause in a few words, for the place where the map would be.
    pub fn short(&self) -> &'static str {
        match self {
            Cause::ActivationZero => "activation zero",
            Cause::Saturated { .. } => "score saturated",
            Cause::NoActiveUnit { .. } => "no active unit",
            Cause::ScoreConstant { .. } => "score constant",
            Cause::AllNegative => "all sums negative",
            Cause::Flat => "same everywhere",
        }
    }

    /// The cause as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Cause::ActivationZero => "The map is empty because the layer's activation is zero everywhere.".into(),
            Cause::Saturated { at } => {
                format!("The map is empty because the gradient is exactly zero: the score is saturated at `{at}`.")
            }
            Cause::NoActiveUnit { at } => format!(
                "The map is empty because the gradient is exactly zero: no active unit leads to the class, it ends at `{at}`."
            ),
            Cause::ScoreConstant { at } => format!(
                "The map is empty because the gradient is exactly zero: the class score is constant, no weight leads to it at `{at}`."
            ),
            Cause::AllNegative => {
                "The map is empty because every weighted sum is negative: for this class the layer speaks against it at all places.".into()
            }
            Cause::Flat => "The map has the same value everywhere, so it prefers no place.".into(),
        }
    }
}

/// Why the signed map [h, w] shows nothing; `None` when it shows something. `activation` is [k, h, w], `gradient` all that is
/// known of the gradient, and `vanished` says why that is zero, if it is.
///
/// # Errors
/// Those of `vanished`.
pub fn of_map<'a>(
    signed: ArrayView2<f32>,
    activation: ArrayView3<f32>,
    gradient: impl IntoIterator<Item = &'a f32>,
    vanished: impl FnOnce() -> Result<Cause>,
) -> Result<Option<Cause>> {
    let most = signed.iter().fold(f32::NEG_INFINITY, |most, value| most.max(*value));
    let least = signed.iter().fold(f32::INFINITY, |least, value| least.min(*value));
    if most > 0.0 {
        return Ok((most == least && signed.len() > 1).then_some(Cause::Flat));
    }
    if activation.iter().all(|a| *a == 0.0) {
        return Ok(Some(Cause::ActivationZero));
    }
    if gradient.into_iter().any(|g| *g != 0.0) {
        return Ok(Some(Cause::AllNegative));
    }
    vanished().map(Some)
}

/// One way back from a score to a layer.
pub struct Walk<'a, T> {
    /// The network.
    pub graph: &'a Graph,
    /// Its values for one image.
    pub tape: &'a Tape<'a, T>,
    /// The score: values with the weights of their elements.
    pub seeds: &'a [(ValueId, ArrayD<T>)],
    /// The layer.
    pub target: ValueId,
}

impl<T: Real> Walk<'_, T> {
    /// Why a gradient that starts at the score becomes zero on its way to the target, with the operator where it does.
    ///
    /// # Errors
    /// Those of walking back.
    pub fn vanishing_point(&self) -> Result<Cause> {
        let path = self.path();
        let gradients = self.tape.backward(self.seeds, &path, ReluRule::Plain)?;
        let alive = |id: ValueId| {
            let position = path.iter().position(|on_path| *on_path == id);
            position.is_some_and(|i| gradients[i].iter().any(|g| *g != T::zero()))
        };
        // The deepest node that a gradient still reaches, though none leaves it.
        let last = path.iter().copied().find(|id| alive(*id)).or(self.seeds.first().map(|(id, _)| *id));
        let Some(node) = last.and_then(|id| self.graph.nodes.get(id)) else {
            return Ok(Cause::ScoreConstant { at: String::new() });
        };
        let at = node.name.clone();
        Ok(match &node.op {
            Op::Unary(Unary::Relu | Unary::LeakyRelu { .. }) | Op::MaxPool(_) | Op::Select => {
                Cause::NoActiveUnit { at }
            }
            Op::Unary(_) | Op::Softmax { .. } => Cause::Saturated { at },
            _ => Cause::ScoreConstant { at },
        })
    }

    /// The values between target and score that depend on the target, nearest to the target first.
    fn path(&self) -> Vec<ValueId> {
        let end = self.seeds.iter().map(|(id, _)| *id).max().unwrap_or(self.target);
        let mut depends = vec![false; self.graph.nodes.len()];
        if let Some(start) = depends.get_mut(self.target) {
            *start = true;
        }
        for id in self.target + 1..=end.min(self.graph.nodes.len().saturating_sub(1)) {
            depends[id] = self.graph.nodes[id].inputs.iter().any(|input| depends[*input]);
        }
        let mut leads = vec![false; self.graph.nodes.len()];
        for id in (self.target..=end.min(self.graph.nodes.len().saturating_sub(1))).rev() {
            leads[id] |= self.seeds.iter().any(|(seed, _)| *seed == id);
            if leads[id] {
                self.graph.nodes[id].inputs.iter().for_each(|input| leads[*input] = true);
            }
        }
        (self.target + 1..=end).filter(|id| depends[*id] && leads[*id]).collect()
    }
}
