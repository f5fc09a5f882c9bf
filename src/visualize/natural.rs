//! What excites a filter among natural inputs, and where an ascended image stands against them.

use std::collections::BTreeMap;

use ndarray::{Array2, Array3, ArrayD, Axis};
use rayon::prelude::*;

use crate::backprop::Tape;
use crate::error::{Error, Result};
use crate::visualize::filter::{Convolution, Frame, Objective, Settings, Target, counted};

/// What a unit of the layer sees of the image. Pairs are (vertical, horizontal), in pixels; a pixel's centre lies at its
/// index + 0.5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Pixels a unit sees.
    pub size: [usize; 2],
    /// Distance between neighbouring units' centres.
    pub step: [f64; 2],
    /// Centre of the first unit.
    pub first: [f64; 2],
}

impl Field {
    /// The rectangle that the unit at (row, column) sees of an image: top, left, height, width, within the image.
    pub fn window(&self, unit: (usize, usize), (height, width): (usize, usize)) -> Window {
        let along = |axis: usize, index: usize, length: usize| {
            let start = self.first[axis] + index as f64 * self.step[axis] - self.size[axis] as f64 / 2.0;
            let end = (start + self.size[axis] as f64).round().clamp(0.0, length as f64) as usize;
            let start = (start.round().max(0.0) as usize).min(end);
            (start, end - start)
        };
        let ((top, height), (left, width)) = (along(0, unit.0, height), along(1, unit.1, width));
        Window { top, left, height, width }
    }
}

/// A rectangle of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Window {
    /// All of an image.
    pub fn whole(height: usize, width: usize) -> Window {
        Window { top: 0, left: 0, height, width }
    }

    /// This part of an image [h, w, c].
    pub fn of(&self, image: &Array3<f32>) -> Array3<f32> {
        let (height, width, _) = image.dim();
        let (bottom, right) = ((self.top + self.height).min(height), (self.left + self.width).min(width));
        image.slice(ndarray::s![self.top.min(bottom)..bottom, self.left.min(right)..right, ..]).to_owned()
    }
}

/// What natural inputs do to every filter of a layer.
#[derive(Debug, Clone)]
pub struct Responses {
    /// [inputs, filters]: the channel's mean, or the strongest unit of the map, as the objective says.
    pub activation: Array2<f32>,
    /// [inputs, filters]: the position of the strongest unit.
    pub strongest: Array2<(usize, usize)>,
}

/// Runs natural inputs (in the network's layout, a batch of one each) up to the layer.
///
/// # Errors
/// Inputs of another shape; operators without a gradient rule before the layer.
pub fn responses(convolution: &Convolution, inputs: &[ArrayD<f32>], settings: &Settings) -> Result<Responses> {
    let target = convolution.whole();
    let value = if settings.after_activation { target.after } else { target.before };
    let channels = convolution.channels();
    let [rows, columns] = counted(settings.objective, convolution.map_size());
    let one = |input: &ArrayD<f32>| -> Result<Vec<(f32, (usize, usize))>> {
        let tape = Tape::forward(&target.graph, vec![(target.input, input.clone())], &[value])?;
        let maps = tape.value(value).ok_or_else(|| Error::other("the tape kept no activation"))?;
        let summary = |map: ndarray::ArrayViewD<f32>| {
            let mut best = (f32::NEG_INFINITY, (0, 0));
            let (mut sum, mut count) = (0.0, 0);
            for (at, &activation) in map.indexed_iter() {
                let at = (at[0], at[1]);
                if activation > best.0 {
                    best = (activation, at);
                }
                if (rows.0..rows.1).contains(&at.0) && (columns.0..columns.1).contains(&at.1) {
                    sum += f64::from(activation);
                    count += 1;
                }
            }
            let mean = (sum / f64::from(count.max(1))) as f32;
            (if settings.objective == Objective::Unit { best.0 } else { mean }, best.1)
        };
        let image = maps.index_axis(Axis(0), 0);
        Ok(image.axis_iter(Axis(target.channel_axis - 1)).map(summary).collect())
    };
    let all: Vec<_> = inputs.par_iter().map(one).collect::<Result<_>>()?;
    let at = |(i, k): (usize, usize)| all.get(i).and_then(|of: &Vec<_>| of.get(k)).copied().unwrap_or((0.0, (0, 0)));
    Ok(Responses {
        activation: Array2::from_shape_fn((inputs.len(), channels), |place| at(place).0),
        strongest: Array2::from_shape_fn((inputs.len(), channels), |place| at(place).1),
    })
}

impl Responses {
    /// The inputs that excite a filter most, strongest first; ties in the order of the inputs. Inputs that leave it
    /// silent are no example of what it looks for and are left out.
    pub fn top(&self, channel: usize, count: usize) -> Vec<usize> {
        let activation = |input: usize| self.activation.get((input, channel)).copied().unwrap_or(f32::NEG_INFINITY);
        let mut order: Vec<usize> = (0..self.activation.nrows()).filter(|&input| activation(input) > 0.0).collect();
        order.sort_by(|&a, &b| activation(b).total_cmp(&activation(a)));
        order.truncate(count);
        order
    }
}

/// Whether natural inputs bear out what an ascended image says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// At equal norm it excites the filter at least as much as every natural input, and natural inputs excite it too.
    Confirmed,
    /// No natural input excites the filter at all.
    Silent,
    /// Natural inputs of the same norm excite the filter more.
    Beaten,
}

/// Where an ascended image stands against natural inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The highest activation over the natural inputs, and which of them has it.
    pub best: f32,
    /// The natural input that has it.
    pub best_input: usize,
    /// The ascended image's activation at the norm of that input.
    pub at_equal_norm: f32,
    /// The two divided, where natural inputs excite the filter.
    pub ratio: Option<f32>,
    /// Percentage of the natural inputs that the image, brought to the norm of each, excites the filter at least as much as.
    pub percentile: f32,
    /// Whether natural inputs bear the image out.
    pub confirmation: Confirmation,
}

/// Norms are told apart this finely when an image is scaled to them; always down, so that no image gains by it.
const GRADES: f32 = 64.0;

/// The natural inputs of one comparison.
pub struct Natural<'a> {
    images: Vec<Array3<f32>>,
    responses: &'a Responses,
    frame: Frame,
    /// What a unit sees; `None` where it may be the whole image.
    field: Option<Field>,
    colour: Vec<f32>,
}

impl<'a> Natural<'a> {
    /// Natural inputs, in the network's layout, with the responses to them and what a unit sees.
    pub fn new(inputs: &[ArrayD<f32>], responses: &'a Responses, frame: Frame, field: Option<Field>) -> Natural<'a> {
        let image = |input: &ArrayD<f32>| frame.image(&input.iter().copied().collect::<Vec<f32>>());
        Natural {
            images: inputs.iter().map(image).collect(),
            responses,
            frame,
            field,
            colour: mean_colour(inputs, frame),
        }
    }

    /// Compares an ascended image [h, w, c] of a channel with the natural inputs at equal norm and range.
    ///
    /// The norm is that of the difference from the natural inputs' mean colour, over the pixels that count: what the unit
    /// sees for the unit objective, the whole image for the channel's. The ascended image is scaled down to the norm of
    /// each natural input, never up, so that it stays within the range.
    ///
    /// # Errors
    /// Those of running the sub-graph.
    pub fn standing(
        &self,
        target: &Target,
        channel: usize,
        image: &Array3<f32>,
        settings: &Settings,
    ) -> Result<Option<Standing>> {
        let activations = self.responses.activation.column(channel);
        let best_input = (0..activations.len()).reduce(|a, b| if activations[b] > activations[a] { b } else { a });
        let Some(best_input) = best_input else { return Ok(None) };
        let (height, width) = (self.frame.height, self.frame.width);
        let window = |unit: (usize, usize)| match (settings.objective, self.field) {
            (Objective::Unit, Some(field)) => field.window(unit, (height, width)),
            _ => Window::whole(height, width),
        };
        let [rows, columns] = counted(Objective::Unit, target.map_size());
        let seen = window((rows.0, columns.0));
        let own = norm(&seen.of(image), &self.colour);
        let mut known = BTreeMap::new();
        let mut at_norm_of = |input: usize| -> Result<f32> {
            let theirs =
                norm(&window(self.responses.strongest[[input, channel]]).of(&self.images[input]), &self.colour);
            let scale = if own > 0.0 { (theirs / own).min(1.0) } else { 0.0 };
            let grade = (scale * GRADES) as u32;
            if let Some(&activation) = known.get(&grade) {
                return Ok(activation);
            }
            let scaled = scaled(image, seen, &self.colour, grade as f32 / GRADES);
            let activation =
                crate::visualize::filter::objective_at(target, &self.frame.values(&scaled), self.frame, settings)?;
            known.insert(grade, activation);
            Ok(activation)
        };
        let scaled: Vec<f32> = (0..activations.len()).map(&mut at_norm_of).collect::<Result<_>>()?;
        let beaten = scaled.iter().zip(activations).filter(|(own, natural)| own >= natural).count();
        let (best, at_equal_norm) = (activations[best_input], scaled[best_input]);
        Ok(Some(Standing {
            best,
            best_input,
            at_equal_norm,
            ratio: (best > 0.0).then(|| at_equal_norm / best),
            percentile: 100.0 * beaten as f32 / scaled.len() as f32,
            confirmation: match () {
                () if best <= 0.0 => Confirmation::Silent,
                () if at_equal_norm < best => Confirmation::Beaten,
                () => Confirmation::Confirmed,
            },
        }))
    }
}

/// Lowest and highest value of each channel over natural inputs.
pub fn range(inputs: &[ArrayD<f32>], frame: Frame) -> Vec<(f32, f32)> {
    let mut range = vec![(f32::INFINITY, f32::NEG_INFINITY); frame.channels];
    for (i, &value) in inputs.iter().flat_map(|input| input.iter().enumerate()) {
        let (low, high) = range[frame.channel(i)];
        range[frame.channel(i)] = (low.min(value), high.max(value));
    }
    range.into_iter().map(|(low, high)| if low <= high { (low, high) } else { (0.0, 1.0) }).collect()
}

/// Mean of each channel over all pixels of all inputs.
pub fn mean_colour(inputs: &[ArrayD<f32>], frame: Frame) -> Vec<f32> {
    let mut sums = vec![0.0f64; frame.channels];
    inputs.iter().flat_map(|input| input.iter().enumerate()).for_each(|(i, &v)| sums[frame.channel(i)] += f64::from(v));
    let count = (inputs.len() * frame.height * frame.width).max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

fn norm(image: &Array3<f32>, colour: &[f32]) -> f32 {
    let square = |((_, _, c), &value): ((usize, usize, usize), &f32)| f64::from(value - colour[c]).powi(2);
    image.indexed_iter().map(square).sum::<f64>().sqrt() as f32
}

/// The image brought towards the colour inside the window, and all colour outside it.
fn scaled(image: &Array3<f32>, window: Window, colour: &[f32], scale: f32) -> Array3<f32> {
    Array3::from_shape_fn(image.dim(), |(y, x, c)| {
        let inside = (window.top..window.top + window.height).contains(&y)
            && (window.left..window.left + window.width).contains(&x);
        if inside { colour[c] + scale * (image[[y, x, c]] - colour[c]) } else { colour[c] }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndarray::array;

    use super::*;
    use crate::backprop::graph::{Conv, Graph, Node, Op, Unary};
    use crate::tensor::window::Axis as Side;

    /// relu(x + bias) at each pixel of a grey image of 2×2 pixels.
    fn copying(bias: f32) -> Graph {
        let side = Side { input: 2, output: 2, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };
        let window = crate::tensor::window::Window::new(&[side, side]).unwrap();
        let (kernel, bias) = (Arc::new(vec![1.0]), Some(Arc::new(vec![bias])));
        let conv = Conv { window, groups: 1, inputs: 1, outputs: 1, kernel, bias };
        let ops = [(Op::Input, vec![]), (Op::Conv(conv), vec![0]), (Op::Unary(Unary::Relu), vec![1])];
        let node = |(op, inputs)| Node { name: "node".into(), op, inputs, shape: vec![1, 1, 2, 2] };
        Graph { nodes: ops.map(node).to_vec(), inputs: vec![0], outputs: vec![2] }
    }

    fn images() -> [ArrayD<f32>; 2] {
        [array![[[[1.0, 0.0], [0.0, 0.0]]]].into_dyn(), array![[[[0.0, 1.0], [1.0, 0.0]]]].into_dyn()]
    }

    fn standing(bias: f32, image: Array3<f32>) -> Standing {
        let (graph, frame) = (copying(bias), Frame::new(&[1, 1, 2, 2], false).unwrap());
        let layer = Convolution::new(&graph, 1, 2, 1).unwrap();
        let settings = Settings::bounded(vec![(0.0, 1.0)], vec![], 1);
        let responses = responses(&layer, &images(), &settings).unwrap();
        let natural = Natural::new(&images(), &responses, frame, None);
        natural.standing(&layer.channel(0).unwrap(), 0, &image, &settings).unwrap().unwrap()
    }

    #[test]
    fn images_are_compared_at_equal_norm() {
        // Mean colour 3/8. From it the second input is √1.0625 away and a white image 1.25, so that white is brought down to
        // 0.8246 of its distance, in steps of 1/64: 52/64.
        let white = standing(0.0, Array3::ones((2, 2, 1)));
        assert_eq!((white.best, white.best_input), (0.5, 1));
        assert!((white.at_equal_norm - (0.375 + 0.8125 * 0.625)).abs() < 1e-6, "{}", white.at_equal_norm);
        assert_eq!((white.percentile, white.confirmation), (100.0, Confirmation::Confirmed));
        assert!((white.ratio.unwrap() - 2.0 * white.at_equal_norm).abs() < 1e-6);
        // Grey and black are nearer to the mean colour than the stronger input, and are not scaled up to it.
        assert_eq!(standing(0.0, Array3::from_elem((2, 2, 1), 0.5)).at_equal_norm, 0.5);
        let black = standing(0.0, Array3::zeros((2, 2, 1)));
        assert_eq!((black.at_equal_norm, black.percentile, black.confirmation), (0.0, 0.0, Confirmation::Beaten));
        let silent = standing(-2.0, Array3::ones((2, 2, 1)));
        assert_eq!((silent.best, silent.ratio, silent.confirmation), (0.0, None, Confirmation::Silent));
    }

    #[test]
    fn responses_know_the_strongest_unit_and_the_strongest_inputs() {
        let graph = copying(0.0);
        let layer = Convolution::new(&graph, 1, 2, 1).unwrap();
        let mut settings = Settings::bounded(vec![(0.0, 1.0)], vec![], 1);
        let mean = responses(&layer, &images(), &settings).unwrap();
        assert_eq!(mean.activation, array![[0.25], [0.5]]);
        assert_eq!(mean.strongest, array![[(0, 0)], [(0, 1)]]);
        assert_eq!((mean.top(0, 9), mean.top(0, 1)), (vec![1, 0], vec![1]));
        settings.objective = Objective::Unit;
        assert_eq!(responses(&layer, &images(), &settings).unwrap().activation, array![[1.0], [1.0]]);
    }

    #[test]
    fn a_unit_sees_its_window_and_no_more_than_the_image() {
        // A 7×7 convolution with padding 3 at stride 2.
        let field = Field { size: [7, 7], step: [2.0, 2.0], first: [0.5, 0.5] };
        assert_eq!(field.window((3, 4), (28, 28)), Window { top: 3, left: 5, height: 7, width: 7 });
        assert_eq!(field.window((0, 13), (28, 28)), Window { top: 0, left: 23, height: 4, width: 5 });
        let image = Array3::from_shape_fn((28, 28, 1), |(y, x, _)| (y * 28 + x) as f32);
        assert_eq!(field.window((0, 13), (28, 28)).of(&image)[[0, 0, 0]], 23.0);
    }

    #[test]
    fn range_and_mean_are_taken_channel_by_channel() {
        let frame = Frame::new(&[1, 1, 2, 2], true).unwrap();
        let inputs = [array![[[[1.0, 0.5], [3.0, 0.5]]]].into_dyn(), array![[[[-1.0, 0.5], [1.0, 0.5]]]].into_dyn()];
        assert_eq!(range(&inputs, frame), [(-1.0, 3.0), (0.5, 0.5)]);
        assert_eq!(mean_colour(&inputs, frame), [1.0, 0.5]);
        assert_eq!(range(&[], frame), [(0.0, 1.0), (0.0, 1.0)]);
    }
}
