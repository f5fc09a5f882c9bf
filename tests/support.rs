//! What several tests need: running the program, and finding the repository's files.

use crate::fixture::Fixture;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs the program in a folder and waits for it.
pub fn convscope(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_convscope");
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_remove("CONVSCOPE_MNIST")
        .output()
        .expect("the program starts")
}

/// What the program said on stderr.
pub fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_string()
}

/// The six bundled networks, by file stem.
pub const NETWORKS: [&str; 6] = ["base-line", "base-mnist", "variation-1", "variation-2", "variation-3", "deep-line"];

/// The path of a bundled network.
pub fn network(stem: &str) -> PathBuf {
    repository(&format!("onnx/{stem}.onnx"))
}

/// A network of two convolutions, `conv1` and `conv2`, over images of 8×8 pixels, with three classes of these labels (a list in JSON).
pub fn small(labels: &str) -> Vec<u8> {
    let mut fixture = Fixture::new("x", &[1, 3, 8, 8]);
    fixture.conv("x", "conv1", [2, 3, 3, 3], vec![]).node("Relu", &["conv1"], "relu1", vec![]);
    fixture.conv("relu1", "conv2", [2, 2, 3, 3], vec![]).node("Relu", &["conv2"], "relu2", vec![]);
    fixture.node("GlobalAveragePool", &["relu2"], "pool", vec![]).node("Flatten", &["pool"], "flat", vec![]);
    fixture.dense("flat", "y", 2, 3).output("y").metadata("labels", labels);
    fixture.bytes()
}

/// A folder with that network as `net.onnx` and two photographs, `a.png` and `b.png`.
pub fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("net.onnx"), small(r#"["cat", "dog", "bird"]"#)).expect("the network is written");
    for (name, blue) in [("a.png", 10), ("b.png", 200)] {
        let pixel = |x: u32, y: u32| image::Rgb([(x * 12) as u8, (y * 15) as u8, blue]);
        image::RgbImage::from_fn(20, 16, pixel).save(folder.path().join(name)).expect("the photograph is written");
    }
    folder
}

/// Runs a line of the shell in a folder; `$0` is the program.
#[cfg(unix)]
pub fn shell(folder: &Path, line: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_convscope")]).current_dir(folder).env_remove("CONVSCOPE_MNIST");
    command.output().expect("the shell starts")
}
