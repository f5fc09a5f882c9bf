//! The chapter on disk: complete or not at all.

use std::fs;
use std::path::Path;

use ndarray::ArrayD;

use crate::error::{Error, Result};
use crate::report::{FOLDER, Rendered, Rows, raw, rows};

/// What may be written beside a chapter.
#[derive(Default)]
pub struct SideFiles<'a> {
    /// A line for each image, for `images.jsonl`.
    pub rows: Option<Rows>,
    /// Arrays by their names, for the folder `raw/`.
    pub arrays: Option<&'a [(String, ArrayD<f32>)]>,
}

/// Writes `chapter.html`, `chapter.md`, `chapter.json`, the folder `chapter/` and what stands beside them into `out`, replacing what
/// was there. Everything is first written beside its place and then renamed, so that an interrupted run leaves the last chapter.
///
/// # Errors
/// When a file cannot be written; the folder is then as before.
pub fn write(out: &Path, rendered: &Rendered, beside: SideFiles) -> Result<()> {
    fs::create_dir_all(out).map_err(|cause| Error::writing(out, &cause))?;
    let staging =
        tempfile::Builder::new().prefix(".convscope-").tempdir_in(out).map_err(|cause| Error::writing(out, &cause))?;
    let (fresh, old) = (staging.path().join("new"), staging.path().join("old"));
    for folder in [&old, &fresh, &fresh.join(FOLDER)] {
        fs::create_dir(folder).map_err(|cause| Error::writing(folder, &cause))?;
    }
    let save = |path: &Path, text: &str| fs::write(path, text).map_err(|cause| Error::writing(path, &cause));
    for (file, svg) in rendered.assets.iter() {
        save(&fresh.join(FOLDER).join(file), svg)?;
    }
    save(&fresh.join("chapter.md"), &rendered.markdown)?;
    save(&fresh.join("chapter.json"), &rendered.json)?;
    save(&fresh.join("chapter.html"), &rendered.html)?;
    let mut names = vec![FOLDER, "chapter.md", "chapter.json", "chapter.html"];
    if let Some(rows) = beside.rows {
        rows.save(&fresh.join(rows::FILE))?;
        names.push(rows::FILE);
    }
    if let Some(arrays) = beside.arrays {
        raw::write(&fresh.join(raw::FOLDER), arrays)?;
        names.push(raw::FOLDER);
    }
    let mut moved = Vec::new();
    for name in names {
        if let Err(cause) = exchange(&out.join(name), &fresh.join(name), &old.join(name)) {
            for name in moved.into_iter().rev() {
                // The way back; what fails here has been reported by the error that led here.
                let _ = exchange(&out.join(name), &old.join(name), &fresh.join(name));
            }
            return Err(Error::writing(&out.join(name), &cause));
        }
        moved.push(name);
    }
    Ok(())
}

/// Puts `fresh` in `place`, and what was there aside.
fn exchange(place: &Path, fresh: &Path, aside: &Path) -> std::io::Result<()> {
    let occupied = fs::symlink_metadata(place).is_ok();
    if occupied {
        fs::rename(place, aside)?;
    }
    let moved = if fs::symlink_metadata(fresh).is_ok() { fs::rename(fresh, place) } else { Ok(()) };
    if moved.is_err() && occupied {
        fs::rename(aside, place)?;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::svg::Svg;
    use crate::report::Assets;

    fn rendered(text: &str, name: &str) -> Rendered {
        let mut assets = Assets::default();
        assets.add(name, Svg::default().finish(1, 1, text));
        Rendered { markdown: text.into(), html: text.into(), json: text.into(), assets }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_second_run_replaces_the_first_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("deep/out");
        for (text, picture, array) in [("one", "first", "a"), ("two", "second", "b")] {
            let mut rows = Rows::new().unwrap();
            rows.push(text).unwrap();
            let arrays = [(array.to_string(), ArrayD::zeros(vec![2]))];
            write(&out, &rendered(text, picture), SideFiles { rows: Some(rows), arrays: Some(&arrays) }).unwrap();
        }
        assert_eq!(names(&out), ["chapter", "chapter.html", "chapter.json", "chapter.md", "images.jsonl", "raw"]);
        assert_eq!(names(&out.join("raw")), ["b.npy"]);
        assert_eq!(fs::read_to_string(out.join("images.jsonl")).unwrap(), "two\n");
        assert_eq!(names(&out.join("chapter")), ["second.svg"]);
        assert_eq!(fs::read_to_string(out.join("chapter.md")).unwrap(), "two");
    }

    #[test]
    fn a_place_that_cannot_be_written_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "kept").unwrap();
        let error = write(&file, &rendered("one", "a"), SideFiles::default()).unwrap_err();
        assert!(!error.is_input());
        assert!(error.to_string().contains("file"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    }

    #[test]
    fn an_exchange_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("place"), "old").unwrap();
        fs::write(path("fresh"), "new").unwrap();
        exchange(&path("place"), &path("fresh"), &path("aside")).unwrap();
        assert_eq!(fs::read_to_string(path("place")).unwrap(), "new");
        exchange(&path("place"), &path("aside"), &path("fresh")).unwrap();
        assert_eq!(fs::read_to_string(path("place")).unwrap(), "old");
    }
}
