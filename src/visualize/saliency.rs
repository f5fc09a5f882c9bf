//! Maps of the input's own pixels, from the gradient of a score with respect to the input.

use crate::error::Result;
use crate::random::Random;
use ndarray::{Array2, ArrayD, ArrayView3, Axis};

/// Gives a score and its gradient with respect to the input, at an input of any shape.
pub type ScoreGradient<'a> = dyn Fn(&ArrayD<f32>) -> Result<(f32, ArrayD<f32>)> + 'a;

/// How an input's gradient becomes a map. Guided backpropagation (Springenberg et al. 2014, arXiv:1412.6806) is
/// [`Method::Gradient`] with the guided rule at every ReLU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The gradient itself (Simonyan et al. 2013, arXiv:1312.6034).
    Gradient,
    /// The gradient with the guided rule at each ReLU (Springenberg et al. 2014, arXiv:1412.6806).
    GuidedBackprop,
    /// The mean gradient of noisy copies (Smilkov et al. 2017, arXiv:1706.03825).
    SmoothGrad,
    /// The gradient summed along a path from zeros (Sundararajan et al. 2017, arXiv:1703.01365).
    IntegratedGradients,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 4] =
        [Method::Gradient, Method::GuidedBackprop, Method::SmoothGrad, Method::IntegratedGradients];
    /// The names used in chapter files and on the command line, in the order of [`Method::ALL`].
    pub const NAMES: [&'static str; 4] = {
        let mut names = [""; 4];
        let mut i = 0;
        while i < 4 {
            names[i] = Method::ALL[i].name();
            i += 1;
        }
        names
    };

    /// The name used in chapter files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Gradient => "gradient",
            Method::GuidedBackprop => "guided-backprop",
            Method::SmoothGrad => "smoothgrad",
            Method::IntegratedGradients => "integrated-gradients",
        }
    }

    /// The method of a name in [`Method::NAMES`].
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The name as the literature writes it.
    pub fn title(self) -> &'static str {
        match self {
            Method::Gradient => "Gradient",
            Method::GuidedBackprop => "Guided backpropagation",
            Method::SmoothGrad => "SmoothGrad",
            Method::IntegratedGradients => "Integrated gradients",
        }
    }
}

/// SmoothGrad: the mean gradient over `samples` noisy copies of the input (Smilkov et al. 2017, arXiv:1706.03825).
/// The noise is normal, its standard deviation `noise` times the input's range. At least one sample is taken.
///
/// # Errors
/// Those of `score_gradient`.
pub fn smooth_grad(
    score_gradient: &ScoreGradient,
    input: &ArrayD<f32>,
    samples: usize,
    noise: f64,
    seed: u64,
) -> Result<ArrayD<f32>> {
    let (low, high) = input.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let deviation = noise * f64::from((high - low).max(0.0));
    let samples = samples.max(1);
    let mut total = ArrayD::<f64>::zeros(input.raw_dim());
    for sample in 0..samples {
        let mut random = Random::new(seed, sample as u64);
        let noisy = input.mapv(|value| value + (deviation * random.normal()) as f32);
        let (_, gradient) = score_gradient(&noisy)?;
        total.zip_mut_with(&gradient, |sum, g| *sum += f64::from(*g));
    }
    Ok(total.mapv(|sum| (sum / samples as f64) as f32))
}

/// Integrated gradients: (x − x₀) · ∫ ∇f along the straight path from the baseline x₀ (Sundararajan et al. 2017,
/// arXiv:1703.01365), by the midpoint rule with `steps` steps. The attributions sum to f(x) − f(x₀) up to the rule's error.
///
/// # Errors
/// Those of `score_gradient`.
pub fn integrated_gradients(
    score_gradient: &ScoreGradient,
    input: &ArrayD<f32>,
    baseline: &ArrayD<f32>,
    steps: usize,
) -> Result<ArrayD<f32>> {
    let steps = steps.max(1);
    let path = input - baseline;
    let mut total = ArrayD::<f64>::zeros(input.raw_dim());
    for step in 0..steps {
        let along = (step as f32 + 0.5) / steps as f32;
        let (_, gradient) = score_gradient(&(baseline + &(&path * along)))?;
        total.zip_mut_with(&gradient, |sum, g| *sum += f64::from(*g));
    }
    total.zip_mut_with(&path, |sum, d| *sum *= f64::from(*d) / steps as f64);
    Ok(total.mapv(|value| value as f32))
}

/// One value a pixel, [h, w], from a gradient [h, w, c]: the largest magnitude over the channels (Simonyan et al. 2013,
/// arXiv:1312.6034).
pub fn strongest_channel(gradient: ArrayView3<f32>) -> Array2<f32> {
    gradient.map_axis(Axis(2), |channels| channels.iter().fold(0.0, |most: f32, g| most.max(g.abs())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, array};

    /// f(x) = Σ x³ and its gradient 3x².
    fn cubes(x: &ArrayD<f32>) -> Result<(f32, ArrayD<f32>)> {
        Ok((x.mapv(|v| v * v * v).sum(), x.mapv(|v| 3.0 * v * v)))
    }

    #[test]
    fn integrated_gradients_sum_to_the_difference_of_the_scores() {
        let x = array![1.0f32, -2.0, 0.5].into_dyn();
        let x0 = array![0.5f32, 0.0, 0.0].into_dyn();
        let map = integrated_gradients(&cubes, &x, &x0, 200).unwrap();
        // Each term is x³ - x0³ on its own, as the function is separable.
        for (got, expected) in map.iter().zip([1.0 - 0.125, -8.0, 0.125]) {
            assert!((got - expected).abs() < 1e-3, "{got} for {expected}");
        }
    }

    #[test]
    fn smooth_grad_of_a_cube_adds_the_variance_of_the_noise() {
        // E[3(x + n)²] = 3x² + 3σ², with σ = 0.1 · (2 − 0).
        let x = array![0.0f32, 2.0].into_dyn();
        let map = smooth_grad(&cubes, &x, 4000, 0.1, 1).unwrap();
        assert!((map[0] - 0.12).abs() < 0.01, "{}", map[0]);
        assert!((map[1] - 12.12).abs() < 0.15, "{}", map[1]);
        assert_eq!(map, smooth_grad(&cubes, &x, 4000, 0.1, 1).unwrap());
    }

    #[test]
    fn a_flat_input_gets_no_noise() {
        let x = array![2.0f32, 2.0].into_dyn();
        assert_eq!(smooth_grad(&cubes, &x, 3, 0.1, 1).unwrap(), array![12.0f32, 12.0].into_dyn());
    }

    #[test]
    fn the_strongest_channel_counts() {
        assert_eq!(strongest_channel(array![[[1.0, -3.0, 2.0], [0.0, 0.0, 0.5]]].view()), array![[3.0, 0.5]]);
    }
}
