//! Lowering of operators that move elements about or leave them as they are.

use tract_onnx::tract_core::internal::{AxisOp, DatumType, IntoTValue, Tensor, TractResult, TypedNode, tvec};
use tract_onnx::tract_core::ops::array::{MultiBroadcastTo, Pad, PadMode, Slice, TypedConcat};
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::nn::Interpolator;
use tract_onnx::tract_core::ops::nn::resize::{AxisPlan, cubic_weights, linear_weights, plan_axis, window_size};
use tract_onnx_opl::resize::{AspectRatio, CoordTransform, Nearest, Resize as TractResize};

use crate::backprop::graph::{Op, Resize, ValueId};
use crate::error::Result;
use crate::model::lower::{Lowering, failed, numbers};

/// tract's names of operators that take elements of their first input to other places, whatever their values.
const MOVERS: [&str; 9] =
    ["Pad", "Tile", "DynTile", "StridedSlice", "DynSlice", "Downsample", "Gather", "GatherNd", "GatherElements"];

impl Lowering<'_> {
    /// Lowers `node` if it moves elements about.
    pub(super) fn movement(&mut self, node: &TypedNode) -> Result<Option<ValueId>> {
        if let Some(op) = node.op_as::<TypedConcat>() {
            let inputs = node.inputs.iter().map(|&input| self.value(input)).collect::<Result<_>>()?;
            return Ok(Some(self.push(&node.name, Op::Concat { axis: op.axis }, inputs, self.shape(node)?)));
        }
        if let Some(op) = node.op_as::<TractResize>() {
            return self.resize(node, op);
        }
        let (Some(&first), Ok(shape)) = (node.inputs.first(), self.shape(node)) else { return Ok(None) };
        let is_float = |dt: DatumType| dt.is_float();
        if let Some(op) = node.op_as::<Cast>() {
            // Rounding to integers has no derivative; between other types the numbers stay what they are.
            if self.input_type(node, 0).is_some_and(is_float) && !is_float(op.to) {
                return Ok(None);
            }
            let x = self.value(first)?;
            return Ok(Some(self.push(&node.name, Op::Reshape, vec![x], shape)));
        }
        let op = if let Some(op) = node.op_as::<AxisOp>() {
            match op {
                AxisOp::Move(from, to) => {
                    let mut axes: Vec<usize> = (0..shape.len()).collect();
                    let axis = axes.remove(*from);
                    axes.insert(*to, axis);
                    Op::Permute(axes)
                }
                AxisOp::Add(_) | AxisOp::Rm(_) | AxisOp::Reshape(..) => Op::Reshape,
            }
        } else if node.op_is::<MultiBroadcastTo>() {
            let x = self.value(first)?;
            let narrow = &self.nodes[x].shape;
            let narrow = [&vec![1; shape.len().saturating_sub(narrow.len())], &narrow[..]].concat();
            let x = self.push_reshape(&node.name, x, narrow);
            return Ok(Some(self.push(&node.name, Op::Broadcast, vec![x], shape)));
        } else if let Some(Slice { axis, start, .. }) = node.op_as::<Slice>() {
            let start = start.to_i64().map_err(|cause| failed(node)(cause.into()))?;
            Op::Slice { axis: *axis, start: start as usize }
        } else if let Some(Pad { pads, mode: PadMode::Constant(value) }) = node.op_as::<Pad>() {
            let value = numbers(value).map_err(failed(node))?.first().copied().unwrap_or(0.0);
            Op::Pad { before: pads.iter().map(|pad| pad.0).collect(), value }
        } else if matches!(&*node.op.name(), "Identity" | "Dropout") {
            Op::Reshape
        } else if MOVERS.contains(&&*node.op.name()) {
            return self.mover(node);
        } else {
            return Ok(None);
        };
        let x = self.value(first)?;
        Ok(Some(self.push(&node.name, op, vec![x], shape)))
    }

    /// An operator that moves elements shows where to, by moving the numbers 0, 1, 2, …
    fn mover(&mut self, node: &TypedNode) -> Result<Option<ValueId>> {
        let x = self.value(node.inputs[0])?;
        let shape = self.nodes[x].shape.clone();
        let count = self.nodes[x].len();
        let index: Vec<i64> = (0..count as i64).collect();
        let index = Tensor::from_shape(&shape, &index).map_err(failed(node))?;
        let mut inputs = tvec!(index.into_tvalue());
        for slot in 1..node.inputs.len() {
            let Some(constant) = self.constant(node, slot) else { return Ok(None) };
            inputs.push(constant.clone().into_tvalue());
        }
        let Some(moved) = node.op.eval_out_of_plan(inputs).map_err(failed(node))? else { return Ok(None) };
        let Some(moved) = moved.first() else { return Ok(None) };
        let moved = moved.cast_to::<i64>().map_err(failed(node))?;
        let sources: Vec<usize> =
            moved.to_plain_array_view::<i64>().map_err(failed(node))?.iter().map(|&i| i as usize).collect();
        if sources.iter().any(|&source| source >= count) {
            return Ok(None);
        }
        let block = block_length(&sources, count);
        let indices: Vec<usize> = sources.iter().step_by(block).map(|source| source / block).collect();
        let blocks = self.push_reshape(&node.name, x, vec![count / block, block]);
        let moved_shape = vec![indices.len(), block];
        let moved = self.push(&node.name, Op::Gather { axis: 0, indices }, vec![blocks], moved_shape);
        Ok(Some(self.push_reshape(&node.name, moved, self.shape(node)?)))
    }

    /// Resizing, one axis after the other as tract does it.
    fn resize(&mut self, node: &TypedNode, op: &TractResize) -> Result<Option<ValueId>> {
        let mut x = self.value(node.inputs[0])?;
        let (from, to) = (self.nodes[x].shape.clone(), self.shape(node)?);
        let given = op.optional_scales_input.and_then(|slot| self.constant(node, slot));
        let given = given.map(|given| numbers(given)).transpose().map_err(failed(node))?;
        let Some(scales) = scales(op, &from, &to, given.as_deref()).map_err(failed(node))? else { return Ok(None) };
        let mut shape = from.clone();
        for axis in 0..shape.len() {
            if from[axis] == to[axis] && scales[axis] == 1.0 {
                continue;
            }
            let Some(plan) = axis_plan(op, scales[axis], from[axis], to[axis]) else { return Ok(None) };
            let AxisPlan { window: taps, indices: sources, weights, .. } = plan;
            shape[axis] = to[axis];
            x = self.push(&node.name, Op::Resize(Resize { axis, taps, sources, weights }), vec![x], shape.clone());
        }
        Ok(Some(x))
    }
}

/// Output length over input length of each axis of a resizing, as `given` or as the shapes say; `None` where tract takes one scale
/// for all axes.
pub(in crate::model) fn scales(
    op: &TractResize,
    from: &[usize],
    to: &[usize],
    given: Option<&[f32]>,
) -> TractResult<Option<Vec<f32>>> {
    let axes = op.resized_axes(from.len())?;
    let mut scales: Vec<f32> = from.iter().zip(to).map(|(&from, &to)| to as f32 / from as f32).collect();
    match given {
        Some(given) if given.len() == axes.len() => {
            axes.iter().zip(given).for_each(|(&axis, &scale)| scales[axis] = scale);
        }
        _ if op.keep_aspect_ratio_policy != AspectRatio::Stretch => return Ok(None),
        _ => {}
    }
    Ok(Some(scales))
}

/// Which inputs each output takes along one axis, and with which weights; `None` for regions of interest.
pub(in crate::model) fn axis_plan(op: &TractResize, scale: f32, length: usize, target: usize) -> Option<AxisPlan> {
    let CoordTransform::Plain(transform) = &op.coord_transformer else { return None };
    let position = |o| Some(transform.transform(o, scale, length, target));
    let taps = window_size(&op.interpolator, op.antialias, scale);
    Some(plan_axis(length, target, taps, op.exclude_outside, position, |offset, weights| match op.interpolator {
        Interpolator::Linear => linear_weights(offset, scale, op.antialias, weights),
        Interpolator::Cubic => cubic_weights(offset, scale, op.cubic_coeff_a(), op.antialias, weights),
        Interpolator::Nearest => nearest_weights(op.nearest, offset, weights),
    }))
}

/// All weight on one of two neighbours; `offset` in (0, 1] is the position between them.
fn nearest_weights(nearest: Nearest, offset: f32, weights: &mut [f32]) {
    let right = match nearest {
        Nearest::Floor => false,
        Nearest::Ceil => true,
        Nearest::RoundPreferFloor => offset > 0.5,
        Nearest::RoundPreferCeil => offset >= 0.5,
    };
    weights.copy_from_slice(if right || offset == 1.0 { &[0.0, 1.0] } else { &[1.0, 0.0] });
}

/// The largest number of elements that always move together: runs of consecutive sources that start at a multiple of
/// their length. Divides both counts.
fn block_length(sources: &[usize], count: usize) -> usize {
    let mut block = gcd(sources.len(), count).max(1);
    let mut run = 0;
    for (i, &source) in sources.iter().enumerate() {
        run = if i > 0 && source == sources[i - 1] + 1 { run + 1 } else { 0 };
        if run == 0 {
            block = gcd(block, gcd(i, source)).max(1);
        }
    }
    block
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_that_move_together_are_one_block() {
        assert_eq!(block_length(&[4, 5, 6, 7, 0, 1, 2, 3], 8), 4);
        assert_eq!(block_length(&[2, 3, 6, 7], 12), 2);
        assert_eq!(block_length(&[1, 2, 3, 4], 12), 1);
        assert_eq!(block_length(&[0, 0, 0], 3), 1);
        assert_eq!(block_length(&[], 3), 3);
    }
}
