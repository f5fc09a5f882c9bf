//! `convscope activations`: values of layers for all images, as arrays.

use super::photographs;
use super::preprocess::Preprocess;
use clap::Args;
use convscope::config::{Chapter, Located};
use convscope::error::Result;
use convscope::input::files;
use std::path::PathBuf;

#[derive(Args)]
pub struct Activations {
    /// The network
    pub model: PathBuf,
    /// Photographs (PNG, JPEG, WebP, BMP, GIF, TIFF, or arrays as .npy), folders of them, or patterns in quotes
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// The layers or tensors: names, or unambiguous parts of them
    #[arg(long, required = true, value_delimiter = ',', value_name = "NAME,…")]
    pub layer: Vec<String>,
    #[command(flatten)]
    pub preprocess: Preprocess,
    /// Where the arrays go: NAME.npy, whose first axis is the images', and images.txt with their names in order
    #[arg(long, default_value = "activations", value_name = "DIR")]
    pub out: PathBuf,
}

impl Activations {
    /// The chapter that holds the network and its images.
    ///
    /// # Errors
    /// A folder without images, or a pattern that matches no file.
    pub fn chapter(&self) -> Result<Chapter> {
        let images = files::images(&self.images)?;
        let mut section = photographs(&self.model, &images.files, None, None, &self.preprocess);
        section.filters = Some(Vec::new());
        Ok(Chapter { notes: images.left_out, ..Chapter::of("Activations", section) })
    }

    /// The layers asked for.
    pub fn layers(&self) -> Vec<Located<String>> {
        self.layer.iter().map(|name| Located::option("--layer", name.clone())).collect()
    }
}
