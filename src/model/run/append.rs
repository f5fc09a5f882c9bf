//! Adding operators to a typed graph, in a time that does not grow with the graph.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::InletId;

/// As tract's `wire_node`, which compares each new name with all others: here the caller sees to it that names differ.
pub(crate) fn append(
    model: &mut TypedModel,
    name: String,
    op: Box<dyn TypedOp>,
    inputs: &[OutletId],
) -> TractResult<TVec<OutletId>> {
    let facts =
        inputs.iter().map(|input| model.outlet_fact(*input).cloned()).collect::<TractResult<TVec<TypedFact>>>()?;
    let outputs = op.output_facts(&facts.iter().collect::<TVec<_>>())?;
    let count = outputs.len();
    let id = model.add_node(name, op, outputs)?;
    for (slot, input) in inputs.iter().enumerate() {
        model.add_edge(*input, InletId::new(id, slot))?;
    }
    Ok((0..count).map(|slot| OutletId::new(id, slot)).collect())
}
