//! What an image costs: `cargo bench --bench explain`.
//!
//! Writes a network of ResNet-50's size with random weights and photographs drawn from a seed, runs `convscope explain` on few and on many of
//! them, and divides the difference: what remains is everything an image costs, from the file to its place on the page,
//! without start-up. The shortest of a few runs counts, as machines are noisy.

use convscope::random::Random;
use image::{Rgb, RgbImage};
use prost::Message;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;

/// Images of the short and of the long run.
const FEW: usize = 8;
const MANY: usize = 24;
/// Runs of each length.
const RUNS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = folder.path().join("resnet50.onnx");
    std::fs::write(&model, resnet50().encode_to_vec()).expect("the network is written");
    let photographs: Vec<PathBuf> = (0..MANY).map(|number| photograph(folder.path(), number)).collect();
    let shortest = |count: usize| {
        let times = (0..RUNS).map(|_| explain(folder.path(), &model, &photographs[..count]));
        times.fold(f64::INFINITY, f64::min)
    };
    let (few, many) = (shortest(FEW), shortest(MANY));
    println!("{FEW} images {few:.2} s, {MANY} images {many:.2} s");
    println!("{:.1} ms an image beyond start-up", (many - few) * 1e3 / (MANY - FEW) as f64);
}

/// Seconds that the whole program takes.
fn explain(folder: &Path, model: &Path, photographs: &[PathBuf]) -> f64 {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_convscope"))
        .args(["explain", "--quiet", "--preprocess", "imagenet", "--out"])
        .arg(folder.join("explained"))
        .arg(model)
        .args(photographs)
        .status();
    assert!(status.expect("the program starts").success());
    start.elapsed().as_secs_f64()
}

/// A JPEG file of 800×600 pixels: soft blobs of colour with some noise.
fn photograph(folder: &Path, number: usize) -> PathBuf {
    let mut random = Random::new(1, number as u64);
    let blobs: Vec<[f64; 6]> = (0..12).map(|_| [(); 6].map(|()| random.uniform())).collect();
    let image = RgbImage::from_fn(800, 600, |x, y| {
        let (x, y) = (f64::from(x) / 800.0, f64::from(y) / 600.0);
        let mut colour = [0.0; 3];
        for [at_x, at_y, size, rest @ ..] in &blobs {
            let near = (-((x - at_x).powi(2) + (y - at_y).powi(2)) / (0.02 + 0.1 * size)).exp();
            colour.iter_mut().zip(rest).for_each(|(sum, part)| *sum += 160.0 * near * part);
        }
        Rgb(colour.map(|value| (value + 20.0 * random.uniform()) as u8))
    });
    let path = folder.join(format!("photograph-{number}.jpg"));
    image.save(&path).expect("the photograph is written");
    path
}

/// ResNet-50 (He 2015, arXiv:1512.03385) at 224 pixels as exporters write it, batch normalisation folded into the convolutions.
fn resnet50() -> pb::ModelProto {
    let mut net =
        Builder { graph: pb::GraphProto { name: "resnet50".into(), ..Default::default() }, random: Random::new(2, 0) };
    net.graph.input = vec![value("input", &[1, 3, 224, 224])];
    net.graph.output = vec![value("logits", &[1, 1000])];
    let stem = net.conv("input", [64, 3, 7], 2, 1.0);
    let stem = net.node("Relu", &[&stem], vec![]);
    let attributes = vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), ints("pads", &[1; 4])];
    let mut x = net.node("MaxPool", &[&stem], attributes);
    let mut channels = 64;
    for (width, blocks, stride) in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)] {
        for block in 0..blocks {
            let stride = if block == 0 { stride } else { 1 };
            let narrow = net.conv(&x, [width, channels, 1], 1, 1.0);
            let narrow = net.node("Relu", &[&narrow], vec![]);
            let spatial = net.conv(&narrow, [width, width, 3], stride, 1.0);
            let spatial = net.node("Relu", &[&spatial], vec![]);
            // A small last convolution keeps the sum of sixteen blocks in range.
            let wide = net.conv(&spatial, [4 * width, width, 1], 1, 0.3);
            let shortcut = if block == 0 { net.conv(&x, [4 * width, channels, 1], stride, 0.7) } else { x };
            let sum = net.node("Add", &[&wide, &shortcut], vec![]);
            x = net.node("Relu", &[&sum], vec![]);
            channels = 4 * width;
        }
    }
    let pooled = net.node("GlobalAveragePool", &[&x], vec![]);
    let flat = net.node("Flatten", &[&pooled], vec![]);
    let weight = net.weight(&[1000, 2048], (1.0f64 / 2048.0).sqrt());
    let bias = net.weight(&[1000], 0.0);
    let mut last = vec![pb::AttributeProto { name: "transB".into(), i: 1, ..Default::default() }];
    last[0].r#type = pb::attribute_proto::AttributeType::Int as i32;
    net.named("Gemm", &[&flat, &weight, &bias], "logits", last);
    pb::ModelProto {
        ir_version: 8,
        opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(net.graph),
        ..Default::default()
    }
}

struct Builder {
    graph: pb::GraphProto,
    random: Random,
}

impl Builder {
    /// A square convolution that keeps the size but for its stride; `gain` is relative to He's initialisation.
    fn conv(&mut self, x: &str, [outputs, inputs, side]: [i64; 3], stride: i64, gain: f64) -> String {
        let deviation = gain * (2.0 / (inputs * side * side) as f64).sqrt();
        let (kernel, bias) = (self.weight(&[outputs, inputs, side, side], deviation), self.weight(&[outputs], 0.0));
        let attributes =
            vec![ints("kernel_shape", &[side; 2]), ints("strides", &[stride; 2]), ints("pads", &[side / 2; 4])];
        self.node("Conv", &[x, &kernel, &bias], attributes)
    }

    /// A weight of uniform values with this standard deviation.
    fn weight(&mut self, dims: &[i64], deviation: f64) -> String {
        let name = format!("weight_{}", self.graph.initializer.len());
        let count = dims.iter().product::<i64>();
        let width = deviation * 12f64.sqrt();
        let values = (0..count).flat_map(|_| (((self.random.uniform() - 0.5) * width) as f32).to_le_bytes());
        let raw_data = values.collect::<Vec<u8>>();
        self.graph.initializer.push(pb::TensorProto {
            name: name.clone(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            raw_data,
            ..Default::default()
        });
        name
    }

    fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<pb::AttributeProto>) -> String {
        let name = format!("{}_{}", op.to_lowercase(), self.graph.node.len());
        self.named(op, inputs, &name, attributes);
        name
    }

    fn named(&mut self, op: &str, inputs: &[&str], name: &str, attribute: Vec<pb::AttributeProto>) {
        self.graph.node.push(pb::NodeProto {
            name: name.into(),
            op_type: op.into(),
            input: inputs.iter().map(|input| (*input).to_string()).collect(),
            output: vec![name.into()],
            attribute,
            ..Default::default()
        });
    }
}

fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    let r#type = pb::attribute_proto::AttributeType::Ints as i32;
    pb::AttributeProto { name: name.into(), r#type, ints: values.to_vec(), ..Default::default() }
}

fn value(name: &str, dims: &[i64]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&dim: &i64| Dimension { value: Some(Value::DimValue(dim)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let r#type = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}
