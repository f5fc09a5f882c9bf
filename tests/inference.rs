//! The inferences fall when they should: on random weights, on kernels of zero, with the heads' names exchanged; and
//! they are the same for any number of threads.

use crate::support::network;
use convscope::chapter;
use convscope::chapter::output::ChapterOutput;
use convscope::config::Chapter;
use convscope::progress::Progress;
use convscope::random::Random;
use convscope::report::page::{Inference, Inferences, Verdict};
use convscope::study::sizes::Sizes;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Samples as small as the verdicts allow.
const SIZES: Sizes = Sizes {
    accuracy: 192,
    maps: 48,
    copies: 6,
    overlaps: 12,
    detail: 24,
    cascade: 24,
    cascade_copies: 2,
    probe: 48,
    probed_copies: 5,
    perturbed: 20,
    steps: 4,
    changed: 24,
    filters: 64,
    ascent: Some(4),
};

/// The key `role` for a bundled network.
fn role(file: &str) -> String {
    let role = match file.trim_end_matches(".onnx") {
        "base-line" => "base",
        "base-mnist" => "digits",
        "deep-line" => "deep",
        variation => variation,
    };
    format!("role = {role:?}\n")
}

/// A chapter about network files in a folder, each with one line as its input.
fn chapter(folder: &Path, files: &[&str]) -> Chapter {
    let section = |file: &&str| {
        format!(
            "[[section]]\ntitle = {file:?}\nmodel = {file:?}\n{}[[section.input]]\nline = {{ length = 15, width = 3, color = \"red\", angle = 45 }}\n",
            role(file)
        )
    };
    let text = format!("title = \"Chapter 3 — T\"\n{}", files.iter().map(section).collect::<String>());
    Chapter::parse(&folder.join("chapter.toml"), &text).unwrap()
}

fn made(folder: &Path, files: &[&str]) -> ChapterOutput {
    chapter::chapter(&chapter(folder, files), Some(&SIZES), &Progress::new(true)).unwrap()
}

fn inferences(folder: &Path, files: &[&str]) -> Inferences {
    made(folder, files).page.inferences.unwrap()
}

/// The inference of a number.
fn number(inferences: &Inferences, number: usize) -> &Inference {
    let mut all = inferences.items.iter().chain(&inferences.further);
    all.find(|item| item.number == number).unwrap_or_else(|| panic!("{number} is missing"))
}

/// A number of base 128 in a protobuf message, and where it ends.
fn varint(bytes: &[u8], mut at: usize) -> (u64, usize) {
    let (mut value, mut shift) = (0, 0);
    loop {
        value |= u64::from(bytes[at] & 127) << shift;
        (at, shift) = (at + 1, shift + 7);
        if bytes[at - 1] < 128 {
            return (value, at);
        }
    }
}

/// The fields of a protobuf message: number, value of a varint, range of a payload.
fn fields(bytes: &[u8], message: Range<usize>) -> Vec<(u64, u64, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = message.start;
    while at < message.end {
        let (key, start) = varint(bytes, at);
        let (value, payload) = match key & 7 {
            0 => {
                let (value, end) = varint(bytes, start);
                (value, end..end)
            }
            1 => (0, start..start + 8),
            2 => {
                let (length, from) = varint(bytes, start);
                (0, from..from + length as usize)
            }
            _ => (0, start..start + 4),
        };
        at = payload.end;
        found.push((key >> 3, value, payload));
    }
    found
}

/// Rewrites the weights of an ONNX file in place: `edit` gets the shape and the values of each.
fn edit(bytes: &mut [u8], mut edit: impl FnMut(&[usize], &mut [f32])) {
    let payloads = |bytes: &[u8], message: Range<usize>, wanted: u64| -> Vec<Range<usize>> {
        fields(bytes, message).into_iter().filter(|field| field.0 == wanted).map(|field| field.2).collect()
    };
    // ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.dims = 1, TensorProto.raw_data = 9.
    for graph in payloads(bytes, 0..bytes.len(), 7) {
        for tensor in payloads(bytes, graph.clone(), 5) {
            let mut shape: Vec<usize> = Vec::new();
            for (_, value, packed) in fields(bytes, tensor.clone()).into_iter().filter(|field| field.0 == 1) {
                let mut at = packed.start;
                if packed.is_empty() {
                    shape.push(value as usize);
                }
                while at < packed.end {
                    let (value, next) = varint(bytes, at);
                    shape.push(value as usize);
                    at = next;
                }
            }
            let Some(raw) = payloads(bytes, tensor, 9).pop() else { continue };
            if raw.len() != 4 * shape.iter().product::<usize>() {
                continue;
            }
            let mut values: Vec<f32> =
                bytes[raw.clone()].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            edit(&shape, &mut values);
            bytes[raw].copy_from_slice(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }
    }
}

/// A copy of Variation 3 in a folder of its own, edited.
fn variant(change: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(network("variation-3")).unwrap();
    let before = bytes.clone();
    change(&mut bytes);
    assert!(bytes != before, "the edit changed nothing");
    fs::write(folder.path().join("variation-3.onnx"), bytes).unwrap();
    folder
}

#[test]
fn on_random_weights_nothing_is_credited_to_training() {
    for seed in [1, 2] {
        let mut stream = 0;
        let folder = variant(|bytes| {
            edit(bytes, |shape, values| {
                stream += 1;
                let mut random = Random::new(77 + seed, stream);
                // Glorot's bound, Keras's default; biases start at zero.
                let (fan_in, fan_out) = match *shape {
                    [outputs, inputs, height, width] => (inputs * height * width, outputs * height * width),
                    [inputs, outputs] => (inputs, outputs),
                    _ => return values.fill(0.0),
                };
                let limit = (6.0 / (fan_in + fan_out) as f64).sqrt();
                values.fill_with(|| random.between(-limit, limit) as f32);
            });
        });
        let found = inferences(folder.path(), &["variation-3.onnx"]);
        for claim in [1, 4, 5, 6, 7] {
            let item = number(&found, claim);
            assert_ne!(item.verdict, Verdict::Supported, "{claim}: {}", item.result);
        }
    }
}

#[test]
fn on_kernels_of_zero_the_claims_fall_and_nothing_is_nan() {
    let folder = variant(|bytes| {
        edit(bytes, |shape, values| {
            if shape.len() == 4 {
                values.fill(0.0);
            }
        });
    });
    let found = inferences(folder.path(), &["variation-3.onnx"]);
    for claim in [1, 3, 4, 7] {
        let item = number(&found, claim);
        assert_eq!(item.verdict, Verdict::NotSupported, "{claim}: {}", item.result);
    }
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains("NaN") && !text.contains(" inf"), "{text}");
}

#[test]
fn the_heads_names_exchanged_change_what_is_said_of_them() {
    let names = ["Width", "Color"];
    let folder = variant(|bytes| {
        for at in 0..bytes.len() - 5 {
            if let Some(which) = names.iter().position(|name| bytes[at..at + 5] == *name.as_bytes()) {
                bytes[at..at + 5].copy_from_slice(names[1 - which].as_bytes());
            }
        }
    });
    let rivals = ["variation-1.onnx", "variation-2.onnx"];
    for rival in rivals {
        fs::copy(network(rival.trim_end_matches(".onnx")), folder.path().join(rival)).unwrap();
    }
    let onnx = network("variation-3");
    let files = [rivals[0], rivals[1], "variation-3.onnx"];
    let before = inferences(onnx.parent().unwrap(), &files);
    let after = inferences(folder.path(), &files);
    let accuracy = |of: &Inferences, head: &str| {
        let rows = &of.summary.as_ref().unwrap().rows;
        let row = rows.iter().find(|row| row[0] == "Variation 3" && row[1] == head).unwrap();
        row[2].split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    for head in names {
        let (was, is) = (accuracy(&before, head), accuracy(&after, head));
        assert!(was > 90.0 && is < 70.0, "{head}: {was} became {is}");
    }
    let (was, is) = (number(&before, 10), number(&after, 10));
    assert!(was.result != is.result && is.verdict == Verdict::NotSupported, "{}", is.result);
    assert_ne!(number(&before, 12).result, number(&after, 12).result);
}

#[test]
fn the_page_is_the_same_for_any_number_of_threads_and_says_what_it_rests_on() {
    let onnx = network("variation-3");
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let made = pool.install(|| made(onnx.parent().unwrap(), &["variation-3.onnx"]));
        serde_json::to_string(&made.page).unwrap()
    };
    let (one, three) = (with_threads(1), with_threads(3));
    assert!(one == three, "the page differs between one and three threads");
    for part in ["3.1 Inferences", "May I trust this map?", "smaller samples", "\"verdict\":"] {
        assert!(one.contains(part), "{part} is missing");
    }
}
