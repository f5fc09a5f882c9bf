//! The images that a network is measured on: fresh ones of the kind that its section shows, else the section's own.

use crate::chapter::section::{self, Loaded};
use crate::config::{Chapter, Input, Section, Source};
use crate::error::{Error, Result};
use crate::explain::explainer::Explainer;
use crate::input::sources::{Ready, Sources, mnist_folder};
use crate::input::{digit, idx, line};
use ndarray::Axis;
use rayon::prelude::*;

/// What the chapter's seed is moved by for measuring, so that no image is measured that the chapter shows, nor one of
/// the seeds 1 and 2 that the bundled networks were trained and tested with.
const SEED: u64 = 10_000;

/// Steps between the classes of successive lines: prime to their number, and such that few lines already mix all
/// attributes.
pub const STRIDE: usize = 37;

/// Where measured images come from.
enum Kind {
    Lines,
    Digits,
    Mnist(idx::Labelled),
    Own(Vec<Ready>),
}

/// The images of one network.
pub struct Samples<'a> {
    pub sources: Sources<'a>,
    kind: Kind,
}

impl<'a> Samples<'a> {
    /// Fresh lines or digits where all of a section's inputs are such, else these inputs themselves.
    ///
    /// # Errors
    /// Inputs that cannot be read.
    pub fn of(chapter: &Chapter, section: &Section, loaded: &'a Loaded) -> Result<Samples<'a>> {
        let all = |wanted: fn(&Source) -> bool| section.inputs.iter().all(|input| wanted(&input.source));
        let kind = if all(|source| matches!(source, Source::Line { .. })) {
            Kind::Lines
        } else if all(|source| matches!(source, Source::Digit { .. })) {
            Kind::Digits
        } else if all(|source| matches!(source, Source::Mnist { .. })) {
            let folder = mnist_folder(chapter.mnist.as_deref())?;
            Kind::Mnist(idx::mnist(&folder, idx::Split::Test)?)
        } else {
            let target = section::target(chapter, section, &loaded.network)?;
            let explainer = Explainer::new(&loaded.network, &target.tensor, &[], loaded.size())?;
            Kind::Own(section::prepare(chapter, section, loaded, &explainer, usize::MAX)?)
        };
        Ok(Samples { sources: section::sources(chapter, section, loaded, seed(chapter)), kind })
    }

    /// The images in words.
    pub fn words(&self) -> &'static str {
        match self.kind {
            Kind::Lines => "fresh lines",
            Kind::Digits => "fresh drawn digits",
            Kind::Mnist(_) => "images of the MNIST test set",
            Kind::Own(_) => "the section's own inputs",
        }
    }

    /// Whether attributes of an image can be changed one by one.
    pub fn are_lines(&self) -> bool {
        matches!(self.kind, Kind::Lines)
    }

    /// Images `from..to` of this network, the same ones for the same range; as many as there are. Classes come in turn.
    ///
    /// # Errors
    /// An image that cannot be prepared.
    pub fn images(&self, from: usize, to: usize) -> Result<Vec<Ready>> {
        let range = from..to.min(self.available());
        range.into_par_iter().map(|i| self.image(i)).collect()
    }

    fn available(&self) -> usize {
        match &self.kind {
            Kind::Lines | Kind::Digits => usize::MAX,
            Kind::Mnist(test) => test.labels.len(),
            Kind::Own(own) => own.len(),
        }
    }

    fn image(&self, i: usize) -> Result<Ready> {
        let generated = |source| self.sources.ready(&Input { source, line: 0 });
        match &self.kind {
            Kind::Lines => generated(Source::Line { class: STRIDE * i % line::CLASSES, sample: i / line::CLASSES }),
            Kind::Digits => generated(Source::Digit { digit: i % digit::CLASSES, sample: i / digit::CLASSES }),
            Kind::Mnist(test) => {
                let label = test.labels.get(i).copied().ok_or_else(|| Error::other("no such MNIST image"))?;
                self.sources.mnist(test.images.index_axis(Axis(0), i), usize::from(label), String::new())
            }
            Kind::Own(own) => own.get(i).cloned().ok_or_else(|| Error::other("no such input")),
        }
    }
}

/// The seed of generated images that are measured.
pub fn seed(chapter: &Chapter) -> u64 {
    chapter.seed.wrapping_add(SEED)
}
