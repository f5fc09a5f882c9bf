//! Any measurements at all: no panic, no number that is none, and every verdict follows from its numbers.

use crate::study::claims::tests::fixture::{Kind, chapter};
use crate::study::claims::tests::rederived;
use crate::study::claims::{Comparison, Gradients, Vanishing, evaluate, trust};
use proptest::prelude::*;

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
                head.gradients = Some(Gradients {
                    softmax: vec![Vanishing::Zero; counts[2]],
                    logit: vec![Vanishing::Plain; counts[1]],
                    not_finite: counts[3],
                });
                for overlap in &mut head.overlaps {
                    (overlap.placed, overlap.lift) = (plain.clone(), vec![3.0; counts[4]]);
                }
                for faithful in &mut head.faithfulness {
                    faithful.deletion = plain.clone();
                }
                head.cascade.iter_mut().for_each(|stage| stage.similarity = vec![raw.clone(); counts[4]]);
                head.changes.iter_mut().for_each(|change| change.difference = raw.clone());
            }
        }
        let evidence = evaluate(&measurements);
        let trust = trust(&measurements, &evidence);
        let json = serde_json::to_value(&evidence).unwrap();
        prop_assert!(no_null_statistic(&json), "{json}");
        for e in &evidence {
            for i in e.deciding.iter().chain(&e.parts).map(|judgement| judgement.interval) {
                prop_assert!(i.low <= i.value && i.value <= i.high && i.low.is_finite() && i.high.is_finite(), "{e:?}");
            }
            prop_assert_eq!(e.verdict, rederived::verdict(&serde_json::to_value(e).unwrap()));
            prop_assert!(!format!("{e:?}").contains("NaN") && !format!("{e:?}").contains("inf "), "{e:?}");
        }
        prop_assert!(!trust.contains("NaN"), "{trust}");
    }
}
