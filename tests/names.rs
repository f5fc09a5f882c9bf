//! Names that would be the same on the page: every part has an id of its own, and what is named twice is shown once.

use crate::fixture::Fixture;
use crate::support::{convscope, message, workshop};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Runs a command that must make a page in `out`, whose ids are all different and whose links lead somewhere; the page's Markdown.
fn page(folder: &Path, arguments: &[&str]) -> String {
    let output = convscope(folder, &[arguments, &["--quiet", "--out", "out"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", message(&output));
    let html = scraper::Html::parse_document(&fs::read_to_string(folder.join("out/chapter.html")).unwrap());
    let select = |selector: &str| scraper::Selector::parse(selector).unwrap();
    let ids: Vec<&str> = html.select(&select("[id]")).filter_map(|element| element.value().id()).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{arguments:?}: an id is there twice");
    for link in html.select(&select("a[href^='#']")) {
        let target = link.value().attr("href").unwrap_or_default().trim_start_matches('#');
        assert!(unique.contains(target), "{arguments:?}: #{target} leads nowhere");
    }
    fs::read_to_string(folder.join("out/chapter.md")).unwrap()
}

#[test]
fn a_network_may_have_any_name() {
    let folder = workshop();
    let names = [
        "main",
        "top",
        "trust",
        "making",
        "networks",
        "inferences",
        "contents",
        "reading",
        "further-findings",
        "view-x",
    ];
    for name in names {
        let file = format!("{name}.onnx");
        fs::copy(folder.path().join("net.onnx"), folder.path().join(&file)).unwrap();
        page(folder.path(), &["explain", &file, "a.png"]);
    }
    page(folder.path(), &["filters", "main.onnx", "--steps", "2"]);
    // Two networks whose parts' names run into each other.
    let section = |model: &str| {
        format!(
            "[[section]]\ntitle = \"S\"\nmodel = \"{model}.onnx\"\nfilters = []\n[[section.input]]\nimage = \"a.png\"\n"
        )
    };
    let text: String = ["main", "main-2", "main", "main-input-1"].map(section).concat();
    for name in ["main-2", "main-input-1"] {
        fs::copy(folder.path().join("net.onnx"), folder.path().join(format!("{name}.onnx"))).unwrap();
    }
    fs::write(folder.path().join("chapter.toml"), format!("title = \"T\"\n{text}")).unwrap();
    page(folder.path(), &["report", "--quick"]);
}

#[test]
fn layers_may_differ_in_case_or_punctuation_alone() {
    let folder = workshop();
    let mut fixture = Fixture::new("x", &[1, 3, 12, 12]);
    fixture.conv("x", "Conv/a", [2, 3, 3, 3], vec![]).conv("Conv/a", "conv/a", [2, 2, 3, 3], vec![]);
    fixture.conv("conv/a", "conv.a", [2, 2, 3, 3], vec![]);
    fixture.node("GlobalAveragePool", &["conv.a"], "pool", vec![]).node("Flatten", &["pool"], "flat", vec![]);
    fixture.dense("flat", "y", 2, 3).output("y");
    fs::write(folder.path().join("case.onnx"), fixture.bytes()).unwrap();
    let markdown = page(folder.path(), &["explain", "case.onnx", "a.png", "--raw"]);
    assert_eq!(markdown.matches("Activations of a.png, layer by layer").count(), 1, "{markdown}");
    let markdown = page(folder.path(), &["filters", "case.onnx", "--steps", "2", "--raw"]);
    for layer in ["Conv/a", "conv/a", "conv.a"] {
        assert!(markdown.contains(&format!("Convolutional Filters ({layer})")), "{markdown}");
    }
    assert_eq!(fs::read_dir(folder.path().join("out/raw")).unwrap().count(), 3, "no array hides another");
}

#[test]
fn what_is_named_twice_is_shown_once() {
    let folder = workshop();
    for (key, names, heading) in [
        ("activations", r#"["conv1", "conv1", "conv1"]"#, None),
        ("filters", r#"["conv1", "conv1"]"#, Some("Convolutional Filters (conv1)")),
    ] {
        let text = |names: &str| {
            format!(
                "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"net.onnx\"\n{}\n{key} = {names}\n[[section.input]]\nimage = \"a.png\"\n",
                if key == "filters" { "activations = []" } else { "filters = []" }
            )
        };
        fs::write(folder.path().join("chapter.toml"), text(names)).unwrap();
        let twice = page(folder.path(), &["report", "--quick"]);
        fs::write(folder.path().join("chapter.toml"), text(r#"["conv1"]"#)).unwrap();
        let once = page(folder.path(), &["report", "--quick"]);
        let without_hash =
            |text: &str| text.lines().filter(|line| !line.contains("SHA-256")).collect::<Vec<_>>().join("\n");
        assert_eq!(without_hash(&twice), without_hash(&once));
        heading.into_iter().for_each(|heading| assert_eq!(twice.matches(heading).count(), 2, "heading and contents"));
    }
}
