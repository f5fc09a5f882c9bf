//! Every rule against finite differences, linear operators against their transposed maps, windows against direct sums.

use std::sync::Arc;

use ndarray::ArrayD;
use proptest::prelude::*;

use crate::backprop::graph::*;
use crate::backprop::{ReluRule, Tape};
use crate::finite_gradient::{Precision, Probe, derivatives};
use crate::random::Random;
use crate::tensor::window::{Axis, Window};

/// One operator with inputs to try it on.
struct Case {
    op: Op,
    inputs: Vec<ArrayD<f64>>,
    shape: Vec<usize>,
    /// Inputs that have a gradient.
    differentiable: Vec<usize>,
}

impl Case {
    /// Normally distributed inputs of the given shapes, all differentiable.
    fn new(op: Op, inputs: &[&[usize]], shape: &[usize]) -> Case {
        Case::between(op, inputs, shape, -2.0, 2.0)
    }

    fn between(op: Op, inputs: &[&[usize]], shape: &[usize], low: f64, high: f64) -> Case {
        let mut random = Random::new(3, 1);
        let array = |shape: &&[usize]| ArrayD::from_shape_fn(*shape, |_| f64::from(random.between(low, high) as f32));
        let inputs: Vec<_> = inputs.iter().map(array).collect();
        let differentiable = (0..inputs.len()).collect();
        Case { op, inputs, shape: shape.to_vec(), differentiable }
    }

    /// Inputs → reshape → the operator → reshape, so that neither its inputs nor its value are kept unless its rule
    /// asks for them.
    fn graph(&self) -> Graph {
        let count = self.inputs.len();
        let node =
            |op, inputs: Vec<ValueId>, shape: &[usize]| Node { name: "y".into(), op, inputs, shape: shape.to_vec() };
        let given = self.inputs.iter().map(|x| node(Op::Input, vec![], x.shape()));
        let passed = self.inputs.iter().enumerate().map(|(i, x)| node(Op::Reshape, vec![i], x.shape()));
        let mut nodes: Vec<Node> = given.chain(passed).collect();
        nodes.push(node(self.op.clone(), (count..2 * count).collect(), &self.shape));
        nodes.push(node(Op::Reshape, vec![2 * count], &self.shape));
        Graph { nodes, inputs: (0..count).collect(), outputs: vec![2 * count + 1] }
    }

    fn value(&self, inputs: &[ArrayD<f64>]) -> ArrayD<f64> {
        let graph = self.graph();
        let given = inputs.iter().cloned().enumerate().collect();
        Tape::forward(&graph, given, &graph.outputs).unwrap().value(graph.outputs[0]).unwrap().to_owned()
    }

    fn gradients(&self, seed: &ArrayD<f64>) -> Vec<ArrayD<f64>> {
        let graph = self.graph();
        let given = self.inputs.iter().cloned().enumerate().collect();
        let tape = Tape::forward(&graph, given, &graph.outputs).unwrap();
        tape.backward(&[(graph.outputs[0], seed.clone())], &graph.inputs, ReluRule::Plain).unwrap()
    }

    /// The largest difference between the rule and central differences, relative to the largest element of each
    /// input's gradient.
    fn error(&self) -> f64 {
        let seed = random_array(&self.shape, 2);
        let gradients = self.gradients(&seed);
        let mut worst: f64 = 0.0;
        for &slot in &self.differentiable {
            let evaluate = |probes: &[Probe]| {
                let value = |probe: &Probe| {
                    let mut inputs = self.inputs.clone();
                    inputs[slot].as_slice_mut().unwrap()[probe.direction] += probe.offset;
                    (self.value(&inputs) * &seed).sum()
                };
                Ok(probes.iter().map(value).collect())
            };
            let finite = derivatives(self.inputs[slot].len(), Precision::double(1.0), evaluate).unwrap();
            let largest = gradients[slot].iter().fold(0.0, |largest: f64, g| largest.max(g.abs())).max(1e-3);
            for (g, finite) in gradients[slot].iter().zip(finite) {
                let finite = finite.expect("the inputs of a case keep away from kinks");
                worst = worst.max((g - finite).abs() / largest);
            }
        }
        worst
    }
}

fn random_array(shape: &[usize], stream: u64) -> ArrayD<f64> {
    let mut random = Random::new(5, stream);
    ArrayD::from_shape_fn(shape, |_| random.normal())
}

fn weights(count: usize) -> Arc<Vec<f32>> {
    let mut random = Random::new(7, count as u64);
    Arc::new((0..count).map(|_| random.normal() as f32).collect())
}

/// An axis with as many windows as fit.
fn axis(input: usize, kernel: usize, stride: usize, dilation: usize, before: usize, after: usize) -> Axis {
    let field = (kernel - 1) * dilation + 1;
    let output = (input + before + after + stride - field) / stride;
    Axis { input, output, kernel, stride, dilation, before, after }
}

fn conv(axes: &[Axis], groups: usize, inputs: usize, outputs: usize) -> Conv {
    let window = Window::new(axes).unwrap();
    let kernel = weights(outputs * inputs / groups * window.kernel_len());
    Conv { window, groups, inputs, outputs, kernel, bias: Some(weights(outputs)) }
}

/// At least one case for every operator; those of `linear()` are here too.
fn cases() -> Vec<Case> {
    let mut cases = linear();
    cases.push(Case::new(
        Op::MaxPool(Window::new(&[axis(5, 3, 2, 1, 1, 1), axis(4, 2, 1, 2, 0, 1)]).unwrap()),
        &[&[2, 2, 5, 4]],
        &[2, 2, 3, 3],
    ));
    for log in [false, true] {
        cases.push(Case::new(Op::Softmax { axes: vec![1], log }, &[&[2, 4, 3]], &[2, 4, 3]));
        cases.push(Case::new(Op::Softmax { axes: vec![0, 2], log }, &[&[2, 3, 2]], &[2, 3, 2]));
    }
    for kind in [Reduction::Max, Reduction::Min, Reduction::Prod, Reduction::MeanOfSquares] {
        cases.push(Case::new(Op::Reduce { kind, axes: vec![1, 2] }, &[&[2, 3, 4]], &[2, 1, 1]));
        cases.push(Case::new(Op::Reduce { kind, axes: vec![0] }, &[&[3, 4]], &[1, 4]));
    }
    for binary in [Binary::Mul, Binary::Min, Binary::Max] {
        cases.push(Case::new(Op::Binary(binary), &[&[2, 3, 4], &[2, 3, 4]], &[2, 3, 4]));
        cases.push(Case::new(Op::Binary(binary), &[&[2, 3, 4], &[1, 3, 1]], &[2, 3, 4]));
        cases.push(Case::new(Op::Binary(binary), &[&[1, 3, 1], &[2, 1, 4]], &[2, 3, 4]));
    }
    for binary in [Binary::Div, Binary::Pow] {
        cases.push(Case::between(Op::Binary(binary), &[&[2, 3, 4], &[1, 3, 1]], &[2, 3, 4], 0.5, 3.0));
        cases.push(Case::between(Op::Binary(binary), &[&[1, 1, 4], &[2, 3, 4]], &[2, 3, 4], 0.5, 3.0));
    }
    let sum = EinSum { left: vec![0, 1, 2], right: vec![2, 3, 0], output: vec![3, 0, 1] };
    cases.push(Case::new(Op::EinSum(sum), &[&[2, 3, 4], &[4, 5, 2]], &[5, 2, 3]));
    // Each operand with an axis of its own that is summed away, and one that has no axis left.
    let sum = EinSum { left: vec![0, 1, 2], right: vec![2, 3, 4], output: vec![0, 4] };
    cases.push(Case::new(Op::EinSum(sum), &[&[2, 3, 4], &[4, 5, 2]], &[2, 2]));
    let sum = EinSum { left: vec![0, 1], right: vec![1, 0], output: vec![] };
    cases.push(Case::new(Op::EinSum(sum), &[&[2, 3], &[3, 2]], &[]));
    for comparison in [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ] {
        cases.push(Case::new(Op::Compare(comparison), &[&[2, 3], &[1, 3]], &[2, 3]));
    }
    let mut select = Case::new(Op::Select, &[&[2, 1, 4], &[2, 3, 4], &[1, 3, 1]], &[2, 3, 4]);
    select.inputs[0].mapv_inplace(|x| if x > 0.0 { 1.0 } else { 0.0 });
    select.differentiable = vec![1, 2];
    cases.push(select);
    for (unary, low, high) in unaries() {
        cases.push(Case::between(Op::Unary(unary), &[&[3, 17]], &[3, 17], low, high));
    }
    cases
}

/// Operators that are linear in their (first) input, up to a constant.
fn linear() -> Vec<Case> {
    let plane = [axis(6, 3, 1, 1, 1, 1), axis(5, 3, 2, 1, 0, 2)];
    let pooled = |divisor| SumPool { window: Window::new(&[axis(6, 3, 2, 1, 1, 1), ceil_axis()]).unwrap(), divisor };
    let resize = |axis, weights: Vec<f32>| Resize { axis, taps: 2, sources: vec![0, 1, 2, 2, 1, 0, 0, 0], weights };
    vec![
        Case::new(Op::Conv(conv(&plane, 1, 3, 4)), &[&[2, 3, 6, 5]], &[2, 4, 6, 3]),
        Case::new(Op::Conv(conv(&plane, 2, 4, 6)), &[&[2, 4, 6, 5]], &[2, 6, 6, 3]),
        Case::new(Op::Conv(conv(&plane, 3, 3, 6)), &[&[1, 3, 6, 5]], &[1, 6, 6, 3]),
        Case::new(Op::Conv(conv(&[axis(4, 1, 1, 1, 0, 0)], 1, 3, 2)), &[&[2, 3, 4]], &[2, 2, 4]),
        Case::new(
            Op::Conv(conv(&[axis(3, 2, 1, 1, 0, 0), plane[0], plane[1]], 1, 2, 2)),
            &[&[1, 2, 3, 6, 5]],
            &[1, 2, 2, 6, 3],
        ),
        Case::new(Op::Deconv(deconv(&plane, 1, 2, 3)), &[&[2, 3, 6, 3]], &[2, 2, 6, 5]),
        Case::new(Op::Deconv(deconv(&plane, 2, 4, 2)), &[&[1, 2, 6, 3]], &[1, 4, 6, 5]),
        Case::new(Op::SumPool(pooled(Divisor::One)), &[&[1, 2, 6, 5]], &[1, 2, 3, 3]),
        Case::new(Op::SumPool(pooled(Divisor::Inside)), &[&[1, 2, 6, 5]], &[1, 2, 3, 3]),
        Case::new(Op::SumPool(pooled(Divisor::Padded)), &[&[2, 1, 6, 5]], &[2, 1, 3, 3]),
        Case::new(Op::Binary(Binary::Add), &[&[2, 3], &[1, 3]], &[2, 3]),
        Case::new(Op::Binary(Binary::Sub), &[&[2, 1], &[2, 3]], &[2, 3]),
        Case::new(Op::Reduce { kind: Reduction::Sum, axes: vec![0, 2] }, &[&[2, 3, 4]], &[1, 3, 1]),
        Case::new(Op::Permute(vec![2, 0, 1]), &[&[2, 3, 4]], &[4, 2, 3]),
        Case::new(Op::Permute(vec![1, 0, 3, 2]), &[&[2, 3, 1, 4]], &[3, 2, 4, 1]),
        Case::new(Op::Reshape, &[&[2, 6]], &[3, 4]),
        Case::new(Op::Broadcast, &[&[2, 1, 3]], &[2, 4, 3]),
        Case::new(Op::Concat { axis: 1 }, &[&[2, 3, 2], &[2, 1, 2], &[2, 2, 2]], &[2, 6, 2]),
        Case::new(Op::Slice { axis: 1, start: 2 }, &[&[2, 5, 3]], &[2, 2, 3]),
        Case::new(Op::Pad { before: vec![0, 1, 2], value: 0.5 }, &[&[2, 2, 3]], &[3, 3, 6]),
        Case::new(Op::Gather { axis: 1, indices: vec![2, 0, 2, 1] }, &[&[2, 3, 2]], &[2, 4, 2]),
        Case::new(Op::Resize(resize(1, vec![1.0, 0.0, 0.25, 0.75, 0.5, 0.5, 1.0, -1.0])), &[&[2, 3, 2]], &[2, 4, 2]),
        Case::new(Op::Unary(Unary::Neg), &[&[5]], &[5]),
    ]
}

/// Five elements under windows of two at stride two: in ceil mode the last reaches beyond the end.
fn ceil_axis() -> Axis {
    Axis { output: 3, ..axis(5, 2, 2, 1, 0, 0) }
}

fn deconv(axes: &[Axis], groups: usize, outputs: usize, inputs: usize) -> Deconv {
    let conv = Conv { bias: None, ..conv(axes, groups, outputs, inputs) };
    Deconv { conv, bias: Some(weights(outputs)) }
}

/// Every element-wise function, with a range that keeps it defined.
fn unaries() -> Vec<(Unary, f64, f64)> {
    use Unary::*;
    vec![
        (Relu, -2.0, 2.0),
        (LeakyRelu { alpha: 0.1 }, -2.0, 2.0),
        (Clip { low: -0.5, high: 1.0 }, -2.0, 2.0),
        (Clip { low: f32::NEG_INFINITY, high: 6.0 }, 4.0, 8.0),
        (Sigmoid, -4.0, 4.0),
        (Tanh, -2.0, 2.0),
        (HardSwish, -4.0, 4.0),
        (Silu, -4.0, 4.0),
        (GeluTanh { power: 3 }, -3.0, 3.0),
        (GeluTanh { power: 2 }, -3.0, 3.0),
        (Erf, -3.5, 3.5),
        (Exp, -2.0, 2.0),
        (Ln, 0.1, 3.0),
        (Sqrt, 0.1, 3.0),
        (Rsqrt, 0.1, 3.0),
        (Square, -2.0, 2.0),
        (Reciprocal, 0.3, 2.0),
        (Power { exponent: 0.75 }, 0.1, 3.0),
        (Abs, -2.0, 2.0),
        (Neg, -2.0, 2.0),
        (Sin, -3.0, 3.0),
        (Cos, -3.0, 3.0),
        (Tan, -1.0, 1.0),
        (Asin, -0.9, 0.9),
        (Acos, -0.9, 0.9),
        (Atan, -2.0, 2.0),
        (Sinh, -2.0, 2.0),
        (Cosh, -2.0, 2.0),
        (Asinh, -2.0, 2.0),
        (Acosh, 1.2, 3.0),
        (Atanh, -0.9, 0.9),
        (Sign, -2.0, 2.0),
        (Floor, -2.0, 2.0),
        (Ceil, -2.0, 2.0),
        (Round, -2.0, 2.0),
    ]
}

#[test]
fn every_rule_agrees_with_finite_differences() {
    for case in cases() {
        let error = case.error();
        assert!(error <= 1e-6, "{:?} on {:?}: {error:e}", case.op, case.inputs[0].shape());
    }
}

#[test]
fn an_operand_that_is_constant_does_not_change_the_gradient_of_the_other() {
    for case in cases().iter().filter(|case| case.inputs.len() > 1) {
        let seed = random_array(&case.shape, 2);
        let gradients = case.gradients(&seed);
        for &slot in &case.differentiable {
            let mut graph = case.graph();
            for other in (0..case.inputs.len()).filter(|&other| other != slot) {
                let values = case.inputs[other].iter().map(|&x| x as f32).collect();
                graph.nodes[other].op = Op::Constant(Arc::new(values));
            }
            let tape = Tape::forward(&graph, vec![(slot, case.inputs[slot].clone())], &graph.outputs).unwrap();
            let gradient = tape.backward(&[(graph.outputs[0], seed.clone())], &[slot], ReluRule::Plain).unwrap();
            assert_eq!(gradient[0], gradients[slot], "{:?}", case.op);
        }
    }
}

/// A number for each variant. A new variant does not compile here until it has one, and a variant without a case fails
/// the test below.
fn variant(op: &Op) -> usize {
    match op {
        // These have no rule; `branching()` has them all.
        Op::Input | Op::Constant(_) | Op::Unsupported { .. } => 0,
        Op::Conv(_) => 1,
        Op::Deconv(_) => 2,
        Op::MaxPool(_) => 3,
        Op::SumPool(pool) => match pool.divisor {
            Divisor::One => 4,
            Divisor::Inside => 5,
            Divisor::Padded => 6,
        },
        Op::EinSum(_) => 7,
        Op::Softmax { log, .. } => 8 + usize::from(*log),
        Op::Permute(_) => 10,
        Op::Reshape => 11,
        Op::Broadcast => 12,
        Op::Concat { .. } => 13,
        Op::Slice { .. } => 14,
        Op::Pad { .. } => 15,
        Op::Resize(_) => 16,
        Op::Gather { .. } => 17,
        Op::Select => 18,
        Op::Reduce { kind, .. } => match kind {
            Reduction::Sum => 19,
            Reduction::Max => 20,
            Reduction::Min => 21,
            Reduction::Prod => 22,
            Reduction::MeanOfSquares => 23,
        },
        Op::Binary(binary) => match binary {
            Binary::Add => 24,
            Binary::Sub => 25,
            Binary::Mul => 26,
            Binary::Div => 27,
            Binary::Min => 28,
            Binary::Max => 29,
            Binary::Pow => 30,
        },
        Op::Compare(comparison) => match comparison {
            Comparison::Equal => 31,
            Comparison::NotEqual => 32,
            Comparison::Less => 33,
            Comparison::LessOrEqual => 34,
            Comparison::Greater => 35,
            Comparison::GreaterOrEqual => 36,
        },
        Op::Unary(unary) => match unary {
            Unary::Relu => 37,
            Unary::LeakyRelu { .. } => 38,
            Unary::Clip { .. } => 39,
            Unary::Sigmoid => 40,
            Unary::Tanh => 41,
            Unary::HardSwish => 42,
            Unary::Silu => 43,
            Unary::GeluTanh { .. } => 44,
            Unary::Erf => 45,
            Unary::Exp => 46,
            Unary::Ln => 47,
            Unary::Sqrt => 48,
            Unary::Rsqrt => 49,
            Unary::Square => 50,
            Unary::Reciprocal => 51,
            Unary::Power { .. } => 52,
            Unary::Abs => 53,
            Unary::Neg => 54,
            Unary::Sin => 55,
            Unary::Cos => 56,
            Unary::Tan => 57,
            Unary::Asin => 58,
            Unary::Acos => 59,
            Unary::Atan => 60,
            Unary::Sinh => 61,
            Unary::Cosh => 62,
            Unary::Asinh => 63,
            Unary::Acosh => 64,
            Unary::Atanh => 65,
            Unary::Sign => 66,
            Unary::Floor => 67,
            Unary::Ceil => 68,
            Unary::Round => 69,
        },
    }
}

#[test]
fn every_variant_has_a_case() {
    let covered: Vec<usize> = cases().iter().map(|case| variant(&case.op)).collect();
    let missing: Vec<usize> = (1..=69).filter(|number| !covered.contains(number)).collect();
    assert!(missing.is_empty(), "no case for the variants numbered {missing:?}");
}

#[test]
fn gradients_of_linear_operators_are_their_transposed_maps() {
    for case in linear() {
        // ⟨J v, u⟩ = ⟨v, Jᵀ u⟩, where J v = f(v) − f(0).
        let zeros: Vec<ArrayD<f64>> = case.inputs.iter().map(|x| ArrayD::zeros(x.shape())).collect();
        let forward = case.value(&case.inputs) - case.value(&zeros);
        let seed = random_array(&case.shape, 9);
        let left = (&forward * &seed).sum();
        let right: f64 = case.gradients(&seed).iter().zip(&case.inputs).map(|(g, v)| (g * v).sum()).sum();
        let scale = forward.iter().map(|x| x * x).sum::<f64>().sqrt() * seed.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((left - right).abs() <= 1e-13 * scale.max(1.0), "{:?}: {left} {right}", case.op);
    }
}

#[test]
fn a_relu_is_closed_at_zero_and_guided_backprop_lets_no_negative_gradient_pass() {
    let case = Case::new(Op::Unary(Unary::Relu), &[&[4]], &[4]);
    let graph = case.graph();
    let x = ArrayD::from_shape_vec(vec![4], vec![-1.0, 0.0, 1.0, 2.0]).unwrap();
    let tape = Tape::forward(&graph, vec![(0, x)], &graph.outputs).unwrap();
    let seed = ArrayD::from_shape_vec(vec![4], vec![1.0, 1.0, 1.0, -1.0]).unwrap();
    let gradient = |rule| {
        tape.backward(&[(graph.outputs[0], seed.clone())], &[0], rule).unwrap().remove(0).into_raw_vec_and_offset().0
    };
    assert_eq!(gradient(ReluRule::Plain), [0.0, 0.0, 1.0, -1.0]);
    assert_eq!(gradient(ReluRule::Guided), [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn the_first_of_equal_elements_takes_the_gradient() {
    let window = Window::new(&[axis(4, 2, 2, 1, 0, 0)]).unwrap();
    let mut case = Case::new(Op::MaxPool(window), &[&[1, 1, 4]], &[1, 1, 2]);
    case.inputs[0] = ArrayD::from_shape_vec(vec![1, 1, 4], vec![3.0, 3.0, 0.0, 0.0]).unwrap();
    let gradients = case.gradients(&ArrayD::ones(vec![1, 1, 2]));
    assert_eq!(gradients[0].as_slice().unwrap(), [1.0, 0.0, 1.0, 0.0]);
    let mut case = Case::new(Op::Binary(Binary::Max), &[&[2], &[2]], &[2]);
    case.inputs = vec![ArrayD::zeros(vec![2]), ArrayD::zeros(vec![2])];
    let gradients = case.gradients(&ArrayD::ones(vec![2]));
    assert_eq!((gradients[0].sum(), gradients[1].sum()), (2.0, 0.0));
}

#[test]
fn a_gradient_of_zero_stays_zero_where_the_derivative_is_infinite() {
    for (unary, at) in [(Unary::Exp, 1e4), (Unary::Ln, 0.0), (Unary::Sqrt, 0.0), (Unary::Rsqrt, 0.0)] {
        let mut case = Case::new(Op::Unary(unary), &[&[1]], &[1]);
        case.inputs[0].fill(at);
        assert_eq!(case.gradients(&ArrayD::zeros(vec![1]))[0].sum(), 0.0, "{unary:?}");
    }
}

/// x → relu(x) = a; a · 2 = b; a + b = y; unsupported(x) = z.
fn branching() -> Graph {
    let node =
        |name: &str, op, inputs: &[ValueId]| Node { name: name.into(), op, inputs: inputs.to_vec(), shape: vec![2] };
    let two = Op::Constant(Arc::new(vec![2.0, 2.0]));
    let nodes = vec![
        node("x", Op::Input, &[]),
        node("a", Op::Unary(Unary::Relu), &[0]),
        node("two", two, &[]),
        node("b", Op::Binary(Binary::Mul), &[1, 2]),
        node("y", Op::Binary(Binary::Add), &[1, 3]),
        node("z", Op::Unsupported { operator: "Mystery".into() }, &[0]),
        node("w", Op::Unsupported { operator: "Riddle".into() }, &[5]),
    ];
    Graph { nodes, inputs: vec![0], outputs: vec![4, 6] }
}

fn pair(a: f64, b: f64) -> ArrayD<f64> {
    ArrayD::from_shape_vec(vec![2], vec![a, b]).unwrap()
}

#[test]
fn branches_meet_and_any_value_can_be_asked_for() {
    let graph = branching();
    let tape = Tape::forward(&graph, vec![(0, pair(1.0, -1.0))], &[4, 3]).unwrap();
    assert_eq!(tape.value(4).unwrap().to_owned(), pair(3.0, 0.0));
    assert!(tape.value(5).is_none());
    let gradients = tape.backward(&[(4, pair(1.0, 1.0))], &[0, 1, 3, 4], ReluRule::Plain).unwrap();
    assert_eq!(gradients, [pair(3.0, 0.0), pair(3.0, 3.0), pair(1.0, 1.0), pair(1.0, 1.0)]);
    // Two targets from one forward pass, apart and together.
    let other = tape.backward(&[(3, pair(1.0, 1.0))], &[0], ReluRule::Plain).unwrap();
    assert_eq!(other, [pair(2.0, 0.0)]);
    let both = tape.backward(&[(3, pair(1.0, 1.0)), (4, pair(1.0, 1.0))], &[0], ReluRule::Plain).unwrap();
    assert_eq!(both, [pair(5.0, 0.0)]);
    let elsewhere = tape.backward(&[(5, pair(1.0, 1.0))], &[0], ReluRule::Plain);
    assert!(elsewhere.err().unwrap().to_string().starts_with("z: "));
    let constant = tape.backward(&[(4, pair(1.0, 1.0))], &[2], ReluRule::Plain);
    assert!(constant.err().unwrap().to_string().starts_with("two: "));
}

#[test]
fn only_what_lies_between_is_run_and_refusals_are_complete() {
    let graph = branching();
    let tape = Tape::forward(&graph, vec![(1, pair(5.0, 7.0))], &[4]).unwrap();
    assert_eq!(tape.value(4).unwrap().to_owned(), pair(15.0, 21.0));
    let message =
        |given: Vec<(ValueId, ArrayD<f64>)>, target| Tape::forward(&graph, given, &[target]).err().unwrap().to_string();
    assert_eq!(message(vec![(0, pair(1.0, 1.0))], 6), "no gradient rule for: Mystery (z), Riddle (w)");
    let passed_by = message(vec![(3, pair(1.0, 1.0))], 4);
    assert!(passed_by.starts_with("x: ") && passed_by.contains("skip connection"), "{passed_by}");
    assert!(message(vec![(0, ArrayD::zeros(vec![3]))], 4).contains("[3]"));
    let seeded = tape.backward(&[(4, ArrayD::zeros(vec![1]))], &[1], ReluRule::Plain);
    assert!(seeded.err().unwrap().to_string().starts_with("y: "));
}

/// Positions of all taps of a window: (output position, tap, input position), straight from the definition.
fn connections(axes: &[Axis; 3]) -> Vec<(usize, usize, usize)> {
    let along = |axis: &Axis| {
        let mut found = Vec::new();
        for o in 0..axis.output {
            for k in 0..axis.kernel {
                let position = (o * axis.stride + k * axis.dilation) as isize - axis.before as isize;
                if (0..axis.input as isize).contains(&position) {
                    found.push((o, k, position as usize));
                }
            }
        }
        found
    };
    let [depth, height, width] = axes;
    let mut all = Vec::new();
    for (od, kd, id) in along(depth) {
        for (oh, kh, ih) in along(height) {
            for (ow, kw, iw) in along(width) {
                all.push((
                    (od * height.output + oh) * width.output + ow,
                    (kd * height.kernel + kh) * width.kernel + kw,
                    (id * height.input + ih) * width.input + iw,
                ));
            }
        }
    }
    all
}

fn any_axis() -> impl Strategy<Value = Axis> {
    (1..7usize, 1..4usize, 1..4usize, 1..3usize, 0..3usize, 0..3usize)
        .prop_filter("the kernel fits", |&(input, kernel, _, dilation, before, after)| {
            (kernel - 1) * dilation < input + before + after
        })
        .prop_map(|(input, kernel, stride, dilation, before, after)| {
            axis(input, kernel, stride, dilation, before, after)
        })
}

fn any_axes() -> impl Strategy<Value = Vec<Axis>> {
    proptest::collection::vec(any_axis(), 1..4)
}

fn shape_of(batch: usize, channels: usize, axes: &[Axis], length: fn(&Axis) -> usize) -> Vec<usize> {
    [batch, channels].into_iter().chain(axes.iter().map(length)).collect()
}

fn assert_close(found: &ArrayD<f64>, expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-10 * (1.0 + expected.abs()), "{found} {expected}");
    }
    assert_eq!(found.len(), expected.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn convolutions_are_direct_sums(
        axes in any_axes(), batch in 1..3usize, groups in 1..4usize, inputs in 1..4usize, outputs in 1..4usize,
    ) {
        let conv = conv(&axes, groups, groups * inputs, groups * outputs);
        let (planes_in, planes_out) = (conv.window.input_len(), conv.window.output_len());
        let taps = conv.window.kernel_len();
        let x = random_array(&shape_of(batch, groups * inputs, &axes, |axis| axis.input), 1);
        let y_shape = shape_of(batch, groups * outputs, &axes, |axis| axis.output);
        let seed = random_array(&y_shape, 2);
        let (x_values, seeds) = (x.as_slice().unwrap(), seed.as_slice().unwrap());
        let mut y = vec![0.0; seed.len()];
        let mut transposed = vec![0.0; x.len()];
        for image in 0..batch {
            for o in 0..groups * outputs {
                let at_output = (image * groups * outputs + o) * planes_out;
                let bias = conv.bias.as_ref().unwrap()[o];
                y[at_output..at_output + planes_out].fill(f64::from(bias));
                for i in 0..inputs {
                    let channel = o / outputs * inputs + i;
                    let at_input = (image * groups * inputs + channel) * planes_in;
                    for (output, tap, input) in connections(&conv.window.axes) {
                        let weight = f64::from(conv.kernel[(o * inputs + i) * taps + tap]);
                        y[at_output + output] += weight * x_values[at_input + input];
                        transposed[at_input + input] += weight * seeds[at_output + output];
                    }
                }
            }
        }
        let case = Case { inputs: vec![x], shape: y_shape.clone(), differentiable: vec![0], op: Op::Conv(conv.clone()) };
        assert_close(&case.value(&case.inputs), &y);
        assert_close(&case.gradients(&seed)[0], &transposed);

        let deconv = Deconv { conv: Conv { bias: None, ..conv }, bias: None };
        let shape = case.inputs[0].shape().to_vec();
        let back = Case { inputs: vec![seed], shape, differentiable: vec![0], op: Op::Deconv(deconv) };
        assert_close(&back.value(&back.inputs), &transposed);
    }

    #[test]
    fn pools_are_what_their_windows_hold(axes in any_axes(), planes in 1..4usize, divisor in 0..3usize) {
        let window = Window::new(&axes).unwrap();
        let x = random_array(&shape_of(1, planes, &axes, |axis| axis.input), 1);
        let shape = shape_of(1, planes, &axes, |axis| axis.output);
        let values = x.as_slice().unwrap();
        let mut largest = vec![f64::MIN; planes * window.output_len()];
        let (mut sums, mut counts) = (vec![0.0; largest.len()], vec![0.0; largest.len()]);
        for plane in 0..planes {
            for (output, _, input) in connections(&window.axes) {
                let at = plane * window.output_len() + output;
                let value = values[plane * window.input_len() + input];
                largest[at] = largest[at].max(value);
                sums[at] += value;
                counts[at] += 1.0;
            }
        }
        let (divisor, divisors) = match divisor {
            0 => (Divisor::One, vec![1.0; sums.len()]),
            1 => (Divisor::Inside, counts.iter().map(|&count: &f64| count.max(1.0)).collect()),
            _ => (Divisor::Padded, vec![window.kernel_len() as f64; sums.len()]),
        };
        sums.iter_mut().zip(divisors).for_each(|(sum, divisor)| *sum /= divisor);
        let case = |op| Case { op, inputs: vec![x.clone()], shape: shape.clone(), differentiable: vec![0] };
        let max = case(Op::MaxPool(window.clone()));
        assert_close(&max.value(&max.inputs), &largest);
        let pool = case(Op::SumPool(SumPool { window, divisor }));
        assert_close(&pool.value(&pool.inputs), &sums);
    }
}
