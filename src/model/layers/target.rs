//! Which activation a heatmap explains: the default layer of a head, or the one a user names.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::model::layers::cells::Cells;
use crate::model::layers::scope::{self, Item};
use crate::model::read::printable::{list, printable};
use crate::model::{Head, Layer, Network};

/// Layers that a message lists at most.
const LISTED: usize = 24;

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
    /// that produces a single channel weighs features and is none. Where attention follows a convolution that has no activation, as
    /// in a vision transformer, they are the last normalised tokens all of which lead to the head, or the last map.
    /// Errors: no convolution with a map leads to the head.
    pub fn default_target(&self, head: &Head) -> Result<Target> {
        let features = self.last_features(head).ok_or_else(|| {
            let file = self.file.display();
            Error::input(format!("{file}: no convolution leads to the output `{}`", printable(&head.name)))
        })?;
        Ok(self.target(&features))
    }

    /// The target that `text` names: a layer, a tensor, a scope (its last layer), or an unambiguous part of a layer's or
    /// tensor's name.
    ///
    /// Errors: nothing, or more than one thing, has that name; the message lists what there is, with shapes.
    pub fn find_target(&self, text: &str) -> Result<Target> {
        if self.tensors().contains(&text) && self.layer(text).is_none() {
            return Ok(self.target(text));
        }
        match self.named_layer(text)? {
            Some(layer) => Ok(self.target(&layer.output_tensor)),
            None => self.tensor_part(text).map(|tensor| self.target(tensor)),
        }
    }

    /// The layer that `text` names: by its name or its output's, by a scope whose last one it is, or by an unambiguous part.
    ///
    /// Errors as for [`Network::find_target`].
    pub fn find_layer(&self, text: &str) -> Result<&Layer> {
        let by_output = || self.layers.iter().find(|layer| layer.output_tensor == text);
        match self.named_layer(text)?.or_else(by_output) {
            Some(layer) => Ok(layer),
            None => Err(self.unknown(text)),
        }
    }

    /// The only layer of that name, scope or part of a name; `None` where no name has it.
    ///
    /// Errors: several have.
    fn named_layer(&self, text: &str) -> Result<Option<&Layer>> {
        if let Some(layer) = self.layer(text) {
            return Ok(Some(layer));
        }
        let wanted = text.to_lowercase();
        let mut scopes = Vec::new();
        last_of_scope(&scope::tree(&self.layers, self.input.channels_last), text, &mut scopes);
        if let [only] = scopes.as_slice() {
            return Ok(Some(only));
        }
        let part = |layer: &&Layer| !wanted.is_empty() && layer.name.to_lowercase().contains(&wanted);
        let layers: Vec<&Layer> = self.layers.iter().filter(part).collect();
        match layers.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several => Err(self.unclear(text, "is part of several layers' names.", several)),
        }
    }

    /// The only tensor with this part in its name.
    fn tensor_part(&self, text: &str) -> Result<&str> {
        let wanted = text.to_lowercase();
        let parts: Vec<&str> =
            self.tensors().into_iter().filter(|name| name.to_lowercase().contains(&wanted)).collect();
        match parts.as_slice() {
            [only] => Ok(only),
            [] => Err(self.unknown(text)),
            several => {
                let names: BTreeSet<String> = several.iter().map(|name| printable(name)).collect();
                let file = self.file.display();
                let what = format!("`{}` is part of several tensors' names: {}", printable(text), list(&names));
                Err(Error::input(format!("{file}: {what}")))
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

    /// The layer whose name is most like the word; not for endless ones, as the time grows with the square.
    fn nearest(&self, wanted: &str) -> Option<&str> {
        let score = |layer: &Layer| strsim::jaro_winkler(&layer.name.to_lowercase(), wanted);
        let comparable = self.layers.iter().filter(|layer| layer.name.len().max(wanted.len()) <= 200);
        let best = comparable.max_by(|a, b| score(a).total_cmp(&score(b)))?;
        (score(best) > 0.7).then_some(best.name.as_str())
    }

    /// The message about a name that nothing has.
    fn unknown(&self, text: &str) -> Error {
        let nearest = self.nearest(&text.to_lowercase());
        let suggestion = nearest.map_or(".".into(), |name| format!("; did you mean `{}`?", printable(name)));
        let all: Vec<&Layer> = self.layers.iter().collect();
        self.unclear(text, &format!("is no layer or tensor{suggestion}"), &all)
    }

    /// A message with some layers and their shapes, the first few of many.
    fn unclear(&self, text: &str, what: &str, layers: &[&Layer]) -> Error {
        let line = |layer: &&Layer| {
            let shape = crate::model::layers::table::shape_text(&layer.output_shape);
            format!("\n  {} ({}) {shape}", printable(&layer.name), layer.kind)
        };
        let shown: String = layers.iter().take(LISTED).map(line).collect();
        let file = self.file.display();
        let rest = match layers.len().saturating_sub(LISTED) {
            0 => String::new(),
            rest => format!("\n  and {rest} more; `convscope inspect {file} --all` lists all"),
        };
        Error::input(format!("{file}: `{}` {what} There are:{shown}{rest}", printable(text)))
    }

    /// Whether a value has rows and columns of its own, more than one cell of them: no tokens, and none of attention's products.
    pub fn is_map(&self, value: &str) -> bool {
        let map = |cells: &Cells| matches!(cells, Cells::First { .. } | Cells::Last { .. }) && cells.several();
        self.values.probed(value).len() == 4 && self.cells.get(value).is_some_and(map)
    }
}

/// The last layers of all scopes of a name.
fn last_of_scope<'n>(items: &[Item<'n>], name: &str, found: &mut Vec<&'n Layer>) {
    for item in items {
        let Item::Group(group) = item else { continue };
        match item.layers().last() {
            Some(last) if group.name.eq_ignore_ascii_case(name) => found.push(last),
            _ => last_of_scope(&group.items, name, found),
        }
    }
}
