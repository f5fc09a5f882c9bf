//! One section of a chapter: a network, and what it does with each input.

use super::differences::Differences;
use super::explainer::Explainer;
use super::filters::{Request, Scene, natural_inputs};
use super::heatmaps::Style;
use super::input::{Ready, Sources};
use super::room::{Room, Seen};
use super::{Collected, architecture, gradcheck, heatmaps, labels, possible, preprocess};
use crate::config::{Chapter, Located, Section, Source};
use crate::error::{Error, Result};
use crate::model::{Head, Layer, Meaning, Network, Target};
use crate::progress::Progress;
use crate::report::assets::slug;
use crate::report::page::{self, Line};
use crate::visualize::cam::Method;
use crate::visualize::filter::Mode;
use crate::visualize::placement::Cells;
use rayon::prelude::*;

/// A network of the chapter, loaded, with its labels and the way its images are prepared.
pub struct Loaded {
    pub id: String,
    pub network: Network,
    pub recipe: preprocess::Recipe,
    pub labels: Vec<Option<Vec<String>>>,
}

impl Loaded {
    /// Height and width of the network's images.
    pub fn size(&self) -> (usize, usize) {
        (self.recipe.preprocess.size.height, self.recipe.preprocess.size.width)
    }
}

/// Loads a section's network and everything that can be wrong about the section before anything runs.
///
/// # Errors
/// A model that cannot be read or used, unknown layers, labels that do not fit.
pub fn load(chapter: &Chapter, section: &Section) -> Result<Loaded> {
    let network = preprocess::load(&section.model.value, section.preprocess.as_ref())?;
    let recipe =
        preprocess::recipe(&network, section.preprocess.as_ref(), &|key, message| chapter.error(key, message))?;
    let labels = labels::of_heads(&network, section.labels.as_ref().map(|file| file.value.as_path()))?;
    for name in section.activations.iter().flatten().chain(section.filters.iter().flatten()) {
        layer(chapter, &network, name)?;
    }
    let loaded = Loaded { id: slug(network.name()), network, recipe, labels };
    possible::check(chapter, section, &loaded)?;
    Ok(loaded)
}

/// The layer that the chapter file names: by its name, its output's, or an unambiguous part of either.
fn layer<'n>(chapter: &Chapter, network: &'n Network, name: &Located<String>) -> Result<&'n Layer> {
    network.find_layer(&name.value).map_err(|cause| chapter.error(name, cause))
}

/// The layers whose activations are shown: those named, else every convolution and pooling layer.
fn shown_layers<'n>(chapter: &Chapter, section: &Section, network: &'n Network) -> Result<Vec<&'n Layer>> {
    match &section.activations {
        Some(names) => names.iter().map(|name| layer(chapter, network, name)).collect(),
        None => {
            let shown =
                |layer: &&Layer| layer.is_map() && (layer.convolution.is_some() || layer.kind.contains("Pooling"));
            Ok(network.layers().iter().filter(shown).collect())
        }
    }
}

/// Makes a section's page; `ascent` is the number of steps that filters rise, `None` for the usual one.
///
/// # Errors
/// Inputs none of which can be used; a network that cannot be run or differentiated.
pub fn section(
    chapter: &Chapter,
    section: &Section,
    loaded: &Loaded,
    ascent: Option<usize>,
    progress: &Progress,
    collected: &mut Collected,
) -> Result<page::Section> {
    let network = &loaded.network;
    let shown = shown_layers(chapter, section, network)?;
    let target = target(chapter, section, network)?;
    let tensors: Vec<String> = shown.iter().map(|layer| layer.output_tensor.clone()).collect();
    let explainer = Explainer::new(network, &target.tensor, &tensors, loaded.size())?;
    let (ready, failures) = prepare(chapter, section, loaded)?;
    let missing = explainer.without_rule();
    let differences = (!missing.is_empty()).then(|| Differences::new(&explainer)).transpose()?;
    let check = match &differences {
        None => gradcheck::check(&explainer, &ready)?,
        Some(_) => gradcheck::NetworkCheck::absent(&explainer),
    };
    let (cells, stretched_because) = heatmaps::cells(section.placement, field_cells(network, &target.tensor));
    let style = Style {
        method: section.method,
        colormap: chapter.colormap,
        cells,
        stretched_because,
        gradient: if missing.is_empty() { check.sentence() } else { by_differences(&missing) },
        layer: target.layer.unwrap_or(target.tensor),
    };
    let methods = methods(section, &missing)?;
    let class = section.class.value.clone();
    let room = Room {
        loaded,
        explainer: &explainer,
        differences,
        shown,
        style,
        methods,
        saliency: section.saliency,
        class,
        seed: chapter.seed,
    };
    let bar = progress.bar(ready.len(), &section.title);
    let seen: Vec<Seen> = ready
        .into_par_iter()
        .map(|ready| {
            let seen = room.look(ready);
            bar.advance(1);
            seen
        })
        .collect::<Result<_>>()?;
    let mut page = page::Section {
        id: loaded.id.clone(),
        heading: section.title.clone(),
        flow: Some(architecture::strip(&loaded.id, network, &mut collected.assets)?),
        table: Some(architecture::table(network)),
        facts: architecture::facts(network),
        notes: failures,
        ..page::Section::default()
    };
    page.facts.extend(check.lines());
    if section.inputs.iter().any(|input| matches!(input.source, Source::Image { .. })) {
        page.paragraphs.push(format!("How photographs become inputs: {}.", preprocess::sentence(&loaded.recipe)));
    }
    page.paragraphs.extend(doubts(loaded, &seen));
    if let Some(reason) = room.explainer.unoptimised() {
        page.facts.push(Line::new(
            "How it ran",
            format!(
                "tract could not optimise this network ({reason}); it ran as it is, which is slower but not different"
            ),
        ));
    }
    page.filters = filters(chapter, section, loaded, ascent, progress, collected)?;
    for (number, seen) in seen.iter().enumerate() {
        page.inputs.push(room.input(number + 1, seen, &mut collected.assets)?);
        room.raw(number + 1, seen, &mut collected.raw);
    }
    Ok(page)
}

/// What makes one doubt that photographs reached the network as it knows them, head by head.
fn doubts(loaded: &Loaded, seen: &[Seen]) -> Vec<String> {
    let of_head = |(number, head): (usize, &Head)| {
        let best: Vec<(usize, f64)> = seen.iter().filter_map(|seen| seen.best_of_photograph(number)).collect();
        preprocess::doubt(&best, head.choices().filter(|_| head.meaning == Meaning::Classes)?)
    };
    loaded.network.heads().iter().enumerate().filter_map(of_head).collect()
}

/// The section's method and HiResCAM beside it; Grad-CAM alone where the tail has operators without a rule.
fn methods(section: &Section, missing: &[String]) -> Result<Vec<Method>> {
    if missing.is_empty() {
        let mut methods = vec![section.method, Method::HiResCam];
        methods.dedup();
        return Ok(methods);
    }
    match section.method {
        Method::GradCam => Ok(vec![Method::GradCam]),
        other => Err(Error::input(format!(
            "{}: {} needs gradient rules for {}, which there are none of; Grad-CAM works, by central differences",
            section.model.value.display(),
            other.title(),
            missing.join(", ")
        ))),
    }
}

fn by_differences(missing: &[String]) -> String {
    format!(
        "Grad-CAM's weights by central differences through tract, as there is no gradient rule for {}",
        missing.join(", ")
    )
}

/// What the filters look for: those of the convolutions named, else of all.
fn filters(
    chapter: &Chapter,
    section: &Section,
    loaded: &Loaded,
    steps: Option<usize>,
    progress: &Progress,
    collected: &mut Collected,
) -> Result<Vec<page::Filters>> {
    let network = &loaded.network;
    let layers: Vec<&Layer> = match &section.filters {
        Some(names) => names.iter().map(|name| layer(chapter, network, name)).collect::<Result<_>>()?,
        None => network.layers().iter().filter(|layer| layer.convolution.is_some()).collect(),
    };
    if layers.is_empty() {
        return Ok(Vec::new());
    }
    let natural = natural_inputs(&sources(chapter, loaded, chapter.seed), &section.inputs)?;
    let scene = Scene::new(network, &loaded.recipe, natural)?;
    let count = |layer: &&Layer| layer.output_shape.last().copied().flatten().unwrap_or(0);
    let bar = progress.bar(layers.iter().map(count).sum(), &format!("Filters of {}", section.title));
    let study = |layer: &&Layer| {
        let request = Request {
            section: &loaded.id,
            network,
            layer,
            filters: None,
            scene: &scene,
            mode: Mode::Bounded,
            objective: None,
            steps,
            seed: chapter.seed,
            top_inputs: section.top_inputs,
        };
        super::filters::filters(&request, &bar, collected)
    };
    layers.iter().map(study).collect()
}

/// Only the check of a section's gradients, on its inputs.
///
/// # Errors
/// As for [`section`].
pub fn check(chapter: &Chapter, section: &Section, loaded: &Loaded) -> Result<gradcheck::NetworkCheck> {
    let target = target(chapter, section, &loaded.network)?;
    let explainer = Explainer::new(&loaded.network, &target.tensor, &[], loaded.size())?;
    let missing = explainer.without_rule();
    if !missing.is_empty() {
        let file = section.model.value.display();
        return Err(Error::input(format!(
            "{file}: there is no gradient rule for {}, so there is nothing to check",
            missing.join(", ")
        )));
    }
    let (ready, _) = prepare(chapter, section, loaded)?;
    gradcheck::check(&explainer, &ready)
}

/// The activation that heatmaps explain: the one asked for, else the last feature map before the first head.
pub(super) fn target(chapter: &Chapter, section: &Section, network: &Network) -> Result<Target> {
    network.require_convolution()?;
    match (&section.target, network.heads().first()) {
        (Some(name), _) => network.find_target(&name.value).map_err(|cause| chapter.error(name, cause)),
        (None, Some(head)) => network.default_target(head),
        (None, None) => Err(Error::input(format!("{}: the network has no output", network.name()))),
    }
}

/// The cells of a value in the input, where its receptive field is the same on all paths.
fn field_cells(network: &Network, tensor: &str) -> Option<(Cells, Cells)> {
    let field = network.receptive_field(tensor)?;
    let cells = |axis: usize| Cells { first: field.start[axis], step: field.jump[axis] as f64 };
    Some((cells(0), cells(1)))
}

/// Where a section's inputs are taken from; `seed` is that of what is generated.
pub(super) fn sources<'a>(chapter: &Chapter, loaded: &'a Loaded, seed: u64) -> Sources<'a> {
    Sources {
        seed,
        mnist: chapter.mnist.clone(),
        recipe: &loaded.recipe,
        heads: loaded.network.heads(),
        labels: &loaded.labels,
    }
}

/// Makes the inputs ready. One that cannot be read becomes a line in the report; a missing MNIST folder and a section none of whose inputs can be read are errors.
pub(super) fn prepare(chapter: &Chapter, section: &Section, loaded: &Loaded) -> Result<(Vec<Ready>, Vec<String>)> {
    let sources = sources(chapter, loaded, chapter.seed);
    let mut ready = Vec::new();
    let mut failures = Vec::new();
    for input in &section.inputs {
        match (sources.ready(input), &input.source) {
            (Ok(input), _) => ready.push(input),
            (Err(cause), Source::Image { .. }) => failures.push(format!("Left out: {cause}.")),
            (Err(cause), _) => return Err(cause),
        }
    }
    match (ready.is_empty(), failures.first()) {
        (true, Some(_)) => {
            Err(Error::input(format!("{}: no input can be used\n{}", section.title, failures.join("\n"))))
        }
        _ => Ok((ready, failures)),
    }
}
