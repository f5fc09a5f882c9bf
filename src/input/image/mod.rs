//! Photographs: image files → pixels → the arrays that networks take, and back to pixels that can be shown.

mod budget;
mod decoded;
mod fit;
mod jpeg;
pub mod npy;
mod preprocess;
mod resample;
mod tiff;
mod window;

pub use budget::Share;
pub use decoded::{DecodedImage, FileChannels, ImageLevels, Levelling, Pixels, Scale, composite, on_white};
pub use fit::{Fit, FitMode, resize};
pub use preprocess::{Channels, Layout, PRESETS, Prepared, Preprocess, usual_shortest};
pub use resample::{Level, ResizeFilter, Size};
pub use window::{Bound, Window};

use crate::error::{Error, Result};
use crate::file;
use ::image::error::ImageError;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use ndarray::{Array3, ArrayView2};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

/// The most pixels an image file may declare: enough for nearly every camera, and far from what exhausts the memory.
const MAX_PIXELS: u64 = 1 << 26;

/// The most bytes that a decoded image may take.
const LARGEST_DECODED: usize = 8 * MAX_PIXELS as usize;

/// The background that transparent pixels are shown on.
pub const WHITE: [u8; 3] = [255; 3];

/// Reads an image file as RGB: [height, width, 3], 0..=255. Transparent pixels are blended with `background` in sRGB values; values of
/// more than 8 bits are rounded.
///
/// # Errors
/// As for [`decode`], and an image that is neither grey nor coloured.
pub fn read(path: &Path, background: [u8; 3]) -> Result<Array3<u8>> {
    let levelling = Levelling { window: None, as_they_stand: false, background };
    let levels = decode(path, 3)?.levels(Channels::Rgb, levelling);
    levels
        .map(|levels| levels.pixels.into_bytes())
        .map_err(|cause| Error::input(format!("{}: {cause}", path.display())))
}

/// Reads a PNG, JPEG, WebP, BMP, GIF (its first frame), TIFF or `.npy` file, told apart by content, not by name, and turned as its EXIF
/// data says. Which axis of an array of three is the channels' is told by `channels`, the number that the network takes.
///
/// # Errors
/// `Error::Input`, naming the file: unreadable, not an image, another format, damaged, or more than 2^26 pixels.
pub fn decode(path: &Path, channels: usize) -> Result<DecodedImage> {
    let file = file::open(path, file::LARGEST_IMAGE)?;
    decoded(BufReader::new(file), channels).map_err(|problem| match problem {
        Problem::Reading(cause) => Error::reading(path, &cause),
        Problem::Content(what) => Error::input(format!("{}: {what}", path.display())),
    })
}

fn decoded(mut reader: impl BufRead + Seek, channels: usize) -> std::result::Result<DecodedImage, Problem> {
    let start = reader.fill_buf().map_err(Problem::Reading)?;
    if start.starts_with(npy::MAGIC) {
        return array(reader, channels).map_err(Problem::Content);
    }
    if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| start.starts_with(&magic[..])) {
        return tiff::read(reader).map_err(Problem::Content);
    }
    picture(reader).map(as_decoded)
}

/// The `.npy` array of a file.
fn array(reader: impl Read, channels: usize) -> std::result::Result<DecodedImage, String> {
    let mut bytes = Vec::new();
    reader
        .take(LARGEST_DECODED as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| format!("cannot be read: {cause}"))?;
    if bytes.len() > LARGEST_DECODED {
        return Err(format!("the array is larger than the {} MiB that are read", LARGEST_DECODED >> 20));
    }
    let numbers = npy::read(&bytes)?;
    let scale = match numbers.kind.as_str() {
        "u1" => Scale::Bytes,
        "u2" => Scale::Words,
        _ => Scale::Unknown,
    };
    let values = numbers.image(channels)?;
    let pixels = if scale == Scale::Bytes { Pixels::Bytes(values.mapv(u8::nearest)) } else { Pixels::Real(values) };
    Ok(DecodedImage { pixels, channels: FileChannels::Bands, scale, remarks: Vec::new() })
}

/// A picture's values with their channels.
fn as_decoded(image: DynamicImage) -> DecodedImage {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let bytes = |values: Vec<u8>, channels| Pixels::Bytes(shaped(values, (height, width), channels));
    let words = |values: Vec<u16>, channels| {
        Pixels::Real(shaped(values.into_iter().map(f32::from).collect(), (height, width), channels))
    };
    let (pixels, channels, scale) = match image {
        DynamicImage::ImageLuma8(image) => (bytes(image.into_raw(), 1), FileChannels::Grey, Scale::Bytes),
        DynamicImage::ImageLumaA8(image) => (bytes(image.into_raw(), 2), FileChannels::GreyAlpha, Scale::Bytes),
        DynamicImage::ImageRgb8(image) => (bytes(image.into_raw(), 3), FileChannels::Rgb, Scale::Bytes),
        DynamicImage::ImageRgba8(image) => (bytes(image.into_raw(), 4), FileChannels::Rgba, Scale::Bytes),
        DynamicImage::ImageLuma16(image) => (words(image.into_raw(), 1), FileChannels::Grey, Scale::Words),
        DynamicImage::ImageLumaA16(image) => (words(image.into_raw(), 2), FileChannels::GreyAlpha, Scale::Words),
        DynamicImage::ImageRgb16(image) => (words(image.into_raw(), 3), FileChannels::Rgb, Scale::Words),
        DynamicImage::ImageRgba16(image) => (words(image.into_raw(), 4), FileChannels::Rgba, Scale::Words),
        other => (bytes(other.into_rgba8().into_raw(), 4), FileChannels::Rgba, Scale::Bytes),
    };
    DecodedImage { pixels, channels, scale, remarks: Vec::new() }
}

/// Values row by row as an array [height, width, channels]; an empty one where their number does not fit.
fn shaped<T: Default + Clone>(values: Vec<T>, (height, width): (usize, usize), channels: usize) -> Array3<T> {
    Array3::from_shape_vec((height, width, channels), values).unwrap_or_default()
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
            ImageError::Limits(_) => {
                Problem::Content("decoding the image needs too much memory; make it smaller".into())
            }
            other => Problem::Content(format!("the image cannot be decoded ({other})")),
        }
    }
}

fn picture(reader: impl BufRead + Seek) -> std::result::Result<DynamicImage, Problem> {
    let mut reader = ImageReader::new(reader).with_guessed_format().map_err(Problem::Reading)?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Bmp | ImageFormat::Gif) => {}
        Some(format) => {
            return Err(Problem::Content(format!("{format:?} images are not read; convert it to PNG or JPEG")));
        }
        None => {
            return Err(Problem::Content(
                "not an image: the content is neither PNG, JPEG, WebP, BMP, GIF, TIFF nor a .npy array".into(),
            ));
        }
    }
    if reader.format() == Some(ImageFormat::Jpeg) {
        let mut file = reader.into_inner();
        file.rewind().map_err(Problem::Reading)?;
        if !jpeg::is_whole(&mut file).map_err(Problem::Reading)? {
            return Err(Problem::Content("the image is cut short: the file ends early".into()));
        }
        file.rewind().map_err(Problem::Reading)?;
        reader = ImageReader::with_format(file, ImageFormat::Jpeg);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST_DECODED as u64);
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

/// A grey image [height, width] as RGB with three equal channels: [height, width, 3].
pub fn grey_to_rgb(grey: ArrayView2<u8>) -> Array3<u8> {
    Array3::from_shape_fn((grey.nrows(), grey.ncols(), 3), |(row, column, _)| grey[[row, column]])
}

#[cfg(test)]
mod tests;
