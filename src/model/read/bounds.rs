//! What is out of all proportion: bounds that keep a small file from asking for the memory and the hours of a large one.
//!
//! What a network may hold and compute grows with its weights, so that every network that people train passes and a file
//! of some kilobytes that declares a gigantic image does not.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact, InferenceModel};

use crate::model::read::onnx::{Definition, Node};
use crate::model::read::refusal::{list, printable};
use crate::model::read::values::Values;

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
/// Longest stride, dilation, padding or side of a window.
const LONGEST_WINDOW: i64 = 1 << 16;
/// Most positions of a window.
const LARGEST_WINDOW: i64 = 1 << 22;

/// Operators whose results are as large as some of their inputs say.
const SHAPED_BY_NUMBERS: [&str; 9] =
    ["ConstantOfShape", "Expand", "OneHot", "Pad", "Reshape", "Resize", "Tile", "TopK", "Upsample"];

/// Numbers in all values together that any network may hold for one image (128 MiB in single precision), and more for
/// each of its weights.
const HELD: (f64, f64) = (33_554_432.0, 256.0);
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

/// Attributes that cannot be: strides of zero, pads in the wrong number or out of all proportion, a permutation that names
/// an axis twice. tract computes with them unchecked.
pub(crate) fn attribute_reasons(graph: &pb::GraphProto) -> Vec<String> {
    let kernels: BTreeMap<&str, &[i64]> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.dims.as_slice())).collect();
    let mut wrong = BTreeSet::new();
    for node in &graph.node {
        let known: &[&str] = match node.op_type.as_str() {
            "Conv" | "ConvTranspose" => &["strides", "dilations", "pads", "output_padding", "output_shape", "group"],
            "MaxPool" | "AveragePool" | "LpPool" => &["kernel_shape", "strides", "dilations", "pads"],
            "LRN" => &["size"],
            "DepthToSpace" | "SpaceToDepth" => &["blocksize"],
            "Transpose" => &[],
            _ => continue,
        };
        let find = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
        let kernel = node.input.get(1).and_then(|name| kernels.get(name.as_str())).and_then(|dims| dims.get(2..));
        let mut complain = |attribute: &pb::AttributeProto| {
            wrong.insert(format!("{} of `{}`", printable(&attribute.name), printable(node_name(node))));
        };
        let window = find("kernel_shape").map(|attribute| attribute.ints.as_slice()).or(kernel);
        if let Some(attribute) = find("perm").filter(|perm| node.op_type == "Transpose" && !is_permutation(&perm.ints))
        {
            complain(attribute);
        }
        if let (Some(attribute), Some(kernel)) = (find("kernel_shape"), kernel)
            && attribute.ints != kernel
        {
            complain(attribute);
        }
        for attribute in known.iter().filter_map(|name| find(name)) {
            let least = if matches!(attribute.name.as_str(), "pads" | "output_padding") { 0 } else { 1 };
            let single = matches!(attribute.name.as_str(), "group" | "size" | "blocksize");
            let values = if single { std::slice::from_ref(&attribute.i) } else { attribute.ints.as_slice() };
            let sides = if attribute.name == "pads" { 2 } else { 1 };
            // An output's shape is sometimes written with batch and channels.
            let counted = single
                || attribute.name == "output_shape"
                || window.is_none_or(|window| values.len() == sides * window.len());
            let large = attribute.name == "kernel_shape"
                && values
                    .iter()
                    .try_fold(1i64, |product, &side| product.checked_mul(side))
                    .is_none_or(|p| p > LARGEST_WINDOW);
            if !counted || large || values.iter().any(|value| !(least..=LONGEST_WINDOW).contains(value)) {
                complain(attribute);
            }
        }
    }
    if wrong.is_empty() { Vec::new() } else { vec![format!("it has impossible attributes: {}", list(&wrong))] }
}

/// Whether these are the numbers from 0 on, each once.
fn is_permutation(axes: &[i64]) -> bool {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    sorted.iter().copied().eq(0..axes.len() as i64)
}

/// The operator's name, or that of its first output.
fn node_name(node: &pb::NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

/// Numbers in the weights.
pub(crate) fn weights(definition: &Definition) -> f64 {
    let count = |shape: &Vec<usize>| shape.iter().map(|&length| length as f64).product::<f64>();
    definition.initializers.values().map(count).sum()
}

/// Follows the shapes through the graph, operator by operator, and stops before a value is out of proportion.
///
/// tract computes what depends on constants alone as soon as it can, whatever its size, so this comes first. The facts of
/// the outlets are filled in on the way. `images` is the number of images at once.
pub(crate) fn follow(
    model: &mut InferenceModel,
    outlets: &BTreeMap<String, OutletId>,
    definition: &Definition,
    images: f64,
) -> TractResult<()> {
    let weights = weights(definition);
    let most = images * (HELD.0 + HELD.1 * weights);
    let mut held = 0.0;
    let mut hold = |name: &str, shape: &[f64]| {
        held += shape.iter().product::<f64>();
        if held <= most && shape.len() <= MOST_AXES {
            return Ok(());
        }
        let name = printable(name);
        Err(TractError::msg(format!(
            "`{name}` would have the shape {shape:.0?}, out of proportion to {weights} weights"
        )))
    };
    let lengths = |fact: &InferenceFact| -> TractResult<Vec<f64>> {
        let shape = fact.shape.as_concrete_finite()?.unwrap_or_default();
        Ok(shape.iter().map(|&length| length as f64).collect())
    };
    hold(&definition.input.name, &lengths(model.input_fact(0)?)?)?;
    for node in &definition.nodes {
        let Some(id) = node.outputs.iter().find_map(|output| outlets.get(output)).map(|outlet| outlet.node) else {
            continue;
        };
        let (inputs, outputs) = model.node_facts(id)?;
        let inputs: TVec<InferenceFact> = inputs.into_iter().cloned().collect();
        let outputs: TVec<InferenceFact> = outputs.into_iter().cloned().collect();
        // The first input is what is moved about, but for the one operator that makes something of nothing.
        let numbers = inputs.iter().skip(usize::from(node.op != "ConstantOfShape"));
        if SHAPED_BY_NUMBERS.contains(&node.op.as_str()) && numbers.into_iter().any(is_huge) {
            let name = printable(node.output());
            return Err(TractError::msg(format!("`{name}` would have an impossible size")));
        }
        if let Some(axis) = beyond(node, &inputs) {
            let name = printable(node.output());
            return Err(TractError::msg(format!("`{name}` names axis {axis} of a value that has no such axis")));
        }
        let mut op = model.node(id).op.clone();
        let (_, shapes, _) = op.infer_facts(inputs.iter().collect(), outputs.iter().collect(), tvec!())?;
        for (fact, name) in shapes.iter().zip(&node.outputs) {
            hold(name, &lengths(fact)?)?;
        }
        if node.op == "Range" {
            hold(node.output(), &[range_length(&inputs).unwrap_or(0.0)])?;
        }
        let (_, known, _) = op.infer(inputs.iter().collect(), outputs.iter().collect(), tvec!())?;
        for (slot, fact) in known.into_iter().enumerate() {
            let outlet = OutletId::new(id, slot);
            let unified = fact.unify(model.outlet_fact(outlet)?)?;
            model.set_outlet_fact(outlet, unified)?;
        }
    }
    Ok(())
}

/// An operator's axis that its first input lacks; tract counts up to it unchecked. New axes may come behind the last.
fn beyond(node: &Node, inputs: &[InferenceFact]) -> Option<i64> {
    let normalises = matches!(node.op.as_str(), "LayerNormalization" | "RMSNormalization");
    // With one scale for all values, these two do not look at their axis.
    let ignored = matches!(node.op.as_str(), "QuantizeLinear" | "DequantizeLinear");
    let axis = node.int("axis").or(normalises.then_some(-1)).filter(|_| !ignored)?;
    let rank = inputs.first().and_then(|fact| fact.shape.rank().concretize()).unwrap_or(MOST_AXES as i64);
    let new = i64::from(!normalises);
    (!(-rank - new..rank + new).contains(&axis)).then_some(axis)
}

/// Whether these are integers that no length can be; tract's rules cut them to 32 bits.
fn is_huge(fact: &InferenceFact) -> bool {
    let Some(tensor) = fact.value.concretize().filter(|tensor| tensor.datum_type().is_integer()) else { return false };
    let Ok(numbers) = tensor.cast_to::<i64>() else { return false };
    let large = |number: &i64| number.unsigned_abs() > i32::MAX as u64;
    numbers.to_plain_array_view::<i64>().is_ok_and(|numbers| numbers.iter().any(large))
}

/// How many numbers a range of constants has: its ends may be fractions, which tract's rule for the shape makes whole.
fn range_length(inputs: &[InferenceFact]) -> Option<f64> {
    let number = |fact: &InferenceFact| fact.value.concretize()?.cast_to_scalar::<f64>().ok();
    match inputs {
        [start, limit, step] => Some(((number(limit)? - number(start)?) / number(step)?).max(0.0)),
        _ => None,
    }
}

/// Refuses a network that would take hours, or whose windows written out would fill the memory.
pub(crate) fn work_reason(definition: &Definition, values: &Values) -> Option<String> {
    let weights = weights(definition);
    let work = |node: &Node| work(node, values);
    let total: f64 = definition.nodes.iter().map(work).sum();
    (total > COMPUTED.0 + COMPUTED.1 * weights)
        .then(|| format!("one image would take {total:.1e} multiplications, out of proportion to {weights} weights"))
}

/// Multiplications of an operator, or comparisons; as a floating-point number, which does not overflow.
fn work(node: &Node, values: &Values) -> f64 {
    let count = |value: &str| values.probed(value).iter().map(|&length| length as f64).product::<f64>();
    let input = |index: usize| node.inputs.get(index).map_or(&[][..], |value| values.probed(value));
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
        "Einsum" => labelled(node, values),
        // Every token meets every other.
        "Attention" | "MultiHeadAttention" | "GroupQueryAttention" => {
            count(node.input()) * count(node.input()) / last(input(0)).max(1.0)
        }
        _ => output,
    }
}

/// The lengths of all labels of an Einstein sum multiplied.
fn labelled(node: &Node, values: &Values) -> f64 {
    let equation = node.text("equation").unwrap_or("");
    let operands = equation.split("->").next().unwrap_or("").split(',');
    let mut lengths: BTreeMap<char, usize> = BTreeMap::new();
    for (operand, value) in operands.zip(&node.inputs) {
        let labels = operand.chars().filter(|label| label.is_alphabetic());
        for (label, &length) in labels.zip(values.probed(value)) {
            let longest = lengths.entry(label).or_default();
            *longest = length.max(*longest);
        }
    }
    // More than two operands are multiplied element by element.
    let slow = if node.inputs.len() > 2 { 32.0 } else { 1.0 };
    slow * lengths.values().map(|&length| length as f64).product::<f64>()
}
