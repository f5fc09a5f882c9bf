//! How a section's images become its network's inputs: what the user says, else the model's files, else its graph, else a stated
//! assumption.

mod doubt;
mod said;
#[cfg(test)]
mod tests;

pub use doubt::{Answers, doubt};

use crate::config::{Located, Preprocessing, suggestion};
use crate::error::{Error, Result};
use crate::input::image::{Channels, FitMode, Layout, PRESETS, Preprocess, ResizeFilter, Size, usual_shortest};
use crate::model::Network;
use crate::model::layers::input_range::Range;
use said::said;
use std::path::Path;

/// The preprocessing of a network's images, and where it comes from.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub preprocess: Preprocess,
    /// The end of a sentence, such as "from the model's metadata".
    pub origin: String,
    /// Whether nothing told it.
    pub assumed: bool,
}

/// Reads a network that may leave its image size open: at the size given, else at the one that its own files name.
///
/// # Errors
/// Those of [`Network::load_sized`].
pub fn load(model: &Path, given: Option<&Preprocessing>) -> Result<Network> {
    let size = given.and_then(|given| given.size);
    let network = Network::load_sized(model, size)?;
    match (size, network.input().size(), said(&network).and_then(|said| said.keys.size)) {
        (None, None, Some(named)) => Network::load_sized(model, Some(named)),
        _ => Ok(network),
    }
}

/// Chooses the preprocessing. `complain` turns a message about a key of the chapter file into an error with file and line.
///
/// # Errors
/// An unknown preset, fit or filter; a wrong number of channel values; an open image size that nothing fixes.
pub fn recipe(
    network: &Network,
    asked: Option<&Preprocessing>,
    complain: &dyn Fn(&Located<String>, String) -> Error,
) -> Result<Recipe> {
    let given = asked.cloned().unwrap_or_default();
    let input = network.input();
    let start = starting_point(network, &given);
    let size = match (input.size(), given.size.or(start.keys.size)) {
        (Some((height, width)), _) | (None, Some((height, width))) => Size { height, width },
        (None, None) => {
            let name = network.name();
            return Err(Error::input(format!(
                "{name}: the network takes images of any size; give one, as in --size 224,224 or the chapter's preprocess.size"
            )));
        }
    };
    if ![1, 3, 4].contains(&input.channels) {
        let (name, channels) = (network.name(), input.channels);
        return Err(Error::input(format!(
            "{name}: the input has {channels} channels; images have 1, 3 or, with opacity, 4"
        )));
    }
    let layout = if input.channels_last { Layout::Nhwc } else { Layout::Nchw };
    let preset = start.keys.preset.as_ref().map_or("none", |preset| preset.value.as_str());
    let mut preprocess =
        Preprocess::preset(preset, size, layout).ok_or_else(|| unknown_preset(&start.keys, preset, complain))?;
    for keys in [&start.keys, &given] {
        override_with(&mut preprocess, keys, input.channels, complain)?;
    }
    Ok(Recipe { preprocess, origin: start.origin, assumed: start.assumed })
}

/// Keys to start from, and where they come from.
struct Start {
    keys: Preprocessing,
    origin: String,
    assumed: bool,
}

/// What the user's own keys are put upon.
fn starting_point(network: &Network, given: &Preprocessing) -> Start {
    let preset = |name: &str| Preprocessing {
        preset: Some(Located::option("preset", name.to_string())),
        ..Preprocessing::default()
    };
    let known = |keys, origin: String| Start { keys, origin, assumed: false };
    if let Some(asked) = &given.preset {
        let keys = Preprocessing { preset: given.preset.clone(), ..Preprocessing::default() };
        return known(keys, format!("from the preset {}, as asked", asked.value));
    }
    if given.scale.is_some() || given.mean.is_some() || given.std.is_some() {
        return known(preset("none"), "from the keys given, and nothing else".into());
    }
    let also = if *given == (Preprocessing { size: given.size, ..Preprocessing::default() }) {
        ""
    } else {
        " and the keys given"
    };
    if let Some(said) = said(network) {
        return known(said.keys, format!("from {}{also}", said.by));
    }
    let channels_last = network.input().channels_last;
    // Keras stretches photographs, torchvision cuts out the centre.
    let side = network.input().size().or(given.size).filter(|_| !channels_last);
    let crop = |name: &str| Preprocessing {
        shortest: side.map(|(height, width)| usual_shortest(height.min(width))),
        ..preset(name)
    };
    match network.expects() {
        Some(Range::Bytes) => {
            return known(
                crop("none"),
                format!("the bytes as they are, because the graph itself normalises them{also}"),
            );
        }
        Some(Range::Unit) => {
            return known(
                crop("keras-0-1"),
                format!("from 0 to 1, because the graph itself normalises from there{also}"),
            );
        }
        None => {}
    }
    let assume = |name: &str, why: &str| Start {
        keys: preset(name),
        origin: format!("assumed to be the preset {name}{also}, {why}; a wrong guess makes nonsense, so check it"),
        assumed: true,
    };
    if network.input().element.contains("int") {
        assume("none", "because the network takes whole numbers")
    } else if channels_last || network.input().channels == 1 {
        assume("keras-0-1", "as nothing says otherwise")
    } else {
        assume("imagenet", "as nothing says otherwise")
    }
}

fn unknown_preset(given: &Preprocessing, name: &str, complain: &dyn Fn(&Located<String>, String) -> Error) -> Error {
    let known = PRESETS.map(|(name, _)| name);
    let hint = suggestion(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let message = format!("`{name}` is none of {}{hint}", known.join(", "));
    match &given.preset {
        Some(key) => complain(key, message),
        None => Error::other(message),
    }
}

fn override_with(
    preprocess: &mut Preprocess,
    keys: &Preprocessing,
    channels: usize,
    complain: &dyn Fn(&Located<String>, String) -> Error,
) -> Result<()> {
    if let Some(bgr) = keys.bgr {
        preprocess.channels = if bgr { Channels::Bgr } else { Channels::Rgb };
    }
    preprocess.channels = match (channels, preprocess.channels) {
        (1, _) => Channels::Grey,
        (3, Channels::Bgr) => Channels::Bgr,
        (3, _) => Channels::Rgb,
        (_, Channels::Bgr) => {
            return Err(Error::input(
                "preprocess: the network reads red, green, blue and opacity; the order blue, green, red goes with three channels",
            ));
        }
        _ => Channels::Rgba,
    };
    if let Some(scale) = keys.scale {
        preprocess.scale = scale;
    }
    for (key, values, place) in [("mean", &keys.mean, &mut preprocess.mean), ("std", &keys.std, &mut preprocess.std)] {
        let Some(values) = values else { continue };
        // Three values leave the opacity of a fourth channel alone.
        if values.len() != 1 && values.len() != channels && !(values.len() == 3 && channels == 4) {
            return Err(Error::input(format!(
                "preprocess: `{key}` has {} values; the input has {channels} channels",
                values.len()
            )));
        }
        match values.as_slice() {
            [one] => *place = [*one; 4],
            several => place.iter_mut().zip(several).for_each(|(slot, value)| *slot = *value),
        }
    }
    if let Some(fit) = &keys.fit {
        preprocess.fit = match fit.value.as_str() {
            "stretch" => FitMode::Stretch,
            "crop" => FitMode::CentreCrop { shortest: preprocess.size.height.min(preprocess.size.width) },
            other => return Err(complain(fit, format!("`{other}` is none of stretch, crop"))),
        };
    }
    if let Some(shortest) = keys.shortest {
        preprocess.fit = FitMode::CentreCrop { shortest };
    }
    if let Some(filter) = &keys.filter {
        preprocess.filter = ResizeFilter::from_name(&filter.value).ok_or_else(|| {
            let known = ResizeFilter::ALL.map(ResizeFilter::name).join(", ");
            complain(filter, format!("`{}` is none of {known}", filter.value))
        })?;
    }
    Ok(())
}

/// The preprocessing as a sentence for the page: size, fit, filter, channels and arithmetic.
pub fn sentence(recipe: &Recipe) -> String {
    let Preprocess { size, fit, filter, channels, scale, mean, std, .. } = &recipe.preprocess;
    let fit = match fit {
        FitMode::Stretch => "stretched".to_string(),
        FitMode::CentreCrop { shortest } => format!("shortest side to {shortest} pixels and the centre cut out"),
    };
    let channels_name = match channels {
        Channels::Rgb => "RGB",
        Channels::Bgr => "BGR",
        Channels::Rgba => "RGB and opacity",
        Channels::Grey => "grey",
    };
    let list = |values: &[f64; 4]| {
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
        "{}×{} pixels, {fit} ({} filter), {channels_name}, byte{multiplied}{less}{over}; {}",
        size.width,
        size.height,
        filter.name(),
        recipe.origin
    )
}
