//! One rule for each operator: its value, and the product of a gradient with its Jacobian.
//!
//! Rules are pure functions of slices, one file a family; this file only says which rule is whose and what of the
//! forward pass it needs.

mod activation;
mod deconv;
mod elementwise;
mod linear;
mod pool;
mod reduce;
mod resize;
mod shape;

use std::sync::Arc;

use crate::backprop::graph::{Node, Op};
use crate::tensor::Real;
use crate::tensor::broadcast::{stretch, sum_to};
use crate::tensor::conv;

/// What a rule keeps besides values: the winners of a maximum.
pub type Winners = Vec<u32>;

/// A value and its shape.
pub struct Operand<'a, T> {
    pub data: Arc<Vec<T>>,
    pub shape: &'a [usize],
}

impl<T: Real> Operand<'_, T> {
    fn view(&self) -> (&[T], &[usize]) {
        (&self.data, self.shape)
    }

    /// The elements to write over; copied only if somebody else still needs them.
    fn take(self) -> Vec<T> {
        Arc::try_unwrap(self.data).unwrap_or_else(|shared| shared.to_vec())
    }
}

/// The value of `node`. Inputs and constants have theirs from outside, and [`Op::Unsupported`] has none.
pub fn forward<T: Real>(node: &Node, mut inputs: Vec<Operand<T>>) -> (Arc<Vec<T>>, Winners) {
    let (op, shape) = (&node.op, &node.shape[..]);
    let mut winners = Winners::new();
    let value = match (op, inputs.as_slice()) {
        (Op::Conv(conv), [x]) => conv::forward(conv, &x.data, shape[0]),
        (Op::Deconv(deconv), [x]) => deconv::forward(deconv, &x.data, shape[0]),
        (Op::MaxPool(window), [x]) => {
            let (value, positions) = pool::max_forward(window, &x.data);
            winners = positions;
            value
        }
        (Op::SumPool(pool), [x]) => pool::sum_forward(pool, &x.data),
        (Op::EinSum(sum), [a, b]) => linear::forward(sum, a.view(), b.view(), shape),
        (Op::Binary(binary), [_, _]) => {
            let (b, a) = (inputs.pop(), inputs.pop());
            let (Some(a), Some(b)) = (a, b) else { return Default::default() };
            let a_shape = a.shape;
            elementwise::forward(*binary, shape, (a.take(), a_shape), b.view())
        }
        (Op::Unary(unary), [_]) => {
            let mut values = inputs.remove(0).take();
            activation::forward(*unary, &mut values);
            values
        }
        (Op::Softmax { axes, log }, [x]) => reduce::softmax_forward(&x.data, shape, axes, *log),
        (Op::Reduce { kind, .. }, [x]) => {
            let (value, positions) = reduce::forward(*kind, &x.data, x.shape, shape);
            winners = positions;
            value
        }
        (Op::Permute(axes), [x]) => shape::permute(&x.data, x.shape, axes),
        (Op::Reshape, [x]) => return (x.data.clone(), winners),
        (Op::Broadcast, [x]) => stretch(&x.data, x.shape, shape),
        (Op::Concat { axis }, inputs) => {
            let inputs: Vec<_> = inputs.iter().map(|x| (&x.data[..], x.shape[*axis])).collect();
            shape::concat(&inputs, shape, *axis)
        }
        (Op::Slice { axis, start }, [x]) => shape::slice(&x.data, x.shape, *axis, *start, shape[*axis]),
        (Op::Pad { before, value }, [x]) => shape::pad(&x.data, x.shape, shape, before, T::from_f64(f64::from(*value))),
        (Op::Resize(resize), [x]) => resize::forward(resize, &x.data, x.shape),
        (Op::Gather { axis, indices }, [x]) => shape::gather(&x.data, x.shape, *axis, indices),
        (Op::Compare(comparison), [a, b]) => elementwise::compare(*comparison, shape, a.view(), b.view()),
        (Op::Select, [condition, a, b]) => elementwise::select(shape, condition.view(), [a.view(), b.view()]),
        (Op::Input | Op::Constant(_) | Op::Unsupported { .. }, _) | (_, _) => Vec::new(),
    };
    (Arc::new(value), winners)
}

/// Whether the gradient for input `wanted` of `op` reads the value of input `slot`.
pub fn needs_input(op: &Op, wanted: usize, slot: usize) -> bool {
    match op {
        Op::Binary(binary) => elementwise::needs(*binary, wanted, slot),
        Op::EinSum(_) => wanted != slot,
        Op::Unary(unary) => activation::needs(*unary) == activation::Needs::Input,
        Op::Reduce { kind, .. } => reduce::needs_input(*kind),
        Op::Select => slot == 0,
        _ => false,
    }
}

/// Whether the gradient of `op` reads its own value.
pub fn needs_output(op: &Op) -> bool {
    match op {
        Op::Unary(unary) => activation::needs(*unary) == activation::Needs::Output,
        Op::Softmax { .. } => true,
        _ => false,
    }
}

/// What [`vjp`] has from the forward pass. Values that were not needed are empty.
pub struct Kept<'a, T> {
    pub inputs: Vec<(&'a [T], &'a [usize])>,
    pub output: &'a [T],
    pub winners: &'a [u32],
}

/// The gradient with respect to input `wanted`, from the `gradient` with respect to the value of `node`.
pub fn vjp<T: Real>(node: &Node, kept: &Kept<T>, wanted: usize, mut gradient: Vec<T>) -> Vec<T> {
    let shape = &node.shape[..];
    let input_shape = kept.inputs[wanted].1;
    match &node.op {
        Op::Conv(conv) => conv::vjp(conv, &gradient, shape[0]),
        Op::Deconv(deconv) => deconv::vjp(deconv, &gradient, shape[0]),
        Op::MaxPool(window) => pool::max_vjp(window, kept.winners, &gradient),
        Op::SumPool(pool) => pool::sum_vjp(pool, &gradient),
        Op::EinSum(sum) => linear::vjp(sum, wanted, kept.inputs[1 - wanted], (&gradient, shape), input_shape),
        Op::Binary(binary) => elementwise::vjp(*binary, shape, kept.inputs[0], kept.inputs[1], wanted, gradient),
        Op::Unary(unary) => {
            let values = if needs_output(&node.op) { kept.output } else { kept.inputs[0].0 };
            activation::vjp(*unary, values, &mut gradient);
            gradient
        }
        Op::Softmax { axes, log } => reduce::softmax_vjp(kept.output, shape, axes, *log, &gradient),
        Op::Reduce { kind, .. } => reduce::vjp(*kind, kept.inputs[0].0, kept.winners, input_shape, shape, &gradient),
        Op::Permute(axes) => shape::permute(&gradient, shape, &shape::inverse(axes)),
        Op::Reshape => gradient,
        Op::Broadcast => sum_to(&gradient, shape, input_shape),
        Op::Concat { axis } => {
            let start = kept.inputs[..wanted].iter().map(|(_, shape)| shape[*axis]).sum();
            shape::slice(&gradient, shape, *axis, start, input_shape[*axis])
        }
        Op::Slice { axis, start } => shape::slice_vjp(&gradient, input_shape, *axis, *start, shape[*axis]),
        Op::Pad { before, .. } => shape::pad_vjp(&gradient, input_shape, shape, before),
        Op::Resize(resize) => resize::vjp(resize, &gradient, input_shape),
        Op::Gather { axis, indices } => shape::gather_vjp(&gradient, input_shape, *axis, indices),
        Op::Select if wanted > 0 => elementwise::select_vjp(shape, kept.inputs[0], wanted - 1, input_shape, gradient),
        Op::Select | Op::Compare(_) | Op::Input | Op::Constant(_) | Op::Unsupported { .. } => {
            vec![T::zero(); input_shape.iter().product()]
        }
    }
}
