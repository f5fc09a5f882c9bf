//! ONNX networks: read once, listed as layers, run through tract, lowered to our own graph.

pub mod graph;
pub mod lower;
