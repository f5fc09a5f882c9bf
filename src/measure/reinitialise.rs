//! New random weights of the family a network's training starts from, for the random-weights control (Adebayo et al.
//! 2018, 1810.03292).
//!
//! A re-initialised copy is the network as it stood before its first step of training, in Keras's defaults: kernels
//! Glorot uniform, biases 0, batch normalisation with γ 1, β 0, moving mean 0 and moving variance 1. The trained mean
//! and variance are not kept, for they describe the outputs of the trained kernels and would shift those of new ones;
//! they are not measured anew either, for a fresh network has not seen data. So a batch normalisation that is a scale
//! and a shift gets scale 1/√(1 + ε) and shift 0.

use crate::random::Random;
use ndarray::{ArrayD, IxDyn};

/// How many values go into, and how many come out of, one unit of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fans {
    pub input: usize,
    pub output: usize,
}

impl Fans {
    /// Of a convolution's kernel [output channels, input channels per group, spatial axes …]: channels times the
    /// kernel's area, as Keras counts them.
    pub fn convolution(shape: &[usize]) -> Fans {
        let area: usize = shape.iter().skip(2).product();
        let channels = |axis: usize| shape.get(axis).copied().unwrap_or(1);
        Fans { input: channels(1) * area, output: channels(0) * area }
    }

    /// The bound √(6 / (input + output)) of Glorot's uniform distribution (Glorot and Bengio 2010), whose variance is 2
    /// / (input + output).
    pub fn glorot_limit(&self) -> f64 {
        (6.0 / (self.input + self.output).max(1) as f64).sqrt()
    }
}

/// Weights drawn uniformly from ± [`Fans::glorot_limit`], in the array's own order; `seed` numbers the copy, `stream`
/// the layer.
pub fn glorot_uniform(shape: &[usize], fans: Fans, seed: u64, stream: u64) -> ArrayD<f32> {
    let limit = fans.glorot_limit() as f32;
    let mut random = Random::new(seed, stream);
    ArrayD::from_shape_simple_fn(IxDyn(shape), || limit * (2.0 * random.uniform_f32() - 1.0))
}

/// Scale and shift of a batch normalisation that has seen nothing: x / √(1 + ε).
pub fn fresh_batch_normalization(epsilon: f64) -> (f32, f32) {
    ((1.0 / (1.0 + epsilon.max(0.0)).sqrt()) as f32, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_are_keras_s() {
        assert_eq!(Fans::convolution(&[32, 3, 7, 7]), Fans { input: 147, output: 1568 });
        assert_eq!(Fans::convolution(&[10, 20]), Fans { input: 20, output: 10 });
        assert_eq!(Fans::convolution(&[]), Fans { input: 1, output: 1 });
        assert_eq!(Fans { input: 1, output: 5 }.glorot_limit(), 1.0);
    }

    #[test]
    fn weights_have_the_family_s_range_and_variance() {
        let shape = [64, 16, 3, 3];
        let fans = Fans::convolution(&shape);
        let weights = glorot_uniform(&shape, fans, 1, 0);
        assert_eq!(weights.shape(), &shape);
        let (mean, n) = (weights.mean().unwrap(), weights.len() as f32);
        let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f32>() / n;
        let expected = 2.0 / (fans.input + fans.output) as f32;
        assert!(mean.abs() < 0.002 && (variance / expected - 1.0).abs() < 0.05, "{mean} {variance} {expected}");
        assert!(weights.iter().all(|w| f64::from(w.abs()) <= fans.glorot_limit() * (1.0 + 1e-7)));
        assert_eq!(weights, glorot_uniform(&shape, fans, 1, 0));
        assert_ne!(weights, glorot_uniform(&shape, fans, 2, 0));
        assert_ne!(weights, glorot_uniform(&shape, fans, 1, 1));
    }

    #[test]
    fn a_fresh_batch_normalization_hardly_scales() {
        assert_eq!(fresh_batch_normalization(0.0), (1.0, 0.0));
        assert!((fresh_batch_normalization(1e-3).0 - 0.9995).abs() < 1e-5);
    }
}
