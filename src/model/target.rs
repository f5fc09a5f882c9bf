//! Which activation a heatmap explains: the default layer of a head, or the one a user names.

use super::{Head, Layer, Network, refusal::printable};
use crate::error::{Error, Result};

/// An activation chosen as target.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Target {
    /// ONNX value name.
    pub tensor: String,
    /// The layer it is the output of, if it is one's.
    pub layer: Option<String>,
}

impl Network {
    /// The last feature map before `head`, as people take it for Grad-CAM.
    ///
    /// From the last convolution the way leads through normalisations, gates, additions and concatenations to the first
    /// activation, never through a pooling; a 1×1 convolution that produces the class scores belongs to the head, and one
    /// that produces a single channel weighs features and is none.
    /// Errors: no convolution with a map leads to the head.
    pub fn default_target(&self, head: &Head) -> Result<Target> {
        let features = self.last_features(head).ok_or_else(|| {
            let file = self.file.display();
            Error::input(format!("{file}: no convolution leads to the output `{}`", printable(&head.name)))
        })?;
        Ok(self.target(&features))
    }

    /// The target that `text` names: a layer, a tensor, or an unambiguous part of either.
    ///
    /// Errors: nothing, or more than one thing, has that name; the message lists what there is, with shapes.
    pub fn find_target(&self, text: &str) -> Result<Target> {
        if let Some(layer) = self.layer(text) {
            return Ok(self.target(&layer.output_tensor));
        }
        let tensors: Vec<&str> = self.tensors();
        if tensors.contains(&text) {
            return Ok(self.target(text));
        }
        let wanted = text.to_lowercase();
        let layers: Vec<&Layer> =
            self.layers.iter().filter(|layer| layer.name.to_lowercase().contains(&wanted)).collect();
        match layers.as_slice() {
            [only] if !wanted.is_empty() => return Ok(self.target(&only.output_tensor)),
            [] => {}
            several => return Err(self.unclear(text, "is part of several layers' names", several, None)),
        }
        let parts: Vec<&str> = tensors.into_iter().filter(|name| name.to_lowercase().contains(&wanted)).collect();
        match parts.as_slice() {
            [only] => Ok(self.target(only)),
            [] => {
                let all: Vec<&Layer> = self.layers.iter().collect();
                Err(self.unclear(text, "is no layer or tensor", &all, self.nearest(&wanted)))
            }
            several => {
                let names: Vec<String> = several.iter().take(20).map(|name| printable(name)).collect();
                let file = self.file.display();
                Err(Error::input(format!(
                    "{file}: `{}` is part of several tensors' names: {}",
                    printable(text),
                    names.join(", ")
                )))
            }
        }
    }

    fn target(&self, tensor: &str) -> Target {
        let layer = self.layers.iter().find(|layer| layer.output_tensor == tensor).map(|layer| layer.name.clone());
        Target { tensor: tensor.to_string(), layer }
    }

    /// All values that depend on the image.
    fn tensors(&self) -> Vec<&str> {
        self.outlets.keys().map(String::as_str).filter(|name| !self.values.is_constant(name)).collect()
    }

    fn nearest(&self, wanted: &str) -> Option<&str> {
        let score = |layer: &Layer| strsim::jaro_winkler(&layer.name.to_lowercase(), wanted);
        let best = self.layers.iter().max_by(|a, b| score(a).total_cmp(&score(b)))?;
        (score(best) > 0.7).then_some(best.name.as_str())
    }

    fn unclear(&self, text: &str, what: &str, layers: &[&Layer], nearest: Option<&str>) -> Error {
        let line = |layer: &&Layer| {
            let shape = super::table::shape_text(&layer.output_shape);
            format!("\n  {} ({}) {shape}", printable(&layer.name), layer.kind)
        };
        let suggestion = nearest.map_or(String::new(), |name| format!("; did you mean `{}`?", printable(name)));
        let list: Vec<String> = layers.iter().map(line).collect();
        let file = self.file.display();
        Error::input(format!("{file}: `{}` {what}{suggestion} There are:{}", printable(text), list.concat()))
    }

    /// Whether a value has rows and columns, more than one cell of them.
    pub fn is_map(&self, value: &str) -> bool {
        match *self.values.probed(value) {
            [_, a, b, c] if self.layouts.channels_last(value) => c > 0 && a * b > 1,
            [_, _, b, c] => b * c > 1,
            _ => false,
        }
    }
}
