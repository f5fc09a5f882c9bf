//! The hand-written chain rule over the gradient graph.

mod rules;
mod tape;

pub use tape::{ReluRule, Tape};
