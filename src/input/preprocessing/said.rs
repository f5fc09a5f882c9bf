//! What a model's files say about the images it wants: its metadata, and configuration files beside it.

use crate::config::{Located, Preprocessing};
use crate::file;
use crate::model::Network;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What is said, as the keys of a chapter file, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub keys: Preprocessing,
    /// Such as "the model's metadata".
    pub by: String,
    /// What it does not say, for which the usual is taken, such as "the filter".
    pub unsaid: Vec<&'static str>,
}

/// What the files of a model say, the metadata first; `None` where they say nothing.
pub fn said(network: &Network) -> Option<Said> {
    let by = |by: &str| by.to_string();
    let side = network.input().size().map(|(height, width)| height.min(width));
    metadata(network.metadata(), side).or_else(|| {
        let folder = network.file().parent().unwrap_or(Path::new(""));
        ["preprocessor_config.json", "config.json"].into_iter().find_map(|name| {
            let config = object(&file::text(&folder.join(name), file::LARGEST_TEXT).ok()?)?;
            let keys = configuration(&config, side)?;
            Some(Said { unsaid: unsaid(&keys, scaled(&config)), keys, by: by(&format!("{name} beside the model")) })
        })
    })
}

/// What the metadata says, in the dialects of those who write any. `side` is the shorter side of the input, where it is fixed.
fn metadata(metadata: &BTreeMap<String, String>, side: Option<usize>) -> Option<Said> {
    let said = |keys: Option<Preprocessing>, by: &str| {
        keys.map(|keys| Said { unsaid: unsaid(&keys, true), keys, by: by.to_string() })
    };
    let nested = || {
        let values =
            ["preprocessor_config", "pretrained_cfg", "config"].into_iter().filter_map(|key| metadata.get(key));
        values.filter_map(|text| object(text)).find_map(|config| configuration(&config, side))
    };
    let flat = || {
        let entry = |(key, text): (&String, &String)| (key.clone(), value(text));
        configuration(&metadata.iter().map(entry).collect(), side)
    };
    let told = || said(nested().or_else(flat), "the model's metadata");
    // Who writes these keys divides bytes by 255 without saying so.
    let divided = |said: Said| Said { unsaid: unsaid(&said.keys, metadata_scaled(metadata)), ..said };
    said(ours(metadata), "the model's metadata")
        .map(|said| Said { unsaid: Vec::new(), ..said })
        .or_else(|| told().map(divided))
        .or_else(|| said(openvino(metadata), "the model's metadata (OpenVINO's model_info)"))
        .or_else(|| {
            let unsaid = vec!["the division of bytes by 255", "the fit", "the filter"];
            said(ultralytics(metadata), "Ultralytics' task in the model's metadata").map(|said| Said { unsaid, ..said })
        })
        .or_else(|| said(onnx_image(metadata), "the model's metadata (ONNX's image properties)"))
}

/// What keys leave out; `scale` tells whether the scale of the values is said.
fn unsaid(keys: &Preprocessing, scale: bool) -> Vec<&'static str> {
    let fit = keys.fit.is_some() || keys.shortest.is_some();
    let parts = [(scale, "the division of bytes by 255"), (fit, "the fit"), (keys.filter.is_some(), "the filter")];
    parts.into_iter().filter(|(said, _)| !said).map(|(_, part)| part).collect()
}

/// Whether a configuration says what pixels are multiplied by.
fn scaled(config: &Map<String, Value>) -> bool {
    config.contains_key("rescale_factor") || config.get("do_rescale").and_then(Value::as_bool) == Some(false)
}

/// As [`scaled`], of the metadata's own keys and of the configurations within it.
fn metadata_scaled(metadata: &BTreeMap<String, String>) -> bool {
    metadata.contains_key("rescale_factor")
        || metadata.values().filter_map(|text| object(text)).any(|config| scaled(&config))
}

/// The key `preprocessing`: `{"scale": "u8/255"}`, or the keys of a chapter file.
fn ours(metadata: &BTreeMap<String, String>) -> Option<Preprocessing> {
    let keys = object(metadata.get("preprocessing")?)?;
    if keys.get("scale").and_then(Value::as_str) == Some("u8/255") {
        return Some(preset("keras-0-1"));
    }
    let located = |key: &str| keys.get(key).and_then(Value::as_str).map(|word| Located::option(key, word.to_string()));
    let said = Preprocessing {
        preset: located("preset"),
        mean: numbers(keys.get("mean")),
        std: numbers(keys.get("std")),
        scale: keys.get("scale").and_then(Value::as_f64),
        size: keys.get("size").and_then(sides),
        shortest: keys.get("shortest").and_then(whole),
        fit: located("fit"),
        filter: located("filter"),
        bgr: keys.get("bgr").and_then(Value::as_bool),
        range: located("range"),
        show: located("show"),
        pad: keys
            .get("pad")
            .and_then(Value::as_u64)
            .and_then(|pad| u8::try_from(pad).ok())
            .map(|pad| Located::option("pad", pad)),
    };
    (said != Preprocessing::default()).then_some(said)
}

/// The keys of Hugging Face's `preprocessor_config.json` and of timm's `pretrained_cfg`, the latter perhaps one level down.
fn configuration(config: &Map<String, Value>, side: Option<usize>) -> Option<Preprocessing> {
    if let Some(Value::Object(inner)) = config.get("pretrained_cfg") {
        return configuration(inner, side);
    }
    let flag = |key: &str| config.get(key).and_then(Value::as_bool);
    let hugging = config.contains_key("image_mean");
    let (mean, std) = if hugging { ("image_mean", "image_std") } else { ("mean", "std") };
    let (mean, std) = (numbers(config.get(mean))?, numbers(config.get(std))?);
    let normalised = flag("do_normalize") != Some(false);
    let scale = match (flag("do_rescale"), config.get("rescale_factor").and_then(Value::as_f64)) {
        (Some(false), _) => 1.0,
        (_, Some(factor)) => factor,
        (_, None) => 1.0 / 255.0,
    };
    // What is cut out as a share of the resized image.
    let share = config.get("crop_pct").and_then(Value::as_f64).filter(|share| (0.1..=1.0).contains(share));
    let edge = config.get("size").and_then(|size| whole(size).or_else(|| whole(size.get("shortest_edge")?)));
    let size = ["crop_size", "size", "input_size"].into_iter().find_map(|key| sides(config.get(key)?));
    // With a share, Hugging Face's edge is that of the input, not that of the resized image.
    let size = size.or(edge.filter(|_| share.is_some()).map(|edge| (edge, edge)));
    let own = size.map(|(height, width)| height.min(width));
    // A network exported at another size than its configuration names sees the same part of an image.
    let edge = edge.map(|edge| match (side, own) {
        (Some(side), Some(own)) => (edge * side + own / 2) / own,
        _ => edge,
    });
    let side = side.or(own);
    let cut = !matches!(config.get("crop_mode").and_then(Value::as_str), Some("squash"))
        && flag("do_center_crop") != Some(false)
        && (!hugging || flag("do_center_crop") == Some(true) || share.is_some());
    let by_share = || Some((side? as f64 / share?).floor() as usize);
    let shortest = if cut { by_share().or(edge.filter(|_| hugging)).or(side) } else { None };
    Some(Preprocessing {
        preset: Some(Located::option("preset", "none".into())),
        scale: Some(scale),
        mean: normalised.then_some(mean),
        std: normalised.then_some(std),
        size,
        shortest,
        fit: (!cut).then(|| Located::option("fit", "stretch".into())),
        filter: config.get("interpolation").or(config.get("resample")).and_then(filter),
        ..Preprocessing::default()
    })
}

/// `model_info …`, as OpenVINO's Model API reads it: means and scales in bytes, images read in the order blue, green, red.
fn openvino(metadata: &BTreeMap<String, String>) -> Option<Preprocessing> {
    let said = |key: &str| metadata.get(&format!("model_info {key}")).map(String::as_str);
    let (mean, std) = (said("mean_values").and_then(listed), said("scale_values").and_then(listed));
    if mean.is_none() && std.is_none() {
        return None;
    }
    let fit = match said("resize_type") {
        Some("crop") => "crop",
        Some("fit_to_window_letterbox") => "letterbox",
        _ => "stretch",
    };
    let reversed =
        said("reverse_input_channels").map(|word| matches!(word.to_lowercase().as_str(), "true" | "yes" | "1"));
    Some(Preprocessing {
        mean,
        std,
        fit: Some(Located::option("resize_type", fit.into())),
        bgr: reversed.map(|reversed| !reversed),
        ..preset("none")
    })
}

/// Ultralytics' exports name their task; all divide bytes by 255, classifiers cut out the centre, and what finds places letterboxes.
fn ultralytics(metadata: &BTreeMap<String, String>) -> Option<Preprocessing> {
    let task = metadata.get("task").filter(|_| metadata.contains_key("names") && metadata.contains_key("stride"))?;
    let fit = Some(Located::option("task", if task == "classify" { "crop" } else { "letterbox" }.into()));
    Some(Preprocessing { fit, size: metadata.get("imgsz").and_then(|text| sides(&value(text))), ..preset("keras-0-1") })
}

/// The experimental image properties of the ONNX standard (docs/MetadataProps.md); keys and values in any case.
fn onnx_image(metadata: &BTreeMap<String, String>) -> Option<Preprocessing> {
    let said = |wanted: &str| {
        let entry = metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
        entry.map(|(_, text)| text.to_lowercase())
    };
    let (format, range) = (said("Image.BitmapPixelFormat"), said("Image.NominalPixelRange"));
    let bgr = format.as_ref().map(|format| format.starts_with("bgr"));
    let base = match range.as_deref() {
        Some("normalized_0_1") => preset("keras-0-1"),
        Some("normalized_1_1") => preset("keras-±1"),
        Some("nominalrange_16_235") => {
            Preprocessing { scale: Some(219.0 / 255.0), mean: Some(vec![-16.0]), ..preset("none") }
        }
        Some("nominalrange_0_255") => preset("none"),
        _ if format.is_some() => preset("none"),
        _ => return None,
    };
    Some(Preprocessing { bgr, ..base })
}

fn preset(name: &str) -> Preprocessing {
    Preprocessing { preset: Some(Located::option("preset", name.into())), ..Preprocessing::default() }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(entries)) => Some(entries),
        _ => None,
    }
}

/// A metadata text as JSON where it is some, else as it is.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_string()))
}

/// Numbers from a JSON list, a single number, or a text of them.
fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    match value? {
        Value::Array(values) => values.iter().map(Value::as_f64).collect(),
        Value::Number(number) => Some(vec![number.as_f64()?]),
        Value::String(text) => listed(text),
        _ => None,
    }
    .filter(|values: &Vec<f64>| !values.is_empty())
}

/// `0.485, 0.456 0.406`, perhaps in brackets.
fn listed(text: &str) -> Option<Vec<f64>> {
    let inner = text.trim().trim_start_matches(['[', '(']).trim_end_matches([']', ')']);
    let parts = inner.split([',', ' ']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect::<Option<Vec<f64>>>().filter(|values| !values.is_empty())
}

fn whole(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| (1..=65_536).contains(number))
}

/// Height and width from `{"height": …, "width": …}`, `[height, width]`, `[channels, height, width]` or one number.
fn sides(value: &Value) -> Option<(usize, usize)> {
    match value {
        Value::Object(sides) => Some((whole(sides.get("height")?)?, whole(sides.get("width")?)?)),
        Value::Array(axes) => match axes.as_slice() {
            [height, width] | [_, height, width] => Some((whole(height)?, whole(width)?)),
            _ => None,
        },
        one => whole(one).map(|side| (side, side)),
    }
}

/// A filter's name from Pillow's number or the usual words.
fn filter(value: &Value) -> Option<Located<String>> {
    let name = match (value.as_u64(), value.as_str()) {
        (Some(0), _) | (_, Some("nearest")) => "nearest",
        (Some(1), _) | (_, Some("lanczos")) => "lanczos3",
        (Some(2), _) | (_, Some("bilinear")) => "triangle",
        (Some(3), _) | (_, Some("bicubic")) => "catmull-rom",
        _ => return None,
    };
    Some(Located::option("interpolation", name.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entries: &[(&str, &str)], side: Option<usize>) -> Option<Said> {
        metadata(&entries.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect(), side)
    }

    fn word(value: &Option<Located<String>>) -> &str {
        value.as_ref().map_or("", |located| &located.value)
    }

    #[test]
    fn metadata_without_images_says_nothing() {
        assert_eq!(told(&[("title", "x"), ("labels", "[\"a\"]"), ("size", "3")], Some(224)), None);
        assert_eq!(told(&[("preprocessing", "{}"), ("names", "{0: 'a'}")], None), None);
    }

    #[test]
    fn our_own_key_takes_a_chapters_keys() {
        assert_eq!(
            told(&[("preprocessing", r#"{"scale": "u8/255"}"#)], None).unwrap().keys,
            super::preset("keras-0-1")
        );
        let text = r#"{"preset": "imagenet", "mean": [0.5], "size": [192, 256], "shortest": 232, "bgr": true}"#;
        let keys = told(&[("preprocessing", text)], None).unwrap().keys;
        assert_eq!((word(&keys.preset), keys.mean.unwrap(), keys.size), ("imagenet", vec![0.5], Some((192, 256))));
        assert_eq!((keys.shortest, keys.bgr), (Some(232), Some(true)));
    }

    #[test]
    fn timm_and_hugging_face_say_how_images_are_cut_out() {
        let timm = [
            ("mean", "[0.5, 0.5, 0.5]"),
            ("std", "(0.5, 0.5, 0.5)"),
            ("crop_pct", "0.95"),
            ("interpolation", "bicubic"),
            ("input_size", "[3, 288, 288]"),
        ];
        let keys = told(&timm, Some(224)).unwrap().keys;
        assert_eq!(
            (keys.scale, keys.mean.as_deref(), keys.shortest),
            (Some(1.0 / 255.0), Some(&[0.5; 3][..]), Some(235))
        );
        assert_eq!((word(&keys.filter), keys.size), ("catmull-rom", Some((288, 288))));
        assert_eq!(told(&timm, None).unwrap().keys.shortest, Some(303));

        let config = |text: &str| configuration(&object(text).unwrap(), None).unwrap();
        let resnet = config(
            r#"{"do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "do_normalize": true, "do_rescale": true,
                "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "rescale_factor": 0.00392156862745098,
                "resample": 3, "size": {"shortest_edge": 256}}"#,
        );
        assert_eq!((resnet.size, resnet.shortest, word(&resnet.filter)), (Some((224, 224)), Some(256), "catmull-rom"));
        assert_eq!((resnet.mean.unwrap()[2], resnet.scale.unwrap()), (0.406, 1.0 / 255.0));
        let smaller = r#"{"do_center_crop": true, "crop_size": 224, "image_mean": [0], "image_std": [1], "size": 256}"#;
        assert_eq!(configuration(&object(smaller).unwrap(), Some(112)).unwrap().shortest, Some(128));
        let stretched = config(
            r#"{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": {"height": 224, "width": 224}}"#,
        );
        assert_eq!((word(&stretched.fit), stretched.shortest, stretched.size), ("stretch", None, Some((224, 224))));
        let convnext =
            config(r#"{"image_mean": [0], "image_std": [1], "crop_pct": 0.875, "size": {"shortest_edge": 224}}"#);
        assert_eq!((convnext.shortest, convnext.size), (Some(256), Some((224, 224))));
    }

    #[test]
    fn other_exporters_are_understood() {
        let keys = told(
            &[
                ("model_info mean_values", "123.675 116.28 103.53"),
                ("model_info scale_values", "58.395 57.12 57.375"),
                ("model_info reverse_input_channels", "True"),
                ("model_info resize_type", "standard"),
            ],
            None,
        )
        .unwrap()
        .keys;
        assert_eq!((keys.mean.unwrap(), keys.std.unwrap()[0]), (vec![123.675, 116.28, 103.53], 58.395));
        assert_eq!((keys.bgr, word(&keys.fit), keys.scale), (Some(false), "stretch", None));

        let yolo = [("task", "classify"), ("names", "{0: 'a', 1: 'b'}"), ("stride", "1"), ("imgsz", "[224, 224]")];
        let keys = told(&yolo, None).unwrap().keys;
        assert_eq!((word(&keys.preset), word(&keys.fit), keys.size), ("keras-0-1", "crop", Some((224, 224))));

        for task in ["detect", "segment", "pose", "obb"] {
            let yolo = [("task", task), ("names", "{0: 'a'}"), ("stride", "32")];
            assert_eq!(word(&told(&yolo, None).unwrap().keys.fit), "letterbox", "{task}");
        }

        let onnx = |range: &str| told(&[("image.bitmappixelformat", "Bgr8"), ("Image.NominalPixelRange", range)], None);
        let keys = onnx("Normalized_1_1").unwrap().keys;
        assert_eq!((word(&keys.preset), keys.bgr), ("keras-±1", Some(true)));
        assert_eq!(word(&onnx("NominalRange_0_255").unwrap().keys.preset), "none");
        let video = onnx("NominalRange_16_235").unwrap().keys;
        assert!((255.0 * video.scale.unwrap() - video.mean.unwrap()[0] - 235.0).abs() < 1e-9);
    }
}
