//! tract's typed graph, before its declutter rearranges layers, lowered to our own.
//!
//! The only place where tract's operators are read. Weights and shape arithmetic arrive here as constants, every shape
//! is known, and each exporter's dialect is already reduced to tract's core operators.

mod function;
pub(super) mod movement;
pub(super) mod spatial;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use tract_onnx::prelude::TypedModel;
use tract_onnx::tract_core::internal::{DatumType, IntoTValue, IntoTensor, OutletId, Tensor, TractResult, TypedNode};
use tract_onnx::tract_core::ops::source::TypedSource;

use crate::backprop::graph::{Graph, Node, Op, ValueId};
use crate::error::{Error, Result};

/// Lowers the part of `typed` that its outputs depend on; the graph's outputs are the model's, in their order.
///
/// Nodes that depend on constants only are computed by tract here and become [`Op::Constant`] where they are used.
/// Operators without a gradient rule become [`Op::Unsupported`] nodes.
///
/// # Errors
/// If a shape is not concrete (batch and image size must have been fixed before) or the model has a cycle.
pub fn lower(typed: &TypedModel) -> Result<Graph> {
    let order =
        typed.eval_order().map_err(|cause| Error::input(format!("the network cannot be ordered: {cause:#}")))?;
    let mut lowering = Lowering { model: typed, nodes: Vec::new(), values: HashMap::new(), constants: HashMap::new() };
    for id in order {
        let node = &typed.nodes[id];
        if lowering.fold(node) {
            continue;
        }
        let value = match node.op_is::<TypedSource>() {
            true => Some(lowering.push(&node.name, Op::Input, vec![], lowering.outlet_shape(id.into())?)),
            false => lowering.node(node)?,
        };
        for slot in 0..node.outputs.len() {
            let outlet = OutletId::new(id, slot);
            let value = match value {
                Some(value) if slot == 0 => value,
                _ => lowering.unsupported(node, outlet)?,
            };
            lowering.values.insert(outlet, value);
        }
    }
    let outlets =
        typed.output_outlets().map_err(|cause| Error::input(format!("the network has no outputs: {cause:#}")))?;
    let outputs = outlets.iter().map(|&outlet| lowering.value(outlet)).collect::<Result<_>>()?;
    let nodes = lowering.nodes;
    let inputs = (0..nodes.len()).filter(|&id| matches!(nodes[id].op, Op::Input)).collect();
    Ok(Graph { nodes, inputs, outputs })
}

/// The graph as far as it is built.
struct Lowering<'m> {
    model: &'m TypedModel,
    nodes: Vec<Node>,
    values: HashMap<OutletId, ValueId>,
    constants: HashMap<OutletId, Arc<Tensor>>,
}

impl Lowering<'_> {
    /// Takes note of the node's outputs if they do not depend on any input; whether they do not.
    fn fold(&mut self, node: &TypedNode) -> bool {
        let outlets = || (0..node.outputs.len()).map(|slot| OutletId::new(node.id, slot));
        let known: Option<Vec<_>> = node.outputs.iter().map(|output| output.fact.konst.clone()).collect();
        let known = known.or_else(|| {
            let inputs = node.inputs.iter().map(|input| Some(self.constants.get(input)?.clone().into_tvalue()));
            let inputs: Option<_> = if node.op_is::<TypedSource>() { None } else { inputs.collect() };
            let outputs = node.op.eval_out_of_plan(inputs?).ok()??;
            Some(outputs.into_iter().map(|output| output.into_tensor().into()).collect())
        });
        match known {
            Some(tensors) if tensors.len() == node.outputs.len() => {
                self.constants.extend(outlets().zip(tensors));
                true
            }
            _ => false,
        }
    }

    /// The value of the node's first output; `None` if there is no rule for the operator.
    fn node(&mut self, node: &TypedNode) -> Result<Option<ValueId>> {
        // Each family answers for its own operators only.
        let families = [Self::spatial, Self::function, Self::movement];
        for family in families {
            if let Some(value) = family(self, node)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Adds a node.
    fn push(&mut self, name: &str, op: Op, inputs: Vec<ValueId>, shape: Vec<usize>) -> ValueId {
        self.nodes.push(Node { name: name.to_string(), op, inputs, shape });
        self.nodes.len() - 1
    }

    /// Adds a constant.
    fn push_constant(&mut self, name: &str, values: Vec<f32>, shape: Vec<usize>) -> ValueId {
        self.push(name, Op::Constant(Arc::new(values)), vec![], shape)
    }

    /// Adds a change of shape, unless the value has that shape already.
    fn push_reshape(&mut self, name: &str, value: ValueId, shape: Vec<usize>) -> ValueId {
        if self.nodes[value].shape == shape { value } else { self.push(name, Op::Reshape, vec![value], shape) }
    }

    /// The value of an outlet that was lowered before; a constant becomes a node here.
    fn value(&mut self, outlet: OutletId) -> Result<ValueId> {
        if let Some(&value) = self.values.get(&outlet) {
            return Ok(value);
        }
        let name = self.model.nodes[outlet.node].name.clone();
        let tensor =
            self.constants.get(&outlet).ok_or_else(|| Error::other(format!("{name}: used before it is computed")))?;
        let shape = tensor.shape().to_vec();
        let value = match numbers(tensor) {
            Ok(values) => self.push_constant(&name, values, shape),
            Err(_) => {
                let operator = format!("Constant of type {:?}", tensor.datum_type());
                self.push(&name, Op::Unsupported { operator }, vec![], shape)
            }
        };
        self.values.insert(outlet, value);
        Ok(value)
    }

    /// The numbers of an input that is constant.
    fn constant(&self, node: &TypedNode, slot: usize) -> Option<&Arc<Tensor>> {
        self.constants.get(node.inputs.get(slot)?)
    }

    /// The datum type of an input.
    fn input_type(&self, node: &TypedNode, slot: usize) -> Option<DatumType> {
        Some(self.model.outlet_fact(*node.inputs.get(slot)?).ok()?.datum_type)
    }

    /// The shape of a node's first output.
    fn shape(&self, node: &TypedNode) -> Result<Vec<usize>> {
        self.outlet_shape(node.id.into())
    }

    fn outlet_shape(&self, outlet: OutletId) -> Result<Vec<usize>> {
        let name = &self.model.nodes[outlet.node].name;
        let fact = self.model.outlet_fact(outlet).map_err(|cause| Error::other(format!("{name}: {cause:#}")))?;
        let shape = fact.shape.as_concrete().map(<[usize]>::to_vec);
        shape.ok_or_else(|| {
            Error::input(format!("{name}: the shape {:?} is not fixed; fix batch and image size first", fact.shape))
        })
    }

    /// Adds a node that stands for an operator without a rule, and depends on what that depends on.
    fn unsupported(&mut self, node: &TypedNode, outlet: OutletId) -> Result<ValueId> {
        let inputs = node.inputs.iter().filter_map(|input| self.values.get(input).copied()).collect();
        let shape = self.outlet_shape(outlet)?;
        Ok(self.push(&node.name, Op::Unsupported { operator: node.op.name().to_string() }, inputs, shape))
    }
}

/// The elements of a tensor as `f32`, in row-major order.
pub(super) fn numbers(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let tensor = tensor.cast_to::<f32>()?;
    Ok(tensor.to_plain_array_view::<f32>()?.iter().copied().collect())
}

/// An error that names the operator it happened in.
fn failed(node: &TypedNode) -> impl Fn(tract_onnx::prelude::TractError) -> Error {
    let name = format!("{} ({})", node.name, node.op.name());
    move |cause| Error::input(format!("{name}: cannot be lowered: {cause:#}"))
}
