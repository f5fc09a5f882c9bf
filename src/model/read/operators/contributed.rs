//! Operators of the domain com.microsoft, which onnxruntime's optimiser writes.

use super::products::HEADS;
use super::{ANY, COUNT, FLAG, FLOAT, INDEX, Operator, Rule, SMALL, contributed, input};

pub(super) const ROWS: &[Operator] = &[
    contributed(&["BiasGelu"], &[input("A", FLOAT), input("B", FLOAT).rank(1)], &[]),
    contributed(&["FastGelu"], &[input("X", FLOAT), input("bias", FLOAT).rank(1).optional()], &[]),
    contributed(&["QuickGelu"], &[input("X", FLOAT)], &[("alpha", Rule::Float)]),
    contributed(&["Gelu"], &[input("X", FLOAT)], &[]),
    contributed(
        &["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"],
        &[
            input("input", FLOAT).between(2, 3),
            input("skip", FLOAT).between(2, 3),
            input("gamma", FLOAT).rank(1),
            input("beta", FLOAT).rank(1).optional(),
            input("bias", FLOAT).rank(1).optional(),
        ],
        &[("epsilon", Rule::Float)],
    ),
    contributed(
        &["MultiHeadAttention"],
        &[
            input("query", FLOAT).between(3, 5),
            input("key", FLOAT).between(3, 5).optional(),
            input("value", FLOAT).between(3, 4).optional(),
            input("bias", FLOAT).rank(1).optional(),
            input("key_padding_mask", INDEX).between(1, 3).optional(),
            input("attention_bias", FLOAT).rank(4).optional(),
            input("past_key", FLOAT).rank(4).optional(),
            input("past_value", FLOAT).rank(4).optional(),
        ],
        &[("num_heads", COUNT), ("scale", Rule::Float)],
    ),
    contributed(
        &["GroupQueryAttention"],
        &[
            input("query", FLOAT).rank(3),
            input("key", FLOAT).rank(3).optional(),
            input("value", FLOAT).rank(3).optional(),
            input("past_key", FLOAT).rank(4).optional(),
            input("past_value", FLOAT).rank(4).optional(),
            input("seqlens_k", INDEX).between(1, 2),
            input("total_sequence_length", INDEX).between(0, 1),
            input("cos_cache", FLOAT).rank(2).optional(),
            input("sin_cache", FLOAT).rank(2).optional(),
        ],
        &[("num_heads", COUNT), ("kv_num_heads", COUNT), ("scale", Rule::Float)],
    ),
    contributed(
        &["RotaryEmbedding"],
        &[
            input("input", FLOAT).between(3, 4),
            input("position_ids", INDEX).between(1, 2),
            input("cos_cache", FLOAT).rank(2),
            input("sin_cache", FLOAT).rank(2),
        ],
        &[("interleaved", FLAG), ("num_heads", HEADS), ("rotary_embedding_dim", HEADS), ("scale", Rule::Float)],
    ),
    contributed(
        &["MatMulNBits"],
        &[
            input("A", FLOAT).from(1),
            input("B", SMALL).between(1, 3),
            input("scales", FLOAT).between(1, 2),
            input("zero_points", ANY).between(1, 2).optional(),
            input("g_idx", INDEX).rank(1).optional(),
            input("bias", FLOAT).rank(1).optional(),
        ],
        &[("K", COUNT), ("N", COUNT), ("bits", Rule::Int(2, 8)), ("block_size", Rule::Int(16, 1 << 16))],
    ),
    contributed(
        &["GatherBlockQuantized"],
        &[
            input("data", SMALL).from(1),
            input("indices", INDEX),
            input("scales", FLOAT).of_first_rank(),
            input("zero_points", SMALL).of_first_rank().optional(),
        ],
        &[
            ("bits", Rule::Int(2, 8)),
            ("block_size", Rule::Int(16, 1 << 16)),
            ("gather_axis", Rule::Axis(Some(0))),
            ("quantize_axis", Rule::Axis(Some(1))),
        ],
    ),
];
