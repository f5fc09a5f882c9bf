//! Reductions and softmax. Extremes keep their winners; products and softmax need values; sums need nothing.

use crate::backprop::graph::Reduction;
use crate::tensor::Real;
use crate::tensor::broadcast::{select_to, stretch, sum_to, zip, zip_in_place};

/// `shape` with `axes` shrunk to 1.
pub fn reduced_shape(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    shape.iter().enumerate().map(|(axis, &len)| if axes.contains(&axis) { 1 } else { len }).collect()
}

/// Whether [`vjp`] reads the input.
pub fn needs_input(kind: Reduction) -> bool {
    matches!(kind, Reduction::Prod | Reduction::MeanOfSquares)
}

/// Reduces `x` of `shape` to `target`; for extremes also the index of each winner.
pub fn forward<T: Real>(kind: Reduction, x: &[T], shape: &[usize], target: &[usize]) -> (Vec<T>, Vec<u32>) {
    let extreme = |winners: Vec<u32>| {
        let value = |&winner: &u32| x.get(winner as usize).copied().unwrap_or_else(T::zero);
        (winners.iter().map(value).collect(), winners)
    };
    match kind {
        Reduction::Sum => (sum_to(x, shape, target), Vec::new()),
        Reduction::Max => extreme(select_to(x, shape, target, |candidate, best| candidate > best)),
        Reduction::Min => extreme(select_to(x, shape, target, |candidate, best| candidate < best)),
        Reduction::Prod => {
            let (nonzero, zeros) = products(x, shape, target);
            let product = nonzero.iter().zip(zeros).map(|(&p, zeros)| if zeros > T::zero() { T::zero() } else { p });
            (product.collect(), Vec::new())
        }
        Reduction::MeanOfSquares => {
            let squares: Vec<T> = x.iter().map(|&x| x * x).collect();
            let scale = mean_scale::<T>(x.len(), target);
            (sum_to(&squares, shape, target).into_iter().map(|sum| sum * scale).collect(), Vec::new())
        }
    }
}

/// The gradient with respect to `x`, which may be empty unless [`needs_input`].
pub fn vjp<T: Real>(
    kind: Reduction,
    x: &[T],
    winners: &[u32],
    shape: &[usize],
    target: &[usize],
    gradient: &[T],
) -> Vec<T> {
    match kind {
        Reduction::Sum => stretch(gradient, target, shape),
        Reduction::Max | Reduction::Min => {
            let mut out = vec![T::zero(); shape.iter().product()];
            for (&winner, &g) in winners.iter().zip(gradient) {
                if let Some(out) = out.get_mut(winner as usize) {
                    *out += g;
                }
            }
            out
        }
        Reduction::Prod => {
            // The product of all others: with a single zero only that element has one, with two zeros none has.
            let (nonzero, zeros) = products(x, shape, target);
            let g = zip(target, (gradient, target), (&nonzero, target), |g, p| g * p);
            let zeros = stretch(&zeros, target, shape);
            let mut out = stretch(&g, target, shape);
            for ((out, &x), zeros) in out.iter_mut().zip(x).zip(zeros) {
                let others = zeros - if x == T::zero() { T::one() } else { T::zero() };
                *out = match () {
                    () if others > T::zero() => T::zero(),
                    () if x == T::zero() => *out,
                    () => *out / x,
                };
            }
            out
        }
        Reduction::MeanOfSquares => {
            let scale = T::from_f64(2.0) * mean_scale::<T>(x.len(), target);
            zip(shape, (x, shape), (gradient, target), |x, g| scale * x * g)
        }
    }
}

/// exp(x) / Σ exp(x) over `axes`, or its logarithm; the largest element is taken off first, so nothing overflows.
pub fn softmax_forward<T: Real>(x: &[T], shape: &[usize], axes: &[usize], log: bool) -> Vec<T> {
    let target = reduced_shape(shape, axes);
    let (largest, _) = forward(Reduction::Max, x, shape, &target);
    let mut y = zip(shape, (x, shape), (&largest, &target), |x, largest| x - largest);
    let exponentials: Vec<T> = y.iter().map(|y| y.exp()).collect();
    let sums = sum_to(&exponentials, shape, &target);
    if log {
        zip_in_place(&mut y, shape, (&sums, &target), |y, sum| y - sum.ln());
        return y;
    }
    zip(shape, (&exponentials, shape), (&sums, &target), |e, sum| e / sum)
}

/// From the output y: y · (g − Σ g y), and for the logarithm g − exp(y) · Σ g.
pub fn softmax_vjp<T: Real>(y: &[T], shape: &[usize], axes: &[usize], log: bool, gradient: &[T]) -> Vec<T> {
    let target = reduced_shape(shape, axes);
    let weighted = |log| -> Vec<T> {
        if log { gradient.to_vec() } else { gradient.iter().zip(y).map(|(&g, &y)| g * y).collect() }
    };
    let sums = stretch(&sum_to(&weighted(log), shape, &target), &target, shape);
    let values = gradient.iter().zip(y).zip(sums);
    values.map(|((&g, &y), sum)| if log { g - y.exp() * sum } else { y * (g - sum) }).collect()
}

/// For each target the product of the elements that are not zero, and the number of those that are.
fn products<T: Real>(x: &[T], shape: &[usize], target: &[usize]) -> (Vec<T>, Vec<T>) {
    let is_zero: Vec<T> = x.iter().map(|&x| if x == T::zero() { T::one() } else { T::zero() }).collect();
    let zeros = sum_to(&is_zero, shape, target);
    let mut nonzero = vec![T::one(); target.iter().product()];
    let index: Vec<T> = (0..nonzero.len()).map(|i| T::from_f64(i as f64)).collect();
    for (&x, at) in x.iter().zip(stretch(&index, target, shape)) {
        if x != T::zero() {
            nonzero[at.to_f64() as usize] *= x;
        }
    }
    (nonzero, zeros)
}

fn mean_scale<T: Real>(len: usize, target: &[usize]) -> T {
    T::from_f64(target.iter().product::<usize>() as f64 / len.max(1) as f64)
}
