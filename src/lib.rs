//! convscope turns ONNX convolutional networks and images into a *Network Visualization* chapter:
//! architecture tables, activations, filters by gradient ascent, Grad-CAM heatmaps, and conclusions that are measured.
//!
//! As a library it explains images one by one. A network's file is all it needs; gradients are taken from it by hand-written rules.
//!
//! ```
//! use convscope::{Explainer, Method};
//!
//! # fn main() -> convscope::Result<()> {
//! let explainer = Explainer::builder("onnx/base-mnist.onnx").methods(&[Method::GradCam, Method::HiResCam]).load()?;
//! let explanation = explainer.explain("reports/example/four.png")?;
//! let head = &explanation.heads[0];
//! assert_eq!(explainer.label(0, head.predicted), "4");
//!
//! // The map on the grid of the last convolution, and at each pixel of the network's input.
//! let map = &head.heatmaps[0];
//! let (height, width) = explanation.input.size();
//! assert_eq!(map.dense(height, width).dim(), (28, 28));
//! # Ok(())
//! # }
//! ```
//!
//! [`Explainer`] also checks gradients, lists layers and seeks what filters look for; the folder `examples/` has three short programs.
//! A whole chapter is made by [`chapter::chapter`], as the program `convscope` does.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod backprop;
pub mod chapter;
pub mod config;
pub mod error;
pub mod explain;
pub mod figure;
pub mod file;
pub mod finite_gradient;
pub mod input;
pub mod measure;
pub mod model;
pub mod output;
pub mod progress;
pub mod random;
pub mod report;
pub mod study;
pub mod tensor;
pub mod terminal;
pub mod text;
pub mod visualize;

pub use error::{Error, Result};
pub use explain::builder::ExplainerBuilder;
pub use explain::explainer::Explainer;
pub use explain::explanation::{Explanation, HeadExplanation, SaliencyMap};
pub use explain::heatmap::Heatmap;
pub use model::Network;
pub use visualize::cam::Method;
