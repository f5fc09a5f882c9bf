//! An input as the network gets it, with what is known of it: its name, its object, its true classes.

use crate::error::{Error, Result};
use crate::input::image::{Fit, ImageLevels, Level, Levelling, Preprocess, ResizeFilter, Size, WHITE, decode, resize};
use ndarray::{Array2, Array3, ArrayD, ArrayView3};
use std::path::Path;

/// One input, prepared to be run and shown.
#[derive(Debug, Clone)]
pub struct PreparedInput {
    /// A short name for captions and alternative texts.
    pub name: String,
    /// Where it comes from, as a sentence: what makes it reproducible.
    pub origin: String,
    /// In the network's layout, with a batch of one.
    pub tensor: ArrayD<f32>,
    /// What the network sees: [h, w, 3] in [0, 1].
    pub shown: Array3<f32>,
    /// Where the object is, [h, w] in the network's input, if that is known.
    pub mask: Option<Array2<bool>>,
    /// Where scores are averaged, [h, w] in the network's input; everywhere where `None`.
    pub pixels: Option<Array2<bool>>,
    /// What the mask marks: "line", "ink" or "object".
    pub object: &'static str,
    /// The true class of each head, where known.
    pub truths: Vec<Option<usize>>,
    /// The whole photograph, where the input is one.
    pub photograph: Option<Photograph>,
    /// What was assumed about the photograph's values and may be wrong, as a sentence about it without a full stop.
    pub doubt: Option<String>,
}

impl PreparedInput {
    /// Height and width of the network's input in pixels.
    pub fn size(&self) -> (usize, usize) {
        let (height, width, _) = self.shown.dim();
        (height, width)
    }
}

/// A photograph as it was before it was made to fit, reduced for the page.
#[derive(Debug, Clone)]
pub struct Photograph {
    /// [h, w, 3] in [0, 1].
    pub image: Array3<f32>,
    /// Pixels of the photograph along x and y to a pixel of `image`.
    pub reduced: (f64, f64),
    /// Where the network's input lies in the photograph.
    pub fit: Fit,
}

/// Longest side of a photograph on the page.
const SHOWN_SIDE: usize = 320;

impl Photograph {
    pub(crate) fn new<T: Level>(photo: ArrayView3<T>, preprocess: &Preprocess, fit: Fit) -> Result<Photograph> {
        let (height, width, _) = photo.dim();
        let scale = (SHOWN_SIDE as f64 / height.max(width).max(1) as f64).min(1.0);
        let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
        let size = Size { height: side(height), width: side(width) };
        let image = unit(preprocess.shown(resize(photo, size, ResizeFilter::Triangle)?.view()).view());
        Ok(Photograph { image, reduced: (width as f64 / size.width as f64, height as f64 / size.height as f64), fit })
    }

    /// The part that the network sees: left, top, width and height as shares of the photograph's.
    pub fn seen(&self) -> [f64; 4] {
        let crop = (self.fit.crop.width as f64, self.fit.crop.height as f64);
        let (width, height) = (self.fit.source.width as f64, self.fit.source.height as f64);
        // What lies beside the photograph is no part of it.
        let within = |(x, y): (f64, f64)| (x.clamp(0.0, width), y.clamp(0.0, height));
        let ((left, top), (right, bottom)) = (within(self.fit.to_photo((0.0, 0.0))), within(self.fit.to_photo(crop)));
        [left / width, top / height, (right - left) / width, (bottom - top) / height]
    }

    /// Where the centres of `image`'s rows and columns lie in the network's input, (ys, xs); no number where the network did not see them.
    pub fn in_input(&self) -> (Vec<f64>, Vec<f64>) {
        let (rows, columns, _) = self.image.dim();
        let within = |at: f64, length: usize| if (0.0..=length as f64).contains(&at) { at } else { f64::NAN };
        let y = |row: usize| self.fit.to_input((0.0, (row as f64 + 0.5) * self.reduced.1)).1;
        let x = |column: usize| self.fit.to_input(((column as f64 + 0.5) * self.reduced.0, 0.0)).0;
        let ys = (0..rows).map(|row| within(y(row), self.fit.crop.height)).collect();
        (ys, (0..columns).map(|column| within(x(column), self.fit.crop.width)).collect())
    }
}

/// A photograph's values as a network's preprocessing takes them.
///
/// # Errors
/// A file that cannot be read, or that does not fit; the message names it.
pub(crate) fn image_levels(path: &Path, preprocess: &Preprocess) -> Result<ImageLevels> {
    let levelling = Levelling { window: preprocess.window, as_they_stand: preprocess.as_they_stand, background: WHITE };
    let levels = decode(path, preprocess.channels.count())?.levels(preprocess.channels, levelling);
    levels.map_err(|cause| Error::input(format!("{}: {cause}", path.display())))
}

/// Bytes as values in [0, 1].
pub(crate) fn unit(image: ArrayView3<u8>) -> Array3<f32> {
    image.mapv(|value| f32::from(value) / 255.0)
}
