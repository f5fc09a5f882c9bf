//! A row of the architecture as Keras would print it: a layer with its shape, its parameters and what is folded into it.

use crate::model::layers::convolution::Convolution;

/// One row of the architecture.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Layer {
    pub name: String,
    /// Keras's class: `Conv2D`, `Dense`, ….
    pub kind: String,
    /// In the network's own layout, `None` for the batch and for open axes.
    pub output_shape: Vec<Option<usize>>,
    /// All parameters, trainable or not. A weight used twice counts where it is used first.
    pub parameters: usize,
    pub trainable: usize,
    /// Multiplications with their additions for one image, at the listed image size; see [`crate::model::layers::cost`].
    pub multiply_adds: usize,
    /// Numbers in its output for one image, at the listed image size.
    pub output_values: usize,
    /// Layers whose outputs it reads, in Keras's form `flatten_1[0][0]`.
    pub connected_to: Vec<String>,
    /// The activation folded into the layer: `relu`, `softmax`, `silu`, ….
    pub activation: Option<String>,
    /// ONNX values the layer reads that depend on the image.
    pub input_tensors: Vec<String>,
    /// ONNX value of its output, after the folded activation.
    pub output_tensor: String,
    /// ONNX value before the folded activation; [`Layer::output_tensor`] without one.
    pub pre_activation: String,
    /// The axis of `output_tensor` (in its own, possibly channels-first layout) along which channels or units lie.
    pub channel_axis: usize,
    pub convolution: Option<Convolution>,
}

impl Layer {
    /// Whether the output is an image of features: rows and columns, and more than one cell of them. A gate's single
    /// cell per channel, (None, 1, 1, 8), is none.
    pub fn is_map(&self) -> bool {
        let long = self.output_shape.iter().skip(1).filter(|length| **length != Some(1)).count();
        self.output_shape.len() == 4 && long > 1
    }
}

/// Sums over the rows, as Keras prints them below its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    pub parameters: usize,
    pub trainable: usize,
    pub non_trainable: usize,
    /// Multiplications with their additions for one image.
    pub multiply_adds: usize,
    /// Numbers in all layers' outputs for one image.
    pub output_values: usize,
}

/// The totals of `layers`.
pub fn totals(layers: &[Layer]) -> Totals {
    let parameters = layers.iter().map(|layer| layer.parameters).sum();
    let trainable = layers.iter().map(|layer| layer.trainable).sum();
    let multiply_adds = layers.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.multiply_adds));
    let output_values = layers.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.output_values));
    Totals { parameters, trainable, non_trainable: parameters - trainable, multiply_adds, output_values }
}

/// Whether the layers form a chain, which Keras prints without its input row and without connections.
pub(crate) fn sequential(layers: &[Layer]) -> bool {
    let mut above: Option<&Layer> = None;
    layers.iter().all(|layer| {
        let chained = match above {
            None => layer.connected_to.is_empty(),
            Some(above) => layer.connected_to == [format!("{}[0][0]", above.name)],
        };
        above = Some(layer);
        chained
    })
}
