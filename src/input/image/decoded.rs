//! An image file's pixels as they stand in it, and the levels from 0 to 255 that a network's preprocessing starts from.

use crate::error::{Error, Result};
use crate::input::image::resample::Level;
use crate::input::image::window::{Bound, Window};
use crate::input::image::{Channels, WHITE};
use ndarray::{Array3, ArrayView3, Zip, s};

/// Pixels [height, width, channels].
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    Bytes(Array3<u8>),
    /// Numbers that are not rounded.
    Real(Array3<f32>),
}

impl Pixels {
    /// Height, width and channels.
    pub fn dim(&self) -> (usize, usize, usize) {
        match self {
            Pixels::Bytes(values) => values.dim(),
            Pixels::Real(values) => values.dim(),
        }
    }

    /// The numbers, whatever their kind.
    fn into_real(self) -> Array3<f32> {
        match self {
            Pixels::Bytes(values) => values.mapv(f32::from),
            Pixels::Real(values) => values,
        }
    }

    /// As bytes, rounded and clipped.
    pub fn into_bytes(self) -> Array3<u8> {
        match self {
            Pixels::Bytes(values) => values,
            Pixels::Real(values) => values.mapv(u8::nearest),
        }
    }
}

/// What the channels of an image file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChannels {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    /// Bands that are no colours, or of which nothing says so.
    Bands,
}

impl FileChannels {
    fn has_alpha(self) -> bool {
        matches!(self, FileChannels::GreyAlpha | FileChannels::Rgba)
    }
}

/// What full brightness is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// 255.
    Bytes,
    /// 65,535: 16 bits, of which 257 steps are one of a byte.
    Words,
    /// Floating-point numbers and integers of other sizes have none.
    Unknown,
}

impl Scale {
    /// The value of full brightness, if the kind of number has one.
    pub fn full(self) -> Option<f32> {
        match self {
            Scale::Bytes => Some(255.0),
            Scale::Words => Some(65_535.0),
            Scale::Unknown => None,
        }
    }
}

/// An image file's pixels, upright.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedImage {
    /// In the file's own units.
    pub pixels: Pixels,
    pub channels: FileChannels,
    pub scale: Scale,
    /// What was done while it was read, as parts of a sentence.
    pub remarks: Vec<String>,
}

/// An image as a network's preprocessing takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageLevels {
    /// Red, green and blue; with opacity for [`Channels::Rgba`]; or the bands of [`Channels::Bands`]. From 0 to 255, unless they
    /// are taken as they stand in the file.
    pub pixels: Pixels,
    /// What was done, as parts of a sentence.
    pub remarks: Vec<String>,
    /// What was assumed and may be wrong, as a sentence about "it".
    pub doubt: Option<String>,
}

/// How the numbers of a file become levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levelling {
    /// The file's values that become 0 and 255.
    pub window: Option<Window>,
    /// Whether numbers without a scale of their own are taken as they stand.
    pub as_they_stand: bool,
    /// The colour behind transparent pixels.
    pub background: [u8; 3],
}

/// Values up to this share of 16 bits are likely to be of 12 bits or fewer.
const TWELVE_BITS: f32 = 4_095.0;

impl DecodedImage {
    /// The levels of the channels that a network takes.
    ///
    /// # Errors
    /// Bands that do not fit the network's channels; values that are not finite, or that have no scale and no window.
    pub fn levels(self, wanted: Channels, levelling: Levelling) -> Result<ImageLevels> {
        let (height, width, count) = self.pixels.dim();
        if height == 0 || width == 0 || count == 0 {
            return Err(Error::input("the image has no pixels"));
        }
        let DecodedImage { pixels, channels, scale, remarks } = self;
        let alpha = channels.has_alpha() && !matches!(wanted, Channels::Bands(_));
        let mut made = ImageLevels { pixels, remarks, doubt: None };
        made.scale(scale, alpha, levelling)?;
        let ImageLevels { pixels, .. } = made;
        let (pixels, remark) = match pixels {
            Pixels::Bytes(values) => {
                let (values, remark) = arranged(values, channels, wanted, levelling.background)?;
                (Pixels::Bytes(values), remark)
            }
            Pixels::Real(values) => {
                let (values, remark) = arranged(values, channels, wanted, levelling.background)?;
                (Pixels::Real(values), remark)
            }
        };
        made.remarks.extend(remark);
        Ok(ImageLevels { pixels, remarks: made.remarks, doubt: made.doubt })
    }
}

impl ImageLevels {
    /// Brings values of a file to the scale from 0 to 255; the last channel stays out of a window where it is opacity.
    fn scale(&mut self, scale: Scale, alpha: bool, levelling: Levelling) -> Result<()> {
        let whole = std::mem::replace(&mut self.pixels, Pixels::Bytes(Array3::default((0, 0, 0))));
        if scale == Scale::Bytes && levelling.window.is_none() {
            self.pixels = whole;
            return Ok(());
        }
        let mut values = whole.into_real();
        if let Some(bad) = values.iter().position(|value| !value.is_finite()) {
            let at = bad / values.dim().2;
            let (row, column) = (at / values.dim().1, at % values.dim().1);
            return Err(Error::input(format!(
                "holds values that are not finite numbers, the first in row {row}, column {column}; fill them before"
            )));
        }
        let colours = values.dim().2 - usize::from(alpha);
        if let (true, Some(full)) = (alpha, scale.full()) {
            values.slice_mut(s![.., .., colours..]).mapv_inplace(|value| value * 255.0 / full);
        }
        let mut shown = values.slice_mut(s![.., .., ..colours]);
        match (levelling.window, scale) {
            (Some(window), _) => {
                let (low, high) = window.of(shown.view())?;
                shown.mapv_inplace(|value| ((value - low) / (high - low)).clamp(0.0, 1.0) * 255.0);
                if matches!(window, Window { low: Bound::Percent(_), .. } | Window { high: Bound::Percent(_), .. }) {
                    self.remarks.push(format!("its {window} are {low} to {high}"));
                }
            }
            (None, Scale::Words) => {
                let largest = shown.iter().fold(0f32, |most, value| most.max(*value));
                shown.mapv_inplace(|value| value / 257.0);
                self.remarks.push("16 bits a value, not rounded".into());
                if largest <= TWELVE_BITS {
                    self.doubt = Some(format!(
                        "its largest value is {largest} of 65,535, which is nearly black; if it holds fewer bits than 16, \
                         --range 0,4095 (or what is right) spreads them"
                    ));
                }
            }
            (None, Scale::Bytes | Scale::Unknown) => {
                let (remark, doubt) = unscaled(&mut values, levelling.as_they_stand)?;
                self.remarks.push(remark);
                self.doubt = doubt;
            }
        }
        self.pixels = Pixels::Real(values);
        Ok(())
    }
}

/// Numbers without a scale of their own: taken as they stand, as shares of full brightness, or as bytes. What was done, and whether it
/// was assumed.
fn unscaled(values: &mut Array3<f32>, as_they_stand: bool) -> Result<(String, Option<String>)> {
    if as_they_stand {
        return Ok(("its numbers taken as they stand".into(), None));
    }
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let assumed = |what: &str| {
        let doubt = format!("its numbers, from {low} to {high}, are taken to be {what}; --range says it otherwise");
        (format!("its numbers taken to be {what}"), Some(doubt))
    };
    if low < 0.0 || high > 255.0 {
        return Err(Error::input(format!(
            "holds numbers from {low} to {high}, which have no scale of their own; say which become 0 and 255 with --range {low},{high}, \
             or take them as they stand with --preprocess none"
        )));
    }
    if high > 1.0 {
        return Ok(assumed("on the scale from 0 to 255"));
    }
    values.mapv_inplace(|value| value * 255.0);
    Ok(assumed("on the scale from 0 to 1"))
}

/// The channels that a network takes of those that a file has, and what was done to its opacity.
fn arranged<T: Level>(
    values: Array3<T>,
    has: FileChannels,
    wanted: Channels,
    background: [u8; 3],
) -> Result<(Array3<T>, Option<String>)> {
    let count = values.dim().2;
    let misfit = |network: usize| {
        let bands = if count == 1 { "one channel".to_string() } else { format!("{count} channels") };
        Error::input(format!("the image has {bands}, but the network takes {network}"))
    };
    let opaque = T::nearest(255.0);
    let colours = [0, 1, 2].map(|c| if matches!(has, FileChannels::Grey | FileChannels::GreyAlpha) { 0 } else { c });
    match (has, wanted) {
        (_, Channels::Bands(bands)) if bands == count => Ok((values, None)),
        (_, Channels::Bands(bands)) => Err(misfit(bands)),
        (FileChannels::Bands, Channels::Rgba) if count == 4 => Ok((values, Some("its fourth band as opacity".into()))),
        (FileChannels::Bands, Channels::Rgba) => Err(misfit(4)),
        (FileChannels::Bands, _) if count == 1 => Ok((chosen(&values, [0; 3]), None)),
        (FileChannels::Bands, Channels::Grey) => Err(misfit(1)),
        (FileChannels::Bands, _) if count != 3 => Err(misfit(3)),
        (FileChannels::Rgba, Channels::Rgba) => Ok((values, None)),
        (_, Channels::Rgba) => {
            let (height, width, _) = values.dim();
            let alpha = |row: usize, column: usize| if has.has_alpha() { values[[row, column, 1]] } else { opaque };
            let value = |(row, column, c): (usize, usize, usize)| match colours.get(c) {
                Some(at) => values[[row, column, *at]],
                None => alpha(row, column),
            };
            Ok((Array3::from_shape_fn((height, width, 4), value), None))
        }
        (FileChannels::Rgb | FileChannels::Bands, _) => Ok((values, None)),
        (FileChannels::Grey, _) => Ok((chosen(&values, colours), None)),
        (FileChannels::GreyAlpha | FileChannels::Rgba, _) => {
            let alpha = values.slice(s![.., .., count - 1]);
            let transparent = alpha.iter().any(|alpha| Into::<f32>::into(*alpha) < 255.0);
            let remark = transparent.then(|| "transparent pixels on white".to_string());
            Ok((on_background(values.view(), colours, background), remark))
        }
    }
}

/// Three of the channels.
fn chosen<T: Level>(values: &Array3<T>, channels: [usize; 3]) -> Array3<T> {
    let (height, width, _) = values.dim();
    Array3::from_shape_fn((height, width, 3), |(row, column, c)| values[[row, column, channels[c]]])
}

/// Three of the channels on a background, the last channel being the opacity: α·colour + (1 − α)·background.
fn on_background<T: Level>(values: ArrayView3<T>, channels: [usize; 3], background: [u8; 3]) -> Array3<T> {
    let (height, width, count) = values.dim();
    let behind = background.map(|level| T::nearest(f32::from(level)));
    Array3::from_shape_fn((height, width, 3), |(row, column, c)| {
        values[[row, column, channels[c]]].over(behind[c], values[[row, column, count - 1]])
    })
}

/// An image with opacity [height, width, 4] on white: [height, width, 3].
pub fn on_white<T: Level>(image: ArrayView3<T>) -> Array3<T> {
    on_background(image, [0, 1, 2], WHITE)
}

/// Bands of an image as red, green and blue: [height, width, 3].
pub fn composite<T: Level>(image: ArrayView3<T>, bands: [usize; 3]) -> Array3<T> {
    let (height, width, count) = image.dim();
    let mut made = Array3::default((height, width, 3));
    for (c, band) in bands.into_iter().enumerate() {
        let band = band.min(count.saturating_sub(1));
        Zip::from(made.slice_mut(s![.., .., c])).and(image.slice(s![.., .., band])).for_each(|to, from| *to = *from);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr3;

    const PLAIN: Levelling = Levelling { window: None, as_they_stand: false, background: WHITE };

    fn real(values: Array3<f32>, channels: FileChannels, scale: Scale) -> DecodedImage {
        DecodedImage { pixels: Pixels::Real(values), channels, scale, remarks: Vec::new() }
    }

    fn levels(image: DecodedImage, wanted: Channels, levelling: Levelling) -> (Vec<f32>, ImageLevels) {
        let levels = image.levels(wanted, levelling).unwrap();
        let Pixels::Real(values) = &levels.pixels else { panic!("{levels:?}") };
        (values.iter().copied().collect(), levels.clone())
    }

    #[test]
    fn sixteen_bits_are_not_rounded() {
        let grey = real(arr3(&[[[257.0], [20_100.0], [65_535.0]]]), FileChannels::Grey, Scale::Words);
        let (values, made) = levels(grey, Channels::Grey, PLAIN);
        assert_eq!(values, [[1.0; 3], [20_100.0 / 257.0; 3], [255.0; 3]].concat());
        assert_eq!((made.remarks.as_slice(), made.doubt), (&["16 bits a value, not rounded".to_string()][..], None));
        let dark = real(arr3(&[[[0.0], [4_095.0]]]), FileChannels::Grey, Scale::Words);
        assert!(
            levels(dark, Channels::Grey, PLAIN).1.doubt.unwrap().starts_with("its largest value is 4095 of 65,535")
        );
    }

    #[test]
    fn a_window_spreads_values_and_leaves_opacity_alone() {
        let window = |low, high| Levelling { window: Some(Window { low, high }), ..PLAIN };
        let grey = real(arr3(&[[[19_000.0], [20_050.0], [20_200.0]]]), FileChannels::Grey, Scale::Words);
        let at = window(Bound::Value(20_000.0), Bound::Value(20_200.0));
        assert_eq!(levels(grey.clone(), Channels::Grey, at).0, [[0.0; 3], [63.75; 3], [255.0; 3]].concat());
        let percent = window(Bound::Percent(0.0), Bound::Percent(50.0));
        let (values, made) = levels(grey.clone(), Channels::Grey, percent);
        assert_eq!(values[3], 255.0);
        assert_eq!(made.remarks, ["its 0 % to 50 % are 19000 to 20050"]);
        let flat = window(Bound::Value(5.0), Bound::Value(5.0));
        assert!(grey.levels(Channels::Grey, flat).unwrap_err().to_string().contains("from 5 to 5"));
        let glass = real(arr3(&[[[0.5, 65_535.0]]]), FileChannels::GreyAlpha, Scale::Words);
        let (values, _) = levels(glass, Channels::Rgba, window(Bound::Value(0.0), Bound::Value(1.0)));
        assert_eq!(values, [127.5, 127.5, 127.5, 255.0]);
    }

    #[test]
    fn numbers_without_a_scale_are_said_or_refused() {
        let of = |values: [f32; 2]| real(arr3(&[[[values[0]], [values[1]]]]), FileChannels::Grey, Scale::Unknown);
        let (values, made) = levels(of([0.0, 0.5]), Channels::Grey, PLAIN);
        assert_eq!(values[3], 127.5);
        assert!(made.doubt.unwrap().contains("from 0 to 0.5, are taken to be on the scale from 0 to 1"));
        let (values, made) = levels(of([0.0, 17.5]), Channels::Grey, PLAIN);
        assert_eq!((values[3], made.remarks[0].as_str()), (17.5, "its numbers taken to be on the scale from 0 to 255"));
        let error = of([-3.0, 4_000.0]).levels(Channels::Grey, PLAIN).unwrap_err().to_string();
        assert!(error.contains("--range -3,4000") && error.contains("--preprocess none"), "{error}");
        let stand = Levelling { as_they_stand: true, ..PLAIN };
        assert_eq!(levels(of([-3.0, 4_000.0]), Channels::Grey, stand).0[0], -3.0);
        let error = of([1.0, f32::NAN]).levels(Channels::Grey, PLAIN).unwrap_err().to_string();
        assert!(error.contains("row 0, column 1"), "{error}");
    }

    #[test]
    fn what_was_done_to_opacity_is_said() {
        let image = |alpha: u8| DecodedImage {
            pixels: Pixels::Bytes(arr3(&[[[200, 100, 0, alpha]]])),
            channels: FileChannels::Rgba,
            scale: Scale::Bytes,
            remarks: Vec::new(),
        };
        // A fifth of the colour on white.
        let made = image(51).levels(Channels::Rgb, PLAIN).unwrap();
        assert_eq!(made.pixels, Pixels::Bytes(arr3(&[[[244, 224, 204]]])));
        assert_eq!(made.remarks, ["transparent pixels on white"]);
        assert!(image(255).levels(Channels::Rgb, PLAIN).unwrap().remarks.is_empty());
        assert_eq!(
            image(51).levels(Channels::Rgba, PLAIN).unwrap().pixels,
            Pixels::Bytes(arr3(&[[[200, 100, 0, 51]]]))
        );
    }

    #[test]
    fn bands_must_be_as_many_as_the_network_takes() {
        let bands = real(Array3::zeros((2, 2, 13)), FileChannels::Bands, Scale::Words);
        assert_eq!(bands.clone().levels(Channels::Bands(13), PLAIN).unwrap().pixels.dim(), (2, 2, 13));
        for (wanted, words) in [
            (Channels::Bands(6), "the image has 13 channels, but the network takes 6"),
            (Channels::Rgb, "but the network takes 3"),
            (Channels::Grey, "but the network takes 1"),
            (Channels::Rgba, "but the network takes 4"),
        ] {
            let error = bands.clone().levels(wanted, PLAIN).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let both = real(arr3(&[[[1.0, 2.0]]]), FileChannels::GreyAlpha, Scale::Bytes);
        assert_eq!(both.levels(Channels::Bands(2), PLAIN).unwrap().pixels, Pixels::Real(arr3(&[[[1.0, 2.0]]])));
    }
}
