//! What is said on the terminal: that nobody hears it costs nothing, and nothing that comes from a file commands it.

#![cfg(unix)]

use crate::support::{convscope, message, shell, small, workshop};
use std::fs;
use std::process::Output;

/// The page is there, and nobody panicked.
fn page(folder: &std::path::Path, line: &str) -> Output {
    let output = shell(folder, line);
    let html = fs::read_to_string(folder.join("out/chapter.html")).unwrap_or_default();
    assert!(html.contains("</html>"), "{line} made no page: {}", message(&output));
    assert!(!message(&output).contains("panicked"), "{line}: {}", message(&output));
    fs::remove_dir_all(folder.join("out")).unwrap();
    output
}

#[test]
fn a_closed_or_full_terminal_never_costs_the_page() {
    let folder = workshop();
    let explain = "\"$0\" explain net.onnx a.png b.png --out out";
    for ending in ["2>/dev/full", ">/dev/full 2>&1", ">&-", "2>&-", ">&- 2>&- <&-"] {
        let output = page(folder.path(), &format!("{explain} {ending}"));
        assert_eq!(output.status.code(), Some(0), "{ending}");
    }
    // The reader is gone before the first word; the shell waits for the program by its output folder.
    page(
        folder.path(),
        &format!("{{ {explain}; echo $? >code; }} 2>&1 | true; while [ ! -s code ]; do sleep 0.01; done"),
    );
    assert_eq!(fs::read_to_string(folder.path().join("code")).unwrap().trim(), "0");
}

#[test]
fn a_result_that_cannot_be_printed_is_an_error_and_a_reader_that_left_is_none() {
    let folder = workshop();
    for command in ["inspect net.onnx", "inspect --json net.onnx", "--help"] {
        let output = shell(folder.path(), &format!("\"$0\" {command} >/dev/full"));
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(message(&output).contains("stdout: cannot be written"), "{command}: {}", message(&output));
        let line =
            format!("{{ \"$0\" {command} 2>errors; echo $? >code; }} | true; while [ ! -s code ]; do sleep 0.01; done");
        shell(folder.path(), &line);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((read("code").trim(), read("errors").as_str()), ("0", ""), "{command}");
        fs::remove_file(folder.path().join("code")).unwrap();
    }
}

/// Escape, the other escapes of ISO 6429, an override of the direction, a joiner without width.
const EVIL: &str = "a\u{1b}[31mb\u{9b}31mc\u{202e}d\u{200b}e";

fn harmless(output: &Output, what: &str) {
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    assert!(!said.is_empty(), "{what} says nothing");
    let bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}' | '\u{202e}');
    assert!(!said.contains(bad), "{what}: {said:?}");
    assert!(!said.contains("panicked"), "{what}: {said}");
}

#[test]
fn nothing_from_a_file_or_an_argument_commands_the_terminal() {
    let folder = workshop();
    let path = |name: &str| folder.path().join(name);
    let labels = serde_json::to_string(&[EVIL, &format!("{EVIL} 2"), &format!("{EVIL} 3")]).unwrap();
    fs::write(path("evil.onnx"), small(&labels)).unwrap();
    let photo = format!("{EVIL}.png");
    fs::copy(path("a.png"), path(&photo)).unwrap();
    fs::write(path("labels.txt"), format!("{EVIL}\n{EVIL} 2\n")).unwrap();
    let bad_class = format!("--class={EVIL}");
    let chapter =
        format!("title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"net.onnx\"\n\"{}\" = 1\n", "a\\u001b[31m\\u202e");
    fs::write(path("evil.toml"), chapter).unwrap();
    let calls: [&[&str]; 9] = [
        &["explain", "evil.onnx", &photo, "--out", EVIL],
        &["explain", "evil.onnx", &photo, "--out", "out", "--class", "lion"],
        &["explain", "net.onnx", &photo, "--out", "out", &bad_class],
        &["explain", "net.onnx", "a.png", "--out", "out", "--labels", "labels.txt"],
        &["explain", EVIL, "a.png"],
        &["explain", "net.onnx", EVIL],
        &["report", "evil.toml"],
        &["inspect", "net.onnx", EVIL],
        &[EVIL],
    ];
    for arguments in calls {
        harmless(&convscope(folder.path(), arguments), &format!("{arguments:?}"));
    }
    for arguments in [&["inspect", "evil.onnx"][..], &["inspect", "--json", "evil.onnx"]] {
        let output = convscope(folder.path(), arguments);
        assert!(output.status.success());
        harmless(&output, &format!("{arguments:?}"));
    }
    let page = fs::read_to_string(path(EVIL).join("chapter.html")).unwrap();
    let markdown = fs::read_to_string(path(EVIL).join("chapter.md")).unwrap();
    for text in [page, markdown] {
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}']), "titles and alternative texts are clean");
        assert!(text.contains("de.png"), "the name is there");
    }
}
