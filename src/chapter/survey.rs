//! What the network says of many images together: counts that take no more room for more images.

use crate::chapter::room::{Room, Seen};
use crate::input::preprocessing::{Answers, doubt};
use crate::model::layers::table::thousands;
use crate::model::{Head, Meaning};
use crate::report::page::{self, Column, Table, percent};
use crate::report::rows::FILE;
use crate::visualize::cause::Cause;

/// Classes of a head in the table, the most frequent; images in the table of those that could not be read.
const CLASSES: usize = 12;
const FAILURES: usize = 10;

/// Counts over the images of a section.
#[derive(Default)]
pub(crate) struct Survey {
    read: usize,
    failed: usize,
    /// Name and reason of the first few that could not be read.
    failures: Vec<(String, String)>,
    heads: Vec<Tally>,
}

/// Counts of one head.
#[derive(Default)]
struct Tally {
    predicted: Answers,
    correct: usize,
    wrong: usize,
    /// Maps by the first method that show nothing, a map that is the same everywhere not counted among them.
    empty: usize,
}

/// What one image adds.
pub(crate) struct Said(Vec<(usize, f64, Option<bool>, bool)>);

impl Said {
    /// What an image adds to the counts.
    pub fn of(seen: &Seen) -> Said {
        let empty = |head: usize| {
            let map = seen.heatmaps.first().and_then(|maps| maps.iter().find(|map| map.head == head));
            map.and_then(|map| map.cause.as_ref()).is_some_and(|cause| *cause != Cause::Flat)
        };
        let one = |(head, probabilities): (usize, &Vec<f64>)| {
            let class = crate::explain::score::best(probabilities);
            let probability = probabilities.get(class).copied().unwrap_or(0.0);
            (class, probability, seen.predictions.get(head).and_then(|said| said.correct), empty(head))
        };
        Said(seen.probabilities.iter().enumerate().map(one).collect())
    }
}

impl Survey {
    /// Counts an image.
    pub fn add(&mut self, said: Said) {
        self.read += 1;
        self.heads.resize_with(said.0.len(), Tally::default);
        for (tally, (class, probability, correct, empty)) in self.heads.iter_mut().zip(said.0) {
            let (images, sum) = tally.predicted.entry(class).or_default();
            (*images, *sum) = (*images + 1, *sum + probability);
            tally.correct += usize::from(correct == Some(true));
            tally.wrong += usize::from(correct == Some(false));
            tally.empty += usize::from(empty);
        }
    }

    /// How many images were explained.
    pub fn read(&self) -> usize {
        self.read
    }

    /// Why the first image that was left out was.
    pub fn first_failure(&self) -> Option<&str> {
        self.failures.first().map(|(_, reason)| reason.as_str())
    }

    /// Counts an image that cannot be read or explained.
    pub fn fail(&mut self, file: String, reason: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES {
            self.failures.push((file, reason));
        }
    }

    /// What makes one doubt that the photographs reached the network as it knows them, head by head.
    pub fn doubts(&self, heads: &[Head]) -> Vec<String> {
        let of_head = |(head, tally): (&Head, &Tally)| {
            doubt(&tally.predicted, head.choices().filter(|_| head.meaning == Meaning::Classes)?)
        };
        heads.iter().zip(&self.heads).filter_map(of_head).collect()
    }

    /// The survey as the page shows it, `shown` images being shown in full.
    pub fn page(&self, room: &Room, shown: usize) -> page::Survey {
        let names: Vec<&str> = room.loaded.network.heads().iter().map(|head| head.name.as_str()).collect();
        let mut paragraphs = vec![self.count(), self.where_to_find(shown)];
        if let Some(method) = room.methods.first() {
            paragraphs.push(self.empty(method.title(), &names));
        }
        for (tally, name) in self.heads.iter().zip(&names).filter(|(tally, _)| tally.correct + tally.wrong > 0) {
            let known = tally.correct + tally.wrong;
            let share = percent(tally.correct as f64 / known as f64);
            paragraphs.push(format!(
                "{name} is right about {} of the {} images whose class is known ({share}).",
                thousands(tally.correct),
                thousands(known)
            ));
        }
        let mut tables: Vec<Table> = self
            .heads
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(i, (tally, name))| self.classes(room, i, tally, name))
            .collect();
        tables.extend(self.unread());
        page::Survey { heading: "All images".into(), paragraphs, tables, ..page::Survey::default() }
    }

    fn count(&self) -> String {
        match self.failed {
            0 => format!("All {} images were read and explained.", thousands(self.read)),
            failed => format!(
                "Of {} images {} were read and explained; {} could not be used.",
                thousands(self.read + failed),
                thousands(self.read),
                thousands(failed)
            ),
        }
    }

    fn where_to_find(&self, shown: usize) -> String {
        let rest = format!("The file {FILE} beside this page holds the numbers of every image, a line each.");
        match self.read.saturating_sub(shown) {
            0 => format!("Each is shown below. {rest}"),
            _ if shown == 0 => format!("None is shown. {rest}"),
            _ => format!("The first {} are shown below. {rest}", thousands(shown)),
        }
    }

    fn empty(&self, method: &str, names: &[&str]) -> String {
        let several = names.len() > 1;
        let part = |(tally, name): (&Tally, &&str)| {
            let of = if several { format!(" of {name}") } else { String::new() };
            match tally.empty {
                0 => format!("none{of}"),
                n => format!("{}{of} ({})", thousands(n), percent(n as f64 / self.read.max(1) as f64)),
            }
        };
        let parts: Vec<String> = self.heads.iter().zip(names).map(part).collect();
        format!("Maps by {method} that show nothing: {}.", parts.join(", "))
    }

    /// The classes that a head predicts most often.
    fn classes(&self, room: &Room, head: usize, tally: &Tally, name: &str) -> Table {
        let mut classes: Vec<(usize, usize, f64)> =
            tally.predicted.iter().map(|(class, (images, sum))| (*class, *images, *sum)).collect();
        classes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let rest: usize = classes.iter().skip(CLASSES).map(|(_, images, _)| images).sum();
        let others = classes.len().saturating_sub(CLASSES);
        let row = |(class, images, sum): &(usize, usize, f64)| {
            let share = percent(*images as f64 / self.read.max(1) as f64);
            vec![room.label(head, *class), thousands(*images), share, percent(sum / *images as f64)]
        };
        Table {
            caption: format!("What {name} says of the {} images, most frequent classes first", thousands(self.read)),
            columns: vec![
                Column::text("Predicted class"),
                Column::number("Images"),
                Column::number("Share"),
                Column::number("Mean probability"),
            ],
            rows: classes.iter().take(CLASSES).map(row).collect(),
            totals: match others {
                0 => Vec::new(),
                1 => vec![format!("One other class: {} images", thousands(rest))],
                n => vec![format!("{} other classes: {} images", thousands(n), thousands(rest))],
            },
            ..Table::default()
        }
    }

    fn unread(&self) -> Option<Table> {
        let more = self.failed.saturating_sub(self.failures.len());
        (self.failed > 0).then(|| Table {
            caption: "Images that could not be used".into(),
            columns: vec![Column::text("File"), Column::text("Reason")],
            rows: self.failures.iter().map(|(file, reason)| vec![file.clone(), reason.clone()]).collect(),
            totals: if more > 0 { vec![format!("{} more in {FILE}", thousands(more))] } else { Vec::new() },
            ..Table::default()
        })
    }
}
