//! What max pooling does to a picture: the share of its energy and of its local maxima that are kept, and how far the
//! pooled picture is from merely taking every n-th value.

use crate::measure::quotient;
use ndarray::{ArrayView2, ArrayView3, Axis};
use serde::Serialize;
use std::collections::BTreeSet;

/// Geometry of the pooling: rows first. Output cell i covers inputs i·stride − padding .. + kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Padding before the first row and column.
    pub padding: [usize; 2],
}

/// The effect of pooling on one activation. Values are counted from the channel's lowest value, its background.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pooling {
    /// ‖pooled − subsampled‖₂ / ‖pooled‖₂ in [0, 1], *subsampled* being the first value of each window: 0 if taking the
    /// maximum changed nothing, as in a constant picture; 1 if all that the pooled picture shows is there by taking
    /// maxima.
    pub effect: f64,
    /// The share of the input's energy Σ value² at the positions whose value some window shows, in [0, 1]. A position
    /// counts once, however many overlapping windows show it. 0 where there is no energy.
    pub energy_kept: f64,
    /// The share of the input's local maxima that are local maxima of the pooled picture, in [0, 1]; 0 where there are
    /// none.
    pub maxima_kept: f64,
    /// The local maxima before pooling, all channels.
    pub maxima: usize,
}

/// Compares the input [C, H, W] of a pooling with its output [C, h, w].
pub fn pooling(before: ArrayView3<'_, f32>, after: ArrayView3<'_, f32>, window: &Window) -> Pooling {
    let (mut changed, mut shown, mut energy, mut energy_kept) = (0.0, 0.0, 0.0, 0.0);
    let (mut maxima, mut kept) = (0, 0);
    for (before, after) in before.outer_iter().zip(after.outer_iter()) {
        let floor = before.iter().copied().filter(|v| v.is_finite()).fold(f32::INFINITY, f32::min);
        let above = |v: f32| if v.is_finite() && floor.is_finite() { f64::from(v) - f64::from(floor) } else { 0.0 };
        energy += before.iter().map(|&v| above(v).powi(2)).sum::<f64>();
        energy_kept += shown_positions(before, after, window).iter().map(|at| above(before[*at]).powi(2)).sum::<f64>();
        for ((r, c), &value) in after.indexed_iter() {
            let first = |cell: usize, axis: usize| (cell * window.stride[axis]).saturating_sub(window.padding[axis]);
            let subsampled = before.get((first(r, 0), first(c, 1))).copied().unwrap_or(floor);
            shown += above(value).powi(2);
            changed += (above(value) - above(subsampled)).powi(2);
        }
        for (at, _) in before.indexed_iter().filter(|(at, _)| is_local_maximum(before, floor, *at)) {
            maxima += 1;
            kept += usize::from(is_kept(before, after, floor, at, window));
        }
    }
    Pooling {
        effect: quotient(changed.sqrt(), shown.sqrt(), 0.0).clamp(0.0, 1.0),
        energy_kept: quotient(energy_kept, energy, 0.0).min(1.0),
        maxima_kept: quotient(kept as f64, maxima as f64, 0.0),
        maxima,
    }
}

/// The positions of a channel whose values the pooled cells show, each once: of equal values in a window the first in
/// reading order.
fn shown_positions(
    before: ArrayView2<'_, f32>,
    after: ArrayView2<'_, f32>,
    window: &Window,
) -> BTreeSet<(usize, usize)> {
    let covered = |cell: usize, axis: usize| {
        let start = cell * window.stride[axis];
        let end = (start + window.kernel[axis]).saturating_sub(window.padding[axis]);
        start.saturating_sub(window.padding[axis])..end.min(before.len_of(Axis(axis)))
    };
    let shown = |((i, j), value): ((usize, usize), &f32)| {
        let positions = covered(i, 0).flat_map(|r| covered(j, 1).map(move |c| (r, c)));
        positions.into_iter().find(|at| before[*at] == *value)
    };
    after.indexed_iter().filter_map(shown).collect()
}

/// Above the background and above its eight neighbours; of a plateau of equal values the first in reading order stands
/// for it.
fn is_local_maximum(map: ArrayView2<'_, f32>, floor: f32, (r, c): (usize, usize)) -> bool {
    let Some(&value) = map.get((r, c)) else { return false };
    let neighbours = || (r.saturating_sub(1)..=r + 1).flat_map(|i| (c.saturating_sub(1)..=c + 1).map(move |j| (i, j)));
    let beats = |at: (usize, usize)| match map.get(at) {
        Some(&other) if at < (r, c) => value > other,
        Some(&other) if at > (r, c) => value >= other,
        _ => true,
    };
    value > floor && neighbours().all(beats)
}

/// True if a pooled cell whose window holds the position shows its value as a local maximum.
fn is_kept(
    before: ArrayView2<'_, f32>,
    after: ArrayView2<'_, f32>,
    floor: f32,
    at: (usize, usize),
    window: &Window,
) -> bool {
    let Some(&value) = before.get(at) else { return false };
    let cells = |position: usize, axis: usize| {
        let (kernel, stride) = (window.kernel[axis], window.stride[axis].max(1));
        let from_padding = position + window.padding[axis];
        (from_padding + 1).saturating_sub(kernel).div_ceil(stride)..=from_padding / stride
    };
    cells(at.0, 0)
        .any(|i| cells(at.1, 1).any(|j| after.get((i, j)) == Some(&value) && is_local_maximum(after, floor, (i, j))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    const HALVING: Window = Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };

    fn max_pool(before: &Array3<f32>, window: &Window) -> Array3<f32> {
        let (channels, rows, columns) = before.dim();
        let size =
            |n: usize, axis: usize| (n + 2 * window.padding[axis] - window.kernel[axis]) / window.stride[axis] + 1;
        Array3::from_shape_fn((channels, size(rows, 0), size(columns, 1)), |(k, i, j)| {
            let mut best = f32::NEG_INFINITY;
            for r in (i * window.stride[0])..(i * window.stride[0] + window.kernel[0]) {
                for c in (j * window.stride[1])..(j * window.stride[1] + window.kernel[1]) {
                    let at = (k, r.wrapping_sub(window.padding[0]), c.wrapping_sub(window.padding[1]));
                    best = best.max(before.get(at).copied().unwrap_or(f32::NEG_INFINITY));
                }
            }
            best
        })
    }

    #[test]
    fn by_hand() {
        let before = array![[1.0f32, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0]].insert_axis(Axis(0));
        let pooled = max_pool(&before, &HALVING);
        assert_eq!(pooled, array![[[2.0f32, 3.0]]]);
        // Subsampled (1, 0): differences (1, 3) of (2, 3). Of the maxima 2 and 3 only 3 stays one.
        let result = pooling(before.view(), pooled.view(), &HALVING);
        assert!((result.effect - (10.0f64 / 13.0).sqrt()).abs() < 1e-12);
        assert!((result.energy_kept - 13.0 / 14.0).abs() < 1e-12);
        assert_eq!((result.maxima, result.maxima_kept), (2, 0.5));
    }

    #[test]
    fn a_constant_picture_shows_nothing() {
        for value in [0.0f32, 4.0, -1.0] {
            let before = Array3::from_elem((3, 6, 6), value);
            let result = pooling(before.view(), max_pool(&before, &HALVING).view(), &HALVING);
            assert_eq!(result, Pooling { effect: 0.0, energy_kept: 0.0, maxima_kept: 0.0, maxima: 0 });
        }
        let broken = Array3::from_elem((1, 2, 2), f32::NAN);
        assert_eq!(pooling(broken.view(), Array3::zeros((1, 1, 1)).view(), &HALVING).effect, 0.0);
    }

    #[test]
    fn energy_that_overlapping_windows_show_several_times_counts_once() {
        // The 5 lies in all four windows of 2×2 with stride 1: the pooled picture shows it four times.
        let before = array![[1.0f32, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 2.0]].insert_axis(Axis(0));
        let window = Window { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
        let pooled = max_pool(&before, &window);
        assert_eq!(pooled, array![[[5.0f32, 5.0], [5.0, 5.0]]]);
        assert!((pooling(before.view(), pooled.view(), &window).energy_kept - 25.0 / 30.0).abs() < 1e-12);
        // A constant picture above one dark corner: each disjoint window shows one of its four equal values.
        let mut flat = Array3::from_elem((1, 4, 4), 1.0f32);
        flat[[0, 3, 3]] = 0.0;
        let kept = pooling(flat.view(), max_pool(&flat, &HALVING).view(), &HALVING).energy_kept;
        assert!((kept - 4.0 / 15.0).abs() < 1e-12, "{kept}");
        // Padding shows nothing of its own, and every position is shown where windows of one cell tile the picture.
        let padded = Window { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
        assert!(pooling(flat.view(), max_pool(&flat, &padded).view(), &padded).energy_kept <= 1.0);
        let single = Window { kernel: [1, 1], stride: [1, 1], padding: [0, 0] };
        assert_eq!(pooling(before.view(), before.view(), &single).energy_kept, 1.0);
    }

    #[test]
    fn lone_peaks_are_kept_by_overlapping_and_padded_windows() {
        let mut before = Array3::<f32>::zeros((1, 9, 9));
        before[[0, 1, 1]] = 2.0;
        before[[0, 7, 6]] = 1.0;
        for window in [
            HALVING,
            Window { kernel: [2, 2], stride: [1, 1], padding: [0, 0] },
            Window { kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
        ] {
            let result = pooling(before.view(), max_pool(&before, &window).view(), &window);
            assert_eq!((result.maxima, result.maxima_kept), (2, 1.0), "{window:?}");
            assert!(result.effect <= 1.0);
        }
    }
}
