//! What all inputs of a section share while its page is made.

use crate::chapter::choose_layers::Shown;
use crate::chapter::output::FilterImages;
use crate::explain::explainer::Explainer;
use crate::figure::Colormap;
use crate::input::loaded::LoadedNetwork;

/// A section under way: the network that explains, and how its maps are drawn.
pub struct SectionContext<'a> {
    /// What the section's anchors begin with.
    pub id: &'a str,
    /// Explains the section's inputs.
    pub explainer: &'a Explainer,
    /// The layers whose activations are shown.
    pub shown: Shown<'a>,
    /// How heatmaps are drawn.
    pub drawing: MapDrawing,
    /// What filters look for, where the section shows it.
    pub filters: &'a FilterImages,
    /// Whether the page is about images in the first place, which then come before the network, each in one figure.
    pub answers_first: bool,
    /// Whether there are so many inputs that the page only links to the pictures of all channels.
    pub apart: bool,
}

/// How the heatmaps of a section are drawn and captioned.
pub struct MapDrawing {
    /// Colours of the maps.
    pub colormap: Colormap,
    /// Where cells are put, in a few words.
    pub placement: String,
    /// How the gradient was obtained and how exact it is, in a sentence.
    pub gradient: String,
    /// The name of the layer that is explained.
    pub layer: String,
}

impl SectionContext<'_> {
    /// The network with its labels and preprocessing.
    pub fn loaded(&self) -> &LoadedNetwork {
        self.explainer.loaded()
    }
}
