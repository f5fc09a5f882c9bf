//! Horizontal bars.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::error::{Error, Result};
use crate::figure::Picture;
use crate::figure::chart::{FONT, ROW, colour, draw, sized, text, write};
use crate::figure::svg::{self, Ink};

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

/// Horizontal bars from 0 to 1, such as the probabilities of one head; `heading` stands above them. The chart is as
/// wide as its labels need.
///
/// # Errors
/// When there are no bars.
pub fn bars(heading: &str, bars: &[Bar]) -> Result<Picture> {
    if bars.is_empty() {
        return Err(Error::other(format!("{heading}: a bar chart needs bars")));
    }
    const LENGTH: f64 = 90.0;
    let room = |words: &mut dyn Iterator<Item = String>, most: f64| {
        words.map(|words| svg::text_width(&words, FONT)).fold(0.0, f64::max).clamp(24.0, most).ceil() as i32
    };
    let value = |bar: &Bar| format!("{} {}", bar.text, bar.mark).trim().to_owned();
    let left = room(&mut bars.iter().map(|bar| bar.label.clone()), 220.0) + 6;
    let right = room(&mut bars.iter().map(value), 96.0) + 6;
    let width = (left + LENGTH as i32 + right) as u32;
    let height = ROW * (bars.len() as i32 + 1) + 2;
    let title = if heading.is_empty() { "probabilities" } else { heading };
    draw((width, height as u32), title, |area| {
        write(area, (0, 8), &svg::fit(heading, FONT + 1, f64::from(width)), sized(FONT + 1, Ink::Ink), HPos::Left)?;
        for (i, bar) in bars.iter().enumerate() {
            let y = ROW * (i as i32 + 1);
            let middle = y + ROW / 2 - 1;
            let length = (bar.value.clamp(0.0, 1.0) * LENGTH).round() as i32;
            let ink = if bar.mark.is_empty() { Ink::Series(0) } else { Ink::Series(1) };
            let label = svg::fit(&bar.label, FONT, f64::from(left - 6));
            write(area, (left - 6, middle), &label, text(Ink::Ink), HPos::Right)?;
            let track = [(left, y + 3), (left + LENGTH as i32, y + ROW - 5)];
            area.draw(&Rectangle::new(track, colour(Ink::Plate).filled()))?;
            area.draw(&Rectangle::new([(left, y + 3), (left + length.max(1), y + ROW - 5)], colour(ink).filled()))?;
            let words = svg::fit(&value(bar), FONT, f64::from(right - 6));
            write(area, (left + LENGTH as i32 + 6, middle), &words, text(Ink::Ink), HPos::Left)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bar = |value, mark: &str| Bar { label: "red".into(), value, text: "50 %".into(), mark: mark.into() };
        let picture = bars("Color", &[bar(0.5, ""), bar(1.0, "truth")]).unwrap();
        assert!(picture.svg.contains("width=\"45\"") && picture.svg.contains("width=\"90\""), "{}", picture.svg);
        assert!(picture.svg.contains("50 % truth") && picture.svg.contains("f-c2"));
    }

    #[test]
    fn hostile_labels_stay_text_and_in_their_room() {
        let bar = Bar { label: "<script>".repeat(1_000), value: f64::NAN, ..Bar::default() };
        let picture = bars("</svg><img src=x onerror=a>", &[bar]).unwrap();
        assert!(!picture.svg.contains("<script") && !picture.svg.contains("<img"));
        assert!(picture.svg.len() < 5_000);
    }
}
