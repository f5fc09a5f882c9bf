//! Broadcasting of row-major arrays of equal rank: an axis of length 1 stretches to the other's length.

use crate::tensor::Real;

/// Element strides of a row-major array; 0 along axes of length 1, so that they stretch.
fn stretch_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1;
    for (stride, &len) in strides.iter_mut().zip(shape).rev() {
        *stride = if len == 1 { 0 } else { step };
        step *= len;
    }
    strides
}

/// Visits `shape` in row-major order as runs of its innermost (merged) axis.
///
/// `visit(start, length, offsets, steps)`: a run begins at element `start` of `shape` and at `offsets[i]` of operand
/// `i`, which advances by `steps[i]` (0 or 1) an element. Neighbouring axes that all operands walk through alike are
/// merged first, so that runs are long.
fn for_each_run<const N: usize>(
    shape: &[usize],
    operands: [&[usize]; N],
    mut visit: impl FnMut(usize, usize, [usize; N], [usize; N]),
) {
    if shape.contains(&0) {
        return;
    }
    let strides = operands.map(stretch_strides);
    // (length, stride of each operand), innermost first.
    let mut axes: Vec<(usize, [usize; N])> = Vec::new();
    for axis in (0..shape.len()).rev().filter(|&axis| shape[axis] != 1) {
        let steps: [usize; N] = std::array::from_fn(|i| strides[i][axis]);
        match axes.last_mut() {
            Some((length, inner)) if (0..N).all(|i| steps[i] == inner[i] * *length) => *length *= shape[axis],
            _ => axes.push((shape[axis], steps)),
        }
    }
    let (length, steps) = if axes.is_empty() { (1, [0; N]) } else { axes.remove(0) };
    let runs: usize = axes.iter().map(|(length, _)| length).product();
    let mut index = vec![0; axes.len()];
    let mut offsets = [0; N];
    for run in 0..runs {
        visit(run * length, length, offsets, steps);
        for (position, (length, strides)) in index.iter_mut().zip(&axes) {
            *position += 1;
            (0..N).for_each(|i| offsets[i] += strides[i]);
            if *position < *length {
                break;
            }
            *position = 0;
            (0..N).for_each(|i| offsets[i] -= strides[i] * length);
        }
    }
}

/// `f(a, b)` for every element of `shape`, to which `a` and `b` are stretched.
pub fn zip<T: Real>(
    shape: &[usize],
    (a, a_shape): (&[T], &[usize]),
    (b, b_shape): (&[T], &[usize]),
    f: impl Fn(T, T) -> T,
) -> Vec<T> {
    let mut out = vec![T::zero(); shape.iter().product()];
    for_each_run(shape, [a_shape, b_shape], |start, length, [a_at, b_at], [a_step, b_step]| {
        let out = &mut out[start..start + length];
        match (a_step, b_step) {
            (1, 1) => {
                let pairs = a[a_at..][..length].iter().zip(&b[b_at..][..length]);
                out.iter_mut().zip(pairs).for_each(|(out, (&a, &b))| *out = f(a, b));
            }
            (1, _) => out.iter_mut().zip(&a[a_at..][..length]).for_each(|(out, &a)| *out = f(a, b[b_at])),
            (_, 1) => out.iter_mut().zip(&b[b_at..][..length]).for_each(|(out, &b)| *out = f(a[a_at], b)),
            _ => out.fill(f(a[a_at], b[b_at])),
        }
    });
    out
}

/// `a = f(a, b)` in place, `b` stretched to `a`'s `shape`.
pub fn zip_in_place<T: Real>(a: &mut [T], shape: &[usize], (b, b_shape): (&[T], &[usize]), f: impl Fn(T, T) -> T) {
    for_each_run(shape, [b_shape], |start, length, [b_at], [b_step]| {
        let a = &mut a[start..start + length];
        match b_step {
            1 => a.iter_mut().zip(&b[b_at..][..length]).for_each(|(a, &b)| *a = f(*a, b)),
            _ => a.iter_mut().for_each(|a| *a = f(*a, b[b_at])),
        }
    });
}

/// `a` stretched to `shape`.
pub fn stretch<T: Real>(a: &[T], a_shape: &[usize], shape: &[usize]) -> Vec<T> {
    zip(shape, (a, a_shape), (a, a_shape), |a, _| a)
}

/// The transposed map of [`stretch`]: sums `x` over the axes along which `target` has length 1.
pub fn sum_to<T: Real>(x: &[T], shape: &[usize], target: &[usize]) -> Vec<T> {
    let mut out = vec![T::zero(); target.iter().product()];
    for_each_run(shape, [target], |start, length, [at], [step]| {
        let x = &x[start..start + length];
        match step {
            1 => out[at..][..length].iter_mut().zip(x).for_each(|(out, &x)| *out += x),
            _ => out[at] += x.iter().fold(T::zero(), |sum, &x| sum + x),
        }
    });
    out
}

/// For every element of `target` the index into `shape` of the element that wins; `beats(candidate, best)` must be
/// strict, so that ties go to the first. `u32::MAX` where there is nothing to choose from.
pub fn select_to<T: Real>(x: &[T], shape: &[usize], target: &[usize], beats: impl Fn(T, T) -> bool) -> Vec<u32> {
    let mut winners = vec![u32::MAX; target.iter().product()];
    for_each_run(shape, [target], |start, length, [at], [step]| {
        for i in 0..length {
            let best = &mut winners[at + i * step];
            if *best == u32::MAX || beats(x[start + i], x[*best as usize]) {
                *best = (start + i) as u32;
            }
        }
    });
    winners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_stretch() {
        let row = [1.0, 2.0, 3.0];
        let column = [10.0, 20.0];
        let sum = zip(&[2, 3], (&row, &[1, 3]), (&column, &[2, 1]), |a, b| a + b);
        assert_eq!(sum, [11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
        assert_eq!(sum_to(&sum, &[2, 3], &[1, 3]), [32.0, 34.0, 36.0]);
        assert_eq!(sum_to(&sum, &[2, 3], &[2, 1]), [36.0, 66.0]);
        assert_eq!(sum_to(&sum, &[2, 3], &[1, 1]), [102.0]);
        assert_eq!(stretch(&column, &[2, 1], &[2, 2]), [10.0, 10.0, 20.0, 20.0]);
        let mut product = sum;
        zip_in_place(&mut product, &[2, 3], (&[1.0, 0.0], &[2, 1]), |a, b| a * b);
        assert_eq!(product, [11.0, 12.0, 13.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_channel_axis_stretches_inside_and_outside() {
        // Shape [2, 2, 3], one value a channel.
        let x: Vec<f64> = (0..12).map(f64::from).collect();
        let scaled = zip(&[2, 2, 3], (&x, &[2, 2, 3]), (&[1.0, -1.0], &[1, 2, 1]), |a, b| a * b);
        assert_eq!(scaled, [0., 1., 2., -3., -4., -5., 6., 7., 8., -9., -10., -11.]);
        assert_eq!(sum_to(&x, &[2, 2, 3], &[1, 2, 1]), [24.0, 42.0]);
    }

    #[test]
    fn the_first_of_equals_wins() {
        let x = [1.0, 3.0, 3.0, 2.0, 2.0, 0.0];
        assert_eq!(select_to(&x, &[2, 3], &[2, 1], |a, b| a > b), [1, 3]);
        assert_eq!(select_to(&x, &[2, 3], &[1, 1], |a, b| a < b), [5]);
        assert_eq!(select_to(&[] as &[f64], &[2, 0], &[2, 1], |a, b| a < b), [u32::MAX; 2]);
    }
}
