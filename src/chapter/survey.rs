//! What the network says of many images together: counts that take no more room for more images.

use crate::chapter::context::SectionContext;
use crate::chapter::front::Status;
use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::input::preprocessing::{Answers, doubt};
use crate::model::layers::table::thousands;
use crate::model::{Head, Meaning, ScoreKind};
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
    heads: Vec<HeadCounts>,
}

/// Counts of one head.
#[derive(Default)]
struct HeadCounts {
    predicted: Answers,
    correct: usize,
    wrong: usize,
    /// Maps by the first method, and those of them that show nothing, a map that is the same everywhere not counted among them.
    maps: usize,
    empty: usize,
}

/// What one image adds to the counts, by head.
pub(crate) struct Tally(Vec<HeadTally>);

/// What one image adds to the counts of a head.
struct HeadTally {
    predicted: usize,
    probability: f64,
    correct: Option<bool>,
    /// Whether there is a map by the first method, and whether it shows nothing.
    map: bool,
    empty: bool,
}

impl Tally {
    /// What an image adds to the counts.
    pub fn of(explanation: &Explanation) -> Tally {
        let of_head = |head: &HeadExplanation| HeadTally {
            predicted: head.predicted,
            probability: head.probability(),
            correct: head.correct(),
            map: !head.heatmaps.is_empty(),
            empty: head.heatmaps.first().and_then(|map| map.cause.as_ref()).is_some_and(|cause| *cause != Cause::Flat),
        };
        Tally(explanation.heads.iter().map(of_head).collect())
    }
}

impl Survey {
    /// Counts an image.
    pub fn add(&mut self, image: Tally) {
        self.read += 1;
        self.heads.resize_with(image.0.len(), HeadCounts::default);
        for (counts, head) in self.heads.iter_mut().zip(image.0) {
            let (images, sum) = counts.predicted.entry(head.predicted).or_default();
            (*images, *sum) = (*images + 1, *sum + head.probability);
            counts.correct += usize::from(head.correct == Some(true));
            counts.wrong += usize::from(head.correct == Some(false));
            counts.maps += usize::from(head.map);
            counts.empty += usize::from(head.empty);
        }
    }

    /// What the page's front says of the images.
    pub fn status(&self, heads: &[Head]) -> Status {
        let sum = |of: &dyn Fn(&HeadCounts) -> usize| self.heads.iter().map(of).sum::<usize>();
        let first = self.heads.first().filter(|_| heads.first().is_some_and(|head| head.meaning == Meaning::Classes));
        Status {
            read: self.read,
            failed: self.failed,
            known: sum(&|head| head.correct + head.wrong),
            correct: sum(&|head| head.correct),
            maps: sum(&|head| head.maps),
            empty: sum(&|head| head.empty),
            certainty: first.map(|head| head.predicted.values().map(|(_, sum)| sum).sum()),
            ..Status::default()
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
        let of_head = |(head, counts): (&Head, &HeadCounts)| {
            doubt(&counts.predicted, head.choices().filter(|_| head.scores == ScoreKind::Softmax)?)
        };
        heads.iter().zip(&self.heads).filter_map(of_head).collect()
    }

    /// The survey as the page shows it, `shown` images being shown in full.
    pub fn page(&self, context: &SectionContext, shown: usize) -> page::Survey {
        let names: Vec<&str> = context.loaded().heads().iter().map(|head| head.name.as_str()).collect();
        let mut paragraphs = vec![self.count(), self.where_to_find(shown)];
        if let Some(method) = context.explainer.methods().first() {
            paragraphs.push(self.empty(method.title(), &names));
        }
        for (counts, name) in self.heads.iter().zip(&names).filter(|(counts, _)| counts.correct + counts.wrong > 0) {
            let known = counts.correct + counts.wrong;
            let share = percent(counts.correct as f64 / known as f64);
            paragraphs.push(format!(
                "{name} is right about {} of the {} images whose class is known ({share}).",
                thousands(counts.correct),
                thousands(known)
            ));
        }
        let mut tables: Vec<Table> = self
            .heads
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(i, (counts, name))| self.classes(context, i, counts, name))
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
        let part = |(counts, name): (&HeadCounts, &&str)| {
            let of = if several { format!(" of {name}") } else { String::new() };
            match counts.empty {
                0 => format!("none{of}"),
                n => format!("{}{of} ({})", thousands(n), percent(n as f64 / self.read.max(1) as f64)),
            }
        };
        let parts: Vec<String> = self.heads.iter().zip(names).map(part).collect();
        format!("Maps by {method} that show nothing: {}.", parts.join(", "))
    }

    /// The classes that a head predicts most often.
    fn classes(&self, context: &SectionContext, head: usize, counts: &HeadCounts, name: &str) -> Table {
        let mut classes: Vec<(usize, usize, f64)> =
            counts.predicted.iter().map(|(class, (images, sum))| (*class, *images, *sum)).collect();
        classes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let rest: usize = classes.iter().skip(CLASSES).map(|(_, images, _)| images).sum();
        let others = classes.len().saturating_sub(CLASSES);
        let row = |(class, images, sum): &(usize, usize, f64)| {
            let share = percent(*images as f64 / self.read.max(1) as f64);
            vec![context.loaded().label(head, *class), thousands(*images), share, percent(sum / *images as f64)]
        };
        Table {
            caption: format!(
                "Classes that {name} predicts for the {} images, the most frequent first",
                thousands(self.read)
            ),
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
