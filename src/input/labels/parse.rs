//! The lists of labels that people have: lines, JSON, Python's dictionaries, YAML's `names`, and tables with a header.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The keys under which configurations and metadata hold labels.
pub const KEYS: [&str; 7] =
    ["labels", "names", "classes", "class_names", "label_names", "id2label", "model_info labels"];

/// What a file of labels may be.
const EXPECTED: &str = "a file of labels holds one label a line, a JSON list, {number: label} or {label: number}, YAML with `names:`, or a \
                        table with a header such as index,name";

/// The labels of a text, in the order of their classes. Numbers and WordNet ids before the labels are dropped where every line has
/// them.
///
/// # Errors
/// What was found, where it is no list of labels, and what is expected.
pub fn parse(text: &str) -> Result<Vec<String>, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(format!("holds no labels; {EXPECTED}"));
    }
    if trimmed.starts_with(['[', '{']) {
        let json = serde_json::from_str(trimmed).or_else(|cause| python(trimmed).ok_or(cause));
        return of_json(&json.map_err(|cause| format!("is no valid JSON ({cause}); {EXPECTED}"))?);
    }
    if let Some(names) = yaml(trimmed) {
        return names;
    }
    if let Some(labels) = table(trimmed) {
        return labels;
    }
    // What stands after an empty line is a remark.
    Ok(without_numbers(trimmed.lines().map(str::trim).take_while(|line| !line.is_empty()).collect()))
}

fn of_json(json: &Value) -> Result<Vec<String>, String> {
    match json {
        Value::Array(labels) if labels.is_empty() => Err(format!("holds an empty list; {EXPECTED}")),
        Value::Array(labels) => labels.iter().map(word).collect(),
        Value::Object(entries) => of_map(entries),
        _ => Err(format!("is neither a list nor a map; {EXPECTED}")),
    }
}

/// Labels from a map by class number or by label, or from a configuration that holds such a map or a list.
fn of_map(entries: &Map<String, Value>) -> Result<Vec<String>, String> {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<usize>().ok(),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    if let Some(labels) =
        KEYS.iter().find_map(|key| entries.get(*key)).filter(|value| value.is_array() || value.is_object())
    {
        return of_json(labels);
    }
    let by_number = entries.keys().all(|key| key.parse::<usize>().is_ok());
    if !by_number && entries.values().all(|value| number(value).is_some()) {
        let pairs = entries.iter().filter_map(|(label, class)| Some((number(class)?, label.clone())));
        return ordered(pairs.collect());
    }
    let pair = |(class, label): (&String, &Value)| {
        let class =
            class.parse().map_err(|_| format!("holds the key `{class}`, which is no class number; {EXPECTED}"))?;
        Ok((class, word(label)?))
    };
    ordered(entries.iter().map(pair).collect::<Result<_, String>>()?)
}

/// Labels by their classes' numbers, which go from 0 without a gap.
fn ordered(pairs: Vec<(usize, String)>) -> Result<Vec<String>, String> {
    let count = pairs.len();
    let by_class: BTreeMap<usize, String> = pairs.into_iter().collect();
    match (0..count).find(|class| !by_class.contains_key(class)) {
        Some(missing) => Err(format!("has {count} entries but none for class {missing}; classes count from 0")),
        None => Ok(by_class.into_values().collect()),
    }
}

fn word(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => parts.last().map_or_else(|| Err("holds an empty list".into()), word),
        other => Err(format!("holds {other} where a label should be; {EXPECTED}")),
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
fn python(text: &str) -> Option<Value> {
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
                json += &Value::String(word).to_string();
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

/// The labels under the key `names` of a YAML file, as Ultralytics' data sets have them: a list or a map, in a block or in brackets.
/// `None` for a text without that key.
fn yaml(text: &str) -> Option<Result<Vec<String>, String>> {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.trim_end() == "names:" || line.starts_with("names: "))?;
    let inline = uncommented(lines[at].strip_prefix("names:")?).trim();
    if inline.starts_with(['[', '{']) {
        let end = if inline.starts_with('[') { ']' } else { '}' };
        let rest = lines[at + 1..].iter().map(|line| uncommented(line));
        let whole: Vec<&str> = std::iter::once(inline).chain(rest).collect();
        let whole = whole.join(" ");
        let inner = whole[1..].split(end).next().unwrap_or_default();
        let parts = cells(inner, ',').into_iter().filter(|part| !part.is_empty());
        return Some(if end == ']' { Ok(parts.collect()) } else { pairs(parts) });
    }
    let block = lines[at + 1..].iter().map(|line| uncommented(line)).filter(|line| !line.trim().is_empty());
    let inside = |line: &&str| line.starts_with([' ', '\t', '-']);
    let block: Vec<&str> = block.take_while(inside).map(str::trim).collect();
    if block.is_empty() {
        return Some(Err(format!("has the key `names` with nothing under it; {EXPECTED}")));
    }
    let items: Option<Vec<String>> = block.iter().map(|line| Some(unquoted(line.strip_prefix("- ")?))).collect();
    Some(items.map_or_else(|| pairs(block.iter().map(|line| line.to_string())), Ok))
}

/// The labels of lines or parts such as `0: tench`.
fn pairs(parts: impl Iterator<Item = String>) -> Result<Vec<String>, String> {
    let pair = |part: String| {
        let pair = part
            .split_once(':')
            .and_then(|(class, label)| Some((unquoted(class).parse::<usize>().ok()?, unquoted(label))));
        pair.ok_or_else(|| format!("has `{part}` under the key `names` where `0: label` or `- label` should be"))
    };
    ordered(parts.map(pair).collect::<Result<_, _>>()?)
}

/// A line without its comment.
fn uncommented(line: &str) -> &str {
    match line.find(" #") {
        Some(at) if !line[..at].contains(['\'', '"']) => &line[..at],
        _ if line.trim_start().starts_with('#') => "",
        _ => line,
    }
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.map_or_else(|| text.to_string(), |inner| inner.replace("''", "'").replace("\"\"", "\""))
}

/// The cells of a line, apart by a separator that is not in quotes.
fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut open: Option<char> = None;
    for character in line.chars() {
        match (open, character) {
            (None, c) if c == separator => cells.push(String::new()),
            // A quote opens where a value begins: an apostrophe within a word is a letter.
            (None, quote @ ('"' | '\''))
                if cells.last().is_some_and(|cell| cell.trim().is_empty() || cell.trim_end().ends_with(':')) =>
            {
                open = Some(quote);
                cells.iter_mut().last().into_iter().for_each(|cell| cell.push(quote));
            }
            (_, c) => {
                open = open.filter(|quote| *quote != c);
                cells.iter_mut().last().into_iter().for_each(|cell| cell.push(c));
            }
        }
    }
    cells.iter().map(|cell| unquoted(cell)).collect()
}

/// The words that head a column of labels, the more telling first, and one of class numbers.
const LABEL_HEADS: [&str; 10] = [
    "display_name",
    "class_name",
    "label_name",
    "name",
    "label",
    "class",
    "category",
    "description",
    "title",
    "species",
];
const NUMBER_HEADS: [&str; 8] = ["index", "idx", "id", "class_id", "class_index", "class_idx", "label_id", "number"];

/// The labels of a table with a header, its cells apart by commas, semicolons or tabs; `None` for a text that is none.
fn table(text: &str) -> Option<Result<Vec<String>, String>> {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let header = lines.next()?;
    let separator = [',', ';', '\t'].into_iter().find(|separator| header.contains(*separator))?;
    let heads: Vec<String> =
        cells(header, separator).iter().map(|head| head.trim().to_lowercase().replace([' ', '-'], "_")).collect();
    let column = |known: &[&str]| known.iter().find_map(|word| heads.iter().position(|head| head == word));
    let (number, mut label) = (column(&NUMBER_HEADS), column(&LABEL_HEADS)?);
    // "class,name" or "label,description": the first of them is the number, if it holds numbers.
    let rows: Vec<Vec<String>> = lines.map(|line| cells(line, separator)).collect();
    let numbers =
        |column: usize| rows.iter().all(|row| row.get(column).is_some_and(|cell| cell.parse::<usize>().is_ok()));
    let mut number = number.filter(|column| numbers(*column));
    if numbers(label) {
        number = Some(label);
        label = (0..heads.len()).find(|column| LABEL_HEADS.contains(&heads[*column].as_str()) && !numbers(*column))?;
    }
    if let Some(short) = rows.iter().position(|row| row.len() <= label) {
        return Some(Err(format!("has no column `{}` in line {}", heads[label], short + 2)));
    }
    let labels = rows.iter().map(|row| row[label].clone());
    Some(match number {
        None => Ok(labels.collect()),
        Some(column) => {
            let pair = |(row, label): (&Vec<String>, String)| Some((row.get(column)?.parse().ok()?, label));
            ordered(rows.iter().zip(labels).filter_map(pair).collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_before_labels_go() {
        assert_eq!(parse("0: cat\n1: dog, wolf").unwrap(), ["cat", "dog, wolf"]);
        assert_eq!(parse("n01440764 tench\nn01443537 goldfish").unwrap(), ["tench", "goldfish"]);
        assert_eq!(parse("cat\ndog\n\nand a remark\n").unwrap(), ["cat", "dog"]);
        assert_eq!(parse("0\n1\n2").unwrap(), ["0", "1", "2"]);
        assert_eq!(parse("1 cat\n3 dog").unwrap(), ["1 cat", "3 dog"]);
    }

    #[test]
    fn every_kind_of_file_gives_the_same_labels() {
        for text in [
            "cat\r\ndog, wolf\n",
            r#"["cat", "dog, wolf"]"#,
            r#"{"1": ["n02", "dog, wolf"], "0": "cat"}"#,
            r#"{"cat": 0, "dog, wolf": 1}"#,
            "{'cat': 0, 'dog, wolf': 1}",
            r#"{"model_type": "resnet", "id2label": {"0": "cat", "1": "dog, wolf"}}"#,
            "{0: 'cat',\n 1: 'dog, wolf'}",
            "path: ../data # where\nnames:\n  0: cat\n  1: dog, wolf # both\nnc: 2",
            "names: ['cat', \"dog, wolf\"]\nnc: 2",
            "nc: 2\nnames: [cat,\n  'dog, wolf']",
            "names: {0: cat, 1: 'dog, wolf'}",
            "names:\n- cat\n- 'dog, wolf'\n",
            "index,name\n1,\"dog, wolf\"\n0,cat\n",
            "class;description\n0;cat\n1;dog, wolf\n",
            "id\tclass\nn01\tcat\nn02\tdog, wolf\n",
            "index,mid,display_name\n0,/m/01,cat\n1,/m/02,\"dog, wolf\"",
        ] {
            assert_eq!(parse(text), Ok(vec!["cat".to_string(), "dog, wolf".to_string()]), "{text}");
        }
        // A comma in a line of labels is no table.
        assert_eq!(parse("tabby, tabby cat\ntiger cat").unwrap(), ["tabby, tabby cat", "tiger cat"]);
        assert_eq!(parse("names: [jack-o'-lantern, hen]").unwrap(), ["jack-o'-lantern", "hen"]);
    }

    #[test]
    fn what_is_no_list_of_labels_is_told_with_what_is_expected() {
        for (text, found) in [
            ("  ", "holds no labels; a file of labels holds one label a line"),
            (r#"{"x": "a"}"#, "holds the key `x`, which is no class number; a file of labels"),
            ("[1, 2]", "holds 1 where a label should be"),
            ("[]", "holds an empty list"),
            ("[\"a\"", "is no valid JSON"),
            ("names:\nnc: 3", "has the key `names` with nothing under it"),
            ("names:\n  0: a\n  2: b", "has 2 entries but none for class 1"),
            ("index,name\n1,a\n2,b", "has 2 entries but none for class 0; classes count from 0"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(found), "{text}: {error}");
        }
        assert!(parse(r#"{"0": "a", "2": "b"}"#).unwrap_err().contains("none for class 1"));
    }
}
