//! Section 3.1: every network of a chapter is measured, and the measurements become verdicts.

mod accuracy;
mod anatomy;
mod changes;
pub mod claims;
mod copies;
mod heads;
mod layers;
mod maps;
mod network;
mod perturbing;
mod probes;
mod randomised;
mod samples;
pub mod sizes;
#[cfg(test)]
mod tests;

use crate::chapter::section::Loaded;
use crate::config::Chapter;
use crate::error::Result;
use crate::progress::Progress;
use crate::report::Assets;
use crate::report::page::{self, Inferences, Page};
use crate::study::claims::{Figures, Measurements, Network, threshold};
use sizes::Sizes;

/// Measures all networks of a chapter; `figures` are those of each section. A network that cannot be measured is left
/// out, and a sentence says why.
pub fn measure(
    chapter: &Chapter,
    loaded: &[Loaded],
    figures: &[Figures],
    sizes: &Sizes,
    progress: &Progress,
) -> (Measurements, Vec<String>) {
    let bar = progress.bar(loaded.len(), "Measuring");
    let mut measurements = Measurements { seed: samples::seed(chapter), networks: Vec::new() };
    let mut left_out = Vec::new();
    for (i, (section, loaded)) in chapter.sections.iter().zip(loaded).enumerate() {
        match network::network(chapter, section, loaded, sizes) {
            Ok(network) => {
                let figures = figures.get(i).cloned().unwrap_or_default();
                measurements.networks.push(Network { figures, ..network });
            }
            Err(cause) => left_out.push(format!("{} is not measured: {cause}.", section.title)),
        }
        bar.advance(1);
    }
    (measurements, left_out)
}

/// Section 3.1 of a chapter whose sections are made; `None` where no claim applies.
///
/// # Errors
/// Charts that cannot be drawn.
pub fn inferences(
    chapter: &Chapter,
    loaded: &[Loaded],
    page: &Page,
    sizes: &Sizes,
    progress: &Progress,
    assets: &mut Assets,
) -> Result<Option<Inferences>> {
    let figures: Vec<Figures> = page.sections.iter().map(figures).collect();
    let (measurements, left_out) = measure(chapter, loaded, &figures, sizes, progress);
    let heading = page.number.map_or("Inferences".into(), |number| format!("{number}.1 Inferences"));
    let mut paragraphs = vec![method(&measurements, sizes)];
    paragraphs.extend(few(&measurements));
    paragraphs.extend(left_out);
    crate::chapter::findings::inferences(heading, paragraphs, &measurements, assets)
}

/// Where the inferences come from, in a paragraph.
fn method(measurements: &Measurements, sizes: &Sizes) -> String {
    format!(
        "Nothing here is typed: every sentence is made from measurements of this run, and may come out either way. Each network is shown up to {} images, fresh ones where it reads lines or digits (seed {}), and so are up to {} copies of it with new random weights, each drawn as before the first step of training. Such copies are the control that counts: on a black background a network that has learned nothing points at the object too. Accuracy is from {} fresh images, the cascade from {}, deletion and insertion from {} a head in {} steps, probes from {} and as many again for the test.",
        sizes.maps,
        measurements.seed,
        sizes.copies,
        sizes.accuracy,
        sizes.cascade,
        sizes.perturbed,
        sizes.steps,
        sizes.probe
    )
}

/// What is left out because there are too few images.
fn few(measurements: &Measurements) -> Option<String> {
    let images = |network: &&Network| network.heads.first().is_some_and(|head| head.grad_cam.maps < threshold::IMAGES);
    let networks: Vec<&str> = measurements.networks.iter().filter(images).map(|n| n.name.as_str()).collect();
    (!networks.is_empty()).then(|| {
        format!(
            "{}: measured on the section's own inputs, which are fewer than {}. On so few nothing can be told from chance, so what needs many images (the comparison with copies, the cascade, deletion and insertion, probes) is left out.",
            networks.join(", "),
            threshold::IMAGES
        )
    })
}

/// The figures of a section that show what is measured: those that are there.
fn figures(section: &page::Section) -> Figures {
    let filters = section.filters.iter().filter_map(|filters| filters.figures.first()).map(|f| f.id.clone()).collect();
    let first = section.inputs.first();
    let activations = first.map(|input| input.activations.iter().map(|f| f.id.clone()).collect()).unwrap_or_default();
    let heatmaps = section.inputs.iter().filter_map(|input| input.heatmaps.first()).map(|f| f.id.clone()).collect();
    Figures { filters, activations, heatmaps }
}
