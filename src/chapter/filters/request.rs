//! What a page shows of one convolution's filters.

use crate::explain::filters::AscentRequest;
use crate::visualize::filter::Objective;

/// Layers of at most this many filters show the inputs that excite each most without being asked.
pub const FEW: usize = 16;

/// What is shown of one convolution, and how.
pub struct Request<'a> {
    /// What ids of figures begin with.
    pub section: &'a str,
    /// The network, the layer, and how its filters are sought.
    pub ascent: AscentRequest<'a>,
    /// The filters to show; all of them if `None`.
    pub filters: Option<&'a [usize]>,
    /// What grows; `None` for the channel, and for first layers the unit beside it.
    pub objective: Option<Objective>,
    /// Show the inputs that excite each filter most, whatever the number of filters.
    pub top_inputs: bool,
}
