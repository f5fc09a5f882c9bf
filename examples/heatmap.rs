//! Writes the Grad-CAM map of a photograph as a grey PNG of the network's input's size:
//! `cargo run --release --example heatmap -- onnx/base-mnist.onnx reports/example/four.png map.png`.

use convscope::{Error, Explainer, Result};
use image::{GrayImage, Luma};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, photograph, out] = arguments.as_slice() else {
        return Err(Error::input("usage: heatmap MODEL PHOTOGRAPH OUT.png"));
    };
    let explainer = Explainer::load(model)?;
    let explanation = explainer.explain(photograph)?;
    let head = &explanation.heads[0];
    println!("{} {:.3}", explainer.label(0, head.predicted), head.probability());
    let (height, width) = explanation.input.size();
    let map = head.heatmaps[0].dense(height, width);
    let most = map.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let pixel = |x: u32, y: u32| Luma([(255.0 * map[[y as usize, x as usize]] / most) as u8]);
    let picture = GrayImage::from_fn(width as u32, height as u32, pixel);
    picture.save(out).map_err(|cause| Error::other(format!("{out}: {cause}")))
}
