//! What each filter of a network looks for: kernels, ascended images and the natural inputs beside them, as figures with
//! their numbers.

mod choice;
mod command;
mod figures;
mod layer;
mod request;
mod words;

pub use choice::{Choice, FILTERS, LARGE, LAYERS};
pub use command::{Options, page};
pub use layer::filters_or_reason;
pub use request::Request;
