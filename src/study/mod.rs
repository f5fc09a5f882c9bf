//! The measurements of a chapter: every network is measured as far as its inputs allow, and claims are judged by the numbers.
//! Values only.

mod accuracy;
mod anatomy;
mod changes;
pub mod claims;
mod copies;
mod heads;
mod layers;
mod maps;
pub mod measurements;
mod network;
mod perturbing;
mod probes;
mod randomised;
mod samples;
pub mod sizes;
pub mod subject;
#[cfg(test)]
mod tests;

pub use subject::Subject;

use crate::error::Error;
use crate::progress::Progress;
use crate::study::measurements::Measurements;
use sizes::Sizes;

/// What was measured of the networks of a chapter.
pub struct Study {
    /// The numbers, network by network.
    pub measurements: Measurements,
    /// The subject that each of the measured networks is.
    pub sections: Vec<usize>,
    /// Networks that could not be measured.
    pub left_out: Vec<LeftOut>,
}

/// A network that could not be measured.
pub struct LeftOut {
    /// Its section's title.
    pub title: String,
    /// Why.
    pub cause: Error,
}

/// Measures networks; `seed` is the chapter's.
pub fn study(subjects: &[Subject], seed: u64, sizes: &Sizes, progress: &Progress) -> Study {
    let bar = progress.bar(subjects.len(), "Measuring");
    let measurements = Measurements { seed: samples::seed(seed), networks: Vec::new() };
    let mut study = Study { measurements, sections: Vec::new(), left_out: Vec::new() };
    for (i, subject) in subjects.iter().enumerate() {
        match network::network(subject, sizes) {
            Ok(network) => {
                study.measurements.networks.push(network);
                study.sections.push(i);
            }
            Err(cause) => study.left_out.push(LeftOut { title: subject.section.title.clone(), cause }),
        }
        bar.advance(1);
    }
    study
}
