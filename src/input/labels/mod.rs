//! Class labels: a file's, else the model's metadata, else class numbers.

mod find;
mod parse;
mod text;

pub use find::{ClassMatch, class_of};

use crate::error::{Error, Result};
use crate::file;
use crate::model::{Head, Meaning, Network};
use parse::{KEYS, parse};
use std::path::Path;

/// The labels of a network's heads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeadLabels {
    /// Those of each head, where known, a label a class.
    pub by_head: Vec<Option<Vec<String>>>,
    /// Where labels may be found that were not asked for.
    pub offer: Option<String>,
}

/// The labels of each head: the file's where it has as many as the head has classes, else those of the model's metadata, of a
/// `config.json` beside it, or none.
///
/// # Errors
/// A file that cannot be read, or that fits no head.
pub fn of_heads(network: &Network, file: Option<&Path>) -> Result<HeadLabels> {
    let heads = network.heads();
    let own =
        |head: &Head| head.labels.clone().or_else(|| in_files(network).into_iter().find(|labels| fits(head, labels)));
    let Some(path) = file else {
        let by_head: Vec<Option<Vec<String>>> = heads.iter().map(own).collect();
        let nameless = heads.iter().zip(&by_head).filter(|(head, labels)| head.names_classes() && labels.is_none());
        return Ok(HeadLabels { offer: nameless.map(|(head, _)| head).find_map(|head| offer(network, head)), by_head });
    };
    let labels = of_one_unit(heads, read(path)?);
    if !heads.iter().any(|head| fits(head, &labels)) {
        return Err(Error::Labels { path: path.to_path_buf(), problem: misfit(network, &labels) });
    }
    let of = |head: &Head| if fits(head, &labels) { Some(labels.clone()) } else { own(head) };
    Ok(HeadLabels { by_head: heads.iter().map(of).collect(), offer: None })
}

/// The label of a network's only unit, a sigmoid, with the name of its opposite before it.
fn of_one_unit(heads: &[Head], labels: Vec<String>) -> Vec<String> {
    match (labels.as_slice(), heads) {
        ([label], [head]) if head.names_classes() && head.classes == Some(1) => {
            vec![format!("not {label}"), label.clone()]
        }
        _ => labels,
    }
}

/// The files beside a model that hold labels by their names.
const BESIDE: [&str; 8] = [
    "labels.txt",
    "classes.txt",
    "synset.txt",
    "synset_words.txt",
    "imagenet_classes.txt",
    "class_names.txt",
    "labels.json",
    "data.yaml",
];

/// A file beside the model with as many labels as a head has classes, as a sentence.
fn offer(network: &Network, head: &Head) -> Option<String> {
    let folder = network.file().parent().unwrap_or(Path::new(""));
    let classes = head.choices()?;
    let file = BESIDE.into_iter().find(|file| {
        let path = folder.join(file);
        path.is_file() && read(&path).is_ok_and(|labels| labels.len() == classes)
    })?;
    Some(format!(
        "no labels were given; {file} beside the model holds {classes}, as many as it has classes (--labels, or the chapter's key `labels`)"
    ))
}

fn fits(head: &Head, labels: &[String]) -> bool {
    head.choices().is_none_or(|classes| classes == labels.len())
}

/// Words that head a column of labels rather than being one.
const HEADINGS: [&str; 6] = ["name", "names", "label", "labels", "class", "classes"];

/// Why labels fit no head, and what to do.
fn misfit(network: &Network, labels: &[String]) -> String {
    let counts: Vec<usize> = network.heads().iter().filter_map(Head::choices).collect();
    let words: Vec<String> = counts.iter().map(usize::to_string).collect();
    let background =
        |label: &String| matches!(label.to_lowercase().as_str(), "background" | "__background__" | "dummy");
    let first = labels.first().filter(|label| background(label));
    let advice = match first {
        Some(first) if counts.contains(&(labels.len() - 1)) => {
            format!("; the network has no background class, so take the first line, `{first}`, away")
        }
        None if labels.first().is_some_and(|first| HEADINGS.contains(&first.to_lowercase().as_str()))
            && counts.contains(&(labels.len() - 1)) =>
        {
            format!("; the first line, `{}`, looks like a heading: take it away", labels[0])
        }
        None if counts.contains(&(labels.len() + 1)) => {
            "; the network probably counts a background class first, so put a line `background` before the others"
                .into()
        }
        _ => "; a file of labels has one line for each class, in the classes' order".into(),
    };
    format!("holds {} labels, but {} has {} classes{advice}", labels.len(), network.name(), words.join(", "))
}

/// The lists of labels in a model's files: in its metadata, then in a `config.json` beside it.
fn in_files(network: &Network) -> Vec<Vec<String>> {
    let metadata = network.metadata();
    let texts = KEYS.iter().filter_map(|key| metadata.get(*key));
    let mut found: Vec<Vec<String>> = texts.flat_map(|text| [parse(text).ok(), separated(text)]).flatten().collect();
    let beside = network.file().parent().unwrap_or(Path::new("")).join("config.json");
    let config = file::text(&beside, file::LARGEST_TEXT).ok().and_then(|text| serde_json::from_str(&text).ok());
    if let Some(serde_json::Value::Object(config)) = config {
        let entries = KEYS.iter().filter_map(|key| config.get(*key));
        found.extend(entries.filter_map(|entry| parse(&entry.to_string()).ok()));
    }
    found
}

/// Labels on one line, apart by commas, else by blanks (where a label's own blanks became underscores).
fn separated(text: &str) -> Option<Vec<String>> {
    let by = if text.contains([',', ';']) { &[',', ';'][..] } else { &[' '][..] };
    let labels: Vec<String> = text.split(by).map(|label| label.trim().to_string()).collect();
    (labels.len() > 1 && labels.iter().all(|label| !label.is_empty())).then_some(labels)
}

/// A class's label, with its number where another class has the same; its number alone where there are no labels.
pub fn label(labels: Option<&[String]>, class: usize) -> String {
    let labels = labels.unwrap_or_default();
    match labels.get(class) {
        None => format!("class {class}"),
        Some(label) if labels.iter().filter(|other| *other == label).count() > 1 => format!("{label} (class {class})"),
        Some(label) => label.clone(),
    }
}

/// What a head's unit stands for: a class by its label or number, or a value.
pub fn of(head: &Head, labels: Option<&[String]>, unit: usize) -> String {
    match (head.meaning, head.classes) {
        (Meaning::Classes, _) => label(labels, unit),
        (Meaning::Values, Some(1)) => "its value".into(),
        (Meaning::Values, _) => {
            labels.and_then(|labels| labels.get(unit)).cloned().unwrap_or_else(|| format!("value {unit}"))
        }
    }
}

/// The labels of a file, see [`parse`]; its text may be in UTF-8, UTF-16 or Latin-1.
///
/// # Errors
/// A file that cannot be read or holds no labels: what was found and what is expected.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let labels = text::text(&file::bytes(path, file::LARGEST_TEXT)?).and_then(|text| parse(&text));
    labels.map_err(|problem| Error::Labels { path: path.to_path_buf(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::Fixture;

    /// A network of so many classes with metadata.
    fn network(classes: i64, metadata: &[(&str, &str)]) -> Network {
        let mut fixture = Fixture::new("x", &[1, 1, 4, 4]);
        fixture.conv("x", "c", [2, 1, 3, 3], vec![]).node("GlobalAveragePool", &["c"], "p", vec![]);
        fixture.node("Flatten", &["p"], "f", vec![]).dense("f", "y", 2, classes);
        for (key, text) in metadata {
            fixture.metadata(key, text);
        }
        fixture.output("y").load()
    }

    #[test]
    fn metadata_of_every_dialect_gives_labels() {
        let wanted = vec!["tench".to_string(), "jack-o'-lantern".into(), "hen".into()];
        for (key, text) in [
            ("names", r#"{0: 'tench', 1: "jack-o'-lantern", 2: 'hen'}"#),
            ("id2label", r#"{"0": "tench", "1": "jack-o'-lantern", "2": "hen"}"#),
            ("labels", r#"["tench", "jack-o'-lantern", "hen"]"#),
            ("classes", "tench, jack-o'-lantern,hen"),
            ("classes", "tench\njack-o'-lantern\nhen\n"),
            ("model_info labels", "tench jack-o'-lantern hen"),
            ("labels.y", r#"["tench", "jack-o'-lantern", "hen"]"#),
        ] {
            assert_eq!(
                of_heads(&network(3, &[(key, text)]), None).unwrap().by_head,
                [Some(wanted.clone())],
                "{key} {text}"
            );
        }
        assert_eq!(
            of_heads(&network(3, &[("labels", "a, b")]), None).unwrap().by_head,
            [None],
            "too few are no labels"
        );
        assert_eq!(of_heads(&network(3, &[("names", "{0: 'a', 1: 'b")]), None).unwrap().by_head, [None]);
    }

    #[test]
    fn a_file_beside_a_background_class_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("labels.txt");
        let refused = |text: &str| {
            std::fs::write(&file, text).unwrap();
            of_heads(&network(3, &[]), Some(&file)).unwrap_err().to_string()
        };
        assert!(
            refused("background\na\nb\nc\n").contains("holds 4 labels, but fixture has 3 classes; the network has no")
        );
        assert!(refused("a\nb\n").ends_with("so put a line `background` before the others"));
        assert!(refused("a\n").ends_with("in the classes' order"));
        assert!(refused("name\na\nb\nc").ends_with("the first line, `name`, looks like a heading: take it away"));
    }

    #[test]
    fn labels_beside_the_model_are_offered_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("net.onnx");
        let mut fixture = Fixture::new("x", &[1, 1, 4, 4]);
        fixture.conv("x", "c", [2, 1, 3, 3], vec![]).node("GlobalAveragePool", &["c"], "p", vec![]);
        fixture.node("Flatten", &["p"], "f", vec![]).dense("f", "y", 2, 3).output("y");
        std::fs::write(&file, fixture.bytes()).unwrap();
        let network = Network::load(&file).unwrap();
        std::fs::write(folder.path().join("labels.txt"), "a\nb").unwrap();
        assert_eq!(of_heads(&network, None).unwrap().offer, None, "two labels are none for three classes");
        std::fs::write(folder.path().join("data.yaml"), "names: [a, b, c]").unwrap();
        let offer = of_heads(&network, None).unwrap().offer.unwrap();
        assert!(offer.starts_with("no labels were given; data.yaml beside the model holds 3"), "{offer}");
        let given = of_heads(&network, Some(&folder.path().join("data.yaml"))).unwrap();
        assert_eq!((given.by_head[0].as_ref().unwrap().len(), given.offer), (3, None));
    }

    #[test]
    fn classes_of_one_label_are_told_apart_by_their_numbers() {
        let labels = ["crane".to_string(), "hen".into(), "crane".into()];
        assert_eq!(
            [0, 1, 2, 3].map(|class| label(Some(&labels), class)),
            ["crane (class 0)", "hen", "crane (class 2)", "class 3"]
        );
    }
}
