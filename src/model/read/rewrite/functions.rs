//! Functions that a file defines itself, put in the places where they are called.

use std::collections::BTreeMap;

use tract_onnx::pb;

/// Functions may call functions, this deep at most.
const DEEPEST: usize = 16;
/// Operators up to which functions are put in place; more are refused anyway.
const MOST_OPERATORS: usize = 16_000;

/// Puts the bodies of a model's functions in the places of their calls. A function that cannot be put in place stays, for others to
/// refuse: one that calls itself, or whose attributes have defaults, which are not read.
pub(crate) fn inline(proto: &mut pb::ModelProto) {
    let functions: BTreeMap<(String, String), pb::FunctionProto> =
        proto.functions.iter().map(|function| (key(function), function.clone())).collect();
    let Some(graph) = proto.graph.as_mut().filter(|_| !functions.is_empty()) else { return };
    for _ in 0..DEEPEST {
        let mut nodes = Vec::with_capacity(graph.node.len());
        let mut called = false;
        for node in std::mem::take(&mut graph.node) {
            let function = functions.get(&(node.domain.clone(), node.op_type.clone()));
            match function.and_then(|function| body(function, &node)) {
                Some(body) => {
                    called = true;
                    nodes.extend(body);
                }
                None => nodes.push(node),
            }
        }
        graph.node = nodes;
        if !called || graph.node.len() > MOST_OPERATORS {
            break;
        }
    }
    let remain = |function: &pb::FunctionProto| {
        let called = key(function);
        graph.node.iter().any(|node| called == (node.domain.clone(), node.op_type.clone()))
    };
    proto.functions.retain(remain);
}

fn key(function: &pb::FunctionProto) -> (String, String) {
    (function.domain.clone().unwrap_or_default(), function.name.clone().unwrap_or_default())
}

/// The operators of a function as a call makes them: formal names replaced by the call's, all others made its own.
fn body(function: &pb::FunctionProto, call: &pb::NodeProto) -> Option<Vec<pb::NodeProto>> {
    let own = call.output.first().filter(|output| !output.is_empty()).unwrap_or(&call.name);
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, formal) in function.input.iter().enumerate() {
        names.insert(formal, call.input.get(index).map_or("", String::as_str));
    }
    for (index, formal) in function.output.iter().enumerate() {
        if let Some(actual) = call.output.get(index).filter(|actual| !actual.is_empty()) {
            names.insert(formal, actual);
        }
    }
    let rename = |name: &str| match names.get(name) {
        Some(actual) => (*actual).to_string(),
        None if name.is_empty() => String::new(),
        None => format!("{own}/{name}"),
    };
    function
        .node
        .iter()
        .map(|inner| {
            let mut node = inner.clone();
            node.attribute = node
                .attribute
                .iter()
                .map(|attribute| attribute_of(attribute, function, call))
                .collect::<Option<Vec<Option<pb::AttributeProto>>>>()?
                .into_iter()
                .flatten()
                .collect();
            rename_values(&mut node, &rename);
            let scope = if call.name.is_empty() { own } else { &call.name };
            node.name = format!("{scope}/{}", if inner.name.is_empty() { &inner.op_type } else { &inner.name });
            Some(node)
        })
        .collect()
}

/// An attribute of an inner operator with the call's value where it refers to one; `Some(None)` where the call leaves it out, `None`
/// where the function has a default for it, which is not read.
fn attribute_of(
    attribute: &pb::AttributeProto,
    function: &pb::FunctionProto,
    call: &pb::NodeProto,
) -> Option<Option<pb::AttributeProto>> {
    if attribute.ref_attr_name.is_empty() {
        return Some(Some(attribute.clone()));
    }
    match call.attribute.iter().find(|given| given.name == attribute.ref_attr_name) {
        Some(given) => Some(Some(pb::AttributeProto { name: attribute.name.clone(), ..given.clone() })),
        None => function.attribute.contains(&attribute.ref_attr_name).then_some(None),
    }
}

/// Gives the values that an operator reads and computes other names, those within its subgraphs, too.
pub(super) fn rename_values(node: &mut pb::NodeProto, rename: &dyn Fn(&str) -> String) {
    for name in node.input.iter_mut().chain(&mut node.output) {
        *name = rename(name);
    }
    for attribute in &mut node.attribute {
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(|graph| rename_graph(graph, rename));
    }
}

/// Gives all values of a subgraph other names.
pub(super) fn rename_graph(graph: &mut pb::GraphProto, rename: &dyn Fn(&str) -> String) {
    graph.node.iter_mut().for_each(|node| rename_values(node, rename));
    graph.initializer.iter_mut().for_each(|tensor| tensor.name = rename(&tensor.name));
    graph.input.iter_mut().chain(&mut graph.output).for_each(|value| value.name = rename(&value.name));
}
