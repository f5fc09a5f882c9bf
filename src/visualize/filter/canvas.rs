//! The image under ascent, as the ascent sees it: something to look at and to move.

use std::borrow::Cow;

use crate::visualize::filter::decorrelated::Decorrelated;
use crate::visualize::filter::frame::Frame;
use crate::visualize::filter::step::advance;
use crate::visualize::filter::{Mode, Settings};

/// An image and what moves.
pub enum Canvas<'s> {
    /// The pixels themselves, in the network's layout.
    Pixels { image: Vec<f32>, frame: Frame, settings: &'s Settings },
    /// The coefficients of waves.
    Waves(Box<Decorrelated<'s>>),
}

impl<'s> Canvas<'s> {
    /// Start number `start` of the settings' seed.
    pub fn start(start: usize, frame: Frame, settings: &'s Settings) -> Canvas<'s> {
        match settings.mode {
            Mode::Decorrelated => Canvas::Waves(Box::new(Decorrelated::start(start, frame, settings))),
            Mode::Pixel | Mode::Bounded => {
                Canvas::Pixels { image: frame.start(&settings.range, settings.seed, start), frame, settings }
            }
        }
    }

    /// What the network sees before step `step`; before the first and after the last one that is the image as it is.
    pub fn look(&mut self, step: usize) -> Cow<'_, [f32]> {
        match self {
            Canvas::Pixels { image, .. } => Cow::Borrowed(image),
            Canvas::Waves(image) => Cow::Owned(image.look(step)),
        }
    }

    /// Step `step` along the gradient at what was last looked at.
    pub fn advance(&mut self, gradient: &[f32], step: usize) {
        match self {
            Canvas::Pixels { image, frame, settings } => advance(image, gradient, step, *frame, settings),
            Canvas::Waves(image) => image.advance(gradient),
        }
    }
}
