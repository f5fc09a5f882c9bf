//! One section of a chapter: a network, and what it does with each input.

use crate::chapter::choose_layers::choose_layers;
use crate::chapter::context::{MapDrawing, SectionContext};
use crate::chapter::filters::{Choice, Request, filters_or_reason};
use crate::chapter::front::{Gradients, Status};
use crate::chapter::gallery::{self, Run};
use crate::chapter::load::{SectionNetwork, convolutions};
use crate::chapter::output::Artifacts;
use crate::chapter::{architecture, gradients};
use crate::config::{Chapter, Section, Source};
use crate::error::{Error, Result};
use crate::explain::effort::{Effort, IMAGES};
use crate::explain::explainer::{Explainer, Wanted};
use crate::explain::filters::{AscentRequest, Scene, natural_inputs};
use crate::explain::gradcheck::NetworkCheck;
use crate::explain::usable::usable_inputs;
use crate::input::preprocessing;
use crate::input::sources::Sources;
use crate::model::Layer;
use crate::progress::Progress;
use crate::report::Rows;
use crate::report::page::{self, Line};
use crate::visualize::cam::Method;
use crate::visualize::placement::Placement;
use std::sync::Arc;

/// Convolutions and matrix products behind the explained layer from which on it is early.
const FAR: usize = 8;
/// Inputs up to which the page holds the pictures of all channels of each.
const FEW: usize = 6;

/// What is asked of a section beside what the chapter file says.
#[derive(Default, Clone, Copy)]
pub struct Asked {
    /// Steps that filters rise; the usual number if `None`.
    pub ascent: Option<usize>,
    /// Inputs shown in full, the numbers of all being kept as rows; if `None` all are shown and there are no rows.
    pub gallery: Option<usize>,
}

/// Makes one section.
pub struct SectionMaker<'a> {
    pub chapter: &'a Chapter,
    pub section: &'a Section,
    pub network: &'a SectionNetwork,
    pub asked: Asked,
    pub progress: &'a Progress,
}

/// A section's page and what is written beside it.
pub(crate) struct SectionOutput {
    pub page: page::Section,
    /// What the page's front says of it, and what the reader has to beware of.
    pub status: Status,
    pub alerts: Vec<String>,
    pub artifacts: Artifacts,
}

impl SectionMaker<'_> {
    /// Makes the section's page.
    ///
    /// # Errors
    /// Inputs none of which can be used; a network that cannot be run or differentiated.
    pub(crate) fn make(&self) -> Result<SectionOutput> {
        let SectionMaker { chapter, section, network, .. } = *self;
        let described = &network.loaded.network;
        let shown = choose_layers(chapter, section, described, &network.target)?;
        let activations = shown.layers.iter().map(|layer| layer.output_tensor.clone()).collect();
        let explainer = Explainer::new(Arc::clone(&network.loaded), self.wanted(activations))?;
        let sources = self.sources();
        let check = self.check(&explainer, &sources)?;
        let drawing = self.drawing(&explainer, check.as_ref());
        let rows = self.asked.gallery.map(|_| Rows::new()).transpose()?;
        let mut artifacts = Artifacts { rows, ..Artifacts::default() };
        let (filters, note) = self.filters(&sources, &mut artifacts)?;
        let images = std::mem::take(&mut artifacts.filters);
        let shown_inputs = section.inputs.len().min(self.asked.gallery.unwrap_or(usize::MAX));
        let context = SectionContext {
            id: &network.id,
            explainer: &explainer,
            shown,
            drawing,
            filters: &images,
            answers_first: self.asked.gallery.is_some(),
            apart: shown_inputs > FEW,
        };
        let bar = self.progress.bar(section.inputs.len(), &section.title);
        let run =
            Run { context: &context, sources: &sources, most: self.asked.gallery.unwrap_or(usize::MAX), bar: &bar };
        let ran = gallery::run_all(&run, &section.inputs, &mut artifacts)?;
        artifacts.notes.extend(ran.doubts());
        let mut page = page::Section {
            id: network.id.clone(),
            heading: section.title.clone(),
            flow: Some(architecture::strip(&network.id, described, &mut artifacts.assets)?),
            table: Some(architecture::table(described)),
            facts: architecture::facts(described),
            notes: ran.left_out.clone(),
            ..page::Section::default()
        };
        page.facts.extend(check.iter().flat_map(gradients::lines));
        let photographs = section.inputs.iter().any(|input| matches!(input.source, Source::Image { .. }));
        if photographs {
            let how = preprocessing::sentence(&network.loaded.recipe);
            page.paragraphs.push(format!("How photographs become inputs: {how}."));
        }
        let doubts = if photographs { ran.survey.doubts(described.heads()) } else { Vec::new() };
        let status = Status {
            photographs,
            assumed: network.loaded.recipe.assumed,
            doubtful: !doubts.is_empty(),
            gradients: Gradients::of(check.as_ref()),
            ..ran.survey.status(described.heads())
        };
        let alerts = doubts.into_iter().chain(self.early(&context)).collect();
        page.facts.extend(explainer.engine().unoptimised().map(unoptimised));
        page.facts.extend(context.shown.note.iter().map(|note| Line::new("Activations", note)));
        page.filters = filters;
        page.facts.extend(note.map(|note| Line::new("Filters", note)));
        if self.asked.gallery.is_some() && section.inputs.len() > 1 {
            page.survey = Some(ran.survey.page(&context, ran.inputs.len()));
        }
        page.inputs = ran.inputs;
        Ok(SectionOutput { page, status, alerts, artifacts })
    }

    /// Only the check of the section's gradients, on its inputs.
    ///
    /// # Errors
    /// As for [`SectionMaker::make`]; operators without a gradient rule; a network too large to be checked.
    pub fn gradients(&self) -> Result<NetworkCheck> {
        let explainer = Explainer::new(Arc::clone(&self.network.loaded), Wanted::at(self.network.target.clone()))?;
        if !explainer.without_rule().is_empty() {
            return explainer.gradcheck(&[], Effort::Command);
        }
        let Section { title, inputs, .. } = self.section;
        let usable = usable_inputs(explainer.engine(), &self.sources(), title, inputs, IMAGES)?;
        let check = explainer.gradcheck(&usable, Effort::Command)?;
        match &check.left_out {
            Some(why) if check.heads.is_empty() => {
                Err(Error::input(format!("{}: {why}", self.section.model.value.display())))
            }
            _ => Ok(check),
        }
    }

    /// What the section wants explained; `activations` are the tensors that are shown.
    fn wanted(&self, activations: Vec<String>) -> Wanted {
        let SectionMaker { chapter, section, network, .. } = *self;
        Wanted {
            target: network.target.clone(),
            method: section.method,
            beside: vec![Method::HiResCam],
            saliency: section.saliency,
            class: section.class.value.clone(),
            placement: section.placement,
            activations,
            seed: chapter.seed,
        }
    }

    fn sources(&self) -> Sources<'_> {
        let mnist = self.chapter.mnist.as_deref();
        Sources::new(&self.network.loaded, &self.section.inputs, mnist, self.chapter.seed)
    }

    /// The check of the network's gradients on the section's first inputs; `None` where they are not taken by rules.
    fn check(&self, explainer: &Explainer, sources: &Sources) -> Result<Option<NetworkCheck>> {
        let Section { title, inputs, .. } = self.section;
        let usable = usable_inputs(explainer.engine(), sources, title, inputs, IMAGES)?;
        explainer.without_rule().is_empty().then(|| explainer.gradcheck(&usable, Effort::Page)).transpose()
    }

    fn drawing(&self, explainer: &Explainer, check: Option<&NetworkCheck>) -> MapDrawing {
        let placement = match (explainer.grid(), self.section.placement) {
            (Some(_), _) => "each cell at the centre of its receptive field, bilinear between them",
            (None, Placement::Stretch) => "stretched to the image, bilinear",
            (None, Placement::ReceptiveField) => {
                "stretched to the image, bilinear (the branches that lead to it see the image in different geometries)"
            }
        };
        let target = &self.network.target;
        MapDrawing {
            colormap: self.chapter.colormap,
            placement: placement.into(),
            gradient: match check {
                Some(check) => gradients::sentence(check),
                None => gradients::by_differences(explainer.without_rule()),
            },
            layer: target.layer.as_ref().unwrap_or(&target.tensor).clone(),
        }
    }

    /// A remark where much of the network still lies behind the layer that is explained without having been asked for.
    fn early(&self, context: &SectionContext) -> Option<String> {
        let products = context.explainer.engine().products_behind_target();
        (self.section.target.is_none() && products > FAR).then(|| {
            format!(
                "{products} more convolutions and matrix products lie between {}, the last convolution, and the score, as in a network that goes on with a transformer. The heatmaps say what this early layer contributes, which is not where the network looks in the end.",
                context.drawing.layer
            )
        })
    }

    /// What the filters look for, those of the convolutions named, else of all; and a sentence about those left out.
    fn filters(&self, sources: &Sources, artifacts: &mut Artifacts) -> Result<(Vec<page::Filters>, Option<String>)> {
        let SectionMaker { chapter, section, network, .. } = *self;
        let described = &network.loaded.network;
        let steps = self.asked.ascent.unwrap_or(section.ascent.steps());
        let choice = Choice::new(described, convolutions(chapter, section, described)?, None, steps);
        if choice.layers.is_empty() {
            return Ok((Vec::new(), None));
        }
        let scene = Scene::new(described, &network.loaded.recipe, natural_inputs(sources, &section.inputs)?)?;
        let bar = self.progress.bar(choice.count(described), &format!("Filters of {}", section.title));
        let of_layer = |(layer, chosen): &(&Layer, Option<Vec<usize>>)| {
            let ascent = AscentRequest {
                network: described,
                layer,
                scene: &scene,
                mode: section.ascent,
                steps: self.asked.ascent,
                seed: chapter.seed,
            };
            let (section_id, top_inputs) = (network.id.as_str(), section.top_inputs);
            let request =
                Request { section: section_id, ascent, filters: chosen.as_deref(), objective: None, top_inputs };
            filters_or_reason(&request, &bar, artifacts).0
        };
        let made = choice.layers.iter().map(of_layer).collect();
        Ok((made, choice.note))
    }
}

fn unoptimised(reason: &str) -> Line {
    Line::new(
        "How it ran",
        format!("tract could not optimise this network ({reason}); it ran as it is, which is slower but not different"),
    )
}
