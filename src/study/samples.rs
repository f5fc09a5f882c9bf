//! The images that a network is measured on: fresh ones of the kind that its section shows, else the section's own.

use crate::config::{Input, Section, Source};
use crate::error::{Error, Result};
use crate::explain::engine::Engine;
use crate::explain::usable::usable_inputs;
use crate::input::prepared::PreparedInput;
use crate::input::sources::{Sources, mnist_folder};
use crate::input::{digit, idx, line};
use crate::study::subject::Subject;
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
    Own(Vec<PreparedInput>),
}

/// The images of one network.
pub struct Samples<'a> {
    pub sources: Sources<'a>,
    kind: Kind,
    /// Which images: the same text for the same images in the same order.
    pub name: String,
}

impl<'a> Samples<'a> {
    /// Fresh lines or digits where all of a section's inputs are such, else these inputs themselves.
    ///
    /// # Errors
    /// Inputs that cannot be read.
    pub fn of(subject: &Subject<'a>) -> Result<Samples<'a>> {
        let Subject { section, loaded, mnist, .. } = *subject;
        let sources = |seed: u64| Sources::new(loaded, &section.inputs, mnist, seed);
        let all = |wanted: fn(&Source) -> bool| section.inputs.iter().all(|input| wanted(&input.source));
        let kind = if all(|source| matches!(source, Source::Line { .. })) {
            Kind::Lines
        } else if all(|source| matches!(source, Source::Digit { .. })) {
            Kind::Digits
        } else if all(|source| matches!(source, Source::Mnist { .. })) {
            let folder = mnist_folder(mnist)?;
            Kind::Mnist(idx::mnist(&folder, idx::Split::Test)?)
        } else {
            let engine = Engine::new(&loaded.network, &subject.target.tensor, &[], loaded.size())?;
            Kind::Own(usable_inputs(&engine, &sources(subject.seed), &section.title, &section.inputs, usize::MAX)?)
        };
        let name = match &kind {
            Kind::Lines => "lines".into(),
            Kind::Digits => "digits".into(),
            Kind::Mnist(_) => "MNIST".into(),
            Kind::Own(own) => own_name(section, own),
        };
        Ok(Samples { sources: sources(seed(subject.seed)), kind, name })
    }

    /// The images in words.
    pub fn words(&self) -> &'static str {
        match &self.kind {
            Kind::Lines => "fresh lines",
            Kind::Digits => "fresh drawn digits",
            Kind::Mnist(_) => "images of the MNIST test set",
            Kind::Own(own) if own.iter().all(|ready| ready.photograph.is_some()) => "photographs",
            Kind::Own(_) => "inputs of the section",
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
    pub fn images(&self, from: usize, to: usize) -> Result<Vec<PreparedInput>> {
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

    fn image(&self, i: usize) -> Result<PreparedInput> {
        let generated = |source| self.sources.prepare(&Input { source, line: 0 });
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

/// The section's own inputs by their sources, and which of them could be used.
fn own_name(section: &Section, own: &[PreparedInput]) -> String {
    let source = |input: &Input| match &input.source {
        Source::Image { path, .. } => path.display().to_string(),
        other => format!("{other:?}"),
    };
    let sources: Vec<String> = section.inputs.iter().map(source).collect();
    let used: Vec<&str> = own.iter().map(|ready| ready.name.as_str()).collect();
    format!("{}\n{}", sources.join("\n"), used.join("\n"))
}

/// The seed of generated images that are measured, from the chapter's.
pub fn seed(chapter: u64) -> u64 {
    chapter.wrapping_add(SEED)
}
