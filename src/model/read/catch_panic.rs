//! The one place where tract's failures, panics included, become our errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use tract_onnx::prelude::TractResult;

use crate::error::{Error, Result};
use crate::model::read::printable::printable;

thread_local! {
    /// Whether this thread is inside tract, whose panics are answered with an error and not with a trace.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a piece of tract and turns its errors into ours.
///
/// tract divides and indexes unchecked in places that a damaged file reaches (a stride of zero, a list of pads too
/// short), and a damaged file must end in a message: hence the net for panics here and only here.
pub(crate) fn refuse_panic<T>(what: &str, run: impl FnOnce() -> TractResult<T>) -> Result<T> {
    silence_once();
    let outer = INSIDE.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    INSIDE.set(outer);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => {
            // The outermost context names the operator, the root says what is wrong; what lies between is tract's own.
            let chain: Vec<String> = cause.chain().map(|cause| first_line(&cause.to_string())).collect();
            let text = match (chain.first(), chain.last()) {
                (Some(first), Some(last)) if chain.len() > 1 => format!("{first}: {last}"),
                (Some(only), _) => only.clone(),
                _ => String::new(),
            };
            Err(Error::input(format!("{what} failed: {text}")))
        }
        Err(_) => Err(Error::input(format!("{what} failed: the graph is inconsistent"))),
    }
}

/// Panics inside tract are expected of damaged files and print nothing; all others print as before.
fn silence_once() {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !INSIDE.get() {
                before(panic);
            }
        }));
    });
}

/// tract appends whole graphs to some messages, on further lines.
fn first_line(text: &str) -> String {
    printable(text.lines().next().unwrap_or_default())
}
