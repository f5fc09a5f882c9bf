//! The last features before a head: from the last convolution to the activation that a person would explain.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::{Role, role};
use super::step::{Step, element_wise, readers, steps};
use super::{Head, Network};

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
    pub(super) fn last_features(&self, head: &Head) -> Option<String> {
        let steps = steps(&self.definition, &self.values);
        let last = self.last_convolution(&steps, head)?;
        Some(self.follow(&steps, last).to_string())
    }

    /// Position of the last convolution with a map that leads to the head and is not the head itself.
    fn last_convolution(&self, steps: &[Step], head: &Head) -> Option<usize> {
        let position: BTreeMap<&str, usize> = steps
            .iter()
            .enumerate()
            .flat_map(|(index, step)| step.node.outputs.iter().map(move |output| (output.as_str(), index)))
            .collect();
        let mut above = BTreeSet::new();
        let mut pending = vec![head.logits.as_str()];
        while let Some(value) = pending.pop() {
            if let Some(&index) = position.get(value)
                && above.insert(index)
            {
                pending.extend(steps.get(index).iter().flat_map(|step| step.inputs.iter().copied()));
            }
        }
        let scores = self.score_convolution(steps, &position, head);
        let convolutions: Vec<(usize, &Step)> = above
            .into_iter()
            .rev()
            .filter_map(|index| Some((index, steps.get(index)?)))
            .filter(|(index, step)| Some(*index) != scores && self.mixes_channels(steps, step))
            .collect();
        // A single channel is what attention weighs features with.
        let several = convolutions.iter().find(|(_, step)| self.channels(step.output()) != Some(1));
        several.or(convolutions.first()).map(|(index, _)| *index)
    }

    /// A convolution, or a matrix product over the channels of a map, with more than one position left.
    fn mixes_channels(&self, steps: &[Step], step: &Step) -> bool {
        match step.node.op.as_str() {
            "Conv" | "ConvTranspose" => self.is_map(step.output()),
            "MatMul" | "Gemm" if step.inputs.len() == 1 => self.becomes_map(steps, step.output()),
            _ => false,
        }
    }

    /// Whether a value is a map, or rows of cells that are made a map again, perhaps after a bias was added.
    fn becomes_map(&self, steps: &[Step], value: &str) -> bool {
        let reader = || steps.iter().find(|step| step.inputs.contains(&value));
        self.is_map(value)
            || reader().is_some_and(|reader| match reader.node.op.as_str() {
                "Add" => reader.inputs.len() == 1 && self.becomes_map(steps, reader.output()),
                "Reshape" => self.is_map(reader.output()),
                _ => false,
            })
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

    /// From a convolution onwards to the first activation, and to the concatenation it ends in, if any.
    fn follow<'a>(&self, steps: &[Step<'a>], start: usize) -> &'a str {
        let readers = readers(steps, &self.definition);
        let Some(first) = steps.get(start) else { return "" };
        let mut value = first.output();
        let mut activated = false;
        while let Some(region) = self.to_next_map(steps, &readers, value)
            && let Some(last) = region.last()
        {
            match self.way(steps, &region, value) {
                Way::Activation if !activated => activated = true,
                Way::Concatenation => {}
                Way::Features if !activated => {}
                _ => break,
            }
            value = last.output();
        }
        value
    }

    /// The steps from `value` to the next map that everything goes through; some normalisations leave the shape of a map
    /// in between.
    fn to_next_map<'s, 'a>(
        &self,
        steps: &'s [Step<'a>],
        readers: &BTreeMap<String, usize>,
        value: &str,
    ) -> Option<Vec<&'s Step<'a>>> {
        let mut region = meeting(steps, readers, value)?;
        while let Some(last) = region.last().filter(|last| !self.is_map(last.output())) {
            let further = meeting(steps, readers, last.output())?;
            region.extend(further);
        }
        Some(region)
    }

    /// What the operators of a region, which begins at `value`, are together.
    fn way(&self, steps: &[Step], region: &[&Step], value: &str) -> Way {
        if let [only] = region {
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
            () if reshaped || region.iter().any(|step| self.mixes_cells(steps, step)) => Way::End,
            // What remains looks at the whole map and gives it back: a normalisation spelled out, or a gate.
            () => Way::Features,
        }
    }

    /// A convolution of a map or a product over its cells; products of one vector an image, as in gates, are neither.
    fn mixes_cells(&self, steps: &[Step], step: &Step) -> bool {
        let product = matches!(step.node.op.as_str(), "MatMul" | "Gemm" | "Einsum");
        let shape = self.values.probed(step.output());
        let vectors = shape.iter().rev().skip(1).product::<usize>();
        self.mixes_channels(steps, step) || (product && vectors > self.values.fixed_batch.unwrap_or(1))
    }
}

/// The steps from `value` to the next value that everything goes through, which is the last one's output; `None` where
/// the ways do not meet.
fn meeting<'s, 'a>(steps: &'s [Step<'a>], readers: &BTreeMap<String, usize>, value: &str) -> Option<Vec<&'s Step<'a>>> {
    let count = |value: &str| readers.get(value).copied().unwrap_or(0);
    let mut reached = BTreeSet::from([value]);
    // How often values that were reached are still to be read; being an output of the network is never done with.
    let mut open = count(value);
    let mut region = Vec::new();
    for step in steps {
        let read = step.inputs.iter().filter(|input| reached.contains(**input)).count();
        if read == 0 {
            continue;
        }
        region.push(step);
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
