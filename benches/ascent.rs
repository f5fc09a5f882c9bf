//! Gradient ascent: `cargo bench --bench ascent`.
//!
//! (a) All filters of the bundled networks, end to end. (b) Two large networks with random weights at 180 pixels: milliseconds
//! per filter-step with every core busy on a filter of its own, forward and backward apart on one core, and GFLOP/s
//! beside what the matrix product alone reaches in the same run. (c) Whole ascents of the same filters in each mode on one
//! core: milliseconds a step, and what the step costs beside the network's passes. Compare ratios within a run, as machines
//! are noisy.

use convscope::backprop::graph::{Binary, Conv, Graph, Node, Op, Unary, ValueId};
use convscope::backprop::{ReluRule, Tape};
use convscope::chapter::filters::{Options, page};
use convscope::model::Network;
use convscope::progress::Progress;
use convscope::random::Random;
use convscope::tensor::gemm::{Matrix, gemm};
use convscope::tensor::window::{Axis, Window};
use convscope::visualize::filter::{Convolution, Frame, Mode, Settings, Target, ascend};
use ndarray::ArrayD;
use rayon::prelude::*;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Side of the large networks' images in pixels.
const SIDE: usize = 180;
/// Steps and filters of a measurement on all cores.
const STEPS: usize = 6;
const ROUNDS: usize = 2;
/// Steps of an ascent on one core.
const ASCENT: usize = 20;

fn main() {
    bundled();
    let cores = rayon::current_num_threads();
    println!("\n{cores} cores; matrix product alone: {:.0} GFLOP/s on one, {:.0} on all", peak(1), peak(cores));
    println!(
        "{:<24} {:>14} {:>12} {:>12} {:>12} {:>14}",
        "at 180 pixels", "ms/filter-step", "forward ms", "backward ms", "GFLOP/step", "GFLOP/s, all"
    );
    let networks = [("ResNet-50, layer2 end", resnet50_layer2()), ("VGG16, features.14", vgg16_features14())];
    networks.iter().for_each(|(name, network)| large(name, network));
    println!(
        "\n{:<24} {:>14} {:>14} {:>14} {:>14} {:>14}",
        "one core", "passes ms", "pixel ms/step", "bounded", "decorrelated", "over bounded"
    );
    networks.iter().for_each(|(name, network)| modes(name, network));
}

/// Every filter of the six networks, from the file to the page.
fn bundled() {
    println!("{:<24} {:>10} {:>12}", "bundled network", "filters", "seconds");
    for stem in ["base-line", "base-mnist", "variation-1", "variation-2", "variation-3", "deep-line"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("onnx/{stem}.onnx"));
        let network = Network::load(&file).expect("the network loads");
        let filters: usize = network
            .layers()
            .iter()
            .filter(|layer| layer.convolution.is_some())
            .filter_map(|layer| layer.output_shape.get(3).copied().flatten())
            .sum();
        let options = Options {
            layer: None,
            filters: None,
            steps: None,
            preprocess: None,
            mode: Mode::Bounded,
            objective: None,
            seed: 1,
        };
        let start = Instant::now();
        black_box(page(&file, &options, &Progress::new(true)).expect("the filters are found"));
        println!("{stem:<24} {filters:>10} {:>12.2}", start.elapsed().as_secs_f64());
    }
}

/// GFLOP/s of products of 1024×1024 matrices, one on each of `threads` threads.
fn peak(threads: usize) -> f64 {
    const N: usize = 1024;
    const TIMES: usize = 12;
    let run = |_| {
        let (a, b, mut out) = (vec![1.0f32; N * N], vec![1.0f32; N * N], vec![0.0f32; N * N]);
        for _ in 0..TIMES {
            gemm(
                Matrix::row_major(&mut out[..], N, N),
                Matrix::row_major(&a, N, N),
                Matrix::row_major(&b, N, N),
                false,
            );
        }
        black_box(out);
    };
    let best = (0..3).map(|_| {
        let start = Instant::now();
        (0..threads).into_par_iter().for_each(run);
        (2 * N.pow(3) * TIMES * threads) as f64 / start.elapsed().as_secs_f64() / 1e9
    });
    best.fold(0.0, f64::max)
}

/// Prints the line of one large network, whose last two values are the wanted layer before and after its activation.
fn large(name: &str, (graph, before, after): &(Graph, ValueId, ValueId)) {
    let layer = Convolution::new(graph, *before, *after, 1).expect("a convolution");
    let frame = Frame::new(layer.input_shape(), false).expect("an image");
    let target = layer.channel(7).expect("a filter");
    let input = frame.input(frame.start(&[], 1, 0)).expect("an image");
    let times: Vec<[f64; 2]> = (0..4).map(|_| step(&target, &input)).collect();
    let [forward, backward] = [0, 1].map(|i| times.iter().map(|time| time[i]).fold(f64::INFINITY, f64::min));
    let filters = ROUNDS * rayon::current_num_threads();
    let start = Instant::now();
    (0..filters).into_par_iter().for_each(|filter| {
        let target = layer.channel(filter).expect("a filter");
        for _ in 0..STEPS {
            black_box(step(&target, &input));
        }
    });
    let per_step = start.elapsed().as_secs_f64() * 1e3 / (filters * STEPS) as f64;
    let flops = 4.0 * multiplications(&target.graph) / 1e9;
    println!(
        "{name:<24} {per_step:>14.1} {forward:>12.1} {backward:>12.1} {flops:>12.2} {:>14.0}",
        flops / per_step * 1e3
    );
}

/// Prints the milliseconds a step of a whole ascent in each mode, the best of a few.
fn modes(name: &str, (graph, before, after): &(Graph, ValueId, ValueId)) {
    let layer = Convolution::new(graph, *before, *after, 1).expect("a convolution");
    let frame = Frame::new(layer.input_shape(), false).expect("an image");
    let target = layer.channel(7).expect("a filter");
    let input = frame.input(frame.start(&[], 1, 0)).expect("an image");
    let least = |of: &dyn Fn() -> f64| (0..3).map(|_| of()).fold(f64::INFINITY, f64::min);
    let passes = least(&|| step(&target, &input).iter().sum());
    let range = vec![(0.0, 1.0); 3];
    let per_step = |settings: Settings| {
        let settings = Settings { steps: ASCENT, ..settings };
        least(&|| {
            let start = Instant::now();
            black_box(ascend(&target, 7, frame, &settings).expect("an ascent"));
            start.elapsed().as_secs_f64() * 1e3 / ASCENT as f64
        })
    };
    let pixel = per_step(Settings::pixel(frame, 1));
    let bounded = per_step(Settings::bounded(range.clone(), Vec::new(), 1));
    let decorrelated = per_step(Settings::decorrelated(range, Vec::new(), false, frame, 1));
    println!(
        "{name:<24} {passes:>14.1} {pixel:>14.1} {bounded:>14.1} {decorrelated:>14.1} {:>12.0} %",
        100.0 * (decorrelated / bounded - 1.0)
    );
}

/// One step's forward and backward pass, in milliseconds.
fn step(target: &Target, input: &ArrayD<f32>) -> [f64; 2] {
    let start = Instant::now();
    let tape = Tape::forward(&target.graph, vec![(target.input, input.clone())], &[target.after]).expect("rules");
    let forward = start.elapsed();
    let seed = ArrayD::from_elem(target.graph.nodes[target.after].shape.clone(), 1e-3f32);
    black_box(tape.backward(&[(target.after, seed)], &[target.input], ReluRule::Plain).expect("a gradient"));
    [forward, start.elapsed() - forward].map(|time| time.as_secs_f64() * 1e3)
}

/// Multiplications of a forward pass; backward, with respect to the image alone, takes as many.
fn multiplications(graph: &Graph) -> f64 {
    let of = |node: &Node| match &node.op {
        Op::Conv(conv) => (node.len() * conv.window.kernel_len() * conv.inputs / conv.groups) as f64,
        _ => 0.0,
    };
    graph.nodes.iter().map(of).sum()
}

/// A graph under construction, with random weights.
struct Builder {
    nodes: Vec<Node>,
    random: Random,
}

impl Builder {
    fn new() -> Builder {
        let input = Node { name: "input".into(), op: Op::Input, inputs: vec![], shape: vec![1, 3, SIDE, SIDE] };
        Builder { nodes: vec![input], random: Random::new(1, 0) }
    }

    fn push(&mut self, op: Op, inputs: Vec<ValueId>, shape: Vec<usize>) -> ValueId {
        self.nodes.push(Node { name: format!("node_{}", self.nodes.len()), op, inputs, shape });
        self.nodes.len() - 1
    }

    fn window(&self, x: ValueId, kernel: usize, stride: usize, padding: usize) -> (Window, usize) {
        let input = self.nodes[x].shape[2];
        let output = (input + 2 * padding - kernel) / stride + 1;
        let axis = Axis { input, output, kernel, stride, dilation: 1, before: padding, after: padding };
        (Window::new(&[axis, axis]).expect("two axes"), output)
    }

    /// A padded convolution without bias, of He's scale.
    fn conv(&mut self, x: ValueId, outputs: usize, kernel: usize, stride: usize) -> ValueId {
        let inputs = self.nodes[x].shape[1];
        let (window, side) = self.window(x, kernel, stride, kernel / 2);
        let scale = (2.0 / (inputs * kernel * kernel) as f64).sqrt();
        let weights = (0..outputs * inputs * kernel * kernel).map(|_| (self.random.normal() * scale) as f32).collect();
        let conv = Conv { window, groups: 1, inputs, outputs, kernel: Arc::new(weights), bias: None };
        self.push(Op::Conv(conv), vec![x], vec![1, outputs, side, side])
    }

    /// A scale and a shift a channel, as batch normalisation is lowered to.
    fn norm(&mut self, x: ValueId) -> ValueId {
        let shape = self.nodes[x].shape.clone();
        let values = |value: f32| Op::Constant(Arc::new(vec![value; shape[1]]));
        let scale = self.push(values(0.9), vec![], vec![1, shape[1], 1, 1]);
        let scaled = self.push(Op::Binary(Binary::Mul), vec![x, scale], shape.clone());
        let shift = self.push(values(0.01), vec![], vec![1, shape[1], 1, 1]);
        self.push(Op::Binary(Binary::Add), vec![scaled, shift], shape)
    }

    fn relu(&mut self, x: ValueId) -> ValueId {
        let shape = self.nodes[x].shape.clone();
        self.push(Op::Unary(Unary::Relu), vec![x], shape)
    }

    fn pool(&mut self, x: ValueId, kernel: usize, padding: usize) -> ValueId {
        let (window, side) = self.window(x, kernel, 2, padding);
        let channels = self.nodes[x].shape[1];
        self.push(Op::MaxPool(window), vec![x], vec![1, channels, side, side])
    }

    /// A bottleneck block; the values of its last convolution and of its output.
    fn bottleneck(&mut self, x: ValueId, width: usize, stride: usize) -> (ValueId, ValueId) {
        let mut y = self.conv(x, width, 1, 1);
        y = self.norm(y);
        y = self.relu(y);
        y = self.conv(y, width, 3, stride);
        y = self.norm(y);
        y = self.relu(y);
        let last = self.conv(y, 4 * width, 1, 1);
        y = self.norm(last);
        let mut skip = x;
        if self.nodes[x].shape != self.nodes[y].shape {
            skip = self.conv(x, 4 * width, 1, stride);
            skip = self.norm(skip);
        }
        let shape = self.nodes[y].shape.clone();
        let sum = self.push(Op::Binary(Binary::Add), vec![y, skip], shape);
        (last, self.relu(sum))
    }

    fn finish(self, before: ValueId, after: ValueId) -> (Graph, ValueId, ValueId) {
        (Graph { nodes: self.nodes, inputs: vec![0], outputs: vec![after] }, before, after)
    }
}

/// ResNet-50 (He et al. 2015, arXiv:1512.03385) to the end of its second stage.
fn resnet50_layer2() -> (Graph, ValueId, ValueId) {
    let mut net = Builder::new();
    let mut x = net.conv(0, 64, 7, 2);
    x = net.norm(x);
    x = net.relu(x);
    x = net.pool(x, 3, 1);
    for _ in 0..3 {
        x = net.bottleneck(x, 64, 1).1;
    }
    let mut last = x;
    for block in 0..4 {
        (last, x) = net.bottleneck(x, 128, if block == 0 { 2 } else { 1 });
    }
    net.finish(last, x)
}

/// VGG16 (Simonyan and Zisserman 2014, arXiv:1409.1556) to the third convolution of its third block.
fn vgg16_features14() -> (Graph, ValueId, ValueId) {
    let mut net = Builder::new();
    let (mut x, mut last) = (0, 0);
    for (block, (width, convolutions)) in [(64, 2), (128, 2), (256, 3)].into_iter().enumerate() {
        if block > 0 {
            x = net.pool(x, 2, 0);
        }
        for _ in 0..convolutions {
            last = net.conv(x, width, 3, 1);
            x = net.relu(last);
        }
    }
    net.finish(last, x)
}
