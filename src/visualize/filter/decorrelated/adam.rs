//! Adam, the rule of the steps (D. Kingma, J. Ba 2014, arXiv:1412.6980, algorithm 1), upwards.

/// Running means of a gradient and of its square.
pub struct Adam {
    rate: f32,
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
}

/// The paper's β₁, β₂ and ε.
const MEAN: f32 = 0.9;
const SQUARE: f32 = 0.999;
const EPSILON: f32 = 1e-8;

impl Adam {
    /// For this many parameters, none of which moves by more than about `rate` in a step.
    pub fn new(parameters: usize, rate: f32) -> Adam {
        Adam { rate, mean: vec![0.0; parameters], square: vec![0.0; parameters], steps: 0 }
    }

    /// A step up along the gradient.
    pub fn advance(&mut self, parameters: &mut [f32], gradient: &[f32]) {
        self.steps = self.steps.saturating_add(1);
        let mean_correction = 1.0 / (1.0 - MEAN.powi(self.steps));
        let square_correction = 1.0 / (1.0 - SQUARE.powi(self.steps));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((parameter, &g), (mean, square)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *mean = MEAN * *mean + (1.0 - MEAN) * g;
            *square = SQUARE * *square + (1.0 - SQUARE) * g * g;
            *parameter += self.rate * *mean * mean_correction / ((*square * square_correction).sqrt() + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_paper_s() {
        let mut adam = Adam::new(3, 0.05);
        let mut x = [1.0, -1.0, 0.0];
        // The first step is the rate long whatever the gradient, and none where there is no gradient.
        adam.advance(&mut x, &[4.0, -0.002, 0.0]);
        for (got, wanted) in x.iter().zip([1.05, -1.05, 0.0]) {
            assert!((got - wanted).abs() < 1e-5, "{x:?}");
        }
        // The first coordinate: m = 0.9 · 0.4 + 0.1 · 1 = 0.46, over 1 − 0.9² = 0.19; v = 0.999 · 0.016 + 0.001 = 0.016984,
        // over 1 − 0.999² = 0.001999: 2.421053 / √8.496248 = 0.830599 of the rate.
        adam.advance(&mut x, &[1.0, -0.002, 0.0]);
        assert!((x[0] - (1.05 + 0.05 * 0.830599)).abs() < 1e-5, "{x:?}");
        assert!((x[1] + 1.1).abs() < 1e-5 && x[2] == 0.0, "{x:?}");
    }
}
