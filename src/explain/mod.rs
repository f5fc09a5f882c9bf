//! What a network says about one input and why: scores, gradients, maps, and the check of the gradients. Values only.

pub mod activation_arrays;
pub mod builder;
pub mod cells;
pub mod contributions;
pub mod differences;
pub mod effort;
pub mod engine;
pub mod explainer;
pub mod explanation;
pub mod filters;
pub mod gradcheck;
pub mod heatmap;
pub mod lowered;
pub mod saliency;
pub mod score;
pub mod tail;
#[cfg(test)]
mod tests;
pub mod usable;
