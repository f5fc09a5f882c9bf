//! A network lowered to the gradient graph, with the places in it from which and to which gradients are taken.

use crate::backprop::graph::{Graph, ValueId};
use crate::error::{Error, Result};
use crate::model::Network;
use crate::tensor::Real;
use ndarray::{ArrayD, Axis};

/// The gradient graph of a network and where in it its input, the target, and the ends of each head are.
pub struct Lowered {
    /// The operators, with the network's own weights.
    pub graph: Graph,
    /// The image.
    pub input: ValueId,
    /// The value that heatmaps explain, with its channels first.
    pub target: ValueId,
    /// The logits of each head.
    pub logits: Vec<ValueId>,
    /// The output of each head, behind a final softmax or sigmoid.
    pub outputs: Vec<ValueId>,
    /// The further values that were asked for, in their order.
    pub others: Vec<ValueId>,
    /// Images at once: more than were asked for where the network takes no fewer.
    pub batch: usize,
}

impl Lowered {
    /// Lowers a network for batches of `batch` images (a network of a fixed batch for that many instead of one) of `size` (height, width); `target` is a value's name, `others` are
    /// those of further values.
    ///
    /// # Errors
    /// Unknown values, or a graph that cannot be typed.
    pub fn new(
        network: &Network,
        target: &str,
        others: &[&str],
        batch: usize,
        size: (usize, usize),
    ) -> Result<Lowered> {
        let heads = network.heads();
        let batch = if batch == 1 { network.fixed_batch().unwrap_or(1) } else { batch };
        let target = network.channels_first(target);
        let mut taps = vec![target.as_str()];
        taps.extend(heads.iter().map(|head| head.logits.as_str()));
        taps.extend(heads.iter().map(|head| head.name.as_str()));
        taps.extend(others);
        let graph = network.graph(&taps, batch, Some(size))?;
        if graph.outputs.len() != taps.len() {
            return Err(Error::other("a tap was lost in lowering"));
        }
        let constant = || Error::input(format!("{}: its scores do not depend on the image", network.file().display()));
        let input = *graph.inputs.first().ok_or_else(constant)?;
        let (first, others) = graph.outputs.split_at(1 + 2 * heads.len());
        let (logits, outputs) = first[1..].split_at(heads.len());
        let (target, logits, outputs, others) = (first[0], logits.to_vec(), outputs.to_vec(), others.to_vec());
        Ok(Lowered { graph, input, target, logits, outputs, others, batch })
    }

    /// A value of one image as often as the network takes images at once.
    pub fn repeated<T: Clone>(&self, value: &ArrayD<T>) -> Result<ArrayD<T>> {
        if self.batch == 1 || value.shape().first() != Some(&1) {
            return Ok(value.clone());
        }
        let rows = vec![value.view(); self.batch];
        ndarray::concatenate(Axis(0), &rows).map_err(|cause| Error::other(format!("a batch of one image: {cause}")))
    }

    /// The gradient of one image from those of its repetitions: each has its part of a score that is averaged over all.
    pub fn summed<T: Real>(&self, gradient: ArrayD<T>) -> ArrayD<T> {
        if self.batch == 1 { gradient } else { gradient.sum_axis(Axis(0)).insert_axis(Axis(0)) }
    }
}
