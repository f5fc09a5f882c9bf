//! Mutation of networks as networks: an attribute, a shape, an edge or a name changes, and the file stays a protobuf.
//! Bytes changed at random hardly ever get past the decoder.

use convscope::random::Random;
use prost::Message;
use tract_onnx::pb::{self, tensor_proto::DataType};

use crate::fixture::{float, int, ints, text, value};
use crate::sound::{COUNT, sound};

const INTEGERS: [i64; 24] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    -1,
    -2,
    16,
    63,
    255,
    256,
    1 << 10,
    1 << 16,
    1 << 20,
    1 << 31,
    (1 << 31) - 1,
    1 << 40,
    1 << 62,
    i64::MAX,
    i64::MIN,
    -7,
];
const FLOATS: [f32; 12] =
    [0.0, -0.0, 1.0, -1.0, 0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-40, 1e30];
const NAMES: [&str; 10] =
    ["", "a\nb", "| cell |", "<script>alert(1)</script>", "`$x$`", "../../up", "\u{202e}rtl", "\0", "x", "y"];
const ATTRIBUTES: [&str; 26] = [
    "axis",
    "axes",
    "pads",
    "strides",
    "dilations",
    "kernel_shape",
    "group",
    "auto_pad",
    "perm",
    "size",
    "alpha",
    "beta",
    "mode",
    "keepdims",
    "output_padding",
    "output_shape",
    "blocksize",
    "ceil_mode",
    "epsilon",
    "to",
    "split",
    "num_outputs",
    "transB",
    "min",
    "max",
    "num_groups",
];
const WORDS: [&str; 10] =
    ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "linear", "cubic", "reflect", "edge", "asymmetric", "bij,bjk->bik"];

/// A mutated network, at most `longest` bytes; from no network a sound one.
pub fn mutate(bytes: &[u8], longest: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed, 0);
    let decoded = pb::ModelProto::decode(bytes).ok().filter(|model| model.graph.is_some());
    let mut model = match decoded {
        Some(model) if random.below(64) > 0 => model,
        _ => prost_model(&mut random),
    };
    let before = model.clone();
    for _ in 0..1 + random.below(4) {
        if let Some(graph) = &mut model.graph {
            change(graph, &mut random);
        }
    }
    if random.below(16) == 0
        && let Some(opset) = model.opset_import.first_mut()
    {
        opset.version = *pick(&INTEGERS, &mut random) & 31;
    }
    let mutated = model.encode_to_vec();
    if mutated.len() <= longest { mutated } else { before.encode_to_vec() }
}

fn prost_model(random: &mut Random) -> pb::ModelProto {
    pb::ModelProto::decode(sound(random.below(COUNT)).bytes().as_slice()).unwrap_or_default()
}

fn pick<'a, T>(items: &'a [T], random: &mut Random) -> &'a T {
    &items[random.below(items.len())]
}

fn pick_mut<'a, T>(items: &'a mut [T], random: &mut Random) -> Option<&'a mut T> {
    let index = random.below(items.len().max(1));
    items.get_mut(index)
}

/// An integer that is likely to matter.
fn integer(random: &mut Random) -> i64 {
    if random.below(3) > 0 { random.below(9) as i64 - 1 } else { *pick(&INTEGERS, random) }
}

fn change(graph: &mut pb::GraphProto, random: &mut Random) {
    match random.below(19) {
        0..=4 => change_attribute(graph, random),
        5 => change_operator(graph, random),
        6 | 7 => rewire(graph, random),
        8 | 9 => insert(graph, random),
        10 => remove(graph, random),
        11 | 12 => change_weight_shape(graph, random),
        13 => change_weight_values(graph, random),
        14 => change_input(graph, random),
        15 => rename(graph, random),
        16 => {
            let values = values(graph);
            let name = pick(&values, random).clone();
            graph.output.push(pb::ValueInfoProto { name, ..Default::default() });
        }
        17 => change_integers(graph, random),
        _ => {
            let nodes = graph.node.clone();
            if let Some(node) = pick_mut(&mut graph.node, random) {
                *node = pick(&nodes, random).clone();
            }
        }
    }
}

/// Every value's name.
fn values(graph: &pb::GraphProto) -> Vec<String> {
    let made = graph.node.iter().flat_map(|node| node.output.iter().cloned());
    let given = graph.input.iter().map(|input| input.name.clone());
    let mut values: Vec<String> = made.chain(given).chain(graph.initializer.iter().map(|t| t.name.clone())).collect();
    values.push("nowhere".into());
    values
}

fn change_attribute(graph: &mut pb::GraphProto, random: &mut Random) {
    let Some(node) = pick_mut(&mut graph.node, random) else { return };
    if node.attribute.is_empty() || random.below(4) == 0 {
        let name = *pick(&ATTRIBUTES, random);
        node.attribute.retain(|attribute| attribute.name != name);
        node.attribute.push(match random.below(4) {
            0 => int(name, integer(random)),
            1 => float(name, *pick(&FLOATS, random)),
            2 => text(name, pick::<&str>(&WORDS, random)),
            _ => {
                let count = 1 + random.below(4);
                ints(name, &(0..count).map(|_| integer(random)).collect::<Vec<_>>())
            }
        });
        return;
    }
    let Some(attribute) = pick_mut(&mut node.attribute, random) else { return };
    attribute.i = integer(random);
    attribute.f = *pick(&FLOATS, random);
    if let Some(place) = pick_mut(&mut attribute.ints, random) {
        *place = integer(random);
    }
    match random.below(12) {
        0 => _ = attribute.ints.pop(),
        1 => attribute.ints.push(integer(random)),
        2 => attribute.s = pick(&WORDS, random).as_bytes().to_vec(),
        3 => attribute.name = (*pick(&ATTRIBUTES, random)).into(),
        _ => {}
    }
}

fn change_operator(graph: &mut pb::GraphProto, random: &mut Random) {
    let known = tract_onnx::onnx().op_register.0;
    let mut names: Vec<&String> = known.keys().collect();
    names.sort();
    if let Some(node) = pick_mut(&mut graph.node, random) {
        node.op_type = (*pick(&names, random)).clone();
    }
}

fn rewire(graph: &mut pb::GraphProto, random: &mut Random) {
    let values = values(graph);
    let Some(node) = pick_mut(&mut graph.node, random) else { return };
    match random.below(6) {
        0 => node.input.push(pick(&values, random).clone()),
        1 => _ = node.input.pop(),
        2 => node.output.push(pick(&values, random).clone()),
        _ => {
            if let Some(input) = pick_mut(&mut node.input, random) {
                *input = pick(&values, random).clone();
            }
        }
    }
}

/// Puts the middle of a sound network behind some value of this one.
fn insert(graph: &mut pb::GraphProto, random: &mut Random) {
    let values = values(graph);
    let donor = sound(random.below(COUNT)).graph;
    let Some(mut node) = donor.node.get(1).cloned() else { return };
    let number = graph.node.len();
    for weight in donor.initializer.iter().filter(|weight| node.input.contains(&weight.name)) {
        let mut weight = weight.clone();
        weight.name = format!("{}_{number}", weight.name);
        graph.initializer.push(weight);
    }
    let owned: Vec<&str> = donor.initializer.iter().map(|weight| weight.name.as_str()).collect();
    let from = pick(&values, random).clone();
    for (index, input) in node.input.iter_mut().enumerate() {
        if owned.contains(&input.as_str()) {
            *input = format!("{input}_{number}");
        } else if index == 0 || random.below(2) == 0 {
            *input = from.clone();
        }
    }
    let output = format!("inserted_{number}");
    node.output = vec![output.clone()];
    // The readers of the value read the new one instead.
    for reader in &mut graph.node {
        reader.input.iter_mut().filter(|input| **input == from).for_each(|input| *input = output.clone());
    }
    graph.node.push(node);
}

fn remove(graph: &mut pb::GraphProto, random: &mut Random) {
    if graph.node.len() < 2 {
        return;
    }
    let node = graph.node.remove(random.below(graph.node.len()));
    let (Some(from), Some(to)) = (node.output.first(), node.input.first()) else { return };
    for reader in &mut graph.node {
        reader.input.iter_mut().filter(|input| *input == from).for_each(|input| *input = to.clone());
    }
}

/// Another shape for a weight, with as many values where that is possible.
fn change_weight_shape(graph: &mut pb::GraphProto, random: &mut Random) {
    let Some(weight) = pick_mut(&mut graph.initializer, random) else { return };
    match random.below(4) {
        0 => weight.dims.push(integer(random)),
        1 => _ = weight.dims.pop(),
        _ => {
            if let Some(dim) = pick_mut(&mut weight.dims, random) {
                *dim = integer(random);
            }
        }
    }
    let count = weight.dims.iter().try_fold(1i64, |count, &dim| count.checked_mul(dim));
    if let Some(count) = count.and_then(|count| usize::try_from(count).ok()).filter(|&count| count < 1 << 12)
        && random.below(8) > 0
    {
        weight.raw_data.clear();
        if !weight.int64_data.is_empty() {
            weight.int64_data.resize(count, 1);
        } else if !weight.int32_data.is_empty() {
            weight.int32_data.resize(count, 1);
        } else {
            weight.float_data.resize(count, 0.1);
        }
    }
}

fn change_weight_values(graph: &mut pb::GraphProto, random: &mut Random) {
    let Some(weight) = pick_mut(&mut graph.initializer, random) else { return };
    let value = *pick(&FLOATS, random);
    if random.below(2) == 0 {
        weight.float_data.iter_mut().for_each(|slot| *slot = value);
    } else if let Some(slot) = pick_mut(&mut weight.float_data, random) {
        *slot = value;
    }
    if random.below(6) == 0 {
        weight.data_type = random.below(24) as i32;
    }
}

fn change_integers(graph: &mut pb::GraphProto, random: &mut Random) {
    let mut lists: Vec<&mut Vec<i64>> =
        graph.initializer.iter_mut().map(|t| &mut t.int64_data).filter(|list| !list.is_empty()).collect();
    if let Some(list) = pick_mut(&mut lists, random)
        && let Some(slot) = pick_mut(list, random)
    {
        *slot = integer(random);
    }
}

fn change_input(graph: &mut pb::GraphProto, random: &mut Random) {
    let sides = [1, 2, 3, 6, 8, 9, 16, -1, -2, 1 << 12, 0];
    let dims: Vec<i64> = match random.below(4) {
        0 => (0..random.below(6)).map(|_| integer(random)).collect(),
        1 => vec![1, *pick(&sides, random), *pick(&sides, random), 3],
        _ => vec![*pick(&[1, -1, 2, 4], random), 3, *pick(&sides, random), *pick(&sides, random)],
    };
    let element = DataType::try_from(random.below(24) as i32).unwrap_or(DataType::Float);
    let element = if random.below(4) > 0 { DataType::Float } else { element };
    if let Some(input) = pick_mut(&mut graph.input, random) {
        *input = value(&input.name, &dims, element);
    }
}

/// A hostile name, everywhere the old one was.
fn rename(graph: &mut pb::GraphProto, random: &mut Random) {
    let old = pick(&values(graph), random).clone();
    let fresh = (*pick(&NAMES, random)).to_string();
    let nodes = graph.node.iter_mut();
    let names = nodes.flat_map(|node| node.input.iter_mut().chain(&mut node.output).chain([&mut node.name]));
    let names = names.chain(graph.initializer.iter_mut().map(|weight| &mut weight.name));
    let names = names.chain(graph.input.iter_mut().chain(&mut graph.output).map(|value| &mut value.name));
    names.filter(|name| **name == old).for_each(|name| *name = fresh.clone());
}
