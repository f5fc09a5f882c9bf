//! Networks built for each thing a heatmap can run into: the causes of an empty map, operators without a rule, receptive fields.

use crate::backprop::{ReluRule, Tape};
use crate::explain::differences::{Differences, Point};
use crate::explain::engine::{Engine, Score};
use crate::explain::score::End;
use crate::explain::tail::{MapParts, feature_maps};
use crate::model::fixture::{Fixture, int};
use crate::model::{Network, Precision};
use crate::visualize::cam::{Method, signed_map};
use crate::visualize::cause::Cause;
use ndarray::ArrayD;
use proptest::prelude::*;

/// x [1, 1, 4, 4] → 2×2 convolution with a kernel of ones and `bias` → ReLU (the target) → 9 values → two classes by `dense` [9, 2],
/// through whatever `middle` adds between the values `flat` and `hidden`.
fn network(bias: f32, dense: [f32; 2], middle: impl FnOnce(&mut Fixture)) -> Network {
    let mut fixture = Fixture::new("x", &[1, 1, 4, 4]);
    fixture.floats("kernel", &[1, 1, 2, 2], &[1.0; 4]).floats("bias", &[1], &[bias]);
    fixture.node("Conv", &["x", "kernel", "bias"], "conv", vec![]).node("Relu", &["conv"], "target", vec![]);
    fixture.node("Flatten", &["target"], "flat", vec![int("axis", 1)]);
    middle(&mut fixture);
    fixture.floats("dense", &[9, 2], &[dense, dense, dense, dense, dense, dense, dense, dense, dense].concat());
    fixture.node("MatMul", &["hidden", "dense"], "scores", vec![]);
    fixture.output("scores").load()
}

/// Why Grad-CAM of class 1 is empty for an image of ones.
fn cause(network: &Network) -> Option<Cause> {
    let engine = Engine::new(network, "target", &[], (4, 4)).unwrap();
    let image = ArrayD::from_elem(vec![1, 1, 4, 4], 1.0);
    let forward = engine.forward(&image).unwrap();
    let value = forward.get("target").unwrap();
    let activation = feature_maps("target", value.view()).unwrap();
    let tail = engine.tail(&image, value).unwrap();
    let gradient = tail.gradient(0, 1, Score::Logit).unwrap().gradient;
    let signed = signed_map(Method::GradCam, activation.view(), gradient.view());
    assert!(signed.iter().all(|value| value.is_finite()));
    tail.cause(0, 1, &MapParts { signed: &signed, activation: &activation, gradient: &gradient }).unwrap()
}

fn straight(fixture: &mut Fixture) {
    fixture.node("Identity", &["flat"], "hidden", vec![]);
}

#[test]
fn every_cause_of_an_empty_map_is_told_from_the_others() {
    assert_eq!(cause(&network(0.0, [1.0, -1.0], straight)), Some(Cause::AllNegative));
    assert_eq!(cause(&network(-9.0, [1.0, 1.0], straight)), Some(Cause::ActivationZero));
    assert!(matches!(cause(&network(0.0, [1.0, 0.0], straight)), Some(Cause::ScoreConstant { .. })));
    let dead = network(0.0, [1.0, 1.0], |fixture| {
        fixture.floats("far", &[1], &[-100.0]).node("Add", &["flat", "far"], "low", vec![]);
        fixture.node("Relu", &["low"], "hidden", vec![]);
    });
    assert!(matches!(cause(&dead), Some(Cause::NoActiveUnit { at }) if at.starts_with("hidden")));
    let saturated = network(0.0, [1.0, 1.0], |fixture| {
        fixture.floats("far", &[1], &[100.0]).node("Add", &["flat", "far"], "high", vec![]);
        fixture.node("Sigmoid", &["high"], "hidden", vec![]);
    });
    assert!(matches!(cause(&saturated), Some(Cause::Saturated { at }) if at.starts_with("hidden")));
    // An image of ones makes the map the same at all its places.
    assert_eq!(cause(&network(0.0, [1.0, 1.0], straight)), Some(Cause::Flat));
}

#[test]
fn a_tail_without_rules_is_explained_by_central_differences() {
    // CumSum has no rule; along the flattened map it is linear, so the weights are known: 9 + 8 + … + 1 over 9 positions.
    let network = network(0.0, [0.0, 1.0], |fixture| {
        fixture.integers("axis", &[1]);
        // The axis is a scalar.
        fixture.graph.initializer.last_mut().unwrap().dims.clear();
        fixture.node("CumSum", &["flat", "axis"], "hidden", vec![]);
    });
    let engine = Engine::new(&network, "target", &[], (4, 4)).unwrap();
    let missing = engine.without_rule();
    assert!(missing.len() == 1 && missing[0].to_lowercase().contains("cumsum"), "{missing:?}");
    let image = ArrayD::from_elem(vec![1, 1, 4, 4], 1.0);
    let forward = engine.forward(&image).unwrap();
    let value = forward.get("target").unwrap();
    assert!(engine.tail(&image, value).is_err(), "nothing is approximated in silence");
    let differences = Differences::new(&network, &engine).unwrap();
    let (weights, kinks, score) =
        differences.weights(&Point { image: &image, activation: value, end: End::of(0, 1) }).unwrap();
    assert_eq!(kinks, 0);
    let tolerance = if differences.precision() == Precision::F64 { 1e-6 } else { 1e-2 };
    assert!((weights[0] - 5.0).abs() < tolerance, "{weights}");
    assert!((score - 45.0 * 4.0).abs() < 1e-3, "{score}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// A receptive field is proved by gradients: outside it no pixel has one, and at each of its edges some pixel has.
    #[test]
    fn receptive_fields_are_where_gradients_are(
        height in 9usize..16, width in 9usize..16, kernel in 1i64..5, stride in 1i64..3, pad in 0i64..2, pool in 1i64..3,
    ) {
        use crate::model::fixture::ints;
        let mut fixture = Fixture::new("x", &[1, 1, height as i64, width as i64]);
        let ones = vec![1.0; (kernel * kernel) as usize];
        fixture.floats("kernel", &[1, 1, kernel, kernel], &ones);
        let pad = pad.min(kernel - 1);
        fixture.node("Conv", &["x", "kernel"], "conv", vec![ints("strides", &[stride, stride]), ints("pads", &[pad, pad, pad, pad])]);
        fixture.node("AveragePool", &["conv"], "pooled", vec![ints("kernel_shape", &[pool, pool]), ints("strides", &[pool, pool])]);
        fixture.node("ReduceMean", &["pooled"], "score", vec![ints("axes", &[2, 3])]);
        let network = fixture.output("score").load();
        let field = network.receptive_field("pooled").unwrap();
        let graph = network.graph(&["pooled"], 1, None).unwrap();
        let image = ArrayD::<f64>::from_elem(vec![1, 1, height, width], 1.0);
        let (input, output) = (graph.inputs[0], graph.outputs[0]);
        let tape = Tape::forward(&graph, vec![(input, image)], &[output]).unwrap();
        let shape = graph.nodes[output].shape.clone();
        let (row, column) = (shape[2] / 2, shape[3] / 2);
        let mut seed = ArrayD::zeros(shape);
        seed[[0, 0, row, column]] = 1.0;
        let gradient = tape.backward(&[(output, seed)], &[input], ReluRule::Plain).unwrap().remove(0);
        let (y, x) = field.centre(row, column);
        let size = field.size.unwrap();
        let map = gradient.into_shape_with_order((height, width)).unwrap();
        let (mut rows, mut columns) = ((height, 0), (width, 0));
        for ((r, c), _) in map.indexed_iter().filter(|(_, g)| **g != 0.0) {
            rows = (rows.0.min(r), rows.1.max(r + 1));
            columns = (columns.0.min(c), columns.1.max(c + 1));
        }
        let edges = |centre: f64, size: usize, length: usize| {
            let (low, high) = (centre - size as f64 / 2.0, centre + size as f64 / 2.0);
            (low.max(0.0) as usize, high.min(length as f64) as usize)
        };
        prop_assert_eq!(rows, edges(y, size[0], height));
        prop_assert_eq!(columns, edges(x, size[1], width));
    }
}
