//! The front of a page: the numbers that matter, every image at a glance, the whole idea in one figure, and how to read the rest.

use crate::chapter::strip::OVER_INPUT;
use crate::explain::gradcheck::NetworkCheck;
use crate::model::layers::table::thousands;
use crate::report::page::{self, Card, Figure, Front, Mood, Page, Panel, Row, Sheet, Thumbnail, Verdict};

/// Lines about heads on a tile.
const HEADS: usize = 4;

/// What a section has to say at the front.
#[derive(Default)]
pub(crate) struct Status {
    /// Images that were explained.
    pub read: usize,
    /// Images that could not be used.
    pub failed: usize,
    /// Answers of heads whose truth is known, and how many of them are right.
    pub known: usize,
    pub correct: usize,
    /// Maps by the first method, and how many of them show nothing.
    pub maps: usize,
    pub empty: usize,
    /// The sum of the probabilities of the first head's predicted classes; `None` of a head that has no classes.
    pub certainty: Option<f64>,
    /// Whether photographs were made into inputs by a guess, and whether the answers make one doubt it.
    pub assumed: bool,
    pub doubtful: bool,
    pub photographs: bool,
    pub gradients: Gradients,
}

/// What is known of a network's gradients.
#[derive(Default, Clone, Copy)]
pub(crate) enum Gradients {
    /// Compared with central differences; the largest error, and whether all are within the tolerance.
    Checked { error: f64, holds: bool },
    /// Taken by central differences themselves.
    Differences,
    /// There was no image to check them at.
    #[default]
    Unchecked,
}

impl Gradients {
    /// What a check gave; `None` where gradients are not taken by rules.
    pub fn of(check: Option<&NetworkCheck>) -> Gradients {
        match check {
            None => Gradients::Differences,
            Some(check) if check.images == 0 => Gradients::Unchecked,
            Some(check) => Gradients::Checked {
                error: check.largest_error(),
                holds: check.heads.iter().all(|head| head.channels.passed() && head.elements.passed()),
            },
        }
    }
}

/// The front of a page whose sections are made.
pub(crate) fn front(page: &Page, statuses: &[Status]) -> Front {
    let mut cards = Vec::new();
    cards.extend(claims(page));
    cards.push(images(statuses));
    cards.extend(accuracy(statuses));
    cards.extend(certainty(statuses));
    cards.push(empty(statuses));
    cards.extend(preprocessing(statuses));
    cards.extend(gradients(statuses));
    let sheets = if page.answers_first {
        page.sections.iter().enumerate().filter_map(|(i, section)| sheet(i, section)).collect()
    } else {
        Vec::new()
    };
    let idea = (!page.answers_first).then(|| page.sections.iter().flat_map(|s| &s.inputs).find_map(idea)).flatten();
    Front { cards, sheets, idea, reading: reading(page) }
}

fn card(value: impl Into<String>, name: &str, note: impl Into<String>, mood: Mood) -> Card {
    Card { value: value.into(), name: name.into(), note: note.into(), mood }
}

/// How the chapter's claims came out.
fn claims(page: &Page) -> Option<Card> {
    let inferences = page.inferences.as_ref()?;
    let all = inferences.items.iter().chain(&inferences.further);
    let count = |verdict: Verdict| all.clone().filter(|item| item.verdict == verdict).count();
    let (supported, not, open) = (count(Verdict::Supported), count(Verdict::NotSupported), count(Verdict::Undecided));
    let note = format!("{not} not supported, {open} undecided");
    Some(card(format!("{supported} of {}", supported + not + open), "claims supported", note, Mood::Plain))
}

fn images(statuses: &[Status]) -> Card {
    let sum = |of: &dyn Fn(&Status) -> usize| statuses.iter().map(of).sum::<usize>();
    let (read, failed) = (sum(&|s| s.read), sum(&|s| s.failed));
    let name = if read == 1 { "image explained" } else { "images explained" };
    match (statuses.len(), failed) {
        (_, failed) if failed > 0 => {
            card(thousands(read), name, format!("{} could not be used", thousands(failed)), Mood::Bad)
        }
        (0 | 1, _) => card(thousands(read), name, "all that were given", Mood::Good),
        (networks, _) => card(thousands(read), name, format!("by {networks} networks"), Mood::Plain),
    }
}

fn accuracy(statuses: &[Status]) -> Option<Card> {
    let (known, correct) = statuses.iter().fold((0, 0), |(k, c), s| (k + s.known, c + s.correct));
    let mood = if correct == known { Mood::Good } else { Mood::Bad };
    (known > 0).then(|| {
        card(
            format!("{} of {}", thousands(correct), thousands(known)),
            "answers right",
            "where the true class is known",
            mood,
        )
    })
}

/// How sure the network is, where its answers cannot be called right or wrong.
fn certainty(statuses: &[Status]) -> Option<Card> {
    let [Status { certainty: Some(sum), read, known: 0, .. }] = statuses else { return None };
    let mean = page::percent(sum / (*read).max(1) as f64);
    Some(card(mean, "mean probability", "of the predicted class; no true class was given", Mood::Plain))
}

fn empty(statuses: &[Status]) -> Card {
    let (maps, empty) = statuses.iter().fold((0, 0), |(m, e), s| (m + s.maps, e + s.empty));
    let note = if empty == 0 { "every heatmap shows something" } else { "each says why" };
    let mood = if empty == 0 { Mood::Good } else { Mood::Open };
    card(format!("{} of {}", thousands(empty), thousands(maps)), "heatmaps empty", note, mood)
}

fn preprocessing(statuses: &[Status]) -> Option<Card> {
    let of: Vec<&Status> = statuses.iter().filter(|status| status.photographs).collect();
    let name = "preprocessing";
    if of.iter().any(|status| status.doubtful) {
        return Some(card("doubtful", name, "the answers look wrong, see below", Mood::Bad));
    }
    if of.iter().any(|status| status.assumed) {
        return Some(card("assumed", name, "no file says it, see below", Mood::Open));
    }
    (!of.is_empty()).then(|| card("known", name, "from the options or the model's files", Mood::Good))
}

fn gradients(statuses: &[Status]) -> Option<Card> {
    let checked = statuses.iter().filter_map(|status| match status.gradients {
        Gradients::Checked { error, holds } => Some((error, holds)),
        _ => None,
    });
    let (count, holding, largest) = checked.fold((0, 0, 0.0_f64), |(count, holding, largest), (error, holds)| {
        (count + 1, holding + usize::from(holds), largest.max(error))
    });
    let note = format!("largest difference from central differences {largest:.0e} of the largest gradient");
    match (statuses.len(), count) {
        (0, _) => None,
        (_, 0) => {
            let differences = statuses.iter().any(|status| matches!(status.gradients, Gradients::Differences));
            let note = if differences { "taken by central differences" } else { "no image to check them at" };
            Some(card("unchecked", "gradients", note, Mood::Open))
        }
        (1, 1) if holding == 1 => Some(card("proved", "gradients", note, Mood::Good)),
        (networks, _) => {
            let mood = if holding == networks { Mood::Good } else { Mood::Bad };
            Some(card(format!("{holding} of {networks}"), "networks' gradients proved", note, mood))
        }
    }
}

/// A section's images at a glance: wrong ones first, then the least certain.
fn sheet(number: usize, section: &page::Section) -> Option<Sheet> {
    let mut inputs: Vec<(usize, &page::Input)> = section.inputs.iter().enumerate().collect();
    let wrong = |input: &page::Input| input.predictions.iter().any(|p| p.correct == Some(false));
    let least = |input: &page::Input| input.predictions.iter().map(|p| p.probability).fold(f64::INFINITY, f64::min);
    inputs.sort_by(|(i, a), (j, b)| wrong(b).cmp(&wrong(a)).then(least(a).total_cmp(&least(b))).then(i.cmp(j)));
    let tiles: Vec<Thumbnail> = inputs.iter().filter_map(|(i, input)| thumbnail((number, *i), input)).collect();
    let order = if section.inputs.iter().any(wrong) {
        "wrong ones first, then the least certain"
    } else {
        "the least certain first"
    };
    let count = match tiles.len() {
        0 => return None,
        1 => "The image".to_string(),
        n => format!("The {n} images, {order}"),
    };
    let caption = format!(
        "{count}: grey is the image, colour the heat behind the predicted class, the white line half of its largest value; each leads to its own part of the page"
    );
    Some(Sheet { caption, tiles })
}

fn thumbnail((section, i): (usize, usize), input: &page::Input) -> Option<Thumbnail> {
    let panel = overlay(input)?.clone();
    let first = input.predictions.first()?;
    let several = input.predictions.len() > 1;
    let said = |p: &page::Prediction| {
        let verdict = match (p.correct, &p.truth) {
            (Some(true), _) => " ✓".to_string(),
            (Some(false), Some(truth)) => format!(" ✗ {truth}"),
            _ => String::new(),
        };
        if several {
            format!("{}: {} {}{verdict}", p.head, p.predicted, p.percent)
        } else {
            format!("{}{verdict}", p.percent)
        }
    };
    let mut lines: Vec<String> = input.predictions.iter().take(HEADS).map(said).collect();
    lines.push(input.name.clone());
    let all = |correct: bool| input.predictions.iter().any(|p| p.correct == Some(correct));
    let mood = match (all(false), all(true)) {
        (true, _) => Mood::Bad,
        (false, true) => Mood::Good,
        (false, false) => Mood::Plain,
    };
    let title = if several { input.heading.clone() } else { first.predicted.clone() };
    Some(Thumbnail {
        section,
        input: i,
        image: panel.image,
        alt: panel.alt,
        title,
        lines,
        mood,
        ..Thumbnail::default()
    })
}

/// The first heatmap over an input.
fn overlay(input: &page::Input) -> Option<&Panel> {
    input.heatmaps.first()?.rows.iter().find(|row| row.heading.as_deref() == Some(OVER_INPUT))?.panels.first()
}

/// The whole idea in one figure, from an input whose first map shows something: what goes in, what the network makes of it, what spoke for the
/// class.
fn idea(input: &page::Input) -> Option<Figure> {
    let strip = input.heatmaps.first()?;
    let empty = input.notes.iter().any(|note| !note.is_empty());
    let (seen, over) = (strip.rows.first()?.panels.first()?, overlay(input)?);
    let activation = input.activations.last()?;
    if empty {
        return None;
    }
    let channels = activation.rows.first()?.panels.first()?;
    let row = |heading: &str, panel: &page::Panel| Row { heading: Some(heading.into()), panels: vec![panel.clone()] };
    let caption = format!(
        "The idea of this chapter, by its first input ({}). The network turns the image into many small ones, and heatmaps show which places of it spoke for the class.",
        input.name
    );
    Some(Figure {
        id: "idea".into(),
        caption,
        look: strip.look.iter().take(1).cloned().collect(),
        rows: vec![
            row("1. The input", seen),
            row("2. What spoke for the class", over),
            row("3. What the last layer makes of it: the channels that add most to the score", channels),
        ],
        enlargeable: true,
        ..Figure::default()
    })
}

/// How to read the kinds of figures that the page has.
fn reading(page: &Page) -> Vec<String> {
    let inputs = || page.sections.iter().flat_map(|section| &section.inputs);
    let mut paragraphs = Vec::new();
    if inputs().any(|input| !input.heatmaps.is_empty()) {
        paragraphs.push("A heatmap says which places of the image raise the score of a class: bright cells raise it most, dark ones do not. It is a statement about the network, not about the image. Each map has a scale of its own, whose largest value is printed below it.".into());
    }
    if inputs().any(|input| !input.activations.is_empty()) {
        paragraphs.push("An activation is the small image that one filter makes of the input. Of each layer the channels are shown that add most to the score; the fold below them has all.".into());
    }
    if page.sections.iter().any(|section| !section.filters.is_empty()) {
        paragraphs.push("A filter's image is an input that was changed step by step until the filter answers as strongly as it can. It shows what the filter looks for, exaggerated.".into());
    }
    if page.inferences.is_some() {
        paragraphs.push("A claim is supported only if the interval around its number lies beyond a threshold that was fixed beforehand. The control is the same network with random weights: what it shows as well was not learned.".into());
    }
    if !paragraphs.is_empty() {
        paragraphs.push(
            "A click on a figure enlarges it. Below each, a fold says how it was made and links to its file.".into(),
        );
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::{Image, Input, Prediction, Section};

    fn input(name: &str, probability: f64, truth: Option<&str>) -> Input {
        let panel = Panel { image: Image { file: format!("{name}.svg"), width: 4, height: 4 }, alt: name.into() };
        Input {
            name: name.into(),
            heading: name.into(),
            predictions: vec![Prediction::new("Class", "cat", probability, truth.map(str::to_owned))],
            heatmaps: vec![Figure {
                rows: vec![Row { heading: Some(OVER_INPUT.into()), panels: vec![panel] }],
                ..Figure::default()
            }],
            ..Input::default()
        }
    }

    #[test]
    fn wrong_images_come_first_and_then_the_least_certain() {
        let inputs =
            vec![input("sure", 0.99, Some("cat")), input("unsure", 0.4, Some("cat")), input("wrong", 0.9, Some("dog"))];
        let section = Section { id: "net".into(), inputs, ..Section::default() };
        let sheet = sheet(0, &section).unwrap();
        let names: Vec<&str> = sheet.tiles.iter().filter_map(|tile| tile.lines.last()).map(String::as_str).collect();
        assert_eq!(names, ["wrong", "unsure", "sure"]);
        assert_eq!(sheet.tiles[0].lines[0], "90.0 % ✗ dog");
        assert_eq!((sheet.tiles[0].input, sheet.tiles[0].mood), (2, Mood::Bad));
        assert!(sheet.caption.contains("wrong ones first"), "{}", sheet.caption);
    }

    #[test]
    fn the_cards_say_what_is_not_as_it_should_be() {
        let status = Status {
            read: 24,
            maps: 24,
            empty: 2,
            assumed: true,
            photographs: true,
            certainty: Some(12.0),
            ..Status::default()
        };
        let page = Page { answers_first: true, ..Page::default() };
        let cards = front(&page, &[status]).cards;
        let said: Vec<(&str, Mood)> = cards.iter().map(|card| (card.value.as_str(), card.mood)).collect();
        let wanted = [
            ("24", Mood::Good),
            ("50.0 %", Mood::Plain),
            ("2 of 24", Mood::Open),
            ("assumed", Mood::Open),
            ("unchecked", Mood::Open),
        ];
        assert_eq!(said, wanted);
        let failed = Status {
            read: 3,
            failed: 1,
            known: 3,
            correct: 2,
            gradients: Gradients::Checked { error: 1e-9, holds: true },
            ..Status::default()
        };
        let cards = front(&page, &[failed]).cards;
        let said: Vec<(&str, Mood)> = cards.iter().map(|card| (card.value.as_str(), card.mood)).collect();
        assert_eq!(said, [("3", Mood::Bad), ("2 of 3", Mood::Bad), ("0 of 0", Mood::Good), ("proved", Mood::Good)]);
    }
}
