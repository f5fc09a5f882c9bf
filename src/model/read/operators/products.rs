//! Sums of products: matrices, Einstein sums, attention, and the classical learners of ai.onnx.ml.

use super::{Attribute, FLAG, FLOAT, INDEX, NUMBER, Operator, Rule, TYPE, VALUE, WHOLE, input, row};

pub(super) const ROWS: &[Operator] = &[
    row(&["MatMul"], 1, &[input("A", NUMBER).from(1), input("B", NUMBER).from(1)], &[]),
    row(&["Gemm"], 7, &[matrix("A"), matrix("B"), input("C", NUMBER).between(0, 2)], GEMM),
    row(&["Gemm"], 11, &[matrix("A"), matrix("B"), input("C", NUMBER).between(0, 2).optional()], GEMM),
    row(&["Einsum"], 12, &[input("Inputs", NUMBER).repeated()], &[("equation", Rule::Text)]),
    row(
        &["Attention"],
        23,
        &[
            input("Q", FLOAT).between(3, 4),
            input("K", FLOAT).between(3, 4),
            input("V", FLOAT).between(3, 4),
            input("attn_mask", VALUE).between(2, 4).optional(),
            input("past_key", FLOAT).rank(4).optional(),
            input("past_value", FLOAT).rank(4).optional(),
            input("nonpad_kv_seqlen", INDEX).rank(1).optional(),
        ],
        &[
            ("is_causal", FLAG),
            ("kv_num_heads", super::COUNT),
            ("q_num_heads", super::COUNT),
            ("qk_matmul_output_mode", Rule::Int(0, 3)),
            ("scale", Rule::Float),
            ("softcap", Rule::Float),
            ("softmax_precision", TYPE),
        ],
    ),
    row(
        &["RotaryEmbedding"],
        23,
        &[
            input("X", FLOAT).between(3, 4),
            input("cos_cache", FLOAT).between(2, 3),
            input("sin_cache", FLOAT).between(2, 3),
            input("position_ids", INDEX).rank(2).optional(),
        ],
        &[("interleaved", FLAG), ("num_heads", HEADS), ("rotary_embedding_dim", HEADS)],
    ),
    row(
        &["LinearClassifier"],
        1,
        &[input("X", NUMBER).between(1, 2)],
        &[
            ("classlabels_ints", Rule::Ints(i64::MIN, i64::MAX)),
            ("classlabels_strings", Rule::Texts),
            ("coefficients", Rule::Floats),
            ("intercepts", Rule::Floats),
            ("multi_class", WHOLE),
            ("post_transform", Rule::Text),
        ],
    ),
    row(
        &["LinearRegressor"],
        1,
        &[input("X", NUMBER).between(1, 2)],
        &[
            ("coefficients", Rule::Floats),
            ("intercepts", Rule::Floats),
            ("post_transform", Rule::Text),
            ("targets", super::COUNT),
        ],
    ),
    row(&["Normalizer"], 1, &[input("X", NUMBER).between(1, 2)], &[("norm", Rule::Word(&["MAX", "L1", "L2"]))]),
    row(&["TreeEnsembleClassifier"], 1, &[input("X", NUMBER).between(1, 2)], &[("post_transform", Rule::Text)]),
];

const fn matrix(name: &'static str) -> super::Operand {
    input(name, NUMBER).rank(2)
}

/// Numbers of heads and widths that 0 leaves open.
pub(super) const HEADS: Rule = Rule::Int(0, 1 << 20);

const GEMM: &[Attribute] = &[("alpha", Rule::Float), ("beta", Rule::Float), ("transA", FLAG), ("transB", FLAG)];
