//! What ONNX allows of each operator: its inputs' number, ranks and element types, and its attributes' types and ranges.
//!
//! tract's rules index shapes and cast numbers unchecked, and some of them end the process when a value has fewer axes than
//! ONNX asks for. Every operator is therefore compared with this table before tract's rules see it. Element types are those
//! of the newest operator set, as older ones only leave some out; where the *meaning* of inputs or attributes changed there
//! is a row for each version. Source: the operators' schemas at <https://onnx.ai/onnx/operators/>, and for the domain
//! com.microsoft onnxruntime's ContribOperators.md.

mod check;
mod contributed;
mod elementwise;
mod movement;
mod products;
mod reduction;
mod signal;
mod windows;

pub(crate) use check::{Seen, misfit, reasons};

use tract_onnx::pb;

/// Element types that an operand may have, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elements(u8);

/// float16, bfloat16, float and double.
pub(crate) const FLOAT: Elements = Elements(1);
/// int32 and int64.
pub(crate) const INDEX: Elements = Elements(2);
/// The integers of 8 and 16 bits and the unsigned ones.
pub(crate) const SMALL: Elements = Elements(4);
pub(crate) const BOOL: Elements = Elements(8);
/// Strings and complex numbers.
pub(crate) const OTHER: Elements = Elements(16);
pub(crate) const INTEGER: Elements = Elements(2 | 4);
pub(crate) const NUMBER: Elements = Elements(1 | 2 | 4);
pub(crate) const VALUE: Elements = Elements(1 | 2 | 4 | 8);
pub(crate) const ANY: Elements = Elements(1 | 2 | 4 | 8 | 16);

impl Elements {
    fn contains(self, one: Elements) -> bool {
        self.0 & one.0 == one.0
    }

    /// In words.
    fn name(self) -> &'static str {
        match self.0 {
            1 => "floating-point numbers",
            2 => "integers of 32 or 64 bits",
            4 => "integers of 8 or 16 bits or without sign",
            6 => "integers",
            7 => "numbers",
            8 => "truth values",
            9 => "floating-point numbers or truth values",
            15 => "numbers or truth values",
            16 => "texts",
            _ => "any values",
        }
    }
}

/// How many axes an operand may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranks {
    Between(usize, usize),
    From(usize),
    /// As many as the first input.
    OfFirst,
}

/// Whether an operand must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Always,
    Perhaps,
    /// The last operand, once or any number of times more.
    Repeatedly,
}

/// What the numbers of a constant operand are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Values,
    /// Axes of the first input.
    Axes,
    /// Axes of the output, which has one more for each of them.
    NewAxes,
}

/// One input of an operator, by the name that ONNX gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    name: &'static str,
    elements: Elements,
    ranks: Ranks,
    given: Given,
    means: Means,
    /// Whether it is a single number, whatever its rank.
    single: bool,
}

/// An input that must be there, of any rank.
const fn input(name: &'static str, elements: Elements) -> Operand {
    Operand { name, elements, ranks: Ranks::From(0), given: Given::Always, means: Means::Values, single: false }
}

/// A list of integers, such as a shape or pads.
const fn list(name: &'static str) -> Operand {
    input(name, INDEX).rank(1)
}

/// One number; exporters also write it as a list of one.
const fn number(name: &'static str, elements: Elements) -> Operand {
    Operand { single: true, ..input(name, elements).between(0, 1) }
}

impl Operand {
    const fn from(self, least: usize) -> Operand {
        Operand { ranks: Ranks::From(least), ..self }
    }

    const fn between(self, least: usize, most: usize) -> Operand {
        Operand { ranks: Ranks::Between(least, most), ..self }
    }

    const fn rank(self, rank: usize) -> Operand {
        self.between(rank, rank)
    }

    const fn of_first_rank(self) -> Operand {
        Operand { ranks: Ranks::OfFirst, ..self }
    }

    const fn optional(self) -> Operand {
        Operand { given: Given::Perhaps, ..self }
    }

    const fn repeated(self) -> Operand {
        Operand { given: Given::Repeatedly, ..self }
    }

    const fn naming_axes(self) -> Operand {
        Operand { means: Means::Axes, ..self }
    }

    const fn naming_new_axes(self) -> Operand {
        Operand { means: Means::NewAxes, ..self }
    }
}

/// What an attribute may be. Axes are compared with the first input's rank r.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// An integer between two, ends included.
    Int(i64, i64),
    /// Integers, each between two.
    Ints(i64, i64),
    /// An axis, −r to r − 1; the number is what holds where the attribute is absent.
    Axis(Option<i64>),
    /// A place between axes, −r to r.
    Place(i64),
    /// An axis of the output, which has one more: −r − 1 to r.
    NewAxis(i64),
    Axes(&'static [i64]),
    /// Axes of the output, which has one more for each of them.
    NewAxes,
    /// All axes in another order.
    Permutation,
    Float,
    Floats,
    /// One of these words.
    Word(&'static [&'static str]),
    Text,
    Texts,
    Tensor,
}

/// An attribute's name and what it may be.
type Attribute = (&'static str, Rule);

const FLAG: Rule = Rule::Int(0, 1);
/// Numbers of ONNX's enumeration of element types.
const TYPE: Rule = Rule::Int(1, 32);
/// Sizes and numbers of things.
const COUNT: Rule = Rule::Int(1, 1 << 31);
const WHOLE: Rule = Rule::Int(i64::MIN, i64::MAX);

/// What a row's names belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    Onnx,
    Microsoft,
}

/// What is allowed of some operators from a version of the operator set on, until the next row of the same name.
#[derive(Debug)]
pub(crate) struct Operator {
    names: &'static [&'static str],
    domain: Domain,
    since: i64,
    inputs: &'static [Operand],
    attributes: &'static [Attribute],
}

/// A row of ONNX's own.
const fn row(
    names: &'static [&'static str],
    since: i64,
    inputs: &'static [Operand],
    attributes: &'static [Attribute],
) -> Operator {
    Operator { names, domain: Domain::Onnx, since, inputs, attributes }
}

/// A row of onnxruntime's, which counts no versions.
const fn contributed(
    names: &'static [&'static str],
    inputs: &'static [Operand],
    attributes: &'static [Attribute],
) -> Operator {
    Operator { names, domain: Domain::Microsoft, since: 1, inputs, attributes }
}

/// The rows, family by family.
const TABLE: [&[Operator]; 7] = [
    elementwise::ROWS,
    movement::ROWS,
    products::ROWS,
    windows::ROWS,
    reduction::ROWS,
    signal::ROWS,
    contributed::ROWS,
];

/// The row for an operator of a file in this version of the operator set. An operator that is newer than the file says is
/// taken as it first was.
pub(crate) fn operator(domain: &str, name: &str, version: i64) -> Option<&'static Operator> {
    let domain = match domain {
        "" | "ai.onnx" | "ai.onnx.ml" => Domain::Onnx,
        "com.microsoft" => Domain::Microsoft,
        _ => return None,
    };
    let rows = |domain: Domain| {
        let rows = TABLE.iter().copied().flatten();
        rows.filter(move |row| row.names.contains(&name) && row.domain == domain)
    };
    let newest = rows(domain).filter(|row| row.since <= version).max_by_key(|row| row.since);
    // Exporters also write onnxruntime's operators without their domain.
    newest.or_else(|| rows(domain).min_by_key(|row| row.since)).or_else(|| rows(Domain::Microsoft).next())
}

/// The version of ONNX's own operator set that a file is written in.
pub(crate) fn version(proto: &pb::ModelProto) -> i64 {
    let own = proto.opset_import.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    own.map_or(1, |set| set.version)
}

#[cfg(test)]
mod tests;
