//! The steps in which files change their places, apart so that tests can let each of them fail.

use std::io::Result;
use std::path::Path;

/// What is done to the names of files. All but a copy happen whole or not at all.
pub trait Disk {
    fn create_dir(&self, path: &Path) -> Result<()>;
    /// Gives a file a second name.
    fn hard_link(&self, file: &Path, name: &Path) -> Result<()>;
    /// Copies a file.
    fn copy(&self, file: &Path, name: &Path) -> Result<()>;
    /// Makes a symbolic link that says `target`.
    fn symlink(&self, target: &Path, link: &Path) -> Result<()>;
    /// Moves a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;
    fn remove_file(&self, path: &Path) -> Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&self, path: &Path) -> Result<()>;
}

/// The system's own file operations.
pub struct System;

impl Disk for System {
    fn create_dir(&self, path: &Path) -> Result<()> {
        std::fs::create_dir(path)
    }

    fn hard_link(&self, file: &Path, name: &Path) -> Result<()> {
        std::fs::hard_link(file, name)
    }

    fn copy(&self, file: &Path, name: &Path) -> Result<()> {
        std::fs::copy(file, name).map(drop)
    }

    #[cfg(unix)]
    fn symlink(&self, target: &Path, link: &Path) -> Result<()> {
        std::os::unix::fs::symlink(target, link)
    }

    #[cfg(not(unix))]
    fn symlink(&self, _target: &Path, _link: &Path) -> Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        std::fs::remove_dir(path)
    }
}
