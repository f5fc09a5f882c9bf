//! Maps that know nothing of the network: what every heatmap metric is shown beside.

use crate::measure::sampling::Sampling;
use crate::random::Random;
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

/// The same value everywhere: chance, by definition.
pub fn uniform(shape: (usize, usize)) -> Array2<f32> {
    Array2::ones(shape)
}

/// A Gaussian around the centre, its standard deviation a quarter of the shorter side: objects tend to lie near the
/// centre.
pub fn centred_gaussian(shape: (usize, usize)) -> Array2<f32> {
    let sigma = (shape.0.min(shape.1) as f64 / 4.0).max(f64::MIN_POSITIVE);
    Array2::from_shape_fn(shape, |(r, c)| {
        let (dy, dx) = (r as f64 + 0.5 - shape.0 as f64 / 2.0, c as f64 + 0.5 - shape.1 as f64 / 2.0);
        (-(dx * dx + dy * dy) / (2.0 * sigma * sigma)).exp() as f32
    })
}

/// Independent uniform numbers on the cells of a map's grid, sampled to pixels as the map is: random, and as smooth as
/// the map.
pub fn random(sampling: &Sampling, seed: u64, stream: u64) -> Array2<f32> {
    let mut random = Random::new(seed, stream);
    let cells = Array2::from_shape_simple_fn(sampling.grid(), || random.uniform() as f32);
    sampling.dense(cells.view())
}

/// The image's own edges: the magnitude of Sobel's gradient, squares summed over channels; the border repeats its
/// pixels. What a method that only finds edges would show (Adebayo et al. 2018, 1810.03292).
pub fn edges(image: ArrayView3<'_, f32>, channel_axis: usize) -> Array2<f32> {
    if channel_axis > 2 {
        return Array2::zeros((0, 0));
    }
    let planes = || image.axis_iter(Axis(channel_axis));
    let shape = planes().next().map_or((0, 0), |plane| plane.dim());
    let mut squares = Array2::zeros(shape);
    for plane in planes() {
        for ((r, c), sum) in squares.indexed_iter_mut() {
            let (across, down) = sobel(plane, r, c);
            *sum += across * across + down * down;
        }
    }
    squares.mapv_into(f32::sqrt)
}

/// Sobel's two derivatives at a pixel, to the right and downwards.
fn sobel(plane: ArrayView2<'_, f32>, r: usize, c: usize) -> (f32, f32) {
    let (rows, columns) = plane.dim();
    let (up, down) = (r.saturating_sub(1), (r + 1).min(rows - 1));
    let (left, right) = (c.saturating_sub(1), (c + 1).min(columns - 1));
    let column = |j: usize| plane[[up, j]] + 2.0 * plane[[r, j]] + plane[[down, j]];
    let row = |i: usize| plane[[i, left]] + 2.0 * plane[[i, c]] + plane[[i, right]];
    (column(right) - column(left), row(down) - row(up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::energy::energy;
    use crate::measure::sampling::Axis as Line;
    use ndarray::{Array3, array};

    #[test]
    fn the_gaussian_is_symmetric_with_its_width() {
        let map = centred_gaussian((28, 28));
        assert_eq!(map[[0, 5]], map[[27, 22]]);
        // Half a pixel and 7.5 pixels from the centre along a row, sigma 7.
        let expected = (-(7.5f64.powi(2) - 0.25) / 98.0).exp() as f32;
        assert!((map[[13, 21]] / map[[13, 14]] - expected).abs() < 1e-6);
    }

    #[test]
    fn sobel_by_hand() {
        // A step from 0 to 1: 4 beside it; two channels with steps of 3 and 4 give 4·5.
        let step = Array3::from_shape_fn((3, 4, 1), |(_, c, _)| if c >= 2 { 1.0f32 } else { 0.0 });
        assert_eq!(edges(step.view(), 2), array![[0.0, 4.0, 4.0, 0.0], [0.0, 4.0, 4.0, 0.0], [0.0, 4.0, 4.0, 0.0]]);
        let two = Array3::from_shape_fn((2, 3, 2), |(k, _, c)| if c == 1 { 3.0 + k as f32 } else { 0.0 });
        assert!(edges(two.view(), 0).iter().all(|v| (v - 20.0).abs() < 1e-5));
        assert_eq!(edges(Array3::zeros((0, 0, 3)).view(), 2).len(), 0);
        assert_eq!(edges(Array3::zeros((1, 1, 1)).view(), 3).len(), 0);
    }

    #[test]
    fn random_maps_are_seeded_and_at_chance_on_average() {
        let line = Line::stretched(6, 28);
        let sampling = Sampling { rows: line.clone(), columns: line };
        assert_eq!(random(&sampling, 1, 2), random(&sampling, 1, 2));
        assert_ne!(random(&sampling, 1, 2), random(&sampling, 1, 3));
        let mask = Array2::from_shape_fn((28, 28), |(r, _)| r == 9);
        let lift = (0..200).map(|i| energy(random(&sampling, 1, i).view(), mask.view()).lift).sum::<f64>() / 200.0;
        assert!((lift - 1.0).abs() < 0.05, "{lift}");
        assert_eq!(energy(uniform((28, 28)).view(), mask.view()).lift, 1.0);
    }
}
