//! The arrays behind one input's maps, named for files.

use crate::explain::explanation::Explanation;
use crate::report::assets::slug;
use ndarray::ArrayD;

/// Signed maps on the target's grid, saliency maps, and logits, each with a name that begins with `section` and is safe in a file name.
pub(crate) fn arrays(section: &str, number: usize, explanation: &Explanation) -> Vec<(String, ArrayD<f32>)> {
    let heads = &explanation.heads;
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
    arrays
}
