//! convscope turns ONNX convolutional networks and images into a *Network Visualization* chapter:
//! architecture tables, activations, filters by gradient ascent, Grad-CAM heatmaps, and conclusions that are measured.

pub mod backprop;
pub mod chapter;
pub mod config;
pub mod error;
pub mod explain;
pub mod figure;
pub mod finite_gradient;
pub mod input;
pub mod measure;
pub mod model;
pub mod progress;
pub mod random;
pub mod report;
pub mod study;
pub mod tensor;
pub mod visualize;
