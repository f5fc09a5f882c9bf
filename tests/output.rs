//! The output folder as a user meets it: only convscope's own files are replaced or removed, what cannot be written is said before
//! any work, and a run that is killed or interrupted leaves a page that is whole, or none.

use crate::support::{convscope, message, workshop};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn explain(folder: &Path, arguments: &[&str]) -> Output {
    convscope(folder, &[&["explain", "net.onnx", "--quiet"], arguments].concat())
}

fn explained(folder: &Path, arguments: &[&str]) {
    let output = explain(folder, arguments);
    assert!(output.status.success(), "{}", message(&output));
}

/// Every file below a folder that can be read, links followed, by its path; hidden ones left out.
fn seen(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            found.extend(seen(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else if let Ok(bytes) = fs::read(&path) {
            found.insert(name, bytes);
        }
    }
    found
}

fn refused(output: &Output, wanted: &[&str]) {
    let text = message(output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    wanted.iter().for_each(|part| assert!(text.contains(part), "{part} is missing from: {text}"));
}

#[test]
fn folders_that_convscope_did_not_make_are_never_touched() {
    let folder = workshop();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("raw")).unwrap();
    fs::copy(path("a.png"), path("raw/a.png")).unwrap();
    let before = seen(folder.path());
    refused(
        &explain(folder.path(), &["raw", "--raw", "--out", "."]),
        &["raw: holds a.png, which convscope did not write"],
    );
    fs::create_dir(path("chapter")).unwrap();
    fs::write(path("chapter/thesis.tex"), "years of work").unwrap();
    refused(&explain(folder.path(), &["a.png", "--out", "."]), &["chapter: holds thesis.tex", "choose another --out"]);
    fs::remove_dir_all(path("chapter")).unwrap();
    assert_eq!(seen(folder.path()), before);
    explained(folder.path(), &["a.png", "--out", "."]);
    assert!(before.iter().all(|(name, bytes)| seen(folder.path()).get(name) == Some(bytes)), "the rest is as before");

    fs::create_dir(path("digits")).unwrap();
    fs::write(path("digits/labels-idx1-ubyte"), "mine").unwrap();
    let arguments = ["dataset", "digit", "--per-class", "1", "--seed", "1", "--out", "digits"];
    refused(&convscope(folder.path(), &arguments), &["digits/labels-idx1-ubyte: was not written by convscope"]);
    assert_eq!(fs::read_to_string(path("digits/labels-idx1-ubyte")).unwrap(), "mine");
}

#[test]
fn the_list_says_what_was_written_and_what_a_later_run_may_remove() {
    let folder = workshop();
    let out = folder.path().join("out");
    explained(folder.path(), &["a.png", "b.png", "--raw", "--out", "out"]);
    let list = |out: &Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(out.join("convscope-files.json")).unwrap()).unwrap()
    };
    let mut found = seen(&out);
    found.remove("convscope-files.json");
    let first = list(&out);
    assert_eq!(first["program"], "convscope");
    assert_eq!(first["version"], env!("CARGO_PKG_VERSION"));
    let listed = first["files"].as_object().unwrap();
    assert_eq!(listed.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (name, bytes) in &found {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(listed[name]["sha256"], hash.as_str(), "{name}");
        assert_eq!(listed[name]["bytes"], bytes.len(), "{name}");
    }
    assert!(found.keys().any(|name| name.starts_with("raw/")) && found.contains_key("images.jsonl"));

    fs::write(out.join("notes.txt"), "mine").unwrap();
    fs::write(out.join("raw/notes.txt"), "mine too").unwrap();
    let filters = ["filters", "net.onnx", "--steps", "2", "--quiet", "--out", "out"];
    assert!(convscope(folder.path(), &filters).status.success());
    let left = seen(&out);
    assert!(!left.contains_key("images.jsonl"));
    let raw: Vec<&String> = left.keys().filter(|name| name.starts_with("raw/")).collect();
    assert_eq!(raw, ["raw/notes.txt"]);
    assert_eq!(left["notes.txt"], b"mine");
    fs::remove_file(out.join("raw/notes.txt")).unwrap();

    fs::write(out.join("chapter.md"), "my own words").unwrap();
    refused(&convscope(folder.path(), &filters), &["out/chapter.md: was changed after convscope wrote it"]);
    assert_eq!(fs::read(out.join("chapter.md")).unwrap(), b"my own words");
}

#[test]
fn a_page_without_a_list_is_refused_with_a_remedy() {
    let folder = workshop();
    explained(folder.path(), &["a.png", "--out", "out"]);
    fs::remove_file(folder.path().join("out/convscope-files.json")).unwrap();
    let before = seen(folder.path());
    let output = explain(folder.path(), &["a.png", "--out", "out"]);
    refused(&output, &["out/chapter.html: was not written", "There is no convscope-files.json", "delete it"]);
    assert_eq!(seen(folder.path()), before);
}

/// Whatever else is wrong, here a network that is not there, the output is looked at first.
#[test]
fn the_output_is_tested_before_any_work() {
    let folder = workshop();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "kept").unwrap();
    for command in [&["explain", "none.onnx", "a.png"][..], &["filters", "none.onnx"]] {
        let to = |out: &str| convscope(folder.path(), &[command, &["--out", out]].concat());
        refused(&to("file"), &["file: is no folder"]);
        refused(&to("file/out"), &["file: is no folder"]);
        #[cfg(unix)]
        {
            let _ = std::os::unix::fs::symlink("nowhere", path("link"));
            refused(&to("link"), &["link: is a link that leads nowhere"]);
            // Nobody, not even root, may make a folder there.
            let output = to("/proc/convscope");
            assert_eq!(output.status.code(), Some(1), "{}", message(&output));
            assert!(message(&output).contains("/proc/convscope: cannot be written"), "{}", message(&output));
        }
        refused(&to("new/folder"), &["none.onnx"]);
        assert!(!path("new").exists(), "a refused run leaves no folder behind");
    }
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "kept");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_with_the_path_of_the_output() {
    let folder = workshop();
    explained(folder.path(), &["a.png", "--out", "out"]);
    let before = seen(folder.path());
    // No file may be longer than so many blocks of 512 bytes: the next write fails, as on a full disk.
    for blocks in [0, 1, 4, 16, 40] {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" explain net.onnx b.png -q --out out");
        let output = crate::support::shell(folder.path(), &line);
        let text = message(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("cannot be written: ") && !text.contains(".convscope"), "{text}");
        assert!(blocks == 0 || text.contains("out/"), "{text}");
        assert_eq!(seen(folder.path()), before, "the last page stays");
        assert!(!folder.path().join("out/.convscope").exists(), "nothing else does");
    }
}

/// Starts a command that writes to `out`, waits for a moment of it, and ends it with a signal; its exit code.
#[cfg(unix)]
fn killed(folder: &Path, arguments: &[&str], moment: &str, delay: Duration, signal: &str) -> Option<i32> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_convscope"))
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let moment = folder.join("out/.convscope").join(moment);
    while !moment.exists() && child.try_wait().unwrap().is_none() {}
    let end = Instant::now() + delay;
    while Instant::now() < end {}
    Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_the_page_is_the_old_or_the_new_one() {
    let folder = workshop();
    let out = folder.path().join("out");
    explained(folder.path(), &["b.png", "--raw", "--out", "out"]);
    let new = seen(&out);
    fs::remove_dir_all(&out).unwrap();
    explained(folder.path(), &["a.png", "b.png", "--out", "out"]);
    let old = seen(&out);
    assert!(old != new);
    let mut states = [0, 0];
    for (attempt, delay) in (0..24).map(|i| (i, Duration::from_micros(60 * i))) {
        // The folder of the new files is there from the beginning, that of the old ones while the page is published.
        let moment = if attempt % 4 == 0 { "new" } else { "old" };
        let arguments = ["explain", "net.onnx", "b.png", "--raw", "--out", "out"];
        let code = killed(folder.path(), &arguments, moment, delay, "-KILL");
        let found = seen(&out);
        assert!(found == old || found == new, "after {delay:?} ({code:?}): {:?}", found.keys());
        states[usize::from(found == new)] += 1;
        // The next run tidies up, whatever it does itself.
        explained(folder.path(), &["a.png", "b.png", "--out", "out"]);
        assert_eq!(seen(&out), old);
        assert!(!out.join(".convscope").exists());
        let links = seen(&out).keys().filter(|name| out.join(name).is_symlink()).count();
        assert_eq!(links, 0);
    }
    println!("killed {} times before the change and {} after", states[0], states[1]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_tidies_up() {
    let folder = workshop();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let minutes = ["filters", "net.onnx", "--steps", "100000", "--out", "out"];
        let ended = killed(folder.path(), &minutes, "new", Duration::from_millis(20), signal);
        assert_eq!(ended, Some(code), "{signal}");
        assert!(!folder.path().join("out").exists(), "{signal} leaves {:?}", seen(folder.path()).keys());
    }
}
