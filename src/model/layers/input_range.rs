//! What the graph itself does to the image before its first layer: exporters often put the normalisation inside.

use crate::model::Network;
use crate::model::read::definition::Node;

/// The values that a network wants in its input, told from the normalisation that it does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// 0 to 255.
    Bytes,
    /// 0 to 1.
    Unit,
}

/// a·x + b for each channel, or for all of them.
struct Affine {
    factor: Vec<f64>,
    summand: Vec<f64>,
}

impl Affine {
    /// Multiplies by `factor` and adds `summand`; either has one value or as many as there are channels.
    fn then(&mut self, factor: &[f64], summand: &[f64]) {
        let count = [self.factor.len(), factor.len(), summand.len()].into_iter().max().unwrap_or(1);
        let at = |values: &[f64], channel: usize| values.get(channel).or(values.first()).copied().unwrap_or(0.0);
        let channels = (0..count).map(|channel| {
            let (by, plus) = (at(factor, channel), at(summand, channel));
            (at(&self.factor, channel) * by, at(&self.summand, channel) * by + plus)
        });
        (self.factor, self.summand) = channels.unzip();
    }
}

impl Network {
    /// The values that the input should have, where the graph begins with a normalisation by constants that tells; batch
    /// normalisation counts, by the mean and variance it learned.
    pub fn expects(&self) -> Option<Range> {
        let mut affine = Affine { factor: vec![1.0], summand: vec![0.0] };
        let mut value = self.input.name.as_str();
        let mut found = false;
        // The graph has no cycles, so the walk ends.
        while let Some(node) = self.only_reader(value) {
            if !matches!(node.op.as_str(), "Identity" | "Cast" | "Transpose") {
                let Some((factor, summand)) = self.step(node, value) else { break };
                affine.then(&factor, &summand);
                found = true;
            }
            value = node.output();
        }
        found.then_some(affine).and_then(|affine| range(&affine))
    }

    /// The one operator that reads a value's content.
    fn only_reader(&self, value: &str) -> Option<&Node> {
        let reads = |node: &&Node| node.op != "Shape" && node.inputs.iter().any(|input| input == value);
        let mut readers = self.definition.nodes.iter().filter(reads);
        readers.next().filter(|_| readers.next().is_none())
    }

    /// What an operator multiplies a value by and what it adds; `None` for anything but arithmetic with constants.
    fn step(&self, node: &Node, value: &str) -> Option<(Vec<f64>, Vec<f64>)> {
        let numbers = |input: usize| self.channel_values(node.inputs.get(input)?);
        let first = node.input() == value;
        let other = || numbers(usize::from(first));
        let inverse = |values: Vec<f64>| values.into_iter().map(|value| 1.0 / value).collect::<Vec<_>>();
        let negative = |values: Vec<f64>| values.into_iter().map(|value| -value).collect::<Vec<_>>();
        match node.op.as_str() {
            "Add" => Some((vec![1.0], other()?)),
            "Sub" if first => Some((vec![1.0], negative(other()?))),
            "Sub" => Some((vec![-1.0], other()?)),
            "Mul" => Some((other()?, vec![0.0])),
            "Div" if first => Some((inverse(other()?), vec![0.0])),
            "BatchNormalization" => {
                let (gamma, beta, mean, variance) = (numbers(1)?, numbers(2)?, numbers(3)?, numbers(4)?);
                let epsilon = f64::from(node.float("epsilon").unwrap_or(1e-5));
                let factor: Vec<f64> =
                    gamma.iter().zip(&variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
                let summand =
                    beta.iter().zip(&factor).zip(&mean).map(|((beta, factor), mean)| beta - factor * mean).collect();
                Some((factor, summand))
            }
            _ => None,
        }
    }

    /// The numbers of a constant with one value, or one for each of the image's channels.
    fn channel_values(&self, constant: &str) -> Option<Vec<f64>> {
        let values = self.values.numbers(constant)?;
        let fits = values.len() == 1 || values.len() == self.input.channels;
        fits.then(|| values.into_iter().map(f64::from).collect())
    }
}

/// The range of x for which a·x + b is normalised: its centre −b/a and its width 1/a tell.
fn range(affine: &Affine) -> Option<Range> {
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::NEG_INFINITY, f64::max);
    let pairs = || affine.factor.iter().zip(&affine.summand);
    let width = largest(&mut pairs().map(|(a, _)| 1.0 / a.abs()));
    let centre = largest(&mut pairs().map(|(a, b)| -b / a));
    if !width.is_finite() || !centre.is_finite() {
        None
    } else if width > 10.0 || centre > 2.0 {
        Some(Range::Bytes)
    } else if width <= 1.0 && (0.2..=1.0).contains(&centre) {
        Some(Range::Unit)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{Fixture, ints};

    /// What a network expects that begins with these operators on its image and constants of three channels.
    fn expected(steps: &[(&str, &[f32])]) -> Option<Range> {
        let mut fixture = Fixture::new("x", &[1, 3, 8, 8]);
        let mut value = "x".to_string();
        for (number, (op, values)) in steps.iter().enumerate() {
            let (constant, next) = (format!("c{number}"), format!("v{number}"));
            let dims = if values.len() == 1 { vec![] } else { vec![1, 3, 1, 1] };
            fixture.floats(&constant, &dims, values).node(op, &[&value, &constant], &next, vec![]);
            value = next;
        }
        fixture.conv(&value, "conv", [2, 3, 3, 3], vec![]).node("Relu", &["conv"], "y", vec![]);
        fixture.output("y").load().expects()
    }

    #[test]
    fn normalisations_inside_the_graph_tell_what_they_want() {
        assert_eq!(expected(&[]), None);
        // Keras's Rescaling, also to ±1, and its Normalization after it.
        assert_eq!(expected(&[("Mul", &[1.0 / 255.0])]), Some(Range::Bytes));
        assert_eq!(expected(&[("Div", &[127.5]), ("Sub", &[1.0])]), Some(Range::Bytes));
        let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        assert_eq!(expected(&[("Mul", &[1.0 / 255.0]), ("Sub", &mean), ("Div", &std)]), Some(Range::Bytes));
        // Means of bytes subtracted, as Caffe's.
        assert_eq!(expected(&[("Sub", &[123.68, 116.779, 103.939])]), Some(Range::Bytes));
        // torchvision's Normalize, and a rescaling from 0..1 to ±1.
        assert_eq!(expected(&[("Sub", &mean), ("Div", &std)]), Some(Range::Unit));
        assert_eq!(expected(&[("Mul", &[2.0]), ("Add", &[-1.0])]), Some(Range::Unit));
        // Nothing is told by a sign or a factor of one.
        assert_eq!(expected(&[("Mul", &[1.0])]), None);
        assert_eq!(expected(&[("Mul", &[0.0])]), None);
    }

    #[test]
    fn a_batch_normalisation_of_the_image_tells_by_what_it_learned() {
        let of = |mean: f32, variance: f32| {
            let mut fixture = Fixture::new("x", &[1, 3, 8, 8]);
            fixture.floats("g", &[3], &[1.0; 3]).floats("b", &[3], &[0.0; 3]);
            fixture.floats("m", &[3], &[mean; 3]).floats("v", &[3], &[variance; 3]);
            fixture.node("BatchNormalization", &["x", "g", "b", "m", "v"], "n", vec![]);
            fixture.conv("n", "y", [2, 3, 3, 3], vec![ints("strides", &[2, 2])]);
            fixture.output("y").load().expects()
        };
        assert_eq!(of(118.0, 3600.0), Some(Range::Bytes));
        assert_eq!(of(0.45, 0.06), Some(Range::Unit));
        assert_eq!(of(0.01, 1.1), None);
    }
}
