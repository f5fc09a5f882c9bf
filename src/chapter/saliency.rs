//! Saliency maps of one input: the gradient of each head's logit with respect to the input, as a figure.

use crate::backprop::ReluRule;
use crate::error::{Error, Result};
use crate::explain::explainer::Explainer;
use crate::explain::score::End;
use crate::figure::{Colormap, overlay, range};
use crate::input::image::Layout;
use crate::input::sources::Ready;
use crate::measure::energy::energy;
use crate::report::Assets;
use crate::report::page::{Figure, Line, Panel, Row};
use crate::visualize::saliency::{Method, integrated_gradients, smooth_grad, strongest_channel};
use ndarray::{Array2, ArrayD, Axis};
use serde_json::json;

/// Noisy copies that SmoothGrad averages, and their noise as a share of the input's range; the paper's middle values.
const SAMPLES: usize = 25;
const NOISE: f64 = 0.15;
/// Steps of the midpoint rule along the path of integrated gradients.
const STEPS: usize = 64;
/// Room for one panel in CSS pixels.
const ROOM: usize = 224;

/// The map of one head: the strongest channel's magnitude at each pixel, [h, w].
///
/// # Errors
/// Operators without a rule between the input and the head, all of them listed.
pub fn map(
    explainer: &Explainer,
    ready: &Ready,
    layout: Layout,
    (head, class): (usize, usize),
    method: Method,
    seed: u64,
) -> Result<Array2<f32>> {
    let input = &ready.tensor;
    let positions = explainer.positions(head, ready.pixels.as_ref())?;
    let end = End { head, class, positions: positions.as_ref() };
    let at = |x: &ArrayD<f32>| explainer.input_gradient(x, end, ReluRule::Plain);
    let gradient = match method {
        Method::Gradient => at(input)?.1,
        Method::GuidedBackprop => explainer.input_gradient(input, end, ReluRule::Guided)?.1,
        Method::SmoothGrad => smooth_grad(&at, input, SAMPLES, NOISE, seed)?,
        Method::IntegratedGradients => integrated_gradients(&at, input, &ArrayD::zeros(input.raw_dim()), STEPS)?,
    };
    let wrong = || Error::other(format!("an input gradient of shape {:?} is no image", gradient.shape()));
    let image = gradient.index_axis(Axis(0), 0).into_dimensionality::<ndarray::Ix3>().map_err(|_| wrong())?;
    Ok(match layout {
        Layout::Nhwc => strongest_channel(image),
        Layout::Nchw => strongest_channel(image.permuted_axes([1, 2, 0])),
    })
}

/// One figure for all heads.
///
/// # Errors
/// Maps without pixels.
pub fn figure(
    id: &str,
    heads: &[String],
    classes: &[(usize, String)],
    maps: &[Array2<f32>],
    method: Method,
    input: &Ready,
    assets: &mut Assets,
) -> Result<Figure> {
    let (height, width, _) = input.shown.dim();
    let size = overlay::fitted_size((width, height), ROOM);
    let mut panels = Vec::new();
    let mut data = Vec::new();
    let mut provenance = vec![Line::new("Map", "the largest magnitude over the channels at each pixel")];
    provenance.push(Line::new("Score", "each head's logit"));
    provenance.extend(match method {
        Method::SmoothGrad => {
            Some(Line::new("Settings", format!("{SAMPLES} noisy copies, deviation {NOISE} of the input's range")))
        }
        Method::IntegratedGradients => {
            Some(Line::new("Settings", format!("{STEPS} steps by the midpoint rule from an input of zeros")))
        }
        _ => None,
    });
    for ((head, (class, label)), map) in heads.iter().zip(classes).zip(maps) {
        let high = range(map.iter().copied()).map_or(0.0, |(_, high)| high);
        let words = format!("{head}: {label}");
        let picture = overlay::heatmap(
            map.view(),
            (0.0, if high > 0.0 { high } else { 1.0 }),
            Colormap::Inferno,
            overlay::Panel { size, label: &words },
        )?;
        let energy = input.mask.as_ref().map(|mask| energy(map.view(), mask.view()));
        let on = energy
            .map_or(String::new(), |energy| format!(", {:.0} % of it on the {}", energy.share * 100.0, input.object));
        panels.push(Panel {
            image: assets.add(&format!("{id}-{head}"), picture),
            alt: format!("{} of {head} for {label}{on}", method.title()),
        });
        provenance.push(Line::new(format!("Largest value of {head}"), format!("{high:.5}")));
        data.push(json!({ "head": head, "class": class, "label": label, "maximum": high, "energy": energy }));
    }
    let caption = format!(
        "{} of each head's logit with respect to the input {}, each map on a scale of its own from 0.",
        method.title(),
        input.name
    );
    let rows = vec![Row { heading: None, panels }];
    Ok(Figure {
        id: id.to_string(),
        caption,
        rows,
        enlargeable: true,
        provenance,
        data: json!(data),
        ..Figure::default()
    })
}
