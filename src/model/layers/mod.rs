//! A network as a list of layers: architecture rows, names and scopes, heads, the layer that heatmaps explain, receptive fields.

pub(crate) mod cells;
pub(crate) mod chain;
pub mod convolution;
pub(crate) mod cost;
pub(crate) mod features;
pub mod head;
pub mod input_range;
pub(crate) mod kind;
pub mod layer;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod name;
pub mod receptive_field;
pub(crate) mod row;
pub mod scope;
pub(crate) mod step;
pub mod table;
pub mod target;
pub(crate) mod work;
