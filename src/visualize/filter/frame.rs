//! The image under ascent: where its pixels and channels lie in the network's input, and what is said about it.

use ndarray::{Array3, ArrayD, ArrayView1, ArrayView3, Axis};

use crate::random::Random;

/// The network's input as an image: [1, h, w, c] or [1, c, h, w].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Whether the channels are the last axis, else the one behind the batch.
    pub channels_last: bool,
}

impl Frame {
    /// The frame of an input of this shape, of four axes; `channels_last` says which of them is the channels'.
    pub fn new(shape: &[usize], channels_last: bool) -> Option<Frame> {
        let &[_, a, b, c] = shape else { return None };
        Some(match channels_last {
            true => Frame { height: a, width: b, channels: c, channels_last },
            false => Frame { height: b, width: c, channels: a, channels_last },
        })
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether there are no values at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of a value in the input.
    pub fn at(&self, y: usize, x: usize, c: usize) -> usize {
        match self.channels_last {
            true => (y * self.width + x) * self.channels + c,
            false => (c * self.height + y) * self.width + x,
        }
    }

    /// The channel of a value.
    pub fn channel(&self, position: usize) -> usize {
        match self.channels_last {
            true => position % self.channels.max(1),
            false => position / (self.height * self.width).max(1),
        }
    }

    /// The input that holds these values, in the network's layout.
    pub fn input(&self, values: Vec<f32>) -> Option<ArrayD<f32>> {
        let shape = match self.channels_last {
            true => vec![1, self.height, self.width, self.channels],
            false => vec![1, self.channels, self.height, self.width],
        };
        ArrayD::from_shape_vec(shape, values).ok()
    }

    /// The image [h, w, c] of values in the network's layout.
    pub fn image(&self, values: &[f32]) -> Array3<f32> {
        Array3::from_shape_fn((self.height, self.width, self.channels), |(y, x, c)| {
            values.get(self.at(y, x, c)).copied().unwrap_or_default()
        })
    }

    /// The values, in the network's layout, of an image [h, w, c].
    pub fn values(&self, image: &Array3<f32>) -> Vec<f32> {
        let mut values = vec![0.0; self.len()];
        for ((y, x, c), &value) in image.indexed_iter() {
            if let Some(slot) = values.get_mut(self.at(y, x, c)) {
                *slot = value;
            }
        }
        values
    }

    /// Start number `start` of a seed: in each channel the middle of its range, with uniform noise a quarter of the
    /// range wide. The same for either layout, and the same for every filter.
    pub fn start(&self, range: &[(f32, f32)], seed: u64, start: usize) -> Vec<f32> {
        let mut random = Random::new(seed, start as u64);
        let noise = Array3::from_shape_simple_fn((self.height, self.width, self.channels), || random.uniform());
        let mut values = self.values(&noise.mapv(|u| ((u - 0.5) * 0.25) as f32));
        for (i, value) in values.iter_mut().enumerate() {
            let (low, high) = bounds(range, self.channel(i));
            *value = (low + high) / 2.0 + *value * (high - low);
        }
        values
    }
}

/// The range of a channel; 0 to 1 where none is known.
pub fn bounds(range: &[(f32, f32)], channel: usize) -> (f32, f32) {
    range.get(channel).copied().unwrap_or((0.0, 1.0))
}

/// An image of the bounded ascent as colours in [0, 1]: each channel over its range of real inputs, channels that never
/// vary there black.
pub fn shown_in_range(image: &Array3<f32>, range: &[(f32, f32)]) -> Array3<f32> {
    let mut shown = image.clone();
    for ((_, _, c), value) in shown.indexed_iter_mut() {
        let (low, high) = bounds(range, c);
        *value = if high > low { ((*value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
    }
    shown
}

/// An image of the free ascent as colours in [0, 1]: brought to mean 0.5 and standard deviation 0.15, then clipped
/// (F. Chollet, "Visualizing what convnets learn", keras.io).
pub fn shown_standardised(image: &Array3<f32>) -> Array3<f32> {
    let count = image.len().max(1) as f64;
    let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = image.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    let scale = 0.15 / (variance.sqrt() + 1e-5);
    image.mapv(|v| ((f64::from(v) - mean) * scale + 0.5).clamp(0.0, 1.0) as f32)
}

/// The central half of an image [h, w, c], away from where a map's border shows.
fn centre(image: &Array3<f32>) -> ArrayView3<'_, f32> {
    let (height, width, _) = image.dim();
    image.slice(ndarray::s![height / 4..height - height / 4, width / 4..width - width / 4, ..])
}

/// Whether colours in [0, 1] are one flat colour: 95 % of the central half's pixels lie within 0.06 of its median in every
/// channel.
pub fn looks_flat(shown: &Array3<f32>) -> bool {
    let (colour, central) = (central_colour(shown), centre(shown));
    let near =
        |pixel: &ArrayView1<f32>| pixel.iter().zip(&colour).all(|(value, median)| (value - median).abs() <= 0.06);
    let (height, width, _) = central.dim();
    central.lanes(Axis(2)).into_iter().filter(near).count() * 20 >= height * width * 19
}

/// The median of each channel over the central half of an image [h, w, c].
pub fn central_colour(image: &Array3<f32>) -> Vec<f32> {
    let (channels, central) = (image.dim().2, centre(image));
    let median = |c: usize| {
        let mut values: Vec<f32> = central.index_axis(Axis(2), c).iter().copied().collect();
        values.sort_unstable_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    (0..channels).map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn both_layouts_hold_the_same_image() {
        let last = Frame::new(&[1, 2, 3, 2], true).unwrap();
        let first = Frame::new(&[1, 2, 2, 3], false).unwrap();
        assert_eq!((first.height, first.width, first.channels), (2, 3, 2));
        let range = [(0.0, 1.0), (-2.0, 2.0)];
        let (a, b) = (last.start(&range, 7, 1), first.start(&range, 7, 1));
        assert_ne!(a, b);
        assert_eq!(last.image(&a), first.image(&b));
        assert_eq!(first.values(&first.image(&b)), b);
        for (i, value) in b.iter().enumerate() {
            let (middle, reach) = if first.channel(i) == 0 { (0.5, 0.125) } else { (0.0, 0.5) };
            assert!((value - middle).abs() <= reach);
        }
    }

    #[test]
    fn a_channel_that_never_varies_is_black() {
        let image = array![[[0.5, 0.3], [2.0, 0.3]]];
        assert_eq!(shown_in_range(&image, &[(0.0, 1.0), (0.3, 0.3)]), array![[[0.5, 0.0], [1.0, 0.0]]]);
    }

    #[test]
    fn standardised_colours_have_keras_mean_and_spread() {
        let shown = shown_standardised(&array![[[0.0], [2.0]], [[0.0], [2.0]]]);
        for (got, expected) in shown.iter().zip([0.35, 0.65, 0.35, 0.65]) {
            assert!((got - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn the_central_colour_is_the_median_of_the_middle() {
        let mut image = Array3::from_elem((8, 8, 2), 0.1);
        image.slice_mut(ndarray::s![2..6, 2..6, 0]).fill(0.4);
        image[[3, 3, 0]] = 9.0;
        assert_eq!(central_colour(&image), [0.4, 0.1]);
        // One odd pixel of sixteen is more than a twentieth.
        assert!(!looks_flat(&image));
        image[[3, 3, 0]] = 0.45;
        assert!(looks_flat(&image));
    }
}
