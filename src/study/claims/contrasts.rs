//! Trained networks against their re-initialised copies: what all claims share that are decided so.

use crate::measure::bootstrap::Interval;
use crate::measure::contrast::{Contrast, against_copies, mean_of_contrasts};
use crate::study::claims::unit::Unit;
use crate::study::claims::words::{list, standing};
use crate::study::claims::{
    Basis, Chart, Detail, IntervalRow, Judgement, Margin, Measurements, Network, Rule, Verdict, counted_words, rule,
};
use crate::study::measurements::Filled;

/// What is compared, and how it is judged.
#[derive(Clone, Copy)]
pub(crate) struct Comparing {
    pub unit: Unit,
    pub margin: Margin,
    /// Cases of a network below which nothing is decided.
    pub fewest: usize,
    /// Whether networks of one sample were shown the same cases (images), or each has its own (filters).
    pub shared: bool,
}

/// One network of a comparison.
pub(crate) struct Contrasted<'a> {
    pub network: &'a Network,
    pub contrast: Contrast,
    pub judgement: Judgement,
}

/// The networks of a comparison, each against its own copies.
pub(crate) struct Contrasts<'a> {
    pub all: Vec<Contrasted<'a>>,
    how: Comparing,
    seed: u64,
}

impl<'a> Contrasts<'a> {
    /// Judges the networks for which `measured` gives numbers; `None` if there are none.
    pub fn of(
        measurements: &'a Measurements,
        how: Comparing,
        measured: impl Fn(&Network) -> Option<Filled>,
    ) -> Option<Contrasts<'a>> {
        let seed = measurements.seed;
        let judge = |network: &'a Network| {
            let filled = measured(network)?;
            let contrast = against_copies(&filled.trained, &filled.copies, seed)?;
            let basis = Basis { n: contrast.n, fewest: how.fewest, copies: Some(contrast.copies.len()) };
            let judgement = Judgement::new(&network.name, how.unit, contrast.difference, basis, how.margin);
            Some(Contrasted { network, contrast, judgement })
        };
        let all: Vec<Contrasted<'a>> = measurements.networks.iter().filter_map(judge).collect();
        (!all.is_empty()).then_some(Contrasts { all, how, seed })
    }

    /// The judgements, network by network.
    pub fn parts(&self) -> Vec<Judgement> {
        self.all.iter().map(|one| one.judgement.clone()).collect()
    }

    /// The mean difference over the networks, judged by the same margin.
    pub fn mean(&self) -> Judgement {
        if let [one] = self.all.as_slice() {
            return one.judgement.clone();
        }
        let mut contrasts: Vec<(&str, &Contrast)> = Vec::new();
        for one in &self.all {
            let sample = if self.how.shared { &one.network.sample } else { &one.network.name };
            contrasts.push((sample, &one.contrast));
        }
        let interval = mean_of_contrasts(&contrasts, self.seed).unwrap_or(Interval::exact(0.0));
        let basis = Basis {
            n: self.cases(),
            fewest: self.how.fewest * self.all.len(),
            copies: self.all.iter().map(|one| one.contrast.copies.len()).min(),
        };
        let name = format!("mean over {} networks", self.all.len());
        Judgement::new(name, self.how.unit, interval, basis, self.how.margin)
    }

    /// Cases of all networks.
    pub fn cases(&self) -> usize {
        self.all.iter().map(|one| one.contrast.n).sum()
    }

    /// "A 6.23 (random weights 5.30), B 3.41 (random weights 2.59)".
    pub fn levels(&self) -> String {
        let level = |one: &Contrasted<'_>| {
            let unit = self.how.unit;
            let (trained, copies) = (one.contrast.trained, one.contrast.copies_mean());
            format!("{} {} (random weights {})", one.network.name, unit.number(trained), unit.number(copies))
        };
        self.all.iter().map(level).collect::<Vec<_>>().join(", ")
    }

    /// The sentences of a claim that the mean decides.
    pub fn decided_by_mean(&self) -> String {
        let mean = self.mean();
        let meaning = meaning(&mean, &self.parts());
        match self.all.as_slice() {
            [_] => format!("The difference is {}.{meaning}", mean.held()),
            _ => format!(
                "The mean difference decides: {}. One by one the claim is {}.{meaning}",
                mean.held(),
                standing("networks", &self.parts())
            ),
        }
    }

    /// The sentences of a claim about most networks, which their count decides.
    pub fn decided_by_count(&self) -> String {
        let (mean, parts) = (self.mean(), self.parts());
        let count = rule::count("networks", &parts);
        let most = format!("it holds for {}", counted_words("networks", &count));
        match self.all.as_slice() {
            [_] => format!("The difference is {}.{}", mean.held(), meaning(&mean, &parts)),
            _ => format!(
                "The claim speaks of most networks, so their count decides: {most}. One by one it is {}. The mean difference is {}.{}",
                standing("networks", &parts),
                mean.held(),
                meaning_of(count.verdict, &mean, &parts)
            ),
        }
    }

    /// One detail line per network; `what` is added to the name.
    pub fn details(&self, what: &str) -> Vec<Detail> {
        let line = |one: &Contrasted<'_>| {
            let (contrast, unit) = (&one.contrast, self.how.unit);
            let copies = contrast.copies.iter().map(|c| unit.number(*c)).collect::<Vec<_>>().join(", ");
            Detail {
                name: format!("{}{what}", one.network.name),
                text: format!(
                    "trained {}, random weights {} in the mean of {} copies ({copies}); difference {}, n = {}: {}",
                    unit.with_name(contrast.trained),
                    unit.with_name(contrast.copies_mean()),
                    contrast.copies.len(),
                    unit.with_interval(&contrast.difference),
                    contrast.n,
                    one.judgement.verdict.word()
                ),
            }
        };
        self.all.iter().map(line).collect()
    }

    /// The differences of all networks and their mean, with the margin; the points are the differences to single copies.
    pub fn chart(&self, axis: &str) -> Chart {
        let row = |one: &Contrasted<'_>| IntervalRow {
            label: one.network.name.clone(),
            interval: one.contrast.difference,
            points: one.contrast.copies.iter().map(|copy| one.contrast.trained - copy).collect(),
        };
        let mut rows: Vec<IntervalRow> = self.all.iter().map(row).collect();
        if self.all.len() > 1 {
            rows.push(IntervalRow { label: "mean".into(), interval: self.mean().interval, points: Vec::new() });
        }
        Chart::Intervals { axis: axis.to_string(), rows, threshold: self.how.margin.value }
    }

    /// Identifiers of the networks' figures.
    pub fn figures(&self, of: impl Fn(&Network) -> Vec<String>) -> Vec<String> {
        self.all.iter().flat_map(|one| of(one.network)).collect()
    }

    /// The networks' images in words, all different ones once.
    pub fn image_words(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for one in self.all.iter().filter(|one| !one.network.images.is_empty()) {
            if !words.contains(&one.network.images.as_str()) {
                words.push(&one.network.images);
            }
        }
        if words.is_empty() { "images".to_string() } else { list(&words) }
    }

    /// The control in words.
    pub fn control(&self, what: &str) -> String {
        let fewest = self.all.iter().map(|one| one.contrast.copies.len()).min().unwrap_or(0);
        format!("{what} of {fewest} copies of each network with new random weights")
    }
}

/// The rule that the mean over networks decides.
pub(crate) fn mean_over_networks() -> Rule {
    Rule::Mean { over: "networks".into() }
}

fn meaning(deciding: &Judgement, parts: &[Judgement]) -> String {
    meaning_of(deciding.verdict, deciding, parts)
}

/// What a verdict against the copies means, as far as the numbers say it: equivalence only where the mean's interval
/// shows it, and an adverse result as adverse.
pub(crate) fn meaning_of(verdict: Verdict, mean: &Judgement, parts: &[Judgement]) -> String {
    let mut text = match verdict {
        Verdict::Supported => String::new(),
        Verdict::NotSupported if mean.is_adverse() && mean.is_equivalent() => format!(
            " It is the other way round, though by less than {}: what the picture shows cannot be credited to training.",
            mean.unit.number(mean.margin.value)
        ),
        Verdict::NotSupported if mean.is_adverse() => {
            " It is the other way round: trained networks show less of it than networks with random weights.".into()
        }
        Verdict::NotSupported if mean.is_equivalent() => {
            " Networks with random weights show about as much: what the picture shows cannot be credited to training."
                .into()
        }
        Verdict::NotSupported => " Training adds less than the margin.".into(),
        Verdict::Undecided => {
            " Networks with random weights differ too much among themselves to decide whether training makes the picture."
                .into()
        }
    };
    let adverse: Vec<&str> = parts.iter().filter(|p| p.is_adverse()).map(|p| p.name.as_str()).collect();
    if !adverse.is_empty() && parts.len() > 1 {
        text.push_str(&format!(" Training lowers it in {}.", list(&adverse)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{NotSupported, Supported, Undecided};

    fn judged(low: f64, high: f64) -> Judgement {
        let interval = Interval { value: (low + high) / 2.0, low, high };
        Judgement::new("A", Unit::Plain, interval, Basis::of(9, 1), Margin::above(0.5))
    }

    #[test]
    fn random_networks_show_as_much_only_where_the_interval_shows_it() {
        let text = |low: f64, high: f64| {
            let mean = judged(low, high);
            meaning_of(mean.verdict, &mean, &[])
        };
        assert_eq!(text(0.6, 0.9), "");
        assert!(text(-0.1, 0.3).contains("about as much"));
        let wide = text(-2.0, 0.3);
        assert!(wide.contains("less than the margin") && !wide.contains("about as much"), "{wide}");
        assert!(text(-2.0, -0.6).contains("other way round: trained networks show less"));
        assert!(text(-0.3, -0.1).contains("by less than 0.50"));
        assert!(text(-3.0, 3.0).contains("differ too much"));
    }

    #[test]
    fn networks_in_which_training_lowers_the_number_are_named() {
        let parts = [Judgement { name: "B".into(), ..judged(-0.9, -0.2) }, judged(0.6, 0.9)];
        let mean = judged(0.51, 0.52);
        assert_eq!(mean.verdict, Supported);
        assert_eq!(meaning_of(Supported, &mean, &parts), " Training lowers it in B.");
        assert!(meaning_of(Undecided, &mean, &parts).ends_with("Training lowers it in B."));
        assert!(meaning_of(NotSupported, &judged(-0.1, 0.1), &parts).contains("about as much"));
    }
}
