//! One method of looking into a network a file: values in, maps out.

pub mod cam;
pub mod cause;
pub mod filter;
pub mod natural;
pub mod placement;
pub mod saliency;
