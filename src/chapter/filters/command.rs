//! `convscope filters`: what the filters of any network look for, as a page.

use crate::chapter::filters::choice::Choice;
use crate::chapter::filters::layer::filters_or_reason;
use crate::chapter::filters::request::{FEW, Request};
use crate::chapter::output::{Artifacts, ChapterOutput};
use crate::config::{Input, Preprocessing, Source};
use crate::error::{Error, Result};
use crate::explain::filters::{AscentRequest, Scene, convolution, convolutions, filter_count, natural_inputs};
use crate::input::loaded::LoadedNetwork;
use crate::input::preprocessing;
use crate::input::sources::Sources;
use crate::model::{GivenInputs, Network};
use crate::progress::Progress;
use crate::report::assets::slug;
use crate::report::page;
use crate::visualize::filter::{Mode, Objective};
use std::path::Path;

/// What the user asks for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The convolution: a name, a tensor or a part of either; every one, or some of a large network, if `None`.
    pub layer: Option<String>,
    /// Which filters, as in `0-63` or `0,5,9`; all, or some of a large network, if `None`.
    pub filters: Option<String>,
    pub steps: Option<usize>,
    /// How images become inputs, and their size for a network that takes any.
    pub preprocess: Option<Preprocessing>,
    pub mode: Mode,
    /// What grows; `None` for the channel, and for first layers the unit beside it.
    pub objective: Option<Objective>,
    pub seed: u64,
}

/// Makes the page of a network's filters; the images as arrays are left beside it.
///
/// # Errors
/// A network that cannot be read or has no convolution, or none of whose filters can be shown; a layer that is none, or filters that do not exist: what exists is listed.
pub fn page(model: &Path, options: &Options, progress: &Progress) -> Result<ChapterOutput> {
    let size = options.preprocess.as_ref().and_then(|given| given.size);
    let network = preprocessing::load(model, options.preprocess.as_ref(), &GivenInputs::default())?;
    network.require_convolution()?;
    let given = options.preprocess.clone().unwrap_or_default();
    let sized = Preprocessing { size: Some(size.unwrap_or(network.listed_size())), ..given };
    let recipe =
        preprocessing::recipe(&network, Some(&sized), &|key, message| Error::input(format!("{}: {message}", key.key)))?;
    let loaded = LoadedNetwork { network, recipe, labels: Vec::new(), notes: Vec::new() };
    let network = &loaded.network;
    let named = options.layer.as_deref().map(|name| convolution(network, name)).transpose();
    let named = named.map_err(|cause| Error::input(format!("--layer: {cause}")))?.map(|layer| vec![layer]);
    let chosen = options.filters.as_deref().map(|text| numbers(text, network)).transpose()?;
    let top_inputs = chosen.as_ref().is_some_and(|chosen| chosen.len() <= FEW);
    let steps = options.steps.unwrap_or(options.mode.steps());
    let choice = Choice::new(network, named, chosen, steps);
    if let Some((layer, filter)) = choice.missing(network) {
        let (name, known) = (network.name(), convolutions(network));
        return Err(Error::input(format!("--filters: {} has no filter {filter}; {name} has {known}", layer.name)));
    }
    let own = own_data(network);
    let sources = Sources::new(&loaded, &own, None, options.seed);
    let scene = Scene::new(network, &loaded.recipe, natural_inputs(&sources, &own)?)?;
    let bar = progress.bar(choice.count(network), "Filters");
    let mut artifacts = Artifacts::default();
    let mut section =
        page::Section { id: slug(network.name()), heading: network.title().to_string(), ..page::Section::default() };
    section.facts.extend(choice.note.map(|note| page::Line::new("Filters", note)));
    let mut failure = None;
    for (layer, chosen) in &choice.layers {
        let request = Request {
            section: &section.id,
            ascent: AscentRequest {
                network,
                layer,
                scene: &scene,
                mode: options.mode,
                steps: options.steps,
                seed: options.seed,
            },
            filters: chosen.as_deref(),
            objective: options.objective,
            top_inputs,
        };
        let (made, failed) = filters_or_reason(&request, &bar, &mut artifacts);
        section.filters.push(made);
        failure = failure.or(failed);
    }
    let nothing = section.filters.iter().all(|layer| layer.figures.is_empty());
    if let (true, Some(cause)) = (nothing, failure) {
        return Err(Error::input(format!("{}: no filter can be shown: {cause}", model.display())));
    }
    if scene.inputs.is_empty() {
        section.notes.push(format!(
            "No natural inputs were compared. How images become inputs: {}.",
            preprocessing::sentence(&loaded.recipe)
        ));
    }
    let mut page = page::Page {
        title: format!("Filters of {}", network.title()),
        sections: vec![section],
        ..page::Page::default()
    };
    page.finish()?;
    Ok(ChapterOutput { page, artifacts })
}

/// The inputs of the data set that a network's metadata says it was trained on, where convscope can draw them.
fn own_data(network: &Network) -> Vec<Input> {
    let metadata =
        network.metadata().get("dataset").and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let name = metadata.as_ref().and_then(|data| data.get("train")?.as_str()).unwrap_or_default().to_lowercase();
    let source = match network.input().size() {
        Some((28, 28)) if name.starts_with("line") => Source::Line { class: 0, sample: 0 },
        Some((28, 28)) if name.starts_with("mnist") => Source::Digit { digit: 0, sample: 0 },
        _ => return Vec::new(),
    };
    vec![Input { source, line: 0 }]
}

/// `0-63`, `0,5,9` or a mixture, in rising order.
fn numbers(text: &str, network: &Network) -> Result<Vec<usize>> {
    let wrong = |part: &str| {
        let known = convolutions(network);
        Error::input(format!("--filters: `{part}` is no number or range such as 0-63; {} has {known}", network.name()))
    };
    let largest = network.layers().iter().filter_map(|layer| filter_count(network, layer)).max().unwrap_or(0);
    let mut numbers = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bound = |end: &str| end.trim().parse::<usize>().map_err(|_| wrong(part));
        let (first, last) = (bound(first)?, bound(last)?);
        if first > last || last >= largest {
            let known = convolutions(network);
            return Err(Error::input(format!(
                "--filters: there are no filters {part}; {} has {known}",
                network.name()
            )));
        }
        numbers.extend(first..=last);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}
