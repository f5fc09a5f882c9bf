//! Networks with one thing wrong each, and some that are right but odd: damage, sizes, numbers, names.

use tract_onnx::pb::{self, tensor_proto::DataType};

use super::operators;
use crate::fixture::{Fixture, float, int, value};

pub struct Case {
    /// What is wrong.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// A network with nothing wrong: convolution, ReLU, three classes.
pub fn sound() -> Fixture {
    let mut f = Fixture::new("x", &[-1, 1, 12, 12]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]).node("Flatten", &["r"], "f", vec![]);
    f.dense("f", "y", 200, 3).output("y");
    f
}

/// The sound network up to its ReLU, then `spoil`, which must make `s` of `r`, then pooling and classes.
pub fn with(spoil: impl FnOnce(&mut Fixture)) -> Vec<u8> {
    let mut f = Fixture::new("x", &[-1, 1, 12, 12]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]);
    spoil(&mut f);
    f.node("GlobalAveragePool", &["s"], "g", vec![]).node("Flatten", &["g"], "f", vec![]);
    f.dense("f", "y", 2, 3).output("y").bytes()
}

/// The sound network after a change.
pub fn spoiled(spoil: impl FnOnce(&mut Fixture)) -> Vec<u8> {
    let mut f = sound();
    spoil(&mut f);
    f.bytes()
}

/// Every hostile network.
pub fn networks() -> Vec<Case> {
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| cases.push((name.to_string(), bytes));
    damaged(&mut add);
    sizes(&mut add);
    numbers(&mut add);
    names(&mut add);
    operators::bombs(&mut add);
    operators::graphs(&mut add);
    operators::odd(&mut add);
    cases.into_iter().map(|(name, bytes)| Case { name, bytes }).collect()
}

/// What takes the next network, with what is wrong with it.
pub type Add<'a> = &'a mut dyn FnMut(&str, Vec<u8>);

fn damaged(add: Add) {
    let whole = sound().bytes();
    for part in [1, 2, 3] {
        add(&format!("truncated to {part}/4"), whole[..whole.len() * part / 4].to_vec());
    }
    let mut random = crate::random::Random::new(5, 0);
    for round in 0..6 {
        let mut flipped = whole.clone();
        for _ in 0..3 {
            let place = random.below(flipped.len().min(400));
            flipped[place] ^= 1 << random.below(8);
        }
        add(&format!("bits flipped, round {round}"), flipped);
    }
    add("opset missing", spoiled(|f| f.proto.opset_import.clear()));
    add("opset far ahead", spoiled(|f| f.proto.opset_import[0].version = i64::MAX));
    // A graph in a graph in a graph …, as the attribute of an operator.
    let mut nested = b"\x0a\x01x".to_vec();
    for _ in 0..2000 {
        for field in [6, 5, 1] {
            let mut length = nested.len();
            let mut outer = vec![field << 3 | 2];
            while length >= 128 {
                outer.push(length as u8 | 128);
                length >>= 7;
            }
            outer.push(length as u8);
            nested = [outer, nested].concat();
        }
    }
    add(
        "graphs nested two thousand deep",
        [
            whole,
            vec![
                7 << 3 | 2,
                0x80 | (nested.len() as u8 & 127),
                (nested.len() >> 7) as u8 | 128,
                (nested.len() >> 14) as u8,
            ],
            nested,
        ]
        .concat(),
    );
}

fn sizes(add: Add) {
    for dims in [
        [1, 1, 1 << 16, 1 << 16],
        [1, 1, i64::MAX, 12],
        [1 << 24, 1, 12, 12],
        [0, 1, 12, 12],
        [1, 0, 12, 12],
        [1, 1, 0, 0],
        [1, 1, 3, 3],
        [1, 1, 1, 1],
        [3, 1, 12, 12],
        [1, 7, 12, 12],
        [1, 1, 1, 12],
    ] {
        add(&format!("input {dims:?}"), spoiled(|f| f.graph.input[0] = value("x", &dims, DataType::Float)));
    }
    add("one pixel", {
        let mut f = Fixture::new("x", &[-1, 3, 1, 1]);
        f.conv("x", "c", [2, 3, 1, 1], vec![]).node("Relu", &["c"], "r", vec![]).node("Flatten", &["r"], "y", vec![]);
        f.output("y").bytes()
    });
    for (what, formula) in [
        ("nested", "(".repeat(100_000)),
        ("negative", "-".repeat(100_000)),
        ("endless", vec!["(a+b)*(a-b)"; 200].join("*")),
    ] {
        let open = pb::tensor_shape_proto::dimension::Value::DimParam(formula);
        let mut input = value("x", &[-1, 1, 12, 12], DataType::Float);
        if let Some(pb::type_proto::Value::TensorType(tensor)) = input.r#type.as_mut().and_then(|t| t.value.as_mut())
            && let Some(dim) = tensor.shape.as_mut().and_then(|shape| shape.dim.first_mut())
        {
            dim.value = Some(open);
        }
        add(
            &format!("an axis with a {what} formula"),
            spoiled(|f| {
                f.graph.output[0].r#type = input.r#type.clone();
                f.graph.input[0] = input;
            }),
        );
    }
    add("input without axes", spoiled(|f| f.graph.input[0] = value("x", &[], DataType::Float)));
    add("input of a thousand axes", spoiled(|f| f.graph.input[0] = value("x", &[1; 1000], DataType::Float)));
    for dims in [vec![1 << 40, 1, 3, 3], vec![-2, 1, 3, 3], vec![0, 1, 3, 3], vec![2, 1, 3, 3, 0], vec![]] {
        add(&format!("kernel {dims:?}"), spoiled(|f| f.graph.initializer[0].dims = dims));
    }
    for (name, dims) in [("no filters", [0, 1, 3, 3]), ("no channels", [2, 0, 3, 3]), ("no taps", [2, 1, 0, 0])] {
        add(
            name,
            spoiled(|f| {
                f.graph.initializer[0].dims = dims.to_vec();
                f.graph.initializer[0].float_data.clear();
            }),
        );
    }
    for classes in [0, 1, 2] {
        let mut f = Fixture::new("x", &[-1, 1, 12, 12]);
        f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Flatten", &["c"], "f", vec![]).dense("f", "y", 200, classes);
        add(&format!("{classes} classes"), f.output("y").bytes());
    }
    add(
        "nothing concatenated",
        with(|f| {
            f.floats("none", &[1, 0, 10, 10], &[]).node("Concat", &["r", "none"], "s", vec![int("axis", 1)]);
        }),
    );
    add(
        "a slice of nothing",
        with(|f| {
            f.integers("a", &[2]).integers("b", &[2]).integers("axes", &[2]).node(
                "Slice",
                &["r", "a", "b", "axes"],
                "s",
                vec![],
            );
        }),
    );
}

fn numbers(add: Add) {
    for (name, value) in
        [("NaN", f32::NAN), ("infinite", f32::INFINITY), ("largest", f32::MAX), ("denormal", 1e-40), ("zero", 0.0)]
    {
        add(
            &format!("{name} weights"),
            spoiled(|f| {
                f.graph.initializer.iter_mut().flat_map(|tensor| &mut tensor.float_data).for_each(|slot| *slot = value);
            }),
        );
        add(&format!("{name} bias"), spoiled(|f| f.graph.initializer[1].float_data[0] = value));
        add(
            &format!("{name} class"),
            spoiled(|f| {
                f.graph.initializer[3].float_data[1] = value;
                f.node("Softmax", &["y"], "p", vec![]).graph.output[0].name = "p".into();
            }),
        );
    }
    add(
        "logarithms of nothing",
        with(|f| {
            f.node("Neg", &["r"], "n", vec![]).node("Log", &["n"], "s", vec![]);
        }),
    );
    add(
        "a map of NaN alone",
        with(|f| {
            f.node("Sub", &["r", "r"], "z", vec![]).node("Div", &["z", "z"], "s", vec![]);
        }),
    );
    add("NaN for alpha", with(|f| _ = f.node("LeakyRelu", &["r"], "s", vec![float("alpha", f32::NAN)])));
    add(
        "a sigmoid of infinity",
        spoiled(|f| {
            f.floats("k", &[], &[f32::INFINITY]).node("Mul", &["y", "k"], "m", vec![]).node(
                "Sigmoid",
                &["m"],
                "p",
                vec![],
            );
            f.graph.output[0].name = "p".into();
        }),
    );
}

fn names(add: Add) {
    let long = "long/".repeat(200_000);
    for (what, name) in [
        ("line breaks", "a\nb\r\n\n# c\u{2028}d"),
        ("control characters", "\u{1b}[31mred\u{7}\0\u{8}"),
        ("HTML", "<script>alert(1)</script><img src=x onerror=y>&amp;\"'"),
        ("Markdown", "| a | [b](javascript:c) ![d](e) `f` **g** $h$ <!-- ~~~"),
        ("writing from the right", "\u{202e}txet\u{2066}"),
        ("a path", "../../../etc/passwd"),
        ("a million letters", &long),
        ("nothing", ""),
        ("marks alone", "\u{301}\u{301}\u{200d}"),
    ] {
        add(
            &format!("operators named by {what}"),
            spoiled(|f| f.graph.node.iter_mut().for_each(|node| node.name = name.into())),
        );
        add(
            &format!("values named by {what}"),
            spoiled(|f| {
                let nodes = f.graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
                let outputs = f.graph.output.iter_mut().map(|output| &mut output.name);
                nodes
                    .chain(outputs)
                    .filter(|value| ["c", "y"].contains(&value.as_str()))
                    .for_each(|value| value.push_str(name));
            }),
        );
        add(
            &format!("labels and title of {what}"),
            spoiled(|f| {
                let labels = serde_json::json!([name, name, "c"]).to_string();
                f.metadata("labels.y", &labels).metadata("title", name).metadata("preprocessing", name);
            }),
        );
        add(&format!("an operator called {what}"), spoiled(|f| _ = f.node(name, &["y"], "z", vec![])));
    }
    add("labels nested deep", spoiled(|f| _ = f.metadata("labels.y", &"[".repeat(100_000))));
    add("labels of the wrong number", spoiled(|f| _ = f.metadata("labels.y", "[\"a\"]")));
    add(
        "the same name for all operators",
        spoiled(|f| f.graph.node.iter_mut().for_each(|node| node.name = "same".into())),
    );
}
