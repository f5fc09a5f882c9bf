//! Old operator sets that tract does not read: brought to what it does read, before anything else looks at the graph.

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{self, attribute_proto::AttributeType, tensor_proto::DataType};
use tract_onnx::prelude::TractError;

use crate::model::read::statistics;

/// The version in which Upsample, deprecated, was renamed to Resize.
const RENAMED: i64 = 10;

/// tract's reader of ONNX, with the operators it lacks.
pub(crate) fn reader() -> Onnx {
    // Declared intermediate shapes fix the batch to the exporter's example; inference finds them anew.
    let mut reader = tract_onnx::onnx().with_ignore_value_info(true).with_ignore_output_types(true);
    reader.op_register.insert("Upsample", |context, node| {
        let context = ParsingContext { onnx_operator_set_version: RENAMED, ..context.clone() };
        let resize = context.framework.op_register.0.get("Resize");
        resize.ok_or_else(|| TractError::msg("there is no Resize to read Upsample as"))?(&context, node)
    });
    reader.op_register.insert(statistics::OPERATOR, |_, node| Ok((statistics::read(node), vec![])));
    reader
}

/// Writes old operators in today's way, where only the way of writing changed.
///
/// Upsample's scales were an attribute before opset 9. Until Resize of opset 11 said how, enlarging took the nearest value
/// at or before the place.
pub(crate) fn modernise(proto: &mut pb::ModelProto) {
    let version = proto.opset_import.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    let old = version.is_some_and(|set| set.version <= RENAMED);
    let Some(graph) = proto.graph.as_mut().filter(|_| old) else { return };
    for (index, node) in graph.node.iter_mut().enumerate() {
        if !matches!(node.op_type.as_str(), "Upsample" | "Resize") {
            continue;
        }
        if node.input.len() == 1
            && let Some(place) = node.attribute.iter().position(|attribute| attribute.name == "scales")
        {
            let scales = node.attribute.remove(place).floats;
            let name = format!("{}.scales.{index}", node.output.first().map_or("", String::as_str));
            node.input.push(name.clone());
            graph.initializer.push(pb::TensorProto {
                name,
                dims: vec![scales.len() as i64],
                data_type: DataType::Float as i32,
                float_data: scales,
                ..Default::default()
            });
        }
        node.attribute.push(pb::AttributeProto {
            name: "nearest_mode".into(),
            r#type: AttributeType::String as i32,
            s: b"floor".to_vec(),
            ..Default::default()
        });
    }
}
