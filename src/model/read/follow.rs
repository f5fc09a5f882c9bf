//! Shapes and constants followed through the graph, operator by operator and ahead of tract, which computes with what it is
//! given unchecked: each operator is compared with what ONNX allows, and nothing is computed before its size is known.

use std::collections::BTreeMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::IntoTValue;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact, InferenceModel};

use crate::model::read::bounds::{Tally, weights, work};
use crate::model::read::definition::{Definition, Node};
use crate::model::read::operators::{self, Elements, Seen};
use crate::model::read::printable::printable;

/// Operators whose results are as large as some of their inputs say.
const SHAPED_BY_NUMBERS: [&str; 9] =
    ["ConstantOfShape", "Expand", "OneHot", "Pad", "Reshape", "Resize", "Tile", "TopK", "Upsample"];

/// Integers of a constant that are compared with ranks.
const FEW: usize = 64;

/// Computes every value that depends on weights alone, once, and puts it into the model in its operator's place, so that all
/// that is made of the model afterwards shares it; returns how many numbers were computed.
///
/// # Errors
/// An operator that ONNX does not allow, or constants that are too large to be computed.
pub(crate) fn fold(
    model: &mut InferenceModel,
    outlets: &BTreeMap<String, OutletId>,
    definition: &Definition,
) -> TractResult<f64> {
    let mut tally = Tally::new(weights(definition), 1.0);
    let mut shapes = definition.initializers.clone();
    for node in &definition.nodes {
        let Some(id) = place(node, outlets) else { continue };
        let facts = Facts::of(model, id)?;
        let Some(values) = facts.values().filter(|values| !values.is_empty()) else { continue };
        let known = facts.shapes(model, node, id)?;
        for (fact, name) in known.iter().zip(given(&node.outputs)) {
            let shape = fact.shape.as_concrete_finite()?.unwrap_or_default();
            shapes.insert(name.to_string(), shape.to_vec());
        }
        for (fact, name) in known.iter().zip(given(&node.outputs)) {
            tally.compute(name, &facts.lengths(node, fact)?, work(node, &shapes)).map_err(TractError::msg)?;
        }
        // What cannot be computed by itself is left to tract.
        let Ok(Some(results)) = model.node(id).op.eval_out_of_plan(values) else { continue };
        let results: TVec<Arc<Tensor>> = results.into_iter().map(|value| value.into_arc_tensor()).collect();
        for (slot, (tensor, before)) in results.iter().zip(&facts.outputs).enumerate() {
            let fact = InferenceFact::try_from(tensor.clone())?.unify(before)?;
            model.set_outlet_fact(OutletId::new(id, slot), fact)?;
        }
        if let [only] = results.as_slice() {
            replace(model, id, only.clone())?;
        }
    }
    Ok(tally.constants())
}

/// Puts a constant in an operator's place.
fn replace(model: &mut InferenceModel, id: usize, tensor: Arc<Tensor>) -> TractResult<()> {
    let inputs = std::mem::take(&mut model.node_mut(id).inputs);
    for input in inputs {
        if let Some(output) = model.node_mut(input.node).outputs.get_mut(input.slot) {
            output.successors.retain(|reader| reader.node != id);
        }
    }
    model.node_mut(id).op = Box::new(Const::new(tensor)?);
    Ok(())
}

/// Follows the shapes through the graph and stops before a value is out of proportion. The facts of the outlets are filled in
/// on the way. `weights` are the numbers in the weights, given and computed; `images` is the number of images at once.
///
/// # Errors
/// An operator that ONNX does not allow, or values that are too large.
pub(crate) fn follow(
    model: &mut InferenceModel,
    outlets: &BTreeMap<String, OutletId>,
    definition: &Definition,
    weights: f64,
    images: f64,
) -> TractResult<()> {
    let mut tally = Tally::new(weights, images);
    tally.hold(&definition.input.name, &lengths(model.input_fact(0)?)?).map_err(TractError::msg)?;
    for node in &definition.nodes {
        let Some(id) = place(node, outlets) else { continue };
        if model.node(id).op_is::<Const>() {
            continue;
        }
        let facts = Facts::of(model, id)?;
        let constant = facts.values().is_some();
        for (fact, name) in facts.shapes(model, node, id)?.iter().zip(given(&node.outputs)) {
            let lengths = facts.lengths(node, fact)?;
            let counted = if constant { tally.compute(name, &lengths, 0.0) } else { tally.hold(name, &lengths) };
            counted.map_err(TractError::msg)?;
        }
        let mut op = model.node(id).op.clone();
        let (_, known, _) = op.infer(facts.inputs.iter().collect(), facts.outputs.iter().collect(), tvec!())?;
        for (slot, fact) in known.into_iter().enumerate() {
            let outlet = OutletId::new(id, slot);
            let unified = fact.unify(model.outlet_fact(outlet)?)?;
            model.set_outlet_fact(outlet, unified)?;
        }
    }
    Ok(())
}

/// The operator's place in tract's model.
fn place(node: &Node, outlets: &BTreeMap<String, OutletId>) -> Option<usize> {
    given(&node.outputs).find_map(|output| outlets.get(output)).map(|outlet| outlet.node)
}

/// The names that are not left out.
fn given(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str).filter(|name| !name.is_empty())
}

fn lengths(fact: &InferenceFact) -> TractResult<TVec<f64>> {
    let shape = fact.shape.as_concrete_finite()?.unwrap_or_default();
    Ok(shape.iter().map(|&length| length as f64).collect())
}

/// What is known around an operator.
struct Facts {
    inputs: TVec<InferenceFact>,
    outputs: TVec<InferenceFact>,
}

impl Facts {
    fn of(model: &InferenceModel, id: usize) -> TractResult<Facts> {
        let (inputs, outputs) = model.node_facts(id)?;
        let own = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok(Facts { inputs: own(inputs), outputs: own(outputs) })
    }

    /// The inputs' values, if all are constant.
    fn values(&self) -> Option<TVec<TValue>> {
        self.inputs.iter().map(|fact| Some(fact.value.concretize()?.into_tvalue())).collect()
    }

    /// The outputs' shapes by tract's rules, after the operator was compared with what ONNX allows.
    fn shapes(&self, model: &InferenceModel, node: &Node, id: usize) -> TractResult<TVec<InferenceFact>> {
        let seen: Vec<Seen> = self.inputs.iter().map(seen).collect::<TractResult<_>>()?;
        if let Some(reason) = operators::misfit(node, &seen) {
            return Err(TractError::msg(reason));
        }
        // The first input is what is moved about, but for the one operator that makes something of nothing.
        let numbers = self.inputs.iter().skip(usize::from(node.op != "ConstantOfShape"));
        if SHAPED_BY_NUMBERS.contains(&node.op.as_str()) && numbers.into_iter().any(is_huge) {
            let name = printable(node.output());
            return Err(TractError::msg(format!("`{name}` would have an impossible size")));
        }
        let mut op = model.node(id).op.clone();
        let (_, shapes, _) = op.infer_facts(self.inputs.iter().collect(), self.outputs.iter().collect(), tvec!())?;
        Ok(shapes)
    }

    /// The lengths of an output's axes. The ends of a range may be fractions, which tract's rule for its shape makes whole.
    fn lengths(&self, node: &Node, fact: &InferenceFact) -> TractResult<TVec<f64>> {
        if node.op != "Range" {
            return lengths(fact);
        }
        // tract reads the number of a tensor without numbers.
        let one = |fact: &InferenceFact| fact.value.concretize().filter(|tensor| tensor.len() == 1);
        let number = |fact: &InferenceFact| one(fact)?.cast_to_scalar::<f64>().ok();
        let ends: Option<TVec<f64>> = self.inputs.iter().map(number).collect();
        match ends.as_deref() {
            Some(&[start, limit, step]) => Ok(tvec![((limit - start) / step).max(0.0)]),
            _ => lengths(fact),
        }
    }
}

/// What the table of operators asks of an input.
fn seen(fact: &InferenceFact) -> TractResult<Seen> {
    let rank = fact.shape.rank().concretize().and_then(|rank| usize::try_from(rank).ok());
    let shape = fact.shape.as_concrete_finite()?.map(|shape| shape.to_vec());
    let integers = fact.value.concretize().filter(|tensor| tensor.len() <= FEW).and_then(|tensor| {
        let integer = tensor.datum_type().is_integer() || tensor.datum_type().is_tdim();
        let tensor = if integer { tensor.cast_to::<i64>().ok()? } else { return None };
        Some(tensor.to_plain_array_view::<i64>().ok()?.iter().copied().collect())
    });
    Ok(Seen { rank, shape, elements: fact.datum_type.concretize().map(elements), integers })
}

fn elements(element: DatumType) -> Elements {
    match element {
        DatumType::Bool => operators::BOOL,
        DatumType::I32 | DatumType::I64 | DatumType::TDim => operators::INDEX,
        other if other.is_float() => operators::FLOAT,
        other if other.is_integer() || other.is_quantized() => operators::SMALL,
        _ => operators::OTHER,
    }
}

/// Whether these are integers that no length can be; tract's rules cut them to 32 bits.
fn is_huge(fact: &InferenceFact) -> bool {
    let Some(tensor) = fact.value.concretize().filter(|tensor| tensor.datum_type().is_integer()) else { return false };
    let Ok(numbers) = tensor.cast_to::<i64>() else { return false };
    let large = |number: &i64| number.unsigned_abs() > i32::MAX as u64;
    numbers.to_plain_array_view::<i64>().is_ok_and(|numbers| numbers.iter().any(large))
}
