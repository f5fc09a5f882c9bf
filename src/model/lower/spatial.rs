//! Lowering of convolutions and pooling: always to channels first, with the padding worked out.

use std::sync::Arc;

use tract_onnx::tract_core::internal::{Tensor, TractResult, TypedNode};
use tract_onnx::tract_core::ops::cnn::{
    Conv as TractConv, Deconv as TractDeconv, MaxPool, PoolSpec, SumPool as TractSumPool,
};
use tract_onnx::tract_core::ops::nn::DataFormat;

use crate::backprop::graph::{Conv, Deconv, Divisor, Op, SumPool, ValueId};
use crate::error::Result;
use crate::model::lower::{Lowering, failed, numbers};
use crate::tensor::window::{Axis, Window};

impl Lowering<'_> {
    /// Lowers `node` if it is a convolution or pooling over at most three axes, with constant weights.
    pub(super) fn spatial(&mut self, node: &TypedNode) -> Result<Option<ValueId>> {
        if !node.outputs.first().is_some_and(|output| output.fact.datum_type.is_float()) {
            return Ok(None);
        }
        if let Some(op) = node.op_as::<TractConv>() {
            return self.conv(node, op);
        }
        if let Some(op) = node.op_as::<TractDeconv>() {
            return self.deconv(node, op);
        }
        let (spec, pool): (_, &dyn Fn(Window) -> Op) = if let Some(op) = node.op_as::<MaxPool>() {
            (&op.pool_spec, &Op::MaxPool)
        } else if let Some(op) = node.op_as::<TractSumPool>() {
            let divisor = match (op.normalize, op.count_include_pad) {
                (false, _) => Divisor::One,
                (true, false) => Divisor::Inside,
                (true, true) => Divisor::Padded,
            };
            (&op.pool_spec, &move |window| Op::SumPool(SumPool { window, divisor }))
        } else {
            return Ok(None);
        };
        let x = self.channels_first(node, spec)?;
        let Some(window) = window(spec, &self.nodes[x].shape[2..]) else { return Ok(None) };
        self.spatial_output(node, spec, pool(window), x, spec.output_channels).map(Some)
    }

    fn conv(&mut self, node: &TypedNode, op: &TractConv) -> Result<Option<ValueId>> {
        let (Some(kernel), Some(bias)) = (self.constant(node, 1).cloned(), self.constant(node, 2).cloned()) else {
            return Ok(None);
        };
        let x = self.channels_first(node, &op.pool_spec)?;
        let conv = convolution(op, &kernel, &bias, &self.nodes[x].shape[2..]).map_err(failed(node))?;
        let Some(conv) = conv else { return Ok(None) };
        self.spatial_output(node, &op.pool_spec, Op::Conv(conv), x, op.output_channels()).map(Some)
    }

    fn deconv(&mut self, node: &TypedNode, op: &TractDeconv) -> Result<Option<ValueId>> {
        let spec = &op.pool_spec;
        let (Some(kernel), Some(bias)) = (self.constant(node, 1).cloned(), self.constant(node, 2)) else {
            return Ok(None);
        };
        let Some(bias) = per_channel(bias, spec.output_channels).map_err(failed(node))? else { return Ok(None) };
        // tract has [group, output, input, taps]; the convolution this transposes goes from our outputs to our inputs.
        let kernel = op.kernel_format.kernel_as_group_o_i_hw(&kernel, op.group).map_err(failed(node))?;
        let kernel: Tensor = kernel.move_axis(1, 2).map_err(failed(node))?;
        let x = self.channels_first(node, spec)?;
        let padded = spec
            .padding
            .compute_for_deconv(
                &self.nodes[x].shape[2..],
                &spec.kernel_shape,
                &spec.dilations(),
                &spec.strides(),
                &op.adjustments,
            )
            .map_err(failed(node))?;
        let axes = padded
            .iter()
            .enumerate()
            .map(|(i, dim)| axis(spec, i, (dim.deconvoluted, dim.convoluted), (dim.pad_before, dim.pad_after)));
        let Some(window) = Window::new(&axes.collect::<Vec<_>>()) else { return Ok(None) };
        let conv = Conv {
            window,
            groups: op.group,
            inputs: spec.output_channels,
            outputs: spec.input_channels,
            kernel: Arc::new(numbers(&kernel).map_err(failed(node))?),
            bias: None,
        };
        let bias = nonzero(bias);
        self.spatial_output(node, spec, Op::Deconv(Deconv { conv, bias }), x, spec.output_channels).map(Some)
    }

    /// The first input as [N, C, spatial…].
    fn channels_first(&mut self, node: &TypedNode, spec: &PoolSpec) -> Result<ValueId> {
        let mut x = self.value(node.inputs[0])?;
        if !spec.data_format.has_n() {
            let shape = [&[1], &self.nodes[x].shape[..]].concat();
            x = self.push_reshape(&node.name, x, shape);
        }
        if !spec.data_format.c_is_last() {
            return Ok(x);
        }
        let shape = &self.nodes[x].shape;
        let last = shape.len() - 1;
        let axes: Vec<usize> = [0, last].into_iter().chain(1..last).collect();
        let shape = axes.iter().map(|&axis| shape[axis]).collect();
        Ok(self.push(&node.name, Op::Permute(axes), vec![x], shape))
    }

    /// Adds the operator on a channels-first value and undoes [`Self::channels_first`] behind it.
    fn spatial_output(
        &mut self,
        node: &TypedNode,
        spec: &PoolSpec,
        op: Op,
        x: ValueId,
        channels: usize,
    ) -> Result<ValueId> {
        let shape = self.shape(node)?;
        let spatial = match spec.data_format {
            DataFormat::NCHW => &shape[2..],
            DataFormat::CHW => &shape[1..],
            DataFormat::NHWC => &shape[1..shape.len() - 1],
            DataFormat::HWC => &shape[..shape.len() - 1],
        };
        let first = [&[self.nodes[x].shape[0], channels], spatial].concat();
        let mut y = self.push(&node.name, op, vec![x], first.clone());
        if spec.data_format.c_is_last() {
            let axes: Vec<usize> = std::iter::once(0).chain(2..first.len()).chain([1]).collect();
            let shape = axes.iter().map(|&axis| first[axis]).collect();
            y = self.push(&node.name, Op::Permute(axes), vec![y], shape);
        }
        Ok(self.push_reshape(&node.name, y, shape))
    }
}

/// tract's convolution over an image of this spatial shape as ours; `None` for quantised arithmetic, more than three axes, or a bias of
/// another length.
pub(in crate::model) fn convolution(
    op: &TractConv,
    kernel: &Tensor,
    bias: &Tensor,
    spatial: &[usize],
) -> TractResult<Option<Conv>> {
    let (Some(window), Some(bias)) = (window(&op.pool_spec, spatial), per_channel(bias, op.output_channels())?) else {
        return Ok(None);
    };
    if op.q_params.is_some() {
        return Ok(None);
    }
    let kernel = op.kernel_fmt.kernel_as_group_o_i_hw(kernel, op.group)?;
    Ok(Some(Conv {
        window,
        groups: op.group,
        inputs: op.input_channels(),
        outputs: op.output_channels(),
        kernel: Arc::new(numbers(&kernel)?),
        bias: nonzero(bias),
    }))
}

/// One number for each output channel, from as many or from a single one.
fn per_channel(bias: &Tensor, channels: usize) -> TractResult<Option<Vec<f32>>> {
    let bias = numbers(bias)?;
    Ok(match bias.len() {
        1 => Some(vec![bias[0]; channels]),
        n => (n == channels).then_some(bias),
    })
}

/// A bias that does something.
fn nonzero(bias: Vec<f32>) -> Option<Arc<Vec<f32>>> {
    bias.iter().any(|&b| b != 0.0).then(|| Arc::new(bias))
}

/// The window over an image of this spatial shape; `None` for more than three axes.
fn window(spec: &PoolSpec, spatial: &[usize]) -> Option<Window> {
    let padded = spec.computed_padding(spatial);
    let axes = padded
        .iter()
        .enumerate()
        .map(|(i, dim)| axis(spec, i, (spatial[i], dim.convoluted), (dim.pad_before, dim.pad_after)));
    Window::new(&axes.collect::<Vec<_>>())
}

/// One axis of a window that leads from an image of length `input` to one of length `output`.
fn axis(spec: &PoolSpec, i: usize, (input, output): (usize, usize), (before, after): (usize, usize)) -> Axis {
    let (kernel, stride, dilation) = (spec.kernel_shape[i], spec.stride(i), spec.dilation(i));
    Axis { input, output, kernel, stride, dilation, before, after }
}
