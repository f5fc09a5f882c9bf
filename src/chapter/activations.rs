//! Activations of a layer for one input: the channels that add most to the score, all of them behind a fold, and their numbers.

use crate::error::{Error, Result};
use crate::explain::explanation::Explanation;
use crate::figure::grid::{Layout, Legend, Scale, Tile, feature_maps, grid};
use crate::figure::pairs::{self, COLUMNS, Pair};
use crate::figure::{Colormap, Picture, range};
use crate::input::prepared::PreparedInput;
use crate::measure::energy::energy;
use crate::measure::sparsity::live_channels;
use crate::model::Layer;
use crate::report::Assets;
use crate::report::page::{Figure, Folded, Line, Panel};
use crate::visualize::placement::{Grid, dense};
use ndarray::{Array3, ArrayD, ArrayView2, Axis};
use serde_json::json;
use std::collections::BTreeMap;

/// Room for a grid in CSS pixels.
const ROOM: usize = 960;
/// Of a layer with more channels than this (the second, of a large network), or with more cells, the most active channels are shown.
const CHANNELS: [usize; 2] = [128, 64];
const CELLS: usize = 1 << 17;
const MOST_ACTIVE: usize = 32;
/// Longest side of a tile in cells; those of a larger map are averaged.
const SIDE: usize = 64;
/// The same on a page with many inputs.
const SMALL_SIDE: usize = 28;

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
    /// What each channel adds to the score that the maps explain, and that class; `None` where it cannot be told.
    pub contributions: Option<(&'a [f32], &'a str)>,
    /// What the layer's filters look for, by channel.
    pub filters: Option<&'a BTreeMap<usize, Array3<f32>>>,
    /// Whether the network is so large that less is shown of each layer.
    pub large: bool,
    /// Whether the page only links to the picture of all channels.
    pub apart: bool,
}

impl Shown<'_> {
    /// The channels that add most to the score, the most first; the most active ones where that cannot be told.
    fn leading(&self) -> Vec<usize> {
        let Some((contributions, _)) = self.contributions else { return most_active(self.maps, COLUMNS) };
        let mut channels: Vec<usize> = (0..contributions.len().min(self.maps.len_of(Axis(0)))).collect();
        channels.sort_by(|a, b| contributions[*b].total_cmp(&contributions[*a]).then(a.cmp(b)));
        channels.truncate(COLUMNS);
        channels
    }

    /// The leading channels, each with what its filter looks for.
    fn pairs(&self, leading: &[usize], title: &str) -> Result<Picture> {
        let (_, height, width) = self.maps.dim();
        let block = height.max(width).div_ceil(if self.apart { SMALL_SIDE } else { SIDE }).max(1);
        let maps = averaged(&self.maps.select(Axis(0), leading), block);
        let tiles = feature_maps(maps.view(), Scale::PerTile, Colormap::Viridis);
        let pair = |(tile, channel): (Tile, &usize)| Pair {
            map: tile.quickly(self.large),
            filter: self.filters.and_then(|filters| filters.get(channel)).map(|image| Tile::image(image.view())),
            words: match self.contributions.and_then(|(all, _)| all.get(*channel)) {
                Some(contribution) => format!("{channel}: {}", signed(*contribution)),
                None => channel.to_string(),
            },
        };
        let drawn: Vec<Pair> = tiles.into_iter().zip(leading).map(pair).collect();
        pairs::pairs(&drawn, title)
    }

    /// All channels in one picture, or the most active of very many; and which.
    fn grid(&self, title: &str) -> Result<(Picture, Vec<usize>, usize)> {
        let (channels, height, width) = self.maps.dim();
        let many = channels > CHANNELS[usize::from(self.large)] || self.maps.len() > CELLS;
        let shown = most_active(self.maps, if many { MOST_ACTIVE } else { channels });
        let block = height.max(width).div_ceil(SIDE).max(1);
        let picked = self.maps.select(Axis(0), &shown);
        let maps = if block > 1 { averaged(&picked, block) } else { picked };
        let tiles: Vec<Tile> = feature_maps(maps.view(), Scale::PerTile, Colormap::Viridis)
            .into_iter()
            .zip(&shown)
            .map(|(tile, channel)| tile.labelled(channel.to_string()).quickly(self.large))
            .collect();
        let legend =
            Legend { colormap: Colormap::Viridis, low: "channel's minimum".into(), high: "channel's maximum".into() };
        let layout = Layout::fitting(tiles.len(), maps.len_of(Axis(2)), ROOM);
        Ok((grid(&tiles, layout, Some(&legend), title)?, shown, block))
    }

    /// What to look at.
    fn look(&self, leading: &[usize]) -> Option<String> {
        let (contributions, class) = self.contributions?;
        let first = *leading.first()?;
        let most = *contributions.get(first)?;
        let sum: f32 = contributions.iter().filter(|value| **value > 0.0).sum();
        (most > 0.0 && sum > 0.0).then(|| {
            format!(
                "Channel {first} adds most to the score of {class}: {}, {:.0} % of what all channels with a positive share add.",
                signed(most),
                100.0 * most / sum
            )
        })
    }
}

/// A number with its sign and three digits at most.
fn signed(value: f32) -> String {
    let digits = if value.abs() < 10.0 { 2 } else { 0 };
    format!("{value:+.digits$}").replace('-', "−")
}

/// The figure of one layer's activation: the channels that add most to the score, and behind a fold all of them.
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
    let Shown { layer, maps: activation, .. } = *shown;
    let (channels, height, width) = activation.dim();
    let live = live_channels(activation.view());
    let ranges: Vec<Option<(f32, f32)>> = activation.outer_iter().map(|map| range(map.iter().copied())).collect();
    let (low, high) = range(ranges.iter().flatten().flat_map(|(low, high)| [*low, *high])).unwrap_or((0.0, 0.0));
    let id = format!("{section}-input-{number}-activation-{}", layer.name);
    let title = format!("Activation of {} for {}", layer.name, input.name);
    let leading = shown.leading();
    let chosen = match shown.contributions {
        Some((_, class)) => format!("the {} that add most to the score of {class}, with what they add", leading.len()),
        None => format!("the {} most active", leading.len()),
    };
    let below = if shown.filters.is_some() { "; below each, what its filter looks for" } else { "" };
    let folded = layer.activation.as_ref().map(|name| format!(", after its {name}")).unwrap_or_default();
    let caption = format!(
        "Intermediate layer activation of {} ({}{folded}): of {channels} channels of {height}×{width} {chosen}{below}; {}.",
        layer.name,
        layer.kind,
        silent(channels, live)
    );
    let alt = format!(
        "{} channels of {}; {}{}",
        leading.len(),
        layer.name,
        silent(channels, live),
        on_object(activation, input)
    );
    let image = assets.add(&format!("{id}-leading"), shown.pairs(&leading, &title)?);
    let mut figure = Figure::single(id.clone(), caption, image, alt);
    figure.look = shown.look(&leading).into_iter().collect();
    let (picture, all, block) = shown.grid(&title)?;
    let image = assets.add(&id, picture);
    let count = if all.len() < channels {
        format!("the {} most active of {channels}", all.len())
    } else {
        format!("all {channels}")
    };
    let cells = if block > 1 { format!(", {block}×{block} cells averaged to a pixel") } else { String::new() };
    let summary = format!("Channels of {}: {count}", layer.name);
    let alt = format!("{count} channels of {}, each on a scale of its own{cells}", layer.name);
    figure.folded = Some(Folded { summary, panels: vec![Panel { image, alt }], apart: shown.apart });
    figure.provenance = vec![
        Line::new("Tensor", format!("{}, {channels}×{height}×{width}", layer.output_tensor)),
        Line::new("Values", format!("{low:.4} to {high:.4} over all channels")),
        Line::new("Scale", "viridis, each channel from its own minimum to its own maximum; hatched: zero everywhere"),
    ];
    if shown.contributions.is_some() {
        let what = "Grad-CAM's weight of the channel (the mean of the score's gradient over its cells) times the sum of its cells";
        figure.provenance.push(Line::new("What a channel adds", what));
    }
    let numbers = |channel: &usize| {
        let map = activation.index_axis(Axis(0), *channel);
        let (low, high) = ranges[*channel].unwrap_or((0.0, 0.0));
        let adds = shown.contributions.and_then(|(contributions, _)| contributions.get(*channel));
        json!({ "minimum": low, "maximum": high, "mean": map.mean().unwrap_or(0.0), "adds": adds })
    };
    let per_channel: Vec<_> = all.iter().map(numbers).collect();
    figure.data = json!({
        "layer": layer.name, "tensor": layer.output_tensor, "live_channels": live, "leading": leading, "channels": per_channel
    });
    if all.len() < channels {
        figure.data["shown"] = json!(all);
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
