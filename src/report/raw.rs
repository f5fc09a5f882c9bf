//! Arrays as .npy files.

use ndarray::ArrayD;
use ndarray_npy::{WriteNpyError, WriteNpyExt};
use std::io::{Error, Result};

/// The folder beside a page that holds its arrays.
pub const FOLDER: &str = "raw";

/// The bytes of a .npy file with the array, in float32.
///
/// # Errors
/// Never in practice: every array of numbers has a header.
pub fn encode(array: &ArrayD<f32>) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4 * array.len() + 128);
    array.as_standard_layout().write_npy(&mut bytes).map_err(|cause| match cause {
        WriteNpyError::Io(cause) => cause,
        other => Error::other(other),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use ndarray_npy::ReadNpyExt;

    #[test]
    fn an_array_comes_back_as_it_was() {
        let map = array![[1.5f32, -2.0], [0.25, 3.0]];
        let bytes = encode(&map.clone().reversed_axes().into_dyn()).unwrap();
        assert_eq!(Array2::<f32>::read_npy(bytes.as_slice()).unwrap(), map.t());
    }
}
