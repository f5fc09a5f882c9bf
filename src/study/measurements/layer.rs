//! What was measured layer by layer: receptive fields, filters, poolings, activations, linear probes.

use crate::measure::color::Color;
use crate::study::measurements::Comparison;
use serde::Serialize;

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

/// The filters of one convolution.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Filters {
    pub layer: String,
    /// Input channels of each filter.
    pub inputs: usize,
    /// Height and width of the kernels.
    pub kernel: [usize; 2],
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
