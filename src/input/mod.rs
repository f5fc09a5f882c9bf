//! Images with labels: generated lines and drawn digits, IDX files, photographs.

pub mod digit;
pub mod export;
pub mod files;
pub mod idx;
pub mod image;
pub mod labels;
pub mod line;
pub mod loaded;
pub mod other_inputs;
pub mod prepared;
pub mod preprocessing;
pub mod scores;
pub mod sources;
