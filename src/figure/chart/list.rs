//! Estimates and distributions, one below the other over a shared horizontal axis.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::error::Result;
use crate::figure::chart::{
    Area, Drawn, FONT, ROW, WIDTH, colour, draw, number, padded, quantile, sorted, text, ticks, write,
};
use crate::figure::svg::{self, Ink};
use crate::figure::{Picture, range};

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

#[cfg(test)]
mod tests {
    use super::*;

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
        let spread = 306.0 - 124.0;
        let place = |value: f64| (124.0 + value / 5.2 * spread).round() as i32;
        assert_eq!(centres, [place(4.0), place(2.0), place(2.0)]);
        assert!(picture.svg.contains("chance"));
    }
}
