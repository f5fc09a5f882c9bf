//! Files that are read: only regular ones, and none larger than its kind may be.
//!
//! A named pipe or a device would be waited for, or read, for ever.

use crate::error::{Error, Result};
use std::fs::{FileType, Metadata};
use std::io::Read;
use std::path::Path;

/// The largest text that is read, in bytes: labels and configuration files.
pub const LARGEST_TEXT: u64 = 1 << 24;

/// The largest image file that is read, in bytes: room for 2^26 pixels without compression.
pub const LARGEST_IMAGE: u64 = 5 << 26;

/// Opens a regular file, or the one that a link leads to, of at most `largest` bytes.
///
/// # Errors
/// `Error::Input`, naming the file: not there, not readable, a folder, a named pipe, a device, or larger.
pub fn open(path: &Path, largest: u64) -> Result<std::fs::File> {
    // Looked at before it is opened, as opening a pipe waits for a writer; and after, as it may have been exchanged.
    check(path, &std::fs::metadata(path).map_err(|cause| Error::reading(path, &cause))?, largest)?;
    let file = std::fs::File::open(path).map_err(|cause| Error::reading(path, &cause))?;
    check(path, &file.metadata().map_err(|cause| Error::reading(path, &cause))?, largest)?;
    Ok(file)
}

fn check(path: &Path, metadata: &Metadata, largest: u64) -> Result<()> {
    let refused = |what: String| Err(Error::input(format!("{}: {what}", path.display())));
    match metadata.len() {
        _ if !metadata.is_file() => refused(format!("is {}; give a regular file", kind(metadata.file_type()))),
        length if length > largest => refused(format!(
            "has {length} bytes, more than the {} MiB that are read of such a file; is it the right one?",
            largest >> 20
        )),
        _ => Ok(()),
    }
}

/// What stands at a path that is no regular file.
fn kind(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    if kind.is_dir() { "a folder" } else { "no regular file" }
}

/// The bytes of a regular file of at most `largest`.
///
/// # Errors
/// As for [`open`].
pub fn bytes(path: &Path, largest: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A file may grow while it is read.
    open(path, largest)?.take(largest).read_to_end(&mut bytes).map_err(|cause| Error::reading(path, &cause))?;
    Ok(bytes)
}

/// The text of a regular file of at most `largest` bytes.
///
/// # Errors
/// As for [`open`], and a file that is no UTF-8.
pub fn text(path: &Path, largest: u64) -> Result<String> {
    String::from_utf8(bytes(path, largest)?)
        .map_err(|_| Error::input(format!("{}: is no text in UTF-8", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        let error = open(path, 3).unwrap_err();
        assert!(error.is_input(), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        error.to_string()
    }

    #[test]
    fn only_regular_files_within_their_bound_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("three"), "abc").unwrap();
        std::fs::write(path("four"), "abcd").unwrap();
        std::fs::write(path("bytes"), [0xff, 0xfe]).unwrap();
        assert_eq!(text(&path("three"), 3).unwrap(), "abc");
        assert!(refusal(&path("four")).contains("has 4 bytes"));
        assert!(refusal(folder.path()).contains("is a folder; give a regular file"));
        assert!(refusal(&path("none")).contains("cannot be read"));
        assert!(text(&path("bytes"), 3).unwrap_err().to_string().contains("no text in UTF-8"));
        #[cfg(unix)]
        {
            assert!(refusal(Path::new("/dev/zero")).contains("is a device"));
            std::os::unix::fs::symlink("three", path("link")).unwrap();
            assert_eq!(text(&path("link"), 3).unwrap(), "abc");
            assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
            assert!(refusal(&path("pipe")).contains("is a named pipe"));
        }
    }
}
