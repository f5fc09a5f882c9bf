//! Moving elements about. Linear and independent of the values: nothing is needed from the forward pass.

use crate::tensor::Real;

/// A shape split at an axis: the number of blocks, the axis, and the elements that move together.
fn split(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

/// Axis `i` of the result is axis `axes[i]` of `x`.
pub fn permute<T: Real>(x: &[T], shape: &[usize], axes: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    // (length, stride in x), outermost first; axes that stay together are walked as one.
    let mut walk: Vec<(usize, usize)> = Vec::new();
    for &axis in axes.iter().filter(|&&axis| shape[axis] != 1) {
        match walk.last_mut() {
            Some((length, stride)) if *stride == shape[axis] * strides[axis] => {
                *length *= shape[axis];
                *stride = strides[axis];
            }
            _ => walk.push((shape[axis], strides[axis])),
        }
    }
    let mut out = Vec::with_capacity(x.len());
    if !x.is_empty() {
        copy_walk(x, &walk, &mut out);
    }
    out
}

fn copy_walk<T: Real>(x: &[T], walk: &[(usize, usize)], out: &mut Vec<T>) {
    match walk {
        [] => out.push(x[0]),
        [(length, 1)] => out.extend_from_slice(&x[..*length]),
        [(length, stride)] => out.extend(x.iter().step_by(*stride).take(*length)),
        [(length, stride), rest @ ..] => (0..*length).for_each(|i| copy_walk(&x[i * stride..], rest, out)),
    }
}

/// The permutation that undoes `axes`.
pub fn inverse(axes: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(i, &axis)| inverse[axis] = i);
    inverse
}

/// The inputs, each with its length along `axis`, one after the other.
pub fn concat<T: Real>(inputs: &[(&[T], usize)], shape: &[usize], axis: usize) -> Vec<T> {
    let (blocks, _, inner) = split(shape, axis);
    let mut out = Vec::with_capacity(shape.iter().product());
    for block in 0..blocks {
        for (x, length) in inputs {
            out.extend_from_slice(&x[block * length * inner..][..length * inner]);
        }
    }
    out
}

/// `length` elements along `axis` from `start` on.
pub fn slice<T: Real>(x: &[T], shape: &[usize], axis: usize, start: usize, length: usize) -> Vec<T> {
    let (blocks, total, inner) = split(shape, axis);
    let mut out = Vec::with_capacity(blocks * length * inner);
    for block in 0..blocks {
        out.extend_from_slice(&x[(block * total + start) * inner..][..length * inner]);
    }
    out
}

/// The transposed map of [`slice`]: zeros around the gradient. `shape` is the input's.
pub fn slice_vjp<T: Real>(gradient: &[T], shape: &[usize], axis: usize, start: usize, length: usize) -> Vec<T> {
    let (blocks, total, inner) = split(shape, axis);
    let mut x = vec![T::zero(); shape.iter().product()];
    for block in 0..blocks {
        x[(block * total + start) * inner..][..length * inner]
            .copy_from_slice(&gradient[block * length * inner..][..length * inner]);
    }
    x
}

/// `x` inside a larger array of `shape` filled with `value`, `before[i]` elements from the beginning of axis `i`.
pub fn pad<T: Real>(x: &[T], x_shape: &[usize], shape: &[usize], before: &[usize], value: T) -> Vec<T> {
    let mut out = vec![value; shape.iter().product()];
    for_each_padded_line(x_shape, shape, before, |inside, outside, length| {
        out[outside..outside + length].copy_from_slice(&x[inside..inside + length]);
    });
    out
}

/// The transposed map of [`pad`]: the gradient without its border.
pub fn pad_vjp<T: Real>(gradient: &[T], x_shape: &[usize], shape: &[usize], before: &[usize]) -> Vec<T> {
    let mut x = vec![T::zero(); x_shape.iter().product()];
    for_each_padded_line(x_shape, shape, before, |inside, outside, length| {
        x[inside..inside + length].copy_from_slice(&gradient[outside..outside + length]);
    });
    x
}

/// Visits the lines of the inner array: `visit(index inside, index outside, length)`.
fn for_each_padded_line(
    x_shape: &[usize],
    shape: &[usize],
    before: &[usize],
    mut visit: impl FnMut(usize, usize, usize),
) {
    let Some((&length, outer)) = x_shape.split_last() else { return visit(0, 0, 1) };
    if length == 0 {
        return;
    }
    for line in 0..outer.iter().product() {
        let (mut rest, mut step, mut outside) = (line, shape[outer.len()], before[outer.len()]);
        for axis in (0..outer.len()).rev() {
            outside += (rest % outer[axis] + before[axis]) * step;
            rest /= outer[axis];
            step *= shape[axis];
        }
        visit(line * length, outside, length);
    }
}

/// Element `i` along `axis` is element `indices[i]` of `x`.
pub fn gather<T: Real>(x: &[T], shape: &[usize], axis: usize, indices: &[usize]) -> Vec<T> {
    let (blocks, total, inner) = split(shape, axis);
    let mut out = Vec::with_capacity(blocks * indices.len() * inner);
    for block in 0..blocks {
        for &index in indices {
            out.extend_from_slice(&x[(block * total + index) * inner..][..inner]);
        }
    }
    out
}

/// The transposed map of [`gather`]: an element taken several times sums its gradients. `shape` is the input's.
pub fn gather_vjp<T: Real>(gradient: &[T], shape: &[usize], axis: usize, indices: &[usize]) -> Vec<T> {
    let (blocks, total, inner) = split(shape, axis);
    let mut x = vec![T::zero(); shape.iter().product()];
    for block in 0..blocks {
        for (i, &index) in indices.iter().enumerate() {
            let g = &gradient[(block * indices.len() + i) * inner..][..inner];
            x[(block * total + index) * inner..][..inner].iter_mut().zip(g).for_each(|(x, &g)| *x += g);
        }
    }
    x
}
