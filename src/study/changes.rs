//! How each head's map changes when one attribute of a line does, its centre and its other attributes kept, and the
//! class kept that the map explains.

use crate::error::Result;
use crate::input::line::{self, Attributes};
use crate::input::prepared::PreparedInput;
use crate::input::sources::Sources;
use crate::measure::similarity::pearson;
use crate::random::Random;
use crate::study::anatomy::Anatomy;
use crate::study::claims::Change;
use crate::study::maps::{Seen, in_batches, see};
use crate::study::samples::STRIDE;

/// Half of the longest and widest line at any angle, rounded up: a centre that far from the edges fits all lines.
const REACH: f64 = 9.0;
/// The attributes by the names of the heads that read them.
const ATTRIBUTES: [&str; 4] = ["Length", "Width", "Color", "Angle"];

/// The changes by head; none for networks that have no heads for single attributes.
///
/// # Errors
/// Those of running and walking back.
pub fn changes(anatomy: &Anatomy, sources: &Sources, count: usize, seed: u64) -> Result<Vec<Vec<Change>>> {
    let heads = anatomy.network.heads();
    let attribute_of = |head: usize| ATTRIBUTES.iter().position(|a| a.eq_ignore_ascii_case(&heads[head].name));
    if !(0..heads.len()).any(|head| attribute_of(head).is_some()) {
        return Ok(vec![Vec::new(); heads.len()]);
    }
    // Each line is followed by its four variants.
    let group = 1 + ATTRIBUTES.len();
    let mut images: Vec<PreparedInput> = Vec::with_capacity(count * group);
    for i in 0..count {
        let attributes = Attributes::of_class(STRIDE * i);
        let mut random = Random::new(seed, i as u64);
        let side = line::SIDE as f64;
        let centre = (random.between(REACH, side - REACH), random.between(REACH, side - REACH));
        for variant in 0..group {
            images.push(sources.line(line::draw(changed(attributes, variant), centre), String::new())?);
        }
    }
    let ends = anatomy.explained();
    // The maps of a line and of its variants all explain what is predicted for the line itself.
    let originals: Vec<PreparedInput> = images.iter().step_by(group).cloned().collect();
    let predicted: Vec<Seen> =
        in_batches(anatomy, &anatomy.graph, &originals, &ends, |run, _| see(anatomy, run, None))?;
    let seen: Vec<Seen> = in_batches(anatomy, &anatomy.graph, &images, &ends, |run, part| {
        let class = |head: usize| part.clone().map(|i| predicted[i / group].classes[head]).collect();
        let classes: Vec<Vec<usize>> = (0..heads.len()).map(class).collect();
        see(anatomy, run, Some(&classes))
    })?;
    let difference = |head: usize, line: usize, attribute: usize| {
        let map = |variant: usize| {
            let seen = &seen[line * group + variant];
            let shown = seen.cells[head][0].iter().any(|&v| v > 0.0);
            shown.then(|| seen.dense(&anatomy.placed, head, 0))
        };
        Some(1.0 - pearson(map(0)?.view(), map(1 + attribute)?.view()))
    };
    let change = |head: usize, attribute: usize| Change {
        attribute: ATTRIBUTES[attribute].to_string(),
        own: attribute_of(head) == Some(attribute),
        difference: (0..count).map(|line| difference(head, line, attribute)).collect(),
    };
    let of_head = |head: usize| (0..ATTRIBUTES.len()).map(|attribute| change(head, attribute)).collect();
    Ok((0..heads.len()).map(of_head).collect())
}

/// A line's attributes (variant 0), or with one of the four changed: to the other label, or turned by 90°.
fn changed(attributes: Attributes, variant: usize) -> Attributes {
    let Attributes { length, width, color, angle } = attributes;
    match variant {
        1 => Attributes { length: 1 - length, ..attributes },
        2 => Attributes { width: 1 - width, ..attributes },
        3 => Attributes { color: 1 - color, ..attributes },
        4 => Attributes { angle: (angle + line::ANGLES.len() / 2) % line::ANGLES.len(), ..attributes },
        _ => attributes,
    }
}
