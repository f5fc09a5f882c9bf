//! Functions of two or three values with broadcasting. A product needs the operands it multiplies by; sums need
//! nothing.

use crate::backprop::graph::{Binary, Comparison};
use crate::tensor::Real;
use crate::tensor::broadcast::{stretch, sum_to, zip, zip_in_place};

/// Whether [`vjp`] for one operand reads operand `slot`.
pub fn needs(binary: Binary, wanted: usize, slot: usize) -> bool {
    match binary {
        Binary::Add | Binary::Sub => false,
        Binary::Mul => slot != wanted,
        Binary::Div => slot == 1 || wanted == 1,
        Binary::Min | Binary::Max | Binary::Pow => true,
    }
}

/// `a ∘ b` in `shape`, to which both are stretched. Reuses `a`'s memory if it already has that shape.
pub fn forward<T: Real>(
    binary: Binary,
    shape: &[usize],
    (mut a, a_shape): (Vec<T>, &[usize]),
    b: (&[T], &[usize]),
) -> Vec<T> {
    fn apply<T: Real>(
        shape: &[usize],
        (a, a_shape): (&mut Vec<T>, &[usize]),
        b: (&[T], &[usize]),
        f: impl Fn(T, T) -> T,
    ) {
        if a_shape == shape {
            zip_in_place(a, shape, b, f);
        } else {
            *a = zip(shape, (a, a_shape), b, f);
        }
    }
    let operand = (&mut a, a_shape);
    match binary {
        Binary::Add => apply(shape, operand, b, |a, b| a + b),
        Binary::Sub => apply(shape, operand, b, |a, b| a - b),
        Binary::Mul => apply(shape, operand, b, |a, b| a * b),
        Binary::Div => apply(shape, operand, b, |a, b| a / b),
        Binary::Min => apply(shape, operand, b, T::min),
        Binary::Max => apply(shape, operand, b, T::max),
        Binary::Pow => apply(shape, operand, b, T::powf),
    }
    a
}

/// The gradient with respect to operand `wanted` (0 or 1). Operands that [`needs`] does not ask for may be empty.
pub fn vjp<T: Real>(
    binary: Binary,
    shape: &[usize],
    a: (&[T], &[usize]),
    b: (&[T], &[usize]),
    wanted: usize,
    mut gradient: Vec<T>,
) -> Vec<T> {
    let zero = T::zero();
    let scale = |gradient: &mut Vec<T>, derivative: fn(T, T) -> T| {
        let factors = zip(shape, a, b, derivative);
        gradient.iter_mut().zip(factors).filter(|(g, _)| **g != zero).for_each(|(g, factor)| *g *= factor);
    };
    match (binary, wanted) {
        (Binary::Add, _) | (Binary::Sub, 0) => {}
        (Binary::Sub, _) => gradient.iter_mut().for_each(|g| *g = -*g),
        (Binary::Mul, 0) => zip_in_place(&mut gradient, shape, b, |g, b| g * b),
        (Binary::Mul, _) => zip_in_place(&mut gradient, shape, a, |g, a| g * a),
        (Binary::Div, 0) => zip_in_place(&mut gradient, shape, b, |g, b| g / b),
        (Binary::Div, _) => scale(&mut gradient, |a, b| -a / (b * b)),
        (Binary::Min, 0) => scale(&mut gradient, |a, b| if a <= b { T::one() } else { T::zero() }),
        (Binary::Min, _) => scale(&mut gradient, |a, b| if a <= b { T::zero() } else { T::one() }),
        (Binary::Max, 0) => scale(&mut gradient, |a, b| if a >= b { T::one() } else { T::zero() }),
        (Binary::Max, _) => scale(&mut gradient, |a, b| if a >= b { T::zero() } else { T::one() }),
        (Binary::Pow, 0) => scale(&mut gradient, |a, b| b * a.powf(b - T::one())),
        (Binary::Pow, _) => scale(&mut gradient, |a, b| if a > T::zero() { a.powf(b) * a.ln() } else { T::zero() }),
    }
    reduce(gradient, shape, if wanted == 0 { a.1 } else { b.1 })
}

/// 1 where the comparison holds, else 0.
pub fn compare<T: Real>(comparison: Comparison, shape: &[usize], a: (&[T], &[usize]), b: (&[T], &[usize])) -> Vec<T> {
    let truth = |holds: bool| if holds { T::one() } else { T::zero() };
    match comparison {
        Comparison::Equal => zip(shape, a, b, |a, b| truth(a == b)),
        Comparison::NotEqual => zip(shape, a, b, |a, b| truth(a != b)),
        Comparison::Less => zip(shape, a, b, |a, b| truth(a < b)),
        Comparison::LessOrEqual => zip(shape, a, b, |a, b| truth(a <= b)),
        Comparison::Greater => zip(shape, a, b, |a, b| truth(a > b)),
        Comparison::GreaterOrEqual => zip(shape, a, b, |a, b| truth(a >= b)),
    }
}

/// Where `condition` is not 0 the first of `choices`, else the second.
pub fn select<T: Real>(
    shape: &[usize],
    (condition, condition_shape): (&[T], &[usize]),
    choices: [(&[T], &[usize]); 2],
) -> Vec<T> {
    let mut out = stretch(choices[0].0, choices[0].1, shape);
    let other = stretch(choices[1].0, choices[1].1, shape);
    let condition = stretch(condition, condition_shape, shape);
    let choices = out.iter_mut().zip(other).zip(condition);
    choices.filter(|(_, condition)| *condition == T::zero()).for_each(|((out, other), _)| *out = other);
    out
}

/// The gradient with respect to choice 0 or 1 of [`select`]: what was not chosen gets 0.
pub fn select_vjp<T: Real>(
    shape: &[usize],
    condition: (&[T], &[usize]),
    choice: usize,
    choice_shape: &[usize],
    mut gradient: Vec<T>,
) -> Vec<T> {
    zip_in_place(&mut gradient, shape, condition, |g, condition| {
        if (condition != T::zero()) == (choice == 0) { g } else { T::zero() }
    });
    reduce(gradient, shape, choice_shape)
}

/// Sums over the axes that were stretched.
fn reduce<T: Real>(gradient: Vec<T>, shape: &[usize], target: &[usize]) -> Vec<T> {
    if shape == target { gradient } else { sum_to(&gradient, shape, target) }
}
