//! What exporters write, in the fewest operators, and the numbers it stands for.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::pb::{self, AttributeProto, attribute_proto::AttributeType};

use crate::model::fixture::{Fixture, float, int, ints, text};

/// x → 1×1 convolution by `factor` → `c`, [1, 1, 1, 3].
fn begun(factor: f32) -> Fixture {
    let mut f = Fixture::new("x", &[1, 1, 1, 3]);
    f.floats("k", &[1, 1, 1, 1], &[factor]).node("Conv", &["x", "k"], "c", vec![]);
    f
}

/// What comes out for x = (−2, 1, 3).
fn values(f: &mut Fixture) -> Vec<f32> {
    let image = ArrayD::from_shape_vec(IxDyn(&[1, 1, 1, 3]), vec![-2.0, 1.0, 3.0]).unwrap();
    let network = f.output("y").load();
    network.plan(&["y"], 1, None).unwrap().run(&image).unwrap().remove(0).into_iter().collect()
}

fn graph(name: &str, graph: pb::GraphProto) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Graph as i32, g: Some(graph), ..Default::default() }
}

fn call(op: &str, domain: &str, input: &str, output: &str, attribute: Vec<AttributeProto>) -> pb::NodeProto {
    pb::NodeProto {
        op_type: op.into(),
        domain: domain.into(),
        input: vec![input.into()],
        output: vec![output.into()],
        attribute,
        ..Default::default()
    }
}

#[test]
fn functions_are_put_in_the_places_of_their_calls() {
    let mut f = begun(1.0);
    let slope = AttributeProto { name: "alpha".into(), ref_attr_name: "slope".into(), ..Default::default() };
    let twice = |outer: &str, inner: &str, domain: &str| call(inner, domain, "in", outer, vec![]);
    let leaky = pb::FunctionProto {
        name: Some("Leaky".into()),
        domain: Some("own".into()),
        input: vec!["in".into()],
        output: vec!["out".into()],
        attribute: vec!["slope".into()],
        node: vec![twice("negative", "Neg", ""), call("LeakyRelu", "", "negative", "out", vec![slope])],
        ..Default::default()
    };
    let both = pb::FunctionProto {
        name: Some("Both".into()),
        domain: Some("own".into()),
        input: vec!["in".into()],
        output: vec!["out".into()],
        node: vec![
            call("Leaky", "own", "in", "once", vec![float("slope", 0.5)]),
            call("Leaky", "own", "once", "out", vec![float("slope", 0.25)]),
        ],
        ..Default::default()
    };
    f.proto.functions = vec![leaky, both];
    f.graph.node.push(call("Both", "own", "c", "y", vec![]));
    // −x is (2, −1, −3), leaky (2, −0.5, −1.5); of that the negative is (−2, 0.5, 1.5), leaky (−0.5, 0.5, 1.5).
    assert_eq!(values(&mut f), [-0.5, 0.5, 1.5]);
}

#[test]
fn fused_operators_are_taken_apart() {
    let fused = |op: &str, inputs: &[&str], attribute: Vec<AttributeProto>| pb::NodeProto {
        op_type: op.into(),
        domain: "com.microsoft".into(),
        input: inputs.iter().map(|input| (*input).to_string()).collect(),
        output: vec!["y".into()],
        attribute,
        ..Default::default()
    };
    let mut f = begun(1.0);
    f.floats("bias", &[1], &[0.5]).floats("two", &[1, 1, 1, 1], &[2.0]);
    f.graph.node.push(fused(
        "FusedConv",
        &["c", "two", "bias", "x"],
        vec![text("activation", "Relu"), ints("strides", &[1, 1])],
    ));
    assert_eq!(values(&mut f), [0.0, 3.5, 9.5], "max(2x + 0.5 + x, 0)");

    let mut f = begun(1.0);
    f.node("Flatten", &["c"], "f", vec![]).floats("w", &[2, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    let slope = AttributeProto { floats: vec![0.5], ..float("activation_params", 0.0) };
    f.graph.node.push(fused("FusedGemm", &["f", "w"], vec![text("activation", "LeakyRelu"), int("transB", 1), slope]));
    assert_eq!(values(&mut f), [-1.0, 4.0]);
    let mut f = begun(1.0);
    f.graph.node.push(fused("FusedConv", &["c", "k"], vec![text("activation", "Surprise")]));
    assert!(f.output("y").refusal().contains("FusedConv"), "an unknown activation is none");
}

#[test]
fn branches_that_shapes_decide_are_decided() {
    let branch = |factor: &str| pb::GraphProto {
        node: vec![pb::NodeProto {
            op_type: "Mul".into(),
            input: vec!["c".into(), factor.into()],
            output: vec!["inner".into()],
            ..Default::default()
        }],
        output: vec![pb::ValueInfoProto { name: "inner".into(), ..Default::default() }],
        ..Default::default()
    };
    for (rank, expected) in [(4, [-20.0, 10.0, 30.0]), (3, [-200.0, 100.0, 300.0])] {
        let mut f = begun(1.0);
        f.integers("rank", &[rank]).floats("ten", &[], &[10.0]).floats("hundred", &[], &[100.0]);
        f.node("Shape", &["c"], "shape", vec![]).node("Shape", &["shape"], "axes", vec![]);
        f.node("Equal", &["axes", "rank"], "is", vec![]);
        f.node("If", &["is"], "y", vec![graph("then_branch", branch("ten")), graph("else_branch", branch("hundred"))]);
        assert_eq!(values(&mut f), expected);
    }
    let mut f = begun(1.0);
    f.floats("bound", &[], &[0.0]).node("ReduceMax", &["c"], "most", vec![int("keepdims", 0)]);
    f.node("Greater", &["most", "bound"], "is", vec![]);
    f.node("If", &["is"], "y", vec![graph("then_branch", branch("k")), graph("else_branch", branch("k"))]);
    assert!(f.output("y").refusal().contains("control flow"), "the image decides");
}

/// A quantiser drops a ReLU where the zero point does its work: integers from 0 at a scale of 1/128 end at 0 and 255/128.
#[test]
fn quantised_activations_are_cut_off_where_their_integers_end() {
    let mut f = begun(1.0);
    f.floats("scale", &[], &[1.0 / 128.0]);
    f.graph.initializer.push(pb::TensorProto {
        name: "zero".into(),
        data_type: pb::tensor_proto::DataType::Uint8 as i32,
        int32_data: vec![0],
        ..Default::default()
    });
    f.node("QuantizeLinear", &["c", "scale", "zero"], "q", vec![]).node("Flatten", &["q"], "moved", vec![]);
    f.node("DequantizeLinear", &["moved", "scale", "zero"], "float", vec![]).node("Abs", &["float"], "y", vec![]);
    assert_eq!(values(&mut f), [0.0, 1.0, 255.0 / 128.0]);
}

/// The best score would have no derivative at the end of its integers.
#[test]
fn quantised_scores_are_not_cut_off_at_the_top() {
    for (zero, wanted) in [(0, [0.0, 1.0, 3.0]), (128, [-2.0, 1.0, 3.0])] {
        let mut f = begun(1.0);
        f.floats("scale", &[], &[1.0 / 128.0]);
        f.graph.initializer.push(pb::TensorProto {
            name: "zero".into(),
            data_type: pb::tensor_proto::DataType::Uint8 as i32,
            int32_data: vec![zero],
            ..Default::default()
        });
        f.node("QuantizeLinear", &["c", "scale", "zero"], "q", vec![]);
        f.node("DequantizeLinear", &["q", "scale", "zero"], "y", vec![]);
        assert_eq!(values(&mut f), wanted);
    }
}

#[test]
fn a_constant_without_value_is_zero() {
    let mut f = begun(1.0);
    f.integers("shape", &[1, 1, 1, 3]).node("ConstantOfShape", &["shape"], "zeros", vec![]);
    f.node("Add", &["c", "zeros"], "y", vec![]);
    assert_eq!(values(&mut f), [-2.0, 1.0, 3.0]);
}
