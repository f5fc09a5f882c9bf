//! An array in a `.npy` file that is written row by row, without ever being in memory as a whole.

use crate::error::{Error, Result};
use ndarray::ArrayD;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes before the values: NumPy's magic word, version 1.0, the header's length, and the header, which is filled with blanks so that the
/// number of rows can be written last. NumPy wants a multiple of 64.
const HEADER: usize = 256;

/// A `.npy` file under way, of float32 in the machine-independent little-endian order. It appears under its name when it is complete.
pub struct NpyRows {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    /// The shape of a row; known from the first one on.
    shape: Option<Vec<usize>>,
    rows: usize,
}

impl NpyRows {
    /// Begins a file, which must not exist, in a folder that is made if it is missing.
    ///
    /// # Errors
    /// A file in the way, or a folder that cannot be written to.
    pub fn create(path: &Path) -> Result<NpyRows> {
        require_absent(path)?;
        let failed = |cause: std::io::Error| Error::writing(path, &cause);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|cause| Error::writing(folder, &cause))?;
        let mut file = BufWriter::new(NamedTempFile::new_in(folder).map_err(failed)?);
        file.write_all(&[b' '; HEADER]).map_err(failed)?;
        Ok(NpyRows { path: path.to_path_buf(), file, shape: None, rows: 0 })
    }

    /// Appends rows: an array whose first axis counts them.
    ///
    /// # Errors
    /// Rows of another shape than the first; a full disk.
    pub fn push(&mut self, rows: &ArrayD<f32>) -> Result<()> {
        let (count, shape) = rows.shape().split_first().map_or((1, &[][..]), |(count, shape)| (*count, shape));
        let known = self.shape.get_or_insert_with(|| shape.to_vec());
        if known != shape {
            return Err(Error::input(format!(
                "{}: a row has the shape {shape:?} and the first one {known:?}; the tensor's size depends on the image",
                self.path.display()
            )));
        }
        for value in rows {
            self.file.write_all(&value.to_le_bytes()).map_err(|cause| Error::writing(&self.path, &cause))?;
        }
        self.rows += count;
        Ok(())
    }

    /// Completes the file; returns its shape.
    ///
    /// # Errors
    /// A file that cannot be written, or that is there by this time.
    pub fn finish(mut self) -> Result<Vec<usize>> {
        let shape: Vec<usize> = std::iter::once(self.rows).chain(self.shape.take().unwrap_or_default()).collect();
        let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
        let comma = if lengths.len() == 1 { "," } else { "" };
        let dictionary =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", lengths.join(", "));
        let length = HEADER - 10;
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend((length as u16).to_le_bytes());
        header.extend(format!("{dictionary:<width$}\n", width = length - 1).into_bytes());
        let failed = |cause: std::io::Error| Error::writing(&self.path, &cause);
        if header.len() != HEADER {
            return Err(Error::input(format!(
                "{}: arrays of {} axes are not written",
                self.path.display(),
                shape.len()
            )));
        }
        let mut file = self.file.into_inner().map_err(|cause| failed(cause.into_error()))?;
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&header)).map_err(failed)?;
        file.persist_noclobber(&self.path).map_err(|cause| failed(cause.error))?;
        Ok(shape)
    }
}

/// Refuses a file that is there already.
///
/// # Errors
/// `Error::Input`, naming the file.
pub fn require_absent(path: &Path) -> Result<()> {
    // A link that leads nowhere is in the way, too.
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(Error::input(format!("{}: is there already; choose another --out", path.display())));
    }
    Ok(())
}

/// Writes a name a line into a file, which must not exist.
///
/// # Errors
/// A file that is there, or that cannot be written.
pub fn write_names(path: &Path, names: &[String]) -> Result<()> {
    require_absent(path)?;
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|cause| Error::writing(path, &cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, Axis, array};
    use ndarray_npy::ReadNpyExt;

    #[test]
    fn rows_come_back_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let mut file = NpyRows::create(&path).unwrap();
        let first = array![[[1.0f32, 2.0], [3.0, 4.0]]];
        let more = array![[[5.0f32, 6.0], [7.0, 8.0]], [[-1.5, 0.25], [9.0, 1e-9]]];
        file.push(&first.clone().into_dyn()).unwrap();
        file.push(&more.clone().into_dyn()).unwrap();
        assert!(file.push(&array![[1.0f32]].into_dyn()).is_err(), "another shape");
        assert!(!path.exists(), "it appears when it is complete");
        assert_eq!(file.finish().unwrap(), [3, 2, 2]);
        let back = Array3::<f32>::read_npy(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(back, ndarray::concatenate![Axis(0), first, more]);
        assert!(NpyRows::create(&path).is_err(), "a file in the way stays");
        assert!(write_names(&path, &["a.png".into()]).unwrap_err().is_input());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
