//! The arrays behind one input's maps, named for files.

use crate::chapter::context::SectionContext;
use crate::error::Result;
use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::report::assets::slug;
use ndarray::ArrayD;

/// The longest name of a head that file names take over.
const LONGEST: usize = 24;

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
    let name = |head: usize, what: &str| file_name(&format!("{section}-input-{number}"), heads, head, what);
    let mut arrays = Vec::new();
    for method in 0..heads.first().map_or(0, |head| head.heatmaps.len()) {
        for (i, map) in heads.iter().enumerate().filter_map(|(i, head)| Some((i, head.heatmaps.get(method)?))) {
            arrays.push((name(i, map.method.title()), map.signed.clone().into_dyn()));
        }
    }
    for (i, saliency) in heads.iter().enumerate().filter_map(|(i, head)| Some((i, head.saliency.as_ref()?))) {
        arrays.push((name(i, saliency.method.title()), saliency.map.clone().into_dyn()));
    }
    for (i, head) in heads.iter().enumerate() {
        arrays.push((name(i, "logits"), head.logits.clone()));
    }
    for layer in &context.shown.layers {
        let name = slug(&format!("{section}-input-{number}-{}-activation", layer.name));
        arrays.push((name, explanation.activation(&layer.output_tensor)?.clone()));
    }
    Ok(arrays)
}

/// The name of an array of one input's head: with the head's own name where that is short, of plain letters and no other head's, else
/// with its number among the heads, from 1.
pub(crate) fn file_name(input: &str, heads: &[HeadExplanation], head: usize, what: &str) -> String {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let own = heads.get(head).map_or("", |head| head.name.as_str());
    let alone = heads.iter().filter(|other| plain(&other.name) == plain(own)).count() == 1;
    let speaks = own.is_ascii() && !plain(own).is_empty() && own.len() <= LONGEST && alone;
    let name = if speaks { own.to_string() } else { format!("head-{}", head + 1) };
    slug(&format!("{input}-{name}-{what}"))
}
