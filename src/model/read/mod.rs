//! Reading an ONNX file: what it holds, what is rewritten before tract sees it, and what is refused and why.

pub(crate) mod bounds;
pub(crate) mod catch_panic;
pub(crate) mod definition;
pub(crate) mod external;
pub(crate) mod follow;
pub(crate) mod hashing;
pub(crate) mod inputs;
pub(crate) mod onnx;
pub(crate) mod operators;
pub(crate) mod opset;
pub(crate) mod printable;
pub(crate) mod refusal;
pub(crate) mod rewrite;
pub(crate) mod shapes;
pub(crate) mod statistics;
pub(crate) mod to_f32;
pub(crate) mod values;
