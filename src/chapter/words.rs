//! Numbers about an explanation as text: probabilities and values, labels, scores, and the line for the terminal.

use crate::explain::explanation::{Explanation, HeadExplanation};
use crate::input::loaded::LoadedNetwork;
use crate::model::Meaning;
use crate::report::page::percent;

/// The most probable classes of a head that are named.
pub const LEADING: usize = 5;

/// A probability, or the value of a head without classes, as shown.
pub fn number(meaning: Meaning, number: f64) -> String {
    match meaning {
        Meaning::Classes => percent(number),
        Meaning::Values => format!("{number:.4}"),
    }
}

/// A head's score of the explained class in words, with the positions that it is averaged over.
pub fn score(loaded: &LoadedNetwork, head: usize, explained: &HeadExplanation) -> String {
    let Some(described) = loaded.heads().get(head) else { return String::new() };
    let name = format!("{} of {}", described.score_name(), loaded.label(head, explained.explained));
    let all = explained.position_count;
    match &explained.positions {
        Some(positions) => {
            let count = positions.iter().filter(|counts| **counts).count();
            if explained.in_own_region {
                return format!(
                    "{name}, averaged over the {count} of {all} positions that the network gives this class, the largest region but the background's (as SEG-GRAD-CAM, Vinogradova et al. 2020, sums them)"
                );
            }
            format!(
                "{name}, averaged over the {count} of {all} positions that lie in the given pixels (as SEG-GRAD-CAM, Vinogradova et al. 2020, sums them)"
            )
        }
        None if described.spatial => format!("{name}, averaged over all {all} positions"),
        None => name,
    }
}

/// What the network says of an input, a line for the terminal.
pub fn summary(loaded: &LoadedNetwork, explanation: &Explanation) -> String {
    let several = explanation.heads.len() > 1;
    let head = |(i, head): (usize, &HeadExplanation)| {
        let name = if several { format!("{} ", head.name) } else { String::new() };
        format!("{name}{} {}", loaded.label(i, head.predicted), number(head.meaning, head.probability()))
    };
    let heads: Vec<String> = explanation.heads.iter().enumerate().map(head).collect();
    format!("{}: {}", explanation.input.name, heads.join(", "))
}
