//! Plans and tails: values computed by hand or by another way.

use ndarray::{Array, ArrayD, IxDyn, s};
use rayon::prelude::*;

use crate::model::fixture::{Fixture, float, int, ints, text};
use crate::model::{Network, Precision};
use crate::random::Random;

/// A convolution with known weights: kernel 2×2 of ones on one channel, bias 1, then ReLU, sum pooling by a dense layer.
fn sums() -> Network {
    let mut f = Fixture::new("x", &[-1, 1, 3, 3]);
    f.floats("k", &[1, 1, 2, 2], &[1.0; 4]).floats("b", &[1], &[1.0]);
    f.node("Conv", &["x", "k", "b"], "c", vec![]).node("Relu", &["c"], "r", vec![]);
    f.node("Flatten", &["r"], "f", vec![]);
    f.floats("w", &[4, 2], &[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 2.0]).node("MatMul", &["f", "w"], "y", vec![]);
    f.output("y").load()
}

/// Residual: y = dense(gap(relu(conv(x)) + conv1x1(x))).
fn residual() -> Network {
    let mut f = Fixture::new("x", &[-1, 2, 6, 6]);
    f.conv("x", "a", [3, 2, 3, 3], vec![ints("pads", &[1; 4])]).node("Relu", &["a"], "ar", vec![]);
    f.conv("x", "s", [3, 2, 1, 1], vec![]).node("Add", &["ar", "s"], "sum", vec![]);
    f.node("Sigmoid", &["sum"], "act", vec![]).node("GlobalAveragePool", &["act"], "gap", vec![]);
    f.node("Flatten", &["gap"], "flat", vec![]).dense("flat", "y", 3, 2).output("y").load()
}

fn noise(shape: &[usize], stream: u64) -> ArrayD<f32> {
    let mut random = Random::new(7, stream);
    Array::from_shape_simple_fn(IxDyn(shape), || random.uniform() as f32 - 0.3)
}

#[test]
fn taps_come_back_in_their_order_with_the_right_values() {
    let network = sums();
    let plan = network.plan(&["y", "c", "x"], 2, None).unwrap();
    let images = Array::from_shape_vec(IxDyn(&[1, 1, 3, 3]), (0..9).map(|v| v as f32).collect()).unwrap();
    let outputs = plan.run(&images).unwrap();
    // Windows of 0..9: 0+1+3+4, 1+2+4+5, 3+4+6+7, 4+5+7+8, each plus one.
    assert_eq!(outputs[1].as_slice().unwrap(), [9.0, 13.0, 21.0, 25.0]);
    assert_eq!(outputs[0].as_slice().unwrap(), [68.0, 50.0]);
    assert_eq!(outputs[2], images);
    assert_eq!(plan.unoptimised, None);
}

#[test]
fn any_number_of_images_gives_what_each_gives_alone() {
    let network = residual();
    let plan = network.plan(&["y", "sum"], 4, None).unwrap();
    let images = noise(&[7, 2, 6, 6], 1);
    let together = plan.run(&images).unwrap();
    assert_eq!((together[0].shape(), together[1].shape()), (&[7, 2][..], &[7, 3, 6, 6][..]));
    for index in 0..7 {
        let alone = plan.run(&images.slice(s![index..index + 1, .., .., ..]).to_owned().into_dyn()).unwrap();
        assert_eq!(alone[0].index_axis(ndarray::Axis(0), 0), together[0].index_axis(ndarray::Axis(0), index));
    }
}

#[test]
fn a_plan_is_shared_by_threads_and_gives_the_same_bytes() {
    let network = residual();
    let plan = network.plan(&["y"], 1, None).unwrap();
    let images: Vec<ArrayD<f32>> = (0..16).map(|stream| noise(&[1, 2, 6, 6], stream)).collect();
    let serial: Vec<_> = images.iter().map(|image| plan.run(image).unwrap()).collect();
    let parallel: Vec<_> = images.par_iter().map(|image| plan.run(image).unwrap()).collect();
    assert_eq!(serial, parallel);
}

#[test]
fn a_network_of_one_batch_size_runs_any_number_of_images() {
    let mut f = Fixture::new("x", &[1, 1, 3, 3]);
    f.floats("k", &[1, 1, 2, 2], &[1.0; 4]).node("Conv", &["x", "k"], "c", vec![]);
    f.integers("shape", &[1, 4]).node("Reshape", &["c", "shape"], "y", vec![]);
    let network = f.output("y").load();
    assert_eq!(network.fixed_batch(), Some(1));
    assert_eq!(network.layer("y").unwrap().output_shape, [None, Some(4)]);
    let plan = network.plan(&["y"], 8, None).unwrap();
    let images = noise(&[3, 1, 3, 3], 2);
    let outputs = plan.run(&images).unwrap();
    assert_eq!(outputs[0].shape(), [3, 4]);
    let first: f32 = images.slice(s![2, 0, 0..2, 0..2]).sum();
    assert!((outputs[0][[2, 0]] - first).abs() < 1e-6);
}

#[test]
fn an_open_image_size_is_asked_for_and_then_used() {
    let mut f = Fixture::new("x", &[-1, 1, -2, -3]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("GlobalAveragePool", &["c"], "g", vec![]);
    let network = f.node("Flatten", &["g"], "y", vec![]).output("y").load();
    assert_eq!(network.layer("c").unwrap().output_shape, [None, Some(2), None, None]);
    let asked = network.plan(&["y"], 1, None).err().unwrap().to_string();
    assert!(asked.contains("--size"), "{asked}");
    let plan = network.plan(&["c", "y"], 1, Some((9, 7))).unwrap();
    assert_eq!(plan.run(&noise(&[1, 1, 9, 7], 0)).unwrap()[0].shape(), [1, 2, 7, 5]);
    let wrong = plan.run(&noise(&[1, 1, 9, 9], 0)).unwrap_err().to_string();
    assert!(wrong.contains("[1, 1, 9, 7]") && wrong.contains("[1, 1, 9, 9]"), "{wrong}");
    let fixed = sums().plan(&["y"], 1, Some((4, 4))).err().unwrap().to_string();
    assert!(fixed.contains("3x3 only"), "{fixed}");
}

#[test]
fn bytes_are_rounded_to_the_nearest() {
    let mut f = Fixture::new("x", &[-1, 1, 1, 2]);
    f.graph.input =
        vec![crate::model::fixture::value("x", &[-1, 1, 1, 2], tract_onnx::pb::tensor_proto::DataType::Uint8)];
    f.node("Cast", &["x"], "xf", vec![crate::model::fixture::int("to", 1)]);
    f.floats("k", &[1, 1, 1, 1], &[2.0]).node("Conv", &["xf", "k"], "c", vec![]);
    let network = f.node("Flatten", &["c"], "y", vec![]).output("y").load();
    assert_eq!(network.input().element, "uint8");
    let image = Array::from_shape_vec(IxDyn(&[1, 1, 1, 2]), vec![2.6, 254.9]).unwrap();
    let outputs = network.plan(&["y"], 1, None).unwrap().run(&image).unwrap();
    assert_eq!(outputs[0].as_slice().unwrap(), [6.0, 510.0]);
}

#[test]
fn a_tail_in_double_precision_continues_the_network() {
    let network = sums();
    let tail = network.tail(&["r"], &["y"], 3, None, Precision::F64).unwrap();
    assert_eq!(tail.precision(), Precision::F64);
    assert_eq!(tail.input_shapes(), [vec![3, 1, 2, 2]]);
    let step = 1e-12;
    let activation =
        Array::from_shape_vec(IxDyn(&[2, 1, 2, 2]), vec![1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0 + step]).unwrap();
    let scores = tail.run(&[activation]).unwrap();
    assert_eq!(scores[0].shape(), [2, 2]);
    assert_eq!((scores[0][[0, 0]], scores[0][[0, 1]]), (10.0, 8.0));
    // A difference that single precision would lose: the last weight is 2.
    assert!(((scores[0][[1, 1]] - scores[0][[0, 1]]) / step - 2.0).abs() < 1e-2);
}

#[test]
fn a_skip_connection_must_be_cut_too() {
    let network = residual();
    let refused = network.tail(&["ar"], &["y"], 1, None, Precision::F64).err().unwrap().to_string();
    assert!(refused.contains("another path"), "{refused}");
    let tail = network.tail(&["ar", "x"], &["y"], 1, None, Precision::F64).unwrap();
    assert_eq!(tail.precision(), Precision::F64);
    let image = noise(&[1, 2, 6, 6], 3);
    let outputs = network.plan(&["ar", "y"], 1, None).unwrap().run(&image).unwrap();
    let scores = tail.run(&[outputs[0].mapv(f64::from), image.mapv(f64::from)]).unwrap();
    for (tail, whole) in scores[0].iter().zip(&outputs[1]) {
        assert!((tail - f64::from(*whole)).abs() < 1e-6);
    }
}

/// tract has these in single precision only; the tail has all digits.
#[test]
fn functions_are_spelled_out_in_double_precision() {
    let x = [-7.5, -2.25, -0.5, 0.125, 1.5, 6.75];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let hard_swish = |x: f64| x * (x / 6.0 + 0.5).clamp(0.0, 1.0);
    let leaky = |x: f64| if x < 0.0 { f64::from(0.3f32) * x } else { x };
    let erf = |x: f64| crate::tensor::Real::error_function(x);
    // The operator's constant is rounded to single precision, as in a file.
    let gelu = |x: f64| x * 0.5 * (1.0 + erf(x * f64::from(2f32.sqrt().recip())));
    let functions: [(&str, &dyn Fn(f64) -> f64); 6] = [
        ("Sigmoid", &sigmoid),
        ("HardSwish", &hard_swish),
        ("LeakyRelu", &leaky),
        ("Erf", &erf),
        ("Gelu", &gelu),
        ("Round", &f64::round_ties_even),
    ];
    for (op, function) in functions {
        let mut f = Fixture::new("x", &[-1, 1, 2, 3]);
        f.conv("x", "c", [1, 1, 1, 1], vec![]);
        let alpha = if op == "LeakyRelu" { vec![float("alpha", 0.3)] } else { vec![] };
        let tail = f.node(op, &["c"], "y", alpha).output("y").load().tail(&["c"], &["y"], 1, None, Precision::F64);
        let tail = tail.unwrap();
        assert_eq!(tail.precision(), Precision::F64, "{op}");
        let given = Array::from_shape_vec(IxDyn(&[1, 1, 2, 3]), x.to_vec()).unwrap();
        let found = tail.run(&[given]).unwrap().remove(0);
        for (found, x) in found.iter().zip(x) {
            assert!((found - function(x)).abs() < 1e-14, "{op} of {x}: {found}");
        }
    }
}

/// tract resizes in single precision; the tail has all digits.
#[test]
fn resizing_is_exact_in_double_precision() {
    let mut f = Fixture::new("x", &[-1, 1, 2, 2]);
    f.conv("x", "c", [1, 1, 1, 1], vec![]).floats("scales", &[4], &[1.0, 1.0, 1.0, 2.0]);
    f.node("Resize", &["c", "", "scales"], "y", vec![text("mode", "linear")]);
    let tail = f.output("y").load().tail(&["c"], &["y"], 1, None, Precision::F64).unwrap();
    assert_eq!(tail.precision(), Precision::F64);
    let third = 1.0 / 3.0;
    let given = Array::from_shape_vec(IxDyn(&[1, 1, 2, 2]), vec![third, 2.0 * third, 3.0, 9.0]).unwrap();
    let found = tail.run(&[given]).unwrap().remove(0);
    let expected = [third, 1.25 * third, 1.75 * third, 2.0 * third, 3.0, 4.5, 7.5, 9.0];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15 * expected.max(1.0), "{found} {expected}");
    }
}

/// tract samples at a grid's points in single precision only: that is found out by running it.
#[test]
fn a_tail_in_single_precision_says_so() {
    let mut f = Fixture::new("x", &[1, 1, 4, 4]);
    f.conv("x", "c", [1, 1, 1, 1], vec![]).floats("grid", &[1, 1, 2, 2], &[-0.3, 0.2, 0.6, -0.1]);
    f.node("GridSample", &["c", "grid"], "y", vec![text("mode", "bilinear")]);
    let network = f.output("y").load();
    assert_eq!(network.tail(&["c"], &["y"], 1, None, Precision::F64).unwrap().precision(), Precision::F32);
}

#[test]
fn unknown_taps_are_named() {
    let refused = sums().plan(&["nothing"], 1, None).err().unwrap().to_string();
    assert!(refused.contains("no tensor `nothing`"), "{refused}");
}

#[test]
fn networks_and_plans_are_shared_across_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Network>();
    shared::<crate::model::Plan>();
    shared::<crate::model::Tail>();
}

/// A product over a concatenation with something stretched, as in DeepLab's image pooling: one of tract's optimisations fails on it. The
/// network runs all the same, and says why it is slower.
#[test]
fn a_network_that_tract_cannot_optimise_runs_as_it_is() {
    let mut f = Fixture::new("x", &[1, 2, 3, 3]);
    f.node("GlobalAveragePool", &["x"], "mean", vec![]).integers("size", &[1, 2, 3, 3]);
    f.node("Expand", &["mean", "size"], "wide", vec![]);
    f.node("Concat", &["wide", "x"], "both", vec![int("axis", 1)]);
    f.node("Transpose", &["both"], "last", vec![ints("perm", &[0, 2, 3, 1])]);
    f.floats("w", &[4, 1], &[1.0, 2.0, 3.0, 4.0]).node("MatMul", &["last", "w"], "y", vec![]);
    let network = f.output("y").load();
    let plan = network.plan(&["y"], 1, None).unwrap();
    let reason = plan.unoptimised.clone().unwrap();
    assert!(reason.contains("ConcatThenEinsum"), "{reason}");
    let image = Array::from_shape_vec(IxDyn(&[1, 2, 3, 3]), (0..18).map(|v| v as f32).collect()).unwrap();
    let outputs = plan.run(&image).unwrap();
    // The means are 4 and 13, so each value is 4 + 2 · 13 + 3 · v + 4 · (v + 9).
    let wanted: Vec<f32> = (0..9).map(|v| 66.0 + 7.0 * v as f32).collect();
    assert_eq!(outputs[0].iter().copied().collect::<Vec<_>>(), wanted);
}
