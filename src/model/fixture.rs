//! Small ONNX networks built in memory, for tests; the whole program's tests and the fuzz targets build theirs here too.

use tract_onnx::pb::{self, attribute_proto::AttributeType, tensor_proto::DataType};

use crate::random::Random;

/// A graph under construction. Weights are small seeded numbers.
pub(crate) struct Fixture {
    pub proto: pb::ModelProto,
    pub graph: pb::GraphProto,
    random: Random,
}

pub(crate) fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..Default::default()
    }
}

pub(crate) fn int(name: &str, value: i64) -> pb::AttributeProto {
    pb::AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i: value, ..Default::default() }
}

pub(crate) fn float(name: &str, value: f32) -> pb::AttributeProto {
    pb::AttributeProto { name: name.into(), r#type: AttributeType::Float as i32, f: value, ..Default::default() }
}

pub(crate) fn text(name: &str, value: &str) -> pb::AttributeProto {
    let s = value.as_bytes().to_vec();
    pb::AttributeProto { name: name.into(), r#type: AttributeType::String as i32, s, ..Default::default() }
}

pub(crate) fn value(name: &str, dims: &[i64], element: DataType) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&dim: &i64| {
        // An open axis has a name, as exporters write it.
        let value = if dim < 0 { Value::DimParam(format!("d{}", -dim)) } else { Value::DimValue(dim) };
        Dimension { value: Some(value), ..Default::default() }
    };
    let shape = pb::TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: element as i32, shape: Some(shape) };
    let r#type = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}

impl Fixture {
    /// A graph with one input; a negative length is an open axis.
    pub fn new(input: &str, dims: &[i64]) -> Fixture {
        let proto = pb::ModelProto {
            ir_version: 8,
            opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: 17 }],
            ..Default::default()
        };
        let input = vec![value(input, dims, DataType::Float)];
        let graph = pb::GraphProto { name: "fixture".into(), input, ..Default::default() };
        Fixture { proto, graph, random: Random::new(1, 0) }
    }

    /// A weight of seeded values in ±0.25.
    pub fn weight(&mut self, name: &str, dims: &[i64]) -> &mut Self {
        let count = dims.iter().product::<i64>() as usize;
        let float_data = (0..count).map(|_| (self.random.uniform() as f32 - 0.5) * 0.5).collect();
        let tensor = pb::TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            float_data,
            ..Default::default()
        };
        self.graph.initializer.push(tensor);
        self
    }

    /// Ten residual blocks in two stages under names with scopes, of 34 layers and 3,051 parameters.
    pub fn scoped() -> Fixture {
        let mut fixture = Fixture::new("x", &[1, 2, 8, 8]);
        let padded = || vec![ints("pads", &[1, 1, 1, 1])];
        fixture.conv("x", "stem", [4, 2, 3, 3], padded());
        let mut value = "stem".to_string();
        for (stage, block) in (0..10).map(|i| (1 + i / 5, i % 5)) {
            let name = |part: &str| format!("stage{stage}.{block}.{part}");
            fixture.conv(&value, &name("a"), [4, 4, 3, 3], padded());
            fixture.conv(&name("a"), &name("b"), [4, 4, 3, 3], padded());
            fixture.node("Add", &[&value, &name("b")], &name("add"), vec![]);
            value = name("add");
        }
        fixture.node("GlobalAveragePool", &[&value], "pool", vec![]).node("Flatten", &["pool"], "flat", vec![]);
        fixture.dense("flat", "fc", 4, 3).output("fc");
        fixture
    }

    /// Given numbers.
    pub fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) -> &mut Self {
        let (dims, float_data) = (dims.to_vec(), values.to_vec());
        let data_type = DataType::Float as i32;
        self.graph.initializer.push(pb::TensorProto {
            name: name.into(),
            dims,
            data_type,
            float_data,
            ..Default::default()
        });
        self
    }

    /// A list of integers, such as a shape.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> &mut Self {
        let (dims, int64_data) = (vec![values.len() as i64], values.to_vec());
        let data_type = DataType::Int64 as i32;
        self.graph.initializer.push(pb::TensorProto {
            name: name.into(),
            dims,
            data_type,
            int64_data,
            ..Default::default()
        });
        self
    }

    /// An operator of one output, named after it.
    pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<pb::AttributeProto>) -> &mut Self {
        self.named(output, op, inputs, output, attributes)
    }

    /// An operator with a name of its own.
    pub fn named(
        &mut self,
        name: &str,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<pb::AttributeProto>,
    ) -> &mut Self {
        self.graph.node.push(pb::NodeProto {
            name: name.into(),
            op_type: op.into(),
            input: inputs.iter().map(|input| (*input).to_string()).collect(),
            output: vec![output.into()],
            attribute: attributes,
            ..Default::default()
        });
        self
    }

    /// A convolution with bias, without padding, and its weights.
    pub fn conv(
        &mut self,
        input: &str,
        output: &str,
        kernel: [i64; 4],
        attributes: Vec<pb::AttributeProto>,
    ) -> &mut Self {
        let (k, b) = (format!("{output}.kernel"), format!("{output}.bias"));
        self.weight(&k, &kernel).weight(&b, &kernel[..1]);
        self.node("Conv", &[input, &k, &b], output, attributes)
    }

    /// A dense layer with bias, and its weights.
    pub fn dense(&mut self, input: &str, output: &str, inputs: i64, outputs: i64) -> &mut Self {
        let (k, b) = (format!("{output}.kernel"), format!("{output}.bias"));
        self.weight(&k, &[inputs, outputs]).weight(&b, &[outputs]);
        self.node("Gemm", &[input, &k, &b], output, vec![])
    }

    /// A batch normalisation and its four vectors.
    pub fn batch_norm(&mut self, input: &str, output: &str, channels: i64) -> &mut Self {
        let names: Vec<String> =
            ["gamma", "beta", "mean", "variance"].iter().map(|n| format!("{output}.{n}")).collect();
        for name in &names[..3] {
            self.weight(name, &[channels]);
        }
        self.floats(&names[3], &[channels], &vec![1.0; channels as usize]);
        let inputs: Vec<&str> = std::iter::once(input).chain(names.iter().map(String::as_str)).collect();
        self.node("BatchNormalization", &inputs, output, vec![])
    }

    /// A max-pooling with a square window.
    pub fn pool(&mut self, input: &str, output: &str, size: i64, stride: i64) -> &mut Self {
        let attributes = vec![ints("kernel_shape", &[size, size]), ints("strides", &[stride, stride])];
        self.node("MaxPool", &[input], output, attributes)
    }

    pub fn output(&mut self, name: &str) -> &mut Self {
        self.graph.output.push(pb::ValueInfoProto { name: name.into(), ..Default::default() });
        self
    }

    pub fn metadata(&mut self, key: &str, value: &str) -> &mut Self {
        self.proto.metadata_props.push(pb::StringStringEntryProto { key: key.into(), value: value.into() });
        self
    }

    /// The network as an ONNX file.
    pub fn bytes(&self) -> Vec<u8> {
        let proto = pb::ModelProto { graph: Some(self.graph.clone()), ..self.proto.clone() };
        prost::Message::encode_to_vec(&proto)
    }
}
