//! A network with what turns images into its inputs and class numbers into words: its preprocessing and its labels.

use crate::config::{Located, OtherInput, Preprocessing};
use crate::error::{Error, Result};
use crate::input::labels::{self, ClassMatch};
use crate::input::preprocessing::{self, Recipe};
use crate::input::{other_inputs, scores};
use crate::model::{Head, Network, ScoreKind};
use std::path::Path;

/// What the user says of a network.
#[derive(Default, Clone, Copy)]
pub struct NetworkOptions<'a> {
    /// How images become its inputs.
    pub preprocess: Option<&'a Preprocessing>,
    /// A file of labels.
    pub labels: Option<&'a Path>,
    /// How logits are read.
    pub scores: Option<&'a Located<ScoreKind>>,
    /// Values for the inputs beside the image.
    pub others: &'a [Located<OtherInput>],
    /// The input that images go to, of several.
    pub image: Option<&'a str>,
}

/// A network, loaded, with its labels and the way its images are prepared.
pub struct LoadedNetwork {
    /// The network itself.
    pub network: Network,
    /// How images become its inputs.
    pub recipe: Recipe,
    /// The labels of each head's classes, where known.
    pub labels: Vec<Option<Vec<String>>>,
    /// What was assumed about it, and what its folder offers, as sentences without a full stop.
    pub notes: Vec<String>,
}

impl LoadedNetwork {
    /// Reads a network. `complain` turns a message about a key of the options into an error that says where it stands.
    ///
    /// # Errors
    /// A model that cannot be read or used, preprocessing that is impossible, labels that do not fit.
    pub fn load(
        model: &Path,
        options: NetworkOptions,
        complain: &dyn Fn(&Located<String>, String) -> Error,
    ) -> Result<LoadedNetwork> {
        let NetworkOptions { preprocess, labels, scores, others, image } = options;
        let given = other_inputs::given(model, others, image, preprocess, complain)?;
        let mut network = preprocessing::load(model, preprocess, &given)?;
        let recipe = preprocessing::recipe(&network, preprocess, complain)?;
        let mut notes = scores::choose(&mut network, scores, labels, complain)?;
        let labels = labels::of_heads(&network, labels)?;
        notes.extend(labels.offer);
        Ok(LoadedNetwork { network, recipe, labels: labels.by_head, notes })
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

    /// The class of a head that a label, one of its words, or a number names; `None` where it names none or several.
    pub fn class_of(&self, head: usize, text: &str) -> Option<usize> {
        self.class_match(head, text).class()
    }

    /// The classes of a head that a label, one of its words, or a number names.
    pub fn class_match(&self, head: usize, text: &str) -> ClassMatch {
        let described = self.heads().get(head);
        described.map_or(ClassMatch::Nothing, |described| labels::class_of(text, self.labels(head), described))
    }
}
