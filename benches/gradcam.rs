//! Grad-CAM per image, with the share of tract's forward pass and of our tail: `cargo bench --bench gradcam`.
//!
//! Runs the bundled networks and, where `CONVSCOPE_DATA` names a data folder, SqueezeNet and MobileNetV2 at 224 pixels. All figures of one run
//! are measured on one thread, one after the other; compare ratios within a run, as machines are noisy.

use convscope::explain::engine::{Engine, Score};
use convscope::explain::score::{best, probabilities};
use convscope::explain::tail::feature_maps;
use convscope::model::Network;
use convscope::random::Random;
use convscope::visualize::cam::{Method, signed_map};
use ndarray::ArrayD;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Each part runs at least this long.
const LEAST: Duration = Duration::from_millis(600);

fn main() {
    let onnx = Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx");
    let mut files: Vec<PathBuf> = ["base-line", "base-mnist", "variation-1", "variation-2", "variation-3", "deep-line"]
        .map(|stem| onnx.join(format!("{stem}.onnx")))
        .to_vec();
    match std::env::var_os("CONVSCOPE_DATA") {
        Some(data) => {
            let models = Path::new(&data).join("models");
            files.extend(["squeezenet1.1.onnx", "mobilenetv2-1.0-224-tf2-dequant.onnx"].map(|name| models.join(name)));
        }
        None => println!("CONVSCOPE_DATA is not set: the networks of 224 pixels are left out"),
    }
    println!("{:<36} {:>10} {:>10} {:>10} {:>10} {:>8}", "network", "image ms", "forward", "tail", "maps", "tail %");
    for file in files {
        measure(&file);
    }
}

/// Prints one network's line: the whole of an image, all heads, and its parts.
fn measure(file: &Path) {
    let network = Network::load(file).expect("the network loads");
    let size = network.input().size().unwrap_or((224, 224));
    let target = network.default_target(&network.heads()[0]).expect("the network has a target");
    let engine = Engine::new(&network, &target.tensor, &[], size).expect("the network can be explained");
    let mut random = Random::new(1, 0);
    let shape = network.input().shape(1, size);
    let image = ArrayD::from_shape_fn(shape.to_vec(), |_| random.uniform() as f32);

    let forward = engine.forward(&image).expect("the network runs");
    let activation = forward.get(&target.tensor).expect("the target was tapped").clone();
    let heads = network.heads();
    let classes: Vec<usize> =
        heads.iter().map(|head| best(&probabilities(head, forward.get(&head.logits).expect("logits"), None))).collect();
    let gradients = || {
        let tail = engine.tail(&image, &activation).expect("the tail has rules");
        let one =
            |(head, class): (usize, &usize)| tail.gradient(head, *class, Score::Logit).expect("a gradient").gradient;
        classes.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let ready = gradients();
    let maps = feature_maps("target", activation.view()).expect("feature maps");
    let cams = || ready.iter().map(|g| signed_map(Method::GradCam, maps.view(), g.view())).collect::<Vec<_>>();

    let forward_ms = milliseconds(|| drop(black_box(engine.forward(&image))));
    let tail_ms = milliseconds(|| drop(black_box(gradients())));
    let map_ms = milliseconds(|| drop(black_box(cams())));
    let whole = forward_ms + tail_ms + map_ms;
    let name = network.name();
    println!(
        "{name:<36} {whole:>10.3} {forward_ms:>10.3} {tail_ms:>10.3} {map_ms:>10.3} {:>8.1}",
        100.0 * tail_ms / whole
    );
}

/// The median time of one call.
fn milliseconds(mut call: impl FnMut()) -> f64 {
    call();
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < LEAST || times.len() < 5 {
        let before = Instant::now();
        call();
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
