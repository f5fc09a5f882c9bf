//! Where a cell of a feature map looks: the exact receptive field in the image, from kernels, strides and paddings.

use std::collections::BTreeMap;

use crate::model::Network;
use crate::model::layers::kind::Window;
use crate::model::layers::layout::Layouts;
use crate::model::read::definition::{Definition, Node};
use crate::model::read::shapes::{Input, Values};

/// The receptive field of a map's cells. Pairs are (vertical, horizontal); lengths are in pixels of the network's input
/// and a pixel's centre lies at its index + 0.5.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ReceptiveField {
    /// Pixels a cell can see; `None` where something on the way, such as a squeeze-and-excite gate, sees the whole image.
    pub size: Option<[usize; 2]>,
    /// Distance between neighbouring cells' centres.
    pub jump: [usize; 2],
    /// Centre of the first cell; outside the image when padding exceeds half the field.
    pub start: [f64; 2],
}

impl ReceptiveField {
    const PIXEL: ReceptiveField = ReceptiveField { size: Some([1, 1]), jump: [1, 1], start: [0.5, 0.5] };

    /// Centre of the cell at (row, column).
    pub fn centre(&self, row: usize, column: usize) -> (f64, f64) {
        let at = |axis: usize, index: usize| self.start[axis] + (index * self.jump[axis]) as f64;
        (at(0, row), at(1, column))
    }

    /// The field after a sliding window. `None` if a length overflows.
    fn through(mut self, window: &Window) -> Option<ReceptiveField> {
        for axis in 0..2 {
            let reach = window.dilations[axis].checked_mul(window.kernel[axis].checked_sub(1)?)?;
            if let Some(size) = &mut self.size {
                size[axis] = reach.checked_mul(self.jump[axis])?.checked_add(size[axis])?;
            }
            self.start[axis] += (reach as f64 / 2.0 - window.pads[axis] as f64) * self.jump[axis] as f64;
            self.jump[axis] = self.jump[axis].checked_mul(window.strides[axis])?;
        }
        Some(self)
    }

    /// Branches that meet: the same centres, the larger field; `None` when their centres differ.
    fn meet(self, other: ReceptiveField) -> Option<ReceptiveField> {
        if self.jump != other.jump || self.start != other.start {
            return None;
        }
        let larger = |a: [usize; 2], b: [usize; 2]| [a[0].max(b[0]), a[1].max(b[1])];
        Some(ReceptiveField { size: self.size.zip(other.size).map(|(a, b)| larger(a, b)), ..self })
    }
}

impl Network {
    /// The receptive field of the cells of `value` at [`Network::listed_size`].
    ///
    /// `None` for a value that is no map, and where none is exact: after a resize or a transposed convolution, and
    /// where branches with different centres met.
    pub fn receptive_field(&self, value: &str) -> Option<ReceptiveField> {
        self.fields.get(value).copied()
    }
}

/// Receptive fields of all values that have one.
pub(crate) fn fields(
    definition: &Definition,
    values: &Values,
    layouts: &Layouts,
    input: &Input,
) -> BTreeMap<String, ReceptiveField> {
    let mut walk = Walk { values, layouts, fields: BTreeMap::from([(input.name.clone(), ReceptiveField::PIXEL)]) };
    for node in &definition.nodes {
        if let Some(field) = walk.field(node) {
            walk.fields.extend(node.outputs.iter().map(|output| (output.clone(), field)));
        }
    }
    walk.fields
}

struct Walk<'a> {
    values: &'a Values,
    layouts: &'a Layouts,
    fields: BTreeMap<String, ReceptiveField>,
}

impl Walk<'_> {
    fn field(&self, node: &Node) -> Option<ReceptiveField> {
        let below = self.fields.get(node.input()).copied();
        match node.op.as_str() {
            "Conv" => {
                let kernel = self.values.probed(node.inputs.get(1)?).get(2..)?;
                below?.through(&Window::of(node, kernel, self.values)?)
            }
            "MaxPool" | "AveragePool" | "LpPool" => below?.through(&Window::of(node, &[], self.values)?),
            "Pad" => self.padded(below?, node),
            "Slice" => self.sliced(below?, node),
            "Reshape" | "Transpose" | "Squeeze" | "Unsqueeze" => self.keeps_positions(node).then_some(below?),
            "InstanceNormalization" | "GroupNormalization" => Some(ReceptiveField { size: None, ..below? }),
            "Concat" if !self.along_channels(node) => None,
            "Split" | "ReduceMean" | "ReduceMax" | "ReduceSum" | "LayerNormalization" | "Softmax" | "LogSoftmax" => {
                self.along_channels(node).then_some(below?)
            }
            // A matrix product with a constant mixes the last axis: channels, where they lie last.
            "MatMul" => self.layouts.channels_last(node.input()).then_some(below?),
            "Gemm" | "Resize" | "Upsample" | "ConvTranspose" | "GlobalAveragePool" | "GlobalMaxPool" | "Flatten"
            | "Gather" | "Expand" | "Shape" | "DepthToSpace" | "SpaceToDepth" => None,
            _ => self.met(node),
        }
    }

    /// Element-wise operators, normalisations and concatenations: all operands that depend on the image meet.
    fn met(&self, node: &Node) -> Option<ReceptiveField> {
        let mut result: Option<ReceptiveField> = None;
        let mut gated = false;
        for value in node.inputs.iter().filter(|value| !value.is_empty() && !self.values.is_constant(value)) {
            match (self.fields.get(value), result) {
                (Some(field), None) => result = Some(*field),
                (Some(field), Some(other)) => result = Some(other.meet(*field)?),
                // A gate per channel sees the whole image and moves nothing; any other operand might.
                (None, _) if self.is_gate(value) => gated = true,
                (None, _) => return None,
            }
        }
        let field = result?;
        Some(if gated { ReceptiveField { size: None, ..field } } else { field })
    }

    /// One number per channel and image.
    fn is_gate(&self, value: &str) -> bool {
        let shape = self.values.probed(value);
        shape.len() == 4 && self.sides(value).iter().all(|&side| shape.get(side) == Some(&1))
    }

    /// The axes of rows and columns of a map.
    fn sides(&self, value: &str) -> [usize; 2] {
        if self.layouts.channels_last(value) { [1, 2] } else { [2, 3] }
    }

    /// Padding by constants moves the first cell outwards.
    fn padded(&self, mut field: ReceptiveField, node: &Node) -> Option<ReceptiveField> {
        // Mirrored borders look elsewhere.
        if !matches!(node.text("mode"), None | Some("constant")) || node.inputs.len() > 3 {
            return None;
        }
        let pads = self.integers(node, "pads", 1)?;
        for (place, side) in self.sides(node.input()).into_iter().enumerate() {
            field.start[place] -= *pads.get(side)? as f64 * field.jump[place] as f64;
        }
        Some(field)
    }

    /// Cropping and striding by a slice; slices of channels leave positions alone.
    fn sliced(&self, mut field: ReceptiveField, node: &Node) -> Option<ReceptiveField> {
        let shape = self.values.probed(node.input());
        let starts = self.integers(node, "starts", 1)?;
        let axes = self.integers(node, "axes", 3).unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = self.integers(node, "steps", 4).unwrap_or_else(|| vec![1; starts.len()]);
        for ((&start, &axis), &step) in starts.iter().zip(&axes).zip(&steps) {
            let axis = from_end(axis, shape.len())?;
            let Some(place) = self.sides(node.input()).iter().position(|&side| side == axis) else { continue };
            let length = i64::try_from(*shape.get(axis)?).ok()?;
            let start = if start < 0 { start.checked_add(length)? } else { start }.clamp(0, length);
            let step = usize::try_from(step).ok().filter(|&step| step > 0)?;
            field.start[place] += start as f64 * field.jump[place] as f64;
            field.jump[place] = field.jump[place].checked_mul(step)?;
        }
        Some(field)
    }

    /// An attribute that newer operator sets made an input.
    fn integers(&self, node: &Node, attribute: &str, input: usize) -> Option<Vec<i64>> {
        match node.ints(attribute) {
            Some(values) => Some(values.to_vec()),
            None => self.values.integers(node.inputs.get(input)?),
        }
    }

    /// Whether a reshape or transpose leaves rows and columns in place: layouts, and channels regrouped before the last
    /// two axes (channel shuffle).
    fn keeps_positions(&self, node: &Node) -> bool {
        if node.op == "Transpose" {
            let perm = node.ints("perm");
            return matches!(perm, Some([0, 2, 3, 1] | [0, 3, 1, 2] | [0, 1, 2, 3] | [0, 2, 1, 3, 4]));
        }
        let (before, after) = (self.values.probed(node.input()), self.values.probed(node.output()));
        if before.len() < 4 || after.len() < 4 {
            return false;
        }
        let last_two = |shape: &[usize]| shape.iter().rev().take(2).copied().collect::<Vec<_>>();
        let long = |shape: &[usize]| shape.iter().copied().filter(|&length| length != 1).collect::<Vec<_>>();
        // Either channels are regrouped, or a single-channel image is brought to the other layout.
        last_two(before) == last_two(after) || (before.len() == 4 && after.len() == 4 && long(before) == long(after))
    }

    /// Whether the operator works along channels alone, its positions staying apart.
    fn along_channels(&self, node: &Node) -> bool {
        let rank = self.values.probed(node.input()).len();
        let axes = match (node.int("axis"), node.op.as_str()) {
            (Some(axis), _) => vec![axis],
            (None, op) if op.starts_with("Reduce") => self.integers(node, "axes", 1).unwrap_or_default(),
            (None, "Split") => vec![0],
            (None, _) => vec![-1],
        };
        let channel = if self.layouts.channels_last(node.input()) { 3 } else { 1 };
        // A LayerNormalization runs from its axis to the last, so along channels only where they lie last.
        let apart = node.op != "LayerNormalization" || channel == 3;
        rank == 4 && apart && matches!(axes.as_slice(), [axis] if from_end(*axis, rank) == Some(channel))
    }
}

/// An axis counted from the end if negative.
fn from_end(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    usize::try_from(if axis < 0 { axis.checked_add(rank)? } else { axis }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First and last pixel, on one axis, that a cell reaches through the windows, the last window first.
    fn reach(windows: &[Window], axis: usize, cell: i64) -> (i64, i64) {
        windows.iter().rev().fold((cell, cell), |(first, last), window| {
            let (stride, pad) = (window.strides[axis] as i64, window.pads[axis] as i64);
            let extent = (window.kernel[axis] as i64 - 1) * window.dilations[axis] as i64;
            (first * stride - pad, last * stride - pad + extent)
        })
    }

    fn window() -> impl Strategy<Value = Window> {
        let pair = |range: std::ops::Range<usize>| [range.clone(), range];
        (pair(1..8), pair(1..4), [0..4usize, 0..4, 0..4, 0..4], pair(1..4))
            .prop_map(|(kernel, strides, pads, dilations)| Window { kernel, strides, pads, dilations })
    }

    proptest! {
        #[test]
        fn fields_equal_the_pixels_a_cell_reaches(
            windows in prop::collection::vec(window(), 1..6),
            row in 0..20usize,
            column in 0..20usize,
        ) {
            let field = windows.iter().try_fold(ReceptiveField::PIXEL, |field, window| field.through(window)).unwrap();
            let centre = field.centre(row, column);
            for (axis, cell, centre) in [(0, row, centre.0), (1, column, centre.1)] {
                let (first, last) = reach(&windows, axis, cell as i64);
                prop_assert_eq!(field.size.unwrap()[axis] as i64, last - first + 1);
                // Pixel i covers i to i + 1, so the middle of pixels first to last is half of first + last + 1.
                prop_assert_eq!(centre, (first + last + 1) as f64 / 2.0);
            }
        }
    }

    #[test]
    fn lengths_that_overflow_have_no_field() {
        let huge = Window { kernel: [usize::MAX; 2], strides: [2; 2], pads: [0; 4], dilations: [2; 2] };
        assert_eq!(ReceptiveField::PIXEL.through(&huge), None);
    }
}
