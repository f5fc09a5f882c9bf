//! What each channel of some layers adds to a score: Grad-CAM's weight of the channel times its activation, summed over its cells.

use crate::backprop::{ReluRule, Tape};
use crate::error::{Error, Result};
use crate::explain::engine::{Engine, Score};
use crate::explain::score::{End, seed};
use ndarray::{ArrayD, Axis};

impl Engine {
    /// For each of the tensors that the engine was made to show, in their order, what each channel adds to a head's logit of a class: α_k · Σ A_k,
    /// with α_k the mean of the logit's gradient over the channel's cells (Selvaraju et al. 2017, equation 1), in the logit's
    /// units. `axes` are the tensors' channel axes.
    ///
    /// # Errors
    /// Operators without a gradient rule anywhere behind the input, all of them listed.
    pub fn contributions(&self, image: &ArrayD<f32>, end: End, axes: &[usize]) -> Result<Vec<Vec<f32>>> {
        let lowered = self.lowered();
        let logits = self.end(end.head, Score::Logit)?;
        let ends = [&[logits], &lowered.others[..]].concat();
        let tape = Tape::forward(&lowered.graph, vec![(lowered.input, image.clone())], &ends)?;
        let shape = tape.value(logits).map(|logits| logits.shape().to_vec()).unwrap_or_default();
        let seed = seed(self.head(end.head)?, &shape, end);
        let gradients = tape.backward(&[(logits, seed)], &lowered.others, ReluRule::Plain)?;
        let of_layer = |((gradient, id), axis): ((ArrayD<f32>, &usize), &usize)| {
            let value = tape.value(*id).ok_or_else(|| Error::other("the tape kept no activation"))?;
            if *axis >= value.ndim() {
                return Err(Error::other("a channel axis that there is not"));
            }
            let channels = gradient.axis_iter(Axis(*axis)).zip(value.axis_iter(Axis(*axis)));
            Ok(channels.map(|(gradient, value)| gradient.mean().unwrap_or(0.0) * value.sum()).collect())
        };
        gradients.into_iter().zip(&lowered.others).zip(axes).map(of_layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::Fixture;
    use ndarray::Array4;

    #[test]
    fn a_linear_tail_adds_what_its_weights_say() {
        // Two channels: the image itself and three times it. Their means are weighed by 2 and −1 into class 0.
        let mut fixture = Fixture::new("x", &[1, 1, 2, 2]);
        fixture.floats("kernel", &[2, 1, 1, 1], &[1.0, 3.0]).node("Conv", &["x", "kernel"], "maps", vec![]);
        fixture.node("GlobalAveragePool", &["maps"], "means", vec![]).node("Flatten", &["means"], "flat", vec![]);
        fixture.floats("dense", &[2, 2], &[2.0, 0.0, -1.0, 1.0]).node("MatMul", &["flat", "dense"], "scores", vec![]);
        let network = fixture.output("scores").load();
        let engine = Engine::new(&network, "maps", &["maps".into()], (2, 2)).unwrap();
        let image = Array4::from_shape_vec((1, 1, 2, 2), vec![1.0, 2.0, 3.0, 6.0]).unwrap().into_dyn();
        // The mean is 3: channel 0 adds 2 · 3, channel 1 takes 9.
        let found = engine.contributions(&image, End::of(0, 0), &[1]).unwrap();
        assert_eq!(found, [[6.0, -9.0]]);
        assert_eq!(engine.contributions(&image, End::of(0, 1), &[1]).unwrap(), [[0.0, 9.0]]);
    }
}
