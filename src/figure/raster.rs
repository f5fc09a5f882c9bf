//! A small picture in memory and its bytes: PNG with a palette where 256 colours suffice, in true colour otherwise; JPEG for photographs.

use std::fmt::Write as _;

use base64::Engine as _;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use png::DeflateCompression;

use crate::error::{Error, Result};
use crate::figure::palette::Indexed;
pub use crate::figure::palette::Rgba;

/// Nothing: what lies behind shows through.
pub const CLEAR: Rgba = [0, 0, 0, 0];

/// Opaque pictures in true colour with more pixels than this are photographs, which as PNG take five to ten times the bytes and the time.
const PHOTOGRAPH: usize = 1 << 14;
/// JPEG's quality at which a photograph beside its original shows no difference.
const QUALITY: u8 = 90;
/// The level that deflates in a tenth of the best one's time to a twentieth more bytes.
const QUICK: DeflateCompression = DeflateCompression::Level(4);

/// Rows of pixels from top to bottom.
#[derive(Debug, Clone)]
pub struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
    quick: bool,
}

impl Raster {
    /// A clear picture.
    pub fn new(width: usize, height: usize) -> Raster {
        Raster { width, height, pixels: vec![CLEAR; width * height], quick: false }
    }

    /// A picture whose pixel at (column, row) is `colour(column, row)`, opaque.
    pub fn from_fn(width: usize, height: usize, mut colour: impl FnMut(usize, usize) -> [u8; 3]) -> Raster {
        let mut pixels = Vec::with_capacity(width * height);
        for row in 0..height {
            pixels.extend((0..width).map(|column| {
                let [r, g, b] = colour(column, row);
                [r, g, b, 255]
            }));
        }
        Raster { width, height, pixels, quick: false }
    }

    /// The same picture, to be deflated quickly if so.
    pub fn quickly(self, quick: bool) -> Raster {
        Raster { quick, ..self }
    }

    /// Whether it is to be deflated quickly.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Sets one pixel; what falls outside is dropped.
    pub fn set(&mut self, column: usize, row: usize, [r, g, b]: [u8; 3]) {
        if column < self.width
            && let Some(pixel) = self.pixels.get_mut(row * self.width + column)
        {
            *pixel = [r, g, b, 255];
        }
    }

    /// Copies `tile` so that its upper left corner lies at (column, row).
    pub fn paste(&mut self, tile: &Raster, column: usize, row: usize) {
        for (i, &[r, g, b, alpha]) in tile.pixels.iter().enumerate() {
            if alpha > 0 {
                self.set(column + i % tile.width, row + i / tile.width, [r, g, b]);
            }
        }
    }

    /// The picture as PNG bytes: with a palette, or in true colour where `indexed` is none.
    ///
    /// # Errors
    /// Only for a picture without pixels or larger than PNG allows.
    fn png_of(&self, indexed: Option<Indexed>) -> Result<Vec<u8>> {
        let size = |pixels: usize| u32::try_from(pixels).map_err(|_| Error::other("a picture is too large for PNG"));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, size(self.width)?, size(self.height)?);
        encoder.set_compression(png::Compression::High);
        if self.quick {
            encoder.set_deflate_compression(QUICK);
        }
        encoder.set_depth(png::BitDepth::Eight);
        let data = match indexed {
            Some(Indexed { colours, pixels }) => {
                encoder.set_color(png::ColorType::Indexed);
                encoder.set_filter(png::Filter::NoFilter);
                encoder.set_palette(colours.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect::<Vec<u8>>());
                // Clear comes first, so that a single entry says which colour it is.
                encoder.set_trns(colours.iter().take_while(|colour| colour[3] == 0).map(|_| 0).collect::<Vec<u8>>());
                pixels
            }
            None if self.is_opaque() => {
                encoder.set_color(png::ColorType::Rgb);
                self.rgb()
            }
            None => {
                encoder.set_color(png::ColorType::Rgba);
                self.pixels.concat()
            }
        };
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&data))
            .map_err(|cause| Error::other(format!("a picture cannot be encoded as PNG: {cause}")))?;
        Ok(bytes)
    }

    /// The picture as JPEG bytes; what is clear becomes black.
    ///
    /// # Errors
    /// Only for a picture without pixels or larger than JPEG allows.
    fn jpeg(&self) -> Result<Vec<u8>> {
        let size = |pixels: usize| u32::try_from(pixels).map_err(|_| Error::other("a picture is too large for JPEG"));
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, QUALITY)
            .encode(&self.rgb(), size(self.width)?, size(self.height)?, ExtendedColorType::Rgb8)
            .map_err(|cause| Error::other(format!("a picture cannot be encoded as JPEG: {cause}")))?;
        Ok(bytes)
    }

    /// The pixel at (column, row), for tests; nothing outside.
    #[cfg(test)]
    pub fn pixel(&self, column: usize, row: usize) -> Rgba {
        self.pixels.get(row * self.width + column).copied().unwrap_or(CLEAR)
    }

    /// The picture as PNG bytes, for tests that look at its pixels.
    #[cfg(test)]
    pub fn png(&self) -> Result<Vec<u8>> {
        self.png_of(Indexed::of(&self.pixels))
    }

    fn is_opaque(&self) -> bool {
        self.pixels.iter().all(|pixel| pixel[3] == 255)
    }

    fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
    }

    /// Whether it is stored as JPEG.
    pub fn is_photograph(&self) -> bool {
        self.pixels.len() > PHOTOGRAPH && self.is_opaque() && Indexed::of(&self.pixels).is_none()
    }

    /// Whether nothing was drawn.
    pub fn is_clear(&self) -> bool {
        self.pixels.iter().all(|pixel| *pixel == CLEAR)
    }

    /// An SVG `<image>` of this picture at (x, y), every pixel drawn as a sharp square of `magnification` CSS pixels; a photograph that
    /// is drawn smaller than it is may be smoothed.
    ///
    /// # Errors
    /// Only for a picture without pixels or larger than its format allows.
    pub fn svg_image(&self, x: f64, y: f64, magnification: f64) -> Result<String> {
        self.svg_image_in((x, y), (self.width as f64 * magnification, self.height as f64 * magnification))
    }

    /// An SVG `<image>` of this picture that fills the rectangle at `corner` of this width and height; see [`Raster::svg_image`].
    ///
    /// # Errors
    /// As there.
    pub fn svg_image_in(&self, (x, y): (f64, f64), (width, height): (f64, f64)) -> Result<String> {
        let mut element = String::new();
        let indexed = Indexed::of(&self.pixels);
        let (kind, bytes) = if self.is_photograph() { ("jpeg", self.jpeg()?) } else { ("png", self.png_of(indexed)?) };
        let smaller = width < self.width as f64 || height < self.height as f64;
        let style = if smaller { "" } else { r#" style="image-rendering:pixelated""# };
        let data = base64::engine::general_purpose::STANDARD.encode(bytes);
        let _ = write!(
            element,
            r#"<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none"{style} href="data:image/{kind};base64,{data}"/>"#
        );
        Ok(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raster: &Raster) -> Vec<[u8; 4]> {
        let image = image::load_from_memory(&raster.png().unwrap()).unwrap().to_rgba8();
        image.pixels().map(|pixel| pixel.0).collect()
    }

    #[test]
    fn few_colours_survive_with_their_transparency() {
        let mut raster = Raster::new(3, 2);
        raster.set(0, 0, [255, 0, 0]);
        raster.set(2, 1, [0, 0, 0]);
        let png = raster.png().unwrap();
        assert_eq!(png[25], 3, "colour type: indexed");
        let pixels = decoded(&raster);
        assert_eq!(pixels[0], [255, 0, 0, 255]);
        assert_eq!(pixels[5], [0, 0, 0, 255]);
        assert_eq!(pixels[1][3], 0);
    }

    #[test]
    fn many_colours_survive_too() {
        let opaque = Raster::from_fn(30, 20, |x, y| [x as u8 * 8, y as u8 * 12, (x * y) as u8]);
        assert_eq!(decoded(&opaque), opaque.pixels);
        let mut with_gap = Raster::new(31, 20);
        with_gap.paste(&opaque, 1, 0);
        assert_eq!(decoded(&with_gap), with_gap.pixels);
    }

    #[test]
    fn photographs_are_jpeg_and_everything_else_is_exact() {
        let photograph = Raster::from_fn(160, 120, |x, y| [x as u8, y as u8 * 2, (x / 2 + y / 2) as u8]);
        let kind = |raster: &Raster| {
            raster.svg_image(0.0, 0.0, 1.0).unwrap().split("data:image/").nth(1).unwrap()[..4].to_owned()
        };
        assert_eq!(kind(&photograph), "jpeg");
        let jpeg = image::load_from_memory(&photograph.jpeg().unwrap()).unwrap().to_rgb8();
        let worst =
            jpeg.pixels().zip(&photograph.pixels).flat_map(|(a, b)| (0..3).map(move |c| a.0[c].abs_diff(b[c]))).max();
        assert!(worst.unwrap() <= 8, "{worst:?}");
        let mut gap = Raster::new(161, 120);
        gap.paste(&photograph, 1, 0);
        let map = Raster::from_fn(400, 300, |x, y| [(x * y) as u8; 3]);
        let small = Raster::from_fn(100, 100, |x, y| [x as u8, y as u8, 7]);
        assert_eq!([kind(&gap), kind(&map), kind(&small)], ["png;", "png;", "png;"]);
        assert_eq!(decoded(&map), map.pixels);
    }

    #[test]
    fn what_falls_outside_is_dropped() {
        let mut raster = Raster::new(2, 2);
        raster.paste(&Raster::from_fn(3, 3, |_, _| [9, 9, 9]), 1, 1);
        assert_eq!(raster.pixels, [CLEAR, CLEAR, CLEAR, [9, 9, 9, 255]]);
    }
}
