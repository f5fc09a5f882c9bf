//! Functions that tract has in single precision only, in double: spelled out in ones that it has, or as operators of their own.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::IntoArcTensor;
use tract_onnx::tract_core::internal::tract_smallvec::smallvec;
use tract_onnx::tract_core::internal::translator::Translate;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::math;
use tract_onnx::tract_core::ops::math::PowConst;
use tract_onnx::tract_core::ops::nn::{GeluApproximate, LeakyRelu, Reduce, Reducer, RmsNorm};
use tract_onnx_opl::resize::Resize;

use crate::model::run::f64_resize::resample;

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
        source: &TypedModel,
        node: &TypedNode,
        target: &mut TypedModel,
        mapping: &std::collections::HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let inputs: TVec<OutletId> = node.inputs.iter().map(|input| mapping[input]).collect();
        if let (Some(op), Some(&x)) = (node.op_as::<Resize>(), inputs.first()) {
            return resample(op, (source, node), target, x);
        }
        if let (Some(op), Some(&x)) = (node.op_as::<RmsNorm>(), inputs.first()) {
            return Ok(smallvec![Speller { model: target, name: &node.name, x, count: 0 }.rms_norm(op)?]);
        }
        if let (Some(op), Some(&x)) = (node.op_as::<Reduce>(), inputs.first())
            && matches!(op.reducer, Reducer::Sum | Reducer::MeanOfSquares)
            && target.outlet_fact(x)?.datum_type == f64::datum_type()
        {
            let along = Along { axes: op.axes.to_vec(), mean_of_squares: op.reducer == Reducer::MeanOfSquares };
            return append(target, node.name.clone(), Box::new(along), &inputs);
        }
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
            "Erf" => speller.add(Function::Erf, &[x])?,
            "GeluExact" => speller.add(Function::Gelu, &[x])?,
            "RoundHalfToEven" => speller.add(Function::Round, &[x])?,
            _ => return Ok(None),
        }
    }))
}

/// A function of each element that cannot be spelled out in tract's, as an operator of its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    /// 2/√π ∫₀ˣ exp(−t²) dt.
    Erf,
    /// x/2 · (1 + erf(x / √2)).
    Gelu,
    /// To the nearest whole number, halves to the even one.
    Round,
}

impl Function {
    fn of(self, x: f64) -> f64 {
        match self {
            Function::Erf => erf(x),
            Function::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Function::Round => x.round_ties_even(),
        }
    }
}

impl Op for Function {
    fn name(&self) -> StaticName {
        format!("Double{self:?}").into()
    }

    op_as_typed_op!();
}

impl EvalOp for Function {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let x = args_1!(inputs);
        let values: Vec<f64> = x.to_plain_array_view::<f64>()?.iter().map(|x| self.of(*x)).collect();
        Ok(tvec!(Tensor::from_shape(x.shape(), &values)?.into_tvalue()))
    }
}

impl TypedOp for Function {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }
}

/// The sum, or the mean of the squares, along some axes, which stay as 1. Tract's mean of squares computes in single precision
/// whatever its type, and what optimising finds of its sums of squares becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Along {
    axes: Vec<usize>,
    mean_of_squares: bool,
}

impl Op for Along {
    fn name(&self) -> StaticName {
        if self.mean_of_squares { "DoubleMeanOfSquares" } else { "DoubleSum" }.into()
    }

    op_as_typed_op!();
}

impl EvalOp for Along {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let x = args_1!(inputs);
        let mut found = x.to_plain_array_view::<f64>()?.mapv(|x| if self.mean_of_squares { x * x } else { x });
        for &axis in &self.axes {
            let axis = tract_ndarray::Axis(axis);
            let count = if self.mean_of_squares { found.len_of(axis) as f64 } else { 1.0 };
            found = found.sum_axis(axis).insert_axis(axis) / count;
        }
        Ok(tvec!(found.into_tensor().into_tvalue()))
    }
}

impl TypedOp for Along {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let mut shape: TVec<TDim> = inputs[0].shape.to_tvec();
        for &axis in &self.axes {
            shape[axis] = 1.to_dim();
        }
        Ok(tvec!(inputs[0].datum_type.fact(shape)))
    }

    as_op!();
}

/// The error function by the series 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!! (Abramowitz and Stegun 7.1.6), whose terms all have one sign;
/// within 1e-15. Backprop's own is another one.
fn erf(x: f64) -> f64 {
    // Beyond, it is 1 in double precision.
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > f64::EPSILON * 0.1 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
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

    /// x / √(mean of x² + ε).
    fn rms_norm(&mut self, op: &RmsNorm) -> TractResult<OutletId> {
        let mean = Box::new(Along { axes: vec![op.axis], mean_of_squares: true });
        self.count += 1;
        let mean = append(self.model, format!("{}.spelled_{}", self.name, self.count), mean, &[self.x])?[0];
        let sum = self.with_number(math::add(), mean, op.eps.cast_to_scalar::<f64>()?)?;
        let factor = self.add(math::rsqrt(), &[sum])?;
        self.add(math::mul(), &[self.x, factor])
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from tables to sixteen digits.
    #[test]
    fn the_error_function_is_exact() {
        let known = [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_89),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
            (4.5, 0.999_999_999_803_383_9),
        ];
        for (x, value) in known {
            assert!((erf(x) - value).abs() < 2e-15 && (erf(-x) + value).abs() < 2e-15, "{x}: {}", erf(x));
        }
        assert_eq!((erf(7.0), erf(-7.0)), (1.0, -1.0));
        assert!((erf(5.999) - 1.0).abs() < 2e-15, "no step where the series ends");
    }
}
