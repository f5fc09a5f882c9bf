//! The margins, fixed before anything is measured, each with its reason.

use crate::study::claims::Margin;

/// Images below which an interval over images decides nothing.
pub const IMAGES: usize = 20;

/// Energy on the object beyond the copies', in multiples of chance: less than half a chance share is not seen in a
/// picture.
pub const ATTENTION: Margin = Margin::above(0.5);
/// The share of the input's side that the deepest convolution or pooling sees: from half of it on, shapes as large as
/// the image can be seen.
pub const SHALLOW: Margin = Margin::below(0.5);
/// The effect of taking maxima in [0, 1]: a change of a fifth of what is shown is plain to the eye.
pub const POOLING: Margin = Margin::above(0.2);
/// Pattern beyond the copies', in multiples of what white noise of the same kernel size has: as much again.
pub const PATTERN: Margin = Margin::above(1.0);
/// Mean distance of the filters' colours from their mean beyond the copies', radius 1 being full saturation: a tenth.
pub const COLOR: Margin = Margin::above(0.1);
/// Selectivity in [0, 1] beyond the copies': with ten inputs, a tenth is about one input fewer.
pub const SELECTIVITY: Margin = Margin::above(0.1);
/// Inputs that a filter combines: one and a half is the middle between one and two.
pub const COMBINED: Margin = Margin::above(1.5);
/// 1 − correlation between heads' maps beyond the copies': maps correlated by 0.9 look alike.
pub const HEADS: Margin = Margin::above(0.1);
/// The share of the mismatch that resizing explains: the cause is what explains more than half.
pub const RESIZING: Margin = Margin::above(0.5);
/// Maps that follow the shape have at least twice chance on it.
pub const FOLLOWS: f64 = 2.0;
/// A mean mismatch below this is none.
pub const MISMATCH: Margin = Margin::above(0.1);
/// Maps of one trained network beyond another's: half of [`ATTENTION`], because both are trained on the same data.
pub const BETTER_MAPS: Margin = Margin::above(0.25);
/// Accuracy of one network beyond another's: half a percentage point.
pub const BETTER_ACCURACY: Margin = Margin::above(0.005);
/// Detail as a share of positions: two in a hundred more.
pub const DETAIL: Margin = Margin::above(0.02);
/// Change of a head's map beyond that of the other heads' maps, in units of correlation.
pub const OWN_ATTRIBUTE: Margin = Margin::above(0.05);
/// A probe's accuracy beyond the copies', rescaled so that chance is 0 and perfect 1: a twentieth of the way.
pub const SEPARATION: Margin = Margin::above(0.05);
/// Rank correlation left when all weights are new: below one half, most of the map was learned.
pub const SURVIVAL: Margin = Margin::below(0.5);
/// Area between the deletion curves of the best control and of the map, scores being probabilities: two percentage
/// points.
pub const DELETION: Margin = Margin::above(0.02);
