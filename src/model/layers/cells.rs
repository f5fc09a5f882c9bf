//! Where in a value the cells of a map lie: as rows and columns, or one after the other as the tokens of a transformer.

use std::collections::BTreeMap;

use crate::model::read::definition::{Definition, Node};
use crate::model::read::shapes::{Input, Values};

/// Where the cells of a map lie in a value. Rows and columns are counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cells {
    /// [n, channels, rows, columns].
    First { rows: usize, columns: usize },
    /// [n, rows, columns, channels].
    Last { rows: usize, columns: usize },
    /// [n, others + rows · columns, channels], row by row; the others, such as a class token, come first and have no place. Also
    /// [n · cells, channels], without others.
    Tokens { others: usize, rows: usize, columns: usize },
    /// [n, channels, rows · columns].
    Flat { rows: usize, columns: usize },
}

impl Cells {
    /// Rows and columns.
    pub fn grid(self) -> (usize, usize) {
        match self {
            Cells::First { rows, columns }
            | Cells::Last { rows, columns }
            | Cells::Tokens { rows, columns, .. }
            | Cells::Flat { rows, columns } => (rows, columns),
        }
    }

    /// Whether there is more than one.
    pub fn several(self) -> bool {
        let (rows, columns) = self.grid();
        rows.min(columns) > 0 && rows.max(columns) > 1
    }

    /// The axis along which the channels of a value of so many axes lie.
    fn channel_axis(self, rank: usize) -> usize {
        match self {
            Cells::First { .. } | Cells::Flat { .. } => 1,
            Cells::Last { .. } | Cells::Tokens { .. } => rank.saturating_sub(1),
        }
    }
}

/// The cells of all values that have some, followed through the graph from the image on.
pub(crate) fn cells(definition: &Definition, values: &Values, input: &Input) -> BTreeMap<String, Cells> {
    let (rows, columns) = values.size;
    let image = if input.channels_last { Cells::Last { rows, columns } } else { Cells::First { rows, columns } };
    let mut walk = Walk { values, cells: BTreeMap::from([(input.name.clone(), image)]), latest: (rows, columns) };
    for node in &definition.nodes {
        for output in node.outputs.iter().filter(|output| !output.is_empty() && !values.is_constant(output)) {
            let again = || walk.again(node, values.probed(output));
            if let Some(cells) = walk.through(node, output).or_else(again) {
                if cells.several() {
                    walk.latest = cells.grid();
                }
                walk.cells.insert(output.clone(), cells);
            }
        }
    }
    walk.cells
}

struct Walk<'a> {
    values: &'a Values,
    cells: BTreeMap<String, Cells>,
    /// Rows and columns of the last map.
    latest: (usize, usize),
}

impl Walk<'_> {
    fn of(&self, value: &str) -> Option<Cells> {
        self.cells.get(value).copied()
    }

    /// Where the cells lie behind an operator.
    fn through(&self, node: &Node, output: &str) -> Option<Cells> {
        let shape = self.values.probed(output);
        match node.op.as_str() {
            "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" | "LpPool" | "GlobalAveragePool" | "GlobalMaxPool" => {
                first(shape)
            }
            "DepthToSpace" | "SpaceToDepth" | "Resize" | "Upsample" | "Pad" => resized(self.of(node.input())?, shape),
            "Transpose" => transposed(self.of(node.input())?, node.ints("perm")?),
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
                reshaped(self.of(node.input())?, self.values.probed(node.input()), shape)
            }
            "MatMul" | "Gemm" => self.product(node, shape),
            "Concat" => self.concatenated(node, shape),
            "Slice" | "Gather" | "Split" => self.taken(node, shape),
            _ => self.kept(node, shape),
        }
    }

    /// A map that is laid out again after its cells were regrouped, as into windows: the last map's grid tells.
    fn again(&self, node: &Node, shape: &[usize]) -> Option<Cells> {
        match (node.op.as_str(), shape) {
            ("Reshape", &[_, _, rows, columns]) if (rows, columns) == self.latest => {
                Some(Cells::First { rows, columns })
            }
            ("Reshape", &[_, rows, columns, _]) if (rows, columns) == self.latest => {
                Some(Cells::Last { rows, columns })
            }
            _ => None,
        }
    }

    /// Behind element-wise operators and normalisations: those of an operand of the same shape.
    fn kept(&self, node: &Node, shape: &[usize]) -> Option<Cells> {
        let same = |value: &&String| self.values.probed(value) == shape;
        node.inputs.iter().filter(same).find_map(|value| self.of(value))
    }

    /// Behind a product with a constant: it mixes the last axis, where the channels must lie.
    fn product(&self, node: &Node, shape: &[usize]) -> Option<Cells> {
        let [x, weight, ..] = node.inputs.as_slice() else { return None };
        let cells = self.of(x).filter(|_| self.values.is_constant(weight))?;
        let before = self.values.probed(x);
        let mixes = matches!(cells, Cells::Last { .. } | Cells::Tokens { .. }) && node.int("transA").unwrap_or(0) == 0;
        let same = shape.len() == before.len() && shape.iter().rev().skip(1).eq(before.iter().rev().skip(1));
        (mixes && same).then_some(cells)
    }

    /// Along channels nothing moves; tokens may get others in front; maps side by side are a larger map.
    fn concatenated(&self, node: &Node, shape: &[usize]) -> Option<Cells> {
        let axis = from_end(node.int("axis")?, shape.len())?;
        let operands = || node.inputs.iter().filter(|value| !value.is_empty());
        let cells = operands().find_map(|value| self.of(value))?;
        if axis == cells.channel_axis(shape.len()) {
            return Some(cells);
        }
        match cells {
            Cells::First { .. } => first(shape),
            Cells::Last { .. } => last(shape),
            Cells::Tokens { rows, columns, .. } if axis == 1 && shape.len() == 3 => {
                self.of(operands().next_back()?)?;
                let others = shape.get(1)?.checked_sub(rows * columns)?;
                Some(Cells::Tokens { others, rows, columns })
            }
            _ => None,
        }
    }

    /// Behind operators that take a part: of the channels, or of the tokens in front.
    fn taken(&self, node: &Node, shape: &[usize]) -> Option<Cells> {
        let before = self.values.probed(node.input());
        let cells = self.of(node.input())?;
        if before.len() != shape.len() {
            return None;
        }
        let changed: Vec<usize> = (0..shape.len()).filter(|axis| before.get(*axis) != shape.get(*axis)).collect();
        match (changed.as_slice(), cells) {
            ([], _) => Some(cells),
            (&[axis], _) if axis == cells.channel_axis(shape.len()) => Some(cells),
            (_, Cells::First { .. }) => first(shape),
            (_, Cells::Last { .. }) => last(shape),
            // All cells must be left; those that go are the others.
            (&[1], Cells::Tokens { rows, columns, .. }) if node.op != "Gather" => {
                let others = shape.get(1)?.checked_sub(rows * columns)?;
                Some(Cells::Tokens { others, rows, columns })
            }
            _ => None,
        }
    }
}

/// The cells of a map with channels first.
fn first(shape: &[usize]) -> Option<Cells> {
    match *shape {
        [_, _, rows, columns] => Some(Cells::First { rows, columns }),
        _ => None,
    }
}

/// The cells of a map with channels last.
fn last(shape: &[usize]) -> Option<Cells> {
    match *shape {
        [_, rows, columns, _] => Some(Cells::Last { rows, columns }),
        _ => None,
    }
}

/// A map that grew or shrank.
fn resized(before: Cells, shape: &[usize]) -> Option<Cells> {
    match before {
        Cells::First { .. } => first(shape),
        Cells::Last { .. } => last(shape),
        _ => None,
    }
}

fn transposed(before: Cells, permutation: &[i64]) -> Option<Cells> {
    match (before, permutation) {
        (Cells::First { rows, columns }, [0, 2, 3, 1]) => Some(Cells::Last { rows, columns }),
        (Cells::Last { rows, columns }, [0, 3, 1, 2]) => Some(Cells::First { rows, columns }),
        (Cells::Flat { rows, columns }, [0, 2, 1]) => Some(Cells::Tokens { others: 0, rows, columns }),
        (Cells::Tokens { others: 0, rows, columns }, [0, 2, 1]) => Some(Cells::Flat { rows, columns }),
        (cells, permutation) => permutation.iter().copied().eq(0..permutation.len() as i64).then_some(cells),
    }
}

/// Between maps, tokens and rows of cells; a map whose channels are regrouped is none.
fn reshaped(before: Cells, from: &[usize], shape: &[usize]) -> Option<Cells> {
    if from == shape {
        return Some(before);
    }
    let (rows, columns) = before.grid();
    let count = rows * columns;
    match (before, shape) {
        (Cells::First { .. } | Cells::Flat { .. }, &[_, _, cells]) if cells == count => {
            Some(Cells::Flat { rows, columns })
        }
        (Cells::First { .. } | Cells::Flat { .. }, &[_, _, r, c]) if (r, c) == (rows, columns) => first(shape),
        (Cells::Last { .. } | Cells::Tokens { others: 0, .. }, &[n, cells, _])
            if cells == count && Some(&n) == from.first() =>
        {
            Some(Cells::Tokens { others: 0, rows, columns })
        }
        (Cells::Last { .. } | Cells::Tokens { others: 0, .. }, &[_, r, c, channels])
            if (r, c) == (rows, columns) && Some(&channels) == from.last() =>
        {
            last(shape)
        }
        // Rows of cells: what a product over channels is sometimes written with, and back.
        (Cells::Last { .. } | Cells::Tokens { .. }, &[_, channels]) if Some(&channels) == from.last() => Some(before),
        (Cells::Tokens { others, .. }, &[_, tokens, _]) if from.len() == 2 && tokens == others + count => Some(before),
        _ => None,
    }
}

/// An axis counted from the end if negative.
fn from_end(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    usize::try_from(if axis < 0 { axis.checked_add(rank)? } else { axis }).ok()
}

impl crate::model::Network {
    /// Where the cells of a value lie: as the graph tells, or for a list of vectors whose number is that of a map's cells, or a
    /// square, or one more.
    pub(crate) fn cells_of(&self, value: &str) -> Option<Cells> {
        if let Some(cells) = self.cells.get(value) {
            return Some(*cells);
        }
        let &[_, tokens, _] = self.values.probed(value) else { return None };
        let grids = self.cells.values().filter(|cells| cells.several()).map(|cells| cells.grid());
        let fits = |others: usize| {
            let count = tokens.checked_sub(others).filter(|&count| count > 1)?;
            let side = count.isqrt();
            let square = (side * side == count).then_some((side, side));
            grids.clone().find(|(rows, columns)| rows * columns == count).or(square)
        };
        let found = |others: usize| fits(others).map(|(rows, columns)| Cells::Tokens { others, rows, columns });
        found(0).or_else(|| found(1))
    }
}
