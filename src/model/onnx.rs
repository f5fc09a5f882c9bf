//! The ONNX file as it stands: read once, checked, and kept as an index of operators without the weights' bytes.
//!
//! Everything that makes a network unusable here is collected into one message, so that a user learns all reasons at
//! once instead of one per attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};
use tract_onnx::pb::{self, tensor_proto::DataLocation, tensor_proto::DataType};
use tract_onnx::prelude::Framework;

use crate::error::{Error, Result};

/// An image side or number of channels longer than this is taken for damage, not for data.
const LONGEST_AXIS: i64 = 1 << 24;
/// Largest number of elements a tensor may declare (4 GiB of float32).
pub(crate) const LARGEST_TENSOR: usize = 1 << 30;

/// An attribute's value; tensors and subgraphs are not kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(String),
}

/// One ONNX operator. Absent optional inputs are empty strings, as in the file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub name: String,
    pub op: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

impl Node {
    /// The first input's name, empty when there is none.
    pub fn input(&self) -> &str {
        self.inputs.first().map_or("", String::as_str)
    }

    /// The first output's name, empty when there is none.
    pub fn output(&self) -> &str {
        self.outputs.first().map_or("", String::as_str)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    pub fn float(&self, name: &str) -> Option<f32> {
        match self.attributes.get(name) {
            Some(Attribute::Float(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }
}

/// The graph input that is not a weight, as declared.
#[derive(Debug, Clone)]
pub(crate) struct DeclaredInput {
    pub name: String,
    /// `None` where the file leaves an axis open; an undeclared shape counts as four open axes.
    pub dims: Vec<Option<usize>>,
    pub element: DataType,
}

/// The graph: operators in a valid order, who computes each value, and the weights' shapes.
#[derive(Debug)]
pub(crate) struct Definition {
    pub nodes: Vec<Node>,
    pub producers: BTreeMap<String, usize>,
    /// Shapes of the weights, also of those written as Constant operators.
    pub initializers: BTreeMap<String, Vec<usize>>,
    pub input: DeclaredInput,
    pub outputs: Vec<String>,
    pub metadata: BTreeMap<String, String>,
}

impl Definition {
    /// The operator that computes `value`, if one does.
    pub fn producer(&self, value: &str) -> Option<&Node> {
        self.producers.get(value).and_then(|&index| self.nodes.get(index))
    }
}

/// A reader that hashes what passes, so that the file is read once.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
    length: usize,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.length += count;
        Ok(count)
    }
}

/// The file as a protobuf, with its SHA-256 in hexadecimal.
///
/// Errors: the file is missing, empty, or not an ONNX model.
pub(crate) fn read(path: &Path) -> Result<(pb::ModelProto, String)> {
    let file = File::open(path).map_err(|cause| Error::reading(path, &cause))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::input(format!("{}: a folder, not an ONNX model", path.display())));
    }
    let mut reader = Hashing { inner: file, hash: Sha256::new(), length: 0 };
    let decoded = tract_onnx::onnx().proto_model_for_read(&mut reader);
    if reader.length == 0 {
        return Err(Error::input(format!("{}: the file is empty, not an ONNX model", path.display())));
    }
    let proto = decoded.map_err(|cause| {
        let cause = cause.root_cause().to_string();
        Error::input(format!(
            "{}: not an ONNX model, or cut short: {}; export it again or fetch the file anew",
            path.display(),
            printable(&cause)
        ))
    })?;
    let hash = reader.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
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
    let mut reasons = weight_reasons(graph, file.parent().unwrap_or(Path::new("")));
    reasons.extend(size_reasons(graph));
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

/// One message with all `reasons`.
pub(crate) fn refusal(file: &Path, reasons: &[String]) -> Error {
    let list: Vec<String> = reasons.iter().map(|reason| format!("\n  - {}", printable(reason))).collect();
    Error::input(format!("{}: this network cannot be used:{}", file.display(), list.concat()))
}

/// Names come from the file and may hold line breaks or control characters; messages stay on their line.
pub(crate) fn printable(text: &str) -> String {
    let shortened: String = text.chars().take(400).collect();
    shortened.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Values in ONNX are named; a list of names in a message is cut after a few.
fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let rest = names.len().saturating_sub(shown.len());
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}

/// What is wrong with the weights: impossible shapes, missing bytes, external files that are not there.
fn weight_reasons(graph: &pb::GraphProto, folder: &Path) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut missing = BTreeSet::new();
    for tensor in &graph.initializer {
        let name = &tensor.name;
        let Some(elements) = elements(&tensor.dims) else {
            reasons.push(format!("weight `{name}` declares the impossible shape {:?}", tensor.dims));
            continue;
        };
        if tensor.data_location == Some(DataLocation::External as i32) {
            let location = tensor.external_data.iter().find(|entry| entry.key == "location");
            match location {
                Some(entry) if folder.join(&entry.value).is_file() => {}
                Some(entry) => _ = missing.insert(entry.value.clone()),
                None => reasons.push(format!("weight `{name}` lies in an external file that is not named")),
            }
        } else if let Some(width) = width(tensor.data_type) {
            let typed = tensor.float_data.len()
                + tensor.int32_data.len()
                + tensor.int64_data.len()
                + tensor.double_data.len()
                + tensor.uint64_data.len();
            let complete = if tensor.raw_data.is_empty() {
                typed == elements
            } else {
                elements.checked_mul(width) == Some(tensor.raw_data.len())
            };
            if !complete {
                reasons.push(format!("weight `{name}` of shape {:?} does not hold that many values", tensor.dims));
            }
        }
    }
    if !missing.is_empty() {
        reasons.push(format!("its weights lie in {}, which is not beside the model; put it there", list(&missing)));
    }
    if !graph.sparse_initializer.is_empty() {
        reasons.push("it has sparse weights, which are not supported".into());
    }
    reasons
}

/// Operators that would make a constant out of all proportion. Shape inference computes constants, so it must not meet
/// them.
fn size_reasons(graph: &pb::GraphProto) -> Vec<String> {
    let integers = |name: &String| {
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == *name)?;
        if tensor.data_type != DataType::Int64 as i32 {
            return None;
        }
        let raw = tensor.raw_data.chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap_or([0; 8])));
        Some(tensor.int64_data.iter().copied().chain(raw).collect::<Vec<_>>())
    };
    let too_large = |node: &&pb::NodeProto| {
        let shape = match node.op_type.as_str() {
            "ConstantOfShape" => node.input.first(),
            "Expand" | "Tile" => node.input.get(1),
            _ => None,
        };
        shape.and_then(integers).is_some_and(|dims| elements(&dims).is_none())
    };
    let found: BTreeSet<String> = graph.node.iter().filter(too_large).map(|node| node.op_type.clone()).collect();
    if found.is_empty() { Vec::new() } else { vec![format!("it makes values of impossible size by {}", list(&found))] }
}

/// The number of elements, unless the shape is negative or out of all proportion.
fn elements(dims: &[i64]) -> Option<usize> {
    let product = dims.iter().try_fold(1usize, |product, &dim| {
        let dim = usize::try_from(dim).ok().filter(|_| dim <= 1 << 40)?;
        product.checked_mul(dim)
    })?;
    (product <= LARGEST_TENSOR).then_some(product)
}

/// Bytes per element of the types whose raw data can be checked.
fn width(element: i32) -> Option<usize> {
    match DataType::try_from(element).ok()? {
        DataType::Float | DataType::Int32 | DataType::Uint32 => Some(4),
        DataType::Double | DataType::Int64 | DataType::Uint64 => Some(8),
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => Some(2),
        DataType::Uint8 | DataType::Int8 | DataType::Bool => Some(1),
        _ => None,
    }
}

/// Operators that no convolutional classifier needs and that have no gradient here, and those nobody knows.
fn operator_reasons(proto: &pb::ModelProto, graph: &pb::GraphProto) -> Vec<String> {
    let known = tract_onnx::onnx().op_register.0;
    let constants = constant_values(graph);
    let mut quantised = BTreeSet::new();
    let mut control = BTreeSet::new();
    let mut recurrent = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for node in &graph.node {
        let op = node.op_type.as_str();
        let integer = op.starts_with("QLinear") || matches!(op, "ConvInteger" | "MatMulInteger");
        // Weights stored as integers and made float by DequantizeLinear are an ordinary float network.
        let quantises = matches!(op, "QuantizeLinear" | "DynamicQuantizeLinear" | "DequantizeLinear")
            && node.input.first().is_some_and(|value| !constants.contains(value.as_str()));
        if integer || quantises {
            quantised.insert(op.to_string());
        } else if matches!(op, "If" | "Loop" | "Scan") {
            control.insert(op.to_string());
        } else if matches!(op, "RNN" | "LSTM" | "GRU") {
            recurrent.insert(op.to_string());
        } else if !known.contains_key(op) {
            let domain = if node.domain.is_empty() { String::new() } else { format!("{}.", node.domain) };
            unknown.insert(format!("{domain}{op}"));
        }
    }
    let mut reasons = Vec::new();
    let mut give = |found: &BTreeSet<String>, text: &str| {
        if !found.is_empty() {
            reasons.push(format!("{text}: {}", list(found)));
        }
    };
    give(&quantised, "it is quantised (integer arithmetic has no gradient); export the float network");
    give(&control, "it has control flow");
    give(&recurrent, "it has recurrent layers");
    give(&unknown, "it has operators that are not known");
    let functions: BTreeSet<String> = proto.functions.iter().filter_map(|function| function.name.clone()).collect();
    give(&functions, "it defines functions of its own; export it with them inlined");
    reasons
}

/// Values that depend on weights and constants alone, also through operators such as DequantizeLinear.
fn constant_values(graph: &pb::GraphProto) -> BTreeSet<&str> {
    let mut constants: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    for node in &graph.node {
        if node.input.iter().filter(|value| !value.is_empty()).all(|value| constants.contains(value.as_str())) {
            constants.extend(node.output.iter().map(String::as_str));
        }
    }
    constants
}

/// The one input that is an image, or the reasons why there is none.
fn declared_input(graph: &pb::GraphProto) -> std::result::Result<DeclaredInput, Vec<String>> {
    let weights: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<&pb::ValueInfoProto> =
        graph.input.iter().filter(|input| !weights.contains(input.name.as_str())).collect();
    let input = match inputs.as_slice() {
        [] => return Err(vec!["it has no input".into()]),
        [input] => *input,
        several => {
            let names: BTreeSet<String> = several.iter().map(|input| input.name.clone()).collect();
            let count = several.len();
            return Err(vec![format!("it has {count} inputs ({}), and one image is all there is", list(&names))]);
        }
    };
    let name = input.name.clone();
    let Some(pb::type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Err(vec![format!("its input `{name}` is not a tensor")]);
    };
    let mut reasons = Vec::new();
    let element = DataType::try_from(tensor.elem_type).unwrap_or(DataType::Undefined);
    let numeric =
        matches!(element, DataType::Float | DataType::Double | DataType::Float16 | DataType::Uint8 | DataType::Int8);
    if !numeric {
        reasons.push(format!("its input `{name}` holds {} values, not pixels", element.as_str_name().to_lowercase()));
    }
    let dims = match &tensor.shape {
        None => vec![None; 4],
        Some(shape) => {
            use pb::tensor_shape_proto::dimension::Value;
            // Exporters write 0 or -1 as well as a name for an open axis; 0 is damage where pixels should be.
            let dim = |d: &pb::tensor_shape_proto::Dimension| match d.value {
                Some(Value::DimValue(value)) if value >= 0 => Some(value),
                _ => None,
            };
            let declared: Vec<Option<i64>> = shape.dim.iter().map(dim).collect();
            if declared.iter().flatten().any(|&value| value == 0 || value > LONGEST_AXIS)
                || elements(&declared.iter().map(|d| d.unwrap_or(1)).collect::<Vec<_>>()).is_none()
            {
                reasons.push(format!("its input `{name}` has the impossible shape {}", shape_text(&declared)));
            }
            if declared.len() != 4 {
                reasons.push(format!(
                    "its input `{name}` has the shape {}, not that of images (four axes)",
                    shape_text(&declared)
                ));
            }
            declared.into_iter().map(|d| d.and_then(|value| usize::try_from(value).ok())).collect()
        }
    };
    if reasons.is_empty() { Ok(DeclaredInput { name, dims, element }) } else { Err(reasons) }
}

/// A shape as Keras writes it, `None` for an open axis.
fn shape_text(dims: &[Option<i64>]) -> String {
    let axes: Vec<String> = dims.iter().map(|d| d.map_or("None".into(), |value| value.to_string())).collect();
    format!("({})", axes.join(", "))
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
    let nodes: Vec<Node> = order.iter().filter_map(|&index| graph.node.get(index)).map(node).collect();
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
        outputs: graph.output.iter().map(|output| output.name.clone()).collect(),
        metadata: proto.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect(),
    }
}

fn node(proto: &pb::NodeProto) -> Node {
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
        attributes: proto.attribute.iter().filter_map(attribute).collect(),
    }
}
