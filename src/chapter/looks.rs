//! What a heatmap shows, in a sentence made from measurements.

use crate::explain::heatmap::Heatmap;
use crate::input::prepared::PreparedInput;
use crate::visualize::cause::Cause;
use ndarray::Array2;

/// Where a map's heat lies: on the object where that is known, else how much of the input holds half of it and where it is strongest.
pub(crate) fn at(map: &Heatmap, input: &PreparedInput) -> String {
    match (&map.cause, &map.energy) {
        (Some(Cause::Flat), _) => "the map is the same everywhere".into(),
        (Some(cause), _) => format!("the map is empty ({})", cause.short()),
        (None, Some(energy)) => format!(
            "{:.0} % of its energy lies on the {object}, {:.1} times the {object}'s share of the area",
            energy.share * 100.0,
            energy.lift,
            object = input.object
        ),
        (None, None) => {
            let (height, width) = input.size();
            let (x, y) = (map.peak.0 / width.max(1) as f64, map.peak.1 / height.max(1) as f64);
            format!(
                "half of its energy lies on {:.0} % of its cells; it is strongest {}",
                half_share(&map.rectified) * 100.0,
                part(x, y)
            )
        }
    }
}

/// The smallest share of a map's cells that holds half of the sum of its values; 0 of an empty map.
fn half_share(map: &Array2<f32>) -> f64 {
    let mut values: Vec<f64> = map.iter().map(|value| f64::from(value.max(0.0))).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    let half = values.iter().sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let enough = |value: &f64| {
        sum += value;
        sum >= half
    };
    let cells = if half > 0.0 { values.iter().position(enough).map_or(values.len(), |last| last + 1) } else { 0 };
    cells as f64 / values.len().max(1) as f64
}

/// The part of an image at shares (x, y) of its width and height, in words.
fn part(x: f64, y: f64) -> &'static str {
    let third = |at: f64| ((at * 3.0) as usize).min(2);
    match (third(y), third(x)) {
        (0, 0) => "at the upper left",
        (0, 1) => "at the top",
        (0, _) => "at the upper right",
        (1, 0) => "at the left",
        (1, 1) => "in the middle",
        (1, _) => "at the right",
        (_, 0) => "at the lower left",
        (_, 1) => "at the bottom",
        _ => "at the lower right",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn half_of_the_energy_is_counted_from_the_largest_cells_on() {
        assert_eq!(half_share(&array![[4.0, 1.0], [1.0, 2.0]]), 0.25);
        assert_eq!(half_share(&array![[1.0, 1.0], [1.0, 1.0]]), 0.5);
        assert_eq!(half_share(&array![[3.0, 3.0], [3.0, -9.0]]), 0.5);
        assert_eq!(half_share(&array![[0.0, 0.0]]), 0.0);
    }

    #[test]
    fn nine_parts_have_names() {
        assert_eq!(
            [part(0.1, 0.1), part(0.5, 0.5), part(1.0, 0.4), part(0.5, 1.0)],
            ["at the upper left", "in the middle", "at the right", "at the bottom"]
        );
    }
}
