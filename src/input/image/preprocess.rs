//! Preprocessing: pixels 0..=255 → the numbers a network was trained on, and back.

use crate::error::{Error, Result};
use crate::input::image::decoded::{composite, on_white};
use crate::input::image::fit::{Fit, FitMode};
use crate::input::image::resample::{Level, ResizeFilter, Size};
use crate::input::image::window::Window;
use ndarray::{Array3, Array4, ArrayView3, ArrayView4};

/// The channels of a network's input, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    Rgb,
    Bgr,
    /// Red, green, blue and opacity, which is 255 where the image has none.
    Rgba,
    /// One channel: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as Pillow, OpenCV and TensorFlow).
    Grey,
    /// So many bands, in the file's order.
    Bands(usize),
}

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        match self {
            Channels::Rgb | Channels::Bgr => 3,
            Channels::Rgba => 4,
            Channels::Grey => 1,
            Channels::Bands(bands) => bands,
        }
    }

    /// Channels of the images that these are made of: three, four with opacity, or all bands.
    fn source(self) -> usize {
        match self {
            Channels::Rgb | Channels::Bgr | Channels::Grey => 3,
            Channels::Rgba => 4,
            Channels::Bands(bands) => bands,
        }
    }
}

/// The order of a network's input axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// [1, height, width, channels], as Keras.
    Nhwc,
    /// [1, channels, height, width], as PyTorch.
    Nchw,
}

/// Everything between an image and a network's input. A pixel's value v, of 0 to 255, becomes (v · scale − mean) / std.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    /// The network's input size.
    pub size: Size,
    pub fit: FitMode,
    pub filter: ResizeFilter,
    pub channels: Channels,
    pub layout: Layout,
    pub scale: f64,
    /// For each channel in the network's order, or one for all; of several the first alone counts for grey.
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
    /// The file's values that become 0 and 255; all that its kind can hold where `None`.
    pub window: Option<Window>,
    /// Whether numbers that have no scale of their own are taken as they stand in the file.
    pub as_they_stand: bool,
    /// The bands that are shown as red, green and blue, from 0, of an input that is no colour image.
    pub show: [usize; 3],
}

/// The names of [`Preprocess::preset`], with what they do to a value v of 0..=255.
pub const PRESETS: [(&str, &str); 5] = [
    ("none", "v as it is; stretched"),
    ("keras-0-1", "v / 255; stretched"),
    ("keras-±1", "v / 127.5 − 1; stretched"),
    (
        "imagenet",
        "v / 255, less the mean and over the deviation of ImageNet's channels; shortest side 8/7 of the input's, centre cut out",
    ),
    ("caffe-bgr", "channels B, G, R less ImageNet's mean; shortest side 8/7 of the input's, centre cut out"),
];

/// What the shortest side of a photograph is resized to before an input of this side is cut out of its centre: 256 for 224, and in
/// proportion for others.
pub fn usual_shortest(side: usize) -> usize {
    side.saturating_mul(8).saturating_add(3) / 7
}

/// An image made ready for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// [1, height, width, channels] or [1, channels, height, width].
    pub input: Array4<f32>,
    /// What the network sees, in display values: [height, width, 3], RGB.
    pub shown: Array3<u8>,
    /// Where that lies in the original image.
    pub fit: Fit,
}

impl Preprocess {
    /// A usual recipe by its name (see [`PRESETS`]), with the triangle filter; None for an unknown name.
    ///
    /// `imagenet` is torchvision's: shortest side 256 for an input of 224, in proportion for other sizes. `caffe-bgr` are the means of
    /// Keras's `preprocess_input` in mode "caffe". Plain "keras-+-1" and "keras-pm1" are accepted for "keras-±1".
    pub fn preset(name: &str, size: Size, layout: Layout) -> Option<Preprocess> {
        let plain = Preprocess {
            size,
            fit: FitMode::Stretch,
            filter: ResizeFilter::Triangle,
            channels: Channels::Rgb,
            layout,
            scale: 1.0,
            mean: vec![0.0],
            std: vec![1.0],
            window: None,
            as_they_stand: false,
            show: [0, 1, 2],
        };
        let crop = FitMode::CentreCrop { shortest: usual_shortest(size.height.min(size.width)) };
        match name {
            "none" => Some(plain),
            "keras-0-1" => Some(Preprocess { scale: 1.0 / 255.0, ..plain }),
            "keras-±1" | "keras-+-1" | "keras-pm1" => {
                Some(Preprocess { scale: 1.0 / 127.5, mean: vec![1.0], ..plain })
            }
            "imagenet" => Some(Preprocess {
                fit: crop,
                scale: 1.0 / 255.0,
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
                ..plain
            }),
            "caffe-bgr" => {
                Some(Preprocess { fit: crop, channels: Channels::Bgr, mean: vec![103.939, 116.779, 123.68], ..plain })
            }
            _ => None,
        }
    }

    /// The value that a level v of 0 to 255 becomes in a channel: (v · scale − mean) / std.
    pub fn value(&self, level: f64, channel: usize) -> f64 {
        (level * self.scale - of_channel(&self.mean, channel, 0.0)) / of_channel(&self.std, channel, 1.0)
    }

    /// The level that a channel's value was made of; the inverse of [`Preprocess::value`].
    fn level(&self, value: f64, channel: usize) -> f64 {
        (value * of_channel(&self.std, channel, 1.0) + of_channel(&self.mean, channel, 0.0)) / self.scale
    }

    /// Prepares an image [height, width, channels]: red, green, blue, and opacity if there is a fourth, or the network's bands.
    ///
    /// # Errors
    /// `Error::Input` for an empty image, one of other channels, a scale or deviation that is zero or not finite, or sizes that
    /// cannot be (see [`Fit::plan`]).
    pub fn apply<T: Level>(&self, image: ArrayView3<T>) -> Result<Prepared> {
        self.check()?;
        let (height, width, has) = image.dim();
        let bands = matches!(self.channels, Channels::Bands(_));
        if has != self.channels.source() && (bands || !matches!(has, 3 | 4)) {
            let wanted = self.channels.source();
            return Err(Error::input(format!("an image of {has} channels is given to a network that takes {wanted}")));
        }
        let fit = Fit::plan(Size { height, width }, self.size, self.fit)?;
        let fitted = fit.apply(image, self.filter)?;
        let value = |row: usize, column: usize, c: usize| {
            let at = |c: usize| fitted[[row, column, c]];
            let level = match (self.channels, c) {
                (Channels::Grey, _) => T::grey([at(0), at(1), at(2)]),
                (Channels::Bgr, c) => at(2 - c),
                (Channels::Rgba, 3) if has < 4 => T::nearest(255.0),
                (_, c) => at(c),
            };
            self.value(level.into(), c) as f32
        };
        let (height, width, channels) = (self.size.height, self.size.width, self.channels.count());
        let input = match self.layout {
            Layout::Nhwc => {
                Array4::from_shape_fn((1, height, width, channels), |(_, row, column, c)| value(row, column, c))
            }
            Layout::Nchw => {
                Array4::from_shape_fn((1, channels, height, width), |(_, c, row, column)| value(row, column, c))
            }
        };
        Ok(Prepared { input, shown: self.shown(fitted.view()), fit })
    }

    /// An image of the channels that [`Preprocess::apply`] takes as it is shown: [height, width, 3], RGB.
    pub fn shown<T: Level>(&self, image: ArrayView3<T>) -> Array3<u8> {
        let coloured = match (self.channels, image.dim().2) {
            (Channels::Bands(_), _) => composite(image, self.show),
            (_, 4) => on_white(image),
            _ => image.to_owned(),
        };
        let (low, high) = if self.as_they_stand { beyond_bytes(&coloured) } else { (0.0, 255.0) };
        coloured.mapv(|level| u8::nearest((Into::<f32>::into(level) - low) * 255.0 / (high - low)))
    }

    /// Turns the first image of an input array back into display values, rounded and clipped to 0..=255: [height, width, 3], RGB.
    /// Its height and width are the array's own, which need not be the recipe's.
    ///
    /// # Errors
    /// `Error::Input` as for [`Preprocess::apply`], or for an array without images or with another number of channels.
    pub fn display(&self, input: ArrayView4<f32>) -> Result<Array3<u8>> {
        self.check()?;
        let channels_last = match self.layout {
            Layout::Nhwc => input,
            Layout::Nchw => input.permuted_axes([0, 2, 3, 1]),
        };
        let (images, height, width, channels) = channels_last.dim();
        if images == 0 || channels != self.channels.count() {
            return Err(Error::input(format!(
                "an input of {images} images with {channels} channels cannot be shown: {:?} has {}",
                self.channels,
                self.channels.count()
            )));
        }
        Ok(Array3::from_shape_fn((height, width, 3), |(row, column, rgb)| {
            let c = match self.channels {
                Channels::Rgb | Channels::Rgba => rgb,
                Channels::Bgr => 2 - rgb,
                Channels::Grey => 0,
                Channels::Bands(bands) => self.show[rgb].min(bands.saturating_sub(1)),
            };
            // The cast clips to 0..=255 and takes not-a-number for black.
            self.level(f64::from(channels_last[[0, row, column, c]]), c).round() as u8
        }))
    }

    fn check(&self) -> Result<()> {
        let channels = self.channels.count();
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            let few = values.len() != 1 && values.len() < channels && (values.len(), channels) != (3, 4);
            if values.is_empty() || few {
                let count = values.len();
                return Err(Error::input(format!(
                    "preprocessing has {count} values of {name} for {channels} channels"
                )));
            }
        }
        let mut divisors = self.std.iter().chain([&self.scale]);
        if divisors.any(|value| *value == 0.0 || !value.is_finite()) || !self.mean.iter().all(|m| m.is_finite()) {
            return Err(Error::input(format!(
                "preprocessing with scale {}, mean {:?} and std {:?} is impossible: use finite numbers, and none but the mean zero",
                self.scale, self.mean, self.std
            )));
        }
        Ok(())
    }
}

/// A channel's own value of several, or the one for all. `beyond` is that of an opacity which colours are given without.
fn of_channel(values: &[f64], channel: usize, beyond: f64) -> f64 {
    match values {
        [one] => *one,
        several => several.get(channel).copied().unwrap_or(beyond),
    }
}

/// The lowest and the highest of values that leave the scale from 0 to 255, else that scale.
fn beyond_bytes<T: Level>(values: &Array3<T>) -> (f32, f32) {
    let values = || values.iter().map(|value| Into::<f32>::into(*value));
    let (low, high) = (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max));
    if low < high && (low < 0.0 || high > 255.0 || high <= 1.0) { (low, high) } else { (0.0, 255.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { height: 2, width: 3 };

    /// A 2×3 image whose values are all different.
    fn image() -> Array3<u8> {
        Array3::from_shape_fn((2, 3, 3), |(row, column, c)| (row * 120 + column * 40 + c * 15) as u8)
    }

    fn preset(name: &str, layout: Layout) -> Preprocess {
        Preprocess { fit: FitMode::Stretch, ..Preprocess::preset(name, SIZE, layout).unwrap() }
    }

    #[test]
    fn presets_compute_what_their_frameworks_do() {
        // The pixel in row 1, column 2 is (200, 215, 230).
        let at = |name: &str, c: usize| preset(name, Layout::Nhwc).apply(image().view()).unwrap().input[[0, 1, 2, c]];
        assert_eq!(at("none", 1), 215.0);
        assert_eq!(at("keras-0-1", 2), 230.0 / 255.0);
        assert!((at("keras-±1", 0) - (200.0 / 127.5 - 1.0)).abs() < 1e-6);
        assert!((at("imagenet", 0) - (200.0 / 255.0 - 0.485) / 0.229).abs() < 1e-6);
        assert!((at("imagenet", 2) - (230.0 / 255.0 - 0.406) / 0.225).abs() < 1e-6);
        assert_eq!((at("caffe-bgr", 0), at("caffe-bgr", 2)), ((230.0 - 103.939) as f32, (200.0 - 123.68) as f32));
        assert!(Preprocess::preset("imagnet", SIZE, Layout::Nhwc).is_none());
        for (name, _) in PRESETS {
            assert!(Preprocess::preset(name, SIZE, Layout::Nhwc).is_some(), "{name}");
        }
    }

    #[test]
    fn imagenet_resizes_256_for_224() {
        for name in ["imagenet", "caffe-bgr"] {
            let recipe = Preprocess::preset(name, Size::square(224), Layout::Nchw).unwrap();
            assert_eq!(recipe.fit, FitMode::CentreCrop { shortest: 256 });
        }
    }

    #[test]
    fn scaling_by_255_rounds_as_division_does() {
        let ramp = Array3::from_shape_fn((1, 256, 3), |(_, column, _)| column as u8);
        let size = Size { height: 1, width: 256 };
        let input = Preprocess::preset("keras-0-1", size, Layout::Nhwc).unwrap().apply(ramp.view()).unwrap().input;
        for value in 0..256 {
            assert_eq!(input[[0, 0, value, 0]], value as f32 / 255.0);
        }
    }

    #[test]
    fn layouts_are_transposes_of_each_other() {
        let last = preset("imagenet", Layout::Nhwc).apply(image().view()).unwrap().input;
        let first = preset("imagenet", Layout::Nchw).apply(image().view()).unwrap().input;
        assert_eq!((last.dim(), first.dim()), ((1, 2, 3, 3), (1, 3, 2, 3)));
        assert_eq!(first, last.permuted_axes([0, 3, 1, 2]));
    }

    #[test]
    fn grey_is_weighted_and_leaves_grey_images_alone() {
        let recipe = Preprocess { channels: Channels::Grey, ..preset("none", Layout::Nchw) };
        let input = recipe.apply(image().view()).unwrap().input;
        assert_eq!(input.dim(), (1, 1, 2, 3));
        // 0.299 · 200 + 0.587 · 215 + 0.114 · 230 = 212.225.
        assert_eq!(input[[0, 0, 1, 2]], 212.0);
        for value in 0..=255 {
            assert_eq!(u8::grey([value; 3]), value);
        }
    }

    #[test]
    fn four_channels_carry_the_photographs_opacity() {
        let recipe = Preprocess { channels: Channels::Rgba, ..preset("keras-±1", Layout::Nchw) };
        let glass = Array3::from_shape_fn((2, 3, 4), |(row, column, c)| [200, 100, 50, 51 * (row + column) as u8][c]);
        let prepared = recipe.apply(glass.view()).unwrap();
        assert_eq!(prepared.input.dim(), (1, 4, 2, 3));
        // Opacity 153 of 255: 153 / 127.5 − 1; on white, 0.6 · 200 + 0.4 · 255 = 222.
        assert!(
            (prepared.input[[0, 3, 1, 2]] - 0.2).abs() < 1e-6
                && (prepared.input[[0, 0, 1, 2]] - 0.568_627_5).abs() < 1e-6
        );
        assert_eq!(prepared.shown[[1, 2, 0]], 222);
        let opaque = recipe.apply(image().view()).unwrap();
        assert_eq!(opaque.shown, image());
        assert!(opaque.input.slice(ndarray::s![0, 3, .., ..]).iter().all(|alpha| *alpha == 1.0));
        // A network of three channels does not see it.
        let blended = preset("none", Layout::Nhwc).apply(on_white(glass.view()).view()).unwrap();
        assert_eq!(blended.input[[0, 1, 2, 0]], 222.0);
    }

    #[test]
    fn bands_keep_their_order_and_three_of_them_are_shown() {
        let recipe = Preprocess { channels: Channels::Bands(5), show: [4, 0, 2], ..preset("none", Layout::Nchw) };
        let scene =
            Array3::from_shape_fn((2, 3, 5), |(row, column, c)| row as f32 + column as f32 * 0.5 + c as f32 * 50.0);
        let prepared = recipe.apply(scene.view()).unwrap();
        assert_eq!(prepared.input.dim(), (1, 5, 2, 3));
        assert_eq!(prepared.input[[0, 3, 1, 1]], 151.5, "nothing is rounded");
        assert_eq!(prepared.shown.slice(ndarray::s![0, 0, ..]).to_vec(), [200, 0, 100]);
        assert_eq!(recipe.display(prepared.input.view()).unwrap(), prepared.shown);
        let each = Preprocess { mean: vec![0.0, 50.0, 100.0, 150.0, 200.0], ..recipe.clone() };
        assert_eq!(each.apply(scene.view()).unwrap().input[[0, 4, 1, 2]], 2.0);
        let three = Preprocess { mean: vec![0.0; 3], ..recipe };
        assert!(three.apply(scene.view()).unwrap_err().to_string().contains("3 values of mean for 5 channels"));
        assert!(
            each.apply(image().view())
                .unwrap_err()
                .to_string()
                .contains("3 channels is given to a network that takes 5")
        );
    }

    #[test]
    fn display_undoes_every_preset() {
        for (name, _) in PRESETS {
            for layout in [Layout::Nhwc, Layout::Nchw] {
                let recipe = preset(name, layout);
                let prepared = recipe.apply(image().view()).unwrap();
                assert_eq!(prepared.shown, image());
                assert_eq!(recipe.display(prepared.input.view()).unwrap(), image(), "{name} {layout:?}");
            }
        }
        let extreme = Array4::from_shape_fn((1, 1, 4, 3), |(_, _, column, _)| {
            [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 7.0][column]
        });
        let shown = preset("keras-0-1", Layout::Nhwc).display(extreme.view()).unwrap();
        assert_eq!(shown.iter().step_by(3).copied().collect::<Vec<_>>(), [0, 255, 0, 255]);
        assert!(preset("none", Layout::Nchw).display(extreme.view()).is_err(), "one channel is not RGB");
    }

    #[test]
    fn impossible_recipes_are_refused() {
        let recipe = preset("none", Layout::Nhwc);
        for broken in [
            Preprocess { scale: 0.0, ..recipe.clone() },
            Preprocess { std: vec![1.0, 0.0, 1.0], ..recipe.clone() },
            Preprocess { std: vec![1.0, 2.0], ..recipe.clone() },
            Preprocess { mean: vec![f64::NAN], ..recipe.clone() },
            Preprocess { size: Size { height: 0, width: 3 }, ..recipe.clone() },
        ] {
            assert!(matches!(broken.apply(image().view()), Err(Error::Input(_))), "{broken:?}");
        }
    }
}
