//! Files and numbers that are not what they should be: refused at once, by name, and never waited for.

use crate::support::{convscope, message, workshop};
use std::fs;
use std::path::Path;
use std::process::Output;

fn refused(output: &Output, wanted: &[&str]) {
    let text = message(output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    wanted.iter().for_each(|part| assert!(text.contains(part), "{part} is missing from: {text}"));
}

fn chapter(folder: &Path, section: &str, input: &str) {
    let text = format!(
        "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"net.onnx\"\n{section}\n[[section.input]]\n{input}\n"
    );
    fs::write(folder.join("chapter.toml"), text).unwrap();
}

/// Each of these would be waited for, or read, for ever.
#[cfg(unix)]
#[test]
fn pipes_devices_and_folders_are_refused_at_once() {
    let folder = workshop();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::create_dir(folder.path().join("folder")).unwrap();
    // What stands beside a network is left aside if it is no file.
    fs::hard_link(&pipe, folder.path().join("config.json")).unwrap();
    fs::hard_link(&pipe, folder.path().join("preprocessor_config.json")).unwrap();
    for (name, what) in [("pipe", "a named pipe"), ("/dev/zero", "a device"), ("folder", "a folder")] {
        let run = |arguments: &[&str]| convscope(folder.path(), arguments);
        refused(&run(&["inspect", name]), &[name, what]);
        refused(&run(&["filters", name]), &[name, what]);
        refused(&run(&["report", name]), &[name, what, "give a regular file"]);
        refused(&run(&["explain", "net.onnx", "a.png", "--labels", name]), &[name, what, "give a regular file"]);
        if name != "folder" {
            refused(&run(&["explain", "net.onnx", name]), &[name.trim_start_matches("/dev/"), what]);
            chapter(folder.path(), "", &format!("image = \"a.png\"\nmask = \"{name}\""));
            refused(&run(&["report"]), &["chapter.toml:8: section.input.mask", name, what]);
        }
    }
    let output = convscope(folder.path(), &["explain", "net.onnx", "a.png", "--quiet"]);
    assert!(output.status.success(), "{}", message(&output));
}

#[test]
fn a_photograph_cut_short_is_refused_or_left_out_and_the_page_says_so() {
    let folder = workshop();
    let path = |name: &str| folder.path().join(name);
    let picture = image::open(path("a.png")).unwrap().resize_exact(200, 150, image::imageops::FilterType::Triangle);
    picture.save(path("whole.jpg")).unwrap();
    let bytes = fs::read(path("whole.jpg")).unwrap();
    fs::write(path("cut.jpg"), &bytes[..bytes.len() / 4]).unwrap();
    fs::write(path("last.jpg"), &bytes[..bytes.len() - 2]).unwrap();
    for name in ["cut.jpg", "last.jpg"] {
        refused(&convscope(folder.path(), &["explain", "net.onnx", name]), &[name, "cut short"]);
    }
    let output = convscope(folder.path(), &["explain", "net.onnx", "whole.jpg", "cut.jpg", "-q", "--out", "out"]);
    assert!(output.status.success(), "{}", message(&output));
    let page = fs::read_to_string(path("out/chapter.md")).unwrap();
    assert!(page.contains("cut.jpg") && page.contains("cut short"), "{page}");
}

#[test]
fn boxes_that_a_photograph_does_not_have_are_refused_with_file_line_and_key() {
    let folder = workshop();
    for (bounds, what) in [
        ("[nan, 0, 4, 4]", "not finite"),
        ("[-3, 0, 4, 4]", "begins outside the photograph"),
        ("[0, 0, 0, 4]", "has no area"),
        ("[100, 100, 4, 4]", "reaches beyond the 20×16 pixels of a.png"),
        ("[0, 0, 20, 40]", "reaches beyond the 20×16 pixels of a.png"),
    ] {
        chapter(folder.path(), "", &format!("image = \"a.png\"\nbox = {bounds}"));
        let output = convscope(folder.path(), &["report", "--quick", "--out", "out"]);
        refused(&output, &["chapter.toml:", "section.input.box", what]);
    }
    let pixels = |bounds: &str| convscope(folder.path(), &["explain", "net.onnx", "a.png", "--pixels", bounds]);
    refused(&pixels("nan,0,4,4"), &["--pixels", "not finite"]);
    refused(&pixels("1,1,-4,4"), &["--pixels", "has no area"]);
}

#[test]
fn numbers_out_of_all_proportion_are_refused() {
    let folder = workshop();
    for steps in ["18446744073709551615", "1000000000", "100001", "0", "1e9"] {
        refused(&convscope(folder.path(), &["filters", "net.onnx", "--steps", steps]), &["--steps", steps]);
    }
}

/// In a process that may hold 1 GB.
#[cfg(unix)]
#[test]
fn chapters_of_hundreds_of_thousands_of_parts_are_refused() {
    let folder = workshop();
    let head = "title = \"T\"\n";
    let section = "[[section]]\ntitle = \"S\"\nmodel = \"net.onnx\"\n";
    let input = "[[section.input]]\ndigit = 3\n";
    for (what, text) in [
        ("MiB that are read", format!("{head}{section}{}", input.repeat(300_000))),
        ("MiB that are read", format!("{head}{}", section.repeat(200_000))),
        ("inputs, more than", format!("{head}{section}{}", input.repeat(70_000))),
        ("sections, more than", format!("{head}{}", section.repeat(40_000))),
        ("inputs, more than", format!("{head}{section}input = [{}]\n", "{digit=3},".repeat(180_000))),
    ] {
        fs::write(folder.path().join("chapter.toml"), text).unwrap();
        let output = crate::support::shell(folder.path(), "ulimit -d 1000000; exec \"$0\" report --out out");
        refused(&output, &["chapter.toml", what]);
    }
}

#[cfg(unix)]
#[test]
fn a_pattern_meets_names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let folder = workshop();
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"photo-\xff.png"));
    fs::copy(folder.path().join("a.png"), odd).unwrap();
    for pattern in ["*.png", "**/*.png", "."] {
        let output = convscope(folder.path(), &["explain", "net.onnx", pattern, "--quiet", "--out", "out"]);
        assert!(output.status.success(), "{pattern}: {}", message(&output));
        let rows = fs::read_to_string(folder.path().join("out/images.jsonl")).unwrap();
        assert_eq!(rows.lines().count(), 3, "{pattern}");
    }
}

#[test]
fn a_label_of_several_classes_is_not_taken_for_one_of_them() {
    let folder = workshop();
    fs::write(folder.path().join("net.onnx"), crate::support::small(r#"["crane", "heron", "crane"]"#)).unwrap();
    let run = |option: &str, class: &str| {
        convscope(folder.path(), &["explain", "net.onnx", "a.png", "-q", "--out", "out", option, class])
    };
    for option in ["--class", "--true"] {
        refused(&run(option, "crane"), &[option, "`crane` names several classes, 0 (crane) and 2 (crane)"]);
        let output = run(option, "2");
        assert!(output.status.success(), "{}", message(&output));
    }
    // The true class is the second crane; the network says what it says, and is right only if it says that one.
    let row: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("out/images.jsonl")).unwrap()).unwrap();
    let head = &row["heads"][0];
    assert_eq!(head["truth"], 2);
    assert_eq!(head["correct"], head["top"][0]["class"] == 2);
}
