//! Networks whose operators ask for too much, are put together wrongly, or have attributes that cannot be.

use tract_onnx::pb::{self, tensor_proto::DataType};

use super::hostile::{Add, spoiled, with};
use crate::fixture::{Fixture, int, ints, text, value};

/// Small files that ask for a full memory.
pub fn bombs(add: Add) {
    let constant = |op: &str, values: &[i64], attributes: Vec<pb::AttributeProto>| {
        with(|f| {
            f.floats("one", &[1], &[1.0]).integers("k", values).node(op, &["one", "k"], "big", attributes);
            f.node("ReduceMax", &["big"], "most", vec![int("keepdims", 0)]).node("Add", &["r", "most"], "s", vec![]);
        })
    };
    add("a constant stretched", constant("Expand", &[1 << 18, 1 << 18], vec![]));
    add("a constant repeated", constant("Tile", &[1 << 33], vec![]));
    add("a constant padded", constant("Pad", &[1 << 33, 0], vec![]));
    let image = |op: &str, constants: &[&[i64]], attributes: Vec<pb::AttributeProto>| {
        with(|f| {
            let names: Vec<String> = (0..constants.len()).map(|i| format!("k{i}")).collect();
            names.iter().zip(constants).for_each(|(name, values)| _ = f.integers(name, values));
            let inputs: Vec<&str> = std::iter::once("r").chain(names.iter().map(String::as_str)).collect();
            f.node(op, &inputs, "s", attributes);
        })
    };
    add("a map repeated", image("Tile", &[&[1, 1, 1 << 20, 1 << 20]], vec![]));
    add("a map stretched", image("Expand", &[&[1 << 30, 2, 10, 10]], vec![]));
    add("a map padded", image("Pad", &[&[0, 0, 1 << 20, 1 << 20, 0, 0, 0, 0]], vec![]));
    add("a map cropped by pads", image("Pad", &[&[0, 0, -20, 0, 0, 0, 0, 0]], vec![]));
    add(
        "a map resized",
        with(|f| {
            f.floats("scales", &[4], &[1.0, 1.0, 1e6, 1e6]).node("Resize", &["r", "", "scales"], "s", vec![]);
        }),
    );
    add(
        "a map resized to nothing",
        with(|f| {
            f.floats("scales", &[4], &[1.0, 1.0, f32::NAN, 0.0]).node("Resize", &["r", "", "scales"], "s", vec![]);
        }),
    );
    add(
        "a wide transposed convolution",
        with(|f| {
            f.weight("k", &[2, 2, 3, 3]).node(
                "ConvTranspose",
                &["r", "k"],
                "s",
                vec![ints("strides", &[1 << 15, 1 << 15])],
            );
        }),
    );
    add(
        "a long window",
        with(|f| {
            f.node(
                "MaxPool",
                &["r"],
                "s",
                vec![ints("kernel_shape", &[1 << 15, 1 << 15]), ints("pads", &[1 << 14; 4])],
            );
        }),
    );
    add("a long normalisation", with(|f| _ = f.node("LRN", &["r"], "s", vec![int("size", i64::MAX)])));
    add("long pads", spoiled(|f| f.graph.node[0].attribute = vec![ints("pads", &[i64::MAX; 4])]));
    add("long dilations", spoiled(|f| f.graph.node[0].attribute = vec![ints("dilations", &[1 << 62, 1])]));
    add(
        "a range without end",
        with(|f| {
            f.floats("a", &[], &[0.0]).floats("b", &[], &[f32::INFINITY]).floats("d", &[], &[1.0]);
            f.node("Range", &["a", "b", "d"], "range", vec![]).node(
                "ReduceMax",
                &["range"],
                "most",
                vec![int("keepdims", 0)],
            );
            f.node("Add", &["r", "most"], "s", vec![]);
        }),
    );
    add(
        "classes without end",
        spoiled(|f| {
            f.node("ArgMax", &["y"], "a", vec![]).integers("depth", &[1 << 40]).floats("values", &[2], &[0.0, 1.0]);
            f.node("OneHot", &["a", "depth", "values"], "h", vec![]).graph.output[0].name = "h".into();
        }),
    );
    add(
        "a size that depends on the pixels",
        with(|f| {
            f.node("ReduceMax", &["r"], "most", vec![int("keepdims", 0)]).floats("k", &[], &[1e9]);
            f.node("Mul", &["most", "k"], "much", vec![]).node("Cast", &["much"], "n", vec![int("to", 7)]);
            f.integers("axes", &[0]).node("Unsqueeze", &["n", "axes"], "n1", vec![]).floats("one", &[1], &[1.0]);
            f.node("Expand", &["one", "n1"], "big", vec![]).node("ReduceMax", &["big"], "b", vec![int("keepdims", 0)]);
            f.node("Add", &["r", "b"], "s", vec![]);
        }),
    );
    add("positions of what is not zero", spoiled(|f| _ = f.node("NonZero", &["y"], "z", vec![]).output("z")));
    add(
        "a gigantic random constant",
        with(|f| {
            f.node("RandomNormal", &[], "big", vec![ints("shape", &[1 << 20, 1 << 20])]);
            f.node("ReduceMax", &["big"], "most", vec![int("keepdims", 0)]).node("Add", &["r", "most"], "s", vec![]);
        }),
    );
    add(
        "a sum over eight labels",
        spoiled(|f| {
            f.node("Einsum", &["c", "c", "c", "c"], "e", vec![text("equation", "abcd,aefg,ahij,aklm->beh")])
                .output("e");
        }),
    );
}

/// Graphs that are no graphs, or endless ones.
pub fn graphs(add: Add) {
    add("a circle", spoiled(|f| f.graph.node[1].input[0] = "y".into()));
    add("an operator that reads itself", spoiled(|f| f.graph.node[1].input[0] = "r".into()));
    add("a value computed twice", spoiled(|f| _ = f.node("Relu", &["c"], "r", vec![])));
    add("a value from nowhere", spoiled(|f| _ = f.node("Relu", &["nowhere"], "z", vec![])));
    add("an output from nowhere", spoiled(|f| _ = f.output("nowhere")));
    add("the input as output", spoiled(|f| _ = f.output("x")));
    add("a weight as output", spoiled(|f| _ = f.output("y.bias")));
    add("a constant as output", spoiled(|f| _ = f.integers("k", &[1]).node("Neg", &["k"], "n", vec![]).output("n")));
    add("the same output twice", spoiled(|f| _ = f.output("y")));
    add("a thousand outputs", spoiled(|f| (0..1000).for_each(|_| _ = f.output("y"))));
    add("no operators", spoiled(|f| f.graph.node.clear()));
    add("operators without outputs", spoiled(|f| f.graph.node[1].output.clear()));
    add("operators without inputs", spoiled(|f| f.graph.node[0].input.clear()));
    add(
        "a kernel made from the image",
        spoiled(|f| {
            f.node("Transpose", &["r"], "k", vec![ints("perm", &[1, 0, 2, 3])])
                .node("Conv", &["r", "k"], "z", vec![])
                .output("z");
        }),
    );
    add(
        "a hundred thousand operators",
        spoiled(|f| {
            for i in 0..100_000 {
                f.node("Relu", &["y"], &format!("z{i}"), vec![]);
            }
        }),
    );
    let chain = |op: &'static str, length: usize, twice: bool| {
        with(move |f| {
            let mut last = "r".to_string();
            for i in 0..length {
                let next = if i + 1 == length { "s".into() } else { format!("v{i}") };
                let inputs = if twice { vec![last.as_str(), last.as_str()] } else { vec![last.as_str()] };
                f.named("same", op, &inputs, &next, vec![]);
                last = next;
            }
        })
    };
    add("a chain of four thousand", chain("Relu", 4_000, false));
    add("a chain of 7,900", chain("Relu", 7_900, false));
    add("a chain of 7,900 sigmoids", chain("Sigmoid", 7_900, false));
    add("a chain of eight thousand", chain("Relu", 8_000, false));
    let deep = |side: i64| {
        let mut f = Fixture::new("x", &[1, 3, side, side]);
        let padded = || vec![ints("pads", &[1; 4])];
        f.conv("x", "c0", [16, 3, 3, 3], padded());
        for i in 0..6 {
            let (a, b, c) = (format!("c{i}"), format!("r{i}"), format!("c{}", i + 1));
            f.node("Relu", &[&a], &b, vec![]).conv(&b, &c, [16, 16, 3, 3], padded());
        }
        f.node("GlobalAveragePool", &["c6"], "g", vec![]).node("Flatten", &["g"], "f", vec![]);
        f.dense("f", "y", 16, 3).output("y").bytes()
    };
    add("few weights on a large image", deep(320));
    add("a chain of diamonds", chain("Mul", 200, true));
    add(
        "a chain of concatenations",
        with(|f| {
            f.node("Concat", &["r", "r"], "v0", vec![int("axis", 1)]);
            for i in 0..60 {
                let (a, b) = (format!("v{i}"), format!("v{}", i + 1));
                f.node("Concat", &[&a, &a], &b, vec![int("axis", 1)]);
            }
            f.node("Identity", &["v60"], "s", vec![]);
        }),
    );
    add(
        "branches that meet again and again",
        with(|f| {
            let mut last = "r".to_string();
            for i in 0..300 {
                let (a, b, next) =
                    (format!("a{i}"), format!("b{i}"), if i == 299 { "s".into() } else { format!("v{i}") });
                f.node("Sigmoid", &[&last], &a, vec![]).node("Mul", &[&last, &a], &b, vec![]).node(
                    "Add",
                    &[&last, &b],
                    &next,
                    vec![],
                );
                last = next;
            }
        }),
    );
}

/// Attributes and constants that cannot be.
pub fn odd(add: Add) {
    for (name, attributes) in [
        ("strides of zero", vec![ints("strides", &[0, 0])]),
        ("strides of one axis", vec![ints("strides", &[1])]),
        ("negative pads", vec![ints("pads", &[-5; 4])]),
        ("groups that do not divide", vec![int("group", 3)]),
        ("no groups", vec![int("group", 0)]),
        ("an unknown padding", vec![text("auto_pad", "SOMEHOW")]),
        ("another kernel", vec![ints("kernel_shape", &[5, 5])]),
        ("an attribute of another type", vec![text("strides", "two")]),
    ] {
        add(&format!("convolution with {name}"), spoiled(|f| f.graph.node[0].attribute = attributes));
    }
    for (op, attributes) in [
        ("Transpose", vec![ints("perm", &[0, 9, -1, 2])]),
        ("Softmax", vec![int("axis", 99)]),
        ("Flatten", vec![int("axis", -99)]),
        ("DepthToSpace", vec![int("blocksize", 0)]),
        ("DepthToSpace", vec![int("blocksize", 7)]),
        ("MaxPool", vec![ints("kernel_shape", &[3])]),
        ("AveragePool", vec![ints("kernel_shape", &[0, 0])]),
        ("Cast", vec![int("to", 8)]),
        ("Cast", vec![int("to", 99)]),
        ("Split", vec![int("axis", 7)]),
        ("ReduceMean", vec![ints("axes", &[5, 5, -9])]),
        ("Einsum", vec![text("equation", "…->->,,")]),
        ("GroupNormalization", vec![int("num_groups", 0)]),
        ("TopK", vec![int("k", -1)]),
        ("Compress", vec![]),
        ("STFT", vec![]),
    ] {
        add(
            &format!("{op} with {:?}", attributes.first().map(|a| &a.name)),
            with(|f| _ = f.node(op, &["r"], "s", attributes)),
        );
    }
    for (name, op, constants) in [
        ("a reshape to two unknowns", "Reshape", vec![vec![-1, -1]]),
        ("a reshape to what does not fit", "Reshape", vec![vec![7, 7]]),
        ("a reshape that overflows", "Reshape", vec![vec![1 << 62, 1 << 62, 16]]),
        ("a slice without step", "Slice", vec![vec![0], vec![5], vec![2], vec![0]]),
        ("a slice of another axis", "Slice", vec![vec![0], vec![5], vec![9]]),
        ("a slice backwards", "Slice", vec![vec![9], vec![i64::MIN], vec![2], vec![-1]]),
        ("indices out of range", "Gather", vec![vec![99, -99]]),
        ("axes out of range", "Squeeze", vec![vec![9]]),
        ("an axis twice", "Unsqueeze", vec![vec![0, 0]]),
    ] {
        add(
            name,
            with(|f| {
                let names: Vec<String> = (0..constants.len()).map(|i| format!("k{i}")).collect();
                names.iter().zip(&constants).for_each(|(name, values)| _ = f.integers(name, values));
                let inputs: Vec<&str> = std::iter::once("r").chain(names.iter().map(String::as_str)).collect();
                f.node(op, &inputs, "s", vec![]);
            }),
        );
    }
    for element in
        [DataType::String, DataType::Int8, DataType::Uint8, DataType::Float16, DataType::Double, DataType::Bool]
    {
        add(
            &format!("pixels of type {}", element.as_str_name()),
            spoiled(|f| f.graph.input[0] = value("x", &[-1, 1, 12, 12], element)),
        );
        add(
            &format!("weights of type {}", element.as_str_name()),
            spoiled(|f| f.graph.initializer[0].data_type = element as i32),
        );
    }
}
