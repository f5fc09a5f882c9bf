//! Where a section's inputs come from: generated lines, drawn digits, MNIST images and photographs, prepared for the network.

use crate::config::{Input, Region, Source};
use crate::error::{Error, Result};
use crate::input::files;
use crate::input::image::{Channels, Fit, ImageLevels, Level, Pixels, Prepared, Preprocess, Share, grey_to_rgb, read};
use crate::input::loaded::LoadedNetwork;
use crate::input::prepared::{Photograph, PreparedInput, image_levels, unit};
use crate::input::{digit, idx, line};
use crate::model::Head;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3};
use std::path::{Path, PathBuf};

/// Where inputs are taken from, and the network that they are prepared for.
pub struct Sources<'a> {
    /// The seed of what is generated.
    pub seed: u64,
    /// The chapter's MNIST folder; else the environment variable `CONVSCOPE_MNIST` names it.
    pub mnist: Option<PathBuf>,
    /// The network that the inputs are for.
    pub loaded: &'a LoadedNetwork,
    /// How many of the last parts of its path name a photograph; see [`files::distinct`].
    pub parts: usize,
}

impl<'a> Sources<'a> {
    /// The sources of these inputs; `seed` is that of what is generated.
    pub fn new(loaded: &'a LoadedNetwork, inputs: &[Input], mnist: Option<&Path>, seed: u64) -> Sources<'a> {
        let photographs = inputs.iter().filter_map(|input| match &input.source {
            Source::Image { path, .. } => Some(path.as_path()),
            _ => None,
        });
        Sources { seed, mnist: mnist.map(Path::to_path_buf), loaded, parts: files::distinct(photographs) }
    }

    /// Prepares one input.
    ///
    /// # Errors
    /// A missing or damaged file; an MNIST image without an MNIST folder.
    pub fn prepare(&self, input: &Input) -> Result<PreparedInput> {
        match &input.source {
            Source::Line { class, sample } => {
                let drawn = line::sample(self.seed, *class, *sample);
                self.line(
                    drawn,
                    format!("Sample {sample} of its class among the lines generated from seed {}.", self.seed),
                )
            }
            Source::Digit { digit, sample } => {
                let drawn = digit::sample(self.seed, *digit, *sample);
                let origin = format!(
                    "Drawing {sample} of its class from seed {}: drawn by convscope with a pen of its own, not taken from MNIST.",
                    self.seed
                );
                let image = grey_to_rgb(drawn.image.view());
                self.generated(
                    format!("drawn digit {digit}"),
                    origin,
                    image.view(),
                    drawn.mask,
                    "ink",
                    self.digit_truths(*digit),
                )
            }
            Source::Mnist { digit, sample } => {
                let image = self.mnist_image(*digit, *sample)?;
                self.mnist(image.view(), *digit, format!("Image {sample} among the {digit}s of the MNIST test set."))
            }
            Source::Image { path, label, object, pixels } => {
                self.photograph(path, label.as_deref(), [object.as_ref(), pixels.as_ref()])
            }
        }
    }

    /// The name of an input that is a photograph.
    pub fn name(&self, input: &Input) -> Option<String> {
        match &input.source {
            Source::Image { path, .. } => Some(files::tail(path, self.parts)),
            _ => None,
        }
    }

    /// Why a photograph is left out, in words that do not say where on the machine it is.
    pub fn complaint(&self, input: &Input, cause: &Error) -> String {
        let mut words = cause.to_string();
        if let Source::Image { path, object, pixels, .. } = &input.source {
            let drawn = |region: &'_ Region| if let Region::Mask(mask) = region { Some(mask.clone()) } else { None };
            let masks = [object, pixels].into_iter().flatten().filter_map(drawn);
            for file in masks.chain([path.clone()]) {
                words = words.replace(&file.display().to_string(), &files::tail(&file, self.parts));
            }
        }
        words
    }

    /// Prepares a line.
    ///
    /// # Errors
    /// A size that images cannot be brought to.
    pub fn line(&self, drawn: line::Sample, origin: String) -> Result<PreparedInput> {
        let truths = self.loaded.heads().iter().map(|head| line_truth(head, drawn.attributes)).collect();
        let name = format!("line, {}", drawn.attributes.name());
        self.generated(name, origin, drawn.image.view(), drawn.mask, "line", truths)
    }

    /// Prepares an MNIST image [28, 28]; ink is what is at least half white.
    ///
    /// # Errors
    /// As [`Sources::line`].
    pub fn mnist(&self, image: ArrayView2<u8>, digit: usize, origin: String) -> Result<PreparedInput> {
        let mask = image.mapv(|value| value >= 128);
        let rgb = grey_to_rgb(image);
        self.generated(format!("MNIST digit {digit}"), origin, rgb.view(), mask, "ink", self.digit_truths(digit))
    }

    fn generated(
        &self,
        name: String,
        origin: String,
        image: ArrayView3<u8>,
        mask: Array2<bool>,
        object: &'static str,
        truths: Vec<Option<usize>>,
    ) -> Result<PreparedInput> {
        let preprocess = &self.loaded.recipe.preprocess;
        let prepared = match preprocess.channels {
            Channels::Bands(bands) => preprocess.apply(over_bands(image, bands).view())?,
            _ => preprocess.apply(image)?,
        };
        let mask = project(&mask, &prepared.fit);
        let shown = unit(prepared.shown.view());
        Ok(PreparedInput {
            name,
            origin,
            tensor: prepared.input.into_dyn(),
            shown,
            mask: Some(mask),
            pixels: None,
            object,
            truths,
            photograph: None,
            doubt: None,
        })
    }

    fn photograph(&self, path: &Path, label: Option<&str>, regions: [Option<&Region>; 2]) -> Result<PreparedInput> {
        let file = files::tail(path, self.parts);
        let mask = |region: &'_ Region| if let Region::Mask(mask) = region { Some(mask.clone()) } else { None };
        let masks: Vec<PathBuf> = regions.iter().flatten().filter_map(|region| mask(region)).collect();
        let _share = Share::of(masks.iter().map(PathBuf::as_path).chain([path]));
        let preprocess = &self.loaded.recipe.preprocess;
        let ImageLevels { pixels, remarks, doubt } = image_levels(path, preprocess)?;
        let (height, width, _) = pixels.dim();
        let [mask, given] = regions.map(|region| region.map(|region| covered(region, (height, width))).transpose());
        let (mask, given) = (mask?, given?);
        let (prepared, photograph) = match &pixels {
            Pixels::Bytes(values) => seen(values.view(), preprocess)?,
            Pixels::Real(values) => seen(values.view(), preprocess)?,
        };
        let heads = 0..self.loaded.heads().len();
        let truths = heads.map(|head| label.and_then(|label| self.loaded.class_of(head, label))).collect();
        Ok(PreparedInput {
            origin: format!("{}.", [vec![format!("{file}, {width}×{height} pixels")], remarks].concat().join("; ")),
            name: file,
            mask: mask.map(|mask| project(&mask, &prepared.fit)),
            pixels: given.map(|given| seen_part(&given, &prepared.fit, path)).transpose()?,
            shown: unit(prepared.shown.view()),
            tensor: prepared.input.into_dyn(),
            object: "object",
            truths,
            photograph: Some(photograph),
            doubt,
        })
    }

    fn digit_truths(&self, digit: usize) -> Vec<Option<usize>> {
        self.loaded.heads().iter().map(|head| (head.classes == Some(digit::CLASSES)).then_some(digit)).collect()
    }

    fn mnist_image(&self, digit: usize, sample: usize) -> Result<Array2<u8>> {
        let folder = mnist_folder(self.mnist.as_deref())?;
        let test = idx::mnist(&folder, idx::Split::Test)?;
        let mut of_digit = test.labels.iter().enumerate().filter(|(_, label)| usize::from(**label) == digit);
        let (index, _) = of_digit.nth(sample).ok_or_else(|| {
            Error::input(format!("{}: the test set has no image {sample} of the digit {digit}", folder.display()))
        })?;
        Ok(test.images.index_axis(ndarray::Axis(0), index).to_owned())
    }
}

/// The folder of the four MNIST files: the chapter's, else the environment's.
///
/// # Errors
/// When neither names one.
pub fn mnist_folder(named: Option<&Path>) -> Result<PathBuf> {
    named.map(Path::to_path_buf).or_else(|| std::env::var_os("CONVSCOPE_MNIST").map(PathBuf::from)).ok_or_else(|| {
        Error::input("an input is an MNIST image: name the folder of its four files by the chapter's key `mnist` or the environment variable CONVSCOPE_MNIST")
    })
}

/// The class that a head should give a line: by the head's name and number of classes.
pub fn line_truth(head: &Head, attributes: line::Attributes) -> Option<usize> {
    match (head.name.to_lowercase().as_str(), head.classes) {
        ("length", Some(2)) => Some(attributes.length),
        ("width", Some(2)) => Some(attributes.width),
        ("color" | "colour", Some(2)) => Some(attributes.color),
        ("angle", Some(12)) => Some(attributes.angle),
        (_, Some(line::CLASSES)) => Some(attributes.class()),
        _ => None,
    }
}

/// The pixels of a photograph [height, width] that lie in a part of it.
///
/// # Errors
/// A mask that cannot be read or has another size.
fn covered(region: &Region, (height, width): (usize, usize)) -> Result<Array2<bool>> {
    match region {
        Region::Box([left, top, box_width, box_height]) => {
            Ok(Array2::from_shape_fn((height, width), |(row, column)| {
                let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
                x >= *left && x < left + box_width && y >= *top && y < top + box_height
            }))
        }
        Region::Mask(mask) => {
            let drawn = read(mask, [0; 3])?;
            if drawn.dim() != (height, width, 3) {
                let got = drawn.dim();
                return Err(Error::input(format!(
                    "{}: the mask is {}×{} pixels, its photograph {width}×{height}",
                    mask.display(),
                    got.1,
                    got.0
                )));
            }
            // A mask of class numbers has no white: then whatever is not black counts.
            let white = if drawn.iter().any(|value| *value >= 128) { 128 } else { 1 };
            Ok(Array2::from_shape_fn((height, width), |(row, column)| (0..3).any(|c| drawn[[row, column, c]] >= white)))
        }
    }
}

/// The given pixels as the network's input sees them.
///
/// # Errors
/// None of them are seen.
fn seen_part(pixels: &Array2<bool>, fit: &Fit, path: &Path) -> Result<Array2<bool>> {
    let seen = project(pixels, fit);
    if seen.iter().any(|counts| *counts) {
        return Ok(seen);
    }
    Err(Error::input(format!(
        "{}: the given pixels lie outside of the photograph, or of the part of it that the network sees",
        path.display()
    )))
}

/// A photograph's mask as the network's input sees it: each input pixel looks where its centre lies; none of those beside the photograph
/// is on it.
fn project(mask: &Array2<bool>, fit: &Fit) -> Array2<bool> {
    Array2::from_shape_fn((fit.crop.height, fit.crop.width), |(row, column)| {
        let (x, y) = fit.to_photo((column as f64 + 0.5, row as f64 + 0.5));
        x >= 0.0 && y >= 0.0 && mask.get((y as usize, x as usize)).copied().unwrap_or(false)
    })
}

/// A photograph as the network sees it, and as the page shows it.
fn seen<T: Level>(photo: ArrayView3<T>, preprocess: &Preprocess) -> Result<(Prepared, Photograph)> {
    let prepared = preprocess.apply(photo)?;
    let photograph = Photograph::new(photo, preprocess, prepared.fit)?;
    Ok((prepared, photograph))
}

/// The colours of a generated image, repeated over so many bands.
fn over_bands(image: ArrayView3<u8>, bands: usize) -> Array3<u8> {
    let (height, width, colours) = image.dim();
    Array3::from_shape_fn((height, width, bands), |(row, column, band)| image[[row, column, band % colours.max(1)]])
}
