//! What exporters write and nothing else here reads, brought to plain ONNX before anything looks at the graph: local functions,
//! fused operators, quantised arithmetic, branches that shapes decide, and what makes answers of scores.

mod branch;
mod ends;
mod functions;
mod fused;
mod quantised;
#[cfg(test)]
mod tests;
mod written_out;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tract_onnx::pb::{self, attribute_proto::AttributeType, tensor_proto::DataType};

pub(crate) use functions::inline;

/// Rewrites a model whose functions are inlined; returns what a reader of its page should know of that, a sentence each. What cannot
/// be rewritten stays as it is, for others to refuse. `file` is the model's path.
pub(crate) fn rewrite(proto: &mut pb::ModelProto, file: &Path) -> Vec<String> {
    written_out::defaults(proto);
    fused::split(proto);
    let mut notes = Vec::new();
    notes.extend(quantised::as_float(proto));
    branch::decide(proto, file);
    notes.extend(ends::step_over(proto));
    notes
}

/// The version of the standard operator set.
fn version(proto: &pb::ModelProto) -> i64 {
    let standard = |set: &&pb::OperatorSetIdProto| matches!(set.domain.as_str(), "" | "ai.onnx");
    proto.opset_import.iter().find(standard).map_or(1, |set| set.version)
}

/// Position of the operator that computes each value.
fn producers(graph: &pb::GraphProto) -> BTreeMap<String, usize> {
    let outputs = |(index, node): (usize, &pb::NodeProto)| {
        node.output
            .iter()
            .filter(|output| !output.is_empty())
            .map(move |output| (output.clone(), index))
            .collect::<Vec<_>>()
    };
    graph.node.iter().enumerate().flat_map(outputs).collect()
}

/// Constants by their names: the initializers and the values of Constant operators.
fn constants(graph: &pb::GraphProto) -> BTreeMap<String, pb::TensorProto> {
    let given = graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.clone()));
    let small = |tensor: &pb::TensorProto| tensor.dims.iter().product::<i64>() <= SMALL;
    let written = graph.node.iter().filter(|node| node.op_type == "Constant").filter_map(|node| {
        let tensor = node.attribute.iter().find(|attribute| attribute.name == "value")?.t.clone()?;
        Some((node.output.first()?.clone(), tensor))
    });
    given.chain(written).filter(|(_, tensor)| small(tensor)).collect()
}

/// Elements of the constants that are looked into: scales, zero points, names of classes.
const SMALL: i64 = 1 << 16;

/// Drops the operators that lead to no output.
fn prune(graph: &mut pb::GraphProto) {
    let producers = producers(graph);
    let mut live = BTreeSet::new();
    let mut pending: Vec<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    while let Some(value) = pending.pop() {
        if let Some(&index) = producers.get(&value)
            && live.insert(index)
            && let Some(node) = graph.node.get(index)
        {
            pending.extend(reads(node));
        }
    }
    let mut index = 0;
    graph.node.retain(|_| {
        index += 1;
        live.contains(&(index - 1))
    });
}

/// The values that an operator reads, those that its subgraphs take from outside among them.
fn reads(node: &pb::NodeProto) -> Vec<String> {
    let mut names: Vec<String> = node.input.iter().filter(|input| !input.is_empty()).cloned().collect();
    for graph in node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)) {
        names.extend(graph.output.iter().map(|output| output.name.clone()));
        names.extend(graph.node.iter().flat_map(reads));
    }
    names
}

/// An operator of the standard set, named after its output.
fn operator(op: &str, inputs: &[&str], output: &str, attribute: Vec<pb::AttributeProto>) -> pb::NodeProto {
    pb::NodeProto {
        name: output.to_string(),
        op_type: op.to_string(),
        input: inputs.iter().map(|input| (*input).to_string()).collect(),
        output: vec![output.to_string()],
        attribute,
        ..Default::default()
    }
}

fn float_attribute(name: &str, value: f32) -> pb::AttributeProto {
    pb::AttributeProto { name: name.into(), r#type: AttributeType::Float as i32, f: value, ..Default::default() }
}

/// A constant of one number without axes.
fn scalar(name: &str, value: f32) -> pb::TensorProto {
    pb::TensorProto {
        name: name.into(),
        data_type: DataType::Float as i32,
        float_data: vec![value],
        ..Default::default()
    }
}
