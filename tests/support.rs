//! What several tests need: running the program, and finding the repository's files.

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
