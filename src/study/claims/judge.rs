//! How a number becomes a verdict, and the parts of the evidence that all comparisons with re-initialised copies share.

use crate::measure::bootstrap::{Contrast, Interval, against_copies};
use crate::study::claims::measurements::Filled;
use crate::study::claims::words::{count, list, number, with_interval};
use crate::study::claims::{Chart, Detail, IntervalRow, Measurements, Network, Verdict, threshold};

/// Supported where the whole interval lies above `line`, not supported where it lies below, else undecided.
pub(crate) fn above(interval: &Interval, line: f64) -> Verdict {
    match interval {
        i if i.low > line => Verdict::Supported,
        i if i.high < line => Verdict::NotSupported,
        _ => Verdict::Undecided,
    }
}

/// The reverse of [`above`].
pub(crate) fn below(interval: &Interval, line: f64) -> Verdict {
    match above(interval, line) {
        Verdict::Supported => Verdict::NotSupported,
        Verdict::NotSupported => Verdict::Supported,
        Verdict::Undecided => Verdict::Undecided,
    }
}

/// All must be supported; one that is not decides against; else undecided.
pub(crate) fn all(verdicts: &[Verdict]) -> Verdict {
    if verdicts.contains(&Verdict::NotSupported) {
        Verdict::NotSupported
    } else if verdicts.iter().all(|v| *v == Verdict::Supported) {
        Verdict::Supported
    } else {
        Verdict::Undecided
    }
}

/// Supported if more than half are; not supported if half or more are not; else undecided.
pub(crate) fn most(verdicts: &[Verdict]) -> Verdict {
    let of = |wanted: Verdict| 2 * verdicts.iter().filter(|v| **v == wanted).count();
    if of(Verdict::Supported) > verdicts.len() {
        Verdict::Supported
    } else if of(Verdict::NotSupported) >= verdicts.len() {
        Verdict::NotSupported
    } else {
        Verdict::Undecided
    }
}

/// A trained network against its copies: the burden of proof is the claim's. Supported if the interval lies beyond the
/// margin; not supported if it holds zero, for then the network cannot be told from random weights, or lies below the
/// margin; undecided between, or with too few cases or copies.
pub(crate) fn against_margin(contrast: &Contrast, margin: f64, fewest_cases: usize) -> Verdict {
    let d = &contrast.difference;
    if contrast.n < fewest_cases || contrast.copies.len() < threshold::COPIES {
        Verdict::Undecided
    } else if d.low > margin {
        Verdict::Supported
    } else if d.low <= 0.0 || d.high < margin {
        Verdict::NotSupported
    } else {
        Verdict::Undecided
    }
}

/// One network of a comparison.
pub(crate) struct Judged<'a> {
    pub network: &'a Network,
    pub contrast: Contrast,
    pub verdict: Verdict,
}

/// The networks for which `measured` gives numbers, judged each against its own copies.
pub(crate) fn judged(
    measurements: &Measurements,
    margin: f64,
    fewest_cases: usize,
    measured: impl Fn(&Network) -> Option<Filled>,
) -> Vec<Judged<'_>> {
    let judge = |network| {
        let filled = measured(network)?;
        let contrast = against_copies(&filled.trained, &filled.copies, measurements.seed)?;
        Some(Judged { network, verdict: against_margin(&contrast, margin, fewest_cases), contrast })
    };
    measurements.networks.iter().filter_map(judge).collect()
}

/// The verdict on most of the networks, and the mean difference over them; `None` without networks.
pub(crate) fn on_most(judged: &[Judged<'_>]) -> Option<(Verdict, Interval)> {
    let verdict = most(&judged.iter().map(|j| j.verdict).collect::<Vec<_>>());
    Some((verdict, Interval::mean_of(&judged.iter().map(|j| j.contrast.difference).collect::<Vec<_>>())?))
}

/// Cases of all networks.
pub(crate) fn cases(judged: &[Judged<'_>]) -> usize {
    judged.iter().map(|j| j.contrast.n).sum()
}

/// "A 6.23 (copies 5.30), B 3.41 (copies 2.59)": each network's level beside its copies'.
pub(crate) fn levels(judged: &[Judged<'_>]) -> String {
    let level = |j: &Judged<'_>| {
        format!("{} {} (copies {})", j.network.name, number(j.contrast.trained), number(j.contrast.copies_mean()))
    };
    judged.iter().map(level).collect::<Vec<_>>().join(", ")
}

/// "Beyond the copies in 4 of 6 networks (A, B, C and D); …".
pub(crate) fn sentence(judged: &[Judged<'_>]) -> String {
    let supported: Vec<&str> =
        judged.iter().filter(|j| j.verdict == Verdict::Supported).map(|j| j.network.name.as_str()).collect();
    let names = if supported.is_empty() { String::new() } else { format!(" ({})", list(&supported)) };
    format!(
        "beyond the re-initialised copies by more than the margin in {} of {}{names}",
        supported.len(),
        count(judged.len(), "network")
    )
}

/// What a verdict against the copies means.
pub(crate) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "",
        Verdict::NotSupported => {
            " So what the picture shows cannot be credited to training: networks with random weights show about as much."
        }
        Verdict::Undecided => " The interval does not decide whether the picture comes from training.",
    }
}

/// One detail line per network.
pub(crate) fn details(judged: &[Judged<'_>], unit: &str) -> Vec<Detail> {
    let line = |j: &Judged<'_>| Detail {
        name: j.network.name.clone(),
        text: format!(
            "trained {}, copies {} ({}){unit}; difference {}, n = {}: {}",
            number(j.contrast.trained),
            number(j.contrast.copies_mean()),
            j.contrast.copies.iter().map(|c| number(*c)).collect::<Vec<_>>().join(", "),
            with_interval(&j.contrast.difference),
            j.contrast.n,
            j.verdict.word()
        ),
    };
    judged.iter().map(line).collect()
}

/// The differences of all networks with the margin; the points are the differences to the single copies.
pub(crate) fn chart(judged: &[Judged<'_>], axis: &str, margin: f64) -> Chart {
    let row = |j: &Judged<'_>| IntervalRow {
        label: j.network.name.clone(),
        interval: j.contrast.difference,
        points: j.contrast.copies.iter().map(|copy| j.contrast.trained - copy).collect(),
    };
    Chart::Intervals { axis: axis.to_string(), rows: judged.iter().map(row).collect(), threshold: margin }
}

/// The rule of all comparisons with copies.
pub(crate) fn rule(margin: f64) -> String {
    format!(
        "in more than half of the networks the 95 % interval of trained − re-initialised lies above {}; it covers the draw of the images and of the random weights ({} copies or more)",
        number(margin),
        threshold::COPIES
    )
}

/// Identifiers of the judged networks' figures.
pub(crate) fn figures(judged: &[Judged<'_>], of: impl Fn(&Network) -> Vec<String>) -> Vec<String> {
    judged.iter().flat_map(|j| of(j.network)).collect()
}

/// A network's images in words, all different ones once.
pub(crate) fn image_words(judged: &[Judged<'_>]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for j in judged.iter().filter(|j| !j.network.images.is_empty()) {
        if !words.contains(&j.network.images.as_str()) {
            words.push(&j.network.images);
        }
    }
    if words.is_empty() { "images".to_string() } else { list(&words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{NotSupported, Supported, Undecided};

    #[test]
    fn most_and_all() {
        assert_eq!(most(&[Supported, Supported, NotSupported]), Supported);
        assert_eq!(most(&[Supported, NotSupported]), NotSupported);
        assert_eq!(most(&[Supported, Undecided, NotSupported]), Undecided);
        assert_eq!(all(&[Supported, Undecided]), Undecided);
        assert_eq!(all(&[Supported, Undecided, NotSupported]), NotSupported);
        assert_eq!(all(&[Supported, Supported]), Supported);
    }

    #[test]
    fn the_burden_of_proof_is_the_claim_s() {
        let contrast = |low: f64, high: f64| Contrast {
            difference: Interval { value: (low + high) / 2.0, low, high },
            trained: 0.0,
            copies: vec![0.0; 5],
            n: 100,
        };
        for (low, high, verdict) in
            [(0.6, 0.9, Supported), (0.1, 0.9, Undecided), (-0.1, 0.9, NotSupported), (0.1, 0.4, NotSupported)]
        {
            assert_eq!(against_margin(&contrast(low, high), 0.5, 20), verdict, "{low} {high}");
        }
        assert_eq!(against_margin(&contrast(0.6, 0.9), 0.5, 101), Undecided);
        assert_eq!(against_margin(&Contrast { copies: vec![0.0; 4], ..contrast(0.6, 0.9) }, 0.5, 20), Undecided);
    }

    #[test]
    fn lines() {
        let interval = Interval { value: 0.4, low: 0.3, high: 0.6 };
        assert_eq!(
            (above(&interval, 0.2), above(&interval, 0.5), above(&interval, 0.7)),
            (Supported, Undecided, NotSupported)
        );
        assert_eq!((below(&interval, 0.2), below(&interval, 0.7)), (NotSupported, Supported));
    }
}
