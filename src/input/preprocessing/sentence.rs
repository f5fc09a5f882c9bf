//! The preprocessing in words.

use crate::input::image::{Channels, FitMode, Preprocess};
use crate::input::preprocessing::Recipe;

/// The preprocessing as a sentence for the page: size, fit, filter, channels and arithmetic.
pub fn sentence(recipe: &Recipe) -> String {
    let Preprocess { size, fit, filter, channels, scale, mean, std, window, .. } = &recipe.preprocess;
    let fit = match fit {
        FitMode::Stretch => "stretched".to_string(),
        FitMode::CentreCrop { shortest } => format!("shortest side to {shortest} pixels and the centre cut out"),
        FitMode::Letterbox { pad } => format!("letterboxed, the whole photograph between bars of level {pad}"),
    };
    let channels_name = match channels {
        Channels::Rgb => "RGB".to_string(),
        Channels::Bgr => "BGR".to_string(),
        Channels::Rgba => "RGB and opacity".to_string(),
        Channels::Grey => "grey".to_string(),
        Channels::Bands(bands) => format!("{bands} bands ({})", shown_as(recipe.preprocess.show, *bands)),
    };
    let spread = window.map_or(String::new(), |window| format!("the file's values {window} spread over 0 to 255, "));
    let list = |values: &[f64]| {
        let mut values: Vec<String> = values.iter().take(channels.count()).map(f64::to_string).collect();
        if values.iter().all(|value| *value == values[0]) {
            values.truncate(1);
        }
        values.join(", ")
    };
    let multiplied = if *scale == 1.0 { String::new() } else { format!(" × {scale:.6}") };
    let less = if mean.iter().all(|m| *m == 0.0) { String::new() } else { format!(", less {}", list(mean)) };
    let over = if std.iter().all(|s| *s == 1.0) { String::new() } else { format!(", over {}", list(std)) };
    format!(
        "{}×{} pixels, {fit} ({} filter), {channels_name}, {spread}byte{multiplied}{less}{over}; {}",
        size.width,
        size.height,
        filter.name(),
        recipe.origin
    )
}

/// Which bands are shown as colours, counted from 1.
fn shown_as([red, green, blue]: [usize; 3], bands: usize) -> String {
    let number = |band: usize| band.min(bands.saturating_sub(1)) + 1;
    if red == green && green == blue {
        return format!("band {} is shown", number(red));
    }
    format!("bands {}, {} and {} are shown as red, green and blue", number(red), number(green), number(blue))
}
