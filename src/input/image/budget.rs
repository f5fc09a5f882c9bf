//! One budget of memory for the photographs that all threads decode: each waits for its share.
//!
//! The files' headers tell how much a photograph will take. One that takes more than the whole budget is decoded while no
//! other is.

use ::image::ImageReader;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes that photographs may take together.
const BUDGET: u64 = 640 << 20;
/// Bytes that a pixel takes on its way from file to network: as decoded, as red, green and blue, and while it is resized.
const PER_PIXEL: u64 = 10;

/// Memory that threads take shares of.
struct Budget {
    bytes: u64,
    lent: Mutex<u64>,
    returned: Condvar,
}

static PHOTOGRAPHS: Budget = Budget::new(BUDGET);

impl Budget {
    const fn new(bytes: u64) -> Budget {
        Budget { bytes, lent: Mutex::new(0), returned: Condvar::new() }
    }

    /// Waits until so many bytes are free, or all of them.
    fn share(&'static self, bytes: u64) -> Share {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |lent: &mut u64| *lent > 0 && lent.saturating_add(bytes) > self.bytes;
        let mut lent = self.returned.wait_while(lent, full).unwrap_or_else(PoisonError::into_inner);
        *lent = lent.saturating_add(bytes);
        Share { budget: self, bytes }
    }
}

/// Memory that is lent to some photographs until it is dropped.
///
/// Whoever holds one must neither ask for another nor wait for other threads, which may be waiting for theirs.
pub struct Share {
    budget: &'static Budget,
    bytes: u64,
}

impl Share {
    /// Waits until there is memory for these image files together. Files that cannot be read take none: whoever decodes them
    /// says what is wrong.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a Path>) -> Share {
        PHOTOGRAPHS.share(files.into_iter().map(bytes).sum())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut lent = self.budget.lent.lock().unwrap_or_else(PoisonError::into_inner);
        *lent = lent.saturating_sub(self.bytes);
        self.budget.returned.notify_all();
    }
}

/// What an image file will take, by its header.
fn bytes(file: &Path) -> u64 {
    let regular = std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file());
    let reader = regular.then(|| ImageReader::open(file).and_then(ImageReader::with_guessed_format).ok()).flatten();
    let size = reader.and_then(|reader| reader.into_dimensions().ok());
    size.map_or(0, |(width, height)| u64::from(width) * u64::from(height) * PER_PIXEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    static SMALL: Budget = Budget::new(100);

    /// Threads that take shares at random never hold more than the budget together, but for one that is alone.
    #[test]
    fn shares_stay_within_the_budget() {
        let held: Mutex<Vec<u64>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let held = &held;
                scope.spawn(move || {
                    let mut random = crate::random::Random::new(7, thread);
                    for _ in 0..500 {
                        let bytes = 1 + random.below(130) as u64;
                        let share = SMALL.share(bytes);
                        {
                            let mut held = held.lock().unwrap();
                            held.push(bytes);
                            assert!(held.len() == 1 || held.iter().sum::<u64>() <= 100, "{held:?}");
                        }
                        std::thread::yield_now();
                        {
                            let mut held = held.lock().unwrap();
                            let place = held.iter().position(|other| *other == bytes).unwrap();
                            held.swap_remove(place);
                        }
                        drop(share);
                    }
                });
            }
        });
        assert_eq!(*SMALL.lent.lock().unwrap(), 0);
    }

    #[test]
    fn a_header_tells_what_a_photograph_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        ::image::RgbImage::new(30, 20).save(&path).unwrap();
        assert_eq!(bytes(&path), 600 * PER_PIXEL);
        assert_eq!(bytes(folder.path()), 0);
        assert_eq!(bytes(Path::new("/nowhere.png")), 0);
    }
}
