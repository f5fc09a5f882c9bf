//! Running a network through tract, with taps on any of its values.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, Slice};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::optim::Optimizer;
use tract_onnx::tract_hir::infer::{Factoid, InferenceModelExt};

use crate::backprop::graph::Graph;
use crate::error::{Error, Result};
use crate::model::Network;
use crate::model::lower::lower;
use crate::model::read::catch_panic::refuse_panic;
use crate::model::read::printable::printable;
use crate::model::run::channels_first::{own_name, turn};
use crate::model::run::convolution::replace;

/// A network ready to run, shared by all threads; every run is single-threaded and gives the same bytes.
pub struct Plan {
    model: Arc<TypedRunnableModel>,
    input_shape: Vec<usize>,
    batch: usize,
    element: DatumType,
    /// Why some or all of tract's optimisations were left out, if they were: the plan is then slower, not different.
    pub unoptimised: Option<String>,
}

impl Network {
    /// A plan that yields the values `taps` (ONNX value names) in their order, for `batch` images at a time.
    ///
    /// `size` (height, width) is needed for networks that leave their image size open.
    /// Errors: an unknown tap, an open size without `size`, shapes that do not fit.
    pub fn plan(&self, taps: &[&str], batch: usize, size: Option<(usize, usize)>) -> Result<Plan> {
        let batch = self.fixed_batch().unwrap_or(batch.max(1));
        let typed = self.typed(taps, batch, size)?;
        let shape = self.input.shape(batch, self.image_size(size)?).to_vec();
        let element = refuse_panic("reading the input", || Ok(typed.input_fact(0)?.datum_type))?;
        let typed = refuse_panic("replacing convolutions", || replace(typed.clone())).unwrap_or(typed);
        let (model, unoptimised) = runnable(typed)?;
        Ok(Plan { model, input_shape: shape, batch, element, unoptimised })
    }

    /// The gradient graph of the network with the values `taps` as outputs, in their order.
    ///
    /// Errors as for [`Network::plan`].
    pub fn graph(&self, taps: &[&str], batch: usize, size: Option<(usize, usize)>) -> Result<Graph> {
        let typed = self.typed(taps, batch, size)?;
        // Lowering runs some of tract's operators to learn what they do.
        refuse_panic("lowering the graph", || Ok(lower(&typed)))
            .flatten()
            .map_err(|cause| Error::input(format!("{}: {cause}", self.file.display())))
    }

    /// tract's typed model with outputs `taps`, not decluttered: one operator per ONNX operator or nearly so.
    ///
    /// Errors as for [`Network::plan`]; besides, a batch other than [`Network::fixed_batch`].
    pub(crate) fn typed(&self, taps: &[&str], batch: usize, size: Option<(usize, usize)>) -> Result<TypedModel> {
        if let Some(only) = self.fixed_batch().filter(|&only| only != batch) {
            let file = self.file.display();
            return Err(Error::input(format!(
                "{file}: the network takes batches of {only} only, not of {batch}; export it with a batch of one, or an open one"
            )));
        }
        if let Some(other) = self.definition.others.first() {
            let (file, name, shape) = (self.file.display(), printable(&other.name), other.shape());
            return Err(Error::input(format!(
                "{file}: the network takes another input beside the image, `{name}` of shape {shape:?}; give it with --input {name}=FILE, an \
                 image or a .npy array, or --input {name}=0.5, or the chapter's key `other_inputs`"
            )));
        }
        if let Some(reason) = &self.unrunnable {
            return Err(Error::input(format!("{}: {reason}", self.file.display())));
        }
        let named: Vec<(&str, bool)> = taps.iter().map(|tap| own_name(tap)).collect();
        let outlets = named.iter().map(|(tap, _)| self.outlet(tap)).collect::<Result<Vec<_>>>()?;
        let shape = self.input.shape(batch, self.image_size(size)?);
        refuse_panic("typing the graph", || {
            let mut model = self.model.clone();
            let element = model.input_fact(0)?.datum_type;
            let element = element.concretize().unwrap_or(f32::datum_type());
            model.set_input_fact(0, InferenceFact::dt_shape(element, TVec::from_slice(&shape)))?;
            let tap =
                |(&outlet, &(name, turned)): (&OutletId, &(&str, bool))| match self.turning(name).filter(|_| turned) {
                    Some(turning) => turn(&mut model, outlet, &turning),
                    None => Ok(outlet),
                };
            let outlets = outlets.iter().zip(&named).map(tap).collect::<TractResult<Vec<_>>>()?;
            model.select_output_outlets(&outlets)?;
            model.into_typed()
        })
        .map_err(|cause| Error::input(format!("{}: {cause}", self.file.display())))
    }

    /// The image size to run at: the given one where the network leaves it open.
    fn image_size(&self, given: Option<(usize, usize)>) -> Result<(usize, usize)> {
        let file = self.file.display();
        match (given, self.input.size()) {
            (Some(given), Some(own)) if given != own => Err(Error::input(format!(
                "{file}: takes images of {}x{} only, not {}x{}",
                own.0, own.1, given.0, given.1
            ))),
            (Some(given), _) => Ok(given),
            (None, Some(own)) => Ok(own),
            (None, None) => Err(Error::input(format!("{file}: the image size is open; give one with --size"))),
        }
    }
}

impl Plan {
    /// Runs images of the network's own layout, [N, H, W, C] or [N, C, H, W], any N; returns the taps in order.
    ///
    /// Errors: images of another shape.
    pub fn run(&self, images: &ArrayD<f32>) -> Result<Vec<ArrayD<f32>>> {
        let shapes = [self.input_shape.clone()];
        in_batches(std::slice::from_ref(images), &shapes, self.batch, |images| {
            let outputs = refuse_panic("running the network", || {
                let inputs = images.iter().map(|images| self.tensor(images)).collect::<TractResult<_>>()?;
                self.model.run(inputs)
            })?;
            outputs.iter().map(|value| tensor_array::<f32>(value)).collect()
        })
    }

    /// Images in the network's own element type; networks on bytes get the nearest byte.
    fn tensor(&self, images: &ArrayD<f32>) -> TractResult<TValue> {
        let bytes = self.element.is_integer();
        let values: Vec<f32> = images.iter().map(|&value| if bytes { value.round() } else { value }).collect();
        Ok(Tensor::from_shape(images.shape(), &values)?.cast_to_dt(self.element)?.into_owned().into())
    }
}

/// Runs rows of any number through a function that takes exactly `batch` of them; in a last, short batch the last row is
/// repeated, and its further results are dropped. `shapes` are those of whole batches.
pub(crate) fn in_batches<T: Copy + Default>(
    inputs: &[ArrayD<T>],
    shapes: &[Vec<usize>],
    batch: usize,
    run: impl Fn(&[ArrayD<T>]) -> Result<Vec<ArrayD<T>>>,
) -> Result<Vec<ArrayD<T>>> {
    let rows = inputs.first().and_then(|input| input.shape().first()).copied().unwrap_or(0);
    let fits = |(input, shape): (&ArrayD<T>, &Vec<usize>)| {
        input.shape().first() == Some(&rows) && input.shape().get(1..) == shape.get(1..)
    };
    if rows == 0 || inputs.len() != shapes.len() || !inputs.iter().zip(shapes).all(fits) {
        let given: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
        return Err(Error::input(format!(
            "the network takes arrays of shape {shapes:?} (the first axis is free), not {given:?}"
        )));
    }
    if rows == batch {
        return run(inputs);
    }
    let mut parts: Vec<Vec<ArrayD<T>>> = Vec::new();
    for start in (0..rows).step_by(batch.max(1)) {
        let count = batch.min(rows - start);
        let part = |(input, shape): (&ArrayD<T>, &Vec<usize>)| {
            let mut filled = ArrayD::from_elem(shape.as_slice(), T::default());
            let given = input.slice_axis(Axis(0), Slice::from(start..start + count));
            filled.slice_axis_mut(Axis(0), Slice::from(0..count)).assign(&given);
            for mut row in filled.axis_iter_mut(Axis(0)).skip(count) {
                row.assign(&given.index_axis(Axis(0), count - 1));
            }
            filled
        };
        let inputs: Vec<ArrayD<T>> = inputs.iter().zip(shapes).map(part).collect();
        let mut outputs = run(&inputs)?;
        for output in outputs.iter_mut().filter(|output| output.shape().first() == Some(&batch)) {
            output.slice_axis_inplace(Axis(0), Slice::from(0..count));
        }
        parts.push(outputs);
    }
    let join = |tap: usize| {
        let views: Vec<_> = parts.iter().filter_map(|part| part.get(tap)).map(|array| array.view()).collect();
        ndarray::concatenate(Axis(0), &views).map_err(|cause| Error::other(format!("outputs do not join: {cause}")))
    };
    (0..parts.first().map_or(0, Vec::len)).map(join).collect()
}

/// Operators up to which tract optimises a network; each of its changes looks at all of them, which takes some seconds
/// here.
const MOST_OPTIMISED: usize = 2_500;

/// Optimised as far as tract can: wholly, without the one pass known to fail on valid networks (a product over a
/// concatenation of something broadcast), or not at all. The reason is given for all but the first.
pub(crate) fn runnable(typed: TypedModel) -> Result<(Arc<TypedRunnableModel>, Option<String>)> {
    let operators = typed.nodes().iter().filter(|node| !node.inputs.is_empty()).count();
    if operators > MOST_OPTIMISED {
        let reason = format!("it has {operators} operators, and the time grows with the square of their number");
        return Ok((refuse_panic("planning", || typed.into_runnable())?, Some(reason)));
    }
    let whole = refuse_panic("optimising", || typed.clone().into_optimized()?.into_runnable());
    let cause = match whole {
        Ok(model) => return Ok((model, None)),
        Err(cause) => cause,
    };
    let partly = refuse_panic("optimising", || {
        let mut model = typed.clone();
        let mut declutter = Optimizer::declutter();
        declutter.passes.retain(|pass| !format!("{pass:?}").contains("ConcatThenEinsum"));
        declutter.session().optimize(&mut model)?;
        model.optimize()?;
        model.into_runnable()
    });
    match partly {
        Ok(model) => Ok((model, Some("tract's pass ConcatThenEinsum fails on it and was left out".into()))),
        Err(_) => Ok((refuse_panic("planning", || typed.into_runnable())?, Some(cause.to_string()))),
    }
}

/// A tensor's values in another element type.
pub(crate) fn tensor_array<T: Datum + Copy>(tensor: &Tensor) -> Result<ArrayD<T>> {
    refuse_panic("reading a tensor", || {
        let tensor = tensor.cast_to_dt(T::datum_type())?;
        let values: Vec<T> = tensor.to_plain_array_view::<T>()?.iter().copied().collect();
        Ok(ArrayD::from_shape_vec(tensor.shape(), values)?)
    })
}
