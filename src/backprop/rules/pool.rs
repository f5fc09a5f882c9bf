//! Pooling, plane by plane. The maximum keeps the position of each winner from the forward pass; sums keep nothing.

use crate::backprop::graph::{Divisor, SumPool};
use crate::tensor::Real;
use crate::tensor::window::Window;

/// Maximum of each window and where in its plane it was found; ties go to the first, in row-major order.
/// A window that sees only padding yields the lowest number and `u32::MAX`.
pub fn max_forward<T: Real>(window: &Window, x: &[T]) -> (Vec<T>, Vec<u32>) {
    let planes = x.len() / window.input_len().max(1);
    let mut values = Vec::with_capacity(planes * window.output_len());
    let mut winners = Vec::with_capacity(planes * window.output_len());
    let [depth, height, width] = &window.axes;
    let mut best: Vec<(T, u32)> = vec![(T::min_value(), u32::MAX); width.output];
    for plane in x.chunks_exact(window.input_len().max(1)) {
        for od in 0..depth.output {
            for oh in 0..height.output {
                best.fill((T::min_value(), u32::MAX));
                for kd in depth.taps(od) {
                    for kh in height.taps(oh) {
                        let line = (depth.position(od, kd) * height.input + height.position(oh, kh)) * width.input;
                        for kw in 0..width.kernel {
                            let run = width.outputs(kw);
                            if run.is_empty() {
                                continue;
                            }
                            let mut at = line + width.position(run.start, kw);
                            for best in &mut best[run] {
                                let value = plane[at];
                                if value > best.0 || best.1 == u32::MAX {
                                    *best = (value, at as u32);
                                }
                                at += width.stride;
                            }
                        }
                    }
                }
                values.extend(best.iter().map(|best| best.0));
                winners.extend(best.iter().map(|best| best.1));
            }
        }
    }
    (values, winners)
}

/// Sends each window's gradient to its winner.
pub fn max_vjp<T: Real>(window: &Window, winners: &[u32], gradient: &[T]) -> Vec<T> {
    let (planes_in, planes_out) = (window.input_len(), window.output_len());
    let planes = gradient.len() / planes_out.max(1);
    let mut x = vec![T::zero(); planes * planes_in];
    for (plane, x) in x.chunks_exact_mut(planes_in.max(1)).enumerate() {
        let outputs = plane * planes_out..(plane + 1) * planes_out;
        for (&winner, &g) in winners[outputs.clone()].iter().zip(&gradient[outputs]) {
            if let Some(x) = x.get_mut(winner as usize) {
                *x += g;
            }
        }
    }
    x
}

/// Sum or mean of each window.
pub fn sum_forward<T: Real>(pool: &SumPool, x: &[T]) -> Vec<T> {
    let (planes_in, planes_out) = (pool.window.input_len(), pool.window.output_len());
    let factors = factors::<T>(pool);
    let mut y = vec![T::zero(); x.len() / planes_in.max(1) * planes_out];
    for (x, y) in x.chunks_exact(planes_in.max(1)).zip(y.chunks_exact_mut(planes_out.max(1))) {
        for_each_pair(&pool.window, |input, output| y[output] += x[input]);
        y.iter_mut().zip(&factors).for_each(|(y, &factor)| *y *= factor);
    }
    y
}

/// Spreads each window's gradient over its elements.
pub fn sum_vjp<T: Real>(pool: &SumPool, gradient: &[T]) -> Vec<T> {
    let (planes_in, planes_out) = (pool.window.input_len(), pool.window.output_len());
    let factors = factors::<T>(pool);
    let mut x = vec![T::zero(); gradient.len() / planes_out.max(1) * planes_in];
    for (x, g) in x.chunks_exact_mut(planes_in.max(1)).zip(gradient.chunks_exact(planes_out.max(1))) {
        for_each_pair(&pool.window, |input, output| x[input] += g[output] * factors[output]);
    }
    x
}

/// What each output position's sum is multiplied by.
fn factors<T: Real>(pool: &SumPool) -> Vec<T> {
    let [depth, height, width] = pool.window.axes.map(|axis| -> Vec<usize> {
        let count = |o| match pool.divisor {
            Divisor::One => 1,
            Divisor::Inside => axis.taps(o).len(),
            Divisor::Padded => axis.padded_taps(o),
        };
        (0..axis.output).map(count).collect()
    });
    let mut factors = Vec::with_capacity(pool.window.output_len());
    for d in &depth {
        for h in &height {
            factors.extend(width.iter().map(|w| T::from_f64(1.0 / (d * h * w).max(1) as f64)));
        }
    }
    factors
}

/// Visits every (input, output) pair of positions of a plane that a tap connects.
fn for_each_pair(window: &Window, mut visit: impl FnMut(usize, usize)) {
    let [depth, height, width] = &window.axes;
    for od in 0..depth.output {
        for oh in 0..height.output {
            let output = (od * height.output + oh) * width.output;
            for kd in depth.taps(od) {
                for kh in height.taps(oh) {
                    let line = (depth.position(od, kd) * height.input + height.position(oh, kh)) * width.input;
                    for kw in 0..width.kernel {
                        for ow in width.outputs(kw) {
                            visit(line + width.position(ow, kw), output + ow);
                        }
                    }
                }
            }
        }
    }
}
