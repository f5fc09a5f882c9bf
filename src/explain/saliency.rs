//! Saliency maps of one input: the gradient of a head's logit with respect to the input.

use crate::backprop::ReluRule;
use crate::error::{Error, Result};
use crate::explain::engine::Engine;
use crate::explain::score::End;
use crate::input::image::Layout;
use crate::visualize::saliency::{Method, integrated_gradients, smooth_grad, strongest_channel};
use ndarray::{Array2, ArrayD, Axis};

/// Noisy copies that SmoothGrad averages; a middle value of its paper.
pub const SAMPLES: usize = 25;
/// Deviation of SmoothGrad's noise as a share of the input's range; a middle value of its paper.
pub const NOISE: f64 = 0.15;
/// Steps of the midpoint rule along the path of integrated gradients, which begins at an input of zeros.
pub const STEPS: usize = 64;

/// How a saliency map is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saliency {
    pub method: Method,
    /// The layout of the network's input.
    pub layout: Layout,
    /// The seed of SmoothGrad's noise.
    pub seed: u64,
}

impl Saliency {
    /// The map of one score: the strongest channel's magnitude at each pixel, [h, w].
    ///
    /// # Errors
    /// Operators without a rule between the input and the head, all of them listed.
    pub fn map(&self, engine: &Engine, input: &ArrayD<f32>, end: End) -> Result<Array2<f32>> {
        let at = |x: &ArrayD<f32>| engine.input_gradient(x, end, ReluRule::Plain);
        let gradient = match self.method {
            Method::Gradient => at(input)?.1,
            Method::GuidedBackprop => engine.input_gradient(input, end, ReluRule::Guided)?.1,
            Method::SmoothGrad => smooth_grad(&at, input, SAMPLES, NOISE, self.seed)?,
            Method::IntegratedGradients => integrated_gradients(&at, input, &ArrayD::zeros(input.raw_dim()), STEPS)?,
        };
        let wrong = || Error::other(format!("an input gradient of shape {:?} is no image", gradient.shape()));
        let image = gradient.index_axis(Axis(0), 0).into_dimensionality::<ndarray::Ix3>().map_err(|_| wrong())?;
        Ok(match self.layout {
            Layout::Nhwc => strongest_channel(image),
            Layout::Nchw => strongest_channel(image.permuted_axes([1, 2, 0])),
        })
    }
}
