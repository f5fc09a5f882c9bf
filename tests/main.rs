//! Tests of the whole program. One binary, so that tract is linked once.

mod chapter;
mod cli;
mod filters;
mod goldens;
mod inference;
mod matrix;
mod refused;
mod support;
