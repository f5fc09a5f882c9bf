//! How much is measured: sample sizes of the whole chapter and of its quick version.

/// Sample sizes. All counts of images are per network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Images behind the accuracy of each head.
    pub accuracy: usize,
    /// Images whose heatmaps are measured, in the network and in each of its re-initialised copies.
    pub maps: usize,
    /// Re-initialised copies. Intervals of differences to them narrow with their number, but not below the spread of
    /// random networks; see [`crate::measure::contrast::further_draw`].
    pub copies: usize,
    /// Images whose overlap with the object is compared with the best possible one.
    pub overlaps: usize,
    /// Images whose activations' detail is measured.
    pub detail: usize,
    /// Images of the cascade, and the copies it is averaged over.
    pub cascade: usize,
    pub cascade_copies: usize,
    /// Images that a linear probe is fitted to, and as many that it is tested on.
    pub probe: usize,
    /// Copies that are probed.
    pub probed_copies: usize,
    /// Images of deletion and insertion at each head, and their steps.
    pub perturbed: usize,
    pub steps: usize,
    /// Images of which one attribute after the other is changed.
    pub changed: usize,
    /// Filters of one layer whose kernels are measured.
    pub filters: usize,
    /// Steps of the filters' ascent; `None` for as many as their mode takes.
    pub ascent: Option<usize>,
}

impl Sizes {
    /// The sample sizes of the whole chapter.
    pub const FULL: Sizes = Sizes {
        accuracy: 2000,
        maps: 288,
        copies: 12,
        overlaps: 96,
        detail: 72,
        cascade: 72,
        cascade_copies: 5,
        probe: 288,
        probed_copies: 5,
        perturbed: 48,
        steps: 14,
        changed: 72,
        filters: 128,
        ascent: None,
    };

    /// Smaller ones, for a first look.
    pub const QUICK: Sizes = Sizes {
        accuracy: 300,
        maps: 40,
        copies: 8,
        overlaps: 24,
        detail: 24,
        cascade: 24,
        cascade_copies: 3,
        probe: 72,
        probed_copies: 5,
        perturbed: 6,
        steps: 7,
        changed: 24,
        filters: 64,
        ascent: Some(12),
    };
}
