//! How a section's images become its network's inputs: what the chapter says, else the model's metadata, else a stated assumption.

use crate::config::{Located, Preprocessing, suggestion};
use crate::dataset::image::{Channels, FitMode, Layout, PRESETS, Preprocess, ResizeFilter, Size};
use crate::error::{Error, Result};
use crate::model::Network;

/// The preprocessing of a network's images, and a sentence that says where it comes from.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub preprocess: Preprocess,
    pub origin: String,
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
    let none = Preprocessing::default();
    let given = asked.unwrap_or(&none);
    let input = network.input();
    let size = match (input.size(), given.size) {
        (Some((height, width)), _) | (None, Some((height, width))) => Size { height, width },
        (None, None) => {
            let name = network.name();
            return Err(Error::input(format!(
                "{name}: the network takes images of any size; give one, as in --size 224,224"
            )));
        }
    };
    let layout = if input.channels_last { Layout::Nhwc } else { Layout::Nchw };
    let (preset, origin) = starting_point(network, given);
    let mut preprocess =
        Preprocess::preset(&preset, size, layout).ok_or_else(|| unknown_preset(given, &preset, complain))?;
    match (input.channels, preprocess.channels) {
        (1, _) => preprocess.channels = Channels::Grey,
        (3, _) => {}
        (channels, _) => {
            let name = network.name();
            return Err(Error::input(format!("{name}: the input has {channels} channels; images have 1 or 3")));
        }
    }
    override_with(&mut preprocess, given, complain)?;
    Ok(Recipe { preprocess, origin })
}

/// The preset to start from and the sentence about it.
fn starting_point(network: &Network, given: &Preprocessing) -> (String, String) {
    if let Some(preset) = &given.preset {
        return (preset.value.clone(), format!("the preset `{}`, as asked", preset.value));
    }
    if *given != (Preprocessing { size: given.size, ..Preprocessing::default() }) {
        return ("none".into(), "the keys given, and nothing else".into());
    }
    let metadata =
        network.metadata().get("preprocessing").and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    if let Some("u8/255") = metadata.as_ref().and_then(|value| value.get("scale")?.as_str()) {
        return ("keras-0-1".into(), "the model's metadata".into());
    }
    if network.input().element.contains("int") {
        return (
            "none".into(),
            "assumed, because the network takes whole numbers; check the picture of the input".into(),
        );
    }
    let assumed = if network.input().channels_last || network.input().channels == 1 { "keras-0-1" } else { "imagenet" };
    (
        assumed.into(),
        format!(
            "assumed to be the preset `{assumed}`, as nothing says otherwise; a wrong guess makes nonsense, so check it"
        ),
    )
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
    given: &Preprocessing,
    complain: &dyn Fn(&Located<String>, String) -> Error,
) -> Result<()> {
    if let Some(true) = given.bgr {
        preprocess.channels = Channels::Bgr;
    }
    if let Some(scale) = given.scale {
        preprocess.scale = f64::from(scale);
    }
    let channels = preprocess.channels.count();
    for (key, values, place) in [("mean", &given.mean, &mut preprocess.mean), ("std", &given.std, &mut preprocess.std)]
    {
        let Some(values) = values else { continue };
        if values.len() != 1 && values.len() != channels {
            return Err(Error::input(format!(
                "preprocess: `{key}` has {} values; the input has {channels} channels",
                values.len()
            )));
        }
        for (channel, slot) in place.iter_mut().enumerate() {
            *slot = values.get(channel).or(values.first()).copied().map_or(0.0, f64::from);
        }
    }
    if let Some(fit) = &given.fit {
        preprocess.fit = match fit.value.as_str() {
            "stretch" => FitMode::Stretch,
            "crop" => FitMode::CentreCrop { shortest: preprocess.size.height.min(preprocess.size.width) },
            other => return Err(complain(fit, format!("`{other}` is none of stretch, crop"))),
        };
    }
    if let Some(filter) = &given.filter {
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
        Channels::Grey => "grey",
    };
    let list = |values: &[f64; 3]| {
        let values: Vec<String> = values.iter().take(channels.count()).map(|value| format!("{value:.4}")).collect();
        values.join(", ")
    };
    let multiplied = if *scale == 1.0 { String::new() } else { format!(" × {scale:.6}") };
    let plain = mean.iter().all(|m| *m == 0.0) && std.iter().all(|s| *s == 1.0);
    let normalised = if plain { String::new() } else { format!(", less ({}), over ({})", list(mean), list(std)) };
    format!(
        "{}×{} pixels, {fit} ({} filter), {channels_name}, byte{multiplied}{normalised}; from {}",
        size.width,
        size.height,
        filter.name(),
        recipe.origin
    )
}
