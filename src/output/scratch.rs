//! The hidden folder in which a run's files wait, and its lock.

use crate::error::{Error, Result};
use crate::output::disk::System;
use crate::output::switch::{self, FOLDER, NEW};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The lock's file, within the hidden folder. The system lets go of a lock when its process ends, however it ends.
const LOCK: &str = "lock";

/// How often the lock is asked for again when the folder vanished in between, as it does when another run ends.
const ATTEMPTS: usize = 100;

/// What a run has made in its output folder before it publishes.
#[derive(Debug)]
pub struct Scratch {
    out: PathBuf,
    /// Folders that were not there before, the innermost first.
    made: Vec<PathBuf>,
    /// Held while the run lives.
    lock: Option<File>,
}

impl Scratch {
    /// Makes the output folder if it is not there, and in it the hidden folder, locked. What a run that was killed left there is
    /// brought to its end and removed.
    ///
    /// # Errors
    /// `Error::Input` for a place that is no folder, or where another run is at work; `Error::Other` where nothing can be written.
    pub fn open(out: &Path) -> Result<Scratch> {
        let mut scratch = Scratch { out: out.to_path_buf(), made: Vec::new(), lock: None };
        scratch.make(out)?;
        scratch.lock = Some(lock(out)?);
        switch::settle(&System, out).map_err(|(path, cause)| Error::writing(&path, &cause))?;
        scratch.clear();
        let new = scratch.new_files();
        fs::create_dir(&new).map_err(|cause| Error::writing(out, &cause))?;
        Ok(scratch)
    }

    /// Makes a folder and those above it that are missing.
    fn make(&mut self, folder: &Path) -> Result<()> {
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        if let Ok(metadata) = fs::symlink_metadata(folder) {
            let what = if metadata.is_symlink() && fs::metadata(folder).is_err() {
                "is a link that leads nowhere"
            } else {
                "is no folder"
            };
            return Err(Error::input(format!("{}: {what}; choose another --out", folder.display())));
        }
        self.make(folder.parent().unwrap_or(Path::new("")))?;
        fs::create_dir(folder).map_err(|cause| Error::writing(folder, &cause))?;
        self.made.insert(0, folder.to_path_buf());
        Ok(())
    }

    /// Where new files wait.
    pub fn new_files(&self) -> PathBuf {
        self.out.join(FOLDER).join(NEW)
    }

    /// Says that the output folder holds something and stays.
    pub fn keep_folders(&mut self) {
        self.made.clear();
    }

    /// Lets go of everything as it is, as the system does for a process that is killed.
    #[cfg(test)]
    pub fn abandon(&mut self) {
        self.lock = None;
        self.made.clear();
    }

    /// Removes everything that waits, but never what a place in the output folder still leads to.
    fn clear(&self) {
        let hidden = self.out.join(FOLDER);
        if switch::is_settled(&self.out) {
            let entries = fs::read_dir(&hidden).into_iter().flatten().flatten();
            for entry in entries.filter(|entry| entry.file_name() != LOCK) {
                let path = entry.path();
                // What cannot be removed is left to the next run.
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
    }

    /// Removes what the run made, and the folders that it made for it.
    pub fn remove(&mut self) {
        if self.lock.is_none() {
            self.made.drain(..).for_each(|folder| _ = fs::remove_dir(folder));
            return;
        }
        // What cannot be settled either is left to the next run.
        let _ = switch::settle(&System, &self.out);
        self.clear();
        let hidden = self.out.join(FOLDER);
        // Without its lock another run may be at work in the folder already, which then is not empty and stays.
        if fs::read_dir(&hidden).is_ok_and(|entries| entries.count() == 1) {
            let _ = fs::remove_file(hidden.join(LOCK)).and_then(|()| fs::remove_dir(&hidden));
        }
        self.lock = None;
        self.made.drain(..).for_each(|folder| _ = fs::remove_dir(folder));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Makes and locks the hidden folder of an output folder.
fn lock(out: &Path) -> Result<File> {
    let hidden = out.join(FOLDER);
    for _ in 0..ATTEMPTS {
        match fs::create_dir(&hidden) {
            Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::writing(out, &cause));
            }
            _ => {}
        }
        if fs::symlink_metadata(&hidden).is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(Error::input(format!("{}: is no folder; move it away", hidden.display())));
        }
        let path = hidden.join(LOCK);
        let file = match File::options().create(true).truncate(false).write(true).open(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            opened => opened.map_err(|cause| Error::writing(out, &cause))?,
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Error::input(format!(
                    "{}: another convscope is writing there; wait for it, or choose another --out",
                    out.display()
                )));
            }
            // A file system without locks: two runs at a time are then not told apart.
            Err(TryLockError::Error(_)) => return Ok(file),
            // The lock counts only if its file is still the one that the next run would find.
            Ok(()) if same_file(&file, &path) => return Ok(file),
            Ok(()) => {}
        }
    }
    Err(Error::other(format!("{}: other runs come and go there; try again", out.display())))
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let there = fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    file.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok() == there
}

#[cfg(not(unix))]
fn same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}
