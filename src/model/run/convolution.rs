//! The plan's dense convolutions on our matrix product, which is faster than tract's: they stay operators of tract's
//! graph, and what follows them channel by channel (batch normalisation, ReLU) is folded in.
//!
//! Only [`Plan`](crate::model::Plan) uses them. The tails that finite differences run on keep tract's own convolutions, so that
//! they have nothing in common with backprop.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::Conv as TractConv;
use tract_onnx::tract_core::optim::Optimizer;

use crate::model::lower::numbers;
use crate::model::lower::spatial::convolution;
use crate::tensor::conv::{self, Conv};

/// max(kernel ⋆ x + bias, floor), as an operator of tract's graph.
#[derive(Clone, Debug, PartialEq)]
struct Convolve {
    conv: Conv,
    /// 0 where a ReLU is folded in, else −∞.
    floor: f32,
}

// Weights hold no NaN that would be compared: equality only serves tract's bookkeeping.
impl Eq for Convolve {}

impl Convolve {
    fn output_shape(&self, batch: usize, rank: usize) -> Vec<usize> {
        let spatial = self.conv.window.axes.iter().map(|axis| axis.output).skip(5usize.saturating_sub(rank));
        [batch, self.conv.outputs].into_iter().chain(spatial).collect()
    }
}

impl Op for Convolve {
    fn name(&self) -> StaticName {
        "Convolve".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Convolve {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let x = args_1!(inputs);
        let batch = x.shape().first().copied().unwrap_or(0);
        let view = x.to_plain_array_view::<f32>()?;
        let x_values = view.as_slice().ok_or_else(|| TractError::msg("a tensor is not contiguous"))?;
        let mut y = conv::forward(&self.conv, x_values, batch);
        if self.floor > f32::NEG_INFINITY {
            // A comparison, not `max`, which would turn what is not a number into the floor.
            y.iter_mut().filter(|y| **y < self.floor).for_each(|y| *y = self.floor);
        }
        Ok(tvec!(Tensor::from_shape(&self.output_shape(batch, x.rank()), &y)?.into_tvalue()))
    }
}

impl TypedOp for Convolve {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shape = inputs[0].shape.as_concrete().ok_or_else(|| TractError::msg("a shape is open"))?;
        Ok(tvec!(f32::fact(self.output_shape(shape[0], shape.len()))))
    }
}

/// Puts [`Convolve`] in the place of every dense convolution of a typed model that is not yet decluttered; grouped and depthwise ones stay
/// tract's.
///
/// # Errors
/// A model that tract cannot rewrite.
pub(crate) fn replace(mut model: TypedModel) -> TractResult<TypedModel> {
    Optimizer::prop_consts().optimize(&mut model)?;
    for id in model.eval_order()? {
        let Some(mut found) = dense(&model, id)? else { continue };
        let end = fold(&model, id, &mut found)?;
        let mut patch = TypedModelPatch::default();
        let x = patch.tap_model(&model, model.node(id).inputs[0])?;
        let y = patch.wire_node(&model.node(end).name, found, &[x])?;
        patch.shunt_outside(&model, end.into(), y[0])?;
        patch.apply(&mut model)?;
    }
    Ok(model)
}

/// The convolution at a node as ours, if it is a dense one over fixed shapes and weights.
fn dense(model: &TypedModel, id: usize) -> TractResult<Option<Convolve>> {
    let node = model.node(id);
    let Some(op) = node.op_as::<TractConv>().filter(|op| op.group == 1 && !op.pool_spec.data_format.c_is_last()) else {
        return Ok(None);
    };
    let facts = model.node_input_facts(id)?;
    let [x, kernel, bias] = facts.as_slice() else { return Ok(None) };
    let (Some(shape), Some(kernel), Some(bias)) = (x.shape.as_concrete(), &kernel.konst, &bias.konst) else {
        return Ok(None);
    };
    if x.datum_type != f32::datum_type() || !op.pool_spec.data_format.has_n() {
        return Ok(None);
    }
    let conv = convolution(op, kernel, bias, &shape[2..])?;
    Ok(conv.map(|conv| Convolve { conv, floor: f32::NEG_INFINITY }))
}

/// Takes into the convolution what follows it channel by channel and is read by nothing else; returns the last node taken.
fn fold(model: &TypedModel, start: usize, found: &mut Convolve) -> TractResult<usize> {
    let mut end = start;
    loop {
        let outlet = OutletId::from(end);
        let [reader] = *model.outlet_successors(outlet) else { return Ok(end) };
        if model.output_outlets()?.contains(&outlet) || found.floor == 0.0 {
            return Ok(end);
        }
        let next = model.node(reader.node);
        let Some(op) = next.op_as::<TypedBinOp>() else { return Ok(end) };
        let Some(other) = next.inputs.get(1 - reader.slot) else { return Ok(end) };
        let Some(values) = operand(model, *other, found.conv.outputs)? else { return Ok(end) };
        match (op.0.name(), reader.slot) {
            ("Mul", _) => scale(&mut found.conv, &values),
            ("Add", _) => shift(&mut found.conv, &values),
            ("Sub", 0) => shift(&mut found.conv, &values.iter().map(|value| -value).collect::<Vec<_>>()),
            ("Max", _) if values.iter().all(|&value| value == 0.0) => found.floor = 0.0,
            _ => return Ok(end),
        }
        end = reader.node;
    }
}

/// A constant operand as one number for each channel.
fn operand(model: &TypedModel, outlet: OutletId, channels: usize) -> TractResult<Option<Vec<f32>>> {
    let Some(tensor) = &model.outlet_fact(outlet)?.konst else { return Ok(None) };
    let values = match tensor.shape() {
        shape if tensor.len() == 1 && shape.len() <= 5 => vec![numbers(tensor)?[0]; channels],
        [1, c, rest @ ..] if *c == channels && rest.iter().all(|&length| length == 1) => numbers(tensor)?,
        _ => return Ok(None),
    };
    Ok(Some(values))
}

fn scale(conv: &mut Conv, factors: &[f32]) {
    let row = conv.kernel.len() / conv.outputs.max(1);
    let scaled =
        conv.kernel.chunks(row.max(1)).zip(factors).flat_map(|(row, factor)| row.iter().map(move |w| w * factor));
    conv.kernel = Arc::new(scaled.collect());
    conv.bias =
        conv.bias.as_ref().map(|bias| Arc::new(bias.iter().zip(factors).map(|(b, factor)| b * factor).collect()));
}

fn shift(conv: &mut Conv, by: &[f32]) {
    let shifted = match &conv.bias {
        Some(bias) => bias.iter().zip(by).map(|(b, s)| b + s).collect(),
        None => by.to_vec(),
    };
    conv.bias = Some(Arc::new(shifted));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{Fixture, ints};
    use crate::model::run::plan::runnable;
    use crate::random::Random;

    /// Everything that is folded in, and what stops it: a strided and a dilated convolution with normalisation and ReLU, one
    /// whose value before the ReLU is read twice, a grouped one.
    fn network() -> crate::model::Network {
        let mut f = Fixture::new("x", &[1, 3, 9, 8]);
        f.conv("x", "a", [4, 3, 3, 3], vec![ints("strides", &[2, 1]), ints("pads", &[1, 0, 1, 2])]);
        f.batch_norm("a", "an", 4).node("Relu", &["an"], "ar", vec![]);
        f.conv("ar", "b", [6, 4, 2, 2], vec![ints("dilations", &[2, 3])]).batch_norm("b", "bn", 6);
        f.node("Relu", &["bn"], "br", vec![]).node("Add", &["bn", "br"], "sum", vec![]);
        f.floats("offset", &[1, 6, 1, 1], &[1.0, -2.0, 3.0, -4.0, 5.0, -6.0]).node(
            "Sub",
            &["offset", "sum"],
            "turned",
            vec![],
        );
        f.conv("turned", "c", [2, 3, 1, 1], vec![crate::model::fixture::int("group", 2)]);
        f.node("Relu", &["c"], "y", vec![]).output("y").load()
    }

    fn operators(model: &TypedModel) -> Vec<String> {
        let constant = |node: &&TypedNode| model.outlet_fact(node.id.into()).is_ok_and(|fact| fact.konst.is_none());
        let order = model.eval_order().unwrap();
        order.iter().map(|id| model.node(*id)).filter(constant).map(|node| node.op.name().to_string()).collect()
    }

    #[test]
    fn what_follows_channel_by_channel_is_folded_in() {
        let typed = network().typed(&["y"], 1, None).unwrap();
        let replaced = replace(typed.clone()).unwrap();
        assert_eq!(operators(&replaced), ["Source", "Convolve", "Convolve", "Max", "Add", "Sub", "Conv", "Max"]);
        let taps = ["an", "ar", "y"];
        let tapped = replace(network().typed(&taps, 1, None).unwrap()).unwrap();
        assert_eq!(operators(&tapped)[..3], ["Source", "Convolve", "Max"], "a tap stays a value of its own");
    }

    #[test]
    fn values_are_those_of_tract() {
        let taps = ["a", "ar", "bn", "sum", "y"];
        for taps in [&taps[..], &taps[4..]] {
            let typed = network().typed(taps, 1, None).unwrap();
            let (own, _) = runnable(replace(typed.clone()).unwrap()).unwrap();
            let (tracts, _) = runnable(typed).unwrap();
            let mut random = Random::new(5, 0);
            let image: Vec<f32> = (0..216).map(|_| random.uniform() as f32 - 0.4).collect();
            let run = |plan: &Arc<TypedRunnableModel>| {
                let outputs = plan.run(tvec!(Tensor::from_shape(&[1, 3, 9, 8], &image).unwrap().into())).unwrap();
                outputs.iter().flat_map(|output| numbers(output).unwrap()).collect::<Vec<f32>>()
            };
            let (own, tracts) = (run(&own), run(&tracts));
            assert_eq!(own.len(), tracts.len());
            for (a, b) in own.iter().zip(&tracts) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_relu_keeps_what_is_not_a_number() {
        let mut f = Fixture::new("x", &[1, 1, 1, 2]);
        f.floats("k", &[1, 1, 1, 1], &[1.0]).node("Conv", &["x", "k"], "c", vec![]).node("Relu", &["c"], "y", vec![]);
        let plan = f.output("y").load().plan(&["y"], 1, None).unwrap();
        let image = ndarray::arr1(&[f32::NAN, -1.0]).into_shape_with_order(ndarray::IxDyn(&[1, 1, 1, 2])).unwrap();
        let outputs = plan.run(&image).unwrap();
        let values: Vec<f32> = outputs[0].iter().copied().collect();
        assert!(values[0].is_nan() && values[1] == 0.0, "{values:?}");
    }
}
