//! Files and networks that cannot be used end in one message with all reasons, never in a panic.

use std::path::Path;

use tract_onnx::pb::{self, tensor_proto::DataType};

use crate::model::Network;
use crate::model::fixture::{Fixture, int, ints, text, value};

/// A network with nothing wrong, to be spoiled.
fn sound() -> Fixture {
    let mut f = Fixture::new("x", &[-1, 1, 6, 6]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]).node("Flatten", &["r"], "f", vec![]);
    f.dense("f", "y", 32, 3).output("y");
    f
}

fn loading(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    match Network::load(&path) {
        Err(cause) if cause.is_input() => cause.to_string(),
        Err(cause) => panic!("not the user's fault? {cause}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn files_that_are_no_models() {
    let missing = Network::load(Path::new("/nowhere/net.onnx")).err().unwrap();
    assert!(missing.is_input());
    assert!(missing.to_string().starts_with("/nowhere/net.onnx: cannot be read"), "{missing}");
    let folder = Network::load(Path::new(env!("CARGO_MANIFEST_DIR"))).err().unwrap().to_string();
    assert!(folder.contains("a folder"), "{folder}");
    assert!(loading("a.onnx", b"").contains("empty"));
    assert!(loading("b.onnx", b"a text file, not a model").contains("not an ONNX model"));
    assert!(loading("c.onnx", &[0; 64]).contains("not an ONNX model"));
}

#[test]
fn every_reason_is_in_one_message() {
    let mut f = sound();
    f.graph.input.push(value("mask", &[1, 4], DataType::Int64));
    f.node("LSTM", &["y"], "l", vec![]).node("QLinearConv", &["l"], "q", vec![]).node("If", &["q"], "i", vec![]);
    f.node("MyOwnOp", &["i"], "m", vec![]).node("Relu", &["never\nmade"], "n", vec![]);
    let message = f.refusal();
    for reason in ["LSTM", "QLinearConv", "If", "MyOwnOp", "values that nothing computes: never"] {
        assert!(message.contains(reason), "{reason} is missing in {message}");
    }
    assert_eq!(message.lines().count(), 6, "a line each, and none for the second input: {message}");
}

#[test]
fn a_transformer_is_told_everything_that_is_wrong() {
    let mut f = Fixture::new("ids", &[-1, -2]);
    f.graph.input[0] = value("ids", &[-1, -2], DataType::Int64);
    f.weight("w", &[10, 4]).node("Gather", &["w", "ids"], "e", vec![]).output("e");
    let message = f.refusal();
    assert!(message.contains("int64 values, not pixels"), "{message}");
    assert!(message.contains("(None, None), not that of images"), "{message}");
    assert!(message.contains("no convolution"), "{message}");
}

#[test]
fn no_convolution_is_refused_only_when_asked() {
    let mut f = Fixture::new("x", &[-1, 1, 2, 2]);
    let network = f.node("Flatten", &["x"], "f", vec![]).dense("f", "y", 4, 2).output("y").load();
    let message = network.require_convolution().unwrap_err().to_string();
    assert!(message.contains("no convolution; its layers are Dense, Flatten, InputLayer"), "{message}");
    assert!(network.default_target(&network.heads()[0]).is_err());
    sound().load().require_convolution().unwrap();
}

#[test]
fn missing_external_data_is_named() {
    let mut f = sound();
    let tensor = &mut f.graph.initializer[0];
    tensor.float_data.clear();
    tensor.data_location = Some(pb::tensor_proto::DataLocation::External as i32);
    tensor.external_data = vec![pb::StringStringEntryProto { key: "location".into(), value: "net.onnx.data".into() }];
    assert!(f.refusal().contains("net.onnx.data, which is not beside the model"));
}

/// A model that somebody sent must not read other files than those that came with it.
#[test]
fn external_data_stays_in_the_models_folder_and_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    let values: Vec<u8> = (0..18).flat_map(|i| (i as f32).to_le_bytes()).collect();
    std::fs::write(folder.path().join("outside"), &values).unwrap();
    std::fs::write(models.join("inside"), &values).unwrap();
    let load = |entries: &[(&str, &str)]| {
        let mut f = sound();
        let tensor = &mut f.graph.initializer[0];
        tensor.float_data.clear();
        tensor.data_location = Some(pb::tensor_proto::DataLocation::External as i32);
        let entry =
            |(key, value): &(&str, &str)| pb::StringStringEntryProto { key: (*key).into(), value: (*value).into() };
        tensor.external_data = entries.iter().map(entry).collect();
        let path = models.join("net.onnx");
        std::fs::write(&path, f.bytes()).unwrap();
        Network::load(&path)
    };
    let weights = load(&[("location", "inside")]).unwrap().weight("c.kernel").unwrap();
    assert_eq!(weights.iter().copied().collect::<Vec<_>>()[..3], [0.0, 1.0, 2.0]);
    let absolute = folder.path().join("outside");
    for (entries, said) in [
        (vec![("location", "../outside")], "outside the model's folder"),
        (vec![("location", absolute.to_str().unwrap())], "outside the model's folder"),
        (vec![("location", "inside/../../outside")], "outside the model's folder"),
        (vec![("location", "")], "outside the model's folder"),
        (vec![("location", ".")], "no file"),
        (vec![], "not named"),
        (vec![("location", "inside"), ("offset", "x")], "offset that is no number"),
        (vec![("location", "inside"), ("offset", "4")], "68 bytes from 4"),
        (vec![("location", "inside"), ("offset", "18446744073709551615")], "is not"),
        (vec![("location", "inside"), ("length", "71")], "71 bytes from 0"),
        (vec![("location", "inside"), ("offset", "1"), ("length", "72")], "72 bytes from 1"),
    ] {
        let message = load(&entries).err().unwrap().to_string();
        assert!(message.contains(said), "{entries:?}: {message}");
    }
}

/// As the Hugging Face cache keeps a model: file and weights are links to where they lie, under other names.
#[test]
fn what_the_models_folder_links_to_is_followed() {
    let cache = tempfile::tempdir().unwrap();
    let (blobs, snapshot) = (cache.path().join("blobs"), cache.path().join("snapshots/abc"));
    std::fs::create_dir(&blobs).unwrap();
    std::fs::create_dir_all(&snapshot).unwrap();
    // In half precision, which is widened as if it lay inside: 1, 2 and −2 in turn.
    let values: Vec<u8> = [0x3c00u16, 0x4000, 0xc000].repeat(6).iter().flat_map(|half| half.to_le_bytes()).collect();
    std::fs::write(blobs.join("1f"), &values).unwrap();
    let mut f = sound();
    let tensor = &mut f.graph.initializer[0];
    tensor.float_data.clear();
    tensor.data_type = DataType::Float16 as i32;
    tensor.data_location = Some(pb::tensor_proto::DataLocation::External as i32);
    tensor.external_data = vec![pb::StringStringEntryProto { key: "location".into(), value: "net.data".into() }];
    std::fs::write(blobs.join("2e"), f.bytes()).unwrap();
    std::os::unix::fs::symlink("../../blobs/2e", snapshot.join("net.onnx")).unwrap();
    std::os::unix::fs::symlink("../../blobs/1f", snapshot.join("net.data")).unwrap();
    let weights = Network::load(&snapshot.join("net.onnx")).unwrap().weight("c.kernel").unwrap();
    assert_eq!(weights.iter().copied().collect::<Vec<_>>()[..4], [1.0, 2.0, -2.0, 1.0]);
    std::fs::remove_file(blobs.join("1f")).unwrap();
    let message = Network::load(&snapshot.join("net.onnx")).err().unwrap().to_string();
    assert!(message.contains("net.data, which is not beside the model"), "{message}");
}

#[test]
fn weights_that_lie_about_their_shape() {
    for dims in
        [vec![2, 1, 3, 4], vec![-2, 1, 3, 3], vec![i64::MAX, i64::MAX, 3, 3], vec![1 << 40, 1, 1, 1], vec![0, 1, 3, 3]]
    {
        let mut f = sound();
        f.graph.initializer[0].dims = dims;
        let message = f.refusal();
        assert!(message.contains("c.kernel"), "{message}");
    }
}

#[test]
fn impossible_inputs() {
    for (dims, said) in [
        (vec![1, 1, 0, 6], "impossible shape (1, 1, 0, 6)"),
        (vec![1, 1, i64::MAX, 6], "impossible shape"),
        (vec![1, 1, 6], "(1, 1, 6), not that of images"),
    ] {
        let mut f = sound();
        f.graph.input[0] = value("x", &dims, DataType::Float);
        let message = f.refusal();
        assert!(message.contains(said), "{message}");
    }
    // A kernel that is larger than the image, and channels that do not fit.
    for dims in [[1, 1, 2, 2], [1, 3, 6, 6]] {
        let mut f = sound();
        f.graph.input[0] = value("x", &dims, DataType::Float);
        f.refusal();
    }
}

#[test]
fn values_of_impossible_size() {
    let mut f = Fixture::new("x", &[-1, 1, 6, 6]);
    let message = f.conv("x", "c", [2, 1, 3, 3], vec![ints("pads", &[1 << 16; 4])]).output("c").refusal();
    assert!(message.contains("`c` would have the shape [1, 2, 131076, 131076], out of proportion"), "{message}");
    let message = Fixture::new("x", &[1, 1, 1 << 14, 1 << 14]).node("Relu", &["x"], "r", vec![]).output("r").refusal();
    assert!(message.contains("`x` would have the shape [1, 1, 16384, 16384]"), "{message}");
    // Constants are computed while shapes are inferred, so their size is known before.
    for (op, constants) in [
        ("ConstantOfShape", vec![vec![1 << 20, 1 << 20]]),
        ("Expand", vec![vec![1], vec![1 << 15, 1 << 15]]),
        ("Tile", vec![vec![1], vec![1 << 30]]),
        ("Pad", vec![vec![1], vec![0, 1 << 30]]),
        ("Range", vec![]),
    ] {
        let mut f = sound();
        let names: Vec<String> = (0..constants.len()).map(|i| format!("k{i}")).collect();
        for (name, values) in names.iter().zip(&constants) {
            f.integers(name, values);
        }
        let mut inputs: Vec<&str> = names.iter().map(String::as_str).collect();
        if op == "Range" {
            f.integers("from", &[0]).integers("to", &[1 << 40]).integers("step", &[1]);
            f.graph.initializer.iter_mut().rev().take(3).for_each(|scalar| scalar.dims.clear());
            inputs = vec!["from", "to", "step"];
        }
        let message = f.node(op, &inputs, "big", vec![]).refusal();
        assert!(message.contains("`big` would have the shape"), "{op}: {message}");
    }
    // Nor may many values of possible size add up.
    let mut f = sound();
    f.integers("side", &[1 << 12, 1 << 12]).node("ConstantOfShape", &["side"], "k0", vec![]);
    for i in 0..20 {
        f.node("Neg", &[&format!("k{i}")], &format!("k{}", i + 1), vec![]);
    }
    let message = f.refusal();
    assert!(message.contains("`k10` would have the shape [4096, 4096]: its constants are more than"), "{message}");
    let mut f = sound();
    f.integers("side", &[1 << 12, 1 << 12]).node("ConstantOfShape", &["side"], "k", vec![]);
    let message = f.node("MatMul", &["k", "k"], "square", vec![]).refusal();
    assert!(message.contains("take more than the 4e9 multiplications"), "{message}");
}

#[test]
fn hours_of_work() {
    let mut f = Fixture::new("x", &[-1, 1, 1200, 1200]);
    let message = f.conv("x", "c", [1, 1, 64, 64], vec![]).output("c").refusal();
    assert!(message.contains("one image would take 5.3e9 multiplications"), "{message}");
    let mut f = Fixture::new("x", &[-1, 1, 512, 512]);
    f.node("Einsum", &["x", "x"], "e", vec![text("equation", "abcd,efgh->abef")]).output("e");
    assert!(f.refusal().contains("multiplications"));
}

#[test]
fn graphs_with_too_much_in_them() {
    let mut f = sound();
    for i in 0..8_000 {
        f.node("Relu", &["y"], &format!("r{i}"), vec![]);
    }
    assert!(f.refusal().contains("it has 8004 operators; 8000 are the most"));
    let mut f = sound();
    (0..100).for_each(|_| _ = f.output("y"));
    assert!(f.refusal().contains("it has 101 outputs"));
    let mut f = sound();
    f.node("Sum", &["y"; 3000], "s", vec![]);
    assert!(f.refusal().contains("`s` (Sum) has 3000 inputs"));
}

#[test]
fn graphs_that_are_no_graphs() {
    let mut circle = sound();
    circle.graph.node[1].input[0] = "y".into();
    assert!(circle.refusal().contains("circle"));
    let mut twice = sound();
    twice.node("Relu", &["c"], "r", vec![]);
    assert!(twice.refusal().contains("`r` is computed twice"));
    let mut none = sound();
    none.graph.output.clear();
    assert!(none.refusal().contains("no output"));
    let mut lost = sound();
    lost.output("elsewhere");
    assert!(lost.refusal().contains("elsewhere"));
}

#[test]
fn windows_out_of_all_proportion() {
    for (name, values) in [("kernel_shape", vec![3]), ("kernel_shape", vec![2, 3]), ("pads", vec![1])] {
        let mut f = sound();
        f.graph.node[0].attribute = vec![ints(name, &values)];
        let message = f.refusal();
        assert!(message.contains(&format!("impossible attributes: {name} of `c`")), "{message}");
    }
    for (name, values, wrong) in [
        ("pads", vec![i64::MAX; 4], i64::MAX),
        ("pads", vec![-9; 4], -9),
        ("strides", vec![0, 0], 0),
        ("strides", vec![-1, 1], -1),
        ("dilations", vec![i64::MAX, 1], i64::MAX),
    ] {
        let mut f = sound();
        f.graph.node[0].attribute = vec![ints(name, &values)];
        let message = f.refusal();
        assert!(message.contains(&format!("`c` (Conv) has {wrong} in {name}; ")), "{message}");
    }
    let mut f = sound();
    f.graph.node[0].attribute = vec![int("group", 0)];
    assert!(f.refusal().contains("`c` (Conv) has 0 in group; 1 to 65536 is allowed"));
    let mut f = sound();
    f.node("MaxPool", &["r"], "p", vec![ints("kernel_shape", &[1 << 12, 1 << 12]), ints("pads", &[1 << 11; 4])]);
    f.node("LRN", &["r"], "l", vec![int("size", 1 << 60)]);
    f.node("Transpose", &["r"], "t", vec![ints("perm", &[0, 2, 3, 0])]);
    let message = f.refusal();
    for reason in [
        "impossible attributes: kernel_shape of `p`",
        "`l` (LRN) has 1152921504606846976 in size",
        "`t` (Transpose) has perm = [0, 2, 3, 0]; ONNX asks for every axis once",
    ] {
        assert!(message.contains(reason), "{reason} is missing in {message}");
    }
}

#[test]
fn operators_in_any_order_are_sorted() {
    let mut f = sound();
    f.graph.node.reverse();
    let network = f.load();
    let names: Vec<&str> = network.layers().iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["x", "c", "f", "y"]);
}

#[test]
fn operators_may_share_a_name() {
    let mut f = sound();
    f.node("Clip", &["y"], "z", vec![]).node("Clip", &["z"], "o", vec![]);
    f.graph.output[0].name = "o".into();
    f.graph.node.iter_mut().for_each(|node| node.name = "same".into());
    f.load().plan(&["o"], 1, None).unwrap();
}

#[test]
fn the_hash_is_that_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.onnx");
    let bytes = sound().bytes();
    std::fs::write(&path, &bytes).unwrap();
    let network = Network::load(&path).unwrap();
    let expected: String = sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(&bytes))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!((network.sha256(), network.name(), network.title()), (expected.as_str(), "sound", "sound"));
}

/// Weights stored as bytes and made float again are an ordinary float network.
#[test]
fn byte_weights_made_float_are_no_quantised_network() {
    let mut f = sound();
    let kernel = &mut f.graph.initializer[0];
    kernel.name = "c.bytes".into();
    kernel.data_type = DataType::Int8 as i32;
    kernel.float_data.clear();
    kernel.int32_data = (0..18).collect();
    f.floats("scale", &[], &[0.5]).node("DequantizeLinear", &["c.bytes", "scale"], "c.kernel", vec![]);
    let network = f.load();
    let kernel = network.weight(&network.layer("c").unwrap().convolution.as_ref().unwrap().kernel).unwrap();
    assert_eq!(kernel.iter().copied().collect::<Vec<_>>()[..4], [0.0, 0.5, 1.0, 1.5]);
    assert_eq!(network.layer("c").unwrap().parameters, 20);
    f.node("DynamicQuantizeLinear", &["y"], "q", vec![]);
    assert!(f.refusal().contains("quantised"));
}

/// A file cut anywhere, or with a byte changed, is refused or read; it never panics.
#[test]
fn damaged_files_do_not_panic() {
    let bytes = sound().bytes();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    let mut random = crate::random::Random::new(3, 0);
    for round in 0..400 {
        let mut damaged = bytes.clone();
        if round % 2 == 0 {
            damaged.truncate(random.below(bytes.len()));
        } else {
            for _ in 0..1 + round % 5 {
                let place = random.below(damaged.len());
                damaged[place] = random.below(256) as u8;
            }
        }
        std::fs::write(&path, &damaged).unwrap();
        if let Ok(network) = Network::load(&path) {
            let _ = network.heads().iter().map(|head| network.default_target(head)).collect::<Vec<_>>();
        }
    }
}
