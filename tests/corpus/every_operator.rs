//! Every operator that tract's reader knows, with a first input of 0 to 5 axes that is constant or computed from the image,
//! in four operator sets: small networks, most of which ONNX does not allow.

use tract_onnx::pb::{self, tensor_proto::DataType};

use crate::fixture::{Fixture, float, int, ints, text};

/// Versions of the operator set: the oldest that is read, the one that turned attributes into inputs, two recent ones.
const OPSETS: [i64; 4] = [7, 13, 18, 20];
const RANKS: usize = 6;

/// What an operator's inputs behind the first are.
#[derive(Clone, Copy, PartialEq)]
pub enum Others {
    /// As ONNX asks for.
    Usual,
    /// The first again.
    Repeated,
    /// Lists of nothing.
    Empty,
}

/// A network of the family.
pub struct Spec {
    pub op: String,
    pub rank: usize,
    /// Whether the first input depends on the image.
    pub computed: bool,
    pub others: Others,
    pub opset: i64,
}

impl Spec {
    /// All of them, in a fixed order.
    pub fn all() -> Vec<Spec> {
        let mut ops: Vec<String> = tract_onnx::onnx().op_register.0.into_keys().collect();
        ops.push("Upsample".into());
        ops.sort();
        let mut specs = Vec::new();
        for op in &ops {
            for rank in 0..RANKS {
                for others in [Others::Usual, Others::Repeated, Others::Empty] {
                    for (computed, opset) in [false, true].into_iter().flat_map(|c| OPSETS.map(|opset| (c, opset))) {
                        specs.push(Spec { op: op.clone(), rank, computed, others, opset });
                    }
                }
            }
        }
        specs
    }

    pub fn name(&self) -> String {
        let made = if self.computed { "computed" } else { "constant" };
        let others = match self.others {
            Others::Usual => "",
            Others::Repeated => ", repeated",
            Others::Empty => " and nothing",
        };
        format!("{} of a {made} value of {} axes{others}, opset {}", self.op, self.rank, self.opset)
    }

    /// A convolution of 24 values, which are given the wanted shape or replaced by a constant; the operator; its result added to
    /// the convolution; and a classifier behind.
    pub fn network(&self) -> Vec<u8> {
        let mut f = Fixture::new("x", &[1, 3, 4, 4]);
        f.proto.opset_import[0].version = self.opset;
        f.conv("x", "c", [6, 3, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]);
        let shape = shape(self.rank);
        if !self.computed {
            f.weight("v", &shape);
        } else if self.rank == 0 {
            f.node("ReduceMax", &["r"], "v", vec![int("keepdims", 0)]);
        } else {
            f.integers("v.shape", &shape).node("Reshape", &["r", "v.shape"], "v", vec![]);
        }
        let first = match element(&self.op) {
            Some(element) => {
                f.node("Cast", &["v"], "first", vec![int("to", element as i64)]);
                "first"
            }
            None => "v",
        };
        let mut inputs = if makes_something_of_nothing(&self.op) { Vec::new() } else { vec![first.to_string()] };
        for (place, other) in others(&self.op, self.opset).iter().enumerate() {
            inputs.push(match self.others {
                Others::Usual => other.put(&mut f, first, &shape, place),
                Others::Repeated => first.into(),
                Others::Empty => other.put_nothing(&mut f, place),
            });
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        f.node(&self.op, &inputs, "s", attributes(&self.op, self.rank, self.opset));
        f.node("Cast", &["s"], "s.float", vec![int("to", DataType::Float as i64)]);
        f.node("ReduceMax", &["s.float"], "most", vec![int("keepdims", 0)]).node("Add", &["r", "most"], "t", vec![]);
        f.node("Flatten", &["t"], "f", vec![]).dense("f", "y", 24, 3).output("y").bytes()
    }
}

/// 24 elements in so many axes; one in none.
fn shape(rank: usize) -> Vec<i64> {
    let shapes: [&[i64]; RANKS] = [&[], &[24], &[4, 6], &[1, 4, 6], &[1, 6, 2, 2], &[1, 2, 3, 2, 2]];
    shapes[rank].to_vec()
}

/// The element type that an operator asks for, if it is another than float.
fn element(op: &str) -> Option<DataType> {
    match op {
        "And" | "Not" | "Or" | "Where" | "Xor" => Some(DataType::Bool),
        "BitShift" | "BitwiseAnd" | "BitwiseNot" | "BitwiseOr" | "BitwiseXor" | "BlackmanWindow" | "CategoryMapper"
        | "ConstantOfShape" | "HammingWindow" | "HannWindow" | "MelWeightMatrix" | "OneHot" | "Range" => {
            Some(DataType::Int64)
        }
        "ConvInteger" | "DequantizeLinear" | "MatMulInteger" | "GatherBlockQuantized" => Some(DataType::Uint8),
        _ => None,
    }
}

/// Whether an operator has no inputs.
fn makes_something_of_nothing(op: &str) -> bool {
    matches!(op, "Constant" | "RandomNormal" | "RandomUniform")
}

/// An input besides the first.
#[derive(Clone, Copy)]
enum Other {
    /// The first again.
    First,
    /// Floats of the first's shape.
    Like,
    /// A number for each channel.
    Channels,
    /// A kernel of two filters with one tap.
    Kernel,
    /// The first's shape.
    Shape,
    Integers(&'static [i64]),
    /// As many integers as the first has axes, or a multiple of it.
    PerAxis(i64, usize),
    /// As many floats as the first has axes.
    Scales(f32),
    Number(f32),
    Integer(i64),
    Truth,
}

impl Other {
    /// Adds a list of nothing, of the input's element type, and returns its name.
    fn put_nothing(self, f: &mut Fixture, place: usize) -> String {
        let name = format!("k{place}");
        match self {
            Other::Shape | Other::Integers(_) | Other::PerAxis(..) | Other::Integer(_) => _ = f.integers(&name, &[]),
            _ => _ = f.floats(&name, &[0], &[]),
        }
        name
    }

    /// Adds what the input needs to the network and returns its name.
    fn put(self, f: &mut Fixture, first: &str, shape: &[i64], place: usize) -> String {
        let name = format!("k{place}");
        let channels = shape.get(1).copied().unwrap_or(1);
        let scalar = |f: &mut Fixture| {
            if let Some(tensor) = f.graph.initializer.last_mut() {
                tensor.dims.clear();
            }
        };
        match self {
            Other::First => return first.into(),
            Other::Like => _ = f.weight(&name, shape),
            Other::Channels => _ = f.floats(&name, &[channels], &vec![0.5; channels as usize]),
            Other::Kernel => {
                let mut dims = vec![1; shape.len().max(2)];
                dims[..2].copy_from_slice(&[2, channels]);
                f.weight(&name, &dims);
            }
            Other::Shape => _ = f.integers(&name, shape),
            Other::Integers(values) => _ = f.integers(&name, values),
            Other::PerAxis(value, times) => _ = f.integers(&name, &vec![value; shape.len() * times]),
            Other::Scales(value) => _ = f.floats(&name, &[shape.len() as i64], &vec![value; shape.len()]),
            Other::Number(value) => _ = f.floats(&name, &[], &[value]),
            Other::Integer(value) => {
                f.integers(&name, &[value]);
                scalar(f);
            }
            Other::Truth => {
                f.integers(&name, &[1]).node("Cast", &[&name], &format!("{name}.bool"), vec![int("to", 9)]);
                return format!("{name}.bool");
            }
        }
        name
    }
}

/// The other inputs that an operator usually has.
fn others(op: &str, opset: i64) -> &'static [Other] {
    use Other::*;
    match op {
        "Add" | "And" | "BitShift" | "BitwiseAnd" | "BitwiseOr" | "BitwiseXor" | "CastLike" | "Concat" | "Div"
        | "Einsum" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Max" | "Mean" | "Min"
        | "Mod" | "Mul" | "Or" | "Pow" | "Sub" | "Sum" | "Xor" => &[First],
        "PRelu" | "BiasGelu" | "FastGelu" => &[Like],
        "MatMul" | "Gemm" | "GridSample" | "RMSNormalization" | "SimplifiedLayerNormalization" => &[Like],
        "LayerNormalization" => &[Like, Like],
        "SkipLayerNormalization"
        | "SkipSimplifiedLayerNormalization"
        | "Attention"
        | "MultiHeadAttention"
        | "RotaryEmbedding" => &[Like, Like],
        "GroupQueryAttention" => &[Like, Like, Like, Like, Integers(&[1]), Integer(1)],
        "BatchNormalization" => &[Channels, Channels, Channels, Channels],
        "InstanceNormalization" | "GroupNormalization" => &[Channels, Channels],
        "Conv" | "ConvTranspose" | "ConvInteger" | "MatMulInteger" => &[Kernel],
        "Clip" if opset >= 11 => &[Number(-1.0), Number(1.0)],
        "Dropout" if opset >= 12 => &[Number(0.5), Truth],
        "Expand" | "Reshape" => &[Shape],
        "Tile" => &[PerAxis(1, 1)],
        "Pad" if opset >= 11 => &[PerAxis(1, 2), Number(0.5)],
        "Upsample" if opset >= 9 => &[Scales(2.0)],
        "Resize" if opset >= 11 => &[Scales(0.0), Scales(2.0)],
        "Resize" => &[Scales(2.0)],
        "Squeeze" | "Unsqueeze" if opset >= 13 => &[Integers(&[0])],
        "Split" if opset >= 13 => &[Integers(&[1, 1])],
        "Slice" if opset >= 10 => &[Integers(&[0]), Integers(&[1]), Integers(&[0]), Integers(&[1])],
        "ReduceSum" if opset >= 13 => &[Integers(&[0])],
        "CumSum" | "Trilu" => &[Integer(0)],
        "TopK" if opset >= 10 => &[Integers(&[1])],
        "Gather" | "ArrayFeatureExtractor" => &[Integers(&[0])],
        "GatherElements" => &[PerAxis(0, 1)],
        "GatherND" => &[Integers(&[0])],
        "Scatter" | "ScatterElements" | "ScatterND" => &[Integers(&[0]), Like],
        "Compress" => &[Truth],
        "OneHot" => &[Integer(3), Integers(&[0, 1])],
        "Range" => &[Integer(9), Integer(2)],
        "Where" => &[Like, Like],
        "DFT" if opset >= 20 => &[Integer(4), Integer(0)],
        "DFT" => &[Integer(4)],
        "STFT" => &[Integer(1), Channels],
        "MelWeightMatrix" => &[Integer(8), Integer(16), Number(1.0), Number(4.0)],
        "NonMaxSuppression" => &[First, Integer(1), Number(0.5), Number(0.1)],
        "QuantizeLinear" | "DequantizeLinear" => &[Number(0.1)],
        "MatMulNBits" | "GatherBlockQuantized" => &[Integers(&[0]), Like],
        _ => &[],
    }
}

/// The attributes that an operator cannot do without, and some that name axes.
fn attributes(op: &str, rank: usize, opset: i64) -> Vec<pb::AttributeProto> {
    let sides = rank.saturating_sub(2).max(1);
    match op {
        "AveragePool" | "MaxPool" => vec![ints("kernel_shape", &vec![1; sides])],
        "LRN" => vec![int("size", 3)],
        "Cast" => vec![int("to", DataType::Double as i64)],
        "Concat" => vec![int("axis", rank as i64 - 1)],
        "DepthToSpace" | "SpaceToDepth" => vec![int("blocksize", 1)],
        "Einsum" => {
            let labels = &"abcde"[..rank];
            vec![text("equation", &format!("{labels},{labels}->{labels}"))]
        }
        "GroupNormalization" => vec![int("num_groups", 2)],
        "Softmax" | "LogSoftmax" | "Hardmax" | "ArgMax" | "ArgMin" | "LpNormalization" => vec![int("axis", 1)],
        "Squeeze" | "Unsqueeze" if opset < 13 => vec![ints("axes", &[0])],
        "Slice" if opset < 10 => vec![ints("starts", &[0]), ints("ends", &[1]), ints("axes", &[1])],
        "Pad" if opset < 11 => vec![ints("pads", &vec![1; 2 * rank])],
        "TopK" if opset < 10 => vec![int("k", 1)],
        "BitShift" => vec![text("direction", "LEFT")],
        "ParametricSoftplus" | "ScaledTanh" => vec![float("alpha", 0.5), float("beta", 2.0)],
        "RandomNormal" | "RandomUniform" => vec![ints("shape", &shape(rank))],
        "Constant" => vec![float("value_float", 0.5)],
        "Attention" => vec![int("q_num_heads", 2), int("kv_num_heads", 2)],
        "MultiHeadAttention" | "RotaryEmbedding" => vec![int("num_heads", 2)],
        "GroupQueryAttention" => vec![int("num_heads", 2), int("kv_num_heads", 1)],
        "MatMulNBits" => vec![int("K", 32), int("N", 4), int("block_size", 32)],
        "LinearClassifier" => vec![floats("coefficients", 12), ints("classlabels_ints", &[0, 1])],
        "LinearRegressor" => vec![floats("coefficients", 6)],
        "CategoryMapper" => vec![ints("cats_int64s", &[0, 1]), int("default_int64", 0)],
        "Multinomial" => vec![int("sample_size", 2)],
        op if op.starts_with("Reduce") && op != "ReduceSum" && opset < 18 => vec![ints("axes", &[-1])],
        _ => vec![],
    }
}

fn floats(name: &str, count: usize) -> pb::AttributeProto {
    let r#type = pb::attribute_proto::AttributeType::Floats as i32;
    pb::AttributeProto { name: name.into(), r#type, floats: vec![0.5; count], ..Default::default() }
}

/// Networks of the family that are always tried, evenly spread and of all operators; the recipe `operators` takes them all.
const FEW: usize = 600;

/// `CONVSCOPE_OPERATORS=all` takes every network.
#[test]
fn every_operator_of_any_rank_ends_in_a_page_or_a_message() {
    let specs = Spec::all();
    let all = std::env::var("CONVSCOPE_OPERATORS").is_ok_and(|text| text == "all");
    // Prime to the numbers of ranks, versions and the rest, so that they take turns.
    let step = if all { 1 } else { (specs.len() / FEW / 6) * 6 + 1 };
    let outcome = super::many::take(super::many::Family::Operators, (0, step, specs.len()));
    println!(
        "{} networks of {} operators, {} runs, of which {} ended in what they should make, {} complaints",
        outcome.networks,
        specs.len() / (RANKS * OPSETS.len() * 6),
        outcome.runs,
        outcome.made,
        outcome.complaints.len()
    );
    assert_eq!((outcome.networks, outcome.runs), (specs.len().div_ceil(step), 4 * specs.len().div_ceil(step)));
    assert!(outcome.made > outcome.networks / 2, "hardly any network is allowed: {}", outcome.made);
    super::nothing_to_complain(outcome.complaints);
}
