//! Running a network through tract: plans with taps, our own convolution inside them, and the tail in double precision.

pub(crate) mod append;
pub(crate) mod channels_first;
pub(crate) mod convolution;
pub(crate) mod f64_ops;
pub(crate) mod f64_resize;
pub mod plan;
pub mod tail;
pub(crate) mod tokens;
