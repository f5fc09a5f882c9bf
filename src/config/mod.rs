//! The chapter file: chapter.toml → a validated [`Chapter`]. The only place where defaults live.

pub mod line;
mod raw;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::figure::Colormap;
use crate::file;
use crate::model::ScoreKind;
use crate::visualize::cam::Method;
use crate::visualize::filter::Mode;
use crate::visualize::placement::Placement;
use crate::visualize::saliency;
use std::path::{Path, PathBuf};

/// The largest chapter file that is read, in bytes: room for [`MOST_INPUTS`] inputs of two hundred bytes each.
const LARGEST_CHAPTER: u64 = 1 << 21;

/// Most sections of a chapter: each is a network that is loaded and stays.
const MOST_SECTIONS: usize = 100;

/// Most inputs of a chapter: each is shown in full on one page.
const MOST_INPUTS: usize = 10_000;

/// The seed of a chapter that names none.
const DEFAULT_SEED: u64 = 2019;

/// A validated chapter file. Paths are already joined to the file's folder.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The file as the user named it, for messages.
    pub path: PathBuf,
    /// SHA-256 of the file in hexadecimal; empty for a chapter that no file describes.
    pub sha256: String,
    pub title: String,
    /// Markdown.
    pub introduction: String,
    /// The colour map of the heatmaps.
    pub colormap: Colormap,
    /// The seed of everything random in the chapter.
    pub seed: u64,
    /// The folder of the four MNIST files, if the chapter names one.
    pub mnist: Option<PathBuf>,
    /// Sentences for the top of the page about what was asked for.
    pub notes: Vec<String>,
    pub sections: Vec<Section>,
}

/// A value with the line and key it came from, for errors found after parsing (a layer that the network lacks). Line 0 is an option of
/// the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    pub value: T,
    pub line: usize,
    pub key: String,
}

impl<T> Located<T> {
    /// The value of an option of the command line.
    pub fn option(key: &str, value: T) -> Located<T> {
        Located { value, line: 0, key: key.to_string() }
    }
}

/// One network of the chapter, its inputs and what to show of it.
#[derive(Debug, Clone)]
pub struct Section {
    pub title: String,
    pub model: Located<PathBuf>,
    /// The part the network plays in claims that name networks.
    pub role: Role,
    pub inputs: Vec<Input>,
    /// Layers whose activations are shown; `None` for every convolution and pooling layer.
    pub activations: Option<Vec<Located<String>>>,
    /// Convolutions whose filters are shown; `None` for all of them.
    pub filters: Option<Vec<Located<String>>>,
    /// How the image that excites a filter is kept while it is sought.
    pub ascent: Mode,
    /// The activation that heatmaps explain; `None` for the default rule.
    pub target: Option<Located<String>>,
    pub method: Method,
    /// A map of the input's gradient beside the class activation maps.
    pub saliency: Option<saliency::Method>,
    /// The class that heatmaps explain.
    pub class: Located<Class>,
    pub placement: Placement,
    /// Show the nine inputs that excite each filter most, whatever their number.
    pub top_inputs: bool,
    /// How photographs become inputs; `None` for what the network's metadata says, or the stated assumption.
    pub preprocess: Option<Preprocessing>,
    /// A file of labels.
    pub labels: Option<Located<PathBuf>>,
    /// The inputs of the network beside its image.
    pub other_inputs: Vec<Located<OtherInput>>,
    /// The input that images go to, of a network with several; the first with four axes that nothing else is given for if `None`.
    pub image_input: Option<String>,
    /// How logits are read; `None` for what the graph or the model's files say, or a stated assumption.
    pub scores: Option<Located<ScoreKind>>,
}

/// Which class of a head is explained.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Class {
    /// The most probable one.
    #[default]
    Predicted,
    /// The true one, where it is known; else the most probable one.
    True,
    /// The one with this label or number.
    Named(String),
}

impl Class {
    /// The choice that a word means: `predicted`, `true`, or a class's label or number.
    pub fn of(word: &str) -> Class {
        match word {
            "predicted" => Class::Predicted,
            "true" => Class::True,
            other => Class::Named(other.to_string()),
        }
    }
}

/// The part a network plays in a chapter like the bundled one; claims that name a network look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub enum Role {
    /// The base model over the Line data.
    Base,
    /// The base model over digits.
    Digits,
    /// One of the three multi-head variations, 1 to 3.
    Variation(u8),
    /// The deep model over the Line data.
    Deep,
    /// None of these: a network of somebody else's chapter.
    #[default]
    Other,
}

impl Role {
    /// The names used in chapter files.
    pub const NAMES: [&'static str; 6] = ["base", "digits", "variation-1", "variation-2", "variation-3", "deep"];

    /// The role of a name in [`Role::NAMES`].
    pub fn named(name: &str) -> Option<Role> {
        match name {
            "base" => Some(Role::Base),
            "digits" => Some(Role::Digits),
            "variation-1" => Some(Role::Variation(1)),
            "variation-2" => Some(Role::Variation(2)),
            "variation-3" => Some(Role::Variation(3)),
            "deep" => Some(Role::Deep),
            _ => None,
        }
    }
}

/// How a photograph becomes a network's input: a preset's name, and keys that override it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preprocessing {
    pub preset: Option<Located<String>>,
    /// Channel means, in the units of the scaled input.
    pub mean: Option<Vec<f64>>,
    /// Channel standard deviations, in the units of the scaled input.
    pub std: Option<Vec<f64>>,
    /// What a byte is multiplied by before mean and std.
    pub scale: Option<f64>,
    /// Height and width of the input in pixels, for networks of dynamic size.
    pub size: Option<(usize, usize)>,
    /// What a photograph's shortest side is resized to before its centre is cut out.
    pub shortest: Option<usize>,
    /// `stretch`, `crop` or `letterbox`.
    pub fit: Option<Located<String>>,
    /// The level, 0 to 255, of a letterbox's bars.
    pub pad: Option<Located<u8>>,
    /// The resize filter's name.
    pub filter: Option<Located<String>>,
    /// Channels in the order blue, green, red.
    pub bgr: Option<bool>,
    /// The file's values that become 0 and 255: `0,4095`, or percentages of its own values, `2%,98%`.
    pub range: Option<Located<String>>,
    /// The bands that are shown as red, green and blue, counted from 1: `3,2,1`, or one alone.
    pub show: Option<Located<String>>,
}

/// What an input of the network beside its image gets.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherInput {
    /// The input's name in the network's file; empty for the image input that is left.
    pub name: String,
    pub value: OtherValue,
}

/// A number for all of an input's values, or a file: an image, or an array as `.npy`.
#[derive(Debug, Clone, PartialEq)]
pub enum OtherValue {
    Number(f64),
    File(PathBuf),
}

/// One input of a section.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub source: Source,
    pub line: usize,
}

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Sample number `sample` of a class of generated lines.
    Line { class: usize, sample: usize },
    /// Sample number `sample` of a drawn digit.
    Digit { digit: usize, sample: usize },
    /// The MNIST test image number `sample` among those of a digit.
    Mnist { digit: usize, sample: usize },
    /// A photograph; its true class, if known; where its object is, if known; and where scores are averaged in a network that
    /// gives one for each position (everywhere where `None`).
    Image { path: PathBuf, label: Option<String>, object: Option<Region>, pixels: Option<Region> },
}

/// A part of a photograph.
#[derive(Debug, Clone, PartialEq)]
pub enum Region {
    /// An image of the same size that is white on it, or not black where it has no white.
    Mask(PathBuf),
    /// Left, top, width and height in pixels of the photograph.
    Box([f64; 4]),
}

impl Region {
    /// The box of these numbers: left, top, width and height in pixels of a photograph.
    ///
    /// # Errors
    /// Why no photograph has such a box.
    pub fn of_box(bounds: [f64; 4]) -> std::result::Result<Region, &'static str> {
        match bounds {
            _ if bounds.iter().any(|number| !number.is_finite()) => Err("has a number that is not finite"),
            [left, top, ..] if left < 0.0 || top < 0.0 => {
                Err("begins outside the photograph; left and top are pixels from its upper left corner")
            }
            [_, _, width, height] if width <= 0.0 || height <= 0.0 => {
                Err("has no area; the third and the fourth number are its width and its height in pixels")
            }
            _ => Ok(Region::Box(bounds)),
        }
    }

    /// Whether it is a box that reaches beyond a photograph of this height and width by more than a pixel, which rounding may make.
    pub fn reaches_beyond(&self, (height, width): (usize, usize)) -> bool {
        match self {
            Region::Box([left, top, box_width, box_height]) => {
                left + box_width > width as f64 + 1.0 || top + box_height > height as f64 + 1.0
            }
            Region::Mask(_) => false,
        }
    }
}

impl Section {
    /// A section about a network with nothing but defaults.
    pub fn of(model: &Path) -> Section {
        Section {
            title: model.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            model: Located::option("MODEL", model.to_path_buf()),
            role: Role::Other,
            inputs: Vec::new(),
            activations: None,
            filters: None,
            ascent: Mode::Bounded,
            target: None,
            method: Method::GradCam,
            saliency: None,
            class: Located::option("--class", Class::Predicted),
            placement: Placement::ReceptiveField,
            top_inputs: false,
            preprocess: None,
            labels: None,
            scores: None,
            other_inputs: Vec::new(),
            image_input: None,
        }
    }
}

impl Chapter {
    /// A chapter that no file describes.
    pub fn of(title: &str, section: Section) -> Chapter {
        Chapter {
            path: PathBuf::new(),
            sha256: String::new(),
            title: title.to_string(),
            introduction: String::new(),
            colormap: Colormap::Inferno,
            seed: DEFAULT_SEED,
            mnist: None,
            notes: Vec::new(),
            sections: vec![section],
        }
    }

    /// Reads and validates a chapter file.
    ///
    /// # Errors
    /// Names the file, line and key of anything unknown, missing or of the wrong type, with a suggestion where there is one.
    pub fn read(path: &Path) -> Result<Chapter> {
        Chapter::parse(path, &file::text(path, LARGEST_CHAPTER)?)
    }

    /// Validates the text of a chapter file; relative paths in it are relative to the folder of `path`.
    ///
    /// # Errors
    /// As for [`Chapter::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Chapter> {
        raw::parse(path, text)
    }

    /// An error about a value of this file.
    pub fn error<T>(&self, at: &Located<T>, message: impl std::fmt::Display) -> Error {
        if at.line == 0 {
            return Error::input(format!("{}: {message}", at.key));
        }
        let (path, line, key) = (self.path.clone(), at.line, at.key.clone());
        Error::Chapter { path, line, key, problem: message.to_string() }
    }
}

/// Longest word, in bytes, that is compared with others: the time grows with the square.
const LONGEST_WORD: usize = 200;

/// The candidate most like `word`, when it is alike enough to be a slip of the hand.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter(|candidate| word.len().max(candidate.len()) <= LONGEST_WORD)
        .map(|candidate| (strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .map(|(_, candidate)| candidate)
}
