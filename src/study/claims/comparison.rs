//! Claims 10 and 11: networks against one another.

use crate::measure::bootstrap::{Interval, difference_of_means, paired_difference};
use crate::measure::mean;
use crate::study::claims::attention::lift;
use crate::study::claims::measurements::{Activations, Head, Maps};
use crate::study::claims::words::{list, number, percent, points_with_interval, with_interval};
use crate::study::claims::{
    Beside, Chart, Detail, Evidence, IntervalRow, Measurements, Network, Role, Statistic, Threshold, Verdict, judge,
    threshold,
};

/// *Variation 3's heatmaps are better than those of Variations 1 and 2, in line with its better accuracy*: better maps
/// and better accuracy than either, on the same images.
pub(crate) fn claim_10(measurements: &Measurements) -> Option<Evidence> {
    let variation = |number: u8| measurements.networks.iter().find(|n| n.role == Role::Variation(number));
    let (third, rivals) = (variation(3)?, [variation(1)?, variation(2)?]);
    let seed = measurements.seed;
    let maps = |of: fn(&Head) -> &Maps| -> Option<Vec<Interval>> {
        let ours = lift(third, of)?.trained;
        rivals.iter().map(|rival| paired_difference(&ours, &lift(rival, of)?.trained, seed)).collect()
    };
    let ours = correct(third)?;
    let accuracy: Vec<Interval> =
        rivals.iter().map(|rival| paired_difference(&ours, &correct(rival)?, seed)).collect::<Option<_>>()?;
    let better_maps = |differences: &[Interval]| {
        judge::all(&differences.iter().map(|d| judge::above(d, threshold::BETTER_MAPS)).collect::<Vec<_>>())
    };
    let better_accuracy =
        judge::all(&accuracy.iter().map(|d| judge::above(d, threshold::BETTER_ACCURACY)).collect::<Vec<_>>());
    let grad_cam = maps(|h| &h.grad_cam)?;
    let map_verdict = better_maps(&grad_cam);
    let verdict = judge::all(&[map_verdict, better_accuracy]);
    // The claim stands or falls with the rival that comes nearest.
    let closest = grad_cam.iter().copied().min_by(|a, b| a.value.total_cmp(&b.value))?;

    let against = |differences: &[Interval], text: fn(&Interval) -> String| -> Vec<String> {
        rivals.iter().zip(differences).map(|(rival, d)| format!("{} against {}", text(d), rival.name)).collect()
    };
    let beside = maps(|h| &h.hires_cam).map(|differences| {
        let by_maps = judge::all(&[better_maps(&differences), better_accuracy]);
        let agreement = if by_maps == verdict { "It agrees with Grad-CAM." } else { "It disagrees with Grad-CAM." };
        let numbers = list(&against(&differences, with_interval));
        Beside {
            method: "HiResCAM".into(),
            verdict: by_maps,
            text: format!(
                "By HiResCAM the differences in energy are {numbers}, and the claim is {}. {agreement}",
                by_maps.word()
            ),
        }
    });
    let networks = [third, rivals[0], rivals[1]];
    let n = lift(third, |h| &h.grad_cam)?.trained.len();
    Some(Evidence {
        number: 10,
        statement: format!(
            "{}'s heatmaps are better than those of {} and {}, in line with its better accuracy.",
            third.name, rivals[0].name, rivals[1].name
        ),
        verdict,
        result: format!(
            "Energy of its Grad-CAM maps on the object less that of the others, in multiples of chance: {}; better maps: {}. Mean accuracy over the heads less theirs: {}; better accuracy: {}. This speaks of these networks, not of their architectures: a few trainings each do not separate the two.",
            list(&against(&grad_cam, with_interval)),
            map_verdict.word(),
            list(&against(&accuracy, points_with_interval)),
            better_accuracy.word(),
        ),
        statistic: Statistic {
            name: format!("Grad-CAM's energy on the object, {} minus the nearer rival", third.name),
            unit: "times chance".into(),
            interval: closest,
        },
        n,
        cases: if third.images.is_empty() {
            "the same images for all three".into()
        } else {
            format!("{}, the same for all three", third.images)
        },
        control: format!("{} and {} on the same images", rivals[0].name, rivals[1].name),
        threshold: Threshold {
            value: threshold::BETTER_MAPS,
            rule: format!(
                "against both, the 95 % intervals of the paired differences lie above {} times chance in the maps and {} in accuracy",
                number(threshold::BETTER_MAPS),
                percent(threshold::BETTER_ACCURACY)
            ),
            why: "smaller differences would not be seen in the maps, nor matter in use".into(),
        },
        beside,
        details: networks.iter().map(|n| network_detail(n)).collect(),
        figures: networks.iter().flat_map(|n| n.figures.heatmaps.iter().cloned()).collect(),
        chart: Some(Chart::Intervals {
            axis: format!("energy on object, {} − rival (times chance)", third.name),
            rows: rivals
                .iter()
                .zip(&grad_cam)
                .map(|(rival, interval)| IntervalRow {
                    label: rival.name.clone(),
                    interval: *interval,
                    points: Vec::new(),
                })
                .collect(),
            threshold: threshold::BETTER_MAPS,
        }),
    })
}

/// How much of a difference untrained copies show, in words.
fn without_training(share: f64) -> String {
    match share {
        s if s >= 1.0 => "it is there without training, and larger".into(),
        s if s > 0.0 => format!("{} of the difference is there without training", percent(s)),
        _ => "without training it is not there".into(),
    }
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
        format!(
            "{}: accuracy {accuracy}{seeds}, map {} times chance",
            h.name,
            lift.map_or("unknown".to_string(), number)
        )
    };
    Detail { name: network.name.clone(), text: network.heads.iter().map(head).collect::<Vec<_>>().join("; ") }
}

/// *Activations show more detail for digits than for the Line data, whose shapes are very simple.*
pub(crate) fn claim_11(measurements: &Measurements) -> Option<Evidence> {
    let with_role = |role: Role| measurements.networks.iter().find(|n| n.role == role && !n.activations.is_empty());
    let (digits, lines) = (with_role(Role::Digits)?, with_role(Role::Base)?);
    let of = |network: &Network| -> Option<(String, Vec<f64>, f64)> {
        let layer: &Activations = network.activations.first()?;
        let filled = layer.detail.with_chance(0.0);
        let copies = mean(&filled.copies.concat()).unwrap_or(0.0);
        Some((layer.layer.clone(), filled.trained, copies))
    };
    let ((layer, a, a_copies), (_, b, b_copies)) = (of(digits)?, of(lines)?);
    let interval = difference_of_means(&a, &b, measurements.seed)?;
    let enough = a.len().min(b.len()) >= threshold::IMAGES;
    let verdict = if enough { judge::above(&interval, threshold::DETAIL) } else { Verdict::Undecided };
    let untrained = crate::measure::quotient(a_copies - b_copies, interval.value, 0.0);
    let input = |network: &Network| mean(&network.input_detail).unwrap_or(0.0);
    let zeros = |network: &Network| network.activations.first().and_then(|l| mean(&l.zeros)).unwrap_or(0.0);
    let detail = |network: &Network, trained: &[f64], copies: f64| Detail {
        name: network.name.clone(),
        text: format!(
            "detail of {layer} {}, re-initialised copies {}, the input images themselves {}; {} of the activations are zero; n = {}",
            number(mean(trained).unwrap_or(0.0)),
            number(copies),
            number(input(network)),
            percent(zeros(network)),
            trained.len()
        ),
    };
    Some(Evidence {
        number: 11,
        statement: "Activations show more detail for digits than for the Line data, whose shapes are very simple."
            .into(),
        verdict,
        result: format!(
            "Activations of {layer} change at {} of the positions for digits and at {} for lines (effective share), a difference of {}. In the images themselves it is {} and {}, in re-initialised copies {} and {}: {}.",
            percent(mean(&a)?),
            percent(mean(&b)?),
            points_with_interval(&interval),
            percent(input(digits)),
            percent(input(lines)),
            percent(a_copies),
            percent(b_copies),
            without_training(untrained)
        ),
        statistic: Statistic {
            name: "detail of the first convolution's activations, digits minus lines".into(),
            unit: String::new(),
            interval,
        },
        n: a.len() + b.len(),
        cases: "images, digits and lines".into(),
        control: "the input images' own detail, and re-initialised copies".into(),
        threshold: Threshold {
            value: threshold::DETAIL,
            rule: format!("the 95 % interval of the difference lies above {}", percent(threshold::DETAIL)),
            why: "two in a hundred positions more is the least that shows in a tile".into(),
        },
        beside: None,
        details: vec![detail(digits, &a, a_copies), detail(lines, &b, b_copies)],
        figures: [&digits.figures.activations[..], &lines.figures.activations[..]].concat(),
        chart: Some(Chart::Intervals {
            axis: "detail (effective share of positions that change)".into(),
            rows: [(digits, &a), (lines, &b)]
                .iter()
                .filter_map(|(network, values)| {
                    let interval = crate::measure::bootstrap::mean_interval(values, measurements.seed)?;
                    Some(IntervalRow { label: network.name.clone(), interval, points: Vec::new() })
                })
                .chain([IntervalRow { label: "difference".into(), interval, points: Vec::new() }])
                .collect(),
            threshold: threshold::DETAIL,
        }),
    })
}
