//! Resizing, and the geometry of it: where a pixel of a network's input lies in the photograph.

use crate::error::{Error, Result};
use crate::input::image::resample::{Level, ResizeFilter, Size, resample};
use ndarray::{Array3, ArrayView3, s};

/// The most pixels of a resized photograph; only a very long and narrow one that is to be enlarged could have more.
const MAX_PIXELS: usize = 1 << 25;

/// How a photograph is made to fit a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitMode {
    /// Height and width are scaled independently; the whole photograph is seen, its aspect is lost.
    Stretch,
    /// The shortest side is scaled to `shortest` pixels (more, if the input would not be covered), and the centre is cut out.
    CentreCrop { shortest: usize },
    /// The whole photograph is scaled to fit into the input with its aspect kept, and the bars beside it are filled with a level of
    /// 0 to 255 in every channel, as Ultralytics' LetterBox.
    Letterbox { pad: u8 },
}

/// What was done to make a photograph fit: it was resized from `source` to `resized`, and from that `crop` was cut out at `offset`; what
/// of the crop lies beside the resized photograph is filled with `pad`.
///
/// Coordinates (x, y) are continuous: the pixel in row r and column c covers c..c+1 and r..r+1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    pub source: Size,
    pub resized: Size,
    /// The crop's first column and first row in the resized photograph; negative where the crop begins before it.
    pub offset: (i64, i64),
    /// The size of the network's input.
    pub crop: Size,
    /// The level of what lies beside the photograph.
    pub pad: u8,
}

impl Fit {
    /// Plans how a photograph of size `source` becomes an input of size `input`.
    ///
    /// For a crop, lengths are truncated and its margin is rounded half to even, as torchvision's Resize and CenterCrop do; for a
    /// letterbox, lengths are rounded and an odd row or column of the bars comes after the photograph, as in Ultralytics' LetterBox.
    ///
    /// # Errors
    /// `Error::Input` when a size is zero or the resized photograph would be immense.
    pub fn plan(source: Size, input: Size, mode: FitMode) -> Result<Fit> {
        if [source.height, source.width, input.height, input.width].contains(&0) {
            return Err(Error::input(format!(
                "an image of {}×{} pixels cannot be made {}×{}",
                source.width, source.height, input.width, input.height
            )));
        }
        let resized = match mode {
            FitMode::Stretch => input,
            FitMode::CentreCrop { shortest } => covering(source, input, shortest),
            FitMode::Letterbox { .. } => within(source, input),
        };
        // The resampling goes by way of an image as wide as the source and as high as the result.
        let widest = resized.width.max(source.width);
        if resized.height.checked_mul(widest).is_none_or(|pixels| pixels > MAX_PIXELS) {
            return Err(Error::input(format!(
                "an image of {}×{} pixels would have to be resized to {}×{}, which is too large; cut it to a usual aspect first",
                source.width, source.height, resized.width, resized.height
            )));
        }
        let margin = |resized: usize, input: usize| match mode {
            FitMode::Letterbox { .. } => -((input - resized) as i64 / 2),
            _ => ((resized - input) as f64 / 2.0).round_ties_even() as i64,
        };
        let offset = (margin(resized.width, input.width), margin(resized.height, input.height));
        let pad = if let FitMode::Letterbox { pad } = mode { pad } else { 0 };
        Ok(Fit { source, resized, offset, crop: input, pad })
    }

    /// Where a point of the network's input lies in the photograph.
    pub fn to_photo(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (scale_x, scale_y) = self.scale();
        ((x + self.offset.0 as f64) / scale_x, (y + self.offset.1 as f64) / scale_y)
    }

    /// Where a point of the photograph lies in the network's input; outside of it where the photograph was cut.
    pub fn to_input(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (scale_x, scale_y) = self.scale();
        (x * scale_x - self.offset.0 as f64, y * scale_y - self.offset.1 as f64)
    }

    /// Resized pixels to a pixel of the photograph, along x and y.
    pub fn scale(&self) -> (f64, f64) {
        (self.resized.width as f64 / self.source.width as f64, self.resized.height as f64 / self.source.height as f64)
    }

    /// Whether the photograph has a part that the network does not see.
    pub fn cuts(&self) -> bool {
        self.resized.width > self.crop.width || self.resized.height > self.crop.height
    }

    /// Resizes and crops a photograph [height, width, channels] of the planned size: [crop height, crop width, channels].
    ///
    /// # Errors
    /// `Error::Other` for an image of another size.
    pub fn apply<T: Level>(&self, photo: ArrayView3<T>, filter: ResizeFilter) -> Result<Array3<T>> {
        if Size::of(&photo) != self.source {
            return Err(Error::other(format!(
                "a fit for {:?} is applied to an image of {:?}",
                self.source,
                photo.dim()
            )));
        }
        let resized = resize(photo, self.resized, filter)?;
        let mut seen =
            Array3::from_elem((self.crop.height, self.crop.width, photo.dim().2), T::nearest(f32::from(self.pad)));
        // Where the photograph begins in the input, where the input begins in the photograph, and how much they share.
        let overlap = |offset: i64, resized: usize, input: usize| {
            let (bar, cut) = ((-offset).max(0) as usize, offset.max(0) as usize);
            (bar, cut, resized.saturating_sub(cut).min(input.saturating_sub(bar)))
        };
        let (left, x, width) = overlap(self.offset.0, self.resized.width, self.crop.width);
        let (top, y, height) = overlap(self.offset.1, self.resized.height, self.crop.height);
        seen.slice_mut(s![top..top + height, left..left + width, ..]).assign(&resized.slice(s![
            y..y + height,
            x..x + width,
            ..
        ]));
        Ok(seen)
    }
}

/// The size with the source's aspect whose shortest side is `shortest`, or larger if that does not cover `input`.
fn covering(source: Size, input: Size, shortest: usize) -> Size {
    let (short, long) = (source.height.min(source.width), source.height.max(source.width));
    // Truncated, as int(shortest · long / short); saturating, for planning refuses immense sizes anyway.
    let longest = shortest.saturating_mul(long) / short;
    let size = if source.height <= source.width {
        Size { height: shortest, width: longest }
    } else {
        Size { height: longest, width: shortest }
    };
    if size.height >= input.height && size.width >= input.width {
        return size;
    }
    let scaled = |length: usize, by: usize, of: usize| length.saturating_mul(by).div_ceil(of);
    let by_height = Size { height: input.height, width: scaled(source.width, input.height, source.height) };
    let by_width = Size { height: scaled(source.height, input.width, source.width), width: input.width };
    if by_height.width >= input.width { by_height } else { by_width }
}

/// The largest size with the source's aspect that lies within `input`, each side of it at least one pixel.
fn within(source: Size, input: Size) -> Size {
    let scale = (input.height as f64 / source.height as f64).min(input.width as f64 / source.width as f64);
    let side = |length: usize, most: usize| ((length as f64 * scale).round_ties_even() as usize).clamp(1, most);
    Size { height: side(source.height, input.height), width: side(source.width, input.width) }
}

/// Resizes an image [height, width, channels]; opacity is resized like a colour. An image that has the size already is returned as it
/// is, value for value.
///
/// # Errors
/// `Error::Other` for an image or a size without pixels.
pub fn resize<T: Level>(image: ArrayView3<T>, size: Size, filter: ResizeFilter) -> Result<Array3<T>> {
    let (height, width, channels) = image.dim();
    if image.is_empty() || size.height == 0 || size.width == 0 {
        let (new_height, new_width) = (size.height, size.width);
        return Err(Error::other(format!(
            "an array of shape {height}×{width}×{channels} cannot be resized to {new_height}×{new_width}"
        )));
    }
    if Size::of(&image) == size {
        return Ok(image.to_owned());
    }
    Ok(resample(image, size, filter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(height: usize, width: usize) -> Size {
        Size { height, width }
    }

    #[test]
    fn the_shortest_side_is_resized_and_the_centre_cut_as_torchvision_does() {
        let fit = Fit::plan(size(300, 451), Size::square(224), FitMode::CentreCrop { shortest: 256 }).unwrap();
        // int(256 · 451 / 300) = 384; round((384 − 224) / 2) = 80, round((256 − 224) / 2) = 16.
        assert_eq!((fit.resized, fit.offset), (size(256, 384), (80, 16)));
        let odd = Fit::plan(size(227, 229), Size::square(224), FitMode::CentreCrop { shortest: 227 }).unwrap();
        // 1.5 and 2.5 both round to 2.
        assert_eq!((odd.resized, odd.offset), (size(227, 229), (2, 2)));
    }

    #[test]
    fn a_wide_input_is_covered_by_a_high_photo() {
        let fit = Fit::plan(size(400, 100), size(100, 300), FitMode::CentreCrop { shortest: 120 }).unwrap();
        assert_eq!((fit.resized, fit.offset), (size(1200, 300), (0, 550)));
    }

    #[test]
    fn points_of_the_input_are_found_in_the_photo() {
        let fit = Fit { source: size(100, 200), resized: size(50, 100), offset: (25, 0), crop: size(50, 50), pad: 0 };
        assert_eq!(fit.to_photo((0.0, 0.0)), (50.0, 0.0));
        assert_eq!(fit.to_photo((50.0, 50.0)), (150.0, 100.0));
        assert_eq!(fit.to_input((100.0, 50.0)), (25.0, 25.0));
        let stretched = Fit::plan(size(10, 40), Size::square(20), FitMode::Stretch).unwrap();
        assert_eq!(stretched.to_photo((10.0, 10.0)), (20.0, 5.0));
    }

    #[test]
    fn immense_and_empty_sizes_are_refused() {
        let crop = FitMode::CentreCrop { shortest: 256 };
        for (source, input) in [
            (size(1, 1_000_000), Size::square(224)),
            (size(0, 5), Size::square(3)),
            (size(5, 5), size(0, 3)),
            (size(5, 5), Size::square(usize::MAX)),
        ] {
            assert!(matches!(Fit::plan(source, input, crop), Err(Error::Input(_))), "{source:?}");
        }
        assert!(Fit::plan(size(5, 5), Size::square(3), FitMode::CentreCrop { shortest: usize::MAX }).is_err());
        assert!(Fit::plan(size(5, 5), Size::square(usize::MAX), FitMode::Stretch).is_err());
    }

    #[test]
    fn the_triangle_filter_averages_with_widened_weights() {
        // Four columns to two: each new pixel's triangle of half-width 2 around its centre (1 and 3) weighs the old centres
        // 0.5, 1.5, 2.5, 3.5 with 3, 3, 1 (and 1, 3, 3), since the fourth lies outside.
        let row = Array3::from_shape_fn((1, 4, 3), |(_, column, _)| [0u8, 70, 140, 210][column]);
        let half = resize(row.view(), size(1, 2), ResizeFilter::Triangle).unwrap();
        assert_eq!(half.slice(s![0, .., 0]).to_vec(), [50, 160]);
        let nearest = resize(row.view(), size(1, 2), ResizeFilter::Nearest).unwrap();
        assert_eq!(nearest.slice(s![0, .., 0]).to_vec(), [70, 210]);
    }

    #[test]
    fn an_image_of_the_right_size_is_not_touched() {
        let image = Array3::from_shape_fn((5, 4, 3), |(row, column, c)| (row * 50 + column * 10 + c) as u8);
        for filter in ResizeFilter::ALL {
            assert_eq!(resize(image.view(), size(5, 4), filter).unwrap(), image);
            assert_eq!(ResizeFilter::from_name(filter.name()), Some(filter));
        }
        assert_eq!(ResizeFilter::from_name("bilinear"), None);
        assert!(resize(image.slice(s![.., ..0, ..]), size(2, 2), ResizeFilter::Triangle).is_err());
    }

    #[test]
    fn a_crop_shows_what_the_geometry_says() {
        // Each pixel tells its own place, so the crop of an unscaled photo must tell the places of the fit.
        let photo = Array3::from_shape_fn((9, 12, 3), |(row, column, c)| [row as u8, column as u8, 7][c]);
        let fit = Fit::plan(size(9, 12), size(4, 6), FitMode::CentreCrop { shortest: 9 }).unwrap();
        let crop = fit.apply(photo.view(), ResizeFilter::Triangle).unwrap();
        for row in 0..4 {
            for column in 0..6 {
                let (x, y) = fit.to_photo((column as f64 + 0.5, row as f64 + 0.5));
                assert_eq!((crop[[row, column, 0]], crop[[row, column, 1]]), (y as u8, x as u8));
            }
        }
        assert!(fit.apply(photo.slice(s![1.., .., ..]), ResizeFilter::Triangle).is_err());
    }

    #[test]
    fn a_letterbox_keeps_the_whole_photograph_between_bars() {
        // Ultralytics' LetterBox of 64: 128×64 is made 64×32, with 16 rows above and below; of an odd number the bar below is longer.
        let mode = FitMode::Letterbox { pad: 114 };
        let fit = Fit::plan(size(64, 128), Size::square(64), mode).unwrap();
        assert_eq!((fit.resized, fit.offset, fit.cuts()), (size(32, 64), (0, -16), false));
        assert_eq!(fit.to_photo((32.0, 16.0)), (64.0, 0.0));
        assert_eq!(fit.to_input((128.0, 64.0)), (64.0, 48.0));
        let odd = Fit::plan(size(1, 2), size(4, 2), mode).unwrap();
        let seen = odd.apply(Array3::from_elem((1, 2, 1), 7u8).view(), ResizeFilter::Triangle).unwrap();
        assert_eq!(seen.iter().copied().collect::<Vec<_>>(), [114, 114, 7, 7, 114, 114, 114, 114]);
        let thin = Fit::plan(size(1, 1000), Size::square(10), mode).unwrap();
        assert_eq!(thin.resized, size(1, 10));
    }

    proptest! {
        #[test]
        fn mapping_there_and_back_is_the_identity(
            (source_h, source_w, input_h, input_w) in (1usize..900, 1usize..900, 1usize..300, 1usize..300),
            shortest in 1usize..300, mode in 0usize..3, x in -50.0..350.0f64, y in -50.0..350.0f64,
        ) {
            let mode = [FitMode::Stretch, FitMode::CentreCrop { shortest }, FitMode::Letterbox { pad: 0 }][mode];
            let planned = Fit::plan(size(source_h, source_w), size(input_h, input_w), mode);
            prop_assume!(planned.is_ok());
            let fit = planned.unwrap();
            let (back_x, back_y) = fit.to_input(fit.to_photo((x, y)));
            prop_assert!((back_x - x).abs() < 1e-9 && (back_y - y).abs() < 1e-9);
            prop_assume!(!matches!(mode, FitMode::Letterbox { .. }));
            // The input's corners lie inside the photograph.
            let (left, top) = fit.to_photo((0.0, 0.0));
            let (right, bottom) = fit.to_photo((input_w as f64, input_h as f64));
            prop_assert!(left >= -1e-9 && top >= -1e-9);
            prop_assert!(right <= source_w as f64 + 1e-9 && bottom <= source_h as f64 + 1e-9);
        }
    }
}
