//! The verdicts on synthetic measurements: trained-like, random-like and zero-kernel-like networks, and anything at
//! all.

use super::*;
use crate::measure::color::Color;
use crate::random::Random;
use proptest::prelude::*;

const COPIES: usize = 8;
const IMAGES: usize = 60;

/// What kind of network the numbers come from.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Far above its copies.
    Trained,
    /// One more draw like its copies.
    Random,
    /// Kernels of zero: no map, no activation, no pattern.
    Zero,
}

/// Numbers around a level that differs from network to network by `spread`, and from image to image.
fn level(random: &mut Random, mean: f64, spread: f64, n: usize) -> Vec<Option<f64>> {
    let level = mean + spread * random.normal();
    (0..n).map(|_| Some(level + 0.3 * spread * random.normal())).collect()
}

/// A comparison whose copies lie around `copies` and whose network, if trained, around `trained`.
fn comparison(kind: Kind, random: &mut Random, copies: f64, trained: f64, zero: Option<f64>, n: usize) -> Comparison {
    let spread = 0.1 * (trained - copies).abs();
    let draws = (0..COPIES).map(|_| level(random, copies, spread, n)).collect();
    let of_network = match kind {
        Kind::Trained => level(random, trained, spread, n),
        Kind::Random => level(random, copies, spread, n),
        Kind::Zero => vec![zero; n],
    };
    Comparison { trained: of_network, copies: draws }
}

fn complete(values: Vec<Option<f64>>) -> Vec<f64> {
    values.into_iter().flatten().collect()
}

fn colors(random: &mut Random, saturation: f64, n: usize) -> Vec<Color> {
    (0..n)
        .map(|i| Color {
            hue: if i % 2 == 0 { 0.0 } else { 240.0 },
            saturation: saturation * (0.9 + 0.1 * random.uniform()),
        })
        .collect()
}

fn head(kind: Kind, random: &mut Random, name: &str, all: &[&str]) -> Head {
    let live = kind != Kind::Zero;
    let maps = |random: &mut Random| Maps {
        lift: Some(comparison(kind, random, 3.0, 7.0, None, IMAGES)),
        pointing: vec![if live { 1.0 } else { 0.05 }; IMAGES],
        area: vec![0.05; IMAGES],
        maps: IMAGES,
        empty: if live { 3 } else { IMAGES },
    };
    let faithful = |random: &mut Random, map: &str, mean: f64| Faithfulness {
        map: map.into(),
        is_control: !map.contains("CAM"),
        deletion: complete(level(random, mean, 0.01, 30)),
        insertion: vec![0.6; 30],
    };
    let change = |random: &mut Random, attribute: &str| Change {
        attribute: attribute.into(),
        own: attribute == name,
        difference: level(random, if attribute == name && live { 0.6 } else { 0.2 }, 0.02, IMAGES),
    };
    Head {
        name: name.into(),
        classes: 2,
        correct: (0..IMAGES).map(|i| kind == Kind::Trained || i % 2 == 0).collect(),
        accuracy_by_seed: vec![0.97, 0.98, 0.96],
        grad_cam: maps(random),
        hires_cam: maps(random),
        controls: vec![Control { name: "uniform".into(), lift: vec![1.0; IMAGES] }],
        gradients: Some(Gradients { images: IMAGES, softmax_zero: 4, softmax_tiny: 6, ..Gradients::default() }),
        overlaps: vec![Overlap {
            threshold: 0.5,
            stretched: vec![0.2; IMAGES],
            placed: vec![0.3; IMAGES],
            best: vec![0.4; IMAGES],
            lift: vec![if live { 5.0 } else { 1.0 }; IMAGES],
        }],
        faithfulness: vec![
            faithful(random, "Grad-CAM", if live { 0.2 } else { 0.5 }),
            faithful(random, "HiResCAM", 0.1),
            faithful(random, "edge map", 0.4),
            faithful(random, "random", 0.5),
        ],
        cascade: vec![
            Stage { layer: "dense_2".into(), similarity: vec![Some(0.6); IMAGES] },
            Stage { layer: "conv2d_1".into(), similarity: vec![if live { Some(0.1) } else { None }; IMAGES] },
        ],
        changes: all.iter().map(|a| change(random, a)).collect(),
    }
}

fn network(kind: Kind, seed: u64, name: &str, role: Role, heads: &[&str]) -> Network {
    let random = &mut Random::new(seed, 77);
    let zeros = if kind == Kind::Zero { Some(0.0) } else { None };
    let live = kind != Kind::Zero;
    let two_layers = matches!(role, Role::Variation(_));
    let mut layers = vec![
        Layer { name: "conv2d_1".into(), kind: LayerKind::Convolution, receptive_field: 7 },
        Layer { name: "max_pooling2d_1".into(), kind: LayerKind::Pooling, receptive_field: 8 },
    ];
    let saturation = if kind == Kind::Trained { 0.9 } else { 0.1 };
    let first = Filters {
        layer: "conv2d_1".into(),
        inputs: 3,
        receptive_field: 7,
        patterns: Some(comparison(kind, random, 0.1, 0.5, zeros, 16)),
        colors: (role != Role::Digits).then(|| Colors {
            trained: colors(random, if live { saturation } else { 0.0 }, 16),
            copies: (0..COPIES).map(|_| colors(random, 0.1, 16)).collect(),
        }),
        participation: None,
        alive: if live { 15 } else { 0 },
        total: 16,
    };
    let mut filters = vec![first];
    if two_layers {
        layers.push(Layer { name: "conv2d_2".into(), kind: LayerKind::Convolution, receptive_field: 16 });
        filters.push(Filters {
            layer: "conv2d_2".into(),
            inputs: 10,
            receptive_field: 16,
            patterns: Some(comparison(kind, random, 0.05, 0.4, zeros, 8)),
            participation: Some(comparison(kind, random, 9.0, 4.0, zeros, 8)),
            alive: 8,
            total: 8,
            ..Filters::default()
        });
    }
    let effect = if live { 0.6 } else { 0.0 };
    let differences = |random: &mut Random| comparison(kind, random, 0.4, 0.9, None, IMAGES);
    let probe = |random: &mut Random, layer: &str| Probe {
        layer: layer.into(),
        target: heads[0].into(),
        classes: 2,
        correct: comparison(kind, random, 0.6, 0.9, Some(0.5), IMAGES),
    };
    let detail = if role == Role::Digits { 0.3 } else { 0.1 };
    Network {
        name: name.into(),
        role,
        images: "fresh lines".into(),
        side: 28,
        layers,
        filters,
        poolings: vec![PoolingLayer {
            layer: "max_pooling2d_1".into(),
            effect: vec![effect; IMAGES],
            energy_kept: vec![0.8; IMAGES],
            maxima_kept: vec![0.5; IMAGES],
        }],
        activations: vec![Activations {
            layer: "conv2d_1".into(),
            detail: comparison(kind, random, detail / 2.0, detail, Some(0.0), IMAGES),
            lift: Some(comparison(kind, random, 3.0, 4.0, None, IMAGES)),
            zeros: vec![0.7; IMAGES],
        }],
        input_detail: vec![detail; IMAGES],
        heads: heads.iter().map(|name| head(kind, random, name, heads)).collect(),
        head_differences: (heads.len() > 1).then(|| HeadDifferences {
            grad_cam: differences(random),
            hires_cam: differences(random),
            distance: comparison(kind, random, 1.0, 3.0, None, IMAGES),
            pairs: 6 * IMAGES,
            empty_pairs: 10,
        }),
        probes: vec![probe(random, "input"), probe(random, "conv2d_1")],
        figures: Figures {
            filters: vec![format!("{name}-filters")],
            activations: vec![],
            heatmaps: vec![format!("{name}-heatmaps")],
        },
    }
}

/// The six networks of the bundled chapter.
fn chapter(kind: Kind) -> Measurements {
    let heads = ["Length", "Width", "Color", "Angle"];
    let variation = |k: u8| network(kind, u64::from(k), &format!("Variation {k}"), Role::Variation(k), &heads);
    let mut networks = vec![
        network(kind, 10, "Base model", Role::Base, &["Class"]),
        network(kind, 11, "Base model over digits", Role::Digits, &["Digit"]),
        variation(1),
        variation(2),
        variation(3),
        network(kind, 12, "Deep model", Role::Deep, &["Class"]),
    ];
    // The third variation's maps and accuracy are better than its rivals'.
    for rival in [2, 3] {
        for head in &mut networks[rival].heads {
            head.correct.iter_mut().step_by(3).for_each(|c| *c = false);
            for lift in [&mut head.grad_cam.lift, &mut head.hires_cam.lift].into_iter().flatten() {
                lift.trained.iter_mut().flatten().for_each(|v| *v -= 1.5);
            }
        }
    }
    Measurements { seed: 1, networks }
}

fn verdicts(evidence: &[Evidence]) -> Vec<(u8, Verdict)> {
    evidence.iter().map(|e| (e.number, e.verdict)).collect()
}

fn verdict(evidence: &[Evidence], number: u8) -> Verdict {
    evidence.iter().find(|e| e.number == number).unwrap().verdict
}

#[test]
fn trained_networks_support_every_claim_in_the_original_order() {
    let evidence = evaluate(&chapter(Kind::Trained));
    let expected: Vec<(u8, Verdict)> = (1..=15).map(|number| (number, Verdict::Supported)).collect();
    assert_eq!(verdicts(&evidence), expected);
    assert_eq!(evidence[0].beside.as_ref().unwrap().verdict, Verdict::Supported);
    assert!(evidence[0].beside.as_ref().unwrap().text.contains("agrees"));
    assert!(evidence[0].figures.contains(&"Base model-heatmaps".to_string()));
}

#[test]
fn random_networks_do_not_support_what_must_come_from_training() {
    let evidence = evaluate(&chapter(Kind::Random));
    for number in [1, 4, 5, 6, 7, 13] {
        assert_eq!(verdict(&evidence, number), Verdict::NotSupported, "{number}");
    }
    let first = &evidence[0];
    assert!(first.result.contains("cannot be credited to training"), "{}", first.result);
}

#[test]
fn kernels_of_zero_support_nothing_that_must_be_seen() {
    let measurements = chapter(Kind::Zero);
    let evidence = evaluate(&measurements);
    for number in [1, 3, 4, 5, 6, 7] {
        assert_eq!(verdict(&evidence, number), Verdict::NotSupported, "{number}");
    }
    assert!(!evidence.iter().any(|e| e.number == 8), "no map follows the shape");
    assert!(trust(&measurements, &evidence).contains("do not conclude"));
}

#[test]
fn methods_that_disagree_are_said_to() {
    let mut measurements = chapter(Kind::Random);
    let trained = chapter(Kind::Trained);
    for (network, other) in measurements.networks.iter_mut().zip(trained.networks) {
        for (head, other) in network.heads.iter_mut().zip(other.heads) {
            head.hires_cam = other.hires_cam;
        }
    }
    let evidence = evaluate(&measurements);
    let beside = evidence[0].beside.as_ref().unwrap();
    assert_eq!((evidence[0].verdict, beside.verdict), (Verdict::NotSupported, Verdict::Supported));
    assert!(beside.text.contains("disagrees"));
    assert!(trust(&measurements, &evidence).contains("HiResCAM tells trained networks from random ones better"));
}

#[test]
fn fewer_copies_or_images_than_asked_for_decide_nothing() {
    let mut measurements = chapter(Kind::Trained);
    for lift in measurements.networks.iter_mut().flat_map(|n| &mut n.heads).filter_map(|h| h.grad_cam.lift.as_mut()) {
        lift.copies.truncate(4);
    }
    assert_eq!(verdict(&evaluate(&measurements), 1), Verdict::Undecided);
    let mut measurements = chapter(Kind::Trained);
    for lift in measurements.networks.iter_mut().flat_map(|n| &mut n.heads).filter_map(|h| h.grad_cam.lift.as_mut()) {
        lift.trained.truncate(10);
    }
    assert_eq!(verdict(&evaluate(&measurements), 1), Verdict::Undecided);
}

#[test]
fn claims_that_do_not_apply_are_left_out() {
    let mut single = network(Kind::Trained, 3, "theirs", Role::Other, &["label"]);
    for head in &mut single.heads {
        head.grad_cam.lift = None;
        head.hires_cam.lift = None;
        head.overlaps.clear();
        head.changes.clear();
    }
    single.activations[0].lift = None;
    let measurements = Measurements { seed: 1, networks: vec![single] };
    let evidence = evaluate(&measurements);
    let numbers: Vec<u8> = evidence.iter().map(|e| e.number).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 9, 13, 14, 15]);
    assert!(trust(&measurements, &evidence).contains("Without masks"));
    assert!(evaluate(&Measurements::default()).is_empty());
    assert!(trust(&Measurements::default(), &[]).starts_with("Heatmaps are diagnostic evidence"));
}

#[test]
fn a_deeper_base_model_is_not_shallow() {
    let mut measurements = chapter(Kind::Trained);
    measurements.networks[0].layers.push(Layer {
        name: "conv2d_9".into(),
        kind: LayerKind::Convolution,
        receptive_field: 20,
    });
    assert_eq!(verdict(&evaluate(&measurements), 2), Verdict::NotSupported);
}

#[test]
fn resizing_is_not_the_cause_where_the_map_itself_is_off() {
    let mut measurements = chapter(Kind::Trained);
    for overlap in measurements.networks.iter_mut().flat_map(|n| &mut n.heads).flat_map(|h| &mut h.overlaps) {
        overlap.best.fill(0.9);
    }
    let evidence = evaluate(&measurements);
    let claim = evidence.iter().find(|e| e.number == 8).unwrap();
    // (0.3 − 0.2 + 1 − 0.9) / 0.8
    assert!((claim.statistic.interval.value - 0.25).abs() < 1e-9);
    assert_eq!(claim.verdict, Verdict::NotSupported);
}

#[test]
fn zero_gradients_are_claimed_only_where_there_are_some_and_maps_stay_finite() {
    let mut measurements = chapter(Kind::Trained);
    let mut set = |change: fn(&mut Gradients)| {
        measurements
            .networks
            .iter_mut()
            .flat_map(|n| &mut n.heads)
            .filter_map(|h| h.gradients.as_mut())
            .for_each(change);
        verdict(&evaluate(&measurements), 9)
    };
    assert_eq!(set(|g| g.not_finite = 1), Verdict::NotSupported);
    assert_eq!(set(|g| g.not_finite = 0), Verdict::Supported);
    assert_eq!(set(|g| g.softmax_zero = 0), Verdict::NotSupported);
}

#[test]
fn better_maps_with_worse_accuracy_are_not_in_line() {
    let mut measurements = chapter(Kind::Trained);
    measurements.networks[4].heads.iter_mut().for_each(|h| h.correct.fill(false));
    assert_eq!(verdict(&evaluate(&measurements), 10), Verdict::NotSupported);
}

#[test]
fn heads_with_exchanged_attributes_do_not_look_at_their_own() {
    let mut measurements = chapter(Kind::Trained);
    for head in measurements.networks.iter_mut().flat_map(|n| &mut n.heads) {
        let count = head.changes.len();
        if let Some(own) = head.changes.iter().position(|c| c.own) {
            head.changes[own].own = false;
            head.changes[(own + 1) % count].own = true;
        }
    }
    assert_eq!(verdict(&evaluate(&measurements), 12), Verdict::NotSupported);
}

#[test]
fn the_same_measurements_give_the_same_bytes() {
    let write = || {
        let measurements = chapter(Kind::Trained);
        let evidence = evaluate(&measurements);
        serde_json::to_string(&(&evidence, trust(&measurements, &evidence), summary(&measurements))).unwrap()
    };
    assert_eq!(write(), write());
}

#[test]
fn the_summary_has_a_row_per_head() {
    let rows = summary(&chapter(Kind::Zero));
    assert_eq!(rows.len(), 15);
    assert_eq!((rows[0].grad_cam, rows[0].empty, rows[0].filters_alive), (Some(1.0), IMAGES, 0));
    assert!(rows[0].grad_cam_copies.unwrap() > 2.0);
}

/// All numbers of a JSON tree, and whether any is missing where a number belongs (JSON writes NaN as null).
fn no_null_statistic(value: &serde_json::Value) -> bool {
    let numbers = ["value", "low", "high", "values", "points"];
    match value {
        serde_json::Value::Object(fields) => fields.iter().all(|(key, inner)| {
            let is_null = inner.is_null() || inner.as_array().is_some_and(|a| a.iter().any(|v| v.is_null()));
            !(numbers.contains(&key.as_str()) && is_null) && no_null_statistic(inner)
        }),
        serde_json::Value::Array(items) => items.iter().all(no_null_statistic),
        _ => true,
    }
}

/// Any number at all, with NaN, infinities and gaps.
fn anything() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => (-10.0..10.0f64).prop_map(Some),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(f64::INFINITY)),
        1 => Just(Some(0.0)),
        2 => Just(None),
    ]
}

fn any_comparison() -> impl Strategy<Value = Comparison> {
    let row = || proptest::collection::vec(anything(), 0..7);
    (row(), proptest::collection::vec(row(), 0..4)).prop_map(|(trained, copies)| Comparison { trained, copies })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_measurement_makes_a_nan_or_a_panic(
        comparisons in proptest::collection::vec(any_comparison(), 4),
        raw in proptest::collection::vec(anything(), 0..8),
        counts in proptest::collection::vec(0usize..9, 8),
    ) {
        let plain: Vec<f64> = raw.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        let mut measurements = chapter(Kind::Trained);
        for network in &mut measurements.networks {
            network.side = counts[0];
            network.layers.iter_mut().for_each(|l| l.receptive_field = counts[1]);
            for filters in &mut network.filters {
                filters.inputs = counts[2];
                filters.patterns = Some(comparisons[0].clone());
                filters.participation = filters.participation.as_ref().map(|_| comparisons[1].clone());
            }
            for pooling in &mut network.poolings {
                (pooling.effect, pooling.maxima_kept) = (plain.clone(), plain.clone());
            }
            for activations in &mut network.activations {
                (activations.detail, activations.zeros) = (comparisons[2].clone(), plain.clone());
                activations.lift = Some(comparisons[3].clone());
            }
            network.input_detail = plain.clone();
            if let Some(differences) = &mut network.head_differences {
                (differences.grad_cam, differences.distance) = (comparisons[0].clone(), comparisons[1].clone());
                (differences.pairs, differences.empty_pairs) = (counts[3], counts[4]);
            }
            for probe in &mut network.probes {
                (probe.classes, probe.correct) = (counts[5], comparisons[2].clone());
            }
            for head in &mut network.heads {
                head.correct.truncate(counts[6]);
                head.grad_cam.lift = Some(comparisons[3].clone());
                head.hires_cam.lift = Some(comparisons[0].clone());
                (head.grad_cam.pointing, head.grad_cam.maps, head.grad_cam.empty) = (plain.clone(), counts[7], counts[0]);
                head.controls[0].lift = plain.clone();
                head.gradients = Some(Gradients { images: counts[1], softmax_zero: counts[2], not_finite: counts[3], ..Gradients::default() });
                for overlap in &mut head.overlaps {
                    (overlap.placed, overlap.lift) = (plain.clone(), vec![3.0; counts[4]]);
                }
                for faithful in &mut head.faithfulness {
                    faithful.deletion = plain.clone();
                }
                head.cascade.iter_mut().for_each(|stage| stage.similarity = raw.clone());
                head.changes.iter_mut().for_each(|change| change.difference = raw.clone());
            }
        }
        let evidence = evaluate(&measurements);
        let trust = trust(&measurements, &evidence);
        let json = serde_json::to_value(&evidence).unwrap();
        prop_assert!(no_null_statistic(&json), "{json}");
        for e in &evidence {
            let i = e.statistic.interval;
            prop_assert!(i.low <= i.value && i.value <= i.high && i.low.is_finite() && i.high.is_finite(), "{e:?}");
            prop_assert!(!format!("{e:?}").contains("NaN") && !format!("{e:?}").contains("inf "), "{e:?}");
        }
        prop_assert!(!trust.contains("NaN"), "{trust}");
    }
}
