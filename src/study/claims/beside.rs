//! A second method's verdict beside the deciding one's, and whether the two agree.

use crate::study::claims::words::list;
use crate::study::claims::{Judgement, Verdict};
use serde::Serialize;

/// A second method's verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    pub method: String,
    pub verdict: Verdict,
    /// What decides by this method.
    pub deciding: Vec<Judgement>,
    /// Whether signs and verdicts are those of the deciding method.
    pub agrees: bool,
    /// Its numbers, and whether it agrees.
    pub text: String,
}

impl Beside {
    /// HiResCAM's judgements beside Grad-CAM's of the same numbers, pair by pair; `verdict` is the whole claim's by
    /// either. Agreement means the same verdict and sign of every number.
    pub(crate) fn hires_cam(
        grad_cam: (&[Judgement], Verdict),
        hires_cam: (&[Judgement], Verdict),
        text: impl Into<String>,
    ) -> Beside {
        let same = |(a, b): (&Judgement, &Judgement)| {
            a.verdict == b.verdict && (a.interval.value < 0.0) == (b.interval.value < 0.0)
        };
        let pairs = || grad_cam.0.iter().zip(hires_cam.0);
        let agrees = grad_cam.1 == hires_cam.1 && pairs().all(same);
        let agreement = match (agrees, grad_cam.1 == hires_cam.1) {
            (true, _) => "It agrees with Grad-CAM.".to_string(),
            (false, false) => "It disagrees with Grad-CAM.".to_string(),
            (false, true) => {
                let differing: Vec<String> = pairs().filter(|pair| !same(*pair)).map(|pair| pair.0.label()).collect();
                format!(
                    "The verdict is Grad-CAM's, but the two do not agree in sign and verdict on {}.",
                    list(&differing)
                )
            }
        };
        Beside {
            method: "HiResCAM".into(),
            verdict: hires_cam.1,
            deciding: hires_cam.0.to_vec(),
            agrees,
            text: format!("{} {agreement}", text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::bootstrap::Interval;
    use crate::study::claims::{Basis, Margin, Unit};

    fn judged(name: &str, value: f64) -> Judgement {
        let interval = Interval { value, low: value - 0.1, high: value + 0.1 };
        Judgement::new(name, Unit::Plain, interval, Basis::of(9, 1), Margin::above(0.25))
    }

    #[test]
    fn methods_agree_only_if_every_sign_and_verdict_does() {
        let beside = |ours: [f64; 2], theirs: [f64; 2]| {
            let judge = |values: [f64; 2]| [judged("against A", values[0]), judged("against B", values[1])];
            let (ours, theirs) = (judge(ours), judge(theirs));
            Beside::hires_cam(
                (&ours, crate::study::claims::all(&ours)),
                (&theirs, crate::study::claims::all(&theirs)),
                "",
            )
        };
        assert!(beside([0.6, 0.7], [0.5, 0.9]).agrees);
        // Both refuse the claim, for opposite reasons: −1.19 and 1.84 against 0.0 and 4.41.
        let opposite = beside([-1.19, 1.84], [0.05, 4.41]);
        assert!(!opposite.agrees && opposite.text.contains("do not agree in sign and verdict on against A"));
        // The same sign, but another verdict on one number.
        assert!(!beside([0.6, 0.1], [0.1, 0.1]).agrees);
        let other = beside([0.6, 0.6], [0.1, 0.6]);
        assert!(!other.agrees && other.text.contains("It disagrees with Grad-CAM."));
    }
}
