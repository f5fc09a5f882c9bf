//! The part of a graph between the image and one channel of a convolution.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, Slice};

use crate::backprop::graph::{Conv, Graph, Node, Op, ValueId};
use crate::error::{Error, Result};

/// A convolution of a network, with the activation that is folded into it.
pub struct Convolution<'g> {
    graph: &'g Graph,
    input: ValueId,
    before: ValueId,
    after: ValueId,
    channel_axis: usize,
}

/// The sub-graph that leads to one channel (or, as a whole, to all of them).
pub struct Target {
    /// The operators.
    pub graph: Graph,
    /// The image.
    pub input: ValueId,
    /// The channel before its activation.
    pub before: ValueId,
    /// The channel after its activation; the same as `before` without one.
    pub after: ValueId,
    /// The axis of the channels.
    pub channel_axis: usize,
    /// The channel's index along `channel_axis` of `before` and `after`: 0 where the convolution was cut down to it.
    pub channel: usize,
}

impl<'g> Convolution<'g> {
    /// The convolution whose output is `before` its activation and `after` it, with channels along `channel_axis`.
    ///
    /// # Errors
    /// If the values are not maps of one image, or the graph has not exactly one input, an image.
    pub fn new(graph: &'g Graph, before: ValueId, after: ValueId, channel_axis: usize) -> Result<Convolution<'g>> {
        let map = |id: ValueId| graph.nodes.get(id).filter(|node| node.shape.len() == 4 && node.shape[0] == 1);
        let [input] = graph.inputs[..] else {
            return Err(Error::input(format!(
                "gradient ascent needs a network of one input; this one has {}",
                graph.inputs.len()
            )));
        };
        let name = graph.nodes.get(before).map_or("the layer", |node| &node.name);
        let refused = || {
            Error::input(format!(
                "{name}: gradient ascent needs a convolution over one image; name another layer with --layer, or with the key `filters` of a chapter"
            ))
        };
        let node = map(before).ok_or_else(refused)?;
        if map(after).is_none_or(|after| after.shape != node.shape)
            || map(input).is_none()
            || !matches!(channel_axis, 1 | 3)
        {
            return Err(refused());
        }
        Ok(Convolution { graph, input, before, after, channel_axis })
    }

    /// Number of filters.
    pub fn channels(&self) -> usize {
        self.graph.nodes[self.before].shape[self.channel_axis]
    }

    /// Height and width of a feature map.
    pub fn map_size(&self) -> (usize, usize) {
        map_size(&self.graph.nodes[self.before], self.channel_axis)
    }

    /// The input's shape.
    pub fn input_shape(&self) -> &[usize] {
        &self.graph.nodes[self.input].shape
    }

    /// Whether the layer has an activation of its own.
    pub fn has_activation(&self) -> bool {
        self.before != self.after
    }

    /// The convolution's weights and the value it reads, if it is one of [`Op::Conv`].
    pub fn weights(&self) -> Option<(&'g Conv, ValueId)> {
        let id = self.operator()?;
        match &self.graph.nodes[id].op {
            Op::Conv(conv) => Some((conv, *self.graph.nodes[id].inputs.first()?)),
            _ => None,
        }
    }

    /// Whether it reads the image itself: no other convolution, pooling or product lies before it.
    pub fn is_first(&self) -> bool {
        let Some((_, source)) = self.weights() else { return false };
        let needed = ancestors(self.graph, source);
        let harmless = |op: &Op| {
            matches!(
                op,
                Op::Input
                    | Op::Constant(_)
                    | Op::Permute(_)
                    | Op::Reshape
                    | Op::Pad { .. }
                    | Op::Binary(_)
                    | Op::Broadcast
            )
        };
        self.graph.nodes.iter().zip(&needed).all(|(node, needed)| !needed || harmless(&node.op))
    }

    /// The sub-graph of all channels together.
    pub fn whole(&self) -> Target {
        self.pruned(0)
    }

    /// The sub-graph of one channel. Of the convolution and what follows it only that channel is computed, where the
    /// operators allow that; otherwise all channels are.
    ///
    /// # Errors
    /// A channel that does not exist.
    pub fn channel(&self, channel: usize) -> Result<Target> {
        if channel >= self.channels() {
            let name = &self.graph.nodes[self.before].name;
            return Err(Error::input(format!(
                "{name}: there is no filter {channel}; the last one is {}",
                self.channels() - 1
            )));
        }
        Ok(self.restricted(channel).unwrap_or_else(|| self.pruned(channel)))
    }

    /// The operator that `before` comes from: back through what adds a bias or moves axes.
    fn operator(&self) -> Option<ValueId> {
        let mut id = self.before;
        loop {
            let node = &self.graph.nodes[id];
            match node.op {
                Op::Conv(_) => return Some(id),
                Op::Binary(_) | Op::Permute(_) => {
                    let constant = |id: &&ValueId| matches!(self.graph.nodes[**id].op, Op::Constant(_));
                    let mut sources = node.inputs.iter().filter(|id| !constant(id));
                    id = *sources.next()?;
                    if sources.next().is_some() {
                        return None;
                    }
                }
                _ => return None,
            }
        }
    }

    fn pruned(&self, channel: usize) -> Target {
        let needed = ancestors(self.graph, self.after);
        let mut copy = Copy::new(self.graph);
        for id in (0..needed.len()).filter(|&id| needed[id]) {
            copy.node(id);
        }
        self.target(copy, channel)
    }

    fn restricted(&self, channel: usize) -> Option<Target> {
        let operator = self.operator()?;
        let (conv, source) = self.weights()?;
        let needed = ancestors(self.graph, self.after);
        // Where the channels of a value lie that depends on the convolution.
        let mut axes: Vec<Option<usize>> = vec![None; self.graph.nodes.len()];
        let mut copy = Copy::new(self.graph);
        for id in (0..needed.len()).filter(|&id| needed[id]) {
            let node = &self.graph.nodes[id];
            if id == operator {
                copy.only(id, conv, source, channel);
                axes[id] = Some(1);
                continue;
            }
            let Some(axis) = node.inputs.iter().find_map(|&input| axes[input]) else {
                copy.node(id);
                continue;
            };
            axes[id] = match &node.op {
                Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select => Some(axis),
                Op::Permute(order) => Some(order.iter().position(|&from| from == axis)?),
                _ => return None,
            };
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for &input in &node.inputs {
                inputs.push(match axes[input] {
                    Some(other) if other == axis => copy.ids[input]?,
                    None => copy.operand(input, axis, channel)?,
                    Some(_) => return None,
                });
            }
            let mut shape = node.shape.clone();
            *shape.get_mut(axes[id]?)? = 1;
            copy.push(id, Node { name: node.name.clone(), op: node.op.clone(), inputs, shape });
        }
        (axes[self.before] == Some(self.channel_axis) && axes[self.after] == Some(self.channel_axis))
            .then(|| self.target(copy, 0))
    }

    fn target(&self, copy: Copy, channel: usize) -> Target {
        let id = |id: ValueId| copy.ids[id].unwrap_or_default();
        let (input, before, after) = (id(self.input), id(self.before), id(self.after));
        let graph = Graph { nodes: copy.nodes, inputs: vec![input], outputs: vec![after] };
        Target { graph, input, before, after, channel_axis: self.channel_axis, channel }
    }
}

impl Target {
    /// Height and width of the feature map.
    pub fn map_size(&self) -> (usize, usize) {
        map_size(&self.graph.nodes[self.before], self.channel_axis)
    }
}

/// Height and width of a map with channels along `channel_axis`.
fn map_size(node: &Node, channel_axis: usize) -> (usize, usize) {
    if channel_axis == 1 { (node.shape[2], node.shape[3]) } else { (node.shape[1], node.shape[2]) }
}

/// Which nodes `value` depends on, itself among them.
fn ancestors(graph: &Graph, value: ValueId) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    needed[value] = true;
    for id in (0..=value).rev().filter(|&id| id < graph.nodes.len()) {
        if needed[id] {
            graph.nodes[id].inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    needed
}

/// A graph under construction, out of nodes of another.
struct Copy<'g> {
    from: &'g Graph,
    nodes: Vec<Node>,
    /// The new ids of the nodes that were copied.
    ids: Vec<Option<ValueId>>,
}

impl<'g> Copy<'g> {
    fn new(from: &'g Graph) -> Copy<'g> {
        Copy { from, nodes: Vec::new(), ids: vec![None; from.nodes.len()] }
    }

    fn push(&mut self, id: ValueId, node: Node) {
        self.ids[id] = Some(self.nodes.len());
        self.nodes.push(node);
    }

    /// Copies a node as it is; weights are shared.
    fn node(&mut self, id: ValueId) {
        let mut node = self.from.nodes[id].clone();
        node.inputs.iter_mut().for_each(|input| *input = self.ids[*input].unwrap_or_default());
        self.push(id, node);
    }

    /// One filter of a convolution, over the channels of its group.
    fn only(&mut self, id: ValueId, conv: &Conv, source: ValueId, channel: usize) {
        let node = &self.from.nodes[id];
        let inputs = conv.inputs / conv.groups.max(1);
        let mut source_id = self.ids[source].unwrap_or_default();
        if conv.groups > 1 {
            let start = channel / (conv.outputs / conv.groups).max(1) * inputs;
            let mut shape = self.from.nodes[source].shape.clone();
            shape[1] = inputs;
            let op = Op::Slice { axis: 1, start };
            self.nodes.push(Node { name: node.name.clone(), op, inputs: vec![source_id], shape });
            source_id = self.nodes.len() - 1;
        }
        let len = inputs * conv.window.kernel_len();
        let conv = Conv {
            window: conv.window.clone(),
            groups: 1,
            inputs,
            outputs: 1,
            kernel: Arc::new(conv.kernel[channel * len..][..len].to_vec()),
            bias: conv.bias.as_ref().map(|bias| Arc::new(vec![bias[channel]])),
        };
        let mut shape = node.shape.clone();
        shape[1] = 1;
        self.push(id, Node { name: node.name.clone(), op: Op::Conv(conv), inputs: vec![source_id], shape });
    }

    /// An operand that does not depend on the convolution, such as a bias or the other branch of a residual block, cut
    /// down to the channel where it has one value for each.
    fn operand(&mut self, id: ValueId, axis: usize, channel: usize) -> Option<ValueId> {
        let node = &self.from.nodes[id];
        if *node.shape.get(axis)? == 1 {
            return self.ids[id];
        }
        let Op::Constant(values) = &node.op else {
            let mut shape = node.shape.clone();
            shape[axis] = 1;
            let op = Op::Slice { axis, start: channel };
            self.nodes.push(Node { name: node.name.clone(), op, inputs: vec![self.ids[id]?], shape });
            return Some(self.nodes.len() - 1);
        };
        let array = ArrayD::from_shape_vec(node.shape.clone(), values.to_vec()).ok()?;
        let cut = array.slice_axis(Axis(axis), Slice::from(channel..channel + 1));
        let (shape, values) = (cut.shape().to_vec(), cut.iter().copied().collect());
        self.nodes.push(Node { name: node.name.clone(), op: Op::Constant(Arc::new(values)), inputs: vec![], shape });
        Some(self.nodes.len() - 1)
    }
}
