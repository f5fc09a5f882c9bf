//! Tests of the whole program. One binary, so that tract is linked once.

mod architecture;
mod chapter;
mod cli;
mod corpus;
mod explain;
mod files;
mod filters;
#[path = "../src/model/fixture.rs"]
#[allow(dead_code)]
mod fixture;
mod goldens;
mod graphs;
mod inference;
mod inputs;
mod light;
mod matrix;
#[path = "fuzz/mutate.rs"]
mod mutate;
mod names;
mod output;
mod refused;
#[path = "fuzz/sound.rs"]
mod sound;
mod support;
mod terminal;
mod verdicts;

// The fixtures' weights are seeded.
pub(crate) use convscope::random;
