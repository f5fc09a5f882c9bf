//! Charts: plotters draws, and its SVG is put into the frame that all figures share, so that text is text, fonts and
//! colours are the page's.
//!
//! Charts are at most [`WIDTH`] wide, which fits a phone without being scaled down.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::svg::{self, Ink, Svg};
use super::{Picture, range};
use crate::error::{Error, Result};

/// Width of a chart in CSS pixels.
pub const WIDTH: u32 = 340;

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

/// Many curves over one horizontal axis, such as the ascent of all filters of a layer.
#[derive(Debug, Clone, Default)]
pub struct Curves<'a> {
    /// Name of the chart for screen readers.
    pub title: &'a str,
    /// Label of the horizontal axis.
    pub x: &'a str,
    /// Label of the vertical axis.
    pub y: &'a str,
    /// Values at 0, 1, 2, …; values that are no number interrupt a curve.
    pub curves: &'a [Vec<f32>],
}

/// Draws every curve thin, and their median at each step thick.
///
/// # Errors
/// When there is no number to draw.
pub fn curves(spec: &Curves) -> Result<Picture> {
    let (low, high) = padded(range(spec.curves.iter().flatten().copied()), spec.title)?;
    let steps = spec.curves.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1).max(1);
    let median = medians(spec.curves);
    draw((WIDTH, 210), spec.title, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(6)
            .margin_right(14)
            .x_label_area_size(34)
            .y_label_area_size(46)
            .build_cartesian_2d(0f64..steps as f64, low..high)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(colour(Ink::Rule))
            .axis_style(colour(Ink::Edge))
            .label_style(text(Ink::Quiet))
            .axis_desc_style(text(Ink::Quiet))
            .x_labels(6)
            .y_labels(5)
            .x_desc(spec.x)
            .y_desc(spec.y)
            .x_label_formatter(&|x| number(*x))
            .y_label_formatter(&|y| number(*y))
            .draw()?;
        for curve in spec.curves {
            for piece in pieces(curve) {
                chart.draw_series(LineSeries::new(piece, colour(Ink::Series(0)).mix(0.35).stroke_width(1)))?;
            }
        }
        if spec.curves.len() > 2 {
            for piece in pieces(&median) {
                chart.draw_series(LineSeries::new(piece, colour(Ink::Series(1)).stroke_width(2)))?;
            }
        }
        Ok(())
    })
}

/// A row of a bar chart.
#[derive(Debug, Clone, Default)]
pub struct Bar {
    /// The words to the left, shortened when they are long.
    pub label: String,
    /// The length, in [0, 1].
    pub value: f64,
    /// The value as shown.
    pub text: String,
    /// A word behind the value, such as "truth"; such bars are drawn in the second colour.
    pub mark: String,
}

/// Horizontal bars from 0 to 1, such as the probabilities of one head; `heading` stands above them.
///
/// # Errors
/// When there are no bars.
pub fn bars(heading: &str, bars: &[Bar]) -> Result<Picture> {
    if bars.is_empty() {
        return Err(Error::other(format!("{heading}: a bar chart needs bars")));
    }
    const LEFT: i32 = 104;
    const LENGTH: f64 = 120.0;
    let height = ROW * (bars.len() as i32 + 1) + 2;
    let title = if heading.is_empty() { "probabilities" } else { heading };
    draw((WIDTH, height as u32), title, |area| {
        write(area, (0, 8), &svg::fit(heading, FONT + 1, f64::from(WIDTH)), heading_style(), HPos::Left)?;
        for (i, bar) in bars.iter().enumerate() {
            let y = ROW * (i as i32 + 1);
            let middle = y + ROW / 2 - 1;
            let length = (bar.value.clamp(0.0, 1.0) * LENGTH).round() as i32;
            let ink = if bar.mark.is_empty() { Ink::Series(0) } else { Ink::Series(1) };
            let label = svg::fit(&bar.label, FONT, f64::from(LEFT - 6));
            write(area, (LEFT - 6, middle), &label, text(Ink::Ink), HPos::Right)?;
            let track = [(LEFT, y + 3), (LEFT + LENGTH as i32, y + ROW - 5)];
            area.draw(&Rectangle::new(track, colour(Ink::Plate).filled()))?;
            area.draw(&Rectangle::new([(LEFT, y + 3), (LEFT + length.max(1), y + ROW - 5)], colour(ink).filled()))?;
            let value = format!("{} {}", bar.text, bar.mark);
            let value = svg::fit(value.trim(), FONT, 104.0);
            write(area, (LEFT + LENGTH as i32 + 6, middle), &value, text(Ink::Ink), HPos::Left)?;
        }
        Ok(())
    })
}

/// A row of an interval plot.
#[derive(Debug, Clone, Default)]
pub struct Interval {
    /// The words to the left, shortened when they are long.
    pub label: String,
    /// The estimate, drawn as a dot.
    pub value: f64,
    /// The ends of its interval, drawn as a line.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Drawn hollow and in the second colour: what the estimate is compared with.
    pub control: bool,
}

/// Estimates with their intervals, one below the other, and a dashed line at a threshold or at chance level, which
/// `reference` names.
///
/// # Errors
/// When there is no number to draw.
pub fn intervals(title: &str, axis: &str, rows: &[Interval], reference: Option<(f64, &str)>) -> Result<Picture> {
    let values = rows.iter().flat_map(|row| [row.value, row.low, row.high]).chain(reference.map(|(value, _)| value));
    let (low, high) = padded(range(values.map(|value| value as f32)), title)?;
    list(title, axis, rows.len(), (low, high), reference, |area, i, place, middle| {
        let Some(row) = rows.get(i) else { return Ok(String::new()) };
        let ink = if row.control { Ink::Series(1) } else { Ink::Series(0) };
        if row.low.is_finite() && row.high.is_finite() {
            let ends = vec![(place(row.low), middle), (place(row.high), middle)];
            area.draw(&PathElement::new(ends, colour(ink).stroke_width(2)))?;
        }
        if row.value.is_finite() {
            let dot = (place(row.value), middle);
            if row.control {
                area.draw(&Circle::new(dot, 4, colour(Ink::Plate).filled()))?;
                area.draw(&Circle::new(dot, 4, colour(ink).stroke_width(2)))?;
            } else {
                area.draw(&Circle::new(dot, 4, colour(ink).filled()))?;
            }
        }
        Ok(row.label.clone())
    })
}

/// A row of a distribution plot.
#[derive(Debug, Clone, Default)]
pub struct Distribution {
    /// The words to the left, shortened when they are long.
    pub label: String,
    /// The values; what is no number is left out.
    pub values: Vec<f32>,
    /// Drawn in the second colour: what the others are compared with.
    pub control: bool,
}

/// Distributions one below the other: a line from the 5th to the 95th percentile, a box over the middle half, a tick
/// at the median.
///
/// # Errors
/// When there is no number to draw.
pub fn distributions(
    title: &str,
    axis: &str,
    rows: &[Distribution],
    reference: Option<(f64, &str)>,
) -> Result<Picture> {
    let sorted: Vec<Vec<f32>> = rows.iter().map(|row| sorted(&row.values)).collect();
    let shown = sorted.iter().flat_map(|values| [quantile(values, 0.05), quantile(values, 0.95)]).flatten();
    let (low, high) = padded(range(shown.chain(reference.map(|(value, _)| value as f32))), title)?;
    list(title, axis, rows.len(), (low, high), reference, |area, i, place, middle| {
        let (Some(row), Some(values)) = (rows.get(i), sorted.get(i)) else { return Ok(String::new()) };
        let at = |share: f64| quantile(values, share).map(|value| place(f64::from(value)));
        if let (Some(start), Some(left), Some(centre), Some(right), Some(end)) =
            (at(0.05), at(0.25), at(0.5), at(0.75), at(0.95))
        {
            let ink = if row.control { Ink::Series(1) } else { Ink::Series(0) };
            area.draw(&PathElement::new(vec![(start, middle), (end, middle)], colour(ink).stroke_width(1)))?;
            let middle_half = [(left, middle - 5), (right.max(left + 1), middle + 5)];
            area.draw(&Rectangle::new(middle_half, colour(Ink::Plate).filled()))?;
            area.draw(&Rectangle::new(middle_half, colour(ink).stroke_width(1)))?;
            let tick = vec![(centre, middle - 6), (centre, middle + 6)];
            area.draw(&PathElement::new(tick, colour(ink).stroke_width(3)))?;
        }
        Ok(row.label.clone())
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A chart whose rows share one horizontal axis: `row` draws the i-th one around a height, is given the function from
/// values to positions, and returns the row's label.
fn list(
    title: &str,
    axis: &str,
    rows: usize,
    (low, high): (f64, f64),
    reference: Option<(f64, &str)>,
    mut row: impl FnMut(&Area, usize, &dyn Fn(f64) -> i32, i32) -> Drawn<String>,
) -> Result<Picture> {
    const LEFT: i32 = 124;
    let right = WIDTH as i32 - 14;
    let top = if reference.is_some() { 18 } else { 4 };
    let bottom = top + ROW * rows as i32;
    let place = |value: f64| LEFT + ((value - low) / (high - low) * f64::from(right - LEFT)).round() as i32;
    draw((WIDTH, (bottom + 36) as u32), title, |area| {
        for tick in ticks(low, high) {
            let x = place(tick);
            area.draw(&PathElement::new(vec![(x, top), (x, bottom)], colour(Ink::Rule)))?;
            write(area, (x, bottom + 10), &number(tick), text(Ink::Quiet), HPos::Center)?;
        }
        let axis = svg::fit(axis, FONT, f64::from(WIDTH - 4));
        write(area, (right, bottom + 27), &axis, text(Ink::Quiet), HPos::Right)?;
        if let Some((value, name)) = reference {
            let x = place(value);
            let dashes = (top..bottom).step_by(6).map(|y| vec![(x, y), (x, (y + 3).min(bottom))]);
            for dash in dashes {
                area.draw(&PathElement::new(dash, colour(Ink::Ink).stroke_width(1)))?;
            }
            let half = (svg::text_width(name, FONT) / 2.0).ceil() as i32;
            let x = x.clamp(half.min(right - half), (right - half).max(half));
            write(area, (x, 8), &svg::fit(name, FONT, f64::from(WIDTH)), text(Ink::Ink), HPos::Center)?;
        }
        for i in 0..rows {
            let middle = top + ROW * i as i32 + ROW / 2;
            let label = row(area, i, &place, middle)?;
            let label = svg::fit(&label, FONT, f64::from(LEFT - 10));
            write(area, (LEFT - 8, middle), &label, text(Ink::Ink), HPos::Right)?;
        }
        Ok(())
    })
}

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

fn heading_style() -> TextStyle<'static> {
    sized(FONT + 1, Ink::Ink)
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

/// The median of all curves at every step.
fn medians(curves: &[Vec<f32>]) -> Vec<f32> {
    let steps = curves.iter().map(Vec::len).max().unwrap_or(0);
    let at = |step: usize| sorted(&curves.iter().filter_map(|curve| curve.get(step).copied()).collect::<Vec<_>>());
    (0..steps).map(|step| quantile(&at(step), 0.5).unwrap_or(f32::NAN)).collect()
}

/// The runs of numbers in a curve, with their positions.
fn pieces(curve: &[f32]) -> Vec<Vec<(f64, f64)>> {
    let points: Vec<(f64, f64)> =
        curve.iter().enumerate().map(|(step, value)| (step as f64, f64::from(*value))).collect();
    points.split(|(_, value)| !value.is_finite()).filter(|piece| piece.len() > 1).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_take_font_and_colours_from_the_page() {
        let curves_spec = [vec![0.0, 1.0, 2.0], vec![0.5, 1.5, f32::NAN], vec![0.0, 0.2, 0.4]];
        let picture = curves(&Curves { title: "ascent", x: "step", y: "activation", curves: &curves_spec }).unwrap();
        assert!(picture.svg.contains("class=\"s-c1\"") && picture.svg.contains("class=\"f-quiet\""));
        assert!(!picture.svg.contains("sans-serif\" ") && !picture.svg.contains("#060606"), "{}", picture.svg);
        assert!(!picture.svg.contains("NaN") && picture.svg.matches("<svg").count() == 1);
        assert!(
            picture.svg.contains("<title>ascent</title>")
                && picture.svg.contains("activation</text>\n") | picture.svg.contains("activation\n")
        );
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bar = |value, mark: &str| Bar { label: "red".into(), value, text: "50 %".into(), mark: mark.into() };
        let picture = bars("Color", &[bar(0.5, ""), bar(1.0, "truth")]).unwrap();
        assert!(picture.svg.contains("width=\"60\"") && picture.svg.contains("width=\"120\""), "{}", picture.svg);
        assert!(picture.svg.contains("50 % truth") && picture.svg.contains("f-c2"));
    }

    #[test]
    fn hostile_labels_stay_text_and_in_their_room() {
        let bar = Bar { label: "<script>".repeat(1_000), value: f64::NAN, ..Bar::default() };
        let picture = bars("</svg><img src=x onerror=a>", &[bar]).unwrap();
        assert!(!picture.svg.contains("<script") && !picture.svg.contains("<img"));
        assert!(picture.svg.len() < 5_000);
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let nothing = Curves { title: "t", curves: &[vec![f32::NAN]], ..Curves::default() };
        assert!(curves(&nothing).is_err() && bars("t", &[]).is_err());
        assert!(intervals("t", "x", &[], None).is_err());
        assert!(distributions("t", "x", &[Distribution::default()], None).is_err());
    }

    #[test]
    fn quantiles_medians_and_ticks_by_hand() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(medians(&[vec![1.0, 5.0], vec![3.0]]), [2.0, 5.0]);
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(-3.0, 9.0), [-0.0, 5.0].map(|t: f64| t), "steps of five");
    }

    #[test]
    fn labels_are_short() {
        let shown: Vec<String> = [0.0, 0.6000000000000001, -2.5, 1e-7, 123456.0].map(number).into();
        assert_eq!(shown, ["0", "0.6", "−2.5", "1.0e−7", "1.2e5"]);
    }

    #[test]
    fn intervals_stand_where_their_values_are() {
        let row =
            |value, control| Interval { label: "Grad-CAM".into(), value, low: value - 1.0, high: value + 1.0, control };
        let picture = intervals("t", "ratio", &[row(4.0, false), row(2.0, true)], Some((1.0, "chance"))).unwrap();
        let centres: Vec<i32> = picture
            .svg
            .match_indices("cx=\"")
            .map(|(i, _)| picture.svg[i + 4..].split('"').next().unwrap().parse().unwrap())
            .collect();
        let spread = 326.0 - 124.0;
        let place = |value: f64| (124.0 + value / 5.2 * spread).round() as i32;
        assert_eq!(centres, [place(4.0), place(2.0), place(2.0)]);
        assert!(picture.svg.contains("chance"));
    }
}
