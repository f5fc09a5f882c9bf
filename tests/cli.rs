//! The command line as a user meets it: wrong inputs end in exit code 2 and one clear message, and leave nothing behind.

use crate::support::{convscope, message, network, repository};
use std::fs;
use std::path::Path;

/// Runs a command that must be refused: exit code 2, one message that holds `wanted`, nothing in the output folder.
fn refused(folder: &Path, arguments: &[&str], wanted: &[&str]) {
    let output = convscope(folder, arguments);
    let text = message(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(!text.contains("panicked"), "{text}");
    for part in wanted {
        assert!(text.contains(part), "{arguments:?} should mention {part:?}: {text}");
    }
    assert!(!folder.join("out").exists(), "{arguments:?} left an output folder behind");
}

/// A chapter file with one section for a model.
fn chapter(model: &str, input: &str) -> String {
    format!("title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = {model:?}\n[[section.input]]\n{input}\n")
}

#[test]
fn a_missing_or_empty_or_wrong_chapter_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["report", "--out", "out"], &["chapter.toml", "cannot be read"]);
    fs::write(folder.path().join("chapter.toml"), "").unwrap();
    refused(folder.path(), &["report", "--out", "out"], &["chapter.toml: is empty"]);
    fs::write(folder.path().join("chapter.toml"), chapter("none.onnx", "digit = 1")).unwrap();
    refused(folder.path(), &["report", "--out", "out"], &["chapter.toml:4", "section.model", "none.onnx"]);
}

#[test]
fn truncated_and_foreign_models_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(network("variation-3")).unwrap();
    for (name, contents) in
        [("cut.onnx", &bytes[..bytes.len() / 2]), ("empty.onnx", &[][..]), ("text.onnx", b"not a network")]
    {
        fs::write(folder.path().join(name), contents).unwrap();
        fs::write(folder.path().join("chapter.toml"), chapter(name, "digit = 1")).unwrap();
        refused(folder.path(), &["report", "--out", "out"], &[name]);
        refused(folder.path(), &["inspect", name], &[name]);
        refused(folder.path(), &["gradcheck", name], &[name]);
        refused(folder.path(), &["filters", name, "--out", "out"], &[name]);
    }
    refused(folder.path(), &["inspect", "missing.onnx"], &["missing.onnx", "cannot be read"]);
}

#[test]
fn an_unknown_layer_is_refused_with_file_line_and_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let model = network("variation-3");
    let text = chapter(model.to_str().unwrap(), "line = { length = 7, width = 1, color = \"red\", angle = 0 }")
        .replace("[[section.input]]", "activations = [\"conv2d_1\", \"conv2d_22\"]\n[[section.input]]");
    fs::write(folder.path().join("chapter.toml"), text).unwrap();
    refused(
        folder.path(),
        &["report", "--out", "out"],
        &["chapter.toml:5", "section.activations", "conv2d_22", "conv2d_2"],
    );
}

#[test]
fn an_image_that_is_no_image_is_refused_when_it_is_all_there_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text.png"), "this is text").unwrap();
    let model = network("variation-3");
    refused(folder.path(), &["explain", model.to_str().unwrap(), "text.png", "--out", "out"], &["text.png"]);
}

#[test]
fn options_that_do_not_fit_the_network_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    image::RgbImage::from_pixel(9, 7, image::Rgb([200, 10, 10])).save(folder.path().join("red.png")).unwrap();
    fs::write(folder.path().join("labels.txt"), "one\ntwo\nthree\n").unwrap();
    let model = network("base-line");
    let model = model.to_str().unwrap();
    let explain = |options: &[&str], parts: &[&str]| {
        refused(folder.path(), &[&["explain", model, "red.png", "--out", "out"], options].concat(), parts);
    };
    explain(&["--pixels", "1,2,3,4"], &["--pixels", "no output with a map of scores"]);
    explain(&["--pixels", "1,2,3"], &["a box has four numbers"]);
    explain(&["--pixels", "mask.png"], &["neither a box", "nor a file"]);
    explain(&["--labels", "labels.txt"], &["labels.txt", "holds 3 labels", "96 classes", "one line for each class"]);
    explain(&["--size", "64"], &["28x28 only"]);
    explain(&["--size", "0,5"], &["`0` is no number of pixels"]);
    explain(&["--preprocess", "imagnet"], &["--preprocess", "did you mean `imagenet`?"]);
    explain(&["--fit", "pad"], &["--fit", "stretch, crop"]);
    explain(&["--mean", "1,2"], &["`mean` has 2 values"]);
    explain(&["--class", "dog"], &["--class", "`dog` is no class"]);
    explain(&["--class", "96"], &["--class", "`96` is no class"]);
    explain(&["--true", "green"], &["--true", "`green` is no class"]);
    refused(folder.path(), &["inspect", model, "--size", "64,64"], &["28x28 only"]);
    refused(folder.path(), &["filters", model, "--size", "64", "--out", "out"], &["28x28 only"]);
    refused(folder.path(), &["gradcheck", model, "--size", "64"], &["28x28 only"]);
}

#[test]
fn an_mnist_folder_that_is_missing_or_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = network("base-mnist");
    let text = chapter(model.to_str().unwrap(), "mnist = 3");
    fs::write(folder.path().join("chapter.toml"), &text).unwrap();
    refused(folder.path(), &["report", "--out", "out"], &["CONVSCOPE_MNIST"]);
    fs::create_dir(folder.path().join("digits")).unwrap();
    let header = [0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2, 3];
    fs::write(folder.path().join("digits/t10k-images-idx3-ubyte"), header).unwrap();
    fs::write(folder.path().join("digits/t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 9]).unwrap();
    fs::write(folder.path().join("chapter.toml"), format!("mnist = \"digits\"\n{text}")).unwrap();
    refused(folder.path(), &["report", "--out", "out"], &["t10k-"]);
}

#[test]
fn wrong_arguments_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = network("variation-3");
    let model = model.to_str().unwrap();
    refused(folder.path(), &["report", "--threads", "0"], &["--threads"]);
    refused(
        folder.path(),
        &["filters", model, "--layer", "nowhere", "--out", "out"],
        &["nowhere", "conv2d_1", "conv2d_2"],
    );
    refused(folder.path(), &["filters", model, "--filters", "90-99", "--out", "out"], &["99", "8"]);
    refused(folder.path(), &["dataset", "line", "--per-class", "0", "--seed", "1", "--out", "out"], &["per-class"]);
}

#[test]
fn inspect_prints_the_table_and_json() {
    let model = network("variation-3");
    let output = convscope(&repository(""), &["inspect", model.to_str().unwrap()]);
    assert!(output.status.success(), "{}", message(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "conv2d_1",
        "(None, 28, 28, 10)",
        "760",
        "58,914",
        "flatten_1[0][0]",
        "Input: ",
        "Heatmaps explain conv2d_2",
        "from the model's metadata",
    ] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    let output = convscope(&repository(""), &["inspect", "--json", model.to_str().unwrap()]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    assert!(json.to_string().contains("58914"), "{json}");
}

#[test]
fn the_line_dataset_is_written_as_idx() {
    let folder = tempfile::tempdir().unwrap();
    let output = convscope(folder.path(), &["dataset", "line", "--per-class", "2", "--seed", "1", "--out", "lines"]);
    assert!(output.status.success(), "{}", message(&output));
    let images = fs::read(folder.path().join("lines/line-images-idx4-ubyte")).unwrap();
    assert_eq!(images[..20], [0, 0, 8, 4, 0, 0, 0, 192, 0, 0, 0, 28, 0, 0, 0, 28, 0, 0, 0, 3]);
    let expected: Vec<u8> = convscope::input::line::samples(1, 192).flat_map(|s| s.image.into_iter()).collect();
    assert_eq!(images[20..], expected);
    let labels = fs::read(folder.path().join("lines/line-labels-idx2-ubyte")).unwrap();
    assert_eq!(labels[..12], [0, 0, 8, 2, 0, 0, 0, 192, 0, 0, 0, 4]);
    assert_eq!(labels[12 + 4 * 95..12 + 4 * 96], [1, 1, 1, 11]);
}
