//! What was measured of a chapter's networks: plain numbers per network, layer, head and image. The claims read them
//! and nothing else.
//!
//! Vectors of one network that speak of images have one entry per image, in the same order in all of its heads and
//! copies, and the same images in all networks of the same [`Network::sample`]. `None` among them is an empty map.

mod comparison;
mod head;
mod layer;

pub use comparison::Comparison;
pub(crate) use comparison::Filled;
pub use head::{Change, Control, Faithfulness, Gradients, Head, HeadDifferences, Maps, Overlap, Stage, Vanishing};
pub use layer::{Activations, Colors, Filters, Layer, LayerKind, PoolingLayer, Probe};

pub use crate::config::Role;
use serde::Serialize;

/// Everything measured for a chapter.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measurements {
    /// Seed of every bootstrap.
    pub seed: u64,
    pub networks: Vec<Network>,
}

impl Measurements {
    /// Whether a network of the original chapter is among them.
    pub fn is_original(&self) -> bool {
        self.networks.iter().any(|network| network.role != Role::Other)
    }
}

/// The measurements of one network.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Network {
    /// The chapter's name for it.
    pub name: String,
    pub role: Role,
    /// The images in words, such as "fresh lines", "drawn digits".
    pub images: String,
    /// Which images: networks with the same text here were shown the same ones, in the same order.
    #[serde(skip)]
    pub sample: String,
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

/// Identifiers of figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    pub filters: Vec<String>,
    pub activations: Vec<String>,
    pub heatmaps: Vec<String>,
}
