//! The figure of saliency maps: each head's logit differentiated with respect to the input.

use crate::chapter::context::SectionContext;
use crate::error::Result;
use crate::explain::explanation::Explanation;
use crate::explain::saliency::{NOISE, SAMPLES, STEPS};
use crate::figure::{Colormap, panel, range};
use crate::measure::energy::energy;
use crate::report::Assets;
use crate::report::assets::slug;
use crate::report::page::{Figure, Line, Panel, Row};
use crate::visualize::saliency::Method;
use serde_json::{Value, json};

/// Room for one panel in CSS pixels.
const ROOM: usize = 224;

/// One figure for all heads, where the section has saliency maps.
///
/// # Errors
/// Maps without pixels.
pub(crate) fn figure(
    context: &SectionContext,
    number: usize,
    explanation: &Explanation,
    assets: &mut Assets,
) -> Result<Option<Figure>> {
    let Some(method) = context.explainer.wanted().saliency else { return Ok(None) };
    let input = &explanation.input;
    let id = format!("{}-input-{number}-{}", context.id, slug(method.title()));
    let (height, width) = input.size();
    let size = panel::fitted_size((width, height), ROOM);
    let mut panels = Vec::new();
    let mut data = Vec::new();
    let mut provenance = provenance(method);
    for (i, head) in explanation.heads.iter().enumerate() {
        let Some(saliency) = &head.saliency else { continue };
        let (map, name) = (&saliency.map, &head.name);
        let label = context.loaded().label(i, head.explained);
        let high = range(map.iter().copied()).map_or(0.0, |(_, high)| high);
        let words = format!("{name}: {label}");
        let picture = panel::pixels(map.view(), high, Colormap::Inferno, (size, &words))?;
        let energy = input.mask.as_ref().map(|mask| energy(map.view(), mask.view()));
        let on = energy
            .map_or(String::new(), |energy| format!(", {:.0} % of it on the {}", energy.share * 100.0, input.object));
        panels.push(Panel {
            image: assets.add(&format!("{id}-{name}"), picture),
            alt: format!("{} of {name} for {label}{on}", method.title()),
        });
        provenance.push(Line::new(format!("Largest value of {name}"), format!("{high:.5}")));
        let class = head.explained;
        data.push(json!({ "head": name, "class": class, "label": label, "maximum": high, "energy": energy }));
    }
    let caption = format!(
        "{} of each head's logit with respect to the input {}, each map on a scale of its own from 0.",
        method.title(),
        input.name
    );
    let rows = vec![Row { heading: None, panels }];
    let data = Value::Array(data);
    Ok(Some(Figure { id, caption, rows, enlargeable: true, provenance, data, ..Figure::default() }))
}

/// How the maps are made.
fn provenance(method: Method) -> Vec<Line> {
    let settings = match method {
        Method::SmoothGrad => Some(format!("{SAMPLES} noisy copies, deviation {NOISE} of the input's range")),
        Method::IntegratedGradients => Some(format!("{STEPS} steps by the midpoint rule from an input of zeros")),
        Method::Gradient | Method::GuidedBackprop => None,
    };
    let mut lines = vec![Line::new("Map", "the largest magnitude over the channels at each pixel")];
    lines.push(Line::new("Score", "each head's logit"));
    lines.extend(settings.map(|settings| Line::new("Settings", settings)));
    lines
}
