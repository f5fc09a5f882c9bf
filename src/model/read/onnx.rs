//! The ONNX file as it stands: read once, checked, and kept as an index of operators without the weights' bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use tract_onnx::pb;
use tract_onnx::prelude::Framework;

use crate::error::{Error, Result};
use crate::file;
use crate::model::read::bounds::{LARGEST_FILE, graph_reasons, window_reasons};
use crate::model::read::definition::{Attribute, DeclaredInput, Definition, Node};
use crate::model::read::hashing::Hashing;
use crate::model::read::inputs::inputs;
use crate::model::read::operators;
use crate::model::read::printable::{list, printable};
use crate::model::read::refusal::{declared_input, operator_reasons, refusal, weight_reasons};

/// Whether a model may begin with this byte: the tag of a number or of something with a length, and no field 0.
fn begins_model(first: u8) -> bool {
    matches!(first & 7, 0 | 2) && first >> 3 > 0
}

/// The file as a protobuf, with its SHA-256 in hexadecimal.
///
/// Errors: the file is missing, empty, or not an ONNX model.
pub(crate) fn read(path: &Path) -> Result<(pb::ModelProto, String)> {
    if path.is_dir() {
        return Err(Error::input(format!("{}: a folder, not an ONNX model", path.display())));
    }
    let file = file::open(path, LARGEST_FILE)?;
    let mut file = BufReader::new(file.take(LARGEST_FILE));
    // A video or a disk image is known by its first byte, before all of it is in memory.
    match file.fill_buf().map_err(|cause| Error::reading(path, &cause))?.first() {
        None => return Err(Error::input(format!("{}: the file is empty, not an ONNX model", path.display()))),
        Some(first) if !begins_model(*first) => {
            return Err(Error::input(format!("{}: not an ONNX model", path.display())));
        }
        Some(_) => {}
    }
    let mut reader = Hashing::new(file);
    let decoded = tract_onnx::onnx().proto_model_for_read(&mut reader);
    let proto = decoded.map_err(|cause| {
        let cause = cause.root_cause().to_string();
        Error::input(format!(
            "{}: not an ONNX model, or cut short: {}; export it again or fetch the file anew",
            path.display(),
            printable(&cause)
        ))
    })?;
    let hash = reader.hex();
    match &proto.graph {
        Some(graph) if !graph.node.is_empty() => Ok((proto, hash)),
        _ => Err(Error::input(format!("{}: not an ONNX model: it holds no operators", path.display()))),
    }
}

/// Checks the graph and indexes it. `file` is the path, for messages and to look for external data beside it.
///
/// Errors: one message with every reason why the network cannot be used.
pub(crate) fn define(proto: &pb::ModelProto, file: &Path) -> Result<Definition> {
    let no_graph = || Error::input(format!("{}: not an ONNX model: it holds no graph", file.display()));
    let graph = proto.graph.as_ref().ok_or_else(no_graph)?;
    let mut reasons = graph_reasons(graph);
    if !reasons.is_empty() {
        return Err(refusal(file, &reasons));
    }
    reasons.extend(weight_reasons(graph, file.parent().unwrap_or(Path::new(""))));
    reasons.extend(window_reasons(graph));
    reasons.extend(operator_reasons(proto, graph));
    let input = match declared_input(graph) {
        Ok(input) => Some(input),
        Err(more) => {
            reasons.extend(more);
            None
        }
    };
    let order = match sorted(graph) {
        Ok(order) => order,
        Err(more) => {
            reasons.extend(more);
            Vec::new()
        }
    };
    match input {
        Some(input) if reasons.is_empty() => Ok(indexed(proto, graph, &order, input)),
        _ => {
            if !graph.node.iter().any(|node| node.op_type.contains("Conv")) {
                reasons.push("it has no convolution".into());
            }
            Err(refusal(file, &reasons))
        }
    }
}

/// Makes the model fit for tract; call it after [`define`]. Operators of one name, which tract refuses, get different ones,
/// and the names of open axes, which tract would read as formulas of any depth, are forgotten: all sizes are given later.
pub(crate) fn prepare(proto: &mut pb::ModelProto) {
    let Some(graph) = &mut proto.graph else { return };
    let mut taken = BTreeSet::new();
    for node in &mut graph.node {
        if !node.name.is_empty() && !taken.insert(node.name.clone()) {
            // Values are computed once, so their names differ.
            node.name = format!("{} ({})", node.name, node.output.first().map_or("", String::as_str));
        }
    }
    let values = graph.input.iter_mut().chain(&mut graph.output);
    for r#type in values.filter_map(|value| value.r#type.as_mut()?.value.as_mut()) {
        let pb::type_proto::Value::TensorType(tensor) = r#type;
        for dim in tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim) {
            dim.value =
                dim.value.take().filter(|value| matches!(value, pb::tensor_shape_proto::dimension::Value::DimValue(_)));
        }
    }
}

/// Positions of the operators in an order in which every value is there before it is used; the file's own order
/// wherever it is valid.
fn sorted(graph: &pb::GraphProto) -> std::result::Result<Vec<usize>, Vec<String>> {
    let mut reasons = Vec::new();
    let mut known: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    known.extend(graph.input.iter().map(|input| input.name.as_str()));
    let mut producers: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if known.contains(output.as_str()) || producers.insert(output, index).is_some() {
                reasons.push(format!("the value `{output}` is computed twice"));
            }
        }
    }
    let mut missing = BTreeSet::new();
    let mut waiting = vec![0usize; graph.node.len()];
    let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for input in node.input.iter().filter(|input| !input.is_empty() && !known.contains(input.as_str())) {
            match (producers.get(input.as_str()), waiting.get_mut(index)) {
                (Some(&producer), Some(count)) => {
                    *count += 1;
                    readers.entry(producer).or_default().push(index);
                }
                _ => _ = missing.insert(input.clone()),
            }
        }
    }
    for output in &graph.output {
        if !known.contains(output.name.as_str()) && !producers.contains_key(output.name.as_str()) {
            missing.insert(output.name.clone());
        }
    }
    if graph.output.is_empty() {
        reasons.push("it has no output".into());
    }
    if !missing.is_empty() {
        reasons.push(format!("it uses values that nothing computes: {}", list(&missing)));
    }
    let mut ready: BTreeSet<usize> = (0..waiting.len()).filter(|&index| waiting.get(index) == Some(&0)).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &reader in readers.get(&index).map_or(&[][..], Vec::as_slice) {
            if let Some(count) = waiting.get_mut(reader) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(reader);
                }
            }
        }
    }
    if missing.is_empty() && order.len() < graph.node.len() {
        reasons.push("its graph runs in a circle".into());
    }
    if reasons.is_empty() { Ok(order) } else { Err(reasons) }
}

fn indexed(proto: &pb::ModelProto, graph: &pb::GraphProto, order: &[usize], input: DeclaredInput) -> Definition {
    let version = operators::version(proto);
    let nodes: Vec<Node> =
        order.iter().filter_map(|&index| graph.node.get(index)).map(|proto| node(proto, version)).collect();
    let mut producers = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            producers.insert(output.clone(), index);
        }
    }
    let shape =
        |tensor: &pb::TensorProto| tensor.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect::<Vec<_>>();
    let mut initializers: BTreeMap<String, Vec<usize>> =
        graph.initializer.iter().map(|tensor| (tensor.name.clone(), shape(tensor))).collect();
    // A weight may also be written as the tensor of a Constant operator.
    for node in graph.node.iter().filter(|node| node.op_type == "Constant") {
        let tensor = node.attribute.iter().find(|a| a.name == "value").and_then(|a| a.t.as_ref());
        if let (Some(tensor), Some(name)) = (tensor, node.output.first()) {
            initializers.insert(name.clone(), shape(tensor));
        }
    }
    Definition {
        nodes,
        producers,
        initializers,
        input,
        others: inputs(graph).into_iter().skip(1).collect(),
        outputs: graph.output.iter().map(|output| output.name.clone()).collect(),
        metadata: proto.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect(),
    }
}

fn node(proto: &pb::NodeProto, version: i64) -> Node {
    use pb::attribute_proto::AttributeType;
    let attribute = |attribute: &pb::AttributeProto| {
        let value = match attribute.r#type() {
            AttributeType::Int => Attribute::Int(attribute.i),
            AttributeType::Ints => Attribute::Ints(attribute.ints.clone()),
            AttributeType::Float => Attribute::Float(attribute.f),
            AttributeType::String => Attribute::Text(String::from_utf8_lossy(&attribute.s).into_owned()),
            _ => return None,
        };
        Some((attribute.name.clone(), value))
    };
    Node {
        name: proto.name.clone(),
        op: proto.op_type.clone(),
        inputs: proto.input.clone(),
        outputs: proto.output.clone(),
        row: operators::operator(&proto.domain, &proto.op_type, version),
        attributes: proto.attribute.iter().filter_map(attribute).collect(),
    }
}
