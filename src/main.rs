//! The program: parses arguments, calls the library, and turns errors into messages and exit codes.

mod cli;

use clap::Parser;
use cli::{Cli, Command, DatasetKind, Generate};
use convscope::chapter::activation_files;
use convscope::chapter::output::ChapterOutput;
use convscope::chapter::{self, gradients};
use convscope::config::{Chapter, Preprocessing};
use convscope::error::{Error, Result};
use convscope::input::export;
use convscope::input::preprocessing;
use convscope::model::Network;
use convscope::model::layers::table;
use convscope::progress::Progress;
use convscope::report::{self, SideFiles};
use convscope::study::sizes::Sizes;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("convscope: {}", harmless(&error.to_string()));
            ExitCode::from(if error.is_input() { 2 } else { 1 })
        }
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
            eprintln!("{text}");
        }
    };
    match &cli.command {
        Command::Report(arguments) => {
            let chapter = Chapter::read(&arguments.chapter)?;
            let sizes = if arguments.quick { Sizes::QUICK } else { Sizes::FULL };
            let made = chapter::chapter(&chapter, Some(&sizes), &progress)?;
            publish(made, &arguments.out, false, &say)
        }
        Command::Explain(arguments) => {
            let made = chapter::explain(&arguments.chapter()?, arguments.gallery, &progress)?;
            made.artifacts.summary.iter().for_each(|line| say(line.clone()));
            publish(made, &arguments.out, arguments.raw, &say)
        }
        Command::Activations(arguments) => {
            let made = activation_files::write(&arguments.chapter()?, &arguments.layers(), &arguments.out, &progress)?;
            made.notes.iter().for_each(|note| say(format!("Note: {note}")));
            say(format!("{} in {}: {}", activation_files::IMAGES, arguments.out.display(), made.files.join(", ")));
            Ok(())
        }
        Command::Filters(arguments) => {
            let made = chapter::filters::page(&arguments.model, &arguments.options(), &progress)?;
            publish(made, &arguments.out, arguments.raw, &say)
        }
        Command::Gradcheck(arguments) => {
            let check = chapter::gradcheck(&arguments.chapter(), &progress)?;
            print(&if arguments.json { json(&check)? } else { gradients::table(&check) })?;
            if check.holds() { Ok(()) } else { Err(Error::other("the gradients do not hold")) }
        }
        Command::Inspect(arguments) => {
            let network = Network::load_sized(&arguments.model, arguments.size)?;
            let columns = table::Columns { receptive_fields: true, tensors: true, costs: true };
            print(&if arguments.json {
                json(&table::describe(&network))?
            } else {
                let table = table::render(&network, columns, arguments.detail());
                format!("{table}\n{}{}", table::ends(&network), photographs(&network, arguments.size))
            })
        }
        Command::Dataset(arguments) => match &arguments.kind {
            DatasetKind::Line(wanted) => generate(wanted, export::lines, &say),
            DatasetKind::Digit(wanted) => generate(wanted, export::digits, &say),
        },
    }
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
fn publish(made: ChapterOutput, out: &Path, raw: bool, say: &dyn Fn(String)) -> Result<()> {
    let ChapterOutput { page, artifacts } = made;
    let rendered = report::render(&page, artifacts.assets)?;
    let arrays = raw.then_some(artifacts.raw.as_slice());
    report::write(out, &rendered, SideFiles { rows: artifacts.rows, arrays })?;
    if raw {
        say(format!("{} arrays are in {}", artifacts.raw.len(), out.join(report::raw::FOLDER).display()));
    }
    page.notes.iter().for_each(|note| say(format!("Note: {note}")));
    say(format!("{} is ready; so are chapter.md and chapter.json beside it", out.join("chapter.html").display()));
    Ok(())
}

fn generate(wanted: &Generate, write: fn(&Path, u64, usize) -> Result<usize>, say: &dyn Fn(String)) -> Result<()> {
    if wanted.per_class == 0 {
        return Err(Error::input("--per-class: at least one sample a class is needed"));
    }
    let count = write(&wanted.out, wanted.seed, wanted.per_class)?;
    say(format!("{count} images are in {}", wanted.out.display()));
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(|cause| Error::other(format!("JSON: {cause}")))?;
    Ok(text + "\n")
}

/// Names from files may hold characters that command a terminal; only line breaks are let through.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Prints to stdout; a reader that has gone away is no error.
fn print(text: &str) -> Result<()> {
    use std::io::Write;
    match std::io::stdout().write_all(harmless(text).as_bytes()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::other(format!("stdout: {cause}"))),
        _ => Ok(()),
    }
}
