//! The tail of a network: from chosen activations to chosen outputs, in double precision where tract can.
//!
//! Finite differences live on it: they perturb an activation and watch the score, and need the digits.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{ArrayD, Axis};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::floats::FloatPrecisionTranslator;
use tract_onnx::tract_core::transform::ModelTransform;

use crate::error::{Error, Result};
use crate::model::Network;
use crate::model::read::catch_panic::refuse_panic;
use crate::model::run::append::append;
use crate::model::run::f64_ops::spell_out;
use crate::model::run::plan::{in_batches, runnable, tensor_array};
use crate::random::Random;

/// Relative distance of the points between which a tail in double precision is straight, and how straight. Rounding to
/// single precision bends it by some 1e-8, curvature by the distance squared; points any closer would round to the same.
const CLOSE: f64 = 1e-6;
const STRAIGHT: f64 = 1e-10;
/// Places at which that is looked at.
const ATTEMPTS: u64 = 3;

/// Arithmetic of a [`Tail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    F32,
    F64,
}

/// Part of a network as a function of its own: from activations to outputs.
#[derive(Clone)]
pub struct Tail {
    model: Arc<TypedRunnableModel>,
    /// Shape of each input for a whole batch.
    shapes: Vec<Vec<usize>>,
    batch: usize,
    precision: Precision,
}

impl Network {
    /// The part of the network from the values `from` to the values `to`, for `batch` images at a time.
    ///
    /// Where a skip connection passes an activation by, `from` must also hold the value it comes from, for example the
    /// network's input. Precision is F32 where an operator has no F64; [`Tail::precision`] tells.
    /// `size` as for [`Network::plan`].
    ///
    /// Errors: unknown values; a path from the image to `to` that avoids `from`.
    pub fn tail(
        &self,
        from: &[&str],
        to: &[&str],
        batch: usize,
        size: Option<(usize, usize)>,
        precision: Precision,
    ) -> Result<Tail> {
        let batch = self.fixed_batch().unwrap_or(batch.max(1));
        let taps: Vec<&str> = from.iter().chain(to).copied().collect();
        let whole = self.typed(&taps, batch, size)?;
        let cut = refuse_panic("cutting the graph", || cut(&whole, from.len()))
            .map_err(|cause| Error::input(format!("{}: from {}: {cause}", self.name, from.join(", "))))?;
        let shapes = refuse_panic("reading shapes", || {
            let shape = |outlet: &OutletId| {
                let shape = cut.outlet_fact(*outlet)?.shape.as_concrete().map(<[usize]>::to_vec);
                shape.ok_or_else(|| TractError::msg("a shape is open"))
            };
            cut.input_outlets()?.iter().map(shape).collect::<TractResult<Vec<_>>>()
        })?;
        if shapes.iter().any(|shape| shape.first() != Some(&batch)) {
            // Some value has no row for each image, such as one of a fixed shape: then each image runs alone.
            if batch > 1 && self.fixed_batch().is_none() {
                return self.tail(from, to, 1, size, precision);
            }
            let (file, from) = (self.file().display(), from.join(", "));
            return Err(Error::input(format!(
                "{file}: {from}: its shape {shapes:?} does not begin with the batch of {batch}"
            )));
        }
        if precision == Precision::F64
            && let Ok(wide) = double(&cut)
        {
            let tail = |model: Result<Arc<TypedRunnableModel>>| {
                Some(Tail { model: model.ok()?, shapes: shapes.clone(), batch, precision: Precision::F64 })
                    .filter(|tail| tail.is_double().unwrap_or(false))
            };
            // Optimising fuses operators into ones that may compute in single precision.
            let optimised = tail(runnable(wide.clone()).map(|(model, _)| model));
            if let Some(tail) = optimised.or_else(|| tail(refuse_panic("planning", || wide.into_runnable()))) {
                return Ok(tail);
            }
        }
        Ok(Tail { model: runnable(cut)?.0, shapes, batch, precision: Precision::F32 })
    }
}

impl Tail {
    /// The arithmetic it runs in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Shape of each input, in the order of `from`, for a whole batch; the first axis is free in [`Tail::run`].
    pub fn input_shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// Runs on the values of `from`, in that order, with any number of rows; returns those of `to`.
    ///
    /// Errors: inputs of other shapes.
    pub fn run(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>> {
        in_batches(inputs, &self.shapes, self.batch, |inputs| {
            let outputs = refuse_panic("running the tail", || {
                let tensor = |array: &ArrayD<f64>| -> TractResult<TValue> {
                    let values: Vec<f64> = array.iter().copied().collect();
                    let tensor = Tensor::from_shape(array.shape(), &values)?;
                    Ok(tensor.cast_to_dt(self.precision.datum_type())?.into_owned().into())
                };
                self.model.run(inputs.iter().map(tensor).collect::<TractResult<_>>()?)
            })?;
            outputs.iter().map(|value| tensor_array::<f64>(value)).collect()
        })
    }

    /// Whether the results have the digits of double precision: some operators refuse it only when they run, and some
    /// compute in single precision whatever their type. Between points that lie this close together every network is a
    /// straight line, or a parabola; rounding to single precision bends it, and does not bend it less over a shorter distance.
    /// A kink that lies between the points does so, too, so there are several attempts.
    fn is_double(&self) -> Result<bool> {
        let bends = (1..=ATTEMPTS).map(|seed| self.bends(seed)).collect::<Result<Vec<_>>>()?;
        let straight = |bends: &[f64; 2]| bends[0] <= STRAIGHT;
        let parabola = |bends: &[f64; 2]| bends[1] <= 0.08 * bends[0];
        Ok(bends.iter().any(straight) || bends.iter().all(parabola))
    }

    /// How far the middle of three points lies from the line through the others, relative to the largest value: at the distance
    /// [`CLOSE`] and at a quarter of it.
    fn bends(&self, seed: u64) -> Result<[f64; 2]> {
        let mut random = Random::new(seed, 0);
        let points: Vec<ArrayD<f64>> = self
            .shapes
            .iter()
            .map(|shape| {
                let shape = [&[1], shape.get(1..).unwrap_or_default()].concat();
                let middle = ArrayD::from_shape_simple_fn(shape, || random.between(-1.0, 1.0));
                let row = |offset: f64| middle.mapv(|value| value * (1.0 + offset));
                let rows = [-CLOSE, -0.25 * CLOSE, 0.0, 0.25 * CLOSE, CLOSE].map(row);
                ndarray::concatenate(Axis(0), &rows.each_ref().map(|row| row.view()))
            })
            .collect::<std::result::Result<_, _>>()
            .map_err(|cause| Error::other(format!("five points do not join: {cause}")))?;
        let mut largest = [0.0f64; 2];
        for output in self.run(&points)? {
            let scale = output.iter().fold(f64::MIN_POSITIVE, |most: f64, value| most.max(value.abs()));
            let rows: Vec<_> = output.outer_iter().collect();
            let [far, near, here, near_after, far_after] = rows.as_slice() else {
                return Err(Error::other("a tail gives another number of rows than it gets"));
            };
            for (place, (before, after)) in [(far, far_after), (near, near_after)].into_iter().enumerate() {
                let bends = before.iter().zip(here).zip(after).map(|((a, b), c)| (a - 2.0 * b + c).abs() / scale);
                // A number that is none is as bad as can be.
                largest[place] =
                    bends.fold(largest[place], |most, bend| if bend > most || bend.is_nan() { bend } else { most });
            }
        }
        Ok(largest)
    }
}

impl Precision {
    fn datum_type(self) -> DatumType {
        match self {
            Precision::F32 => f32::datum_type(),
            Precision::F64 => f64::datum_type(),
        }
    }
}

fn double(model: &TypedModel) -> Result<TypedModel> {
    refuse_panic("double precision", || {
        let mut model = model.clone();
        FloatPrecisionTranslator::new(f32::datum_type(), f64::datum_type()).transform(&mut model)?;
        spell_out(&model)
    })
}

/// A new model whose inputs are the first `inputs` outputs of `whole` and whose outputs are the rest.
fn cut(whole: &TypedModel, inputs: usize) -> TractResult<TypedModel> {
    let outlets = whole.output_outlets()?;
    let (from, to) = outlets.split_at_checked(inputs).ok_or_else(|| TractError::msg("values are missing"))?;
    let mut tail = TypedModel::default();
    let mut mapping: BTreeMap<OutletId, OutletId> = BTreeMap::new();
    for (index, outlet) in from.iter().enumerate() {
        let source = tail.add_source(format!("from_{index}"), whole.outlet_fact(*outlet)?.without_value())?;
        mapping.insert(*outlet, source);
    }
    // Only what lies between: walk up from the outputs and stop at the cut.
    let mut needed = std::collections::BTreeSet::new();
    let mut pending: Vec<OutletId> = to.to_vec();
    while let Some(outlet) = pending.pop() {
        if !mapping.contains_key(&outlet) && needed.insert(outlet.node) {
            let node = whole.node(outlet.node);
            if TypedModel::is_source(&node.op) {
                return Err(TractError::msg("another path leads from the image to the score; cut it too"));
            }
            pending.extend(node.inputs.iter().copied());
        }
    }
    for id in whole.eval_order()?.into_iter().filter(|id| needed.contains(id)) {
        let node = whole.node(id);
        let missing = || TractError::msg("a value is used before it is computed");
        let inputs = node.inputs.iter().map(|input| mapping.get(input).copied().ok_or_else(missing));
        let inputs = inputs.collect::<TractResult<TVec<_>>>()?;
        let outputs = append(&mut tail, node.name.clone(), node.op.clone(), &inputs)?;
        for (slot, output) in outputs.into_iter().enumerate() {
            mapping.entry(OutletId::new(id, slot)).or_insert(output);
        }
    }
    let missing = || TractError::msg("an output is missing");
    let to =
        to.iter().map(|outlet| mapping.get(outlet).copied().ok_or_else(missing)).collect::<TractResult<Vec<_>>>()?;
    tail.select_output_outlets(&to)?;
    Ok(tail)
}
