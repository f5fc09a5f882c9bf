//! Feature maps whose channels lie last in the file, and tokens, read as maps with channels first.
//!
//! Heatmaps are made from [n, channels, height, width]. What lies otherwise becomes such a map by operators that are put
//! into the graph, with their inverse behind them: what follows hangs on that map, so a gradient with respect to it
//! is one with channels first.

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::expand;
use tract_onnx::tract_hir::ops::array::PermuteAxes;

use crate::model::Network;
use crate::model::layers::cells::Cells;
use crate::model::run::tokens::{MapToTokens, TokensToMap};

/// Ends the names of such maps.
const SUFFIX: &str = " (channels first)";

impl Network {
    /// The name under which [`Network::plan`], [`Network::graph`] and [`Network::tail`] know the map `value` with its
    /// channels first: its own, unless they lie last in the file.
    pub fn channels_first(&self, value: &str) -> String {
        match self.turning(value) {
            Some(_) => format!("{value}{SUFFIX}"),
            None => value.to_string(),
        }
    }

    /// How a value becomes a map with channels first; `None` where it is one, or none can be made of it.
    pub(crate) fn turning(&self, value: &str) -> Option<Turning> {
        let rank = self.values.probed(value).len();
        match self.cells_of(value) {
            Some(cells @ Cells::Tokens { .. }) if rank == 3 => TokensToMap::of(cells).map(Turning::Tokens),
            _ => (rank == 4 && self.layouts.channels_last(value)).then_some(Turning::Channels),
        }
    }
}

/// What makes a map with channels first.
#[derive(Debug, Clone)]
pub(crate) enum Turning {
    /// [n, rows, columns, channels] is transposed.
    Channels,
    Tokens(TokensToMap),
}

/// The value's own name, and whether its channels are asked for first.
pub(crate) fn own_name(name: &str) -> (&str, bool) {
    name.strip_suffix(SUFFIX).map_or((name, false), |own| (own, true))
}

/// Puts the operators behind `outlet`; returns the outlet between them.
pub(crate) fn turn(model: &mut InferenceModel, outlet: OutletId, turning: &Turning) -> TractResult<OutletId> {
    let name = model.node(outlet.node).name.clone();
    let readers = model.node(outlet.node).outputs.get(outlet.slot).map(|output| output.successors.clone());
    let transpose = |axes| expand(PermuteAxes::new(Some(axes)));
    let (there, back) = (format!("{name}.channels_first"), format!("{name}.channels_last"));
    let (first, last) = match turning {
        Turning::Channels => {
            let first = model.wire_node(there, transpose(tvec![0, 3, 1, 2]), &[outlet])?;
            let last = model.wire_node(back, transpose(tvec![0, 2, 3, 1]), &first)?;
            (first[0], last[0])
        }
        Turning::Tokens(tokens) => {
            let first = model.wire_node(there, expand(tokens.clone()), &[outlet])?;
            let last = model.wire_node(back, expand(MapToTokens(tokens.clone())), &[first[0], outlet])?;
            (first[0], last[0])
        }
    };
    for reader in readers.iter().flatten() {
        model.add_edge(last, *reader)?;
    }
    Ok(first)
}
