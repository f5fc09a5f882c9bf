//! The chapter as a page: Markdown by tera, HTML from that Markdown.

pub mod assets;
pub mod page;

mod finish;
mod markdown;

pub use assets::Assets;
pub use page::Page;
