//! How logits are read as probabilities: as the graph ends, else as the user says, else as the model's files say, else as is assumed
//! and said.

use crate::config::Located;
use crate::error::Error;
use crate::file;
use crate::input::labels;
use crate::model::{Head, HeadActivation, Meaning, Network, ScoreKind};
use serde_json::Value;
use std::path::Path;

/// Why logits are read as they are.
enum Reason {
    /// Hugging Face's key `problem_type`, or a classifier of timm's, in one of the model's files.
    Told(ScoreKind),
    /// Two labels for one unit.
    TwoLabels,
    Assumed,
}

/// Decides how every head whose graph ends in logits is read. `labels` are the numbers of labels in the file given, if one was.
/// Returns sentences about what was assumed. `complain` turns a message into an error about the option or key.
///
/// # Errors
/// A reading that contradicts the graph's own end.
pub fn choose(
    network: &mut Network,
    asked: Option<&Located<ScoreKind>>,
    labels: Option<&Path>,
    complain: &dyn Fn(&Located<String>, String) -> Error,
) -> crate::error::Result<Vec<String>> {
    let told = told(network);
    let given = labels.and_then(|file| labels::read(file).ok()).map(|labels| labels.len());
    let mut notes = Vec::new();
    for head in network.heads_mut() {
        match asked {
            Some(asked) if contradicts(head, asked.value) => {
                let (name, end) =
                    (&head.name, if head.activation == HeadActivation::Sigmoid { "sigmoid" } else { "softmax" });
                let key = Located { value: String::new(), line: asked.line, key: asked.key.clone() };
                return Err(complain(
                    &key,
                    format!("the graph itself ends in a {end} before `{name}`; `none` shows its logits"),
                ));
            }
            Some(asked) => head.read_as(asked.value),
            None if head.activation == HeadActivation::None => {
                let reason = reason(head, told, given);
                notes.extend(read(head, reason));
            }
            None => {}
        }
    }
    Ok(notes)
}

/// Whether the graph itself makes other probabilities of the logits.
fn contradicts(head: &Head, asked: ScoreKind) -> bool {
    match head.activation {
        HeadActivation::Softmax | HeadActivation::LogSoftmax => asked == ScoreKind::Sigmoid,
        HeadActivation::Sigmoid => asked == ScoreKind::Softmax,
        HeadActivation::None => false,
    }
}

fn reason(head: &Head, told: Option<ScoreKind>, labels: Option<usize>) -> Reason {
    match (told, head.classes, labels) {
        (_, Some(1), Some(2)) => Reason::TwoLabels,
        (Some(told), _, _) => Reason::Told(told),
        _ => Reason::Assumed,
    }
}

/// Reads a head's logits for a reason; a sentence about what was assumed.
fn read(head: &mut Head, reason: Reason) -> Option<String> {
    let name = head.name.clone();
    match reason {
        Reason::TwoLabels => {
            head.read_as(ScoreKind::Sigmoid);
            Some(format!(
                "the one number of {name} is assumed to be the logit of the second of the two labels (--scores sigmoid), as nothing else says so"
            ))
        }
        _ if head.meaning == Meaning::Values || head.classes == Some(1) => None,
        Reason::Told(kind) => {
            head.read_as(kind);
            None
        }
        Reason::Assumed => Some(format!(
            "the graph ends in logits at {name}; that its classes exclude each other (softmax) is assumed, as nothing says otherwise; \
             --scores sigmoid, or the chapter's key `scores`, reads them as independent"
        )),
    }
}

/// What the metadata or a `config.json` beside the model says.
fn told(network: &Network) -> Option<ScoreKind> {
    let metadata = network.metadata();
    let of_word = |word: &str| match word {
        "multi_label_classification" => Some(ScoreKind::Sigmoid),
        "single_label_classification" => Some(ScoreKind::Softmax),
        "regression" => Some(ScoreKind::None),
        _ => None,
    };
    let of_config = |text: &str| {
        let config: Value = serde_json::from_str(text).ok()?;
        let word = config.get("problem_type").and_then(Value::as_str).and_then(of_word);
        word.or_else(|| config.get("pretrained_cfg").map(|_| ScoreKind::Softmax))
    };
    let direct = metadata.get("problem_type").and_then(|word| of_word(word));
    let direct = direct.or_else(|| metadata.get("pretrained_cfg").map(|_| ScoreKind::Softmax));
    let nested = || metadata.get("config").and_then(|text| of_config(text));
    let beside = || {
        let beside = network.file().parent().unwrap_or(Path::new("")).join("config.json");
        of_config(&file::text(&beside, file::LARGEST_TEXT).ok()?)
    };
    direct.or_else(nested).or_else(beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::Fixture;

    /// A network of so many logits, with a last operator perhaps, and metadata.
    fn network(classes: i64, last: Option<&str>, metadata: &[(&str, &str)]) -> Network {
        let mut fixture = Fixture::new("x", &[1, 1, 4, 4]);
        fixture.conv("x", "c", [2, 1, 3, 3], vec![]).node("GlobalAveragePool", &["c"], "p", vec![]);
        fixture.node("Flatten", &["p"], "f", vec![]).dense("f", "z", 2, classes);
        for (key, text) in metadata {
            fixture.metadata(key, text);
        }
        match last {
            Some(last) => fixture.node(last, &["z"], "y", vec![]).output("y").load(),
            None => fixture.output("z").load(),
        }
    }

    fn chosen(mut network: Network, asked: Option<ScoreKind>) -> Result<(ScoreKind, Meaning, Vec<String>), String> {
        let asked = asked.map(|kind| Located::option("--scores", kind));
        let notes =
            choose(&mut network, asked.as_ref(), None, &|key, message| Error::input(format!("{}: {message}", key.key)));
        let notes = notes.map_err(|cause| cause.to_string())?;
        let head = &network.heads()[0];
        Ok((head.scores, head.meaning, notes))
    }

    #[test]
    fn logits_are_softmax_until_something_says_otherwise() {
        let (scores, _, notes) = chosen(network(3, None, &[]), None).unwrap();
        assert_eq!(scores, ScoreKind::Softmax);
        assert!(
            notes[0].starts_with("the graph ends in logits at z; that its classes exclude each other"),
            "{notes:?}"
        );
        let (scores, meaning, notes) = chosen(network(3, None, &[]), Some(ScoreKind::Sigmoid)).unwrap();
        assert_eq!((scores, meaning, notes), (ScoreKind::Sigmoid, Meaning::Classes, vec![]));
        let told = [("problem_type", "multi_label_classification")];
        assert_eq!(chosen(network(3, None, &told), None).unwrap().0, ScoreKind::Sigmoid);
        let timm = [("pretrained_cfg", "{}")];
        assert_eq!(chosen(network(3, None, &timm), None).unwrap(), (ScoreKind::Softmax, Meaning::Classes, vec![]));
        assert_eq!(chosen(network(3, None, &[]), Some(ScoreKind::None)).unwrap().1, Meaning::Values);
    }

    #[test]
    fn the_graphs_own_end_is_no_assumption_and_is_not_contradicted() {
        for (last, kind, other) in
            [("Softmax", ScoreKind::Softmax, ScoreKind::Sigmoid), ("Sigmoid", ScoreKind::Sigmoid, ScoreKind::Softmax)]
        {
            assert_eq!(chosen(network(3, Some(last), &[]), None).unwrap(), (kind, Meaning::Classes, vec![]));
            assert_eq!(chosen(network(3, Some(last), &[]), Some(ScoreKind::None)).unwrap().1, Meaning::Values);
            let error = chosen(network(3, Some(last), &[]), Some(other)).unwrap_err();
            assert!(error.starts_with("--scores: the graph itself ends in a s"), "{error}");
        }
    }

    #[test]
    fn one_number_with_two_labels_is_a_logit_and_alone_a_value() {
        assert_eq!(chosen(network(1, None, &[]), None).unwrap(), (ScoreKind::None, Meaning::Values, vec![]));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("two.txt");
        std::fs::write(&file, "healthy\nill").unwrap();
        let mut single = network(1, None, &[]);
        let notes = choose(&mut single, None, Some(&file), &|_, message| Error::input(message)).unwrap();
        assert_eq!((single.heads()[0].scores, single.heads()[0].choices()), (ScoreKind::Sigmoid, Some(2)));
        assert!(notes[0].contains("the logit of the second of the two labels"), "{notes:?}");
    }
}
