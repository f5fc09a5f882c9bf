//! Sliding windows: which input positions each output position of a convolution or pooling looks at.

use std::ops::Range;

/// One spatial axis of a sliding window. Tap `k` of output `o` reads input `o · stride + k · dilation − before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Length of the input.
    pub input: usize,
    /// Number of window positions.
    pub output: usize,
    /// Number of taps (at least 1).
    pub kernel: usize,
    /// Step between windows (at least 1).
    pub stride: usize,
    /// Step between taps (at least 1).
    pub dilation: usize,
    /// Padding before the first element.
    pub before: usize,
    /// Padding after the last element; a window in ceil mode may reach beyond it.
    pub after: usize,
}

impl Axis {
    /// The axis that a missing dimension stands for: one element, seen once.
    pub const UNIT: Axis = Axis { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

    /// Input position of tap `k` of output `o`, which must lie inside (see [`Axis::taps`] and [`Axis::outputs`]).
    pub fn position(&self, o: usize, k: usize) -> usize {
        o * self.stride + k * self.dilation - self.before
    }

    /// Input position of tap `k` of output `o`; `None` on padding.
    pub fn read(&self, o: usize, k: usize) -> Option<usize> {
        (o * self.stride + k * self.dilation).checked_sub(self.before).filter(|&position| position < self.input)
    }

    /// The taps of output `o` that fall on the input and not on padding.
    pub fn taps(&self, o: usize) -> Range<usize> {
        let start = o * self.stride;
        let first = self.before.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.before + self.input).saturating_sub(start).div_ceil(self.dilation).min(self.kernel);
        first.min(end)..end
    }

    /// The outputs whose tap `k` falls on the input and not on padding.
    pub fn outputs(&self, k: usize) -> Range<usize> {
        let offset = k * self.dilation;
        let first = self.before.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.before + self.input).saturating_sub(offset).div_ceil(self.stride).min(self.output);
        first.min(end)..end
    }

    /// How many taps of output `o` fall on the input or its padding: all but those beyond the end in ceil mode.
    pub fn padded_taps(&self, o: usize) -> usize {
        let end = (self.before + self.input + self.after).saturating_sub(o * self.stride);
        end.div_ceil(self.dilation).min(self.kernel)
    }

    /// Whether every window is one unpadded element at stride 1, so that the axis passes through unchanged.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.before == 0 && self.output == self.input
    }
}

/// A window over one to three spatial axes, held as three: missing leading axes are [`Axis::UNIT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Depth, rows and columns; an image has a depth of one.
    pub axes: [Axis; 3],
}

impl Window {
    /// A window over `axes` (outermost first); `None` for more than three.
    pub fn new(axes: &[Axis]) -> Option<Window> {
        let mut all = [Axis::UNIT; 3];
        let first = 3usize.checked_sub(axes.len())?;
        all[first..].copy_from_slice(axes);
        Some(Window { axes: all })
    }

    /// Number of input positions.
    pub fn input_len(&self) -> usize {
        self.axes.iter().map(|axis| axis.input).product()
    }

    /// Number of output positions.
    pub fn output_len(&self) -> usize {
        self.axes.iter().map(|axis| axis.output).product()
    }

    /// Number of taps.
    pub fn kernel_len(&self) -> usize {
        self.axes.iter().map(|axis| axis.kernel).product()
    }

    /// Whether input and output positions are the same, as in a 1×1 convolution at stride 1.
    pub fn is_pointwise(&self) -> bool {
        self.axes.iter().all(Axis::is_pointwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_and_outputs_are_two_views_of_one_relation() {
        for (kernel, stride, dilation, before) in [(3, 1, 1, 1), (3, 2, 1, 1), (2, 3, 2, 0), (5, 2, 3, 6), (1, 2, 1, 0)]
        {
            let axis = Axis { input: 7, output: 5, kernel, stride, dilation, before, after: 2 };
            for o in 0..axis.output {
                for k in 0..axis.kernel {
                    let position = (o * stride + k * dilation) as isize - before as isize;
                    let inside = (0..7).contains(&position);
                    assert_eq!(axis.taps(o).contains(&k), inside);
                    assert_eq!(axis.outputs(k).contains(&o), inside);
                    assert_eq!(axis.read(o, k), inside.then_some(position as usize));
                }
                let padded = (0..kernel).filter(|k| o * stride + k * dilation < before + 7 + 2).count();
                assert_eq!(axis.padded_taps(o), padded);
            }
        }
    }
}
