//! The command line: arguments and what each command calls.

use clap::{Args, Parser, Subcommand};
use convscope::config::{Chapter, Class, Input, Located, Preprocessing, Region, Section, Source};
use convscope::dataset::files;
use convscope::error;
use convscope::model::table::Detail;
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
    /// Of a network that scores every position (segmentation): the pixels whose scores are averaged, a box in the
    /// photograph or a mask's file, white where they count [default: all]
    #[arg(long, value_name = "X,Y,W,H|FILE", value_parser = region)]
    pub pixels: Option<Region>,
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
    pub fn chapter(&self) -> error::Result<Chapter> {
        let images = files::images(&self.images)?;
        let mut section =
            photographs(&self.model, &images, self.truth.as_ref(), self.pixels.as_ref(), &self.preprocess);
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

impl Filters {
    /// What is asked for.
    pub fn options(&self) -> filters::Options {
        filters::Options {
            layer: self.layer.clone(),
            filters: self.filters.clone(),
            steps: self.steps,
            preprocess: self.values.given(),
            mode: Mode::named(&self.mode).unwrap_or(Mode::Bounded),
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
        let mut section = photographs(&self.model, &self.images, None, None, &self.preprocess);
        section.target = self.layer.clone().map(|name| Located::option("--layer", name));
        if self.images.is_empty() {
            section.inputs = generated();
        }
        Chapter::of("Gradients", section)
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

impl Preprocess {
    /// The preprocessing asked for, if any was.
    fn given(&self) -> Option<Preprocessing> {
        let option = |key: &str, value: &Option<String>| value.clone().map(|value| Located::option(key, value));
        let given = Preprocessing {
            fit: option("--fit", &self.fit),
            filter: option("--filter", &self.filter),
            shortest: self.shortest,
            ..self.values.given().unwrap_or_default()
        };
        (given != Preprocessing::default()).then_some(given)
    }
}

impl Values {
    fn given(&self) -> Option<Preprocessing> {
        let given = Preprocessing {
            preset: self.preprocess.clone().map(|value| Located::option("--preprocess", value)),
            mean: self.mean.clone(),
            std: self.std.clone(),
            scale: self.scale,
            size: self.size,
            bgr: self.bgr.then_some(true),
            ..Preprocessing::default()
        };
        (given != Preprocessing::default()).then_some(given)
    }
}

/// A box as in `10,20,100,80`, else a mask's file.
fn region(text: &str) -> Result<Region, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse::<f64>()).collect();
    match numbers.as_deref() {
        Ok(&[left, top, width, height]) if width > 0.0 && height > 0.0 => Ok(Region::Box([left, top, width, height])),
        Ok(_) => Err("a box has four numbers, its left, top, width and height in pixels of the photograph".into()),
        Err(_) if Path::new(text).is_file() => Ok(Region::Mask(text.into())),
        Err(_) => Err(format!("`{text}` is neither a box as in 10,20,100,80 nor a file")),
    }
}

/// Height and width in pixels: `224,320`, or one number for both.
fn sides(text: &str) -> Result<(usize, usize), String> {
    let side = |text: &str| match text.trim().parse() {
        Ok(side @ 1..=65_536) => Ok(side),
        _ => {
            Err(format!("`{text}` is no number of pixels; give height and width as in 224,320, or one number for both"))
        }
    };
    match text.split_once([',', 'x', '×']) {
        Some((height, width)) => Ok((side(height)?, side(width)?)),
        None => side(text).map(|side| (side, side)),
    }
}

/// What stands above the options that say how images become inputs.
const INPUTS: &str = "How images become inputs [default: what the model's files say, else stated on the page]";

/// How photographs become inputs.
#[derive(Args, Default)]
pub struct Preprocess {
    #[command(flatten)]
    pub values: Values,
    /// How a photograph is fitted: stretch, or crop its centre after its shortest side was resized
    #[arg(long, help_heading = INPUTS, value_name = "stretch|crop")]
    pub fit: Option<String>,
    /// What the shortest side is resized to before the centre is cut out, as 256 for an input of 224
    #[arg(long, help_heading = INPUTS, value_name = "S")]
    pub shortest: Option<usize>,
    /// How it is resized: nearest, triangle (bilinear), catmull-rom (bicubic) or lanczos3
    #[arg(long, help_heading = INPUTS, value_name = "NAME")]
    pub filter: Option<String>,
}

/// What a network's input holds, and how large it is.
#[derive(Args, Default)]
pub struct Values {
    /// A preset, which the options below override
    ///
    /// none: bytes 0 to 255 as they are, stretched to the input's size.
    /// keras-0-1: bytes / 255, stretched.
    /// keras-±1 (or keras-pm1): bytes / 127.5 − 1, stretched.
    /// imagenet: shortest side to 256 for an input of 224 (in proportion for others), centre cut out, bytes / 255, less the mean
    /// 0.485, 0.456, 0.406, over the deviation 0.229, 0.224, 0.225; torchvision's and timm's usual one.
    /// caffe-bgr: as imagenet cut out, channels blue, green, red, less the mean 103.939, 116.779, 123.68.
    #[arg(long, help_heading = INPUTS, value_name = "NAME", verbatim_doc_comment)]
    pub preprocess: Option<String>,
    /// Channel means, in the units of the scaled input, as in 0.485,0.456,0.406
    #[arg(long, help_heading = INPUTS, value_delimiter = ',', value_name = "M,…", allow_hyphen_values = true)]
    pub mean: Option<Vec<f64>>,
    /// Channel standard deviations, in the units of the scaled input
    #[arg(long, help_heading = INPUTS, value_delimiter = ',', value_name = "S,…")]
    pub std: Option<Vec<f64>>,
    /// What a byte is multiplied by before mean and standard deviation
    #[arg(long, help_heading = INPUTS, value_name = "X")]
    pub scale: Option<f64>,
    /// Channels in the order blue, green, red
    #[arg(long, help_heading = INPUTS)]
    pub bgr: bool,
    /// The input's height and width in pixels, or one number for both, for a network that takes any size
    #[arg(long, help_heading = INPUTS, value_name = "H,W", value_parser = sides)]
    pub size: Option<(usize, usize)>,
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
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    #[command(flatten)]
    pub values: Values,
    /// How the image is kept: bounded, within the range of real inputs; pixel, free as in the Keras recipe; or decorrelated,
    /// of independent waves and colours, Lucid's way, which makes the filters of large networks readable
    #[arg(long, default_value = "bounded", value_parser = clap::builder::PossibleValuesParser::new(Mode::NAMES))]
    pub mode: String,
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
