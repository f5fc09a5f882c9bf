//! Class activation maps of one input: what each head's score of a class rests on, cell by cell, with its place in the image.

use crate::error::Result;
use crate::explain::differences::{Differences, Point};
use crate::explain::engine::{Engine, Forward, Score};
use crate::explain::score::End;
use crate::explain::tail::{MapParts, feature_maps};
use crate::input::prepared::PreparedInput;
use crate::measure::energy::{Energy, energy};
use crate::tensor::range::range;
use crate::visualize::cam::{Method, rectified, signed_map, weighted_sum};
use crate::visualize::cause::{Cause, of_map};
use crate::visualize::placement::{Grid, at_points, dense};
use ndarray::{Array2, Array3, ArrayD};

/// The map of one head for one class by one method.
#[derive(Debug, Clone)]
pub struct Heatmap {
    /// How it was made.
    pub method: Method,
    /// Before the ReLU, on the target's own grid, [rows, columns].
    pub signed: Array2<f32>,
    /// After the ReLU: what is shown.
    pub rectified: Array2<f32>,
    /// Where its cells lie in the input.
    pub grid: Grid,
    /// Where in the input its largest cell looks, (x, y) in pixels: the cell's centre, or the nearest point to it within the image.
    pub peak: (f64, f64),
    /// Why there is nothing to see, if there is not.
    pub cause: Option<Cause>,
    /// Where its energy lies, if the object is known.
    pub energy: Option<Energy>,
}

impl Heatmap {
    /// A signed map, placed in an input.
    fn placed(method: Method, signed: Array2<f32>, cause: Option<Cause>, grid: Grid, input: &PreparedInput) -> Heatmap {
        let rectified = rectified(&signed);
        let (height, width) = input.size();
        let dense = input.mask.as_ref().map(|mask| (mask, dense(rectified.view(), grid, height, width)));
        let energy = dense.map(|(mask, dense)| energy(dense.view(), mask.view()));
        let (row, column) = largest(&signed);
        let (y, x) = grid.centre(row, column);
        let peak = (x.clamp(0.0, width as f64), y.clamp(0.0, height as f64));
        Heatmap { method, signed, rectified, grid, peak, cause, energy }
    }

    /// The rectified map at every pixel centre of an image of `height` × `width` pixels in the input's frame.
    pub fn dense(&self, height: usize, width: usize) -> Array2<f32> {
        dense(self.rectified.view(), self.grid, height, width)
    }

    /// The rectified map at points of the input, [ys, xs]; no number where a coordinate is none.
    pub fn at_points(&self, ys: &[f64], xs: &[f64]) -> Array2<f32> {
        at_points(self.rectified.view(), self.grid, ys, xs)
    }

    /// Smallest and largest value before the ReLU; zeros for a map without numbers.
    pub fn range(&self) -> (f32, f32) {
        range(self.signed.iter().copied()).unwrap_or((0.0, 0.0))
    }
}

/// The score that is explained at one head.
#[derive(Debug, Clone)]
pub struct ExplainedScore {
    /// The class.
    pub class: usize,
    /// The positions that the score is averaged over; all where `None`.
    pub positions: Option<Array2<bool>>,
}

/// The maps of one head by each method, with the score that they explain.
#[derive(Debug, Clone)]
pub(crate) struct HeadMaps {
    /// The explained class's logit.
    pub logit: f32,
    /// By method.
    pub maps: Vec<Heatmap>,
    /// Channels whose weight is unknown, because it lies on a kink of the central differences.
    pub kinks: usize,
}

/// What maps are made from: one input that was run, and the scores that are explained.
pub(crate) struct MapMaker<'a> {
    pub engine: &'a Engine,
    pub forward: &'a Forward,
    pub input: &'a PreparedInput,
    /// By head.
    pub scores: &'a [ExplainedScore],
    /// Where the target's cells lie in the input; `None` where they are stretched over it.
    pub grid: Option<Grid>,
}

impl MapMaker<'_> {
    /// The maps of all heads by the rules of backpropagation.
    ///
    /// # Errors
    /// A target that is no feature map, or operators without a rule in the tail.
    pub fn by_rules(&self, methods: &[Method]) -> Result<Vec<HeadMaps>> {
        let (value, activation) = self.activation()?;
        let grid = self.grid_of(&activation);
        let positions = self.scores.iter().map(|score| score.positions.clone()).collect();
        let tail = self.engine.tail(&self.input.tensor, value)?.within(positions);
        let mut heads = Vec::with_capacity(self.scores.len());
        for (head, score) in self.scores.iter().enumerate() {
            let found = tail.gradient(head, score.class, Score::Logit)?;
            let mut maps = Vec::with_capacity(methods.len());
            for &method in methods {
                let signed = signed_map(method, activation.view(), found.gradient.view());
                let parts = MapParts { signed: &signed, activation: &activation, gradient: &found.gradient };
                let cause = tail.cause(head, score.class, &parts)?;
                maps.push(Heatmap::placed(method, signed, cause, grid, self.input));
            }
            heads.push(HeadMaps { logit: found.score, maps, kinks: 0 });
        }
        Ok(heads)
    }

    /// Grad-CAM maps of all heads whose weights come from central differences, for tails with operators that have no rule.
    ///
    /// # Errors
    /// A target that is no feature map, or a tail that tract cannot run alone.
    pub fn by_differences(&self, differences: &Differences) -> Result<Vec<HeadMaps>> {
        let (value, activation) = self.activation()?;
        let grid = self.grid_of(&activation);
        let one = |(head, score): (usize, &ExplainedScore)| {
            let end = End { head, class: score.class, positions: score.positions.as_ref() };
            let point = Point { image: &self.input.tensor, activation: value, end };
            let (weights, kinks, logit) = differences.weights(&point)?;
            let signed = weighted_sum(activation.view(), &weights);
            // Differences show no operators on the way.
            let constant = || Ok(Cause::ScoreConstant { at: "the tail".into() });
            let cause = of_map(signed.view(), activation.view(), &weights, constant)?;
            let map = Heatmap::placed(Method::GradCam, signed, cause, grid, self.input);
            Ok(HeadMaps { logit, maps: vec![map], kinks })
        };
        self.scores.iter().enumerate().map(one).collect()
    }

    /// The target's value as it was computed, and as feature maps [k, h, w].
    fn activation(&self) -> Result<(&ArrayD<f32>, Array3<f32>)> {
        let value = self.forward.get(&self.engine.target)?;
        Ok((value, feature_maps(&self.engine.target, value.view())?))
    }

    /// The cells of the target in the input: at their receptive fields where these are known, else stretched.
    fn grid_of(&self, activation: &Array3<f32>) -> Grid {
        let (_, rows, columns) = activation.dim();
        self.grid.unwrap_or_else(|| Grid::stretched((rows, columns), self.input.size()))
    }
}

/// Row and column of the first of a map's largest values.
pub fn largest(map: &Array2<f32>) -> (usize, usize) {
    let larger = |most: ((usize, usize), f32), (at, value): ((usize, usize), &f32)| {
        if *value > most.1 { (at, *value) } else { most }
    };
    map.indexed_iter().fold(((0, 0), f32::NEG_INFINITY), larger).0
}
