//! The values of any tensors for any number of images, a few images in memory at a time.

use crate::config::Input;
use crate::error::Result;
use crate::input::loaded::LoadedNetwork;
use crate::input::sources::Sources;
use crate::model::Plan;
use crate::progress::Bar;
use ndarray::ArrayD;
use rayon::prelude::*;

/// Images to a thread that may be done before they are handed on, in the order of the images.
const AHEAD: usize = 4;

/// What one image gave.
pub enum ImageActivations {
    /// The values of the tensors, in their order, each with a batch of one.
    Values(Vec<ArrayD<f32>>),
    /// Why the image was left out.
    LeftOut(String),
}

/// A network that gives the values of some tensors.
pub struct ActivationArrays<'a> {
    sources: &'a Sources<'a>,
    plan: Plan,
}

impl<'a> ActivationArrays<'a> {
    /// The values of `tensors`, ONNX names, of a network.
    ///
    /// # Errors
    /// Unknown tensors, or a network that cannot be run.
    pub fn new(loaded: &LoadedNetwork, sources: &'a Sources<'a>, tensors: &[&str]) -> Result<ActivationArrays<'a>> {
        Ok(ActivationArrays { sources, plan: loaded.network.plan(tensors, 1, Some(loaded.size()))? })
    }

    /// Runs all images and hands on what each gave, in their order.
    ///
    /// # Errors
    /// What `take` refuses.
    pub fn each(
        &self,
        images: &[Input],
        bar: &Bar,
        take: &mut dyn FnMut(&Input, ImageActivations) -> Result<()>,
    ) -> Result<()> {
        for chunk in images.chunks(AHEAD * rayon::current_num_threads()) {
            let one = |image: &Input| {
                let values = self.sources.prepare(image).and_then(|prepared| self.plan.run(&prepared.tensor));
                bar.advance(1);
                values.map_or_else(
                    |cause| ImageActivations::LeftOut(self.sources.complaint(image, &cause)),
                    ImageActivations::Values,
                )
            };
            let values: Vec<ImageActivations> = chunk.par_iter().with_max_len(1).map(one).collect();
            for (image, values) in chunk.iter().zip(values) {
                take(image, values)?;
            }
        }
        Ok(())
    }
}
