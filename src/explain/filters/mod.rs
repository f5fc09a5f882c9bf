//! What the filters of a network look for: values only.

mod ascents;
mod find;
mod scene;

pub use ascents::{AscentRequest, ConvolutionGraph, FilterAscent, LayerAscents};
pub use find::{convolution, convolutions, filter_count};
pub use scene::{Scene, natural_inputs};
