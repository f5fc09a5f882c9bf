//! Many networks in few processes: a child takes one after the other through every command and says which it is at, so that the
//! one on which it ends or hangs is known, and the next child goes on behind it.
//!
//! The child is this test program again, told by an environment variable what to do.

use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use convscope::chapter::output::ChapterOutput;
use convscope::chapter::{self, filters};
use convscope::config::{Chapter, Input, Section, Source};
use convscope::error::{Error, Result};
use convscope::model::Network;
use convscope::model::layers::table;
use convscope::progress::Progress;
use convscope::report;
use convscope::visualize::filter::Mode;

use super::MEMORY;
use super::every_operator::Spec;
use super::mutations::Mutation;

/// How long one command may take for one network.
const WAIT: Duration = Duration::from_secs(10);

/// Tells a child what it has to do: `family first step end`.
const TASK: &str = "CONVSCOPE_TEST_NETWORKS";
/// Networks that a child takes before a fresh one goes on, so that memory is that of few.
const PER_CHILD: usize = 400;

/// A family of networks that are made by number.
#[derive(Clone, Copy)]
pub enum Family {
    Operators,
    Mutations,
}

impl Family {
    fn word(self) -> &'static str {
        match self {
            Family::Operators => "operators",
            Family::Mutations => "mutations",
        }
    }

    /// Network number `number`, and what it is.
    fn network(self, number: usize, specs: &[Spec]) -> Option<(String, Vec<u8>)> {
        match self {
            Family::Operators => specs.get(number).map(|spec| (spec.name(), spec.network())),
            Family::Mutations => Some(Mutation(number).network()),
        }
    }
}

/// What came of some networks.
#[derive(Default)]
pub struct Outcome {
    pub networks: usize,
    /// Commands that were run.
    pub runs: usize,
    /// Runs that ended in what they should make, and not in a message.
    pub made: usize,
    /// What is wrong, each with the network's number and name.
    pub complaints: Vec<String>,
}

impl Outcome {
    fn add(mut self, other: Outcome) -> Outcome {
        self.networks += other.networks;
        self.runs += other.runs;
        self.made += other.made;
        self.complaints.extend(other.complaints);
        self
    }
}

/// Takes the networks `first`, `first + step`, … before `end` through every command, in two children at a time.
pub fn take(family: Family, (first, step, end): (usize, usize, usize)) -> Outcome {
    let halves = (family, (first, 2 * step, end), (first + step, 2 * step, end));
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| in_turn(halves.0, halves.2));
        (in_turn(halves.0, halves.1), other.join().unwrap_or_default())
    });
    one.add(other)
}

fn in_turn(family: Family, (first, step, end): (usize, usize, usize)) -> Outcome {
    let mut outcome = Outcome::default();
    let mut next = first;
    while next < end {
        let stop = end.min(next + step * PER_CHILD);
        next = child(family, (next, step, stop), &mut outcome);
    }
    outcome
}

/// Starts a child on some networks and listens to it; returns the number of the network to go on with.
fn child(family: Family, (first, step, end): (usize, usize, usize), outcome: &mut Outcome) -> usize {
    let program = std::env::current_exe().expect("the test program has a path");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d \"$0\" && exec \"$@\"", MEMORY]).arg(program);
    command.args(["--exact", "corpus::many::a_process_takes_many_networks", "--nocapture"]);
    command.env(TASK, format!("{} {first} {step} {end}", family.word())).env("RAYON_NUM_THREADS", "1");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the child starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (sender, said) = channel();
    let reader =
        std::thread::spawn(move || lines.map_while(std::result::Result::ok).try_for_each(|line| sender.send(line)));
    let mut at = (first, String::from("nothing"));
    let next = loop {
        let line = match said.recv_timeout(WAIT) {
            Ok(line) => line,
            Err(why) => {
                let what = if why == RecvTimeoutError::Timeout { "more than ten seconds" } else { "a signal" };
                let _ = child.kill();
                outcome.complaints.push(format!("network {} ({}): {what}", at.0, at.1));
                break at.0 + step;
            }
        };
        let mut words = line.splitn(3, '\t');
        match (words.next(), words.next(), words.next()) {
            (Some("at"), Some(number), Some(what)) => {
                at = (number.parse().unwrap_or(at.0), what.to_string());
                outcome.runs += 1;
                outcome.networks += usize::from(what.ends_with("inspect"));
            }
            (Some("made"), ..) => outcome.made += 1,
            (Some("bad"), Some(number), Some(what)) => outcome.complaints.push(format!("network {number}: {what}")),
            (Some("end"), ..) => break end,
            _ => {}
        }
    };
    let _ = child.wait();
    let _ = reader.join();
    next
}

/// What a child does: each network through every command. Without a task, one sound network, which must pass them all.
#[test]
fn a_process_takes_many_networks() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("net.onnx");
    let Ok(task) = std::env::var(TASK) else {
        std::fs::write(&file, super::hostile::sound().bytes()).expect("the network is written");
        for (name, command) in COMMANDS {
            command(&file).unwrap_or_else(|cause| panic!("{name}: {cause}"));
        }
        return;
    };
    let words: Vec<&str> = task.split(' ').collect();
    let number = |place: usize| words[place].parse::<usize>().expect("a number");
    let family = if words[0] == "operators" { Family::Operators } else { Family::Mutations };
    let specs = Spec::all();
    println!();
    for index in (number(1)..number(3)).step_by(number(2)) {
        let Some((name, bytes)) = family.network(index, &specs) else { break };
        std::fs::write(&file, bytes).expect("the network is written");
        try_all(&file, index, &name);
    }
    println!("end");
}

type Run = fn(&Path) -> Result<()>;
const COMMANDS: [(&str, Run); 4] =
    [("inspect", inspect), ("explain", explain), ("gradcheck", gradcheck), ("filters", filters)];

/// Takes a network through every command.
fn try_all(file: &Path, index: usize, name: &str) {
    let say = |what: &str, text: &str| {
        let mut out = std::io::stdout().lock();
        let line = text.replace(['\n', '\t'], " ");
        let _ = writeln!(out, "{what}\t{index}\t{line}").and_then(|()| out.flush());
    };
    for (command, run) in COMMANDS {
        let what = format!("{name}: {command}");
        say("at", &what);
        match catch_unwind(AssertUnwindSafe(|| run(file))) {
            Ok(Ok(())) => say("made", ""),
            Ok(Err(cause)) if !cause.is_input() => say("bad", &format!("{what}: ends with exit code 1: {cause}")),
            Ok(Err(cause)) if !cause.to_string().contains("net") => {
                say("bad", &format!("{what}: the file is not named: {cause}"));
            }
            Ok(Err(_)) => {}
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                say("bad", &format!("{what}: panics: {}", text.unwrap_or_default()));
            }
        }
    }
}

fn inspect(file: &Path) -> Result<()> {
    let network = Network::load(file)?;
    let columns = table::Columns { receptive_fields: true, tensors: true, costs: true };
    let text = table::render(&network, columns, table::Detail::All);
    let json = serde_json::to_string(&table::describe(&network)).map_err(|cause| Error::other(cause.to_string()))?;
    if text.is_empty() || json.is_empty() { Err(Error::other("an empty table")) } else { Ok(()) }
}

/// A drawn digit, explained without filters.
fn drawn(file: &Path) -> Chapter {
    let digit = Input { source: Source::Digit { digit: 3, sample: 0 }, line: 0 };
    Chapter::of("Fuzz", Section { inputs: vec![digit], filters: Some(Vec::new()), ..Section::of(file) })
}

fn explain(file: &Path) -> Result<()> {
    whole(chapter::explain(&drawn(file), 24, &Progress::new(true))?)
}

fn gradcheck(file: &Path) -> Result<()> {
    let check = chapter::gradcheck(&drawn(file), &Progress::new(true))?;
    if check.images == 0 { Err(Error::other("nothing was checked")) } else { Ok(()) }
}

fn filters(file: &Path) -> Result<()> {
    let options = filters::Options {
        layer: None,
        filters: None,
        steps: Some(1),
        preprocess: None,
        mode: Mode::Bounded,
        objective: None,
        seed: 1,
    };
    whole(filters::page(file, &options, &Progress::new(true))?)
}

/// Renders a page, which must be whole.
fn whole(made: ChapterOutput) -> Result<()> {
    let rendered = report::render(&made.page, made.artifacts.assets)?;
    let complete = rendered.html.contains("</html>") && rendered.html.matches("<h1").count() == 1;
    let json = serde_json::from_str::<serde_json::Value>(&rendered.json).is_ok();
    if complete && json && !rendered.markdown.is_empty() { Ok(()) } else { Err(Error::other("the page is not whole")) }
}
