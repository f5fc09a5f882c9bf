//! Comparing operators with the table: what the file says of them, and what their inputs turn out to be.

use tract_onnx::pb::{self, attribute_proto::AttributeType};

use super::{Attribute, Elements, Given, Means, Operand, Operator, Ranks, Rule};
use crate::model::read::definition::Node;
use crate::model::read::printable::printable;

/// What is known of an operator's input.
pub(crate) struct Seen {
    pub rank: Option<usize>,
    /// The lengths of its axes.
    pub shape: Option<Vec<usize>>,
    pub elements: Option<Elements>,
    /// Its numbers, where they are few integers that do not depend on the image.
    pub integers: Option<Vec<i64>>,
}

/// Every way in which an operator, as the file writes it, is not what its row allows: too few or too many inputs, an
/// attribute of another type or out of range.
pub(crate) fn reasons(node: &pb::NodeProto, row: &Operator) -> Vec<String> {
    let name = called(&node.name, node.output.first().map_or("", String::as_str), &node.op_type);
    let mut reasons: Vec<String> = count_reason(&node.input, row.inputs).into_iter().collect();
    for attribute in &node.attribute {
        let rule = row.attributes.iter().find(|(known, _)| *known == attribute.name);
        reasons.extend(rule.and_then(|rule| attribute_reason(attribute, rule)));
    }
    reasons.into_iter().map(|reason| format!("{name} {reason}")).collect()
}

/// The first way in which an operator's inputs are not what its row allows, once they are known: their ranks, their element
/// types, and axes that they do not have. `inputs` holds those that are given, in their order.
pub(crate) fn misfit(node: &Node, inputs: &[Seen]) -> Option<String> {
    let row = node.row?;
    let name = called(&node.name, node.output(), &node.op);
    let given = node.inputs.iter().enumerate().filter(|(_, value)| !value.is_empty()).map(|(place, _)| place);
    let first = inputs.first().and_then(|seen| seen.rank);
    for (place, seen) in given.zip(inputs) {
        let Some(operand) = row.inputs.get(place).or(row.inputs.last()) else { continue };
        if let Some(reason) = operand_reason(operand, seen, first) {
            return Some(format!("{name} {reason}"));
        }
    }
    let rank = first?;
    let wrong = row.attributes.iter().find_map(|attribute| axes_reason(node, attribute, rank));
    wrong.map(|reason| format!("{name} {reason}"))
}

/// An operator's name in a message; without a name, it is called by its first output.
fn called(name: &str, output: &str, op: &str) -> String {
    format!("`{}` ({})", printable(if name.is_empty() { output } else { name }), printable(op))
}

fn count_reason(inputs: &[String], operands: &[Operand]) -> Option<String> {
    let missing = |(place, operand): (usize, &Operand)| {
        let absent = inputs.get(place).is_none_or(String::is_empty);
        (absent && operand.given != Given::Perhaps).then_some(operand.name)
    };
    if let Some(name) = operands.iter().enumerate().find_map(missing) {
        return Some(format!("has no input {name}, which ONNX asks for"));
    }
    let endless = operands.last().is_some_and(|operand| operand.given == Given::Repeatedly);
    let most = operands.len();
    let too_many = !endless && inputs.iter().skip(most).any(|input| !input.is_empty());
    too_many.then(|| format!("has {} inputs; ONNX allows {most}", inputs.len()))
}

fn attribute_reason(attribute: &pb::AttributeProto, (name, rule): &Attribute) -> Option<String> {
    let (expected, within) = match rule {
        Rule::Int(low, high) => (AttributeType::Int, Some((*low, *high))),
        Rule::Axis(_) | Rule::Place(_) | Rule::NewAxis(_) => (AttributeType::Int, None),
        Rule::Ints(low, high) => (AttributeType::Ints, Some((*low, *high))),
        Rule::Axes(_) | Rule::NewAxes | Rule::Permutation => (AttributeType::Ints, None),
        Rule::Float => (AttributeType::Float, None),
        Rule::Floats => (AttributeType::Floats, None),
        Rule::Word(_) | Rule::Text => (AttributeType::String, None),
        Rule::Texts => (AttributeType::Strings, None),
        Rule::Tensor => (AttributeType::Tensor, None),
    };
    let found = AttributeType::try_from(attribute.r#type).unwrap_or(AttributeType::Undefined);
    if found != expected {
        let (found, expected) = (found.as_str_name(), expected.as_str_name());
        return Some(format!("has {name} of type {found}; ONNX asks for {expected}"));
    }
    let numbers = if expected == AttributeType::Int { std::slice::from_ref(&attribute.i) } else { &attribute.ints };
    if let Some((low, high)) = within
        && let Some(wrong) = numbers.iter().find(|number| !(low..=high).contains(number))
    {
        return Some(format!("has {wrong} in {name}; {low} to {high} is allowed"));
    }
    if let Rule::Permutation = rule
        && !is_permutation(&attribute.ints)
    {
        return Some(format!("has {name} = {:?}; ONNX asks for every axis once", few(&attribute.ints)));
    }
    if let Rule::Word(words) = rule {
        let word = String::from_utf8_lossy(&attribute.s);
        let known = words.contains(&word.as_ref());
        return (!known).then(|| format!("has {name} = {}; ONNX allows {}", printable(&word), words.join(", ")));
    }
    None
}

/// Whether these are the numbers from 0 on, each once.
fn is_permutation(axes: &[i64]) -> bool {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    sorted.iter().copied().eq(0..axes.len() as i64)
}

fn operand_reason(operand: &Operand, seen: &Seen, first: Option<usize>) -> Option<String> {
    let name = operand.name;
    if let Some(found) = seen.elements.filter(|found| !operand.elements.contains(*found)) {
        return Some(format!("has {} as input {name}; ONNX allows {}", found.name(), operand.elements.name()));
    }
    let rank = seen.rank?;
    let (fits, allowed) = match operand.ranks {
        Ranks::Between(low, high) if low == high => (rank == low, format!("{low}")),
        Ranks::Between(low, high) => ((low..=high).contains(&rank), format!("{low} to {high}")),
        Ranks::From(low) => (rank >= low, format!("{low} or more")),
        Ranks::OfFirst => (first.is_none_or(|first| rank == first), "as many as the first input".into()),
    };
    let shape = seen.shape.as_ref().map(|shape| format!(" of shape {shape:?}")).unwrap_or_default();
    if !fits {
        return Some(format!("has input {name}{shape}, which has {}; it takes {allowed}", axes(rank)));
    }
    let count = seen.shape.as_ref().map(|shape| shape.iter().product::<usize>());
    if let Some(count) = count.filter(|count| operand.single && *count != 1) {
        return Some(format!("has input {name}{shape}, which holds {count} numbers; it takes one"));
    }
    let (integers, first) = (seen.integers.as_ref()?, first?);
    let rank = match operand.means {
        Means::Values => return None,
        Means::Axes => first,
        Means::NewAxes => first + integers.len(),
    };
    let wrong = integers.iter().find(|axis| !is_axis(**axis, rank))?;
    Some(format!("names axis {wrong} of a value that has {}", axes(rank)))
}

/// An attribute that names an axis which the first input lacks.
fn axes_reason(node: &Node, (name, rule): &Attribute, rank: usize) -> Option<String> {
    let given = node.int(name);
    let wrong = |axis: i64, low: i64, high: i64| {
        let text = format!("has {name} = {axis}, and its first input {}; {low} to {high} is allowed", axes(rank));
        (!(low..=high).contains(&axis)).then_some(text)
    };
    let r = rank as i64;
    match rule {
        Rule::Axis(default) => given.or(*default).and_then(|axis| wrong(axis, -r, r - 1)),
        Rule::Place(default) => wrong(given.unwrap_or(*default), -r, r),
        Rule::NewAxis(default) => wrong(given.unwrap_or(*default), -r - 1, r),
        Rule::Axes(default) => node.ints(name).unwrap_or(default).iter().find_map(|axis| wrong(*axis, -r, r - 1)),
        Rule::NewAxes => {
            let new = node.ints(name)?;
            let r = r + new.len() as i64;
            new.iter().find_map(|axis| wrong(*axis, -r, r - 1))
        }
        Rule::Permutation => {
            let moved = node.ints(name).filter(|moved| moved.len() != rank)?;
            Some(format!("has {name} = {:?}, and its first input {}", few(moved), axes(rank)))
        }
        _ => None,
    }
}

fn is_axis(axis: i64, rank: usize) -> bool {
    (-(rank as i64)..rank as i64).contains(&axis)
}

fn axes(rank: usize) -> String {
    if rank == 1 { "1 axis".into() } else { format!("{rank} axes") }
}

/// Numbers in a message.
fn few(numbers: &[i64]) -> &[i64] {
    &numbers[..numbers.len().min(16)]
}
