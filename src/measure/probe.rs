//! A linear probe (Alain and Bengio 2016, 1610.01644): how well classes are separated by a linear map of a layer's
//! activations.
//!
//! Least squares on one-hot targets with ridge: features standardised on the training half, centred targets, and
//! W = Xᵀ(XXᵀ + λI)⁻¹Y, λ = `RIDGE` · mean diagonal of XXᵀ. Solved among the images, not the features, because
//! activations have more features than there are images; deterministic, without iterations.

use crate::error::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2, ArrayView3, Axis, s};

/// Regularisation relative to the mean squared length of the training images' features.
pub const RIDGE: f64 = 0.1;

/// The classes that a probe fitted to the training images predicts for the test images. Features are [images,
/// features], labels below `classes`; [`crate::measure::accuracy::accuracy`] compares the predictions with the test labels.
///
/// # Errors
/// No training images, counts that differ, a label out of range, or a feature that is not finite.
pub fn probe(train: (ArrayView2<'_, f32>, &[usize]), test: ArrayView2<'_, f32>, classes: usize) -> Result<Vec<usize>> {
    let ((x, y), x_test) = (train, test);
    let fits = x.nrows() == y.len() && x.ncols() == x_test.ncols() && !y.is_empty();
    if !fits || y.iter().any(|&label| label >= classes) {
        return Err(Error::other(format!(
            "a linear probe needs features and labels of {classes} classes that fit together: {:?} with {} labels, {:?}",
            x.shape(),
            y.len(),
            x_test.shape()
        )));
    }
    if x.iter().chain(x_test.iter()).any(|v| !v.is_finite()) {
        return Err(Error::other("a linear probe cannot read features that are not finite"));
    }
    let (x, x_test) = standardised(x, x_test);
    let mut targets = Array2::<f64>::zeros((y.len(), classes));
    y.iter().enumerate().for_each(|(i, &label)| targets[[i, label]] = 1.0);
    let shares = targets.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(classes));
    targets -= &shares;

    let mut gram = x.dot(&x.t());
    let ridge = (RIDGE * gram.diag().sum() / y.len() as f64).max(1e-9);
    gram.diag_mut().mapv_inplace(|v| v + ridge);
    solve_in_place(&mut gram, &mut targets);
    let scores = x_test.dot(&x.t()).dot(&targets) + &shares;
    Ok(scores.rows().into_iter().map(|row| first_of_highest(row.iter())).collect())
}

/// Features of an activation [C, H, W] for a probe: the mean of each channel over a grid of at most `cells` × `cells`
/// equal parts.
pub fn pooled_features(activation: ArrayView3<'_, f32>, cells: usize) -> Vec<f32> {
    let (channels, rows, columns) = activation.dim();
    let (down, across) = (cells.clamp(1, rows.max(1)), cells.clamp(1, columns.max(1)));
    let mut features = Vec::with_capacity(channels * down * across);
    for plane in activation.outer_iter() {
        for i in 0..down {
            for j in 0..across {
                let part = plane.slice(s![
                    i * rows / down..(i + 1) * rows / down,
                    j * columns / across..(j + 1) * columns / across
                ]);
                features.push(part.mean().unwrap_or(0.0));
            }
        }
    }
    features
}

/// Both sets with the training set's mean 0 and variance 1; a constant feature becomes 0.
fn standardised(train: ArrayView2<'_, f32>, test: ArrayView2<'_, f32>) -> (Array2<f64>, Array2<f64>) {
    let (mut train, mut test) = (train.mapv(f64::from), test.mapv(f64::from));
    let n = train.nrows() as f64;
    for (mut column, mut column_test) in train.columns_mut().into_iter().zip(test.columns_mut()) {
        let mean = column.sum() / n;
        let deviation = (column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        // A deviation that is only rounding is none.
        let scale = if deviation > 1e-9 * mean.abs() { 1.0 / deviation } else { 0.0 };
        column.mapv_inplace(|v| (v - mean) * scale);
        column_test.mapv_inplace(|v| (v - mean) * scale);
    }
    (train, test)
}

/// Solves A·X = B for a symmetric positive definite A by Cholesky's A = LLᵀ; X replaces B, L the lower half of A.
fn solve_in_place(a: &mut Array2<f64>, b: &mut Array2<f64>) {
    let n = a.nrows();
    for j in 0..n {
        for i in j..n {
            let products = a.slice(s![i, ..j]).dot(&a.slice(s![j, ..j]));
            let rest = a[[i, j]] - products;
            a[[i, j]] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / a[[j, j]] };
        }
    }
    for i in 0..n {
        let known = a.slice(s![i, ..i]).dot(&b.slice(s![..i, ..]));
        let row = (&b.row(i) - &known) / a[[i, i]];
        b.row_mut(i).assign(&row);
    }
    for i in (0..n).rev() {
        let known = a.slice(s![i + 1.., i]).dot(&b.slice(s![i + 1.., ..]));
        let row = (&b.row(i) - &known) / a[[i, i]];
        b.row_mut(i).assign(&row);
    }
}

fn first_of_highest<'a>(scores: impl Iterator<Item = &'a f64>) -> usize {
    scores.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best }).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::accuracy::accuracy;
    use crate::random::Random;
    use ndarray::{Array3, array};

    fn clusters(n: usize, spread: f64, seed: u64) -> (Array2<f32>, Vec<usize>) {
        let mut random = Random::new(seed, 0);
        let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
        let features = Array2::from_shape_fn((n, 5), |(i, k)| {
            let centre = if labels[i] == k { 4.0 } else { 0.0 };
            (centre + spread * random.normal()) as f32
        });
        (features, labels)
    }

    #[test]
    fn separable_classes_are_separated() {
        let (train, test) = (clusters(60, 0.4, 1), clusters(90, 0.4, 2));
        let result = probe((train.0.view(), &train.1), test.0.view(), 3).unwrap();
        assert_eq!(result, test.1);
    }

    #[test]
    fn features_that_say_nothing_give_chance() {
        let (train, test) = (clusters(60, 0.4, 1), clusters(300, 0.4, 2));
        let (flat, flat_test) = (Array2::from_elem((60, 5), 0.3f32), Array2::from_elem((300, 5), 0.3));
        let result = probe((flat.view(), &train.1), flat_test.view(), 3).unwrap();
        assert_eq!(accuracy(&result, &test.1).value, 1.0 / 3.0);
        let mut random = Random::new(3, 0);
        let mut noise = |n: usize| Array2::from_shape_simple_fn((n, 40), || random.normal() as f32);
        let (x, x_test) = (noise(60), noise(300));
        let result = accuracy(&probe((x.view(), &train.1), x_test.view(), 3).unwrap(), &test.1);
        assert!(result.low < 1.0 / 3.0 && result.high > 1.0 / 3.0, "{result:?}");
    }

    #[test]
    fn the_solver_solves() {
        let mut a = array![[4.0, 2.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 3.0]];
        let x = array![[1.0, -2.0], [0.5, 3.0], [-4.0, 0.0]];
        let mut b = a.dot(&x);
        solve_in_place(&mut a, &mut b);
        assert!((&b - &x).iter().all(|v| v.abs() < 1e-12), "{b}");
    }

    #[test]
    fn misfits_are_errors() {
        let x = array![[1.0f32], [2.0]];
        assert!(probe((x.view(), &[0]), x.view(), 2).is_err());
        assert!(probe((x.view(), &[0, 2]), x.view(), 2).is_err());
        let broken = array![[f32::NAN], [2.0]];
        assert!(probe((broken.view(), &[0, 1]), x.view(), 2).is_err());
        assert_eq!(probe((x.view(), &[0, 1]), Array2::zeros((0, 1)).view(), 2).unwrap(), Vec::<usize>::new());
    }

    #[test]
    fn pooling_means_parts() {
        let activation = Array3::from_shape_fn((1, 4, 3), |(_, r, c)| (r * 3 + c) as f32);
        // Columns split into 0..1 and 1..3.
        assert_eq!(pooled_features(activation.view(), 2), vec![1.5, 3.0, 7.5, 9.0]);
        assert_eq!(pooled_features(activation.view(), 9).len(), 12);
        assert_eq!(pooled_features(Array3::zeros((2, 0, 0)).view(), 4), vec![0.0, 0.0]);
    }
}
