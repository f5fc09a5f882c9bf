//! What makes answers of scores at the end of a graph, stepped over: the best class, the first few, their names, a table of
//! names and probabilities, boxes that are not another's double. What is explained are the scores below.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb;

use crate::model::read::rewrite::{constants, operator, producers, prune, reads};

/// Operators between an answer and its output that change its layout or type only.
const LAYOUT: [&str; 7] = ["Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"];

/// The scores below an answer.
struct Scores {
    value: String,
    /// The classes' names, where the answer gives them.
    names: Option<Vec<String>>,
    /// The operators stepped over, as the file calls them.
    over: Vec<String>,
}

/// Makes every output that is an answer the scores that it is made of, under its own name; returns a sentence that says which
/// operators were stepped over. Names of classes become the metadata that labels are read from.
pub(super) fn step_over(proto: &mut pb::ModelProto) -> Option<String> {
    let graph = proto.graph.as_mut()?;
    outputs_before_suppression(graph);
    let producers = producers(graph);
    let known = constants(graph);
    let below =
        |output: &pb::ValueInfoProto| Some((output.name.clone(), scores(graph, &producers, &known, &output.name)?));
    let found: BTreeMap<String, Scores> = graph.output.iter().filter_map(below).collect();
    if found.is_empty() {
        return None;
    }
    let answer = |value: &str| format!("{value} (answer)");
    let rename = |name: &mut String| {
        if found.contains_key(name) {
            *name = answer(name);
        }
    };
    graph.node.iter_mut().for_each(|node| node.input.iter_mut().chain(&mut node.output).for_each(rename));
    for output in graph.output.iter_mut().filter(|output| found.contains_key(&output.name)) {
        output.r#type = None;
    }
    let mut over = BTreeSet::new();
    for (output, scores) in &found {
        let source = if found.contains_key(&scores.value) { answer(&scores.value) } else { scores.value.clone() };
        graph.node.push(operator("Identity", &[&source], output, Vec::new()));
        over.extend(scores.over.iter().cloned());
    }
    prune(graph);
    label(proto, &found);
    let outputs: Vec<&str> = found.keys().map(String::as_str).collect();
    let over: Vec<String> = over.into_iter().collect();
    Some(format!(
        "{} at the end of {} is stepped over: the scores below are explained",
        over.join(", "),
        outputs.join(", ")
    ))
}

/// Gives each output the names that its answer, or another's of the same number, says.
fn label(proto: &mut pb::ModelProto, found: &BTreeMap<String, Scores>) {
    let any = found.values().find_map(|scores| scores.names.as_ref());
    for (output, scores) in found {
        let key = format!("labels.{output}");
        let Some(names) = scores.names.as_ref().or(any) else { continue };
        if let Ok(value) = serde_json::to_string(names)
            && !proto.metadata_props.iter().any(|entry| entry.key == key)
        {
            proto.metadata_props.push(pb::StringStringEntryProto { key, value });
        }
    }
}

/// The scores below an output, if it is an answer.
fn scores(
    graph: &pb::GraphProto,
    producers: &BTreeMap<String, usize>,
    known: &BTreeMap<String, pb::TensorProto>,
    output: &str,
) -> Option<Scores> {
    let mut value = output;
    let mut found: Option<Scores> = None;
    // The graph may run in a circle, which is refused later.
    for _ in 0..graph.node.len() {
        let Some(node) = producers.get(value).and_then(|index| graph.node.get(*index)) else { break };
        let names = names(node);
        let looked_up = || known.get(node.input.first()?).map(texts).filter(|texts| !texts.is_empty());
        let (input, names) = match node.op_type.as_str() {
            "ArgMax" | "TopK" | "Hardmax" | "LabelEncoder" | "CategoryMapper" | "ZipMap" => (0, names),
            "Gather" | "ArrayFeatureExtractor" => match looked_up() {
                Some(texts) => (1, Some(texts)),
                None => break,
            },
            op if LAYOUT.contains(&op) => {
                value = node.input.first()?;
                continue;
            }
            _ => break,
        };
        value = node.input.get(input)?;
        let earlier = found.take();
        let mut over = earlier.as_ref().map(|scores| scores.over.clone()).unwrap_or_default();
        over.push(node.op_type.clone());
        found =
            Some(Scores { value: value.to_string(), names: names.or(earlier.and_then(|scores| scores.names)), over });
    }
    found
}

/// Where all that comes out has passed a suppression of overlapping boxes, whose number depends on the image: what went in, scores
/// and boxes, are the outputs instead.
fn outputs_before_suppression(graph: &mut pb::GraphProto) {
    let Some(node) = graph.node.iter().find(|node| node.op_type == "NonMaxSuppression") else { return };
    let (Some(boxes), Some(scores)) = (node.input.first().cloned(), node.input.get(1).cloned()) else { return };
    let mut behind: BTreeSet<String> = node.output.iter().cloned().collect();
    for node in &graph.node {
        if reads(node).iter().any(|value| behind.contains(value)) {
            behind.extend(node.output.iter().cloned());
        }
    }
    if !graph.output.iter().all(|output| behind.contains(&output.name)) {
        return;
    }
    graph.output = [scores, boxes].into_iter().map(|name| pb::ValueInfoProto { name, ..Default::default() }).collect();
    prune(graph);
}

/// The names of classes that an operator holds, in the classes' order.
fn names(node: &pb::NodeProto) -> Option<Vec<String>> {
    let find = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let strings =
        |name: &str| find(name).map(|attribute| attribute.strings.iter().map(|text| lossy(text)).collect::<Vec<_>>());
    let integers = |name: &str| find(name).map(|attribute| attribute.ints.clone()).filter(|ints| !ints.is_empty());
    match node.op_type.as_str() {
        "ZipMap" => strings("classlabels_strings")
            .filter(|names| !names.is_empty())
            .or_else(|| integers("classlabels_int64s").map(|numbers| numbers.iter().map(i64::to_string).collect())),
        "LabelEncoder" => in_order(&integers("keys_int64s")?, &strings("values_strings")?),
        "CategoryMapper" => in_order(&integers("cats_int64s")?, &strings("cats_strings")?),
        _ => None,
    }
}

/// Names by the numbers 0, 1, …; `None` unless each has one.
fn in_order(numbers: &[i64], names: &[String]) -> Option<Vec<String>> {
    let by_number: BTreeMap<i64, &String> = numbers.iter().copied().zip(names).collect();
    (0..by_number.len() as i64).map(|number| by_number.get(&number).map(|name| (*name).clone())).collect()
}

/// The texts of a tensor of strings.
fn texts(tensor: &pb::TensorProto) -> Vec<String> {
    tensor.string_data.iter().map(|text| lossy(text)).collect()
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
