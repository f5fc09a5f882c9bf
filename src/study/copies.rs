//! Re-initialised copies of a network: the same gradient graph with new weights, all of them or those of the upper
//! layers only.

use crate::backprop::graph::{Binary, EinSum, Graph, Op, ValueId};
use crate::measure::reinitialise::{Fans, fresh_batch_normalization, glorot_uniform};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keras's ε of a batch normalisation, whose own is folded into its scale by the time we see it.
const EPSILON: f64 = 1e-3;

/// What a node's weights do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The kernel and bias of a convolution.
    Convolution,
    /// The matrix of a dense layer.
    Matrix(Fans),
    /// What a normalisation multiplies or divides by.
    Scale { divides: bool },
    /// What is added or subtracted: a bias, or the rest of a normalisation.
    Shift,
}

/// A node that holds weights.
#[derive(Debug, Clone, Copy)]
struct Weights {
    node: ValueId,
    role: Role,
    /// Convolutions and dense layers between here and an output, on the longest way.
    height: usize,
}

/// All weights of a graph.
pub struct Parameters {
    weights: Vec<Weights>,
}

impl Parameters {
    /// Finds the weights: kernels, matrices, and per-channel constants that come after the first of these. Constants
    /// before it prepare the image and belong to no layer; single numbers belong to activation functions.
    pub fn of(graph: &Graph) -> Parameters {
        let nodes = &graph.nodes;
        let constant = |id: ValueId| constant(graph, id);
        let weighted = |id: ValueId| match &nodes[id].op {
            Op::Conv(_) | Op::Deconv(_) => true,
            Op::EinSum(_) => nodes[id].inputs.iter().any(|&input| constant(input).is_some()),
            _ => false,
        };
        let mut below = vec![false; nodes.len()];
        let mut height = vec![0usize; nodes.len()];
        for (id, node) in nodes.iter().enumerate() {
            below[id] = weighted(id) || node.inputs.iter().any(|&input| below[input]);
        }
        for id in (0..nodes.len()).rev() {
            let through = height[id] + usize::from(weighted(id));
            nodes[id].inputs.iter().for_each(|&input| height[input] = height[input].max(through));
        }
        let mut found: BTreeMap<ValueId, Weights> = BTreeMap::new();
        for (id, node) in nodes.iter().enumerate() {
            let mut add = |at: ValueId, role: Role| {
                found.entry(at).or_insert(Weights { node: at, role, height: height[id] });
            };
            match &node.op {
                Op::Conv(_) | Op::Deconv(_) => add(id, Role::Convolution),
                Op::EinSum(sum) => {
                    for (slot, &input) in node.inputs.iter().enumerate() {
                        if let Some(at) = constant(input) {
                            add(at, Role::Matrix(fans(sum, slot, &nodes[input].shape)));
                        }
                    }
                }
                Op::Binary(binary) if node.inputs.iter().any(|&input| below[input]) => {
                    let constants = node.inputs.iter().filter_map(|&input| constant(input));
                    for at in constants.filter(|&at| nodes[at].len() > 1) {
                        match binary {
                            Binary::Mul => add(at, Role::Scale { divides: false }),
                            Binary::Div => add(at, Role::Scale { divides: true }),
                            Binary::Add | Binary::Sub => add(at, Role::Shift),
                            Binary::Min | Binary::Max | Binary::Pow => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Parameters { weights: found.into_values().collect() }
    }

    /// The number of stages of a cascade: layers on the longest way from the image to an output.
    pub fn stages(&self) -> usize {
        self.weights.iter().map(|w| w.height + 1).max().unwrap_or(0)
    }

    /// The nodes whose weights are new at a stage and were not before; stage 0 is the top.
    pub fn stage(&self, stage: usize) -> impl Iterator<Item = ValueId> {
        self.weights.iter().filter(move |w| w.height == stage).map(|w| w.node)
    }

    /// New weights for the whole graph, each node's from a stream of its own.
    pub fn draw(&self, graph: &Graph, seed: u64) -> Vec<Op> {
        let new = |(stream, weights): (usize, &Weights)| {
            let node = &graph.nodes[weights.node];
            let draw = |shape: &[usize], fans: Fans| {
                Arc::new(glorot_uniform(shape, fans, seed, stream as u64).into_raw_vec_and_offset().0)
            };
            let (scale, shift) = fresh_batch_normalization(EPSILON);
            let fill = |value: f32| Op::Constant(Arc::new(vec![value; node.len()]));
            match (&node.op, weights.role) {
                (Op::Conv(conv), _) => {
                    let mut conv = conv.clone();
                    let shape = [conv.outputs, conv.inputs / conv.groups, conv.window.kernel_len()];
                    conv.kernel = draw(&shape, Fans::convolution(&shape));
                    conv.bias = conv.bias.map(|bias| Arc::new(vec![0.0; bias.len()]));
                    Op::Conv(conv)
                }
                (Op::Deconv(deconv), _) => {
                    let mut deconv = deconv.clone();
                    let conv = &mut deconv.conv;
                    let shape = [conv.outputs, conv.inputs / conv.groups, conv.window.kernel_len()];
                    conv.kernel = draw(&shape, Fans::convolution(&shape));
                    deconv.bias = deconv.bias.map(|bias| Arc::new(vec![0.0; bias.len()]));
                    Op::Deconv(deconv)
                }
                (_, Role::Matrix(fans)) => Op::Constant(draw(&node.shape, fans)),
                (_, Role::Scale { divides }) => fill(if divides { 1.0 / scale } else { scale }),
                (_, Role::Shift | Role::Convolution) => fill(shift),
            }
        };
        self.weights.iter().enumerate().map(new).collect()
    }

    /// The graph with the drawn weights in the upper `stages` layers and its own below.
    pub fn replaced(&self, graph: &Graph, drawn: &[Op], stages: usize) -> Graph {
        let mut copy = graph.clone();
        for (weights, op) in self.weights.iter().zip(drawn).filter(|(w, _)| w.height < stages) {
            copy.nodes[weights.node].op = op.clone();
        }
        copy
    }
}

/// The constant that a value is, perhaps in another shape.
fn constant(graph: &Graph, mut id: ValueId) -> Option<ValueId> {
    loop {
        let node = graph.nodes.get(id)?;
        match node.op {
            Op::Constant(_) => return Some(id),
            Op::Reshape | Op::Permute(_) | Op::Broadcast => id = *node.inputs.first()?,
            _ => return None,
        }
    }
}

/// What goes into and comes out of a matrix that is operand `slot` of a product, `shape` its shape there.
fn fans(sum: &EinSum, slot: usize, shape: &[usize]) -> Fans {
    let (own, other) = if slot == 0 { (&sum.left, &sum.right) } else { (&sum.right, &sum.left) };
    let lengths = |keep: &dyn Fn(&u32) -> bool| -> usize {
        own.iter().zip(shape).filter(|(label, _)| keep(label)).map(|(_, length)| length).product()
    };
    Fans {
        input: lengths(&|label| !sum.output.contains(label)),
        output: lengths(&|label| sum.output.contains(label) && !other.contains(label)),
    }
}
