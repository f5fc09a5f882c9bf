//! The one matrix product of the crate, on the `gemm` crate and single-threaded: images and filters run in parallel
//! outside, which scales better than threads inside and keeps the order of summation fixed.

use gemm::Parallelism;

use crate::tensor::Real;

/// A matrix in a slice: element (i, j) is at `i · row_stride + j · column_stride`.
#[derive(Clone, Copy)]
pub struct Matrix<D> {
    /// The elements.
    pub data: D,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub column_stride: usize,
}

impl<D> Matrix<D> {
    /// A matrix whose rows lie one after the other.
    pub fn row_major(data: D, rows: usize, columns: usize) -> Matrix<D> {
        Matrix { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// A matrix whose rows are contiguous and `stride` elements apart: a block of columns of a wider matrix.
    pub fn with_row_stride(data: D, rows: usize, columns: usize, stride: usize) -> Matrix<D> {
        Matrix { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The transposed matrix, without moving anything.
    pub fn transposed(self) -> Matrix<D> {
        Matrix {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// One more than the largest index that is touched.
    fn extent(&self) -> usize {
        match (self.rows, self.columns) {
            (0, _) | (_, 0) => 0,
            (rows, columns) => (rows - 1) * self.row_stride + (columns - 1) * self.column_stride + 1,
        }
    }
}

/// `out = a · b`, or `out += a · b` when `accumulate` is set.
///
/// # Panics
/// If the shapes do not fit each other or their slices; shapes are the caller's and never read from a file.
pub fn gemm<T: Real>(out: Matrix<&mut [T]>, a: Matrix<&[T]>, b: Matrix<&[T]>, accumulate: bool) {
    assert!(out.rows == a.rows && out.columns == b.columns && a.columns == b.rows, "matrix shapes do not fit");
    assert!(out.extent() <= out.data.len() && a.extent() <= a.data.len() && b.extent() <= b.data.len());
    if a.columns == 0 {
        if !accumulate {
            for i in 0..out.rows {
                for j in 0..out.columns {
                    out.data[i * out.row_stride + j * out.column_stride] = T::zero();
                }
            }
        }
        return;
    }
    // SAFETY: every index the product touches is below the extents checked above.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            a.columns,
            out.data.as_mut_ptr(),
            out.column_stride as isize,
            out.row_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            T::one(),
            T::one(),
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_follow_the_strides() {
        // [1 2 3; 4 5 6] · [1 0; 0 1; 1 1] = [4 5; 10 11]
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        let mut out = [0.0; 4];
        gemm(
            Matrix::row_major(&mut out[..], 2, 2),
            Matrix::row_major(&a[..], 2, 3),
            Matrix::row_major(&b[..], 3, 2),
            false,
        );
        assert_eq!(out, [4.0, 5.0, 10.0, 11.0]);
        // Bᵀ · Aᵀ is the transposed product, added to what is there.
        gemm(
            Matrix::row_major(&mut out[..], 2, 2).transposed(),
            Matrix::row_major(&b[..], 3, 2).transposed(),
            Matrix::row_major(&a[..], 2, 3).transposed(),
            true,
        );
        assert_eq!(out, [8.0, 10.0, 20.0, 22.0]);
    }

    #[test]
    fn an_empty_sum_is_zero() {
        let mut out = [5.0f32; 2];
        gemm(Matrix::row_major(&mut out[..], 1, 2), Matrix::row_major(&[], 1, 0), Matrix::row_major(&[], 0, 2), false);
        assert_eq!(out, [0.0; 2]);
    }
}
