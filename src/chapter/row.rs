//! One image as a line of JSON: what the network says of it and where it looks, for programs that read thousands of them.

use crate::chapter::words::LEADING;
use crate::error::{Error, Result};
use crate::explain::explanation::{Explanation, HeadExplanation, SaliencyMap};
use crate::explain::heatmap::{Heatmap, largest};
use crate::figure::range;
use crate::input::loaded::LoadedNetwork;
use crate::input::prepared::{Photograph, PreparedInput};
use crate::measure::energy::Energy;
use crate::model::Meaning;
use crate::visualize::cause::Cause;
use serde::Serialize;

/// Maps of more cells than this are told by their range and peak alone.
const CELLS: usize = 1024;

#[derive(Serialize)]
struct Row<'a> {
    number: usize,
    file: &'a str,
    /// Width and height of the photograph in pixels, turned as its EXIF data says.
    size: Option<[usize; 2]>,
    heads: Vec<Head<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    number: usize,
    file: &'a str,
    error: &'a str,
}

#[derive(Serialize)]
struct Head<'a> {
    head: &'a str,
    /// The most probable classes, the most probable first.
    top: Vec<Class>,
    truth: Option<usize>,
    correct: Option<bool>,
    explained: Explained,
    maps: Vec<Map<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saliency: Option<Saliency>,
}

#[derive(Serialize)]
struct Class {
    class: usize,
    label: String,
    /// Of a head with classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// Of a head without.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

/// The class whose score the maps explain.
#[derive(Serialize)]
struct Explained {
    class: usize,
    label: String,
    logit: Option<f32>,
}

#[derive(Serialize)]
struct Map<'a> {
    method: &'static str,
    /// Rows and columns of the map's own grid.
    cells: [usize; 2],
    /// Of the signed map, before the ReLU.
    minimum: f32,
    maximum: f32,
    /// Column and row of the photograph's pixel where the map is largest.
    peak: Option<[usize; 2]>,
    /// Why there is nothing to see.
    empty: Option<&'a Cause>,
    energy: Option<&'a Energy>,
    /// Row by row.
    signed: Option<Vec<Vec<f32>>>,
}

#[derive(Serialize)]
struct Saliency {
    method: &'static str,
    maximum: f32,
    peak: [usize; 2],
}

/// The line of input `number`.
///
/// # Errors
/// Never in practice: numbers and names always make JSON.
pub(crate) fn row(loaded: &LoadedNetwork, number: usize, explanation: &Explanation) -> Result<String> {
    let input = &explanation.input;
    let size = input.photograph.as_ref().map(|photograph| photograph.fit.source);
    let heads = explanation.heads.iter().enumerate();
    let heads = heads.map(|(i, explained)| head(loaded, i, explained, input)).collect();
    line(&Row { number, file: &input.name, size: size.map(|size| [size.width, size.height]), heads })
}

fn head<'a>(loaded: &LoadedNetwork, i: usize, explained: &'a HeadExplanation, input: &PreparedInput) -> Head<'a> {
    let class = |(class, number): (usize, f64)| {
        let (probability, value) =
            if explained.meaning == Meaning::Values { (None, Some(number)) } else { (Some(number), None) };
        Class { class, label: loaded.label(i, class), probability, value }
    };
    let saliency = |saliency: &SaliencyMap| {
        let (row, column) = largest(&saliency.map);
        Saliency {
            method: saliency.method.title(),
            maximum: range(saliency.map.iter().copied()).map_or(0.0, |(_, high)| high),
            peak: in_photograph((column as f64 + 0.5, row as f64 + 0.5), input),
        }
    };
    Head {
        head: &explained.name,
        top: explained.leading(LEADING).into_iter().map(class).collect(),
        truth: explained.truth,
        correct: explained.correct(),
        explained: Explained {
            class: explained.explained,
            label: loaded.label(i, explained.explained),
            logit: (!explained.heatmaps.is_empty()).then_some(explained.logit),
        },
        maps: explained.heatmaps.iter().map(|map| of_map(map, input)).collect(),
        saliency: explained.saliency.as_ref().map(saliency),
    }
}

/// The line of an input that cannot be read.
///
/// # Errors
/// As [`row`].
pub(crate) fn failure(number: usize, file: &str, error: &str) -> Result<String> {
    line(&Failure { number, file, error })
}

fn line(row: &impl Serialize) -> Result<String> {
    serde_json::to_string(row).map_err(|cause| Error::other(format!("a row cannot be written as JSON: {cause}")))
}

fn of_map<'a>(map: &'a Heatmap, input: &PreparedInput) -> Map<'a> {
    let (minimum, maximum) = map.range();
    let rows = || map.signed.rows().into_iter().map(|row| row.to_vec()).collect();
    Map {
        method: map.method.title(),
        cells: [map.signed.nrows(), map.signed.ncols()],
        minimum,
        maximum,
        peak: map.cause.is_none().then(|| in_photograph(map.peak, input)),
        empty: map.cause.as_ref(),
        energy: map.energy.as_ref(),
        signed: (map.signed.len() <= CELLS).then(rows),
    }
}

/// Column and row of the photograph's pixel at a point (x, y) of the input.
fn in_photograph((x, y): (f64, f64), input: &PreparedInput) -> [usize; 2] {
    let (height, width) = input.size();
    let (x, y, width, height) = match &input.photograph {
        Some(Photograph { fit, .. }) => {
            let (x, y) = fit.to_photo((x, y));
            (x, y, fit.source.width, fit.source.height)
        }
        None => (x, y, width, height),
    };
    let within = |at: f64, length: usize| (at.max(0.0) as usize).min(length.saturating_sub(1));
    [within(x, width), within(y, height)]
}
