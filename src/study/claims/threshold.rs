//! The lines between *supported* and not, fixed before anything is measured, each with its reason.

/// Copies below which the spread of random networks is not known well enough to decide.
pub const COPIES: usize = 5;
/// Images below which an interval over images decides nothing.
pub const IMAGES: usize = 20;

/// Claim 1, energy on the object in multiples of chance: half a chance share more than the copies. Less is not seen in
/// a picture.
pub const ATTENTION: f64 = 0.5;
/// Claim 2, the share of the input's side that the deepest convolution or pooling sees: beyond half, shapes as large as
/// the image can be seen.
pub const SHALLOW: f64 = 0.5;
/// Claim 3, the effect of taking maxima in [0, 1]: a change of a fifth of what is shown is plain to the eye.
pub const POOLING: f64 = 0.2;
/// Claim 4, pattern in [0, 1] beyond the copies: white noise scores 0.05 in a 7×7 colour kernel and less in deeper
/// layers; as much again.
pub const PATTERN: f64 = 0.05;
/// Claim 5, mean distance of the filters' colours from their mean, radius 1 being full saturation: a tenth beyond the
/// copies.
pub const COLOR: f64 = 0.1;
/// Claim 6, selectivity in [0, 1] beyond the copies: with ten inputs, a tenth is about one input fewer.
pub const SELECTIVITY: f64 = 0.1;
/// Claim 6 also: inputs that a filter combines. One and a half is the middle between one and two.
pub const COMBINED: f64 = 1.5;
/// Claim 7, 1 − correlation between heads' maps beyond the copies: maps correlated by 0.9 look alike.
pub const HEADS: f64 = 0.1;
/// Claim 8, the share of the mismatch that resizing explains: the cause is what explains more than half.
pub const RESIZING: f64 = 0.5;
/// Claim 8 speaks of maps that follow the shape: at least twice chance.
pub const FOLLOWS: f64 = 2.0;
/// Claim 8 also: a mean mismatch below this is none.
pub const MISMATCH: f64 = 0.1;
/// Claim 10, maps: the same half chance share as claim 1, halved because both networks are trained on the same data.
pub const BETTER_MAPS: f64 = 0.25;
/// Claim 10, accuracy: half a percentage point.
pub const BETTER_ACCURACY: f64 = 0.005;
/// Claim 11, detail as a share of positions: two in a hundred more.
pub const DETAIL: f64 = 0.02;
/// Claim 12, change of the map beyond that of the other heads' maps, in units of correlation.
pub const OWN_ATTRIBUTE: f64 = 0.05;
/// Claim 13, accuracy of the probe beyond the copies: five percentage points.
pub const PROBE: f64 = 0.05;
/// Claim 14, rank correlation left when all weights are new: below one half, most of the map was learned.
pub const SURVIVAL: f64 = 0.5;
/// Claim 15, area between the deletion curves of the best control and the map, scores being probabilities: two
/// percentage points.
pub const DELETION: f64 = 0.02;
