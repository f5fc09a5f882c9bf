//! Resizing in double precision, which tract has in single only: a product with the matrix of weights, one axis after the other.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::nn::resize::AxisPlan;
use tract_onnx_opl::resize::Resize;

use crate::model::lower::movement::{axis_plan, scales};
use crate::model::lower::numbers;

/// Axes have letters in the formula of a product.
const LETTERS: [char; 8] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/// Adds the products to `target` in place of a resizing node of the model `whole`, with `x` as its input.
pub(crate) fn resample(
    op: &Resize,
    (whole, node): (&TypedModel, &TypedNode),
    target: &mut TypedModel,
    x: OutletId,
) -> TractResult<TVec<OutletId>> {
    let shape = |fact: &TypedFact| {
        fact.shape.as_concrete().map(<[usize]>::to_vec).ok_or_else(|| TractError::msg("a shape is open"))
    };
    let from = shape(target.outlet_fact(x)?)?;
    let to = shape(&node.outputs[0].fact)?;
    let given = op.optional_scales_input.and_then(|slot| node.inputs.get(slot));
    let given = given.and_then(|outlet| whole.outlet_fact(*outlet).ok()?.konst.clone());
    let given = given.map(|given| numbers(&given)).transpose()?;
    let missing = || TractError::msg("a resizing that has no other form");
    let scales = scales(op, &from, &to, given.as_deref())?.ok_or_else(missing)?;
    let mut x = x;
    for (axis, letter) in LETTERS.iter().enumerate().take(from.len()) {
        if from[axis] == to[axis] && scales[axis] == 1.0 {
            continue;
        }
        let plan = axis_plan(op, scales[axis], from[axis], to[axis]).ok_or_else(missing)?;
        let weights = matrix(&plan, from[axis], to[axis])?;
        let weights = target.add_const(format!("{}.weights_{axis}", node.name), weights)?;
        let all: String = LETTERS[..from.len()].iter().collect();
        let formula = format!("{all},z{letter}->{}", all.replace(*letter, "z"));
        let product = EinSum::new(formula.parse()?, f64::datum_type());
        x = target.wire_node(format!("{}.resized_{axis}", node.name), product, &[x, weights])?[0];
    }
    Ok(tvec!(x))
}

/// What each output along an axis takes of each input, [outputs, inputs]: tract's own weights, rounded to single precision as they
/// are where it runs.
fn matrix(plan: &AxisPlan, from: usize, to: usize) -> TractResult<Tensor> {
    let mut matrix = vec![0.0f64; to * from];
    for (place, (&source, &weight)) in plan.indices.iter().zip(&plan.weights).enumerate() {
        if let Some(entry) = matrix.get_mut(place / plan.window.max(1) * from + source) {
            *entry += f64::from(weight);
        }
    }
    Tensor::from_shape(&[to, from], &matrix)
}
