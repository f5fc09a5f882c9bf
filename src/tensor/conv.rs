//! Convolution and its transposed map. Linear in the input: neither needs anything from the forward pass.

use std::ops::Range;
use std::sync::Arc;

use crate::tensor::Real;
use crate::tensor::gemm::{Matrix, gemm};
use crate::tensor::im2col::{col2im, im2col, line_count, line_start};
use crate::tensor::window::Window;

/// A convolution with fixed weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Kernel, strides, dilations and paddings.
    pub window: Window,
    /// Groups that the channels are divided into.
    pub groups: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// [outputs, inputs / groups, kernel…], row-major.
    pub kernel: Arc<Vec<f32>>,
    /// One for each output channel.
    pub bias: Option<Arc<Vec<f32>>>,
}

/// Elements of the column matrix that are built at a time: small enough to stay in the cache between im2col and the
/// product, large enough that packing the kernel for each block does not count.
const BLOCK: usize = 1 << 18;

/// y = kernel ⋆ x + bias. `x` is [batch, inputs, spatial…].
pub fn forward<T: Real>(conv: &Conv, x: &[T], batch: usize) -> Vec<T> {
    let (planes_in, planes_out) = (conv.window.input_len(), conv.window.output_len());
    let mut y = vec![T::zero(); batch * conv.outputs * planes_out];
    add_bias(&mut y, conv.bias.as_ref(), planes_out);
    let kernel = T::weights(&conv.kernel);
    for image in 0..batch {
        let x = &x[image * conv.inputs * planes_in..][..conv.inputs * planes_in];
        let y = &mut y[image * conv.outputs * planes_out..][..conv.outputs * planes_out];
        if conv.is_depthwise() {
            depthwise(conv, &kernel, x, y);
        } else {
            for group in 0..conv.groups {
                let part = Group::new(conv, &kernel, group);
                part.forward(conv, &x[part.inputs(planes_in)], &mut y[part.outputs(planes_out)]);
            }
        }
    }
    y
}

/// The gradient with respect to `x`, from the gradient with respect to y.
pub fn vjp<T: Real>(conv: &Conv, gradient: &[T], batch: usize) -> Vec<T> {
    let (planes_in, planes_out) = (conv.window.input_len(), conv.window.output_len());
    let mut x = vec![T::zero(); batch * conv.inputs * planes_in];
    let kernel = T::weights(&conv.kernel);
    for image in 0..batch {
        let y = &gradient[image * conv.outputs * planes_out..][..conv.outputs * planes_out];
        let x = &mut x[image * conv.inputs * planes_in..][..conv.inputs * planes_in];
        if conv.is_depthwise() {
            depthwise_vjp(conv, &kernel, y, x);
        } else {
            for group in 0..conv.groups {
                let part = Group::new(conv, &kernel, group);
                part.vjp(conv, &y[part.outputs(planes_out)], &mut x[part.inputs(planes_in)]);
            }
        }
    }
    x
}

/// Adds to each plane of `y` the bias of its channel, if there is any.
pub fn add_bias<T: Real>(y: &mut [T], bias: Option<&Arc<Vec<f32>>>, plane: usize) {
    let Some(bias) = bias else { return };
    for (plane, &bias) in y.chunks_exact_mut(plane.max(1)).zip(bias.iter().cycle()) {
        let bias = T::from_f64(f64::from(bias));
        plane.iter_mut().for_each(|y| *y += bias);
    }
}

impl Conv {
    /// One input channel a group: too little work for a matrix product.
    fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.inputs == self.groups
    }
}

/// The channels of one group and their part of the kernel, a matrix [outputs, inputs · taps].
struct Group<'a, T> {
    index: usize,
    inputs: usize,
    outputs: usize,
    kernel: Matrix<&'a [T]>,
}

impl<'a, T: Real> Group<'a, T> {
    fn new(conv: &Conv, kernel: &'a [T], index: usize) -> Group<'a, T> {
        let (inputs, outputs) = (conv.inputs / conv.groups, conv.outputs / conv.groups);
        let columns = inputs * conv.window.kernel_len();
        let kernel = Matrix::row_major(&kernel[index * outputs * columns..][..outputs * columns], outputs, columns);
        Group { index, inputs, outputs, kernel }
    }

    fn inputs(&self, plane: usize) -> Range<usize> {
        self.index * self.inputs * plane..(self.index + 1) * self.inputs * plane
    }

    fn outputs(&self, plane: usize) -> Range<usize> {
        self.index * self.outputs * plane..(self.index + 1) * self.outputs * plane
    }

    /// Adds the group's convolution to `y`.
    fn forward(&self, conv: &Conv, x: &[T], y: &mut [T]) {
        let positions = conv.window.output_len();
        if conv.window.is_pointwise() {
            let (y, x) = (Matrix::row_major(y, self.outputs, positions), Matrix::row_major(x, self.inputs, positions));
            return gemm(y, self.kernel, x, true);
        }
        self.for_each_block(conv, |lines, columns, block| {
            im2col(x, self.inputs, &conv.window, lines, columns);
            let columns = Matrix::row_major(&*columns, self.kernel.columns, block.len());
            let y = Matrix::with_row_stride(&mut y[block.start..], self.outputs, block.len(), positions);
            gemm(y, self.kernel, columns, true);
        });
    }

    /// Adds the group's gradient to `x`.
    fn vjp(&self, conv: &Conv, y: &[T], x: &mut [T]) {
        let positions = conv.window.output_len();
        if conv.window.is_pointwise() {
            let (x, y) = (Matrix::row_major(x, self.inputs, positions), Matrix::row_major(y, self.outputs, positions));
            return gemm(x, self.kernel.transposed(), y, true);
        }
        self.for_each_block(conv, |lines, columns, block| {
            let y = Matrix::with_row_stride(&y[block.start..], self.outputs, block.len(), positions);
            gemm(
                Matrix::row_major(&mut *columns, self.kernel.columns, block.len()),
                self.kernel.transposed(),
                y,
                false,
            );
            col2im(columns, self.inputs, &conv.window, lines, x);
        });
    }

    /// Calls `visit(lines, room for their columns, their output positions)` for each block of output lines.
    fn for_each_block(&self, conv: &Conv, mut visit: impl FnMut(Range<usize>, &mut [T], Range<usize>)) {
        let (lines, width) = (line_count(&conv.window), conv.window.axes[2].output);
        let line_len = (self.kernel.columns * width).max(1);
        let step = (BLOCK / line_len).clamp(1, lines.max(1));
        let mut columns = vec![T::zero(); step * line_len];
        for start in (0..lines).step_by(step) {
            let end = (start + step).min(lines);
            visit(start..end, &mut columns[..(end - start) * line_len], start * width..end * width);
        }
    }
}

/// Adds a convolution with one input channel a group to `y`, line by line.
fn depthwise<T: Real>(conv: &Conv, kernel: &[T], x: &[T], y: &mut [T]) {
    for_each_depthwise_run(conv, |tap, input, output| {
        let weight = kernel[tap];
        let (x, y) = (&x[input.start..], &mut y[output]);
        match input.stride {
            1 => y.iter_mut().zip(x).for_each(|(y, &x)| *y += weight * x),
            stride => y.iter_mut().zip(x.iter().step_by(stride)).for_each(|(y, &x)| *y += weight * x),
        }
    });
}

/// Adds the gradient of [`depthwise`] to `x`.
fn depthwise_vjp<T: Real>(conv: &Conv, kernel: &[T], y: &[T], x: &mut [T]) {
    for_each_depthwise_run(conv, |tap, input, output| {
        let weight = kernel[tap];
        let (x, y) = (&mut x[input.start..], &y[output]);
        match input.stride {
            1 => x.iter_mut().zip(y).for_each(|(x, &y)| *x += weight * y),
            stride => x.iter_mut().step_by(stride).zip(y).for_each(|(x, &y)| *x += weight * y),
        }
    });
}

/// Where a run of output positions reads its input.
struct Run {
    start: usize,
    stride: usize,
}

/// Calls `visit(index into the kernel, input run, output positions)` for every output line and tap.
fn for_each_depthwise_run(conv: &Conv, mut visit: impl FnMut(usize, Run, Range<usize>)) {
    let window = &conv.window;
    let [depth, height, width] = &window.axes;
    let (planes_in, planes_out, taps) = (window.input_len(), window.output_len(), window.kernel_len());
    let per_input = conv.outputs / conv.groups;
    for channel in 0..conv.outputs {
        let input = channel / per_input * planes_in;
        for line in 0..line_count(window) {
            let output = channel * planes_out + line * width.output;
            for kd in depth.taps(line / height.output) {
                for kh in height.taps(line % height.output) {
                    for kw in 0..width.kernel {
                        let run = width.outputs(kw);
                        let Some(start) = line_start(window, line, [kd, kh, kw], &run) else { continue };
                        let tap = channel * taps + (kd * height.kernel + kh) * width.kernel + kw;
                        let source = Run { start: input + start, stride: width.stride };
                        visit(tap, source, output + run.start..output + run.end);
                    }
                }
            }
        }
    }
}
