//! The image files that a command's arguments name: files, folders and patterns.

use crate::error::{Error, Result};
use glob::{MatchOptions, Pattern, PatternError};
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf, absolute};

/// How the names of image files end, in whatever case.
const EXTENSIONS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "npy"];

/// Files of a folder that a message names at most.
const NAMED: usize = 5;

/// The files that arguments stand for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub files: Vec<PathBuf>,
    /// A sentence for each folder that holds files which are left out because of their names' endings.
    pub left_out: Vec<String>,
}

/// The files that `named` stand for, in that order and each once: a file is itself, whatever its name; a folder is its image files by
/// their names' endings, in the order of the names and without those of its own folders; a pattern with `*`, `?` or `[…]` is the
/// files that match it, in the order of the names. Whether they can be read shows later.
///
/// # Errors
/// `Error::Input` for a folder without images or that cannot be read, and for a pattern that is none or matches no file.
pub fn images(named: &[PathBuf]) -> Result<Found> {
    let mut seen = HashSet::new();
    let mut images = Found::default();
    for path in named {
        let found = if path.is_dir() {
            let folder = in_folder(path)?;
            images.left_out.extend(folder.left_out);
            folder.files
        } else {
            match path.to_str().filter(|text| !path.exists() && text.contains(['*', '?', '['])) {
                Some(pattern) => matching(pattern)?,
                None => vec![path.clone()],
            }
        };
        // The same file may be given by a relative and by an absolute path.
        let new = |file: &PathBuf| seen.insert(absolute(file).unwrap_or_else(|_| file.clone()));
        images.files.extend(found.into_iter().filter(new));
    }
    Ok(images)
}

fn in_folder(folder: &Path) -> Result<Found> {
    let failed = |cause: std::io::Error| Error::reading(folder, &cause);
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if name.starts_with('.') || !path.is_file() {
            continue;
        }
        if is_image(&path) { files.push(path) } else { others.push(name) }
    }
    others.sort();
    if files.is_empty() {
        return Err(Error::input(format!(
            "{}: holds no image; files that end in {} count, those of folders within it do not",
            folder.display(),
            EXTENSIONS.map(|extension| format!(".{extension}")).join(", ")
        )));
    }
    files.sort();
    Ok(Found { files, left_out: left_out(folder, &others).into_iter().collect() })
}

/// How many files of a folder are left out, and the first of their names.
fn left_out(folder: &Path, others: &[String]) -> Option<String> {
    let more = if others.len() > NAMED { ", …" } else { "" };
    let names = others.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let files = if others.len() == 1 { "one file is" } else { &format!("{} files are", others.len()) };
    let folder = folder.file_name().map_or_else(|| ".".into(), |name| name.to_string_lossy());
    (!others.is_empty())
        .then(|| format!("{folder}: {files} left out, as the names do not end as those of images do ({names}{more})."))
}

/// Whether the name is one of an image.
fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let wrong = |cause: PatternError| Error::input(format!("{pattern}: is no pattern for file names: {cause}"));
    Pattern::new(pattern).map_err(wrong)?;
    let (mut root, mut parts) = (PathBuf::new(), Vec::new());
    for part in Path::new(pattern).components() {
        match part {
            Component::Prefix(_) | Component::RootDir => root.push(part),
            _ => parts.push(Pattern::new(&part.as_os_str().to_string_lossy()).map_err(wrong)?),
        }
    }
    let mut files = Vec::new();
    walk(&root, &parts, &mut files)?;
    if files.is_empty() {
        return Err(Error::input(format!("{pattern}: no file matches this pattern")));
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Adds the files below a folder that match a pattern, given part by part. A name that is no UTF-8 is matched as it would be shown.
fn walk(folder: &Path, parts: &[Pattern], files: &mut Vec<PathBuf>) -> Result<()> {
    // As the shell: a leading dot is not matched by a star.
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::default() };
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    let add = |path: PathBuf, files: &mut Vec<PathBuf>| match rest {
        [] if path.is_file() => {
            files.push(path);
            Ok(())
        }
        [_, ..] if path.is_dir() => walk(&path, rest, files),
        _ => Ok(()),
    };
    if !part.as_str().contains(['*', '?', '[']) {
        return add(folder.join(part.as_str()), files);
    }
    let any_depth = part.as_str() == "**";
    if any_depth {
        walk(folder, rest, files)?;
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let failed = |cause: std::io::Error| Error::reading(here, &cause);
    for entry in std::fs::read_dir(here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, path) = (entry.file_name(), folder.join(entry.file_name()));
        if any_depth {
            // Links to folders may lead in a circle.
            let hidden = name.to_string_lossy().starts_with('.');
            if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                walk(&path, parts, files)?;
            }
        } else if part.matches_with(&name.to_string_lossy(), options) {
            add(path, files)?;
        }
    }
    Ok(())
}

/// How many of the last parts of their paths tell all `files` apart: 1 where the names alone do.
pub fn distinct<'a>(files: impl Iterator<Item = &'a Path> + Clone) -> usize {
    let deepest = files.clone().map(|file| file.components().count()).max().unwrap_or(1);
    let differ = |parts: &usize| {
        let mut seen = HashSet::new();
        files.clone().all(|file| seen.insert(tail(file, *parts)))
    };
    (1..deepest).find(differ).unwrap_or(deepest)
}

/// The last `parts` parts of a path, joined by slashes: a name that does not say where on the machine the file is.
pub fn tail(path: &Path, parts: usize) -> String {
    let all: Vec<String> = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    all[all.len().saturating_sub(parts.max(1))..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    /// What is found, as paths within the folder.
    fn found(folder: &Path, named: &[&str]) -> Vec<String> {
        let named: Vec<PathBuf> = named.iter().map(|name| folder.join(name)).collect();
        let files = images(&named).unwrap().files;
        files.iter().map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
    }

    #[test]
    fn folders_and_patterns_come_sorted_in_the_order_given_and_each_file_once() {
        let folder =
            folder(&["a/2.JPG", "a/10.png", "a/notes.txt", "a/.hidden.png", "a/deep/3.png", "b/1.bmp", "b/x.dat"]);
        assert_eq!(found(folder.path(), &["b/x.dat", "a"]), ["b/x.dat", "a/10.png", "a/2.JPG"]);
        assert_eq!(found(folder.path(), &["a/2.JPG", "a/*"]), ["a/2.JPG", "a/10.png", "a/notes.txt"]);
        assert_eq!(found(folder.path(), &["**/*.png"]), ["a/10.png", "a/deep/3.png"]);
        assert_eq!(found(folder.path(), &["b/1.bmp", "b/./1.bmp", "b"]), ["b/1.bmp"]);
        assert_eq!(found(folder.path(), &["missing.png"]), ["missing.png"], "which is an error later, as one of many");
    }

    #[test]
    fn what_a_folder_leaves_out_is_counted_and_named() {
        let folder = folder(&["a/1.tiff", "a/2.gif", "a/3.npy", "a/x.heic", "a/notes.txt", "a/.hidden"]);
        let found = images(&[folder.path().join("a")]).unwrap();
        assert_eq!(found.files.len(), 3);
        let wanted = "a: 2 files are left out, as the names do not end as those of images do (notes.txt, x.heic).";
        assert_eq!(found.left_out, [wanted]);
    }

    #[test]
    fn patterns_match_part_by_part() {
        let folder = folder(&["x/a1.png", "x/deep/a2.png", "y/a3.png", "y/.hid/a4.png", "y/.a5.png", "y/b.png"]);
        assert_eq!(found(folder.path(), &["?/a*.png"]), ["x/a1.png", "y/a3.png"]);
        assert_eq!(found(folder.path(), &["x/**/a*.png"]), ["x/a1.png", "x/deep/a2.png"]);
        assert_eq!(found(folder.path(), &["**/**/*[12].png"]), ["x/a1.png", "x/deep/a2.png"]);
        assert_eq!(found(folder.path(), &["y/.*/*.png"]), ["y/.hid/a4.png"]);
        assert_eq!(found(folder.path(), &["x/../*/b.png"]), ["x/../y/b.png"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_found_like_any_other() {
        use std::os::unix::ffi::OsStrExt;
        let folder = folder(&["a.png"]);
        let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"b\xff.png"));
        fs::write(&odd, "").unwrap();
        assert_eq!(images(&[folder.path().join("*.png")]).unwrap().files, [folder.path().join("a.png"), odd.clone()]);
        assert_eq!(images(&[folder.path().to_path_buf()]).unwrap().files.len(), 2);
        fs::create_dir(folder.path().join(std::ffi::OsStr::from_bytes(b"c\xff"))).unwrap();
        assert_eq!(images(&[folder.path().join("**/*.png")]).unwrap().files.len(), 2);
    }

    #[test]
    fn a_name_with_brackets_is_that_file_where_there_is_one() {
        let folder = folder(&["cat[1].png", "cat1.png"]);
        assert_eq!(found(folder.path(), &["cat[1].png"]), ["cat[1].png"]);
        fs::remove_file(folder.path().join("cat[1].png")).unwrap();
        assert_eq!(found(folder.path(), &["cat[1].png"]), ["cat1.png"]);
    }

    #[test]
    fn nothing_found_is_an_error_that_says_where() {
        let folder = folder(&["a/notes.txt"]);
        for (name, wanted) in [("a", "holds no image"), ("a/*.png", "no file matches"), ("a/[", "is no pattern")] {
            let error = images(&[folder.path().join(name)]).unwrap_err();
            assert!(error.is_input());
            assert!(error.to_string().contains(wanted) && error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn names_are_as_long_as_it_takes_to_tell_them_apart() {
        let distinct = |files: &[&str]| distinct(files.iter().map(Path::new));
        assert_eq!(distinct(&["/home/me/a.png", "/home/me/b.png"]), 1);
        assert_eq!(distinct(&["x/2020/a.png", "x/2021/a.png", "b.png"]), 2);
        assert_eq!(distinct(&[]), 1);
        assert_eq!(tail(Path::new("/home/me/a.png"), 1), "a.png");
        assert_eq!(tail(Path::new("/home/me/a.png"), 2), "me/a.png");
        assert_eq!(tail(Path::new("./a.png"), 3), "a.png");
    }
}
