//! What exporters write for the same layers, and what is made of it.

use crate::model::fixture::{Fixture, float, int, ints, text};
use crate::model::{HeadActivation, Network};

fn kinds(network: &Network) -> Vec<String> {
    let text = |layer: &crate::model::Layer| match &layer.activation {
        Some(activation) => format!("{} {} {activation}", layer.name, layer.kind),
        None => format!("{} {}", layer.name, layer.kind),
    };
    network.layers().iter().map(text).collect()
}

/// PyTorch's TorchScript exporter: scoped names, ReLU6 as Clip, SiLU and hard swish as diamonds, inverted residual with
/// squeeze-and-excite.
#[test]
fn torchscript_modules() {
    let mut f = Fixture::new("input", &[-1, 3, 16, 16]);
    f.weight("features.0.0.weight", &[8, 3, 3, 3]).floats("zero", &[], &[0.0]).floats("six", &[], &[6.0]);
    let conv = vec![ints("strides", &[2, 2]), ints("pads", &[1; 4])];
    f.named("/features/features.0/features.0.0/Conv", "Conv", &["input", "features.0.0.weight"], "/c", conv);
    f.named("/features/features.0/features.0.2/Clip", "Clip", &["/c", "zero", "six"], "/r", vec![]);
    f.weight("onnx::Conv_77", &[8, 1, 3, 3]);
    let depthwise = vec![int("group", 8), ints("pads", &[1; 4])];
    f.named("/features/features.1/conv/conv.0/Conv", "Conv", &["/r", "onnx::Conv_77"], "/d", depthwise);
    f.named("/features/features.1/act/Sigmoid", "Sigmoid", &["/d"], "/sig", vec![]);
    f.named("/features/features.1/act/Mul", "Mul", &["/d", "/sig"], "/silu", vec![]);
    f.named("/features/features.1/se/avgpool/GlobalAveragePool", "GlobalAveragePool", &["/silu"], "/g", vec![]);
    f.weight("se.weight", &[8, 8, 1, 1]);
    f.named("/features/features.1/se/fc1/Conv", "Conv", &["/g", "se.weight"], "/fc", vec![]);
    f.named("/features/features.1/se/Sigmoid", "Sigmoid", &["/fc"], "/gate", vec![]);
    f.named("/features/features.1/se/Mul", "Mul", &["/gate", "/silu"], "/scaled", vec![]);
    f.named("/features/features.1/Add", "Add", &["/r", "/scaled"], "/sum", vec![]);
    f.named("/avgpool/GlobalAveragePool", "GlobalAveragePool", &["/sum"], "/p", vec![]);
    f.named("/Flatten", "Flatten", &["/p"], "/flat", vec![]);
    f.weight("classifier.1.weight", &[5, 8]).weight("classifier.1.bias", &[5]);
    let inputs = ["/flat", "classifier.1.weight", "classifier.1.bias"];
    f.named("/classifier/classifier.1/Gemm", "Gemm", &inputs, "output", vec![int("transB", 1)]);
    let network = f.output("output").load();
    assert_eq!(
        kinds(&network),
        [
            "input InputLayer",
            "features.0.0 Conv2D relu6",
            "features.1.conv.0 DepthwiseConv2D silu",
            "features.1.se.avgpool GlobalAveragePooling2D",
            "features.1.se.fc1 Conv2D sigmoid",
            "features.1.se Multiply",
            "features.1 Add",
            "avgpool GlobalAveragePooling2D",
            "classifier.1 Dense",
        ]
    );
    assert_eq!(network.layer("features.0.0").unwrap().output_shape, [None, Some(8), Some(8), Some(8)]);
    assert_eq!(network.layer("avgpool").unwrap().output_shape, [None, Some(8)]);
    assert!(network.layer("features.1.se").unwrap().is_map() && !network.layer("features.1.se.fc1").unwrap().is_map());
    let add = network.layer("features.1").unwrap();
    assert_eq!(add.connected_to, ["features.0.0[0][0]", "features.1.se[0][0]"]);
    // Through the gate every cell sees the whole image, yet stays where it is.
    let field = network.receptive_field(&add.output_tensor).unwrap();
    assert_eq!((field.size, field.jump, field.start), (None, [2, 2], [0.5, 0.5]));
    let head = &network.heads()[0];
    assert_eq!((head.activation, head.classes), (HeadActivation::None, Some(5)));
    // The last convolution with a map is the depthwise one; the gate multiplies what follows its activation.
    assert_eq!(network.default_target(head).unwrap().tensor, "/silu");
}

/// GELU and hard swish as older exporters spell them, with the factor after the meeting point.
#[test]
fn spelled_out_activations() {
    let mut f = Fixture::new("input", &[-1, 3, 8, 8]);
    f.conv("input", "a", [4, 3, 1, 1], vec![]);
    f.floats("root", &[], &[std::f32::consts::SQRT_2]).floats("one", &[], &[1.0]).floats("half", &[], &[0.5]);
    f.node("Div", &["a", "root"], "a1", vec![]).node("Erf", &["a1"], "a2", vec![]).node(
        "Add",
        &["a2", "one"],
        "a3",
        vec![],
    );
    f.node("Mul", &["a", "a3"], "a4", vec![]).node("Mul", &["a4", "half"], "gelu", vec![]);
    f.conv("gelu", "b", [4, 4, 1, 1], vec![]);
    f.floats("three", &[], &[3.0]).floats("zero", &[], &[0.0]).floats("six", &[], &[6.0]);
    f.node("Add", &["b", "three"], "b1", vec![]).node("Clip", &["b1", "zero", "six"], "b2", vec![]);
    f.node("Mul", &["b", "b2"], "b3", vec![]).node("Div", &["b3", "six"], "swish", vec![]);
    f.conv("swish", "c", [4, 4, 1, 1], vec![]).node("HardSigmoid", &["c"], "c1", vec![float("alpha", 1.0 / 6.0)]);
    let network = f.node("Mul", &["c1", "c"], "out", vec![]).output("out").load();
    assert_eq!(kinds(&network), ["input InputLayer", "a Conv2D gelu", "b Conv2D hard_swish", "c Conv2D hard_swish"]);
    assert_eq!(network.layer("a").unwrap().output_tensor, "gelu");
    assert_eq!(network.layer("b").unwrap().output_tensor, "swish");
    assert!(network.heads()[0].spatial);
}

/// tf2onnx: bias and folded batch norm as arithmetic, transposes around, sigmoid head stepped over a reshape.
#[test]
fn tensorflow_arithmetic() {
    let mut f = Fixture::new("image:0", &[-1, 8, 8, 3]);
    f.named("seq/conv2d/convolution__6", "Transpose", &["image:0"], "t", vec![ints("perm", &[0, 3, 1, 2])]);
    f.weight("seq/conv2d/kernel", &[4, 3, 3, 3]).weight("bias", &[1, 4, 1, 1]);
    let same = vec![text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])];
    f.named("seq/conv2d/convolution", "Conv", &["t", "seq/conv2d/kernel"], "c", same);
    f.named("seq/conv2d/BiasAdd", "Add", &["c", "bias"], "cb", vec![]);
    f.named("seq/conv2d/Relu", "Relu", &["cb"], "cr", vec![]);
    f.weight("scale", &[1, 4, 1, 1]).weight("shift", &[1, 4, 1, 1]);
    f.named("seq/bn/batchnorm/mul_1", "Mul", &["cr", "scale"], "m", vec![]);
    f.named("seq/bn/batchnorm/add_1", "Add", &["m", "shift"], "n", vec![]);
    f.named("seq/gap/Mean", "ReduceMean", &["n"], "g", vec![ints("axes", &[2, 3]), int("keepdims", 0)]);
    f.weight("w", &[4, 1]).weight("b", &[1]);
    f.named("seq/yes/MatMul", "MatMul", &["g", "w"], "d", vec![]);
    f.named("seq/yes/BiasAdd", "Add", &["d", "b"], "logit", vec![]);
    f.named("seq/yes/Sigmoid", "Sigmoid", &["logit"], "p", vec![]).named(
        "seq/id",
        "Identity",
        &["p"],
        "Identity:0",
        vec![],
    );
    let network = f.output("Identity:0").metadata("labels.Identity:0", r#"["no", "yes"]"#).load();
    assert_eq!(
        kinds(&network),
        [
            "image InputLayer",
            "conv2d Conv2D relu",
            "bn BatchNormalization",
            "gap GlobalAveragePooling2D",
            "yes Dense sigmoid"
        ]
    );
    let conv = network.layer("conv2d").unwrap();
    assert_eq!((conv.parameters, conv.output_shape.as_slice()), (112, &[None, Some(4), Some(4), Some(4)][..]));
    let convolution = conv.convolution.as_ref().unwrap();
    // Eight pixels, stride two, kernel three: one pixel of padding, and it goes to the end.
    assert_eq!((convolution.pads, convolution.bias.as_deref()), ([0, 0, 1, 1], Some("bias")));
    assert_eq!(network.receptive_field("cr").unwrap().start, [1.5, 1.5]);
    assert_eq!((network.layer("bn").unwrap().parameters, network.layer("yes").unwrap().parameters), (8, 5));
    let head = &network.heads()[0];
    assert_eq!((head.logits.as_str(), head.activation, head.classes), ("logit", HeadActivation::Sigmoid, Some(1)));
    assert_eq!(head.labels.as_deref().unwrap(), ["no", "yes"]);
}

/// The dynamo exporter leaves layer names to the weights alone.
#[test]
fn dynamo_names_come_from_the_weights() {
    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.weight("layer1.0.conv1.weight", &[4, 3, 3, 3]);
    f.named("node_conv2d", "Conv", &["x", "layer1.0.conv1.weight"], "conv2d", vec![]);
    f.named("node_relu_1", "Relu", &["conv2d"], "relu_1", vec![]);
    f.named("node_max_pool2d", "MaxPool", &["relu_1"], "max_pool2d", vec![ints("kernel_shape", &[2, 2])]);
    f.named("Conv_9", "Conv", &["max_pool2d", "layer1.0.conv1.weight"], "12", vec![]);
    let f = f.weight("onnx::Conv_3", &[2, 4, 1, 1]);
    f.graph.node.pop();
    let network = f.named("Conv_9", "Conv", &["max_pool2d", "onnx::Conv_3"], "12", vec![]).output("12").load();
    assert_eq!(
        kinds(&network),
        ["x InputLayer", "layer1.0.conv1 Conv2D relu", "max_pool2d MaxPooling2D", "conv2d_1 Conv2D"]
    );
}

/// Branches: ResNet's layer4, DenseNet's last ReLU, SqueezeNet's features, no activation at all.
#[test]
fn default_targets_of_the_families() {
    let pads = || vec![ints("pads", &[1; 4])];
    let tail = |f: &mut Fixture, input: &str, channels: i64| {
        f.node("GlobalAveragePool", &[input], "gap", vec![]).node("Flatten", &["gap"], "flat", vec![]);
        f.dense("flat", "y", channels, 7).output("y").load()
    };
    let target = |network: &Network| network.default_target(&network.heads()[0]).unwrap().tensor;

    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.conv("x", "stem", [4, 3, 1, 1], vec![]).conv("stem", "c", [4, 4, 3, 3], pads()).batch_norm("c", "bn", 4);
    f.node("Add", &["bn", "stem"], "sum", vec![]).node("Relu", &["sum"], "relu", vec![]);
    assert_eq!(target(&tail(&mut f, "relu", 4)), "relu", "residual");

    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.conv("x", "stem", [4, 3, 1, 1], vec![]).conv("stem", "c", [2, 4, 3, 3], pads());
    f.node("Concat", &["stem", "c"], "cat", vec![int("axis", 1)]).batch_norm("cat", "bn", 6);
    f.node("Relu", &["bn"], "relu", vec![]);
    assert_eq!(target(&tail(&mut f, "relu", 6)), "relu", "dense block");

    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.conv("x", "e1", [4, 3, 1, 1], vec![]).node("Relu", &["e1"], "r1", vec![]);
    f.conv("x", "e3", [4, 3, 3, 3], pads()).node("Relu", &["e3"], "r3", vec![]);
    f.node("Concat", &["r1", "r3"], "cat", vec![int("axis", 1)]).conv("cat", "scores", [7, 8, 1, 1], vec![]);
    f.node("Relu", &["scores"], "rs", vec![]).node("GlobalAveragePool", &["rs"], "gap", vec![]);
    let network = f.node("Flatten", &["gap"], "y", vec![]).output("y").load();
    assert_eq!(target(&network), "cat", "fire module; the 1×1 convolution makes the scores");

    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.conv("x", "c", [4, 3, 3, 3], vec![]).pool("c", "p", 2, 2);
    assert_eq!(target(&tail(&mut f, "p", 4)), "c", "a pooling ends the way");
}

/// Branches that look at different places have no common centre; a resize has none at all.
#[test]
fn receptive_fields_end_where_they_are_not_exact() {
    let mut f = Fixture::new("x", &[-1, 3, 8, 8]);
    f.conv("x", "a", [4, 3, 3, 3], vec![ints("strides", &[2, 2]), ints("pads", &[0, 0, 1, 1])]);
    f.conv("x", "b", [4, 3, 1, 1], vec![ints("strides", &[2, 2])]).node("Add", &["a", "b"], "sum", vec![]);
    f.floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0]).node("Resize", &["a", "", "scales"], "up", vec![]);
    f.conv("a", "dilated", [4, 4, 3, 3], vec![ints("dilations", &[2, 2]), ints("pads", &[2; 4])]);
    let network = f.output("sum").output("up").output("dilated").load();
    assert_eq!(network.receptive_field("a").unwrap().start, [1.5, 1.5]);
    assert_eq!(network.receptive_field("b").unwrap().start, [0.5, 0.5]);
    assert_eq!(network.receptive_field("sum"), None);
    assert_eq!(network.receptive_field("up"), None);
    assert_eq!(network.layer("up").unwrap().kind, "UpSampling2D");
    let dilated = network.receptive_field("dilated").unwrap();
    assert_eq!((dilated.size, dilated.jump, dilated.start), (Some([11, 11]), [2, 2], [1.5, 1.5]));
}

/// Non-square kernels, pads and strides: rows and columns are told apart.
#[test]
fn rows_and_columns_are_not_confused() {
    let mut f = Fixture::new("x", &[-1, 1, 12, 20]);
    f.conv("x", "c", [1, 1, 3, 5], vec![ints("strides", &[1, 2]), ints("pads", &[0, 2, 0, 1])]);
    let network = f.output("c").load();
    let field = network.receptive_field("c").unwrap();
    assert_eq!((field.size, field.jump, field.start), (Some([3, 5]), [1, 2], [1.5, 0.5]));
    assert_eq!(network.layer("c").unwrap().output_shape, [None, Some(1), Some(10), Some(10)]);
    assert_eq!(network.layer("c").unwrap().convolution.as_ref().unwrap().pads, [0, 2, 0, 1]);
}

/// A head that ends in the best class's number is stepped over down to the scores.
#[test]
fn the_best_class_is_traced_to_its_logits() {
    let mut f = Fixture::new("x", &[-1, 1, 4, 4]);
    f.conv("x", "c", [2, 1, 3, 3], vec![]).node("Flatten", &["c"], "f", vec![]).dense("f", "logits", 8, 3);
    f.node("Softmax", &["logits"], "p", vec![]).node(
        "ArgMax",
        &["p"],
        "best",
        vec![int("axis", 1), int("keepdims", 0)],
    );
    let network = f.output("best").load();
    let head = &network.heads()[0];
    assert_eq!((head.logits.as_str(), head.activation), ("logits", HeadActivation::Softmax));
    assert_eq!(head.classes, Some(3));
}
