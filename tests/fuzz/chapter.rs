#![no_main]
//! Everything else that a user hands over: a chapter file, a labels file, an IDX file and an image, one after the other
//! in one buffer, with a mark in between.

#[path = "../../src/model/fixture.rs"]
#[allow(dead_code)]
mod fixture;

pub(crate) use convscope::random;

use std::path::PathBuf;
use std::sync::LazyLock;

use convscope::config::{Chapter, Source};
use convscope::input::{idx, image};
use convscope::chapter;
use convscope::input::labels;
use convscope::progress::Progress;
use convscope::random::Random;
use convscope::report;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

const MARK: &[u8] = b"\n====\n";

/// A folder in memory with a network, one for each process.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    assert!(threads.is_ok(), "the thread pool is set up once");
    let folder = PathBuf::from(format!("/dev/shm/convscope-fuzz-{}", std::process::id()));
    let mut f = fixture::Fixture::new("x", &[-1, 1, 6, 6]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]).node("Flatten", &["r"], "f", vec![]);
    f.dense("f", "y", 32, 3).output("y");
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("m.onnx"), f.bytes()));
    assert!(written.is_ok(), "/dev/shm can be written");
    folder
});

/// Lines that a chapter file may hold, and some that it may not.
const LINES: &[&str] = &[
    "title = \"T\"",
    "introduction = \"# I\\n> > > $x$ [a](javascript:b) <b>\"",
    "seed = 18446744073709551615",
    "colormap = \"jet\"",
    "mnist = \".\"",
    "[[section]]",
    "title = \"S | <s>\"",
    "model = \"m.onnx\"",
    "[[section.input]]",
    "line = { length = 7, width = 1, color = \"red\", angle = 15 }",
    "digit = 3",
    "mnist = 3",
    "sample = 9223372036854775807",
    "image = \"i\"",
    "label = \"b\"",
    "mask = \"i\"",
    "box = [1, 2, nan, inf]",
    "activations = [\"c\"]",
    "filters = [\"c\"]",
    "filters = []",
    "target = \"r\"",
    "method = \"grad-cam++\"",
    "saliency = \"gradient\"",
    "class = \"true\"",
    "placement = \"stretch\"",
    "top_inputs = true",
    "labels = \"l\"",
    "[section.preprocess]",
    "preset = \"imagenet\"",
    "mean = [nan]",
    "std = [0.0]",
    "scale = -inf",
    "size = [6, 6]",
    "size = [4294967296, 1]",
    "fit = \"crop\"",
    "filter = \"lanczos3\"",
    "bgr = true",
    "x = [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
];

/// A chapter, labels, an IDX file and a bitmap with nothing wrong.
fn sound() -> Vec<u8> {
    let chapter = "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"m.onnx\"\n[[section.input]]\nimage = \"i\"\n";
    let bitmap = [
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".as_slice(),
        &[0; 24],
        b"\x40\x80\xc0\0",
    ];
    let parts = [chapter.as_bytes(), b"a\nb\nc", b"\0\0\x08\x01\0\0\0\x03abc", &bitmap.concat()];
    parts.join(MARK)
}

fuzz_mutator!(|data: &mut [u8], size: usize, longest: usize, seed: u32| {
    let mut random = Random::new(u64::from(seed), 0);
    let mut text = if size < 16 { sound() } else { data[..size].to_vec() };
    if random.below(2) == 0 {
        text.truncate(longest);
        data[..text.len()].copy_from_slice(&text);
        return fuzzer_mutate(data, text.len(), longest);
    }
    let end = text.windows(MARK.len()).position(|window| window == MARK).unwrap_or(text.len());
    let rest = text.split_off(end);
    let mut lines: Vec<Vec<u8>> = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..1 + random.below(3) {
        let place = random.below(lines.len() + 1);
        match random.below(3) {
            0 if place < lines.len() => _ = lines.remove(place),
            1 if place < lines.len() => lines.push(lines[place].clone()),
            _ => lines.insert(place, LINES[random.below(LINES.len())].as_bytes().to_vec()),
        }
    }
    let mut mutated = lines.join(&b'\n');
    mutated.extend(rest);
    mutated.truncate(longest);
    data[..mutated.len()].copy_from_slice(&mutated);
    mutated.len()
});

fuzz_target!(|bytes: &[u8]| {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        parts.push(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    parts.push(rest);
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let file = |name: &str, contents: &[u8]| {
        let path = FOLDER.join(name);
        let _ = std::fs::write(&path, contents);
        path
    };
    let _ = labels::read(&file("l", part(1)));
    for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        let _ = idx::read(&file(name, part(2)));
    }
    let _ = idx::mnist(&FOLDER, idx::Split::Test);
    let _ = image::read(&file("i", part(3)), image::WHITE);
    let _ = chapter(&file("chapter.toml", part(0)));
});

fn chapter(path: &std::path::Path) -> convscope::error::Result<()> {
    let mut chapter = Chapter::read(path)?;
    // A chapter may be as long as its author likes; here it must be short.
    chapter.sections.truncate(2);
    for section in &mut chapter.sections {
        section.inputs.truncate(2);
        // Any path may be named in a chapter; here nothing outside the folder is read.
        section.inputs.retain(|input| match &input.source {
            Source::Image { path, .. } => path.starts_with(&*FOLDER),
            _ => true,
        });
    }
    let made = chapter::chapter(&chapter, None, &Progress::new(true))?;
    report::render(&made.page, made.artifacts.assets).map(drop)
}
