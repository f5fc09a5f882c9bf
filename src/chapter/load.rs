//! A section's network, loaded, and everything that can be wrong about the section before anything runs.

use crate::chapter::choose_layers::{each_once, named_layers};
use crate::chapter::validate;
use crate::config::{Chapter, Located, Section};
use crate::error::{Error, Result};
use crate::explain::filters::convolution;
use crate::input::loaded::{LoadedNetwork, NetworkOptions};
use crate::model::{Layer, Network, Target};
use crate::report::assets::slug;
use std::sync::Arc;

/// The network of a section.
pub struct SectionNetwork {
    /// What anchors of the section begin with, unique in the chapter.
    pub id: String,
    /// The network with its labels and preprocessing.
    pub loaded: Arc<LoadedNetwork>,
    /// The activation that heatmaps explain.
    pub target: Target,
}

/// Loads a section's network.
///
/// # Errors
/// A model that cannot be read or used, unknown layers, labels that do not fit, classes that there are not.
pub fn load(chapter: &Chapter, section: &Section) -> Result<SectionNetwork> {
    let labels = section.labels.as_ref().map(|file| file.value.as_path());
    let complain = |key: &Located<String>, message: String| chapter.error(key, message);
    let options = NetworkOptions {
        preprocess: section.preprocess.as_ref(),
        labels,
        scores: section.scores.as_ref(),
        others: &section.other_inputs,
        image: section.image_input.as_deref(),
    };
    let loaded = LoadedNetwork::load(&section.model.value, options, &complain)?;
    let network = &loaded.network;
    convolutions(chapter, section, network)?;
    named_layers(chapter, section, network)?;
    validate::check(chapter, section, &loaded)?;
    let target = target(chapter, section, network)?;
    Ok(SectionNetwork { id: slug(network.name()), loaded: Arc::new(loaded), target })
}

/// The convolutions whose filters the section names, each once, if it names any.
///
/// # Errors
/// No convolution or several have that name.
pub fn convolutions<'n>(chapter: &Chapter, section: &Section, network: &'n Network) -> Result<Option<Vec<&'n Layer>>> {
    let of = |name: &Located<String>| convolution(network, &name.value).map_err(|cause| chapter.error(name, cause));
    let named = section.filters.as_ref().map(|names| names.iter().map(of).collect::<Result<_>>()).transpose()?;
    Ok(named.map(each_once))
}

/// The activation that heatmaps explain: the one asked for, else the last feature map before the first head.
fn target(chapter: &Chapter, section: &Section, network: &Network) -> Result<Target> {
    network.require_convolution()?;
    match (&section.target, network.heads().first()) {
        (Some(name), _) => network.find_target(&name.value).map_err(|cause| chapter.error(name, cause)),
        (None, Some(head)) => network.default_target(head),
        (None, None) => Err(Error::input(format!("{}: the network has no output", network.name()))),
    }
}

/// Numbers the anchors of sections about the same network, which would otherwise be the same.
pub fn distinguish(networks: &mut [SectionNetwork]) {
    for i in 1..networks.len() {
        let (before, rest) = networks.split_at_mut(i);
        let name = rest[0].id.clone();
        let mut number = 2;
        while before.iter().any(|other| other.id == rest[0].id) {
            rest[0].id = format!("{name}-{number}");
            number += 1;
        }
    }
}
