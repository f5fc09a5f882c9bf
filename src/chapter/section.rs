//! One section of a chapter: a network, and what it does with each input.

use crate::chapter::choose_layers::shown;
use crate::chapter::filters::{Choice, Request, Scene, convolution, natural_inputs};
use crate::chapter::heatmaps::Style;
use crate::chapter::room::Room;
use crate::chapter::{Collected, architecture, gallery, heatmaps, validate};
use crate::config::{Chapter, Located, Section, Source};
use crate::error::{Error, Result};
use crate::explain::differences::Differences;
use crate::explain::explainer::Explainer;
use crate::explain::gradcheck;
use crate::input::files;
use crate::input::sources::{Ready, Sources};
use crate::input::{labels, preprocessing};
use crate::model::{Layer, Network, Target};
use crate::progress::Progress;
use crate::report::assets::slug;
use crate::report::page::{self, Line};
use crate::visualize::cam::Method;
use crate::visualize::placement::Cells;
use std::path::Path;

/// Convolutions and matrix products behind the explained layer from which on it is early.
const FAR: usize = 8;

/// A network of the chapter, loaded, with its labels and the way its images are prepared.
pub struct Loaded {
    pub id: String,
    pub network: Network,
    pub recipe: preprocessing::Recipe,
    pub labels: Vec<Option<Vec<String>>>,
}

impl Loaded {
    /// Height and width of the network's images.
    pub fn size(&self) -> (usize, usize) {
        (self.recipe.preprocess.size.height, self.recipe.preprocess.size.width)
    }
}

/// What is asked of a section beside what the chapter file says.
#[derive(Default, Clone, Copy)]
pub struct Asked {
    /// Steps that filters rise; the usual number if `None`.
    pub ascent: Option<usize>,
    /// Inputs shown in full, the numbers of all being kept as rows; if `None` all are shown and there are no rows.
    pub gallery: Option<usize>,
}

/// How many reasons are given when no input can be used.
const REASONS: usize = 5;

/// Loads a section's network and everything that can be wrong about the section before anything runs.
///
/// # Errors
/// A model that cannot be read or used, unknown layers, labels that do not fit.
pub fn load(chapter: &Chapter, section: &Section) -> Result<Loaded> {
    let network = preprocessing::load(&section.model.value, section.preprocess.as_ref())?;
    let recipe =
        preprocessing::recipe(&network, section.preprocess.as_ref(), &|key, message| chapter.error(key, message))?;
    let labels = labels::of_heads(&network, section.labels.as_ref().map(|file| file.value.as_path()))?;
    convolutions(chapter, section, &network)?;
    // Whatever the target: only what is wrong with the layers that are named matters here.
    shown(chapter, section, &network, &Target { tensor: String::new(), layer: None })?;
    let loaded = Loaded { id: slug(network.name()), network, recipe, labels };
    validate::check(chapter, section, &loaded)?;
    Ok(loaded)
}

/// The layer that the chapter file names: by its name, its output's, or an unambiguous part of either.
///
/// # Errors
/// No layer or several have that name.
pub(crate) fn layer<'n>(chapter: &Chapter, network: &'n Network, name: &Located<String>) -> Result<&'n Layer> {
    network.find_layer(&name.value).map_err(|cause| chapter.error(name, cause))
}

/// Makes a section's page.
///
/// # Errors
/// Inputs none of which can be used; a network that cannot be run or differentiated.
pub fn section(
    chapter: &Chapter,
    section: &Section,
    loaded: &Loaded,
    asked: Asked,
    progress: &Progress,
    collected: &mut Collected,
) -> Result<page::Section> {
    let network = &loaded.network;
    let target = target(chapter, section, network)?;
    let shown = shown(chapter, section, network, &target)?;
    let tensors: Vec<String> = shown.layers.iter().map(|layer| layer.output_tensor.clone()).collect();
    let explainer = Explainer::new(network, &target.tensor, &tensors, loaded.size())?;
    let ready = prepare(chapter, section, loaded, &explainer, gradcheck::images(&explainer))?;
    let missing = explainer.without_rule();
    let differences = (!missing.is_empty()).then(|| Differences::new(&explainer)).transpose()?;
    let check = match &differences {
        None => gradcheck::check(&explainer, &ready)?,
        Some(_) => gradcheck::NetworkCheck::absent(&explainer),
    };
    drop(ready);
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
    let sources = sources(chapter, section, loaded, chapter.seed);
    let most = asked.gallery.unwrap_or(usize::MAX);
    let bar = progress.bar(section.inputs.len(), &section.title);
    let walked = gallery::walk(&room, &sources, &section.inputs, most, &bar, collected)?;
    let mut page = page::Section {
        id: loaded.id.clone(),
        heading: section.title.clone(),
        flow: Some(architecture::strip(&loaded.id, network, &mut collected.assets)?),
        table: Some(architecture::table(network)),
        facts: architecture::facts(network),
        notes: walked.left_out,
        ..page::Section::default()
    };
    page.facts.extend(check.lines());
    if section.inputs.iter().any(|input| matches!(input.source, Source::Image { .. })) {
        page.paragraphs.push(format!("How photographs become inputs: {}.", preprocessing::sentence(&loaded.recipe)));
    }
    page.paragraphs.extend(walked.survey.doubts(loaded.network.heads()));
    page.paragraphs.extend(early(section, &room));
    if let Some(reason) = room.explainer.unoptimised() {
        page.facts.push(Line::new(
            "How it ran",
            format!(
                "tract could not optimise this network ({reason}); it ran as it is, which is slower but not different"
            ),
        ));
    }
    page.facts.extend(room.shown.note.iter().map(|note| page::Line::new("Activations", note)));
    let note;
    (page.filters, note) = filters(chapter, section, loaded, asked.ascent, progress, collected)?;
    page.facts.extend(note.map(|note| page::Line::new("Filters", note)));
    if asked.gallery.is_some() && section.inputs.len() > 1 {
        page.survey = Some(walked.survey.page(&room, walked.inputs.len()));
    }
    page.inputs = walked.inputs;
    Ok(page)
}

/// A remark where much of the network still lies behind the layer that is explained without having been asked for.
fn early(section: &Section, room: &Room) -> Option<String> {
    let products = room.explainer.products_behind_target();
    (section.target.is_none() && products > FAR).then(|| {
        format!(
            "{products} more convolutions and matrix products lie between {}, the last convolution, and the score, as in a network that goes on with a transformer. The heatmaps say what this early layer contributes, which is not where the network looks in the end.",
            room.style.layer
        )
    })
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

/// The convolutions that the section names, if it names any.
fn convolutions<'n>(chapter: &Chapter, section: &Section, network: &'n Network) -> Result<Option<Vec<&'n Layer>>> {
    let of = |name: &Located<String>| convolution(network, &name.value).map_err(|cause| chapter.error(name, cause));
    section.filters.as_ref().map(|names| names.iter().map(of).collect()).transpose()
}

/// What the filters look for: those of the convolutions named, else of all.
fn filters(
    chapter: &Chapter,
    section: &Section,
    loaded: &Loaded,
    steps: Option<usize>,
    progress: &Progress,
    collected: &mut Collected,
) -> Result<(Vec<page::Filters>, Option<String>)> {
    let network = &loaded.network;
    let choice = Choice::new(network, convolutions(chapter, section, network)?, None);
    if choice.layers.is_empty() {
        return Ok((Vec::new(), None));
    }
    let natural = natural_inputs(&sources(chapter, section, loaded, chapter.seed), &section.inputs)?;
    let scene = Scene::new(network, &loaded.recipe, natural)?;
    let bar = progress.bar(choice.count(network), &format!("Filters of {}", section.title));
    let study = |(layer, filters): &(&Layer, Option<Vec<usize>>)| {
        let request = Request {
            section: &loaded.id,
            network,
            layer,
            filters: filters.as_deref(),
            scene: &scene,
            mode: section.ascent,
            objective: None,
            steps,
            seed: chapter.seed,
            top_inputs: section.top_inputs,
        };
        crate::chapter::filters::filters(&request, &bar, collected)
    };
    let made = choice.layers.iter().map(study).collect::<Result<_>>()?;
    Ok((made, choice.note))
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
    let ready = prepare(chapter, section, loaded, &explainer, gradcheck::IMAGES)?;
    gradcheck::check(&explainer, &ready)
}

/// The activation that heatmaps explain: the one asked for, else the last feature map before the first head.
pub(crate) fn target(chapter: &Chapter, section: &Section, network: &Network) -> Result<Target> {
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
pub(crate) fn sources<'a>(chapter: &Chapter, section: &Section, loaded: &'a Loaded, seed: u64) -> Sources<'a> {
    let photographs = section.inputs.iter().filter_map(|input| match &input.source {
        Source::Image { path, .. } => Some(Path::new(path)),
        _ => None,
    });
    Sources {
        seed,
        mnist: chapter.mnist.clone(),
        recipe: &loaded.recipe,
        heads: loaded.network.heads(),
        labels: &loaded.labels,
        parts: files::distinct(photographs),
    }
}

/// Makes the first `most` inputs ready that can be, photographs that cannot be read or that the network cannot be run on being left
/// out.
///
/// # Errors
/// A missing MNIST folder; a section none of whose inputs can be used.
pub(crate) fn prepare(
    chapter: &Chapter,
    section: &Section,
    loaded: &Loaded,
    explainer: &Explainer,
    most: usize,
) -> Result<Vec<Ready>> {
    let sources = sources(chapter, section, loaded, chapter.seed);
    let mut ready = Vec::new();
    let mut failures = Vec::new();
    for input in &section.inputs {
        if ready.len() >= most {
            break;
        }
        let runs = |ready: Ready| explainer.forward(&ready.tensor).map(|_| ready);
        match (sources.ready(input).and_then(runs), &input.source) {
            (Ok(input), _) => ready.push(input),
            (Err(cause), Source::Image { .. }) if failures.len() < REASONS => failures.push(cause.to_string()),
            (Err(_), Source::Image { .. }) => {}
            (Err(cause), _) => return Err(cause),
        }
    }
    if !ready.is_empty() || failures.is_empty() {
        return Ok(ready);
    }
    if section.inputs.len() > failures.len() {
        failures.push(format!("… and {} more", section.inputs.len() - failures.len()));
    }
    Err(Error::input(format!("{}: no input can be used\n{}", section.title, failures.join("\n"))))
}
