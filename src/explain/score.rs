//! From a head's logits to scores, probabilities and the weights that pick one score out.

use crate::model::{Head, HeadActivation, Meaning, ScoreKind};
use crate::visualize::placement::Grid;
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
    match end.positions.filter(|positions| covers(positions, scores.len())) {
        None => {
            let positions = scores.len().max(1) as f32;
            scores.fill(sign / positions);
        }
        Some(positions) => {
            // Of a repeated image all repetitions count.
            let images = scores.len() / positions.len();
            let count = (images * positions.iter().filter(|counts| **counts).count()).max(1) as f32;
            for (weight, counts) in scores.iter_mut().zip(positions.iter().cycle()) {
                *weight = if *counts { sign / count } else { 0.0 };
            }
        }
    }
    seed
}

/// Whether there is a position for each of so many scores, perhaps of several images.
fn covers(positions: &Array2<bool>, scores: usize) -> bool {
    !positions.is_empty() && scores.is_multiple_of(positions.len())
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
    if head.scores == ScoreKind::Sigmoid {
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

/// The positions at which a head with a score for each class and position says a class, [rows, columns].
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRegion {
    /// The class.
    pub class: usize,
    /// Where its score is the largest; where it is positive, of a single unit with a sigmoid.
    pub positions: Array2<bool>,
}

/// The class, the background left out, that is the strongest at the most positions, and these positions; the background where it is
/// all there is. `None` for a head without maps of classes, and for a single unit that is positive nowhere.
pub fn own_region(head: &Head, logits: &ArrayD<f32>, background: Option<usize>) -> Option<OwnRegion> {
    if !head.has_maps() || head.meaning != Meaning::Classes || logits.ndim() != 4 {
        return None;
    }
    let first = logits.index_axis(Axis(0), 0);
    let scores = first.into_dimensionality::<ndarray::Ix3>().ok()?;
    let scores = if head.class_axis == 3 { scores.permuted_axes([2, 0, 1]) } else { scores };
    let (classes, rows, columns) = scores.dim();
    if classes == 1 {
        let positions = scores.index_axis(Axis(0), 0).mapv(|score| score > 0.0);
        return positions.iter().any(|counts| *counts).then_some(OwnRegion { class: 1, positions });
    }
    let strongest = Array2::from_shape_fn((rows, columns), |(row, column)| {
        let column: Vec<f64> = (0..classes).map(|class| f64::from(scores[[class, row, column]])).collect();
        best(&column)
    });
    let mut counts = vec![0usize; classes];
    strongest.iter().for_each(|class| counts[*class] += 1);
    let found = (0..classes).filter(|class| Some(*class) != background && counts[*class] > 0);
    // Of equally large regions the first class's.
    let class = found.rev().max_by_key(|class| counts[*class]).or(background)?;
    Some(OwnRegion { class, positions: strongest.mapv(|at| at == class) })
}

/// The most probable class.
pub fn best(probabilities: &[f64]) -> usize {
    probabilities
        .iter()
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (i, p)| if *p > best.1 { (i, *p) } else { best })
        .0
}

/// The most probable classes with their probabilities, at most `count`, the most probable first; the largest values of a head that
/// has no classes. Of equal ones the first comes first.
pub fn leading(probabilities: &[f64], count: usize) -> Vec<(usize, f64)> {
    let mut classes: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.truncate(count);
    classes
}

/// The cells of a grid of (rows, columns) whose centres lie in a part of the image, `pixels`; the one nearest to its middle if none
/// does.
pub fn positions(pixels: &Array2<bool>, (rows, columns): (usize, usize), grid: Grid) -> Array2<bool> {
    let centre = |row: usize, column: usize| grid.centre(row, column);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::engine::{Engine, Score};
    use crate::model::Network;
    use crate::model::fixture::{Fixture, ints};
    use proptest::prelude::*;

    /// x [1, 1, 6, 6] → 3×3 convolution of 4 maps with padding → ReLU (the target) → 3×3 convolution, again padded: a score for
    /// each of three classes and 6 × 6 positions.
    fn segmenter() -> Network {
        let mut fixture = Fixture::new("x", &[1, 1, 6, 6]);
        let padded = || vec![ints("pads", &[1, 1, 1, 1])];
        fixture.conv("x", "c", [4, 1, 3, 3], padded()).node("Relu", &["c"], "target", vec![]);
        fixture.conv("target", "scores", [3, 4, 3, 3], padded()).output("scores").load()
    }

    fn image() -> ArrayD<f32> {
        ArrayD::from_shape_fn(vec![1, 1, 6, 6], |at| ((7 * at[2] + 5 * at[3]) % 11) as f32 / 5.0 - 1.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        /// Scores are means, so those of two regions, weighted by their sizes, add up to that of all; gradients too.
        #[test]
        fn gradients_of_regions_add_up(inside in prop::collection::vec(any::<bool>(), 36), class in 0usize..3) {
            let region = Array2::from_shape_vec((6, 6), inside).unwrap();
            let rest = region.mapv(|inside| !inside);
            let sizes = [&region, &rest].map(|part| part.iter().filter(|counts| **counts).count());
            prop_assume!(sizes.iter().all(|size| *size > 0));
            let network = segmenter();
            let engine = Engine::new(&network, "target", &[], (6, 6)).unwrap();
            let forward = engine.forward(&image()).unwrap();
            let gradient = |pixels: Option<&Array2<bool>>| {
                let positions = engine.positions(0, pixels).unwrap();
                // Every position has its receptive field's centre in its own pixel.
                assert_eq!(positions.as_ref(), pixels);
                let tail = engine.tail(&image(), forward.get("target").unwrap()).unwrap().within(vec![positions]);
                let found = tail.gradient(0, class, Score::Logit).unwrap();
                (found.score, found.gradient)
            };
            let (all, of_region, of_rest) = (gradient(None), gradient(Some(&region)), gradient(Some(&rest)));
            let [a, b] = sizes.map(|size| size as f32 / 36.0);
            prop_assert!((a * of_region.0 + b * of_rest.0 - all.0).abs() < 1e-5);
            let difference = &of_region.1 * a + &of_rest.1 * b - &all.1;
            prop_assert!(difference.iter().all(|d| d.abs() < 1e-6), "{difference}");
            // The score is the mean that the probabilities are made of.
            let said = class_scores(&network.heads()[0], forward.get("scores").unwrap(), Some(&region))[class];
            prop_assert!((said - f64::from(of_region.0)).abs() < 1e-5);
        }
    }

    #[test]
    fn positions_lie_where_their_receptive_fields_look() {
        let pixels = Array2::from_shape_fn((8, 8), |(row, column)| row < 4 && column >= 4);
        let field = |start: f64, step: f64| Grid::of_field([start; 2], [step; 2]);
        let chosen = |grid: Grid| {
            let cells = positions(&pixels, (2, 2), grid);
            cells.indexed_iter().filter(|(_, counts)| **counts).map(|(at, _)| at).collect::<Vec<_>>()
        };
        assert_eq!(chosen(Grid::stretched((2, 2), (8, 8))), [(0, 1)], "stretched, centres lie at 2 and 6");
        assert_eq!(chosen(field(0.5, 3.0)), [(0, 1)], "none is inside; of two equally near the first");
        assert_eq!(chosen(field(3.5, 1.0)), [(0, 1)]);
        assert_eq!(chosen(field(-2.0, 6.0)), [(1, 1)], "outside of the image nothing counts; (4, 4) is nearest");
    }

    #[test]
    fn a_segmentation_says_its_strongest_class_where_it_is_that() {
        let network = segmenter();
        let head = &network.heads()[0];
        // Three classes over 2 × 3 positions: the first wins at three, the second at one, the third at two.
        let scores = vec![5.0, 5.0, 5.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 9.0, 1.0, 1.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0];
        let scores = ArrayD::from_shape_vec(vec![1, 3, 2, 3], scores).unwrap();
        let region = own_region(head, &scores, Some(0)).unwrap();
        assert_eq!((region.class, region.positions), (2, ndarray::arr2(&[[false; 3], [false, true, true]])));
        assert_eq!(own_region(head, &scores, None).unwrap().class, 0, "no class is the background");
        let all = own_region(head, &ArrayD::from_shape_fn(vec![1, 3, 2, 3], |at| -(at[1] as f32)), Some(0)).unwrap();
        assert_eq!((all.class, all.positions), (0, Array2::from_elem((2, 3), true)), "nothing but background");

        let mut f = Fixture::new("x", &[1, 1, 6, 6]);
        f.conv("x", "c", [4, 1, 3, 3], vec![]).node("Relu", &["c"], "r", vec![]).conv("r", "z", [1, 4, 1, 1], vec![]);
        let network = f.node("Sigmoid", &["z"], "y", vec![]).output("y").load();
        let unit = ArrayD::from_shape_vec(vec![1, 1, 1, 3], vec![-1.0, 0.5, -2.0]).unwrap();
        let region = own_region(&network.heads()[0], &unit, None).unwrap();
        assert_eq!((region.class, region.positions), (1, ndarray::arr2(&[[false, true, false]])));
        assert_eq!(own_region(&network.heads()[0], &unit.mapv(|z| -z.abs()), None), None, "nothing is positive");
    }

    /// A head over scores that are given as they are.
    fn head(build: impl FnOnce(&mut Fixture)) -> Head {
        let mut fixture = Fixture::new("x", &[1, 1, 4, 4]);
        fixture.conv("x", "c", [3, 1, 4, 4], vec![]).node("Flatten", &["c"], "f", vec![]);
        build(&mut fixture);
        fixture.output("y").load().heads()[0].clone()
    }

    #[test]
    fn the_most_probable_come_first_and_of_equal_ones_the_first() {
        assert_eq!(leading(&[0.2, 0.5, 0.3], 2), [(1, 0.5), (2, 0.3)]);
        assert_eq!(leading(&[0.25, 0.5, 0.25], 9), [(1, 0.5), (0, 0.25), (2, 0.25)]);
    }

    #[test]
    fn what_is_no_score_gets_no_probability() {
        let scores = |values: &[f32]| ArrayD::from_shape_vec(vec![1, values.len()], values.to_vec()).unwrap();
        let logits = head(|fixture| _ = fixture.dense("f", "y", 3, 3));
        let p = probabilities(&logits, &scores(&[0.0, 2f32.ln(), 0.0]), None);
        assert!((p[1] - 0.5).abs() < 1e-6 && (p[0] - 0.25).abs() < 1e-6);
        assert_eq!(
            probabilities(&logits, &scores(&[0.25, 0.5, 0.25]), None),
            [0.25, 0.5, 0.25],
            "they are some already"
        );
        assert!(
            (probabilities(&logits, &scores(&[-1.0, 1.0, 1.0]), None)[1] - 0.468).abs() < 1e-3,
            "a sum of one is not enough"
        );
        let value = head(|fixture| _ = fixture.dense("f", "y", 3, 1));
        assert_eq!(probabilities(&value, &scores(&[-7.5]), None), [-7.5]);
        assert_eq!(seed(&value, &[1, 1], End::of(0, 0))[[0, 0]], 1.0);
        let unit = head(|fixture| _ = fixture.dense("f", "z", 3, 1).node("Sigmoid", &["z"], "y", vec![]));
        assert_eq!(probabilities(&unit, &scores(&[0.0]), None), [0.5, 0.5]);
        assert_eq!(seed(&unit, &[1, 1], End::of(0, 0))[[0, 0]], -1.0);
    }
}
