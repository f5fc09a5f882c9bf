//! Tests of the whole program. One binary, so that tract is linked once.

mod cli;
mod goldens;
mod support;
