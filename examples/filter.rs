//! Writes the image that excites a filter of a network most as a PNG:
//! `cargo run --release --example filter -- onnx/base-line.onnx conv2d_1 7 filter.png`.

use convscope::visualize::filter::Mode;
use convscope::{Error, Explainer, Result};
use image::{Rgb, RgbImage};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::input("usage: filter MODEL CONVOLUTION NUMBER OUT.png");
    let [model, convolution, number, out] = arguments.as_slice() else { return Err(usage()) };
    let number: usize = number.parse().map_err(|_| usage())?;
    let explainer = Explainer::load(model)?;
    let ascents = explainer.filters(convolution, Some(&[number]), Mode::Bounded)?;
    let ascent = &ascents.filters[0].ascent;
    println!("activation {:.4} at the start, {:.4} at the end", ascent.start, ascent.end);
    let image = ascent.shown(&ascents.settings);
    let (height, width, channels) = image.dim();
    let byte = |x: u32, y: u32, c: usize| (255.0 * image[[y as usize, x as usize, c.min(channels - 1)]]) as u8;
    let picture = RgbImage::from_fn(width as u32, height as u32, |x, y| Rgb([0, 1, 2].map(|c| byte(x, y, c))));
    picture.save(out).map_err(|cause| Error::other(format!("{out}: {cause}")))
}
