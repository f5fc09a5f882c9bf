//! The filters of one convolution as a part of the page.

use crate::chapter::filters::figures::Drawing;
use crate::chapter::filters::request::{FEW, Request};
use crate::chapter::filters::words;
use crate::chapter::output::Artifacts;
use crate::error::{Error, Result};
use crate::explain::filters::ConvolutionGraph;
use crate::progress::Bar;
use crate::report::assets::slug;
use crate::report::page;
use crate::visualize::filter::{Kernels, Objective};
use ndarray::Axis;

/// The filters of one convolution, or a line that says why there are none to see, with the error.
pub fn filters_or_reason(request: &Request, bar: &Bar, artifacts: &mut Artifacts) -> (page::Filters, Option<Error>) {
    match filters(request, bar, artifacts) {
        Ok(made) => (made, None),
        Err(cause) => {
            let line = page::Filters {
                heading: format!("Convolutional Filters ({})", request.ascent.layer.name),
                notes: vec![format!("This layer could not be shown: {cause}.")],
                ..page::Filters::default()
            };
            (line, Some(cause))
        }
    }
}

/// The filters of one convolution as a part of the page. `bar` is advanced by one for each filter of [`Request::filters`].
/// The images are also left in `artifacts` as [filters, height, width, channels], in the network's units.
///
/// # Errors
/// A layer that is no convolution, filters that do not exist (both list what exists), operators without a gradient rule.
fn filters(request: &Request, bar: &Bar, artifacts: &mut Artifacts) -> Result<page::Filters> {
    let (ascent, scene) = (&request.ascent, request.ascent.scene);
    let layer = ascent.layer;
    let graph = ConvolutionGraph::new(ascent.network, layer, (scene.frame.height, scene.frame.width))?;
    let convolution = graph.convolution()?;
    let chosen = ascent.chosen(&convolution, request.filters)?;
    let ascents = ascent.ascend(&convolution, &chosen, request.objective.unwrap_or(Objective::Channel), Some(bar))?;
    let chosen: Vec<usize> = ascents.filters.iter().map(|filter| filter.ascent.channel).collect();
    if chosen.is_empty() {
        let none = "it has no filters";
        let what = if ascents.broken.is_empty() { none } else { "the numbers of its filters are not finite (NaN)" };
        return Err(Error::input(format!("{}: {what}", layer.name)));
    }
    let drawing = Drawing { request, convolution: &convolution, field: ascent.field(), chosen: &chosen };
    let assets = &mut artifacts.assets;
    let mut figures = Vec::new();
    if let Some(kernels) = Kernels::of(&convolution) {
        let kernels = kernels.without(&scene.constant_channels());
        figures.push(drawing.kernels(&kernels, assets)?);
    }
    figures.push(drawing.images(&ascents, assets)?);
    artifacts.filters.insert(layer.name.clone(), drawing.shown(&ascents));
    if convolution.is_first() && request.objective.is_none() {
        let units = ascent.ascend(&convolution, &chosen, Objective::Unit, None)?;
        figures.push(drawing.images(&units, assets)?);
    }
    if let Some(curves) = drawing.curves(&ascents, assets)? {
        figures.push(curves);
    }
    if !scene.inputs.is_empty() && (convolution.channels() <= FEW || request.top_inputs) {
        figures.push(drawing.top_inputs(&ascents, assets)?);
    }
    let images: Vec<_> = ascents.filters.iter().map(|filter| filter.ascent.image.view()).collect();
    let images =
        ndarray::stack(Axis(0), &images).map_err(|cause| Error::other(format!("images do not stack: {cause}")))?;
    artifacts.raw.push((slug(&format!("{}-{}-filters", request.section, layer.name)), images.into_dyn()));
    Ok(page::Filters {
        heading: format!("Convolutional Filters ({})", layer.name),
        figures,
        count: words::count(&ascents.filters),
        notes: words::notes(&ascents.filters, &ascents.broken),
        ..page::Filters::default()
    })
}
