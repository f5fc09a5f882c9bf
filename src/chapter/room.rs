//! One input of a section: what the network does with it, and the page of that.

use crate::chapter::choose_layers::Shown;
use crate::chapter::heatmaps::{Heatmap, Style};
use crate::chapter::section::Loaded;
use crate::chapter::{activations, heatmaps};
use crate::config::Class;
use crate::error::Result;
use crate::explain::differences::Differences;
use crate::explain::explainer::{Explainer, Forward};
use crate::explain::score::{best, probabilities};
use crate::figure::chart::{self, Bar};
use crate::figure::overlay;
use crate::input::sources::{Ready, class_of};
use crate::input::{labels, preprocessing};
use crate::model::{Head, Layer, Meaning};
use crate::report::page::{self, Figure, Line, Prediction};
use crate::report::{Assets, assets::slug};
use crate::visualize::cam::Method;
use crate::visualize::saliency;
use ndarray::{Array2, ArrayD};
use serde_json::json;

/// Room for the picture of an input in CSS pixels.
const INPUT_ROOM: usize = 196;

/// The most probable classes of a head that are named.
const LEADING: usize = 5;

/// What one input gave: everything that is said or drawn of it. To be let go as soon as that is done, for it holds the network's values.
pub(crate) struct Seen {
    pub ready: Ready,
    pub predictions: Vec<Prediction>,
    /// By head.
    pub probabilities: Vec<Vec<f64>>,
    /// The class that each head's maps explain, and its label.
    pub classes: Vec<(usize, String)>,
    /// By method, then by head.
    pub heatmaps: Vec<Vec<Heatmap>>,
    /// By head, where asked for.
    pub saliency: Vec<Array2<f32>>,
    forward: Forward,
}

/// Everything about a section that its inputs share.
pub(crate) struct Room<'a> {
    pub loaded: &'a Loaded,
    pub explainer: &'a Explainer<'a>,
    /// Where the tail has operators without a rule.
    pub differences: Option<Differences<'a>>,
    pub shown: Shown<'a>,
    pub style: Style,
    /// The chapter's method, and HiResCAM beside it.
    pub methods: Vec<Method>,
    pub saliency: Option<saliency::Method>,
    pub class: Class,
    pub seed: u64,
}

impl Room<'_> {
    /// Runs one input and explains it.
    pub fn look(&self, ready: Ready) -> Result<Seen> {
        let forward = self.explainer.forward(&ready.tensor)?;
        let heads = self.loaded.network.heads();
        let said = |(number, head): (usize, &Head)| {
            let positions = self.explainer.positions(number, ready.pixels.as_ref())?;
            Ok(probabilities(head, forward.get(&head.logits)?, positions.as_ref()))
        };
        let probabilities = heads.iter().enumerate().map(said).collect::<Result<Vec<_>>>()?;
        let label = |head: usize, class: usize| self.label(head, class);
        let prediction = |(head, p): (usize, &Vec<f64>)| {
            let truth = ready.truths.get(head).copied().flatten().map(|truth| label(head, truth));
            let next = self.leading(head, p).into_iter().skip(1).filter(|_| truth.is_none());
            let next = next.map(|(_, label, p)| page::Next { label, percent: labels::said(&heads[head], p) }).collect();
            let percent = labels::said(&heads[head], p[best(p)]);
            let name = heads[head].name.clone();
            Prediction { next, percent, ..Prediction::new(name, label(head, best(p)), p[best(p)], truth) }
        };
        let predictions = probabilities.iter().enumerate().map(prediction).collect();
        let explained = |(head, p): (usize, &Vec<f64>)| {
            let class = self.explained(head, best(p), &ready);
            (class, label(head, class))
        };
        let classes: Vec<(usize, String)> = probabilities.iter().enumerate().map(explained).collect();
        let (explainer, style) = (self.explainer, &self.style);
        let heatmaps = match &self.differences {
            None => heatmaps::maps(explainer, &forward, &ready, &classes, &self.methods, style)?,
            Some(differences) => {
                vec![heatmaps::maps_by_differences(differences, explainer, &forward, &ready, &classes, style)?]
            }
        };
        let saliency = |method: saliency::Method| {
            let layout = self.loaded.recipe.preprocess.layout;
            let map = |(head, (class, _)): (usize, &(usize, String))| {
                crate::chapter::saliency::map(self.explainer, &ready, layout, (head, *class), method, self.seed)
            };
            classes.iter().enumerate().map(map).collect::<Result<Vec<_>>>()
        };
        let saliency = self.saliency.map(saliency).transpose()?.unwrap_or_default();
        Ok(Seen { predictions, probabilities, classes, heatmaps, saliency, forward, ready })
    }

    /// The label of a head's class, or what its value stands for.
    pub fn label(&self, head: usize, class: usize) -> String {
        let labels = self.loaded.labels.get(head).and_then(|labels| labels.as_deref());
        self.loaded.network.heads().get(head).map_or_else(String::new, |head| labels::of(head, labels, class))
    }

    /// The most probable classes of a head with their labels and probabilities, the most probable first.
    pub fn leading(&self, head: usize, probabilities: &[f64]) -> Vec<(usize, String, f64)> {
        let labels = self.loaded.labels.get(head).and_then(|labels| labels.as_deref());
        let head = self.loaded.network.heads().get(head);
        head.map_or_else(Vec::new, |head| labels::most_probable(head, labels, probabilities, LEADING))
    }

    /// The class that a head's map explains.
    fn explained(&self, head: usize, predicted: usize, ready: &Ready) -> usize {
        let labels = self.loaded.labels.get(head).and_then(|labels| labels.as_deref());
        let named = match &self.class {
            Class::Predicted => None,
            Class::True => ready.truths.get(head).copied().flatten(),
            Class::Named(text) => self.loaded.network.heads().get(head).and_then(|head| class_of(text, labels, head)),
        };
        named.unwrap_or(predicted)
    }

    /// The page of one input.
    pub fn input(&self, number: usize, seen: &Seen, assets: &mut Assets) -> Result<page::Input> {
        let section = &self.loaded.id;
        let heads: Vec<String> = self.loaded.network.heads().iter().map(|head| head.name.clone()).collect();
        let activation = |layer: &&Layer| {
            let maps = activations::maps(layer, &seen.forward)?;
            activations::figure(section, number, layer, (&maps, self.shown.large), &seen.ready, assets)
        };
        let activations = self.shown.layers.iter().map(activation).collect::<Result<_>>()?;
        let mut notes: Vec<String> = Vec::new();
        let mut figures: Vec<Figure> = Vec::new();
        let beside = heatmaps::beside(&seen.ready, heads.len())?;
        for maps in &seen.heatmaps {
            let Some(first) = maps.first() else { continue };
            let id = format!("{section}-input-{number}-{}", slug(first.method.title()));
            figures.push(heatmaps::figure(&id, &heads, maps, (&seen.ready, &beside), &self.style, assets)?);
            notes.extend(maps.iter().filter_map(|map| {
                let cause = map.cause.as_ref()?;
                Some(format!("{}, {}: {}", map.method.title(), heads.get(map.head)?, cause.sentence()))
            }));
        }
        if let Some(method) = self.saliency {
            let id = format!("{section}-input-{number}-{}", slug(method.title()));
            figures.push(crate::chapter::saliency::figure(
                &id,
                &heads,
                &seen.classes,
                &seen.saliency,
                method,
                &seen.ready,
                assets,
            )?);
        }
        Ok(page::Input {
            name: seen.ready.name.clone(),
            heading: match seen.ready.photograph {
                Some(_) => seen.ready.name.clone(),
                None => "Input Image".into(),
            },
            description: seen.ready.origin.clone(),
            figure: Some(self.picture(number, seen, &heads, assets)?),
            predictions: seen.predictions.clone(),
            activations,
            heatmaps: figures,
            notes,
            ..page::Input::default()
        })
    }

    /// A chart for each head: its most probable classes, with the true one marked where it is known.
    fn probability_bars(&self, id: &str, seen: &Seen, assets: &mut Assets) -> Result<Vec<page::Panel>> {
        let heads = self.loaded.network.heads().iter().zip(&seen.probabilities).enumerate();
        let panel = |(number, (head, probabilities)): (usize, (&Head, &Vec<f64>))| {
            let truth = seen.ready.truths.get(number).copied().flatten();
            // Values have no common scale with 1 as its end: the largest fills the bar.
            let full = match head.meaning {
                Meaning::Classes => 1.0,
                Meaning::Values => probabilities.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs())),
            };
            let bars: Vec<Bar> = self
                .leading(number, probabilities)
                .into_iter()
                .map(|(class, label, value)| Bar {
                    label,
                    value: value.abs() / full,
                    text: labels::said(head, value),
                    mark: if truth == Some(class) { "✓".into() } else { String::new() },
                })
                .collect();
            let alt: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.label, bar.text)).collect();
            let image = assets.add(&format!("{id}-{}", head.name), chart::bars(&head.name, &bars)?);
            Ok(page::Panel { image, alt: format!("{}: {}", head.name, alt.join(", ")) })
        };
        heads.map(panel).collect()
    }

    /// The arrays behind the maps of one input: signed maps on the target's grid, saliency maps, logits.
    ///
    /// # Errors
    /// Never in practice: the logits were tapped.
    pub fn raw(&self, number: usize, seen: &Seen, raw: &mut Vec<(String, ArrayD<f32>)>) -> Result<()> {
        let heads = self.loaded.network.heads();
        let stem = |head: usize, what: &str| {
            let name = heads.get(head).map_or("", |head| head.name.as_str());
            slug(&format!("{}-input-{number}-{name}-{what}", self.loaded.id))
        };
        for map in seen.heatmaps.iter().flatten() {
            raw.push((stem(map.head, map.method.title()), map.signed.clone().into_dyn()));
        }
        for (head, map) in seen.saliency.iter().enumerate() {
            raw.push((stem(head, self.saliency.map_or("saliency", saliency::Method::title)), map.clone().into_dyn()));
        }
        for (head, described) in heads.iter().enumerate() {
            raw.push((stem(head, "logits"), seen.forward.get(&described.logits)?.clone()));
        }
        Ok(())
    }

    /// The input's picture.
    fn picture(&self, number: usize, seen: &Seen, heads: &[String], assets: &mut Assets) -> Result<Figure> {
        let (height, width, _) = seen.ready.shown.dim();
        let id = format!("{}-input-{number}-picture", self.loaded.id);
        let mut figure = match &seen.ready.photograph {
            None => {
                let panel = overlay::Panel { size: overlay::panel_size((width, height), INPUT_ROOM), label: "" };
                let image = assets.add(&id, overlay::input(seen.ready.shown.view(), panel)?);
                Figure::single(&id, "Input image", image, format!("the input, {}", seen.ready.name))
            }
            Some(photograph) => {
                let (rows, columns, _) = photograph.image.dim();
                let panel = |size, label| overlay::Panel { size: overlay::fitted_size(size, INPUT_ROOM), label };
                let whole = panel((columns, rows), "Photograph");
                let whole = overlay::photograph(photograph.image.view(), photograph.seen(), whole)?;
                let input = panel((width, height), "As the network sees it");
                let input = overlay::input(seen.ready.shown.view(), input)?;
                let alt = format!("the photograph {}, with what the network sees of it outlined", seen.ready.name);
                let mut figure =
                    Figure::single(&id, "The photograph; the input", assets.add(&format!("{id}-whole"), whole), alt);
                let alt = format!("the input, {width}×{height} pixels");
                figure.rows[0].panels.push(page::Panel { image: assets.add(&id, input), alt });
                figure
            }
        };
        figure.caption +=
            &format!(", as the network sees it, and the most probable classes of each head: {}.", seen.ready.name);
        let bars = self.probability_bars(&id, seen, assets)?;
        figure.rows.push(page::Row { heading: Some("Probabilities".into()), panels: bars });
        figure.provenance = vec![
            Line::new("Source", seen.ready.origin.clone()),
            Line::new("Preprocessing", preprocessing::sentence(&self.loaded.recipe)),
        ];
        let all: Vec<_> = heads
            .iter()
            .zip(&seen.probabilities)
            .map(|(head, p)| json!({ "head": head, "probabilities": p }))
            .collect();
        figure.data = json!({ "input": seen.ready.name, "heads": all });
        Ok(figure)
    }
}
