//! A sparse linear map along one axis: resizing and sliding sums. Nothing is needed from the forward pass.

use crate::backprop::graph::Resize;
use crate::tensor::Real;

/// Each output is the weighted sum of its taps. `shape` is the input's.
pub fn forward<T: Real>(resize: &Resize, x: &[T], shape: &[usize]) -> Vec<T> {
    let (blocks, length, inner) = dimensions(resize, shape);
    let outputs = resize.outputs();
    let mut y = vec![T::zero(); blocks * outputs * inner];
    for_each_tap(resize, blocks, length, |source, output, weight: T| {
        let x = &x[source * inner..][..inner];
        y[output * inner..][..inner].iter_mut().zip(x).for_each(|(y, &x)| *y += weight * x);
    });
    y
}

/// Each input sums what it was weighted into. `shape` is the input's.
pub fn vjp<T: Real>(resize: &Resize, gradient: &[T], shape: &[usize]) -> Vec<T> {
    let (blocks, length, inner) = dimensions(resize, shape);
    let mut x = vec![T::zero(); blocks * length * inner];
    for_each_tap(resize, blocks, length, |source, output, weight: T| {
        let g = &gradient[output * inner..][..inner];
        x[source * inner..][..inner].iter_mut().zip(g).for_each(|(x, &g)| *x += weight * g);
    });
    x
}

impl Resize {
    /// Length of the output along the axis.
    pub fn outputs(&self) -> usize {
        self.sources.len() / self.taps.max(1)
    }
}

fn dimensions(resize: &Resize, shape: &[usize]) -> (usize, usize, usize) {
    (shape[..resize.axis].iter().product(), shape[resize.axis], shape[resize.axis + 1..].iter().product())
}

/// `visit(input line, output line, weight)`, a line being what lies inside the axis.
fn for_each_tap<T: Real>(resize: &Resize, blocks: usize, length: usize, mut visit: impl FnMut(usize, usize, T)) {
    let taps: Vec<(usize, T)> =
        resize.sources.iter().zip(&resize.weights).map(|(&s, &w)| (s, T::from_f64(f64::from(w)))).collect();
    for block in 0..blocks {
        for (output, taps) in taps.chunks_exact(resize.taps.max(1)).enumerate() {
            for &(source, weight) in taps.iter().filter(|(_, weight)| *weight != T::zero()) {
                visit(block * length + source, block * resize.outputs() + output, weight);
            }
        }
    }
}
