//! What outputs mean: classes however their softmax is spelled, and what is no classifier.

use crate::model::fixture::{Fixture, int, ints};
use crate::model::{HeadActivation, Meaning, Network};

/// x → convolution → ReLU `map` → pooled and flattened `vector` [1, 4] → dense `z` of so many units → whatever `end` makes of it.
fn network(units: i64, outputs: &[&str], end: impl FnOnce(&mut Fixture)) -> Network {
    let mut fixture = Fixture::new("x", &[1, 3, 8, 8]);
    fixture.conv("x", "c", [4, 3, 3, 3], vec![]).node("Relu", &["c"], "map", vec![]);
    fixture.node("GlobalAveragePool", &["map"], "p", vec![]).node("Flatten", &["p"], "vector", vec![]);
    fixture.dense("vector", "z", 4, units);
    end(&mut fixture);
    for output in outputs {
        fixture.output(output);
    }
    fixture.load()
}

fn first(network: &Network) -> (&str, HeadActivation, Meaning) {
    let head = &network.heads()[0];
    (&head.logits, head.activation, head.meaning)
}

#[test]
fn a_softmax_is_known_however_it_is_spelled() {
    let softmax = ("z", HeadActivation::Softmax, Meaning::Classes);
    let powers = |fixture: &mut Fixture, of: &str| {
        fixture.node("Exp", &[of], "e", vec![]).integers("axes", &[1]);
        fixture.node("ReduceSum", &["e", "axes"], "s", vec![int("keepdims", 1)]).node("Div", &["e", "s"], "y", vec![]);
    };
    assert_eq!(first(&network(5, &["y"], |fixture| powers(fixture, "z"))), softmax);
    let shifted = network(5, &["y"], |fixture| {
        fixture.node("ReduceMax", &["z"], "m", vec![ints("axes", &[1])]).node("Sub", &["z", "m"], "d", vec![]);
        powers(fixture, "d");
    });
    assert_eq!(first(&shifted), softmax);
    let log = network(5, &["y"], |fixture| {
        fixture.node("LogSoftmax", &["z"], "l", vec![]).node("Exp", &["l"], "y", vec![]);
    });
    assert_eq!(first(&log), softmax);
    let logistic = network(1, &["y"], |fixture| {
        fixture.floats("one", &[1], &[1.0]).node("Neg", &["z"], "n", vec![]).node("Exp", &["n"], "e", vec![]);
        fixture.node("Add", &["e", "one"], "s", vec![]).node("Reciprocal", &["s"], "y", vec![]);
    });
    assert_eq!(first(&logistic), ("z", HeadActivation::Sigmoid, Meaning::Classes));
}

#[test]
fn what_names_no_classes_has_none() {
    let meaning = |network: Network| network.heads()[0].meaning;
    assert_eq!(meaning(network(5, &["z"], |_| {})), Meaning::Classes);
    assert_eq!(meaning(network(1, &["z"], |_| {})), Meaning::Values, "a regression");
    let labelled = network(1, &["z"], |fixture| _ = fixture.metadata("labels.z", r#"["no", "yes"]"#));
    assert_eq!(meaning(labelled), Meaning::Classes, "two labels make one unit a choice of two");
    let embedding = network(5, &["y"], |fixture| {
        fixture.node("ReduceL2", &["z"], "n", vec![ints("axes", &[1])]).node("Div", &["z", "n"], "y", vec![]);
    });
    assert_eq!(meaning(embedding), Meaning::Values);
    let boxes = network(8, &["y"], |fixture| {
        fixture.integers("shape", &[-1, 2, 4]).node("Reshape", &["z", "shape"], "y", vec![]);
    });
    assert_eq!(meaning(boxes), Meaning::Values);
}

#[test]
fn beside_classes_everything_else_steps_back() {
    let network = network(5, &["map", "vector", "z", "y", "best"], |fixture| {
        fixture.node("Softmax", &["z"], "y", vec![]).node("ArgMax", &["z"], "best", vec![int("axis", 1)]);
    });
    let heads: Vec<&str> = network.heads().iter().map(|head| head.name.as_str()).collect();
    assert_eq!(heads, ["z"]);
    let others: Vec<&str> = network.other_outputs().iter().map(|other| other.name.as_str()).collect();
    assert_eq!(others, ["map", "vector", "y", "best"]);
    assert_eq!(network.other_outputs()[0].shape, [None, Some(4), Some(6), Some(6)]);
}
