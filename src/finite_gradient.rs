//! Central differences of any closure: a gradient without a chain rule, which proves the other one or stands in for it.
//!
//! Networks are smooth between kinks (a ReLU at 0, two equal elements under a max-pool). At a kink the forward and the
//! backward quotient disagree, and go on disagreeing however small the step; curvature makes them disagree too, but
//! half as much for half the step. That is how the closure alone tells one from the other. (A kink at a third of the
//! step happens to halve as well; a look at a quarter of the step finds it.)

use crate::error::{Error, Result};

/// One evaluation of the closure: at `offset` along direction number `direction`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    pub direction: usize,
    pub offset: f64,
}

/// How far to step, and how well the closure computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Offset of the outer probes.
    pub step: f64,
    /// Rounding error of a value, relative to its magnitude.
    pub rounding: f64,
    /// How far the two quotients may be apart, relative to the largest derivative, before a kink is looked for: what is
    /// less can spoil no comparison, and a value that is the small difference of large ones rounds more coarsely than it
    /// looks.
    pub harmless: f64,
}

impl Precision {
    /// For closures that compute in `f64`, of values about as large as `scale`: the step, ∛ε · scale, balances the
    /// error of rounding and that of the third derivative.
    pub fn double(scale: f64) -> Precision {
        Precision { step: f64::EPSILON.cbrt() * positive(scale), rounding: 32.0 * f64::EPSILON, harmless: 1e-7 }
    }

    /// For closures that compute in `f32`.
    pub fn single(scale: f64) -> Precision {
        let epsilon = f64::from(f32::EPSILON);
        Precision { step: epsilon.cbrt() * positive(scale), rounding: 4.0 * epsilon, harmless: 1e-4 }
    }
}

fn positive(scale: f64) -> f64 {
    if scale.is_finite() && scale > 0.0 { scale } else { 1.0 }
}

/// The derivative along each of `count` directions at offset 0; `None` where there is a kink.
///
/// `evaluate` gets many probes at once, so that it can run them as a batch, and returns one value for each. Probes at
/// offset 0 are the same for all directions and are asked for once. A direction takes two probes, and four more where
/// the quotients disagree.
///
/// # Errors
/// Those of `evaluate`, or if it returns too few values or one that is not finite.
pub fn derivatives(
    count: usize,
    precision: Precision,
    mut evaluate: impl FnMut(&[Probe]) -> Result<Vec<f64>>,
) -> Result<Vec<Option<f64>>> {
    let mut checked = |probes: &[Probe]| -> Result<Vec<f64>> {
        let values = evaluate(probes)?;
        if values.len() != probes.len() || values.iter().any(|value| !value.is_finite()) {
            return Err(Error::input(format!(
                "the finite gradient cannot be computed: {} probes gave {} values, of which {} are finite",
                probes.len(),
                values.len(),
                values.iter().filter(|value| value.is_finite()).count()
            )));
        }
        Ok(values)
    };
    if count == 0 {
        return Ok(Vec::new());
    }
    let center = checked(&[Probe { direction: 0, offset: 0.0 }])?[0];
    let wide = checked(&pairs(0..count, precision.step))?;
    let quotients: Vec<Quotients> =
        wide.chunks_exact(2).map(|pair| Quotients::new(center, pair, precision, precision.step)).collect();
    let largest = quotients.iter().fold(0.0, |largest: f64, quotient| largest.max(quotient.central().abs()));
    let is_bent = |quotient: &Quotients| quotient.gap().abs() > quotient.noise.max(precision.harmless * largest);
    let bent: Vec<usize> = (0..count).filter(|&i| is_bent(&quotients[i])).collect();

    let mut derivatives: Vec<Option<f64>> = quotients.iter().map(|quotient| Some(quotient.central())).collect();
    for part in [0.5, 0.25] {
        if bent.is_empty() {
            break;
        }
        let step = part * precision.step;
        let near = checked(&pairs(bent.iter().copied(), step))?;
        for (&direction, pair) in bent.iter().zip(near.chunks_exact(2)) {
            let (wide, near) = (&quotients[direction], Quotients::new(center, pair, precision, step));
            let unexplained = (wide.gap() - near.gap() / part).abs();
            if unexplained > 0.1 * wide.gap().abs() + near.noise / part {
                derivatives[direction] = None;
            }
        }
    }
    Ok(derivatives)
}

fn pairs(directions: impl Iterator<Item = usize>, step: f64) -> Vec<Probe> {
    directions.flat_map(|direction| [step, -step].map(|offset| Probe { direction, offset })).collect()
}

/// The two one-sided quotients at one step, and how far rounding alone may set them apart.
struct Quotients {
    forward: f64,
    backward: f64,
    noise: f64,
}

impl Quotients {
    /// `pair`: the values at +step and −step.
    fn new(center: f64, pair: &[f64], precision: Precision, step: f64) -> Quotients {
        let magnitude = pair.iter().fold(center.abs(), |largest, value| largest.max(value.abs()));
        Quotients {
            forward: (pair[0] - center) / step,
            backward: (center - pair[1]) / step,
            noise: 4.0 * precision.rounding * magnitude / step,
        }
    }

    fn gap(&self) -> f64 {
        self.forward - self.backward
    }

    fn central(&self) -> f64 {
        0.5 * (self.forward + self.backward)
    }
}

/// Errors up to so many times what the differences are apart from themselves prove nothing.
const DOUBTFUL: f64 = 4.0;

/// Samples of a gradient and of its finite differences, collected over tensors and images.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    errors: Vec<f64>,
    dropped: usize,
    /// Samples at which both gradients are exactly zero.
    zeros: usize,
    /// How far the differences themselves were apart at another step, relative as the errors are.
    uncertainty: f64,
}

impl Comparison {
    /// Adds samples of one tensor. `largest` is the largest |g| of that whole tensor, which errors are relative to;
    /// where it is 0 the error is absolute.
    pub fn add(&mut self, gradient: &[f64], finite: &[Option<f64>], largest: f64) {
        for (&g, finite) in gradient.iter().zip(finite) {
            match finite {
                Some(finite) => {
                    self.zeros += usize::from(g == 0.0 && *finite == 0.0);
                    self.errors.push((g - finite).abs() / if largest > 0.0 { largest } else { 1.0 });
                }
                None => self.dropped += 1,
            }
        }
    }

    /// Notes how far two differences of the same derivatives, at different steps, are apart: what they cannot tell themselves, no
    /// gradient can fail by. `largest` as for [`Comparison::add`].
    pub fn doubt(&mut self, finite: &[Option<f64>], again: &[Option<f64>], largest: f64) {
        let apart = finite.iter().zip(again).filter_map(|(a, b)| Some((a.as_ref()? - b.as_ref()?).abs()));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        self.uncertainty = apart.fold(self.uncertainty, |most, apart| most.max(apart / scale));
    }

    /// Adds the samples of another comparison.
    pub fn extend(&mut self, other: &Comparison) {
        self.errors.extend(&other.errors);
        self.dropped += other.dropped;
        self.zeros += other.zeros;
        self.uncertainty = self.uncertainty.max(other.uncertainty);
    }

    /// The figures, and whether every error is within `tolerance`.
    pub fn check(&self, tolerance: f64) -> Check {
        let mut errors = self.errors.clone();
        errors.sort_by(f64::total_cmp);
        let (compared, dropped) = (errors.len(), self.dropped);
        let max = errors.last().copied().unwrap_or(0.0);
        let median = match compared {
            0 => 0.0,
            n => 0.5 * (errors[(n - 1) / 2] + errors[n / 2]),
        };
        let verdict = match () {
            () if compared + dropped == 0 || self.zeros == compared + dropped => Verdict::Empty,
            () if dropped * 10 > compared + dropped => Verdict::TooManyKinks,
            () if max <= tolerance => Verdict::Agree,
            () if max <= DOUBTFUL * self.uncertainty => Verdict::Undecided,
            () => Verdict::Differ,
        };
        let uncertainty = self.uncertainty;
        Check {
            compared,
            dropped,
            max_relative_error: max,
            median_relative_error: median,
            tolerance,
            uncertainty,
            verdict,
        }
    }
}

/// What a comparison of two gradients came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Check {
    /// Samples compared.
    pub compared: usize,
    /// Samples on a kink, not compared.
    pub dropped: usize,
    /// Largest |difference| / largest |g| of its tensor.
    pub max_relative_error: f64,
    pub median_relative_error: f64,
    /// What the largest error may be.
    pub tolerance: f64,
    /// How far the finite differences are apart from themselves at another step, relative as the errors; 0 where they were
    /// taken once, in double precision.
    pub uncertainty: f64,
    pub verdict: Verdict,
}

/// The outcome of a [`Check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Agree,
    /// The largest error is above the tolerance.
    Differ,
    /// More than 10 % of the samples were dropped, so that what is left proves little.
    TooManyKinks,
    /// The largest error is above the tolerance, but no larger than what the differences may be off themselves.
    Undecided,
    /// There was nothing to compare: no samples, or only ones at which both gradients are zero.
    Empty,
}

impl Check {
    /// Whether the two gradients agree, on enough samples.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Agree
    }
}

impl Verdict {
    /// What several checks come to: a failure if any failed, else undecided if any is, else agreement if any agrees.
    pub fn of_all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
        let order = [Verdict::Differ, Verdict::TooManyKinks, Verdict::Undecided, Verdict::Agree, Verdict::Empty];
        let found: Vec<Verdict> = verdicts.collect();
        order.into_iter().find(|verdict| found.contains(verdict)).unwrap_or(Verdict::Empty)
    }

    /// In a word or two, as tables have it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Agree => "holds",
            Verdict::Differ => "FAILS",
            Verdict::TooManyKinks | Verdict::Undecided => "undecided",
            Verdict::Empty => "empty",
        }
    }

    /// The reason, where there is no plain yes or no.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Verdict::Agree | Verdict::Differ => None,
            Verdict::TooManyKinks => {
                Some("more than a tenth of the samples lie on kinks, where there is no derivative")
            }
            Verdict::Undecided => Some(
                "the finite differences themselves are no more exact than that, as tract computes an operator in single precision",
            ),
            Verdict::Empty => Some("all gradients are zero, or nothing was compared"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Derivatives of functions of the offset, one for each direction.
    fn derive(functions: &[fn(f64) -> f64]) -> Vec<Option<f64>> {
        let evaluate = |probes: &[Probe]| Ok(probes.iter().map(|p| functions[p.direction](p.offset)).collect());
        derivatives(functions.len(), Precision::double(1.0), evaluate).unwrap()
    }

    #[test]
    fn smooth_functions_have_their_derivatives() {
        // All are 1 at 0, as the probe at offset 0 is shared.
        let found = derive(&[|t| 1.0 + 3.0 * t, |t| (2.0 * t).exp(), |t| (5.0 * t).cos() + t, |_| 1.0]);
        for (found, expected) in found.iter().zip([3.0, 2.0, 1.0, 0.0]) {
            assert!((found.unwrap() - expected).abs() < 1e-8, "{found:?} {expected}");
        }
    }

    #[test]
    fn kinks_are_found_at_the_point_and_beside_it() {
        let found = derive(&[
            |t| 1.0 + t.max(0.0),
            |t| 1.0 + t.abs() * 1e-4,
            |t| 1.0 + (t - 2e-6).max(0.0),
            |t| 1.0 + (t + 5e-6).max(0.0) - 5e-6,
            |t| 1.0 + (t - 1e-5).max(0.0),
        ]);
        assert_eq!(found[..4], [None; 4]);
        assert_eq!(found[4], Some(0.0), "a kink out of reach does no harm");
    }

    /// A score that is nearly nothing, the difference of two large numbers, rounds as those do.
    #[test]
    fn rounding_of_what_cancels_is_no_kink() {
        let found = derive(&[|t| 3e3 * (1e-3 * t).exp() - 3e3, |t| 2e4 * (1e-3 * t).exp() - 2e4]);
        for (found, expected) in found.iter().zip([3.0, 20.0]) {
            assert!((found.unwrap() - expected).abs() < 1e-7 * 20.0, "{found:?} {expected}");
        }
    }

    #[test]
    fn single_precision_steps_further() {
        let f = |t: f64| f64::from((1.5f32 + t as f32).powi(3));
        let evaluate = |probes: &[Probe]| Ok(probes.iter().map(|probe| f(probe.offset)).collect());
        let found = derivatives(1, Precision::single(1.5), evaluate).unwrap()[0].unwrap();
        assert!((found - 6.75).abs() < 1e-3, "{found}");
    }

    #[test]
    fn a_closure_that_fails_is_reported() {
        let nan = derivatives(2, Precision::double(1.0), |probes| Ok(vec![f64::NAN; probes.len()]));
        assert!(nan.unwrap_err().to_string().contains("0 are finite"));
        assert!(derivatives(1, Precision::double(1.0), |_| Ok(vec![])).is_err());
        assert!(derivatives(0, Precision::double(1.0), |_| Err(Error::other("never called"))).unwrap().is_empty());
    }

    #[test]
    fn errors_are_relative_to_the_largest_gradient() {
        let mut comparison = Comparison::default();
        comparison.add(&[1.0, 2.0, 4.0], &[Some(1.0), Some(2.5), Some(4.0)], 5.0);
        let check = comparison.check(0.1);
        assert_eq!((check.compared, check.dropped, check.verdict), (3, 0, Verdict::Agree));
        assert!((check.max_relative_error - 0.1).abs() < 1e-15 && check.median_relative_error == 0.0);
        assert_eq!(comparison.check(0.09).verdict, Verdict::Differ);
        comparison.add(&[0.0], &[Some(0.25)], 0.0);
        assert_eq!(comparison.check(1.0).max_relative_error, 0.25);
        comparison.add(&[1.0], &[None], 5.0);
        assert_eq!(comparison.check(1.0).verdict, Verdict::TooManyKinks);
        assert_eq!(Comparison::default().check(1.0).verdict, Verdict::Empty);
    }

    #[test]
    fn what_cannot_be_told_is_neither_right_nor_wrong() {
        let (gradient, finite, again) = ([2.0, 4.0], [Some(2.1), Some(4.0)], [Some(2.1), Some(3.95)]);
        let mut comparison = Comparison::default();
        comparison.add(&gradient, &finite, 4.0);
        assert_eq!(comparison.check(1e-3).verdict, Verdict::Differ);
        comparison.doubt(&finite, &again, 4.0);
        assert_eq!(
            comparison.check(1e-3).verdict,
            Verdict::Undecided,
            "off by 0.025 where the differences are by 0.0125"
        );
        comparison.add(&[1.0], &[Some(1.3)], 4.0);
        assert_eq!(comparison.check(1e-3).verdict, Verdict::Differ, "0.075 is more than that explains");

        let mut nothing = Comparison::default();
        nothing.add(&[0.0, 0.0], &[Some(0.0), None], 0.0);
        assert_eq!(nothing.check(1e-3).verdict, Verdict::TooManyKinks);
        let mut nothing = Comparison::default();
        nothing.add(&[0.0, 0.0], &[Some(0.0), Some(0.0)], 0.0);
        assert_eq!(nothing.check(1e-3).verdict, Verdict::Empty, "zeros prove nothing");
        nothing.add(&[1.0], &[Some(1.0)], 1.0);
        assert_eq!(nothing.check(1e-3).verdict, Verdict::Agree);

        let all = |verdicts: &[Verdict]| Verdict::of_all(verdicts.iter().copied());
        assert_eq!(all(&[Verdict::Agree, Verdict::Empty]), Verdict::Agree);
        assert_eq!(all(&[Verdict::Agree, Verdict::Undecided]), Verdict::Undecided);
        assert_eq!(all(&[Verdict::Undecided, Verdict::Differ]), Verdict::Differ);
        assert_eq!(all(&[]), Verdict::Empty);
    }
}
