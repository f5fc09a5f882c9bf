#![no_main]
//! Bytes → a network, and everything the program says about it; a small one also explains a drawn digit.

#[path = "../../src/model/fixture.rs"]
#[allow(dead_code)]
mod fixture;
mod mutate;
mod sound;

pub(crate) use convscope::random;

use std::path::PathBuf;
use std::sync::LazyLock;

use convscope::config::{Chapter, Input, Section, Source};
use convscope::model::Network;
use convscope::model::layers::table;
use convscope::chapter::{self, filters};
use convscope::progress::Progress;
use convscope::report;
use convscope::visualize::filter::Mode;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Where the network's file lies, in memory and one for each process.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    assert!(threads.is_ok(), "the thread pool is set up once");
    PathBuf::from(format!("/dev/shm/convscope-fuzz-{}.onnx", std::process::id()))
});

/// Elements of all layers' outputs together, up to which a network is also run.
const SMALL: usize = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    if std::fs::write(&*FILE, bytes).is_ok() {
        let _ = explain();
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, longest: usize, seed: u32| {
    if seed % 8 == 0 {
        return fuzzer_mutate(data, size, longest);
    }
    let mutated = mutate::mutate(&data[..size], longest, u64::from(seed));
    data[..mutated.len()].copy_from_slice(&mutated);
    mutated.len()
});

fn explain() -> convscope::error::Result<()> {
    let network = Network::load(&FILE)?;
    let columns = table::Columns { receptive_fields: true, tensors: true, costs: true };
    let text = table::render(&network, columns, table::Detail::Overview);
    let json = serde_json::to_string(&table::describe(&network)).unwrap_or_default();
    assert!(!text.is_empty() && !json.is_empty());
    for head in network.heads() {
        let _ = network.default_target(head);
    }
    let _ = network.find_target("c");
    let elements = network.layers().iter().map(|layer| layer.output_shape.iter().flatten().product::<usize>());
    let (height, width) = network.listed_size();
    if elements.sum::<usize>() > SMALL || network.input().channels * height * width > SMALL {
        return Ok(());
    }
    let progress = Progress::new(true);
    let digit = Input { source: Source::Digit { digit: 3, sample: 0 }, line: 0 };
    let section = Section { inputs: vec![digit], filters: Some(Vec::new()), ..Section::of(&FILE) };
    let chapter = Chapter::of("Fuzz", section);
    if let Ok(made) = chapter::chapter(&chapter, None, &progress) {
        report::render(&made.page, made.artifacts.assets)?;
    }
    let _ = chapter::gradcheck(&chapter, &Progress::new(true)).map(|check| chapter::gradients::table(&check));
    let options = filters::Options {
        layer: None,
        filters: Some("0".into()),
        steps: Some(1),
        preprocess: None,
        mode: Mode::Bounded,
        objective: None,
        seed: 1,
    };
    let made = filters::page(&FILE, &options, &progress)?;
    report::render(&made.page, made.artifacts.assets).map(drop)
}
