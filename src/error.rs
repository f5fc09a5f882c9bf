//! The crate's error: what went wrong, by kind, with the file, key or operators as fields; the message is complete in itself.

use std::io;
use std::path::{Path, PathBuf};

/// What went wrong. Messages name the file, the tensor or key, what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that the user names cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A network that cannot be used, with every reason.
    #[error("{}: this network cannot be used:{}", path.display(), reasons.iter().map(|reason| format!("\n  - {reason}")).collect::<String>())]
    Refused {
        /// The network's file.
        path: PathBuf,
        /// The reasons, a sentence each.
        reasons: Vec<String>,
    },
    /// Operators on the way of a gradient that have no rule.
    #[error("no gradient rule for: {}", operators.join(", "))]
    NoRule {
        /// The operators, each with its node's name.
        operators: Vec<String>,
    },
    /// Labels that cannot be read or that do not fit the network.
    #[error("{}: {problem}", path.display())]
    Labels {
        /// The file of the labels.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Preprocessing that the network or the program does not know.
    #[error("{key}: {problem}")]
    Preprocessing {
        /// The key or option, or the network that it is about.
        key: String,
        /// What is wrong, and what there is.
        problem: String,
    },
    /// A value of the chapter file.
    #[error("{}:{line}: {key}: {problem}", path.display())]
    Chapter {
        /// The chapter file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, such as `section.filters`.
        key: String,
        /// What is wrong, and what there is.
        problem: String,
    },
    /// Anything else that the user gave.
    #[error("{0}")]
    Input(String),
    /// A check that could come to no verdict, and why.
    #[error("{0}")]
    Undecided(String),
    /// Anything that is not a fault of the input.
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
    pub fn reading(path: &Path, cause: &io::Error) -> Error {
        Error::Unreadable { path: path.to_path_buf(), source: copied(cause) }
    }

    /// A file that cannot be written is not a fault of the inputs.
    pub fn writing(path: &Path, cause: &io::Error) -> Error {
        Error::Output { path: path.to_path_buf(), source: copied(cause) }
    }

    /// Whether what the user gave is at fault: arguments, files, or a network that cannot be used.
    pub fn is_input(&self) -> bool {
        !matches!(self, Error::Other(_) | Error::Undecided(_) | Error::Output { .. })
    }
}

/// The same I/O error again, which cannot be cloned.
fn copied(cause: &io::Error) -> io::Error {
    match cause.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(cause.kind(), cause.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn messages_name_the_place_and_causes_are_kept() {
        let cause = io::Error::from_raw_os_error(2);
        let error = Error::reading(Path::new("a.png"), &cause);
        assert_eq!(error.to_string(), format!("a.png: cannot be read: {cause}"));
        assert!(error.is_input() && error.source().is_some_and(|source| source.to_string() == cause.to_string()));
        let error = Error::writing(Path::new("out"), &io::Error::new(io::ErrorKind::StorageFull, "no room"));
        assert_eq!((error.to_string().as_str(), error.is_input()), ("out: cannot be written: no room", false));
        let reasons = vec!["it has control flow".to_string(), "it is quantised".into()];
        let refused = Error::Refused { path: "n.onnx".into(), reasons };
        assert_eq!(
            refused.to_string(),
            "n.onnx: this network cannot be used:\n  - it has control flow\n  - it is quantised"
        );
    }
}
