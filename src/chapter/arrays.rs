//! The arrays behind one input's maps, named for files.

use crate::chapter::context::SectionContext;
use crate::error::Result;
use crate::explain::explanation::Explanation;
use crate::report::assets::slug;
use ndarray::ArrayD;

/// Signed maps on the target's grid, saliency maps, logits, and the activations that the page shows, each with a name that begins with the
/// section's and is safe in a file name.
///
/// # Errors
/// Never in practice: the activations were asked for.
pub(crate) fn arrays(
    context: &SectionContext,
    number: usize,
    explanation: &Explanation,
) -> Result<Vec<(String, ArrayD<f32>)>> {
    let heads = &explanation.heads;
    let section = context.id;
    let name = |head: &str, what: &str| slug(&format!("{section}-input-{number}-{head}-{what}"));
    let mut arrays = Vec::new();
    for method in 0..heads.first().map_or(0, |head| head.heatmaps.len()) {
        for (head, map) in heads.iter().filter_map(|head| Some((head, head.heatmaps.get(method)?))) {
            arrays.push((name(&head.name, map.method.title()), map.signed.clone().into_dyn()));
        }
    }
    for (head, saliency) in heads.iter().filter_map(|head| Some((head, head.saliency.as_ref()?))) {
        arrays.push((name(&head.name, saliency.method.title()), saliency.map.clone().into_dyn()));
    }
    for head in heads {
        arrays.push((name(&head.name, "logits"), head.logits.clone()));
    }
    for layer in &context.shown.layers {
        arrays.push((name(&layer.name, "activation"), explanation.activation(&layer.output_tensor)?.clone()));
    }
    Ok(arrays)
}
