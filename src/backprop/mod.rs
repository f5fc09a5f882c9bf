//! The hand-written chain rule over the gradient graph.
