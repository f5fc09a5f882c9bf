//! Numbers about maps and predictions, one metric a file.
