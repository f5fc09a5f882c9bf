//! Arithmetic on ndarray and on row-major slices: the scalar types, the matrix product, windows, broadcasting.

pub mod broadcast;
pub mod conv;
pub mod gemm;
pub mod im2col;
pub mod range;
pub mod real;
pub mod window;

pub use real::Real;
