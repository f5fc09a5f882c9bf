//! A network laid open for measuring: its gradient graph for whole batches, and where in it targets, scores, filters
//! and poolings are. The same places hold in every copy with other weights.

use crate::backprop::graph::{Conv, Graph, Op, ValueId};
use crate::backprop::{ReluRule, Tape};
use crate::error::{Error, Result};
use crate::explain::cells;
use crate::explain::engine::Score;
use crate::explain::lowered::Lowered;
use crate::explain::score::{self, End, class_scores, probabilities};
use crate::explain::tail::feature_maps;
use crate::measure::pooling::Window;
use crate::measure::sampling::{Axis as Cells, Sampling};
use crate::model::{Head, Layer, Network};
use crate::visualize::cam;
use crate::visualize::placement::{Grid, Placement};
use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, Slice};

/// The methods that are measured: the one that decides, and the one beside it.
pub const METHODS: [cam::Method; 2] = [cam::Method::GradCam, cam::Method::HiResCam];
/// Images in a batch at most; larger ones would not save any more of the packing of dense layers' weights.
const BATCH: usize = 72;
/// Pixels in a batch at most.
const PIXELS: usize = BATCH * 28 * 28;

/// A layer whose output is a map.
pub struct Place<'n> {
    pub layer: &'n Layer,
    /// The value of the layer's output.
    pub output: ValueId,
    /// The operator itself, if it is of the kind that is measured.
    pub operator: Option<ValueId>,
}

/// A network laid open for measuring, in batches.
pub struct Anatomy<'n> {
    pub network: &'n Network,
    /// The network's own weights.
    pub graph: Graph,
    /// Images that the graph takes at a time.
    pub batch: usize,
    /// Height and width of the image.
    pub size: (usize, usize),
    /// From the target's cells to the image's pixels, at the receptive fields' centres where they are known.
    pub placed: Sampling,
    /// The same grid stretched to the image.
    pub stretched: Sampling,
    pub convolutions: Vec<Place<'n>>,
    pub poolings: Vec<Place<'n>>,
    /// Outputs of the layers that have weights.
    weighted: Vec<(ValueId, &'n str)>,
    input: ValueId,
    target: ValueId,
    logits: Vec<ValueId>,
    outputs: Vec<ValueId>,
}

impl<'n> Anatomy<'n> {
    /// Lowers a network for batches of at most `images`; `target` is the value that heatmaps explain.
    ///
    /// # Errors
    /// A graph that cannot be typed, or a target that is no feature map.
    pub fn new(
        network: &'n Network,
        target: &str,
        placement: Placement,
        size: (usize, usize),
        images: usize,
    ) -> Result<Anatomy<'n>> {
        let shown = |layer: &&Layer| layer.kind != "InputLayer";
        let layers: Vec<&Layer> = network.layers().iter().filter(shown).collect();
        let tensors: Vec<&str> = layers.iter().map(|layer| layer.output_tensor.as_str()).collect();
        let batch =
            network.fixed_batch().unwrap_or((PIXELS / (size.0 * size.1).max(1)).clamp(1, BATCH.min(images.max(1))));
        let Lowered { graph, input, target: target_id, logits, outputs, others, .. } =
            Lowered::new(network, target, &tensors, batch, size)?;
        let (mut convolutions, mut poolings, mut weighted) = (Vec::new(), Vec::new(), Vec::new());
        for (layer, output) in layers.into_iter().zip(others) {
            if layer.parameters > 0 {
                weighted.push((output, layer.name.as_str()));
            }
            if layer.is_map() && layer.convolution.is_some() {
                let operator = upstream(&graph, output, |op| matches!(op, Op::Conv(_)));
                convolutions.push(Place { layer, output, operator });
            } else if layer.is_map() && layer.kind.contains("Pooling") {
                let operator = upstream(&graph, output, |op| matches!(op, Op::MaxPool(_)));
                poolings.push(Place { layer, output, operator });
            }
        }
        let shape = &graph.nodes[target_id].shape;
        let &[_, _, rows, columns] = shape.as_slice() else {
            return Err(Error::input(format!("{target}: has the shape {shape:?}; a heatmap needs feature maps")));
        };
        let stretched = Sampling { rows: Cells::stretched(rows, size.0), columns: Cells::stretched(columns, size.1) };
        let placed = match placement {
            Placement::Stretch => stretched.clone(),
            Placement::ReceptiveField => {
                sampling(cells::grid(network, target, (rows, columns), size), (rows, columns), size)
            }
        };
        Ok(Anatomy {
            network,
            graph,
            batch,
            size,
            placed,
            stretched,
            convolutions,
            poolings,
            weighted,
            input,
            target: target_id,
            logits,
            outputs,
        })
    }

    /// Runs at most a batch of images (each with a batch of one) through a graph of this anatomy, and keeps `ends`.
    ///
    /// # Errors
    /// Operators without a gradient rule, images of another shape.
    pub fn run<'g>(&self, graph: &'g Graph, images: &[&ArrayD<f32>], ends: &[ValueId]) -> Result<Run<'_, 'g>> {
        let shape = graph.nodes[self.input].shape.clone();
        let mut batch = ArrayD::zeros(IxDyn(&shape));
        for (row, image) in batch.outer_iter_mut().zip(images) {
            let mut row = row;
            if image.shape().get(1..) != Some(row.shape()) {
                return Err(Error::other(format!("an image of shape {:?} for an input {shape:?}", image.shape())));
            }
            row.assign(&image.index_axis(Axis(0), 0));
        }
        Ok(Run { anatomy: self, tape: Tape::forward(graph, vec![(self.input, batch)], ends)?, images: images.len() })
    }

    /// The ends of a run that explains: target and logits.
    pub fn explained(&self) -> Vec<ValueId> {
        [&[self.target][..], &self.logits].concat()
    }

    /// The ends of a run that also differentiates the heads' outputs.
    pub fn with_outputs(&self) -> Vec<ValueId> {
        [self.explained(), self.outputs.clone()].concat()
    }

    /// The layer that a node's weights belong to: the first one below it whose output depends on them.
    pub fn layer_of(&self, node: ValueId) -> Option<&'n str> {
        let mut reached = vec![false; self.graph.nodes.len()];
        reached[node] = true;
        for id in node + 1..reached.len() {
            reached[id] = self.graph.nodes[id].inputs.iter().any(|&input| reached[input]);
        }
        self.weighted
            .iter()
            .filter(|(output, _)| reached[*output])
            .min_by_key(|(output, _)| *output)
            .map(|(_, name)| *name)
    }

    /// The convolution of a place in a graph of this anatomy.
    pub fn convolution<'g>(&self, graph: &'g Graph, place: &Place) -> Option<&'g Conv> {
        match &graph.nodes.get(place.operator?)?.op {
            Op::Conv(conv) => Some(conv),
            _ => None,
        }
    }

    /// A max pooling with the value before it.
    pub fn pooling(&self, place: &Place) -> Option<(ValueId, ValueId, Window)> {
        let id = place.operator?;
        let node = self.graph.nodes.get(id)?;
        let Op::MaxPool(window) = &node.op else { return None };
        let [_, rows, columns] = &window.axes;
        let window = Window {
            kernel: [rows.kernel, columns.kernel],
            stride: [rows.stride, columns.stride],
            padding: [rows.before, columns.before],
        };
        Some((*node.inputs.first()?, id, window))
    }

    /// From the cells of a convolution's output to the image's pixels.
    pub fn sampling(&self, place: &Place) -> Option<Sampling> {
        let shape = &self.graph.nodes.get(place.output)?.shape;
        let grid = if place.layer.channel_axis == 3 { shape.get(1..3) } else { shape.get(2..4) };
        let &[rows, columns] = grid? else { return None };
        let grid = cells::grid(self.network, &place.layer.output_tensor, (rows, columns), self.size);
        Some(sampling(grid, (rows, columns), self.size))
    }
}

/// The sampling of a grid of cells at the pixels of an image of `size`.
fn sampling(grid: Grid, (rows, columns): (usize, usize), size: (usize, usize)) -> Sampling {
    let axis = |cells: usize, pixels: usize, centre: &dyn Fn(usize) -> f64| {
        Cells::placed(&(0..cells).map(centre).collect::<Vec<_>>(), pixels)
    };
    Sampling {
        rows: axis(rows, size.0, &|row| grid.centre(row, 0).0),
        columns: axis(columns, size.1, &|column| grid.centre(0, column).1),
    }
}

/// The nearest node of a kind before a value, along first operands.
fn upstream(graph: &Graph, mut id: ValueId, wanted: impl Fn(&Op) -> bool) -> Option<ValueId> {
    loop {
        let node = graph.nodes.get(id)?;
        if wanted(&node.op) {
            return Some(id);
        }
        let is_constant = |input: &&ValueId| matches!(graph.nodes[**input].op, Op::Constant(_));
        id = *node.inputs.iter().find(|input| !is_constant(input))?;
    }
}

/// One batch, run.
pub struct Run<'a, 'g> {
    anatomy: &'a Anatomy<'a>,
    tape: Tape<'g, f32>,
    images: usize,
}

impl Run<'_, '_> {
    /// A kept value of all images of the batch.
    ///
    /// # Errors
    /// A value that was no end of the run, or whose first axis is not the batch.
    pub fn value(&self, id: ValueId) -> Result<ArrayD<f32>> {
        let value = self.tape.value(id).ok_or_else(|| Error::other("a value was not kept"))?;
        if value.shape().first() != Some(&self.anatomy.batch) {
            return Err(Error::other(format!("a value of shape {:?} does not keep images apart", value.shape())));
        }
        Ok(value.slice_axis(Axis(0), Slice::from(0..self.images)).to_owned())
    }

    /// A layer's output, channels first, image by image.
    ///
    /// # Errors
    /// As [`Run::value`].
    pub fn maps(&self, place: &Place) -> Result<Vec<Array3<f32>>> {
        let axes = if place.layer.channel_axis == 3 { [2, 0, 1] } else { [0, 1, 2] };
        let value = self.value(place.output)?;
        let image = |value: ndarray::ArrayViewD<f32>| {
            let value = value.into_dimensionality::<ndarray::Ix3>();
            value
                .map(|value| value.permuted_axes(axes).as_standard_layout().into_owned())
                .map_err(|_| Error::other(format!("{}: its output is no map", place.layer.name)))
        };
        value.outer_iter().map(image).collect()
    }

    /// The channels-first value of an operator, image by image.
    ///
    /// # Errors
    /// As [`Run::value`].
    pub fn planes(&self, id: ValueId) -> Result<Vec<Array3<f32>>> {
        let value = self.value(id)?;
        value.axis_chunks_iter(Axis(0), 1).map(|value| feature_maps("a pooling", value)).collect()
    }

    /// The scores of one head, one a class, image by image.
    ///
    /// # Errors
    /// As [`Run::value`].
    pub fn scores(&self, head: usize) -> Result<Vec<Vec<f64>>> {
        let logits = self.value(self.anatomy.logits[head])?;
        let of = &self.anatomy.network.heads()[head];
        Ok(logits.axis_chunks_iter(Axis(0), 1).map(|row| class_scores(of, &row.to_owned(), None)).collect())
    }

    /// The probabilities of one head's classes, image by image.
    ///
    /// # Errors
    /// As [`Run::value`].
    pub fn probabilities(&self, head: usize) -> Result<Vec<Vec<f64>>> {
        let logits = self.value(self.anatomy.logits[head])?;
        let of = &self.anatomy.network.heads()[head];
        Ok(logits.axis_chunks_iter(Axis(0), 1).map(|row| probabilities(of, &row.to_owned(), None)).collect())
    }

    /// The gradients of one head's score at the target, of a class for each image; [n, k, h, w].
    ///
    /// # Errors
    /// As [`Run::value`].
    pub fn gradients(&self, head: usize, classes: &[usize], score: Score) -> Result<ArrayD<f32>> {
        let anatomy = self.anatomy;
        let end = if score == Score::Logit { anatomy.logits[head] } else { anatomy.outputs[head] };
        let shape = self.tape.value(end).map(|value| value.shape().to_vec()).unwrap_or_default();
        let seed = seeds(&anatomy.network.heads()[head], &shape, classes);
        let gradient = self.tape.backward(&[(end, seed)], &[anatomy.target], ReluRule::Plain)?.pop();
        let gradient = gradient.ok_or_else(|| Error::other("the tape gave no gradient"))?;
        Ok(gradient.slice_axis(Axis(0), Slice::from(0..self.images)).to_owned())
    }

    /// The rectified maps of one head by each of [`METHODS`], on the target's grid, image by image.
    ///
    /// # Errors
    /// As [`Run::value`].
    pub fn heatmaps(&self, head: usize, classes: &[usize]) -> Result<Vec<[Array2<f32>; 2]>> {
        let activation = self.value(self.anatomy.target)?;
        let gradient = self.gradients(head, classes, Score::Logit)?;
        let image = |(a, g): (ndarray::ArrayViewD<f32>, ndarray::ArrayViewD<f32>)| {
            let (a, g) = (feature_maps("the target", a)?, feature_maps("the target", g)?);
            Ok(METHODS.map(|method| cam::rectified(&cam::signed_map(method, a.view(), g.view()))))
        };
        activation.axis_chunks_iter(Axis(0), 1).zip(gradient.axis_chunks_iter(Axis(0), 1)).map(image).collect()
    }
}

/// The weights that pick each image's class out of a head's scores, as [`score::seed`] does for one.
fn seeds(head: &Head, shape: &[usize], classes: &[usize]) -> ArrayD<f32> {
    let mut seeds = ArrayD::zeros(IxDyn(shape));
    for (mut row, class) in seeds.axis_chunks_iter_mut(Axis(0), 1).zip(classes) {
        let seed = score::seed(head, row.shape(), End::of(0, *class));
        row.assign(&seed);
    }
    seeds
}
