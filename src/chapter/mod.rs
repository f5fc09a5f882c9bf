//! From a chapter to a page: rayon over images and filters, and the order in which the rooms are visited.

pub mod activations;
pub mod architecture;
pub(crate) mod charts;
mod choose_layers;
pub mod filters;
pub(crate) mod findings;
mod gallery;
pub mod heatmaps;
mod room;
mod row;
pub mod saliency;
pub mod section;
mod survey;
#[cfg(test)]
mod tests;
mod validate;

use crate::config::{Chapter, Section, Source};
use crate::error::{Error, Result};
use crate::explain::gradcheck;
use crate::progress::Progress;
use crate::report::page::{self, Column, Line, Making, Page, Table};
use crate::report::{Assets, Rows};
use crate::study;
use crate::study::sizes::Sizes;
use ndarray::ArrayD;
use rayon::prelude::*;
use section::{Asked, Loaded};

/// A chapter's page, numbered and cross-referenced, with its pictures and arrays.
pub struct Made {
    pub page: Page,
    pub collected: Collected,
}

/// What making the page leaves beside it.
#[derive(Default)]
pub struct Collected {
    pub assets: Assets,
    /// The arrays behind the maps, by a name that is safe in a file name.
    pub raw: Vec<(String, ArrayD<f32>)>,
    /// A line of JSON for each image, where asked for.
    pub rows: Option<Rows>,
}

/// Makes a chapter: every section in its order, and the inferences if `measured` says on how large samples.
///
/// # Errors
/// Anything wrong with the chapter's files, found before the first network runs where that is possible.
pub fn chapter(chapter: &Chapter, measured: Option<&Sizes>, progress: &Progress) -> Result<Made> {
    let asked = Asked { ascent: measured.and_then(|sizes| sizes.ascent), gallery: None };
    made(chapter, measured, asked, progress)
}

/// Explains the images of a chapter's section, of which there may be thousands: the page shows the first `gallery` that can be read,
/// and every image has its row. Nothing is measured.
///
/// # Errors
/// As for [`chapter`].
pub fn explain(chapter: &Chapter, gallery: usize, progress: &Progress) -> Result<Made> {
    made(chapter, None, Asked { ascent: None, gallery: Some(gallery) }, progress)
}

fn made(chapter: &Chapter, measured: Option<&Sizes>, asked: Asked, progress: &Progress) -> Result<Made> {
    // All are loaded before the first error is looked for, so that it is the same one for any number of threads.
    let loaded: Vec<Result<Loaded>> =
        chapter.sections.par_iter().map(|section| section::load(chapter, section)).collect();
    let mut loaded = loaded.into_iter().collect::<Result<Vec<_>>>()?;
    distinguish(&mut loaded);
    let mut collected = Collected::default();
    let mut page = Page { introduction: chapter.introduction.clone(), ..Page::default() };
    (page.number, page.title) = numbered(&chapter.title);
    let sections: Vec<Result<(page::Section, Collected)>> = (chapter.sections.par_iter().zip(&loaded))
        .map(|(section, loaded)| {
            let rows = asked.gallery.map(|_| Rows::new()).transpose()?;
            let mut collected = Collected { rows, ..Collected::default() };
            let made = section::section(chapter, section, loaded, asked, progress, &mut collected)?;
            Ok((made, collected))
        })
        .collect();
    for made in sections {
        let (section, beside) = made?;
        page.sections.push(section);
        collected.assets.extend(beside.assets);
        collected.raw.extend(beside.raw);
        collected.rows = collected.rows.or(beside.rows);
    }
    if let Some(sizes) = measured {
        page.inferences = study::inferences(chapter, &loaded, &page, sizes, progress, &mut collected.assets)?;
        page.notes.extend(sizes.note());
    }
    page.notes.extend(assumptions(chapter, &loaded));
    page.making = Some(making(chapter, &loaded));
    page.finish()?;
    Ok(Made { page, collected })
}

/// What was assumed about photographs, network by network; nonsense from a wrong guess must not pass for a finding.
fn assumptions(chapter: &Chapter, loaded: &[Loaded]) -> Vec<String> {
    let assumed = |(section, loaded): (&Section, &Loaded)| {
        let photographs = section.inputs.iter().any(|input| matches!(input.source, Source::Image { .. }));
        let origin = &loaded.recipe.origin;
        (photographs && loaded.recipe.assumed)
            .then(|| format!("{}: how photographs become inputs is {origin}.", section.title))
    };
    chapter.sections.iter().zip(loaded).filter_map(assumed).collect()
}

/// Numbers the anchors of sections about the same network, which would otherwise be the same.
fn distinguish(loaded: &mut [Loaded]) {
    for i in 1..loaded.len() {
        let (before, rest) = loaded.split_at_mut(i);
        let name = rest[0].id.clone();
        let mut number = 2;
        while before.iter().any(|other| other.id == rest[0].id) {
            rest[0].id = format!("{name}-{number}");
            number += 1;
        }
    }
}

/// Checks the gradients of a chapter's first network on the section's inputs.
///
/// # Errors
/// As for [`chapter`].
pub fn gradients(chapter: &Chapter) -> Result<gradcheck::NetworkCheck> {
    let section = chapter.sections.first().ok_or_else(|| Error::input("there is no network to check"))?;
    let loaded = section::load(chapter, section)?;
    section::check(chapter, section, &loaded)
}

/// "Chapter 3 — Network Visualization" as 3 and "Network Visualization"; a title of another form has no number.
fn numbered(title: &str) -> (Option<u32>, String) {
    let parts = title.strip_prefix("Chapter ").and_then(|rest| rest.split_once(['—', ':', '-']));
    match parts.and_then(|(number, title)| Some((number.trim().parse().ok()?, title.trim().to_string()))) {
        Some((number, title)) => (Some(number), title),
        None => (None, title.to_string()),
    }
}

/// How the chapter was made: what somebody needs to make it again, and nothing that changes from run to run.
fn making(chapter: &Chapter, loaded: &[Loaded]) -> Making {
    let file = chapter.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut facts = vec![Line::new("Program", concat!("convscope ", env!("CARGO_PKG_VERSION")))];
    if !chapter.sha256.is_empty() {
        facts.push(Line::new("Chapter file", format!("{file}, SHA-256 {}", chapter.sha256)));
    }
    facts.push(Line::new("Seed", chapter.seed.to_string()));
    let rows = loaded.iter().map(|loaded| vec![loaded.network.name().to_string(), loaded.network.sha256().to_string()]);
    let models = Table {
        caption: "The networks' files".into(),
        columns: vec![Column::text("Network"), Column::text("SHA-256")],
        rows: rows.collect(),
        ..Table::default()
    };
    Making { heading: "How this chapter was made".into(), facts, tables: vec![models], ..Making::default() }
}
