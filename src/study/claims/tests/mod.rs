//! The verdicts on synthetic measurements: trained-like, random-like and zero-kernel-like networks, and anything at
//! all.

mod anything;
mod fixture;
mod rederived;

use crate::study::claims::*;
use fixture::{IMAGES, Kind, chapter, network};

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
    let topics: Vec<u8> = evidence.iter().map(|e| e.topic.number()).collect();
    assert_eq!(topics, [2, 3, 4, 5, 9, 13, 14, 15]);
    // In a chapter of others they are counted from 1.
    assert_eq!(evidence.iter().map(|e| e.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
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
    assert!((claim.deciding[1].interval.value - 0.25).abs() < 1e-9);
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
    assert_eq!(set(|g| g.softmax.fill(Vanishing::Tiny)), Verdict::NotSupported);
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
