//! The way from the last convolution to the features that are explained, and maps with channels last.

use ndarray::{Array, ArrayD, IxDyn};
use tract_onnx::pb::{AttributeProto, attribute_proto::AttributeType};

use crate::backprop::{ReluRule, Tape};
use crate::model::Network;
use crate::model::fixture::{Fixture, float, int, ints, text};

/// A convolution of four channels, `c`, on 8×8 pixels.
fn begun() -> Fixture {
    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.conv("x", "c", [4, 3, 3, 3], vec![ints("pads", &[1; 4])]);
    f
}

/// Pooling and a dense layer under `value`.
fn scored(f: &mut Fixture, value: &str, channels: i64) -> Network {
    f.node("GlobalAveragePool", &[value], "gap", vec![]).node("Flatten", &["gap"], "flat", vec![]);
    f.dense("flat", "y", channels, 3).output("y").load()
}

fn target(network: &Network) -> String {
    network.default_target(&network.heads()[0]).unwrap().tensor
}

/// Three functions that no exporter has one operator for, or had at the time.
#[test]
fn activations_of_several_operators_are_activations() {
    let mut f = begun();
    f.weight("slope", &[4, 1, 1]).node("Relu", &["c"], "above", vec![]).node("Neg", &["c"], "n", vec![]);
    f.node("Relu", &["n"], "nr", vec![]).node("Mul", &["nr", "slope"], "below", vec![]);
    f.node("Add", &["above", "below"], "prelu", vec![]).node("Relu", &["prelu"], "again", vec![]);
    assert_eq!(target(&scored(&mut f, "again", 4)), "prelu");

    let mut f = begun();
    f.floats("bound", &[], &[20.0]).node("Softplus", &["c"], "s", vec![]);
    f.node("Greater", &["c", "bound"], "g", vec![]).node("Where", &["g", "c", "s"], "softplus", vec![]);
    assert_eq!(target(&scored(&mut f, "softplus", 4)), "softplus");

    let mut f = begun();
    f.floats("cubic", &[], &[0.044715]).floats("root", &[], &[0.79788]).floats("one", &[], &[1.0]);
    f.floats("half", &[], &[0.5]);
    f.node("Mul", &["c", "c"], "square", vec![]).node("Mul", &["c", "square"], "cube", vec![]);
    f.node("Mul", &["cubic", "cube"], "m", vec![]).node("Add", &["c", "m"], "sum", vec![]);
    f.node("Mul", &["root", "sum"], "r", vec![]).node("Tanh", &["r"], "t", vec![]);
    f.node("Add", &["one", "t"], "g", vec![]).node("Mul", &["c", "g"], "cg", vec![]);
    f.node("Mul", &["half", "cg"], "gelu", vec![]);
    let network = scored(&mut f, "gelu", 4);
    assert_eq!(target(&network), "gelu");
    assert_eq!(network.layer("c").unwrap().activation.as_deref(), Some("gelu"), "one row in the table");
}

#[test]
fn normalisations_of_several_operators_are_passed() {
    // Groups as channels of an instance normalisation, as torch writes a group normalisation.
    let mut f = begun();
    f.integers("grouped", &[0, 2, -1]).integers("map", &[-1, 4, 8, 8]).floats("ones", &[2], &[1.0; 2]);
    f.floats("zeros", &[2], &[0.0; 2]).node("Reshape", &["c", "grouped"], "g", vec![]);
    f.node("InstanceNormalization", &["g", "ones", "zeros"], "n", vec![]);
    f.node("Reshape", &["n", "map"], "m", vec![]).node("Relu", &["m"], "relu", vec![]);
    assert_eq!(target(&scored(&mut f, "relu", 4)), "relu");

    // Over channels, by moments.
    let mut f = begun();
    let over_channels = || vec![ints("axes", &[1]), int("keepdims", 1)];
    f.floats("epsilon", &[], &[1e-3]).node("ReduceMean", &["c"], "mean", over_channels());
    f.node("Sub", &["c", "mean"], "d", vec![]).node("Mul", &["d", "d"], "dd", vec![]);
    f.node("ReduceMean", &["dd"], "variance", over_channels()).node("Add", &["variance", "epsilon"], "v", vec![]);
    f.node("Sqrt", &["v"], "s", vec![]).node("Div", &["d", "s"], "n", vec![]).node("Relu", &["n"], "relu", vec![]);
    assert_eq!(target(&scored(&mut f, "relu", 4)), "relu");
}

/// Squeeze-and-excite before the sum: the gate belongs to the features.
#[test]
fn gates_are_passed_and_attention_is_not_explained() {
    let mut f = begun();
    f.conv("c", "b", [4, 4, 3, 3], vec![ints("pads", &[1; 4])]).node("GlobalAveragePool", &["b"], "g", vec![]);
    f.conv("g", "fc", [4, 4, 1, 1], vec![]).node("Sigmoid", &["fc"], "gate", vec![]);
    f.node("Mul", &["b", "gate"], "excited", vec![]).node("Add", &["excited", "c"], "sum", vec![]);
    f.node("Relu", &["sum"], "relu", vec![]);
    assert_eq!(target(&scored(&mut f, "relu", 4)), "relu");

    // One channel of weights for the cells of four: attention pooling.
    let mut f = begun();
    f.node("Relu", &["c"], "relu", vec![]).conv("relu", "query", [1, 4, 1, 1], vec![]);
    f.node("Sigmoid", &["query"], "weights", vec![]).node("Mul", &["relu", "weights"], "weighed", vec![]);
    assert_eq!(target(&scored(&mut f, "weighed", 4)), "relu");
}

/// A dense layer along channels, as Keras writes it: cells as rows, and a map again.
#[test]
fn products_over_rows_of_cells_are_convolutions() {
    let mut f = begun();
    f.node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])]).integers("rows", &[-1, 4]);
    f.integers("map", &[-1, 8, 8, 6]).weight("w", &[4, 6]).weight("b", &[6]);
    f.node("Reshape", &["t", "rows"], "r", vec![]).node("MatMul", &["r", "w"], "p", vec![]);
    f.node("Reshape", &["p", "map"], "m", vec![]).node("Add", &["m", "b"], "biased", vec![]);
    f.node("Relu", &["biased"], "relu", vec![]).node("ReduceMean", &["relu"], "gap", vec![ints("axes", &[1, 2])]);
    f.integers("flat", &[-1, 6]).node("Reshape", &["gap", "flat"], "v", vec![]);
    let network = f.dense("v", "y", 6, 3).output("y").load();
    assert_eq!(target(&network), "relu");
    assert_eq!(network.channels_first("relu"), "relu (channels first)");
    assert_eq!(network.channels_first("c"), "c");
    assert_eq!(network.channels_first("y"), "y");
}

#[test]
fn maps_with_channels_last_are_read_and_differentiated_with_channels_first() {
    // Channels last from the input on; the score is a weighted sum of the map `t`, [1, 2, 3, 2].
    let mut f = Fixture::new("x", &[-1, 2, 2, 3]);
    f.floats("k", &[2, 2, 1, 1], &[1.0, 0.0, 0.0, 1.0]).node("Conv", &["x", "k"], "c", vec![]);
    f.node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])]);
    f.node("Flatten", &["t"], "f", vec![]);
    let weights: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let network = f.floats("w", &[12, 1], &weights).node("MatMul", &["f", "w"], "y", vec![]).output("y").load();
    let first = network.channels_first("t");
    let image = Array::from_shape_vec(IxDyn(&[1, 2, 2, 3]), (0..12).map(|i| i as f32).collect()).unwrap();

    let outputs = network.plan(&["t", &first, "y"], 1, None).unwrap().run(&image).unwrap();
    assert_eq!((outputs[0].shape(), outputs[1].shape()), (&[1, 2, 3, 2][..], &[1, 2, 2, 3][..]));
    assert_eq!(outputs[1], image, "the convolution is the identity");

    let graph = network.graph(&[&first, "y"], 1, None).unwrap();
    let tape = Tape::forward(&graph, vec![(graph.outputs[0], image)], &[graph.outputs[1]]).unwrap();
    let seed = ArrayD::from_elem(IxDyn(&[1, 1]), 1.0);
    let gradient = tape.backward(&[(graph.outputs[1], seed)], &[graph.outputs[0]], ReluRule::Plain).unwrap().remove(0);
    // Weight i lies at cell i / 2 of channel i % 2.
    let even_then_odd: Vec<f32> = (0..6).map(|i| 2.0 * i as f32).chain((0..6).map(|i| 2.0 * i as f32 + 1.0)).collect();
    assert_eq!(gradient.into_raw_vec_and_offset().0, even_then_odd);
}

/// Upsample with its scales as attribute (opset 7) and as input (opset 9), and Resize of opset 10: nearest is the value at or
/// before the place, as onnxruntime has it, which a factor of three tells from rounding.
#[test]
fn old_ways_of_enlarging_are_read() {
    let scales = [1.0, 1.0, 1.0, 3.0];
    let attribute = AttributeProto {
        name: "scales".into(),
        r#type: AttributeType::Floats as i32,
        floats: scales.to_vec(),
        ..Default::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, i64, &[&str], Vec<AttributeProto>); 4] = [
        ("Upsample", 7, &["c"], vec![attribute.clone()]),
        ("Upsample", 7, &["c"], vec![attribute, text("mode", "linear")]),
        ("Upsample", 9, &["c", "scales"], vec![text("mode", "nearest")]),
        ("Resize", 10, &["c", "scales"], vec![text("mode", "nearest")]),
    ];
    for (op, opset, inputs, attributes) in cases {
        let linear = attributes.len() == 2;
        let mut f = Fixture::new("x", &[-1, 1, 1, 2]);
        f.proto.opset_import[0].version = opset;
        f.floats("k", &[1, 1, 1, 1], &[1.0]).node("Conv", &["x", "k"], "c", vec![]).floats("scales", &[4], &scales);
        f.node(op, inputs, "wide", attributes).node("LeakyRelu", &["wide"], "y", vec![float("alpha", 1.0)]);
        let path = folder.path().join("old.onnx");
        std::fs::write(&path, f.output("y").bytes()).unwrap();
        let network = Network::load(&path).unwrap();
        assert_eq!(network.layer("wide").unwrap().kind, "UpSampling2D");
        let image = Array::from_shape_vec(IxDyn(&[1, 1, 1, 2]), vec![3.0, 9.0]).unwrap();
        let wide = network.plan(&["y"], 1, None).unwrap().run(&image).unwrap().remove(0);
        let expected = if linear { [3.0, 5.0, 7.0, 9.0, 9.0, 9.0] } else { [3.0, 3.0, 3.0, 9.0, 9.0, 9.0] };
        for (found, expected) in wide.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{op} {opset}: {wide}");
        }
    }
}
