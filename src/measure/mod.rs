//! Numbers about maps, activations, filters and predictions: one metric a file, each a pure function of arrays and
//! numbers.
//!
//! Conventions shared by all of them: a map is `[height, width]` in input pixels with larger values where the network
//! looks; only its positive, finite values carry energy. A map without any is *empty* and counts as chance, never as
//! NaN. Masks have the shape of the map. [`crate::study::claims`] turns the numbers into verdicts.

pub mod accuracy;
pub mod agreement;
pub mod bootstrap;
pub mod color;
pub mod contrast;
pub mod control;
pub mod detail;
pub mod energy;
pub mod orientation;
pub mod overlap;
pub mod participation;
pub mod perturbation;
pub mod pointing;
pub mod pooling;
pub mod probe;
pub mod reinitialise;
pub mod sampling;
pub mod similarity;
pub mod sparsity;
pub mod spectrum;

/// What a map's value counts for: its positive part; zero where it is not finite.
pub(crate) fn positive(value: f32) -> f64 {
    if value.is_finite() && value > 0.0 { f64::from(value) } else { 0.0 }
}

/// The quotient, or `otherwise` where the denominator is not positive or the quotient not finite.
pub(crate) fn quotient(numerator: f64, denominator: f64, otherwise: f64) -> f64 {
    let value = numerator / denominator;
    if denominator > 0.0 && value.is_finite() { value } else { otherwise }
}

/// The arithmetic mean of the finite values; `None` if there are none.
pub fn mean(values: &[f64]) -> Option<f64> {
    let finite = || values.iter().filter(|v| v.is_finite());
    let n = finite().count();
    (n > 0).then(|| finite().sum::<f64>() / n as f64)
}
