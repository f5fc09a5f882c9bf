//! Charts: plotters draws, and its SVG is put into the frame that all figures share, so that text is text, fonts and
//! colours are the page's.
//!
//! Charts are at most [`WIDTH`] wide, which fits a phone without being scaled down.

mod bars;
mod curves;
mod list;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::{Error, Result};
use crate::figure::Picture;
use crate::figure::svg::{Ink, Svg};
use crate::text;
pub use bars::{Bar, bars};
pub use curves::{Curves, curves};
pub use list::{Distribution, Interval, distributions, intervals};

/// Width of a chart in CSS pixels.
pub const WIDTH: u32 = 320;

/// Font size of all text.
const FONT: u32 = 11;
/// Height of a row in charts that are lists.
const ROW: i32 = 20;

/// Colours that stand for the theme's while plotters draws, and are replaced in its output.
const PLACEHOLDERS: [(Ink, u8); 11] = [
    (Ink::Ink, 1),
    (Ink::Quiet, 2),
    (Ink::Rule, 3),
    (Ink::Plate, 4),
    (Ink::Edge, 5),
    (Ink::Series(0), 6),
    (Ink::Series(1), 7),
    (Ink::Series(2), 8),
    (Ink::Series(3), 9),
    (Ink::Series(4), 10),
    (Ink::Series(5), 11),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Lets plotters draw, and puts the result into the shared frame.
fn draw((width, height): (u32, u32), title: &str, drawing: impl FnOnce(&Area) -> Drawn<()>) -> Result<Picture> {
    let mut document = String::new();
    {
        let area = SVGBackend::with_string(&mut document, (width, height)).into_drawing_area();
        drawing(&area)
            .and_then(|()| Ok(area.present()?))
            .map_err(|cause| Error::other(format!("{title}: the chart cannot be drawn: {cause}")))?;
    }
    // The first line is plotters' own <svg> tag, the last its end.
    let body = document.split_once('\n').map_or("", |(_, body)| body);
    let mut body = body.trim_end().trim_end_matches("</svg>").replace(" opacity=\"1\"", "");
    // plotters escapes markup, but lets characters through that are hidden or that XML forbids.
    body = text::lines(&body);
    for (ink, index) in PLACEHOLDERS {
        let (class, light) = (ink.class(), ink.light());
        let placeholder = format!("#{index:02X}{index:02X}{index:02X}");
        body = body
            .replace(&format!("fill=\"{placeholder}\""), &format!("class=\"f-{class}\" fill=\"{light}\""))
            .replace(&format!("stroke=\"{placeholder}\""), &format!("class=\"s-{class}\" stroke=\"{light}\""));
    }
    let mut svg = Svg::default();
    // The frame sets the font.
    svg.raw(body.replace(" font-family=\"sans-serif\"", ""));
    Ok(svg.finish(width, height, title))
}

/// The placeholder of a theme colour.
fn colour(ink: Ink) -> RGBColor {
    let index = PLACEHOLDERS.iter().find(|(known, _)| *known == ink).map_or(0, |(_, index)| *index);
    RGBColor(index, index, index)
}

fn text(ink: Ink) -> TextStyle<'static> {
    sized(FONT, ink)
}

/// plotters divides font sizes by 1.24 when it writes SVG.
fn sized(size: u32, ink: Ink) -> TextStyle<'static> {
    let style = TextStyle::from(("sans-serif", f64::from(size) * 1.24).into_font());
    TextStyle { color: colour(ink).to_backend_color(), ..style }
}

/// Writes text vertically centred on a position.
fn write(area: &Area, position: (i32, i32), words: &str, style: TextStyle, anchor: HPos) -> Drawn<()> {
    area.draw(&Text::new(words.to_owned(), position, style.pos(Pos::new(anchor, VPos::Center))))?;
    Ok(())
}

/// A range with a little air, never empty.
fn padded(range: Option<(f32, f32)>, title: &str) -> Result<(f64, f64)> {
    let (low, high) = range.ok_or_else(|| Error::other(format!("{title}: there is no number to draw")))?;
    let (low, high) = (f64::from(low), f64::from(high));
    let air = if high > low { (high - low) * 0.05 } else { low.abs().max(1.0) * 0.5 };
    // Scales of what cannot be negative begin at zero when they come near it.
    let start = if low >= 0.0 && low < (high - low) { 0.0 } else { low - air };
    Ok((start, high + air))
}

/// Three to six round numbers between `low` and `high`.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let power = 10f64.powf(((high - low) / 4.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| (high - low) / step <= 5.0);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    (0..8).map(|i| (first + i) as f64 * step).take_while(|tick| *tick <= high + step * 1e-9).collect()
}

/// A number with as many digits as a label needs.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&magnitude) {
        format!("{value:.1e}").replace('-', "−")
    } else {
        let rounded = format!("{value:.3}");
        rounded.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
    }
}

fn sorted(values: &[f32]) -> Vec<f32> {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    sorted
}

/// The quantile of sorted values by linear interpolation, `None` without values.
fn quantile(sorted: &[f32], share: f64) -> Option<f32> {
    let position = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(position.floor() as usize)?, sorted.get(position.ceil() as usize)?);
    Some(below + (above - below) * position.fract() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_draw_is_an_error() {
        let nothing = Curves { title: "t", curves: &[vec![f32::NAN]], ..Curves::default() };
        assert!(curves(&nothing).is_err() && bars("t", &[]).is_err());
        assert!(intervals("t", "x", &[], None).is_err());
        assert!(distributions("t", "x", &[Distribution::default()], None).is_err());
    }

    #[test]
    fn hostile_words_stay_words() {
        let words = "</text><script>\u{1b}[31m\u{0}\u{ffff}";
        let drawn = draw((90, 20), "t", |area| write(area, (0, 9), words, text(Ink::Ink), HPos::Left)).unwrap().svg;
        assert!(drawn.contains("&lt;script&gt;\u{fffd}[31m\u{fffd}\u{fffd}") && !drawn.contains("<script"), "{drawn}");
    }

    #[test]
    fn quantiles_and_ticks_by_hand() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(-3.0, 9.0), [-0.0, 5.0].map(|t: f64| t), "steps of five");
    }

    #[test]
    fn labels_are_short() {
        let shown: Vec<String> = [0.0, 0.6000000000000001, -2.5, 1e-7, 123456.0].map(number).into();
        assert_eq!(shown, ["0", "0.6", "−2.5", "1.0e−7", "1.2e5"]);
    }
}
