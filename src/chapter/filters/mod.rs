//! What each filter of a network looks for: kernels, ascended images and the natural inputs beside them, as figures with
//! their numbers.

mod choice;
mod command;
mod figures;
mod scene;
mod words;

pub use choice::{Choice, FILTERS, LARGE, LAYERS, convolution};
pub use command::{Options, page};
pub use scene::{Scene, natural_inputs};

use crate::chapter::output::Artifacts;
use crate::error::{Error, Result};
use crate::input::image::Channels;
use crate::model::{Layer, Network};
use crate::progress::Bar;
use crate::report::assets::slug;
use crate::report::page;
use crate::visualize::filter::{self, Ascent, Convolution, Kernels, Mode, Objective, Settings, Target};
use crate::visualize::natural::{Field, Natural, Responses, Standing, responses};
use rayon::prelude::*;

/// Layers of at most this many filters show the inputs that excite each most without being asked.
const FEW: usize = 16;

/// What is shown of one convolution, and how.
pub struct Request<'a> {
    /// What ids of figures begin with.
    pub section: &'a str,
    pub network: &'a Network,
    pub layer: &'a Layer,
    /// The filters to show; all of them if `None`.
    pub filters: Option<&'a [usize]>,
    pub scene: &'a Scene,
    pub mode: Mode,
    /// What grows; `None` for the channel, and for first layers the unit beside it.
    pub objective: Option<Objective>,
    pub steps: Option<usize>,
    pub seed: u64,
    /// Show the inputs that excite each filter most, whatever the number of filters.
    pub top_inputs: bool,
}

/// One filter: its ascent and where that stands among natural inputs, if there are any.
struct Shown {
    ascent: Ascent,
    standing: Option<Standing>,
}

/// The ascents of one layer under one objective.
struct Study {
    settings: Settings,
    responses: Responses,
    filters: Vec<Shown>,
}

/// The filters of one convolution as a part of the page. `bar` is advanced by one for each filter of [`Request::filters`].
/// The images are also left in `artifacts` as [filters, height, width, channels], in the network's units.
///
/// # Errors
/// A layer that is no convolution, filters that do not exist (both list what exists), operators without a gradient rule.
pub fn filters(request: &Request, bar: &Bar, artifacts: &mut Artifacts) -> Result<page::Filters> {
    let layer = request.layer;
    if layer.convolution.is_none() {
        let network = request.network.name();
        let known = words::convolutions(request.network);
        return Err(Error::input(format!("{}: {network} has no convolution of this name; it has {known}", layer.name)));
    }
    let size = (request.scene.frame.height, request.scene.frame.width);
    let taps = [layer.pre_activation.as_str(), layer.output_tensor.as_str()];
    let graph = request.network.graph(&taps, 1, Some(size))?;
    let [before, after] = graph.outputs[..] else {
        return Err(Error::other(format!("{}: a tap was lost", layer.name)));
    };
    let convolution = Convolution::new(&graph, before, after, layer.channel_axis)?;
    let all: Vec<usize> = (0..convolution.channels()).collect();
    let chosen = request.filters.unwrap_or(&all);
    if let Some(missing) = chosen.iter().find(|filter| **filter >= all.len()) {
        let known = words::convolutions(request.network);
        return Err(Error::input(format!(
            "{}: there is no filter {missing}; {} has {known}",
            layer.name,
            request.network.name()
        )));
    }
    let first = convolution.is_first();
    let objective = request.objective.unwrap_or(Objective::Channel);
    let study = study(request, &convolution, chosen, objective, bar)?;
    let drawing = figures::Drawing { request, convolution: &convolution, field: field(request), chosen };
    let assets = &mut artifacts.assets;
    let mut made = Vec::new();
    if let Some(kernels) = Kernels::of(&convolution) {
        let kernels = kernels.without(&request.scene.constant_channels());
        made.push(drawing.kernels(&kernels, assets)?);
    }
    made.push(drawing.images(&study, assets)?);
    if first && request.objective.is_none() {
        let silent = crate::progress::Progress::new(true).bar(0, "");
        let units = self::study(request, &convolution, chosen, Objective::Unit, &silent)?;
        made.push(drawing.images(&units, assets)?);
    }
    if let Some(curves) = drawing.curves(&study, assets)? {
        made.push(curves);
    }
    if !request.scene.inputs.is_empty() && (all.len() <= FEW || request.top_inputs) {
        made.push(drawing.top_inputs(&study, assets)?);
    }
    let images: Vec<_> = study.filters.iter().map(|shown| shown.ascent.image.view()).collect();
    let images = ndarray::stack(ndarray::Axis(0), &images)
        .map_err(|cause| Error::other(format!("images do not stack: {cause}")))?;
    artifacts.raw.push((slug(&format!("{}-{}-filters", request.section, layer.name)), images.into_dyn()));
    Ok(page::Filters {
        heading: format!("Convolutional Filters ({})", layer.name),
        figures: made,
        count: words::count(&study.filters),
        notes: words::notes(&study.filters),
        ..page::Filters::default()
    })
}

/// Ascends the chosen filters and compares each image with the natural inputs.
fn study(
    request: &Request,
    convolution: &Convolution,
    chosen: &[usize],
    objective: Objective,
    bar: &Bar,
) -> Result<Study> {
    let scene = request.scene;
    let defaults = match request.mode {
        Mode::Pixel => Settings::pixel(scene.frame, request.seed),
        Mode::Bounded => Settings::bounded(scene.range.clone(), scene.background.clone(), request.seed),
        Mode::Decorrelated => {
            let reversed = scene.channels == Channels::Bgr;
            let (range, background) = (scene.range.clone(), scene.background.clone());
            Settings::decorrelated(range, background, reversed, scene.frame, request.seed)
        }
    };
    let steps = request.steps.unwrap_or(defaults.steps).max(1);
    let settings = Settings { objective, steps, ..defaults };
    let responses = responses(convolution, &scene.tensors, &settings)?;
    let natural = Natural::new(&scene.tensors, &responses, scene.frame, field(request));
    let one = |&channel: &usize| -> Result<Shown> {
        let target: Target = convolution.channel(channel)?;
        let ascent = filter::ascend(&target, channel, scene.frame, &settings)?;
        let standing =
            if ascent.is_dead() { None } else { natural.standing(&target, channel, &ascent.image, &settings)? };
        bar.advance(1);
        Ok(Shown { ascent, standing })
    };
    let filters = chosen.par_iter().map(one).collect::<Result<_>>()?;
    Ok(Study { settings, responses, filters })
}

/// What a unit of the layer sees, where that is known and less than everything.
fn field(request: &Request) -> Option<Field> {
    let field = request.network.receptive_field(&request.layer.output_tensor)?;
    Some(Field { size: field.size?, step: field.jump.map(|jump| jump as f64), first: field.start })
}
