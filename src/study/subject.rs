//! What is measured: one network of a chapter with its inputs.

use crate::config::Section;
use crate::input::loaded::LoadedNetwork;
use crate::model::Target;
use std::path::Path;

/// One network of a chapter, to be measured.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The section about it: its title, its inputs, the placement of maps.
    pub section: &'a Section,
    /// The network with its labels and preprocessing.
    pub loaded: &'a LoadedNetwork,
    /// The activation that heatmaps explain.
    pub target: &'a Target,
    /// The chapter's seed.
    pub seed: u64,
    /// The chapter's MNIST folder, if it names one.
    pub mnist: Option<&'a Path>,
}
