//! Resizing in double precision, which tract has in single only: a product with the matrix of weights, one axis after the other.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::nn::Interpolator;
use tract_onnx::tract_core::ops::nn::resize::{AxisPlan, cubic_weights, linear_weights, plan_axis, window_size};
use tract_onnx_opl::resize::{AspectRatio, CoordTransform, Nearest, Resize};

/// Axes have letters in the formula of a product.
const LETTERS: [char; 8] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/// Adds the products to `target` in place of a resizing node of the same model, with `x` as its input.
pub(crate) fn resample(
    op: &Resize,
    node: &TypedNode,
    target: &mut TypedModel,
    x: OutletId,
) -> TractResult<TVec<OutletId>> {
    let shape = |fact: &TypedFact| {
        fact.shape.as_concrete().map(<[usize]>::to_vec).ok_or_else(|| TractError::msg("a shape is open"))
    };
    let from = shape(target.outlet_fact(x)?)?;
    let to = shape(&node.outputs[0].fact)?;
    let scales = scales(op, node, target, &from, &to)?;
    let mut x = x;
    for (axis, letter) in LETTERS.iter().enumerate().take(from.len()) {
        if from[axis] == to[axis] && scales[axis] == 1.0 {
            continue;
        }
        let weights = matrix(op, scales[axis], from[axis], to[axis])?;
        let weights = target.add_const(format!("{}.weights_{axis}", node.name), weights)?;
        let all: String = LETTERS[..from.len()].iter().collect();
        let formula = format!("{all},z{letter}->{}", all.replace(*letter, "z"));
        let product = EinSum::new(formula.parse()?, f64::datum_type());
        x = target.wire_node(format!("{}.resized_{axis}", node.name), product, &[x, weights])?[0];
    }
    Ok(tvec!(x))
}

/// Output length over input length of each axis, as given or as the shapes say.
fn scales(op: &Resize, node: &TypedNode, model: &TypedModel, from: &[usize], to: &[usize]) -> TractResult<Vec<f32>> {
    let axes = op.resized_axes(from.len())?;
    let mut scales: Vec<f32> = from.iter().zip(to).map(|(&from, &to)| to as f32 / from as f32).collect();
    let given = op.optional_scales_input.and_then(|slot| node.inputs.get(slot));
    let given = given.and_then(|outlet| model.outlet_fact(*outlet).ok()?.konst.clone());
    match given.filter(|given| given.len() == axes.len()) {
        Some(given) => {
            let given = given.cast_to::<f32>()?;
            for (axis, scale) in axes.iter().zip(given.to_plain_array_view::<f32>()?.iter()) {
                scales[*axis] = *scale;
            }
        }
        None if op.keep_aspect_ratio_policy != AspectRatio::Stretch => bail!("one scale for all axes"),
        None => {}
    }
    Ok(scales)
}

/// What each output along an axis takes of each input, [outputs, inputs]. tract's own weights, in single precision, which makes it a
/// slightly other function than exact interpolation, and the same one that runs.
fn matrix(op: &Resize, scale: f32, from: usize, to: usize) -> TractResult<Tensor> {
    let CoordTransform::Plain(transform) = &op.coord_transformer else { bail!("a region of interest") };
    let position = |o| Some(transform.transform(o, scale, from, to));
    let taps = window_size(&op.interpolator, op.antialias, scale);
    let plan = plan_axis(from, to, taps, op.exclude_outside, position, |offset, weights| match op.interpolator {
        Interpolator::Linear => linear_weights(offset, scale, op.antialias, weights),
        Interpolator::Cubic => cubic_weights(offset, scale, op.cubic_coeff_a(), op.antialias, weights),
        Interpolator::Nearest => {
            let right = match op.nearest {
                Nearest::Floor => false,
                Nearest::Ceil => true,
                Nearest::RoundPreferFloor => offset > 0.5,
                Nearest::RoundPreferCeil => offset >= 0.5,
            };
            weights.copy_from_slice(if right || offset == 1.0 { &[0.0, 1.0] } else { &[1.0, 0.0] });
        }
    });
    let AxisPlan { window, indices, weights, .. } = plan;
    let mut matrix = vec![0.0f64; to * from];
    for (place, (&source, &weight)) in indices.iter().zip(&weights).enumerate() {
        if let Some(entry) = matrix.get_mut(place / window * from + source) {
            *entry += f64::from(weight);
        }
    }
    Tensor::from_shape(&[to, from], &matrix)
}
