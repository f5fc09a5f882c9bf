//! The networks that the Python package `onnx` ships for its own tests: real architectures whose weights are made by
//! ConstantOfShape. They come with the package, so the test needs it installed: `CONVSCOPE_ONNX_LIGHT` names their folder, else
//! the package of `python3` is asked.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{convscope, message};

/// Parameters of each, with four numbers for each channel of a normalisation. Those of AlexNet, SqueezeNet 1.1 and VGG-19 are what
/// Caffe and torchvision state, those of ResNet-50 what is stated and 53,120 means and variances.
const NETWORKS: [(&str, &str); 9] = [
    ("light_bvlc_alexnet", "60,965,224"),
    ("light_densenet121", "8,146,152"),
    ("light_inception_v1", "6,998,552"),
    ("light_inception_v2", "11,234,792"),
    ("light_resnet50", "25,610,152"),
    ("light_shufflenet", "1,420,152"),
    ("light_squeezenet", "1,235,496"),
    ("light_vgg19", "143,667,240"),
    ("light_zfnet512", "87,250,536"),
];

fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CONVSCOPE_ONNX_LIGHT") {
        return Some(PathBuf::from(named));
    }
    let script = "import os, onnx.backend.test as t; print(os.path.join(os.path.dirname(t.__file__), 'data', 'light'))";
    let asked = Command::new("python3").args(["-c", script]).output().ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim()))
}

#[test]
fn networks_with_computed_weights_are_read() {
    let Some(light) = folder().filter(|folder| folder.is_dir()) else {
        println!("skipped: the Python package onnx is not installed, and CONVSCOPE_ONNX_LIGHT names no folder");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let photo = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 4, y as u8 * 5, 90]));
    photo.save(scratch.path().join("photo.png")).unwrap();
    for (name, parameters) in NETWORKS {
        let file = light.join(format!("{name}.onnx"));
        let file = file.to_str().unwrap();
        let output = convscope(scratch.path(), &["inspect", file]);
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", message(&output));
        assert!(table.contains(parameters), "{name}: {table}");
        let output = convscope(scratch.path(), &["explain", file, "photo.png", "--quiet"]);
        let said = message(&output);
        let refused = said.contains("too large to be run without weights");
        assert!(output.status.code() == Some(0) || (output.status.code() == Some(2) && refused), "{name}: {said}");
        println!("{name}: {}", if refused { "listed, and not run for want of weights" } else { "explained" });
    }
}
