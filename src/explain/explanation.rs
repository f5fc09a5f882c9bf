//! What a network says of one input, and why: values only. Words and pictures are made from them elsewhere.

use crate::error::Result;
use crate::explain::engine::Forward;
use crate::explain::heatmap::Heatmap;
use crate::explain::score::leading;
use crate::input::prepared::PreparedInput;
use crate::model::Meaning;
use crate::visualize::cam;
use crate::visualize::saliency;
use ndarray::{Array2, ArrayD};

/// What a network says of one input, and why.
///
/// It holds the network's values for that input, so let it go as soon as they are used.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The input, as the network got it.
    pub input: PreparedInput,
    /// What each head says, in the order of the network's heads.
    pub heads: Vec<HeadExplanation>,
    forward: Forward,
}

/// What one head says of an input, and why.
#[derive(Debug, Clone)]
pub struct HeadExplanation {
    /// The head's name in the network's file.
    pub name: String,
    /// Whether its values stand for classes.
    pub meaning: Meaning,
    /// The logits as the network gives them, with a batch of one.
    pub logits: ArrayD<f32>,
    /// The probability of each class; the values themselves of a head that has no classes.
    pub probabilities: Vec<f64>,
    /// The most probable class, by its index.
    pub predicted: usize,
    /// The true class, by its index, where it is known.
    pub truth: Option<usize>,
    /// The class that the maps explain, by its index.
    pub explained: usize,
    /// The logit of the explained class, averaged over the positions that count.
    pub logit: f32,
    /// The positions that scores are averaged over, in a head with a score for each class and position; all where `None`.
    pub positions: Option<Array2<bool>>,
    /// Whether these are the positions at which the predicted class is the strongest, nobody having given others.
    pub in_own_region: bool,
    /// How many positions there are; one in a head without positions.
    pub position_count: usize,
    /// The class activation maps, one for each method, in the order of [`crate::explain::explainer::Explainer::methods`].
    pub heatmaps: Vec<Heatmap>,
    /// Channels of the target that the maps leave out, as their weights lie on a kink of the central differences; none where
    /// gradients are taken by rules.
    pub kinks: usize,
    /// The map of the input's own gradient, where asked for.
    pub saliency: Option<SaliencyMap>,
}

/// A map of the input's own gradient.
#[derive(Debug, Clone)]
pub struct SaliencyMap {
    /// How it was made.
    pub method: saliency::Method,
    /// The strongest channel's magnitude at each pixel of the input, [h, w].
    pub map: Array2<f32>,
}

impl Explanation {
    /// What an input gave.
    pub(crate) fn new(input: PreparedInput, heads: Vec<HeadExplanation>, forward: Forward) -> Explanation {
        Explanation { input, heads, forward }
    }

    /// The value of a layer's output tensor, in the network's layout with a batch of one.
    ///
    /// # Errors
    /// A tensor whose values were not asked for.
    pub fn activation(&self, tensor: &str) -> Result<&ArrayD<f32>> {
        self.forward.get(tensor)
    }
}

impl HeadExplanation {
    /// Whether the predicted class is the true one, where that is known. Classes are compared by index: labels may repeat.
    pub fn correct(&self) -> Option<bool> {
        self.truth.map(|truth| truth == self.predicted)
    }

    /// The probability of the predicted class; its value in a head that has no classes.
    pub fn probability(&self) -> f64 {
        self.probabilities.get(self.predicted).copied().unwrap_or(0.0)
    }

    /// The most probable classes with their probabilities, at most `count`, the most probable first.
    pub fn leading(&self, count: usize) -> Vec<(usize, f64)> {
        leading(&self.probabilities, count)
    }

    /// The map by a method.
    pub fn heatmap(&self, method: cam::Method) -> Option<&Heatmap> {
        self.heatmaps.iter().find(|map| map.method == method)
    }
}
