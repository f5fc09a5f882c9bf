//! The chapter's six networks: their tables must be those of the reference, row for row.

use std::path::Path;

use crate::model::Network;
use crate::model::fixture::{Fixture, ints};
use crate::model::layers::layer::totals;
use crate::model::layers::table::{Columns, Detail, printed_layers, render, shape_text, thousands};

/// Name, kind, shape, parameters, connected to.
type Row = (&'static str, &'static str, &'static str, usize, &'static str);

struct Reference {
    file: &'static str,
    rows: &'static [Row],
    /// Total, trainable, non-trainable.
    totals: [usize; 3],
    heads: &'static [(&'static str, &'static str, usize)],
}

const BASE_LINE: Reference = Reference {
    file: "base-line",
    rows: &[
        ("conv2d_2", "Conv2D", "(None, 22, 22, 32)", 4736, ""),
        ("batch_normalization_2", "BatchNormalization", "(None, 22, 22, 32)", 128, ""),
        ("max_pooling2d_2", "MaxPooling2D", "(None, 11, 11, 32)", 0, ""),
        ("flatten_2", "Flatten", "(None, 3872)", 0, ""),
        ("dense_3", "Dense", "(None, 1024)", 3965952, ""),
        ("dense_4", "Dense", "(None, 96)", 98400, ""),
    ],
    totals: [4069216, 4069152, 64],
    heads: &[("Class", "dense_4", 96)],
};

const BASE_MNIST: Reference = Reference {
    file: "base-mnist",
    rows: &[
        ("conv2d_2", "Conv2D", "(None, 22, 22, 32)", 1600, ""),
        ("batch_normalization_2", "BatchNormalization", "(None, 22, 22, 32)", 128, ""),
        ("max_pooling2d_2", "MaxPooling2D", "(None, 11, 11, 32)", 0, ""),
        ("flatten_2", "Flatten", "(None, 3872)", 0, ""),
        ("dense_3", "Dense", "(None, 1024)", 3965952, ""),
        ("dense_4", "Dense", "(None, 10)", 10250, ""),
    ],
    totals: [3977930, 3977866, 64],
    heads: &[("Digit", "dense_4", 10)],
};

const VARIATION_1: Reference = Reference {
    file: "variation-1",
    rows: &[
        ("Input_Image", "InputLayer", "(None, 28, 28, 3)", 0, ""),
        ("conv2d_1", "Conv2D", "(None, 26, 26, 4)", 112, "Input_Image[0][0]"),
        ("conv2d_2", "Conv2D", "(None, 22, 22, 4)", 404, "conv2d_1[0][0]"),
        ("flatten_1", "Flatten", "(None, 1936)", 0, "conv2d_2[0][0]"),
        ("dense_1", "Dense", "(None, 64)", 123968, "flatten_1[0][0]"),
        ("dense_2", "Dense", "(None, 64)", 123968, "flatten_1[0][0]"),
        ("dense_3", "Dense", "(None, 64)", 123968, "flatten_1[0][0]"),
        ("dense_4", "Dense", "(None, 64)", 123968, "flatten_1[0][0]"),
        ("dense_5", "Dense", "(None, 2)", 130, "dense_1[0][0]"),
        ("dense_6", "Dense", "(None, 2)", 130, "dense_2[0][0]"),
        ("dense_7", "Dense", "(None, 2)", 130, "dense_3[0][0]"),
        ("dense_8", "Dense", "(None, 12)", 780, "dense_4[0][0]"),
    ],
    totals: [497558, 497558, 0],
    heads: &[("Length", "dense_5", 2), ("Width", "dense_6", 2), ("Color", "dense_7", 2), ("Angle", "dense_8", 12)],
};

const VARIATION_2: Reference = Reference {
    file: "variation-2",
    rows: &[
        ("Input_Image", "InputLayer", "(None, 28, 28, 3)", 0, ""),
        ("conv2d_1", "Conv2D", "(None, 28, 28, 8)", 1184, "Input_Image[0][0]"),
        ("max_pooling2d_1", "MaxPooling2D", "(None, 14, 14, 8)", 0, "conv2d_1[0][0]"),
        ("conv2d_2", "Conv2D", "(None, 10, 10, 6)", 1206, "max_pooling2d_1[0][0]"),
        ("max_pooling2d_2", "MaxPooling2D", "(None, 9, 9, 6)", 0, "conv2d_2[0][0]"),
        ("flatten_1", "Flatten", "(None, 486)", 0, "max_pooling2d_2[0][0]"),
        ("dense_1", "Dense", "(None, 128)", 62336, "flatten_1[0][0]"),
        ("dense_5", "Dense", "(None, 256)", 124672, "flatten_1[0][0]"),
        ("dense_2", "Dense", "(None, 2)", 258, "dense_1[0][0]"),
        ("dense_3", "Dense", "(None, 2)", 258, "dense_1[0][0]"),
        ("dense_4", "Dense", "(None, 2)", 258, "dense_1[0][0]"),
        ("dense_6", "Dense", "(None, 12)", 3084, "dense_5[0][0]"),
    ],
    totals: [193256, 193256, 0],
    heads: &[("Length", "dense_2", 2), ("Width", "dense_3", 2), ("Color", "dense_4", 2), ("Angle", "dense_6", 12)],
};

const VARIATION_3: Reference = Reference {
    file: "variation-3",
    rows: &[
        ("Input_Image", "InputLayer", "(None, 28, 28, 3)", 0, ""),
        ("conv2d_1", "Conv2D", "(None, 28, 28, 10)", 760, "Input_Image[0][0]"),
        ("max_pooling2d_1", "MaxPooling2D", "(None, 14, 14, 10)", 0, "conv2d_1[0][0]"),
        ("conv2d_2", "Conv2D", "(None, 12, 12, 8)", 728, "max_pooling2d_1[0][0]"),
        ("max_pooling2d_2", "MaxPooling2D", "(None, 6, 6, 8)", 0, "conv2d_2[0][0]"),
        ("flatten_1", "Flatten", "(None, 288)", 0, "max_pooling2d_2[0][0]"),
        ("dense_1", "Dense", "(None, 128)", 36992, "flatten_1[0][0]"),
        ("dense_3", "Dense", "(None, 64)", 18496, "flatten_1[0][0]"),
        ("dense_2", "Dense", "(None, 12)", 1548, "dense_1[0][0]"),
        ("dense_4", "Dense", "(None, 2)", 130, "dense_3[0][0]"),
        ("dense_5", "Dense", "(None, 2)", 130, "dense_3[0][0]"),
        ("dense_6", "Dense", "(None, 2)", 130, "dense_3[0][0]"),
    ],
    totals: [58914, 58914, 0],
    heads: &[("Length", "dense_4", 2), ("Width", "dense_5", 2), ("Color", "dense_6", 2), ("Angle", "dense_2", 12)],
};

const DEEP_LINE: Reference = Reference {
    file: "deep-line",
    rows: &[
        ("conv2d_8", "Conv2D", "(None, 26, 26, 32)", 896, ""),
        ("max_pooling2d_6", "MaxPooling2D", "(None, 13, 13, 32)", 0, ""),
        ("conv2d_9", "Conv2D", "(None, 13, 13, 64)", 18496, ""),
        ("max_pooling2d_7", "MaxPooling2D", "(None, 6, 6, 64)", 0, ""),
        ("conv2d_10", "Conv2D", "(None, 6, 6, 128)", 73856, ""),
        ("batch_normalization_4", "BatchNormalization", "(None, 6, 6, 128)", 512, ""),
        ("flatten_4", "Flatten", "(None, 4608)", 0, ""),
        ("dense_7", "Dense", "(None, 1024)", 4719616, ""),
        ("dense_8", "Dense", "(None, 96)", 98400, ""),
    ],
    totals: [4911776, 4911520, 256],
    heads: &[("Class", "dense_8", 96)],
};

impl Fixture {
    /// As the project's own exporter writes a channels-last network: one transpose, then channels-first.
    fn keras(channels: i64) -> Fixture {
        let mut fixture = Fixture::new("Input_Image", &[-1, 28, 28, channels]);
        fixture.node("Transpose", &["Input_Image"], "Input_Image/transpose", vec![ints("perm", &[0, 3, 1, 2])]);
        fixture
    }

    fn conv_relu(&mut self, input: &str, output: &str, kernel: [i64; 4], pad: i64) -> &mut Self {
        self.conv(input, output, kernel, vec![ints("pads", &[pad; 4])]);
        self.node("Relu", &[output], &format!("{output}/relu"), vec![])
    }

    fn flatten(&mut self, input: &str, output: &str) -> &mut Self {
        let transposed = format!("{output}/transpose");
        self.node("Transpose", &[input], &transposed, vec![ints("perm", &[0, 2, 3, 1])]);
        self.node("Flatten", &[&transposed], output, vec![])
    }

    fn dense_relu(&mut self, input: &str, output: &str, inputs: i64, outputs: i64) -> &mut Self {
        self.dense(input, output, inputs, outputs).node("Relu", &[output], &format!("{output}/relu"), vec![])
    }

    fn head(&mut self, input: &str, dense: &str, name: &str, inputs: i64, classes: i64) -> &mut Self {
        let labels: Vec<String> = (0..classes).map(|class| format!("\"{name} {class}\"")).collect();
        self.dense(input, dense, inputs, classes);
        self.named(&format!("{dense}/softmax"), "Softmax", &[dense], name, vec![]).output(name);
        self.metadata(&format!("labels.{name}"), &format!("[{}]", labels.join(",")))
    }
}

fn base(channels: i64, head: &str, classes: i64) -> Network {
    let mut f = Fixture::keras(channels);
    f.conv_relu("Input_Image/transpose", "conv2d_2", [32, channels, 7, 7], 0);
    f.batch_norm("conv2d_2/relu", "batch_normalization_2", 32);
    f.pool("batch_normalization_2", "max_pooling2d_2", 2, 2).flatten("max_pooling2d_2", "flatten_2");
    f.dense_relu("flatten_2", "dense_3", 3872, 1024);
    f.head("dense_3/relu", "dense_4", head, 1024, classes).load()
}

fn deep() -> Network {
    let mut f = Fixture::keras(3);
    f.conv_relu("Input_Image/transpose", "conv2d_8", [32, 3, 3, 3], 0);
    f.pool("conv2d_8/relu", "max_pooling2d_6", 2, 2);
    f.conv_relu("max_pooling2d_6", "conv2d_9", [64, 32, 3, 3], 1);
    f.pool("conv2d_9/relu", "max_pooling2d_7", 2, 2);
    f.conv_relu("max_pooling2d_7", "conv2d_10", [128, 64, 3, 3], 1);
    f.batch_norm("conv2d_10/relu", "batch_normalization_4", 128).flatten("batch_normalization_4", "flatten_4");
    f.dense_relu("flatten_4", "dense_7", 4608, 1024);
    f.head("dense_7/relu", "dense_8", "Class", 1024, 96).load()
}

const ATTRIBUTES: [(&str, i64); 4] = [("Length", 2), ("Width", 2), ("Color", 2), ("Angle", 12)];

fn variation_1() -> Network {
    let mut f = Fixture::keras(3);
    f.conv_relu("Input_Image/transpose", "conv2d_1", [4, 3, 3, 3], 0);
    f.conv_relu("conv2d_1/relu", "conv2d_2", [4, 4, 5, 5], 0).flatten("conv2d_2/relu", "flatten_1");
    // The order in which a walk from the outputs meets the layers.
    for (index, (name, classes)) in ATTRIBUTES.into_iter().enumerate() {
        let own = format!("dense_{}", index + 1);
        f.dense_relu("flatten_1", &own, 1936, 64);
        f.head(&format!("{own}/relu"), &format!("dense_{}", index + 5), name, 64, classes);
    }
    f.load()
}

fn variation_2() -> Network {
    let mut f = Fixture::keras(3);
    f.conv_relu("Input_Image/transpose", "conv2d_1", [8, 3, 7, 7], 3).pool("conv2d_1/relu", "max_pooling2d_1", 2, 2);
    f.conv_relu("max_pooling2d_1", "conv2d_2", [6, 8, 5, 5], 0).pool("conv2d_2/relu", "max_pooling2d_2", 2, 1);
    f.flatten("max_pooling2d_2", "flatten_1").dense_relu("flatten_1", "dense_1", 486, 128);
    for (index, (name, classes)) in ATTRIBUTES.into_iter().take(3).enumerate() {
        f.head("dense_1/relu", &format!("dense_{}", index + 2), name, 128, classes);
    }
    f.dense_relu("flatten_1", "dense_5", 486, 256).head("dense_5/relu", "dense_6", "Angle", 256, 12).load()
}

/// Here the file's order is not the numbers' order: Keras meets dense_3 before dense_1.
fn variation_3() -> Network {
    let mut f = Fixture::keras(3);
    f.conv_relu("Input_Image/transpose", "conv2d_1", [10, 3, 5, 5], 2).pool("conv2d_1/relu", "max_pooling2d_1", 2, 2);
    f.conv_relu("max_pooling2d_1", "conv2d_2", [8, 10, 3, 3], 0).pool("conv2d_2/relu", "max_pooling2d_2", 2, 2);
    f.flatten("max_pooling2d_2", "flatten_1").dense_relu("flatten_1", "dense_3", 288, 64);
    for (index, (name, classes)) in ATTRIBUTES.into_iter().take(3).enumerate() {
        f.head("dense_3/relu", &format!("dense_{}", index + 4), name, 64, classes);
    }
    f.dense_relu("flatten_1", "dense_1", 288, 128).head("dense_1/relu", "dense_2", "Angle", 128, 12).load()
}

fn check(network: &Network, reference: &Reference) {
    let rows: Vec<(String, String, String, usize, String)> = printed_layers(network)
        .iter()
        .map(|layer| {
            let connected = if network.sequential() { String::new() } else { layer.connected_to.join(", ") };
            (layer.name.clone(), layer.kind.clone(), shape_text(&layer.output_shape), layer.parameters, connected)
        })
        .collect();
    let expected: Vec<(String, String, String, usize, String)> = reference
        .rows
        .iter()
        .map(|&(name, kind, shape, parameters, connected)| {
            (name.into(), kind.into(), shape.into(), parameters, connected.into())
        })
        .collect();
    assert_eq!(rows, expected, "{}", reference.file);
    let sums = totals(network.layers());
    assert_eq!([sums.parameters, sums.trainable, sums.non_trainable], reference.totals, "{}", reference.file);
    let heads: Vec<(&str, &str, Option<usize>)> =
        network.heads().iter().map(|head| (head.name.as_str(), head.logits.as_str(), head.classes)).collect();
    let expected: Vec<(&str, &str, Option<usize>)> =
        reference.heads.iter().map(|&(name, logits, classes)| (name, logits, Some(classes))).collect();
    assert_eq!(heads, expected, "{}", reference.file);
    for head in network.heads() {
        assert_eq!(head.labels.as_ref().map(Vec::len), head.classes, "{}: labels of {}", reference.file, head.name);
        assert!(!head.spatial);
    }
}

#[test]
fn tables_of_the_six_structures_equal_the_reference() {
    check(&base(3, "Class", 96), &BASE_LINE);
    check(&base(1, "Digit", 10), &BASE_MNIST);
    check(&variation_1(), &VARIATION_1);
    check(&variation_2(), &VARIATION_2);
    check(&variation_3(), &VARIATION_3);
    check(&deep(), &DEEP_LINE);
}

#[test]
fn tables_of_the_six_files_equal_the_reference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx");
    for reference in [BASE_LINE, BASE_MNIST, VARIATION_1, VARIATION_2, VARIATION_3, DEEP_LINE] {
        let path = folder.join(format!("{}.onnx", reference.file));
        if !path.exists() {
            println!("left out: {} is not there", path.display());
            continue;
        }
        check(&Network::load(&path).unwrap(), &reference);
    }
}

#[test]
fn the_printed_table_reads_like_keras() {
    let network = base(1, "Digit", 10);
    let text = render(&network, Columns::default(), Detail::default());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Layer (type)                                Output Shape        Param #");
    assert_eq!(lines[2], "conv2d_2 (Conv2D)                           (None, 22, 22, 32)  1600");
    assert_eq!(lines[8], "");
    assert_eq!(lines[9..], ["Total params: 3,977,930", "Trainable params: 3,977,866", "Non-trainable params: 64"]);
    let wide = render(&network, Columns { receptive_fields: true, tensors: true, costs: false }, Detail::All);
    assert!(wide.lines().nth(4).unwrap().ends_with("8x8 step 2 from 4,4      max_pooling2d_2"), "{wide}");
}

#[test]
fn what_a_layer_costs_is_counted_by_hand() {
    let network = base(1, "Digit", 10);
    let by_name = |name: &str| network.layer(name).unwrap();
    // 7 × 7 × 1 × 32 weights at 22 × 22 positions; the last layer's input times its units.
    let conv = by_name("conv2d_2");
    assert_eq!((conv.multiply_adds, conv.output_values), (49 * 32 * 22 * 22, 22 * 22 * 32));
    let pooling = network.layers().iter().find(|layer| layer.kind.contains("Pooling")).unwrap();
    assert_eq!(pooling.multiply_adds, 0);
    let text = render(&network, Columns { costs: true, ..Columns::default() }, Detail::All);
    let row = text.lines().find(|line| line.starts_with("conv2d_2 ")).unwrap();
    assert!(row.ends_with("1600     758,912        61.95 kB"), "{row}");
    let all: usize = network.layers().iter().map(|layer| layer.multiply_adds).sum();
    assert!(text.contains(&format!("Multiply-adds: {} for an image of 28×28 pixels", thousands(all))), "{text}");
}

#[test]
fn a_layer_knows_its_tensors_and_its_kernel() {
    let network = base(3, "Class", 96);
    let conv = network.layer("conv2d_2").unwrap();
    assert_eq!((conv.pre_activation.as_str(), conv.output_tensor.as_str()), ("conv2d_2", "conv2d_2/relu"));
    assert_eq!(conv.activation.as_deref(), Some("relu"));
    assert_eq!(conv.channel_axis, 1, "the tensor itself is channels-first");
    let convolution = conv.convolution.as_ref().unwrap();
    assert_eq!((convolution.kernel_size, convolution.strides, convolution.pads), ([7, 7], [1, 1], [0; 4]));
    assert_eq!(network.weight(&convolution.kernel).unwrap().shape(), [32, 3, 7, 7]);
    let head = network.layer("dense_4").unwrap();
    assert_eq!((head.pre_activation.as_str(), head.output_tensor.as_str()), ("dense_4", "Class"));
    assert_eq!(head.activation.as_deref(), Some("softmax"));
    let input = network.input();
    assert!(input.channels_last);
    assert_eq!((input.channels, input.size()), (3, Some((28, 28))));
    assert_eq!(network.fixed_batch(), None);
}

/// Centres by hand: a valid 7×7 kernel looks 3.5 px in; a 2×2 pool adds half a cell; same padding starts at 0.5.
#[test]
fn receptive_fields_are_those_computed_by_hand() {
    let field = |network: &Network, value: &str| {
        let field = network.receptive_field(value).unwrap();
        (field.size.unwrap()[0], field.jump[0], field.start[0])
    };
    let network = base(3, "Class", 96);
    assert_eq!(field(&network, "conv2d_2/relu"), (7, 1, 3.5));
    assert_eq!(field(&network, "max_pooling2d_2"), (8, 2, 4.0));
    assert_eq!(network.receptive_field("flatten_2"), None);
    let network = deep();
    assert_eq!(field(&network, "conv2d_8"), (3, 1, 1.5));
    assert_eq!(field(&network, "conv2d_9"), (8, 2, 2.0));
    assert_eq!(field(&network, "conv2d_10/relu"), (18, 4, 3.0));
    let network = variation_2();
    assert_eq!(field(&network, "conv2d_1"), (7, 1, 0.5));
    assert_eq!(field(&network, "conv2d_2"), (16, 2, 5.0));
    assert_eq!(field(&network, "max_pooling2d_2"), (18, 2, 6.0));
    assert_eq!(network.receptive_field("conv2d_2").unwrap().centre(0, 9), (5.0, 23.0));
}

#[test]
fn the_default_target_is_the_last_convolution_after_its_activation() {
    for (network, tensor) in
        [(base(1, "Digit", 10), "conv2d_2/relu"), (deep(), "conv2d_10/relu"), (variation_3(), "conv2d_2/relu")]
    {
        for head in network.heads() {
            assert_eq!(network.default_target(head).unwrap().tensor, tensor);
        }
    }
}

#[test]
fn a_target_is_found_by_layer_tensor_or_part() {
    let network = deep();
    let find = |text: &str| network.find_target(text);
    assert_eq!(find("conv2d_9").unwrap().tensor, "conv2d_9/relu");
    assert_eq!(find("conv2d_9/relu").unwrap().layer.as_deref(), Some("conv2d_9"));
    let before = find("max_pooling2d_7").unwrap();
    assert_eq!((before.tensor.as_str(), before.layer.as_deref()), ("max_pooling2d_7", Some("max_pooling2d_7")));
    assert_eq!(find("D_10").unwrap().tensor, "conv2d_10/relu", "a part, in any case");
    assert_eq!(find("10/re").unwrap().tensor, "conv2d_10/relu", "part of a tensor's name");
    let several = find("conv2d").unwrap_err().to_string();
    assert!(several.contains("several") && several.contains("conv2d_8 (Conv2D) (None, 26, 26, 32)"), "{several}");
    let wrong = find("conv_9").unwrap_err().to_string();
    assert!(wrong.contains("did you mean `conv2d_9`?") && wrong.contains("dense_8 (Dense) (None, 96)"), "{wrong}");
}
