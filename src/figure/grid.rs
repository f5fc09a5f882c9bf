//! Many small maps in one picture: numbered tiles at whole-number magnification with thin gaps between them.

use ndarray::{ArrayView2, ArrayView3, Axis};

use crate::error::{Error, Result};
use crate::figure::raster::Raster;
use crate::figure::svg::{Anchor, Ink, Svg, fit, text_width};
use crate::figure::{Colormap, Picture, byte, fraction, range};

/// Font size of the labels and the height of the band they stand in, in CSS pixels.
const LABEL: u32 = 10;
const BAND: usize = 13;
/// Least gap between two tiles.
const GAP: usize = 4;

/// What the colours of a set of maps stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Each map from its own minimum to its own maximum.
    PerTile,
    /// All maps from their common minimum to their common maximum.
    Shared,
    /// All maps from the first value to the second.
    Fixed(f32, f32),
    /// All maps from −m to m, with m the largest magnitude among them: for signed values on a diverging map.
    Symmetric,
}

/// One tile: pixels, a label (usually its number), and a word when there is something to say about it.
#[derive(Debug, Clone)]
pub struct Tile {
    raster: Raster,
    hatched: bool,
    label: String,
    mark: String,
}

impl Tile {
    /// A map [H, W] whose values run over `range`.
    pub fn map(values: ArrayView2<f32>, range: (f32, f32), colormap: Colormap) -> Tile {
        let (height, width) = values.dim();
        let raster = Raster::from_fn(width, height, |x, y| {
            colormap.colour(fraction(values.get((y, x)).copied().unwrap_or(f32::NAN), range))
        });
        Tile { raster, hatched: false, label: String::new(), mark: String::new() }
    }

    /// An image [H, W, C] with values in [0, 1]: grey for one channel, else the first three as red, green and blue.
    pub fn image(values: ArrayView3<f32>) -> Tile {
        let (height, width, channels) = values.dim();
        let raster = Raster::from_fn(width, height, |x, y| {
            [0, 1, 2].map(|c| {
                let channel = if channels < 3 { 0 } else { c };
                byte(values.get((y, x, channel)).copied().unwrap_or(0.0))
            })
        });
        Tile { raster, hatched: false, label: String::new(), mark: String::new() }
    }

    /// A tile without a picture, outlined and hatched, with a word that says why (such as "dead").
    pub fn empty(width: usize, height: usize, mark: impl Into<String>) -> Tile {
        Tile { raster: Raster::new(width, height), hatched: true, label: String::new(), mark: mark.into() }
    }

    /// The same tile with this label.
    pub fn labelled(self, label: impl Into<String>) -> Tile {
        Tile { label: label.into(), ..self }
    }

    /// The same tile with a word after its label (such as "flat") and an outline.
    pub fn marked(self, mark: impl Into<String>) -> Tile {
        Tile { mark: mark.into(), ..self }
    }

    /// The same tile, in a picture that is to be deflated quickly if so: one of the many of a large network.
    pub fn quickly(self, quick: bool) -> Tile {
        Tile { raster: self.raster.quickly(quick), ..self }
    }

    pub(super) fn is_hatched(&self) -> bool {
        self.hatched
    }

    pub(super) fn raster(&self) -> &Raster {
        &self.raster
    }
}

/// The tiles of an activation [C, H, W], numbered from 0. Channels that are zero everywhere are hatched and marked
/// "zero"; other constant ones are marked "flat".
pub fn feature_maps(activation: ArrayView3<f32>, scale: Scale, colormap: Colormap) -> Vec<Tile> {
    let common = match scale {
        Scale::PerTile => None,
        Scale::Shared => range(activation.iter().copied()),
        Scale::Fixed(low, high) => Some((low, high)),
        Scale::Symmetric => range(activation.iter().map(|value| value.abs())).map(|(_, largest)| (-largest, largest)),
    };
    let tile = |(number, map): (usize, ArrayView2<f32>)| {
        let own = range(map.iter().copied());
        let (height, width) = map.dim();
        let tile = match own {
            None => Tile::empty(width, height, "no number"),
            Some((0.0, 0.0)) => Tile::empty(width, height, "zero"),
            Some((low, high)) if low == high => Tile::map(map, common.unwrap_or((low, high)), colormap).marked("flat"),
            Some(own) => Tile::map(map, common.unwrap_or(own), colormap),
        };
        tile.labelled(number.to_string())
    };
    activation.axis_iter(Axis(0)).enumerate().map(tile).collect()
}

/// How many tiles stand in a row and how large a pixel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Tiles in a row, at least 1.
    pub columns: usize,
    /// CSS pixels along the side of one pixel, at least 1.
    pub magnification: usize,
}

impl Layout {
    /// A layout for `count` tiles of `width` pixels that fills at most `room` CSS pixels (the page's is
    /// [`COLUMN`](crate::figure::COLUMN)): eight in a row, twelve when
    /// they are many, fewer when they are wide; tiles grow to about 112 CSS pixels.
    pub fn fitting(count: usize, width: usize, room: usize) -> Layout {
        let width = width.max(1);
        let widest = ((room + GAP) / (width + GAP)).max(1);
        let wanted = if count > 64 { 12 } else { 8 };
        let columns = count.clamp(1, wanted).min(widest);
        let side = ((room + GAP) / columns).saturating_sub(GAP).min(112);
        Layout { columns, magnification: (side / width).max(1) }
    }
}

/// A colour bar under a grid: the colour map and what its two ends stand for.
#[derive(Debug, Clone)]
pub struct Legend {
    /// The map that the tiles are drawn with.
    pub colormap: Colormap,
    /// The words at the lower end.
    pub low: String,
    /// The words at the upper end.
    pub high: String,
}

/// Draws `tiles` row by row; `title` names the picture for screen readers.
///
/// # Errors
/// When there are no tiles, or a tile has no pixels.
pub fn grid(tiles: &[Tile], layout: Layout, legend: Option<&Legend>, title: &str) -> Result<Picture> {
    let columns = layout.columns.max(1).min(tiles.len().max(1));
    let scale = layout.magnification.max(1);
    let width = tiles.iter().map(|tile| tile.raster.width()).max().unwrap_or(0);
    let height = tiles.iter().map(|tile| tile.raster.height()).max().unwrap_or(0);
    if width == 0 || height == 0 {
        return Err(Error::other(format!("{title}: a grid needs tiles with pixels")));
    }
    // Gaps and label bands are whole numbers of picture pixels, so that one image holds all tiles but photographs, which are JPEG.
    let (gap, band) = (GAP.div_ceil(scale), BAND.div_ceil(scale));
    let (step_x, step_y) = (width + gap, height + band + gap);
    let rows = tiles.len().div_ceil(columns);
    let quick = tiles.iter().any(|tile| tile.raster.is_quick());
    let mut atlas = Raster::new(columns * step_x - gap, rows * step_y - gap).quickly(quick);
    let (mut svg, mut marks) = (Svg::default(), Svg::default());
    for (i, tile) in tiles.iter().enumerate() {
        let (x, y) = (i % columns * step_x, i / columns * step_y + band);
        let corner = ((x * scale) as f64, (y * scale) as f64);
        if tile.raster.is_photograph() {
            svg.raw(tile.raster.svg_image(corner.0, corner.1, scale as f64)?);
        } else {
            atlas.paste(&tile.raster, x, y);
        }
        let size = ((tile.raster.width() * scale) as f64, (tile.raster.height() * scale) as f64);
        if tile.hatched {
            marks.hatched(corner, size);
        } else if !tile.mark.is_empty() {
            let inset = ((corner.0 - 0.5), (corner.1 - 0.5));
            marks.rect(inset, (size.0 + 1.0, size.1 + 1.0), &format!("{} stroke-dasharray=\"3 2\"", Ink::Ink.stroke()));
        }
        let words = if tile.mark.is_empty() { tile.label.clone() } else { format!("{} {}", tile.label, tile.mark) };
        let words = fit(words.trim(), LABEL, size.0 + GAP as f64);
        marks.text((corner.0, corner.1 - 3.0), LABEL, Anchor::Start, Ink::Quiet, &words);
    }
    if !atlas.is_clear() {
        svg.raw(atlas.svg_image(0.0, 0.0, scale as f64)?);
    }
    svg.append(marks);
    let mut size = (atlas.width() * scale, atlas.height() * scale);
    if let Some(legend) = legend {
        size = draw_legend(&mut svg, legend, size)?;
    }
    Ok(svg.finish(size.0 as u32, size.1 as u32, title))
}

/// Draws the bar below a picture of this size and returns the size of both together.
fn draw_legend(svg: &mut Svg, legend: &Legend, (width, height): (usize, usize)) -> Result<(usize, usize)> {
    const LENGTH: usize = 96;
    let top = (height + 12) as f64;
    let bar = Raster::from_fn(LENGTH, 1, |x, _| legend.colormap.colour(x as f32 / (LENGTH - 1) as f32));
    let (low, high) = (fit(&legend.low, LABEL, 400.0), fit(&legend.high, LABEL, 400.0));
    let start = text_width(&low, LABEL).ceil() + 6.0;
    svg.text((0.0, top + 9.0), LABEL, Anchor::Start, Ink::Quiet, &low);
    svg.raw(format!(r#"<svg x="{start}" y="{top}" width="{LENGTH}" height="10" viewBox="0 0 {LENGTH} 1" preserveAspectRatio="none">"#));
    svg.raw(bar.svg_image(0.0, 0.0, 1.0)?);
    svg.raw("</svg>");
    svg.text((start + LENGTH as f64 + 6.0, top + 9.0), LABEL, Anchor::Start, Ink::Quiet, &high);
    let end = start + LENGTH as f64 + 6.0 + text_width(&high, LABEL).ceil();
    Ok((width.max(end as usize), height + 24))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, array};

    use super::*;

    #[test]
    fn tiles_like_photographs_are_jpeg_and_the_others_share_a_png() {
        let image =
            Array3::from_shape_fn((130, 130, 3), |(y, x, c)| ((y * (7 + c) + x * (13 - c)) % 256) as f32 / 255.0);
        let large = Tile::image(image.view());
        let small = Tile::image(image.slice(ndarray::s![..8, ..8, ..]));
        let kinds = |tiles: &[Tile]| {
            let svg = grid(tiles, Layout { columns: 2, magnification: 1 }, None, "t").unwrap().svg;
            ["image/jpeg", "image/png"].map(|kind| svg.matches(kind).count())
        };
        assert_eq!(kinds(&[large.clone(), large.clone()]), [2, 0]);
        assert_eq!(kinds(&[large, small.clone(), small]), [1, 1]);
    }

    #[test]
    fn layouts_fill_the_column_with_whole_pixels() {
        assert_eq!(Layout::fitting(32, 28, 720), Layout { columns: 8, magnification: 3 });
        assert_eq!(Layout::fitting(32, 22, 736), Layout { columns: 8, magnification: 4 });
        assert_eq!(Layout::fitting(128, 28, 720), Layout { columns: 12, magnification: 2 });
        assert_eq!(Layout::fitting(4, 26, 720), Layout { columns: 4, magnification: 4 });
        assert_eq!(Layout::fitting(64, 224, 720), Layout { columns: 3, magnification: 1 });
        assert_eq!(Layout::fitting(0, 0, 0).columns, 1);
    }

    #[test]
    fn zero_and_constant_channels_are_marked_by_word_and_outline() {
        let activation = array![[[0.0, 0.0]], [[2.0, 2.0]], [[0.0, 1.0]], [[f32::NAN, f32::NAN]]];
        let tiles = feature_maps(activation.view(), Scale::PerTile, Colormap::Viridis);
        let marks: Vec<&str> = tiles.iter().map(|tile| tile.mark.as_str()).collect();
        assert_eq!(marks, ["zero", "flat", "", "no number"]);
        let layout = Layout { columns: 2, magnification: 30 };
        let picture = grid(&tiles, layout, None, "activation").unwrap();
        assert!(picture.svg.contains(">0 zero</text>") && picture.svg.contains(">2</text>"));
        assert_eq!((picture.width, picture.height), (2 * 60 + 30, 2 * 60 + 30), "gap and band of one pixel each");
    }

    #[test]
    fn scales_are_what_they_say() {
        let maps = array![[[0.0, 1.0]], [[0.0, 4.0]], [[-2.0, 2.0]]];
        let first = |scale, channel: usize, x| {
            let tiles = feature_maps(maps.view(), scale, Colormap::Grey);
            let raster = tiles[channel].raster.clone();
            image::load_from_memory(&raster.png().unwrap()).unwrap().to_rgb8().get_pixel(x, 0).0[0]
        };
        assert_eq!(first(Scale::PerTile, 0, 1), 255);
        assert_eq!(first(Scale::Shared, 0, 0), 85, "(0 − −2) / 6 of 255");
        assert_eq!(first(Scale::Fixed(0.0, 2.0), 0, 1), 128);
        assert_eq!(first(Scale::Symmetric, 2, 1), 192, "(2 + 4) / 8 of 255, on one of 255 levels");
    }

    #[test]
    fn images_are_grey_or_coloured() {
        let grey = Tile::image(array![[[0.5], [1.0]]].view());
        let colour = Tile::image(array![[[1.0, 0.0, 0.0, 0.7]]].view());
        let pixel =
            |tile: &Tile| image::load_from_memory(&tile.raster.png().unwrap()).unwrap().to_rgb8().get_pixel(0, 0).0;
        assert_eq!(pixel(&grey), [128; 3]);
        assert_eq!(pixel(&colour), [255, 0, 0]);
    }

    #[test]
    fn nothing_to_draw_is_an_error_and_not_a_panic() {
        let layout = Layout { columns: 0, magnification: 0 };
        assert!(grid(&[], layout, None, "t").is_err());
        assert!(grid(&[Tile::image(Array3::zeros((0, 3, 3)).view())], layout, None, "t").is_err());
        assert!(grid(&[Tile::image(Array3::zeros((2, 3, 0)).view())], layout, None, "t").is_ok());
    }
}
