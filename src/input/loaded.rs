//! A network with what turns images into its inputs and class numbers into words: its preprocessing and its labels.

use crate::config::{Located, Preprocessing};
use crate::error::{Error, Result};
use crate::input::labels;
use crate::input::preprocessing::{self, Recipe};
use crate::model::{Head, Network};
use std::path::Path;

/// A network, loaded, with its labels and the way its images are prepared.
pub struct LoadedNetwork {
    /// The network itself.
    pub network: Network,
    /// How images become its inputs.
    pub recipe: Recipe,
    /// The labels of each head's classes, where known.
    pub labels: Vec<Option<Vec<String>>>,
}

impl LoadedNetwork {
    /// Reads a network; `preprocess` and `labels` are what the user says of them. `complain` turns a message about a key of
    /// `preprocess` into an error that says where it stands.
    ///
    /// # Errors
    /// A model that cannot be read or used, preprocessing that is impossible, labels that do not fit.
    pub fn load(
        model: &Path,
        preprocess: Option<&Preprocessing>,
        labels: Option<&Path>,
        complain: &dyn Fn(&Located<String>, String) -> Error,
    ) -> Result<LoadedNetwork> {
        let network = preprocessing::load(model, preprocess)?;
        let recipe = preprocessing::recipe(&network, preprocess, complain)?;
        let labels = labels::of_heads(&network, labels)?;
        Ok(LoadedNetwork { network, recipe, labels })
    }

    /// Height and width of the network's images.
    pub fn size(&self) -> (usize, usize) {
        (self.recipe.preprocess.size.height, self.recipe.preprocess.size.width)
    }

    /// The network's heads.
    pub fn heads(&self) -> &[Head] {
        self.network.heads()
    }

    /// The labels of a head's classes, where known.
    pub fn labels(&self, head: usize) -> Option<&[String]> {
        self.labels.get(head).and_then(|labels| labels.as_deref())
    }

    /// The label of a head's class, or what its value stands for; nothing for a head that does not exist.
    pub fn label(&self, head: usize, class: usize) -> String {
        self.heads().get(head).map_or_else(String::new, |described| labels::of(described, self.labels(head), class))
    }

    /// The class of a head that a label, one of its words, or a number names.
    pub fn class_of(&self, head: usize, text: &str) -> Option<usize> {
        labels::class_of(text, self.labels(head), self.heads().get(head)?)
    }
}
