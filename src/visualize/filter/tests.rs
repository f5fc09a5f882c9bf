use std::sync::Arc;

use ndarray::Array2;

use super::*;
use crate::backprop::graph::{Binary, Conv, Graph, Node, Op, Unary};
use crate::random::Random;
use crate::tensor::window::{Axis, Window};
use crate::visualize::filter::decorrelated::motion::Motions;

/// A valid convolution with random weights as a node over `source`.
fn convolution(source: usize, (channels, side): (usize, usize), outputs: usize, kernel: usize, groups: usize) -> Node {
    let mut random = Random::new(3, source as u64);
    let mut numbers = |n: usize| Arc::new((0..n).map(|_| random.normal() as f32).collect::<Vec<_>>());
    let output = side - kernel + 1;
    let axis = Axis { input: side, output, kernel, stride: 1, dilation: 1, before: 0, after: 0 };
    let conv = Conv {
        window: Window::new(&[axis, axis]).unwrap(),
        groups,
        inputs: channels,
        outputs,
        kernel: numbers(outputs * channels / groups * kernel * kernel),
        bias: Some(numbers(outputs)),
    };
    Node {
        name: format!("conv_{source}"),
        op: Op::Conv(conv),
        inputs: vec![source],
        shape: vec![1, outputs, output, output],
    }
}

fn node(name: &str, op: Op, inputs: Vec<usize>, shape: Vec<usize>) -> Node {
    Node { name: name.into(), op, inputs, shape }
}

/// Two convolutions over [1, 12, 12, 3]; the second one has two groups, a scale a channel after it, and a ReLU.
fn network() -> Graph {
    let first = convolution(1, (3, 12), 4, 3, 1);
    let second = convolution(3, (4, 10), 6, 3, 2);
    let scale = (1..=6).map(|k| if k == 4 { -0.5 } else { k as f32 }).collect();
    let nodes = vec![
        node("input", Op::Input, vec![], vec![1, 12, 12, 3]),
        node("transpose", Op::Permute(vec![0, 3, 1, 2]), vec![0], vec![1, 3, 12, 12]),
        first,
        node("relu", Op::Unary(Unary::Relu), vec![2], vec![1, 4, 10, 10]),
        second,
        node("scale", Op::Constant(Arc::new(scale)), vec![], vec![1, 6, 1, 1]),
        node("scaled", Op::Binary(Binary::Mul), vec![4, 5], vec![1, 6, 8, 8]),
        node("relu_2", Op::Unary(Unary::Relu), vec![6], vec![1, 6, 8, 8]),
        // A residual block: the convolution of a second branch is added.
        convolution(3, (4, 10), 6, 3, 1),
        node("added", Op::Binary(Binary::Add), vec![8, 7], vec![1, 6, 8, 8]),
        node("relu_3", Op::Unary(Unary::Relu), vec![9], vec![1, 6, 8, 8]),
    ];
    Graph { nodes, inputs: vec![0], outputs: vec![7] }
}

fn frame() -> Frame {
    Frame::new(&[1, 12, 12, 3], true).unwrap()
}

fn decorrelated() -> Settings {
    let range = vec![(0.0, 1.0), (0.2, 0.2), (-1.0, 1.0)];
    Settings::decorrelated(range, vec![], false, frame(), 5)
}

fn bounded() -> Settings {
    Settings::bounded(vec![(0.0, 1.0), (0.2, 0.2), (-1.0, 1.0)], vec![], 5)
}

#[test]
fn the_cut_sub_graph_computes_what_the_whole_one_does() {
    let graph = network();
    for (before, after) in [(2, 3), (4, 4), (6, 7), (6, 10), (8, 10)] {
        let layer = Convolution::new(&graph, before, after, 1).unwrap();
        for channel in 0..layer.channels() {
            let settings = Settings { after_activation: channel % 2 == 0, ..bounded() };
            let cut = layer.channel(channel).unwrap();
            assert_eq!(cut.graph.nodes[cut.after].shape[1], 1);
            let whole = Target { channel, ..layer.whole() };
            let image = frame().start(&settings.range, 1, 0);
            let of = |target: &Target| {
                let problem = Problem::new(target, frame(), &settings);
                let evaluation = problem.evaluate(&image).unwrap();
                (problem.value(&evaluation), problem.gradient(&evaluation).unwrap())
            };
            let ((cut, cut_gradient), (whole, whole_gradient)) = (of(&cut), of(&whole));
            assert!((cut - whole).abs() < 1e-5, "{channel}: {cut} {whole}");
            cut_gradient.iter().zip(&whole_gradient).for_each(|(a, b)| assert!((a - b).abs() < 1e-5));
        }
    }
}

#[test]
fn a_channel_that_does_not_exist_is_an_error_that_names_the_last() {
    let graph = network();
    let layer = Convolution::new(&graph, 6, 7, 1).unwrap();
    let message = layer.channel(6).err().unwrap().to_string();
    assert!(message.contains("no filter 6") && message.contains("last one is 5"), "{message}");
    assert!(Convolution::new(&graph, 99, 99, 1).is_err() && Convolution::new(&graph, 6, 2, 1).is_err());
}

/// The unit objective of a first layer is linear in the image: its gradient is the kernel, wherever the image is.
#[test]
fn the_optimum_of_a_unit_of_a_first_layer_is_its_kernel() {
    let graph = network();
    let layer = Convolution::new(&graph, 2, 3, 1).unwrap();
    let kernels = Kernels::of(&layer).unwrap();
    let free = Settings { objective: Objective::Unit, after_activation: false, ..Settings::pixel(frame(), 5) };
    for channel in 0..4 {
        let kernel = &kernels.images[channel];
        let norm = kernel.iter().map(|w| w * w).sum::<f32>().sqrt();
        let target = layer.channel(channel).unwrap();
        // Free steps: the image moves along the kernel and nowhere else, by steps × step.
        let ascent = ascend(&target, channel, frame(), &free).unwrap();
        let moved = &ascent.image - &frame().image(&frame().start(&free.range, 5, 0));
        let seen = moved.slice(ndarray::s![5..8, 5..8, ..]);
        let length = free.step * free.steps as f32;
        seen.iter().zip(kernel).for_each(|(x, w)| assert!((x - length * w / norm).abs() < 1e-4));
        let outside = moved.iter().map(|x| x * x).sum::<f32>() - seen.iter().map(|x| x * x).sum::<f32>();
        assert!(outside.abs() < 1e-4, "{outside}");
        // Bounded, pulled to the middle hard enough to stay within: the fixed point is the kernel itself.
        let range = vec![(-1.0, 1.0); 3];
        let kept = Settings {
            objective: Objective::Unit,
            after_activation: false,
            l2: 4.0,
            tv: 0.0,
            steps: 300,
            step: 0.1,
            ..Settings::bounded(range, vec![], 5)
        };
        let ascent = ascend(&target, channel, frame(), &kept).unwrap();
        let rms = norm / (kernel.len() as f32).sqrt();
        let seen = ascent.image.slice(ndarray::s![5..8, 5..8, ..]);
        seen.iter().zip(kernel).for_each(|(x, w)| {
            assert!((x - (w / rms / 4.0).clamp(-1.0, 1.0)).abs() < 1e-4, "{x} {w}");
        });
    }
}

/// The best image within a range has each value at the end that its weight's sign says; waves and colours come near it.
#[test]
fn a_decorrelated_unit_of_a_first_layer_nears_the_sign_of_its_kernel() {
    let graph = network();
    let layer = Convolution::new(&graph, 2, 3, 1).unwrap();
    let kernels = Kernels::of(&layer).unwrap();
    let settings = Settings {
        objective: Objective::Unit,
        after_activation: false,
        motions: Motions::STILL,
        ..Settings::decorrelated(vec![(0.0, 1.0); 3], vec![], false, frame(), 5)
    };
    let alone = Settings { mixing: Array2::eye(3), ..settings.clone() };
    // Channels on their own come all but there; saturated colours that nature seldom has stay out of reach for long.
    for (settings, least, channel) in (0..4).flat_map(|k| [(&settings, 0.75, k), (&alone, 0.98, k)]) {
        let kernel = &kernels.images[channel];
        let ascent = ascend(&layer.channel(channel).unwrap(), channel, frame(), settings).unwrap();
        let seen = ascent.image.slice(ndarray::s![5..8, 5..8, ..]);
        // From mid-grey, at 0, to the best image, at 1.
        let (mut reached, mut best) = (0.0, 0.0);
        seen.iter().zip(kernel).for_each(|(x, w)| (reached, best) = (reached + (x - 0.5) * w, best + 0.5 * w.abs()));
        assert!(reached > least * best, "{channel}: {reached} of {best}");
        assert!(ascent.image.iter().all(|x| (0.0..=1.0).contains(x)));
    }
}

#[test]
fn decorrelated_images_stay_in_the_range_and_climb_moved_or_not() {
    let graph = network();
    let layer = Convolution::new(&graph, 6, 7, 1).unwrap();
    let settings = decorrelated();
    for ascent in ascend_all(&layer, &[0, 1, 2, 3, 4, 5], frame(), &settings, &|| ()).unwrap() {
        for ((_, _, c), &value) in ascent.image.indexed_iter() {
            let (low, high) = settings.range[c];
            assert!((low..=high).contains(&value));
        }
        assert!(ascent.end > ascent.start, "{}: {:?} {}", ascent.channel, ascent.status, ascent.end);
        assert_eq!(ascent.curve.len(), settings.steps);
        // The end is the objective of the image as it is.
        let target = layer.channel(ascent.channel).unwrap();
        let image = frame().values(&ascent.image);
        assert_eq!(objective_at(&target, &image, frame(), &settings).unwrap(), ascent.end);
    }
    let start = frame().start(&settings.range, 1, 0);
    assert!(ascend_from(&layer.channel(0).unwrap(), 0, start, frame(), &settings).is_err());
}

#[test]
fn only_first_layers_have_kernels_to_show() {
    let graph = network();
    assert!(Convolution::new(&graph, 2, 3, 1).unwrap().is_first());
    assert_eq!(Kernels::of(&Convolution::new(&graph, 6, 7, 1).unwrap()), None);
    let kernels = Kernels::of(&Convolution::new(&graph, 2, 3, 1).unwrap()).unwrap();
    let shown: Vec<f32> = (0..4).flat_map(|k| kernels.shown(k).unwrap()).collect();
    let largest = shown.iter().fold(0.0, |most: f32, v| most.max((v - 0.5).abs()));
    assert_eq!(largest, 0.5, "one weight reaches an end of the scale");
}

#[test]
fn bounded_images_stay_in_the_range_and_climb() {
    let graph = network();
    let layer = Convolution::new(&graph, 6, 7, 1).unwrap();
    let settings = bounded();
    for ascent in ascend_all(&layer, &[0, 1, 2, 3, 4, 5], frame(), &settings, &|| ()).unwrap() {
        for ((_, _, c), &value) in ascent.image.indexed_iter() {
            let (low, high) = settings.range[c];
            assert!((low..=high).contains(&value));
        }
        assert!(ascent.end > ascent.start && ascent.curve.len() == settings.steps);
    }
}

#[test]
fn the_settled_image_does_not_depend_on_the_step() {
    let graph = network();
    let target = Convolution::new(&graph, 2, 3, 1).unwrap().channel(1).unwrap();
    let end = |step: f32, steps: usize| {
        let settings = Settings { step, steps, after_activation: false, l2: 1.0, tv: 0.0, ..bounded() };
        ascend(&target, 1, frame(), &settings).unwrap().image
    };
    let (coarse, fine) = (end(0.2, 200), end(0.05, 800));
    coarse.iter().zip(&fine).for_each(|(a, b)| assert!((a - b).abs() < 1e-3));
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let graph = network();
    let layer = Convolution::new(&graph, 6, 7, 1).unwrap();
    for settings in [bounded(), decorrelated()] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| ascend_all(&layer, &[5, 0, 3], frame(), &settings, &|| ()).unwrap())
        };
        assert_eq!(run(1), run(4));
    }
}

/// relu(weight · x + bias) over one pixel of a grey image in [0, 1].
fn pixel_unit(weight: f32, bias: f32) -> Graph {
    let axis = Axis { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };
    let conv = Conv {
        window: Window::new(&[axis, axis]).unwrap(),
        groups: 1,
        inputs: 1,
        outputs: 1,
        kernel: Arc::new(vec![weight]),
        bias: Some(Arc::new(vec![bias])),
    };
    let nodes = vec![
        node("input", Op::Input, vec![], vec![1, 1, 1, 1]),
        node("conv", Op::Conv(conv), vec![0], vec![1, 1, 1, 1]),
        node("relu", Op::Unary(Unary::Relu), vec![1], vec![1, 1, 1, 1]),
    ];
    Graph { nodes, inputs: vec![0], outputs: vec![2] }
}

#[test]
fn what_a_filter_needed_is_stated() {
    const SEED: u64 = 4;
    let frame = Frame::new(&[1, 1, 1, 1], false).unwrap();
    let settings =
        Settings { starts: 8, leak: 0.0, tv: 0.0, l2: 0.0, ..Settings::bounded(vec![(0.0, 1.0)], vec![], SEED) };
    let status = |weight, bias| {
        let graph = pixel_unit(weight, bias);
        let layer = Convolution::new(&graph, 1, 2, 1).unwrap();
        let ascent = ascend(&layer.channel(0).unwrap(), 0, frame, &settings).unwrap();
        (ascent.status, ascent.end)
    };
    let starts: Vec<f32> = (0..8).map(|n| frame.start(&settings.range, SEED, n)[0]).collect();
    let brightest = (0..8).max_by(|&a, &b| starts[a].total_cmp(&starts[b])).unwrap();
    assert_ne!(brightest, 0, "the seed must leave something to try");
    let second = starts.iter().enumerate().filter(|(n, _)| *n != brightest).fold(0.0, |m: f32, (_, v)| m.max(*v));
    assert_eq!(status(1.0, 0.0), (Status::Answered, 1.0));
    let threshold = (starts[brightest] + second) / 2.0;
    assert_eq!(status(1.0, -threshold), (Status::NeededStart(brightest), 1.0 - threshold));
    assert_eq!(status(1.0, -0.75), (Status::NeededPreActivation(0), 0.25));
    assert_eq!(status(1.0, -1.5), (Status::Dead(8), 0.0));
    assert_eq!(status(0.0, 1.0).0, Status::Dead(8), "it answers nothing, whatever it yields");
}

#[test]
fn what_a_filter_needed_is_stated_of_decorrelated_images_too() {
    let frame = Frame::new(&[1, 1, 1, 1], false).unwrap();
    let still =
        Settings { motions: Motions::STILL, ..Settings::decorrelated(vec![(0.0, 1.0)], vec![], false, frame, 4) };
    let status = |weight, bias| {
        let graph = pixel_unit(weight, bias);
        let layer = Convolution::new(&graph, 1, 2, 1).unwrap();
        ascend(&layer.channel(0).unwrap(), 0, frame, &still).unwrap()
    };
    assert_eq!(status(1.0, 0.0).status, Status::Answered);
    // The sigmoid nears 1 and never reaches it.
    let woken = status(1.0, -0.75);
    assert_eq!(woken.status, Status::NeededPreActivation(0));
    assert!((0.1..0.25).contains(&woken.end), "{}", woken.end);
    assert_eq!((status(1.0, -1.5).status, status(1.0, -1.5).end), (Status::Dead(4), 0.0));
    assert_eq!(status(0.0, 1.0).status, Status::Dead(4));
}

/// An activation with an upper end, as ReLU6 has: the image goes on growing when it is reached.
#[test]
fn a_decorrelated_image_grows_on_where_the_activation_does_not() {
    let mut graph = network();
    let (shape, at) = (graph.nodes[3].shape.clone(), graph.nodes.len());
    graph.nodes.push(node("end", Op::Constant(Arc::new(vec![0.01])), vec![], vec![1, 1, 1, 1]));
    graph.nodes.push(node("ended", Op::Binary(Binary::Min), vec![3, at], shape));
    let layer = Convolution::new(&graph, 2, at + 1, 1).unwrap();
    let before = |leak: f32| {
        let settings = Settings { leak, ..decorrelated() };
        let ascent = ascend(&layer.channel(0).unwrap(), 0, frame(), &settings).unwrap();
        assert!(ascent.end > 0.009, "{}", ascent.end);
        let image = frame().values(&ascent.image);
        let unclipped = Settings { after_activation: false, ..settings };
        objective_at(&layer.channel(0).unwrap(), &image, frame(), &unclipped).unwrap()
    };
    let (with, without) = (before(decorrelated().leak), before(0.0));
    assert!(with > 1.2 * without, "{with} {without}");
}

#[test]
fn total_variation_has_the_gradient_it_should() {
    let frame = Frame::new(&[1, 2, 3, 3], false).unwrap();
    let mut random = Random::new(1, 0);
    let z: Vec<f32> = (0..18).map(|_| random.normal() as f32).collect();
    let variation = |z: &[f32]| {
        let mut sum = 0.0f64;
        for c in 0..2 {
            for y in 0..3 {
                for x in 0..3 {
                    let at = |y: usize, x: usize| f64::from(z[(c * 3 + y.min(2)) * 3 + x.min(2)]);
                    sum += ((at(y, x + 1) - at(y, x)).powi(2) + (at(y + 1, x) - at(y, x)).powi(2) + 0.01).sqrt();
                }
            }
        }
        sum
    };
    let gradient = step::total_variation_gradient(&z, frame);
    for i in 0..18 {
        let moved = |by: f32| {
            let mut z = z.clone();
            z[i] += by;
            variation(&z)
        };
        let difference = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        assert!((difference - f64::from(gradient[i])).abs() < 5e-3, "{i}: {difference} {}", gradient[i]);
    }
}
