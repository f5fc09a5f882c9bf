//! From a prepared input to its explanation: one network, made ready once for any number of inputs.

use crate::config::Class;
use crate::error::{Error, Result};
use crate::explain::cells::field_grid;
use crate::explain::differences::Differences;
use crate::explain::effort::Effort;
use crate::explain::engine::Engine;
use crate::explain::explanation::{Explanation, HeadExplanation, SaliencyMap};
use crate::explain::gradcheck::{self, NetworkCheck};
use crate::explain::heatmap::{ExplainedScore, MapMaker};
use crate::explain::saliency::Saliency;
use crate::explain::score::{End, OwnRegion, best, own_region, probabilities};
use crate::input::loaded::LoadedNetwork;
use crate::input::prepared::PreparedInput;
use crate::model::{Head, Network, Target};
use crate::visualize::cam::Method;
use crate::visualize::placement::{Grid, Placement};
use crate::visualize::saliency;
use ndarray::ArrayD;
use std::sync::Arc;

/// What is explained, and how.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The activation that heatmaps explain.
    pub target: Target,
    /// The method of the heatmaps.
    pub method: Method,
    /// Methods beside it, left out where only central differences give Grad-CAM's weights.
    pub beside: Vec<Method>,
    /// A map of the input's own gradient, too.
    pub saliency: Option<saliency::Method>,
    /// The class that maps explain.
    pub class: Class,
    /// Where the cells of a map are put in the image.
    pub placement: Placement,
    /// Output tensors of layers whose values are kept in the explanation.
    pub activations: Vec<String>,
    /// The seed of SmoothGrad's noise.
    pub seed: u64,
}

impl Wanted {
    /// Grad-CAM of the predicted class at an activation, and nothing else.
    pub fn at(target: Target) -> Wanted {
        Wanted {
            target,
            method: Method::GradCam,
            beside: Vec::new(),
            saliency: None,
            class: Class::Predicted,
            placement: Placement::ReceptiveField,
            activations: Vec::new(),
            seed: 0,
        }
    }
}

/// A network ready to explain inputs. It may be shared by threads.
pub struct Explainer {
    loaded: Arc<LoadedNetwork>,
    wanted: Wanted,
    engine: Engine,
    /// Where the tail has operators without a gradient rule.
    differences: Option<Differences>,
    without_rule: Vec<String>,
    methods: Vec<Method>,
    grid: Option<Grid>,
}

impl Explainer {
    /// Makes a network ready to explain.
    ///
    /// # Errors
    /// Unknown tensors; a network that cannot be run; a method that needs gradient rules where there are none.
    pub fn new(loaded: Arc<LoadedNetwork>, wanted: Wanted) -> Result<Explainer> {
        let network = &loaded.network;
        let engine = Engine::new(network, &wanted.target.tensor, &wanted.activations, loaded.size())?;
        let without_rule = engine.without_rule();
        let methods = methods(&wanted, network, &without_rule)?;
        let differences = (!without_rule.is_empty()).then(|| Differences::new(network, &engine)).transpose()?;
        let grid = match wanted.placement {
            Placement::ReceptiveField => field_grid(network, &wanted.target.tensor),
            Placement::Stretch => None,
        };
        Ok(Explainer { loaded, wanted, engine, differences, without_rule, methods, grid })
    }

    /// The network with its labels and preprocessing.
    pub fn loaded(&self) -> &LoadedNetwork {
        &self.loaded
    }

    /// What is explained, and how.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// What runs and differentiates the network.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The methods of the heatmaps, the one asked for first.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The operators between the target and the scores that have no gradient rule, each with its node's name: where there are
    /// any, Grad-CAM's weights are found by central differences.
    pub fn without_rule(&self) -> &[String] {
        &self.without_rule
    }

    /// Where the target's cells lie in the input; `None` where they are stretched over it.
    pub fn grid(&self) -> Option<Grid> {
        self.grid
    }

    /// Runs an input and explains it.
    ///
    /// # Errors
    /// An input of the wrong shape, or one on which the network's numbers overflow.
    pub fn explain_input(&self, input: PreparedInput) -> Result<Explanation> {
        let forward = self.engine.forward(&input.tensor)?;
        let heads = self.engine.heads();
        let mut spoken = Vec::with_capacity(heads.len());
        let mut scores = Vec::with_capacity(heads.len());
        for (number, head) in heads.iter().enumerate() {
            let logits = forward.get(&head.logits)?;
            let given = self.engine.positions(number, input.pixels.as_ref())?;
            let own = self.own_region(number, head, logits).filter(|_| input.pixels.is_none());
            let own_class = own.as_ref().map(|own| own.class);
            let positions = given.or(own.map(|own| own.positions));
            let probabilities = probabilities(head, logits, positions.as_ref());
            let predicted = own_class.unwrap_or_else(|| best(&probabilities));
            let class = self.explained_class(number, predicted, &input);
            spoken.push(Spoken { probabilities, predicted, in_own_region: own_class.is_some() });
            scores.push(ExplainedScore { class, positions });
        }
        let maker =
            MapMaker { engine: &self.engine, forward: &forward, input: &input, scores: &scores, grid: self.grid };
        let maps = match &self.differences {
            None => maker.by_rules(&self.methods)?,
            Some(differences) => maker.by_differences(differences)?,
        };
        let mut explained = Vec::with_capacity(heads.len());
        for (number, (((head, spoken), score), maps)) in heads.iter().zip(spoken).zip(scores).zip(maps).enumerate() {
            explained.push(HeadExplanation {
                name: head.name.clone(),
                meaning: head.meaning,
                logits: forward.get(&head.logits)?.clone(),
                predicted: spoken.predicted,
                probabilities: spoken.probabilities,
                in_own_region: spoken.in_own_region,
                truth: input.truths.get(number).copied().flatten(),
                explained: score.class,
                logit: maps.logit,
                saliency: self.saliency(number, &score, &input)?,
                positions: score.positions,
                position_count: self.engine.position_count(number),
                heatmaps: maps.maps,
                kinks: maps.kinks,
            });
        }
        Ok(Explanation::new(input, explained, forward))
    }

    /// Checks the gradients of the heads at their predicted classes against central differences, on the first few of the inputs,
    /// as far as the effort goes.
    ///
    /// # Errors
    /// Operators without a gradient rule; a tail that cannot be cut or run.
    pub fn gradcheck(&self, inputs: &[PreparedInput], effort: Effort) -> Result<NetworkCheck> {
        if !self.without_rule.is_empty() {
            return Err(Error::input(format!(
                "{}: there is no gradient rule for {}, so there is nothing to check",
                self.engine.file().display(),
                self.without_rule.join(", ")
            )));
        }
        gradcheck::check(&self.loaded.network, &self.engine, inputs, effort)
    }

    /// Where a segmentation says the class that it predicts, if that is what is explained.
    fn own_region(&self, number: usize, head: &Head, logits: &ArrayD<f32>) -> Option<OwnRegion> {
        let labels = self.loaded.labels.get(number).and_then(Option::as_ref);
        let background = match labels {
            Some(labels) => labels.iter().position(|label| label.to_lowercase().contains("background")),
            None => Some(0),
        };
        matches!(self.wanted.class, Class::Predicted).then(|| own_region(head, logits, background)).flatten()
    }

    /// The class that a head's maps explain.
    fn explained_class(&self, head: usize, predicted: usize, input: &PreparedInput) -> usize {
        let named = match &self.wanted.class {
            Class::Predicted => None,
            Class::True => input.truths.get(head).copied().flatten(),
            Class::Named(text) => self.loaded.class_of(head, text),
        };
        named.unwrap_or(predicted)
    }

    fn saliency(&self, head: usize, score: &ExplainedScore, input: &PreparedInput) -> Result<Option<SaliencyMap>> {
        let Some(method) = self.wanted.saliency else { return Ok(None) };
        let saliency = Saliency { method, layout: self.loaded.recipe.preprocess.layout, seed: self.wanted.seed };
        let end = End { head, class: score.class, positions: score.positions.as_ref() };
        Ok(Some(SaliencyMap { method, map: saliency.map(&self.engine, &input.tensor, end)? }))
    }
}

/// What a head says of an input.
struct Spoken {
    probabilities: Vec<f64>,
    predicted: usize,
    /// Whether the scores are averaged over the positions at which the predicted class is the strongest.
    in_own_region: bool,
}

/// The method asked for and those beside it; Grad-CAM alone where the tail has operators without a rule.
fn methods(wanted: &Wanted, network: &Network, without_rule: &[String]) -> Result<Vec<Method>> {
    if without_rule.is_empty() {
        let beside = wanted.beside.iter().copied().filter(|method| *method != wanted.method);
        return Ok(std::iter::once(wanted.method).chain(beside).collect());
    }
    match wanted.method {
        Method::GradCam => Ok(vec![Method::GradCam]),
        other => Err(Error::input(format!(
            "{}: {} needs gradient rules for {}, which there are none of; Grad-CAM works, by central differences",
            network.file().display(),
            other.title(),
            without_rule.join(", ")
        ))),
    }
}
