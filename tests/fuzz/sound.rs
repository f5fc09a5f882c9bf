//! Networks with nothing wrong, to start from: one for each operator that stands between convolutions, and the shapes
//! of graphs that exporters write.

use tract_onnx::pb::AttributeProto;

use crate::fixture::{Fixture, float, int, ints, text};

/// An operator that keeps an image of features one: its name, the constants it reads besides, its attributes.
type Middle = (&'static str, &'static [Constant], fn() -> Vec<AttributeProto>);

enum Constant {
    Floats(&'static [i64], f32),
    Integers(&'static [i64]),
}

use Constant::{Floats, Integers};

fn plain() -> Vec<AttributeProto> {
    Vec::new()
}

const MIDDLES: &[Middle] = &[
    ("Relu", &[], plain),
    ("Abs", &[], plain),
    ("Sin", &[], plain),
    ("Exp", &[], plain),
    ("Log", &[], plain),
    ("Sqrt", &[], plain),
    ("Reciprocal", &[], plain),
    ("Erf", &[], plain),
    ("Tanh", &[], plain),
    ("Sigmoid", &[], plain),
    ("HardSigmoid", &[], plain),
    ("HardSwish", &[], plain),
    ("Mish", &[], plain),
    ("Softplus", &[], plain),
    ("Gelu", &[], plain),
    ("Elu", &[], || vec![float("alpha", 0.5)]),
    ("Celu", &[], plain),
    ("Selu", &[], plain),
    ("LeakyRelu", &[], || vec![float("alpha", 0.1)]),
    ("ThresholdedRelu", &[], plain),
    ("Identity", &[], plain),
    ("Dropout", &[], plain),
    ("Round", &[], plain),
    ("Sign", &[], plain),
    ("Hardmax", &[], plain),
    ("Softmax", &[], || vec![int("axis", 1)]),
    ("LogSoftmax", &[], plain),
    ("LRN", &[], || vec![int("size", 3)]),
    ("LpNormalization", &[], || vec![int("axis", 1)]),
    ("MeanVarianceNormalization", &[], plain),
    ("ReduceMean", &[], || vec![ints("axes", &[2, 3])]),
    ("ReduceMax", &[], || vec![ints("axes", &[1])]),
    ("ReduceLogSumExp", &[], || vec![ints("axes", &[3])]),
    ("GlobalMaxPool", &[], plain),
    ("GlobalAveragePool", &[], plain),
    ("MaxPool", &[], || vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2]), int("ceil_mode", 1)]),
    ("AveragePool", &[], || vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1; 4]), int("count_include_pad", 1)]),
    ("Transpose", &[], || vec![ints("perm", &[0, 2, 3, 1])]),
    ("DepthToSpace", &[], || vec![int("blocksize", 2), text("mode", "CRD")]),
    ("SpaceToDepth", &[], || vec![int("blocksize", 2)]),
    ("PRelu", &[Floats(&[4, 1, 1], 0.25)], plain),
    ("Add", &[Floats(&[4, 1, 1], 1.0)], plain),
    ("Mul", &[Floats(&[1], 0.5)], plain),
    ("Div", &[Floats(&[], 2.0)], plain),
    ("Pow", &[Floats(&[], 2.0)], plain),
    ("Min", &[Floats(&[], 6.0)], plain),
    ("Mod", &[Floats(&[], 2.0)], || vec![int("fmod", 1)]),
    ("MatMul", &[Floats(&[6, 6], 0.1)], plain),
    ("Clip", &[Floats(&[], 0.0), Floats(&[], 6.0)], plain),
    ("Reshape", &[Integers(&[0, 2, 2, 6, -1])], plain),
    ("Expand", &[Integers(&[1, 4, 6, 6])], plain),
    ("Tile", &[Integers(&[1, 1, 2, 2])], plain),
    ("Pad", &[Integers(&[0, 0, 1, 1, 0, 0, 1, 1])], plain),
    ("Pad", &[Integers(&[0, 0, 2, 2, 0, 0, 2, 2])], || vec![text("mode", "reflect")]),
    ("Slice", &[Integers(&[1]), Integers(&[5]), Integers(&[2]), Integers(&[2])], plain),
    ("Gather", &[Integers(&[3, 1, 0])], || vec![int("axis", 1)]),
    ("Unsqueeze", &[Integers(&[2])], plain),
    ("CumSum", &[Integers(&[2])], plain),
    ("TopK", &[Integers(&[3])], plain),
    ("Trilu", &[], plain),
    ("Resize", &[Floats(&[0], 0.0), Floats(&[4], 2.0)], || {
        vec![text("mode", "linear"), text("coordinate_transformation_mode", "align_corners")]
    }),
    ("Resize", &[Floats(&[0], 0.0), Floats(&[0], 0.0), Integers(&[1, 4, 9, 5])], || vec![text("mode", "nearest")]),
    ("InstanceNormalization", &[Floats(&[4], 1.0), Floats(&[4], 0.0)], plain),
    ("GroupNormalization", &[Floats(&[2], 1.0), Floats(&[2], 0.0)], || vec![int("num_groups", 2)]),
    ("LayerNormalization", &[Floats(&[6], 1.0), Floats(&[6], 0.0)], plain),
    ("ConvTranspose", &[Floats(&[4, 2, 3, 3], 0.1)], || {
        vec![ints("strides", &[2, 2]), ints("output_padding", &[1, 1])]
    }),
    ("Conv", &[Floats(&[4, 1, 3, 3], 0.1)], || vec![int("group", 4), text("auto_pad", "SAME_UPPER")]),
    ("Conv", &[Floats(&[2, 4, 2, 2], 0.1)], || vec![ints("dilations", &[2, 2])]),
];

/// How many different networks [`sound`] makes.
pub const COUNT: usize = MIDDLES.len() + SHAPES.len();

const SHAPES: [fn(&mut Fixture); 8] =
    [channels_last, gated, residual, several_heads, segmenting, shape_arithmetic, attending, byte_weights];

/// Network number `index` (modulo [`COUNT`]).
pub fn sound(index: usize) -> Fixture {
    let index = index % COUNT;
    match MIDDLES.get(index) {
        Some(middle) => through(middle),
        None => {
            let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
            SHAPES[index - MIDDLES.len()](&mut f);
            f
        }
    }
}

/// Convolution, the operator, pooling, classes.
fn through((op, constants, attributes): &Middle) -> Fixture {
    let mut f = Fixture::new("x", &[1, 3, 8, 8]);
    f.conv("x", "first", [4, 3, 3, 3], vec![]);
    let mut inputs = vec!["first".to_string()];
    for (index, constant) in constants.iter().enumerate() {
        let name = format!("constant{index}");
        match constant {
            Floats(dims, value) => {
                let count = dims.iter().product::<i64>() as usize;
                f.floats(&name, dims, &vec![*value; count]);
            }
            Integers(values) => _ = f.integers(&name, values),
        }
        inputs.push(name);
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    f.node(op, &inputs, "middle", attributes()).node("GlobalAveragePool", &["middle"], "pooled", vec![]);
    f.node("Flatten", &["pooled"], "y", vec![]).output("y");
    f.metadata("labels.y", "[\"a\", \"b\", \"c\", \"d\"]");
    f
}

fn channels_last(f: &mut Fixture) {
    f.graph.input[0] = crate::fixture::value("x", &[-1, 8, 8, 3], tract_onnx::pb::tensor_proto::DataType::Float);
    f.node("Transpose", &["x"], "t", vec![ints("perm", &[0, 3, 1, 2])]).conv("t", "c", [2, 3, 3, 3], vec![]);
    f.node("Relu", &["c"], "r", vec![]).pool("r", "p", 2, 2);
    f.node("Transpose", &["p"], "u", vec![ints("perm", &[0, 2, 3, 1])]).node("Flatten", &["u"], "f", vec![]);
    f.dense("f", "d", 18, 3).node("Softmax", &["d"], "y", vec![]).output("y");
}

fn gated(f: &mut Fixture) {
    f.conv("x", "c", [4, 3, 3, 3], vec![]).batch_norm("c", "n", 4);
    f.node("Sigmoid", &["n"], "s", vec![]).node("Mul", &["n", "s"], "silu", vec![]);
    f.node("GlobalAveragePool", &["silu"], "g", vec![]).conv("g", "gate", [4, 4, 1, 1], vec![]);
    f.node("Sigmoid", &["gate"], "gs", vec![]).node("Mul", &["silu", "gs"], "m", vec![]);
    f.node("GlobalAveragePool", &["m"], "p", vec![]).node("Flatten", &["p"], "f", vec![]);
    f.dense("f", "d", 4, 1).node("Sigmoid", &["d"], "y", vec![]).output("y");
}

fn residual(f: &mut Fixture) {
    let padded = || vec![ints("pads", &[1; 4])];
    f.conv("x", "a", [4, 3, 3, 3], padded()).node("Relu", &["a"], "ar", vec![]).conv("ar", "b", [4, 4, 3, 3], padded());
    f.node("Add", &["ar", "b"], "s", vec![]).node("Relu", &["s"], "r", vec![]);
    f.node("Concat", &["r", "ar"], "c", vec![int("axis", 1)]).node("GlobalAveragePool", &["c"], "g", vec![]);
    f.node("Flatten", &["g"], "f", vec![]).dense("f", "y", 8, 5).output("y");
}

fn several_heads(f: &mut Fixture) {
    f.conv("x", "c", [4, 3, 3, 3], vec![ints("strides", &[2, 2])]).node("Relu", &["c"], "r", vec![]);
    f.node("Flatten", &["r"], "f", vec![]).dense("f", "one", 36, 2).dense("f", "two", 36, 1);
    f.node("Sigmoid", &["two"], "p", vec![]).output("one").output("p").output("r");
}

fn segmenting(f: &mut Fixture) {
    f.conv("x", "c", [4, 3, 3, 3], vec![ints("pads", &[2; 4]), ints("dilations", &[2, 2])]);
    f.node("Relu", &["c"], "r", vec![]).conv("r", "s", [3, 4, 1, 1], vec![]);
    f.floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0]);
    f.node("Resize", &["s", "", "scales"], "u", vec![text("mode", "linear")]);
    f.node("Softmax", &["u"], "y", vec![int("axis", 1)]).output("y");
}

fn shape_arithmetic(f: &mut Fixture) {
    f.graph.input[0] = crate::fixture::value("x", &[-1, 3, -2, -3], tract_onnx::pb::tensor_proto::DataType::Float);
    f.conv("x", "c", [4, 3, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]);
    f.node("GlobalAveragePool", &["r"], "g", vec![]).node("Shape", &["g"], "shape", vec![]);
    f.integers("zero", &[0]).integers("rest", &[4]).node("Gather", &["shape", "zero"], "n", vec![]);
    f.node("Concat", &["n", "rest"], "to", vec![int("axis", 0)]).node("Reshape", &["g", "to"], "f", vec![]);
    f.dense("f", "y", 4, 3).output("y");
}

fn attending(f: &mut Fixture) {
    f.conv("x", "c", [4, 3, 4, 4], vec![ints("strides", &[4, 4])]).integers("tokens", &[0, 4, 4]);
    f.node("Reshape", &["c", "tokens"], "t", vec![]).node("Transpose", &["t"], "q", vec![ints("perm", &[0, 2, 1])]);
    f.node("MatMul", &["q", "t"], "a", vec![]).node("Softmax", &["a"], "w", vec![int("axis", -1)]);
    f.node("Einsum", &["w", "q"], "v", vec![text("equation", "bij,bjk->bik")]);
    f.node("ReduceMean", &["v"], "m", vec![ints("axes", &[1]), int("keepdims", 0)]);
    f.dense("m", "y", 4, 3).output("y");
}

fn byte_weights(f: &mut Fixture) {
    f.conv("x", "c", [2, 3, 3, 3], vec![]);
    let kernel = &mut f.graph.initializer[0];
    kernel.name = "bytes".into();
    kernel.data_type = tract_onnx::pb::tensor_proto::DataType::Int8 as i32;
    kernel.float_data.clear();
    kernel.int32_data = (0..54).collect();
    f.floats("scale", &[], &[0.01]).node("DequantizeLinear", &["bytes", "scale"], "c.kernel", vec![]);
    f.graph.node.rotate_right(1);
    f.node("Relu", &["c"], "r", vec![]).node("GlobalAveragePool", &["r"], "g", vec![]);
    f.node("Flatten", &["g"], "y", vec![]).output("y");
}
