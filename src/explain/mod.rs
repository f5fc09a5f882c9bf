//! What a network says about one input and why: scores, gradients, and the check of the gradients. Values only.

pub mod differences;
pub mod explainer;
pub mod gradcheck;
pub mod score;
