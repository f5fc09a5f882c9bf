//! The gradient graph: a closed set of operators with typed attributes, which backprop has a rule for.
//!
//! Every node yields exactly one value, in row-major order; ids are in topological order. Booleans are held as 0 and 1.

use std::sync::Arc;

pub use crate::tensor::conv::Conv;
use crate::tensor::window::Window;

/// Position of a node, and of the value it yields, in [`Graph::nodes`].
pub type ValueId = usize;

/// A network, or the part of it that leads to the requested outputs.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In topological order.
    pub nodes: Vec<Node>,
    /// The nodes that are [`Op::Input`].
    pub inputs: Vec<ValueId>,
    /// One for each requested tap or head, in the order requested.
    pub outputs: Vec<ValueId>,
}

/// One operator and the value it yields.
#[derive(Clone, Debug)]
pub struct Node {
    /// The name in the network it was lowered from; not unique where one operator was lowered to several.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// The values it reads, in the operator's order.
    pub inputs: Vec<ValueId>,
    /// The lengths of the value's axes.
    pub shape: Vec<usize>,
}

impl Node {
    /// Number of elements of the value.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the value has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Everything there is a gradient rule for.
#[derive(Clone, Debug)]
pub enum Op {
    /// A value given from outside.
    Input,
    /// Fixed values, row-major in the node's shape.
    Constant(Arc<Vec<f32>>),
    /// [N, C, spatial…] → [N, O, spatial…].
    Conv(Conv),
    /// [N, C, spatial…] → [N, O, spatial…]; the transposed map of a convolution.
    Deconv(Deconv),
    /// Largest element of each window, channel by channel; ties go to the first.
    MaxPool(Window),
    /// Sum or mean of each window, channel by channel.
    SumPool(SumPool),
    /// Sum of products of two operands over the axes that the output lacks.
    EinSum(EinSum),
    /// Two operands of equal rank, stretched to the node's shape.
    Binary(Binary),
    /// Element by element.
    Unary(Unary),
    /// Normalised over all of `axes` together.
    Softmax {
        /// The axes.
        axes: Vec<usize>,
        /// Whether the logarithm is taken.
        log: bool,
    },
    /// `axes` shrink to length 1.
    Reduce {
        /// What becomes of the elements.
        kind: Reduction,
        /// The axes.
        axes: Vec<usize>,
    },
    /// Axis `i` of the output is axis `axes[i]` of the input.
    Permute(Vec<usize>),
    /// The same elements in the node's shape.
    Reshape,
    /// Axes of length 1 stretch to the node's shape; the input has the same rank.
    Broadcast,
    /// The inputs, one after the other along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// As many elements along `axis` as the node has, from `start` on.
    Slice {
        /// The axis.
        axis: usize,
        /// The first element.
        start: usize,
    },
    /// A border of `value`, `before[i]` wide at the beginning of axis `i`; the node's shape says how wide at the end.
    Pad {
        /// Widths at the beginnings of the axes.
        before: Vec<usize>,
        /// What the border holds.
        value: f32,
    },
    /// Output `o` along `axis` is a weighted sum of inputs: nearest and linear resizing, one axis at a time.
    Resize(Resize),
    /// Output `i` along `axis` is input `indices[i]`; an index may come several times.
    Gather {
        /// The axis.
        axis: usize,
        /// The inputs' places along it.
        indices: Vec<usize>,
    },
    /// 1 where the comparison of the two operands holds, else 0.
    Compare(Comparison),
    /// Where the first operand is not 0 the second, else the third; all of equal rank, stretched to the node's shape.
    Select,
    /// No rule: the parts of the graph that lie elsewhere still differentiate.
    Unsupported {
        /// The operator's name in tract.
        operator: String,
    },
}

/// A transposed convolution with fixed weights: the transposed map of `conv`, then a bias.
#[derive(Clone, Debug)]
pub struct Deconv {
    /// The convolution this is the transposed of: its inputs are our outputs. Has no bias.
    pub conv: Conv,
    /// One for each output channel of the transposed convolution.
    pub bias: Option<Arc<Vec<f32>>>,
}

/// A sum or mean over windows.
#[derive(Clone, Debug)]
pub struct SumPool {
    /// The windows.
    pub window: Window,
    /// What each sum is divided by.
    pub divisor: Divisor,
}

/// What a window's sum is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// Nothing: a sum.
    One,
    /// The number of elements that are not padding.
    Inside,
    /// The number of elements with padding, but without what ceil mode reaches beyond it.
    Padded,
}

/// An Einstein sum of two operands: each axis has a label, no label comes twice in one operand, and labels that the
/// output lacks are summed over.
#[derive(Clone, Debug)]
pub struct EinSum {
    /// Labels of the first operand's axes.
    pub left: Vec<u32>,
    /// Labels of the second operand's axes.
    pub right: Vec<u32>,
    /// Labels of the output's axes.
    pub output: Vec<u32>,
}

/// How two operands become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// Ties go to the first operand.
    Min,
    /// Ties go to the first operand.
    Max,
    /// a to the power b.
    Pow,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// a = b.
    Equal,
    /// a ≠ b.
    NotEqual,
    /// a < b.
    Less,
    /// a ≤ b.
    LessOrEqual,
    /// a > b.
    Greater,
    /// a ≥ b.
    GreaterOrEqual,
}

/// A function of each element; where a derivative is not obvious it is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// max(x, 0); the derivative at 0 is 0.
    Relu,
    /// x for x ≥ 0, else alpha · x.
    LeakyRelu {
        /// The slope below zero.
        alpha: f32,
    },
    /// Between two bounds, either of which may be infinite; the derivative at a bound is 0.
    Clip {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
    /// 1 / (1 + exp(−x)).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// x · clip(x / 6 + 1/2, 0, 1).
    HardSwish,
    /// x · sigmoid(x).
    Silu,
    /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x^power))), power 2 or 3.
    GeluTanh {
        /// 2 or 3.
        power: i32,
    },
    /// The error function.
    Erf,
    /// The exponential function.
    Exp,
    /// The natural logarithm.
    Ln,
    /// √x.
    Sqrt,
    /// 1 / √x.
    Rsqrt,
    /// x².
    Square,
    /// 1 / x.
    Reciprocal,
    /// x to a fixed power.
    Power {
        /// The power.
        exponent: f32,
    },
    /// |x|; the derivative at 0 is 0.
    Abs,
    /// −x.
    Neg,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The tangent.
    Tan,
    /// The inverse sine.
    Asin,
    /// The inverse cosine.
    Acos,
    /// The inverse tangent.
    Atan,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The inverse hyperbolic sine.
    Asinh,
    /// The inverse hyperbolic cosine.
    Acosh,
    /// The inverse hyperbolic tangent.
    Atanh,
    /// Derivative 0, as for the three below.
    Sign,
    /// The largest integer that is not above x.
    Floor,
    /// The smallest integer that is not below x.
    Ceil,
    /// Halves go to the even neighbour.
    Round,
}

/// What becomes of the elements along the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The sum.
    Sum,
    /// Ties go to the first.
    Max,
    /// Ties go to the first.
    Min,
    /// The product.
    Prod,
    /// The mean of the squares.
    MeanOfSquares,
}

/// A linear map along one axis: output `o` sums `weights[i] · input[sources[i]]` for `i` in
/// `o · taps .. (o + 1) · taps`.
#[derive(Clone, Debug)]
pub struct Resize {
    /// The axis.
    pub axis: usize,
    /// Inputs that each output sums.
    pub taps: usize,
    /// The inputs' places along the axis, output by output.
    pub sources: Vec<usize>,
    /// Their weights, in the same order.
    pub weights: Vec<f32>,
}

impl Graph {
    /// The first node of that name.
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.nodes.iter().position(|node| node.name == name)
    }
}
