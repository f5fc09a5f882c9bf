//! IDX, the file format of MNIST: a magic number, the dimensions as big-endian u32, then the values, the last index fastest.

use crate::error::{Error, Result};
use crate::file;
use flate2::read::MultiGzDecoder;
use ndarray::{Array1, Array3, ArrayD, IxDyn};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The largest array that is read, in bytes: room for 340,000 images of 28×28, and a bound on what a small gzip file can grow to.
const MAX_BYTES: usize = 1 << 28;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 29;

/// The element type code of unsigned bytes, the third byte of the magic number.
const U8: u8 = 0x08;

/// Reads an IDX file of unsigned bytes, plain or gzip (told apart by the first bytes, not by the name), with any number of dimensions.
///
/// Memory grows with the data that is there, never with what the header declares.
///
/// # Errors
/// `Error::Input`, naming the file: unreadable, not IDX, another element type, more than 256 MiB, too few or too many values.
pub fn read(path: &Path) -> Result<ArrayD<u8>> {
    let mut file = BufReader::new(file::open(path, LARGEST_FILE)?);
    let start = file.fill_buf().map_err(|cause| Error::reading(path, &cause))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        read_from(&mut MultiGzDecoder::new(file), path)
    } else {
        read_from(&mut file, path)
    }
}

fn read_from(reader: &mut impl Read, path: &Path) -> Result<ArrayD<u8>> {
    let bad = |what: String| Error::input(format!("{}: {what}", path.display()));
    let read_failed = |cause: std::io::Error| match cause.kind() {
        ErrorKind::UnexpectedEof => bad("the file is cut short: it ends early; fetch or export it again".into()),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => bad(format!("the gzip data is damaged ({cause})")),
        _ => Error::reading(path, &cause),
    };

    let mut magic = [0u8; 4];
    reader.read_exact(&mut magic).map_err(read_failed)?;
    let [0, 0, element, rank] = magic else {
        return Err(bad(format!(
            "not an IDX file: the magic number is 0x{:08x}, its first two bytes must be zero",
            u32::from_be_bytes(magic)
        )));
    };
    if element != U8 {
        return Err(bad(match element_name(element) {
            Some(name) => format!("holds values of type {name} (code 0x{element:02x}); only u8 (0x08) is read"),
            None => format!("not an IDX file: 0x{element:02x} in the magic number is not an element type"),
        }));
    }
    if rank == 0 {
        return Err(bad("the header declares no dimensions; an array of at least one is needed".into()));
    }

    let mut shape = Vec::with_capacity(usize::from(rank));
    for _ in 0..rank {
        let mut dimension = [0u8; 4];
        reader.read_exact(&mut dimension).map_err(read_failed)?;
        shape.push(u32::from_be_bytes(dimension) as usize);
    }
    let size = shape.iter().try_fold(1usize, |size, dimension| size.checked_mul(*dimension));
    let Some(size) = size.filter(|size| *size <= MAX_BYTES) else {
        return Err(bad(format!(
            "the header declares {} values, more than the 256 MiB that are read; is it damaged?",
            shape_name(&shape)
        )));
    };

    let mut values = Vec::new();
    reader.take(size as u64 + 1).read_to_end(&mut values).map_err(read_failed)?;
    if values.len() < size {
        return Err(bad(format!(
            "the file is cut short: {} values need {size} bytes, {} are there; fetch or export it again",
            shape_name(&shape),
            values.len()
        )));
    }
    if values.len() > size {
        return Err(bad(format!("data follow after the {size} bytes of {} values", shape_name(&shape))));
    }
    ArrayD::from_shape_vec(IxDyn(&shape), values)
        .map_err(|cause| bad(format!("{} values make no array: {cause}", shape_name(&shape))))
}

/// The name of an IDX element type code other than u8.
fn element_name(code: u8) -> Option<&'static str> {
    match code {
        0x09 => Some("i8"),
        0x0b => Some("i16"),
        0x0c => Some("i32"),
        0x0d => Some("f32"),
        0x0e => Some("f64"),
        _ => None,
    }
}

/// A shape as text, such as 60000×28×28.
fn shape_name(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// Writes an IDX file piece by piece.
pub struct Writer<W> {
    /// Where the file will be, for messages.
    path: PathBuf,
    to: W,
    missing: usize,
}

impl<W: Write> Writer<W> {
    /// Writes the header for `shape`.
    ///
    /// # Errors
    /// `Error::Input` when the shape does not fit IDX (no dimensions, more than 255, or one beyond u32); `Error::Other` when writing
    /// fails.
    pub fn new(mut to: W, path: &Path, shape: &[usize]) -> Result<Writer<W>> {
        let refused = || {
            let shape = shape_name(shape);
            Error::input(format!("{}: an array of shape [{shape}] does not fit the IDX format", path.display()))
        };
        let rank = u8::try_from(shape.len()).ok().filter(|rank| *rank > 0).ok_or_else(refused)?;
        let mut header = vec![0, 0, U8, rank];
        let mut missing = 1usize;
        for dimension in shape {
            header.extend(u32::try_from(*dimension).map_err(|_| refused())?.to_be_bytes());
            missing = missing.checked_mul(*dimension).ok_or_else(refused)?;
        }
        to.write_all(&header).map_err(|cause| Error::writing(path, &cause))?;
        Ok(Writer { path: path.to_path_buf(), to, missing })
    }

    /// Appends values in row-major order.
    ///
    /// # Errors
    /// More values than the header declares; a failure to write.
    pub fn push(&mut self, values: &[u8]) -> Result<()> {
        self.missing = self.missing.checked_sub(values.len()).ok_or_else(|| {
            Error::other(format!("{}: more values are written than its header declares", self.path.display()))
        })?;
        self.to.write_all(values).map_err(|cause| Error::writing(&self.path, &cause))
    }

    /// What was written to, when all values are there.
    ///
    /// # Errors
    /// Fewer values than the header declares.
    pub fn finish(self) -> Result<W> {
        match self.missing {
            0 => Ok(self.to),
            missing => Err(Error::other(format!("{}: {missing} of its values were not written", self.path.display()))),
        }
    }
}

/// The two parts of MNIST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// 60,000 images.
    Train,
    /// 10,000 images.
    Test,
}

/// Images with their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// [N, height, width], 0..=255, white ink on black.
    pub images: Array3<u8>,
    /// [N], each 0..=9.
    pub labels: Array1<u8>,
}

/// Reads one part of MNIST from a folder with the four standard file names, each plain or with `.gz`.
///
/// # Errors
/// `Error::Input` for a missing or damaged file, or images and labels that do not fit together.
pub fn mnist(folder: &Path, split: Split) -> Result<Labelled> {
    let prefix = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images_path = standard_file(folder, &format!("{prefix}-images-idx3-ubyte"))?;
    let labels_path = standard_file(folder, &format!("{prefix}-labels-idx1-ubyte"))?;
    let wrong = |path: &Path, shape: &[usize], wanted: &str| {
        Error::input(format!("{}: holds an array of shape {}, expected {wanted}", path.display(), shape_name(shape)))
    };

    let images = read(&images_path)?;
    let shape = images.shape().to_vec();
    let images = images.into_dimensionality().map_err(|_| wrong(&images_path, &shape, "N×28×28"))?;
    if shape.get(1..) != Some(&[28, 28]) {
        return Err(wrong(&images_path, &shape, "N×28×28"));
    }
    let labels = read(&labels_path)?;
    let label_shape = labels.shape().to_vec();
    let count = shape_name(&shape[..1]);
    let labels: Array1<u8> =
        labels.into_dimensionality().map_err(|_| wrong(&labels_path, &label_shape, &format!("{count} labels")))?;
    if label_shape[0] != shape[0] {
        return Err(wrong(&labels_path, &label_shape, &format!("{count}, the number of images")));
    }
    if let Some(position) = labels.iter().position(|label| *label > 9) {
        let label = labels[position];
        return Err(Error::input(format!("{}: label {position} is {label}, not a digit", labels_path.display())));
    }
    Ok(Labelled { images, labels })
}

/// The path of a file that may be there plain or compressed.
fn standard_file(folder: &Path, name: &str) -> Result<PathBuf> {
    let plain = folder.join(name);
    let compressed = folder.join(format!("{name}.gz"));
    [plain, compressed].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::input(format!(
            "{}: has neither {name} nor {name}.gz; name the folder of MNIST's files",
            folder.display()
        ))
    })
}

#[cfg(test)]
mod tests;
