//! Seeded random numbers with a named, versioned generator: ChaCha8, whose output is fixed by its specification.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A reproducible stream of random numbers. The same seed and stream give the same numbers on every platform.
#[derive(Clone)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The generator for `seed`; `stream` separates independent uses of one seed (a sample's index, a filter's number).
    pub fn new(seed: u64, stream: u64) -> Random {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(stream);
        Random(generator)
    }

    /// A number uniformly distributed in [0, 1), with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number uniformly distributed in [0, 1), with 24 random bits: all that single precision holds, at half the work.
    pub fn uniform_f32(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// A number uniformly distributed in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// An integer uniformly distributed in 0..n (`n` > 0); the bias of at most n/2^53 is far below what any use here could notice.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A standard normal number, by Box and Muller's transform.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Shuffles a slice in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_chacha8_with_a_zero_padded_seed() {
        let mut key = [0u8; 32];
        key[0] = 7;
        let mut expected = ChaCha8Rng::from_seed(key);
        expected.set_stream(3);
        let mut ours = Random::new(7, 3);
        for _ in 0..4 {
            assert_eq!(ours.uniform(), (expected.next_u64() >> 11) as f64 / 9007199254740992.0);
        }
        assert_ne!(Random::new(7, 3).uniform(), Random::new(7, 4).uniform());
        assert_ne!(Random::new(7, 3).uniform(), Random::new(8, 3).uniform());
    }

    #[test]
    fn numbers_have_the_moments_of_their_distributions() {
        let mut random = Random::new(1, 0);
        let n = 20_000;
        let uniform: f64 = (0..n).map(|_| random.uniform()).sum::<f64>() / n as f64;
        assert!((uniform - 0.5).abs() < 0.01, "{uniform}");
        let normal: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let mean = normal.iter().sum::<f64>() / n as f64;
        let variance = normal.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn shuffling_permutes() {
        let mut items: Vec<usize> = (0..50).collect();
        Random::new(5, 0).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
