//! The tape: replays the part of a graph between given values and targets, then walks gradients back through it.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD};

use crate::backprop::graph::{Graph, Node, Op, Unary, ValueId};
use crate::backprop::rules::{self, Kept, Operand, Winners};
use crate::error::{Error, Result};
use crate::tensor::Real;

/// What a ReLU does to a gradient on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReluRule {
    /// The derivative: g · [x > 0].
    Plain,
    /// Guided backprop (Springenberg 2014, arXiv 1412.6806): g · [x > 0] · [g > 0].
    Guided,
}

/// One forward pass, with what the gradient rules need of it.
pub struct Tape<'g, T> {
    graph: &'g Graph,
    /// Values that were given, are targets, or are needed by a rule; others are let go as soon as they are used.
    values: Vec<Option<Arc<Vec<T>>>>,
    winners: Vec<Winners>,
    /// Whether the value depends on a given one, through nodes that ran.
    varies: Vec<bool>,
    /// Whether the value was given, so that what lies before it is out of reach.
    given: Vec<bool>,
    /// Whether a target depends on the value.
    needed: Vec<bool>,
}

impl<'g, T: Real> Tape<'g, T> {
    /// Computes `targets` from the `given` values, running only the nodes between them.
    ///
    /// Given may be the input or any intermediate value, in the shape the graph has for it.
    ///
    /// # Errors
    /// If a given value has the wrong shape, if a target also depends on an input that was not given (a skip
    /// connection passes a given activation by), or if operators without a rule lie on the path: all of them are listed.
    pub fn forward(graph: &'g Graph, given: Vec<(ValueId, ArrayD<T>)>, targets: &[ValueId]) -> Result<Tape<'g, T>> {
        let count = graph.nodes.len();
        let mut tape = Tape {
            graph,
            values: vec![None; count],
            winners: vec![Winners::new(); count],
            varies: vec![false; count],
            given: vec![false; count],
            needed: vec![false; count],
        };
        for (id, array) in given {
            let node = tape.node(id)?;
            if array.shape() != node.shape {
                return Err(Error::input(format!(
                    "{}: a value of shape {:?} was given, but the network has {:?} there",
                    node.name,
                    array.shape(),
                    node.shape
                )));
            }
            let (data, _) = array.as_standard_layout().into_owned().into_raw_vec_and_offset();
            tape.values[id] = Some(Arc::new(data));
            (tape.varies[id], tape.given[id]) = (true, true);
        }
        for &target in targets {
            tape.node(target)?;
        }
        tape.mark_needed(targets);
        tape.check()?;
        tape.run(targets)?;
        Ok(tape)
    }

    /// A given value, a target, or a value that a gradient rule needs; `None` for all others.
    pub fn value(&self, id: ValueId) -> Option<ArrayViewD<'_, T>> {
        let data = self.values.get(id)?.as_ref()?;
        ArrayViewD::from_shape(self.graph.nodes[id].shape.clone(), data).ok()
    }

    /// The gradients of Σ ⟨seed, value⟩ with respect to `wrt`, by the chain rule: a vector-Jacobian product.
    ///
    /// Runs only the nodes between `wrt` and the seeds, and may be called any number of times. A value of `wrt` that
    /// no seed depends on has gradient 0.
    ///
    /// # Errors
    /// If a seed has the wrong shape or is of a value that was not computed, or if a value of `wrt` neither was given
    /// nor depends on one that was.
    pub fn backward(&self, seeds: &[(ValueId, ArrayD<T>)], wrt: &[ValueId], relu: ReluRule) -> Result<Vec<ArrayD<T>>> {
        let mut gradients: Vec<Option<Vec<T>>> = vec![None; self.graph.nodes.len()];
        for (id, seed) in seeds {
            let node = self.node(*id)?;
            if seed.shape() != node.shape {
                return Err(Error::other(format!(
                    "{}: a gradient of shape {:?} was given, but the value has {:?}",
                    node.name,
                    seed.shape(),
                    node.shape
                )));
            }
            if !self.needed[*id] && !self.given[*id] {
                return Err(Error::other(format!("{}: not computed by this tape", node.name)));
            }
            add(&mut gradients[*id], seed.as_standard_layout().into_owned().into_raw_vec_and_offset().0);
        }
        let mut leads = vec![false; self.graph.nodes.len()];
        for &id in wrt {
            let node = self.node(id)?;
            if !self.varies[id] {
                return Err(Error::other(format!(
                    "{}: not among the values this tape can differentiate by",
                    node.name
                )));
            }
            leads[id] = true;
        }
        let wanted = leads.clone();
        for (id, node) in self.graph.nodes.iter().enumerate() {
            leads[id] |= self.varies[id] && !self.given[id] && node.inputs.iter().any(|&input| leads[input]);
        }
        for id in (0..self.graph.nodes.len()).rev() {
            if !leads[id] || self.given[id] {
                continue;
            }
            let gradient = match &gradients[id] {
                None => continue,
                Some(gradient) if wanted[id] => gradient.clone(),
                Some(_) => gradients[id].take().unwrap_or_default(),
            };
            self.step(id, gradient, relu, &leads, &mut gradients);
        }
        let gradient_of = |&id: &ValueId| {
            let node = &self.graph.nodes[id];
            let gradient = gradients[id].clone().unwrap_or_else(|| vec![T::zero(); node.len()]);
            ArrayD::from_shape_vec(node.shape.clone(), gradient)
                .map_err(|cause| Error::other(format!("{}: gradient of the wrong size: {cause}", node.name)))
        };
        wrt.iter().map(gradient_of).collect()
    }

    /// Sends the gradient of one node on to those of its inputs that lead to what is wanted.
    fn step(
        &self,
        id: ValueId,
        mut gradient: Vec<T>,
        relu: ReluRule,
        leads: &[bool],
        gradients: &mut [Option<Vec<T>>],
    ) {
        let node = &self.graph.nodes[id];
        if relu == ReluRule::Guided && matches!(node.op, Op::Unary(Unary::Relu)) {
            gradient.iter_mut().filter(|g| **g < T::zero()).for_each(|g| *g = T::zero());
        }
        let view = |&input: &ValueId| {
            let data = self.values[input].as_ref().map_or(&[][..], |data| &data[..]);
            (data, &self.graph.nodes[input].shape[..])
        };
        let kept = Kept {
            inputs: node.inputs.iter().map(view).collect(),
            output: self.values[id].as_ref().map_or(&[], |data| &data[..]),
            winners: &self.winners[id],
        };
        let slots: Vec<usize> = (0..node.inputs.len()).filter(|&slot| leads[node.inputs[slot]]).collect();
        for (i, &slot) in slots.iter().enumerate() {
            let last = i + 1 == slots.len();
            let seed = if last { std::mem::take(&mut gradient) } else { gradient.clone() };
            add(&mut gradients[node.inputs[slot]], rules::vjp(node, &kept, slot, seed));
        }
    }

    fn node(&self, id: ValueId) -> Result<&'g Node> {
        self.graph.nodes.get(id).ok_or_else(|| Error::other(format!("the graph has no value number {id}")))
    }

    /// Finds the nodes that the targets depend on, up to the given values.
    fn mark_needed(&mut self, targets: &[ValueId]) {
        targets.iter().for_each(|&target| self.needed[target] = true);
        for id in (0..self.needed.len()).rev() {
            if self.runs(id) {
                self.graph.nodes[id].inputs.iter().for_each(|&input| self.needed[input] = true);
            }
        }
    }

    /// Whether the node has to be computed.
    fn runs(&self, id: ValueId) -> bool {
        self.needed[id] && !self.given[id]
    }

    fn check(&self) -> Result<()> {
        let nodes = || self.graph.nodes.iter().enumerate().filter(|(id, _)| self.runs(*id));
        let unsupported: Vec<String> = nodes()
            .filter_map(|(_, node)| match &node.op {
                Op::Unsupported { operator } => Some(format!("{operator} ({})", node.name)),
                _ => None,
            })
            .collect();
        if !unsupported.is_empty() {
            return Err(Error::NoRule { operators: unsupported });
        }
        match nodes().find(|(_, node)| matches!(node.op, Op::Input)) {
            Some((_, node)) => Err(Error::input(format!(
                "{}: the target also depends on this input, past the values given (a skip connection); give it too",
                node.name
            ))),
            None => Ok(()),
        }
    }

    /// Runs the needed nodes in order and keeps what will be read again.
    fn run(&mut self, targets: &[ValueId]) -> Result<()> {
        let graph = self.graph;
        let mut keep = self.given.clone();
        targets.iter().for_each(|&target| keep[target] = true);
        let mut uses = vec![0; graph.nodes.len()];
        for (id, node) in graph.nodes.iter().enumerate() {
            if !self.runs(id) {
                continue;
            }
            let varies: Vec<bool> = node.inputs.iter().map(|&input| self.varies[input]).collect();
            self.varies[id] = varies.contains(&true);
            keep[id] |= self.varies[id] && rules::needs_output(&node.op);
            for (slot, &input) in node.inputs.iter().enumerate() {
                uses[input] += 1;
                keep[input] |= (0..varies.len()).any(|i| varies[i] && rules::needs_input(&node.op, i, slot));
            }
        }
        for (id, node) in graph.nodes.iter().enumerate() {
            if !self.runs(id) {
                continue;
            }
            if let Op::Constant(values) = &node.op {
                self.values[id] = Some(T::constant(values));
                continue;
            }
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for &input in &node.inputs {
                uses[input] -= 1;
                let last = uses[input] == 0 && !keep[input];
                let data = if last { self.values[input].take() } else { self.values[input].clone() };
                let data = data.ok_or_else(|| Error::other(format!("{}: not in topological order", node.name)))?;
                inputs.push(Operand { data, shape: &graph.nodes[input].shape });
            }
            let (value, winners) = rules::forward(node, inputs);
            if value.len() != node.len() {
                return Err(Error::other(format!(
                    "{}: {} values where shape {:?} needs {}",
                    node.name,
                    value.len(),
                    node.shape,
                    node.len()
                )));
            }
            (self.values[id], self.winners[id]) = (Some(value), winners);
        }
        Ok(())
    }
}

/// Adds to a gradient that may not be there yet.
fn add<T: Real>(sum: &mut Option<Vec<T>>, gradient: Vec<T>) {
    match sum {
        None => *sum = Some(gradient),
        Some(sum) => sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g),
    }
}
