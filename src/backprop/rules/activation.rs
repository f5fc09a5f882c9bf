//! Element-wise functions of one value. Each says whether its derivative is written in terms of its input, its
//! output or neither.

use crate::backprop::graph::Unary;
use crate::tensor::Real;

/// What a derivative is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    Input,
    Output,
}

/// What [`vjp`] must be given as `kept`.
pub fn needs(unary: Unary) -> Needs {
    use Unary::*;
    match unary {
        Neg | Sign | Floor | Ceil | Round => Needs::Nothing,
        Relu | Sigmoid | Tanh | Exp | Sqrt | Rsqrt | Reciprocal => Needs::Output,
        LeakyRelu { .. }
        | Clip { .. }
        | HardSwish
        | Silu
        | GeluTanh { .. }
        | Erf
        | Ln
        | Square
        | Power { .. }
        | Abs
        | Sin
        | Cos
        | Tan
        | Asin
        | Acos
        | Atan
        | Sinh
        | Cosh
        | Asinh
        | Acosh
        | Atanh => Needs::Input,
    }
}

/// Replaces every x by f(x).
pub fn forward<T: Real>(unary: Unary, values: &mut [T]) {
    use Unary::*;
    let (zero, one) = (T::zero(), T::one());
    match unary {
        Relu => map(values, |x| if x > zero { x } else { zero }),
        LeakyRelu { alpha } => {
            let alpha = real::<T>(alpha);
            map(values, |x| if x < zero { alpha * x } else { x })
        }
        Clip { low, high } => {
            let (low, high) = (real::<T>(low), real::<T>(high));
            map(values, |x| x.max(low).min(high))
        }
        Sigmoid => map(values, sigmoid),
        Tanh => map(values, T::tanh),
        HardSwish => map(values, |x| x * hard_gate(x)),
        Silu => map(values, |x| x * sigmoid(x)),
        GeluTanh { power } => map(values, |x| real::<T>(0.5) * x * (one + gelu_argument(x, power).0.tanh())),
        Erf => map(values, T::error_function),
        Exp => map(values, T::exp),
        Ln => map(values, T::ln),
        Sqrt => map(values, T::sqrt),
        Rsqrt => map(values, |x| x.sqrt().recip()),
        Square => map(values, |x| x * x),
        Reciprocal => map(values, T::recip),
        Power { exponent } => {
            let exponent = real::<T>(exponent);
            map(values, |x| x.powf(exponent))
        }
        Abs => map(values, T::abs),
        Neg => map(values, |x| -x),
        Sin => map(values, T::sin),
        Cos => map(values, T::cos),
        Tan => map(values, T::tan),
        Asin => map(values, T::asin),
        Acos => map(values, T::acos),
        Atan => map(values, T::atan),
        Sinh => map(values, T::sinh),
        Cosh => map(values, T::cosh),
        Asinh => map(values, T::asinh),
        Acosh => map(values, T::acosh),
        Atanh => map(values, T::atanh),
        Sign => map(values, |x| if x == zero { zero } else { x.signum() }),
        Floor => map(values, T::floor),
        Ceil => map(values, T::ceil),
        Round => map(values, round_half_to_even),
    }
}

/// Multiplies the gradient by f′, computed from `kept`: the inputs, the outputs or nothing, as [`needs`] says.
/// Where the gradient is 0 it stays 0, even if f′ is infinite.
pub fn vjp<T: Real>(unary: Unary, kept: &[T], gradient: &mut [T]) {
    use Unary::*;
    let (zero, one, two) = (T::zero(), T::one(), T::one() + T::one());
    match unary {
        Neg => map(gradient, |g| -g),
        Sign | Floor | Ceil | Round => gradient.fill(zero),
        Relu => gate(gradient, kept, |y| y > zero),
        LeakyRelu { alpha } => {
            let alpha = real::<T>(alpha);
            scale(gradient, kept, |x| if x < zero { alpha } else { one })
        }
        Clip { low, high } => {
            let (low, high) = (real::<T>(low), real::<T>(high));
            gate(gradient, kept, |x| x > low && x < high)
        }
        Sigmoid => scale(gradient, kept, |y| y * (one - y)),
        Tanh => scale(gradient, kept, |y| one - y * y),
        HardSwish => scale(gradient, kept, |x| match () {
            () if x <= real(-3.0) => zero,
            () if x >= real(3.0) => one,
            () => x / real(3.0) + real(0.5),
        }),
        Silu => scale(gradient, kept, |x| {
            let s = sigmoid(x);
            s * (one + x * (one - s))
        }),
        GeluTanh { power } => scale(gradient, kept, |x| {
            let (argument, slope) = gelu_argument(x, power);
            let tanh = argument.tanh();
            real::<T>(0.5) * (one + tanh + x * (one - tanh * tanh) * slope)
        }),
        Erf => {
            let factor = T::from_f64(std::f64::consts::FRAC_2_SQRT_PI);
            scale(gradient, kept, |x| factor * (-x * x).exp())
        }
        Exp => scale(gradient, kept, |y| y),
        Ln => scale(gradient, kept, T::recip),
        Sqrt => scale(gradient, kept, |y| (two * y).recip()),
        Rsqrt => scale(gradient, kept, |y| -y * y * y / two),
        Square => scale(gradient, kept, |x| two * x),
        Reciprocal => scale(gradient, kept, |y| -y * y),
        Power { exponent } => {
            let exponent = real::<T>(exponent);
            scale(gradient, kept, |x| exponent * x.powf(exponent - one))
        }
        Abs => scale(gradient, kept, |x| if x == zero { zero } else { x.signum() }),
        Sin => scale(gradient, kept, T::cos),
        Cos => scale(gradient, kept, |x| -x.sin()),
        Tan => scale(gradient, kept, |x| one + x.tan() * x.tan()),
        Asin => scale(gradient, kept, |x| (one - x * x).sqrt().recip()),
        Acos => scale(gradient, kept, |x| -(one - x * x).sqrt().recip()),
        Atan => scale(gradient, kept, |x| (one + x * x).recip()),
        Sinh => scale(gradient, kept, T::cosh),
        Cosh => scale(gradient, kept, T::sinh),
        Asinh => scale(gradient, kept, |x| (x * x + one).sqrt().recip()),
        Acosh => scale(gradient, kept, |x| (x * x - one).sqrt().recip()),
        Atanh => scale(gradient, kept, |x| (one - x * x).recip()),
    }
}

fn map<T: Real>(values: &mut [T], f: impl Fn(T) -> T) {
    values.iter_mut().for_each(|x| *x = f(*x));
}

fn scale<T: Real>(gradient: &mut [T], kept: &[T], derivative: impl Fn(T) -> T) {
    let pairs = gradient.iter_mut().zip(kept).filter(|(g, _)| **g != T::zero());
    pairs.for_each(|(g, &kept)| *g *= derivative(kept));
}

fn gate<T: Real>(gradient: &mut [T], kept: &[T], open: impl Fn(T) -> bool) {
    gradient.iter_mut().zip(kept).for_each(|(g, &kept)| *g = if open(kept) { *g } else { T::zero() });
}

fn real<T: Real>(value: f32) -> T {
    T::from_f64(f64::from(value))
}

/// 1 / (1 + e⁻ˣ), without overflow on either side.
fn sigmoid<T: Real>(x: T) -> T {
    let e = (-x.abs()).exp();
    (if x < T::zero() { e } else { T::one() }) / (T::one() + e)
}

fn hard_gate<T: Real>(x: T) -> T {
    (x / real(6.0) + real(0.5)).max(T::zero()).min(T::one())
}

/// √(2/π) · (x + 0.044715 · x^power) and its derivative.
fn gelu_argument<T: Real>(x: T, power: i32) -> (T, T) {
    let factor = T::from_f64((2.0 / std::f64::consts::PI).sqrt());
    let cubic = T::from_f64(0.044715);
    let slope = T::one() + cubic * T::from_f64(f64::from(power)) * x.powi(power - 1);
    (factor * (x + cubic * x.powi(power)), factor * slope)
}

fn round_half_to_even<T: Real>(x: T) -> T {
    let two = T::one() + T::one();
    let rounded = x.round();
    if (x - x.trunc()).abs() == T::from_f64(0.5) { two * (x / two).round() } else { rounded }
}
