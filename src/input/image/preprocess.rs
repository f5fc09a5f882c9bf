//! Preprocessing: pixels 0..=255 → the numbers a network was trained on, and back.

use crate::error::{Error, Result};
use crate::input::image::fit::{Fit, FitMode, ResizeFilter, Size};
use ndarray::{Array3, Array4, ArrayView3, ArrayView4, Axis};

/// The channels of a network's input, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    Rgb,
    Bgr,
    /// Red, green, blue and opacity, which is 255 where the image has none.
    Rgba,
    /// One channel: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as Pillow, OpenCV and TensorFlow).
    Grey,
}

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        match self {
            Channels::Rgb | Channels::Bgr => 3,
            Channels::Rgba => 4,
            Channels::Grey => 1,
        }
    }

    /// The value of channel number `c` for a pixel.
    fn value(self, [red, green, blue, alpha]: [u8; 4], c: usize) -> u8 {
        match (self, c) {
            (Channels::Grey, _) => {
                ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
            }
            (Channels::Rgb | Channels::Rgba, 0) | (Channels::Bgr, 2) => red,
            (Channels::Rgba, 3) => alpha,
            (_, 1) => green,
            _ => blue,
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

/// Everything between an image and a network's input. A pixel's value v becomes (v · scale − mean) / std.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    /// The network's input size.
    pub size: Size,
    pub fit: FitMode,
    pub filter: ResizeFilter,
    pub channels: Channels,
    pub layout: Layout,
    pub scale: f64,
    /// For each channel in the network's order; the first alone counts for grey.
    pub mean: [f64; 4],
    pub std: [f64; 4],
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
            mean: [0.0; 4],
            std: [1.0; 4],
        };
        let crop = FitMode::CentreCrop { shortest: usual_shortest(size.height.min(size.width)) };
        match name {
            "none" => Some(plain),
            "keras-0-1" => Some(Preprocess { scale: 1.0 / 255.0, ..plain }),
            "keras-±1" | "keras-+-1" | "keras-pm1" => Some(Preprocess { scale: 1.0 / 127.5, mean: [1.0; 4], ..plain }),
            "imagenet" => Some(Preprocess {
                fit: crop,
                scale: 1.0 / 255.0,
                mean: [0.485, 0.456, 0.406, 0.0],
                std: [0.229, 0.224, 0.225, 1.0],
                ..plain
            }),
            "caffe-bgr" => {
                Some(Preprocess { fit: crop, channels: Channels::Bgr, mean: [103.939, 116.779, 123.68, 0.0], ..plain })
            }
            _ => None,
        }
    }

    /// Prepares an image [height, width, 3 or 4]: red, green, blue, and opacity if there is a fourth.
    ///
    /// # Errors
    /// `Error::Input` for an empty image, a scale or deviation that is zero or not finite, or sizes that cannot be (see [`Fit::plan`]).
    pub fn apply(&self, image: ArrayView3<u8>) -> Result<Prepared> {
        self.check()?;
        let (height, width, _) = image.dim();
        let fit = Fit::plan(Size { height, width }, self.size, self.fit)?;
        let fitted = fit.apply(image, self.filter)?;
        let opaque = fitted.len_of(Axis(2)) < 4;
        let pixel = |row: usize, column: usize| {
            let at = |c: usize| fitted[[row, column, c]];
            [at(0), at(1), at(2), if opaque { 255 } else { at(3) }]
        };
        let value = |row: usize, column: usize, c: usize| {
            let value = f64::from(self.channels.value(pixel(row, column), c));
            ((value * self.scale - self.mean[c]) / self.std[c]) as f32
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
        let shown = if opaque { fitted } else { crate::input::image::on_white(fitted.view()) };
        Ok(Prepared { input, shown, fit })
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
            };
            let value = f64::from(channels_last[[0, row, column, c]]);
            // The cast clips to 0..=255 and takes not-a-number for black.
            ((value * self.std[c] + self.mean[c]) / self.scale).round() as u8
        }))
    }

    fn check(&self) -> Result<()> {
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
            assert_eq!(Channels::Grey.value([value; 4], 0), value);
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
        let blended = preset("none", Layout::Nhwc).apply(crate::input::image::on_white(glass.view()).view()).unwrap();
        assert_eq!(blended.input[[0, 1, 2, 0]], 222.0);
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
            Preprocess { std: [1.0, 0.0, 1.0, 1.0], ..recipe.clone() },
            Preprocess { mean: [f64::NAN; 4], ..recipe.clone() },
            Preprocess { size: Size { height: 0, width: 3 }, ..recipe.clone() },
        ] {
            assert!(matches!(broken.apply(image().view()), Err(Error::Input(_))), "{broken:?}");
        }
    }
}
