//! Real, trained networks, where the folder that holds them is at hand.

use std::path::PathBuf;

use ndarray::{ArrayD, IxDyn};

use crate::model::layers::layer::totals;
use crate::model::{HeadActivation, Network};

/// The data folder, or a word about what is left out.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("CONVSCOPE_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("left out: CONVSCOPE_DATA names no folder with real networks");
    }
    folder
}

/// File, parameters, default target of the first head, classes.
const NETWORKS: [(&str, usize, &str, usize); 10] = [
    ("deeplabv3-mobilenetv2-voc21", 2097013, "concat_projection/relu6", 21),
    ("lenet-mnist-caffe", 431080, "conv2", 10),
    ("mobilenetv1-0.25-128-qat-dequant", 467593, "26_conv_2d_relu6", 1001),
    ("mobilenetv1-0.25-vww96-person", 210850, "26_conv_2d_relu", 2),
    ("mobilenetv2-1.0-224-tf2-dequant", 3489097, "62_conv_2d_relu6", 1001),
    ("opt-mnist", 5994, "ReLU114_Output_0", 10),
    ("resnet20-cifar10", 273658, "layer3.2/relu", 10),
    ("resnet8-cifar10-mlperf-tiny", 77706, "11_add_relu", 10),
    ("squeezenet1.1", 1235496, "fire9/concat", 1000),
    ("version-slim-320", 291252, "351", 2),
];

#[test]
fn every_network_is_read_and_its_target_found() {
    let Some(folder) = folder() else { return };
    for (name, parameters, target, classes) in NETWORKS {
        let network = Network::load(&folder.join("models").join(format!("{name}.onnx"))).unwrap();
        assert_eq!(totals(network.layers()).parameters, parameters, "{name}");
        let head = &network.heads()[0];
        assert_eq!(head.classes, Some(classes), "{name}");
        assert_eq!(network.default_target(head).unwrap().tensor, target, "{name}");
        assert_eq!(network.fixed_batch(), (name == "opt-mnist").then_some(1), "{name}");
        // No layer is left without a shape, and no two share a name.
        let names: std::collections::BTreeSet<&str> =
            network.layers().iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names.len(), network.layers().len(), "{name}");
        assert!(network.layers().iter().all(|layer| !layer.output_shape.is_empty()), "{name}");
    }
    let detector = Network::load(&folder.join("models/version-slim-320.onnx")).unwrap();
    let scores = &detector.heads()[0];
    assert_eq!((scores.logits.as_str(), scores.activation, scores.class_axis), ("374", HeadActivation::Softmax, 2));
}

/// float32 arrays in NumPy's format 1.0, as the reference vectors are.
fn npy(path: PathBuf) -> ArrayD<f32> {
    ndarray_npy::read_npy(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

#[test]
fn squeezenet_gives_the_reference_vectors() {
    let Some(folder) = folder() else { return };
    let network = Network::load(&folder.join("models/squeezenet1.1.onnx")).unwrap();
    let plan = network.plan(&["logits"], 1, None).unwrap();
    for sample in 0..3 {
        let sample = folder.join(format!("reference/squeezenet1.1/{sample}"));
        let expected = npy(sample.join("output_0.npy"));
        let logits = &plan.run(&npy(sample.join("input_0.npy"))).unwrap()[0];
        let expected = expected.into_shape_with_order(IxDyn(logits.shape())).unwrap();
        let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        for (own, theirs) in logits.iter().zip(&expected) {
            assert!((own - theirs).abs() <= 1e-4 * largest, "{own} {theirs}");
        }
    }
}
