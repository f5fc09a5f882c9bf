//! Layer names: the ones people know from the framework, recovered from what the exporters write.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::read::definition::Node;

/// Last parts of a node's path that name the operator within its layer, not the layer.
const OPERATOR_PARTS: [&str; 28] = [
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
    "mul",
];

/// What a layer may be called: `short` where nothing else claims that name, else `long`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub short: String,
    pub long: String,
}

impl Names {
    pub fn only(name: &str) -> Names {
        Names { short: name.to_string(), long: name.to_string() }
    }
}

/// The name of a layer from its node and its weight (`layer1.0.conv1.weight`), or `None` if neither says anything.
pub(crate) fn layer_name(node: &Node, weight: Option<&str>) -> Option<Names> {
    let from_weight = || weight.and_then(weight_scope).map(|scope| Names::only(&scope));
    let name = node.name.trim();
    if let Some(scope) = weight.and_then(|weight| without_port(weight).strip_suffix("/merged_input")) {
        // tf2onnx names a convolution after the batch norm it folded in, and leaves the layer's own name to the kernel.
        return Some(clean(scope, &node.op));
    }
    if !name.is_empty() && !generated(name, &node.op) {
        return Some(clean(name, &node.op));
    }
    let output = without_port(node.output());
    let speaks = !output.is_empty() && !output.chars().all(|c| c.is_ascii_digit());
    from_weight().or_else(|| speaks.then(|| clean(output, &node.op)))
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
fn clean(name: &str, op: &str) -> Names {
    let pytorch = name.starts_with('/');
    let mut parts: Vec<&str> = without_port(name).split('/').filter(|part| !part.is_empty()).collect();
    parts.retain(|part| !matches!(*part, "StatefulPartitionedCall" | "PartitionedCall"));
    if let Some(last) = parts.last_mut() {
        *last = without_converter_suffix(last);
    }
    if pytorch {
        return Names::only(&module_path(&parts, op));
    }
    let long = parts.join("/");
    if parts.len() > 1 && parts.last().is_some_and(|last| operator_part(last, op)) {
        parts.pop();
    }
    if parts.len() > 1 && parts.last() == Some(&"batchnorm") {
        parts.pop();
    }
    Names { short: parts.join("/"), long }
}

/// PyTorch's modules: each scope repeats the one above it, so the longest of a chain is kept.
fn module_path(parts: &[&str], op: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 && index + 1 == parts.len() && *part == op {
            continue;
        }
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

/// Whether the last part of a path names the operator: as ONNX or TensorFlow call it, perhaps numbered.
fn operator_part(part: &str, op: &str) -> bool {
    let stem = part.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    part == op || OPERATOR_PARTS.contains(&part) || OPERATOR_PARTS.contains(&stem)
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

/// The final names, in order: short ones where they are one layer's alone and no scope of another, long ones else, and
/// a number where even those meet.
pub(crate) fn settle(names: Vec<Names>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *counts.entry(&name.short).or_default() += 1;
    }
    let sorted: BTreeSet<(&str, &str)> = names.iter().map(|name| (name.short.as_str(), name.long.as_str())).collect();
    let claimed = |name: &Names| {
        let scope = format!("{}/", name.short);
        let mut within = sorted.range((scope.as_str(), "")..).take_while(|(short, _)| short.starts_with(&scope));
        counts.get(name.short.as_str()).is_some_and(|&count| count > 1) || within.any(|(_, long)| *long != name.long)
    };
    let mut settled: Vec<String> =
        names.iter().map(|name| if claimed(name) { name.long.clone() } else { name.short.clone() }).collect();
    drop_common_scope(&mut settled);
    numbered_apart(settled)
}

/// Numbers names that come again: `conv`, `conv_1`, `conv_2`, ….
fn numbered_apart(names: Vec<String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    let mut unique = |name: String| {
        if taken.insert(name.clone()) {
            return name;
        }
        let number = next.entry(name.clone()).or_insert(1);
        loop {
            let candidate = format!("{name}_{number}");
            *number += 1;
            if taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    };
    names.into_iter().map(&mut unique).collect()
}

/// Drops the model's own scope (`sequential_1/…`) where every scoped name begins with it.
fn drop_common_scope(names: &mut [String]) {
    let scoped: Vec<&String> = names.iter().filter(|name| name.contains('/')).collect();
    let Some(scope) = scoped.first().and_then(|name| name.split_once('/')).map(|(scope, _)| format!("{scope}/")) else {
        return;
    };
    if 2 * scoped.len() <= names.len() || !scoped.iter().all(|name| name.starts_with(&scope)) {
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

    fn short(name: &str, op: &str) -> String {
        clean(name, op).short
    }

    #[test]
    fn scopes_of_every_exporter_become_the_names_people_know() {
        assert_eq!(short("/layer1/layer1.0/conv1/Conv", "Conv"), "layer1.0.conv1");
        assert_eq!(short("/features/features.0/features.0.0/Conv", "Conv"), "features.0.0");
        assert_eq!(short("/layer1/layer1.0/relu_1/Relu", "Relu"), "layer1.0.relu_1");
        assert_eq!(short("/Flatten", "Flatten"), "flatten");
        assert_eq!(short("conv2d_2", "Conv"), "conv2d_2");
        assert_eq!(short("bn1/relu", "Relu"), "bn1/relu");
        assert_eq!(short("sequential_1/conv2d_1/convolution", "Conv"), "sequential_1/conv2d_1");
        assert_eq!(short("StatefulPartitionedCall/model/conv2d/Conv2D:0", "Conv"), "model/conv2d");
        assert_eq!(short("model/dense_1/MatMul__12", "MatMul"), "model/dense_1");
        assert_eq!(short("model/bn/batchnorm/add_1", "Add"), "model/bn");
        assert_eq!(short("model/add_1/Add", "Add"), "model/add_1");
        assert_eq!(short("fire2/squeeze1x1", "Conv"), "fire2/squeeze1x1");
    }

    #[test]
    fn a_short_name_yields_where_another_layer_claims_it() {
        let name = |short: &str, long: &str| Names { short: short.into(), long: long.into() };
        let names =
            vec![name("b2", "b2/depthwise"), name("b2/expand", "b2/expand"), name("c", "c/Conv"), name("d", "d/add")];
        assert_eq!(settle(names), ["b2/depthwise", "b2/expand", "c", "d"]);
        let same = vec![name("a", "a/Conv"), name("a", "a/Relu"), name("b", "b")];
        assert_eq!(settle(same), ["Conv", "Relu", "b"], "the only scope is taken for the model's");
        let equal = vec![name("relu", "relu"); 3];
        assert_eq!(settle(equal), ["relu", "relu_1", "relu_2"]);
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
    fn kinds_become_names_as_in_keras() {
        assert_eq!(snake("GlobalAveragePooling2D"), "global_average_pooling2d");
        assert_eq!(snake("Conv2DTranspose"), "conv2dtranspose");
        assert_eq!(snake("BatchNormalization"), "batch_normalization");
    }
}
