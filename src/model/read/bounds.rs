//! How much is read, computed and run: bounds that keep a small file from asking for the memory and the hours of a large one.
//!
//! What is computed before an image runs is bounded by its absolute size: as large as the constants of real networks. What an
//! image may then hold and compute grows with the weights that the file brings, so that every network that people train runs
//! and a file of some kilobytes that declares a gigantic image does not.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb;

use crate::model::read::definition::{Definition, Node};
use crate::model::read::printable::{list, printable};
use crate::model::read::shapes::Values;

/// The largest file that is read. Protocol buffers end at 2 GiB; larger networks keep their weights in files beside it.
pub(crate) const LARGEST_FILE: u64 = 1 << 31;
/// Convolutional networks have some hundreds of operators, exported with all their shape arithmetic some thousands.
const MOST_OPERATORS: usize = 8_000;
/// Values that one operator may read or yield.
const MOST_OPERANDS: usize = 2_000;
/// Heads are shown one after the other on the page.
const MOST_OUTPUTS: usize = 100;
/// Axes of a value.
const MOST_AXES: usize = 16;
/// Most positions of a window.
const LARGEST_WINDOW: i64 = 1 << 22;

/// Numbers in all constants together that are computed before an image runs: VGG-19's 144 million weights and some to spare.
const CONSTANTS: f64 = 180e6;
/// Multiplications that are made to compute them, a second or so.
const CONSTANT_WORK: f64 = 4_294_967_296.0;
/// Numbers in computed constants of a network that is also run, which copies and lays them out anew several times. A network
/// whose file brings its weights has none or few.
const CONSTANTS_RUN: f64 = 33_554_432.0;
/// Numbers in all values together that any network may hold for one image (512 MiB in single precision), and more for
/// each of its weights.
const HELD: (f64, f64) = (134_217_728.0, 256.0);
/// The same for a single value.
const LARGEST_VALUE: (f64, f64) = (33_554_432.0, 256.0);
/// Multiplications that any network may take for one image (a second or so), and more for each of its weights: as if
/// every weight were used at each position of a map of 256×256 cells.
const COMPUTED: (f64, f64) = (4_294_967_296.0, 65_536.0);

/// A graph of impossible size, which nothing else should look at.
pub(crate) fn graph_reasons(graph: &pb::GraphProto) -> Vec<String> {
    let mut reasons = Vec::new();
    if graph.node.len() > MOST_OPERATORS {
        reasons.push(format!("it has {} operators; {MOST_OPERATORS} are the most that are read", graph.node.len()));
    }
    if graph.output.len() > MOST_OUTPUTS {
        reasons.push(format!("it has {} outputs; {MOST_OUTPUTS} are the most that are shown", graph.output.len()));
    }
    if let Some(node) = graph.node.iter().find(|node| node.input.len().max(node.output.len()) > MOST_OPERANDS) {
        reasons.push(format!(
            "its operator `{}` ({}) has {} inputs and {} outputs",
            printable(&node.name),
            printable(&node.op_type),
            node.input.len(),
            node.output.len()
        ));
    }
    reasons
}

/// Windows that cannot be: a list of strides, pads or dilations that does not fit the window's axes, a kernel of another
/// shape than its weights, or one of millions of positions. tract computes with them unchecked.
pub(crate) fn window_reasons(graph: &pb::GraphProto) -> Vec<String> {
    let kernels: BTreeMap<&str, &[i64]> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.dims.as_slice())).collect();
    let mut wrong = BTreeSet::new();
    for node in &graph.node {
        let known: &[&str] = match node.op_type.as_str() {
            "Conv" | "ConvTranspose" => &["strides", "dilations", "pads", "output_padding"],
            "MaxPool" | "AveragePool" | "LpPool" => &["strides", "dilations", "pads"],
            _ => continue,
        };
        let find = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
        let weights = node.input.get(1).and_then(|name| kernels.get(name.as_str())).and_then(|dims| dims.get(2..));
        let mut complain = |name: &str| _ = wrong.insert(format!("{name} of `{}`", printable(node_name(node))));
        let kernel = find("kernel_shape").map(|attribute| attribute.ints.as_slice());
        if let (Some(kernel), Some(weights)) = (kernel, weights)
            && kernel != weights
        {
            complain("kernel_shape");
        }
        let Some(window) = kernel.or(weights) else { continue };
        let positions = window.iter().try_fold(1i64, |product, &side| product.checked_mul(side));
        if positions.is_none_or(|positions| positions > LARGEST_WINDOW) {
            complain("kernel_shape");
        }
        for name in known {
            let sides = if *name == "pads" { 2 } else { 1 };
            if find(name).is_some_and(|attribute| attribute.ints.len() != sides * window.len()) {
                complain(name);
            }
        }
    }
    if wrong.is_empty() { Vec::new() } else { vec![format!("it has impossible attributes: {}", list(&wrong))] }
}

/// The operator's name, or that of its first output.
fn node_name(node: &pb::NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

/// Counts what a network holds while its shapes are followed, and stops at what is out of proportion.
pub(crate) struct Tally {
    /// Numbers in the weights, given and computed.
    weights: f64,
    /// The number of images that the bounds hold for.
    images: f64,
    held: f64,
    constants: f64,
    constant_work: f64,
}

impl Tally {
    /// Nothing yet of a network with so many numbers in its weights, given and computed; for so many images at once.
    pub fn new(weights: f64, images: f64) -> Tally {
        Tally { weights, images, held: 0.0, constants: 0.0, constant_work: 0.0 }
    }

    /// Numbers in the constants so far.
    pub fn constants(&self) -> f64 {
        self.constants
    }

    /// A value that depends on the image.
    ///
    /// # Errors
    /// Too large, alone or with the others; too many axes.
    pub fn hold(&mut self, name: &str, shape: &[f64]) -> Result<(), String> {
        let count = shape.iter().product::<f64>();
        self.held += count;
        let within = |count: f64, (any, each): (f64, f64)| count <= self.images * (any + each * self.weights);
        if within(count, LARGEST_VALUE) && within(self.held, HELD) && shape.len() <= MOST_AXES {
            return Ok(());
        }
        let (name, weights) = (printable(name), self.weights);
        Err(format!("`{name}` would have the shape {shape:.0?}, out of proportion to {weights} weights"))
    }

    /// A constant that is computed from others by so many multiplications.
    ///
    /// # Errors
    /// Too many numbers or too much work, with the other constants; too many axes.
    pub fn compute(&mut self, name: &str, shape: &[f64], work: f64) -> Result<(), String> {
        self.constants += shape.iter().product::<f64>();
        self.constant_work += work;
        if self.constants <= CONSTANTS && self.constant_work <= CONSTANT_WORK && shape.len() <= MOST_AXES {
            return Ok(());
        }
        let name = printable(name);
        Err(format!(
            "`{name}` would have the shape {shape:.0?}: its constants are more than the {CONSTANTS:.0e} numbers, or take more than the {CONSTANT_WORK:.0e} multiplications, that are computed before an image runs"
        ))
    }
}

/// Numbers in the weights that the file brings.
pub(crate) fn weights(definition: &Definition) -> f64 {
    definition.initializers.values().map(|shape| count(shape)).sum()
}

/// Refuses a network that would take hours, or whose windows written out would fill the memory; `weights` are those given and
/// computed.
pub(crate) fn work_reason(definition: &Definition, values: &Values, weights: f64) -> Option<String> {
    let total: f64 = definition.nodes.iter().map(|node| work(node, &values.probed)).sum();
    (total > COMPUTED.0 + COMPUTED.1 * weights)
        .then(|| format!("one image would take {total:.1e} multiplications, out of proportion to {weights} weights"))
}

/// Why a network is listed and not run, if so: its file does not bring the weights that its size would be in proportion to,
/// but computes them. `computed` are the numbers in its computed constants.
pub(crate) fn run_reason(definition: &Definition, values: &Values, computed: f64) -> Option<String> {
    let given = weights(definition);
    let counted = |name: &&String| !values.is_constant(name);
    let mut tally = Tally::new(given, 1.0);
    let named = values.probed.iter().filter(|(name, _)| counted(name));
    let held = named.map(|(name, shape)| {
        let lengths: Vec<f64> = shape.iter().map(|&length| length as f64).collect();
        tally.hold(name, &lengths)
    });
    let constants = (computed > CONSTANTS_RUN).then(|| format!("these are {computed:.1e} numbers"));
    let reason =
        constants.or(held.filter_map(Result::err).next()).or_else(|| work_reason(definition, values, given))?;
    Some(format!(
        "it is too large to be run without weights: its file holds {given} of them and computes the rest ({reason}); `inspect` lists it, and the same network with its trained weights in the file is run"
    ))
}

/// The product of lengths, as a floating-point number, which does not overflow.
pub(crate) fn count(shape: &[usize]) -> f64 {
    shape.iter().map(|&length| length as f64).product()
}

/// Multiplications of an operator, or comparisons, given the shapes of its values.
pub(crate) fn work(node: &Node, shapes: &BTreeMap<String, Vec<usize>>) -> f64 {
    let shape = |value: &str| shapes.get(value).map_or(&[][..], Vec::as_slice);
    let count = |value: &str| count(shape(value));
    let input = |index: usize| node.inputs.get(index).map_or(&[][..], |value| shape(value));
    let last = |shape: &[usize]| shape.last().map_or(1.0, |&length| length as f64);
    let output = count(node.output());
    match node.op.as_str() {
        // Every weight of a filter, [out, in / group, sides…], at each position.
        "Conv" => output * input(1).iter().skip(1).map(|&length| length as f64).product::<f64>(),
        "ConvTranspose" => count(node.input()) * input(1).iter().skip(1).map(|&length| length as f64).product::<f64>(),
        "MatMul" | "Gemm" => output * last(input(0)).max(input(0).first().map_or(1.0, |&length| length as f64)),
        "MaxPool" | "AveragePool" | "LpPool" => {
            output * node.ints("kernel_shape").unwrap_or(&[]).iter().map(|&side| side as f64).product::<f64>()
        }
        "LRN" => output * node.int("size").unwrap_or(1) as f64,
        "Einsum" => labelled(node, shapes),
        // Every token meets every other.
        "Attention" | "MultiHeadAttention" | "GroupQueryAttention" => {
            count(node.input()) * count(node.input()) / last(input(0)).max(1.0)
        }
        _ => output,
    }
}

/// The lengths of all labels of an Einstein sum multiplied.
fn labelled(node: &Node, shapes: &BTreeMap<String, Vec<usize>>) -> f64 {
    let equation = node.text("equation").unwrap_or("");
    let operands = equation.split("->").next().unwrap_or("").split(',');
    let mut lengths: BTreeMap<char, usize> = BTreeMap::new();
    for (operand, value) in operands.zip(&node.inputs) {
        let labels = operand.chars().filter(|label| label.is_alphabetic());
        for (label, &length) in labels.zip(shapes.get(value).into_iter().flatten()) {
            let longest = lengths.entry(label).or_default();
            *longest = length.max(*longest);
        }
    }
    // More than two operands are multiplied element by element.
    let slow = if node.inputs.len() > 2 { 32.0 } else { 1.0 };
    slow * lengths.values().map(|&length| length as f64).product::<f64>()
}
