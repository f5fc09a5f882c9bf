//! Synthetic measurements: trained-like, random-like and zero-kernel-like networks.

use crate::measure::color::Color;
use crate::random::Random;
use crate::study::measurements::*;

const COPIES: usize = 8;
pub(crate) const IMAGES: usize = 60;

/// What kind of network the numbers come from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
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
    // Random networks lie near one another, so that the interval of a further one decides.
    let spread = 0.02 * (trained - copies).abs();
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
        gradients: Some(Gradients {
            softmax: (0..IMAGES).map(|i| if i < 4 { Vanishing::Zero } else { Vanishing::Tiny }).collect(),
            logit: vec![Vanishing::Plain; IMAGES],
            not_finite: 0,
        }),
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
            Stage { layer: "dense_2".into(), similarity: vec![vec![Some(0.6); IMAGES]; 3] },
            Stage { layer: "conv2d_1".into(), similarity: vec![vec![live.then_some(0.1); IMAGES]; 3] },
        ],
        changes: all.iter().map(|a| change(random, a)).collect(),
    }
}

pub(crate) fn network(kind: Kind, seed: u64, name: &str, role: Role, heads: &[&str]) -> Network {
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
        kernel: [7, 7],
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
            kernel: [5, 5],
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
        sample: if role == Role::Digits { "digits".into() } else { "lines".into() },
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
pub(crate) fn chapter(kind: Kind) -> Measurements {
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
    // The third variation's maps and accuracy are better than its rivals', if they are trained.
    for rival in if kind == Kind::Random { 0..0 } else { 2..4 } {
        for head in &mut networks[rival].heads {
            head.correct.iter_mut().step_by(3).for_each(|c| *c = false);
            for lift in [&mut head.grad_cam.lift, &mut head.hires_cam.lift].into_iter().flatten() {
                lift.trained.iter_mut().flatten().for_each(|v| *v -= 1.5);
            }
        }
    }
    Measurements { seed: 1, networks }
}
