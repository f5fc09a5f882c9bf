//! What a convolution is made of.

/// A convolution's weights and sizes. Pairs are (vertical, horizontal).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Convolution {
    /// Name of the kernel, of shape [out, in/group, height, width] ([in, out/group, …] when transposed).
    pub kernel: String,
    pub bias: Option<String>,
    pub kernel_size: [usize; 2],
    pub strides: [usize; 2],
    /// Top, left, bottom, right; resolved where the file says `SAME`.
    pub pads: [usize; 4],
    pub dilations: [usize; 2],
    pub group: usize,
    pub transposed: bool,
}
