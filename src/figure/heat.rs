//! A class activation map as two pictures in one frame: its cells at their true places, and its heat over the image.

use ndarray::{ArrayView2, ArrayView3};

use crate::error::{Error, Result};
use crate::figure::frame::Frame;
use crate::figure::lines::{contour, outline};
use crate::figure::panel::{self, Scale};
use crate::figure::raster::Raster;
use crate::figure::svg::{Ink, Svg};
use crate::figure::{Colormap, Picture, byte, fraction, range};
use crate::visualize::placement::{Grid, drawn_at_points};

/// How much of the image is covered where the map is largest; elsewhere in proportion to the heat, so that cold places stay as they are.
const OPACITY: f32 = 0.85;
/// How dark the part of a photograph is drawn that the network did not see.
const UNSEEN: f32 = 0.4;

/// A rectified map [rows, columns], where its cells lie in the input, and its colours, which run from 0 to its largest value.
#[derive(Debug, Clone, Copy)]
pub struct Heat<'a> {
    /// The map's values.
    pub values: ArrayView2<'a, f32>,
    /// Where its cells lie in the input.
    pub grid: Grid,
    /// Its colours.
    pub colormap: Colormap,
    /// Where the object is in the input, [h, w], if that is known.
    pub object: Option<ArrayView2<'a, bool>>,
}

impl Heat<'_> {
    /// The largest value; 0 of a map without a positive one.
    pub fn largest(&self) -> f32 {
        range(self.values.iter().copied()).map_or(0.0, |(_, high)| high.max(0.0))
    }

    /// The ends of the colour scale.
    fn scale(&self) -> (f32, f32) {
        let largest = self.largest();
        (0.0, if largest > 0.0 { largest } else { 1.0 })
    }

    /// The map's cells as squares at their places in the input's frame, with the object's outline and, below, words and the colour
    /// scale. What lies beyond the cells stays empty.
    ///
    /// # Errors
    /// When the map has no cells.
    pub fn map(&self, frame: &Frame, words: &str) -> Result<Picture> {
        let (rows, columns) = self.values.dim();
        if rows == 0 || columns == 0 {
            return Err(Error::other(format!("heatmap {words}: there are no cells to draw")));
        }
        let (width, height) = (f64::from(frame.size.0), f64::from(frame.size.1));
        let mut svg = Svg::default();
        svg.rect((0.0, 0.0), (width, height), &Ink::Plate.fill());
        svg.raw(format!(r#"<svg x="0" y="0" width="{width}" height="{height}">"#));
        let (corner, size) = self.cells(frame);
        let scale = self.scale();
        let colour = |x: usize, y: usize| {
            self.colormap.colour(fraction(self.values.get((y, x)).copied().unwrap_or(f32::NAN), scale))
        };
        svg.raw(Raster::from_fn(columns, rows, colour).svg_image_in(corner, size)?);
        svg.append(self.outlined(frame));
        svg.raw("</svg>");
        svg.rect((0.5, 0.5), (width - 1.0, height - 1.0), &Ink::Edge.stroke());
        let scale = Scale { colormap: self.colormap, high: number(self.largest()) };
        let foot = panel::foot(&mut svg, frame.size, words, Some(&scale))?;
        Ok(svg.finish(frame.size.0, frame.size.1 + foot, &format!("heatmap {words}")))
    }

    /// The rectangle that the cells cover in the frame: corner and size in CSS pixels.
    fn cells(&self, frame: &Frame) -> ((f64, f64), (f64, f64)) {
        let [(top, bottom), (left, right)] = self.grid.extent(self.values.dim());
        let (corner, end) = (frame.point((left, top)), frame.point((right, bottom)));
        (corner, (end.0 - corner.0, end.1 - corner.1))
    }

    /// The image [h, w, 3] with values in [0, 1] in shades of grey, the map's heat over it as far as its cells reach, a line where the heat is half
    /// of the largest, the object's outline, and a thin frame around what the network saw if that is not all.
    ///
    /// # Errors
    /// When the image has no pixels.
    pub fn overlay(&self, image: ArrayView3<f32>, frame: &Frame) -> Result<Picture> {
        let (rows, columns, _) = image.dim();
        if rows == 0 || columns == 0 {
            return Err(Error::other("a heatmap's image has no pixels"));
        }
        let size = (f64::from(frame.size.0), f64::from(frame.size.1));
        let mut svg = Svg::default();
        svg.raw(self.blended(image, frame).svg_image_in((0.0, 0.0), size)?);
        svg.append(self.outlined(frame));
        let largest = self.largest();
        if largest > 0.0 {
            cased(&mut svg, &contour(self.values, self.grid, largest / 2.0, frame), "");
        }
        if frame.is_cropped() {
            let ((x, y), (width, height)) = frame.rectangle();
            let inner = ((width - 2.0).max(0.0), (height - 2.0).max(0.0));
            svg.rect((x + 1.0, y + 1.0), inner, r##"fill="none" stroke="#000" stroke-width="2" stroke-opacity="0.5""##);
            svg.rect((x + 1.0, y + 1.0), inner, r##"fill="none" stroke="#fff" stroke-width="1""##);
        }
        Ok(svg.finish(frame.size.0, frame.size.1, "heatmap over the image"))
    }

    /// The pixels of an overlay, one for each of the image's.
    fn blended(&self, image: ArrayView3<f32>, frame: &Frame) -> Raster {
        let (rows, columns, channels) = image.dim();
        let (ys, xs) = frame.centres((columns, rows));
        let heat = drawn_at_points(self.values, self.grid, &ys, &xs);
        let scale = self.scale();
        Raster::from_fn(columns, rows, |x, y| {
            let channel =
                |c: usize| image.get((y, x, if channels < 3 { 0 } else { c })).copied().unwrap_or(0.0).clamp(0.0, 1.0);
            // Luminance by Rec. 709.
            let mut grey = 0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2);
            if ys[y].is_nan() || xs[x].is_nan() {
                grey *= UNSEEN;
            }
            let share = fraction(heat.get((y, x)).copied().unwrap_or(f32::NAN), scale);
            let opacity = OPACITY * share;
            self.colormap.colour(share).map(|colour| byte(opacity * f32::from(colour) / 255.0 + (1.0 - opacity) * grey))
        })
    }

    /// The object's outline, dashed.
    fn outlined(&self, frame: &Frame) -> Svg {
        let mut svg = Svg::default();
        if let Some(object) = self.object {
            let path = outline(object, frame);
            svg.path(&path, r##"fill="none" stroke="#000" stroke-width="2" stroke-opacity="0.6""##);
            svg.path(&path, r##"fill="none" stroke="#7fe3ff" stroke-width="1.2" stroke-dasharray="4 2""##);
        }
        svg
    }
}

/// A white line within a dark one, which is seen on any picture.
fn cased(svg: &mut Svg, path: &str, more: &str) {
    if !path.is_empty() {
        svg.path(
            path,
            &format!(
                r##"fill="none" stroke="#000" stroke-width="2.6" stroke-opacity="0.55" stroke-linecap="round"{more}"##
            ),
        );
        svg.path(path, &format!(r##"fill="none" stroke="#fff" stroke-width="1.2" stroke-linecap="round"{more}"##));
    }
}

/// A value with three significant digits.
fn number(value: f32) -> String {
    match value.abs() {
        0.0 => "0".into(),
        magnitude if (1e-3..1e4).contains(&magnitude) => {
            let digits = (2 - magnitude.log10().floor() as i32).max(0) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.1e}").replace('-', "−"),
    }
}

#[cfg(test)]
mod tests;
