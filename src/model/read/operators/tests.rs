//! The table knows every operator that is read, and refuses what ONNX does not allow.

use super::{Domain, TABLE, operator};
use crate::model::fixture::{Fixture, float, int, ints, text};
use crate::model::read::opset::reader;
use crate::model::read::refusal::refused_kind;

#[test]
fn every_operator_that_is_read_has_a_row() {
    let reader = reader();
    let mut missing: Vec<&String> = reader.op_register.0.keys().filter(|op| operator("", op, 20).is_none()).collect();
    missing.retain(|op| refused_kind(op).is_none());
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn rows_are_told_apart_by_version_and_domain() {
    let inputs = |name: &str, version: i64| operator("", name, version).unwrap().inputs.len();
    assert_eq!((inputs("Clip", 7), inputs("Clip", 10), inputs("Clip", 11), inputs("Clip", i64::MAX)), (1, 1, 3, 3));
    assert_eq!((inputs("DFT", 18), inputs("DFT", 20)), (2, 3));
    assert_eq!(inputs("Gelu", 17), 1, "newer than the file says");
    assert_eq!(operator("", "RotaryEmbedding", 23).unwrap().inputs[1].name, "cos_cache");
    assert_eq!(operator("com.microsoft", "RotaryEmbedding", 23).unwrap().inputs[1].name, "position_ids");
    assert!(operator("com.microsoft", "Attention", 23).is_none(), "another operator of that name");
    assert!(operator("somebody.else", "Relu", 17).is_none());
    let mut seen = std::collections::BTreeSet::new();
    for row in TABLE.iter().copied().flatten() {
        for name in row.names {
            assert!(seen.insert((*name, row.domain == Domain::Onnx, row.since)), "{name} twice from {} on", row.since);
        }
    }
}

/// The message for a network whose map of shape [1, 2, 4, 4] goes through what `spoil` makes, from `r` to `s`.
fn said(spoil: impl FnOnce(&mut Fixture)) -> String {
    let mut f = Fixture::new("x", &[1, 1, 6, 6]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]);
    spoil(&mut f);
    f.node("Flatten", &["s"], "f", vec![]).output("f").refusal()
}

#[test]
fn what_onnx_does_not_allow_is_named() {
    let flat = |f: &mut Fixture| _ = f.integers("all", &[-1]).node("Reshape", &["r", "all"], "flat", vec![]);
    let norm = |f: &mut Fixture| {
        flat(f);
        f.batch_norm("flat", "s", 32);
    };
    let cases: [(&str, String); 12] = [
        ("`s` (BatchNormalization) has input X of shape [32], which has 1 axis; it takes 2 or more", said(norm)),
        ("`s` (Add) has no input B, which ONNX asks for", said(|f| _ = f.node("Add", &["r"], "s", vec![]))),
        ("`s` (Relu) has 2 inputs; ONNX allows 1", said(|f| _ = f.node("Relu", &["r", "c"], "s", vec![]))),
        (
            "`s` (LRN) has 0 in size; 1 to 65536 is allowed",
            said(|f| _ = f.node("LRN", &["r"], "s", vec![int("size", 0)])),
        ),
        (
            "`s` (Elu) has alpha of type INT; ONNX asks for FLOAT",
            said(|f| _ = f.node("Elu", &["r"], "s", vec![int("alpha", 1)])),
        ),
        (
            "`s` (DepthToSpace) has mode = XYZ; ONNX allows DCR, CRD",
            said(|f| _ = f.node("DepthToSpace", &["r"], "s", vec![int("blocksize", 1), text("mode", "XYZ")])),
        ),
        (
            "`s` (Softmax) has axis = 4, and its first input 4 axes; -4 to 3 is allowed",
            said(|f| _ = f.node("Softmax", &["r"], "s", vec![int("axis", 4)])),
        ),
        (
            "`s` (Transpose) has perm = [0, 2, 1], and its first input 4 axes",
            said(|f| _ = f.node("Transpose", &["r"], "s", vec![ints("perm", &[0, 2, 1])])),
        ),
        (
            "`s` (Squeeze) names axis -5 of a value that has 4 axes",
            said(|f| _ = f.integers("k", &[-5]).node("Squeeze", &["r", "k"], "s", vec![])),
        ),
        (
            "`s` (Reshape) has floating-point numbers as input shape; ONNX allows integers of 32 or 64 bits",
            said(|f| _ = f.floats("k", &[1], &[32.0]).node("Reshape", &["r", "k"], "s", vec![])),
        ),
        (
            "`s` (Not) has floating-point numbers as input X; ONNX allows truth values",
            said(|f| _ = f.node("Not", &["r"], "s", vec![])),
        ),
        (
            "`s` (Conv) has input W of shape [2, 2, 3], which has 3 axes; it takes as many as the first input",
            said(|f| _ = f.weight("k", &[2, 2, 3]).node("Conv", &["r", "k"], "s", vec![])),
        ),
    ];
    for (reason, message) in cases {
        assert!(message.contains(reason), "{reason} is missing in {message}");
    }
}

/// A number in the place of a list, and a list of nothing in the place of a number, end in a message: with these the process
/// ended or filled its memory.
#[test]
fn scalars_are_no_signals() {
    let said = said(|f| {
        f.node("ReduceMax", &["r"], "most", vec![int("keepdims", 0)]).node("DFT", &["most"], "d", vec![]);
        f.node("Add", &["r", "d"], "s", vec![]);
    });
    assert!(said.contains("`d` (DFT) has input input of shape [], which has 0 axes; it takes 2 or more"), "{said}");
    let said = self::said(|f| {
        _ = f.integers("k", &[]).node("TopK", &["r", "k"], "t", vec![]).node("Relu", &["t"], "s", vec![])
    });
    assert!(said.contains("`t` (TopK) has input K of shape [0], which holds 0 numbers; it takes one"), "{said}");
    let allowed =
        Fixture::new("x", &[1, 1, 6, 6]).node("Elu", &["x"], "y", vec![float("alpha", 2.0)]).output("y").load();
    assert_eq!(allowed.layers().len(), 2);
}
