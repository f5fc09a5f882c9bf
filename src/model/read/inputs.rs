//! Graphs with several inputs: which of them is the image, and the values that are given for the others.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::ArrayD;
use tract_onnx::pb::{self, tensor_proto::DataType};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use crate::model::read::printable::printable;

/// What is given for the inputs of a graph that has several.
#[derive(Debug, Clone, Default)]
pub struct GivenInputs {
    /// The input that images go to; the first with four axes if `None`.
    pub image: Option<String>,
    /// Values of other inputs, by their names, as the graph wants them; a single number fills its input.
    pub values: BTreeMap<String, ArrayD<f32>>,
}

/// An input as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct GraphInput {
    /// The ONNX value's name.
    pub name: String,
    /// Declared axes; `None` for an open one.
    pub dims: Vec<Option<usize>>,
    /// The element type in lower case: `float`, `int64`, ….
    pub element: String,
}

impl GraphInput {
    /// Whether it may be an image: four axes.
    pub fn is_image(&self) -> bool {
        self.dims.len() == 4
    }

    /// Its shape for one image.
    pub fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|axis| axis.unwrap_or(1)).collect()
    }
}

/// The inputs of a graph that are no weights, in the file's order.
pub(crate) fn inputs(graph: &pb::GraphProto) -> Vec<GraphInput> {
    use pb::tensor_shape_proto::dimension::Value;
    let weights: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let described = |input: &pb::ValueInfoProto| {
        let tensor = match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
            Some(pb::type_proto::Value::TensorType(tensor)) => Some(tensor),
            _ => None,
        };
        let dims = tensor.and_then(|tensor| tensor.shape.as_ref()).map_or(&[][..], |shape| &shape.dim);
        let length = |dim: &pb::tensor_shape_proto::Dimension| match dim.value {
            Some(Value::DimValue(value)) if value > 0 => usize::try_from(value).ok(),
            _ => None,
        };
        let element = tensor.and_then(|tensor| DataType::try_from(tensor.elem_type).ok()).unwrap_or_default();
        GraphInput {
            name: input.name.clone(),
            dims: dims.iter().map(length).collect(),
            element: element.as_str_name().to_lowercase(),
        }
    };
    graph.input.iter().filter(|input| !weights.contains(input.name.as_str())).map(described).collect()
}

/// Makes the given values constants of the graph, and puts the image input before the others that are left.
///
/// # Errors
/// Names that no input has, and values of another number than the input takes.
pub(crate) fn prepare(graph: &mut pb::GraphProto, given: &GivenInputs) -> Result<(), String> {
    let declared = inputs(graph);
    if declared.len() < 2 && given.values.is_empty() && given.image.is_none() {
        return Ok(());
    }
    let known = || declared.iter().map(|input| printable(&input.name)).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let input = declared.iter().find(|input| input.name == *name);
        input.ok_or_else(|| format!("there is no input `{}`; its inputs are {}", printable(name), known()))
    };
    for (name, values) in &given.values {
        let input = find(name)?;
        graph.initializer.push(constant(input, values)?);
        graph.input.retain(|declared| declared.name != *name);
    }
    let image = match &given.image {
        Some(name) => Some(find(name)?.name.clone()),
        None => inputs(graph).into_iter().find(GraphInput::is_image).map(|input| input.name),
    };
    if let Some(at) = image.and_then(|image| graph.input.iter().position(|input| input.name == image)) {
        let image = graph.input.remove(at);
        graph.input.insert(0, image);
    }
    Ok(())
}

/// An input's values as a tensor of the graph.
fn constant(input: &GraphInput, values: &ArrayD<f32>) -> Result<pb::TensorProto, String> {
    let shape = input.shape();
    let count = shape.iter().product::<usize>();
    let all: Vec<f32> = match values.len() {
        1 => vec![values.iter().copied().next().unwrap_or(0.0); count],
        given if given == count => values.iter().copied().collect(),
        given => {
            let name = printable(&input.name);
            return Err(format!("the input `{name}` has the shape {shape:?}, {count} values; {given} were given"));
        }
    };
    let mut tensor = pb::TensorProto {
        name: input.name.clone(),
        dims: shape.iter().map(|&length| length as i64).collect(),
        data_type: DataType::Float as i32,
        ..pb::TensorProto::default()
    };
    match input.element.as_str() {
        "float" | "double" | "float16" => tensor.float_data = all,
        "int64" => {
            tensor.data_type = DataType::Int64 as i32;
            tensor.int64_data = all.iter().map(|value| *value as i64).collect();
        }
        "int32" | "bool" | "uint8" | "int8" => {
            let kind = |word: &str| match word {
                "bool" => DataType::Bool,
                "uint8" => DataType::Uint8,
                "int8" => DataType::Int8,
                _ => DataType::Int32,
            };
            tensor.data_type = kind(&input.element) as i32;
            tensor.int32_data = all.iter().map(|value| *value as i32).collect();
        }
        other => {
            return Err(format!("the input `{}` holds {other} values, which cannot be given", printable(&input.name)));
        }
    }
    Ok(tensor)
}

/// Gives the inputs behind the first their declared shapes, open axes having the batch's length first and one elsewhere.
pub(crate) fn set_others(model: &mut InferenceModel, others: &[GraphInput], batch: usize) -> TractResult<()> {
    for (i, other) in others.iter().enumerate() {
        let lengths = other.dims.iter().enumerate();
        let shape: TVec<usize> =
            lengths.map(|(axis, length)| length.unwrap_or(if axis == 0 { batch } else { 1 })).collect();
        let element = model.input_fact(i + 1)?.datum_type.concretize().unwrap_or(f32::datum_type());
        model.set_input_fact(i + 1, InferenceFact::dt_shape(element, shape))?;
    }
    Ok(())
}
