//! Intersection over union of a thresholded map with the object's mask, and the best a map of a given grid could reach.

use crate::measure::sampling::Sampling;
use crate::measure::{positive, quotient};
use ndarray::{Array2, ArrayView2};

/// The two usual thresholds, as shares of the map's maximum: 15 % (Selvaraju et al. 2017, localisation) and 50 %.
pub const THRESHOLDS: [f64; 2] = [0.15, 0.5];

/// |S ∩ mask| / |S ∪ mask| with S the pixels of at least `threshold` (in (0, 1]) times the map's maximum; in [0, 1]. A
/// uniform map's S is the whole image, which gives the mask's share of the area; an empty map counts as that. 0 where
/// the mask is empty.
pub fn iou(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>, threshold: f64) -> f64 {
    let level = threshold * map.iter().map(|&v| positive(v)).fold(0.0, f64::max);
    let (mut both, mut either) = (0usize, 0usize);
    for (&value, &on) in map.iter().zip(mask.iter()) {
        let selected = positive(value) >= level;
        both += usize::from(selected && on);
        either += usize::from(selected || on);
    }
    quotient(both as f64, either as f64, 0.0)
}

/// Steps of the search in [`best_iou`]. On lines and grids of 4 to 22 cells it comes within 0.03 of what thousands of
/// random moves of single cells reach, or beyond.
const STEPS: usize = 120;

/// The highest intersection over union found for any non-negative grid of cells, sampled to pixels by `sampling` and
/// thresholded as in [`iou`]: what a map of this resolution could reach if its network knew the mask.
///
/// It is reached by a grid that the search exhibits, so it is attainable; it is a lower bound of the true optimum,
/// which would need an integer program. The search: cells start at the mean of the mask over the pixels that read them;
/// each step moves the cells of all pixels that are on the wrong side of the threshold, or too near it, within [0, 1],
/// pixels outside the mask counting only as much as the overlap reached (the gradient of I/U is to (1, −I/U)); moves
/// and nearness shrink, and the best grid of all steps counts. 1 if found to draw the mask exactly, as a grid with a
/// cell on every pixel always can. 0 for a mask that does not have the sampling's image shape.
pub fn best_iou(sampling: &Sampling, mask: ArrayView2<'_, bool>, threshold: f64) -> f64 {
    if mask.dim() != sampling.image() {
        return 0.0;
    }
    let goal = threshold.clamp(0.0, 1.0) as f32;
    let mut cells = coverage(sampling, mask);
    let mut dense = Array2::zeros(sampling.image());
    let mut push = Array2::zeros(sampling.grid());
    let mut best = 0f64;
    for step in 0..STEPS {
        sampling.dense_into(cells.view(), &mut dense);
        let reached = iou(dense.view(), mask, threshold);
        best = best.max(reached);
        if best >= 1.0 {
            break;
        }
        let peak = highest(&dense);
        let left = 1.0 - step as f32 / STEPS as f32;
        let margin = 0.4 * goal.min(1.0 - goal) * left;
        dense.zip_mut_with(&mask, |pixel, &on| {
            let value = *pixel / peak;
            *pixel = match on {
                true if value < goal + margin => 1.0,
                false if value > goal - margin => -reached as f32,
                _ => 0.0,
            };
        });
        sampling.gather_into(dense.view(), &mut push);
        let rate = left / highest(&push.mapv(f32::abs));
        cells.zip_mut_with(&push, |cell, &push| *cell = (*cell / peak + rate * push).clamp(0.0, 1.0));
    }
    best
}

/// For each cell the share of the mask among the pixels that read it, relative to the highest.
fn coverage(sampling: &Sampling, mask: ArrayView2<'_, bool>) -> Array2<f32> {
    let (mut cells, mut reads) = (Array2::zeros(sampling.grid()), Array2::zeros(sampling.grid()));
    sampling.gather_into(mask.mapv(|on| if on { 1.0 } else { 0.0 }).view(), &mut cells);
    sampling.gather_into(Array2::ones(sampling.image()).view(), &mut reads);
    cells.zip_mut_with(&reads, |cell, &read: &f32| *cell = if read > 0.0 { *cell / read } else { 0.0 });
    let peak = highest(&cells);
    cells.mapv_into(|v| v / peak)
}

/// The highest value, kept above zero so that one can divide by it.
fn highest(map: &Array2<f32>) -> f32 {
    map.fold(f32::MIN_POSITIVE, |peak, &v| peak.max(v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::line;
    use crate::measure::sampling::Axis;
    use ndarray::array;

    #[test]
    fn by_hand() {
        let map = array![[1.0f32, 0.6, 0.2, 0.1]];
        let mask = array![[true, false, true, false]];
        assert_eq!(iou(map.view(), mask.view(), 0.5), 1.0 / 3.0);
        assert_eq!(iou(map.view(), mask.view(), 0.15), 2.0 / 3.0);
    }

    #[test]
    fn limits() {
        let mask = Array2::from_shape_fn((10, 10), |(r, c)| r == 4 && c < 7);
        let perfect = mask.mapv(|on| if on { 0.2f32 } else { 0.0 });
        for threshold in THRESHOLDS {
            assert_eq!(iou(perfect.view(), mask.view(), threshold), 1.0);
            for flat in [0.4f32, 0.0, -2.0, f32::NAN] {
                assert_eq!(iou(Array2::from_elem((10, 10), flat).view(), mask.view(), threshold), 0.07);
            }
        }
        assert_eq!(iou(perfect.view(), Array2::from_elem((10, 10), false).view(), 0.5), 0.0);
    }

    #[test]
    fn a_cell_on_every_pixel_draws_any_mask() {
        let axis = Axis::stretched(28, 28);
        let sampling = Sampling { rows: axis.clone(), columns: axis };
        for sample in line::samples(3, 12) {
            assert_eq!(best_iou(&sampling, sample.mask.view(), 0.5), 1.0);
        }
    }

    #[test]
    fn one_cell_can_only_select_everything() {
        let axis = Axis::stretched(1, 10);
        let sampling = Sampling { rows: axis.clone(), columns: axis };
        let mask = Array2::from_shape_fn((10, 10), |(r, _)| r == 0);
        assert_eq!(best_iou(&sampling, mask.view(), 0.5), 0.1);
    }

    #[test]
    fn finer_grids_reach_more_and_never_less_than_a_map_that_follows_the_mask() {
        let mut means = Vec::new();
        for cells in [4, 6, 10, 14, 22] {
            let axis = Axis::stretched(cells, 28);
            let sampling = Sampling { rows: axis.clone(), columns: axis };
            let mut total = 0.0;
            for sample in line::samples(5, 24) {
                let best = best_iou(&sampling, sample.mask.view(), 0.5);
                let mut covered = Array2::zeros(sampling.grid());
                sampling.gather_into(sample.mask.mapv(|on| if on { 1.0 } else { 0.0 }).view(), &mut covered);
                assert!(best >= iou(sampling.dense(covered.view()).view(), sample.mask.view(), 0.5) - 0.1);
                total += best;
            }
            means.push(total / 24.0);
        }
        assert!(means.windows(2).all(|pair| pair[1] > pair[0]), "{means:?}");
        assert!(means[4] > 0.8 && means[1] < 0.8, "{means:?}");
    }
}
