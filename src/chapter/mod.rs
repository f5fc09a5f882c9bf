//! From a chapter to a page: the only place where explanations, measurements and the page are all known.

pub mod activation_files;
pub mod activations;
pub mod architecture;
mod arrays;
mod charts;
mod choose_layers;
mod context;
pub mod filters;
mod findings;
mod front;
mod gallery;
pub mod gradients;
mod input;
mod introduction;
mod load;
mod looks;
pub mod output;
mod row;
mod saliency;
mod section;
mod strip;
mod survey;
#[cfg(test)]
mod tests;
mod validate;
mod words;

use crate::config::{Chapter, Section, Source};
use crate::error::{Error, Result};
use crate::explain::gradcheck::NetworkCheck;
use crate::progress::Progress;
use crate::report::page::{Column, Line, Making, Page, Table};
use crate::report::rows::FILE;
use crate::study::sizes::Sizes;
use crate::study::{self, Subject};
use front::Status;
use load::SectionNetwork;
use output::{Artifacts, ChapterOutput};
use rayon::prelude::*;
use section::{Asked, SectionMaker, SectionOutput};

/// Makes a chapter: every section in its order, and the inferences if `measured` says on how large samples.
///
/// # Errors
/// Anything wrong with the chapter's files, found before the first network runs where that is possible.
pub fn chapter(chapter: &Chapter, measured: Option<&Sizes>, progress: &Progress) -> Result<ChapterOutput> {
    let asked = Asked { ascent: measured.and_then(|sizes| sizes.ascent), gallery: None };
    let networks = networks(chapter)?;
    let (mut output, statuses) = sections(chapter, &networks, asked, progress)?;
    if let Some(sizes) = measured {
        let subject = |(section, network)| subject(chapter, section, network);
        let subjects: Vec<Subject> = chapter.sections.iter().zip(&networks).map(subject).collect();
        let study = study::study(&subjects, chapter.seed, sizes, progress);
        output.page.inferences = findings::inferences(&study, sizes, &output.page, &mut output.artifacts.assets)?;
        output.page.notes.extend(findings::note(sizes));
    }
    finished(chapter, &networks, output, &statuses)
}

/// Explains the images of a chapter's section, of which there may be thousands: the page shows the first `gallery` that can be read,
/// and every image has its row. Nothing is measured.
///
/// # Errors
/// As for [`chapter`].
pub fn explain(chapter: &Chapter, gallery: usize, progress: &Progress) -> Result<ChapterOutput> {
    let networks = networks(chapter)?;
    let asked = Asked { ascent: None, gallery: Some(gallery) };
    let (mut output, statuses) = sections(chapter, &networks, asked, progress)?;
    output.page.answers_first = true;
    output.page.files.push(FILE.into());
    finished(chapter, &networks, output, &statuses)
}

/// Checks the gradients of a chapter's first network on the section's inputs.
///
/// # Errors
/// As for [`chapter`].
pub fn gradcheck(chapter: &Chapter, progress: &Progress) -> Result<NetworkCheck> {
    let section = chapter.sections.first().ok_or_else(|| Error::input("there is no network to check"))?;
    let network = load::load(chapter, section)?;
    SectionMaker { chapter, section, network: &network, asked: Asked::default(), progress }.gradients()
}

/// The networks of all sections.
fn networks(chapter: &Chapter) -> Result<Vec<SectionNetwork>> {
    // All are loaded before the first error is looked for, so that it is the same one for any number of threads.
    let loaded: Vec<Result<SectionNetwork>> =
        chapter.sections.par_iter().map(|section| load::load(chapter, section)).collect();
    let mut networks = loaded.into_iter().collect::<Result<Vec<_>>>()?;
    load::distinguish(&mut networks);
    Ok(networks)
}

/// The sections, one after the other on the page.
fn sections(
    chapter: &Chapter,
    networks: &[SectionNetwork],
    asked: Asked,
    progress: &Progress,
) -> Result<(ChapterOutput, Vec<Status>)> {
    let made: Vec<Result<SectionOutput>> = (chapter.sections.par_iter().zip(networks))
        .map(|(section, network)| SectionMaker { chapter, section, network, asked, progress }.make())
        .collect();
    let mut page = Page { introduction: chapter.introduction.clone(), ..Page::default() };
    (page.number, page.title) = numbered(&chapter.title);
    let mut artifacts = Artifacts::default();
    let mut statuses = Vec::new();
    for made in made {
        let SectionOutput { page: mut section, status, alerts, artifacts: beside } = made?;
        artifacts.extend(beside, section.figures_mut(false));
        page.notes.extend(alerts.iter().map(|alert| format!("{}: {alert}", section.heading)));
        page.sections.push(section);
        statuses.push(status);
    }
    Ok((ChapterOutput { page, artifacts }, statuses))
}

/// A section's network as it is measured.
fn subject<'a>(chapter: &'a Chapter, section: &'a Section, network: &'a SectionNetwork) -> Subject<'a> {
    let mnist = chapter.mnist.as_deref();
    Subject { section, loaded: &network.loaded, target: &network.target, seed: chapter.seed, mnist }
}

/// The page with what stands at its ends, numbered and cross-referenced.
fn finished(
    chapter: &Chapter,
    networks: &[SectionNetwork],
    mut output: ChapterOutput,
    statuses: &[Status],
) -> Result<ChapterOutput> {
    output.page.notes.extend(std::mem::take(&mut output.artifacts.notes));
    output.page.notes.extend(chapter.notes.iter().cloned());
    output.page.notes.extend(assumptions(chapter, networks));
    output.page.files.insert(0, "chapter.json".into());
    output.page.front = Some(front::front(&output.page, statuses));
    output.page.making = Some(making(chapter, networks));
    output.page.finish()?;
    Ok(output)
}

/// What was assumed about photographs, network by network, and what of a file was not read as it stands; nonsense from a wrong
/// guess must not pass for a finding.
fn assumptions(chapter: &Chapter, networks: &[SectionNetwork]) -> Vec<String> {
    let assumed = |(section, network): (&Section, &SectionNetwork)| {
        let photographs = section.inputs.iter().any(|input| matches!(input.source, Source::Image { .. }));
        let recipe = &network.loaded.recipe;
        let origin = &recipe.origin;
        let prepared = (photographs && recipe.assumed).then(|| format!("how photographs become inputs is {origin}"));
        let read = network.loaded.network.reading_notes().iter();
        let notes = prepared.into_iter().chain(network.loaded.notes.iter().cloned()).chain(read.cloned());
        notes.map(|note| format!("{}: {note}.", section.title)).collect::<Vec<_>>()
    };
    chapter.sections.iter().zip(networks).flat_map(assumed).collect()
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
fn making(chapter: &Chapter, networks: &[SectionNetwork]) -> Making {
    let file = chapter.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut facts = vec![Line::new("Program", concat!("convscope ", env!("CARGO_PKG_VERSION")))];
    if !chapter.sha256.is_empty() {
        facts.push(Line::new("Chapter file", format!("{file}, SHA-256 {}", chapter.sha256)));
    }
    facts.push(Line::new("Seed", chapter.seed.to_string()));
    let row = |network: &SectionNetwork| {
        let network = &network.loaded.network;
        vec![network.name().to_string(), network.sha256().to_string()]
    };
    let models = Table {
        caption: "The networks' files".into(),
        columns: vec![Column::text("Network"), Column::text("SHA-256")],
        rows: networks.iter().map(row).collect(),
        ..Table::default()
    };
    Making { heading: "How this chapter was made".into(), facts, tables: vec![models], ..Making::default() }
}
