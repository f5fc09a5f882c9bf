//! Arrays as .npy files.

use crate::error::{Error, Result};
use ndarray::ArrayD;
use ndarray_npy::WriteNpyExt;
use std::path::Path;

/// Writes each array to `<name>.npy` in a folder, in float32; each file is written beside its place and then renamed.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, arrays: &[(String, ArrayD<f32>)]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| Error::writing(folder, &cause))?;
    for (name, array) in arrays {
        let path = folder.join(format!("{name}.npy"));
        // Opened with File::create_new, the file gets the usual permissions; tempfile's own would be readable by the owner alone.
        let file = tempfile::Builder::new()
            .make_in(folder, |path| std::fs::File::create_new(path))
            .map_err(|cause| Error::writing(&path, &cause))?;
        let failed =
            |cause: &dyn std::fmt::Display| Error::other(format!("{}: cannot be written: {cause}", path.display()));
        array
            .as_standard_layout()
            .write_npy(std::io::BufWriter::new(file.as_file()))
            .map_err(|cause| failed(&cause))?;
        file.persist(&path).map_err(|cause| failed(&cause.error))?;
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
        write(folder.path(), &[("map".into(), map.clone().reversed_axes().into_dyn())]).unwrap();
        let back = Array2::<f32>::read_npy(std::fs::File::open(folder.path().join("map.npy")).unwrap()).unwrap();
        assert_eq!(back, map.t());
    }
}
