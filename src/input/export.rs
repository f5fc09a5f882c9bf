//! Writes generated data sets as IDX files, one image at a time.

use crate::error::{Error, Result};
use crate::input::{digit, idx, line};
use crate::output::{Claims, Destination, Writing};

const LINE_IMAGES: &str = "line-images-idx4-ubyte";
const LINE_LABELS: &str = "line-labels-idx2-ubyte";
const DIGIT_IMAGES: &str = "images-idx3-ubyte";
const DIGIT_LABELS: &str = "labels-idx1-ubyte";

/// The files that [`lines`] writes.
pub fn line_claims() -> Claims {
    Claims { files: vec![LINE_IMAGES, LINE_LABELS], folders: Vec::new() }
}

/// The files that [`digits`] writes.
pub fn digit_claims() -> Claims {
    Claims { files: vec![DIGIT_IMAGES, DIGIT_LABELS], folders: Vec::new() }
}

/// Writes `per_class` lines of each of the 96 classes, in the order of [`line::samples`], into a folder:
/// `line-images-idx4-ubyte` (u8, N×28×28×3) and `line-labels-idx2-ubyte` (u8, N×4: length, width, color, angle). Returns N.
///
/// # Errors
/// `Error::Input` when the number does not fit the format; `Error::Other` when writing fails. The files appear when the
/// destination is published.
pub fn lines(to: &mut Destination, seed: u64, per_class: usize) -> Result<usize> {
    let count = total(per_class, line::CLASSES)?;
    let mut files = Files::create(to, (LINE_IMAGES, &[count, line::SIDE, line::SIDE, 3]), (LINE_LABELS, &[count, 4]))?;
    for sample in line::samples(seed, count) {
        let line::Attributes { length, width, color, angle } = sample.attributes;
        files.push(sample.image.as_slice(), &[length as u8, width as u8, color as u8, angle as u8])?;
    }
    files.keep(to)?;
    Ok(count)
}

/// Writes `per_class` drawn digits of each of the ten classes, in the order of [`digit::samples`], into a folder:
/// `images-idx3-ubyte` (u8, N×28×28, white ink on black) and `labels-idx1-ubyte` (u8, N). Returns N.
///
/// # Errors
/// As [`lines`].
pub fn digits(to: &mut Destination, seed: u64, per_class: usize) -> Result<usize> {
    let count = total(per_class, digit::CLASSES)?;
    let mut files = Files::create(to, (DIGIT_IMAGES, &[count, digit::SIDE, digit::SIDE]), (DIGIT_LABELS, &[count]))?;
    for sample in digit::samples(seed, count) {
        files.push(sample.image.as_slice(), &[sample.label as u8])?;
    }
    files.keep(to)?;
    Ok(count)
}

/// The number of images; IDX counts them in 32 bits.
fn total(per_class: usize, classes: usize) -> Result<usize> {
    per_class.checked_mul(classes).filter(|count| u32::try_from(*count).is_ok()).ok_or_else(|| {
        Error::input(format!("{per_class} images of each of {classes} classes are more than an IDX file can count"))
    })
}

/// A file of images and the file of their labels.
struct Files {
    images: idx::Writer<Writing>,
    labels: idx::Writer<Writing>,
}

impl Files {
    fn create(to: &Destination, images: (&str, &[usize]), labels: (&str, &[usize])) -> Result<Files> {
        Ok(Files {
            images: idx::Writer::new(to.create(images.0)?, &to.path(images.0), images.1)?,
            labels: idx::Writer::new(to.create(labels.0)?, &to.path(labels.0), labels.1)?,
        })
    }

    fn push(&mut self, image: Option<&[u8]>, labels: &[u8]) -> Result<()> {
        let image = image.ok_or_else(|| Error::other("a generated image is not in row-major order"))?;
        self.images.push(image)?;
        self.labels.push(labels)
    }

    fn keep(self, to: &mut Destination) -> Result<()> {
        to.keep(self.images.finish()?)?;
        to.keep(self.labels.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What `write` makes in a folder.
    fn made(folder: &Path, claims: Claims, write: impl FnOnce(&mut Destination) -> Result<usize>) -> Result<usize> {
        let mut destination = Destination::open(folder, claims)?;
        let count = write(&mut destination)?;
        destination.publish()?;
        Ok(count)
    }

    #[test]
    fn lines_are_written_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("made/as/needed");
        assert_eq!(made(&out, line_claims(), |to| lines(to, 5, 2)).unwrap(), 192);
        let images = idx::read(&out.join("line-images-idx4-ubyte")).unwrap();
        let labels = idx::read(&out.join("line-labels-idx2-ubyte")).unwrap();
        assert_eq!((images.shape(), labels.shape()), (&[192, 28, 28, 3][..], &[192, 4][..]));
        let last = line::sample(5, 95, 1);
        assert_eq!(images.index_axis(ndarray::Axis(0), 191), last.image.into_dyn());
        assert_eq!(labels.index_axis(ndarray::Axis(0), 191).iter().copied().collect::<Vec<_>>(), [1, 1, 1, 11]);
        assert_eq!(labels.index_axis(ndarray::Axis(0), 96 + 13).iter().copied().collect::<Vec<_>>(), [0, 0, 1, 1]);
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 3, "no temporary file stays");
    }

    #[test]
    fn digits_are_written_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(made(folder.path(), digit_claims(), |to| digits(to, 5, 3)).unwrap(), 30);
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
            let refused = made(folder.path(), digit_claims(), |to| digits(to, 1, per_class));
            assert!(matches!(refused, Err(Error::Input(_))));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
