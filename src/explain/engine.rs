//! One network made ready to run and to be differentiated: a tract plan with taps, and the gradient graph behind them.

use crate::backprop::graph::{Graph, Node, Op, ValueId};
use crate::error::{Error, Result};
use crate::explain::cells::field_grid;
use crate::explain::lowered::Lowered;
use crate::explain::score;
use crate::model::{Head, Network, Plan, printable};
use crate::visualize::placement::Grid;
use ndarray::{Array2, ArrayD};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which end of a head is differentiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The head's logit; a final softmax or sigmoid is stepped over.
    Logit,
    /// The head's output as the network gives it.
    Output,
}

/// Everything about running and differentiating a network that does not depend on the image.
pub struct Engine {
    /// The value that heatmaps explain, with its channels first.
    pub target: String,
    name: String,
    file: PathBuf,
    heads: Vec<Head>,
    /// Where the cells of each head's logits lie in the input, where their receptive field is the same on all paths.
    grids: Vec<Option<Grid>>,
    plan: Plan,
    taps: Vec<String>,
    lowered: Lowered,
    /// Whether a path from the input to a score leads around the target.
    passed_by: bool,
    size: (usize, usize),
}

/// Multiplications that take as long as copying, moving and comparing one number of the target for a run.
const PER_COPIED_NUMBER: f64 = 100.0;
/// What calling an operator takes, in multiplications.
const PER_OPERATOR: f64 = 1000.0;
/// What an operation outside of matrix products takes, in their multiplications: it waits for memory.
const SLOWER: f64 = 8.0;

/// How much a part of a network is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Multiplications.
    pub work: f64,
    /// Numbers in all its values together.
    pub values: f64,
}

/// What tract computed for one image: the tapped values, by their names.
#[derive(Debug, Clone)]
pub struct Forward {
    values: BTreeMap<String, ArrayD<f32>>,
}

impl Forward {
    /// A tapped value, with its batch of one.
    ///
    /// # Errors
    /// When it was not tapped.
    pub fn get(&self, tensor: &str) -> Result<&ArrayD<f32>> {
        self.values.get(tensor).ok_or_else(|| Error::other(format!("{tensor}: was not computed")))
    }
}

impl Engine {
    /// Prepares a network to explain the value `target`, and to give the values `shown` on the way, for images of `size`
    /// (height, width).
    ///
    /// # Errors
    /// Unknown values, an open image size, or a graph that cannot be typed.
    pub fn new(network: &Network, target: &str, shown: &[String], size: (usize, usize)) -> Result<Engine> {
        let heads = network.heads();
        let mut taps = vec![network.channels_first(target)];
        taps.extend(heads.iter().flat_map(|head| [head.logits.clone(), head.name.clone()]));
        taps.extend(shown.iter().cloned());
        taps.sort();
        taps.dedup();
        let names: Vec<&str> = taps.iter().map(String::as_str).collect();
        let plan = network.plan(&names, 1, Some(size))?;
        let others: Vec<&str> = shown.iter().map(String::as_str).collect();
        let lowered = Lowered::new(network, target, &others, 1, size)?;
        let passed_by = passes_by(&lowered.graph, lowered.target, &lowered.logits);
        Ok(Engine {
            target: network.channels_first(target),
            name: network.name().to_string(),
            file: network.file().to_path_buf(),
            heads: heads.to_vec(),
            grids: heads.iter().map(|head| field_grid(network, &head.logits)).collect(),
            plan,
            taps,
            lowered,
            passed_by,
            size,
        })
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network's file, as it was named.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The network's heads.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// One of the heads.
    ///
    /// # Errors
    /// When there is no such head.
    pub fn head(&self, head: usize) -> Result<&Head> {
        self.heads.get(head).ok_or_else(|| Error::other(format!("there is no head {head}")))
    }

    /// Why tract's optimisations were left out, if they were.
    pub fn unoptimised(&self) -> Option<&str> {
        self.plan.unoptimised.as_deref()
    }

    /// The gradient graph.
    pub fn graph(&self) -> &Graph {
        &self.lowered.graph
    }

    /// The gradient graph with its ends.
    pub(crate) fn lowered(&self) -> &Lowered {
        &self.lowered
    }

    /// Whether a skip connection leads around the target.
    pub fn passed_by(&self) -> bool {
        self.passed_by
    }

    /// Which operators lead to the logits without the target lying between.
    fn leading_to_logits(&self) -> Vec<bool> {
        let Lowered { graph, target, logits, .. } = &self.lowered;
        let mut leads = vec![false; graph.nodes.len()];
        logits.iter().for_each(|id| leads[*id] = true);
        for (id, node) in graph.nodes.iter().enumerate().rev() {
            if leads[id] && id != *target {
                node.inputs.iter().for_each(|input| leads[*input] = true);
            }
        }
        leads
    }

    /// The operators between the target and the logits.
    fn behind_target(&self) -> impl Iterator<Item = &Node> {
        let Lowered { graph, target, .. } = &self.lowered;
        let mut reached = vec![false; graph.nodes.len()];
        for (id, node) in graph.nodes.iter().enumerate() {
            reached[id] = id == *target || node.inputs.iter().any(|input| reached[*input]);
        }
        let leads = self.leading_to_logits();
        let behind = move |(id, node)| (id != *target && reached[id] && leads[id]).then_some(node);
        graph.nodes.iter().enumerate().filter_map(behind)
    }

    /// The operators without a gradient rule between the target and the logits, each with its node's name.
    pub fn without_rule(&self) -> Vec<String> {
        let named = |node: &Node| match &node.op {
            Op::Unsupported { operator } => Some(format!("{operator} (`{}`)", node.name)),
            _ => None,
        };
        self.behind_target().filter_map(named).collect()
    }

    /// How many convolutions and matrix products lie between the target and the logits: one or two in most convolutional networks,
    /// dozens in one that goes on with a transformer.
    pub fn products_behind_target(&self) -> usize {
        let product = |op: &Op| matches!(op, Op::Conv(_) | Op::Deconv(_) | Op::EinSum(_));
        self.behind_target().filter(|node| product(&node.op)).count()
    }

    /// How much the part of the network from the target on is, for one image, with what leads around the target: all that a run
    /// of its tail computes.
    pub fn behind(&self) -> Extent {
        let leads = self.leading_to_logits();
        let graph = self.graph();
        let mut extent = Extent { work: 0.0, values: 0.0 };
        for (id, node) in graph.nodes.iter().enumerate().filter(|(id, _)| leads[*id]) {
            match &node.op {
                Op::Constant(_) => continue,
                _ if id == self.lowered.target => extent.work += PER_COPIED_NUMBER * node.len() as f64,
                Op::Conv(conv) if conv.groups == 1 => extent.work += graph.work(id) + PER_OPERATOR,
                Op::EinSum(_) => extent.work += graph.work(id) + PER_OPERATOR,
                _ => extent.work += SLOWER * graph.work(id) + PER_OPERATOR,
            }
            extent.values += node.len() as f64;
        }
        extent
    }

    /// The number of the target's channels, 0 if it is no map.
    pub fn target_channels(&self) -> usize {
        let target = self.graph().nodes.get(self.lowered.target);
        target.and_then(|node| node.shape.get(1)).copied().unwrap_or(0)
    }

    /// Height and width of the images.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Runs one image, or a batch, through tract.
    ///
    /// # Errors
    /// An input of the wrong shape; scores or a target that are not finite, of which nothing can be explained.
    pub fn forward(&self, image: &ArrayD<f32>) -> Result<Forward> {
        let values = self.plan.run(image)?;
        let forward = Forward { values: self.taps.iter().cloned().zip(values).collect() };
        let logits = self.heads.iter().map(|head| &head.logits);
        for tensor in logits.chain([&self.target]) {
            if !forward.get(tensor)?.iter().all(|value| value.is_finite()) {
                return Err(Error::input(format!(
                    "{}: the values of `{}` are not all finite numbers for this image: weights or sums overflowed or are not a number (NaN)",
                    self.name,
                    printable(tensor)
                )));
            }
        }
        Ok(forward)
    }

    /// The positions of a head's map that lie in a part of the network's input (`pixels`, [h, w]): those whose receptive
    /// fields have their centres in it, or the nearest if it is too small for any. `None` for a head without positions, and
    /// where no part is given: then all count.
    ///
    /// # Errors
    /// No such head.
    pub fn positions(&self, head: usize, pixels: Option<&Array2<bool>>) -> Result<Option<Array2<bool>>> {
        let described = self.head(head)?;
        let shape = &self.graph().nodes[self.end(head, Score::Logit)?].shape;
        let (Some(pixels), true, &[_, a, b, c]) = (pixels, described.has_maps(), shape.as_slice()) else {
            return Ok(None);
        };
        let cells = if described.class_axis == 3 { (a, b) } else { (b, c) };
        let placed = self.grids.get(head).copied().flatten();
        let grid = placed.unwrap_or_else(|| Grid::stretched(cells, pixels.dim()));
        Ok(Some(score::positions(pixels, cells, grid)))
    }

    /// At how many positions a head has a score for each class; one for a head without positions.
    pub fn position_count(&self, head: usize) -> usize {
        let shape = self.lowered.logits.get(head).map_or(&[][..], |id| &self.graph().nodes[*id].shape);
        let class_axis = self.heads.get(head).map_or(0, |head| head.class_axis);
        shape.iter().enumerate().filter(|(axis, _)| *axis != class_axis).map(|(_, length)| length).product()
    }

    /// The value in the gradient graph that is an end of a head.
    pub(crate) fn end(&self, head: usize, score: Score) -> Result<ValueId> {
        let ends = if score == Score::Logit { &self.lowered.logits } else { &self.lowered.outputs };
        ends.get(head).copied().ok_or_else(|| Error::other(format!("there is no head {head}")))
    }
}

/// Whether any of `ends` can be reached from an input without passing through `target`.
fn passes_by(graph: &Graph, target: ValueId, ends: &[ValueId]) -> bool {
    let mut from_input = vec![false; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        from_input[id] =
            id != target && (matches!(node.op, Op::Input) || node.inputs.iter().any(|input| from_input[*input]));
    }
    ends.iter().any(|end| from_input[*end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::Fixture;

    /// The extent behind the convolution `b`, whose map is added to that of another, `other`.
    fn extent(other: &str) -> Extent {
        let mut f = Fixture::new("x", &[1, 3, 8, 8]);
        f.conv("x", "b", [4, 3, 1, 1], vec![]).conv("x", "c", [4, 3, 1, 1], vec![]);
        f.node("Add", &["b", other], "s", vec![]).node("GlobalAveragePool", &["s"], "g", vec![]);
        let network = f.node("Flatten", &["g"], "y", vec![]).output("y").load();
        Engine::new(&network, "b", &[], (8, 8)).unwrap().behind()
    }

    /// A run of the tail computes what leads around the target, too: here a convolution of 256 sums of 3 products.
    #[test]
    fn what_leads_around_the_target_is_counted() {
        let (alone, passed_by) = (extent("b"), extent("c"));
        let more = passed_by.work - alone.work;
        assert!((768.0..768.0 + 5.0 * PER_OPERATOR).contains(&more), "{more}");
        // The image and the other convolution's map.
        assert!(passed_by.values - alone.values >= 256.0 + 192.0);
    }
}
