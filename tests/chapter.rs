//! The bundled chapter as a whole: its files, its headings, and that its bytes depend on nothing but its inputs.

use crate::support::{convscope, message, network, repository};
use std::fs;
use std::path::Path;

/// Makes a chapter and returns its folder's files, by name.
fn made(folder: &Path, chapter: &Path, options: &[&str]) -> Vec<(String, Vec<u8>)> {
    let out = folder.join("out");
    let arguments =
        [&["report", chapter.to_str().unwrap(), "--out", out.to_str().unwrap(), "--quiet"], options].concat();
    let output = convscope(&repository(""), &arguments);
    assert!(output.status.success(), "{}", message(&output));
    assert_eq!(message(&output), "", "--quiet is quiet");
    let mut files = Vec::new();
    for entry in fs::read_dir(&out).unwrap().chain(fs::read_dir(out.join("chapter")).unwrap()) {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.strip_prefix(&out).unwrap().display().to_string(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

fn file<'a>(files: &'a [(String, Vec<u8>)], name: &str) -> &'a str {
    let (_, bytes) = files.iter().find(|(file, _)| file == name).unwrap_or_else(|| panic!("{name} is missing"));
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_bundled_chapter_is_the_same_for_any_number_of_threads() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let chapter = repository("chapter.toml");
    let first = made(one.path(), &chapter, &["--threads", "1", "--quick"]);
    let second = made(two.path(), &chapter, &["--threads", "2", "--quick"]);
    assert_eq!(first.len(), second.len());
    for ((name, a), (_, b)) in first.iter().zip(&second) {
        assert!(a == b, "{name} differs between one and two threads");
    }
    let markdown = file(&first, "chapter.md");
    let mut at = 0;
    for heading in [
        "Chapter 3 — Network Visualization",
        "Base model over Line data (96 classes)",
        "Input Image",
        "Intermediate Layer Activation",
        "Class Activation Heatmap",
        "Base model over MNIST data (10 classes)",
        "Question 2 - Variation 1 model",
        "Question 2 - Variation 2 model",
        "Question 2 - Variation 3 model",
        "Deep model on Line dataset (96 classes)",
    ] {
        let found = markdown[at..].find(heading).unwrap_or_else(|| panic!("{heading} is missing or out of order"));
        at += found + heading.len();
    }
    let json: serde_json::Value = serde_json::from_str(file(&first, "chapter.json")).unwrap();
    assert_eq!(json["sections"].as_array().unwrap().len(), 6);
    assert_eq!(crate::verdicts::all_follow(&json, markdown), 15);
    let html = file(&first, "chapter.html");
    for total in ["4,069,216", "3,977,930", "497,558", "193,256", "58,914", "4,911,776"] {
        assert!(html.contains(total) && markdown.contains(total), "{total}");
    }
    let repository = repository("").display().to_string();
    for (name, bytes) in &first {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(repository.trim_end_matches('/')), "{name} holds a path of this machine");
    }
}

#[test]
fn an_unreadable_photograph_becomes_a_line_and_the_rest_is_made() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text.png"), "no picture").unwrap();
    let model = network("variation-3");
    let text = format!(
        "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = {:?}\n[[section.input]]\nimage = \"text.png\"\n\
         [[section.input]]\nline = {{ length = 7, width = 1, color = \"red\", angle = 0 }}\n",
        model.to_str().unwrap()
    );
    let chapter = folder.path().join("chapter.toml");
    fs::write(&chapter, text).unwrap();
    let files = made(folder.path(), &chapter, &["--quick"]);
    let markdown = file(&files, "chapter.md");
    assert!(markdown.contains("text.png") && markdown.contains("Left out"), "{markdown}");
    assert_eq!(markdown.matches("as the network sees it").count(), 1, "{markdown}");
}

/// A chapter of somebody else's: two networks on the same photographs, whose objects are marked.
#[test]
fn networks_on_the_same_photographs_are_compared_and_claims_counted_from_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "title = \"Mine\"\n".to_string();
    for (model, title) in [("variation-2", "First"), ("variation-3", "Second")] {
        let mine = format!("{title}.onnx");
        fs::copy(network(model), folder.path().join(&mine)).unwrap();
        text.push_str(&format!("[[section]]\ntitle = {title:?}\nmodel = {mine:?}\n"));
        for i in 0..3u32 {
            let name = format!("{i}.png");
            let picture = image::RgbImage::from_fn(28, 28, |x, y| {
                image::Rgb(if x == 8 + i && (6..20).contains(&y) { [255, 0, 0] } else { [0; 3] })
            });
            picture.save(folder.path().join(&name)).unwrap();
            let left = 8 + i;
            text.push_str(&format!("[[section.input]]\nimage = {name:?}\nbox = [{left}, 6, 1, 14]\n"));
        }
    }
    let chapter = folder.path().join("chapter.toml");
    fs::write(&chapter, text).unwrap();
    let files = made(folder.path(), &chapter, &["--quick"]);
    let (markdown, json) = (file(&files, "chapter.md"), file(&files, "chapter.json"));
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let claims = crate::verdicts::all_follow(&json, markdown);
    let items = json["inferences"]["items"].as_array().unwrap();
    let numbers: Vec<u64> = items.iter().map(|item| item["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=claims as u64).collect::<Vec<_>>(), "all in one list, counted from 1");
    let compared = items.iter().find(|item| item["data"]["topic"] == "comparison").expect("the two are compared");
    assert_eq!(compared["statement"], "First's heatmaps are better than those of Second on the same images.");
    // Three photographs decide nothing.
    assert_eq!((&compared["verdict"], &compared["data"]["deciding"][0]["n"]), (&"undecided".into(), &3.into()));
    assert!(markdown.contains("First and Second: 3 photographs for maps and activations"), "{markdown}");
}

#[test]
fn a_failed_run_leaves_the_last_chapter_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let model = network("variation-3");
    let good = format!(
        "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = {:?}\n[[section.input]]\ndigit = 3\n",
        model.to_str().unwrap()
    );
    let chapter = folder.path().join("chapter.toml");
    fs::write(&chapter, &good).unwrap();
    let before = made(folder.path(), &chapter, &["--quick"]);
    fs::write(&chapter, good.replace("digit = 3", "digit = 33")).unwrap();
    let out = folder.path().join("out");
    let output = convscope(folder.path(), &["report", "chapter.toml", "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(out.join("chapter.md")).unwrap(), file(&before, "chapter.md").as_bytes());
}
