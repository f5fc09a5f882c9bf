//! The ONNX graph as an index of operators, without the weights' bytes.

use std::collections::BTreeMap;

use tract_onnx::pb::tensor_proto::DataType;

use crate::model::read::inputs::GraphInput;
use crate::model::read::operators::Operator;

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
    /// What ONNX allows of it.
    pub row: Option<&'static Operator>,
    pub attributes: BTreeMap<String, Attribute>,
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
    /// Inputs beside the image, in the graph's order.
    pub others: Vec<GraphInput>,
    pub outputs: Vec<String>,
    pub metadata: BTreeMap<String, String>,
}

impl Definition {
    /// The operator that computes `value`, if one does.
    pub fn producer(&self, value: &str) -> Option<&Node> {
        self.producers.get(value).and_then(|&index| self.nodes.get(index))
    }
}
