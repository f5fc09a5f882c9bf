//! An output folder under every failure: whatever step fails or is the last, it holds the old files or the new ones.

use crate::error::Result;
use crate::output::disk::{Disk, System};
use crate::output::switch::{is_settled, settle};
use crate::output::{Claims, Destination, Folder};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A disk that does so many steps and then fails.
struct Failing {
    left: Cell<usize>,
    /// Whether all steps fail from then on, as for a process that is killed, or only one.
    for_ever: bool,
}

impl Failing {
    fn after(steps: usize, for_ever: bool) -> Failing {
        Failing { left: Cell::new(steps), for_ever }
    }

    fn step(&self, act: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
        let left = self.left.get();
        if left == 0 {
            if !self.for_ever {
                self.left.set(usize::MAX);
            }
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.left.set(left - 1);
        act()
    }
}

impl Disk for Failing {
    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        self.step(|| System.create_dir(path))
    }
    fn hard_link(&self, file: &Path, name: &Path) -> std::io::Result<()> {
        self.step(|| System.hard_link(file, name))
    }
    fn copy(&self, file: &Path, name: &Path) -> std::io::Result<()> {
        self.step(|| System.copy(file, name))
    }
    fn symlink(&self, target: &Path, link: &Path) -> std::io::Result<()> {
        self.step(|| System.symlink(target, link))
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.step(|| System.rename(from, to))
    }
    fn remove_file(&self, path: &Path) -> std::io::Result<()> {
        self.step(|| System.remove_file(path))
    }
    fn remove_dir(&self, path: &Path) -> std::io::Result<()> {
        self.step(|| System.remove_dir(path))
    }
}

/// A disk without links of either kind.
struct Linkless;

impl Disk for Linkless {
    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        System.create_dir(path)
    }
    fn hard_link(&self, _: &Path, _: &Path) -> std::io::Result<()> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }
    fn copy(&self, file: &Path, name: &Path) -> std::io::Result<()> {
        System.copy(file, name)
    }
    fn symlink(&self, _: &Path, _: &Path) -> std::io::Result<()> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        System.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> std::io::Result<()> {
        System.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> std::io::Result<()> {
        System.remove_dir(path)
    }
}

const NONE: [(&str, &str); 0] = [];
const OLD: [(&str, &str); 6] = [
    ("chapter.html", "old page"),
    ("chapter.md", "old text"),
    ("chapter/same.svg", "same picture"),
    ("chapter/old.svg", "old picture"),
    ("chapter/both.svg", "old version"),
    ("raw/old.npy", "old array"),
];
const NEW: [(&str, &str); 6] = [
    ("chapter.html", "new page"),
    ("chapter.md", "new text"),
    ("images.jsonl", "new rows"),
    ("chapter/same.svg", "same picture"),
    ("chapter/new.svg", "new picture"),
    ("chapter/both.svg", "new version"),
];

fn claims() -> Claims {
    Claims {
        files: vec!["chapter.html", "chapter.md", "images.jsonl"],
        folders: vec![Folder { name: "chapter", extension: "svg" }, Folder { name: "raw", extension: "npy" }],
    }
}

/// An output folder in which these files wait.
fn staged(out: &Path, files: &[(&str, &str)]) -> Result<Destination> {
    let mut destination = Destination::open(out, claims())?;
    for (name, text) in files {
        destination.write(name, text.as_bytes())?;
    }
    Ok(destination)
}

fn publish(out: &Path, files: &[(&str, &str)]) {
    if !files.is_empty() {
        staged(out, files).unwrap().publish().unwrap();
    }
}

/// What a reader finds: every file that can be read, by its path, but for the list of files and what is hidden.
fn seen(out: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in ["", "chapter", "raw"] {
        for entry in fs::read_dir(out.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if let Ok(text) = fs::read_to_string(&path) {
                found.insert(path.strip_prefix(out).unwrap().display().to_string(), text);
            }
        }
    }
    found.remove("convscope-files.json");
    found
}

fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
}

/// The names of everything in the folder, hidden or not.
fn names(out: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Publishes over `old` on a disk that fails at each step in turn, and says how many steps there were.
fn at_every_step(old: &[(&str, &str)], for_ever: bool, then: impl Fn(&Path, &BTreeMap<String, String>)) -> usize {
    for steps in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("mine.txt"), "mine").unwrap();
        publish(&out, old);
        let mut destination = staged(&out, &NEW).unwrap();
        let disk = Failing::after(steps, for_ever);
        let published = destination.publish_on(&disk);
        if for_ever && published.is_err() {
            destination.scratch().lock().unwrap().abandon();
        }
        drop(destination);
        let mut found = seen(&out);
        assert_eq!(found.remove("mine.txt").as_deref(), Some("mine"));
        assert!(found == files(old) || found == files(&NEW), "{steps} steps: {found:#?}");
        then(&out, &found);
        if disk.left.get() > 0 && disk.left.get() < usize::MAX / 2 {
            assert!(published.is_ok() && found == files(&NEW));
            return steps;
        }
    }
    0
}

#[test]
fn killed_at_any_step_the_folder_holds_the_old_files_or_the_new_and_the_next_run_tidies_up() {
    for old in [&NONE[..], &OLD] {
        let steps = at_every_step(old, true, |out, found| {
            drop(Destination::open(out, claims()).unwrap());
            let mut tidy = seen(out);
            tidy.remove("mine.txt");
            assert_eq!(&tidy, found, "tidying up changes nothing that can be seen");
            assert!(is_settled(out) && !names(out).contains(&".convscope".to_string()));
            for name in found.keys() {
                assert!(fs::symlink_metadata(out.join(name)).unwrap().is_file(), "{name} is still a link");
            }
            publish(out, &OLD);
            let mut last = seen(out);
            last.remove("mine.txt");
            assert_eq!(last, files(&OLD), "the next page is published as ever");
        });
        assert!(steps > 20, "{steps}");
    }
}

#[test]
fn a_step_that_fails_leaves_the_old_files_or_the_new_and_nothing_else() {
    for old in [&NONE[..], &OLD] {
        at_every_step(old, false, |out, found| {
            let mut wanted: Vec<String> =
                found.keys().map(|name| name.split('/').next().unwrap().to_string()).collect();
            wanted.push("mine.txt".into());
            if !found.is_empty() {
                wanted.push("convscope-files.json".into());
            }
            wanted.sort();
            wanted.dedup();
            let there: Vec<String> = names(out);
            // A folder that could not be removed is empty.
            let extra: Vec<&String> = there.iter().filter(|name| !wanted.contains(name)).collect();
            assert!(
                extra.iter().all(|name| fs::read_dir(out.join(name)).is_ok_and(|mut entries| entries.next().is_none())),
                "{extra:?}"
            );
            assert!(wanted.iter().all(|name| there.contains(name)), "{there:?}");
        });
    }
}

#[test]
fn tidying_up_may_be_killed_too() {
    let steps = at_every_step(&OLD, true, |_, _| {});
    for killed in 0..steps {
        for again in [0, 1, 2, 5] {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path();
            publish(out, &OLD);
            let mut destination = staged(out, &NEW).unwrap();
            // The last step, an emptied folder's removal, may fail without harm.
            let _ = destination.publish_on(&Failing::after(killed, true));
            destination.scratch().lock().unwrap().abandon();
            drop(destination);
            let found = seen(out);
            let _ = settle(&Failing::after(again, true), out);
            assert_eq!(seen(out), found, "killed after {killed} steps, then after {again}");
            settle(&System, out).unwrap();
            assert_eq!(seen(out), found);
            assert!(is_settled(out));
        }
    }
}

#[test]
fn without_links_files_are_moved_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), &OLD);
    staged(folder.path(), &NEW).unwrap().publish_on(&Linkless).unwrap();
    assert_eq!(seen(folder.path()), files(&NEW));
    assert_eq!(names(folder.path()), ["chapter", "chapter.html", "chapter.md", "convscope-files.json", "images.jsonl"]);
}

/// The message with which a folder is refused; it is as before then.
fn refusal(out: &Path) -> String {
    let before = (names(out), seen(out));
    let error = Destination::open(out, claims()).err().expect("the folder is refused");
    assert!(error.is_input(), "{error}");
    assert_eq!((names(out), seen(out)), before);
    error.to_string()
}

#[test]
fn what_convscope_did_not_write_is_refused_by_name() {
    for (name, what) in [
        ("chapter.html", "chapter.html: was not written by convscope"),
        ("chapter/thesis.tex", "chapter: holds thesis.tex, which convscope did not write"),
        ("raw/photo.jpg", "raw: holds photo.jpg, which convscope did not write"),
        ("chapter", "chapter: is no folder"),
        ("convscope-files.json", "is no list of the files that convscope wrote"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "mine").unwrap();
        let message = refusal(folder.path());
        assert!(message.contains(what) && message.contains("choose another --out"), "{message}");
    }
}

#[test]
fn a_file_that_somebody_changed_is_refused_or_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    publish(out, &OLD);
    fs::write(out.join("chapter.md"), "my notes").unwrap();
    assert!(refusal(out).contains("chapter.md: was changed after convscope wrote it"));
    fs::write(out.join("chapter.md"), "old text").unwrap();
    fs::write(out.join("chapter/old.svg"), "my picture").unwrap();
    assert!(refusal(out).contains("chapter/old.svg: was changed"));
    fs::write(out.join("chapter/old.svg"), "old picture").unwrap();
    // A file that the run will not write is not in its way.
    fs::write(out.join("raw/old.npy"), "my array").unwrap();
    let claims = Claims { folders: claims().folders[..1].to_vec(), ..claims() };
    let mut destination = Destination::open(out, claims).unwrap();
    destination.write("chapter.html", b"new page").unwrap();
    assert_eq!(destination.publish().unwrap().kept, [out.join("raw/old.npy")]);
    let wanted = files(&[("chapter.html", "new page"), ("raw/old.npy", "my array")]);
    assert_eq!(seen(out), wanted);
}

#[test]
fn other_files_in_a_folder_of_ours_stay_unless_they_could_be_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    publish(out, &OLD);
    fs::write(out.join("chapter/.DS_Store"), "x").unwrap();
    publish(out, &NEW);
    assert_eq!(seen(out).get("chapter/.DS_Store").map(String::as_str), Some("x"));
    fs::write(out.join("chapter/mine.svg"), "x").unwrap();
    assert!(refusal(out).contains("chapter/mine.svg: was not written by convscope"));
}

#[test]
fn what_comes_in_the_way_during_the_work_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let destination = staged(out, &NEW).unwrap();
    fs::write(out.join("chapter.md"), "mine").unwrap();
    assert!(destination.publish().unwrap_err().to_string().contains("chapter.md: was not written"));
    assert_eq!(seen(out), files(&[("chapter.md", "mine")]));
    assert_eq!(names(out), ["chapter.md"]);
}

#[test]
fn two_runs_do_not_write_to_one_folder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = staged(folder.path(), &OLD).unwrap();
    let message = refusal(folder.path());
    assert!(message.contains("another convscope is writing there"), "{message}");
    first.publish().unwrap();
    assert_eq!(seen(folder.path()), files(&OLD));
    publish(folder.path(), &NEW);
}

#[test]
fn a_run_that_ends_early_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    drop(staged(&folder.path().join("deep/out"), &NEW).unwrap());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_place_that_is_no_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "kept").unwrap();
    let refused = |name: &str| {
        let error = Destination::open(&path(name), claims()).err().expect("it is refused");
        assert!(error.is_input(), "{error}");
        error.to_string()
    };
    assert!(refused("file").contains("file: is no folder; choose another --out"));
    assert!(refused("file/out").contains("file: is no folder"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
        assert!(refused("link").contains("link: is a link that leads nowhere"));
    }
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "kept");
}
