//! Operators that move elements about, choose some of them, or make shapes.

use super::{ANY, BOOL, COUNT, FLAG, FLOAT, INDEX, NUMBER, Operator, Rule, TYPE, WHOLE, input, list, number, row};

pub(super) const ROWS: &[Operator] = &[
    row(&["Shape"], 1, &[input("data", ANY)], &[("start", WHOLE), ("end", WHOLE)]),
    row(&["Size"], 1, &[input("data", ANY)], &[]),
    row(&["ConstantOfShape"], 9, &[list("input")], &[("value", Rule::Tensor)]),
    row(&["EyeLike"], 9, &[input("input", ANY).rank(2)], &[("dtype", TYPE), ("k", WHOLE)]),
    row(
        &["Range"],
        11,
        &[number("start", NUMBER), number("limit", NUMBER), number("delta", NUMBER)],
        &[("stash_type", TYPE)],
    ),
    row(
        &["OneHot"],
        9,
        &[input("indices", NUMBER), number("depth", NUMBER), input("values", ANY).rank(1)],
        &[("axis", Rule::NewAxis(-1))],
    ),
    row(&["Concat"], 4, &[input("inputs", ANY).from(1).repeated()], &[("axis", Rule::Axis(None))]),
    row(&["Flatten"], 1, &[input("input", ANY)], &[("axis", Rule::Place(1))]),
    row(&["Reshape"], 5, &[input("data", ANY), list("shape")], &[("allowzero", FLAG)]),
    row(&["Expand"], 8, &[input("input", ANY), list("shape")], &[]),
    row(&["Tile"], 6, &[input("input", ANY), list("repeats")], &[]),
    row(&["Transpose"], 1, &[input("data", ANY)], &[("perm", Rule::Permutation)]),
    row(&["Squeeze"], 1, &[input("data", ANY)], &[("axes", Rule::Axes(&[]))]),
    row(&["Squeeze"], 13, &[input("data", ANY), list("axes").naming_axes().optional()], &[]),
    row(&["Unsqueeze"], 1, &[input("data", ANY)], &[("axes", Rule::NewAxes)]),
    row(&["Unsqueeze"], 13, &[input("data", ANY), list("axes").between(0, 1).naming_new_axes()], &[]),
    row(
        &["Split"],
        2,
        &[input("input", ANY).from(1)],
        &[("axis", Rule::Axis(Some(0))), ("split", Rule::Ints(0, 1 << 31))],
    ),
    row(
        &["Split"],
        13,
        &[input("input", ANY).from(1), list("split").optional()],
        &[("axis", Rule::Axis(Some(0))), ("num_outputs", COUNT)],
    ),
    row(
        &["Slice"],
        1,
        &[input("data", ANY).from(1)],
        &[
            ("starts", Rule::Ints(i64::MIN, i64::MAX)),
            ("ends", Rule::Ints(i64::MIN, i64::MAX)),
            ("axes", Rule::Axes(&[])),
        ],
    ),
    row(
        &["Slice"],
        10,
        &[
            input("data", ANY).from(1),
            list("starts"),
            list("ends"),
            list("axes").naming_axes().optional(),
            list("steps").optional(),
        ],
        &[],
    ),
    row(&["Pad"], 2, &[input("data", ANY)], &[("pads", PADS), ("mode", MODES), ("value", Rule::Float)]),
    row(
        &["Pad"],
        11,
        &[
            input("data", ANY),
            list("pads"),
            number("constant_value", ANY).optional(),
            list("axes").naming_axes().optional(),
        ],
        &[("mode", MODES)],
    ),
    row(&["Gather"], 1, &[input("data", ANY).from(1), input("indices", INDEX)], &[("axis", Rule::Axis(Some(0)))]),
    row(
        &["GatherElements"],
        11,
        &[input("data", ANY).from(1), input("indices", INDEX).of_first_rank()],
        &[("axis", Rule::Axis(Some(0)))],
    ),
    row(
        &["GatherND"],
        11,
        &[input("data", ANY).from(1), input("indices", INDEX).from(1)],
        &[("batch_dims", Rule::Int(0, 64))],
    ),
    row(
        &["Scatter", "ScatterElements"],
        9,
        &[input("data", ANY).from(1), input("indices", INDEX).of_first_rank(), input("updates", ANY).of_first_rank()],
        &[("axis", Rule::Axis(Some(0))), ("reduction", REDUCTIONS)],
    ),
    row(
        &["ScatterND"],
        11,
        &[input("data", ANY).from(1), input("indices", INDEX).from(1), input("updates", ANY)],
        &[("reduction", REDUCTIONS)],
    ),
    row(&["ArrayFeatureExtractor"], 1, &[input("X", ANY).from(1), input("Y", INDEX).between(0, 2)], &[]),
    row(
        &["Compress"],
        9,
        &[input("input", ANY).from(1), input("condition", BOOL).rank(1)],
        &[("axis", Rule::Axis(None))],
    ),
    row(&["NonZero"], 9, &[input("X", ANY)], &[]),
    row(&["Trilu"], 14, &[input("input", ANY).from(2), number("k", INDEX).optional()], &[("upper", FLAG)]),
    row(
        &["DepthToSpace", "SpaceToDepth"],
        1,
        &[input("input", ANY).rank(4)],
        &[("blocksize", Rule::Int(1, super::windows::LONGEST)), ("mode", Rule::Word(&["DCR", "CRD"]))],
    ),
    // Before version 9 the scales were an attribute, which has become an input by now.
    row(&["Upsample"], 7, &[input("X", ANY).from(1), input("scales", FLOAT).rank(1)], &[("mode", Rule::Text)]),
    row(&["Resize"], 10, &[input("X", ANY).from(1), input("scales", FLOAT).rank(1)], &[("mode", Rule::Text)]),
    row(
        &["Resize"],
        11,
        &[
            input("X", ANY).from(1),
            input("roi", FLOAT).rank(1).optional(),
            input("scales", FLOAT).rank(1).optional(),
            list("sizes").optional(),
        ],
        &[
            ("mode", Rule::Text),
            ("coordinate_transformation_mode", Rule::Text),
            ("nearest_mode", Rule::Text),
            ("keep_aspect_ratio_policy", Rule::Text),
            ("cubic_coeff_a", Rule::Float),
            ("extrapolation_value", Rule::Float),
            ("exclude_outside", FLAG),
            ("antialias", FLAG),
            ("axes", Rule::Axes(&[])),
        ],
    ),
    row(
        &["GridSample"],
        16,
        &[input("X", ANY).between(3, 5), input("grid", FLOAT).of_first_rank()],
        &[("align_corners", FLAG), ("mode", Rule::Text), ("padding_mode", Rule::Text)],
    ),
    row(
        &["NonMaxSuppression"],
        10,
        &[
            input("boxes", FLOAT).rank(3),
            input("scores", FLOAT).rank(3),
            number("max_output_boxes_per_class", INDEX).optional(),
            number("iou_threshold", FLOAT).optional(),
            number("score_threshold", FLOAT).optional(),
        ],
        &[("center_point_box", FLAG)],
    ),
];

const PADS: Rule = Rule::Ints(-super::windows::LONGEST, super::windows::LONGEST);
const MODES: Rule = Rule::Word(&["constant", "reflect", "edge", "wrap"]);
const REDUCTIONS: Rule = Rule::Word(&["none", "add", "mul", "max", "min"]);
