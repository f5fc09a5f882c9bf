//! Activation grids: every channel of a layer for one input, as a figure with its numbers.

use super::explainer::Forward;
use super::input::Ready;
use crate::error::{Error, Result};
use crate::figure::grid::{Layout, Legend, Scale, feature_maps, grid};
use crate::figure::{Colormap, range};
use crate::measure::energy::energy;
use crate::measure::sparsity::live_channels;
use crate::model::Layer;
use crate::report::Assets;
use crate::report::page::{Figure, Line};
use crate::visualize::placement::{Cells, dense};
use ndarray::{Array3, ArrayD, Axis};
use serde_json::json;

/// Room for a grid in CSS pixels.
const ROOM: usize = 960;

/// A layer's activation for one image as [channels, height, width].
///
/// # Errors
/// A layer whose output is no map.
pub fn maps(layer: &Layer, forward: &Forward) -> Result<Array3<f32>> {
    channels_first(layer, forward.get(&layer.output_tensor)?)
}

fn channels_first(layer: &Layer, value: &ArrayD<f32>) -> Result<Array3<f32>> {
    let not_a_map = || {
        Error::input(format!("{}: its output has the shape {:?}, which is no feature map", layer.name, value.shape()))
    };
    if value.ndim() != 4 || value.shape()[0] != 1 {
        return Err(not_a_map());
    }
    let first = value.index_axis(Axis(0), 0).into_dimensionality::<ndarray::Ix3>().map_err(|_| not_a_map())?;
    Ok(if layer.channel_axis == 3 {
        first.permuted_axes([2, 0, 1]).as_standard_layout().into_owned()
    } else {
        first.to_owned()
    })
}

/// The figure of one layer's activation.
///
/// # Errors
/// A layer without pixels.
pub fn figure(
    section: &str,
    number: usize,
    layer: &Layer,
    activation: &Array3<f32>,
    input: &Ready,
    assets: &mut Assets,
) -> Result<Figure> {
    let (channels, height, width) = activation.dim();
    let live = live_channels(activation.view());
    let (low, high) = range(activation.iter().copied()).unwrap_or((0.0, 0.0));
    let tiles = feature_maps(activation.view(), Scale::PerTile, Colormap::Viridis);
    let legend =
        Legend { colormap: Colormap::Viridis, low: "channel's minimum".into(), high: "channel's maximum".into() };
    let id = format!("{section}-input-{number}-activation-{}", layer.name);
    let title = format!("Activation of {} for {}", layer.name, input.name);
    let picture = grid(&tiles, Layout::fitting(channels, width, ROOM), Some(&legend), &title)?;
    let image = assets.add(&id, picture);
    let folded = layer.activation.as_ref().map(|name| format!(", after its {name}")).unwrap_or_default();
    let caption = format!(
        "Intermediate layer activation of {} ({}{folded}): {channels} channels of {height}×{width}, each on a scale of its own; {}.",
        layer.name,
        layer.kind,
        silent(channels, live)
    );
    let alt = format!(
        "{channels} feature maps of {}; {}{}",
        layer.name,
        silent(channels, live),
        on_object(activation, input)
    );
    let mut figure = Figure::single(id, caption, image, alt);
    figure.tiles = channels;
    figure.provenance = vec![
        Line::new("Tensor", format!("{}, {channels}×{height}×{width}", layer.output_tensor)),
        Line::new("Values", format!("{low:.4} to {high:.4} over all channels")),
        Line::new("Scale", "viridis, each channel from its own minimum to its own maximum; hatched: zero everywhere"),
    ];
    let per_channel: Vec<_> = activation
        .axis_iter(Axis(0))
        .map(|map| {
            let (low, high) = range(map.iter().copied()).unwrap_or((0.0, 0.0));
            json!({ "minimum": low, "maximum": high, "mean": map.mean().unwrap_or(0.0) })
        })
        .collect();
    figure.data =
        json!({ "layer": layer.name, "tensor": layer.output_tensor, "live_channels": live, "channels": per_channel });
    Ok(figure)
}

fn silent(channels: usize, live: usize) -> String {
    match channels - live {
        0 => "every channel answers".into(),
        1 => "one channel is the same everywhere".into(),
        n => format!("{n} channels are the same everywhere"),
    }
}

/// How much of the mean activation lies on the object, for the alternative text.
fn on_object(activation: &Array3<f32>, input: &Ready) -> String {
    let (Some(mask), Some(mean)) = (&input.mask, activation.mapv(f32::abs).mean_axis(Axis(0))) else {
        return String::new();
    };
    let (height, width) = mask.dim();
    let (rows, columns) = (Cells::stretched(mean.nrows(), height), Cells::stretched(mean.ncols(), width));
    let energy = energy(dense(mean.view(), rows, columns, height, width).view(), mask.view());
    format!(
        "; {:.0} % of the mean magnitude lies on the {}, which covers {:.0} % of the image",
        energy.share * 100.0,
        input.object,
        energy.area * 100.0
    )
}
