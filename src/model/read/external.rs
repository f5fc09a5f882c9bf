//! Weights in files beside the model: which bytes they are, and reading them into the model.
//!
//! ONNX forbids that a model names files outside its own folder; a model from somewhere must not read the files of whoever
//! looks at it. What the folder itself links to is followed, as the links are its owner's: a download cache keeps models so,
//! with the file and its weights as links to where they lie.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tract_onnx::pb::{self, tensor_proto::DataLocation, tensor_proto::DataType};

/// What is wrong with a tensor's external data.
pub(crate) enum Problem {
    /// The file of this name is not there.
    Missing(String),
    Wrong(String),
}

/// Whether a tensor's numbers lie in another file.
pub(crate) fn is_external(tensor: &pb::TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// Reads all external data from the model's folder into the model. What cannot be read stays external; [`problem`] says why.
pub(crate) fn embed(proto: &mut pb::ModelProto, folder: &Path) {
    let Some(graph) = &mut proto.graph else { return };
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let constants = attributes.flat_map(|attribute| attribute.t.iter_mut().chain(&mut attribute.tensors));
    for tensor in graph.initializer.iter_mut().chain(constants).filter(|tensor| is_external(tensor)) {
        let bytes = Part::of(tensor, folder).ok().and_then(|part| part.read().ok());
        if let Some(bytes) = bytes {
            tensor.raw_data = bytes;
            tensor.data_location = None;
            tensor.external_data.clear();
        }
    }
}

/// Why an external tensor was not read.
pub(crate) fn problem(tensor: &pb::TensorProto, folder: &Path) -> Problem {
    let unread = |part: Part| Problem::Wrong(format!("cannot be read from `{}`", part.location));
    Part::of(tensor, folder).map_or_else(|problem| problem, unread)
}

/// Part of a file.
struct Part {
    /// As the model names the file.
    location: String,
    path: PathBuf,
    offset: u64,
    length: u64,
}

impl Part {
    /// The bytes that a tensor names.
    fn of(tensor: &pb::TensorProto, folder: &Path) -> Result<Part, Problem> {
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let number = |key: &str| {
            let value = entry(key).map(|text| text.parse::<u64>());
            value.transpose().map_err(|_| Problem::Wrong(format!("has an external {key} that is no number")))
        };
        let Some(location) = entry("location") else {
            return Err(Problem::Wrong("lies in an external file that is not named".into()));
        };
        let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !Path::new(location).components().all(inside) {
            let what = format!("lies outside the model's folder, in `{location}`, which is not allowed");
            return Err(Problem::Wrong(what));
        }
        let path = folder.join(location);
        let Ok(metadata) = std::fs::metadata(&path) else {
            return Err(Problem::Missing(location.clone()));
        };
        if !metadata.is_file() {
            return Err(Problem::Wrong(format!("lies in `{location}`, which is no file")));
        }
        let offset = number("offset")?.unwrap_or(0);
        let rest = metadata.len().checked_sub(offset);
        let length = number("length")?.or(rest).unwrap_or(0);
        let expected = elements(&tensor.dims).zip(width(tensor.data_type)).map(|(count, width)| (count * width) as u64);
        if rest.is_none_or(|rest| length > rest) || expected.is_some_and(|expected| expected != length) {
            let what = format!("is not the {length} bytes from {offset} of `{location}`: the file was cut or changed");
            return Err(Problem::Wrong(what));
        }
        Ok(Part { location: location.clone(), path, offset, length })
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(self.length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Largest number of elements a tensor may declare (4 GiB of float32).
const LARGEST_TENSOR: usize = 1 << 30;

/// The number of elements, unless the shape is negative or out of all proportion.
pub(crate) fn elements(dims: &[i64]) -> Option<usize> {
    let product = dims.iter().try_fold(1usize, |product, &dim| {
        let dim = usize::try_from(dim).ok().filter(|_| dim <= 1 << 40)?;
        product.checked_mul(dim)
    })?;
    (product <= LARGEST_TENSOR).then_some(product)
}

/// Bytes per element of the types whose raw data can be checked.
pub(crate) fn width(element: i32) -> Option<usize> {
    match DataType::try_from(element).ok()? {
        DataType::Float | DataType::Int32 | DataType::Uint32 => Some(4),
        DataType::Double | DataType::Int64 | DataType::Uint64 => Some(8),
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => Some(2),
        DataType::Uint8 | DataType::Int8 | DataType::Bool => Some(1),
        _ => None,
    }
}
