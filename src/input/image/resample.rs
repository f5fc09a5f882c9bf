//! Resampling with filters that widen when an image is made smaller, for any number of channels.
//!
//! The weights are Pillow's and the `image` crate's: a filter's kernel at the distances of the old pixels' centres, in units of a
//! new pixel where that is larger, normalised to a sum of one; rows first, then columns, in single precision.

use ndarray::{Array3, ArrayView3};
use std::f32::consts::PI;

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub height: usize,
    pub width: usize,
}

impl Size {
    /// A square.
    pub fn square(side: usize) -> Size {
        Size { height: side, width: side }
    }

    /// The size of an image [height, width, channels].
    pub(crate) fn of<T>(image: &ArrayView3<T>) -> Size {
        Size { height: image.dim().0, width: image.dim().1 }
    }
}

/// How the values between pixels are computed. Except for `Nearest`, the filter widens when an image is made smaller, so that nothing aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResizeFilter {
    Nearest,
    /// Linear interpolation, as Pillow's BILINEAR.
    #[default]
    Triangle,
    /// Cubic with a = −1/2, as Pillow's BICUBIC.
    CatmullRom,
    Lanczos3,
}

impl ResizeFilter {
    /// All filters, in the order of their cost.
    pub const ALL: [ResizeFilter; 4] =
        [ResizeFilter::Nearest, ResizeFilter::Triangle, ResizeFilter::CatmullRom, ResizeFilter::Lanczos3];

    /// The name, as in a chapter file and on a page.
    pub fn name(self) -> &'static str {
        match self {
            ResizeFilter::Nearest => "nearest",
            ResizeFilter::Triangle => "triangle",
            ResizeFilter::CatmullRom => "catmull-rom",
            ResizeFilter::Lanczos3 => "lanczos3",
        }
    }

    /// The filter of a name.
    pub fn from_name(name: &str) -> Option<ResizeFilter> {
        ResizeFilter::ALL.into_iter().find(|filter| filter.name() == name)
    }
}

/// A value of an image on the scale 0 to 255: a byte, or a number that is not rounded.
pub trait Level: Copy + Default + Into<f32> + Into<f64> + Send + Sync {
    /// The level nearest to a number.
    fn nearest(value: f32) -> Self;

    /// 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as Pillow, OpenCV and TensorFlow).
    fn grey(rgb: [Self; 3]) -> Self;

    /// The level of a colour of opacity `alpha` over another: α·self + (1 − α)·behind.
    fn over(self, behind: Self, alpha: Self) -> Self;
}

impl Level for u8 {
    fn nearest(value: f32) -> u8 {
        value.round() as u8
    }

    fn grey([red, green, blue]: [u8; 3]) -> u8 {
        ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
    }

    fn over(self, behind: u8, alpha: u8) -> u8 {
        let (colour, behind, alpha) = (u32::from(self), u32::from(behind), u32::from(alpha));
        ((colour * alpha + behind * (255 - alpha) + 127) / 255) as u8
    }
}

impl Level for f32 {
    fn nearest(value: f32) -> f32 {
        value
    }

    fn grey(rgb: [f32; 3]) -> f32 {
        let [red, green, blue] = rgb.map(f64::from);
        (0.299 * red + 0.587 * green + 0.114 * blue) as f32
    }

    fn over(self, behind: f32, alpha: f32) -> f32 {
        (self * alpha + behind * (255.0 - alpha)) / 255.0
    }
}

/// The old pixels that make a new one: the first of them, and the weight of each.
struct Weights {
    first: usize,
    weights: Vec<f32>,
}

/// An image [height, width, channels] of at least one pixel at another size.
pub fn resample<T: Level>(image: ArrayView3<T>, size: Size, filter: ResizeFilter) -> Array3<T> {
    let (height, width, channels) = image.dim();
    let image = image.as_standard_layout();
    let values = image.as_slice().unwrap_or_default();
    let row = width * channels;
    let mut tall = vec![0f32; size.height * row];
    for (made, Weights { first, weights }) in
        tall.chunks_exact_mut(row.max(1)).zip(weights(height, size.height, filter))
    {
        for (old, weight) in values.chunks_exact(row.max(1)).skip(first).zip(weights) {
            for (sum, value) in made.iter_mut().zip(old) {
                *sum += Into::<f32>::into(*value) * weight;
            }
        }
    }
    let columns = weights(width, size.width, filter);
    let mut made = Vec::with_capacity(size.height * size.width * channels);
    for old in tall.chunks_exact(row.max(1)) {
        for Weights { first, weights } in &columns {
            for channel in 0..channels {
                let pixels = old.iter().skip(first * channels + channel).step_by(channels);
                let sum = pixels.zip(weights).fold(0f32, |sum, (value, weight)| sum + value * weight);
                made.push(T::nearest(sum));
            }
        }
    }
    Array3::from_shape_vec((size.height, size.width, channels), made).unwrap_or_default()
}

/// The weights of each of `new` pixels over `old` ones, along one axis.
fn weights(old: usize, new: usize, filter: ResizeFilter) -> Vec<Weights> {
    let ratio = old as f32 / new as f32;
    let widened = ratio.max(1.0);
    let support = filter.support() * widened;
    let of = |pixel: usize| {
        let centre = (pixel as f32 + 0.5) * ratio;
        let first = ((centre - support).floor().max(0.0) as usize).min(old - 1);
        let end = ((centre + support).ceil().max(0.0) as usize).clamp(first + 1, old);
        let mut weights: Vec<f32> =
            (first..end).map(|at| filter.kernel((at as f32 - (centre - 0.5)) / widened)).collect();
        let sum: f32 = weights.iter().fold(0.0, |sum, weight| sum + weight);
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Weights { first, weights }
    };
    (0..new).map(of).collect()
}

impl ResizeFilter {
    /// How far from its centre the kernel reaches.
    fn support(self) -> f32 {
        match self {
            ResizeFilter::Nearest => 0.0,
            ResizeFilter::Triangle => 1.0,
            ResizeFilter::CatmullRom => 2.0,
            ResizeFilter::Lanczos3 => 3.0,
        }
    }

    fn kernel(self, x: f32) -> f32 {
        let sinc = |t: f32| if t == 0.0 { 1.0 } else { (t * PI).sin() / (t * PI) };
        let far = x.abs();
        match self {
            ResizeFilter::Nearest => 1.0,
            ResizeFilter::Triangle => (1.0 - far).max(0.0),
            // The cubic with B = 0 and C = 1/2 (Mitchell and Netravali 1988).
            ResizeFilter::CatmullRom if far < 1.0 => (9.0 * far.powi(3) - 15.0 * far.powi(2) + 6.0) / 6.0,
            ResizeFilter::CatmullRom if far < 2.0 => {
                (-3.0 * far.powi(3) + 15.0 * far.powi(2) - 24.0 * far + 12.0) / 6.0
            }
            ResizeFilter::CatmullRom => 0.0,
            ResizeFilter::Lanczos3 if far < 3.0 => sinc(x) * sinc(x / 3.0),
            ResizeFilter::Lanczos3 => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::image::imageops::{self, FilterType};
    use ::image::{ImageBuffer, Rgb};
    use proptest::prelude::*;

    proptest! {
        /// The `image` crate computes the same for colours of three channels.
        #[test]
        fn bytes_are_those_of_the_image_crate(
            (height, width, new_height, new_width) in (1usize..24, 1usize..24, 1usize..24, 1usize..24),
            filter in 0usize..4, seed: u64,
        ) {
            let mut random = crate::random::Random::new(seed, 0);
            let image = Array3::from_shape_simple_fn((height, width, 3), || random.between(0.0, 256.0) as u8);
            let filter = ResizeFilter::ALL[filter];
            let theirs = [FilterType::Nearest, FilterType::Triangle, FilterType::CatmullRom, FilterType::Lanczos3];
            let theirs = theirs[ResizeFilter::ALL.iter().position(|known| *known == filter).unwrap()];
            let samples = image.iter().copied().collect();
            let buffer = ImageBuffer::<Rgb<u8>, Vec<u8>>::from_raw(width as u32, height as u32, samples).unwrap();
            let wanted = imageops::resize(&buffer, new_width as u32, new_height as u32, theirs).into_raw();
            prop_assume!((height, width) != (new_height, new_width));
            let made = resample(image.view(), Size { height: new_height, width: new_width }, filter);
            prop_assert_eq!(made.into_raw_vec_and_offset().0, wanted);
        }
    }

    #[test]
    fn every_channel_is_resized_alone_and_nothing_is_rounded() {
        let image = Array3::from_shape_fn((1, 4, 5), |(_, column, c)| [0.0, 70.0, 140.0, 210.0][column] + c as f32);
        let half = resample(image.view(), Size { height: 1, width: 2 }, ResizeFilter::Triangle);
        // (3 · 0 + 3 · 70 + 140) / 7 and (70 + 3 · 140 + 3 · 210) / 7.
        for c in 0..5 {
            assert!(
                (half[[0, 0, c]] - 50.0 - c as f32).abs() < 1e-4 && (half[[0, 1, c]] - 160.0 - c as f32).abs() < 1e-4
            );
        }
        let fine = ndarray::arr3(&[[[0.0f32], [1.0]]]);
        let third = resample(fine.view(), Size { height: 1, width: 1 }, ResizeFilter::Triangle);
        assert_eq!(third[[0, 0, 0]], 0.5);
        assert_eq!(f32::grey([7.5; 3]), 7.5);
    }
}
