//! Images with labels: generated lines and drawn digits, IDX files, photographs.

pub mod line;
