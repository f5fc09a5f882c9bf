//! An output folder from the test before the work to the change of all its files.

use crate::error::{Error, Result};
use crate::output::claims::Claims;
use crate::output::disk::{Disk, System};
use crate::output::manifest::{FILE, Found, Listed, Manifest, hexadecimal};
use crate::output::scratch::Scratch;
use crate::output::switch::{Change, switch};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder that a run writes to. Dropped without [`Destination::publish`] it leaves everything as it was.
pub struct Destination {
    out: PathBuf,
    claims: Claims,
    /// Shared with the watch for interruptions, which waits while it is locked.
    scratch: Arc<Mutex<Scratch>>,
    /// What an earlier run wrote.
    before: Option<Manifest>,
    /// What this run has written.
    written: Manifest,
}

/// What came of publishing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Files of an earlier run that this one does not write and that somebody changed: they stay.
    pub kept: Vec<PathBuf>,
}

impl Destination {
    /// Opens an output folder, which is made if it is missing: tests that it can be written, tidies up after a run that was killed,
    /// and refuses what stands in the way of the files that the run will write. To be called before any work.
    ///
    /// # Errors
    /// `Error::Input` for a place that is no folder or in use by another run, and for files there that convscope did not write;
    /// `Error::Other` where nothing can be written.
    pub fn open(out: &Path, claims: Claims) -> Result<Destination> {
        let scratch = Scratch::open(out)?;
        let before = Manifest::read(out)?;
        let claims = Claims { files: [claims.files, vec![FILE]].concat(), ..claims };
        let destination = Destination {
            out: out.to_path_buf(),
            claims,
            scratch: Arc::new(Mutex::new(scratch)),
            before,
            written: Manifest::default(),
        };
        destination.check()?;
        Ok(destination)
    }

    /// The list of files is known by what it holds, all others by their hashes.
    fn check(&self) -> Result<()> {
        let files = self.claims.files.iter().copied().filter(|name| *name != FILE || self.before.is_none()).collect();
        Claims { files, ..self.claims.clone() }.check(&self.out, self.before.as_ref())
    }

    /// Where a file will be, for messages.
    pub fn path(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// What must be tidied up if the run is interrupted.
    pub fn scratch(&self) -> Arc<Mutex<Scratch>> {
        Arc::clone(&self.scratch)
    }

    /// Begins a file. It waits until all are published, and counts once it was [kept](Destination::keep).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(&self, name: &str) -> Result<Writing> {
        if !self.claims.cover(name) {
            return Err(Error::other(format!("{}: is not among the files of this command", self.path(name).display())));
        }
        let place = self.path(name);
        let waiting = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).new_files().join(name);
        let folder = waiting.parent().unwrap_or(&waiting);
        let made = std::fs::create_dir_all(folder).and_then(|()| File::create_new(&waiting));
        let file = made.map_err(|cause| Error::writing(&place, &cause))?;
        Ok(Writing { name: name.into(), place, file: BufWriter::new(file), hash: Sha256::new(), bytes: 0 })
    }

    /// Takes in a file whose content is complete.
    ///
    /// # Errors
    /// When the last of it cannot be written.
    pub fn keep(&mut self, mut file: Writing) -> Result<()> {
        file.flush().map_err(|cause| Error::writing(&file.place, &cause))?;
        let listed = Listed { bytes: file.bytes, sha256: hexadecimal(file.hash) };
        self.written.files.insert(file.name, listed);
        Ok(())
    }

    /// Writes a whole file, which waits until all are published.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let mut file = self.create(name)?;
        file.write_all(content).map_err(|cause| Error::writing(&file.place, &cause))?;
        self.keep(file)
    }

    /// Puts all files in their places at once, and removes what an earlier run wrote and this one does not.
    ///
    /// # Errors
    /// Something that came in the way since the folder was opened, or a place that cannot be changed; all is then as it was.
    pub fn publish(mut self) -> Result<Published> {
        self.publish_on(&System)
    }

    pub(super) fn publish_on(&mut self, disk: &dyn Disk) -> Result<Published> {
        self.check()?;
        let list = self.written.json()?;
        self.write(FILE, list.as_bytes())?;
        let (changes, published) = self.changes()?;
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        switch(disk, &self.out, &changes).map_err(|(path, cause)| Error::writing(&path, &cause))?;
        scratch.keep_folders();
        scratch.remove();
        Ok(published)
    }

    /// The files that differ from what is there.
    fn changes(&self) -> Result<(Vec<Change>, Published)> {
        let before = self.before.clone().unwrap_or_default();
        let (mut changes, mut published) = (Vec::new(), Published::default());
        for (name, listed) in &self.written.files {
            let old = match name.as_str() {
                FILE => self.before.is_some(),
                _ => before.found(&self.out, name)? == Found::Ours,
            };
            if name == FILE || !old || before.files.get(name) != Some(listed) {
                changes.push(Change { name: name.clone(), old, new: true });
            }
        }
        for name in before.files.keys().filter(|name| !self.written.files.contains_key(*name)) {
            match before.found(&self.out, name)? {
                Found::Ours => changes.push(Change { name: name.clone(), old: true, new: false }),
                Found::Changed => published.kept.push(self.path(name)),
                Found::Nothing | Found::Foreign => {}
            }
        }
        Ok((changes, published))
    }
}

/// A file being written.
pub struct Writing {
    name: String,
    /// Where it will be.
    place: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Writing {
    /// Where the file will be, for messages.
    pub fn place(&self) -> &Path {
        &self.place
    }
}

impl Write for Writing {
    fn write(&mut self, content: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(content)?;
        self.hash.update(content.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).remove();
    }
}
