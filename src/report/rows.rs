//! JSON Lines on their way to a file.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Seek, Write};

/// The file beside a page that holds a line an image.
pub const FILE: &str = "images.jsonl";

/// Lines in the order in which they are added. They wait in an unnamed temporary file, so that memory does not grow with their number,
/// and so that nothing is left of a run that ends early.
#[derive(Debug)]
pub struct Rows(BufWriter<File>);

impl Rows {
    /// No lines yet.
    ///
    /// # Errors
    /// When the system's folder for temporary files cannot be written.
    pub fn new() -> Result<Rows> {
        tempfile::tempfile().map(|file| Rows(BufWriter::new(file))).map_err(|cause| failed(&cause))
    }

    /// Adds a line, which is one value of JSON without line breaks.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn push(&mut self, line: &str) -> Result<()> {
        writeln!(self.0, "{line}").map_err(|cause| failed(&cause))
    }

    /// Writes all lines to where they belong.
    ///
    /// # Errors
    /// When they cannot be written there, or not be read back.
    pub fn copy(mut self, to: &mut impl Write) -> std::io::Result<()> {
        self.0.flush()?;
        let waiting = self.0.get_mut();
        waiting.rewind()?;
        std::io::copy(waiting, to).map(drop)
    }
}

fn failed(cause: &std::io::Error) -> Error {
    Error::other(format!("a temporary file in {} cannot be written: {cause}", std::env::temp_dir().display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_as_they_went_in() {
        let mut rows = Rows::new().unwrap();
        (0..3000).for_each(|i| rows.push(&format!("{{\"number\":{i}}}")).unwrap());
        let mut bytes = Vec::new();
        rows.copy(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), 3000);
        assert!(text.starts_with("{\"number\":0}\n{\"number\":1}\n") && text.ends_with("{\"number\":2999}\n"));
    }
}
