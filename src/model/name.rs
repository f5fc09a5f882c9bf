//! Layer names: the ones people know from the framework, recovered from what the exporters write.

use std::collections::BTreeSet;

use super::onnx::Node;

/// Last parts of a node's path that name the operator within its layer, not the layer.
const OPERATOR_PARTS: [&str; 27] = [
    "convolution",
    "Conv2D",
    "Conv2d",
    "MatMul",
    "BiasAdd",
    "Relu",
    "Relu6",
    "Softmax",
    "Sigmoid",
    "Tanh",
    "FusedBatchNormV3",
    "FusedBatchNorm",
    "batchnorm",
    "MaxPool",
    "MaxPool2d",
    "AvgPool",
    "AvgPool2d",
    "Mean",
    "Reshape",
    "Add",
    "AddV2",
    "concat",
    "Pad",
    "depthwise",
    "convolution_transpose",
    "conv_transpose",
    "add",
];

/// The name of a layer from its node and its weight (`layer1.0.conv1.weight`), or `None` if neither says anything.
pub(crate) fn layer_name(node: &Node, weight: Option<&str>) -> Option<String> {
    let from_weight = || weight.and_then(weight_scope);
    let name = node.name.trim();
    if name.is_empty() || generated(name, &node.op) {
        return from_weight().or_else(|| {
            let output = without_port(node.output());
            let speaks = !output.is_empty() && !output.chars().all(|c| c.is_ascii_digit());
            speaks.then(|| clean(output, &node.op))
        });
    }
    Some(clean(name, &node.op))
}

/// Names an exporter made up: `Conv_12`, `node_conv2d_3`, `12`.
fn generated(name: &str, op: &str) -> bool {
    let numbered = |rest: &str| rest.chars().all(|c| c.is_ascii_digit());
    name.strip_prefix("node_").is_some()
        || numbered(name)
        || name.strip_prefix(op).and_then(|rest| rest.strip_prefix('_')).is_some_and(numbered)
}

/// `layer1.0.conv1.weight` → `layer1.0.conv1`; names that PyTorch made up (`onnx::Conv_123`) say nothing.
fn weight_scope(weight: &str) -> Option<String> {
    let (scope, last) = weight.rsplit_once('.')?;
    let known = matches!(last, "weight" | "kernel" | "bias" | "gamma");
    (known && !scope.is_empty() && !scope.contains("::")).then(|| scope.to_string())
}

/// TensorFlow's `:0`.
pub(crate) fn without_port(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((stem, port)) if !stem.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => stem,
        _ => name,
    }
}

/// A path of scopes as one name: PyTorch's `/layer1/layer1.0/conv1/Conv` is `layer1.0.conv1`, TensorFlow's
/// `model/conv2d_1/convolution` is `model/conv2d_1`.
fn clean(name: &str, op: &str) -> String {
    let pytorch = name.starts_with('/');
    let mut parts: Vec<&str> = without_port(name).split('/').filter(|part| !part.is_empty()).collect();
    parts.retain(|part| !matches!(*part, "StatefulPartitionedCall" | "PartitionedCall"));
    if let Some(last) = parts.last_mut() {
        *last = without_converter_suffix(last);
    }
    while parts.len() > 1 && parts.last().is_some_and(|last| operator_part(last, op, pytorch)) {
        parts.pop();
    }
    if !pytorch {
        return if parts.is_empty() { name.to_string() } else { parts.join("/") };
    }
    // Each PyTorch scope repeats the one above it: keep the longest of a chain.
    let mut kept: Vec<&str> = Vec::new();
    for part in parts {
        if kept.last().is_some_and(|above| part.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))) {
            kept.pop();
        }
        kept.push(part);
    }
    let joined = kept.join(".");
    // An operator outside any module, `/Flatten`, is named after itself.
    if joined == op { snake(op) } else { joined }
}

/// tf2onnx appends `__12` to operators it made.
fn without_converter_suffix(part: &str) -> &str {
    match part.rsplit_once("__") {
        Some((stem, number)) if !stem.is_empty() && number.chars().all(|c| c.is_ascii_digit()) => stem,
        _ => part,
    }
}

fn operator_part(part: &str, op: &str, pytorch: bool) -> bool {
    if pytorch {
        return part == op;
    }
    let stem = part.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    let lower = part.chars().next().is_some_and(char::is_lowercase);
    OPERATOR_PARTS.contains(&part) || OPERATOR_PARTS.contains(&stem) && !lower || part == op
}

/// `GlobalAveragePool` → `global_average_pool`.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut previous_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && previous_lower {
            snake.push('_');
        }
        // As Keras does it: `Conv2D` stays `conv2d`.
        previous_lower = c.is_lowercase();
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Makes `name` one that is not taken yet, by a number.
pub(crate) fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 1;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

/// Drops the model's own scope (`sequential_1/…`) where every scoped name begins with it.
pub(crate) fn drop_common_scope(names: &mut [String]) {
    let scoped: Vec<&String> = names.iter().filter(|name| name.contains('/')).collect();
    let Some(scope) = scoped.first().and_then(|name| name.split_once('/')).map(|(scope, _)| format!("{scope}/")) else {
        return;
    };
    if scoped.len() < 2 || !scoped.iter().all(|name| name.starts_with(&scope)) {
        return;
    }
    for name in names {
        if let Some(rest) = name.strip_prefix(&scope) {
            *name = rest.to_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_every_exporter_become_the_names_people_know() {
        assert_eq!(clean("/layer1/layer1.0/conv1/Conv", "Conv"), "layer1.0.conv1");
        assert_eq!(clean("/features/features.0/features.0.0/Conv", "Conv"), "features.0.0");
        assert_eq!(clean("/layer1/layer1.0/relu_1/Relu", "Relu"), "layer1.0.relu_1");
        assert_eq!(clean("/Flatten", "Flatten"), "flatten");
        assert_eq!(clean("conv2d_2", "Conv"), "conv2d_2");
        assert_eq!(clean("bn1/relu", "Relu"), "bn1/relu");
        assert_eq!(clean("sequential_1/conv2d_1/convolution", "Conv"), "sequential_1/conv2d_1");
        assert_eq!(clean("StatefulPartitionedCall/model/conv2d/Conv2D:0", "Conv"), "model/conv2d");
        assert_eq!(clean("model/dense_1/MatMul__12", "MatMul"), "model/dense_1");
        assert_eq!(clean("fire2/squeeze1x1", "Conv"), "fire2/squeeze1x1");
    }

    #[test]
    fn a_common_scope_is_the_models_and_goes() {
        let mut names = vec!["seq/conv2d".to_string(), "input".into(), "seq/dense".into()];
        drop_common_scope(&mut names);
        assert_eq!(names, ["conv2d", "input", "dense"]);
        let mut apart = vec!["fire2/a".to_string(), "fire3/a".into()];
        drop_common_scope(&mut apart);
        assert_eq!(apart, ["fire2/a", "fire3/a"]);
    }

    #[test]
    fn made_up_node_names_give_way_to_the_weights_scope() {
        assert!(generated("Conv_12", "Conv") && generated("node_conv2d", "Conv") && generated("77", "Conv"));
        assert!(!generated("conv1", "Conv") && !generated("Convolution28", "Conv"));
        assert_eq!(weight_scope("base_net.0.0.weight").as_deref(), Some("base_net.0.0"));
        assert_eq!(weight_scope("onnx::Conv_193"), None);
        assert_eq!(weight_scope("onnx::Conv_193.weight"), None);
    }

    #[test]
    fn names_stay_unique() {
        let mut taken = BTreeSet::new();
        let names: Vec<String> = (0..3).map(|_| unique("relu".into(), &mut taken)).collect();
        assert_eq!(names, ["relu", "relu_1", "relu_2"]);
        assert_eq!(snake("GlobalAveragePooling2D"), "global_average_pooling2d");
    }
}
