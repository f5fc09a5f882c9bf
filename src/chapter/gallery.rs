//! A section's inputs in bounded memory: each is read, run, explained, drawn and let go by one thread, and only a few are under way.

use crate::chapter::context::SectionContext;
use crate::chapter::output::Artifacts;
use crate::chapter::survey::{Survey, Tally};
use crate::chapter::{arrays, input, row, words};
use crate::config::{Input, Source};
use crate::error::{Error, Result};
use crate::input::sources::Sources;
use crate::progress::Bar;
use crate::report::page;
use rayon::prelude::*;

/// Inputs to a thread that may be done before they are taken in, in the order of the inputs.
const AHEAD: usize = 8;

/// Photographs whose doubts are told one by one.
const DOUBTS: usize = 3;

/// What all inputs of a section are run with.
pub(crate) struct Run<'a> {
    pub context: &'a SectionContext<'a>,
    pub sources: &'a Sources<'a>,
    /// Inputs that are drawn at most: the first that can be read.
    pub most: usize,
    pub bar: &'a Bar,
}

/// What the inputs of a section gave.
#[derive(Default)]
pub(crate) struct Ran {
    pub inputs: Vec<page::Input>,
    /// A sentence for each photograph that was left out, where no rows were asked for.
    pub left_out: Vec<String>,
    pub survey: Survey,
    /// What was assumed about photographs' values and may be wrong, for the first few of them.
    doubts: Vec<String>,
    /// How many photographs something was assumed about.
    doubtful: usize,
}

/// What one input gave.
enum Outcome {
    LeftOut { file: String, reason: String },
    Explained { tally: Tally, row: Option<String>, doubt: Option<String>, drawn: Option<Box<Drawn>> },
}

/// An input's part of the page, and what is written beside it.
struct Drawn {
    page: page::Input,
    artifacts: Artifacts,
}

/// Runs every input. The first `most` that can be read are drawn; pictures, arrays and, where asked for, a row for each input
/// go to `artifacts`.
///
/// # Errors
/// An input that is no photograph and cannot be made or explained; photographs none of which can be.
pub(crate) fn run_all(run: &Run, inputs: &[Input], artifacts: &mut Artifacts) -> Result<Ran> {
    let mut ran = Ran::default();
    let chunk = AHEAD * rayon::current_num_threads();
    for (start, inputs) in inputs.chunks(chunk).enumerate() {
        let (draw, rows) = (ran.inputs.len() < run.most, artifacts.rows.is_some());
        let one = |(i, input): (usize, &Input)| {
            let outcome = run_one(run, start * chunk + i + 1, input, draw, rows);
            run.bar.advance(1);
            outcome
        };
        let outcomes: Vec<Result<Outcome>> = inputs.par_iter().enumerate().with_max_len(1).map(one).collect();
        for (i, outcome) in outcomes.into_iter().enumerate() {
            ran.take(start * chunk + i + 1, outcome?, run.most, artifacts)?;
        }
    }
    match ran.survey.first_failure() {
        Some(reason) if ran.inputs.is_empty() && ran.survey.read() == 0 => {
            Err(Error::input(format!("no photograph can be explained; the first: {reason}")))
        }
        _ => Ok(ran),
    }
}

/// Runs one input; its arrays end here.
fn run_one(run: &Run, number: usize, input: &Input, draw: bool, rows: bool) -> Result<Outcome> {
    let Run { context, sources, .. } = *run;
    let explained = sources.prepare(input).and_then(|prepared| context.explainer.explain_input(prepared));
    let explanation = match (explained, &input.source) {
        (Ok(explanation), _) => explanation,
        (Err(cause), Source::Image { .. }) => {
            let file = sources.name(input).unwrap_or_default();
            return Ok(Outcome::LeftOut { file, reason: sources.complaint(input, &cause) });
        }
        (Err(cause), _) => return Err(cause),
    };
    let row = rows.then(|| row::row(context.loaded(), number, &explanation)).transpose()?;
    let drawing = || {
        let mut artifacts = Artifacts::default();
        let page = input::input(context, number, &explanation, &mut artifacts.assets)?;
        artifacts.raw = arrays::arrays(context, number, &explanation)?;
        artifacts.summary.push(words::summary(context.loaded(), &explanation));
        Ok(Box::new(Drawn { page, artifacts }))
    };
    let drawn = draw.then(drawing).transpose()?;
    let doubt = explanation.input.doubt.as_ref().map(|doubt| format!("{}: {doubt}.", explanation.input.name));
    Ok(Outcome::Explained { tally: Tally::of(&explanation), row, doubt, drawn })
}

impl Ran {
    /// What was assumed about photographs' values, for the top of the page.
    pub fn doubts(&self) -> Vec<String> {
        let more = self.doubtful.saturating_sub(self.doubts.len());
        let rest = (more > 0).then(|| format!("The like is assumed about {more} more images."));
        self.doubts.iter().cloned().chain(rest).collect()
    }

    fn take(&mut self, number: usize, outcome: Outcome, most: usize, artifacts: &mut Artifacts) -> Result<()> {
        match outcome {
            Outcome::LeftOut { file, reason } => {
                if let Some(rows) = &mut artifacts.rows {
                    rows.push(&row::failure(number, &file, &reason)?)?;
                } else {
                    self.left_out.push(format!("Left out: {reason}."));
                }
                self.survey.fail(file, reason);
            }
            Outcome::Explained { tally, row, doubt, drawn } => {
                self.doubtful += usize::from(doubt.is_some());
                self.doubts.extend(doubt.filter(|_| self.doubts.len() < DOUBTS));
                self.survey.add(tally);
                if let (Some(rows), Some(row)) = (&mut artifacts.rows, row) {
                    rows.push(&row)?;
                }
                if let Some(mut drawn) = drawn
                    && self.inputs.len() < most
                {
                    artifacts.extend(drawn.artifacts, drawn.page.figures_mut(false));
                    self.inputs.push(drawn.page);
                }
            }
        }
        Ok(())
    }
}
