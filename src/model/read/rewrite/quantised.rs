//! Networks whose arithmetic was made ready for integers by pairs of QuantizeLinear and DequantizeLinear, read as float.
//!
//! A pair rounds a value to one of 256 steps and cuts it off at both ends. The rounding has no derivative and goes; the cut stays
//! as a Clip, as it is often the ReLU that a quantiser dropped because the zero point did its work. Scores are not cut off at the top:
//! at the end of its integers the best one would have no derivative.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb::{self, tensor_proto::DataType};

use crate::model::read::refusal::constant_values;
use crate::model::read::rewrite::{constants, operator, scalar, version};

/// Operators that move integers about without computing with them, so that they may work on floats as well.
const MOVERS: [&str; 13] = [
    "Concat",
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "MaxPool",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

/// The two numbers between which a quantised value lies.
#[derive(Clone, Copy)]
struct Ends {
    low: f32,
    high: f32,
}

/// Replaces every QuantizeLinear of an activation by a cut at its ends and the DequantizeLinear behind it by nothing; returns a
/// sentence that says so. Weights stay integers behind a DequantizeLinear, which are constants like any other. A network with a
/// pair whose scale is not one constant number stays as it is.
pub(super) fn as_float(proto: &mut pb::ModelProto) -> Option<String> {
    // Bounds of Clip were attributes before.
    let clips = version(proto) >= 11;
    let graph = proto.graph.as_mut().filter(|_| clips)?;
    let known = constants(graph);
    let weights: BTreeSet<String> = constant_values(graph).into_iter().map(String::from).collect();
    let mut cuts: BTreeMap<String, Ends> = BTreeMap::new();
    // Values that hold integers in the file: quantised ones, and what was made of them by moving.
    let mut quantised: BTreeSet<String> = BTreeSet::new();
    for node in graph.node.iter().filter(|node| node.input.first().is_some_and(|input| !weights.contains(input))) {
        let output = node.output.first()?;
        match node.op_type.as_str() {
            "QuantizeLinear" => {
                cuts.insert(output.clone(), ends(node, &known)?);
                quantised.insert(output.clone());
            }
            "DequantizeLinear" => _ = quantised.get(node.input.first()?)?,
            op if MOVERS.contains(&op) && node.input.iter().any(|input| quantised.contains(input)) => {
                quantised.extend(node.output.iter().cloned());
            }
            _ if node.input.iter().any(|input| quantised.contains(input)) => return None,
            _ => {}
        }
    }
    if cuts.is_empty() {
        return None;
    }
    for (score, squashed) in scores(graph) {
        let Some(ends) = cuts.get_mut(&score) else { continue };
        let rectified = ends.low >= 0.0 && !squashed;
        *ends = Ends { low: if rectified { ends.low } else { f32::MIN }, high: f32::MAX };
    }
    let free = |ends: &Ends| ends.low == f32::MIN && ends.high == f32::MAX;
    for node in graph.node.iter_mut() {
        let (Some(input), Some(output)) = (node.input.first().cloned(), node.output.first().cloned()) else { continue };
        if cuts.get(&output).is_some_and(free) {
            *node = operator("Identity", &[&input], &output, Vec::new());
        } else if let Some(ends) = cuts.get(&output) {
            let (low, high) = (format!("{output}.low"), format!("{output}.high"));
            graph.initializer.extend([scalar(&low, ends.low), scalar(&high, ends.high)]);
            *node = operator("Clip", &[&input, &low, &high], &output, Vec::new());
        } else if node.op_type == "DequantizeLinear" && quantised.contains(&input) {
            *node = operator("Identity", &[&input], &output, Vec::new());
        }
    }
    Some(format!(
        "the network is quantised and is read as float: its weights are the rounded ones, {} activations are cut off where their \
         integers end but not rounded, so scores may differ a little from those of integer arithmetic",
        cuts.values().filter(|ends| !free(ends)).count()
    ))
}

/// The quantised values that are the network's outputs or that only moving, softmax or sigmoid makes them of, with whether they are
/// results of softmax or sigmoid.
fn scores(graph: &pb::GraphProto) -> BTreeMap<String, bool> {
    const SQUASHERS: [&str; 3] = ["LogSoftmax", "Sigmoid", "Softmax"];
    let producers: BTreeMap<&str, &pb::NodeProto> =
        graph.node.iter().flat_map(|node| node.output.iter().map(move |output| (output.as_str(), node))).collect();
    let mut scores = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut pending: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    while let Some(value) = pending.pop() {
        let Some(node) = producers.get(value).filter(|_| seen.insert(value)) else { continue };
        let op = node.op_type.as_str();
        let Some(input) = node.input.first() else { continue };
        if op == "QuantizeLinear" {
            let squashed = producers.get(input.as_str()).is_some_and(|node| SQUASHERS.contains(&node.op_type.as_str()));
            scores.insert(value.to_string(), squashed);
        }
        let moves = MOVERS.contains(&op) && op != "MaxPool";
        if moves || SQUASHERS.contains(&op) || matches!(op, "QuantizeLinear" | "DequantizeLinear") {
            let all = if op == "Concat" { node.input.len() } else { 1 };
            pending.extend(node.input.iter().take(all).map(String::as_str));
        }
    }
    scores
}

/// Where the integers of a QuantizeLinear end; `None` for scales of several numbers or unknown ones.
fn ends(node: &pb::NodeProto, known: &BTreeMap<String, pb::TensorProto>) -> Option<Ends> {
    let scale = single(known.get(node.input.get(1)?)?)?;
    let zero = node.input.get(2).filter(|name| !name.is_empty()).map(|name| known.get(name));
    let (zero, element) = match zero {
        Some(tensor) => (single(tensor?)?, tensor?.data_type),
        None => (0.0, DataType::Uint8 as i32),
    };
    let (least, most) = match DataType::try_from(element).ok()? {
        DataType::Uint8 => (0.0, 255.0),
        DataType::Int8 => (-128.0, 127.0),
        DataType::Uint16 => (0.0, 65535.0),
        DataType::Int16 => (-32768.0, 32767.0),
        _ => return None,
    };
    (scale > 0.0).then_some(Ends { low: (least - zero) * scale, high: (most - zero) * scale })
}

/// The only number of a tensor of floats or small integers.
fn single(tensor: &pb::TensorProto) -> Option<f32> {
    if tensor.dims.iter().product::<i64>() != 1 {
        return None;
    }
    let raw = tensor.raw_data.as_slice();
    let typed = || tensor.int32_data.first().map(|&value| value as f32);
    match (DataType::try_from(tensor.data_type).ok()?, raw) {
        (DataType::Float, []) => tensor.float_data.first().copied(),
        (DataType::Float, &[a, b, c, d]) => Some(f32::from_le_bytes([a, b, c, d])),
        (DataType::Uint8 | DataType::Int8 | DataType::Uint16 | DataType::Int16, []) => typed(),
        (DataType::Uint8, &[byte]) => Some(f32::from(byte)),
        (DataType::Int8, &[byte]) => Some(f32::from(byte as i8)),
        (DataType::Uint16, &[a, b]) => Some(f32::from(u16::from_le_bytes([a, b]))),
        (DataType::Int16, &[a, b]) => Some(f32::from(i16::from_le_bytes([a, b]))),
        _ => None,
    }
}
