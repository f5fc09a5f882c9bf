//! Class labels: a file's, else the model's metadata, else class numbers.

use crate::config::read_text;
use crate::error::{Error, Result};
use crate::model::{Head, Network};
use std::collections::BTreeMap;
use std::path::Path;

/// The labels of each head: the file's where it has as many as the head has classes, else the metadata's, else none.
///
/// # Errors
/// A file that cannot be read, or that fits no head.
pub fn of_heads(network: &Network, file: Option<&Path>) -> Result<Vec<Option<Vec<String>>>> {
    let heads = network.heads();
    let Some(path) = file else { return Ok(heads.iter().map(|head| head.labels.clone()).collect()) };
    let labels = read(path)?;
    let fits =
        |head: &Head| head.classes.is_none_or(|classes| classes == labels.len() || (classes == 1 && labels.len() == 2));
    if !heads.iter().any(fits) {
        let classes: Vec<String> =
            heads.iter().map(|head| head.classes.map_or("any number of".into(), |n| n.to_string())).collect();
        return Err(Error::input(format!(
            "{}: holds {} labels; {} has {} classes",
            path.display(),
            labels.len(),
            network.name(),
            classes.join(", ")
        )));
    }
    Ok(heads.iter().map(|head| if fits(head) { Some(labels.clone()) } else { head.labels.clone() }).collect())
}

/// A class's label, or its number where there are no labels.
pub fn label(labels: Option<&[String]>, class: usize) -> String {
    labels.and_then(|labels| labels.get(class)).cloned().unwrap_or_else(|| format!("class {class}"))
}

/// Labels from a file with one a line, a JSON list, or a JSON map from class number to label (or to a list whose last entry is the label).
///
/// # Errors
/// A file that cannot be read or holds no labels.
pub fn read(path: &Path) -> Result<Vec<String>> {
    parse(&read_text(path)?).map_err(|problem| Error::input(format!("{}: {problem}", path.display())))
}

fn parse(text: &str) -> std::result::Result<Vec<String>, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err("holds no labels".into());
    }
    if !trimmed.starts_with(['[', '{']) {
        return Ok(trimmed.lines().map(|line| line.trim().to_string()).collect());
    }
    match serde_json::from_str(trimmed) {
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

fn word(value: &serde_json::Value) -> std::result::Result<String, String> {
    match value {
        serde_json::Value::String(text) => Ok(text.clone()),
        serde_json::Value::Array(parts) => parts.last().map_or_else(|| Err("holds an empty list".into()), word),
        other => Err(format!("holds {other} where a label should be")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

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
