//! A few channels side by side: what each shows of an image above, what its filter looks for below, all of one size.

use crate::error::{Error, Result};
use crate::figure::grid::Tile;
use crate::figure::svg::{Anchor, Ink, Svg, fit};
use crate::figure::{COLUMN, Picture};

/// Font size of the words above a pair, and the height of their line.
const LABEL: u32 = 10;
const LINE: f64 = 14.0;
/// Space between pairs and between the two pictures of one.
const GAP: f64 = 6.0;
/// Pairs in a row.
pub const COLUMNS: usize = 8;

/// A channel's map, and its filter's picture if there is one.
#[derive(Debug, Clone)]
pub struct Pair {
    /// What the channel shows.
    pub map: Tile,
    /// What its filter looks for.
    pub filter: Option<Tile>,
    /// The words above.
    pub words: String,
}

/// Draws at most eight pairs; `title` names the picture for screen readers.
///
/// # Errors
/// When there are no pairs, or one has no pixels.
pub fn pairs(pairs: &[Pair], title: &str) -> Result<Picture> {
    let Some(first) = pairs.first().map(|pair| pair.map.raster()).filter(|map| map.width() * map.height() > 0) else {
        return Err(Error::other(format!("{title}: there are no channels to draw")));
    };
    let width = ((COLUMN as f64 + GAP) / COLUMNS as f64 - GAP).floor();
    let height = (width * first.height() as f64 / first.width() as f64).clamp(width / 4.0, width * 2.0).round();
    let mut svg = Svg::default();
    let mut bottom = LINE + height;
    for (i, pair) in pairs.iter().take(COLUMNS).enumerate() {
        let x = i as f64 * (width + GAP);
        svg.text((x, LINE - 4.0), LABEL, Anchor::Start, Ink::Quiet, &fit(&pair.words, LABEL, width + GAP));
        for (row, tile) in [Some(&pair.map), pair.filter.as_ref()].into_iter().enumerate() {
            let Some(tile) = tile else { continue };
            let y = LINE + row as f64 * (height + GAP);
            if tile.is_hatched() {
                svg.hatched((x, y), (width, height));
            } else {
                svg.raw(tile.raster().svg_image_in((x, y), (width, height))?);
            }
            bottom = bottom.max(y + height);
        }
    }
    let across = pairs.len().min(COLUMNS) as f64 * (width + GAP) - GAP;
    Ok(svg.finish(across.ceil() as u32, bottom.ceil() as u32, title))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3};

    use super::*;
    use crate::figure::Colormap;

    #[test]
    fn all_pictures_have_one_size_and_no_label_is_lost() {
        let map = |side: usize| Tile::map(Array2::zeros((side, side)).view(), (0.0, 1.0), Colormap::Viridis);
        let filter = Tile::image(Array3::zeros((28, 28, 3)).view());
        let pair = |side: usize| Pair { map: map(side), filter: Some(filter.clone()), words: format!("{side}: +1.25") };
        let picture = pairs(&[pair(11), pair(22)], "t").unwrap();
        assert_eq!(picture.svg.matches(r#"width="86" height="86" preserve"#).count(), 4, "{}", picture.svg);
        assert!(picture.svg.contains(">11: +1.25</text>") && picture.svg.contains(">22: +1.25</text>"));
        assert_eq!((picture.width, picture.height), (86 * 2 + 6, 14 + 86 + 6 + 86));
        assert!(pairs(&[], "t").is_err());
    }
}
