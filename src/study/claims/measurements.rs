//! What the verdicts are made from: plain numbers per network, head and image, measured by the pipeline.
//!
//! Vectors of one network that speak of images have one entry per image, in the same order in all of its heads and
//! copies, and the same images in all networks over the same data. `None` among them is an empty map.

use crate::measure::accuracy::Proportion;
use crate::measure::color::Color;
use serde::Serialize;

/// Everything measured for a chapter.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measurements {
    /// Seed of every bootstrap.
    pub seed: u64,
    pub networks: Vec<Network>,
}

/// The part a network plays in the bundled chapter; claims that name a network look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Role {
    /// The base model over the Line data.
    Base,
    /// The base model over digits.
    Digits,
    /// One of the three multi-head variations, 1 to 3.
    Variation(u8),
    /// The deep model over the Line data.
    Deep,
    /// A network of somebody else's chapter.
    #[default]
    Other,
}

/// The measurements of one network.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Network {
    /// The chapter's name for it.
    pub name: String,
    pub role: Role,
    /// The images in words, such as "fresh lines", "drawn digits".
    pub images: String,
    /// The input's shorter side in pixels.
    pub side: usize,
    /// Convolutions and poolings in the order of the data.
    pub layers: Vec<Layer>,
    /// One for each convolution whose kernels were measured.
    pub filters: Vec<Filters>,
    /// One for each pooling.
    pub poolings: Vec<PoolingLayer>,
    /// One for each convolution whose activations were measured, first layer first.
    pub activations: Vec<Activations>,
    /// Detail ([`crate::measure::detail`]) of the input images themselves, its channels' mean.
    pub input_detail: Vec<f64>,
    pub heads: Vec<Head>,
    /// Differences between the heads' maps of one image; `None` with a single head.
    pub head_differences: Option<HeadDifferences>,
    /// Linear probes, first layer first; several for one layer if there are several targets.
    pub probes: Vec<Probe>,
    /// Identifiers of the figures that show this network, for links.
    pub figures: Figures,
}

/// A convolution or pooling.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    pub name: String,
    pub kind: LayerKind,
    /// Side in pixels of what one of its outputs sees of the input.
    pub receptive_field: usize,
}

/// See [`Layer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum LayerKind {
    Convolution,
    Pooling,
}

/// Numbers of the trained network beside those of its re-initialised copies, image by image (or filter by filter).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    pub trained: Vec<Option<f64>>,
    /// copies[copy][image].
    pub copies: Vec<Vec<Option<f64>>>,
}

/// The filters of one convolution.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Filters {
    pub layer: String,
    /// Input channels of each filter.
    pub inputs: usize,
    /// Side in pixels of what a filter's output sees of the input image.
    pub receptive_field: usize,
    /// [`crate::measure::spectrum::Spectrum::pattern`] of each filter; `None` for kernels of 1×1.
    pub patterns: Option<Comparison>,
    /// Colours of the filters and of each copy's; `None` unless the layer reads three colour channels.
    pub colors: Option<Colors>,
    /// [`crate::measure::participation::of_filter`] of each filter; `None` for a first layer.
    pub participation: Option<Comparison>,
    /// Filters that answered some image, and all.
    pub alive: usize,
    pub total: usize,
}

/// See [`Filters::colors`].
#[derive(Debug, Clone, Default, Serialize)]
pub struct Colors {
    pub trained: Vec<Color>,
    pub copies: Vec<Vec<Color>>,
}

/// What one pooling did to each image ([`crate::measure::pooling::Pooling`]).
#[derive(Debug, Clone, Default, Serialize)]
pub struct PoolingLayer {
    pub layer: String,
    pub effect: Vec<f64>,
    pub energy_kept: Vec<f64>,
    pub maxima_kept: Vec<f64>,
}

/// The activations of one layer over the images.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Activations {
    pub layer: String,
    /// [`crate::measure::detail::activation_detail`].
    pub detail: Comparison,
    /// [`crate::measure::energy::Energy::lift`] of the mean of the channels' sizes; `None` without masks.
    pub lift: Option<Comparison>,
    /// Share of zeros of each image's activation.
    pub zeros: Vec<f64>,
}

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
    /// Randomising from the top, one layer more at each stage; the last has all weights new. Images whose map is empty
    /// are left out.
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

/// Gradients of the class score with respect to the target activation, over the images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Gradients {
    pub images: usize,
    /// All exactly zero if taken behind the softmax.
    pub softmax_zero: usize,
    /// Not zero, but none above 1e-7, behind the softmax.
    pub softmax_tiny: usize,
    /// The same for the logits.
    pub logit_zero: usize,
    pub logit_tiny: usize,
    /// Maps with a value that is not finite after normalisation to [0, 1].
    pub not_finite: usize,
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
    /// Spearman's correlation of the map with the trained network's, the copies' mean; `None` if the new map is empty.
    pub similarity: Vec<Option<f64>>,
}

/// One attribute changed, everything else of the image kept.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Change {
    pub attribute: String,
    /// True if this is the attribute that the head classifies.
    pub own: bool,
    /// 1 − Pearson's correlation of the maps before and after; `None` if one is empty.
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

/// A linear probe on one layer for one target.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Probe {
    /// "input" or a layer's name.
    pub layer: String,
    /// What it reads: a head's name.
    pub target: String,
    pub classes: usize,
    /// 1 for each test image it got right, else 0; the copies may be missing.
    pub correct: Comparison,
}

/// Identifiers of figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    pub filters: Vec<String>,
    pub activations: Vec<String>,
    pub heatmaps: Vec<String>,
}

impl Comparison {
    /// A comparison without gaps.
    pub fn complete(trained: Vec<f64>, copies: Vec<Vec<f64>>) -> Comparison {
        let some = |values: Vec<f64>| values.into_iter().map(Some).collect();
        Comparison { trained: some(trained), copies: copies.into_iter().map(some).collect() }
    }

    /// Trained and copies with `chance` for what is missing or not finite.
    pub(crate) fn with_chance(&self, chance: f64) -> Filled {
        let fill = |values: &Vec<Option<f64>>| values.iter().map(|v| finite(*v).unwrap_or(chance)).collect();
        Filled { trained: fill(&self.trained), copies: self.copies.iter().map(fill).collect() }
    }

    /// Trained and copies with the copies' own level as chance: what a copy lacks is the mean of the copies for that
    /// image (of all images, where none has it); what the trained network lacks is the same, so that its gaps count
    /// neither for nor against it. `None` if no copy has anything.
    pub(crate) fn with_copies_as_chance(&self) -> Option<Filled> {
        let all: Vec<f64> = self.copies.iter().flatten().filter_map(|v| finite(*v)).collect();
        let overall = crate::measure::mean(&all)?;
        let at =
            |copy: &Vec<Option<f64>>, image: usize| copy.get(image).copied().flatten().and_then(|v| finite(Some(v)));
        let level: Vec<f64> = (0..self.trained.len())
            .map(|i| {
                crate::measure::mean(&self.copies.iter().filter_map(|c| at(c, i)).collect::<Vec<_>>())
                    .unwrap_or(overall)
            })
            .collect();
        let trained = self.trained.iter().zip(&level).map(|(v, level)| finite(*v).unwrap_or(*level)).collect();
        let copies =
            self.copies.iter().map(|c| level.iter().enumerate().map(|(i, level)| at(c, i).unwrap_or(*level)).collect());
        Some(Filled { trained, copies: copies.collect() })
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// A comparison whose gaps are filled: what [`crate::measure::bootstrap::against_copies`] reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filled {
    pub trained: Vec<f64>,
    pub copies: Vec<Vec<f64>>,
}

impl Filled {
    /// Image by image the mean over several (the heads of a network over the same images), cut to the shortest.
    pub(crate) fn mean_of(parts: &[Filled]) -> Option<Filled> {
        let copies = parts.iter().map(|p| p.copies.len()).min()?;
        let average = |rows: Vec<&Vec<f64>>| -> Vec<f64> {
            let images = rows.iter().map(|row| row.len()).min().unwrap_or(0);
            (0..images).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len() as f64).collect()
        };
        Some(Filled {
            trained: average(parts.iter().map(|p| &p.trained).collect()),
            copies: (0..copies).map(|c| average(parts.iter().map(|p| &p.copies[c]).collect())).collect(),
        })
    }

    /// Puts several behind one another (the layers of a network, filter by filter).
    pub(crate) fn joined(parts: &[Filled]) -> Option<Filled> {
        let copies = parts.iter().map(|p| p.copies.len()).min()?;
        Some(Filled {
            trained: parts.iter().flat_map(|p| p.trained.iter().copied()).collect(),
            copies: (0..copies).map(|c| parts.iter().flat_map(|p| p.copies[c].iter().copied()).collect()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_become_chance() {
        let comparison = Comparison {
            trained: vec![Some(4.0), None, Some(f64::NAN)],
            copies: vec![vec![Some(2.0), None, Some(3.0)]],
        };
        let filled = comparison.with_chance(1.0);
        assert_eq!(filled, Filled { trained: vec![4.0, 1.0, 1.0], copies: vec![vec![2.0, 1.0, 3.0]] });
    }

    #[test]
    fn gaps_of_the_trained_network_become_its_copies_level() {
        let comparison = Comparison {
            trained: vec![Some(4.0), None, None],
            copies: vec![vec![Some(2.0), None, None], vec![Some(4.0), Some(6.0), None]],
        };
        let filled = comparison.with_copies_as_chance().unwrap();
        assert_eq!(filled.trained, vec![4.0, 6.0, 4.0]);
        assert_eq!(filled.copies, vec![vec![2.0, 6.0, 4.0], vec![4.0, 6.0, 4.0]]);
        assert_eq!(Comparison { trained: vec![Some(1.0)], copies: vec![vec![None]] }.with_copies_as_chance(), None);
    }

    #[test]
    fn heads_are_averaged_and_layers_joined() {
        let a = Comparison::complete(vec![1.0, 2.0], vec![vec![0.0, 0.0]]).with_chance(0.0);
        let b = Comparison::complete(vec![3.0, 6.0, 9.0], vec![vec![2.0, 4.0, 6.0], vec![1.0; 3]]).with_chance(0.0);
        let mean = Filled::mean_of(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(mean, Filled { trained: vec![2.0, 4.0], copies: vec![vec![1.0, 2.0]] });
        assert_eq!(Filled::joined(&[a, b]).unwrap().copies, vec![vec![0.0, 0.0, 2.0, 4.0, 6.0]]);
        assert_eq!(Filled::mean_of(&[]), None);
    }
}
