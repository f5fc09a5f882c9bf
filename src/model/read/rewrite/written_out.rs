//! Defaults that ONNX leaves unsaid and tract takes for something else.

use std::collections::BTreeSet;

use tract_onnx::pb::{self, attribute_proto::AttributeType};

use crate::model::read::rewrite::{reads, scalar, version};
use crate::model::read::statistics;

/// The version from which batch normalisation says whether it trains; before, having more than one output said it.
const SAYS_TRAINING: i64 = 14;

/// Writes out that ConstantOfShape without a value is float 0, and gives a batch normalisation that trains a name of its own; its
/// running statistics go where nothing reads them.
pub(super) fn defaults(proto: &mut pb::ModelProto) {
    let by_outputs = version(proto) < SAYS_TRAINING;
    let Some(graph) = &mut proto.graph else { return };
    let mut read: BTreeSet<String> = graph.node.iter().flat_map(reads).collect();
    read.extend(graph.output.iter().map(|output| output.name.clone()));
    for node in &mut graph.node {
        let says = |name: &str| node.attribute.iter().any(|attribute| attribute.name == name);
        match node.op_type.as_str() {
            "ConstantOfShape" if !says("value") => {
                let mut zero = scalar("", 0.0);
                zero.dims = vec![1];
                node.attribute.push(pb::AttributeProto {
                    name: "value".into(),
                    r#type: AttributeType::Tensor as i32,
                    t: Some(zero),
                    ..Default::default()
                });
            }
            "BatchNormalization" if trains(node, by_outputs) => {
                node.op_type = statistics::OPERATOR.into();
                if node.output.iter().skip(1).all(|output| !read.contains(output)) {
                    node.output.truncate(1);
                }
            }
            _ => {}
        }
    }
}

/// Whether a batch normalisation normalises by its input's own statistics.
fn trains(node: &pb::NodeProto, by_outputs: bool) -> bool {
    let says = node.attribute.iter().find(|attribute| attribute.name == "training_mode");
    says.map_or(by_outputs && node.output.len() > 1, |says| says.i != 0)
}
