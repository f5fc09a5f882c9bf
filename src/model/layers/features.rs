//! The last features before a head: from the last convolution to the activation that a person would explain.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::layers::cells::Cells;
use crate::model::layers::chain::{Above, Chain, normalises};
use crate::model::layers::kind::{Role, role};
use crate::model::layers::step::{Step, element_wise, readers, steps};
use crate::model::{Head, Network};

/// What lies between one value and the next that everything goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// An activation function, of one operator or several.
    Activation,
    /// Several branches' features side by side.
    Concatenation,
    /// The same features: normalised, weighed, summed or laid out differently.
    Features,
    /// Other features, or none.
    End,
}

impl Network {
    /// The ONNX value of the last features before `head`, as [`Network::default_target`] describes them.
    pub(crate) fn last_features(&self, head: &Head) -> Option<String> {
        let steps = steps(&self.definition, &self.values);
        let chain = Chain::new(&steps, readers(&steps, &self.definition));
        let above = Above::new(&steps, head);
        let scores = self.score_convolution(&steps, &above.position, head);
        let last = self.last_convolution(&chain, &above, scores)?;
        let (features, activated) = self.follow(&chain, last);
        let attended = (!activated).then(|| self.attended_features(&chain, &above, (features, scores))).flatten();
        let at = attended.unwrap_or(features);
        steps.get(at).map(|step| step.output().to_string())
    }

    /// Position of the last convolution with a map that leads to the head and is not the head itself, which `scores` is.
    fn last_convolution(&self, chain: &Chain, above: &Above, scores: Option<usize>) -> Option<usize> {
        let convolutions: Vec<(usize, &Step)> = above
            .steps
            .iter()
            .rev()
            .filter_map(|index| Some((*index, chain.steps.get(*index)?)))
            .filter(|(index, step)| Some(*index) != scores && self.mixes_channels(chain, step))
            .collect();
        // A single channel is what attention weighs features with.
        let several = convolutions.iter().find(|(_, step)| self.channels(step.output()) != Some(1));
        several.or(convolutions.first()).map(|(index, _)| *index)
    }

    /// Position of the features that attention between `features` and the head leaves: the last normalised tokens all of which lead
    /// to the head, else the last map or tokens that everything goes through. `None` where there is no attention.
    fn attended_features(
        &self,
        chain: &Chain,
        above: &Above,
        (features, scores): (usize, Option<usize>),
    ) -> Option<usize> {
        let behind = |index: &&usize| **index > features && scores.is_none_or(|scores| **index < scores);
        let steps = || above.steps.iter().filter(behind).filter_map(|index| Some((*index, chain.steps.get(*index)?)));
        let product = |step: &Step| matches!(step.node.op.as_str(), "MatMul" | "Einsum") && step.inputs.len() > 1;
        let fused = |step: &Step| step.node.op.ends_with("Attention");
        if !steps().any(|(_, step)| product(step) || fused(step)) {
            return None;
        }
        let whole = self.wholly_read(chain, above);
        let placed = |step: &Step| self.has_cells(step.output()) && whole.contains(step.output());
        let normalised = steps().rfind(|(_, step)| placed(step) && normalises(step, above, chain));
        let passed = || steps().rfind(|(index, step)| placed(step) && chain.is_passed_by_all(*index, above));
        normalised.or_else(passed).map(|(index, _)| index)
    }

    /// Whether a value has several cells that a heatmap can show: a map, or tokens.
    fn has_cells(&self, value: &str) -> bool {
        let rank = self.values.probed(value).len();
        self.cells.get(value).is_some_and(|cells| match cells {
            Cells::First { .. } | Cells::Last { .. } => rank == 4 && cells.several(),
            Cells::Tokens { .. } => rank == 3 && cells.several(),
            Cells::Flat { .. } => false,
        })
    }

    /// The values all of whose cells lead to the head; of the last tokens that often only the class token does.
    fn wholly_read<'a>(&self, chain: &Chain<'_, 'a>, above: &Above) -> BTreeSet<&'a str> {
        let of_tokens = self.values_of_tokens(chain);
        let tokens = |value: &str| of_tokens.contains(value);
        let mut read: BTreeMap<&str, bool> = BTreeMap::new();
        for step in above.steps.iter().rev().filter_map(|index| chain.steps.get(*index)) {
            let outputs = step.node.outputs.iter().filter_map(|output| read.get(output.as_str()));
            // What nothing has read yet is what the head reads.
            let whole = outputs.max().copied().unwrap_or(true);
            for &input in &step.inputs {
                let each = tokens(input) && step.node.outputs.iter().any(|output| tokens(output));
                let picks = tokens(input) && !each && matches!(step.node.op.as_str(), "Gather" | "Slice" | "Split");
                let read_whole = if each { whole } else { !picks };
                *read.entry(input).or_default() |= read_whole;
            }
        }
        read.into_iter().filter(|(_, whole)| *whole).map(|(value, _)| value).collect()
    }

    /// Tokens, and what is computed from the channels of each of them alone, such as the mean and the deviation that a layer
    /// normalisation spelled out divides by.
    fn values_of_tokens<'a>(&self, chain: &Chain<'_, 'a>) -> BTreeSet<&'a str> {
        let mut of_tokens = BTreeSet::new();
        for step in chain.steps {
            let op = step.node.op.as_str();
            let each = op.starts_with("Reduce") || matches!(op, "Squeeze" | "Unsqueeze") || element_wise(op);
            let (each, inputs) = (each || step.compound.is_some(), &step.inputs);
            let tokens = |value: &str| matches!(self.cells.get(value), Some(Cells::Tokens { .. }));
            of_tokens.extend(inputs.iter().copied().filter(|input| tokens(input)));
            for output in &step.node.outputs {
                let lists = |value: &str| self.values.probed(value).get(..2);
                let listed = |input: &&str| {
                    of_tokens.contains(*input) && lists(input).is_some() && lists(input) == lists(output)
                };
                if tokens(output) || (each && inputs.iter().any(listed)) {
                    of_tokens.insert(output.as_str());
                }
            }
        }
        of_tokens
    }

    /// A convolution, or a matrix product over the channels of a map, with more than one position left.
    fn mixes_channels<'a>(&self, chain: &Chain<'_, 'a>, step: &Step<'a>) -> bool {
        match step.node.op.as_str() {
            "Conv" | "ConvTranspose" => self.is_map(step.output()),
            "MatMul" | "Gemm" if step.inputs.len() == 1 => self.becomes_map(chain, step.output()),
            _ => false,
        }
    }

    /// Whether a value is a map, or rows of cells that are made a map again, perhaps after a bias was added.
    fn becomes_map<'a>(&self, chain: &Chain<'_, 'a>, mut value: &'a str) -> bool {
        while !self.is_map(value) {
            match chain.first_reader(value) {
                Some(reader) if reader.node.op == "Add" && reader.inputs.len() == 1 => value = reader.output(),
                reader => return reader.is_some_and(|it| it.node.op == "Reshape" && self.is_map(it.output())),
            }
        }
        true
    }

    /// The number of channels of a map.
    fn channels(&self, value: &str) -> Option<usize> {
        let axis = if self.layouts.channels_last(value) { 3 } else { 1 };
        self.values.probed(value).get(axis).copied()
    }

    /// The 1×1 convolution, if there is one, that turns features into class scores: nothing but pooling, activation
    /// and reshaping lies between it and the logits.
    fn score_convolution(&self, steps: &[Step], position: &BTreeMap<&str, usize>, head: &Head) -> Option<usize> {
        let mut value = head.logits.as_str();
        loop {
            let index = *position.get(value)?;
            let step = steps.get(index)?;
            match role(step, &self.values) {
                Role::Layer { convolution: Some(convolution), .. } => {
                    let output = self.values.probed(step.output());
                    let channels = output.get(if self.layouts.channels_last(step.output()) { 3 } else { 1 }).copied();
                    let scores = convolution.kernel_size == [1, 1] && channels.is_some() && channels == head.classes;
                    return scores.then_some(index);
                }
                Role::Layer { kind, .. } if !passes_scores(&kind) => return None,
                _ => value = step.inputs.first()?,
            }
        }
    }

    /// From a convolution onwards to the first activation, and to the concatenation it ends in, if any: the position, and whether there is
    /// an activation.
    fn follow(&self, chain: &Chain, start: usize) -> (usize, bool) {
        let mut at = start;
        let mut activated = false;
        while let Some(region) = self.to_next_map(chain, at)
            && let (Some(here), Some(&last)) = (chain.steps.get(at), region.last())
        {
            match self.way(chain, &region, here.output()) {
                Way::Activation if !activated => activated = true,
                Way::Concatenation => {}
                Way::Features if !activated => {}
                _ => break,
            }
            at = last;
        }
        (at, activated)
    }

    /// Positions of the steps from the one at `at` to the next map that everything goes through; some normalisations leave the
    /// shape of a map in between.
    fn to_next_map(&self, chain: &Chain, at: usize) -> Option<Vec<usize>> {
        let mut region = chain.meeting(at)?;
        while let Some(&last) = region.last()
            && !self.is_map(chain.steps.get(last)?.output())
        {
            region.extend(chain.meeting(last)?);
        }
        Some(region)
    }

    /// What the operators of a region, which begins at `value`, are together.
    fn way(&self, chain: &Chain, region: &[usize], value: &str) -> Way {
        let region: Vec<&Step> = region.iter().filter_map(|at| chain.steps.get(*at)).collect();
        if let [only] = region.as_slice() {
            return match role(only, &self.values) {
                Role::Activation(_) => Way::Activation,
                Role::Alias | Role::Scale { .. } => Way::Features,
                Role::Layer { kind, .. } => match kind.as_str() {
                    "PReLU" => Way::Activation,
                    "Concatenate" => Way::Concatenation,
                    kind if keeps_features(kind) => Way::Features,
                    // Rows of cells, which a product over channels left, are laid out as a map.
                    "Reshape" if !self.is_map(value) => Way::Features,
                    _ => Way::End,
                },
                Role::Flatten => Way::End,
            };
        }
        let all_element_wise = region.iter().all(|step| step.compound.is_some() || element_wise(&step.node.op));
        let shape = |value: &str| self.values.probed(value);
        let reshaped = region.last().is_some_and(|last| self.is_map(value) && shape(last.output()) != shape(value));
        match () {
            () if all_element_wise && self.is_map(value) => Way::Activation,
            () if reshaped || region.iter().any(|step| self.mixes_cells(chain, step)) => Way::End,
            // What remains looks at the whole map and gives it back: a normalisation spelled out, or a gate.
            () => Way::Features,
        }
    }

    /// A convolution of a map or a product over its cells; products of one vector an image, as in gates, are neither.
    fn mixes_cells<'a>(&self, chain: &Chain<'_, 'a>, step: &Step<'a>) -> bool {
        let product = matches!(step.node.op.as_str(), "MatMul" | "Gemm" | "Einsum");
        let shape = self.values.probed(step.output());
        let vectors = shape.iter().rev().skip(1).product::<usize>();
        self.mixes_channels(chain, step) || (product && vectors > self.values.fixed_batch.unwrap_or(1))
    }
}

fn passes_scores(kind: &str) -> bool {
    kind.contains("Pooling") || matches!(kind, "Dropout" | "Reshape" | "Permute" | "UpSampling2D" | "Resizing")
}

fn keeps_features(kind: &str) -> bool {
    matches!(
        kind,
        "BatchNormalization"
            | "InstanceNormalization"
            | "LayerNormalization"
            | "GroupNormalization"
            | "LRN"
            | "Add"
            | "Multiply"
            | "Dropout"
            | "Permute"
    )
}
