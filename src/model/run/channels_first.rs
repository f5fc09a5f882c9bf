//! Feature maps whose channels lie last in the file, read with channels first.
//!
//! Heatmaps are made from [n, channels, height, width]. A map with channels last becomes one by a transpose that is put
//! into the graph, with its inverse behind it: what follows hangs on the transposed map, so a gradient with respect to it
//! is one with channels first.

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::expand;
use tract_onnx::tract_hir::ops::array::PermuteAxes;

use crate::model::Network;

/// Ends the names of such maps.
const SUFFIX: &str = " (channels first)";

impl Network {
    /// The name under which [`Network::plan`], [`Network::graph`] and [`Network::tail`] know the map `value` with its
    /// channels first: its own, unless they lie last in the file.
    pub fn channels_first(&self, value: &str) -> String {
        let last = self.values.probed(value).len() == 4 && self.layouts.channels_last(value);
        if last { format!("{value}{SUFFIX}") } else { value.to_string() }
    }
}

/// The value's own name, and whether its channels are asked for first.
pub(crate) fn own_name(name: &str) -> (&str, bool) {
    name.strip_suffix(SUFFIX).map_or((name, false), |own| (own, true))
}

/// Puts the two transposes behind `outlet`; returns the outlet between them.
pub(crate) fn turn(model: &mut InferenceModel, outlet: OutletId) -> TractResult<OutletId> {
    let name = model.node(outlet.node).name.clone();
    let readers = model.node(outlet.node).outputs.get(outlet.slot).map(|output| output.successors.clone());
    let transpose = |axes| expand(PermuteAxes::new(Some(axes)));
    let first = model.wire_node(format!("{name}.channels_first"), transpose(tvec![0, 3, 1, 2]), &[outlet])?;
    let last = model.wire_node(format!("{name}.channels_last"), transpose(tvec![0, 2, 3, 1]), &first)?;
    for reader in readers.iter().flatten() {
        model.add_edge(OutletId::new(last[0].node, 0), *reader)?;
    }
    Ok(first[0])
}
