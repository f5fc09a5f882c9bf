//! Real exports that must be refused (tests/matrix/refused), each by one message with all reasons; and weights in a file
//! of their own (tests/matrix/external).

use crate::support::{convscope, message, repository};
use convscope::model::Network;
use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

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
    let scratch = tempfile::tempdir().unwrap();
    image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 7, 80]))
        .save(scratch.path().join("image.png"))
        .unwrap();
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
