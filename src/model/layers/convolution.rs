//! What a convolution is made of.

/// A convolution's weights and sizes. Pairs are (vertical, horizontal).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Convolution {
    /// Name of the kernel, of shape [out, in/group, height, width] ([in, out/group, …] when transposed).
    pub kernel: String,
    /// Name of the bias, one for each output channel.
    pub bias: Option<String>,
    /// Sides of the kernel.
    pub kernel_size: [usize; 2],
    /// Steps between its places.
    pub strides: [usize; 2],
    /// Top, left, bottom, right; resolved where the file says `SAME`.
    pub pads: [usize; 4],
    /// Distance of its elements.
    pub dilations: [usize; 2],
    /// Groups that the channels are divided into.
    pub group: usize,
    /// Whether it is the transposed map of a convolution.
    pub transposed: bool,
}
