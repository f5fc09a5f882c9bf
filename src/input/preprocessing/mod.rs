//! How a section's images become its network's inputs: what the user says, else the model's files, else its graph, else a stated
//! assumption.

mod doubt;
mod said;
mod sentence;
#[cfg(test)]
mod tests;

pub use doubt::{Answers, doubt};
pub use sentence::sentence;

use crate::config::{Located, Preprocessing, suggestion};
use crate::error::{Error, Result};
use crate::input::image::{Channels, FitMode, Layout, PRESETS, Preprocess, ResizeFilter, Size, Window, usual_shortest};
use crate::model::layers::input_range::Range;
use crate::model::{GivenInputs, Network};
use said::said;
use std::path::Path;

/// The grey of a letterbox's bars, as in Ultralytics' and YOLOv5's.
const LETTERBOX_GREY: u8 = 114;

/// The preprocessing of a network's images, and where it comes from.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub preprocess: Preprocess,
    /// The end of a sentence, such as "from the model's metadata".
    pub origin: String,
    /// Whether nothing told it.
    pub assumed: bool,
}

/// Reads a network that may leave its image size open: at the size given, else at the one that its own files name. `inputs` are values
/// for the inputs beside the image.
///
/// # Errors
/// Those of [`Network::load_given`].
pub fn load(model: &Path, given: Option<&Preprocessing>, inputs: &GivenInputs) -> Result<Network> {
    let size = given.and_then(|given| given.size);
    let network = Network::load_given(model, size, inputs)?;
    match (size, network.input().size(), said(&network).and_then(|said| said.keys.size)) {
        (None, None, Some(named)) => Network::load_given(model, Some(named), inputs),
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
            return Err(wrong(
                network.name(),
                "the network takes images of any size; give one, as in --size 224,224 or the chapter's preprocess.size",
            ));
        }
    };
    let layout = if input.channels_last { Layout::Nhwc } else { Layout::Nchw };
    let preset = start.keys.preset.as_ref().map_or("none", |preset| preset.value.as_str());
    let mut preprocess =
        Preprocess::preset(preset, size, layout).ok_or_else(|| unknown_preset(&start.keys, preset, complain))?;
    preprocess.as_they_stand = start.as_they_stand;
    for keys in [&start.keys, &given] {
        override_with(&mut preprocess, keys, input.channels, complain)?;
    }
    if let Channels::Bands(bands) = preprocess.channels
        && preprocess.mean.len().max(preprocess.std.len()) != 1
        && preprocess.mean.len().max(preprocess.std.len()) != bands
    {
        let problem = format!(
            "the preset {preset} is for colours, and the network takes {bands} channels; say --preprocess none, keras-0-1 or \
             keras-pm1, and --mean and --std with one value or {bands}"
        );
        return Err(wrong(network.name(), problem));
    }
    Ok(Recipe { preprocess, origin: start.origin, assumed: start.assumed })
}

/// An error in how images become inputs: what it is about, and what is wrong.
fn wrong(about: &str, problem: impl Into<String>) -> Error {
    Error::Preprocessing { key: about.to_string(), problem: problem.into() }
}

/// Keys to start from, and where they come from.
struct Start {
    keys: Preprocessing,
    origin: String,
    assumed: bool,
    /// Whether numbers without a scale of their own are taken as they stand in the file.
    as_they_stand: bool,
}

/// What the user's own keys are put upon.
fn starting_point(network: &Network, given: &Preprocessing) -> Start {
    let preset = |name: &str| Preprocessing {
        preset: Some(Located::option("preset", name.to_string())),
        ..Preprocessing::default()
    };
    let known = |keys, origin: String| Start { keys, origin, assumed: false, as_they_stand: false };
    if let Some(asked) = &given.preset {
        let keys = Preprocessing { preset: given.preset.clone(), ..Preprocessing::default() };
        let start = known(keys, format!("from the preset {}, as asked", asked.value));
        return Start { as_they_stand: asked.value == "none", ..start };
    }
    if given.scale.is_some() || given.mean.is_some() || given.std.is_some() {
        return own_values(given);
    }
    let also = if *given == (Preprocessing { size: given.size, ..Preprocessing::default() }) {
        ""
    } else {
        " and the keys given"
    };
    if let Some(said) = said(network) {
        let usual = match said.unsaid.as_slice() {
            [] => String::new(),
            [one] => format!("; {one} is not said there, and is the usual"),
            several => format!("; {} are not said there, and are the usual", several.join(" and ")),
        };
        return known(said.keys, format!("from {}{also}{usual}", said.by));
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
        as_they_stand: false,
    };
    if network.input().element.contains("int") {
        assume("none", "because the network takes whole numbers")
    } else if channels_last || !matches!(network.input().channels, 3 | 4) {
        assume("keras-0-1", "as nothing says otherwise")
    } else {
        assume("imagenet", "as nothing says otherwise")
    }
}

/// Where the user's own numbers begin: bytes, or bytes / 255 where mean and deviation can only be meant for values of 0 to 1.
fn own_values(given: &Preprocessing) -> Start {
    let preset = |name: &str| Preprocessing {
        preset: Some(Located::option("preset", name.to_string())),
        ..Preprocessing::default()
    };
    let known = |keys, origin: &str| Start { keys, origin: origin.into(), assumed: false, as_they_stand: false };
    let (mean, std) = (given.mean.as_deref().unwrap_or(&[]), given.std.as_deref().unwrap_or(&[]));
    let small = mean.iter().any(|mean| *mean > 0.0 && *mean < 1.0) || std.iter().any(|std| *std > 0.0 && *std < 1.0);
    let alone = given.scale.is_none() && small;
    let fits = mean.iter().all(|mean| (0.0..=1.0).contains(mean)) && std.iter().all(|std| (0.0..=1.0).contains(std));
    if alone && fits {
        return known(
            preset("keras-0-1"),
            "from the keys given; mean and deviation this small can only be meant for values of 0 to 1, so bytes are divided by 255 first",
        );
    }
    let start = known(preset("none"), "from the keys given, and nothing else");
    if !alone {
        return Start { as_they_stand: true, ..start };
    }
    let origin = "from the keys given, applied to bytes of 0 to 255, although some of them look meant for values of 0 to 1; say which by \
                  the key `scale`";
    Start { origin: origin.into(), assumed: true, as_they_stand: true, ..start }
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
        (bands, Channels::Bgr) if bands != 4 => {
            let problem = format!("the network takes {bands} channels; the order blue, green, red goes with three");
            return Err(wrong("preprocess", problem));
        }
        (_, Channels::Bgr) => {
            return Err(wrong(
                "preprocess",
                "the network reads red, green, blue and opacity; the order blue, green, red goes with three channels",
            ));
        }
        (4, _) => Channels::Rgba,
        (bands, _) => Channels::Bands(bands),
    };
    if let Some(window) = &keys.range {
        preprocess.window = Some(Window::parse(&window.value).map_err(|message| complain(window, message))?);
    }
    if let Some(show) = &keys.show {
        preprocess.show = shown_bands(&show.value, channels).map_err(|message| complain(show, message))?;
    }
    if let Some(scale) = keys.scale {
        preprocess.scale = scale;
    }
    for (key, values, place) in [("mean", &keys.mean, &mut preprocess.mean), ("std", &keys.std, &mut preprocess.std)] {
        let Some(values) = values else { continue };
        // Three values leave the opacity of a fourth channel alone.
        if values.len() != 1 && values.len() != channels && !(values.len() == 3 && channels == 4) {
            let problem = format!("`{key}` has {} values; the input has {channels} channels", values.len());
            return Err(wrong("preprocess", problem));
        }
        place.clone_from(values);
    }
    if let Some(fit) = &keys.fit {
        preprocess.fit = match fit.value.as_str() {
            "stretch" => FitMode::Stretch,
            "crop" => FitMode::CentreCrop { shortest: preprocess.size.height.min(preprocess.size.width) },
            "letterbox" => FitMode::Letterbox { pad: LETTERBOX_GREY },
            other => return Err(complain(fit, format!("`{other}` is none of stretch, crop, letterbox"))),
        };
    }
    if let Some(pad) = &keys.pad {
        match preprocess.fit {
            FitMode::Letterbox { .. } => preprocess.fit = FitMode::Letterbox { pad: pad.value },
            _ => return Err(complain(&word(pad), "goes with the fit letterbox".into())),
        }
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

/// The words of a key for a message about it.
fn word<T: ToString>(key: &Located<T>) -> Located<String> {
    Located { value: key.value.to_string(), line: key.line, key: key.key.clone() }
}

/// The bands that `3,2,1` or `8` names, counted from 1, as red, green and blue, counted from 0.
fn shown_bands(text: &str, channels: usize) -> std::result::Result<[usize; 3], String> {
    let wrong = || {
        format!("`{text}` names no bands; give one, or three for red, green and blue, of 1 to {channels}, as in 3,2,1")
    };
    let band =
        |text: &str| text.trim().parse::<usize>().ok().filter(|band| (1..=channels).contains(band)).map(|b| b - 1);
    let bands: Option<Vec<usize>> = text.split(',').map(band).collect();
    match bands.ok_or_else(wrong)?.as_slice() {
        [one] => Ok([*one; 3]),
        [red, green, blue] => Ok([*red, *green, *blue]),
        _ => Err(wrong()),
    }
}
