//! The crate's error: whose fault it is decides the exit code, and the message is complete in itself.

use std::path::Path;

/// What went wrong. Messages name the file, the tensor or key, what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user's arguments or files are at fault; the program exits with 2.
    #[error("{0}")]
    Input(String),
    /// Anything else (a full disk, a bug); the program exits with 1.
    #[error("{0}")]
    Other(String),
}

/// Result with the crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error in what the user gave.
    pub fn input(message: impl Into<String>) -> Error {
        Error::Input(message.into())
    }

    /// Any other error.
    pub fn other(message: impl Into<String>) -> Error {
        Error::Other(message.into())
    }

    /// A file that cannot be read is the user's to mend.
    pub fn reading(path: &Path, cause: &std::io::Error) -> Error {
        Error::Input(format!("{}: cannot be read: {cause}", path.display()))
    }

    /// A file that cannot be written is not a fault of the inputs.
    pub fn writing(path: &Path, cause: &std::io::Error) -> Error {
        Error::Other(format!("{}: cannot be written: {cause}", path.display()))
    }

    /// The process's exit code: 2 for usage and input, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Input(_) => 2,
            Error::Other(_) => 1,
        }
    }
}
