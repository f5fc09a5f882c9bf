//! One image as a line of JSON: what the network says of it and where it looks, for programs that read thousands of them.

use crate::chapter::heatmaps::{Heatmap, largest};
use crate::chapter::room::{Room, Seen};
use crate::error::{Error, Result};
use crate::figure::range;
use crate::input::sources::{Photograph, Ready};
use crate::measure::energy::Energy;
use crate::model::Meaning;
use crate::visualize::cause::Cause;
use crate::visualize::saliency;
use ndarray::Array2;
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
    explained: Explained<'a>,
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
struct Explained<'a> {
    class: usize,
    label: &'a str,
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
pub(crate) fn row(room: &Room, number: usize, seen: &Seen) -> Result<String> {
    let size = seen.ready.photograph.as_ref().map(|photograph| photograph.fit.source);
    let heads = (0..room.loaded.network.heads().len()).map(|i| head(room, i, seen)).collect();
    line(&Row { number, file: &seen.ready.name, size: size.map(|size| [size.width, size.height]), heads })
}

fn head<'a>(room: &'a Room, i: usize, seen: &'a Seen) -> Head<'a> {
    let meaning = room.loaded.network.heads().get(i).map(|head| head.meaning);
    let class = |(class, label, number): (usize, String, f64)| {
        let (probability, value) =
            if meaning == Some(Meaning::Values) { (None, Some(number)) } else { (Some(number), None) };
        Class { class, label, probability, value }
    };
    let maps: Vec<&Heatmap> = seen.heatmaps.iter().flatten().filter(|map| map.head == i).collect();
    let (explained, label) = seen.classes.get(i).map_or((0, ""), |(class, label)| (*class, label));
    let saliency = |(map, method): (&Array2<f32>, saliency::Method)| {
        let (row, column) = largest(map);
        Saliency {
            method: method.title(),
            maximum: range(map.iter().copied()).map_or(0.0, |(_, high)| high),
            peak: in_photograph((column as f64 + 0.5, row as f64 + 0.5), &seen.ready),
        }
    };
    Head {
        head: room.loaded.network.heads().get(i).map_or("", |head| &head.name),
        top: seen.probabilities.get(i).map_or_else(Vec::new, |p| room.leading(i, p).into_iter().map(class).collect()),
        truth: seen.ready.truths.get(i).copied().flatten(),
        correct: seen.predictions.get(i).and_then(|prediction| prediction.correct),
        explained: Explained { class: explained, label, logit: maps.first().map(|map| map.score) },
        maps: maps.into_iter().map(|map| of_map(map, &seen.ready)).collect(),
        saliency: seen.saliency.get(i).zip(room.saliency).map(saliency),
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

fn of_map<'a>(map: &'a Heatmap, ready: &Ready) -> Map<'a> {
    let (minimum, maximum) = range(map.signed.iter().copied()).unwrap_or((0.0, 0.0));
    let rows = || map.signed.rows().into_iter().map(|row| row.to_vec()).collect();
    Map {
        method: map.method.title(),
        cells: [map.signed.nrows(), map.signed.ncols()],
        minimum,
        maximum,
        peak: map.cause.is_none().then(|| in_photograph(map.peak, ready)),
        empty: map.cause.as_ref(),
        energy: map.energy.as_ref(),
        signed: (map.signed.len() <= CELLS).then(rows),
    }
}

/// Column and row of the photograph's pixel at a point (x, y) of the input.
fn in_photograph((x, y): (f64, f64), ready: &Ready) -> [usize; 2] {
    let (height, width, _) = ready.shown.dim();
    let (x, y, width, height) = match &ready.photograph {
        Some(Photograph { fit, .. }) => {
            let (x, y) = fit.to_photo((x, y));
            (x, y, fit.source.width, fit.source.height)
        }
        None => (x, y, width, height),
    };
    let within = |at: f64, length: usize| (at.max(0.0) as usize).min(length.saturating_sub(1));
    [within(x, width), within(y, height)]
}
