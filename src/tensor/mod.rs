//! Arithmetic on ndarray: the matrix product, windows, resizing.
