//! The inputs of a section that a network can be run on.

use crate::config::{Input, Source};
use crate::error::{Error, Result};
use crate::explain::engine::Engine;
use crate::input::prepared::PreparedInput;
use crate::input::sources::Sources;

/// How many reasons are given when no input can be used.
const REASONS: usize = 5;

/// Prepares the first `most` inputs that can be used; photographs that cannot be read or that the network cannot be run on are left
/// out. `title` names the inputs in messages.
///
/// # Errors
/// An input that is no photograph and cannot be made; inputs none of which can be used, with the first few reasons.
pub fn usable_inputs(
    engine: &Engine,
    sources: &Sources,
    title: &str,
    inputs: &[Input],
    most: usize,
) -> Result<Vec<PreparedInput>> {
    let mut usable = Vec::new();
    let mut failures = Vec::new();
    for input in inputs {
        if usable.len() >= most {
            break;
        }
        let runs = |prepared: PreparedInput| engine.forward(&prepared.tensor).map(|_| prepared);
        match (sources.prepare(input).and_then(runs), &input.source) {
            (Ok(input), _) => usable.push(input),
            (Err(cause), Source::Image { .. }) if failures.len() < REASONS => failures.push(cause.to_string()),
            (Err(_), Source::Image { .. }) => {}
            (Err(cause), _) => return Err(cause),
        }
    }
    if !usable.is_empty() || failures.is_empty() {
        return Ok(usable);
    }
    if inputs.len() > failures.len() {
        failures.push(format!("… and {} more", inputs.len() - failures.len()));
    }
    Err(Error::input(format!("{title}: no input can be used\n{}", failures.join("\n"))))
}
