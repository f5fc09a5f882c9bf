//! A network's steps as seen from one head: which of them lead to it, and where all ways between two of them meet.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Head;
use crate::model::layers::step::Step;

/// The steps that lead to a head.
pub(crate) struct Above<'a> {
    /// Their positions.
    pub(crate) steps: BTreeSet<usize>,
    /// Position of the step that computes each value.
    pub(crate) position: BTreeMap<&'a str, usize>,
}

impl<'a> Above<'a> {
    pub(crate) fn new(steps: &[Step<'a>], head: &Head) -> Above<'a> {
        let outputs = |(index, step): (usize, &Step<'a>)| {
            step.node.outputs.iter().map(move |output| (output.as_str(), index)).collect::<Vec<_>>()
        };
        let position: BTreeMap<&str, usize> = steps.iter().enumerate().flat_map(outputs).collect();
        let mut above = BTreeSet::new();
        let mut pending = vec![head.logits.as_str()];
        while let Some(value) = pending.pop() {
            if let Some(&index) = position.get(value)
                && above.insert(index)
            {
                pending.extend(steps.get(index).iter().flat_map(|step| step.inputs.iter().copied()));
            }
        }
        Above { steps: above, position }
    }
}

/// Whether a step ends a layer normalisation: as one operator, or spelled out as a difference over a root, a factor and a summand.
pub(crate) fn normalises(step: &Step, above: &Above, chain: &Chain) -> bool {
    if matches!(step.node.op.as_str(), "LayerNormalization" | "SimplifiedLayerNormalization" | "RMSNormalization") {
        return true;
    }
    let below = |value: &str| above.position.get(value).and_then(|index| chain.steps.get(*index));
    let mut step = Some(step);
    for op in ["Add", "Mul"] {
        if let Some(here) = step.filter(|step| step.node.op == op && step.inputs.len() == 1) {
            step = here.inputs.first().and_then(|input| below(input));
        }
    }
    let Some(division) = step.filter(|step| step.node.op == "Div" && step.inputs.len() == 2) else { return false };
    let op =
        |input: usize| division.node.inputs.get(input).and_then(|value| below(value)).map(|step| step.node.op.as_str());
    op(0) == Some("Sub") && op(1) == Some("Sqrt")
}

/// A network's steps in their order, and who reads each value.
pub(crate) struct Chain<'s, 'a> {
    pub(crate) steps: &'s [Step<'a>],
    /// How often each value is read.
    pub(crate) counts: BTreeMap<String, usize>,
    /// Position of the first step that reads each value.
    pub(crate) first: BTreeMap<&'s str, usize>,
}

impl<'s, 'a> Chain<'s, 'a> {
    pub(crate) fn new(steps: &'s [Step<'a>], counts: BTreeMap<String, usize>) -> Chain<'s, 'a> {
        let inputs =
            steps.iter().enumerate().rev().flat_map(|(at, step)| step.inputs.iter().map(move |input| (*input, at)));
        Chain { steps, counts, first: inputs.collect() }
    }

    pub(crate) fn first_reader(&self, value: &str) -> Option<&'s Step<'a>> {
        self.first.get(value).and_then(|at| self.steps.get(*at))
    }

    /// Whether every way from before the step at `at` to the head goes through its output.
    pub(crate) fn is_passed_by_all(&self, at: usize, above: &Above) -> bool {
        let Some(here) = self.steps.get(at) else { return false };
        let earlier = |value: &str| above.position.get(value).is_none_or(|index| *index < at);
        let behind = above.steps.iter().filter(|index| **index > at).filter_map(|index| self.steps.get(*index));
        behind.flat_map(|step| &step.inputs).all(|input| *input == here.output() || !earlier(input))
    }

    /// Positions of the steps from the output of the one at `at` to the next value that everything goes through, which is the
    /// last one's output; `None` where the ways do not meet.
    pub(crate) fn meeting(&self, at: usize) -> Option<Vec<usize>> {
        let count = |value: &str| self.counts.get(value).copied().unwrap_or(0);
        let value = self.steps.get(at)?.output();
        let mut reached = BTreeSet::from([value]);
        // How often values that were reached are still to be read; being an output of the network is never done with.
        let mut open = count(value);
        let mut region = Vec::new();
        for (position, step) in self.steps.iter().enumerate().skip(at + 1) {
            let read = step.inputs.iter().filter(|input| reached.contains(**input)).count();
            if read == 0 {
                continue;
            }
            region.push(position);
            open = open.saturating_sub(read);
            if open == 0 {
                return Some(region);
            }
            for output in &step.node.outputs {
                open += count(output);
                reached.insert(output);
            }
        }
        None
    }
}
