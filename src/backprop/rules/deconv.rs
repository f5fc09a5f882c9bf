//! The transposed convolution: the gradient rule of the convolution it undoes, and a bias.

use crate::backprop::graph::Deconv;
use crate::tensor::Real;
use crate::tensor::conv::{self, add_bias};

/// y = kernelᵀ ⋆ x + bias. `x` is [batch, inputs, spatial…].
pub fn forward<T: Real>(deconv: &Deconv, x: &[T], batch: usize) -> Vec<T> {
    let mut y = conv::vjp(&deconv.conv, x, batch);
    add_bias(&mut y, deconv.bias.as_ref(), deconv.conv.window.input_len());
    y
}

/// The gradient of the transposed convolution is the convolution.
pub fn vjp<T: Real>(deconv: &Deconv, gradient: &[T], batch: usize) -> Vec<T> {
    conv::forward(&deconv.conv, gradient, batch)
}
