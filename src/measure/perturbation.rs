//! Deletion and insertion (Petsiuk et al. 2018, RISE, 1806.07421): how fast the class's score falls when the pixels
//! that the map ranks first are replaced by a baseline, and how fast it rises when they are put onto the baseline.

use crate::error::{Error, Result};
use crate::random::Random;
use ndarray::{Array4, ArrayView2, ArrayView3, ArrayView4, Axis};
use serde::Serialize;

/// How images are perturbed.
#[derive(Debug, Clone, Copy)]
pub struct Perturbation<'a> {
    /// What a deleted pixel shows, with the image's shape: black for the lines and digits, whose background it is.
    pub baseline: ArrayView3<'a, f32>,
    /// Equal steps from the first image to the last; the curve has one point more.
    pub steps: usize,
    /// Which axis of the image holds the channels: 2 for [H, W, C], 0 for [C, H, W].
    pub channel_axis: usize,
    /// Pixels of equal rank (the zeros of a map) go in this seeded order, so that an empty map deletes at random.
    pub seed: u64,
}

/// The scores at 0/steps, 1/steps … of the pixels, and their mean over the way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The score at each step, the first before any.
    pub scores: Vec<f64>,
    /// Area under the curve by the trapezoidal rule over [0, 1]; within the range of the scores.
    pub auc: f64,
}

/// The deletion curve: from the image to the baseline. Lower is better. `score` gives the scores of a batch [steps + 1,
/// …image's shape].
///
/// # Errors
/// Shapes that differ, no steps, and whatever `score` returns or a wrong number of scores.
pub fn deletion(
    image: ArrayView3<'_, f32>,
    map: ArrayView2<'_, f32>,
    how: &Perturbation<'_>,
    score: impl FnOnce(ArrayView4<'_, f32>) -> Result<Vec<f64>>,
) -> Result<Curve> {
    curve(score(deletion_batch(image, map, how)?.view())?, how.steps)
}

/// The insertion curve: from the baseline to the image. Higher is better.
///
/// # Errors
/// As [`deletion`].
pub fn insertion(
    image: ArrayView3<'_, f32>,
    map: ArrayView2<'_, f32>,
    how: &Perturbation<'_>,
    score: impl FnOnce(ArrayView4<'_, f32>) -> Result<Vec<f64>>,
) -> Result<Curve> {
    curve(score(insertion_batch(image, map, how)?.view())?, how.steps)
}

/// The batch [steps + 1, …] of [`deletion`], for callers that score several batches at once.
///
/// # Errors
/// Shapes that differ, no steps.
pub fn deletion_batch(
    image: ArrayView3<'_, f32>,
    map: ArrayView2<'_, f32>,
    how: &Perturbation<'_>,
) -> Result<Array4<f32>> {
    batch(image, how.baseline, map, how)
}

/// The batch [steps + 1, …] of [`insertion`].
///
/// # Errors
/// Shapes that differ, no steps.
pub fn insertion_batch(
    image: ArrayView3<'_, f32>,
    map: ArrayView2<'_, f32>,
    how: &Perturbation<'_>,
) -> Result<Array4<f32>> {
    batch(how.baseline, image, map, how)
}

/// The curve through `scores`, one for each of steps + 1 images.
///
/// # Errors
/// A wrong number of scores, or one that is not finite.
pub fn curve(scores: Vec<f64>, steps: usize) -> Result<Curve> {
    if scores.len() != steps + 1 || steps == 0 || scores.iter().any(|s| !s.is_finite()) {
        return Err(Error::other(format!(
            "a perturbation curve of {steps} steps needs {} finite scores: {scores:?}",
            steps + 1
        )));
    }
    let auc = scores.windows(2).map(|pair| pair.iter().sum::<f64>() / 2.0).sum::<f64>() / steps as f64;
    Ok(Curve { scores, auc })
}

/// Image i of the batch has the first i/steps of the pixels from `last` and the others from `first`.
fn batch(
    first: ArrayView3<'_, f32>,
    last: ArrayView3<'_, f32>,
    map: ArrayView2<'_, f32>,
    how: &Perturbation<'_>,
) -> Result<Array4<f32>> {
    let steps = how.steps;
    let shape = first.dim();
    let plane: Vec<usize> =
        first.shape().iter().enumerate().filter(|(a, _)| *a != how.channel_axis).map(|(_, n)| *n).collect();
    if last.dim() != shape || plane != map.shape() || how.channel_axis > 2 || steps == 0 {
        return Err(Error::other(format!(
            "cannot perturb an image {:?} (channels on axis {}) towards {:?} by a map {:?} in {steps} steps",
            first.shape(),
            how.channel_axis,
            last.shape(),
            map.shape()
        )));
    }
    let order = ranking(map, how.seed);
    let (columns, channels) = (map.ncols(), first.len_of(Axis(how.channel_axis)));
    let mut batch = Array4::zeros((steps + 1, shape.0, shape.1, shape.2));
    let mut current = first.to_owned();
    let mut done = 0;
    for (step, mut image) in batch.axis_iter_mut(Axis(0)).enumerate() {
        let until = order.len() * step / steps;
        for &pixel in order.get(done..until).unwrap_or(&[]) {
            let (row, column) = (pixel / columns, pixel % columns);
            for channel in 0..channels {
                let at = position(how.channel_axis, row, column, channel);
                current[at] = last[at];
            }
        }
        done = until;
        image.assign(&current);
    }
    Ok(batch)
}

/// Where a channel of a pixel lies in an image whose channels are on axis 0, 1 or 2.
fn position(channel_axis: usize, row: usize, column: usize, channel: usize) -> [usize; 3] {
    match channel_axis {
        0 => [channel, row, column],
        1 => [row, channel, column],
        _ => [row, column, channel],
    }
}

/// Pixels (flat indices) by falling value, equal ones shuffled; values that are not finite come last.
fn ranking(map: ArrayView2<'_, f32>, seed: u64) -> Vec<usize> {
    let values: Vec<f64> = map.iter().map(|&v| crate::measure::positive(v)).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    Random::new(seed, 0xde1).shuffle(&mut order);
    // The sort is stable, so equal values keep the shuffled order.
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array3, array};

    /// The score of each image: the sum of its first channel.
    fn first_channel(batch: ArrayView4<'_, f32>) -> Result<Vec<f64>> {
        Ok(batch
            .axis_iter(Axis(0))
            .map(|image| image.index_axis(Axis(2), 0).iter().map(|v| f64::from(*v)).sum())
            .collect())
    }

    #[test]
    fn a_map_that_knows_deletes_the_score_first() {
        let image = Array3::from_shape_fn(
            (2, 2, 3),
            |(r, c, channel)| if (r, c) == (1, 0) && channel == 0 { 8.0 } else { 0.0 },
        );
        let black = Array3::zeros((2, 2, 3));
        let how = Perturbation { baseline: black.view(), steps: 4, channel_axis: 2, seed: 1 };
        let knowing = array![[0.1f32, 0.0], [0.9, 0.2]];
        let curve = deletion(image.view(), knowing.view(), &how, first_channel).unwrap();
        assert_eq!(curve.scores, vec![8.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(curve.auc, 1.0);
        let curve = insertion(image.view(), knowing.view(), &how, first_channel).unwrap();
        assert_eq!(curve.scores, vec![0.0, 8.0, 8.0, 8.0, 8.0]);
        assert_eq!(curve.auc, 7.0);
        let misled = array![[0.9f32, 0.8], [0.0, 0.7]];
        assert_eq!(
            deletion(image.view(), misled.view(), &how, first_channel).unwrap().scores,
            vec![8.0, 8.0, 8.0, 8.0, 0.0]
        );
    }

    #[test]
    fn channels_may_come_first() {
        let image = Array3::from_shape_fn((2, 1, 3), |(channel, _, column)| (channel * 3 + column) as f32);
        let white = Array3::from_elem((2, 1, 3), 9.0);
        let how = Perturbation { baseline: white.view(), steps: 3, channel_axis: 0, seed: 1 };
        let batch = deletion_batch(image.view(), array![[0.0f32, 2.0, 1.0]].view(), &how).unwrap();
        assert_eq!(batch.index_axis(Axis(0), 1), array![[[0.0, 9.0, 2.0]], [[3.0, 9.0, 5.0]]]);
        assert_eq!(batch.index_axis(Axis(0), 3), white);
    }

    #[test]
    fn an_empty_map_deletes_in_a_seeded_order_that_is_not_the_raster() {
        let flat = Array2::zeros((8, 8));
        let order = ranking(flat.view(), 2);
        assert_ne!(order, (0..64).collect::<Vec<_>>());
        assert_eq!(order, ranking(Array2::from_elem((8, 8), f32::NAN).view(), 2));
    }

    #[test]
    fn misfits_are_errors() {
        let image = Array3::<f32>::zeros((2, 2, 3));
        let how = Perturbation { baseline: image.view(), steps: 4, channel_axis: 2, seed: 1 };
        assert!(deletion_batch(image.view(), Array2::zeros((3, 2)).view(), &how).is_err());
        assert!(deletion_batch(image.view(), Array2::zeros((2, 2)).view(), &Perturbation { steps: 0, ..how }).is_err());
        assert!(
            deletion_batch(image.view(), Array2::zeros((2, 2)).view(), &Perturbation { channel_axis: 3, ..how })
                .is_err()
        );
        assert!(curve(vec![1.0, f64::NAN], 1).is_err() && curve(vec![1.0], 1).is_err());
    }
}
