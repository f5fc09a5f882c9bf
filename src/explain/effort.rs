//! How large a check of gradients may be: counted in multiplications and numbers, never in seconds, so that the same network
//! is always checked alike.

use crate::explain::engine::{Engine, Extent};
use crate::model::Network;

/// Images that are checked at most; more would add time and no information.
pub const IMAGES: usize = 4;
/// Single elements of a gradient that are checked for each image and head.
pub const ELEMENTS: usize = 48;
/// Directions for each image and head below which images are saved first, and heads at last.
const LEAST: usize = 16;
/// Directions below which a check proves nothing.
const FEWEST: usize = 2;

/// Runs behind the target that a direction takes, a little more than two where some are on a kink.
const PER_DIRECTION: f64 = 3.0;
/// Runs behind the target that a sample takes besides: its centre, and the gradient there and back.
const PER_SAMPLE: f64 = 4.0;
/// Samples for each image and head: whole channels and single elements.
const SAMPLES: f64 = 2.0;

/// What a check is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A part of a page, which should not wait for it.
    Page,
    /// What the user asked for: a network whose weights are in its file may take the longer, the larger it is.
    Command,
}

impl Effort {
    /// Multiplications that may be made, and numbers that may be held behind the target for one image, of a network with so many
    /// parameters.
    fn limit(self, parameters: f64) -> Extent {
        let each = if self == Effort::Command { parameters } else { 0.0 };
        Extent { work: 6e9 + 8_192.0 * each, values: 16_777_216.0 + 64.0 * each }
    }
}

/// How many of what are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub images: usize,
    pub heads: usize,
    /// Of each image and head, for whole channels as well as for single elements.
    pub directions: usize,
    /// The directions of a check that leaves nothing out.
    wanted: usize,
}

impl Sample {
    /// The sample that an effort affords, or why it affords none.
    ///
    /// # Errors
    /// The part of the network behind the target is too large to be run even a few times.
    pub fn affordable(network: &Network, engine: &Engine, effort: Effort) -> Result<Sample, String> {
        let parameters: f64 = network.layers().iter().map(|layer| layer.parameters as f64).sum();
        let (behind, limit) = (engine.behind(), effort.limit(parameters));
        let wanted = engine.target_channels().max(ELEMENTS);
        let sample = Sample::within(behind, limit, network.heads().len(), wanted);
        sample.ok_or_else(|| {
            format!(
                "it was not checked against differences, as the part of the network behind the target holds {:.1e} numbers and takes {:.1e} multiplications for each of the runs that this needs",
                behind.values, behind.work
            )
        })
    }

    /// The largest sample of a network of so many heads whose runs stay within a limit.
    fn within(behind: Extent, limit: Extent, heads: usize, wanted: usize) -> Option<Sample> {
        let runs = limit.work / behind.work.max(1.0);
        let directions = |images: usize, heads: usize| {
            ((runs / (images * heads) as f64 / SAMPLES - PER_SAMPLE) / PER_DIRECTION).max(0.0) as usize
        };
        let some = |images: usize, heads: usize, least: usize| {
            let directions = directions(images, heads).min(wanted);
            (directions >= least).then_some(Sample { images, heads, directions, wanted })
        };
        let fewer_images = (1..=IMAGES).rev().find_map(|images| some(images, heads, LEAST));
        let fewer_heads = || (1..=heads).rev().find_map(|heads| some(1, heads, FEWEST));
        fewer_images.or_else(fewer_heads).filter(|_| behind.values <= limit.values)
    }

    /// What is not checked of a network of so many heads, in a sentence.
    pub fn left_out(&self, heads: usize) -> Option<String> {
        let several = if heads == 1 { String::new() } else { format!(" and {} of {heads} heads", self.heads) };
        let whole = self.images == IMAGES && self.heads == heads && self.directions == self.wanted;
        (!whole).then(|| {
            format!(
                "to stay within a fixed number of multiplications, at most {} images{several} were checked, each in at most {} directions of both kinds",
                self.images, self.directions
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Extent = Extent { work: 1e6, values: 1e6 };

    fn sample(work: f64, heads: usize) -> Option<Sample> {
        Sample::within(Extent { work, values: 1.0 }, LIMIT, heads, 64)
    }

    /// Images, heads and directions.
    fn counts(sample: Option<Sample>) -> [usize; 3] {
        sample.map_or([0; 3], |found| [found.images, found.heads, found.directions])
    }

    #[test]
    fn what_can_be_afforded_is_checked() {
        assert_eq!(counts(sample(1.0, 3)), [4, 3, 64]);
        // 500 runs for 4 images and 2 samples: 62, less 4, of 3 each.
        assert_eq!(counts(sample(2000.0, 1)), [4, 1, 19]);
        // 166 runs: 16 directions take 2 · 52 for an image.
        assert_eq!(counts(sample(6000.0, 1)), [1, 1, 26]);
        // 50 runs for 2 samples of each of the heads that are left: 2 directions take 10.
        assert_eq!(counts(sample(20_000.0, 5)), [1, 2, 2]);
        assert_eq!(sample(51_000.0, 1), None, "19 runs");
        assert_eq!(Sample::within(Extent { work: 1.0, values: 2e6 }, LIMIT, 1, 64), None);
    }

    /// The runs that a sample takes are never more than the limit.
    #[test]
    fn the_limit_is_kept() {
        for heads in [1, 2, 7, 100] {
            for power in 0..60 {
                let work = 1.3f64.powi(power);
                let Some(found) = sample(work, heads) else { continue };
                let each = PER_SAMPLE + PER_DIRECTION * found.directions as f64;
                let runs = (found.images * found.heads) as f64 * SAMPLES * each;
                assert!(runs * work <= LIMIT.work, "{found:?} at {work}");
            }
        }
    }

    #[test]
    fn what_is_left_out_is_said() {
        let whole = Sample { images: IMAGES, heads: 2, directions: 64, wanted: 64 };
        assert_eq!(whole.left_out(2), None);
        let some = Sample { images: 1, heads: 2, directions: 5, wanted: 64 };
        assert!(some.left_out(9).unwrap().contains("at most 1 images and 2 of 9 heads were checked"));
    }
}
