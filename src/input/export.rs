//! Writes generated data sets as IDX files, one image at a time.

use crate::error::{Error, Result};
use crate::input::{digit, idx, line};
use std::path::Path;

/// Writes `per_class` lines of each of the 96 classes, in the order of [`line::samples`], into a folder (made if missing):
/// `line-images-idx4-ubyte` (u8, N×28×28×3) and `line-labels-idx2-ubyte` (u8, N×4: length, width, color, angle). Returns N.
///
/// # Errors
/// `Error::Input` when the number does not fit the format; `Error::Other` when writing fails. Then neither file is there.
pub fn lines(folder: &Path, seed: u64, per_class: usize) -> Result<usize> {
    let count = total(per_class, line::CLASSES)?;
    let mut files = Files::create(
        folder,
        ("line-images-idx4-ubyte", &[count, line::SIDE, line::SIDE, 3]),
        ("line-labels-idx2-ubyte", &[count, 4]),
    )?;
    for sample in line::samples(seed, count) {
        let line::Attributes { length, width, color, angle } = sample.attributes;
        files.push(sample.image.as_slice(), &[length as u8, width as u8, color as u8, angle as u8])?;
    }
    files.publish()?;
    Ok(count)
}

/// Writes `per_class` drawn digits of each of the ten classes, in the order of [`digit::samples`], into a folder (made if missing):
/// `images-idx3-ubyte` (u8, N×28×28, white ink on black) and `labels-idx1-ubyte` (u8, N). Returns N.
///
/// # Errors
/// As [`lines`].
pub fn digits(folder: &Path, seed: u64, per_class: usize) -> Result<usize> {
    let count = total(per_class, digit::CLASSES)?;
    let mut files = Files::create(
        folder,
        ("images-idx3-ubyte", &[count, digit::SIDE, digit::SIDE]),
        ("labels-idx1-ubyte", &[count]),
    )?;
    for sample in digit::samples(seed, count) {
        files.push(sample.image.as_slice(), &[sample.label as u8])?;
    }
    files.publish()?;
    Ok(count)
}

/// The number of images; IDX counts them in 32 bits.
fn total(per_class: usize, classes: usize) -> Result<usize> {
    per_class.checked_mul(classes).filter(|count| u32::try_from(*count).is_ok()).ok_or_else(|| {
        Error::input(format!("{per_class} images of each of {classes} classes are more than an IDX file can count"))
    })
}

/// A file of images and the file of their labels, which appear together or not at all.
struct Files {
    images: idx::Writer,
    labels: idx::Writer,
}

impl Files {
    fn create(folder: &Path, images: (&str, &[usize]), labels: (&str, &[usize])) -> Result<Files> {
        std::fs::create_dir_all(folder).map_err(|cause| Error::writing(folder, &cause))?;
        Ok(Files {
            images: idx::Writer::create(&folder.join(images.0), images.1)?,
            labels: idx::Writer::create(&folder.join(labels.0), labels.1)?,
        })
    }

    fn push(&mut self, image: Option<&[u8]>, labels: &[u8]) -> Result<()> {
        let image = image.ok_or_else(|| Error::other("a generated image is not in row-major order"))?;
        self.images.push(image)?;
        self.labels.push(labels)
    }

    fn publish(self) -> Result<()> {
        let (images, labels) = (self.images.finish()?, self.labels.finish()?);
        images.publish()?;
        labels.publish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("made/as/needed");
        assert_eq!(lines(&out, 5, 2).unwrap(), 192);
        let images = idx::read(&out.join("line-images-idx4-ubyte")).unwrap();
        let labels = idx::read(&out.join("line-labels-idx2-ubyte")).unwrap();
        assert_eq!((images.shape(), labels.shape()), (&[192, 28, 28, 3][..], &[192, 4][..]));
        let last = line::sample(5, 95, 1);
        assert_eq!(images.index_axis(ndarray::Axis(0), 191), last.image.into_dyn());
        assert_eq!(labels.index_axis(ndarray::Axis(0), 191).iter().copied().collect::<Vec<_>>(), [1, 1, 1, 11]);
        assert_eq!(labels.index_axis(ndarray::Axis(0), 96 + 13).iter().copied().collect::<Vec<_>>(), [0, 0, 1, 1]);
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 2, "no temporary file stays");
    }

    #[test]
    fn digits_are_written_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(digits(folder.path(), 5, 3).unwrap(), 30);
        let images = idx::read(&folder.path().join("images-idx3-ubyte")).unwrap();
        let labels = idx::read(&folder.path().join("labels-idx1-ubyte")).unwrap();
        assert_eq!((images.shape(), labels.shape()), (&[30, 28, 28][..], &[30][..]));
        assert_eq!(labels[[27]], 7);
        assert_eq!(images.index_axis(ndarray::Axis(0), 27), digit::sample(5, 7, 2).image.into_dyn());
    }

    #[test]
    fn more_images_than_idx_can_count_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for per_class in [usize::MAX, 1 << 29] {
            assert!(matches!(digits(folder.path(), 1, per_class), Err(Error::Input(_))));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
