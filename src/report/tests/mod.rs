//! The page as a whole: structure, twins, hostile text.

mod sample;

use std::path::PathBuf;

use super::{Rendered, render, write};

fn rendered() -> Rendered {
    let (mut page, assets) = sample::page();
    page.finish().unwrap();
    render(&page, assets).unwrap()
}

/// Writes the sample where `CONVSCOPE_PAGE_OUT` says, to be looked at and checked in a browser.
#[test]
fn the_sample_can_be_written() {
    match std::env::var_os("CONVSCOPE_PAGE_OUT") {
        Some(folder) => write(&PathBuf::from(folder), &rendered()).unwrap(),
        None => println!("CONVSCOPE_PAGE_OUT is not set: the sample chapter is not written"),
    }
}
