//! How an ascent goes: what grows, how the image is kept, and the settings of each way.

use ndarray::Array2;

use crate::visualize::filter::decorrelated::colour;
use crate::visualize::filter::decorrelated::motion::Motions;
use crate::visualize::filter::frame::{self, Frame};

/// How the image is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Free, as in the Keras recipe.
    Pixel,
    /// Within the range of real inputs, regularised.
    Bounded,
    /// Made of independent waves and colours, robust under small motions: Lucid's way.
    Decorrelated,
}

impl Mode {
    /// Every mode, the usual one first.
    pub const ALL: [Mode; 3] = [Mode::Bounded, Mode::Pixel, Mode::Decorrelated];
    /// The names used in chapter files and on the command line, in the order of [`Mode::ALL`].
    pub const NAMES: [&'static str; 3] = {
        let mut names = [""; 3];
        let mut i = 0;
        while i < 3 {
            names[i] = Mode::ALL[i].name();
            i += 1;
        }
        names
    };

    /// The name used in chapter files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Pixel => "pixel",
            Mode::Bounded => "bounded",
            Mode::Decorrelated => "decorrelated",
        }
    }

    /// The mode of a name in [`Mode::NAMES`].
    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The usual number of steps.
    pub fn steps(self) -> usize {
        match self {
            Mode::Pixel => 30,
            Mode::Bounded => 60,
            Mode::Decorrelated => 128,
        }
    }
}

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The mean of the channel; two border cells are left out where the map is larger than eight.
    Channel,
    /// The activation at the map's central position.
    Unit,
}

/// How the ascent goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub mode: Mode,
    pub objective: Objective,
    /// Whether the objective is taken after the layer's own activation.
    pub after_activation: bool,
    /// Number of steps, at least 1.
    pub steps: usize,
    /// Pixel mode: Euclidean length of a step. Bounded mode: length of the first step, in half ranges per value at which
    /// the gradient is of average size; steps decay linearly to 0. Decorrelated mode: Adam's rate, about the largest change of
    /// a coefficient.
    pub step: f32,
    /// Bounded mode: pull towards the background. Without `tv` and far from the bounds the image settles where
    /// (x − background) / half range = gradient / (root mean square of the gradient · `l2`).
    pub l2: f32,
    /// Bounded mode: weight of the total variation (Rudin, Osher, Fatemi 1992), in the same units.
    pub tv: f32,
    /// Not in pixel mode: how much the value before the activation counts beside the objective. It lets places answer that are
    /// silent at the start. In bounded mode it fades to nothing over the first half of the steps; in decorrelated mode it
    /// stays, so that the image goes on growing where the activation has an upper end, as ReLU6 has, and has reached it.
    pub leak: f32,
    /// Number of seeded start images that are tried, at least 1.
    pub starts: usize,
    pub seed: u64,
    /// Lowest and highest value of real inputs in each channel.
    pub range: Vec<(f32, f32)>,
    /// The mean colour of real inputs; the middle of the range where it is not known.
    pub background: Vec<f32>,
    /// Decorrelated mode: from independent parts to the channels, see [`colour::mixing`].
    pub mixing: Array2<f32>,
    /// Decorrelated mode: how the image is moved before each step.
    pub motions: Motions,
}

impl Settings {
    /// The Keras recipe: 30 steps of length 10 for an image of 180×180 colour pixels, the same change per pixel for
    /// others; the start is grey with noise.
    pub fn pixel(frame: Frame, seed: u64) -> Settings {
        let scale = frame.len() as f32 / (180 * 180 * 3) as f32;
        let range = vec![(0.0, 1.0); frame.channels];
        let step = 10.0 * scale.sqrt();
        Settings {
            mode: Mode::Pixel,
            step,
            steps: Mode::Pixel.steps(),
            l2: 0.0,
            tv: 0.0,
            leak: 0.0,
            range,
            ..Settings::bounded(Vec::new(), Vec::new(), seed)
        }
    }

    /// What [`Settings::leak`] is at a step.
    pub(super) fn leak_at(&self, step: usize) -> f32 {
        match self.mode {
            Mode::Decorrelated => self.leak,
            Mode::Pixel | Mode::Bounded => self.leak * (1.0 - 2.0 * step as f32 / self.steps as f32).max(0.0),
        }
    }

    /// The colour of the background in a channel.
    pub(super) fn background_of(&self, channel: usize) -> f32 {
        let (low, high) = frame::bounds(&self.range, channel);
        self.background.get(channel).copied().unwrap_or((low + high) / 2.0)
    }

    /// The chapter's settings, for inputs in this range with this mean colour.
    pub fn bounded(range: Vec<(f32, f32)>, background: Vec<f32>, seed: u64) -> Settings {
        Settings {
            mode: Mode::Bounded,
            objective: Objective::Channel,
            after_activation: true,
            steps: Mode::Bounded.steps(),
            step: 0.15,
            l2: 0.25,
            tv: 0.1,
            leak: 0.1,
            starts: 4,
            seed,
            range,
            background,
            mixing: Array2::eye(0),
            motions: Motions::STILL,
        }
    }

    /// Lucid's settings, for inputs in this range with this mean colour, whose channels are `reversed` if they are blue,
    /// green, red.
    pub fn decorrelated(
        range: Vec<(f32, f32)>,
        background: Vec<f32>,
        reversed: bool,
        frame: Frame,
        seed: u64,
    ) -> Settings {
        // Lucid's shifts are meant for images of 224 pixels and shrink with smaller ones.
        let share = (frame.height.min(frame.width) as f32 / 224.0).min(1.0);
        Settings {
            mode: Mode::Decorrelated,
            steps: Mode::Decorrelated.steps(),
            step: 0.05,
            l2: 0.0,
            tv: 0.0,
            mixing: colour::mixing(frame.channels, reversed),
            motions: Motions { jitter: [8.0 * share, 4.0 * share], scale: 0.1, rotation: 10.0 },
            ..Settings::bounded(range, background, seed)
        }
    }
}
