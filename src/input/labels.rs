//! Class labels: a file's, else the model's metadata, else class numbers.

use crate::config::read_text;
use crate::error::{Error, Result};
use crate::model::{Head, Meaning, Network};
use std::collections::BTreeMap;
use std::path::Path;

/// The labels of each head: the file's where it has as many as the head has classes, else those of the model's metadata, of a
/// `config.json` beside it, or none.
///
/// # Errors
/// A file that cannot be read, or that fits no head.
pub fn of_heads(network: &Network, file: Option<&Path>) -> Result<Vec<Option<Vec<String>>>> {
    let heads = network.heads();
    let own =
        |head: &Head| head.labels.clone().or_else(|| in_files(network).into_iter().find(|labels| fits(head, labels)));
    let Some(path) = file else { return Ok(heads.iter().map(own).collect()) };
    let labels = read(path)?;
    if !heads.iter().any(|head| fits(head, &labels)) {
        return Err(Error::input(format!("{}: {}", path.display(), misfit(network, &labels))));
    }
    Ok(heads.iter().map(|head| if fits(head, &labels) { Some(labels.clone()) } else { own(head) }).collect())
}

fn fits(head: &Head, labels: &[String]) -> bool {
    head.choices().is_none_or(|classes| classes == labels.len())
}

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
    const KEYS: [&str; 7] =
        ["labels", "names", "classes", "class_names", "label_names", "id2label", "model_info labels"];
    let metadata = network.metadata();
    let texts = KEYS.iter().filter_map(|key| metadata.get(*key));
    let mut found: Vec<Vec<String>> = texts.flat_map(|text| [parse(text).ok(), separated(text)]).flatten().collect();
    let beside = network.file().parent().unwrap_or(Path::new("")).join("config.json");
    let config = std::fs::read_to_string(beside).ok().and_then(|text| serde_json::from_str(&text).ok());
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

/// A class's label, or its number where there are no labels.
pub fn label(labels: Option<&[String]>, class: usize) -> String {
    labels.and_then(|labels| labels.get(class)).cloned().unwrap_or_else(|| format!("class {class}"))
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

/// The class that a label, the only one of several words for it (`tabby` of "tabby, tabby cat"), or a class number names.
pub fn class_of(text: &str, labels: Option<&[String]>, head: &Head) -> Option<usize> {
    let labels = labels.unwrap_or_default();
    let whole = labels.iter().position(|label| label.eq_ignore_ascii_case(text));
    let word = || {
        let has = |label: &String| label.split(',').any(|word| word.trim().eq_ignore_ascii_case(text));
        let mut classes = labels.iter().enumerate().filter(|(_, label)| has(label)).map(|(class, _)| class);
        classes.next().filter(|_| classes.next().is_none())
    };
    let number = || text.parse().ok().filter(|class| head.choices().is_none_or(|choices| *class < choices));
    whole.or_else(word).or_else(number)
}

/// Labels from a file with one a line, a JSON list, or a JSON map from class number to label (or to a list whose last entry is the
/// label). Numbers and WordNet ids before the labels are dropped where every line has them.
///
/// # Errors
/// A file that cannot be read or holds no labels.
pub fn read(path: &Path) -> Result<Vec<String>> {
    parse(&read_text(path)?).map_err(|problem| Error::input(format!("{}: {problem}", path.display())))
}

fn parse(text: &str) -> std::result::Result<Vec<String>, String> {
    let trimmed = text.trim().trim_start_matches('\u{feff}');
    if trimmed.is_empty() {
        return Err("holds no labels".into());
    }
    if !trimmed.starts_with(['[', '{']) {
        // What stands after an empty line is a remark.
        return Ok(without_numbers(trimmed.lines().map(str::trim).take_while(|line| !line.is_empty()).collect()));
    }
    let json = serde_json::from_str(trimmed).or_else(|cause| python(trimmed).ok_or(cause));
    match json {
        Ok(serde_json::Value::Array(labels)) => labels.iter().map(word).collect(),
        Ok(serde_json::Value::Object(entries)) => {
            let mut by_class = BTreeMap::new();
            for (class, label) in &entries {
                let class: usize = class.parse().map_err(|_| format!("`{class}` is no class number"))?;
                by_class.insert(class, word(label)?);
            }
            let wanted = 0..by_class.len();
            if let Some(missing) = wanted.clone().find(|class| !by_class.contains_key(class)) {
                return Err(format!("has {} entries but none for class {missing}", by_class.len()));
            }
            Ok(by_class.into_values().collect())
        }
        Ok(_) => Err("is neither a list nor a map".into()),
        Err(cause) => Err(format!("is no valid JSON: {cause}")),
    }
}

/// Lines without what stands before every label: its class's own number, or an id of WordNet such as n01440764.
fn without_numbers(lines: Vec<&str>) -> Vec<String> {
    let first = |line: &str| line.split([' ', '\t', ',', ':']).next().unwrap_or_default().to_string();
    let rest = |line: &str| line[first(line).len()..].trim_start_matches([' ', '\t', ',', ':']).to_string();
    let wordnet = |line: &str| {
        let id = first(line);
        id.len() == 9 && id.starts_with('n') && id[1..].chars().all(|c| c.is_ascii_digit())
    };
    let labelled = lines.iter().all(|line| !rest(line).is_empty());
    let counted = lines.iter().enumerate().all(|(number, line)| first(line) == number.to_string());
    if labelled && (counted || lines.iter().all(|line| wordnet(line))) {
        return lines.into_iter().map(rest).collect();
    }
    lines.into_iter().map(str::to_string).collect()
}

/// A dictionary or list as Python prints it, `{0: 'tench', 1: "jack-o'-lantern"}`, as JSON.
fn python(text: &str) -> Option<serde_json::Value> {
    let mut json = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            quote @ ('\'' | '"') => {
                let mut word = String::new();
                loop {
                    match characters.next()? {
                        '\\' => word.push(characters.next()?),
                        end if end == quote => break,
                        other => word.push(other),
                    }
                }
                json += &serde_json::Value::String(word).to_string();
            }
            // Keys are numbers, which JSON wants in quotes.
            digit if digit.is_ascii_digit() => {
                let mut number = digit.to_string();
                while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                    number.push(digit);
                }
                json += &format!("\"{number}\"");
            }
            other => json.push(other),
        }
    }
    serde_json::from_str(&json).ok()
}

fn word(value: &serde_json::Value) -> std::result::Result<String, String> {
    match value {
        serde_json::Value::String(text) => Ok(text.clone()),
        serde_json::Value::Array(parts) => parts.last().map_or_else(|| Err("holds an empty list".into()), word),
        other => Err(format!("holds {other} where a label should be")),
    }
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
            assert_eq!(of_heads(&network(3, &[(key, text)]), None).unwrap(), [Some(wanted.clone())], "{key} {text}");
        }
        assert_eq!(of_heads(&network(3, &[("labels", "a, b")]), None).unwrap(), [None], "too few are no labels");
        assert_eq!(of_heads(&network(3, &[("names", "{0: 'a', 1: 'b")]), None).unwrap(), [None]);
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
    }

    #[test]
    fn numbers_and_ids_before_labels_go() {
        assert_eq!(parse("0: cat\n1: dog, wolf").unwrap(), ["cat", "dog, wolf"]);
        assert_eq!(parse("n01440764 tench\nn01443537 goldfish").unwrap(), ["tench", "goldfish"]);
        assert_eq!(parse("cat\ndog\n\nand a remark\n").unwrap(), ["cat", "dog"]);
        assert_eq!(parse("0\n1\n2").unwrap(), ["0", "1", "2"]);
        assert_eq!(parse("1 cat\n3 dog").unwrap(), ["1 cat", "3 dog"]);
    }

    #[test]
    fn three_kinds_of_files_give_the_same_labels() {
        let wanted = Ok(vec!["cat".to_string(), "dog, wolf".to_string()]);
        assert_eq!(parse("cat\r\ndog, wolf\n"), wanted);
        assert_eq!(parse(r#"["cat", "dog, wolf"]"#), wanted);
        assert_eq!(parse(r#"{"1": ["n02", "dog, wolf"], "0": "cat"}"#), wanted);
    }

    #[test]
    fn what_is_no_list_of_labels_is_refused() {
        assert!(parse("  ").is_err());
        assert_eq!(parse(r#"{"0": "a", "2": "b"}"#), Err("has 2 entries but none for class 1".into()));
        assert!(parse(r#"{"x": "a"}"#).is_err());
        assert!(parse("[1, 2]").is_err());
        assert!(parse("[\"a\"").is_err());
    }
}
