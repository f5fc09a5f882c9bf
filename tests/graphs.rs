//! Small networks as people have them, with what onnxruntime says of each and what a person expects (tests/cases/graphs/make.py).

use crate::fixture::Fixture;
use crate::support::{convscope, message, repository};
use convscope::model::{Meaning, Network};
use ndarray::ArrayD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Of the larger of 1 and the largest value.
const TOLERANCE: f32 = 1e-4;
/// What rounding to 256 steps, which is left out, may make of the scores.
const QUANTISED: f32 = 0.02;

fn file(name: &str) -> PathBuf {
    repository(&format!("tests/cases/graphs/{name}"))
}

fn load(name: &str) -> Network {
    Network::load(&file(&format!("{name}.onnx"))).unwrap()
}

/// A picture in channels first, from 0 to 1.
fn picture(name: &str) -> ArrayD<f32> {
    let pixels = image::open(file(name)).unwrap().to_rgb8();
    let (width, height) = pixels.dimensions();
    ArrayD::from_shape_fn(vec![1, 3, height as usize, width as usize], |at| {
        f32::from(pixels.get_pixel(at[3] as u32, at[2] as u32)[at[1]]) / 255.0
    })
}

fn picture_of(name: &str, network: &Network) -> ArrayD<f32> {
    match network.listed_size() {
        (64, _) if name == "zipmap" => picture("p34.png"),
        (side, _) => picture(&format!("p{side}.png")),
    }
}

/// What onnxruntime says, by file and output.
fn truth() -> BTreeMap<String, BTreeMap<String, Vec<f32>>> {
    serde_json::from_str(&std::fs::read_to_string(file("truth.json")).unwrap()).unwrap()
}

#[test]
fn outputs_equal_onnxruntime() {
    let truth = truth();
    for (name, outputs) in truth.iter().filter(|(name, _)| !matches!(name.as_str(), "float" | "top3")) {
        let network = load(name);
        for (output, wanted) in outputs {
            let found = network.plan(&[output], 1, None).unwrap().run(&picture_of(name, &network)).unwrap().remove(0);
            assert_eq!(found.len(), wanted.len(), "{name}: {output}");
            let largest = wanted.iter().fold(0f32, |most, value| most.max(value.abs()));
            let tolerance = if name == "quantised" { QUANTISED * largest } else { TOLERANCE * largest.max(1.0) };
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() <= tolerance, "{name}: {output}: {found} {wanted}");
            }
        }
    }
}

/// The activations are cut off but not rounded, so the scores are nearer to those of the network before it was quantised.
#[test]
fn a_quantised_network_is_read_as_float_and_says_so() {
    let network = load("quantised");
    assert!(network.reading_notes().iter().any(|note| note.contains("quantised")), "{:?}", network.reading_notes());
    assert!(network.graph(&["logits"], 1, None).is_ok());
    let convolutions = network.layers().iter().filter(|layer| layer.convolution.is_some()).count();
    assert_eq!(convolutions, 3, "their weights are constants");
    let folder = tempfile::tempdir().unwrap();
    let output = convscope(
        folder.path(),
        &["gradcheck", file("quantised.onnx").to_str().unwrap(), file("p32.png").to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(0), "{}{}", String::from_utf8_lossy(&output.stdout), message(&output));
}

/// The first head of the only image in the rows of a run of `explain`.
fn explained(folder: &Path, name: &str, photograph: &str) -> Value {
    let (model, photograph) = (file(&format!("{name}.onnx")), file(photograph));
    let arguments =
        ["explain", model.to_str().unwrap(), photograph.to_str().unwrap(), "--preprocess", "keras-0-1", "--out", name];
    let output = convscope(folder, &arguments);
    assert!(output.status.success(), "{name}: {}", message(&output));
    let rows = std::fs::read_to_string(folder.join(name).join("images.jsonl")).unwrap();
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    row["heads"][0].clone()
}

/// Ranks, class numbers, names and tables are no scores; the batch is fixed at eight in one.
#[test]
fn answers_are_stepped_over_and_the_photograph_fills_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["argmax", "probabilities-and-class", "top3", "batch8"] {
        let head = explained(folder.path(), name, "p64.png");
        let probability = head["top"][0]["probability"].as_f64().unwrap();
        assert_eq!(head["top"][0]["class"], 1, "{name}: {head}");
        assert!((probability - 0.335).abs() < 5e-4, "{name}: {probability}");
        assert!(head["maps"][0]["maximum"].as_f64().unwrap() > 0.0, "{name} has a map");
    }
    let head = explained(folder.path(), "zipmap", "p34.png");
    assert_eq!(head["top"][0]["label"], "owl");
    assert!((head["top"][0]["probability"].as_f64().unwrap() - 0.466).abs() < 5e-4, "{head}");
    let page = std::fs::read_to_string(folder.path().join("zipmap/chapter.md")).unwrap();
    assert!(page.contains("ZipMap") && page.contains("stepped over"), "the page says so");
}

/// A batch of eight gives the same map as a batch of one.
#[test]
fn a_fixed_batch_changes_no_map() {
    let folder = tempfile::tempdir().unwrap();
    let (eight, one) = (explained(folder.path(), "batch8", "p64.png"), explained(folder.path(), "argmax", "p64.png"));
    let cells = |head: &Value| -> Vec<f64> {
        let rows = head["maps"][0]["signed"].as_array().unwrap();
        rows.iter().flat_map(|row| row.as_array().unwrap()).map(|cell| cell.as_f64().unwrap()).collect()
    };
    let (eight, one) = (cells(&eight), cells(&one));
    let largest = one.iter().fold(0f64, |most, cell| most.max(cell.abs()));
    assert!(largest > 0.0 && eight.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-5 * largest), "{eight:?} {one:?}");
}

#[test]
fn a_segmentation_is_explained_over_its_own_region() {
    let folder = tempfile::tempdir().unwrap();
    let head = explained(folder.path(), "segmentation-argmax", "p64.png");
    let page = std::fs::read_to_string(folder.path().join("segmentation-argmax/chapter.md")).unwrap();
    assert!(page.contains("positions that the network gives this class"), "{head}");
    assert_ne!(head["explained"]["class"], 0, "the background is left out");
}

#[test]
fn boxes_and_landmarks_beside_a_softmax_are_no_classes() {
    let network = load("faces");
    let heads: Vec<&str> = network.heads().iter().map(|head| head.name.as_str()).collect();
    assert_eq!(heads, ["probabilities"]);
    assert!(network.heads().iter().all(|head| head.meaning == Meaning::Classes));
    let others: Vec<&str> = network.other_outputs().iter().map(|other| other.name.as_str()).collect();
    assert_eq!(others, ["boxes", "points"]);
}

/// Exact GELU, layer normalisations, attention and shifted windows behind the target, all of them in double precision.
#[test]
fn gradients_hold_behind_transformers() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["gelu", "vit", "swin"] {
        let model = file(&format!("{name}.onnx"));
        let output =
            convscope(folder.path(), &["gradcheck", model.to_str().unwrap(), file("p32.png").to_str().unwrap()]);
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {table}{}", message(&output));
        assert!(table.contains("double precision") && table.contains("holds"), "{name}: {table}");
    }
}

/// Attention's products have four axes, too, and are no maps.
#[test]
fn the_default_target_is_a_map() {
    for name in ["attention-after-conv", "gelu-attention-tail"] {
        let network = load(name);
        let target = network.default_target(&network.heads()[0]).unwrap().tensor;
        assert!(network.is_map(&target), "{name}: {target} {:?}", network.shape(&target));
        let field = network.receptive_field(&target);
        assert!(field.is_some_and(|field| field.size.is_some()), "{name}: {target} looks at a part of the image");
    }
}

#[test]
fn a_check_without_gradients_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut fixture = Fixture::new("x", &[1, 1, 8, 8]);
    fixture.conv("x", "c", [4, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]).floats("zero", &[], &[0.0]);
    fixture.node("Mul", &["r", "zero"], "nothing", vec![]).node("GlobalAveragePool", &["nothing"], "p", vec![]);
    fixture.node("Flatten", &["p"], "f", vec![]).dense("f", "y", 4, 3).output("y");
    std::fs::write(folder.path().join("dead.onnx"), fixture.bytes()).unwrap();
    let picture = file("p16.png");
    let output = convscope(folder.path(), &["gradcheck", "dead.onnx", picture.to_str().unwrap()]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{table}{}", message(&output));
    assert!(
        table.contains("empty") && message(&output).contains("all gradients are zero"),
        "{table}{}",
        message(&output)
    );
}
