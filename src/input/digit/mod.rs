//! Digits drawn by a program in a human way: a skeleton of pen strokes, one of the shapes people use, written with a different
//! hand each time, and normalised as MNIST is. They stand in for MNIST where it cannot be; they are not MNIST.
//!
//! Only additions, multiplications, divisions and square roots are used, whose results IEEE 754 fixes,
//! so that the same seed gives the same bytes on every platform.

mod hand;
mod pen;
mod skeleton;

use crate::random::Random;
use ndarray::Array2;

/// Side of an image in pixels.
pub const SIDE: usize = 28;
/// The ten digits.
pub const CLASSES: usize = 10;

/// One drawn digit.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The digit, 0..=9.
    pub label: usize,
    /// [28, 28], 0..=255: white ink on black, antialiased.
    pub image: Array2<u8>,
    /// [28, 28], true where ink covers at least half of the pixel.
    pub mask: Array2<bool>,
}

/// Sample number `index` of a digit (taken modulo 10) for a seed; independent of how many samples are drawn, and the same bytes everywhere.
pub fn sample(seed: u64, digit: usize, index: usize) -> Sample {
    let label = digit % CLASSES;
    let stream = (index as u64).wrapping_mul(CLASSES as u64).wrapping_add(label as u64);
    let mut random = Random::new(seed, stream);
    let strokes = hand::write(skeleton::choose(label, &mut random), &mut random);
    let image = pen::draw(&strokes, hand::thickness(&mut random)).mapv(|ink| (ink * 255.0 + 0.5) as u8);
    let mask = image.mapv(|value| value >= 128);
    Sample { label, image, mask }
}

/// The first `count` samples in the order of the IDX files: one of each digit in turn, so that any prefix is balanced.
pub fn samples(seed: u64, count: usize) -> impl Iterator<Item = Sample> {
    (0..count).map(move |i| sample(seed, i % CLASSES, i / CLASSES))
}

#[cfg(test)]
mod tests;
