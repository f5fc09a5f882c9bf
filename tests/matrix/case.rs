//! The files of the matrix, with their truth.

use crate::support::repository;
use convscope::explain::engine::Engine;
use convscope::model::{Head, Network};
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::NpzReader;
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;

/// One network and its exports, as tests/matrix/manifest.json has it.
#[derive(Deserialize)]
pub struct Entry {
    /// The class whose logit is explained, and the number of its output.
    pub class: usize,
    pub head: usize,
    pub exports: Vec<Export>,
    #[serde(default)]
    pub without_rule: String,
}

/// One ONNX file. Layouts are `nchw` or `nhwc`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    pub file: String,
    pub exporter: String,
    pub opset: usize,
    pub input: String,
    /// The graph's outputs, in their order.
    pub outputs: Vec<String>,
    /// Keys of the truth, each with all ONNX values that hold it and the layouts they have in this file.
    pub places: BTreeMap<String, Vec<(String, String)>>,
}

/// All networks by their names.
pub fn manifest() -> BTreeMap<String, Entry> {
    let text = std::fs::read_to_string(repository("tests/matrix/manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// One file, loaded, with its truth.
pub struct Case {
    pub entry: Entry,
    pub number: usize,
    pub truth: BTreeMap<String, ArrayD<f32>>,
    pub network: Network,
}

impl Case {
    /// What the manifest says of this file.
    pub fn export(&self) -> &Export {
        &self.entry.exports[self.number]
    }

    /// The input in the file's own layout.
    pub fn image(&self) -> ArrayD<f32> {
        laid_out(&self.truth["input"], &self.export().input)
    }

    /// Height and width.
    pub fn size(&self) -> (usize, usize) {
        (self.truth["input"].shape()[2], self.truth["input"].shape()[3])
    }

    /// The number and the description of the head that is explained.
    pub fn head(&self) -> Result<(usize, &Head), String> {
        let name = &self.export().outputs[self.entry.head];
        let heads = self.network.heads().iter().enumerate();
        heads.into_iter().find(|(_, head)| head.name == *name).ok_or_else(|| format!("{name} is no head"))
    }

    /// Explains what the program would explain by itself.
    pub fn engine(&self) -> Result<Engine, String> {
        let target = said(self.network.default_target(self.head()?.1))?.tensor;
        said(Engine::new(&self.network, &target, &[], self.size()))
    }
}

/// A result with its message for the list of failures.
pub fn said<T>(result: convscope::error::Result<T>) -> Result<T, String> {
    result.map_err(|cause| cause.to_string())
}

/// Runs a check on every file of the matrix and fails with all that went wrong.
pub fn for_each_file(check: impl Fn(&Case) -> Result<(), String> + Sync) {
    let files: Vec<(String, usize)> = manifest()
        .into_iter()
        .flat_map(|(name, entry)| (0..entry.exports.len()).map(move |i| (name.clone(), i)))
        .collect();
    assert!(files.len() > 60, "only {} files", files.len());
    let one = |(name, number): &(String, usize)| {
        let entry = manifest().remove(name).unwrap();
        let file = entry.exports[*number].file.clone();
        let case = || {
            let mut npz =
                NpzReader::new(File::open(repository(&format!("tests/matrix/truth/{name}.npz"))).unwrap()).unwrap();
            let keys = npz.names().unwrap();
            let truth = keys.iter().map(|key| (key.trim_end_matches(".npy").to_string(), npz.by_name(key).unwrap()));
            let truth = truth.collect();
            let network = said(Network::load(&repository(&format!("tests/matrix/networks/{file}"))))?;
            Ok(Case { entry, number: *number, truth, network })
        };
        case().and_then(|case| check(&case)).err().map(|cause| format!("{file}: {cause}"))
    };
    let failures: Vec<String> = files.par_iter().filter_map(one).collect();
    assert!(failures.is_empty(), "{} of {} files:\n{}", failures.len(), files.len(), failures.join("\n"));
}

/// An array [n, c, h, w] in the layout of that name; others as they are.
pub fn laid_out(array: &ArrayD<f32>, layout: &str) -> ArrayD<f32> {
    match (layout, array.ndim()) {
        ("nhwc", 4) => array.view().permuted_axes(IxDyn(&[0, 2, 3, 1])).as_standard_layout().into_owned(),
        _ => array.clone(),
    }
}
