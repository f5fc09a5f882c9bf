//! The command line: arguments and what each command calls.

use clap::{Args, Parser, Subcommand};
use convscope::config::{Chapter, Class, Input, Located, Preprocessing, Section, Source};
use convscope::dataset::files;
use convscope::error::Result;
use convscope::pipeline::filters;
use convscope::visualize::filter::{Mode, Objective};
use convscope::visualize::placement::Placement;
use convscope::visualize::{cam, saliency};
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
pub enum Command {
    /// Make a chapter from a chapter file: one HTML page, the same as Markdown, and its numbers as JSON
    Report(Report),
    /// Explain images with a network: activations and heatmaps, without a chapter file
    Explain(Explain),
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
pub struct Explain {
    /// The network
    pub model: PathBuf,
    /// Photographs (PNG, JPEG, WebP or BMP), folders of them, or patterns in quotes such as "photos/*.jpg"
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// How the heatmap is made
    #[arg(long, default_value = "grad-cam", value_parser = clap::builder::PossibleValuesParser::new(heatmap_methods()))]
    pub method: String,
    /// The layer or tensor whose activation is explained [default: the activation after the last convolution]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// The class to explain: its number or label, `predicted`, or `true`
    #[arg(long, default_value = "predicted", value_name = "K|predicted|true")]
    pub class: String,
    /// A file with one label a line, or a JSON list or map
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The images' true class, number or label, for `--class true` and the page
    #[arg(long = "true", value_name = "K")]
    pub truth: Option<String>,
    /// Where the cells of a map lie in the image
    #[arg(long, default_value = "receptive-field", value_parser = clap::builder::PossibleValuesParser::new(Placement::NAMES))]
    pub placement: String,
    #[command(flatten)]
    pub preprocess: Preprocess,
    /// Layers whose activations are shown: names or unambiguous parts of them, `all`, or `none` [default: every convolution and pooling
    /// layer of a small network, a few of a large one]
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub activations: Option<Vec<String>>,
    /// Images that the page shows; the numbers of all are in images.jsonl
    #[arg(long, default_value_t = 24, value_name = "N")]
    pub gallery: usize,
    /// Also write the shown images' maps and logits as .npy files
    #[arg(long)]
    pub raw: bool,
    /// Where the page goes
    #[arg(long, default_value = "explained", value_name = "DIR")]
    pub out: PathBuf,
}

/// Every heatmap method's name: class activation maps, then maps of the input's gradient.
fn heatmap_methods() -> Vec<&'static str> {
    cam::Method::NAMES.into_iter().chain(saliency::Method::NAMES).collect()
}

impl Explain {
    /// The chapter that explains these images.
    ///
    /// # Errors
    /// A folder without images, or a pattern that matches no file.
    pub fn chapter(&self) -> Result<Chapter> {
        let images = files::images(&self.images)?;
        let mut section = photographs(&self.model, &images, self.truth.as_ref(), &self.preprocess);
        section.activations = self.activations.as_ref().map(|names| match names.as_slice() {
            [none] if none == "none" => Vec::new(),
            names => names.iter().map(|name| Located::option("--activations", name.clone())).collect(),
        });
        section.target = self.layer.clone().map(|name| Located::option("--layer", name));
        section.class = Located::option("--class", Class::of(&self.class));
        // Filters do not depend on the photographs, and a large network has thousands; `convscope filters` shows them.
        section.filters = Some(Vec::new());
        section.labels = self.labels.clone().map(|path| Located::option("--labels", path));
        section.placement = Placement::named(&self.placement).unwrap_or(Placement::ReceptiveField);
        match cam::Method::named(&self.method) {
            Some(method) => section.method = method,
            None => section.saliency = saliency::Method::named(&self.method),
        }
        Ok(Chapter::of(&format!("What {} sees", section.title), section))
    }
}

impl Filters {
    /// What is asked for.
    pub fn options(&self) -> filters::Options {
        filters::Options {
            layer: self.layer.clone(),
            filters: self.filters.clone(),
            steps: self.steps,
            size: self.size,
            mode: if self.mode == "pixel" { Mode::Pixel } else { Mode::Bounded },
            objective: self
                .objective
                .as_ref()
                .map(|name| if name == "unit" { Objective::Unit } else { Objective::Channel }),
            seed: self.seed,
        }
    }
}

impl Gradcheck {
    /// The chapter whose network and images are checked.
    pub fn chapter(&self) -> Chapter {
        let mut section = photographs(&self.model, &self.images, None, &self.preprocess);
        section.target = self.layer.clone().map(|name| Located::option("--layer", name));
        if self.images.is_empty() {
            section.inputs = generated();
        }
        Chapter::of("Gradients", section)
    }
}

/// A section that shows photographs to a network.
fn photographs(model: &Path, images: &[PathBuf], truth: Option<&String>, preprocess: &Preprocess) -> Section {
    let input = |path: &PathBuf| Input {
        source: Source::Image { path: path.clone(), label: truth.cloned(), object: None },
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

impl Preprocess {
    /// The preprocessing asked for, if any was.
    fn given(&self) -> Option<Preprocessing> {
        let given = Preprocessing {
            preset: self.preprocess.clone().map(|name| Located::option("--preprocess", name)),
            mean: self.mean.clone(),
            std: self.std.clone(),
            scale: self.scale,
            size: match self.size.as_deref() {
                Some([height, width]) => Some((*height, *width)),
                Some([side]) => Some((*side, *side)),
                _ => None,
            },
            ..Preprocessing::default()
        };
        (given != Preprocessing::default()).then_some(given)
    }
}

/// How photographs become inputs.
#[derive(Args, Default)]
pub struct Preprocess {
    /// A preset: imagenet, keras-0-1, keras-±1, caffe-bgr or none
    #[arg(long, value_name = "NAME")]
    pub preprocess: Option<String>,
    /// Channel means, in the units of the scaled input, as in 0.485,0.456,0.406
    #[arg(long, value_delimiter = ',', value_name = "M,…", allow_hyphen_values = true)]
    pub mean: Option<Vec<f32>>,
    /// Channel standard deviations, in the units of the scaled input
    #[arg(long, value_delimiter = ',', value_name = "S,…")]
    pub std: Option<Vec<f32>>,
    /// What a byte is multiplied by before mean and standard deviation
    #[arg(long, value_name = "X")]
    pub scale: Option<f32>,
    /// The input's height and width in pixels, for a network that takes any
    #[arg(long, value_delimiter = ',', value_name = "H,W", num_args = 1)]
    pub size: Option<Vec<usize>>,
}

#[derive(Args)]
pub struct Filters {
    /// The network
    pub model: PathBuf,
    /// The convolution [default: every one]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// Which filters, as in 0-63 or 0,5,9 [default: all]
    #[arg(long, value_name = "RANGE")]
    pub filters: Option<String>,
    /// Steps of the ascent
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Side of the image in pixels, for a network that takes any size
    #[arg(long, value_name = "S")]
    pub size: Option<usize>,
    /// How the image is kept: bounded, within the range of real inputs, or pixel, free as in the Keras recipe
    #[arg(long, default_value = "bounded", value_parser = ["bounded", "pixel"])]
    pub mode: String,
    /// What grows: the mean of the channel, or the unit at its centre [default: the channel; for first layers both]
    #[arg(long, value_parser = ["channel", "unit"])]
    pub objective: Option<String>,
    /// The seed of the start image
    #[arg(long, default_value_t = 2019, value_name = "K")]
    pub seed: u64,
    /// Also write the images as .npy files
    #[arg(long)]
    pub raw: bool,
    /// Where the page goes
    #[arg(long, default_value = "filters", value_name = "DIR")]
    pub out: PathBuf,
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

#[derive(Args)]
pub struct Inspect {
    /// The network
    pub model: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
