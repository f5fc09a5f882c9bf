//! The graph as layers see it: only operators that work on the image, with compound activations as one step.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::read::definition::{Definition, Node};
use crate::model::read::shapes::Values;

/// One operator on the way from image to output, or several that are one activation function.
pub(crate) struct Step<'a> {
    pub node: &'a Node,
    /// The values it reads that depend on the image, in the operator's order, without repetitions.
    pub inputs: Vec<&'a str>,
    /// The name of a compound activation (`silu`, `gelu`, …) that `node` completes.
    pub compound: Option<&'static str>,
}

impl<'a> Step<'a> {
    pub fn output(&self) -> &'a str {
        self.node.output()
    }
}

/// All steps in order: operators whose result depends on the image and reaches an output.
pub(crate) fn steps<'a>(definition: &'a Definition, values: &Values) -> Vec<Step<'a>> {
    let live = live(definition, values);
    let inputs_of = |node: &'a Node| {
        let mut seen = BTreeSet::new();
        node.inputs
            .iter()
            .map(String::as_str)
            .filter(|value| !value.is_empty() && !values.is_constant(value) && seen.insert(*value))
            .collect::<Vec<_>>()
    };
    let mut steps: Vec<Step> = definition
        .nodes
        .iter()
        .enumerate()
        .filter(|(index, _)| live.contains(index))
        .map(|(_, node)| Step { node, inputs: inputs_of(node), compound: None })
        .collect();
    join_compounds(definition, values, &mut steps);
    steps
}

/// Operators that some output needs and that do not fold to a constant.
fn live(definition: &Definition, values: &Values) -> BTreeSet<usize> {
    let mut live = BTreeSet::new();
    let mut pending: Vec<&str> = definition.outputs.iter().map(String::as_str).collect();
    while let Some(value) = pending.pop() {
        if values.is_constant(value) {
            continue;
        }
        let Some(&index) = definition.producers.get(value) else { continue };
        if live.insert(index)
            && let Some(node) = definition.nodes.get(index)
        {
            pending.extend(node.inputs.iter().map(String::as_str).filter(|input| !input.is_empty()));
        }
    }
    live
}

/// How many steps read each value; being a graph output counts as a reader.
pub(crate) fn readers(steps: &[Step], definition: &Definition) -> BTreeMap<String, usize> {
    let mut readers: BTreeMap<String, usize> = BTreeMap::new();
    for value in steps.iter().flat_map(|step| step.inputs.iter().copied()) {
        *readers.entry(value.to_string()).or_default() += 1;
    }
    for output in &definition.outputs {
        *readers.entry(output.clone()).or_default() += 1;
    }
    readers
}

/// Whether every element of the result depends on the same element of the operands alone.
pub(crate) fn element_wise(op: &str) -> bool {
    const OPERATORS: [&str; 41] = [
        "Abs",
        "Add",
        "Cast",
        "Ceil",
        "Celu",
        "Clip",
        "Div",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Floor",
        "Gelu",
        "Greater",
        "GreaterOrEqual",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Less",
        "LessOrEqual",
        "Log",
        "Max",
        "Min",
        "Mish",
        "Mul",
        "Neg",
        "PRelu",
        "Pow",
        "Reciprocal",
        "Relu",
        "Selu",
        "Sigmoid",
        "Sign",
        "Softplus",
        "Softsign",
        "Sqrt",
        "Sub",
        "Tanh",
        "ThresholdedRelu",
        "Where",
    ];
    OPERATORS.contains(&op)
}

/// A diamond of element-wise operators, branching at one value and meeting again, is an activation function of that
/// value: x·sigmoid(x), x·hard_sigmoid(x), x·Φ(x) and their like, however an exporter spells them.
fn join_compounds<'a>(definition: &'a Definition, values: &Values, steps: &mut Vec<Step<'a>>) {
    let position: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(i, step)| (step.output(), i)).collect();
    let readers = readers(steps, definition);
    // The value below an element-wise step; across a compound, its root.
    let mut below: BTreeMap<usize, String> = BTreeMap::new();
    // The steps inside a diamond that is no activation by itself, but may be part of one.
    let mut inside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut absorbed: BTreeSet<usize> = BTreeSet::new();
    let mut compounds: BTreeMap<usize, (String, &'static str)> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        if !element_wise(&step.node.op) {
            continue;
        }
        match step.inputs.as_slice() {
            [only] => {
                // A scalar factor after the meeting point still belongs to the function (0.5 of GELU, 1/6 of hard swish).
                let before = position.get(only).copied();
                let scalar = matches!(step.node.op.as_str(), "Mul" | "Div")
                    && step.node.inputs.iter().any(|value| is_scalar(values, value));
                match before.and_then(|before| Some((before, compounds.get(&before)?.clone()))) {
                    Some((before, compound)) if scalar && readers.get(*only) == Some(&1) => {
                        absorbed.insert(before);
                        compounds.remove(&before);
                        below.insert(index, compound.0.clone());
                        compounds.insert(index, compound);
                    }
                    _ => _ = below.insert(index, (*only).to_string()),
                }
            }
            [left, right] => {
                let up = |start: &str| chain(start, &position, &below);
                let (lefts, rights) = (up(left), up(right));
                let Some(root) = lefts.iter().find(|value| rights.contains(value)) else { continue };
                let between =
                    |chain: &[String]| chain.iter().take_while(|value| *value != root).cloned().collect::<Vec<_>>();
                let inner: Vec<String> = between(&lefts).into_iter().chain(between(&rights)).collect();
                if inner.iter().any(|value| readers.get(value) != Some(&1)) {
                    continue;
                }
                let inner: Vec<usize> =
                    inner.iter().filter_map(|value| position.get(value.as_str()).copied()).collect();
                let nested = inner.iter().filter_map(|index| inside.get(index)).flatten().copied();
                let inner: Vec<usize> = nested.chain(inner.iter().copied()).collect();
                let ops: BTreeSet<&str> =
                    inner.iter().filter_map(|&index| steps.get(index)).map(|step| step.node.op.as_str()).collect();
                let Some(name) = function_name(&ops) else {
                    below.insert(index, root.clone());
                    inside.insert(index, inner);
                    continue;
                };
                for index in inner {
                    absorbed.insert(index);
                    compounds.remove(&index);
                }
                below.insert(index, root.clone());
                compounds.insert(index, (root.clone(), name));
            }
            _ => {}
        }
    }
    for (index, (root, name)) in &compounds {
        let Some(step) = steps.get(*index) else { continue };
        let source = root_name(definition, root);
        let node = step.node;
        if let (Some(step), Some(source)) = (steps.get_mut(*index), source) {
            *step = Step { node, inputs: vec![source], compound: Some(name) };
        }
    }
    let mut index = 0;
    steps.retain(|_| {
        index += 1;
        !absorbed.contains(&(index - 1))
    });
}

/// Operators on one branch of the longest activation function that an exporter spells out, and some to spare.
const LONGEST_BRANCH: usize = 16;

/// The values from `start` downwards through element-wise steps of one operand, as far as an activation function may
/// reach.
fn chain(start: &str, position: &BTreeMap<&str, usize>, below: &BTreeMap<usize, String>) -> Vec<String> {
    let mut values = vec![start.to_string()];
    let mut current = start.to_string();
    while let Some(next) = position.get(current.as_str()).and_then(|index| below.get(index))
        && values.len() < LONGEST_BRANCH
    {
        values.push(next.clone());
        current = next.clone();
    }
    values
}

/// What a diamond with these inner operators computes; `None` for one that is no known activation.
fn function_name(ops: &BTreeSet<&str>) -> Option<&'static str> {
    let has = |op: &str| ops.contains(op);
    let mish = has("Softplus") || (has("Log") && has("Exp"));
    // With the cube spelled as a power or as two products.
    if has("Erf") || (has("Tanh") && has("Add") && !mish) {
        Some("gelu")
    } else if has("HardSigmoid") || has("Clip") || (has("Add") && has("Relu") && has("Min")) {
        Some("hard_swish")
    } else if has("Sigmoid") {
        Some("silu")
    } else if mish && has("Tanh") {
        Some("mish")
    } else {
        None
    }
}

fn is_scalar(values: &Values, value: &str) -> bool {
    values.is_constant(value) && values.probed(value).iter().product::<usize>() == 1
}

/// The definition's own copy of a value's name, so that steps can borrow it.
fn root_name<'a>(definition: &'a Definition, value: &str) -> Option<&'a str> {
    match definition.producer(value) {
        Some(node) => node.outputs.iter().find(|output| *output == value).map(String::as_str),
        None => {
            let others = definition.others.iter().map(|other| other.name.as_str());
            std::iter::once(definition.input.name.as_str()).chain(others).find(|name| *name == value)
        }
    }
}
