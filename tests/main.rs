//! Tests of the whole program. One binary, so that tract is linked once.

mod chapter;
mod cli;
mod explain;
mod filters;
mod goldens;
mod inference;
mod support;
