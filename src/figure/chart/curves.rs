//! Many curves over one horizontal axis.

use plotters::prelude::*;

use crate::error::Result;
use crate::figure::chart::{WIDTH, colour, draw, number, padded, quantile, sorted, text};
use crate::figure::svg::Ink;
use crate::figure::{Picture, range};

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
    fn the_median_is_taken_at_every_step() {
        assert_eq!(medians(&[vec![1.0, 5.0], vec![3.0]]), [2.0, 5.0]);
    }
}
