//! TIFF files: 8, 16, 32 or 64 bits a value, integer or floating point, any number of bands, in one page or a page a band.

use crate::input::image::decoded::{DecodedImage, FileChannels, Pixels, Scale};
use crate::input::image::resample::Level;
use crate::input::image::{LARGEST_DECODED, MAX_PIXELS};
use ::tiff::ColorType;
use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::tags::Tag;
use ndarray::{Array3, ArrayView3, Axis, s};
use std::io::{Read, Seek};

/// The most pages that are read.
const MOST_PAGES: usize = 512;

/// One page.
struct Page {
    /// [height, width, channels].
    values: Array3<f32>,
    channels: FileChannels,
    scale: Scale,
}

/// The image of a TIFF file. Pages of one size, kind and channel are the bands of one image; of other files with several pages the
/// first is taken.
///
/// # Errors
/// A damaged file, more than 2^26 pixels, or a colour model that is not read.
pub fn read(reader: impl Read + Seek) -> Result<DecodedImage, String> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = LARGEST_DECODED;
    let mut decoder = Decoder::new(reader).map_err(said)?.with_limits(limits);
    let mut pages = vec![page(&mut decoder)?];
    let mut others = 0;
    while decoder.more_images() && pages.len() + others < MOST_PAGES {
        decoder.next_image().map_err(said)?;
        let first = &pages[0];
        let (width, height) = decoder.dimensions().map_err(said)?;
        let band = first.values.dim() == (height as usize, width as usize, 1);
        let fits = first.values.len().saturating_mul(pages.len() + 1) <= LARGEST_DECODED / size_of::<f32>();
        match band.then(|| page(&mut decoder)).transpose()? {
            Some(page) if page.scale == pages[0].scale && page.channels == FileChannels::Grey && fits => {
                pages.push(page)
            }
            _ => others += 1,
        }
    }
    let mut image = joined(pages)?;
    if others > 0 {
        image.remarks.push(format!("of the file's {} pages the first is read", others + 1));
    }
    Ok(image)
}

/// One image of all pages.
fn joined(pages: Vec<Page>) -> Result<DecodedImage, String> {
    let (channels, scale) = match pages.as_slice() {
        [only] => (only.channels, only.scale),
        [first, ..] => (FileChannels::Bands, first.scale),
        [] => return Err("the TIFF file has no page".into()),
    };
    let bands: Vec<ArrayView3<f32>> = pages.iter().map(|page| page.values.view()).collect();
    let values = ndarray::concatenate(Axis(2), &bands).map_err(|cause| format!("the pages do not join ({cause})"))?;
    let pixels = if scale == Scale::Bytes { Pixels::Bytes(values.mapv(u8::nearest)) } else { Pixels::Real(values) };
    Ok(DecodedImage { pixels, channels, scale, remarks: Vec::new() })
}

/// The page that the decoder stands at.
fn page<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Page, String> {
    let (width, height) = decoder.dimensions().map_err(said)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width == 0 || height == 0 {
        return Err(format!("an image of {width}×{height} pixels is not read; at most {MAX_PIXELS} pixels are"));
    }
    let colour = decoder.colortype().map_err(said)?;
    let (channels, count) = match colour {
        ColorType::Gray(8 | 16 | 32 | 64) => (FileChannels::Grey, 1),
        ColorType::GrayA(8 | 16 | 32 | 64) => (FileChannels::GreyAlpha, 2),
        ColorType::RGB(8 | 16 | 32 | 64) => (FileChannels::Rgb, 3),
        ColorType::RGBA(8 | 16 | 32 | 64) => (FileChannels::Rgba, 4),
        ColorType::CMYK(8 | 16) => (FileChannels::Rgb, 4),
        ColorType::Palette(8) => (FileChannels::Rgb, 1),
        ColorType::Multiband { bit_depth: 8 | 16 | 32 | 64, num_samples } => {
            (FileChannels::Bands, usize::from(num_samples))
        }
        other => {
            return Err(format!("TIFF images of the kind {other:?} are not read; convert it to RGB of 8 or 16 bits"));
        }
    };
    let mut samples = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut samples).map_err(said)?;
    let (values, scale) = numbers(samples);
    let (height, width) = (height as usize, width as usize);
    let broken = || "the TIFF file is damaged: it holds too few values".to_string();
    let values = if layout.planes > 1 {
        let planes = Array3::from_shape_vec((layout.planes, height, width), values).map_err(|_| broken())?;
        planes.permuted_axes([1, 2, 0]).as_standard_layout().into_owned()
    } else {
        Array3::from_shape_vec((height, width, count), values).map_err(|_| broken())?
    };
    let values = match colour {
        ColorType::CMYK(_) => from_cmyk(&values, scale),
        ColorType::Palette(_) => from_palette(&values, &decoder.get_tag_u16_vec(Tag::ColorMap).map_err(said)?),
        _ => values,
    };
    Ok(Page { values, channels, scale })
}

/// The samples as numbers, and the scale that their kind has.
fn numbers(samples: DecodingResult) -> (Vec<f32>, Scale) {
    match samples {
        DecodingResult::U8(values) => (values.into_iter().map(f32::from).collect(), Scale::Bytes),
        DecodingResult::U16(values) => (values.into_iter().map(f32::from).collect(), Scale::Words),
        DecodingResult::U32(values) => (values.into_iter().map(|value| value as f32).collect(), Scale::Unknown),
        DecodingResult::U64(values) => (values.into_iter().map(|value| value as f32).collect(), Scale::Unknown),
        DecodingResult::F16(values) => (values.into_iter().map(|value| value.to_f32()).collect(), Scale::Unknown),
        DecodingResult::F32(values) => (values, Scale::Unknown),
        DecodingResult::F64(values) => (values.into_iter().map(|value| value as f32).collect(), Scale::Unknown),
        DecodingResult::I8(values) => (values.into_iter().map(f32::from).collect(), Scale::Unknown),
        DecodingResult::I16(values) => (values.into_iter().map(f32::from).collect(), Scale::Unknown),
        DecodingResult::I32(values) => (values.into_iter().map(|value| value as f32).collect(), Scale::Unknown),
        DecodingResult::I64(values) => (values.into_iter().map(|value| value as f32).collect(), Scale::Unknown),
    }
}

/// Inks (cyan, magenta, yellow, black) as red, green and blue, without a colour profile.
fn from_cmyk(inks: &Array3<f32>, scale: Scale) -> Array3<f32> {
    let full = scale.full().unwrap_or(255.0);
    let (height, width, _) = inks.dim();
    Array3::from_shape_fn((height, width, 3), |(row, column, c)| {
        (full - inks[[row, column, c]]) * (full - inks[[row, column, 3]]) / full
    })
}

/// Colours by their numbers in a map of all reds, all greens and all blues, 16 bits each.
fn from_palette(numbers: &Array3<f32>, map: &[u16]) -> Array3<f32> {
    let numbers = numbers.slice(s![.., .., 0]);
    Array3::from_shape_fn((numbers.nrows(), numbers.ncols(), 3), |(row, column, c)| {
        let at = c * (map.len() / 3) + numbers[[row, column]] as usize;
        f32::from(map.get(at).copied().unwrap_or(0) >> 8)
    })
}

fn said(error: ::tiff::TiffError) -> String {
    format!("the TIFF file cannot be decoded ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tiff::encoder::TiffEncoder;
    use ::tiff::encoder::colortype::{Gray8, Gray16, Gray32Float, RGBA16};
    use std::io::Cursor;

    fn written(write: impl FnOnce(&mut TiffEncoder<&mut Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        write(&mut TiffEncoder::new(&mut file).unwrap());
        file.into_inner()
    }

    fn real(bytes: &[u8]) -> (Vec<f32>, DecodedImage) {
        let image = read(Cursor::new(bytes)).unwrap();
        let Pixels::Real(values) = &image.pixels else { panic!("{image:?}") };
        (values.iter().copied().collect(), image)
    }

    #[test]
    fn every_depth_gives_the_files_own_values() {
        let floats = written(|file| file.write_image::<Gray32Float>(2, 1, &[-1.5, 3e5]).unwrap());
        let (values, image) = real(&floats);
        assert_eq!(
            (values.as_slice(), image.scale, image.channels),
            (&[-1.5, 3e5][..], Scale::Unknown, FileChannels::Grey)
        );
        let glass = written(|file| file.write_image::<RGBA16>(1, 1, &[1, 2, 65_535, 40_000]).unwrap());
        let (values, image) = real(&glass);
        assert_eq!((values.as_slice(), image.scale), (&[1.0, 2.0, 65_535.0, 40_000.0][..], Scale::Words));
        assert_eq!(image.channels, FileChannels::Rgba);
        let bytes = written(|file| file.write_image::<Gray8>(2, 1, &[7, 200]).unwrap());
        assert_eq!(read(Cursor::new(bytes)).unwrap().pixels, Pixels::Bytes(ndarray::arr3(&[[[7u8], [200]]])));
    }

    #[test]
    fn pages_of_one_kind_are_bands_and_of_others_the_first_counts() {
        let bands = written(|file| {
            for band in 0..3u16 {
                file.write_image::<Gray16>(2, 1, &[band, 100 + band]).unwrap();
            }
        });
        let (values, image) = real(&bands);
        assert_eq!(
            (values.as_slice(), image.channels),
            (&[0.0, 1.0, 2.0, 100.0, 101.0, 102.0][..], FileChannels::Bands)
        );
        let mixed = written(|file| {
            file.write_image::<Gray16>(2, 1, &[5, 6]).unwrap();
            file.write_image::<Gray16>(1, 1, &[9]).unwrap();
        });
        let (values, image) = real(&mixed);
        assert_eq!(
            (values.as_slice(), image.remarks.as_slice()),
            (&[5.0, 6.0][..], &["of the file's 2 pages the first is read".to_string()][..])
        );
    }

    #[test]
    fn damaged_files_never_panic() {
        let whole = written(|file| {
            file.write_image::<Gray16>(9, 7, &[77; 63]).unwrap();
            file.write_image::<Gray16>(9, 7, &[78; 63]).unwrap();
        });
        for at in 0..whole.len() {
            assert!(at > whole.len() / 2 || read(Cursor::new(&whole[..at])).is_err(), "cut to {at} bytes");
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                _ = read(Cursor::new(bytes));
            }
        }
    }
}
