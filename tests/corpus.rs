//! Hostile inputs: whatever a file holds, every command ends in a chapter or in a message, within ten seconds and 1 GB.

mod beside;
mod every_operator;
mod hostile;
mod many;
mod mutations;
mod operators;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::support::repository;

/// Ten seconds on two cores, counted as processor time so that a busy machine does not decide; and an end to waiting.
const PROCESSOR_SECONDS: f64 = 20.0;
const DEADLINE: Duration = Duration::from_secs(60);
/// What the process may hold, in KiB, as `ulimit -d` counts it: everything it has written to.
const MEMORY: &str = "1000000";

/// How a command ended: its exit code (`None` for a signal) and what it said.
struct Ended {
    code: Option<i32>,
    errors: String,
    output: String,
}

/// Runs the program under a memory limit and until the deadline, on two threads.
fn run(folder: &Path, arguments: &[&str]) -> Ended {
    run_on("2", folder, arguments)
}

/// As [`run`], on so many threads.
fn run_on(threads: &str, folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d \"$0\" && exec \"$@\"", MEMORY, env!("CARGO_BIN_EXE_convscope")]);
    command.args(arguments).args(["--threads", threads, "--quiet"]).current_dir(folder);
    command.env("CONVSCOPE_MNIST", folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let read = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let output = read(Box::new(child.stdout.take().expect("a pipe")));
    let errors = read(Box::new(child.stderr.take().expect("a pipe")));
    let start = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status.code();
        }
        if start.elapsed() > DEADLINE || processor_seconds(child.id()) > PROCESSOR_SECONDS {
            child.kill().expect("the program can be stopped");
            child.wait().expect("the program can be waited for");
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Ended { code, errors: errors.join().unwrap_or_default(), output: output.join().unwrap_or_default() }
}

/// Processor time that a process has taken, by Linux's count of hundredths of a second; 0 where there is none.
fn processor_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may hold blanks; user and system time are the 12th and 13th fields behind it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// What is wrong with how a command ended on the file `name`, if anything is.
fn complaint(ended: &Ended, arguments: &[&str], name: &str) -> Option<String> {
    let Ended { code, errors, output } = ended;
    let told = || format!("{arguments:?} ended with {code:?}: {}", errors.chars().take(2000).collect::<String>());
    let expected = match arguments[0] {
        // Gradients that are not numbers do not hold, which is a result.
        "gradcheck" => matches!(code, Some(0..=3)),
        _ => matches!(code, Some(0 | 2)),
    };
    let calm = !errors.contains("panicked") && !errors.contains("RUST_BACKTRACE");
    let named = *code == Some(0) || errors.contains(name) || errors.contains("the gradients do not hold");
    let readable = errors.len() < 20_000 && !errors.chars().chain(output.chars()).any(|c| c.is_control() && c != '\n');
    (!expected || !calm || !named || !readable).then(told)
}

/// What is wrong with a chapter, if anything is.
fn chapter_complaint(folder: &Path) -> Option<String> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let (html, markdown, json) = (read("chapter.html"), read("chapter.md"), read("chapter.json"));
    if serde_json::from_str::<serde_json::Value>(&json).is_err() {
        return Some("chapter.json is no JSON".into());
    }
    let page = scraper::Html::parse_document(&html);
    let select = |selector: &str| page.select(&scraper::Selector::parse(selector).expect("a selector")).count();
    if select("h1") != 1 || select("script") > 0 || select("img[src=x]") > 0 {
        return Some("chapter.html is not what it should be".into());
    }
    let control = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    if control(&html) || control(&markdown) {
        return Some("the chapter holds control characters".into());
    }
    let words = page.root_element().text().flat_map(str::split_whitespace);
    let odd =
        words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).find(|word| ["NaN", "inf"].contains(word));
    odd.map(|odd| format!("chapter.html shows {odd:?}"))
}

/// A photograph drawn here.
fn photograph(path: &Path) {
    let pixel = |x: u32, y: u32| {
        image::Rgb([(x * 6) as u8, (y * 7) as u8, if (x / 8 + y / 8).is_multiple_of(2) { 200 } else { 20 }])
    };
    image::RgbImage::from_fn(40, 32, pixel).save(path).expect("the photograph is written");
}

/// Every command on one network; the complaints.
fn try_network(name: &str, bytes: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("net.onnx"), bytes).expect("the network is written");
    photograph(&path("photo.png"));
    let chapter = "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"net.onnx\"\n[[section.input]]\nimage = \"photo.png\"\n[[section.input]]\ndigit = 3\n";
    fs::write(path("chapter.toml"), chapter).expect("the chapter is written");
    let commands: [&[&str]; 6] = [
        &["inspect", "net.onnx"],
        &["inspect", "--json", "net.onnx"],
        &["gradcheck", "net.onnx", "photo.png"],
        &["explain", "net.onnx", "photo.png", "--out", "explained"],
        &["report", "chapter.toml", "--quick", "--out", "reported"],
        &["filters", "net.onnx", "--out", "filtered"],
    ];
    let mut complaints = Vec::new();
    for arguments in commands {
        let ended = run(folder.path(), arguments);
        complaints.extend(complaint(&ended, arguments, "net"));
        if arguments[1] == "--json"
            && ended.code == Some(0)
            && serde_json::from_str::<serde_json::Value>(&ended.output).is_err()
        {
            complaints.push("inspect --json prints no JSON".into());
        }
    }
    for out in ["explained", "reported", "filtered"] {
        // A run that was stopped at the deadline leaves a folder without a page.
        if path(out).join("chapter.html").exists() {
            complaints.extend(chapter_complaint(&path(out)).map(|complaint| format!("{out}: {complaint}")));
        }
    }
    complaints.into_iter().map(|complaint| format!("{name}: {complaint}")).collect()
}

fn nothing_to_complain(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn hostile_networks_end_in_a_message_or_a_chapter() {
    let cases: Vec<hostile::Case> = hostile::networks();
    nothing_to_complain(cases.par_iter().flat_map(|case| try_network(&case.name, &case.bytes)).collect());
}

/// What fuzzing found; each file is named by what is wrong with it.
#[test]
fn what_fuzzing_found_stays_mended() {
    let mut files: Vec<PathBuf> = fs::read_dir(repository("tests/corpus"))
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let complaints = files.par_iter().flat_map(|path| {
        let bytes = fs::read(path).expect("the file can be read");
        assert!(bytes.len() < 20_000, "{}: too large for the corpus", path.display());
        try_network(&path.file_name().unwrap_or_default().to_string_lossy(), &bytes)
    });
    nothing_to_complain(complaints.collect());
}
