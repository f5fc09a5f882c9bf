//! Running a network through tract, with taps on any of its values.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, Slice};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceModelExt};

use super::{Network, refuse_panic};
use crate::error::{Error, Result};

/// A network ready to run, shared by all threads; every run is single-threaded and gives the same bytes.
pub struct Plan {
    model: Arc<TypedRunnableModel>,
    input_shape: Vec<usize>,
    element: DatumType,
    /// Why tract's optimisations were left out, if they were: the plan is then slower, not different.
    pub unoptimised: Option<String>,
}

impl Network {
    /// A plan that yields the values `taps` (ONNX value names) in their order, for `batch` images at a time.
    ///
    /// `size` (height, width) is needed for networks that leave their image size open.
    /// Errors: an unknown tap, an open size without `size`, shapes that do not fit.
    pub fn plan(&self, taps: &[&str], batch: usize, size: Option<(usize, usize)>) -> Result<Plan> {
        let batch = self.fixed_batch().unwrap_or(batch);
        let typed = self.typed(taps, batch, size)?;
        let shape = self.input.shape(batch, self.image_size(size)?).to_vec();
        let element = refuse_panic("reading the input", || Ok(typed.input_fact(0)?.datum_type))?;
        let (model, unoptimised) = runnable(typed)?;
        Ok(Plan { model, input_shape: shape, element, unoptimised })
    }

    /// tract's typed model with outputs `taps`, not decluttered: one operator per ONNX operator or nearly so.
    ///
    /// Errors as for [`Network::plan`]; besides, a batch other than [`Network::fixed_batch`].
    pub(crate) fn typed(&self, taps: &[&str], batch: usize, size: Option<(usize, usize)>) -> Result<TypedModel> {
        if let Some(only) = self.fixed_batch().filter(|&only| only != batch) {
            let file = self.file.display();
            return Err(Error::input(format!("{file}: the network takes batches of {only} only, not of {batch}")));
        }
        let outlets = taps.iter().map(|tap| self.outlet(tap)).collect::<Result<Vec<_>>>()?;
        let shape = self.input.shape(batch, self.image_size(size)?);
        refuse_panic("typing the graph", || {
            let mut model = self.model.clone();
            let element = model.input_fact(0)?.datum_type;
            let element = element.concretize().unwrap_or(f32::datum_type());
            model.set_input_fact(0, InferenceFact::dt_shape(element, TVec::from_slice(&shape)))?;
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
        let batch = self.input_shape.first().copied().unwrap_or(1).max(1);
        let total = images.shape().first().copied().unwrap_or(0);
        if total == 0 || images.shape().get(1..) != self.input_shape.get(1..) {
            return Err(Error::input(format!(
                "the network takes arrays of shape {:?} (the first axis is free), not {:?}",
                self.input_shape,
                images.shape()
            )));
        }
        let mut parts: Vec<Vec<ArrayD<f32>>> = Vec::new();
        for start in (0..total).step_by(batch) {
            let end = (start + batch).min(total);
            let slice = images.slice_axis(Axis(0), Slice::from(start..end));
            let mut padded = ArrayD::zeros(IxDyn(&self.input_shape));
            padded.slice_axis_mut(Axis(0), Slice::from(0..end - start)).assign(&slice);
            let mut outputs = self.run_batch(&padded)?;
            if end - start < batch {
                // The rest of a last, short batch was filled with zeros; its rows are dropped.
                for output in &mut outputs {
                    if output.shape().first() == Some(&batch) {
                        output.slice_axis_inplace(Axis(0), Slice::from(0..end - start));
                    }
                }
            }
            parts.push(outputs);
        }
        joined(parts)
    }

    fn run_batch(&self, images: &ArrayD<f32>) -> Result<Vec<ArrayD<f32>>> {
        let outputs = refuse_panic("running the network", || {
            let data: Vec<f32> = images.iter().copied().collect();
            let tensor = Tensor::from_shape(images.shape(), &data)?;
            // Networks on bytes get the nearest byte.
            let tensor = if self.element.is_integer() {
                let rounded: Vec<f32> = data.iter().map(|value| value.round()).collect();
                Tensor::from_shape(images.shape(), &rounded)?.cast_to_dt(self.element)?.into_owned()
            } else {
                tensor.cast_to_dt(self.element)?.into_owned()
            };
            self.model.run(tvec!(tensor.into()))
        })?;
        outputs.iter().map(|value| array(value)).collect()
    }
}

/// Batches of outputs, one after the other, as one array per tap.
fn joined(parts: Vec<Vec<ArrayD<f32>>>) -> Result<Vec<ArrayD<f32>>> {
    if parts.len() == 1 {
        return Ok(parts.into_iter().next().unwrap_or_default());
    }
    let taps = parts.first().map_or(0, Vec::len);
    let join = |tap: usize| {
        let views: Vec<_> = parts.iter().filter_map(|part| part.get(tap)).map(|array| array.view()).collect();
        ndarray::concatenate(Axis(0), &views).map_err(|cause| Error::other(format!("outputs do not join: {cause}")))
    };
    (0..taps).map(join).collect()
}

/// Optimised where tract can; valid networks exist on which its optimisation fails, and those run as they are.
fn runnable(typed: TypedModel) -> Result<(Arc<TypedRunnableModel>, Option<String>)> {
    let optimised = refuse_panic("optimising", || typed.clone().into_optimized()?.into_runnable());
    match optimised {
        Ok(model) => Ok((model, None)),
        Err(cause) => Ok((refuse_panic("planning", || typed.into_runnable())?, Some(cause.to_string()))),
    }
}

/// A tensor's values as float32.
pub(crate) fn array(tensor: &Tensor) -> Result<ArrayD<f32>> {
    refuse_panic("reading a tensor", || {
        let tensor = tensor.cast_to_dt(f32::datum_type())?;
        let values: Vec<f32> = tensor.to_plain_array_view::<f32>()?.iter().copied().collect();
        Ok(ArrayD::from_shape_vec(IxDyn(tensor.shape()), values)?)
    })
}
