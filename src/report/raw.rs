//! Arrays as .npy files.

use crate::error::{Error, Result};
use ndarray::ArrayD;
use ndarray_npy::WriteNpyExt;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// The folder beside a page that holds its arrays.
pub const FOLDER: &str = "raw";

/// Writes each array to `<name>.npy` in a new folder, in float32.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write(folder: &Path, arrays: &[(String, ArrayD<f32>)]) -> Result<()> {
    std::fs::create_dir(folder).map_err(|cause| Error::writing(folder, &cause))?;
    for (name, array) in arrays {
        let path = folder.join(format!("{name}.npy"));
        let file = File::create(&path).map_err(|cause| Error::writing(&path, &cause))?;
        let written = array.as_standard_layout().write_npy(BufWriter::new(file));
        written.map_err(|cause| Error::other(format!("{}: cannot be written: {cause}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use ndarray_npy::ReadNpyExt;

    #[test]
    fn an_array_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let map = array![[1.5f32, -2.0], [0.25, 3.0]];
        write(&folder.path().join("raw"), &[("map".into(), map.clone().reversed_axes().into_dyn())]).unwrap();
        let back = Array2::<f32>::read_npy(std::fs::File::open(folder.path().join("raw/map.npy")).unwrap()).unwrap();
        assert_eq!(back, map.t());
    }
}
