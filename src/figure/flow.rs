//! The flow of shapes through a network.
