//! The lowered graph computes what tract computes.

use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::IntoTensor;
use tract_onnx::tract_hir::infer::Factoid;

use super::lower;
use crate::backprop::Tape;
use crate::model::graph::{Graph, Op};
use crate::random::Random;

/// The network with every unknown size of its inputs fixed to `size`, batch to 1.
fn typed(path: &Path, size: i64) -> TypedModel {
    let onnx = tract_onnx::onnx();
    let mut model = onnx.model_for_path(path).unwrap();
    for i in 0..model.inputs.len() {
        let fact = model.input_fact(i).unwrap().clone();
        let shape: Vec<usize> = fact
            .shape
            .dims()
            .enumerate()
            .map(|(axis, dim)| match dim.concretize().and_then(|dim| dim.to_i64().ok()) {
                Some(length) => length as usize,
                None => {
                    if axis == 0 {
                        1
                    } else {
                        size as usize
                    }
                }
            })
            .collect();
        let datum_type = fact.datum_type.concretize().unwrap_or(f32::datum_type());
        model.set_input_fact(i, datum_type.fact(shape).into()).unwrap();
    }
    model.into_typed().unwrap()
}

/// The largest difference between our values and tract's at the outputs, relative to the output's largest magnitude.
fn difference(typed: &TypedModel, graph: &Graph) -> f64 {
    let mut random = Random::new(11, 0);
    let mut given = Vec::new();
    let mut inputs = tvec!();
    for (&id, &outlet) in graph.inputs.iter().zip(typed.input_outlets().unwrap()) {
        let x = ArrayD::from_shape_fn(graph.nodes[id].shape.clone(), |_| random.uniform() as f32);
        let tensor: Tensor = x.clone().into_tensor();
        let datum_type = typed.outlet_fact(outlet).unwrap().datum_type;
        inputs.push(tensor.cast_to_dt(datum_type).unwrap().into_owned().into_tvalue());
        given.push((id, x));
    }
    let expected = typed.clone().into_runnable().unwrap().run(inputs).unwrap();
    let tape = Tape::forward(graph, given, &graph.outputs).unwrap();
    let mut worst: f64 = 0.0;
    for (&id, expected) in graph.outputs.iter().zip(&expected) {
        let found = tape.value(id).unwrap();
        let expected = expected.cast_to::<f32>().unwrap();
        let expected = expected.to_plain_array_view::<f32>().unwrap();
        assert_eq!(found.shape(), expected.shape());
        let largest = expected.iter().fold(1e-20f32, |largest, x| largest.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            worst = worst.max(f64::from((found - expected).abs() / largest));
        }
    }
    worst
}

#[test]
fn networks_of_the_data_folder_compute_what_tract_computes() {
    let Some(folder) = std::env::var_os("CONVSCOPE_DATA").map(PathBuf::from) else {
        return println!("skipped: CONVSCOPE_DATA is not set");
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("models")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "onnx")) {
        let typed = typed(path, 224);
        let graph = lower(&typed).unwrap();
        let mut operators: Vec<String> = graph
            .nodes
            .iter()
            .filter_map(|node| match &node.op {
                Op::Unsupported { operator } => Some(operator.clone()),
                _ => None,
            })
            .collect();
        operators.dedup();
        println!("{}: {} nodes, unsupported {operators:?}", path.display(), graph.nodes.len());
        if operators.is_empty() {
            let difference = difference(&typed, &graph);
            println!("    differs from tract by {difference:e}");
            assert!(difference <= 1e-5);
        }
    }
}
