//! `convscope filters`: what the filters of any network look for, as a page.

use super::{Request, Scene, filters, natural_inputs, words};
use crate::config::{Input, Preprocessing, Source};
use crate::error::{Error, Result};
use crate::model::{Layer, Network};
use crate::pipeline::input::Sources;
use crate::pipeline::{Collected, Made, preprocess};
use crate::progress::Progress;
use crate::report::assets::slug;
use crate::report::page;
use crate::visualize::filter::{Mode, Objective};
use std::path::Path;

/// What the user asks for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The convolution; every one if `None`.
    pub layer: Option<String>,
    /// Which filters, as in `0-63` or `0,5,9`; all if `None`.
    pub filters: Option<String>,
    pub steps: Option<usize>,
    /// Side of the image, for a network that takes any size.
    pub size: Option<usize>,
    pub mode: Mode,
    /// What grows; `None` for the channel, and for first layers the unit beside it.
    pub objective: Option<Objective>,
    pub seed: u64,
}

/// Makes the page of a network's filters; the images as arrays are left beside it.
///
/// # Errors
/// A network that cannot be read or has no convolution; a layer that is none, or filters that do not exist: what exists is listed.
pub fn page(model: &Path, options: &Options, progress: &Progress) -> Result<Made> {
    let size = options.size.map(|side| (side, side));
    let network = Network::load_sized(model, size)?;
    network.require_convolution()?;
    let layers = layers(&network, options.layer.as_deref())?;
    let chosen = options.filters.as_deref().map(|text| numbers(text, &network)).transpose()?;
    let sized = Preprocessing { size: Some(size.unwrap_or(network.listed_size())), ..Preprocessing::default() };
    let recipe = preprocess::recipe(&network, Some(&sized), &|_, message| Error::input(message))?;
    let sources =
        Sources { seed: options.seed, mnist: None, recipe: &recipe, heads: network.heads(), labels: &[], parts: 1 };
    let scene = Scene::new(&network, &recipe, natural_inputs(&sources, &own_data(&network))?)?;
    let count = |layer: &&Layer| chosen.as_ref().map_or(words::filter_count(&network, layer).unwrap_or(0), Vec::len);
    let bar = progress.bar(layers.iter().map(count).sum(), "Filters");
    let mut collected = Collected::default();
    let mut section =
        page::Section { id: slug(network.name()), heading: network.title().to_string(), ..page::Section::default() };
    for layer in layers {
        let request = Request {
            section: &section.id,
            network: &network,
            layer,
            filters: chosen.as_deref(),
            scene: &scene,
            mode: options.mode,
            objective: options.objective,
            steps: options.steps,
            seed: options.seed,
            top_inputs: false,
        };
        let made = filters(&request, &bar, &mut collected)?;
        section.filters.push(made);
    }
    if scene.inputs.is_empty() {
        section.notes.push(format!(
            "No natural inputs were compared. How images become inputs: {}.",
            preprocess::sentence(&recipe)
        ));
    }
    let mut page = page::Page {
        title: format!("Filters of {}", network.title()),
        sections: vec![section],
        ..page::Page::default()
    };
    page.finish()?;
    Ok(Made { page, collected })
}

/// The convolution asked for, or all.
fn layers<'n>(network: &'n Network, asked: Option<&str>) -> Result<Vec<&'n Layer>> {
    let convolutions = || network.layers().iter().filter(|layer| layer.convolution.is_some());
    let Some(name) = asked else { return Ok(convolutions().collect()) };
    match convolutions().find(|layer| layer.name == name) {
        Some(layer) => Ok(vec![layer]),
        None => {
            let what = if network.layer(name).is_some() { "is no convolution" } else { "is no layer" };
            let known = words::convolutions(network);
            Err(Error::input(format!("--layer: `{name}` {what} of {}, which has {known}", network.name())))
        }
    }
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
        let known = words::convolutions(network);
        Error::input(format!("--filters: `{part}` is no number or range such as 0-63; {} has {known}", network.name()))
    };
    let largest = network.layers().iter().filter_map(|layer| words::filter_count(network, layer)).max().unwrap_or(0);
    let mut numbers = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bound = |end: &str| end.trim().parse::<usize>().map_err(|_| wrong(part));
        let (first, last) = (bound(first)?, bound(last)?);
        if first > last || last >= largest {
            let known = words::convolutions(network);
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
