//! The flow of shapes through a network: a strip of blocks, one for each layer, with their output sizes.

use crate::error::{Error, Result};
use crate::figure::Picture;
use crate::figure::svg::{Anchor, Ink, Svg, fit};

/// What a layer does, which gives its block a colour and a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// The input.
    Input,
    /// A convolution.
    Convolution,
    /// A pooling.
    Pooling,
    /// A fully connected layer.
    Dense,
    /// An output head.
    Head,
    /// Anything else (normalisation, flatten, addition).
    #[default]
    Other,
}

/// A layer in the strip.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The layer's name, such as `conv2d_2`.
    pub name: String,
    /// What it does, in a word or two, such as "Conv2D 7×7".
    pub detail: String,
    /// Its output without the batch, such as "22 × 22 × 32".
    pub shape: String,
    /// What it does.
    pub kind: Kind,
}

/// A row of blocks below the trunk.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    /// The layers of this branch alone.
    pub blocks: Vec<Block>,
    /// How many blocks of the branch above it shares with that; it then leaves from the last of them, and else from the trunk's end.
    pub shared: usize,
}

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 58.0;
const GAP: f64 = 30.0;
/// Blocks in a row; 4 × 160 + 3 × 30 fits the column of text.
const COLUMNS: usize = 4;
const LINE: f64 = HEIGHT + 30.0;
/// More layers than these are shown as the first and the last ones.
const MANY: usize = 30;

/// Draws `trunk` from left to right, row by row, and below it one row for each of the `branches`; a chain without branches is a trunk
/// alone. Every layer is drawn once. Long trunks are shortened in the middle, and say so.
///
/// # Errors
/// When there is no layer.
pub fn strip(trunk: &[Block], branches: &[Branch], title: &str) -> Result<Picture> {
    if trunk.is_empty() {
        return Err(Error::other(format!("{title}: a network without layers cannot be drawn")));
    }
    let shortened;
    let trunk = if trunk.len() > MANY {
        let omitted = Block { name: format!("{} more layers", trunk.len() - MANY + 1), ..Block::default() };
        let (first, last) = (trunk.iter().take(MANY / 2), trunk.iter().skip(trunk.len() - MANY / 2 + 1));
        shortened = first.cloned().chain([omitted]).chain(last.cloned()).collect::<Vec<_>>();
        &shortened
    } else {
        trunk
    };
    let mut svg = Svg::default();
    let end = chain(&mut svg, trunk, 0, 0);
    let trunk_rows = trunk.len().div_ceil(COLUMNS);
    let mut row = trunk_rows;
    let mut above = row;
    for branch in branches.iter().filter(|branch| !branch.blocks.is_empty()) {
        // A branch that shares blocks begins below the gap behind them, as far as the row has room.
        let first = (1 + branch.shared).min(COLUMNS - 1);
        if branch.shared == 0 {
            branch_line(&mut svg, end, trunk_rows, row);
            above = row;
        } else {
            shared_line(&mut svg, corner(above, first - 1), corner(row, first));
        }
        chain(&mut svg, &branch.blocks, row, first);
        row += branch.blocks.len().div_ceil(COLUMNS - first);
    }
    let across = |branch: &Branch| (1 + branch.shared + branch.blocks.len()).min(COLUMNS);
    let longest = branches.iter().map(across).max().unwrap_or(0);
    let columns = trunk.len().min(COLUMNS).max(longest) as f64;
    let (width, height) = (columns * (WIDTH + GAP) - GAP + 2.0, row as f64 * LINE - 30.0 + 2.0);
    Ok(svg.finish(width.ceil() as u32, height.ceil() as u32, title))
}

/// The upper left corner of a cell.
fn corner(row: usize, column: usize) -> (f64, f64) {
    (column as f64 * (WIDTH + GAP) + 1.0, row as f64 * LINE + 1.0)
}

/// Draws a chain of blocks from column `first` on, with arrows between them, and returns the corner of its last block.
fn chain(svg: &mut Svg, blocks: &[Block], row: usize, first: usize) -> (f64, f64) {
    let columns = COLUMNS - first;
    let mut last = corner(row, first);
    for (i, one) in blocks.iter().enumerate() {
        let (x, y) = corner(row + i / columns, first + i % columns);
        if i > 0 && i % columns == 0 {
            // Back to the first column of the next row.
            let (lane, left) = (y - 15.0, corner(0, first).0 + WIDTH / 2.0);
            let start = (last.0 + WIDTH / 2.0, last.1 + HEIGHT);
            arrow(svg, &format!("M{} {}V{lane}H{left}V{}", start.0, start.1, y - 5.0), (left, y - 1.0), true);
        } else if i > 0 {
            let middle = y + HEIGHT / 2.0;
            arrow(svg, &format!("M{} {middle}H{}", last.0 + WIDTH, x - 5.0), (x - 1.0, middle), false);
        }
        block(svg, one, (x, y));
        last = (x, y);
    }
    last
}

/// From the foot of the trunk's last block along the left margin to the branch in `row`.
fn branch_line(svg: &mut Svg, end: (f64, f64), trunk_rows: usize, row: usize) {
    let lane = corner(trunk_rows, 0).1 - 15.0;
    let (x, y) = corner(row, 1);
    let (margin, middle) = (x - GAP - 10.0, y + HEIGHT / 2.0);
    let foot = (end.0 + WIDTH / 2.0, end.1 + HEIGHT);
    let path = format!("M{} {}V{lane}H{margin}V{middle}H{}", foot.0, foot.1, x - 5.0);
    arrow(svg, &path, (x - 1.0, middle), false);
}

/// From the foot of a block that two branches share to the first block that the lower one has alone.
fn shared_line(svg: &mut Svg, from: (f64, f64), to: (f64, f64)) {
    let (x, middle) = (from.0 + WIDTH / 2.0, to.1 + HEIGHT / 2.0);
    arrow(svg, &format!("M{x} {}V{middle}H{}", from.1 + HEIGHT, to.0 - 5.0), (to.0 - 1.0, middle), false);
}

/// A line with a head at its tip.
fn arrow(svg: &mut Svg, path: &str, (x, y): (f64, f64), down: bool) {
    svg.path(path, &format!("{} stroke-width=\"1.25\"", Ink::Quiet.stroke()));
    let head = if down { format!("M{x} {y}l-4 -6h8z") } else { format!("M{x} {y}l-6 -4v8z") };
    svg.path(&head, &Ink::Quiet.fill());
}

/// A block: a bar in the colour of its kind, name, detail and shape.
fn block(svg: &mut Svg, block: &Block, (x, y): (f64, f64)) {
    let ink = match block.kind {
        Kind::Input => Ink::Quiet,
        Kind::Convolution => Ink::Series(0),
        Kind::Pooling => Ink::Series(2),
        Kind::Dense => Ink::Series(3),
        Kind::Head => Ink::Series(1),
        Kind::Other => Ink::Edge,
    };
    svg.rect((x, y), (WIDTH, HEIGHT), &format!("rx=\"4\" {}", Ink::Plate.fill()));
    svg.rect((x, y), (WIDTH, HEIGHT), &format!("rx=\"4\" {} stroke-width=\"1\"", Ink::Edge.stroke()));
    svg.rect((x, y + 6.0), (3.5, HEIGHT - 12.0), &ink.fill());
    let room = WIDTH - 16.0;
    let line = |svg: &mut Svg, y: f64, size, ink, text: &str| {
        svg.text((x + 10.0, y), size, Anchor::Start, ink, &fit(text, size, room));
    };
    line(svg, y + 18.0, 11, Ink::Ink, &block.name);
    line(svg, y + 33.0, 10, Ink::Quiet, &block.detail);
    line(svg, y + 49.0, 11, Ink::Ink, &block.shape);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(count: usize) -> Vec<Block> {
        let block = |i| Block { name: format!("layer{i}"), shape: "3 × 3".into(), ..Block::default() };
        (0..count).map(block).collect()
    }

    #[test]
    fn every_layer_has_a_block_and_every_step_an_arrow() {
        let picture = strip(&blocks(7), &[], "net").unwrap();
        assert_eq!(picture.svg.matches("3 × 3</text>").count(), 7);
        assert_eq!(picture.svg.matches("l-6 -4v8z").count() + picture.svg.matches("l-4 -6h8z").count(), 6);
        assert_eq!(picture.width, 4 * 160 + 3 * 30 + 2);
        assert_eq!(picture.height, 88 + 58 + 2);
    }

    #[test]
    fn branches_stand_below_the_trunk() {
        let branch = |count, shared| Branch { blocks: blocks(count), shared };
        let picture = strip(&blocks(3), &[branch(2, 0), branch(2, 0)], "net").unwrap();
        assert_eq!(picture.svg.matches("3 × 3</text>").count(), 7);
        assert_eq!(picture.height, 3 * 88 - 30 + 2);
        // The second head shares the first's block, which is drawn once.
        let shared = strip(&blocks(3), &[branch(2, 0), branch(1, 1)], "net").unwrap();
        assert_eq!(shared.svg.matches("3 × 3</text>").count(), 6);
        // From the foot of the block in column 1 of row 1 to the left of column 2 in row 2.
        assert!(shared.svg.contains(r#"<path d="M271 147V206H376""#), "{}", shared.svg);
    }

    #[test]
    fn very_deep_networks_are_shortened_and_say_so() {
        let picture = strip(&blocks(120), &[], "net").unwrap();
        assert!(picture.svg.contains("91 more layers"));
        assert_eq!(picture.svg.matches("3 × 3</text>").count(), 29);
        assert!(picture.svg.contains("layer119") && strip(&[], &[], "net").is_err());
    }
}
