//! What is known of every value of the graph: its shape, and its content where it does not depend on the image.

use std::collections::BTreeMap;
use std::sync::Arc;

use tract_onnx::prelude::*;

/// The layout of the network's input: which axis is which, and how long, `None` where the file leaves it open.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Input {
    /// The ONNX value's name.
    pub name: String,
    /// Declared axes in their own order; `None` for an open axis.
    pub dims: Vec<Option<usize>>,
    /// Whether the axes are batch, height, width, channels; otherwise batch, channels, height, width.
    pub channels_last: bool,
    pub channels: usize,
    pub height: Option<usize>,
    pub width: Option<usize>,
    /// The element type in lower case: `float`, `uint8`, ….
    pub element: String,
}

impl Input {
    /// The shape of a batch of images in the network's own layout.
    pub fn shape(&self, batch: usize, (height, width): (usize, usize)) -> [usize; 4] {
        if self.channels_last { [batch, height, width, self.channels] } else { [batch, self.channels, height, width] }
    }

    /// The declared image size, height first, if neither axis is open.
    pub fn size(&self) -> Option<(usize, usize)> {
        Some((self.height?, self.width?))
    }
}

/// Shapes and constants of all values.
#[derive(Debug)]
pub(crate) struct Values {
    /// `None` for an axis that changes with the batch or the image size.
    pub shapes: BTreeMap<String, Vec<Option<usize>>>,
    /// Lengths of all axes at batch size 1 (or the only one possible) and image size `size`.
    pub probed: BTreeMap<String, Vec<usize>>,
    /// Values that do not depend on the image's pixels.
    pub constants: BTreeMap<String, Arc<Tensor>>,
    /// The image size at which `probed` holds.
    pub size: (usize, usize),
    /// The only batch size the network takes, if it is not free.
    pub fixed_batch: Option<usize>,
}

impl Values {
    pub fn is_constant(&self, value: &str) -> bool {
        self.constants.contains_key(value)
    }

    /// Lengths of the axes at the probed size; empty when unknown.
    pub fn probed(&self, value: &str) -> &[usize] {
        self.probed.get(value).map_or(&[], Vec::as_slice)
    }

    /// The integers of a small constant such as axes, pads or sizes.
    pub fn integers(&self, value: &str) -> Option<Vec<i64>> {
        let tensor = self.constants.get(value)?.cast_to_dt(i64::datum_type()).ok()?;
        Some(tensor.to_plain_array_view::<i64>().ok()?.iter().copied().collect())
    }

    /// The numbers of a small constant such as scales or bounds.
    pub fn numbers(&self, value: &str) -> Option<Vec<f32>> {
        let tensor = self.constants.get(value)?.cast_to_dt(f32::datum_type()).ok()?;
        Some(tensor.to_plain_array_view::<f32>().ok()?.iter().copied().collect())
    }
}
