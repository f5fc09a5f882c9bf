//! Gradient ascent in input space (Erhan et al. 2009; Simonyan et al. 2013, arXiv:1312.6034, section 2): the image that
//! excites a filter most.
//!
//! *Pixel* mode is the recipe of F. Chollet's "Visualizing what convnets learn" (keras.io): free steps of one length along
//! the gradient. *Bounded* mode keeps the image within the range of real inputs, pulls it weakly towards the mean
//! colour of real inputs and towards smoothness, and lets the step decay, so that the image settles where the objective and the
//! regularisation balance and no longer depends on the step. *Decorrelated* mode moves the coefficients of waves and of
//! independent colours and shows the network the image a little moved each time, which is what large networks need to be
//! readable (see [`decorrelated`]).

mod canvas;
pub mod decorrelated;
pub mod frame;
pub mod kernel;
mod objective;
mod settings;
mod step;
mod target;
#[cfg(test)]
mod tests;

use ndarray::Array3;
use rayon::prelude::*;

use canvas::Canvas;
pub use frame::Frame;
pub use kernel::Kernels;
use objective::Problem;
pub use objective::counted;
pub use settings::{Mode, Objective, Settings};
pub use target::{Convolution, Target};

use crate::error::{Error, Result};

/// See [`Ascent::flat`].
const UNIFORM: f32 = 0.95;

/// What it took to make a filter answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It had a gradient at the first start.
    Answered,
    /// It had none at the first starts, but at this one, counted from 0.
    NeededStart(usize),
    /// It had none at any start; from this one, ascent of the value before the activation led to where it has one.
    NeededPreActivation(usize),
    /// It never had any, from this number of starts.
    Dead(usize),
}

/// One filter's ascent.
#[derive(Debug, Clone, PartialEq)]
pub struct Ascent {
    pub channel: usize,
    /// The image [h, w, c] in the network's own units; the first start for a dead filter.
    pub image: Array3<f32>,
    /// The objective at the start.
    pub start: f32,
    /// The objective at the end.
    pub end: f32,
    /// The objective after every step.
    pub curve: Vec<f32>,
    pub status: Status,
    /// Whether the filter answers a uniform colour: the image, as shown, is one flat colour, or its central colour alone gives
    /// 95 % of its activation, counted from that of the background.
    pub flat: bool,
}

impl Ascent {
    /// Whether the filter never answered.
    pub fn is_dead(&self) -> bool {
        matches!(self.status, Status::Dead(_))
    }

    /// Whether its image and activations are numbers; weights that are none (NaN) make others that are none.
    pub fn is_finite(&self) -> bool {
        let numbers = self.image.iter().chain(&self.curve).chain([&self.start, &self.end]);
        numbers.copied().all(f32::is_finite)
    }

    /// The image as colours in [0, 1].
    pub fn shown(&self, settings: &Settings) -> Array3<f32> {
        shown(&self.image, settings)
    }
}

fn shown(image: &Array3<f32>, settings: &Settings) -> Array3<f32> {
    match settings.mode {
        Mode::Pixel => frame::shown_standardised(image),
        Mode::Bounded | Mode::Decorrelated => frame::shown_in_range(image, &settings.range),
    }
}

/// The ascents of these filters of a convolution, in their order; `done` is called after each. Filters run in parallel,
/// each on its own, so the result does not depend on the number of threads.
///
/// # Errors
/// A filter that does not exist; operators without a gradient rule before the convolution.
pub fn ascend_all(
    convolution: &Convolution,
    channels: &[usize],
    frame: Frame,
    settings: &Settings,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Ascent>> {
    let one = |&channel: &usize| {
        let target = convolution.channel(channel)?;
        let ascent = ascend(&target, channel, frame, settings);
        done();
        ascent
    };
    channels.par_iter().map(one).collect()
}

/// The ascent of one channel from the seeded starts.
///
/// # Errors
/// Operators without a gradient rule before the convolution.
pub fn ascend(target: &Target, channel: usize, frame: Frame, settings: &Settings) -> Result<Ascent> {
    let problem = Problem::new(target, frame, settings);
    let starts = settings.starts.max(1);
    let start = |number: usize| Canvas::start(number, frame, settings);
    let finish = |canvas: Canvas, status: Status| climb(&problem, channel, canvas, status, frame, settings);
    // Starts as they are, and woken by way of the value before the activation. The further starts of decorrelated mode have
    // ever stronger noise, which shows in the image; there each is woken before the next one is tried.
    let attempts: Vec<(usize, bool)> = match settings.mode {
        Mode::Decorrelated => (0..starts).flat_map(|number| [(number, false), (number, true)]).collect(),
        Mode::Pixel | Mode::Bounded => {
            [false, true].iter().flat_map(|&woken| (0..starts).map(move |number| (number, woken))).collect()
        }
    };
    for (number, woken) in attempts {
        let mut canvas = start(number);
        if woken {
            if let Some(canvas) = awaken(&problem, canvas, settings)? {
                return finish(canvas, Status::NeededPreActivation(number));
            }
        } else if answers(&problem.gradient(&problem.evaluate(&canvas.look(0))?)?) {
            let status = if number == 0 { Status::Answered } else { Status::NeededStart(number) };
            return finish(canvas, status);
        }
    }
    let image = start(0).look(0).into_owned();
    let value = problem.value(&problem.evaluate(&image)?);
    let image = frame.image(&image);
    Ok(Ascent { channel, image, start: value, end: value, curve: Vec::new(), status: Status::Dead(starts), flat: true })
}

/// The ascent of one channel from a given image, in the network's layout, whether or not it answers there. Its pixels are
/// what moves, bounded or free.
///
/// # Errors
/// An image of another size; decorrelated mode, whose images are made of waves; operators without a gradient rule before the convolution.
pub fn ascend_from(
    target: &Target,
    channel: usize,
    image: Vec<f32>,
    frame: Frame,
    settings: &Settings,
) -> Result<Ascent> {
    if image.len() != frame.len() {
        return Err(Error::other(format!("a start of {} values for an image of {}", image.len(), frame.len())));
    }
    if settings.mode == Mode::Decorrelated {
        return Err(Error::other("decorrelated ascent has starts of its own"));
    }
    let canvas = Canvas::Pixels { image, frame, settings };
    climb(&Problem::new(target, frame, settings), channel, canvas, Status::Answered, frame, settings)
}

/// The objective at an image, in the network's layout.
///
/// # Errors
/// An image of another size; operators without a gradient rule before the convolution.
pub fn objective_at(target: &Target, image: &[f32], frame: Frame, settings: &Settings) -> Result<f32> {
    let problem = Problem::new(target, frame, settings);
    Ok(problem.value(&problem.evaluate(image)?))
}

/// Follows the value before the activation until the activation answers; `None` if it never does.
fn awaken<'s>(problem: &Problem, mut canvas: Canvas<'s>, settings: &Settings) -> Result<Option<Canvas<'s>>> {
    let mut evaluation = problem.evaluate(&canvas.look(0))?;
    for step in 0..settings.steps {
        let gradient = problem.gradient_before(&evaluation)?;
        if !answers(&gradient) {
            return Ok(None);
        }
        canvas.advance(&gradient, step);
        evaluation = problem.evaluate(&canvas.look(step + 1))?;
        if answers(&problem.gradient(&evaluation)?) {
            return Ok(Some(canvas));
        }
    }
    Ok(None)
}

fn climb(
    problem: &Problem,
    channel: usize,
    mut canvas: Canvas,
    status: Status,
    frame: Frame,
    settings: &Settings,
) -> Result<Ascent> {
    let mut evaluation = problem.evaluate(&canvas.look(0))?;
    let start = problem.value(&evaluation);
    let mut curve = Vec::with_capacity(settings.steps);
    for step in 0..settings.steps {
        let gradient = problem.gradient_with_leak(&evaluation, settings.leak_at(step))?;
        // Where there is no gradient there is nothing to follow; regularisation alone would only undo the image.
        if answers(&gradient) {
            canvas.advance(&gradient, step);
        }
        evaluation = problem.evaluate(&canvas.look(step + 1))?;
        curve.push(problem.value(&evaluation));
    }
    let end = curve.last().copied().unwrap_or(start);
    let image = frame.image(&canvas.look(settings.steps));
    let flat = frame::looks_flat(&shown(&image, settings)) || is_uniform(problem, &image, end, frame, settings)?;
    Ok(Ascent { channel, image, start, end, curve, status, flat })
}

/// Whether one colour excites the filter as much as the image does: the median of the image's central half, taken alone,
/// gives at least [`UNIFORM`] of what the image adds to the background's activation.
fn is_uniform(problem: &Problem, image: &Array3<f32>, end: f32, frame: Frame, settings: &Settings) -> Result<bool> {
    let colour = frame::central_colour(image);
    let background: Vec<f32> = (0..frame.channels).map(|c| settings.background_of(c)).collect();
    let of = |colour: &[f32]| -> Result<f32> {
        let values: Vec<f32> = (0..frame.len()).map(|i| colour.get(frame.channel(i)).copied().unwrap_or(0.0)).collect();
        Ok(problem.value(&problem.evaluate(&values)?))
    };
    let (uniform, silent) = (of(&colour)?, of(&background)?);
    Ok(uniform - silent >= UNIFORM * (end - silent))
}

fn answers(gradient: &[f32]) -> bool {
    gradient.iter().any(|&g| g != 0.0)
}
