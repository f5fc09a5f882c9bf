//! What grows: a weighted sum of one channel's activations, and its gradient with respect to the image.

use ndarray::ArrayD;

use crate::backprop::graph::ValueId;
use crate::backprop::{ReluRule, Tape};
use crate::error::{Error, Result};
use crate::visualize::filter::frame::Frame;
use crate::visualize::filter::target::Target;
use crate::visualize::filter::{Objective, Settings};

/// Border cells that the channel objective leaves out, where the map is larger than [`SMALL_MAP`].
const BORDER: usize = 2;
const SMALL_MAP: usize = 8;

/// The positions of a channel's map that count: rows and columns, as (first, one past the last).
pub fn counted(objective: Objective, (height, width): (usize, usize)) -> [(usize, usize); 2] {
    [height, width].map(|length| match objective {
        Objective::Unit => (length / 2, length / 2 + 1),
        Objective::Channel if height.min(width) > SMALL_MAP => (BORDER, length - BORDER),
        Objective::Channel => (0, length),
    })
}

/// A target with its objective: the sum of `weights` times the activation map.
pub struct Problem<'a> {
    target: &'a Target,
    frame: Frame,
    wanted: ValueId,
    weights: ArrayD<f32>,
}

/// The objective at an image, before and after the activation.
pub struct Evaluation<'g> {
    tape: Tape<'g, f32>,
    pub before: f32,
    pub after: f32,
}

impl<'a> Problem<'a> {
    pub fn new(target: &'a Target, frame: Frame, settings: &Settings) -> Problem<'a> {
        let wanted = if settings.after_activation { target.after } else { target.before };
        Problem { target, frame, wanted, weights: weights(target, settings.objective) }
    }

    /// The objective at an image in the network's layout.
    pub fn evaluate(&self, image: &[f32]) -> Result<Evaluation<'a>> {
        let Target { graph, input, before, after, .. } = self.target;
        let image = self.frame.input(image.to_vec()).ok_or_else(|| Error::other("an image of the wrong size"))?;
        let tape = Tape::forward(graph, vec![(*input, image)], &[*before, *after])?;
        let sum = |id: ValueId| match tape.value(id) {
            None => 0.0,
            Some(map) => map.iter().zip(&self.weights).map(|(a, w)| f64::from(a * w)).sum::<f64>() as f32,
        };
        let (before, after) = (sum(*before), sum(*after));
        Ok(Evaluation { tape, before, after })
    }

    /// The objective's value: before or after the activation, as asked for.
    pub fn value(&self, evaluation: &Evaluation) -> f32 {
        if self.wanted == self.target.after { evaluation.after } else { evaluation.before }
    }

    /// The objective's gradient with respect to the image.
    pub fn gradient(&self, evaluation: &Evaluation) -> Result<Vec<f32>> {
        self.gradient_of(evaluation, &[(self.wanted, 1.0)])
    }

    /// The gradient of the objective before its activation.
    pub fn gradient_before(&self, evaluation: &Evaluation) -> Result<Vec<f32>> {
        self.gradient_of(evaluation, &[(self.target.before, 1.0)])
    }

    /// The objective's gradient plus `leak` times that of the objective before its activation.
    pub fn gradient_with_leak(&self, evaluation: &Evaluation, leak: f32) -> Result<Vec<f32>> {
        match leak {
            0.0 => self.gradient(evaluation),
            leak => self.gradient_of(evaluation, &[(self.wanted, 1.0), (self.target.before, leak)]),
        }
    }

    fn gradient_of(&self, evaluation: &Evaluation, of: &[(ValueId, f32)]) -> Result<Vec<f32>> {
        let seeds: Vec<_> = of.iter().map(|(value, factor)| (*value, &self.weights * *factor)).collect();
        let gradient = evaluation.tape.backward(&seeds, &[self.target.input], ReluRule::Plain)?.pop();
        let gradient = gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?;
        Ok(gradient.into_raw_vec_and_offset().0)
    }
}

fn weights(target: &Target, objective: Objective) -> ArrayD<f32> {
    let [rows, columns] = counted(objective, target.map_size());
    let count = ((rows.1 - rows.0) * (columns.1 - columns.0)).max(1);
    let mut weights = ArrayD::zeros(target.graph.nodes[target.before].shape.clone());
    for y in rows.0..rows.1 {
        for x in columns.0..columns.1 {
            let at = match target.channel_axis {
                1 => [0, target.channel, y, x],
                _ => [0, y, x, target.channel],
            };
            if let Some(weight) = weights.get_mut(&at[..]) {
                *weight = 1.0 / count as f32;
            }
        }
    }
    weights
}
