//! Are one network's heatmaps better than those of others on the same images?

use crate::measure::bootstrap::{Interval, paired_difference};
use crate::measure::mean;
use crate::study::claims::attention::lift;
use crate::study::claims::unit::{Unit, number, percent};
use crate::study::claims::words::{count, list};
use crate::study::claims::{
    Basis, Beside, Chart, Detail, Evidence, IntervalRow, Judgement, Margin, Measurements, Network, Role, Rule, Topic,
    all, threshold,
};
use crate::study::measurements::{Head, Maps};

/// A network and those that it is compared with, all of which saw the same images.
struct Rivalry<'a> {
    ours: &'a Network,
    rivals: Vec<&'a Network>,
}

/// *Variation 3's heatmaps are better than those of Variations 1 and 2, in line with its better accuracy*: better maps
/// and better accuracy than either, on the same images. In other chapters the first of the networks that were shown the
/// same images is compared with the others, by maps where objects are marked and by accuracy where classes are known.
pub(crate) fn better_maps(measurements: &Measurements) -> Option<Evidence> {
    let rivalry = rivalry(measurements)?;
    let seed = measurements.seed;
    let grad_cam = rivalry.judged("maps", Unit::Chance, threshold::BETTER_MAPS, |n| energy(n, |h| &h.grad_cam), seed);
    let hires_cam = rivalry.judged("maps", Unit::Chance, threshold::BETTER_MAPS, |n| energy(n, |h| &h.hires_cam), seed);
    let accuracy = rivalry.judged("accuracy", Unit::Points, threshold::BETTER_ACCURACY, correct, seed);
    let conditions = [&grad_cam[..], &accuracy[..]].concat();
    if conditions.is_empty() {
        return None;
    }
    let (ours, rivals) = (&rivalry.ours.name, rivalry.names());
    let mut sentences = vec![format!(
        "{} decide: {ours} must be better than {} in each. This speaks of these networks, not of their architectures.",
        count_of_conditions(conditions.len()),
        list(&rivals)
    )];
    let of_maps = format!("Energy of {ours}'s Grad-CAM maps on the object less that of the other's");
    sentences.extend(rivalry.sentence(&of_maps, &grad_cam));
    let of_accuracy = format!("Accuracy of {ours}, the mean over its heads, less the other's");
    sentences.extend(rivalry.sentence(&of_accuracy, &accuracy));
    let networks = || [rivalry.ours].into_iter().chain(rivalry.rivals.iter().copied());
    let whole = |maps: &[Judgement]| all(&[maps, &accuracy[..]].concat());
    let shown = if grad_cam.is_empty() { &accuracy } else { &grad_cam };
    Some(Evidence {
        result: sentences.join(" "),
        statistic: format!("Grad-CAM's energy on the object and the accuracy, {ours} − each of the others"),
        cases: if rivalry.ours.images.is_empty() { "images".into() } else { rivalry.ours.images.clone() },
        control: format!("{} on the same images", list(&rivals)),
        why: "smaller differences would not be seen in the maps, nor matter in use".into(),
        beside: (!grad_cam.is_empty() && !hires_cam.is_empty()).then(|| {
            let texts: Vec<String> =
                hires_cam.iter().zip(&rivals).map(|(j, rival)| format!("{} against {rival}", j.held())).collect();
            let text = format!(
                "By HiResCAM the differences in energy are {}; the claim is {}.",
                list(&texts),
                whole(&hires_cam).word()
            );
            Beside::hires_cam((&grad_cam, whole(&grad_cam)), (&hires_cam, whole(&hires_cam)), text)
        }),
        details: networks().map(network_detail).collect(),
        figures: networks().flat_map(|n| n.figures.heatmaps.iter().cloned()).collect(),
        chart: Some(rivalry.chart(shown, if grad_cam.is_empty() { "accuracy" } else { "energy on object" })),
        ..Evidence::of(
            Topic::Comparison,
            rivalry.statement(!grad_cam.is_empty(), !accuracy.is_empty()),
            Rule::Conditions,
            conditions,
        )
    })
}

/// The three variations, or the first networks of other chapters that were shown the same images.
fn rivalry(measurements: &Measurements) -> Option<Rivalry<'_>> {
    let networks = &measurements.networks;
    if measurements.is_original() {
        let variation = |number: u8| networks.iter().find(|n| n.role == Role::Variation(number));
        return Some(Rivalry { ours: variation(3)?, rivals: vec![variation(1)?, variation(2)?] });
    }
    let others = |i: usize| networks[i + 1..].iter().filter(move |n| n.sample == networks[i].sample);
    let first = (0..networks.len()).find(|&i| others(i).next().is_some())?;
    Some(Rivalry { ours: &networks[first], rivals: others(first).collect() })
}

impl Rivalry<'_> {
    fn names(&self) -> Vec<&str> {
        self.rivals.iter().map(|rival| rival.name.as_str()).collect()
    }

    /// The paired differences to each rival of a number of each image, judged; none where it is not known for all.
    fn judged(
        &self,
        what: &str,
        unit: Unit,
        margin: Margin,
        of: impl Fn(&Network) -> Option<Vec<f64>>,
        seed: u64,
    ) -> Vec<Judgement> {
        let Some(ours) = of(self.ours) else { return Vec::new() };
        let judge = |rival: &&Network| {
            let theirs = of(rival)?;
            let interval: Interval = paired_difference(&ours, &theirs, seed)?;
            let basis = Basis::of(ours.len().min(theirs.len()), threshold::IMAGES);
            Some(Judgement::new(format!("{what} against {}", rival.name), unit, interval, basis, margin))
        };
        self.rivals.iter().map(judge).collect::<Option<_>>().unwrap_or_default()
    }

    /// Each difference with its verdict, and an adverse one as adverse.
    fn sentence(&self, what: &str, judged: &[Judgement]) -> Option<String> {
        let pairs = || judged.iter().zip(self.names());
        let each: Vec<String> =
            pairs().map(|(j, rival)| format!("{} against {rival} ({})", j.held(), j.verdict.word())).collect();
        let adverse: Vec<&str> = pairs().filter(|(j, _)| j.is_adverse()).map(|(_, rival)| rival).collect();
        let adverse = if adverse.is_empty() {
            String::new()
        } else {
            format!(" Against {} it is the other way round: {} has less.", list(&adverse), self.ours.name)
        };
        (!judged.is_empty()).then(|| format!("{what}: {}.{adverse}", list(&each)))
    }

    /// The differences to each rival.
    fn chart(&self, judged: &[Judgement], what: &str) -> Chart {
        let row = |(j, rival): (&Judgement, &str)| IntervalRow { label: rival.to_string(), ..IntervalRow::of(j) };
        let unit = judged.first().map_or("", |j| if j.unit == Unit::Chance { " (times chance)" } else { "" });
        Chart::Intervals {
            axis: format!("{what}, {} − each{unit}", self.ours.name),
            rows: judged.iter().zip(self.names()).map(row).collect(),
            threshold: judged.first().map_or(0.0, |j| j.margin.value),
        }
    }

    fn statement(&self, maps: bool, accuracy: bool) -> String {
        let (ours, rivals) = (&self.ours.name, list(&self.names()));
        match (maps, accuracy) {
            (true, true) => {
                format!("{ours}'s heatmaps are better than those of {rivals}, in line with its better accuracy.")
            }
            (true, false) => format!("{ours}'s heatmaps are better than those of {rivals} on the same images."),
            _ => format!("{ours} is right more often than {rivals} on the same images."),
        }
    }
}

fn count_of_conditions(n: usize) -> String {
    match n {
        1 => "One comparison".into(),
        2 => "Two comparisons".into(),
        3 => "Three comparisons".into(),
        4 => "Four comparisons".into(),
        n => count(n, "comparison"),
    }
}

/// Energy on the object, image by image.
fn energy(network: &Network, of: impl Fn(&Head) -> &Maps) -> Option<Vec<f64>> {
    // Copies play no part here, and chapters of few images have none.
    lift(network, of).map(|filled| filled.trained).filter(|values| !values.is_empty())
}

/// Image by image the share of heads that are right; `None` where labels are unknown.
fn correct(network: &Network) -> Option<Vec<f64>> {
    let heads: Vec<&Vec<bool>> = network.heads.iter().map(|h| &h.correct).filter(|c| !c.is_empty()).collect();
    let images = heads.iter().map(|c| c.len()).min()?;
    Some((0..images).map(|i| heads.iter().filter(|c| c[i]).count() as f64 / heads.len() as f64).collect())
}

fn network_detail(network: &Network) -> Detail {
    let head = |h: &Head| {
        let accuracy = h.accuracy().map_or("unknown".to_string(), |a| percent(a.value));
        let lift = h.grad_cam.lift.as_ref().and_then(|l| mean(&l.with_chance(1.0).trained));
        let seeds: Vec<String> = h.accuracy_by_seed.iter().map(|a| percent(*a)).collect();
        let seeds =
            if seeds.is_empty() { String::new() } else { format!(" (recorded trainings: {})", seeds.join(", ")) };
        let lift = lift.map_or("unknown".to_string(), number);
        format!("{}: accuracy {accuracy}{seeds}, map {lift} times chance", h.name)
    };
    Detail { name: network.name.clone(), text: network.heads.iter().map(head).collect::<Vec<_>>().join("; ") }
}
