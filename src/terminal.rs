//! What the program says: results on stdout, everything else on stderr. The only place that writes to either.
//!
//! Names and labels from files go through [`text`], so that none of them commands the terminal.

use crate::error::{Error, Result};
use crate::text;
use std::io::{ErrorKind, Write};

/// Says a line, or several, on stderr. Whether anybody can hear it never matters: a stderr that is closed or full is passed over.
pub fn say(words: &str) {
    let _ = std::io::stderr().lock().write_all((text::lines(words) + "\n").as_bytes());
}

/// Prints a result on stdout. A reader that has gone away is no error.
///
/// # Errors
/// When stdout cannot be written, as on a full disk.
pub fn print(result: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text::lines(result).as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            Err(Error::other(format!("stdout: cannot be written: {cause}")))
        }
        _ => Ok(()),
    }
}
