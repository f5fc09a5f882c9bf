//! Branches that shapes alone decide, as torch's exporter writes them: the branch that is taken, in the place of the `If`.

use std::collections::BTreeSet;
use std::path::Path;

use tract_onnx::pb;

use crate::model::read::catch_panic::refuse_panic;
use crate::model::read::rewrite::functions::rename_graph;
use crate::model::read::rewrite::{operator, producers, reads};
use crate::model::read::{bounds, onnx, opset, shapes, values};

/// Branches that are decided at most; each takes a shape inference of what lies above it.
const MOST: usize = 64;
/// Pixels by which another image is larger, where the size is open.
const LARGER: usize = 32;

/// Puts the branch that is taken in the place of each `If` whose condition does not depend on the image's pixels. Others stay, for
/// others to refuse.
pub(super) fn decide(proto: &mut pb::ModelProto, file: &Path) {
    for _ in 0..MOST {
        let decided = proto.graph.as_ref().and_then(|graph| {
            let mut branches = graph.node.iter().enumerate().filter(|(_, node)| node.op_type == "If");
            branches.find_map(|(index, node)| {
                let taken = condition(proto, graph, node.input.first()?, file)?;
                Some((index, branch(node, if taken { "then_branch" } else { "else_branch" })?))
            })
        });
        let (Some((index, (nodes, initializers))), Some(graph)) = (decided, proto.graph.as_mut()) else { return };
        graph.node.splice(index..=index, nodes);
        graph.initializer.extend(initializers);
    }
}

/// Whether a condition holds, where it follows from shapes: the operators above it, as a network of their own, by tract's inference.
fn condition(proto: &pb::ModelProto, graph: &pb::GraphProto, value: &str, file: &Path) -> Option<bool> {
    let mut part = pb::ModelProto { graph: Some(above(graph, value)), ..proto.clone() };
    let definition = onnx::define(&part, file).ok()?;
    onnx::prepare(&mut part);
    let input = values::input(&definition);
    let folder = file.parent().and_then(Path::to_str);
    let parsed = refuse_panic("reading a condition", || opset::reader().parse(&part, folder)).ok()?;
    let outlets = parsed.outlets_by_name.into_iter().collect();
    let weights = bounds::weights(&definition);
    let source = values::Source { model: &parsed.model, outlets: &outlets, definition: &definition, weights };
    let values = values::infer(&source, &input, None).ok()?;
    let holds = |values: &shapes::Values| Some(*values.integers(value)?.first()? != 0);
    let found = holds(&values)?;
    if input.size().is_some() {
        return Some(found);
    }
    // An open image size must not be what decides.
    let larger = (values.size.0 + LARGER, values.size.1 + LARGER);
    let again = values::infer(&source, &input, Some(larger)).ok().and_then(|values| holds(&values));
    again.is_none_or(|again| again == found).then_some(found)
}

/// The part of a graph that a value depends on, with the value as its only output.
fn above(graph: &pb::GraphProto, value: &str) -> pb::GraphProto {
    let producers = producers(graph);
    let mut needed = BTreeSet::new();
    let mut pending = vec![value.to_string()];
    while let Some(value) = pending.pop() {
        if let Some(&index) = producers.get(&value)
            && needed.insert(index)
            && let Some(node) = graph.node.get(index)
        {
            pending.extend(reads(node));
        }
    }
    let nodes: Vec<pb::NodeProto> = needed.into_iter().filter_map(|index| graph.node.get(index)).cloned().collect();
    let read: BTreeSet<String> = nodes.iter().flat_map(reads).collect();
    pb::GraphProto {
        name: graph.name.clone(),
        initializer: graph.initializer.iter().filter(|tensor| read.contains(&tensor.name)).cloned().collect(),
        input: graph.input.clone(),
        output: vec![pb::ValueInfoProto { name: value.to_string(), ..Default::default() }],
        node: nodes,
        ..Default::default()
    }
}

/// The operators and weights of a branch, with names of their own, and its results under the names that the `If` gives them.
fn branch(node: &pb::NodeProto, name: &str) -> Option<(Vec<pb::NodeProto>, Vec<pb::TensorProto>)> {
    let mut graph = node.attribute.iter().find(|attribute| attribute.name == name)?.g.clone()?;
    let own: BTreeSet<String> = graph
        .node
        .iter()
        .flat_map(|node| node.output.iter().cloned())
        .chain(graph.initializer.iter().map(|tensor| tensor.name.clone()))
        .collect();
    let scope = node.output.first()?.clone();
    rename_graph(&mut graph, &|value| if own.contains(value) { format!("{scope}/{value}") } else { value.to_string() });
    let results = graph.output.iter().zip(&node.output).filter(|(_, outside)| !outside.is_empty());
    let results: Vec<pb::NodeProto> =
        results.map(|(inside, outside)| operator("Identity", &[&inside.name], outside, Vec::new())).collect();
    let mut nodes = graph.node;
    for inner in &mut nodes {
        inner.name = format!("{scope}/{}", if inner.name.is_empty() { &inner.op_type } else { &inner.name });
    }
    nodes.extend(results);
    Some((nodes, graph.initializer))
}
