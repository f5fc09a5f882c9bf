//! Colours as independent parts: how far the channels of natural images vary together.

use ndarray::Array2;

use crate::tensor::gemm::{Matrix, gemm};

/// A square root of the covariance of ImageNet's colours, red, green and blue by row: brightness, blue against yellow and
/// green against purple, each by column (Lucid, lucid/optvis/param/color.py).
const IMAGENET: [[f32; 3]; 3] = [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]];

/// The matrix from independent parts to an image's channels, the longest of its columns being 1 long: ImageNet's for three
/// channels, in the order blue, green, red if `reversed`, and for the first three of four, the last being opacity; channels
/// of which nothing is known stay on their own.
pub fn mixing(channels: usize, reversed: bool) -> Array2<f32> {
    let mut mixing = Array2::eye(channels);
    if let 3 | 4 = channels {
        let length = |part: usize| IMAGENET.iter().map(|row| row[part].powi(2)).sum::<f32>().sqrt();
        let longest = (0..3).map(length).fold(0.0, f32::max);
        for ((c, part), value) in mixing.slice_mut(ndarray::s![..3, ..3]).indexed_iter_mut() {
            *value = IMAGENET[if reversed { 2 - c } else { c }][part] / longest;
        }
    }
    mixing
}

/// The channels [c, pixels] that these independent parts make.
pub fn mixed(mixing: &Array2<f32>, parts: &[f32]) -> Vec<f32> {
    product(mixing, parts, false)
}

/// The adjoint of [`mixed`]: a gradient of channels as one of independent parts.
pub fn adjoint(mixing: &Array2<f32>, channels: &[f32]) -> Vec<f32> {
    product(mixing, channels, true)
}

fn product(mixing: &Array2<f32>, planes: &[f32], transposed: bool) -> Vec<f32> {
    let channels = mixing.nrows();
    let pixels = planes.len() / channels.max(1);
    let matrix: Vec<f32> = mixing.iter().copied().collect();
    let matrix = Matrix::row_major(&matrix[..], channels, channels);
    let matrix = if transposed { matrix.transposed() } else { matrix };
    let mut out = vec![0.0; planes.len()];
    let planes = Matrix::row_major(planes, channels, pixels);
    gemm(Matrix::row_major(&mut out[..], channels, pixels), matrix, planes, false);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visualize::filter::decorrelated::inner;

    #[test]
    fn brightness_is_the_longest_part_and_grey() {
        let matrix = mixing(3, false);
        let grey = mixed(&matrix, &[1.0, 0.0, 0.0]);
        assert!((inner(&grey, &grey) - 1.0).abs() < 1e-6);
        assert!(grey.iter().all(|v| (v - 0.58).abs() < 0.02), "{grey:?}");
        // The same parts in the other order of channels.
        let (rgb, bgr) = (mixed(&matrix, &[0.1, 2.0, -1.0]), mixed(&mixing(3, true), &[0.1, 2.0, -1.0]));
        assert_eq!(rgb.iter().rev().copied().collect::<Vec<f32>>(), bgr);
        // 0.09 / √(0.26² + 2 · 0.27²)
        assert!((mixed(&matrix, &[0.0, 1.0, 0.0])[0] - 0.194_825).abs() < 1e-5);
        assert_eq!(mixed(&mixing(1, false), &[0.3, 0.4]), [0.3, 0.4]);
        assert_eq!(mixed(&mixing(4, false), &[0.1, 2.0, -1.0, 0.7]), [&rgb[..], &[0.7]].concat());
    }

    #[test]
    fn the_adjoint_is_one() {
        let (x, y) = ([0.3, -1.0, 2.0, 0.5, 1.5, -0.2], [1.0, 0.1, -0.7, 0.9, -2.0, 0.4]);
        for matrix in [mixing(3, false), mixing(3, true), mixing(2, false)] {
            let (left, right) = (inner(&mixed(&matrix, &x), &y), inner(&x, &adjoint(&matrix, &y)));
            assert!((left - right).abs() < 1e-6, "{left} {right}");
        }
    }
}
