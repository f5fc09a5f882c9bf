//! From a head's logits to scores, probabilities and the weights that pick one score out.

use crate::model::{Head, HeadActivation, Meaning, ReceptiveField};
use ndarray::{Array2, ArrayD, Axis, IxDyn};

/// Probabilities that an output gives without a softmax sum to one up to this.
const ROUNDING: f64 = 1e-3;

/// Which score is explained: a head's, of a class, at some positions.
#[derive(Debug, Clone, Copy)]
pub struct End<'p> {
    pub head: usize,
    pub class: usize,
    /// The positions that count in a head with a score for each class and position, [rows, columns]; all where `None`.
    pub positions: Option<&'p Array2<bool>>,
}

impl End<'_> {
    /// A head's score of a class, averaged over all positions where it has several.
    pub fn of(head: usize, class: usize) -> End<'static> {
        End { head, class, positions: None }
    }
}

/// The weights that pick a class's score out of a head: 1 at the class, averaged over positions where the head has a score for
/// each (Vinogradova, Dibrov, Myers 2020, arXiv 2002.11434, sum them; the mean gives the same map on another scale). A one-unit
/// sigmoid head gives −y for class 0 and +y for class 1.
pub fn seed(head: &Head, shape: &[usize], end: End) -> ArrayD<f32> {
    let mut seed = ArrayD::zeros(IxDyn(shape));
    if head.class_axis >= shape.len() {
        return seed;
    }
    let (unit, sign) = match (shape[head.class_axis], head.meaning) {
        (1, Meaning::Classes) => (0, if end.class == 0 { -1.0 } else { 1.0 }),
        (classes, _) => (end.class.min(classes - 1), 1.0),
    };
    let mut scores = seed.index_axis_mut(Axis(head.class_axis), unit);
    match end.positions.filter(|positions| positions.len() == scores.len()) {
        None => {
            let positions = scores.len().max(1) as f32;
            scores.fill(sign / positions);
        }
        Some(positions) => {
            let count = positions.iter().filter(|counts| **counts).count().max(1) as f32;
            for (weight, counts) in scores.iter_mut().zip(positions) {
                *weight = if *counts { sign / count } else { 0.0 };
            }
        }
    }
    seed
}

/// What a head says: the probabilities of its classes (softmax, or the sigmoid and its complement for one unit, of the scores
/// averaged over positions), or the values themselves of a head that has no classes.
pub fn probabilities(head: &Head, logits: &ArrayD<f32>, positions: Option<&Array2<bool>>) -> Vec<f64> {
    let scores = class_scores(head, logits, positions);
    if head.meaning == Meaning::Values {
        return scores;
    }
    if let [y] = scores.as_slice() {
        let p = 1.0 / (1.0 + (-y).exp());
        return vec![1.0 - p, p];
    }
    if head.activation == HeadActivation::Sigmoid {
        return scores.iter().map(|y| 1.0 / (1.0 + (-y).exp())).collect();
    }
    // An output may have become probabilities in a way that no operator at its end tells.
    let are_probabilities = head.activation == HeadActivation::None
        && (scores.iter().sum::<f64>() - 1.0).abs() <= ROUNDING
        && scores.iter().all(|y| (-ROUNDING / scores.len() as f64..=1.0 + ROUNDING).contains(y));
    if are_probabilities {
        return scores;
    }
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|y| (y - most).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}

/// A head's scores, one a class, averaged over batch and positions.
pub fn class_scores(head: &Head, logits: &ArrayD<f32>, positions: Option<&Array2<bool>>) -> Vec<f64> {
    if head.class_axis >= logits.ndim() {
        return logits.iter().map(|y| f64::from(*y)).collect();
    }
    let mean = |scores: ndarray::ArrayViewD<f32>| {
        let wide = |y: &f32| f64::from(*y);
        match positions.filter(|positions| positions.len() == scores.len()) {
            None => scores.iter().map(wide).sum::<f64>() / scores.len().max(1) as f64,
            Some(positions) => {
                let counted = || scores.iter().zip(positions).filter(|(_, counts)| **counts);
                counted().map(|(y, _)| wide(y)).sum::<f64>() / counted().count().max(1) as f64
            }
        }
    };
    logits.axis_iter(Axis(head.class_axis)).map(mean).collect()
}

/// The most probable class.
pub fn best(probabilities: &[f64]) -> usize {
    probabilities
        .iter()
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (i, p)| if *p > best.1 { (i, *p) } else { best })
        .0
}

/// The cells of a grid whose centres lie in a part of the image, `pixels`; the one nearest to its middle if none does. Without
/// receptive fields the grid is taken as stretched over the image.
pub fn positions(
    pixels: &Array2<bool>,
    (rows, columns): (usize, usize),
    field: Option<ReceptiveField>,
) -> Array2<bool> {
    let (height, width) = pixels.dim();
    let centre = |row: usize, column: usize| match field {
        Some(field) => field.centre(row, column),
        None => {
            let stretched =
                |cell: usize, cells: usize, length: usize| (cell as f64 + 0.5) * length as f64 / cells as f64;
            (stretched(row, rows, height), stretched(column, columns, width))
        }
    };
    let inside = |row: usize, column: usize| {
        let (y, x) = centre(row, column);
        y >= 0.0 && x >= 0.0 && pixels.get((y as usize, x as usize)) == Some(&true)
    };
    let mut chosen = Array2::from_shape_fn((rows, columns), |(row, column)| inside(row, column));
    if chosen.iter().any(|counts| *counts) {
        return chosen;
    }
    let (mut y, mut x, mut count) = (0.0, 0.0, 0.0);
    for ((row, column), _) in pixels.indexed_iter().filter(|(_, counts)| **counts) {
        (y, x, count) = (y + row as f64 + 0.5, x + column as f64 + 0.5, count + 1.0);
    }
    let (y, x) = (y / f64::max(count, 1.0), x / f64::max(count, 1.0));
    let distance = |(row, column): (usize, usize)| {
        let (cell_y, cell_x) = centre(row, column);
        (cell_y - y).powi(2) + (cell_x - x).powi(2)
    };
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    if let Some(nearest) = cells.min_by(|a, b| distance(*a).total_cmp(&distance(*b))) {
        chosen[nearest] = true;
    }
    chosen
}
