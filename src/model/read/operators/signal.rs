//! Fourier transforms and windows of signals.

use super::{FLAG, FLOAT, INDEX, Operator, Rule, TYPE, input, number, row};

pub(super) const ROWS: &[Operator] = &[
    // The last axis holds real and imaginary parts.
    row(
        &["DFT"],
        17,
        &[input("input", FLOAT).from(2), number("dft_length", INDEX).optional()],
        &[("axis", Rule::Axis(Some(1))), ("inverse", FLAG), ("onesided", FLAG)],
    ),
    row(
        &["DFT"],
        20,
        &[
            input("input", FLOAT).from(2),
            number("dft_length", INDEX).optional(),
            number("axis", INDEX).naming_axes().optional(),
        ],
        &[("inverse", FLAG), ("onesided", FLAG)],
    ),
    row(
        &["STFT"],
        17,
        &[
            input("signal", FLOAT).between(2, 3),
            number("frame_step", INDEX),
            input("window", FLOAT).rank(1).optional(),
            number("frame_length", INDEX).optional(),
        ],
        &[("onesided", FLAG)],
    ),
    row(
        &["BlackmanWindow", "HammingWindow", "HannWindow"],
        17,
        &[number("size", INDEX)],
        &[("output_datatype", TYPE), ("periodic", FLAG)],
    ),
    row(
        &["MelWeightMatrix"],
        17,
        &[
            number("num_mel_bins", INDEX),
            number("dft_length", INDEX),
            number("sample_rate", INDEX),
            number("lower_edge_hertz", FLOAT),
            number("upper_edge_hertz", FLOAT),
        ],
        &[("output_datatype", TYPE)],
    ),
];
