//! What an operator costs: its multiply-adds.

use crate::model::read::definition::Node;
use crate::model::read::shapes::Values;

/// The multiplications, each with its addition, of an operator's products for one image; biases and element-wise operators are left
/// out, as in torchinfo's and fvcore's counts. Zero for operators without a matrix product or convolution.
pub(crate) fn multiply_adds(node: &Node, values: &Values) -> usize {
    let shape = |input: usize| node.inputs.get(input).map_or(&[][..], |value| values.probed(value));
    let count = |shape: &[usize]| shape.iter().fold(1usize, |product, length| product.saturating_mul(*length));
    let made = count(values.probed(node.output()));
    let last = |shape: &[usize]| shape.last().copied().unwrap_or(0);
    let all = match node.op.as_str() {
        // Kernels are [out, in/group, …]; those of transposed convolutions [in, out/group, …].
        "Conv" => made.saturating_mul(count(shape(1).get(1..).unwrap_or_default())),
        "ConvTranspose" => count(shape(0)).saturating_mul(count(shape(1).get(1..).unwrap_or_default())),
        "MatMul" => made.saturating_mul(last(shape(0))),
        "Gemm" if node.int("transA") == Some(1) => made.saturating_mul(shape(0).first().copied().unwrap_or(0)),
        "Gemm" => made.saturating_mul(last(shape(0))),
        _ => 0,
    };
    all / values.fixed_batch.unwrap_or(1).max(1)
}
