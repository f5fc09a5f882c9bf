//! Central differences of a network's scores through tract's tail: the other way to a gradient, without any rule.

use crate::error::{Error, Result};
use crate::explain::engine::Engine;
use crate::explain::score::{End, seed};
use crate::finite_gradient::{self, Probe, derivatives};
use crate::model::{Head, Network, Precision, Tail};
use ndarray::{Array1, ArrayD, Axis};
use std::path::PathBuf;

/// Tail runs in one batch: at most so many, and so many that they have no more values than this together.
const BATCH: usize = 32;
const VALUES: f64 = 8_388_608.0;

/// Where a score is differentiated: an image, the target's value for it, and the score.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// In the network's layout, with a batch of one.
    pub image: &'a ArrayD<f32>,
    /// The target's value, [1, k, h, w].
    pub activation: &'a ArrayD<f32>,
    /// The score.
    pub end: End<'a>,
}

/// The tail of a network from its target to its logits, in double precision where tract can.
#[derive(Clone)]
pub struct Differences {
    file: PathBuf,
    heads: Vec<Head>,
    /// Whether the tail reads the image, too, because a skip connection leads around the target.
    passed_by: bool,
    tail: Tail,
    /// Rows of a batch.
    batch: usize,
    /// The step, as a multiple of the one that suits the precision.
    stretch: f64,
}

impl Differences {
    /// Cuts the tail of a network behind the target of its engine.
    ///
    /// # Errors
    /// A tail that cannot be cut or run.
    pub fn new(network: &Network, engine: &Engine) -> Result<Differences> {
        let mut from = vec![engine.target.as_str()];
        if engine.passed_by() {
            from.push(network.input().name.as_str());
        }
        let ends: Vec<&str> = network.heads().iter().map(|head| head.logits.as_str()).collect();
        let batch = ((VALUES / engine.behind().values.max(1.0)) as usize).clamp(1, BATCH);
        let tail = network.tail(&from, &ends, batch, Some(engine.size()), Precision::F64)?;
        Ok(Differences {
            file: network.file().to_path_buf(),
            heads: network.heads().to_vec(),
            passed_by: engine.passed_by(),
            tail,
            batch,
            stretch: 1.0,
        })
    }

    /// The arithmetic that tract runs the tail in.
    pub fn precision(&self) -> Precision {
        self.tail.precision()
    }

    /// The same differences at a step that is so many times as long.
    pub fn stretched(&self, stretch: f64) -> Differences {
        Differences { stretch: self.stretch * stretch, ..self.clone() }
    }

    /// The derivative of a head's logit of a class along a uniform change of each of some channels of the activation [1, k, h, w]:
    /// Z·α_k; `None` on a kink.
    ///
    /// # Errors
    /// A batch that tract cannot run.
    pub fn along_channels(&self, point: &Point, channels: &[usize]) -> Result<Vec<Option<f64>>> {
        self.along(channels.len(), point, |array, sample, distance| {
            array.index_axis_mut(Axis(1), channels[sample]).mapv_inplace(|a| a + distance);
        })
    }

    /// The derivative with respect to single elements of the activation, by their position in row-major order; `None` on a kink.
    ///
    /// # Errors
    /// A batch that tract cannot run.
    pub fn at_elements(&self, point: &Point, places: &[usize]) -> Result<Vec<Option<f64>>> {
        self.along(places.len(), point, |array, sample, distance| {
            if let Some(value) = array.as_slice_mut().and_then(|values| values.get_mut(places[sample])) {
                *value += distance;
            }
        })
    }

    /// The derivative along each of `count` directions, in which `perturb` moves the activation.
    fn along(
        &self,
        count: usize,
        point: &Point,
        perturb: impl Fn(&mut ArrayD<f64>, usize, f64),
    ) -> Result<Vec<Option<f64>>> {
        let scores = |probes: &[Probe]| self.scores(point, probes, &perturb);
        derivatives(count, self.step(point.activation), scores)
            .map_err(|cause| Error::input(format!("{}: {cause}", self.file.display())))
    }

    /// Grad-CAM's channel weights α_k, [k], with the number of channels on a kink, whose weight is taken as zero, and the logit.
    ///
    /// # Errors
    /// A batch that tract cannot run.
    pub fn weights(&self, point: &Point) -> Result<(Array1<f32>, usize, f32)> {
        let activation = point.activation;
        let channels: Vec<usize> = (0..activation.shape().get(1).copied().unwrap_or(0)).collect();
        let found = self.along_channels(point, &channels)?;
        let positions = activation.shape().iter().skip(2).product::<usize>().max(1) as f64;
        let kinks = found.iter().filter(|derivative| derivative.is_none()).count();
        let here = Probe { direction: 0, offset: 0.0 };
        let score = self.scores(point, &[here], |_, _, _| {})?;
        let weights = found.iter().map(|derivative| (derivative.unwrap_or(0.0) / positions) as f32).collect();
        Ok((weights, kinks, score.first().copied().unwrap_or(0.0) as f32))
    }

    /// How far to step in this activation.
    fn step(&self, activation: &ArrayD<f32>) -> finite_gradient::Precision {
        let scale = activation.iter().fold(0.0, |most: f64, a| most.max(f64::from(a.abs())));
        let usual = match self.tail.precision() {
            Precision::F64 => finite_gradient::Precision::double(scale),
            Precision::F32 => finite_gradient::Precision::single(scale),
        };
        finite_gradient::Precision { step: self.stretch * usual.step, ..usual }
    }

    /// The score of a class at perturbed activations, through tract.
    fn scores(
        &self,
        &Point { image, activation, end }: &Point,
        probes: &[Probe],
        perturb: impl Fn(&mut ArrayD<f64>, usize, f64),
    ) -> Result<Vec<f64>> {
        let base = activation.mapv(f64::from);
        let head_of = self.heads.get(end.head).ok_or_else(|| Error::other(format!("there is no head {}", end.head)))?;
        let mut scores = Vec::with_capacity(probes.len());
        for batch in probes.chunks(self.batch) {
            let rows: Vec<ArrayD<f64>> = batch
                .iter()
                .map(|probe| {
                    let mut row = base.clone();
                    if probe.offset != 0.0 {
                        perturb(&mut row, probe.direction, probe.offset);
                    }
                    row
                })
                .collect();
            let mut inputs = vec![stacked(&rows)?];
            if self.passed_by {
                inputs.push(stacked(&vec![image.mapv(f64::from); rows.len()])?);
            }
            let outputs = self.tail.run(&inputs)?;
            let logits = outputs.get(end.head).ok_or_else(|| Error::other("the tail lost a head"))?;
            for row in logits.axis_iter(Axis(0)) {
                let row = row.insert_axis(Axis(0));
                let seed = seed(head_of, row.shape(), end);
                scores.push(row.iter().zip(&seed).map(|(y, s)| y * f64::from(*s)).sum());
            }
        }
        Ok(scores)
    }
}

fn stacked(rows: &[ArrayD<f64>]) -> Result<ArrayD<f64>> {
    let views: Vec<_> = rows.iter().map(|row| row.view()).collect();
    ndarray::concatenate(Axis(0), &views).map_err(|cause| Error::other(format!("a batch of activations: {cause}")))
}
