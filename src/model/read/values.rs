//! What every value of the graph is: its shape, and its content where it does not depend on the image.
//!
//! tract's shape inference folds all shape arithmetic. It runs on concrete sizes, twice: an axis whose length changes
//! with the batch or with an open image size is written as `None`, as Keras writes its batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceModelExt};

use crate::error::{Error, Result};
use crate::model::read::bounds::work_reason;
use crate::model::read::catch_panic::refuse_panic;
use crate::model::read::definition::Definition;
use crate::model::read::follow::follow;
use crate::model::read::inputs::set_others;
use crate::model::read::shapes::{Input, Values};

/// Image sizes tried when the file leaves its own open, the customary one first.
const TRIED_SIZES: [usize; 7] = [224, 64, 32, 28, 96, 299, 513];

/// One pass of shape inference: shape and, where known, content of every value.
struct Probe {
    shapes: BTreeMap<String, Vec<usize>>,
    constants: BTreeMap<String, Arc<Tensor>>,
}

/// What shapes are inferred from: the graph as tract has it and as the file has it.
pub(crate) struct Source<'a> {
    pub model: &'a InferenceModel,
    pub outlets: &'a BTreeMap<String, OutletId>,
    pub definition: &'a Definition,
    /// Numbers in the weights, given and computed.
    pub weights: f64,
}

/// Shape inference at one shape of the input; `images` is the number of images that the bounds hold for.
fn probe(source: &Source, shape: &[usize], images: f64) -> Result<Probe> {
    let Source { outlets, definition, weights, .. } = *source;
    refuse_panic("shape inference", || {
        let mut model = source.model.clone();
        let element = model.input_fact(0)?.datum_type.concretize().unwrap_or(f32::datum_type());
        model.set_input_fact(0, InferenceFact::dt_shape(element, TVec::from_slice(shape)))?;
        set_others(&mut model, &definition.others, shape.first().copied().unwrap_or(1))?;
        follow(&mut model, outlets, definition, weights, images)?;
        model.analyse(false)?;
        let mut probe = Probe { shapes: BTreeMap::new(), constants: BTreeMap::new() };
        for (name, &outlet) in outlets {
            let fact = model.outlet_fact(outlet)?;
            if let Some(shape) = fact.shape.as_concrete_finite()? {
                probe.shapes.insert(name.clone(), shape.to_vec());
            }
            if let Some(tensor) = fact.value.concretize() {
                probe.constants.insert(name.clone(), tensor);
            }
        }
        Ok(probe)
    })
}

/// Infers all shapes. `size` overrides an open image size.
///
/// Errors: the shapes do not fit together, or no tried size suits an open one.
pub(crate) fn infer(source: &Source, input: &Input, size: Option<(usize, usize)>) -> Result<Values> {
    let definition = source.definition;
    let batch = input.dims.first().copied().flatten().unwrap_or(1);
    let fill = |side: usize| (input.height.unwrap_or(side), input.width.unwrap_or(side));
    let run = |batch, size, images| probe(source, &input.shape(batch, size), images);
    let candidates = match size.or(input.size()) {
        Some(size) => vec![size],
        None => TRIED_SIZES.iter().map(|&side| fill(side)).collect(),
    };
    let mut failure = Error::input("no image size was tried");
    let mut found = None;
    for candidate in candidates {
        match run(batch, candidate, 1.0) {
            Ok(first) => {
                found = Some((first, candidate));
                break;
            }
            Err(cause) => failure = cause,
        }
    }
    let Some((first, size)) = found else {
        let open = if input.size().is_none() { "; its image size is open: give one with --size" } else { "" };
        return Err(Error::input(format!("{failure}{open}")));
    };

    // A batch is free when two images pass and each output then has twice the rows.
    let grown = if input.size().is_some() {
        size
    } else {
        (
            if input.height.is_none() { size.0 + 32 } else { size.0 },
            if input.width.is_none() { size.1 + 32 } else { size.1 },
        )
    };
    let scales = |second: &Probe| {
        definition.outputs.iter().filter(|output| !first.constants.contains_key(*output)).all(|output| {
            match (first.shapes.get(output).and_then(|s| s.first()), second.shapes.get(output).and_then(|s| s.first()))
            {
                (Some(one), Some(two)) => batch.checked_mul(*two) == (2 * batch).checked_mul(*one),
                _ => false,
            }
        })
    };
    // These only tell which axes are open, and are larger than what will run.
    let doubled = run(2 * batch, size, 8.0).ok().filter(scales);
    let fixed_batch = if doubled.is_some() { None } else { Some(batch) };
    let second = if grown == size {
        doubled
    } else {
        run(if doubled.is_some() { 2 * batch } else { batch }, grown, 8.0).ok().or(doubled)
    };
    let open = |name: &String, one: &Vec<usize>| {
        let two = second.as_ref().and_then(|second| second.shapes.get(name)).filter(|two| two.len() == one.len());
        let axes = one.iter().enumerate().map(|(axis, &length)| {
            let changes = match two {
                Some(two) => two.get(axis) != Some(&length),
                None => false,
            };
            let is_batch = axis == 0 && fixed_batch == Some(length) && one.len() > 1;
            (!changes && !is_batch).then_some(length)
        });
        axes.collect()
    };
    let shapes = first.shapes.iter().map(|(name, shape)| (name.clone(), open(name, shape))).collect();
    let values = Values { shapes, probed: first.shapes, constants: first.constants, size, fixed_batch };
    match work_reason(definition, &values, source.weights) {
        Some(reason) => Err(Error::input(reason)),
        None => Ok(values),
    }
}

/// The input's layout, found by following it to the first convolution through the transposes in between.
pub(crate) fn input(definition: &Definition) -> Input {
    let declared = &definition.input;
    let dims = declared.dims.clone();
    // For each value derived from the image: which of the image's axes lies at each position.
    let mut axes: BTreeMap<&str, [usize; 4]> = BTreeMap::from([(declared.name.as_str(), [0, 1, 2, 3])]);
    let mut channel_axis = None;
    let mut channels = None;
    for node in &definition.nodes {
        let Some(&order) = axes.get(node.input()) else { continue };
        match node.op.as_str() {
            "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "BatchNormalization" => {
                channel_axis = Some(order[1]);
                let kernel = node.inputs.get(1).and_then(|kernel| definition.initializers.get(kernel));
                let group = usize::try_from(node.int("group").unwrap_or(1)).unwrap_or(1);
                channels = kernel
                    .filter(|_| node.op == "Conv")
                    .and_then(|kernel| kernel.get(1))
                    .and_then(|per_group| per_group.checked_mul(group));
                break;
            }
            "Transpose" => {
                let permutation: Vec<usize> = match node.ints("perm") {
                    Some(perm) => perm.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect(),
                    None => vec![3, 2, 1, 0],
                };
                let moved: Vec<usize> = permutation.iter().filter_map(|&axis| order.get(axis).copied()).collect();
                if let Ok(moved) = <[usize; 4]>::try_from(moved) {
                    axes.insert(node.output(), moved);
                }
            }
            // A reshape may reorder the axes of a single-channel image; the lengths decide below.
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Shape" | "Gather" => {}
            _ => _ = axes.insert(node.output(), order),
        }
    }
    let length = |axis: usize| dims.get(axis).copied().flatten();
    let few = |axis: usize| length(axis).is_some_and(|length| length <= 4);
    let channels_last = match channel_axis {
        Some(axis) => axis == 3,
        None => few(3) && !few(1),
    };
    let channel_axis = if channels_last { 3 } else { 1 };
    let (height, width) = if channels_last { (1, 2) } else { (2, 3) };
    Input {
        name: declared.name.clone(),
        channels_last,
        channels: length(channel_axis).or(channels).unwrap_or(3),
        height: length(height),
        width: length(width),
        element: declared.element.as_str_name().to_lowercase(),
        dims,
    }
}
