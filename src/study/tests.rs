//! Batches against single images, and what re-initialising touches.

use crate::backprop::graph::{Graph, Op};
use crate::explain::engine::{Engine, Score};
use crate::explain::tail::feature_maps;
use crate::input::prepared::PreparedInput;
use crate::measure::sampling;
use crate::model::Network;
use crate::model::fixture::Fixture;
use crate::random::Random;
use crate::study::anatomy::Anatomy;
use crate::study::copies::Parameters;
use crate::study::maps::{in_batches, see};
use crate::visualize::cam::{Method, rectified, signed_map};
use crate::visualize::placement::{self, Grid, Placement};
use ndarray::{Array3, ArrayD};

/// Two convolutions with a normalisation between them, and two dense layers.
fn network() -> Network {
    let mut fixture = Fixture::new("x", &[-1, 3, 8, 8]);
    fixture.conv("x", "first", [4, 3, 3, 3], vec![]).batch_norm("first", "normal", 4).node(
        "Relu",
        &["normal"],
        "lively",
        vec![],
    );
    fixture.conv("lively", "second", [5, 4, 3, 3], vec![]).node("Relu", &["second"], "target", vec![]);
    fixture.node("Flatten", &["target"], "flat", vec![]).dense("flat", "hidden", 80, 6);
    fixture.node("Relu", &["hidden"], "shown", vec![]).dense("shown", "scores", 6, 3);
    fixture.output("scores").load()
}

fn images(count: usize) -> Vec<PreparedInput> {
    let mut random = Random::new(5, 0);
    let mut image = |_| PreparedInput {
        pixels: None,
        name: String::new(),
        origin: String::new(),
        tensor: ArrayD::from_shape_simple_fn(vec![1, 3, 8, 8], || random.uniform() as f32),
        shown: Array3::zeros((8, 8, 3)),
        mask: None,
        object: "object",
        truths: vec![None],
        photograph: None,
        doubt: None,
    };
    (0..count).map(&mut image).collect()
}

#[test]
fn a_batch_gives_each_image_the_maps_that_it_gets_alone() {
    let network = network();
    let anatomy = Anatomy::new(&network, "target", Placement::ReceptiveField, (8, 8), 6).unwrap();
    let images = images(anatomy.batch + 3);
    let seen =
        in_batches(&anatomy, &anatomy.graph, &images, &anatomy.explained(), |run, _| see(&anatomy, run, None)).unwrap();
    let engine = Engine::new(&network, "target", &[], (8, 8)).unwrap();
    for i in [0, 1, anatomy.batch - 1, anatomy.batch, anatomy.batch + 2] {
        let forward = engine.forward(&images[i].tensor).unwrap();
        let value = forward.get("target").unwrap();
        let tail = engine.tail(&images[i].tensor, value).unwrap();
        let gradient = tail.gradient(0, seen[i].classes[0], Score::Logit).unwrap().gradient;
        let activation = feature_maps("target", value.view()).unwrap();
        for (method, map) in [Method::GradCam, Method::HiResCam].into_iter().zip(&seen[i].cells[0]) {
            let alone = rectified(&signed_map(method, activation.view(), gradient.view()));
            let scale = alone.iter().fold(1e-3f32, |peak, v| peak.max(*v));
            assert!(alone.iter().zip(map).all(|(a, b)| (a - b).abs() <= 1e-4 * scale), "{i}: {alone} {map}");
        }
    }
}

/// The numbers of nodes whose weights differ.
fn changed(a: &Graph, b: &Graph) -> usize {
    let weights = |op: &Op| match op {
        Op::Conv(conv) => [conv.kernel.to_vec(), conv.bias.as_ref().map(|b| b.to_vec()).unwrap_or_default()].concat(),
        Op::Constant(values) => values.to_vec(),
        _ => Vec::new(),
    };
    a.nodes.iter().zip(&b.nodes).filter(|(a, b)| weights(&a.op) != weights(&b.op)).count()
}

#[test]
fn copies_are_new_from_the_top_downwards_and_the_same_for_the_same_seed() {
    let network = network();
    let anatomy = Anatomy::new(&network, "target", Placement::ReceptiveField, (8, 8), 6).unwrap();
    let parameters = Parameters::of(&anatomy.graph);
    assert_eq!(parameters.stages(), 4, "two dense layers and two convolutions");
    let drawn = parameters.draw(&anatomy.graph, 1);
    let stages: Vec<usize> =
        (0..=4).map(|stages| changed(&anatomy.graph, &parameters.replaced(&anatomy.graph, &drawn, stages))).collect();
    assert!(stages[0] == 0 && stages.windows(2).all(|pair| pair[0] < pair[1]), "{stages:?}");
    let whole = |seed: u64| parameters.replaced(&anatomy.graph, &parameters.draw(&anatomy.graph, seed), 4);
    assert_eq!(changed(&whole(1), &whole(1)), 0);
    assert!(changed(&whole(1), &whole(2)) >= 4);
    // Glorot's bounds: √(6 / (27 + 36)) for 3×3 kernels from 3 to 4 channels; biases 0.
    let conv = anatomy.convolution(&whole(1), &anatomy.convolutions[0]).cloned().unwrap();
    let limit = (6f32 / 63.0).sqrt();
    let largest = conv.kernel.iter().fold(0f32, |peak, w| peak.max(w.abs()));
    assert!(largest <= limit && largest > 0.9 * limit, "{largest} {limit}");
    assert!(conv.bias.iter().flat_map(|bias| bias.iter()).all(|b| *b == 0.0));
    let names: Vec<Option<&str>> = (0..4).map(|s| anatomy.layer_of(parameters.stage(s).next().unwrap())).collect();
    assert!(names.iter().all(Option::is_some), "{names:?}");
}

/// A map is drawn and measured at the same places: the two interpolations give the same values up to single precision.
#[test]
fn what_is_drawn_is_what_is_measured() {
    let mut random = Random::new(9, 0);
    let map = ndarray::Array2::from_shape_simple_fn((5, 7), || random.uniform() as f32);
    for (rows, columns) in [((3.5, 1.0), (3.5, 1.0)), ((-2.0, 4.0), (0.5, 3.0)), ((2.25, 5.5), (11.0, 0.5))] {
        let grid = Grid::of_field([rows.0, columns.0], [rows.1, columns.1]);
        let axis = |cells: usize, pixels: usize, centre: &dyn Fn(usize) -> f64| {
            sampling::Axis::placed(&(0..cells).map(centre).collect::<Vec<_>>(), pixels)
        };
        let measured = sampling::Sampling {
            rows: axis(5, 20, &|row| grid.centre(row, 0).0),
            columns: axis(7, 24, &|column| grid.centre(0, column).1),
        };
        let drawn = placement::dense(map.view(), grid, 20, 24);
        for (a, b) in drawn.iter().zip(&measured.dense(map.view())) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
    let (stretched, drawn) = (sampling::Axis::stretched(5, 20), Grid::stretched((5, 7), (20, 24)));
    let measured = sampling::Sampling { rows: stretched, columns: sampling::Axis::stretched(7, 24) };
    for (a, b) in placement::dense(map.view(), drawn, 20, 24).iter().zip(&measured.dense(map.view())) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}
