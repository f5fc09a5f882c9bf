//! Operators that onnxruntime fused when it optimised a file, taken apart again.

use tract_onnx::pb;

use crate::model::read::rewrite::{float_attribute, operator, scalar, version};

/// The operator set of onnxruntime's own operators.
const DOMAIN: &str = "com.microsoft";

/// Writes FusedConv and FusedGemm as a convolution or product, the sum with another value that the former may hold, and the
/// activation. One with an activation that is not known stays as it is.
pub(super) fn split(proto: &mut pb::ModelProto) {
    let clips = version(proto) >= 11;
    let Some(graph) = &mut proto.graph else { return };
    let mut numbers = Vec::new();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        let fused = node.domain == DOMAIN && matches!(node.op_type.as_str(), "FusedConv" | "FusedGemm");
        match fused.then(|| parts(&node, clips, &mut numbers)).flatten() {
            Some(parts) => nodes.extend(parts),
            None => nodes.push(node),
        }
    }
    graph.node = nodes;
    graph.initializer.extend(numbers);
}

/// The operators that one fused operator stands for.
fn parts(node: &pb::NodeProto, clips: bool, numbers: &mut Vec<pb::TensorProto>) -> Option<Vec<pb::NodeProto>> {
    let output = node.output.first()?;
    let product = format!("{output}.product");
    let convolves = node.op_type == "FusedConv";
    let kept = |attribute: &&pb::AttributeProto| !attribute.name.starts_with("activation");
    let mut first = pb::NodeProto {
        op_type: if convolves { "Conv" } else { "Gemm" }.to_string(),
        domain: String::new(),
        output: vec![product.clone()],
        attribute: node.attribute.iter().filter(kept).cloned().collect(),
        ..node.clone()
    };
    let summand = if convolves && first.input.len() > 3 { first.input.pop() } else { None };
    let mut last = product.clone();
    let mut parts = vec![first];
    if let Some(summand) = summand.filter(|summand| !summand.is_empty()) {
        let sum = format!("{output}.sum");
        parts.push(operator("Add", &[&last, &summand], &sum, Vec::new()));
        last = sum;
    }
    parts.push(activation(node, &last, output, clips, numbers)?);
    Some(parts)
}

/// The activation of a fused operator.
fn activation(
    node: &pb::NodeProto,
    input: &str,
    output: &str,
    clips: bool,
    numbers: &mut Vec<pb::TensorProto>,
) -> Option<pb::NodeProto> {
    let find = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let kind = String::from_utf8(find("activation")?.s.clone()).ok()?;
    let parameter = |place: usize, names: [&str; 2]| {
        let listed = find("activation_params").and_then(|attribute| attribute.floats.get(place)).copied();
        listed.or_else(|| names.iter().find_map(|name| find(name)).map(|attribute| attribute.f))
    };
    let (alpha, beta) = (parameter(0, ["activation_alpha", "alpha"]), parameter(1, ["activation_beta", "beta"]));
    match kind.as_str() {
        "Relu" | "Sigmoid" | "Tanh" => Some(operator(&kind, &[input], output, Vec::new())),
        "LeakyRelu" => Some(operator(&kind, &[input], output, vec![float_attribute("alpha", alpha?)])),
        "HardSigmoid" => {
            let attributes = vec![float_attribute("alpha", alpha?), float_attribute("beta", beta?)];
            Some(operator(&kind, &[input], output, attributes))
        }
        "Clip" if clips => {
            let (low, high) = (format!("{output}.low"), format!("{output}.high"));
            numbers.extend([scalar(&low, alpha?), scalar(&high, beta?)]);
            Some(operator(&kind, &[input, &low, &high], output, Vec::new()))
        }
        _ => None,
    }
}
