//! What an operator is among layers: a layer of some kind, an activation, or mere bookkeeping.

use crate::model::layers::convolution::Convolution;
use crate::model::layers::step::Step;
use crate::model::read::definition::Node;
use crate::model::read::shapes::Values;

/// The part an operator plays in the table of layers.
pub(crate) enum Role {
    /// No row: the value is the same, renamed, cast or laid out differently.
    Alias,
    /// A row of its own unless it follows a convolution or dense layer.
    Activation(String),
    /// Scaling or shifting by a constant; an addition may be a bias.
    Scale {
        constant: String,
        bias: bool,
    },
    /// Down to one axis per image.
    Flatten,
    Layer {
        kind: String,
        trainable: Vec<String>,
        fixed: Vec<String>,
        convolution: Option<Convolution>,
    },
}

fn layer(kind: &str) -> Role {
    Role::Layer { kind: kind.into(), trainable: Vec::new(), fixed: Vec::new(), convolution: None }
}

fn with_weights(kind: &str, trainable: Vec<String>, fixed: Vec<String>) -> Role {
    Role::Layer { kind: kind.into(), trainable, fixed, convolution: None }
}

/// The role of a step; unknown operators become layers named after the operator.
pub(crate) fn role(step: &Step, values: &Values) -> Role {
    if let Some(activation) = step.compound {
        return Role::Activation(activation.into());
    }
    let node = step.node;
    let weights = |from: usize, to: usize| {
        let constants = node.inputs.iter().skip(from).take(to - from);
        constants.filter(|value| values.is_constant(value)).cloned().collect::<Vec<_>>()
    };
    let rank = values.probed(step.output()).len();
    match node.op.as_str() {
        "Identity" | "Cast" | "CastLike" => Role::Alias,
        "Dropout" => layer("Dropout"),
        "Conv" | "ConvTranspose" => convolution(step, values),
        "Gemm" | "MatMul" if step.inputs.len() == 1 => with_weights("Dense", weights(0, 3), Vec::new()),
        "MatMul" => layer("Dot"),
        "BatchNormalization" => with_weights("BatchNormalization", weights(1, 3), weights(3, 5)),
        "InstanceNormalization" | "LayerNormalization" | "GroupNormalization" => {
            with_weights(&node.op, weights(1, 3), Vec::new())
        }
        "MaxPool" => layer("MaxPooling2D"),
        "AveragePool" => layer("AveragePooling2D"),
        "GlobalAveragePool" => layer("GlobalAveragePooling2D"),
        "GlobalMaxPool" => layer("GlobalMaxPooling2D"),
        "ReduceMean" | "ReduceMax" if spatial(step, values) => {
            layer(if node.op == "ReduceMean" { "GlobalAveragePooling2D" } else { "GlobalMaxPooling2D" })
        }
        "Flatten" => Role::Flatten,
        "Reshape" | "Squeeze" if rank == 2 => Role::Flatten,
        // Dropping or adding axes of length one, and single-channel images brought to another layout.
        "Squeeze" | "Unsqueeze" => Role::Alias,
        "Reshape" if same_lengths(step, values) => Role::Alias,
        "Reshape" => layer("Reshape"),
        "Transpose" => match node.ints("perm") {
            Some([0, 2, 3, 1] | [0, 3, 1, 2] | [0, 2, 1]) => Role::Alias,
            _ => layer("Permute"),
        },
        "Concat" => layer("Concatenate"),
        "Pad" => layer("ZeroPadding2D"),
        "Resize" | "Upsample" => layer(if grows_evenly(step, values) { "UpSampling2D" } else { "Resizing" }),
        "PRelu" => with_weights("PReLU", weights(1, 2), Vec::new()),
        "Add" | "Sub" | "Mul" | "Div"
            if step.inputs.len() == 1 && node.inputs.iter().any(|v| values.is_constant(v)) =>
        {
            let constant = weights(0, 2).into_iter().next().unwrap_or_default();
            Role::Scale { constant, bias: node.op == "Add" }
        }
        "Add" | "Sum" => layer("Add"),
        "Sub" => layer("Subtract"),
        "Mul" => layer("Multiply"),
        "Max" if step.inputs.len() > 1 => layer("Maximum"),
        "Min" if step.inputs.len() > 1 => layer("Minimum"),
        "Mean" => layer("Average"),
        op => match activation(node, values) {
            Some(activation) => Role::Activation(activation),
            None => layer(op),
        },
    }
}

/// Keras's name of a single-operator activation.
fn activation(node: &Node, values: &Values) -> Option<String> {
    let name = match node.op.as_str() {
        "Relu" => "relu",
        "LeakyRelu" => "leaky_relu",
        "ThresholdedRelu" => "thresholded_relu",
        "Elu" => "elu",
        "Celu" => "celu",
        "Selu" => "selu",
        "Gelu" => "gelu",
        "Sigmoid" => "sigmoid",
        "HardSigmoid" => "hard_sigmoid",
        "HardSwish" => "hard_swish",
        "Mish" => "mish",
        "Tanh" => "tanh",
        "Softplus" => "softplus",
        "Softsign" => "softsign",
        "Softmax" => "softmax",
        "LogSoftmax" => "log_softmax",
        "Exp" => "exponential",
        "Abs" => "abs",
        "Clip" | "Max" | "Min" => {
            let constant = |index: usize| {
                let value = node.inputs.get(index).filter(|value| !value.is_empty())?;
                values.numbers(value)?.first().copied()
            };
            let (low, high) = match node.op.as_str() {
                "Clip" => (node.float("min").or(constant(1)), node.float("max").or(constant(2))),
                "Max" => (constant(1).or(constant(0)), None),
                _ => (None, constant(1).or(constant(0))),
            };
            match (low, high) {
                (Some(0.0), Some(6.0)) => "relu6",
                (Some(0.0), None) => "relu",
                _ => "clip",
            }
        }
        _ => return None,
    };
    Some(name.into())
}

fn convolution(step: &Step, values: &Values) -> Role {
    let node = step.node;
    let transposed = node.op == "ConvTranspose";
    let constant = |index: usize| node.inputs.get(index).filter(|value| values.is_constant(value)).cloned();
    let Some(kernel) = constant(1) else {
        // A kernel that depends on the image has no filters to look at.
        return layer(if transposed { "Conv2DTranspose" } else { "Conv2D" });
    };
    let bias = constant(2);
    let shape = values.probed(&kernel);
    let group = usize::try_from(node.int("group").unwrap_or(1)).unwrap_or(1).max(1);
    let channels = values.probed(node.input()).get(1).copied().unwrap_or(0);
    let depthwise = !transposed && group > 1 && group == channels;
    let dimensions = shape.len().saturating_sub(2);
    let kind = match (transposed, depthwise) {
        (true, _) => format!("Conv{dimensions}DTranspose"),
        (_, true) => format!("DepthwiseConv{dimensions}D"),
        _ => format!("Conv{dimensions}D"),
    };
    let trainable = [Some(kernel.clone()), bias.clone()].into_iter().flatten().collect();
    let window = Window::of(node, shape.get(2..).unwrap_or(&[]), values);
    let convolution = window.map(|window| Convolution {
        kernel,
        bias,
        kernel_size: window.kernel,
        strides: window.strides,
        pads: window.pads,
        dilations: window.dilations,
        group,
        transposed,
    });
    Role::Layer { kind, trainable, fixed: Vec::new(), convolution }
}

/// The sliding window of a convolution or pooling over two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    pub dilations: [usize; 2],
}

impl Window {
    /// Reads the window's attributes; `kernel` where the operator does not say. `None` unless it has two axes.
    pub fn of(node: &Node, kernel: &[usize], values: &Values) -> Option<Window> {
        let lengths = |name: &str| {
            let ints = node.ints(name)?;
            ints.iter().map(|&value| usize::try_from(value).ok()).collect::<Option<Vec<usize>>>()
        };
        let pair = |name: &str| match node.ints(name) {
            None => Some([1, 1]),
            Some(_) => <[usize; 2]>::try_from(lengths(name)?).ok(),
        };
        let kernel = <[usize; 2]>::try_from(lengths("kernel_shape").unwrap_or_else(|| kernel.to_vec())).ok()?;
        let (strides, dilations) = (pair("strides")?, pair("dilations")?);
        let same = match node.text("auto_pad") {
            Some("SAME_UPPER") => Some(false),
            Some("SAME_LOWER") => Some(true),
            _ => None,
        };
        let pads = match (same, node.ints("pads")) {
            (Some(lower), _) => {
                let input = values.probed(node.input());
                let [top, bottom] = same_pads(*input.get(2)?, kernel[0], strides[0], dilations[0], lower)?;
                let [left, right] = same_pads(*input.get(3)?, kernel[1], strides[1], dilations[1], lower)?;
                [top, left, bottom, right]
            }
            (None, Some(_)) => <[usize; 4]>::try_from(lengths("pads")?).ok()?,
            (None, None) => [0; 4],
        };
        let nonzero = kernel.iter().chain(&strides).chain(&dilations).all(|&length| length > 0);
        nonzero.then_some(Window { kernel, strides, pads, dilations })
    }
}

/// Padding before and after an axis so that the output has ceil(length / stride) cells; the odd one goes to the end
/// unless `lower`.
fn same_pads(length: usize, kernel: usize, stride: usize, dilation: usize, lower: bool) -> Option<[usize; 2]> {
    let cells = length.div_ceil(stride.max(1));
    let reach = dilation.checked_mul(kernel.saturating_sub(1))?.checked_add(1)?;
    let needed = cells.saturating_sub(1).checked_mul(stride)?.checked_add(reach)?.saturating_sub(length);
    let small = needed / 2;
    Some(if lower { [needed - small, small] } else { [small, needed - small] })
}

/// Whether a reduction goes over the two axes of the image and nothing else.
fn spatial(step: &Step, values: &Values) -> bool {
    let node = step.node;
    if values.probed(node.input()).len() != 4 {
        return false;
    }
    let axes = match (node.ints("axes"), node.inputs.get(1)) {
        (Some(axes), _) => Some(axes.to_vec()),
        (None, Some(value)) => values.integers(value),
        _ => None,
    };
    let mut axes: Vec<i64> =
        axes.unwrap_or_default().into_iter().map(|axis| if axis < 0 { axis + 4 } else { axis }).collect();
    axes.sort_unstable();
    axes == [2, 3] || axes == [1, 2]
}

/// Whether a reshape leaves the lengths other than one as they were.
fn same_lengths(step: &Step, values: &Values) -> bool {
    let lengths = |value: &str| values.probed(value).iter().copied().filter(|&length| length != 1).collect::<Vec<_>>();
    let (before, after) = (step.node.input(), step.output());
    !values.probed(before).is_empty() && lengths(before) == lengths(after)
}

/// Whether an image grows by a whole factor on both axes.
fn grows_evenly(step: &Step, values: &Values) -> bool {
    match (values.probed(step.node.input()), values.probed(step.output())) {
        (&[_, _, h, w], &[_, _, height, width]) => {
            h > 0 && w > 0 && height >= h && width >= w && height % h == 0 && width % w == 0
        }
        _ => false,
    }
}
