//! Inputs as people have them (tests/cases): images of 16 bits, arrays, several bands, labels of every kind, heads of independent
//! classes. The right numbers are onnxruntime's, computed from the same files.

use crate::support::{convscope, message, repository};
use convscope::input::image::{FitMode, Layout, Preprocess, Size, WHITE, read};
use convscope::input::labels;
use ndarray_npy::ReadNpyExt;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Runs `explain` on files of a folder of cases, which must succeed: the rows of the images, and what was said in the terminal.
fn explained(case: &str, model: &str, arguments: &[&str]) -> (Vec<Value>, String) {
    let out = tempfile::tempdir().unwrap();
    let folder = repository(&format!("tests/cases/{case}"));
    let target = out.path().join("out");
    let fixed = ["explain", model, "--out", target.to_str().unwrap(), "--activations", "none"];
    let output = convscope(&folder, &[&fixed, arguments].concat());
    let said = message(&output);
    assert!(output.status.success(), "{case} {model} {arguments:?}: {said}");
    let page = fs::read_to_string(target.join("chapter.md")).unwrap();
    for note in said.lines().filter_map(|line| line.strip_prefix("Note: ")) {
        // What the terminal says stands on the page as well; Markdown escapes some of its characters.
        let start: String = note.chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect();
        assert!(page.contains(&start), "{note} is missing on the page");
    }
    let rows = fs::read_to_string(target.join("images.jsonl")).unwrap();
    (rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), said)
}

/// The most probable class of a row and its probability.
fn top(row: &Value) -> (String, f64) {
    let top = &row["heads"][0]["top"][0];
    (top["label"].as_str().unwrap_or_default().to_string(), top["probability"].as_f64().unwrap_or(f64::NAN))
}

/// The first row's most probable class must be this with this probability.
fn says(case: &str, model: &str, arguments: &[&str], label: &str, probability: f64) -> String {
    let (rows, said) = explained(case, model, arguments);
    let (found, p) = top(&rows[0]);
    assert!(found == label && (p - probability).abs() < 1e-4, "{case} {model} {arguments:?}: {found} {p}");
    said
}

fn refused(case: &str, arguments: &[&str], wanted: &str) {
    let output = convscope(&repository(&format!("tests/cases/{case}")), arguments);
    let said = message(&output);
    assert!(output.status.code() == Some(2) && said.contains(wanted), "{arguments:?}: {said}");
}

#[test]
fn independent_classes_are_read_by_sigmoids_and_softmax_is_said_where_it_is_assumed() {
    let unit = ["xray.png", "--preprocess", "keras-0-1", "--labels", "names.txt"];
    let said = says("multilabel", "logits.onnx", &unit, "Consolidation", 0.155_604);
    assert!(
        said.contains("Note: logits: the graph ends in logits at logits; that its classes exclude each other"),
        "{said}"
    );
    let sigmoid = [&unit[..], &["--scores", "sigmoid"]].concat();
    let said = says("multilabel", "logits.onnx", &sigmoid, "Consolidation", 0.709_124);
    assert!(!said.contains("ends in logits"), "{said}");
    assert!(!says("multilabel", "sigmoid.onnx", &unit, "Consolidation", 0.709_124).contains("ends in logits"));
    let none = explained("multilabel", "logits.onnx", &[&unit[..], &["--scores", "none"]].concat()).0;
    assert_eq!(none[0]["heads"][0]["top"][0]["label"], "Consolidation");
    assert!((none[0]["heads"][0]["top"][0]["value"].as_f64().unwrap() - 0.891_135).abs() < 1e-4);
    // Several classes at once: a map for each.
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("out");
    let both = ["explain", "sigmoid.onnx", "--class", "Mass,Nodule", "--out", target.to_str().unwrap()];
    let output = convscope(&repository("tests/cases/multilabel"), &[&both[..], &unit[..]].concat());
    assert!(output.status.success(), "{}", message(&output));
    let page: Value = serde_json::from_str(&fs::read_to_string(target.join("chapter.json")).unwrap()).unwrap();
    let explained = |section: usize| page["sections"][section]["inputs"][0]["heatmaps"][0]["data"][0]["label"].clone();
    assert_eq!([explained(0), explained(1)], ["Mass", "Nodule"]);
    let contrary = ["explain", "sigmoid.onnx", "xray.png", "--scores", "softmax"];
    refused("multilabel", &contrary, "--scores: the graph itself ends in a sigmoid");
}

#[test]
fn a_single_sigmoid_takes_one_label_or_two() {
    let unit = ["xray.png", "--preprocess", "keras-0-1", "--labels"];
    for model in ["bce_sigmoid.onnx", "bce_flat.onnx"] {
        says("multilabel", model, &[&unit[..], &["one.txt"]].concat(), "not pneumonia", 1.0 - 0.174_587);
        says("multilabel", model, &[&unit[..], &["two.txt"]].concat(), "healthy", 1.0 - 0.174_587);
    }
    let said = says("multilabel", "bce_logit.onnx", &[&unit[..], &["two.txt"]].concat(), "healthy", 1.0 - 0.174_587);
    assert!(said.contains("is assumed to be the logit of the second of the two labels"), "{said}");
    let asked = [&unit[..], &["one.txt", "--scores", "sigmoid"]].concat();
    says("multilabel", "bce_logit.onnx", &asked, "not pneumonia", 1.0 - 0.174_587);
}

#[test]
fn sixteen_bits_are_computed_unrounded() {
    let values = ["--preprocess", "none", "--scale", "1.285", "--mean", "100"];
    says("xray16", "xray.onnx", &[&["narrow16.png"], &values[..]].concat(), "class 0", 0.565_084);
    let unit = ["--preprocess", "keras-0-1"];
    let window = [&["narrow16.png", "--range", "20000,20200"], &unit[..]].concat();
    says("xray16", "xray.onnx", &window, "class 0", 0.565_084);
    for file in ["x12in16.png", "x12in16.tiff"] {
        let said = says("xray16", "xray.onnx", &[&[file], &unit[..]].concat(), "class 0", 0.742_071);
        assert!(said.contains("its largest value is 4095 of 65,535"), "{said}");
        says("xray16", "xray.onnx", &[&[file, "--range", "0,4095"], &unit[..]].concat(), "class 0", 0.565_058);
    }
    says("xray16", "xray.onnx", &[&["x16.png"], &unit[..]].concat(), "class 0", 0.565_056);
    says("xray16", "xray.onnx", &[&["x16.png", "--range", "2%,98%"], &unit[..]].concat(), "class 0", 0.582_866);
}

#[test]
fn every_kind_of_image_of_a_folder_is_read_or_named() {
    let scratch = tempfile::tempdir().unwrap();
    let cases = repository("tests/cases/images");
    for file in ["p.tiff", "lzw.tif", "p.gif", "anim.gif", "rgb.png", "rgb16.png", "alpha.png"] {
        fs::copy(cases.join(file), scratch.path().join(file)).unwrap();
    }
    fs::write(scratch.path().join("photo.heic"), "").unwrap();
    let folder = scratch.path().to_str().unwrap();
    let (rows, said) = explained("images", "m.onnx", &[folder, "--preprocess", "keras-0-1"]);
    assert!(
        said.contains("one file is left out, as the names do not end as those of images do (photo.heic)"),
        "{said}"
    );
    // Transparent pixels lie on white; a GIF's first frame counts.
    let wanted = [0.324_973, 0.329_144, 0.335_259, 0.333_069, 0.335_259, 0.335_259, 0.335_24];
    let (names, found): (Vec<&str>, Vec<(String, f64)>) =
        rows.iter().map(|row| (row["file"].as_str().unwrap(), top(row))).unzip();
    assert_eq!(names, ["alpha.png", "anim.gif", "lzw.tif", "p.gif", "p.tiff", "rgb.png", "rgb16.png"]);
    for (i, (label, p)) in found.iter().enumerate() {
        assert!(label == "class 1" && (p - wanted[i]).abs() < 5e-5, "{}: {label} {p}", names[i]);
    }
}

#[test]
fn networks_of_any_number_of_bands_read_arrays_and_pages() {
    let unit = ["--preprocess", "keras-0-1"];
    for file in ["scene13.tif", "scene.npy"] {
        let shown = [&[file, "--show", "4,3,2"], &unit[..]].concat();
        says("bands", "eo13.onnx", &shown, "class 1", 0.336_686);
    }
    says("bands", "eo4.onnx", &[&["scene4.png"], &unit[..]].concat(), "class 2", 0.351_803);
    says("bands", "eo2.onnx", &[&["la.png"], &unit[..]].concat(), "class 3", 0.321_687);
    let wrong = ["explain", "eo6.onnx", "scene13.tif", "--preprocess", "keras-0-1"];
    refused("bands", &wrong, "scene13.tif: the image has 13 channels, but the network takes 6");
    for model in ["eo2.onnx", "eo6.onnx", "eo13.onnx"] {
        let output = convscope(&repository("tests/cases/bands"), &["gradcheck", model]);
        assert!(output.status.success(), "{model}: {}", message(&output));
        let out = tempfile::tempdir().unwrap();
        let target = out.path().join("out");
        let filters = ["filters", model, "--steps", "2", "--filters", "0-1", "--out", target.to_str().unwrap()];
        let output = convscope(&repository("tests/cases/bands"), &filters);
        assert!(output.status.success(), "{model}: {}", message(&output));
    }
}

#[test]
fn labels_are_read_as_people_have_them() {
    let folder = repository("tests/cases/labels");
    let first = |file: &str| labels::read(&folder.join(file)).unwrap()[2].split(',').next().unwrap().to_string();
    for file in [
        "bom_crlf.txt",
        "class_index.json",
        "class_to_idx.json",
        "classes.csv",
        "clsidx_to_labels.txt",
        "data.yaml",
        "data_list.yaml",
        "id2label_only.json",
        "synset_words.txt",
        "teachable.txt",
    ] {
        assert_eq!(first(file), "great white shark", "{file}");
    }
    for file in ["latin1.txt", "utf16.txt"] {
        assert_eq!(first(file), "Weißer Hai", "{file}");
    }
}

#[test]
fn a_letterboxed_photograph_is_the_one_made_by_hand() {
    let photo = |file: &str| read(&Path::new(&repository("tests/cases/letterbox")).join(file), WHITE).unwrap();
    let recipe = Preprocess {
        fit: FitMode::Letterbox { pad: 114 },
        ..Preprocess::preset("none", Size::square(64), Layout::Nhwc).unwrap()
    };
    let made = recipe.apply(photo("wide.png").view()).unwrap();
    // Pillow rounds between rows and columns, so a level may differ by one.
    let by_hand = photo("letterboxed.png");
    let largest = made.shown.iter().zip(&by_hand).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(largest <= Some(1), "{largest:?}");
    let bars = made.shown.slice(ndarray::s![..16, .., ..]);
    assert!(bars.iter().all(|level| *level == 114));
}

#[test]
fn networks_of_several_inputs_are_listed_in_the_files_order_and_run_with_the_others_given() {
    let folder = repository("tests/cases/two_inputs");
    let output = convscope(&folder, &["inspect", "siamese.onnx"]);
    let table = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{}", message(&output));
    let place = |text: &str| table.find(text).unwrap_or_else(|| panic!("{text} is missing in\n{table}"));
    assert!(place("Input: before (1, 3, 32, 32), float; images go here") < place("Input: after (1, 3, 32, 32)"));
    refused(
        "two_inputs",
        &["explain", "meta.onnx", "before.png"],
        "another input beside the image, `age` of shape [1, 4]",
    );
    refused("two_inputs", &["explain", "meta.onnx", "before.png", "--input", "agee=1"], "the network's are image, age");

    let unit = ["--preprocess", "keras-0-1", "--scores", "none"];
    let value = |rows: &[Value], class: usize| {
        let top = rows[0]["heads"][0]["top"].as_array().unwrap().clone();
        let one = top.iter().find(|one| one["class"] == class).unwrap();
        one["value"].as_f64().unwrap()
    };
    // onnxruntime: meta(before.png / 255, age = 0.4 four times) and siamese(before.png / 255, after.png / 255).
    let (rows, _) = explained("two_inputs", "meta.onnx", &[&["before.png", "--input", "age=0.4"], &unit[..]].concat());
    for (class, wanted) in [(0, -0.640_685), (1, 0.600_367), (2, -1.094_402)] {
        assert!((value(&rows, class) - wanted).abs() < 1e-4, "{rows:?}");
    }
    let (rows, said) =
        explained("two_inputs", "siamese.onnx", &[&["before.png", "--input", "after=after.png"], &unit[..]].concat());
    assert!((value(&rows, 0) + 0.295_029).abs() < 1e-4 && (value(&rows, 1) + 0.228_179).abs() < 1e-4, "{rows:?}");
    // Each of the two images is explained.
    assert!(said.contains("before.png: ") && said.contains("after.png: "), "{said}");
}

#[test]
fn activations_of_all_images_become_one_array() {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("out");
    let folder = repository("tests/cases/images");
    let arguments =
        ["activations", "m.onnx", "rgb.png", "p.tiff", "p.gif", "--layer", "logits", "--preprocess", "keras-0-1"];
    let output = convscope(&folder, &[&arguments[..], &["--out", target.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", message(&output));
    assert_eq!(fs::read_to_string(target.join("images.txt")).unwrap(), "rgb.png\np.tiff\np.gif\n");
    let file = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "npy")).unwrap();
    let logits = ndarray::Array2::<f32>::read_npy(fs::File::open(file).unwrap()).unwrap();
    assert_eq!(logits.dim(), (3, 5));
    // The probabilities that onnxruntime gives for the three files.
    for (row, wanted) in [(0, 0.335_259), (1, 0.335_259), (2, 0.333_069)] {
        let powers: Vec<f64> = logits.row(row).iter().map(|z| f64::from(*z).exp()).collect();
        assert!((powers[1] / powers.iter().sum::<f64>() - wanted).abs() < 1e-4, "{logits}");
    }
}
