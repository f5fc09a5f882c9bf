//! Lowering of functions of values: element-wise, with broadcasting, sums of products, reductions.

use tract_onnx::tract_core::internal::{DatumType, InOut, TypedNode};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::einsum::EinSum as TractEinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::math::PowConst;
use tract_onnx::tract_core::ops::nn::{GeluApproximate, LeakyRelu, Reduce, Reducer, Softmax, SoftmaxKind};
use tract_onnx_opl::lrn::Lrn;

use crate::backprop::graph::{Binary, Comparison, EinSum, Op, Reduction, Resize, Unary, ValueId};
use crate::error::Result;
use crate::model::lower::{Lowering, numbers};

impl Lowering<'_> {
    /// Lowers `node` if it is a function of values.
    pub(super) fn function(&mut self, node: &TypedNode) -> Result<Option<ValueId>> {
        // Integer arithmetic rounds and wraps: there is no derivative to speak of.
        let result = node.outputs.first().map(|output| output.fact.datum_type);
        if !result.is_some_and(|dt| dt.is_float() || dt == DatumType::Bool) {
            return Ok(None);
        }
        if let Some(op) = node.op_as::<ElementWiseOp>() {
            let Some(unary) = unary(op) else { return Ok(None) };
            return self.with_all_inputs(node, Op::Unary(unary)).map(Some);
        }
        if let Some(op) = node.op_as::<TypedBinOp>() {
            return self.binary(node, op);
        }
        if let Some(op) = node.op_as::<TractEinSum>() {
            return self.einsum(node, op);
        }
        if let Some(op) = node.op_as::<Lrn>() {
            return self.lrn(node, op).map(Some);
        }
        let op = if let Some(op) = node.op_as::<Reduce>() {
            let kind = match op.reducer {
                Reducer::Sum => Reduction::Sum,
                Reducer::Max => Reduction::Max,
                Reducer::Min => Reduction::Min,
                Reducer::Prod => Reduction::Prod,
                Reducer::MeanOfSquares => Reduction::MeanOfSquares,
                Reducer::ArgMax(_) | Reducer::ArgMin(_) | Reducer::All | Reducer::Any => return Ok(None),
            };
            Op::Reduce { kind, axes: op.axes.to_vec() }
        } else if let Some(op) = node.op_as::<Softmax>() {
            if op.quant_output_dt.is_some() {
                return Ok(None);
            }
            Op::Softmax { axes: op.axes.to_vec(), log: op.kind == SoftmaxKind::LogSoftmax }
        } else if node.op_is::<Iff>() {
            Op::Select
        } else {
            return Ok(None);
        };
        self.with_all_inputs(node, op).map(Some)
    }

    fn with_all_inputs(&mut self, node: &TypedNode, op: Op) -> Result<ValueId> {
        let inputs = node.inputs.iter().map(|&input| self.value(input)).collect::<Result<_>>()?;
        Ok(self.push(&node.name, op, inputs, self.shape(node)?))
    }

    fn binary(&mut self, node: &TypedNode, op: &TypedBinOp) -> Result<Option<ValueId>> {
        let op = match op.0.name() {
            "Add" => Op::Binary(Binary::Add),
            "Sub" => Op::Binary(Binary::Sub),
            "Mul" => Op::Binary(Binary::Mul),
            "Div" => Op::Binary(Binary::Div),
            "Pow" => Op::Binary(Binary::Pow),
            "Min" | "Max" => return self.bound(node, op.0.name() == "Max").map(Some),
            "Eq" => Op::Compare(Comparison::Equal),
            "NE" => Op::Compare(Comparison::NotEqual),
            "LT" => Op::Compare(Comparison::Less),
            "LTE" => Op::Compare(Comparison::LessOrEqual),
            "GT" => Op::Compare(Comparison::Greater),
            "GTE" => Op::Compare(Comparison::GreaterOrEqual),
            _ => return Ok(None),
        };
        self.with_all_inputs(node, op).map(Some)
    }

    /// Minimum or maximum of two values; with one number that is a ReLU or a clip.
    fn bound(&mut self, node: &TypedNode, is_max: bool) -> Result<ValueId> {
        let number = |slot: usize| -> Option<f32> {
            let values = numbers(self.constant(node, slot)?).ok()?;
            (values.len() == 1).then(|| values[0])
        };
        let (slot, number) = match (number(0), number(1)) {
            (_, Some(number)) => (0, number),
            (Some(number), None) => (1, number),
            (None, None) => {
                return self.with_all_inputs(node, Op::Binary(if is_max { Binary::Max } else { Binary::Min }));
            }
        };
        let unary = match is_max {
            true if number == 0.0 => Unary::Relu,
            true => Unary::Clip { low: number, high: f32::INFINITY },
            false => Unary::Clip { low: f32::NEG_INFINITY, high: number },
        };
        let shape = self.shape(node)?;
        let x = self.value(node.inputs[slot])?;
        let x = self.push_reshape(&node.name, x, shape.clone());
        Ok(self.push(&node.name, Op::Unary(unary), vec![x], shape))
    }

    /// A sum of products of two operands. An axis of length 1 that meets a longer one gets a label of its own, which
    /// makes the stretching a sum over one element.
    fn einsum(&mut self, node: &TypedNode, op: &TractEinSum) -> Result<Option<ValueId>> {
        if op.q_params.is_some() || node.inputs.len() != 2 {
            return Ok(None);
        }
        let operands = [self.value(node.inputs[0])?, self.value(node.inputs[1])?];
        let shape = self.shape(node)?;
        let mut labels = [vec![u32::MAX; self.nodes[operands[0]].shape.len()], vec![]];
        labels[1] = vec![u32::MAX; self.nodes[operands[1]].shape.len()];
        let mut output = vec![u32::MAX; shape.len()];
        for (label, axis) in (0..).step_by(3).zip(op.axes.iter_all_axes()) {
            let lengths: Vec<Option<usize>> = (0..2)
                .map(|i| {
                    axis.inputs[i].first().and_then(|&position| self.nodes[operands[i]].shape.get(position).copied())
                })
                .collect();
            let longest = lengths.iter().flatten().max().copied();
            for i in 0..2 {
                if axis.inputs[i].len() > 1 {
                    return Ok(None);
                }
                let own = lengths[i] == Some(1) && longest != Some(1);
                for &position in &axis.inputs[i] {
                    labels[i][position] = if own { label + 1 + i as u32 } else { label };
                }
            }
            axis.outputs[0].iter().for_each(|&position| output[position] = label);
        }
        debug_assert_eq!(op.axes.rank(InOut::Out(0)), output.len());
        let [left, right] = labels;
        let op = Op::EinSum(EinSum { left, right, output });
        Ok(Some(self.push(&node.name, op, operands.to_vec(), shape)))
    }

    /// Local response normalisation over channels: x / (bias + alpha / size · Σ x²)^beta, the sum over `size`
    /// neighbouring channels.
    fn lrn(&mut self, node: &TypedNode, op: &Lrn) -> Result<ValueId> {
        let (shape, name) = (self.shape(node)?, &node.name);
        let x = self.value(node.inputs[0])?;
        let channels = shape.get(1).copied().unwrap_or(1);
        let (mut sources, mut weights) = (Vec::new(), Vec::new());
        for channel in 0..channels {
            for tap in 0..op.size {
                let source = (channel + tap).checked_sub((op.size - 1) / 2).filter(|&source| source < channels);
                sources.push(source.unwrap_or(0));
                weights.push(if source.is_some() { 1.0 } else { 0.0 });
            }
        }
        let scalar = vec![1; shape.len()];
        let factor = self.push_constant(name, vec![op.alpha / op.size as f32], scalar.clone());
        let bias = self.push_constant(name, vec![op.bias], scalar);
        let squares = self.push(name, Op::Unary(Unary::Square), vec![x], shape.clone());
        let window = Resize { axis: 1, taps: op.size, sources, weights };
        let sums = self.push(name, Op::Resize(window), vec![squares], shape.clone());
        let scaled = self.push(name, Op::Binary(Binary::Mul), vec![sums, factor], shape.clone());
        let biased = self.push(name, Op::Binary(Binary::Add), vec![scaled, bias], shape.clone());
        let power = Unary::Power { exponent: op.beta };
        let divisor = self.push(name, Op::Unary(power), vec![biased], shape.clone());
        Ok(self.push(name, Op::Binary(Binary::Div), vec![x, divisor], shape))
    }
}

/// The element-wise function, if there is a rule for it.
fn unary(op: &ElementWiseOp) -> Option<Unary> {
    if op.1.is_some_and(|dt| !dt.is_float()) {
        return None;
    }
    if let Some(op) = op.0.downcast_ref::<LeakyRelu>() {
        return Some(Unary::LeakyRelu { alpha: op.alpha });
    }
    if let Some(op) = op.0.downcast_ref::<PowConst>() {
        return Some(Unary::Power { exponent: op.exponent });
    }
    if let Some(op) = op.0.downcast_ref::<GeluApproximate>() {
        return Some(Unary::GeluTanh { power: if op.fast_impl { 2 } else { 3 } });
    }
    Some(match op.0.name().as_str() {
        "Sigmoid" => Unary::Sigmoid,
        "Tanh" => Unary::Tanh,
        "HardSwish" => Unary::HardSwish,
        "Silu" => Unary::Silu,
        "Erf" => Unary::Erf,
        "Exp" => Unary::Exp,
        "Ln" => Unary::Ln,
        "Sqrt" => Unary::Sqrt,
        "Rsqrt" => Unary::Rsqrt,
        "Square" => Unary::Square,
        "Recip" => Unary::Reciprocal,
        "Abs" => Unary::Abs,
        "Neg" => Unary::Neg,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Tan" => Unary::Tan,
        "Asin" => Unary::Asin,
        "Acos" => Unary::Acos,
        "Atan" => Unary::Atan,
        "Sinh" => Unary::Sinh,
        "Cosh" => Unary::Cosh,
        "Asinh" => Unary::Asinh,
        "Acosh" => Unary::Acosh,
        "Atanh" => Unary::Atanh,
        "Sign" => Unary::Sign,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        "RoundHalfToEven" => Unary::Round,
        _ => return None,
    })
}
