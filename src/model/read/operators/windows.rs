//! Operators that look through windows: convolutions, poolings, and normalisations over neighbouring channels.

use super::{Attribute, FLAG, FLOAT, NUMBER, Operand, Operator, Rule, input, row};
use crate::model::read::statistics;

/// Longest stride, dilation, padding or side of a window, far above those of any network.
pub(super) const LONGEST: i64 = 1 << 16;

pub(super) const ROWS: &[Operator] = &[
    row(&["Conv"], 1, &[image("X"), kernel("W"), channel("B").optional()], CONVOLUTION),
    row(&["ConvTranspose"], 1, &[image("X"), kernel("W"), channel("B").optional()], CONVOLUTION),
    row(&["AveragePool", "LpPool"], 1, &[image("X")], POOLING),
    row(&["MaxPool"], 1, &[input("X", NUMBER).from(3)], POOLING),
    row(&["GlobalAveragePool", "GlobalMaxPool"], 1, &[image("X")], &[]),
    row(&["GlobalLpPool"], 2, &[image("X")], &[("p", Rule::Int(1, LONGEST))]),
    row(
        &["LRN"],
        1,
        &[image("X")],
        &[("size", Rule::Int(1, LONGEST)), ("alpha", Rule::Float), ("beta", Rule::Float), ("bias", Rule::Float)],
    ),
    row(
        &["BatchNormalization", statistics::OPERATOR],
        1,
        &[input("X", FLOAT).from(2), channel("scale"), channel("B"), channel("input_mean"), channel("input_var")],
        &[
            ("epsilon", Rule::Float),
            ("momentum", Rule::Float),
            ("spatial", FLAG),
            ("is_test", FLAG),
            ("training_mode", FLAG),
        ],
    ),
    row(&["InstanceNormalization"], 1, &[image("input"), channel("scale"), channel("B")], &[("epsilon", Rule::Float)]),
    row(
        &["GroupNormalization"],
        18,
        &[input("X", FLOAT).from(2), channel("scale"), channel("bias")],
        &[("epsilon", Rule::Float), ("num_groups", Rule::Int(1, LONGEST)), ("stash_type", super::TYPE)],
    ),
];

/// Batch, channels and at least one side.
const fn image(name: &'static str) -> Operand {
    input(name, FLOAT).from(3)
}

const fn kernel(name: &'static str) -> Operand {
    input(name, FLOAT).of_first_rank()
}

/// A number for each channel.
const fn channel(name: &'static str) -> Operand {
    input(name, FLOAT).rank(1)
}

const SIDES: Rule = Rule::Ints(1, LONGEST);
const PADS: Rule = Rule::Ints(0, LONGEST);
const AUTO_PAD: Attribute = ("auto_pad", Rule::Word(&["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]));

const CONVOLUTION: &[Attribute] = &[
    AUTO_PAD,
    ("dilations", SIDES),
    ("group", Rule::Int(1, LONGEST)),
    ("kernel_shape", SIDES),
    ("output_padding", PADS),
    ("output_shape", SIDES),
    ("pads", PADS),
    ("strides", SIDES),
];

const POOLING: &[Attribute] = &[
    AUTO_PAD,
    ("ceil_mode", FLAG),
    ("count_include_pad", FLAG),
    ("dilations", SIDES),
    ("kernel_shape", SIDES),
    ("p", Rule::Int(1, LONGEST)),
    ("pads", PADS),
    ("storage_order", FLAG),
    ("strides", SIDES),
];
