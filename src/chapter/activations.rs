//! Activation grids: every channel of a layer for one input, as a figure with its numbers.

use crate::error::{Error, Result};
use crate::explain::explanation::Explanation;
use crate::figure::grid::{Layout, Legend, Scale, Tile, feature_maps, grid};
use crate::figure::{Colormap, range};
use crate::input::prepared::PreparedInput;
use crate::measure::energy::energy;
use crate::measure::sparsity::live_channels;
use crate::model::Layer;
use crate::report::Assets;
use crate::report::page::{Figure, Line};
use crate::visualize::placement::{Grid, dense};
use ndarray::{Array3, ArrayD, ArrayView2, Axis};
use serde_json::json;

/// Room for a grid in CSS pixels.
const ROOM: usize = 960;
/// Of a layer with more channels than this (the second, of a large network), or with more cells, the most active channels are shown.
const CHANNELS: [usize; 2] = [128, 64];
const CELLS: usize = 1 << 17;
const MOST_ACTIVE: usize = 32;
/// Longest side of a tile in cells; those of a larger map are averaged.
const SIDE: usize = 64;

/// A layer's activation for one image as [channels, height, width].
///
/// # Errors
/// A layer whose output is no map.
pub fn maps(layer: &Layer, explanation: &Explanation) -> Result<Array3<f32>> {
    channels_first(layer, explanation.activation(&layer.output_tensor)?)
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

/// A layer's activation, to be shown.
pub struct Shown<'a> {
    pub layer: &'a Layer,
    /// [channels, height, width].
    pub maps: &'a Array3<f32>,
    /// Whether the network is so large that less is shown of each layer.
    pub large: bool,
}

/// The figure of one layer's activation.
///
/// # Errors
/// A layer without pixels.
pub fn figure(
    section: &str,
    number: usize,
    shown: &Shown,
    input: &PreparedInput,
    assets: &mut Assets,
) -> Result<Figure> {
    let Shown { layer, maps: activation, large } = *shown;
    let (channels, height, width) = activation.dim();
    let live = live_channels(activation.view());
    let ranges: Vec<Option<(f32, f32)>> = activation.outer_iter().map(|map| range(map.iter().copied())).collect();
    let (low, high) = range(ranges.iter().flatten().flat_map(|(low, high)| [*low, *high])).unwrap_or((0.0, 0.0));
    let many = channels > CHANNELS[usize::from(large)] || activation.len() > CELLS;
    let shown = most_active(activation, if many { MOST_ACTIVE } else { channels });
    let block = height.max(width).div_ceil(SIDE).max(1);
    let picked = activation.select(Axis(0), &shown);
    let maps = if block > 1 { averaged(&picked, block) } else { picked };
    let names = shown.iter().map(usize::to_string);
    let tiles: Vec<Tile> = feature_maps(maps.view(), Scale::PerTile, Colormap::Viridis)
        .into_iter()
        .zip(names)
        .map(|(tile, name)| tile.labelled(name).quickly(large))
        .collect();
    let legend =
        Legend { colormap: Colormap::Viridis, low: "channel's minimum".into(), high: "channel's maximum".into() };
    let id = format!("{section}-input-{number}-activation-{}", layer.name);
    let title = format!("Activation of {} for {}", layer.name, input.name);
    let picture = grid(&tiles, Layout::fitting(tiles.len(), maps.len_of(Axis(2)), ROOM), Some(&legend), &title)?;
    let image = assets.add(&id, picture);
    let folded = layer.activation.as_ref().map(|name| format!(", after its {name}")).unwrap_or_default();
    let caption = format!(
        "Intermediate layer activation of {} ({}{folded}): {channels} channels of {height}×{width}{}, each on a scale of its own{}; {}.",
        layer.name,
        layer.kind,
        if shown.len() < channels { format!(", the {} most active of them shown", shown.len()) } else { String::new() },
        if block > 1 { format!(", {block}×{block} cells averaged to a pixel") } else { String::new() },
        silent(channels, live)
    );
    let alt = format!(
        "{channels} feature maps of {}; {}{}",
        layer.name,
        silent(channels, live),
        on_object(activation, input)
    );
    let mut figure = Figure::single(id, caption, image, alt);
    figure.tiles = shown.len();
    figure.provenance = vec![
        Line::new("Tensor", format!("{}, {channels}×{height}×{width}", layer.output_tensor)),
        Line::new("Values", format!("{low:.4} to {high:.4} over all channels")),
        Line::new("Scale", "viridis, each channel from its own minimum to its own maximum; hatched: zero everywhere"),
    ];
    let numbers = |channel: &usize| {
        let map = activation.index_axis(Axis(0), *channel);
        let (low, high) = ranges[*channel].unwrap_or((0.0, 0.0));
        json!({ "minimum": low, "maximum": high, "mean": map.mean().unwrap_or(0.0) })
    };
    let per_channel: Vec<_> = shown.iter().map(numbers).collect();
    figure.data =
        json!({ "layer": layer.name, "tensor": layer.output_tensor, "live_channels": live, "channels": per_channel });
    if shown.len() < channels {
        figure.data["shown"] = json!(shown);
    }
    Ok(figure)
}

/// The `most` channels whose mean magnitude is largest, in their own order; of equal ones those that come first.
fn most_active(activation: &Array3<f32>, most: usize) -> Vec<usize> {
    let mean = |map: ArrayView2<f32>| map.mapv(f32::abs).sum();
    let mut channels: Vec<(usize, f32)> = activation.outer_iter().map(mean).enumerate().collect();
    channels.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut channels: Vec<usize> = channels.into_iter().take(most).map(|(channel, _)| channel).collect();
    channels.sort_unstable();
    channels
}

/// Every map with blocks of `block` × `block` cells averaged, less at the lower and right edges.
fn averaged(maps: &Array3<f32>, block: usize) -> Array3<f32> {
    let (channels, height, width) = maps.dim();
    let mut sums = Array3::<f32>::zeros((channels, height.div_ceil(block), width.div_ceil(block)));
    for (map, mut sums) in maps.outer_iter().zip(sums.outer_iter_mut()) {
        for (row, cells) in map.outer_iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                sums[[row / block, column / block]] += cell;
            }
        }
    }
    let covered = |at: usize, length: usize| (length - at * block).min(block);
    for ((_, row, column), sum) in sums.indexed_iter_mut() {
        *sum /= (covered(row, height) * covered(column, width)) as f32;
    }
    sums
}

fn silent(channels: usize, live: usize) -> String {
    match channels - live {
        0 => "every channel answers".into(),
        1 => "one channel is the same everywhere".into(),
        n => format!("{n} channels are the same everywhere"),
    }
}

/// How much of the mean activation lies on the object, for the alternative text.
fn on_object(activation: &Array3<f32>, input: &PreparedInput) -> String {
    let (Some(mask), Some(mean)) = (&input.mask, activation.mapv(f32::abs).mean_axis(Axis(0))) else {
        return String::new();
    };
    let (height, width) = mask.dim();
    let grid = Grid::stretched(mean.dim(), (height, width));
    let energy = energy(dense(mean.view(), grid, height, width).view(), mask.view());
    format!(
        "; {:.0} % of the mean magnitude lies on the {}, which covers {:.0} % of the image",
        energy.share * 100.0,
        input.object,
        energy.area * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_most_active_channels_keep_their_order_and_negative_values_count() {
        let maps = array![[[1.0, 0.0]], [[-3.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]], [[0.0, 1.0]]];
        assert_eq!(most_active(&maps, 3), [0, 1, 3]);
        assert_eq!(most_active(&maps, 9), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn blocks_are_averaged_and_smaller_ones_at_the_edges_too() {
        let maps = array![[[1.0, 3.0, 10.0], [5.0, 7.0, 20.0], [2.0, 4.0, 8.0]]];
        assert_eq!(averaged(&maps, 2), array![[[4.0, 15.0], [3.0, 8.0]]]);
        assert_eq!(averaged(&maps, 1), maps);
    }
}
