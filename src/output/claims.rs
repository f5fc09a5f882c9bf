//! The places that a run will write to, and what may stand there before.

use crate::error::{Error, Result};
use crate::output::manifest::{FILE, Found, Manifest};
use std::path::Path;

/// Most reasons that one message lists.
const REASONS: usize = 5;

/// The places in an output folder that a run writes to.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Files in the folder itself.
    pub files: Vec<&'static str>,
    pub folders: Vec<Folder>,
}

/// A folder within the output folder, all of whose files have the same extension.
#[derive(Debug, Clone, Copy)]
pub struct Folder {
    pub name: &'static str,
    pub extension: &'static str,
}

impl Claims {
    /// Whether a run with these claims may write a file of this name.
    pub fn cover(&self, name: &str) -> bool {
        let within = |folder: &Folder| {
            let rest = name.strip_prefix(folder.name).and_then(|rest| rest.strip_prefix('/'));
            rest.and_then(|file| file.strip_suffix(folder.extension)).is_some_and(|stem| stem.ends_with('.'))
        };
        self.files.contains(&name) || self.folders.iter().any(within)
    }

    /// Refuses everything in the way: files that convscope did not write or that were changed since, and folders that hold no file of
    /// convscope's. What else lies in a folder of convscope's is left alone.
    ///
    /// # Errors
    /// `Error::Input` with the names, and what to do.
    pub fn check(&self, out: &Path, listed: Option<&Manifest>) -> Result<()> {
        let manifest = listed.cloned().unwrap_or_default();
        let mut reasons = Vec::new();
        for file in &self.files {
            reasons.extend(reason(out, file, manifest.found(out, file)?));
        }
        for folder in &self.folders {
            reasons.extend(folder.reasons(out, &manifest)?);
        }
        if reasons.is_empty() {
            return Ok(());
        }
        let more = reasons.len().saturating_sub(REASONS);
        reasons.truncate(REASONS);
        if more > 0 {
            reasons.push(format!("… and {more} more"));
        }
        reasons.push(match listed {
            Some(_) => "Move these away, or choose another --out; nothing was changed.".into(),
            None => format!(
                "There is no {FILE} that says that convscope wrote this. Move it away, or choose another --out; if it is the page of a convscope that kept no such list, delete it. Nothing was changed."
            ),
        });
        Err(Error::input(reasons.join("\n")))
    }
}

impl Folder {
    /// Why this folder cannot be written to, if it cannot.
    fn reasons(&self, out: &Path, manifest: &Manifest) -> Result<Vec<String>> {
        let path = out.join(self.name);
        match std::fs::symlink_metadata(&path) {
            Err(_) => return Ok(Vec::new()),
            Ok(metadata) if !metadata.is_dir() => return Ok(vec![format!("{}: is no folder", path.display())]),
            Ok(_) => {}
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(|cause| Error::reading(&path, &cause))? {
            let entry = entry.map_err(|cause| Error::reading(&path, &cause))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        let full = |name: &String| format!("{}/{name}", self.name);
        let ours = names.iter().any(|name| manifest.files.contains_key(&full(name)));
        if let (Some(first), false) = (names.first(), ours) {
            return Ok(vec![format!("{}: holds {first}, which convscope did not write", path.display())]);
        }
        let mut reasons = Vec::new();
        for name in
            names.iter().map(full).filter(|name| Path::new(name).extension().is_some_and(|e| e == self.extension))
        {
            reasons.extend(reason(out, &name, manifest.found(out, &name)?));
        }
        Ok(reasons)
    }
}

fn reason(out: &Path, name: &str, found: Found) -> Option<String> {
    let what = match found {
        Found::Nothing | Found::Ours => return None,
        Found::Changed => "was changed after convscope wrote it",
        Found::Foreign => "was not written by convscope",
    };
    Some(format!("{}: {what}", out.join(name).display()))
}
