//! The panels of a row of pictures: the input, a map of its pixels, a place for a map that is not there, and the words below them.

use ndarray::{ArrayView2, ArrayView3};

use crate::error::{Error, Result};
use crate::figure::grid::Tile;
use crate::figure::raster::Raster;
use crate::figure::svg::{Anchor, Ink, Svg, fit, text_width};
use crate::figure::{COLUMN, Colormap, Picture};

/// Font size of words, and the height of a line of them.
const WORDS: u32 = 11;
const LINE: u32 = 15;
/// Lines that a panel's words may take.
const LINES: usize = 3;

/// The longest side of a panel with the network's input, in CSS pixels.
pub const LARGEST: usize = 224;

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

/// The size of a panel that shows the network's input, or a map of it, in one row with `maps` panels.
pub fn input_size(size: (usize, usize), maps: usize) -> (u32, u32) {
    fitted_size(size, room(maps))
}

/// The room for each of `maps` panels that stand in one row beside the input image, in CSS pixels.
pub fn room(maps: usize) -> usize {
    const GAP: usize = 20;
    let panels = maps.max(2) + 1;
    ((COLUMN + GAP) / panels).saturating_sub(GAP).clamp(84, LARGEST)
}

/// A colour scale from 0 to the value in `high`, as it is shown.
#[derive(Debug, Clone)]
pub struct Scale {
    /// The colours.
    pub colormap: Colormap,
    /// The value of the last colour.
    pub high: String,
}

/// The input image [H, W, C] with values in [0, 1], filling a panel of this size.
///
/// # Errors
/// When the image has no pixels.
pub fn input(image: ArrayView3<f32>, size: (u32, u32)) -> Result<Picture> {
    filled(Tile::image(image).raster(), size, "input image")
}

/// A map with a value for each pixel of the input [h, w], from 0 to its largest value, with words and the colour scale below.
///
/// # Errors
/// When the map has no pixels.
pub fn pixels(
    map: ArrayView2<f32>,
    high: f32,
    colormap: Colormap,
    (size, words): ((u32, u32), &str),
) -> Result<Picture> {
    let range = (0.0, if high > 0.0 { high } else { 1.0 });
    let mut svg = pixels_of(Tile::map(map, range, colormap).raster(), size, words)?;
    let foot = foot(&mut svg, size, words, Some(&Scale { colormap, high: format!("{high:.3}") }))?;
    Ok(svg.finish(size.0, size.1 + foot, &format!("map {words}")))
}

/// A panel for a map that has nothing to show: outlined and hatched, with the reason in a word or two, and words below.
///
/// # Errors
/// Never in practice; it is a picture like the others.
pub fn empty(reason: &str, size: (u32, u32), words: &str) -> Result<Picture> {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let mut svg = Svg::default();
    svg.hatched((0.0, 0.0), (width, height));
    let lines = wrapped(reason, width - 12.0);
    let block = f64::from(LINE * lines.len() as u32);
    let top = (height - block) / 2.0;
    svg.rect((4.0, top - 3.0), (width - 8.0, block + 6.0), &Ink::Plate.fill());
    for (i, line) in lines.iter().enumerate() {
        let y = top + f64::from(LINE) * (i as f64 + 1.0) - 4.0;
        svg.text((width / 2.0, y), WORDS, Anchor::Middle, Ink::Ink, line);
    }
    let foot = foot(&mut svg, size, words, None)?;
    Ok(svg.finish(size.0, size.1 + foot, &format!("no heatmap: {reason}")))
}

/// Writes words and a colour scale below a picture of this size and says how high they are.
///
/// # Errors
/// Never in practice; the scale is a picture like the others.
pub fn foot(svg: &mut Svg, (width, height): (u32, u32), words: &str, scale: Option<&Scale>) -> Result<u32> {
    let lines = wrapped(words, f64::from(width));
    let mut bottom = height + 3;
    for line in &lines {
        bottom += LINE;
        svg.text((0.0, f64::from(bottom) - 3.0), WORDS, Anchor::Start, Ink::Ink, line);
    }
    if let Some(Scale { colormap, high }) = scale {
        bottom += LINE;
        let end = text_width(high, WORDS).ceil() + 2.0;
        let length = (f64::from(width) - end - 14.0).max(10.0);
        let bar = Raster::from_fn(64, 1, |x, _| colormap.colour(x as f32 / 63.0));
        let middle = f64::from(bottom) - 3.0;
        svg.text((0.0, middle), WORDS, Anchor::Start, Ink::Quiet, "0");
        svg.raw(bar.svg_image_in((10.0, middle - 8.0), (length, 8.0))?);
        svg.text((14.0 + length, middle), WORDS, Anchor::Start, Ink::Quiet, high);
    }
    Ok(bottom - height + 2)
}

/// At most three lines of words that fit into `width`.
fn wrapped(words: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        let full = lines.len() == LINES;
        match lines.last_mut() {
            Some(line) if full || !overflows(line, word, width) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| fit(line, WORDS, width)).collect()
}

/// Whether `word` no longer fits behind `line`.
fn overflows(line: &str, word: &str, width: f64) -> bool {
    text_width(line, WORDS) + text_width(word, WORDS) + text_width(" ", WORDS) > width
}

/// A picture of pixels alone.
fn filled(raster: &Raster, size: (u32, u32), kind: &str) -> Result<Picture> {
    Ok(pixels_of(raster, size, kind)?.finish(size.0, size.1, kind))
}

/// A drawing whose pixels fill a panel of this size.
fn pixels_of(raster: &Raster, (width, height): (u32, u32), kind: &str) -> Result<Svg> {
    if raster.width() == 0 || raster.height() == 0 || width == 0 || height == 0 {
        return Err(Error::other(format!("{kind}: there are no pixels to draw")));
    }
    let mut svg = Svg::default();
    svg.raw(raster.svg_image_in((0.0, 0.0), (f64::from(width), f64::from(height)))?);
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, array};

    use super::*;

    #[test]
    fn panels_share_the_column() {
        assert_eq!((fitted_size((320, 200), 160), fitted_size((28, 28), 150)), ((160, 100), (140, 140)));
        assert_eq!(panel_size((28, 28), 130), (112, 112));
        for maps in [1, 2, 3, 4, 9] {
            let panels = maps.max(2) + 1;
            assert!(panels * room(maps) + (panels - 1) * 20 <= COLUMN || room(maps) == 84, "{maps}");
        }
        assert_eq!(input_size((224, 224), 1), (224, 224));
        assert_eq!(input_size((28, 28), 4), (112, 112));
    }

    #[test]
    fn words_below_a_picture_wrap_and_are_never_cut_in_the_middle() {
        let lines = wrapped("7 px long, 1 px wide, blue, 120°", 112.0);
        assert_eq!(lines, ["7 px long, 1 px", "wide, blue, 120°"]);
        let long = wrapped(&"word ".repeat(40), 112.0);
        assert!(long.len() == LINES && long[2].ends_with('…') && long[2].starts_with("word"), "{long:?}");
    }

    #[test]
    fn a_map_that_is_not_there_says_why() {
        let picture = empty("all sums negative <b>", (112, 112), "Colour").unwrap();
        assert!(picture.svg.contains(">all sums</text>") && picture.svg.contains("&lt;b&gt;"), "{}", picture.svg);
        assert!(picture.height > 112 && picture.svg.contains(">Colour</text>"));
    }

    #[test]
    fn pixels_fill_their_panel() {
        let picture = input(array![[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]].view(), (60, 30)).unwrap();
        assert!(picture.svg.contains(r#"<image x="0" y="0" width="60" height="30""#), "{}", picture.svg);
        assert!(input(Array3::zeros((0, 0, 3)).view(), (60, 30)).is_err());
        let map = pixels(array![[0.0, 2.0]].view(), 2.0, Colormap::Inferno, ((60, 30), "Color")).unwrap();
        assert!(map.svg.contains(">2.000</text>") && map.svg.contains(">Color</text>"));
    }
}
