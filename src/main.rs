//! The program: parses arguments, calls the library, and turns errors into messages and exit codes.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use clap::Parser;
use cli::{Cli, Command, DatasetKind, Generate};
use convscope::chapter::activation_files;
use convscope::chapter::output::ChapterOutput;
use convscope::chapter::{self, gradients};
use convscope::config::{Chapter, Preprocessing};
use convscope::error::{Error, Result};
use convscope::finite_gradient::Verdict;
use convscope::input::export;
use convscope::input::preprocessing;
use convscope::model::Network;
use convscope::model::layers::table;
use convscope::output::{self, Claims, Destination};
use convscope::progress::Progress;
use convscope::report::{self, SideFiles};
use convscope::study::sizes::Sizes;
use convscope::{terminal, text};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => start(&cli),
        Err(stop) => return usage(&stop),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::say(&format!("convscope: {error}"));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Says what is wrong with the arguments, which the message repeats; or prints the help or version that was asked for.
fn usage(stop: &clap::Error) -> ExitCode {
    if stop.use_stderr() {
        terminal::say(stop.render().to_string().trim_end());
        return ExitCode::from(2);
    }
    match stop.print() {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            terminal::say(&format!("convscope: stdout: cannot be written: {cause}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// 2 for usage and input, 3 for a check without a verdict, 1 for the rest.
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Undecided(_) => 3,
        error if error.is_input() => 2,
        _ => 1,
    }
}

fn start(cli: &Cli) -> Result<()> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = cli.common.threads {
        pool = pool.num_threads(usize::from(threads));
    }
    let pool = pool.build().map_err(|cause| Error::other(format!("the threads cannot be started: {cause}")))?;
    pool.install(|| run(cli))
}

fn run(cli: &Cli) -> Result<()> {
    let progress = Progress::new(cli.common.quiet);
    let say = |text: String| {
        if !cli.common.quiet {
            terminal::say(&text);
        }
    };
    match &cli.command {
        Command::Report(arguments) => {
            let chapter = Chapter::read(&arguments.chapter)?;
            let sizes = if arguments.quick { Sizes::QUICK } else { Sizes::FULL };
            let destination = open(&arguments.out, report::claims(false, false))?;
            let made = chapter::chapter(&chapter, Some(&sizes), &progress)?;
            publish(made, destination, false, &say)
        }
        Command::Explain(arguments) => {
            let chapter = arguments.chapter()?;
            let destination = open(&arguments.out, report::claims(true, arguments.raw))?;
            let made = chapter::explain(&chapter, arguments.gallery, &progress)?;
            let summary = made.artifacts.summary.clone();
            publish(made, destination, arguments.raw, &say)?;
            summary.into_iter().for_each(say);
            Ok(())
        }
        Command::Activations(arguments) => {
            let made = activation_files::write(&arguments.chapter()?, &arguments.layers(), &arguments.out, &progress)?;
            made.notes.iter().for_each(|note| say(format!("Note: {note}")));
            say(format!("{} in {}: {}", activation_files::IMAGES, arguments.out.display(), made.files.join(", ")));
            Ok(())
        }
        Command::Filters(arguments) => {
            let destination = open(&arguments.out, report::claims(false, arguments.raw))?;
            let made = chapter::filters::page(&arguments.model, &arguments.options(), &progress)?;
            publish(made, destination, arguments.raw, &say)
        }
        Command::Gradcheck(arguments) => {
            let check = chapter::gradcheck(&arguments.chapter(), &progress)?;
            terminal::print(&if arguments.json { json(&check)? } else { gradients::table(&check) })?;
            let verdict = check.verdict();
            match (verdict, verdict.reason()) {
                (Verdict::Differ, _) => Err(Error::other("the gradients do not hold")),
                (_, Some(reason)) => Err(Error::Undecided(format!(
                    "{}: the check is {}: {reason}",
                    arguments.model.display(),
                    verdict.word()
                ))),
                (_, None) => Ok(()),
            }
        }
        Command::Inspect(arguments) => {
            let network = Network::load_sized(&arguments.model, arguments.size)?;
            let columns = table::Columns { receptive_fields: true, tensors: true, costs: true };
            terminal::print(&if arguments.json {
                json(&table::describe(&network))?
            } else {
                let table = table::render(&network, columns, arguments.detail());
                format!("{table}\n{}{}", table::ends(&network), photographs(&network, arguments.size))
            })
        }
        Command::Dataset(arguments) => match &arguments.kind {
            DatasetKind::Line(wanted) => generate(wanted, export::line_claims(), export::lines, &say),
            DatasetKind::Digit(wanted) => generate(wanted, export::digit_claims(), export::digits, &say),
        },
    }
}

/// Opens the output folder before any work; an interruption from then on leaves it as it was.
fn open(out: &Path, claims: Claims) -> Result<Destination> {
    let destination = Destination::open(out, claims)?;
    output::tidy_on_interrupt(destination.scratch());
    Ok(destination)
}

/// How photographs would become inputs, as a line; nothing for an input that is no image.
fn photographs(network: &Network, size: Option<(usize, usize)>) -> String {
    let size = size.unwrap_or(network.listed_size());
    let given = Preprocessing { size: Some(size), ..Preprocessing::default() };
    let recipe = preprocessing::recipe(network, Some(&given), &|_, message| Error::input(message));
    recipe
        .map(|recipe| format!("Photographs become inputs: {}\n", preprocessing::sentence(&recipe)))
        .unwrap_or_default()
}

/// Writes a chapter's files and says where they are.
fn publish(made: ChapterOutput, mut destination: Destination, raw: bool, say: &dyn Fn(String)) -> Result<()> {
    let ChapterOutput { page, artifacts } = made;
    let rendered = report::render(&page, artifacts.assets)?;
    let arrays = raw.then_some(artifacts.raw.as_slice());
    report::write(&mut destination, &rendered, SideFiles { rows: artifacts.rows, arrays })?;
    let (html, arrays) = (destination.path("chapter.html"), destination.path(report::raw::FOLDER));
    let published = destination.publish()?;
    if raw {
        say(format!("{} arrays are in {}", artifacts.raw.len(), arrays.display()));
    }
    for file in &published.kept {
        say(format!("Note: {} is of an earlier run and was changed since; it stays", file.display()));
    }
    page.notes.iter().for_each(|note| say(format!("Note: {note}")));
    say(format!("{} is ready; so are chapter.md and chapter.json beside it", html.display()));
    Ok(())
}

/// A generator of a data set: where to, the seed, and how many samples of each class; it says how many it wrote.
type Generator = fn(&mut Destination, u64, usize) -> Result<usize>;

fn generate(wanted: &Generate, claims: Claims, write: Generator, say: &dyn Fn(String)) -> Result<()> {
    if wanted.per_class == 0 {
        return Err(Error::input("--per-class: at least one sample a class is needed"));
    }
    let mut destination = open(&wanted.out, claims)?;
    let count = write(&mut destination, wanted.seed, wanted.per_class)?;
    destination.publish()?;
    say(format!("{count} images are in {}", wanted.out.display()));
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value).map_err(|cause| Error::other(format!("JSON: {cause}")))?;
    Ok(text::json(&json) + "\n")
}
