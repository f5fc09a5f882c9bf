//! Operators along axes: reductions, softmax, normalisations, sorting, sums.

use super::{Attribute, FLAG, FLOAT, INDEX, NUMBER, Operator, Rule, TYPE, VALUE, input, list, number, row};

pub(super) const ROWS: &[Operator] = &[
    row(
        &[
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSum",
            "ReduceSumSquare",
        ],
        1,
        &[input("data", VALUE)],
        &[("axes", Rule::Axes(&[])), ("keepdims", FLAG)],
    ),
    row(&["ReduceSum"], 13, &[input("data", VALUE), axes()], REDUCTION),
    row(
        &[
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSumSquare",
        ],
        18,
        &[input("data", VALUE), axes()],
        REDUCTION,
    ),
    row(
        &["ArgMax", "ArgMin"],
        1,
        &[input("data", NUMBER).from(1)],
        &[("axis", Rule::Axis(Some(0))), ("keepdims", FLAG), ("select_last_index", FLAG)],
    ),
    row(&["Hardmax", "LogSoftmax", "Softmax"], 1, &[input("input", FLOAT).from(1)], &[("axis", Rule::Place(1))]),
    row(&["Hardmax", "LogSoftmax", "Softmax"], 13, &[input("input", FLOAT).from(1)], &[("axis", Rule::Axis(Some(-1)))]),
    row(
        &["LpNormalization"],
        1,
        &[input("input", FLOAT).from(1)],
        &[("axis", Rule::Axis(Some(-1))), ("p", Rule::Int(1, 2))],
    ),
    row(&["MeanVarianceNormalization"], 9, &[input("X", FLOAT).from(1)], &[("axes", Rule::Axes(&[0, 2, 3]))]),
    row(
        &["LayerNormalization"],
        17,
        &[input("X", FLOAT).from(1), input("Scale", FLOAT), input("B", FLOAT).optional()],
        NORMALISATION,
    ),
    row(
        &["RMSNormalization", "SimplifiedLayerNormalization"],
        1,
        &[input("X", FLOAT).from(1), input("scale", FLOAT), input("B", FLOAT).optional()],
        NORMALISATION,
    ),
    row(&["TopK"], 1, &[input("X", NUMBER).from(1)], &[("axis", Rule::Axis(Some(-1))), ("k", super::COUNT)]),
    row(
        &["TopK"],
        10,
        &[input("X", NUMBER).from(1), number("K", INDEX)],
        &[("axis", Rule::Axis(Some(-1))), ("largest", FLAG), ("sorted", FLAG)],
    ),
    row(
        &["CumSum"],
        11,
        &[input("x", NUMBER).from(1), number("axis", INDEX).naming_axes()],
        &[("exclusive", FLAG), ("reverse", FLAG)],
    ),
];

const fn axes() -> super::Operand {
    list("axes").between(0, 1).naming_axes().optional()
}

const REDUCTION: &[Attribute] = &[("keepdims", FLAG), ("noop_with_empty_axes", FLAG)];

const NORMALISATION: &[Attribute] = &[("axis", Rule::Axis(Some(-1))), ("epsilon", Rule::Float), ("stash_type", TYPE)];
