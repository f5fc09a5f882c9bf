//! Functions that tract has in single precision only, spelled out in ones that it has in double.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::IntoArcTensor;
use tract_onnx::tract_core::internal::tract_smallvec::smallvec;
use tract_onnx::tract_core::internal::translator::Translate;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::math;
use tract_onnx::tract_core::ops::math::PowConst;
use tract_onnx::tract_core::ops::nn::{GeluApproximate, LeakyRelu};

use crate::model::run::append::append;

/// The same model, already in double precision, with those functions spelled out.
pub(crate) fn spell_out(model: &TypedModel) -> TractResult<TypedModel> {
    SpellOut.translate_model(model)
}

#[derive(Debug)]
struct SpellOut;

impl Translate<TypedFact, Box<dyn TypedOp>, TypedFact, Box<dyn TypedOp>> for SpellOut {
    fn translate_node(
        &self,
        _source: &TypedModel,
        node: &TypedNode,
        target: &mut TypedModel,
        mapping: &std::collections::HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let inputs: TVec<OutletId> = node.inputs.iter().map(|input| mapping[input]).collect();
        if let (Some(op), &[x]) = (node.op_as::<ElementWiseOp>(), inputs.as_slice())
            && let Some(spelled) = spelled(op, &mut Speller { model: target, name: &node.name, x, count: 0 })?
        {
            return Ok(smallvec![spelled]);
        }
        append(target, node.name.clone(), node.op.clone(), &inputs)
    }
}

/// The outlet that computes `op`, unless tract computes it in double precision itself or nothing else does.
fn spelled(op: &ElementWiseOp, speller: &mut Speller) -> TractResult<Option<OutletId>> {
    let x = speller.x;
    Ok(Some(if let Some(op) = op.0.downcast_ref::<LeakyRelu>() {
        let (above, below) = (speller.with_number(math::max(), x, 0.0)?, speller.with_number(math::min(), x, 0.0)?);
        let below = speller.with_number(math::mul(), below, f64::from(op.alpha))?;
        speller.add(math::add(), &[above, below])?
    } else if let Some(op) = op.0.downcast_ref::<PowConst>() {
        speller.with_number(math::pow(), x, f64::from(op.exponent))?
    } else if let Some(op) = op.0.downcast_ref::<GeluApproximate>() {
        let square = speller.add(math::square(), &[x])?;
        let power = if op.fast_impl { square } else { speller.add(math::mul(), &[square, x])? };
        let power = speller.with_number(math::mul(), power, 0.044715)?;
        let sum = speller.add(math::add(), &[x, power])?;
        let argument = speller.with_number(math::mul(), sum, (2.0 / std::f64::consts::PI).sqrt())?;
        let tanh = speller.add(math::tanh(), &[argument])?;
        let gate = speller.with_number(math::add(), tanh, 1.0)?;
        let half = speller.with_number(math::mul(), gate, 0.5)?;
        speller.add(math::mul(), &[x, half])?
    } else {
        match op.0.name().as_str() {
            "Sigmoid" => speller.sigmoid()?,
            "Silu" => {
                let gate = speller.sigmoid()?;
                speller.add(math::mul(), &[x, gate])?
            }
            "HardSwish" => {
                let sixth = speller.with_number(math::div(), x, 6.0)?;
                let shifted = speller.with_number(math::add(), sixth, 0.5)?;
                let positive = speller.with_number(math::max(), shifted, 0.0)?;
                let gate = speller.with_number(math::min(), positive, 1.0)?;
                speller.add(math::mul(), &[x, gate])?
            }
            _ => return Ok(None),
        }
    }))
}

/// Adds operators in place of a node whose input is `x`.
struct Speller<'a> {
    model: &'a mut TypedModel,
    name: &'a str,
    x: OutletId,
    count: usize,
}

impl Speller<'_> {
    /// 1 / (1 + e⁻ˣ).
    fn sigmoid(&mut self) -> TractResult<OutletId> {
        let negative = self.add(math::neg(), &[self.x])?;
        let power = self.add(math::exp(), &[negative])?;
        let sum = self.with_number(math::add(), power, 1.0)?;
        self.add(math::recip(), &[sum])
    }

    fn add(&mut self, op: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> TractResult<OutletId> {
        self.count += 1;
        Ok(append(self.model, format!("{}.spelled_{}", self.name, self.count), op.into(), inputs)?[0])
    }

    /// A function of `value` and a number.
    fn with_number(&mut self, op: TypedBinOp, value: OutletId, number: f64) -> TractResult<OutletId> {
        let rank = self.model.outlet_fact(value)?.rank();
        self.count += 1;
        let number = Tensor::from_shape(&vec![1; rank], &[number])?;
        let number = Box::new(Const::new(number.into_arc_tensor())?);
        let number = append(self.model, format!("{}.number_{}", self.name, self.count), number, &[])?;
        self.add(op, &[value, number[0]])
    }
}
