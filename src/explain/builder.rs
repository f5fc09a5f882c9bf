//! The library's front door: a network's file and a few options become an [`Explainer`], and photographs become explanations.

use crate::config::{Class, Input, Located, Preprocessing, Source};
use crate::error::{Error, Result};
use crate::explain::explainer::{Explainer, Wanted};
use crate::explain::explanation::Explanation;
use crate::explain::filters::{self, AscentRequest, ConvolutionGraph, LayerAscents, Scene};
use crate::input::loaded::{LoadedNetwork, NetworkOptions};
use crate::input::sources::Sources;
use crate::model::layers::table::{Description, describe};
use crate::visualize::cam::Method;
use crate::visualize::filter::{Mode, Objective};
use crate::visualize::placement::Placement;
use crate::visualize::saliency;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The seed of everything random that no option sets.
const SEED: u64 = 2019;

/// How a network is loaded, and what it is to explain. See [`Explainer::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ExplainerBuilder {
    model: PathBuf,
    target: Option<String>,
    methods: Vec<Method>,
    saliency: Option<saliency::Method>,
    class: Class,
    placement: Placement,
    preprocessing: Preprocessing,
    labels: Option<PathBuf>,
    activations: Vec<String>,
    seed: u64,
}

impl ExplainerBuilder {
    /// The activation that heatmaps explain: a layer, a tensor, a scope (its last layer), or an unambiguous part of a name.
    /// Without it, the activation after the last convolution.
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.target = Some(name.into());
        self
    }

    /// The methods of the heatmaps, in the order in which they are given back. Without them, Grad-CAM.
    pub fn methods(mut self, methods: &[Method]) -> Self {
        self.methods = methods.to_vec();
        self
    }

    /// Also a map of the input's own gradient.
    pub fn saliency(mut self, method: saliency::Method) -> Self {
        self.saliency = Some(method);
        self
    }

    /// The class that maps explain: `predicted`, `true`, a label or a number. Without it, the predicted one.
    pub fn class(mut self, class: &str) -> Self {
        self.class = Class::of(class);
        self
    }

    /// Where the cells of a map are put in the image. Without it, at the centres of their receptive fields.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// The preset by which photographs become inputs: `imagenet`, `keras-0-1`, `keras-±1`, `caffe-bgr` or `none`. Without it,
    /// what the model's files or its graph say, else an assumption that [`Explainer::loaded`]'s recipe states.
    pub fn preset(mut self, name: impl Into<String>) -> Self {
        self.preprocessing.preset = Some(Located::option("preset", name.into()));
        self
    }

    /// Height and width of the images, for a network that takes any size.
    pub fn size(mut self, height: usize, width: usize) -> Self {
        self.preprocessing.size = Some((height, width));
        self
    }

    /// How photographs become inputs, key by key.
    pub fn preprocessing(mut self, preprocessing: Preprocessing) -> Self {
        self.preprocessing = preprocessing;
        self
    }

    /// A file with one label a line, or a JSON list or map. Without it, the labels in the model's files.
    pub fn labels(mut self, file: impl Into<PathBuf>) -> Self {
        self.labels = Some(file.into());
        self
    }

    /// A layer whose values are kept in each explanation, see [`Explanation::activation`]; may be given several times.
    pub fn activation(mut self, layer: impl Into<String>) -> Self {
        self.activations.push(layer.into());
        self
    }

    /// The seed of SmoothGrad's noise.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Loads the network and makes it ready.
    ///
    /// # Errors
    /// A file that is no network that can be used, with all reasons; options that do not fit it, with what there is.
    pub fn load(self) -> Result<Explainer> {
        let complain = |key: &Located<String>, message: String| Error::input(format!("{}: {message}", key.key));
        let given = (self.preprocessing != Preprocessing::default()).then_some(&self.preprocessing);
        let options = NetworkOptions { preprocess: given, labels: self.labels.as_deref(), ..NetworkOptions::default() };
        let loaded = LoadedNetwork::load(&self.model, options, &complain)?;
        let network = &loaded.network;
        network.require_convolution()?;
        let target = match (&self.target, network.heads().first()) {
            (Some(name), _) => network.find_target(name)?,
            (None, Some(head)) => network.default_target(head)?,
            (None, None) => return Err(Error::input(format!("{}: the network has no output", network.name()))),
        };
        if let Class::Named(text) = &self.class
            && (0..network.heads().len()).all(|head| loaded.class_of(head, text).is_none())
        {
            return Err(Error::input(format!("{}: `{text}` is no class of any output", network.name())));
        }
        let tensor = |name: &String| network.find_layer(name).map(|layer| layer.output_tensor.clone());
        let activations = self.activations.iter().map(tensor).collect::<Result<_>>()?;
        let mut methods = self.methods.into_iter();
        let wanted = Wanted {
            target,
            method: methods.next().unwrap_or(Method::GradCam),
            beside: methods.collect(),
            saliency: self.saliency,
            class: self.class,
            placement: self.placement,
            activations,
            seed: self.seed,
        };
        Explainer::new(Arc::new(loaded), wanted)
    }
}

impl Explainer {
    /// Loads a network to explain its predicted classes by Grad-CAM at the activation after its last convolution.
    ///
    /// # Errors
    /// As for [`ExplainerBuilder::load`].
    pub fn load(model: impl Into<PathBuf>) -> Result<Explainer> {
        Explainer::builder(model).load()
    }

    /// Options for loading a network.
    pub fn builder(model: impl Into<PathBuf>) -> ExplainerBuilder {
        ExplainerBuilder {
            model: model.into(),
            target: None,
            methods: Vec::new(),
            saliency: None,
            class: Class::Predicted,
            placement: Placement::ReceptiveField,
            preprocessing: Preprocessing::default(),
            labels: None,
            activations: Vec::new(),
            seed: SEED,
        }
    }

    /// Explains a photograph.
    ///
    /// # Errors
    /// A file that is no image, or one on which the network's numbers overflow.
    pub fn explain(&self, photograph: impl AsRef<Path>) -> Result<Explanation> {
        let path = photograph.as_ref().to_path_buf();
        let source = Source::Image { path, label: None, object: None, pixels: None };
        let sources = Sources::new(self.loaded(), &[], None, self.wanted().seed);
        self.explain_input(sources.prepare(&Input { source, line: 0 })?)
    }

    /// Explains photographs on all threads and reads each explanation, which then ends, so that any number of them fits in memory;
    /// results come in the order of the photographs.
    pub fn explain_each<R: Send>(
        &self,
        photographs: &[PathBuf],
        read: impl Fn(&Path, Result<Explanation>) -> R + Sync,
    ) -> Vec<R> {
        photographs.par_iter().with_max_len(1).map(|path| read(path, self.explain(path))).collect()
    }

    /// The label of a head's class, or its number in words where there are no labels.
    pub fn label(&self, head: usize, class: usize) -> String {
        self.loaded().label(head, class)
    }

    /// The architecture: layers, shapes, parameters, receptive fields, outputs.
    pub fn architecture(&self) -> Description<'_> {
        describe(&self.loaded().network)
    }

    /// The images that excite the filters of a convolution most, by gradient ascent of each channel's mean: those of the filters
    /// named, or of all.
    ///
    /// # Errors
    /// No convolution or filter of that name; operators without a gradient rule on the way to it.
    pub fn filters(&self, convolution: &str, filters: Option<&[usize]>, mode: Mode) -> Result<LayerAscents> {
        let network = &self.loaded().network;
        let layer = filters::convolution(network, convolution)?;
        let scene = Scene::new(network, &self.loaded().recipe, Vec::new())?;
        let request = AscentRequest { network, layer, scene: &scene, mode, steps: None, seed: self.wanted().seed };
        let graph = ConvolutionGraph::new(network, layer, (scene.frame.height, scene.frame.width))?;
        let convolution = graph.convolution()?;
        let chosen = request.chosen(&convolution, filters)?;
        request.ascend(&convolution, &chosen, Objective::Channel, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::Fixture;

    /// A network of three labelled classes on grey images of 6×6 pixels, and a photograph of them, in a folder.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut fixture = Fixture::new("x", &[1, 1, 6, 6]);
        fixture.conv("x", "first", [2, 1, 3, 3], vec![]).node("Relu", &["first"], "features", vec![]);
        fixture.node("GlobalAveragePool", &["features"], "p", vec![]).node("Flatten", &["p"], "f", vec![]);
        fixture.dense("f", "y", 2, 3).output("y").metadata("labels", r#"["crane", "cat", "crane"]"#);
        std::fs::write(folder.path().join("net.onnx"), fixture.bytes()).unwrap();
        let pixels = image::GrayImage::from_fn(6, 6, |x, y| image::Luma([(40 * x + 7 * y) as u8]));
        pixels.save(folder.path().join("photo.png")).unwrap();
        folder
    }

    #[test]
    fn a_photograph_is_explained_by_every_method_asked_for() {
        let folder = folder();
        let builder = Explainer::builder(folder.path().join("net.onnx"));
        let explainer = builder.methods(&[Method::HiResCam, Method::GradCam]).activation("first").class("cat");
        let explainer = explainer.load().unwrap();
        let photo = folder.path().join("photo.png");
        let explanation = explainer.explain(&photo).unwrap();
        let head = &explanation.heads[0];
        assert_eq!((head.probabilities.len(), head.explained, head.truth, head.correct()), (3, 1, None, None));
        assert!((head.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let largest = head.probabilities.iter().copied().fold(0.0, f64::max);
        assert_eq!(head.probability(), largest);
        assert_eq!(head.logit, head.logits[[0, 1]]);
        assert_eq!(head.heatmaps.iter().map(|map| map.method).collect::<Vec<_>>(), [Method::HiResCam, Method::GradCam]);
        let layer = &explainer.loaded().network.layers()[1];
        assert_eq!(explanation.activation(&layer.output_tensor).unwrap().shape(), [1, 2, 4, 4]);
        // A linear head behind the mean of the maps: both methods give the same map.
        for (a, b) in head.heatmaps[0].signed.iter().zip(&head.heatmaps[1].signed) {
            assert!((a - b).abs() < 1e-6);
        }
        let names = explainer.explain_each(&[photo, folder.path().join("none.png")], |path, explanation| {
            (path.file_name().map(|name| name.to_owned()), explanation.is_ok())
        });
        assert_eq!(names.iter().map(|(_, read)| *read).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn classes_are_told_apart_by_index_where_labels_repeat() {
        let folder = folder();
        let explainer = Explainer::load(folder.path().join("net.onnx")).unwrap();
        let mut head = explainer.explain(folder.path().join("photo.png")).unwrap().heads.remove(0);
        (head.predicted, head.truth) = (0, Some(2));
        let labels = explainer.loaded().labels(0).unwrap();
        assert_eq!(labels[0], labels[2]);
        assert_ne!(explainer.label(0, 0), explainer.label(0, 2), "words tell them apart by number");
        assert_eq!(head.correct(), Some(false));
    }

    #[test]
    fn options_that_do_not_fit_are_refused_with_what_there_is() {
        let folder = folder();
        let builder = || Explainer::builder(folder.path().join("net.onnx"));
        let refused = |builder: ExplainerBuilder| builder.load().err().unwrap().to_string();
        assert!(refused(builder().target("nowhere")).contains("is no layer or tensor"));
        assert!(refused(builder().class("dog")).contains("`dog` is no class"));
        assert!(refused(builder().preset("imagenett")).contains("did you mean `imagenet`?"));
        assert!(refused(Explainer::builder(folder.path().join("none.onnx"))).contains("none.onnx"));
        let ascents = builder().load().unwrap().filters("first", Some(&[1]), Mode::Bounded).unwrap();
        assert_eq!((ascents.filters.len(), ascents.filters[0].ascent.channel), (1, 1));
    }
}
