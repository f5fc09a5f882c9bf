//! What each filter of a convolution looks for: the image that excites it most, and where that stands among natural inputs.

use crate::backprop::graph::{Graph, ValueId};
use crate::error::{Error, Result};
use crate::explain::filters::find::convolutions;
use crate::explain::filters::scene::Scene;
use crate::input::image::Channels;
use crate::model::{Layer, Network};
use crate::progress::Bar;
use crate::visualize::filter::{self, Ascent, Convolution, Mode, Objective, Settings, Target};
use crate::visualize::natural::{Field, Natural, Responses, Standing, responses};
use rayon::prelude::*;

/// How the filters of a layer are sought.
#[derive(Clone, Copy)]
pub struct AscentRequest<'a> {
    /// The network.
    pub network: &'a Network,
    /// One of its convolutions.
    pub layer: &'a Layer,
    /// What the filters are shown against.
    pub scene: &'a Scene,
    /// How the image is kept while it is sought.
    pub mode: Mode,
    /// Steps of the ascent; the mode's usual number if `None`.
    pub steps: Option<usize>,
    /// The seed of the start images.
    pub seed: u64,
}

/// One filter: its ascent and where that stands among natural inputs, if there are any.
pub struct FilterAscent {
    /// The image that excites the filter most, and the way there.
    pub ascent: Ascent,
    /// How natural inputs compare; `None` without any, and for a filter that never answers.
    pub standing: Option<Standing>,
}

/// The ascents of one layer under one objective.
pub struct LayerAscents {
    /// How they were made.
    pub settings: Settings,
    /// What natural inputs excite.
    pub responses: Responses,
    /// The filters, in the order in which they were asked for.
    pub filters: Vec<FilterAscent>,
    /// Filters of which there is nothing to show, as their numbers are not finite.
    pub broken: Vec<usize>,
}

/// The part of a network's gradient graph that leads to one convolution.
pub struct ConvolutionGraph {
    graph: Graph,
    before: ValueId,
    after: ValueId,
    channel_axis: usize,
}

impl ConvolutionGraph {
    /// Lowers a network up to a layer, for images of `size` (height, width).
    ///
    /// # Errors
    /// A layer that is no convolution: those that there are are listed; a graph that cannot be typed.
    pub fn new(network: &Network, layer: &Layer, size: (usize, usize)) -> Result<ConvolutionGraph> {
        if layer.convolution.is_none() {
            let (name, known) = (network.name(), convolutions(network));
            return Err(Error::input(format!(
                "{}: {name} has no convolution of this name; it has {known}",
                layer.name
            )));
        }
        let taps = [layer.pre_activation.as_str(), layer.output_tensor.as_str()];
        let graph = network.graph(&taps, 1, Some(size))?;
        let [before, after] = graph.outputs[..] else {
            return Err(Error::other(format!("{}: a tap was lost", layer.name)));
        };
        Ok(ConvolutionGraph { graph, before, after, channel_axis: layer.channel_axis })
    }

    /// The convolution, ready for gradient ascent.
    ///
    /// # Errors
    /// Operators without a gradient rule on the way to it.
    pub fn convolution(&self) -> Result<Convolution<'_>> {
        Convolution::new(&self.graph, self.before, self.after, self.channel_axis)
    }
}

impl AscentRequest<'_> {
    /// The filters to show: `wanted`, or all where nothing is wanted.
    ///
    /// # Errors
    /// A filter that does not exist.
    pub fn chosen(&self, convolution: &Convolution, wanted: Option<&[usize]>) -> Result<Vec<usize>> {
        let all = 0..convolution.channels();
        let chosen = wanted.map_or_else(|| all.clone().collect(), <[usize]>::to_vec);
        let Some(missing) = chosen.iter().find(|filter| !all.contains(filter)) else { return Ok(chosen) };
        let (layer, name, known) = (&self.layer.name, self.network.name(), convolutions(self.network));
        Err(Error::input(format!("{layer}: there is no filter {missing}; {name} has {known}")))
    }

    /// Ascends the chosen filters and compares each image with the natural inputs. `bar` is advanced by one for each.
    ///
    /// # Errors
    /// Operators without a gradient rule.
    pub fn ascend(
        &self,
        convolution: &Convolution,
        chosen: &[usize],
        objective: Objective,
        bar: Option<&Bar>,
    ) -> Result<LayerAscents> {
        let scene = self.scene;
        let settings = self.settings(objective);
        let responses = responses(convolution, &scene.tensors, &settings)?;
        let natural = Natural::new(&scene.tensors, &responses, scene.frame, self.field());
        let one = |&channel: &usize| -> Result<FilterAscent> {
            let target: Target = convolution.channel(channel)?;
            let ascent = filter::ascend(&target, channel, scene.frame, &settings)?;
            let alone = ascent.is_dead() || !ascent.is_finite();
            let standing = if alone { None } else { natural.standing(&target, channel, &ascent.image, &settings)? };
            if let Some(bar) = bar {
                bar.advance(1);
            }
            Ok(FilterAscent { ascent, standing })
        };
        let all: Vec<FilterAscent> = chosen.par_iter().map(one).collect::<Result<_>>()?;
        let (filters, broken): (Vec<_>, Vec<_>) = all.into_iter().partition(|filter| filter.ascent.is_finite());
        let broken = broken.iter().map(|filter| filter.ascent.channel).collect();
        Ok(LayerAscents { settings, responses, filters, broken })
    }

    /// What a unit of the layer sees, where that is known and less than everything.
    pub fn field(&self) -> Option<Field> {
        let field = self.network.receptive_field(&self.layer.output_tensor)?;
        Some(Field { size: field.size?, step: field.jump.map(|jump| jump as f64), first: field.start })
    }

    fn settings(&self, objective: Objective) -> Settings {
        let Scene { frame, range, background, .. } = self.scene;
        let (frame, range, background) = (*frame, range.clone(), background.clone());
        let defaults = match self.mode {
            Mode::Pixel => Settings::pixel(frame, self.seed),
            Mode::Bounded => Settings::bounded(range, background, self.seed),
            Mode::Decorrelated => {
                let reversed = self.scene.channels == Channels::Bgr;
                Settings::decorrelated(range, background, reversed, frame, self.seed)
            }
        };
        let steps = self.steps.unwrap_or(defaults.steps).max(1);
        Settings { objective, steps, ..defaults }
    }
}
