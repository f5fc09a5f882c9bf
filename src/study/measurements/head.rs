//! What was measured head by head: accuracy, heatmaps, gradients, deletion and insertion, randomisation.

use crate::measure::accuracy::Proportion;
use crate::study::measurements::Comparison;
use serde::Serialize;

/// The measurements of one head.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Head {
    pub name: String,
    pub classes: usize,
    /// Whether each image of the accuracy sample was classified correctly; empty where labels are unknown.
    pub correct: Vec<bool>,
    /// Test accuracies of the trainings that differ by their seed, as the model records them.
    pub accuracy_by_seed: Vec<f64>,
    pub grad_cam: Maps,
    pub hires_cam: Maps,
    /// Lift of the maps that know nothing of the network, by name, on the same images.
    pub controls: Vec<Control>,
    pub gradients: Option<Gradients>,
    /// One for each threshold ([`crate::measure::overlap::THRESHOLDS`]); none without masks.
    pub overlaps: Vec<Overlap>,
    /// Deletion and insertion: Grad-CAM first, then the other maps.
    pub faithfulness: Vec<Faithfulness>,
    /// Randomising from the top, one layer more at each stage; the last has all weights new.
    pub cascade: Vec<Stage>,
    /// How the map changes when one attribute of the image does.
    pub changes: Vec<Change>,
}

impl Head {
    /// Accuracy with Wilson's interval; `None` where labels are unknown.
    pub fn accuracy(&self) -> Option<Proportion> {
        let hits = self.correct.iter().filter(|c| **c).count();
        (!self.correct.is_empty()).then(|| crate::measure::accuracy::wilson(hits, self.correct.len()))
    }
}

/// The maps of one method.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Maps {
    /// [`crate::measure::energy::Energy::lift`], `None` for an empty map; all `None` (the field) without masks.
    pub lift: Option<Comparison>,
    /// [`crate::measure::pointing::pointing`] of the trained network and the mask's share of the area, image by image.
    pub pointing: Vec<f64>,
    /// The object's share of the area, image by image.
    pub area: Vec<f64>,
    /// Maps made, and those of them that are empty.
    pub maps: usize,
    pub empty: usize,
}

/// See [`Head::controls`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct Control {
    pub name: String,
    pub lift: Vec<f64>,
}

/// Gradients of the class score with respect to the target activation, image by image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Gradients {
    /// Of the score behind the softmax (or sigmoid).
    pub softmax: Vec<Vanishing>,
    /// Of the logit.
    pub logit: Vec<Vanishing>,
    /// Maps with a value that is not finite after normalisation to [0, 1].
    pub not_finite: usize,
}

/// How much of a gradient there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vanishing {
    /// Every element is exactly zero.
    Zero,
    /// Not all are zero, but none is above 1e-7.
    Tiny,
    /// There is a gradient.
    Plain,
}

impl Gradients {
    /// Images whose gradient behind the softmax is zero everywhere.
    pub fn softmax_zero(&self) -> usize {
        Gradients::count(&self.softmax, Vanishing::Zero)
    }

    /// Images whose logit's gradient is zero everywhere.
    pub fn logit_zero(&self) -> usize {
        Gradients::count(&self.logit, Vanishing::Zero)
    }

    /// How many of the images' gradients are of a kind.
    pub fn count(gradients: &[Vanishing], wanted: Vanishing) -> usize {
        gradients.iter().filter(|vanishing| **vanishing == wanted).count()
    }
}

/// Intersection over union with the mask at one threshold, image by image.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Overlap {
    /// The share of the map's maximum from which a pixel counts.
    pub threshold: f64,
    /// The grid stretched to the image's edges.
    pub stretched: Vec<f64>,
    /// The cells at the centres of their receptive fields.
    pub placed: Vec<f64>,
    /// [`crate::measure::overlap::best_iou`] of the placed grid.
    pub best: Vec<f64>,
    /// Lift of the placed map (1 if empty), which tells the maps that follow the object.
    pub lift: Vec<f64>,
}

/// Deletion and insertion by one map, image by image.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Faithfulness {
    pub map: String,
    /// True for maps that know nothing of the network.
    pub is_control: bool,
    pub deletion: Vec<f64>,
    pub insertion: Vec<f64>,
}

/// One stage of the cascade.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stage {
    /// The layer randomised last.
    pub layer: String,
    /// Spearman's correlation of the map with the trained network's: similarity[copy][image]; 0 where the new map is
    /// empty, `None` where the trained network's is, so that there was nothing to lose.
    pub similarity: Vec<Vec<Option<f64>>>,
}

/// One attribute changed, everything else of the image kept.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Change {
    pub attribute: String,
    /// True if this is the attribute that the head classifies.
    pub own: bool,
    /// 1 − Pearson's correlation of the maps before and after, both of the class predicted before; `None` if one is
    /// empty.
    pub difference: Vec<Option<f64>>,
}

/// See [`crate::measure::agreement`]: one entry per image, the mean over pairs of heads.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HeadDifferences {
    pub grad_cam: Comparison,
    pub hires_cam: Comparison,
    /// Distance of the centres of mass in pixels, Grad-CAM.
    pub distance: Comparison,
    /// Pairs of the trained network's Grad-CAM maps, and those with an empty one.
    pub pairs: usize,
    pub empty_pairs: usize,
}
