//! Which values have their channels first and which last: exporters mix both in one network.

use std::collections::BTreeMap;

use crate::model::layers::cells::Cells;
use crate::model::read::definition::Definition;
use crate::model::read::shapes::{Input, Values};

/// Which values have their channels in the last axis.
pub(crate) struct Layouts(BTreeMap<String, bool>);

impl Layouts {
    pub fn channels_last(&self, value: &str) -> bool {
        self.0.get(value).copied().unwrap_or(false)
    }

    /// Follows the layouts through the graph; where the cells of a value are known, they decide.
    pub fn of(definition: &Definition, values: &Values, input: &Input, cells: &BTreeMap<String, Cells>) -> Layouts {
        let mut last = BTreeMap::from([(input.name.clone(), input.channels_last)]);
        for node in &definition.nodes {
            let inherited = node.inputs.iter().find_map(|value| last.get(value)).copied();
            let layout = match node.op.as_str() {
                "Conv"
                | "ConvTranspose"
                | "MaxPool"
                | "AveragePool"
                | "GlobalAveragePool"
                | "GlobalMaxPool"
                | "BatchNormalization"
                | "InstanceNormalization"
                | "LRN" => Some(false),
                "Transpose" => node.ints("perm").and_then(channels_moved).or(inherited),
                // A single-channel image is sometimes brought to channels-first by a reshape.
                "Reshape" => inherited.map(|layout| {
                    let shape = values.probed(node.output());
                    layout && !(shape.len() == 4 && shape.get(1) == Some(&1) && shape.get(3) != Some(&1))
                }),
                _ => inherited,
            };
            if let Some(layout) = layout {
                last.extend(node.outputs.iter().map(|output| (output.clone(), layout)));
            }
        }
        for (value, cells) in cells {
            match cells {
                Cells::First { .. } => _ = last.insert(value.clone(), false),
                Cells::Last { .. } => _ = last.insert(value.clone(), true),
                Cells::Tokens { .. } | Cells::Flat { .. } => {}
            }
        }
        Layouts(last)
    }
}

/// Whether a permutation moves axis 1 to the end (true), the last axis to place 1 (false), or does something else.
fn channels_moved(permutation: &[i64]) -> Option<bool> {
    let rank = permutation.len() as i64;
    let to_end: Vec<i64> = std::iter::once(0).chain(2..rank).chain([1]).collect();
    let to_front: Vec<i64> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    match (permutation == to_end, permutation == to_front) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}
