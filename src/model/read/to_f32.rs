//! Networks in half or double precision, read in single: everything here computes in it.

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{self, type_proto};

/// Makes a network's half- and double-precision numbers single.
pub(crate) fn in_single_precision(proto: &mut pb::ModelProto) {
    let Some(graph) = proto.graph.as_mut().filter(|graph| other_precision(graph)) else { return };
    graph.initializer.iter_mut().for_each(widen);
    for node in &mut graph.node {
        let casts = matches!(node.op_type.as_str(), "Cast" | "EyeLike" | "RandomNormal" | "RandomUniform");
        for attribute in &mut node.attribute {
            attribute.t.iter_mut().for_each(widen);
            if casts && matches!(attribute.name.as_str(), "to" | "dtype") && is_other(attribute.i as i32) {
                attribute.i = DataType::Float as i64;
            }
        }
    }
    for value in graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info) {
        if let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|t| t.value.as_mut())
            && is_other(tensor.elem_type)
        {
            tensor.elem_type = DataType::Float as i32;
        }
    }
}

fn is_other(element: i32) -> bool {
    [DataType::Float16, DataType::Bfloat16, DataType::Double].iter().any(|other| *other as i32 == element)
}

/// Whether the image or any weight is in another precision.
fn other_precision(graph: &pb::GraphProto) -> bool {
    let input = |value: &pb::ValueInfoProto| match value.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => is_other(tensor.elem_type),
        _ => false,
    };
    let weight = |tensor: &pb::TensorProto| is_other(tensor.data_type);
    graph.input.iter().any(input)
        || graph.initializer.iter().any(weight)
        || graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_ref()).any(weight)
}

/// A tensor's numbers in single precision. One whose numbers lie in another file, or are not all there, is left for others to
/// refuse.
fn widen(tensor: &mut pb::TensorProto) {
    if tensor.data_location == Some(DataLocation::External as i32) {
        return;
    }
    let raw = |width: usize| tensor.raw_data.chunks_exact(width);
    let halves = || -> Vec<u16> {
        // Typed halves stand in the lower 16 bits of integers.
        let typed = tensor.int32_data.iter().map(|bits| *bits as u16);
        raw(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])).chain(typed).collect()
    };
    let values: Vec<f32> = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float16) => halves().into_iter().map(half).collect(),
        Ok(DataType::Bfloat16) => halves().into_iter().map(|bits| f32::from_bits(u32::from(bits) << 16)).collect(),
        Ok(DataType::Double) => {
            let whole = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap_or([0; 8]));
            raw(8).map(whole).chain(tensor.double_data.iter().copied()).map(|value| value as f32).collect()
        }
        _ => return,
    };
    *tensor = pb::TensorProto {
        name: std::mem::take(&mut tensor.name),
        dims: std::mem::take(&mut tensor.dims),
        data_type: DataType::Float as i32,
        float_data: values,
        ..pb::TensorProto::default()
    };
}

/// An IEEE 754 half as a single.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, u32::from(bits >> 10) & 31, u32::from(bits) & 1023);
    match exponent {
        // Zero and subnormals: multiples of 2⁻²⁴.
        0 => f32::from_bits((fraction as f32 * 2f32.powi(-24)).to_bits() | sign),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{Fixture, int, value};
    use ndarray::{ArrayD, IxDyn};

    #[test]
    fn halves_are_exact() {
        let pairs =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8)];
        for (bits, number) in pairs {
            assert_eq!(half(bits), number);
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY && half(0x8000).to_bits() == 1 << 31);
    }

    /// x · 3 by a convolution of one weight, all of it in another precision.
    fn scaled(element: DataType, weight: pb::TensorProto) -> f32 {
        let mut fixture = Fixture::new("x", &[1, 1, 2, 2]);
        fixture.graph.input = vec![value("x", &[1, 1, 2, 2], element)];
        fixture.graph.initializer.push(pb::TensorProto {
            name: "k".into(),
            dims: vec![1, 1, 1, 1],
            data_type: element as i32,
            ..weight
        });
        fixture.node("Conv", &["x", "k"], "c", vec![]).node("Cast", &["c"], "y", vec![int("to", element as i64)]);
        let network = fixture.output("y").load();
        network.plan(&["y"], 1, None).unwrap().run(&ArrayD::from_elem(IxDyn(&[1, 1, 2, 2]), 2.0)).unwrap()[0]
            [[0, 0, 1, 1]]
    }

    #[test]
    fn networks_in_other_precisions_run() {
        let typed = pb::TensorProto { int32_data: vec![0x4200], ..Default::default() };
        assert_eq!(scaled(DataType::Float16, typed), 6.0);
        let raw = |raw_data: Vec<u8>| pb::TensorProto { raw_data, ..Default::default() };
        assert_eq!(scaled(DataType::Float16, raw(vec![0, 0x42])), 6.0);
        assert_eq!(scaled(DataType::Bfloat16, raw(vec![0x40, 0x40])), 6.0);
        assert_eq!(scaled(DataType::Double, raw(3f64.to_le_bytes().to_vec())), 6.0);
    }
}
