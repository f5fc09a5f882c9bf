//! Real exports that must be refused (tests/matrix/refused), each by one message with all reasons; and weights in a file
//! of their own (tests/matrix/external). Methods that need more than a network gives are refused, too.

use crate::support::{convscope, message, repository};
use convscope::model::Network;
use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

/// A folder with an image in it.
fn with_image() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let image = image::RgbImage::from_fn(40, 40, |x, y| image::Rgb([x as u8 * 6, y as u8 * 5, 80]));
    image.save(folder.path().join("image.png")).unwrap();
    folder
}

#[test]
fn what_cannot_be_used_is_refused_with_all_reasons() {
    let folder = repository("tests/matrix/refused");
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).unwrap();
    let there: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".onnx"))
        .collect();
    assert_eq!(there, expected.keys().cloned().collect());
    let scratch = with_image();
    for (file, reasons) in expected {
        let network = folder.join(&file);
        let output = convscope(scratch.path(), &["explain", network.to_str().unwrap(), "image.png"]);
        let said = message(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert_eq!(said.matches("cannot be used").count(), 1, "{file}: {said}");
        for reason in reasons {
            assert!(said.contains(&reason), "{file}: {reason} is missing in {said}");
        }
        assert!(!scratch.path().join("explained").exists(), "{file}: something was written");
    }
}

#[test]
fn weights_in_a_file_of_their_own_are_found_beside_the_network_or_missed() {
    let folder = repository("tests/matrix/external");
    let mut truth = NpzReader::new(File::open(folder.join("truth.npz")).unwrap()).unwrap();
    let mut array = |name: &str| -> ArrayD<f32> { truth.by_name(name).unwrap() };
    let network = Network::load(&folder.join("network.onnx")).unwrap();
    let logits = network.plan(&["logits"], 1, None).unwrap().run(&array("input.npy")).unwrap().remove(0);
    let expected = array("logits.npy");
    assert!(logits.iter().zip(&expected).all(|(own, theirs)| (own - theirs).abs() < 1e-5), "{logits} {expected}");

    let elsewhere = tempfile::tempdir().unwrap();
    let alone = elsewhere.path().join("network.onnx");
    std::fs::copy(folder.join("network.onnx"), &alone).unwrap();
    let refused = Network::load(&alone).err().unwrap().to_string();
    assert!(refused.contains("its weights lie in network.onnx.data, which is not beside the model"), "{refused}");
}

/// The page says how the weights were found and why; what needs the gradient itself is refused with the operators' names.
#[test]
fn an_operator_without_a_rule_is_named_and_grad_cam_made_all_the_same() {
    let scratch = with_image();
    for export in ["torchscript17", "dynamo18"] {
        let network = repository(&format!("tests/matrix/networks/sparsemax.{export}.onnx"));
        let network = network.to_str().unwrap();
        let output = convscope(scratch.path(), &["explain", network, "image.png", "--out", export]);
        assert_eq!(output.status.code(), Some(0), "{}", message(&output));
        let page = std::fs::read_to_string(scratch.path().join(export).join("chapter.md")).unwrap();
        assert!(page.contains("by central differences through tract, as there is no gradient rule for"), "{export}");
        assert!(page.contains("CumSum"), "{export}");
        for method in ["hirescam", "grad-cam++", "layercam", "xgrad-cam"] {
            let arguments = ["explain", network, "image.png", "--out", "none", "--method", method];
            let output = convscope(scratch.path(), &arguments);
            let said = message(&output);
            assert_eq!(output.status.code(), Some(2), "{method}: {said}");
            assert!(said.contains("needs gradient rules for") && said.contains("CumSum"), "{method}: {said}");
        }
    }
}
