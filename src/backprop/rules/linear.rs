//! Einstein sums of two operands, as a batch of matrix products. The gradient of one operand needs the other.

use crate::backprop::graph::EinSum;
use crate::tensor::Real;
use crate::tensor::broadcast::{stretch, sum_to};
use crate::tensor::gemm::{Matrix, gemm};

use crate::backprop::rules::shape::permute;

/// An operand: its elements, shape, and a label for each axis.
#[derive(Clone, Copy)]
struct Operand<'a, T> {
    data: &'a [T],
    shape: &'a [usize],
    labels: &'a [u32],
}

/// The sum of products; `shape` is the output's.
pub fn forward<T: Real>(sum: &EinSum, a: (&[T], &[usize]), b: (&[T], &[usize]), shape: &[usize]) -> Vec<T> {
    contract(
        Operand { data: a.0, shape: a.1, labels: &sum.left },
        Operand { data: b.0, shape: b.1, labels: &sum.right },
        &sum.output,
        shape,
    )
}

/// The gradient with respect to operand `wanted`: again a sum of products, of the gradient and the other operand.
pub fn vjp<T: Real>(
    sum: &EinSum,
    wanted: usize,
    other: (&[T], &[usize]),
    gradient: (&[T], &[usize]),
    shape: &[usize],
) -> Vec<T> {
    let (labels, other_labels) = if wanted == 0 { (&sum.left, &sum.right) } else { (&sum.right, &sum.left) };
    contract(
        Operand { data: gradient.0, shape: gradient.1, labels: &sum.output },
        Operand { data: other.0, shape: other.1, labels: other_labels },
        labels,
        shape,
    )
}

/// Which operand an axis stays in, by label.
struct Axes {
    batch: Vec<u32>,
    rows: Vec<u32>,
    inner: Vec<u32>,
    columns: Vec<u32>,
}

/// Sums over the labels that `labels` lacks; labels that only the output has are stretched along.
fn contract<T: Real>(a: Operand<T>, b: Operand<T>, labels: &[u32], shape: &[usize]) -> Vec<T> {
    // What is in one operand alone and not in the output is summed away before.
    let (a_sum, a_shape, a_labels);
    let a = match alone(&a, b.labels, labels) {
        Some((data, shape, labels)) => {
            (a_sum, a_shape, a_labels) = (data, shape, labels);
            Operand { data: &a_sum, shape: &a_shape, labels: &a_labels }
        }
        None => a,
    };
    let (b_sum, b_shape, b_labels);
    let b = match alone(&b, a.labels, labels) {
        Some((data, shape, labels)) => {
            (b_sum, b_shape, b_labels) = (data, shape, labels);
            Operand { data: &b_sum, shape: &b_shape, labels: &b_labels }
        }
        None => b,
    };
    let of =
        |keep: &dyn Fn(u32) -> bool, from: &[u32]| -> Vec<u32> { from.iter().copied().filter(|&l| keep(l)).collect() };
    let axes = Axes {
        batch: of(&|l| a.labels.contains(&l) && b.labels.contains(&l), labels),
        rows: of(&|l| a.labels.contains(&l) && !b.labels.contains(&l), labels),
        inner: of(&|l| b.labels.contains(&l) && !labels.contains(&l), a.labels),
        columns: of(&|l| b.labels.contains(&l) && !a.labels.contains(&l), labels),
    };
    let product = batched_product(&a, &b, &axes);

    // From [batch, rows, columns] to the order of the output, with length 1 where only the output has an axis.
    let order: Vec<u32> = [&axes.batch[..], &axes.rows, &axes.columns].concat();
    let length = |label| a.length(label).or(b.length(label)).unwrap_or(1);
    let product_shape: Vec<usize> = order.iter().map(|&label| length(label)).collect();
    let present = labels.iter().filter_map(|label| order.iter().position(|l| l == label));
    let product = permute(&product, &product_shape, &present.collect::<Vec<_>>());
    let narrow: Vec<usize> = labels.iter().map(|&label| length(label)).collect();
    if narrow == shape { product } else { stretch(&product, &narrow, shape) }
}

impl<T> Operand<'_, T> {
    fn length(&self, label: u32) -> Option<usize> {
        self.labels.iter().position(|&l| l == label).map(|axis| self.shape[axis])
    }
}

/// The operand summed over the labels that neither the other operand nor the output has, if there are any.
fn alone<T: Real>(x: &Operand<T>, other: &[u32], output: &[u32]) -> Option<(Vec<T>, Vec<usize>, Vec<u32>)> {
    let stays = |label: &u32| other.contains(label) || output.contains(label);
    if x.labels.iter().all(stays) {
        return None;
    }
    let axes = || x.labels.iter().zip(x.shape);
    let target: Vec<usize> = axes().map(|(label, &length)| if stays(label) { length } else { 1 }).collect();
    let (labels, shape) = axes().filter(|(label, _)| stays(label)).map(|(&label, &length)| (label, length)).unzip();
    Some((sum_to(x.data, x.shape, &target), shape, labels))
}

/// [batch, rows, columns], the sum over `inner`.
fn batched_product<T: Real>(a: &Operand<T>, b: &Operand<T>, axes: &Axes) -> Vec<T> {
    let count = |x: &Operand<T>, labels: &[u32]| -> usize { labels.iter().filter_map(|&l| x.length(l)).product() };
    let (batch, rows) = (count(a, &axes.batch), count(a, &axes.rows));
    let (inner, columns) = (count(a, &axes.inner), count(b, &axes.columns));
    let (a_data, a_matrix) = as_matrices(a, &axes.batch, &axes.rows, &axes.inner);
    let (b_data, b_matrix) = as_matrices(b, &axes.batch, &axes.inner, &axes.columns);
    let mut out = vec![T::zero(); batch * rows * columns];
    if rows * columns == 0 {
        return out;
    }
    for (i, out) in out.chunks_exact_mut(rows * columns).enumerate() {
        let a = a_matrix.on(&a_data[i * a_matrix.step..], rows, inner);
        let b = b_matrix.on(&b_data[i * b_matrix.step..], inner, columns);
        gemm(Matrix::row_major(out, rows, columns), a, b, false);
    }
    out
}

/// Strides of a batch of matrices.
struct Strides {
    step: usize,
    row: usize,
    column: usize,
}

impl Strides {
    fn on<'a, T>(&self, data: &'a [T], rows: usize, columns: usize) -> Matrix<&'a [T]> {
        Matrix { data, rows, columns, row_stride: self.row, column_stride: self.column }
    }
}

/// The operand as matrices [batch, rows, columns]: as it lies if each group of axes has one stride (weights are not
/// copied then), else permuted.
fn as_matrices<'a, T: Real>(
    x: &Operand<'a, T>,
    batch: &[u32],
    rows: &[u32],
    columns: &[u32],
) -> (std::borrow::Cow<'a, [T]>, Strides) {
    let strides = [batch, rows, columns].map(|labels| common_stride(x, labels));
    if let [Some(step), Some(row), Some(column)] = strides {
        return (x.data.into(), Strides { step, row, column });
    }
    let order = [batch, rows, columns].concat();
    let axes: Vec<usize> = order.iter().filter_map(|label| x.labels.iter().position(|l| l == label)).collect();
    let length = |labels: &[u32]| -> usize { labels.iter().filter_map(|&l| x.length(l)).product() };
    let row = length(columns);
    (permute(x.data, x.shape, &axes).into(), Strides { step: length(rows) * row, row, column: 1 })
}

/// The stride of `labels` walked in order as one axis, if there is one.
fn common_stride<T>(x: &Operand<T>, labels: &[u32]) -> Option<usize> {
    let mut walk: Option<usize> = None;
    let mut expected = 0;
    for &label in labels.iter().rev() {
        let axis = x.labels.iter().position(|&l| l == label)?;
        if x.shape[axis] == 1 {
            continue;
        }
        let stride: usize = x.shape[axis + 1..].iter().product();
        if walk.is_some() && stride != expected {
            return None;
        }
        walk.get_or_insert(stride);
        expected = stride * x.shape[axis];
    }
    // One element needs no stride; 1 keeps the product on its fast path.
    Some(walk.unwrap_or(1))
}
