//! The hand-written chain rule over the gradient graph.

pub mod graph;
mod rules;
mod tape;
#[cfg(test)]
mod tests;
mod work;

pub use tape::{ReluRule, Tape};
