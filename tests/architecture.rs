//! The invariants of ARCHITECTURE.md, read from the sources: which room may know which, who touches files, how long a file may be.

use crate::support::repository;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms of the library, each of which may know those before it.
const ROOMS: [&str; 21] = [
    "error",
    "text",
    "file",
    "terminal",
    "output",
    "random",
    "progress",
    "tensor",
    "backprop",
    "finite_gradient",
    "model",
    "measure",
    "visualize",
    "figure",
    "config",
    "input",
    "explain",
    "study",
    "report",
    "chapter",
    "lib",
];

/// Files that may be longer than the others, and why.
const LONG: [(&str, &str); 2] = [
    ("chapter/filters/figures.rs", "five kinds of figures of the same ascents"),
    ("config/raw.rs", "every key of the chapter file beside its check"),
];
const MOST_LINES: usize = 300;

/// Rooms, and files of others, that read or write files.
const TOUCHES_FILES: [&str; 6] = ["config", "file", "input", "model/read", "output", "report"];

/// A source file: its path below src/, and its text without tests and comments.
struct Source {
    path: String,
    text: String,
}

/// Every file of the library that is no test.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&repository("src"), &repository("src"), &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 150, "only {} files", sources.len());
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let test = name.ends_with("tests") || name.ends_with("tests.rs") || name == "model/fixture.rs";
        let program = name == "cli" || name == "main.rs";
        if test || program {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, sources);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            // What follows is the file's tests; a room's `mod tests;` stands among its other modules.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let text = code.lines().filter(is_code).collect::<Vec<_>>().join("\n");
            sources.push(Source { path: name, text });
        }
    }
}

/// The paths `crate::a::b` that a text names, as far as they are modules or items, braces opened.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches(':');
        match rest[end..].strip_prefix('{') {
            Some(list) => {
                let list = &list[..list.find("};").or(list.find('}')).unwrap_or(0)];
                let items = list.split(',').map(|item| item.trim().split([':', ' ', '{']).next().unwrap_or_default());
                let with = |item: &str| if path.is_empty() { item.to_string() } else { format!("{path}::{item}") };
                found.extend(items.filter(|item| !item.is_empty()).map(with));
            }
            None => _ = found.insert(path.to_string()),
        }
    }
    found
}

/// The room of a file or of a path of modules.
fn room(path: &str) -> &str {
    path.split(['/', ':']).next().unwrap_or_default().trim_end_matches(".rs")
}

#[test]
fn arrows_go_down_only() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut wrong = Vec::new();
    for source in sources() {
        let own = place(room(&source.path)).unwrap_or_else(|| panic!("{} has no place among the rooms", source.path));
        for import in imports(&source.text) {
            // A name that is no room is one of lib.rs's re-exports or macros.
            if place(room(&import)).is_none_or(|other| other > own) {
                wrong.push(format!("{} knows {import}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_in_a_circle() {
    let sources = sources();
    let files: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    // A room's mod.rs is its face: what it re-exports lies in the files that it names.
    let file_of = |import: &str| {
        let parts: Vec<&str> = import.split("::").collect();
        let paths = (1..=parts.len()).rev().map(|n| format!("{}.rs", parts[..n].join("/")));
        paths.into_iter().find(|path| files.contains(path.as_str()))
    };
    let arrows: BTreeMap<&str, BTreeSet<String>> = sources
        .iter()
        .filter(|source| !source.path.ends_with("mod.rs"))
        .map(|source| {
            let named = imports(&source.text).iter().filter_map(|import| file_of(import)).collect::<BTreeSet<_>>();
            (source.path.as_str(), named.into_iter().filter(|other| *other != source.path).collect())
        })
        .collect();
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 300, "the imports are not read");
    let reached = |start: &str| {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<&str> = arrows[start].iter().map(String::as_str).collect();
        while let Some(file) = waiting.pop() {
            if seen.insert(file.to_string()) {
                waiting.extend(arrows.get(file).into_iter().flatten().map(String::as_str));
            }
        }
        seen
    };
    let circles: Vec<&str> = arrows.keys().copied().filter(|file| reached(file).contains(*file)).collect();
    assert!(circles.is_empty(), "in a circle: {}", circles.join(", "));
}

#[test]
fn tract_is_named_in_the_model_alone() {
    for source in sources().iter().filter(|source| room(&source.path) != "model") {
        for word in ["tract_onnx", "tract_core", "tract_hir", "tract_onnx_opl"] {
            assert!(!source.text.contains(word), "{} names {word}", source.path);
        }
    }
}

#[test]
fn values_know_nothing_of_the_page() {
    for source in sources() {
        if ["explain", "study", "measure", "visualize"].contains(&room(&source.path)) {
            for import in imports(&source.text) {
                assert!(!["report", "chapter", "figure"].contains(&room(&import)), "{} knows {import}", source.path);
            }
        }
    }
}

#[test]
fn few_rooms_touch_files_and_none_the_clock() {
    for source in sources() {
        for word in ["Instant::now", "SystemTime"] {
            assert!(!source.text.contains(word), "{} reads the clock", source.path);
        }
        if TOUCHES_FILES.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for word in ["std::fs", "File::open", "File::create", "fs::read", "fs::write", "read_dir"] {
            assert!(!source.text.contains(word), "{} touches files: {word}", source.path);
        }
    }
}

#[test]
fn paths_begin_at_the_crate_and_files_are_short() {
    for source in sources() {
        assert!(!source.text.contains("super::super"), "{} climbs two rooms up", source.path);
        let lines = source.text.lines().count();
        let long = LONG.iter().any(|(path, _)| *path == source.path);
        assert!(lines <= MOST_LINES || long, "{} has {lines} lines of code", source.path);
    }
}

#[test]
fn imports_are_read_from_every_spelling() {
    let text =
        "use crate::a::b;\nuse crate::{c, d::e};\nuse crate::f::{g, h as i};\nlet x = crate::j::k(1); othercrate::l::m";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["a::b", "c", "d", "f::g", "f::h", "j::k"]);
}
