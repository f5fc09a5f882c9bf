//! Does each head look at its own attribute?

use crate::measure::bootstrap::{Sampled, mean_interval, mean_over_cases};
use crate::measure::mean;
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::words::{count, list, standing};
use crate::study::claims::{
    Basis, Change, Detail, Evidence, Head, Judgement, Measurements, Network, Rule, Topic, chart_of, head_part,
    threshold,
};

/// One head's answer.
struct Answer<'a> {
    network: &'a Network,
    head: &'a Head,
    /// The head's change with its own attribute minus the mean of the other heads', pair by pair of images; no number
    /// where a pair is left out.
    excess: Vec<f64>,
    /// Pairs left out because this head's map is empty before or after, and because all other heads' are.
    own_empty: usize,
    others_empty: usize,
}

impl Answer<'_> {
    fn pairs(&self) -> usize {
        self.excess.iter().filter(|value| value.is_finite()).count()
    }
}

/// *Each head looks at its own attribute: its map changes more than the other heads' maps do when this attribute of the
/// image changes.* Every map explains the class that its head predicted before the change.
pub(crate) fn own_attribute(measurements: &Measurements) -> Option<Evidence> {
    let heads = measurements.networks.iter().flat_map(|n| n.heads.iter().map(move |head| (n, head)));
    let answers: Vec<Answer> = heads.filter_map(|(network, head)| answer(network, head)).collect();
    let (judged, left): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|a| a.pairs() >= threshold::IMAGES);
    let cases: Vec<Sampled> =
        judged.iter().map(|a| Sampled { sample: &a.network.sample, values: a.excess.clone() }).collect();
    let interval = mean_over_cases(&cases, measurements.seed)?;
    let n = judged.iter().map(|a| a.pairs()).sum();
    let name = format!("mean over {}", count(judged.len(), "head"));
    let decides = Judgement::new(name, Unit::Plain, interval, Basis::of(n, 1), threshold::OWN_ATTRIBUTE);
    let parts: Vec<Judgement> = judged.iter().filter_map(|a| judgement(a, measurements.seed)).collect();
    let statement = "Each head looks at its own attribute: when only this attribute of the image changes, its map changes more than the other heads' maps.";
    let rule = Rule::Mean { over: "heads".into() };
    let adverse =
        if decides.is_adverse() { " It is the other way round: the other heads' maps change more." } else { "" };
    Some(Evidence {
        result: format!(
            "How much more a head's map changes (1 − correlation) than the other heads' maps do, all explaining the class predicted before the change. The mean over the heads decides: {}. One by one the claim is {}.{adverse}{}",
            decides.held(),
            standing("heads", &parts),
            excluded_sentence(&left),
        ),
        statistic: "change of a head's map with its own attribute (1 − Pearson's correlation) beyond the mean of the other heads' changes".into(),
        cases: "pairs of images that differ in one attribute".into(),
        control: "the other heads' maps of the same pairs".into(),
        why: "a twentieth in correlation is the least that shows in a pair of maps".into(),
        excluded: left.iter().map(|a| excluded(a)).collect(),
        details: answers.iter().map(detail).collect(),
        figures: figures(&answers),
        chart: Some(chart_of("own attribute: change of the map beyond the other heads'", &parts, &decides)),
        parts,
        ..Evidence::of(Topic::OwnAttribute, statement, rule, vec![decides])
    })
}

/// `None` for a head that reads no attribute, or has no other head beside it.
fn answer<'a>(network: &'a Network, head: &'a Head) -> Option<Answer<'a>> {
    let own = head.changes.iter().find(|c| c.own)?;
    let same_attribute = |other: &'a Head| other.changes.iter().find(|c| c.attribute == own.attribute);
    let others: Vec<&Change> =
        network.heads.iter().filter(|h| h.name != head.name).filter_map(same_attribute).collect();
    if others.is_empty() {
        return None;
    }
    let at = |change: &Change, i: usize| change.difference.get(i).copied().flatten().filter(|v| v.is_finite());
    let rest = |i: usize| mean(&others.iter().filter_map(|o| at(o, i)).collect::<Vec<_>>());
    let pairs = 0..own.difference.len();
    let excess = pairs.clone().map(|i| Some(at(own, i)? - rest(i)?)).map(|value| value.unwrap_or(f64::NAN)).collect();
    Some(Answer {
        network,
        head,
        excess,
        own_empty: pairs.clone().filter(|&i| at(own, i).is_none()).count(),
        others_empty: pairs.filter(|&i| at(own, i).is_some() && rest(i).is_none()).count(),
    })
}

fn judgement(answer: &Answer, seed: u64) -> Option<Judgement> {
    let interval = mean_interval(&answer.excess, seed)?;
    let basis = Basis::of(answer.pairs(), threshold::IMAGES);
    let judgement = Judgement::new(&answer.network.name, Unit::Plain, interval, basis, threshold::OWN_ATTRIBUTE);
    Some(judgement.part(head_part(answer.network, answer.head)))
}

/// Why a head is not judged.
fn excluded(answer: &Answer) -> Detail {
    Detail {
        name: format!("{}, {}", answer.network.name, answer.head.name),
        text: format!(
            "not judged, as only {} of {} are left: in {} its own map is empty before or after the change, in {} all other heads' are",
            answer.pairs(),
            count(answer.excess.len(), "pair"),
            answer.own_empty,
            answer.others_empty
        ),
    }
}

fn excluded_sentence(left: &[&Answer]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let each: Vec<String> = left
        .iter()
        .map(|a| format!("{}, {} ({} of {})", a.network.name, a.head.name, a.pairs(), a.excess.len()))
        .collect();
    format!(" Not judged, because fewer than {} pairs have maps: {}.", threshold::IMAGES, list(&each))
}

fn figures(answers: &[Answer]) -> Vec<String> {
    let mut figures: Vec<String> = Vec::new();
    for id in answers.iter().flat_map(|a| &a.network.figures.heatmaps) {
        if !figures.contains(id) {
            figures.push(id.clone());
        }
    }
    figures
}

fn detail(answer: &Answer) -> Detail {
    let line = |change: &Change| {
        let present: Vec<f64> = change.difference.iter().flatten().copied().filter(|v| v.is_finite()).collect();
        let mean = mean(&present).map_or("no map".to_string(), number);
        format!("{}{} {mean} (n = {})", change.attribute, if change.own { " (own)" } else { "" }, present.len())
    };
    Detail {
        name: format!("{}, {}: change of the map with", answer.network.name, answer.head.name),
        text: format!(
            "{}; left out of {}: {} because its own map is empty, {} because all other heads' are",
            answer.head.changes.iter().map(line).collect::<Vec<_>>().join(", "),
            count(answer.excess.len(), "pair"),
            answer.own_empty,
            answer.others_empty
        ),
    }
}
