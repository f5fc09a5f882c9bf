//! Why a network cannot be used: all reasons at once, so that a user learns them in one message and not one per attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tract_onnx::pb::{self, tensor_proto::DataType};

use crate::error::Error;
use crate::model::read::definition::DeclaredInput;
use crate::model::read::external::{self, Problem, elements, width};
use crate::model::read::operators;
use crate::model::read::opset::reader;
use crate::model::read::printable::{list, printable};
use crate::model::read::statistics;

/// An image side or number of channels longer than this is taken for damage, not for data.
const LONGEST_AXIS: i64 = 1 << 24;

/// One message with all `reasons`.
pub(crate) fn refusal(file: &Path, reasons: &[String]) -> Error {
    Error::Refused { path: file.to_path_buf(), reasons: reasons.iter().map(|reason| printable(reason)).collect() }
}

/// What is wrong with the weights: impossible shapes, missing bytes, external files that are not there or lie elsewhere.
pub(crate) fn weight_reasons(graph: &pb::GraphProto, folder: &Path) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut missing = BTreeSet::new();
    for (name, tensor) in tensors(graph) {
        let name = printable(name);
        let Some(elements) = elements(&tensor.dims) else {
            reasons.push(format!("weight `{name}` declares the impossible shape {:?}", tensor.dims));
            continue;
        };
        if external::is_external(tensor) {
            match external::problem(tensor, folder) {
                Problem::Missing(file) => _ = missing.insert(file),
                Problem::Wrong(what) => reasons.push(format!("weight `{name}` {what}")),
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

/// All tensors with a name for each: the initializers, and the attributes of operators, such as a Constant's value.
fn tensors(graph: &pb::GraphProto) -> impl Iterator<Item = (&str, &pb::TensorProto)> {
    let initializers = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let attributes = graph.node.iter().flat_map(|node| {
        let name = node.output.first().unwrap_or(&node.name).as_str();
        node.attribute.iter().flat_map(|a| a.t.iter().chain(&a.tensors)).map(move |tensor| (name, tensor))
    });
    initializers.chain(attributes)
}

/// Why operators of this kind are refused, whatever they look like; `None` for all others.
pub(crate) fn refused_kind(op: &str) -> Option<&'static str> {
    match op {
        "ConvInteger" | "MatMulInteger" => Some(QUANTISED),
        "If" | "Loop" | "Scan" => Some("it has control flow"),
        "RNN" | "LSTM" | "GRU" => Some("it has recurrent layers"),
        "RandomNormal" | "RandomNormalLike" | "RandomUniform" | "RandomUniformLike" | "Multinomial" | "Bernoulli" => {
            Some("it draws random numbers, so its answers do not repeat")
        }
        _ => op.starts_with("QLinear").then_some(QUANTISED),
    }
}

const QUANTISED: &str = "it is quantised (integer arithmetic has no gradient); export the float network";
const TRAINING: &str = "it was exported in training mode, so its batch normalisations would take their statistics from the images; call eval() before the export";
const UNKNOWN: &str = "it has operators that are not known";

/// Operators that were found to be none that ONNX allows; a message lists so many.
const MOST_WRONG: usize = 12;

/// Operators that no convolutional classifier needs and that have no gradient here, those nobody knows, and those that are not
/// as ONNX allows them to be.
pub(crate) fn operator_reasons(proto: &pb::ModelProto, graph: &pb::GraphProto) -> Vec<String> {
    let known = reader().op_register.0;
    let constants = constant_values(graph);
    let version = operators::version(proto);
    let mut refused: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for node in &graph.node {
        let op = node.op_type.as_str();
        // Weights stored as integers and made float by DequantizeLinear are an ordinary float network.
        let quantises = matches!(op, "QuantizeLinear" | "DynamicQuantizeLinear" | "DequantizeLinear")
            && node.input.first().is_some_and(|value| !constants.contains(value.as_str()));
        let row = operators::operator(&node.domain, op, version).filter(|_| known.contains_key(op));
        let trains = op == statistics::OPERATOR && !node.input.first().is_some_and(|x| constants.contains(x.as_str()));
        let kind = refused_kind(op).or(quantises.then_some(QUANTISED)).or(trains.then_some(TRAINING));
        match (kind, row) {
            (Some(kind), _) => _ = refused.entry(kind).or_default().insert(op.to_string()),
            (None, Some(row)) => wrong.extend(operators::reasons(node, row)),
            (None, None) => {
                let domain = if node.domain.is_empty() { String::new() } else { format!("{}.", node.domain) };
                refused.entry(UNKNOWN).or_default().insert(format!("{domain}{op}"));
            }
        }
    }
    let functions = proto.functions.iter().filter_map(|function| function.name.clone());
    refused.insert("it defines functions of its own; export it with them inlined", functions.collect());
    let kinds = refused.iter().filter(|(_, found)| !found.is_empty());
    let mut reasons: Vec<String> = kinds.map(|(kind, found)| format!("{kind}: {}", list(found))).collect();
    let more = wrong.len().saturating_sub(MOST_WRONG);
    reasons.extend(wrong.into_iter().take(MOST_WRONG));
    reasons.extend((more > 0).then(|| format!("{more} more operators are not as ONNX allows them to be")));
    reasons
}

/// Values that depend on weights and constants alone, also through operators such as DequantizeLinear.
pub(crate) fn constant_values(graph: &pb::GraphProto) -> BTreeSet<&str> {
    let mut constants: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    for node in &graph.node {
        if node.input.iter().filter(|value| !value.is_empty()).all(|value| constants.contains(value.as_str())) {
            constants.extend(node.output.iter().map(String::as_str));
        }
    }
    constants
}

/// The one input that is an image, or the reasons why there is none.
pub(crate) fn declared_input(graph: &pb::GraphProto) -> std::result::Result<DeclaredInput, Vec<String>> {
    let weights: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<&pb::ValueInfoProto> =
        graph.input.iter().filter(|input| !weights.contains(input.name.as_str())).collect();
    let input = match inputs.as_slice() {
        [] => return Err(vec!["it has no input".into()]),
        [input] => *input,
        // The image comes first, see `inputs::prepare`.
        [input, ..] => *input,
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
