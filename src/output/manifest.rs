//! The list of what convscope wrote into a folder, which stands beside the files.

use crate::error::{Error, Result};
use crate::file;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::{Component, Path};

/// The name of the list.
pub const FILE: &str = "convscope-files.json";

/// The largest list that is read, in bytes: room for half a million files.
const LARGEST: u64 = 1 << 26;

/// The files that a run wrote, by their paths below the folder, with slashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    program: String,
    version: String,
    pub files: BTreeMap<String, Listed>,
}

/// What a file held when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// What stands at a path that a run may have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// A file as convscope left it.
    Ours,
    /// A file that convscope wrote and somebody changed.
    Changed,
    /// Anything else.
    Foreign,
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest {
            program: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            files: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// The list in a folder; `None` where there is none.
    ///
    /// # Errors
    /// `Error::Input` for a file of this name that is no such list, or that lists files outside the folder.
    pub fn read(folder: &Path) -> Result<Option<Manifest>> {
        let path = folder.join(FILE);
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        let wrong = |what: String| {
            let advice = "move it away together with the files it belongs to, or choose another --out";
            Error::input(format!("{}: {what}; {advice}", path.display()))
        };
        let manifest: Manifest = serde_json::from_str(&file::text(&path, LARGEST)?)
            .map_err(|cause| wrong(format!("is no list of the files that convscope wrote ({cause})")))?;
        let inside = |name: &&String| {
            let mut parts = Path::new(name.as_str()).components();
            !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        match manifest.files.keys().find(|name| !inside(name)) {
            Some(name) => Err(wrong(format!("lists `{name}`, which is no file in this folder"))),
            None => Ok(Some(manifest)),
        }
    }

    /// The list as JSON.
    ///
    /// # Errors
    /// Never in practice: names always make JSON.
    pub fn json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        json.map(|json| json + "\n").map_err(|cause| Error::other(format!("{FILE}: {cause}")))
    }

    /// What stands at a path below the folder. No link is followed there.
    ///
    /// # Errors
    /// A listed file that cannot be read.
    pub fn found(&self, folder: &Path, name: &str) -> Result<Found> {
        let path = folder.join(name);
        let outside = |above: &Path| std::fs::symlink_metadata(above).is_ok_and(|metadata| !metadata.is_dir());
        let mut above = path.ancestors().skip(1).take_while(|above| *above != folder);
        if above.any(outside) {
            return Ok(Found::Foreign);
        }
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(cause) => return Err(Error::reading(&path, &cause)),
        };
        match self.files.get(name) {
            Some(listed) if metadata.is_file() => {
                let same = metadata.len() == listed.bytes && hash(&path)? == listed.sha256;
                Ok(if same { Found::Ours } else { Found::Changed })
            }
            _ => Ok(Found::Foreign),
        }
    }
}

/// SHA-256 of a file in hexadecimal.
fn hash(path: &Path) -> Result<String> {
    let mut file = BufReader::new(file::open(path, u64::MAX)?);
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(|cause| Error::reading(path, &cause))? {
            0 => return Ok(hexadecimal(hash)),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// A finished hash in hexadecimal.
pub fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, text: &str) -> Manifest {
        let listed = Listed { bytes: text.len() as u64, sha256: hexadecimal(Sha256::new_with_prefix(text)) };
        Manifest { files: BTreeMap::from([(name.to_string(), listed)]), ..Manifest::default() }
    }

    #[test]
    fn a_file_is_ours_only_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let found = |manifest: &Manifest, name: &str| manifest.found(folder.path(), name).unwrap();
        let manifest = list("chapter/a.svg", "text");
        assert_eq!(found(&manifest, "chapter/a.svg"), Found::Nothing);
        std::fs::create_dir(path("chapter")).unwrap();
        std::fs::write(path("chapter/a.svg"), "text").unwrap();
        std::fs::write(path("chapter/b.svg"), "text").unwrap();
        assert_eq!(found(&manifest, "chapter/a.svg"), Found::Ours);
        assert_eq!(found(&manifest, "chapter/b.svg"), Found::Foreign);
        assert_eq!(found(&manifest, "chapter"), Found::Foreign);
        std::fs::write(path("chapter/a.svg"), "Text").unwrap();
        assert_eq!(found(&manifest, "chapter/a.svg"), Found::Changed);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_behind_a_link_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("real")).unwrap();
        std::fs::write(path("real/a.svg"), "text").unwrap();
        std::os::unix::fs::symlink("real", path("chapter")).unwrap();
        std::os::unix::fs::symlink("real/a.svg", path("a.svg")).unwrap();
        assert_eq!(list("chapter/a.svg", "text").found(folder.path(), "chapter/a.svg").unwrap(), Found::Foreign);
        assert_eq!(list("a.svg", "text").found(folder.path(), "a.svg").unwrap(), Found::Foreign);
    }

    #[test]
    fn a_list_comes_back_and_never_leads_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), None);
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        let manifest = list("chapter/a.svg", "text");
        write(&manifest.json().unwrap());
        assert_eq!(Manifest::read(folder.path()).unwrap(), Some(manifest));
        for name in ["../a", "/etc/passwd", "chapter/../../a", ""] {
            write(&list(name, "text").json().unwrap());
            let error = Manifest::read(folder.path()).unwrap_err();
            assert!(error.is_input() && error.to_string().contains("no file in this folder"), "{error}");
        }
        write("[]");
        assert!(Manifest::read(folder.path()).unwrap_err().to_string().contains("is no list of the files"));
    }
}
