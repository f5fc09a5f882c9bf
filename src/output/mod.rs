//! The folder that a run writes to: tested before any work, published in one step, and nothing in it touched that convscope did
//! not write.
//!
//! A run first opens its [`Destination`], which makes the folder and locks it, tidies up after a run that was killed, and refuses what
//! stands in the way. Files are written into a hidden folder beside their places. [`Destination::publish`] then changes all places at
//! once, so that after a kill at any point they hold the old files or the new ones, never some of each. A list of what was written,
//! with hashes, is published with the files: by it the next run knows what it may replace.

mod claims;
mod destination;
mod disk;
mod interrupt;
mod manifest;
mod scratch;
mod switch;
#[cfg(test)]
mod tests;

pub use claims::{Claims, Folder};
pub use destination::{Destination, Published, Writing};
pub use interrupt::tidy_on_interrupt;
