//! Changing many files at once.
//!
//! A file system moves one name at a time. So each place first becomes a link through one common link, `now`, which leads to the old
//! files; then `now` is moved to the new files, which is one step and changes all places; then each place becomes a file again:
//!
//! ```text
//! out/chapter.md          -> .convscope/now/chapter.md
//! out/chapter/a.svg       -> ../.convscope/now/chapter/a.svg
//! out/.convscope/now      -> old, then new
//! out/.convscope/old/…       the old files, by second names (hard links)
//! out/.convscope/new/…       the new files
//! ```
//!
//! Whoever reads between two steps reads through the links. A run that is killed between them leaves links, which [`settle`] turns
//! into the files that they lead to; it also ends every run, and takes one back that fails before its step.

use crate::output::disk::Disk;
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The name of the hidden folder.
pub const FOLDER: &str = ".convscope";
/// The folder in which new files wait, within the hidden folder.
pub const NEW: &str = "new";
/// The folder of the old files, within the hidden folder.
const OLD: &str = "old";
/// The common link, within the hidden folder.
const NOW: &str = "now";
/// A link on its way to its place, within the hidden folder.
const LINK: &str = "link";

/// A step that failed: at which place, and why.
pub type Failure = (PathBuf, Error);

/// A file that comes, goes, or is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path below the output folder, with slashes.
    pub name: String,
    /// Whether there is an old file.
    pub old: bool,
    /// Whether there is a new file.
    pub new: bool,
}

/// Makes all changes at once. The new files wait in the hidden folder of `out`, which the caller has locked.
///
/// On a file system without links the files are moved one after another, those that others refer to first.
///
/// # Errors
/// The place that could not be changed; all are then as they were, or, if even that failed, as the next run's [`settle`] makes them.
pub fn switch(disk: &dyn Disk, out: &Path, changes: &[Change]) -> Result<(), Failure> {
    let changed = make_folders(disk, out, changes).and_then(|()| {
        if !can_link(disk, out)? {
            return one_by_one(disk, out, changes);
        }
        let led = lead(disk, out, changes).and_then(|()| turn(disk, out, NEW));
        // Ends the change, or takes it back.
        let settled = settle(disk, out);
        led.and(settled)
    });
    remove_emptied(disk, out, changes);
    changed
}

/// Makes the folders of new files.
fn make_folders(disk: &dyn Disk, out: &Path, changes: &[Change]) -> Result<(), Failure> {
    for change in changes.iter().filter(|change| change.new) {
        make_above(disk, out, &change.name)?;
    }
    Ok(())
}

/// Makes the folders between `root` and the file `name` below it.
fn make_above(disk: &dyn Disk, root: &Path, name: &str) -> Result<(), Failure> {
    for (end, _) in name.match_indices('/') {
        let folder = root.join(name.get(..end).unwrap_or_default());
        if !folder.is_dir() {
            disk.create_dir(&folder).map_err(|cause| (folder, cause))?;
        }
    }
    Ok(())
}

/// Makes every place a link that leads to its old file.
fn lead(disk: &dyn Disk, out: &Path, changes: &[Change]) -> Result<(), Failure> {
    let hidden = out.join(FOLDER);
    let (old, link) = (hidden.join(OLD), hidden.join(LINK));
    let hidden_failed = |cause| (out.to_path_buf(), cause);
    disk.create_dir(&old).map_err(hidden_failed)?;
    for change in changes.iter().filter(|change| change.old) {
        let place = out.join(&change.name);
        make_above(disk, &old, &change.name)?;
        let second = old.join(&change.name);
        let named = match disk.hard_link(&place, &second) {
            Err(cause) if is_refusal(&cause) => disk.copy(&place, &second),
            named => named,
        };
        named.map_err(|cause| (place, cause))?;
    }
    turn(disk, out, OLD)?;
    for change in changes {
        let place = out.join(&change.name);
        let placed = disk.symlink(&target(&change.name), &link).and_then(|()| disk.rename(&link, &place));
        placed.map_err(|cause| (place, cause))?;
    }
    Ok(())
}

/// Makes the common link lead to the old or to the new files, in one step.
fn turn(disk: &dyn Disk, out: &Path, to: &str) -> Result<(), Failure> {
    let (link, now) = (out.join(FOLDER).join(LINK), out.join(FOLDER).join(NOW));
    let turned = disk.symlink(Path::new(to), &link).and_then(|()| disk.rename(&link, &now));
    turned.map_err(|cause| (out.to_path_buf(), cause))
}

/// Whether the file system has symbolic links.
fn can_link(disk: &dyn Disk, out: &Path) -> Result<bool, Failure> {
    let link = out.join(FOLDER).join(LINK);
    match disk.symlink(Path::new(OLD), &link).and_then(|()| disk.remove_file(&link)) {
        Err(cause) if is_refusal(&cause) => Ok(false),
        tried => tried.map(|()| true).map_err(|cause| (out.to_path_buf(), cause)),
    }
}

/// Whether a file system says that it cannot do what was asked for.
fn is_refusal(cause: &Error) -> bool {
    matches!(cause.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}

/// What the link at a place says.
fn target(name: &str) -> PathBuf {
    let up = "../".repeat(name.matches('/').count());
    PathBuf::from(format!("{up}{FOLDER}/{NOW}/{name}"))
}

/// Turns every place that is a link of ours into the file that it leads to; where there is none the link goes. Places that are no such
/// links are left alone, so that this may be done at any time and again.
///
/// # Errors
/// The first place that could not be changed, after all others were.
pub fn settle(disk: &dyn Disk, out: &Path) -> Result<(), Failure> {
    let now = out.join(FOLDER).join(NOW);
    let mut result = Ok(());
    for name in links(out) {
        let (place, file) = (out.join(&name), now.join(&name));
        let there = std::fs::symlink_metadata(&file).is_ok();
        let settled = if there { disk.rename(&file, &place) } else { disk.remove_file(&place) };
        result = result.and(settled.map_err(|cause| (place, cause)));
    }
    result
}

/// Whether no place leads into the hidden folder.
pub fn is_settled(out: &Path) -> bool {
    links(out).is_empty()
}

/// The places that are links of ours, among those of the old and new files.
fn links(out: &Path) -> Vec<String> {
    let hidden = out.join(FOLDER);
    let mut names = BTreeSet::new();
    for folder in [hidden.join(OLD), hidden.join(NEW)] {
        collect(&folder, "", &mut names);
    }
    let linked = |name: &String| std::fs::read_link(out.join(name)).is_ok_and(|said| said == target(name));
    names.into_iter().filter(linked).collect()
}

/// The files below a folder, as paths within it, behind `prefix`.
fn collect(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), &format!("{name}/"), names);
        } else {
            names.insert(name);
        }
    }
}

/// Moves the new files to their places one after another, pictures before the pages that show them, and removes old ones last.
fn one_by_one(disk: &dyn Disk, out: &Path, changes: &[Change]) -> Result<(), Failure> {
    let new = out.join(FOLDER).join(NEW);
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| (!change.new, !change.name.contains('/')));
    for change in changes {
        let place = out.join(&change.name);
        let moved = if change.new { disk.rename(&new.join(&change.name), &place) } else { disk.remove_file(&place) };
        moved.map_err(|cause| (place, cause))?;
    }
    Ok(())
}

/// Removes the folders of changed files that hold nothing any more, or nothing yet.
fn remove_emptied(disk: &dyn Disk, out: &Path, changes: &[Change]) {
    let folders: BTreeSet<&Path> = changes.iter().filter_map(|change| Path::new(&change.name).parent()).collect();
    for folder in folders.into_iter().filter(|folder| !folder.as_os_str().is_empty()) {
        // A folder with anything in it stays.
        let _ = disk.remove_dir(&out.join(folder));
    }
}
