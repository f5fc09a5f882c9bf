//! What filters are shown against: natural inputs of a network, their range and their mean colour.

use crate::config::{Input, Source};
use crate::error::{Error, Result};
use crate::input::image::Channels;
use crate::input::prepared::PreparedInput;
use crate::input::preprocessing::Recipe;
use crate::input::sources::Sources;
use crate::input::{digit, line};
use crate::model::Network;
use crate::visualize::filter::Frame;
use crate::visualize::natural;
use ndarray::ArrayD;

/// Natural inputs from which on their own range counts and not that of all bytes.
const ENOUGH: usize = 20;
/// Drawings of each digit among the natural inputs.
const DRAWINGS: usize = 10;

/// A network's natural inputs, and what the ascent takes from them.
pub struct Scene {
    pub frame: Frame,
    pub inputs: Vec<PreparedInput>,
    /// Their arrays, in the same order.
    pub tensors: Vec<ArrayD<f32>>,
    /// The order in which the network reads colours.
    pub channels: Channels,
    /// The bands that are shown as red, green and blue, from 0, of a network that takes no colours.
    pub show: [usize; 3],
    /// Lowest and highest value of real inputs in each channel.
    pub range: Vec<(f32, f32)>,
    /// Mean colour of the natural inputs; empty without any.
    pub background: Vec<f32>,
}

impl Scene {
    /// The scene for these natural inputs, which may be none.
    ///
    /// # Errors
    /// A network whose input is no image.
    pub fn new(network: &Network, recipe: &Recipe, inputs: Vec<PreparedInput>) -> Result<Scene> {
        let preprocess = &recipe.preprocess;
        let shape = network.input().shape(1, (preprocess.size.height, preprocess.size.width));
        let frame = Frame::new(&shape, network.input().channels_last).ok_or_else(|| {
            Error::input(format!("{}: filters are shown for networks that read images", network.name()))
        })?;
        let tensors: Vec<ArrayD<f32>> = inputs.iter().map(|input| input.tensor.clone()).collect();
        let range = match tensors.len() {
            ENOUGH.. => natural::range(&tensors, frame),
            _ => (0..frame.channels).map(|c| byte_range(recipe, c)).collect(),
        };
        let background = if tensors.is_empty() { Vec::new() } else { natural::mean_colour(&tensors, frame) };
        Ok(Scene { frame, inputs, tensors, channels: preprocess.channels, show: preprocess.show, range, background })
    }

    /// The channels that never vary in natural inputs.
    pub fn constant_channels(&self) -> Vec<usize> {
        (0..self.range.len()).filter(|&c| self.range[c].0 == self.range[c].1).collect()
    }
}

/// What the bytes 0 and 255 become in a channel, the lower first.
fn byte_range(recipe: &Recipe, channel: usize) -> (f32, f32) {
    let p = &recipe.preprocess;
    let of = |byte: f64| p.value(byte, channel) as f32;
    (of(0.0).min(of(255.0)), of(0.0).max(of(255.0)))
}

/// The natural inputs that go with a section's own: a line of every class, ten drawings (or MNIST images) of every digit, or
/// the photographs themselves. Photographs that cannot be read are left out.
///
/// # Errors
/// A missing or damaged MNIST folder.
pub fn natural_inputs(sources: &Sources, inputs: &[Input]) -> Result<Vec<PreparedInput>> {
    let Some(first) = inputs.first() else { return Ok(Vec::new()) };
    let drawings = || (0..DRAWINGS).flat_map(|sample| (0..digit::CLASSES).map(move |digit| (digit, sample)));
    let chosen: Vec<Source> = match &first.source {
        Source::Line { .. } => (0..line::CLASSES).map(|class| Source::Line { class, sample: 0 }).collect(),
        Source::Digit { .. } => drawings().map(|(digit, sample)| Source::Digit { digit, sample }).collect(),
        Source::Mnist { .. } => drawings().map(|(digit, sample)| Source::Mnist { digit, sample }).collect(),
        Source::Image { .. } => inputs.iter().map(|input| input.source.clone()).collect(),
    };
    let mut ready = Vec::with_capacity(chosen.len());
    for source in chosen {
        let photograph = matches!(source, Source::Image { .. });
        match sources.prepare(&Input { source, line: first.line }) {
            Ok(input) => ready.push(input),
            Err(_) if photograph => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(ready)
}
