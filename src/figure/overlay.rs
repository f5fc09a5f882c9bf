//! The panels of a class activation heatmap: input, map, map over input, and the colour bar they share.
//!
//! All panels of one figure have the same height: a line for the label, then a square or rectangle of the same size.

use ndarray::{ArrayView2, ArrayView3};

use crate::error::{Error, Result};
use crate::figure::grid::Tile;
use crate::figure::raster::Raster;
use crate::figure::svg::{Anchor, Ink, Svg, fit, text_width};
use crate::figure::{COLUMN, Colormap, Picture, byte, fraction};

/// Font size of labels, and the height of the line they stand on.
const LABEL: u32 = 12;
const LINE: u32 = 18;

/// The longest side of a panel with the network's input, in CSS pixels.
pub const LARGEST: usize = 224;

/// The side of a panel and the words above it.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// Room for the picture, in CSS pixels (width, height); see [`panel_size`].
    pub size: (u32, u32),
    /// The label above the picture, shortened when it does not fit; may be empty.
    pub label: &'a str,
}

/// The size of a panel for an image of `width` × `height` pixels: its largest whole-number magnification within
/// `room` × `room` CSS pixels, or its own size when it is larger.
pub fn panel_size((width, height): (usize, usize), room: usize) -> (u32, u32) {
    let magnification = (room / width.max(height).max(1)).max(1);
    ((width * magnification) as u32, (height * magnification) as u32)
}

/// The size of a panel for an image of `width` × `height` pixels that fits into `room` × `room` CSS pixels, whatever its own size.
pub fn fitted_size((width, height): (usize, usize), room: usize) -> (u32, u32) {
    let longest = width.max(height).max(1);
    if longest <= room {
        return panel_size((width, height), room);
    }
    let side = |length: usize| ((length * room) as f64 / longest as f64).round().max(1.0) as u32;
    (side(width), side(height))
}

/// The size of a panel that shows the network's input, or a map of it, in one row with `maps` panels: an input larger than
/// [`LARGEST`] is shown smaller than it is.
pub fn input_size(size: (usize, usize), maps: usize) -> (u32, u32) {
    if size.0.max(size.1) > LARGEST { fitted_size(size, LARGEST) } else { panel_size(size, room(maps)) }
}

/// The room for each of `maps` panels that stand in one row beside the input image and the colour bar, in CSS pixels.
pub fn room(maps: usize) -> usize {
    const GAP: usize = 16;
    const BAR: usize = 64;
    let panels = maps + 1;
    ((COLUMN - BAR).saturating_sub(GAP * (panels + 1)) / panels).clamp(84, 168)
}

/// The input image [H, W, C] with values in [0, 1].
///
/// # Errors
/// When the image has no pixels.
pub fn input(image: ArrayView3<f32>, panel: Panel) -> Result<Picture> {
    draw(Tile::image(image).raster(), panel, "input image")
}

/// A whole photograph [H, W, C] with values in [0, 1], and an outline around the part `seen` if that is not all: left, top, width and
/// height as shares of the photograph's.
///
/// # Errors
/// When the photograph has no pixels.
pub fn photograph(image: ArrayView3<f32>, seen: [f64; 4], panel: Panel) -> Result<Picture> {
    let (width, height) = (f64::from(panel.size.0), f64::from(panel.size.1));
    let [left, top, across, down] = seen;
    let corner = (left * width + 1.5, f64::from(LINE) + top * height + 1.5);
    let size = ((across * width - 3.0).max(0.0), (down * height - 3.0).max(0.0));
    // White within black is seen on any photograph.
    let mut outline = Svg::default();
    if (left, top, across, down) == (0.0, 0.0, 1.0, 1.0) {
        return drawn(Tile::image(image).raster(), panel, "photograph", outline);
    }
    outline.rect(corner, size, r##"fill="none" stroke="#000" stroke-width="3" stroke-opacity="0.6""##);
    outline.rect(corner, size, r##"fill="none" stroke="#fff" stroke-width="1""##);
    drawn(Tile::image(image).raster(), panel, "photograph", outline)
}

/// A map [h, w] on its own grid, its values running over `range`.
///
/// # Errors
/// When the map has no cells.
pub fn heatmap(map: ArrayView2<f32>, range: (f32, f32), colormap: Colormap, panel: Panel) -> Result<Picture> {
    draw(Tile::map(map, range, colormap).raster(), panel, "heatmap")
}

/// A panel for a map that has nothing to show: outlined and hatched, with the reason in a word or two.
pub fn empty(reason: &str, panel: Panel) -> Picture {
    let (width, height) = panel.size;
    let mut svg = labelled(panel);
    svg.hatched((0.0, f64::from(LINE)), (f64::from(width), f64::from(height)));
    let lines = wrapped(reason, f64::from(width) - 12.0);
    let block = f64::from(LABEL + 3) * lines.len() as f64;
    let (centre, top) = (f64::from(width) / 2.0, f64::from(LINE) + (f64::from(height) - block) / 2.0);
    svg.rect((4.0, top - 3.0), (f64::from(width) - 8.0, block + 6.0), &Ink::Plate.fill());
    for (i, line) in lines.iter().enumerate() {
        let y = top + f64::from(LABEL + 3) * (i as f64 + 1.0) - 4.0;
        svg.text((centre, y), LABEL, Anchor::Middle, Ink::Ink, line);
    }
    svg.finish(width, height + LINE, &format!("no heatmap: {reason}"))
}

/// At most three lines of words that fit into `width`.
fn wrapped(words: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if overflows(line, word, width) => lines.push(word.to_owned()),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    if lines.len() > 3 {
        let rest = lines.split_off(2).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| fit(line, LABEL, width)).collect()
}

/// Whether `word` no longer fits behind `line`.
fn overflows(line: &str, word: &str, width: f64) -> bool {
    text_width(line, LABEL) + text_width(word, LABEL) + text_width(" ", LABEL) > width
}

/// The map laid over the image [H, W, C]: `opacity` · colour + (1 − `opacity`) · image. `dense` is the map sampled at
/// the image's pixels, [H, W], or on a grid finer by a whole number.
///
/// # Errors
/// When the sizes do not match.
pub fn overlay(
    image: ArrayView3<f32>,
    dense: ArrayView2<f32>,
    range: (f32, f32),
    colormap: Colormap,
    opacity: f32,
    panel: Panel,
) -> Result<Picture> {
    let (height, width, channels) = image.dim();
    let (rows, columns) = dense.dim();
    let finer = rows.checked_div(height).unwrap_or(0);
    if finer == 0 || (rows, columns) != (finer * height, finer * width) {
        return Err(Error::other(format!(
            "a map of {rows}×{columns} cannot lie over an image of {height}×{width} pixels"
        )));
    }
    let raster = Raster::from_fn(columns, rows, |x, y| {
        let heat = colormap.colour(fraction(dense.get((y, x)).copied().unwrap_or(f32::NAN), range));
        [0, 1, 2].map(|c| {
            let channel = if channels < 3 { 0 } else { c };
            let below = image.get((y / finer, x / finer, channel)).copied().unwrap_or(0.0).clamp(0.0, 1.0);
            let above = f32::from(heat.get(c).copied().unwrap_or(0)) / 255.0;
            byte(opacity * above + (1.0 - opacity) * below)
        })
    });
    draw(&raster, panel, "heatmap over the input image")
}

/// An upright colour bar, as high as the panels beside it, with the values at its ends (and at zero in the middle of a
/// signed scale) already formatted.
///
/// # Errors
/// Never in practice; the bar is a picture like the others.
pub fn colour_bar(colormap: Colormap, low: &str, high: &str, height: u32) -> Result<Picture> {
    const WIDTH: f64 = 14.0;
    let (low, high) = (fit(low, LABEL, 120.0), fit(high, LABEL, 120.0));
    let bar = Raster::from_fn(1, 128, |_, y| colormap.colour(1.0 - y as f32 / 127.0));
    let mut svg = Svg::default();
    svg.raw(format!(
        r#"<svg x="0" y="{LINE}" width="{WIDTH}" height="{height}" viewBox="0 0 1 128" preserveAspectRatio="none">"#
    ));
    svg.raw(bar.svg_image(0.0, 0.0, 1.0)?);
    svg.raw("</svg>");
    svg.rect((0.5, f64::from(LINE) + 0.5), (WIDTH - 1.0, f64::from(height) - 1.0), &Ink::Rule.stroke());
    svg.text((WIDTH + 5.0, f64::from(LINE) + 9.0), LABEL, Anchor::Start, Ink::Quiet, &high);
    svg.text((WIDTH + 5.0, f64::from(LINE + height)), LABEL, Anchor::Start, Ink::Quiet, &low);
    let longest = low.chars().count().max(high.chars().count()) as f64;
    let width = WIDTH + 5.0 + longest * f64::from(LABEL) * 0.6;
    Ok(svg.finish(width.ceil() as u32, height + LINE, &format!("colour bar from {low} to {high}")))
}

/// A drawing that holds the panel's label only.
fn labelled(panel: Panel) -> Svg {
    let mut svg = Svg::default();
    let width = f64::from(panel.size.0);
    if !panel.label.is_empty() {
        svg.text((0.0, 12.0), LABEL, Anchor::Start, Ink::Ink, &fit(panel.label, LABEL, width));
    }
    svg
}

fn draw(raster: &Raster, panel: Panel, kind: &str) -> Result<Picture> {
    drawn(raster, panel, kind, Svg::default())
}

/// Draws pixels in the middle of the panel at their largest whole-number magnification, and something over them; finer ones fill the
/// panel.
fn drawn(raster: &Raster, panel: Panel, kind: &str, over: Svg) -> Result<Picture> {
    let (width, height) = panel.size;
    if raster.width() == 0 || raster.height() == 0 || width == 0 || height == 0 {
        return Err(Error::other(format!("{kind} {}: there are no pixels to draw", panel.label)));
    }
    let ratio = (f64::from(width) / raster.width() as f64).min(f64::from(height) / raster.height() as f64);
    let magnification = if ratio >= 1.0 { ratio.floor() } else { ratio };
    let inset = |room: u32, pixels: usize| ((f64::from(room) - pixels as f64 * magnification) / 2.0).floor();
    let mut svg = labelled(panel);
    let corner = (inset(width, raster.width()), f64::from(LINE) + inset(height, raster.height()));
    svg.raw(raster.svg_image(corner.0, corner.1, magnification)?);
    svg.append(over);
    let title = if panel.label.is_empty() { kind.to_owned() } else { format!("{}, {kind}", panel.label) };
    Ok(svg.finish(width, height + LINE, &title))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use ndarray::{Array2, Array3, array};

    use super::*;

    /// The pixels of the only PNG in a picture.
    fn pixels(picture: &Picture) -> Vec<[u8; 3]> {
        let data = picture.svg.split("base64,").nth(1).unwrap().split('"').next().unwrap();
        let png = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
        image::load_from_memory(&png).unwrap().to_rgb8().pixels().map(|pixel| pixel.0).collect()
    }

    #[test]
    fn the_overlay_blends_with_the_stated_opacity() {
        let image = array![[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]];
        let panel = Panel { size: (60, 30), label: "Length" };
        let map = array![[0.0, 2.0]];
        let picture = overlay(image.view(), map.view(), (0.0, 2.0), Colormap::Grey, 0.4, panel).unwrap();
        assert_eq!(pixels(&picture), [[153, 0, 0], [102, 102, 255]]);
        assert!(picture.svg.contains(">Length</text>") && picture.svg.contains(r#"width="60" height="30""#));
    }

    #[test]
    fn a_photograph_is_outlined_where_the_network_saw_it() {
        assert_eq!((fitted_size((320, 200), 160), fitted_size((28, 28), 150)), ((160, 100), (140, 140)));
        let panel = Panel { size: (160, 100), label: "Photograph" };
        let image = Array3::from_shape_fn((200, 320, 3), |(y, x, c)| [x as f32 / 320.0, y as f32 / 200.0, 0.5][c]);
        let picture = photograph(image.view(), [0.25, 0.0, 0.5, 1.0], panel).unwrap();
        assert!(picture.svg.contains(r#"<rect x="41.5" y="19.5" width="77" height="97""#), "{}", picture.svg);
        assert!(picture.svg.contains(
            r#"<image x="0" y="18" width="160" height="100" preserveAspectRatio="none" href="data:image/jpeg"#
        ));
    }

    #[test]
    fn a_finer_map_keeps_the_image_sharp() {
        let image = array![[[1.0], [0.0]]];
        let panel = Panel { size: (4, 2), label: "" };
        let map = array![[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]];
        let picture = overlay(image.view(), map.view(), (0.0, 1.0), Colormap::Grey, 0.5, panel).unwrap();
        assert_eq!(pixels(&picture).iter().map(|p| p[0]).collect::<Vec<_>>(), [128, 128, 0, 128, 128, 128, 0, 128]);
    }

    #[test]
    fn sizes_that_do_not_match_are_refused() {
        let panel = Panel { size: (28, 28), label: "" };
        let image = Array3::zeros((4, 4, 3));
        for map in [Array2::zeros((4, 5)), Array2::zeros((3, 3)), Array2::zeros((0, 0))] {
            assert!(overlay(image.view(), map.view(), (0.0, 1.0), Colormap::Grey, 0.5, panel).is_err());
        }
        assert!(heatmap(Array2::zeros((0, 4)).view(), (0.0, 1.0), Colormap::Grey, panel).is_err());
    }

    #[test]
    fn maps_stand_in_the_middle_at_whole_magnification() {
        assert_eq!(panel_size((28, 28), 150), (140, 140));
        assert_eq!((room(1), room(4), panel_size((28, 28), room(4))), (168, 115, (112, 112)));
        assert_eq!(panel_size((500, 300), 150), (500, 300));
        assert_eq!(
            [(28, 28), (224, 224), (513, 513)].map(|size| input_size(size, 4)),
            [(112, 112), (224, 224), (224, 224)]
        );
        let panel = Panel { size: (140, 140), label: "" };
        let picture = heatmap(Array2::ones((22, 22)).view(), (0.0, 1.0), Colormap::Inferno, panel).unwrap();
        assert!(picture.svg.contains(r#"<image x="4" y="22" width="132" height="132""#), "6 × 22 = 132");
    }

    #[test]
    fn an_empty_map_says_why() {
        let picture = empty("all weighted sums < 0", Panel { size: (112, 112), label: "Width" });
        assert!(picture.svg.contains(">all weighted</text>") && picture.svg.contains(">sums &lt; 0</text>"));
        assert!(picture.svg.contains(">Width</text>") && picture.svg.contains("stroke-dasharray"));
    }
}
