//! Maps and numbers drawn as PNG and SVG bytes.
