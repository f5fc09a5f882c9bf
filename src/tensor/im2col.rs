//! A convolution's windows as the columns of a matrix, and back.
//!
//! The matrix has a row for each (channel, tap) and a column for each output position. Output positions are taken in
//! *lines*, runs of the innermost axis, so that a block of lines is built at a time and stays in the cache.

use std::ops::Range;

use crate::tensor::Real;
use crate::tensor::window::Window;

/// Number of lines: output positions of all axes but the innermost.
pub fn line_count(window: &Window) -> usize {
    window.axes[0].output * window.axes[1].output
}

/// Writes the windows of `lines` into `columns` (rows: channel, then tap; padding reads as 0).
///
/// `x` holds `channels` planes of `window.input_len()` elements; `columns` has
/// `channels · kernel_len · lines · output width` elements.
pub fn im2col<T: Real>(x: &[T], channels: usize, window: &Window, lines: Range<usize>, columns: &mut [T]) {
    let width = window.axes[2].output;
    let row_len = lines.len() * width;
    let mut rows = columns.chunks_exact_mut(row_len.max(1));
    for plane in x.chunks_exact(window.input_len().max(1)).take(channels) {
        for_each_tap(window, |taps, run| {
            let Some(row) = rows.next() else { return };
            for (line, out) in lines.clone().zip(row.chunks_exact_mut(width)) {
                let Some(start) = line_start(window, line, taps, &run) else {
                    out.fill(T::zero());
                    continue;
                };
                out[..run.start].fill(T::zero());
                out[run.end..].fill(T::zero());
                let out = &mut out[run.clone()];
                let source = &plane[start..];
                match window.axes[2].stride {
                    1 => out.copy_from_slice(&source[..out.len()]),
                    stride => out.iter_mut().zip(source.iter().step_by(stride)).for_each(|(out, &x)| *out = x),
                }
            }
        });
    }
}

/// The transposed map of [`im2col`]: adds each column's elements to the input positions they were read from.
pub fn col2im<T: Real>(columns: &[T], channels: usize, window: &Window, lines: Range<usize>, x: &mut [T]) {
    let width = window.axes[2].output;
    let row_len = lines.len() * width;
    let mut rows = columns.chunks_exact(row_len.max(1));
    for plane in x.chunks_exact_mut(window.input_len().max(1)).take(channels) {
        for_each_tap(window, |taps, run| {
            let Some(row) = rows.next() else { return };
            for (line, values) in lines.clone().zip(row.chunks_exact(width)) {
                let Some(start) = line_start(window, line, taps, &run) else { continue };
                let values = &values[run.clone()];
                let target = &mut plane[start..];
                match window.axes[2].stride {
                    1 => target.iter_mut().zip(values).for_each(|(x, &value)| *x += value),
                    stride => target.iter_mut().step_by(stride).zip(values).for_each(|(x, &value)| *x += value),
                }
            }
        });
    }
}

/// Calls `visit` for every tap in row-major order, with the run of the innermost axis it reaches.
/// Taps that reach no position are visited too, with an empty run: they are rows of the matrix.
fn for_each_tap(window: &Window, mut visit: impl FnMut([usize; 3], Range<usize>)) {
    let [depth, height, width] = &window.axes;
    for kd in 0..depth.kernel {
        for kh in 0..height.kernel {
            for kw in 0..width.kernel {
                visit([kd, kh, kw], width.outputs(kw));
            }
        }
    }
}

/// Offset in an input plane of the first element that `taps` reads along an output line, `run` being the outputs that
/// the innermost tap reaches; `None` on padding.
pub fn line_start(window: &Window, line: usize, taps: [usize; 3], run: &Range<usize>) -> Option<usize> {
    let [depth, height, width] = &window.axes;
    let (od, oh) = if depth.output == 1 { (0, line) } else { (line / height.output, line % height.output) };
    if run.is_empty() {
        return None;
    }
    let (d, h) = (depth.read(od, taps[0])?, height.read(oh, taps[1])?);
    Some((d * height.input + h) * width.input + width.position(run.start, taps[2]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::window::Axis;

    #[test]
    fn columns_are_windows() {
        // A 2×2 kernel over [1 2 3; 4 5 6], padded by one before each axis.
        let axis = |input, output| Axis { input, output, kernel: 2, stride: 1, dilation: 1, before: 1, after: 0 };
        let window = Window::new(&[axis(2, 2), axis(3, 3)]).unwrap();
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut columns = [9.0; 24];
        im2col(&x, 1, &window, 0..2, &mut columns);
        let expected = [
            [0., 0., 0., 0., 1., 2.], // top left tap
            [0., 0., 0., 1., 2., 3.], // top right
            [0., 1., 2., 0., 4., 5.], // bottom left
            [1., 2., 3., 4., 5., 6.], // bottom right
        ];
        assert_eq!(columns, expected.concat()[..]);
        let mut second_line = [9.0; 12];
        im2col(&x, 1, &window, 1..2, &mut second_line);
        assert_eq!(second_line[..3], columns[3..6]);
        // Sent back, each element comes as often as a window saw it.
        let mut back = [0.0; 6];
        col2im(&columns, 1, &window, 0..2, &mut back);
        assert_eq!(back, [4.0, 8.0, 6.0, 8.0, 10.0, 6.0]);
    }
}
