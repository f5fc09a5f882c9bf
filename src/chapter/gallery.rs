//! A section's inputs in bounded memory: each is read, run, explained, drawn and let go by one thread, and only a few are under way.

use crate::chapter::Collected;
use crate::chapter::room::Room;
use crate::chapter::row;
use crate::chapter::survey::{Said, Survey};
use crate::config::{Input, Source};
use crate::error::{Error, Result};
use crate::input::sources::Sources;
use crate::progress::Bar;
use crate::report::page;
use rayon::prelude::*;

/// Inputs to a thread that may be done before they are taken in, in the order of the inputs.
const AHEAD: usize = 8;

/// What the inputs of a section gave.
#[derive(Default)]
pub(crate) struct Walked {
    pub inputs: Vec<page::Input>,
    /// A sentence for each photograph that was left out, where no rows were asked for.
    pub left_out: Vec<String>,
    pub survey: Survey,
}

/// One input that was dealt with.
enum Dealt {
    LeftOut { file: String, reason: String },
    Explained { said: Option<Said>, row: Option<String>, drawn: Option<Box<(page::Input, Collected)>> },
}

/// Deals with every input. The first `most` that can be read are drawn; pictures, arrays and, where asked for, a row for each input
/// go to `collected`.
///
/// # Errors
/// An input that is no photograph and cannot be made or explained; photographs none of which can be.
pub(crate) fn walk(
    room: &Room,
    sources: &Sources,
    inputs: &[Input],
    most: usize,
    bar: &Bar,
    collected: &mut Collected,
) -> Result<Walked> {
    let mut walked = Walked::default();
    let chunk = AHEAD * rayon::current_num_threads();
    for (start, inputs) in inputs.chunks(chunk).enumerate() {
        let (draw, rows) = (walked.inputs.len() < most, collected.rows.is_some());
        let deal = |(i, input): (usize, &Input)| {
            let dealt = deal(room, sources, start * chunk + i + 1, input, draw, rows);
            bar.advance(1);
            dealt
        };
        let dealt: Vec<Result<Dealt>> = inputs.par_iter().enumerate().with_max_len(1).map(deal).collect();
        for (i, dealt) in dealt.into_iter().enumerate() {
            walked.take(start * chunk + i + 1, dealt?, most, collected)?;
        }
    }
    match walked.survey.first_failure() {
        Some(reason) if walked.inputs.is_empty() && walked.survey.read() == 0 => {
            Err(Error::input(format!("no photograph can be explained; the first: {reason}")))
        }
        _ => Ok(walked),
    }
}

/// Deals with one input; its arrays end here.
fn deal(room: &Room, sources: &Sources, number: usize, input: &Input, draw: bool, rows: bool) -> Result<Dealt> {
    let seen = match (sources.ready(input).and_then(|ready| room.look(ready)), &input.source) {
        (Ok(seen), _) => seen,
        (Err(cause), Source::Image { .. }) => {
            let file = sources.name(input).unwrap_or_default();
            return Ok(Dealt::LeftOut { file, reason: sources.complaint(input, &cause) });
        }
        (Err(cause), _) => return Err(cause),
    };
    let row = rows.then(|| row::row(room, number, &seen)).transpose()?;
    let drawing = || {
        let mut collected = Collected::default();
        let input = room.input(number, &seen, &mut collected.assets)?;
        room.raw(number, &seen, &mut collected.raw)?;
        Ok(Box::new((input, collected)))
    };
    let drawn = draw.then(drawing).transpose()?;
    let said = seen.ready.photograph.is_some().then(|| Said::of(&seen));
    Ok(Dealt::Explained { said, row, drawn })
}

impl Walked {
    fn take(&mut self, number: usize, dealt: Dealt, most: usize, collected: &mut Collected) -> Result<()> {
        match dealt {
            Dealt::LeftOut { file, reason } => {
                if let Some(rows) = &mut collected.rows {
                    rows.push(&row::failure(number, &file, &reason)?)?;
                } else {
                    self.left_out.push(format!("Left out: {reason}."));
                }
                self.survey.fail(file, reason);
            }
            Dealt::Explained { said, row, drawn } => {
                said.into_iter().for_each(|said| self.survey.add(said));
                if let (Some(rows), Some(row)) = (&mut collected.rows, row) {
                    rows.push(&row)?;
                }
                if let Some(drawn) = drawn
                    && self.inputs.len() < most
                {
                    let (input, beside) = *drawn;
                    self.inputs.push(input);
                    collected.assets.extend(beside.assets);
                    collected.raw.extend(beside.raw);
                }
            }
        }
        Ok(())
    }
}
