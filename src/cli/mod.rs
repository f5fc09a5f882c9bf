//! The command line: arguments and what each command calls.

mod activations;
mod explain;
mod preprocess;

pub use activations::Activations;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use convscope::chapter::filters;
use convscope::config::{Chapter, Input, Located, Region, Section, Source};
use convscope::model::layers::table::Detail;
use convscope::visualize::filter::{Mode, Objective};
pub use explain::Explain;
use preprocess::{Preprocess, Values, sides};
use std::path::{Path, PathBuf};

/// Turns ONNX convolutional networks and images into a Network Visualization chapter: architecture, activations, filters,
/// Grad-CAM heatmaps, and conclusions that are measured.
#[derive(Parser)]
#[command(name = "convscope", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

/// Most steps of an ascent: hundreds of times as many as it takes, and few enough to end and to keep their curve.
const MOST_STEPS: i64 = 100_000;

/// Options of every command.
#[derive(Args)]
pub struct Common {
    /// Show no progress and no summary, only errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Number of threads [default: one per core]; the output is the same for any number
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one value, for as long as the program runs")]
pub enum Command {
    /// Make a chapter from a chapter file: one HTML page, the same as Markdown, and its numbers as JSON
    Report(Report),
    /// Explain images with a network: activations and heatmaps, without a chapter file
    Explain(Explain),
    /// Write the values of layers or tensors for all images as .npy arrays
    Activations(Activations),
    /// Find the image that excites each filter of a network most
    Filters(Filters),
    /// Check the gradients of a network against finite differences
    Gradcheck(Gradcheck),
    /// Print the architecture of a network as a table
    Inspect(Inspect),
    /// Write generated images and their labels as IDX files
    Dataset(Dataset),
}

#[derive(Args)]
pub struct Report {
    /// The chapter file
    #[arg(default_value = "chapter.toml")]
    pub chapter: PathBuf,
    /// Where chapter.html, chapter.md and chapter.json go
    #[arg(long, default_value = "reports", value_name = "DIR")]
    pub out: PathBuf,
    /// Measure the inferences on smaller samples; the page says so
    #[arg(long)]
    pub quick: bool,
}
#[derive(Args)]
pub struct Filters {
    /// The network
    pub model: PathBuf,
    /// The convolution: a layer's name, a tensor's, or a part of either that is unambiguous [default: every one; 8, spread over
    /// the depth, of a network with more than 512 filters]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// Which filters, as in 0-63 or 0,5,9 [default: all; of a network with more than 512, 16 of each convolution, evenly spread]
    #[arg(long, value_name = "RANGE")]
    pub filters: Option<String>,
    /// Steps of the ascent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_STEPS))]
    pub steps: Option<u32>,
    #[command(flatten)]
    pub values: Values,
    /// How the image is kept: bounded, within the range of real inputs; pixel, free as in the Keras recipe; or decorrelated,
    /// of independent waves and colours, Lucid's way, which makes the filters of large networks readable
    #[arg(long, default_value = "bounded", value_parser = mode())]
    pub mode: Mode,
    /// What grows: the mean of the channel, or the unit at its centre [default: the channel; for first layers both]
    #[arg(long, value_parser = ["channel", "unit"])]
    pub objective: Option<String>,
    /// The seed of the start image and of its motions
    #[arg(long, default_value_t = 2019, value_name = "K")]
    pub seed: u64,
    /// Also write the images as .npy files
    #[arg(long)]
    pub raw: bool,
    /// Where the page goes
    #[arg(long, default_value = "filters", value_name = "DIR")]
    pub out: PathBuf,
}

/// Reads a mode of the ascent by its name.
fn mode() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::NAMES).try_map(|name| Mode::named(&name).ok_or("is no mode"))
}

impl Filters {
    /// What is asked for.
    pub fn options(&self) -> filters::Options {
        filters::Options {
            layer: self.layer.clone(),
            filters: self.filters.clone(),
            steps: self.steps.map(|steps| steps as usize),
            preprocess: self.values.given(),
            mode: self.mode,
            objective: self
                .objective
                .as_ref()
                .map(|name| if name == "unit" { Objective::Unit } else { Objective::Channel }),
            seed: self.seed,
        }
    }
}

#[derive(Args)]
pub struct Gradcheck {
    /// The network
    pub model: PathBuf,
    /// Images to check at [default: generated inputs]
    pub images: Vec<PathBuf>,
    /// The activation whose gradient is checked [default: the one that heatmaps explain]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    #[command(flatten)]
    pub preprocess: Preprocess,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Gradcheck {
    /// The chapter whose network and images are checked.
    pub fn chapter(&self) -> Chapter {
        let mut section = photographs(&self.model, &self.images, None, None, &self.preprocess);
        section.target = self.layer.clone().map(|name| Located::option("--layer", name));
        if self.images.is_empty() {
            section.inputs = generated();
        }
        Chapter::of("Gradients", section)
    }
}

#[derive(Args)]
pub struct Inspect {
    /// The network
    pub model: PathBuf,
    /// List every layer of a large network, not its scopes
    #[arg(long, conflicts_with = "depth")]
    pub all: bool,
    /// Open scopes down to this depth, 0 for the outermost alone [default: as deep as fits 30 rows]
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// The size to list shapes at, for a network that takes any: height and width, or one number for both
    #[arg(long, value_name = "H,W", value_parser = sides)]
    pub size: Option<(usize, usize)>,
    /// Print JSON, with every layer
    #[arg(long)]
    pub json: bool,
}

impl Inspect {
    /// How much is listed.
    pub fn detail(&self) -> Detail {
        match (self.all, self.depth) {
            (true, _) => Detail::All,
            (false, Some(depth)) => Detail::Depth(depth),
            (false, None) => Detail::Overview,
        }
    }
}

/// A section that shows photographs to a network.
fn photographs(
    model: &Path,
    images: &[PathBuf],
    truth: Option<&String>,
    pixels: Option<&Region>,
    preprocess: &Preprocess,
) -> Section {
    let input = |path: &PathBuf| Input {
        source: Source::Image { path: path.clone(), label: truth.cloned(), object: None, pixels: pixels.cloned() },
        line: 0,
    };
    Section { inputs: images.iter().map(input).collect(), preprocess: preprocess.given(), ..Section::of(model) }
}

/// Inputs for a network that comes without images: lines of different colors and angles, and digits.
fn generated() -> Vec<Input> {
    let lines = [7, 42, 68].map(|class| Source::Line { class, sample: 0 });
    let digits = [Source::Digit { digit: 3, sample: 0 }];
    lines.into_iter().chain(digits).map(|source| Input { source, line: 0 }).collect()
}

#[derive(Args)]
pub struct Dataset {
    #[command(subcommand)]
    pub kind: DatasetKind,
}

#[derive(Subcommand)]
pub enum DatasetKind {
    /// The Line dataset: line-images-idx4-ubyte (N×28×28×3) and line-labels-idx2-ubyte (N×4: length, width, color, angle)
    Line(Generate),
    /// Drawn digits: images-idx3-ubyte (N×28×28) and labels-idx1-ubyte
    Digit(Generate),
}

#[derive(Args)]
pub struct Generate {
    /// Samples of each class
    #[arg(long, value_name = "N")]
    pub per_class: usize,
    /// The seed
    #[arg(long, value_name = "S")]
    pub seed: u64,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
