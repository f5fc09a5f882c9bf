//! What the filters of the bundled networks look for: TensorFlow as witness, and every filter of all six.

use crate::fixture::Fixture;
use crate::support::{NETWORKS, convscope, message, network, repository};
use convscope::backprop::graph::Graph;
use convscope::chapter::filters::{FILTERS, LARGE, LAYERS, Options, page};
use convscope::input::{digit, line};
use convscope::model::{Layer, Network};
use convscope::progress::Progress;
use convscope::visualize::filter::{Convolution, Frame, Mode, Settings, ascend_all, ascend_from};
use convscope::visualize::natural::{mean_colour, range};
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;
use std::fs::File;

fn graph(network: &Network, layer: &Layer) -> Graph {
    network.graph(&[&layer.pre_activation, &layer.output_tensor], 1, None).unwrap()
}

fn convolution<'g>(graph: &'g Graph, layer: &Layer) -> Convolution<'g> {
    Convolution::new(graph, graph.outputs[0], graph.outputs[1], layer.channel_axis).unwrap()
}

#[test]
fn the_keras_recipe_ends_where_tensorflow_does() {
    let mut compared = 0;
    for stem in NETWORKS {
        let network = Network::load(&network(stem)).unwrap();
        let mut goldens =
            NpzReader::new(File::open(repository(&format!("tests/goldens/{stem}.npz"))).unwrap()).unwrap();
        let names = goldens.names().unwrap();
        let start: ArrayD<f32> = goldens.by_name("ascent.start").unwrap();
        for name in names.iter().filter(|name| name.starts_with("ascent.")) {
            let [_, layer, filter] = name.split('.').collect::<Vec<_>>()[..] else { continue };
            let (layer, filter): (_, usize) = (network.layer(layer).unwrap(), filter.parse().unwrap());
            let graph = graph(&network, layer);
            let convolution = convolution(&graph, layer);
            let frame = Frame::new(convolution.input_shape(), true).unwrap();
            let settings = Settings { steps: 10, step: 10.0, ..Settings::pixel(frame, 1) };
            let target = convolution.channel(filter).unwrap();
            let ascent = ascend_from(&target, filter, start.iter().copied().collect(), frame, &settings).unwrap();
            let image: ArrayD<f32> = goldens.by_name(name).unwrap();
            let off = image.iter().zip(&ascent.image).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-3, "{stem} {name}: {off}");
            // TensorFlow noted the activation before each step.
            let activations: ArrayD<f32> = goldens.by_name(&format!("{name}.activation")).unwrap();
            let ours = std::iter::once(&ascent.start).chain(&ascent.curve);
            activations
                .iter()
                .zip(ours)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-3 * (1.0 + a.abs()), "{name}: {a} {b}"));
            compared += 1;
        }
    }
    assert_eq!(compared, 12, "two filters of each network");
}

#[test]
fn all_filters_of_the_bundled_networks_climb_to_the_end() {
    let mut filters = 0;
    for stem in NETWORKS {
        let network = Network::load(&network(stem)).unwrap();
        let images: Vec<ArrayD<f32>> = if network.input().channels == 1 {
            let drawn = (0..100).map(|i| digit::sample(3, i % 10, i / 10).image.insert_axis(Axis(2)).into_dyn());
            drawn.map(|image| image.mapv(|byte| f32::from(byte) / 255.0).insert_axis(Axis(0))).collect()
        } else {
            let drawn = (0..line::CLASSES).map(|class| line::sample(3, class, 0).image.into_dyn());
            drawn.map(|image| image.mapv(|byte| f32::from(byte) / 255.0).insert_axis(Axis(0))).collect()
        };
        for layer in network.layers().iter().filter(|layer| layer.convolution.is_some()) {
            let graph = graph(&network, layer);
            let convolution = convolution(&graph, layer);
            let frame = Frame::new(convolution.input_shape(), true).unwrap();
            let settings = Settings::bounded(range(&images, frame), mean_colour(&images, frame), 2019);
            let all: Vec<usize> = (0..convolution.channels()).collect();
            for ascent in ascend_all(&convolution, &all, frame, &settings, &|| ()).unwrap() {
                let place = format!("{stem} {} {}", layer.name, ascent.channel);
                filters += 1;
                if ascent.is_dead() {
                    continue;
                }
                assert!(ascent.end > ascent.start, "{place}: from {} to {}", ascent.start, ascent.end);
                let averages: Vec<f32> =
                    ascent.curve.windows(10).map(|window| window.iter().sum::<f32>() / 10.0).collect();
                for pair in averages.windows(2) {
                    assert!(pair[1] >= pair[0] - 1e-3 * pair[0].abs(), "{place}: {} falls to {}", pair[0], pair[1]);
                }
                for ((_, _, c), value) in ascent.image.indexed_iter() {
                    assert!((settings.range[c].0..=settings.range[c].1).contains(value), "{place}: {value}");
                }
            }
        }
    }
    assert_eq!(filters, 32 + 32 + 8 + 14 + 18 + 224);
}

#[test]
fn the_page_is_the_same_for_any_number_of_threads() {
    for mode in [Mode::Bounded, Mode::Decorrelated] {
        let options =
            Options { layer: None, filters: None, steps: Some(8), preprocess: None, mode, objective: None, seed: 2 };
        let made = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let made = pool.install(|| page(&network("variation-2"), &options, &Progress::new(true)).unwrap());
            let rendered = convscope::report::render(&made.page, made.artifacts.assets).unwrap();
            (rendered.json, rendered.html, made.artifacts.raw)
        };
        assert!(made(1) == made(3), "{mode:?}");
    }
}

#[test]
fn the_page_says_how_decorrelated_images_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = network("variation-2");
    let all = ["filters", file.to_str().unwrap(), "--layer", "2d_2", "--mode", "decorrelated", "--steps", "9", "-q"];
    let output = convscope(folder.path(), &all);
    assert!(output.status.success(), "{}", message(&output));
    let page = std::fs::read_to_string(folder.path().join("filters/chapter.md")).unwrap();
    for part in [
        "Convolutional Filters (conv2d_2)",
        "9 steps of Adam at rate 0.05",
        "shifted by up to 0.5 pixels, scaled by up to 10 %, turned by up to 10°",
        "covariance of ImageNet",
        "Distill 2017",
        "independent waves and colours",
        "as it was moved",
    ] {
        assert!(page.contains(part), "{part} is missing from\n{page}");
    }
    assert!(!page.contains("conv2d_1"), "one part of a name is enough");
}

#[test]
fn a_chapter_chooses_convolutions_and_the_way_of_the_ascent() {
    let folder = tempfile::tempdir().unwrap();
    let chapter = |filters: &str| {
        let model = network("variation-2");
        let text = format!(
            "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = {:?}\nactivations = []\nascent = \"decorrelated\"\nfilters = [{filters:?}]\n\
             [[section.input]]\nline = {{ length = 7, width = 1, color = \"red\", angle = 0 }}\n",
            model.to_str().unwrap()
        );
        std::fs::write(folder.path().join("chapter.toml"), text).unwrap();
        convscope(folder.path(), &["report", "--quick", "-q"])
    };
    let output = chapter("conv2d_22");
    assert_eq!(output.status.code(), Some(2));
    let told = message(&output);
    assert!(told.contains("chapter.toml:7: section.filters: `conv2d_22` is no layer or tensor"), "{told}");
    assert!(told.contains("did you mean `conv2d_2`?"), "{told}");
    assert!(chapter("2d_2").status.success());
    let page = std::fs::read_to_string(folder.path().join("reports/chapter.md")).unwrap();
    assert!(page.contains("Convolutional Filters (conv2d_2)") && !page.contains("Convolutional Filters (conv2d_1)"));
    assert!(page.contains("12 steps of Adam at rate 0.05"), "{page}");
}

#[test]
fn the_help_says_how_much_is_shown_of_a_large_network() {
    let output = convscope(&repository(""), &["filters", "--help"]);
    let help = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        format!("{LAYERS}, spread over the depth, of a network with more than {LARGE} filters"),
        format!("of a network with more than {LARGE}, {FILTERS} of each convolution"),
        "bounded, pixel, decorrelated".into(),
    ] {
        assert!(help.contains(&part), "{part} is missing from {help}");
    }
}

#[test]
fn filters_that_do_not_exist_are_refused_with_what_exists() {
    let folder = tempfile::tempdir().unwrap();
    let file = network("variation-2");
    for (arguments, wanted) in [
        (&["--layer", "dense_1"][..], "`dense_1` is no convolution"),
        (&["--layer", "conv2d_9"], "`conv2d_9` is no layer"),
        (&["--filters", "2,8"], "no filters 8"),
        (&["--filters", "6-7"], "conv2d_2 has no filter 6"),
        (&["--layer", "conv2d_2", "--filters", "7"], "no filter 7"),
        (&["--filters", "x"], "`x` is no number"),
    ] {
        let all = [&["filters", file.to_str().unwrap()], arguments].concat();
        let output = convscope(folder.path(), &all);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = message(&output);
        let known = message.contains("conv2d_1 (8 filters), conv2d_2 (6 filters)");
        assert!(message.contains(wanted) && known, "{message}");
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written");
}

#[test]
fn the_raw_images_are_written_beside_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = network("variation-1");
    let arguments =
        ["filters", file.to_str().unwrap(), "--layer", "conv2d_2", "--filters", "1-2", "--steps", "3", "--raw", "-q"];
    let output = convscope(folder.path(), &arguments);
    assert!(output.status.success(), "{}", message(&output));
    let path = folder.path().join("filters/raw/variation-1-conv2d_2-filters.npy");
    let images: ArrayD<f32> = ndarray_npy::ReadNpyExt::read_npy(File::open(path).unwrap()).unwrap();
    assert_eq!(images.shape(), [2, 28, 28, 3]);
    assert!(images.iter().all(|value| (0.0..=1.0).contains(value)));
}

/// A filter that is not a number is a line under its layer, a layer of them a line in its place; the page is made all the same.
#[test]
fn what_is_not_a_number_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let net = |broken: &[usize]| {
        let mut f = Fixture::new("x", &[1, 3, 8, 8]);
        f.conv("x", "a", [4, 3, 3, 3], vec![]).node("Relu", &["a"], "r", vec![]).conv("r", "b", [3, 4, 3, 3], vec![]);
        f.node("GlobalAveragePool", &["b"], "g", vec![]).node("Flatten", &["g"], "y", vec![]).output("y");
        for filter in broken {
            f.graph.initializer[0].float_data[filter * 27] = f32::NAN;
        }
        std::fs::write(folder.path().join("net.onnx"), f.bytes()).unwrap();
        convscope(folder.path(), &["filters", "net.onnx", "--steps", "3"])
    };
    let output = net(&[2]);
    assert_eq!(output.status.code(), Some(0), "{}", message(&output));
    let page = std::fs::read_to_string(folder.path().join("filters/chapter.md")).unwrap();
    assert!(page.contains("Left out, as their activations are not finite numbers: 2."), "{page}");
    assert!(
        page.contains("This layer could not be shown: b: the numbers of its filters are not finite (NaN)."),
        "{page}"
    );
    assert!(page.contains("each of the 3 filters of a most"), "{page}");
    let output = net(&[0, 1, 2, 3]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        message(&output).contains("net.onnx: no filter can be shown: a: the numbers of its filters"),
        "{}",
        message(&output)
    );
}
