//! Prints what a network says of every photograph in a folder, and where it looks, a line each:
//! `cargo run --release --example numbers -- onnx/base-mnist.onnx reports/example`.

use convscope::input::files;
use convscope::{Error, Explainer, Explanation, Result};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [model, folder] = arguments.as_slice() else {
        return Err(Error::input("usage: numbers MODEL FOLDER"));
    };
    let explainer = Explainer::load(model)?;
    let photographs = files::images(std::slice::from_ref(folder))?.files;
    let line = |path: &Path, explained: Result<Explanation>| match explained {
        Ok(explanation) => {
            let head = &explanation.heads[0];
            let (x, y) = head.heatmaps[0].peak;
            let label = explainer.label(0, head.predicted);
            format!("{}\t{label}\t{:.4}\t{x:.1}\t{y:.1}", path.display(), head.probability())
        }
        Err(cause) => format!("{}\t{cause}", path.display()),
    };
    println!("file\tclass\tprobability\tpeak x\tpeak y");
    explainer.explain_each(&photographs, line).iter().for_each(|line| println!("{line}"));
    Ok(())
}
