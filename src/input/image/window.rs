//! The window of a file's values that is spread over the levels from 0 to 255, as radiologists and photometrists set it.

use crate::error::{Error, Result};
use ndarray::ArrayView3;
use std::fmt;

/// One end of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// In the file's own units.
    Value(f32),
    /// The value below which this percentage of the image's values lie.
    Percent(f32),
}

/// The values of a file that become 0 and 255; those beyond are clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub low: Bound,
    pub high: Bound,
}

impl Window {
    /// Reads `20000,20200` or `2%,98%`.
    ///
    /// # Errors
    /// Anything else, with an example.
    pub fn parse(text: &str) -> std::result::Result<Window, String> {
        let wrong = || {
            format!(
                "`{text}` is no range of values; give the values that become black and white, as in 0,4095 or 2%,98%"
            )
        };
        let bound = |text: &str| {
            let text = text.trim();
            let number =
                text.strip_suffix('%').unwrap_or(text).trim_end().parse::<f32>().ok().filter(|n| n.is_finite())?;
            match text.ends_with('%') {
                true => (0.0..=100.0).contains(&number).then_some(Bound::Percent(number)),
                false => Some(Bound::Value(number)),
            }
        };
        let (low, high) = text.split_once(',').ok_or_else(wrong)?;
        match (bound(low), bound(high)) {
            (Some(Bound::Value(low)), Some(Bound::Value(high))) if low >= high => Err(wrong()),
            (Some(Bound::Percent(low)), Some(Bound::Percent(high))) if low >= high => Err(wrong()),
            (Some(low), Some(high)) => Ok(Window { low, high }),
            _ => Err(wrong()),
        }
    }

    /// The ends of the window in an image, the lower first; percentages are of all its values together.
    ///
    /// # Errors
    /// An image without any contrast between them.
    pub fn of(&self, values: ArrayView3<f32>) -> Result<(f32, f32)> {
        let mut sorted: Vec<f32> = Vec::new();
        if [self.low, self.high].iter().any(|bound| matches!(bound, Bound::Percent(_))) {
            sorted = values.iter().copied().collect();
            sorted.sort_unstable_by(f32::total_cmp);
        }
        let value = |bound: Bound| match bound {
            Bound::Value(value) => value,
            Bound::Percent(percent) => percentile(&sorted, percent),
        };
        let (low, high) = (value(self.low), value(self.high));
        if low < high {
            return Ok((low, high));
        }
        Err(Error::input(format!("the range {self} is from {low} to {high} in this image, which has nothing between")))
    }
}

/// A percentile of sorted values, linear between its neighbours, as `numpy.percentile`.
fn percentile(sorted: &[f32], percent: f32) -> f32 {
    let at = f64::from(percent) / 100.0 * sorted.len().saturating_sub(1) as f64;
    let value = |index: f64| sorted.get(index as usize).copied().unwrap_or(0.0);
    let (below, above) = (value(at.floor()), value(at.ceil()));
    below + (above - below) * (at - at.floor()) as f32
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |bound: Bound| match bound {
            Bound::Value(value) => value.to_string(),
            Bound::Percent(percent) => format!("{percent} %"),
        };
        write!(f, "{} to {}", bound(self.low), bound(self.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn windows_are_values_or_percentages() {
        let both = Window::parse("20000, 20200").unwrap();
        assert_eq!(both, Window { low: Bound::Value(20_000.0), high: Bound::Value(20_200.0) });
        assert_eq!(Window::parse("2%,98 %").unwrap().to_string(), "2 % to 98 %");
        assert_eq!(Window::parse("-1.5,100%").unwrap().to_string(), "-1.5 to 100 %");
        for wrong in ["5", "5,5", "9,2", "98%,2%", "a,b", "0,200%", "nan,1", ""] {
            assert!(Window::parse(wrong).unwrap_err().contains("as in 0,4095 or 2%,98%"), "{wrong}");
        }
    }

    #[test]
    fn percentiles_are_numpys() {
        let values = Array3::from_shape_vec((1, 5, 1), vec![4.0, 1.0, 10.0, 2.0, 3.0]).unwrap();
        // numpy.percentile([4, 1, 10, 2, 3], [10, 95]) = 1.4, 8.8.
        let (low, high) = Window::parse("10%,95%").unwrap().of(values.view()).unwrap();
        assert!((low - 1.4).abs() < 1e-6 && (high - 8.8).abs() < 1e-5, "{low} {high}");
        assert!(Window::parse("10%,95%").unwrap().of(Array3::zeros((1, 5, 1)).view()).is_err());
    }
}
