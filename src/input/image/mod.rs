//! Photographs: image files → pixels → the arrays that networks take, and back to pixels that can be shown.

mod fit;
mod preprocess;

pub use fit::{Fit, FitMode, ResizeFilter, Size, resize};
pub use preprocess::{Channels, Layout, PRESETS, Prepared, Preprocess, usual_shortest};

use crate::error::{Error, Result};
use ::image::error::ImageError;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use ndarray::{Array3, ArrayView2, ArrayView3};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Seek};
use std::path::Path;

/// The most pixels an image file may declare: enough for nearly every camera, and far from what exhausts the memory.
const MAX_PIXELS: u64 = 1 << 26;

/// The background that transparent pixels are shown on.
pub const WHITE: [u8; 3] = [255; 3];

/// Reads a PNG, JPEG, WebP or BMP file (told apart by content, not by name) as RGB: [height, width, 3], 0..=255.
///
/// The EXIF orientation is applied; transparent pixels are blended with `background` in sRGB values; 16-bit values are reduced to 8 bits.
///
/// # Errors
/// `Error::Input`, naming the file: unreadable, not an image, another format, damaged, or more than 2^26 pixels.
pub fn read(path: &Path, background: [u8; 3]) -> Result<Array3<u8>> {
    on_background(open(path)?, background).map_err(|what| Error::input(format!("{}: {what}", path.display())))
}

/// As [`read`], with the opacity kept as a fourth channel instead of blended: [height, width, 4], 255 where the file has none.
///
/// # Errors
/// As for [`read`].
pub fn read_with_opacity(path: &Path) -> Result<Array3<u8>> {
    let image = open(path)?;
    let shape = (image.height() as usize, image.width() as usize, 4);
    Array3::from_shape_vec(shape, image.into_rgba8().into_raw())
        .ok()
        .filter(|image| !image.is_empty())
        .ok_or_else(|| Error::input(format!("{}: the image has no pixels", path.display())))
}

/// An image with opacity [height, width, 4] on white: [height, width, 3].
pub fn on_white(image: ArrayView3<u8>) -> Array3<u8> {
    let (height, width, _) = image.dim();
    Array3::from_shape_fn((height, width, 3), |(row, column, c)| {
        blend(image[[row, column, c]], WHITE[c], image[[row, column, 3]])
    })
}

/// round(α·color + (1 − α)·behind).
fn blend(color: u8, behind: u8, alpha: u8) -> u8 {
    let (color, behind, alpha) = (u32::from(color), u32::from(behind), u32::from(alpha));
    ((color * alpha + behind * (255 - alpha) + 127) / 255) as u8
}

fn open(path: &Path) -> Result<DynamicImage> {
    let file = File::open(path).map_err(|cause| Error::reading(path, &cause))?;
    decode(BufReader::new(file)).map_err(|problem| match problem {
        Problem::Reading(cause) => Error::reading(path, &cause),
        Problem::Content(what) => Error::input(format!("{}: {what}", path.display())),
    })
}

/// Why no pixels came out of a file.
enum Problem {
    Reading(std::io::Error),
    Content(String),
}

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Problem {
        match error {
            ImageError::IoError(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
                Problem::Content("the image is cut short: the file ends early".into())
            }
            ImageError::IoError(cause) => Problem::Reading(cause),
            ImageError::Limits(_) => Problem::Content("decoding the image needs too much memory".into()),
            other => Problem::Content(format!("the image cannot be decoded ({other})")),
        }
    }
}

fn decode(reader: impl BufRead + Seek) -> std::result::Result<DynamicImage, Problem> {
    let mut reader = ImageReader::new(reader).with_guessed_format().map_err(Problem::Reading)?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Bmp) => {}
        Some(format) => {
            return Err(Problem::Content(format!("{format:?} images are not read; convert it to PNG or JPEG")));
        }
        None => return Err(Problem::Content("not an image: the content is neither PNG, JPEG, WebP nor BMP".into())),
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(8 * MAX_PIXELS);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Problem::Content(format!(
            "an image of {width}×{height} pixels is larger than the {} million that are read; make it smaller",
            MAX_PIXELS / 1_000_000
        )));
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // Metadata that cannot be understood is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Blends an image with a background: round(α·c + (1 − α)·background) for each channel.
fn on_background(image: DynamicImage, background: [u8; 3]) -> std::result::Result<Array3<u8>, String> {
    let (height, width) = (image.height() as usize, image.width() as usize);
    if height == 0 || width == 0 {
        return Err("the image has no pixels".into());
    }
    let values = if image.color().has_alpha() {
        let rgba = image.into_rgba8();
        let [r, g, b] = background;
        rgba.pixels()
            .flat_map(|pixel| {
                let [red, green, blue, alpha] = pixel.0;
                [blend(red, r, alpha), blend(green, g, alpha), blend(blue, b, alpha)]
            })
            .collect()
    } else {
        image.into_rgb8().into_raw()
    };
    Array3::from_shape_vec((height, width, 3), values).map_err(|cause| format!("the pixels make no array ({cause})"))
}

/// A grey image [height, width] as RGB with three equal channels: [height, width, 3].
pub fn grey_to_rgb(grey: ArrayView2<u8>) -> Array3<u8> {
    Array3::from_shape_fn((grey.nrows(), grey.ncols(), 3), |(row, column, _)| grey[[row, column]])
}

#[cfg(test)]
mod tests;
