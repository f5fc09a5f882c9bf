//! The lowered graph computes what tract computes.

use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TypeProto, ValueInfoProto,
    type_proto,
};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::IntoTensor;
use tract_onnx::tract_hir::infer::Factoid;

use crate::backprop::Tape;
use crate::backprop::graph::{Graph, Op};
use crate::model::lower::lower;
use crate::random::Random;

/// The network with every unknown size of its inputs fixed to `size`, batch to 1.
fn typed(path: &Path, size: i64) -> TypedModel {
    let onnx = tract_onnx::onnx();
    let mut model = onnx.model_for_path(path).unwrap();
    for i in 0..model.inputs.len() {
        let fact = model.input_fact(i).unwrap().clone();
        let shape: Vec<usize> = fact
            .shape
            .dims()
            .enumerate()
            .map(|(axis, dim)| match dim.concretize().and_then(|dim| dim.to_i64().ok()) {
                Some(length) => length as usize,
                None => {
                    if axis == 0 {
                        1
                    } else {
                        size as usize
                    }
                }
            })
            .collect();
        let datum_type = fact.datum_type.concretize().unwrap_or(f32::datum_type());
        model.set_input_fact(i, datum_type.fact(shape).into()).unwrap();
    }
    model.into_typed().unwrap()
}

/// The largest difference between our values and tract's at the outputs, relative to the output's largest magnitude.
fn difference(typed: &TypedModel, graph: &Graph) -> f64 {
    let mut random = Random::new(11, 0);
    let mut given = Vec::new();
    let mut inputs = tvec!();
    for (&id, &outlet) in graph.inputs.iter().zip(typed.input_outlets().unwrap()) {
        let x = ArrayD::from_shape_fn(graph.nodes[id].shape.clone(), |_| random.between(-1.0, 1.0) as f32);
        let tensor: Tensor = x.clone().into_tensor();
        let datum_type = typed.outlet_fact(outlet).unwrap().datum_type;
        inputs.push(tensor.cast_to_dt(datum_type).unwrap().into_owned().into_tvalue());
        given.push((id, x));
    }
    let expected = typed.clone().into_runnable().unwrap().run(inputs).unwrap();
    let tape = Tape::forward(graph, given, &graph.outputs).unwrap();
    let mut worst: f64 = 0.0;
    for (&id, expected) in graph.outputs.iter().zip(&expected) {
        let found = tape.value(id).unwrap();
        let expected = expected.cast_to::<f32>().unwrap();
        let expected = expected.to_plain_array_view::<f32>().unwrap();
        assert_eq!(found.shape(), expected.shape());
        let largest = expected.iter().fold(1e-20f32, |largest, x| largest.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            // Outside its domain a function is NaN for both.
            let difference = if found.is_nan() { f32::from(!expected.is_nan()) } else { (found - expected).abs() };
            assert!(!difference.is_nan());
            worst = worst.max(f64::from(difference / largest));
        }
    }
    worst
}

#[test]
fn networks_of_the_data_folder_compute_what_tract_computes() {
    let Some(folder) = std::env::var_os("CONVSCOPE_DATA").map(PathBuf::from) else {
        return println!("skipped: CONVSCOPE_DATA is not set");
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("models")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "onnx")) {
        let typed = typed(path, 224);
        let graph = lower(&typed).unwrap();
        let mut operators: Vec<String> = graph
            .nodes
            .iter()
            .filter_map(|node| match &node.op {
                Op::Unsupported { operator } => Some(operator.clone()),
                _ => None,
            })
            .collect();
        operators.dedup();
        println!("{}: {} nodes, unsupported {operators:?}", path.display(), graph.nodes.len());
        if operators.is_empty() {
            let difference = difference(&typed, &graph);
            println!("    differs from tract by {difference:e}");
            assert!(difference <= 1e-5);
        }
    }
}

/// Further inputs of an operator: fixed weights.
enum Weight {
    /// Random numbers of a shape.
    Random(Vec<i64>),
    Floats(Vec<i64>, Vec<f32>),
    /// A vector of integers.
    Ints(Vec<i64>),
    /// An integer without a dimension.
    Int(i64),
    /// An optional input that is left out.
    Absent,
}
use Weight::{Absent, Floats, Int, Ints};

fn random(shape: &[i64]) -> Weight {
    Weight::Random(shape.to_vec())
}

fn numbers(values: &[f32]) -> Weight {
    Floats(vec![values.len() as i64], values.to_vec())
}

fn number(value: f32) -> Weight {
    Floats(vec![], vec![value])
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 2, i, ..Default::default() }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 1, f, ..Default::default() }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 3, s: value.as_bytes().to_vec(), ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 7, ints: values.to_vec(), ..Default::default() }
}

fn tensor(name: String, weight: &Weight) -> TensorProto {
    let proto = TensorProto { name, ..Default::default() };
    match weight {
        Weight::Random(dims) => {
            let mut random = Random::new(13, dims.len() as u64);
            let values = (0..dims.iter().product()).map(|_| random.between(-1.0, 1.0) as f32).collect();
            TensorProto { dims: dims.clone(), data_type: 1, float_data: values, ..proto }
        }
        Floats(dims, values) => TensorProto { dims: dims.clone(), data_type: 1, float_data: values.clone(), ..proto },
        Ints(values) => {
            TensorProto { dims: vec![values.len() as i64], data_type: 7, int64_data: values.clone(), ..proto }
        }
        Int(value) => TensorProto { data_type: 7, int64_data: vec![*value], ..proto },
        Absent => proto,
    }
}

/// A network of one operator on an input `x`, and some weights.
fn single(
    operator: &str,
    opset: i64,
    shape: &[usize],
    outputs: usize,
    weights: &[Weight],
    attributes: &[AttributeProto],
) -> TypedModel {
    let name = |i: usize| if matches!(weights[i], Absent) { String::new() } else { format!("w{i}") };
    let names: Vec<String> = (0..weights.len()).map(name).collect();
    let node = NodeProto {
        op_type: operator.into(),
        name: "y".into(),
        input: std::iter::once("x".to_string()).chain(names.iter().cloned()).collect(),
        output: (0..outputs).map(|i| format!("y{i}")).collect(),
        attribute: attributes.to_vec(),
        ..Default::default()
    };
    let value = |name: String| ValueInfoProto { name, ..Default::default() };
    let float_tensor = type_proto::Value::TensorType(type_proto::Tensor { elem_type: 1, shape: None });
    let float_tensor = TypeProto { value: Some(float_tensor), ..Default::default() };
    let given = names.iter().zip(weights).filter(|(name, _)| !name.is_empty());
    let graph = GraphProto {
        output: node.output.iter().cloned().map(value).collect(),
        node: vec![node],
        input: vec![ValueInfoProto { r#type: Some(float_tensor), ..value("x".into()) }],
        initializer: given.map(|(name, weight)| tensor(name.clone(), weight)).collect(),
        ..Default::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
    let proto = ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..Default::default() };
    let mut model = tract_onnx::onnx().model_for_proto_model(&proto).unwrap();
    model.set_input_fact(0, f32::fact(shape).into()).unwrap();
    model.into_typed().unwrap()
}

/// Lowers one operator of ONNX and compares with tract.
fn check(operator: &str, shape: &[usize], weights: &[Weight], attributes: &[AttributeProto]) {
    let typed = single(operator, 17, shape, 1, weights, attributes);
    agrees(operator, &typed);
}

fn agrees(operator: &str, typed: &TypedModel) {
    let graph = lower(typed).unwrap();
    let difference = difference(typed, &graph);
    assert!(difference <= 2e-6, "{operator} differs by {difference:e}");
}

#[test]
fn convolutions_and_pools_of_onnx() {
    let image = [2, 4, 9, 7];
    check("Conv", &image, &[random(&[6, 4, 3, 3]), random(&[6])], &[ints("pads", &[1, 1, 1, 1])]);
    check(
        "Conv",
        &image,
        &[random(&[6, 2, 3, 2])],
        &[int("group", 2), ints("strides", &[2, 1]), ints("pads", &[0, 1, 2, 0])],
    );
    check("Conv", &image, &[random(&[8, 1, 3, 3])], &[int("group", 4), ints("dilations", &[2, 3])]);
    check("Conv", &image, &[random(&[5, 4, 4, 3])], &[text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])]);
    check("Conv", &image, &[random(&[5, 4, 4, 3])], &[text("auto_pad", "SAME_LOWER"), ints("strides", &[2, 3])]);
    check("Conv", &image, &[random(&[1, 4, 1, 1]), random(&[1])], &[text("auto_pad", "VALID")]);
    check("Conv", &[2, 3, 11], &[random(&[4, 3, 3])], &[ints("strides", &[2])]);
    check("Conv", &[1, 2, 4, 5, 6], &[random(&[3, 2, 2, 3, 3])], &[ints("pads", &[0, 1, 1, 1, 0, 1])]);
    for group in [1, 2] {
        let weights = || [random(&[4, 3, 3, 2]), random(&[3 * group])];
        check("ConvTranspose", &image, &weights(), &[int("group", group)]);
        let attributes = [int("group", group), ints("strides", &[2, 3]), ints("pads", &[1, 0, 1, 1])];
        check("ConvTranspose", &image, &weights(), &attributes);
        let attributes = [
            int("group", group),
            ints("strides", &[2, 2]),
            ints("output_padding", &[1, 0]),
            ints("dilations", &[2, 1]),
        ];
        check("ConvTranspose", &image, &weights(), &attributes);
    }
    check("ConvTranspose", &[1, 2, 5], &[random(&[2, 3, 4])], &[ints("strides", &[2]), ints("output_shape", &[12])]);
    for operator in ["MaxPool", "AveragePool"] {
        check(operator, &image, &[], &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]);
        check(
            operator,
            &image,
            &[],
            &[ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])],
        );
        check(operator, &image, &[], &[ints("kernel_shape", &[3, 2]), ints("strides", &[2, 2]), int("ceil_mode", 1)]);
        check(
            operator,
            &image,
            &[],
            &[ints("kernel_shape", &[3, 3]), text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])],
        );
        check(operator, &[1, 2, 9], &[], &[ints("kernel_shape", &[3])]);
    }
    check("MaxPool", &image, &[], &[ints("kernel_shape", &[2, 2]), ints("dilations", &[2, 3])]);
    let include = int("count_include_pad", 1);
    for ceil in [0, 1] {
        let attributes = [
            ints("kernel_shape", &[3, 3]),
            ints("strides", &[2, 2]),
            ints("pads", &[1, 0, 0, 1]),
            int("ceil_mode", ceil),
        ];
        check("AveragePool", &image, &[], &attributes);
        check("AveragePool", &image, &[], &[&attributes[..], std::slice::from_ref(&include)].concat());
    }
    for operator in ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"] {
        check(operator, &image, &[], &[]);
    }
}

#[test]
fn element_wise_functions_of_onnx() {
    let shape = [2, 3, 4];
    let functions = [
        "Relu",
        "LeakyRelu",
        "Sigmoid",
        "Tanh",
        "HardSwish",
        "HardSigmoid",
        "Elu",
        "Selu",
        "Celu",
        "Softplus",
        "Softsign",
        "Mish",
        "Erf",
        "Exp",
        "Sqrt",
        "Abs",
        "Neg",
        "Sin",
        "Cos",
        "Tan",
        "Asin",
        "Acos",
        "Atan",
        "Sinh",
        "Cosh",
        "Asinh",
        "Atanh",
        "Sign",
        "Floor",
        "Ceil",
        "Round",
        "Reciprocal",
        "Identity",
        "ThresholdedRelu",
        "Shrink",
    ];
    for function in functions {
        check(function, &shape, &[], &[]);
    }
    agrees("Gelu", &single("Gelu", 20, &shape, 1, &[], &[]));
    agrees("Gelu", &single("Gelu", 20, &shape, 1, &[], &[text("approximate", "tanh")]));
    agrees("Clip", &single("Clip", 10, &shape, 1, &[], &[float("min", 0.0), float("max", 0.7)]));
    check("Clip", &shape, &[number(0.1), number(0.6)], &[]);
    check("Clip", &shape, &[Absent, number(0.6)], &[]);
    check("PRelu", &shape, &[random(&[3, 1])], &[]);
    for operator in ["Add", "Sub", "Mul", "Div", "Min", "Max"] {
        check(operator, &shape, &[random(&[3, 1])], &[]);
        check(operator, &shape, &[random(&[5, 1, 1, 4])], &[]);
        check(operator, &shape, &[number(0.5)], &[]);
    }
    for exponent in [0.5, 2.0, 3.0, -1.0] {
        check("Pow", &shape, &[number(exponent)], &[]);
    }
    check("Pow", &shape, &[Floats(vec![4], vec![1.0, 2.0, 0.5, 1.5])], &[]);
    check("Cast", &shape, &[], &[int("to", 1)]);
    check("Dropout", &shape, &[], &[]);
}

#[test]
fn reductions_and_normalisations_of_onnx() {
    let shape = [2, 3, 4, 5];
    let reductions = [
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSum",
        "ReduceLogSumExp",
    ];
    for operator in reductions {
        check(operator, &shape, &[], &[ints("axes", &[2, 3])]);
        check(operator, &shape, &[], &[ints("axes", &[-3]), int("keepdims", 0)]);
    }
    check("ReduceSum", &shape, &[Ints(vec![1, -1])], &[int("keepdims", 0)]);
    for operator in ["Softmax", "LogSoftmax"] {
        check(operator, &shape, &[], &[int("axis", 1)]);
        agrees(operator, &single(operator, 11, &shape, 1, &[], &[int("axis", 1)]));
    }
    let ones = || Floats(vec![3], vec![1.0, 0.5, 2.0]);
    check("BatchNormalization", &shape, &[random(&[3]), random(&[3]), random(&[3]), ones()], &[]);
    check("InstanceNormalization", &shape, &[random(&[3]), random(&[3])], &[]);
    check("LayerNormalization", &shape, &[random(&[5]), random(&[5])], &[]);
    check("LayerNormalization", &shape, &[random(&[4, 5])], &[int("axis", -2)]);
    agrees(
        "GroupNormalization",
        &single("GroupNormalization", 21, &[2, 4, 3, 3], 1, &[random(&[4]), random(&[4])], &[int("num_groups", 2)]),
    );
    check("LpNormalization", &shape, &[], &[int("axis", 1)]);
    check("MeanVarianceNormalization", &shape, &[], &[]);
    check("LRN", &[2, 7, 3, 3], &[], &[int("size", 3), float("alpha", 0.5), float("beta", 0.75), float("bias", 2.0)]);
    check("LRN", &[1, 4, 2, 2], &[], &[int("size", 4)]);
}

#[test]
fn products_of_onnx() {
    check(
        "Gemm",
        &[3, 4],
        &[random(&[5, 4]), random(&[5])],
        &[int("transB", 1), float("alpha", 0.5), float("beta", 2.0)],
    );
    check("Gemm", &[4, 3], &[random(&[4, 5])], &[int("transA", 1)]);
    check("MatMul", &[2, 3, 4], &[random(&[4, 5])], &[]);
    check("MatMul", &[2, 3, 4], &[random(&[2, 4, 5])], &[]);
    check("MatMul", &[2, 1, 3, 4], &[random(&[3, 4, 2])], &[]);
    check("MatMul", &[2, 3, 4], &[random(&[4])], &[]);
    check("Einsum", &[2, 3, 4], &[random(&[4, 3, 5])], &[text("equation", "bij,jik->kb")]);
    check("Einsum", &[2, 3, 4], &[random(&[2, 5, 4])], &[text("equation", "bij,bkj->bik")]);
}

#[test]
fn movements_of_onnx() {
    let shape = [2, 6, 4, 4];
    check("Transpose", &shape, &[], &[ints("perm", &[2, 0, 3, 1])]);
    check("Reshape", &shape, &[Ints(vec![0, 3, -1])], &[]);
    check("Flatten", &shape, &[], &[int("axis", 2)]);
    check("Unsqueeze", &shape, &[Ints(vec![0, 3])], &[]);
    check("Squeeze", &[2, 1, 3, 1], &[Ints(vec![1, 3])], &[]);
    check("Expand", &[2, 1, 4], &[Ints(vec![3, 2, 5, 1])], &[]);
    check("Concat", &shape, &[random(&[2, 3, 4, 4])], &[int("axis", 1)]);
    check("Slice", &shape, &[Ints(vec![1, 0]), Ints(vec![5, 3]), Ints(vec![1, 2])], &[]);
    check("Slice", &shape, &[Ints(vec![-1]), Ints(vec![-100]), Ints(vec![3]), Ints(vec![-2])], &[]);
    check("Slice", &shape, &[Ints(vec![0]), Ints(vec![6]), Ints(vec![1]), Ints(vec![2])], &[]);
    agrees("Split", &single("Split", 17, &shape, 3, &[Ints(vec![1, 2, 3])], &[int("axis", 1)]));
    agrees("Split", &single("Split", 17, &shape, 2, &[], &[int("axis", 1)]));
    let pads = || Ints(vec![0, 1, 2, 1, 0, 0, 1, 3]);
    check("Pad", &shape, &[pads(), number(0.25)], &[text("mode", "constant")]);
    check("Pad", &shape, &[pads()], &[text("mode", "reflect")]);
    check("Pad", &shape, &[pads()], &[text("mode", "edge")]);
    check("Tile", &[2, 3], &[Ints(vec![2, 3])], &[]);
    check("Gather", &shape, &[Ints(vec![3, 0, 3])], &[int("axis", 1)]);
    check("Gather", &shape, &[Int(-1)], &[int("axis", 2)]);
    check("DepthToSpace", &[1, 8, 2, 3], &[], &[int("blocksize", 2), text("mode", "CRD")]);
    check("SpaceToDepth", &[1, 2, 4, 6], &[], &[int("blocksize", 2)]);
    for mode in ["nearest", "linear", "cubic"] {
        for transform in ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"] {
            let attributes = [text("mode", mode), text("coordinate_transformation_mode", transform)];
            check("Resize", &shape, &[Absent, numbers(&[1.0, 1.0, 2.0, 1.5])], &attributes);
            check("Resize", &shape, &[Absent, Absent, Ints(vec![2, 6, 7, 3])], &attributes);
        }
    }
    for nearest in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"] {
        let attributes = [text("mode", "nearest"), text("nearest_mode", nearest)];
        check("Resize", &shape, &[Absent, numbers(&[1.0, 1.0, 2.5, 0.5])], &attributes);
    }
}

#[test]
fn operators_without_a_rule_are_named() {
    let graph = lower(&single("CumSum", 17, &[2, 3], 1, &[Int(1)], &[])).unwrap();
    let x = ArrayD::<f32>::zeros(vec![2, 3]);
    let refusal = Tape::forward(&graph, vec![(graph.inputs[0], x)], &graph.outputs).err().unwrap().to_string();
    assert_eq!(refusal, "no gradient rule for: CumSum (y)");
}
