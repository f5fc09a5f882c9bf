//! A chapter's files, written into an output folder.

use std::collections::BTreeSet;
use std::io::Write as _;

use ndarray::ArrayD;

use crate::error::{Error, Result};
use crate::output::{Claims, Destination, Folder};
use crate::report::{FOLDER, Rendered, Rows, raw, rows};

/// What may be written beside a chapter.
#[derive(Default)]
pub struct SideFiles<'a> {
    /// A line for each image, for `images.jsonl`.
    pub rows: Option<Rows>,
    /// Arrays by their names, for the folder `raw/`.
    pub arrays: Option<&'a [(String, ArrayD<f32>)]>,
}

/// The places that a chapter is written to, with `images.jsonl` and `raw/` or without.
pub fn claims(rows: bool, arrays: bool) -> Claims {
    let mut claims = Claims {
        files: vec!["chapter.html", "chapter.md", "chapter.json"],
        folders: vec![Folder { name: FOLDER, extension: "svg" }],
    };
    claims.files.extend(rows.then_some(rows::FILE));
    claims.folders.extend(arrays.then_some(Folder { name: raw::FOLDER, extension: "npy" }));
    claims
}

/// Writes `chapter.html`, `chapter.md`, `chapter.json`, the pictures in `chapter/` and what stands beside them; they appear when the
/// destination is published.
///
/// # Errors
/// When a file cannot be written.
pub fn write(destination: &mut Destination, rendered: &Rendered, beside: SideFiles) -> Result<()> {
    for (file, svg) in rendered.assets.iter() {
        destination.write(&format!("{FOLDER}/{file}"), svg.as_bytes())?;
    }
    destination.write("chapter.md", rendered.markdown.as_bytes())?;
    destination.write("chapter.json", rendered.json.as_bytes())?;
    destination.write("chapter.html", rendered.html.as_bytes())?;
    if let Some(rows) = beside.rows {
        let mut file = destination.create(rows::FILE)?;
        rows.copy(&mut file).map_err(|cause| Error::writing(file.place(), &cause))?;
        destination.keep(file)?;
    }
    let mut taken = BTreeSet::new();
    for (name, array) in beside.arrays.unwrap_or_default() {
        // Layers whose names differ in case alone have the same name here.
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let name = [name.clone()].into_iter().chain(numbered).find(|name| taken.insert(name.clone()));
        let mut file = destination.create(&format!("{}/{}.npy", raw::FOLDER, name.unwrap_or_default()))?;
        let written = raw::encode(array).and_then(|bytes| file.write_all(&bytes));
        written.map_err(|cause| Error::writing(file.place(), &cause))?;
        destination.keep(file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::svg::Svg;
    use crate::report::Assets;
    use std::fs;
    use std::path::Path;

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
            let mut destination = Destination::open(&out, claims(true, true)).unwrap();
            let beside = SideFiles { rows: Some(rows), arrays: Some(&arrays) };
            write(&mut destination, &rendered(text, picture), beside).unwrap();
            destination.publish().unwrap();
        }
        let all =
            ["chapter", "chapter.html", "chapter.json", "chapter.md", "convscope-files.json", "images.jsonl", "raw"];
        assert_eq!(names(&out), all);
        assert_eq!(names(&out.join("raw")), ["b.npy"]);
        assert_eq!(fs::read_to_string(out.join("images.jsonl")).unwrap(), "two\n");
        assert_eq!(names(&out.join("chapter")), ["second.svg"]);
        assert_eq!(fs::read_to_string(out.join("chapter.md")).unwrap(), "two");
    }

    #[test]
    fn arrays_of_one_name_are_all_written() {
        let folder = tempfile::tempdir().unwrap();
        let arrays = [1, 2, 3].map(|length| ("a".to_string(), ArrayD::zeros(vec![length])));
        let mut destination = Destination::open(folder.path(), claims(false, true)).unwrap();
        let beside = SideFiles { rows: None, arrays: Some(&arrays) };
        write(&mut destination, &rendered("one", "a"), beside).unwrap();
        destination.publish().unwrap();
        assert_eq!(names(&folder.path().join("raw")), ["a-2.npy", "a-3.npy", "a.npy"]);
    }

    #[test]
    fn what_a_run_does_not_write_any_more_goes_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let arrays = [("a".to_string(), ArrayD::zeros(vec![2]))];
        let mut destination = Destination::open(folder.path(), claims(true, true)).unwrap();
        let beside = SideFiles { rows: Some(Rows::new().unwrap()), arrays: Some(&arrays) };
        write(&mut destination, &rendered("one", "a"), beside).unwrap();
        destination.publish().unwrap();
        let mut destination = Destination::open(folder.path(), claims(false, false)).unwrap();
        write(&mut destination, &rendered("two", "a"), SideFiles::default()).unwrap();
        destination.publish().unwrap();
        let all = ["chapter", "chapter.html", "chapter.json", "chapter.md", "convscope-files.json"];
        assert_eq!(names(folder.path()), all);
    }
}
