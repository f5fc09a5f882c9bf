//! Which convolutions and filters are shown: those asked for, else all of a small network and some of a large one.

use crate::explain::filters::filter_count;
use crate::model::layers::table::thousands;
use crate::model::{Layer, Network};

/// A network of more filters than this is large.
pub const LARGE: usize = 512;
/// Convolutions that are shown of a large network, where none is named.
pub const LAYERS: usize = 8;
/// Filters that are shown of each convolution of a large network, where none is named.
pub const FILTERS: usize = 16;

/// What is shown.
pub struct Choice<'n> {
    /// Convolutions, each with the filters that are shown of it; all of them if `None`.
    pub layers: Vec<(&'n Layer, Option<Vec<usize>>)>,
    /// What is left out, if anything, in a sentence.
    pub note: Option<String>,
}

impl<'n> Choice<'n> {
    /// The choice for a network: `layers` and `filters` as asked for, `None` where nothing was said.
    pub fn new(network: &'n Network, layers: Option<Vec<&'n Layer>>, filters: Option<Vec<usize>>) -> Choice<'n> {
        let count = |layer: &Layer| filter_count(network, layer).unwrap_or(0);
        let all: Vec<&Layer> = network.layers().iter().filter(|layer| layer.convolution.is_some()).collect();
        let (convolutions, total) = (all.len(), all.iter().map(|layer| count(layer)).sum::<usize>());
        let large = total > LARGE;
        let mut some = Vec::new();
        let layers = layers.unwrap_or_else(|| {
            if large && convolutions > LAYERS {
                some.push(format!("{LAYERS} of the {convolutions} convolutions"));
                return spread(convolutions, LAYERS).into_iter().filter_map(|place| all.get(place).copied()).collect();
            }
            all
        });
        let few = large && filters.is_none();
        if few && layers.iter().any(|layer| count(layer) > FILTERS) {
            some.push(format!("{FILTERS} filters of each convolution"));
        }
        let of = |layer: &'n Layer| {
            let filters = filters.clone().or_else(|| few.then(|| spread(count(layer), FILTERS)));
            (layer, filters)
        };
        let note = (!some.is_empty()).then(|| {
            let (total, some) = (thousands(total), some.join(" and at most "));
            format!("The network has {total} filters. Shown are {some}, evenly spread; convscope filters with --layer and --filters shows others.")
        });
        Choice { layers: layers.into_iter().map(of).collect(), note }
    }

    /// The first filter that a convolution was asked for and does not have.
    pub fn missing(&self, network: &Network) -> Option<(&'n Layer, usize)> {
        self.layers.iter().find_map(|(layer, filters)| {
            let count = filter_count(network, layer)?;
            filters.as_ref()?.iter().find(|filter| **filter >= count).map(|filter| (*layer, *filter))
        })
    }

    /// How many filters are shown.
    pub fn count(&self, network: &Network) -> usize {
        let of = |(layer, filters): &(&Layer, Option<Vec<usize>>)| match filters {
            Some(filters) => filters.len(),
            None => filter_count(network, layer).unwrap_or(0),
        };
        self.layers.iter().map(of).sum()
    }
}

/// `wanted` of the numbers below `count`, from the first to the last, evenly; all of them if there are no more.
fn spread(count: usize, wanted: usize) -> Vec<usize> {
    if count <= wanted {
        return (0..count).collect();
    }
    (0..wanted).map(|place| place * (count - 1) / wanted.saturating_sub(1).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::filters::convolution;
    use crate::model::fixture::Fixture;

    /// Ten convolutions of one cell each with `filters` filters, `block.0` to `block.9`, and a pooling in front of the scores.
    fn network(filters: i64) -> Network {
        let mut fixture = Fixture::new("x", &[1, 3, 14, 14]);
        let mut below = "x".to_string();
        for block in 0..10 {
            let (conv, relu) = (format!("block.{block}.conv"), format!("block.{block}.relu"));
            fixture.conv(&below, &conv, [filters, if block == 0 { 3 } else { filters }, 1, 1], vec![]);
            fixture.node("Relu", &[&conv], &relu, vec![]);
            below = relu;
        }
        fixture.node("GlobalAveragePool", &[&below], "pooled", vec![]);
        fixture.node("Flatten", &["pooled"], "scores", vec![]).output("scores").load()
    }

    #[test]
    fn small_networks_are_shown_whole_and_large_ones_in_part() {
        let small = network(51);
        let choice = Choice::new(&small, None, None);
        assert_eq!((choice.count(&small), choice.note.as_deref()), (510, None));
        let large = network(52);
        let choice = Choice::new(&large, None, None);
        let names: Vec<&str> = choice.layers.iter().map(|(layer, _)| layer.name.as_str()).collect();
        assert_eq!((names.first(), names.last()), (Some(&"block.0.conv"), Some(&"block.9.conv")));
        assert_eq!((names.len(), choice.count(&large)), (LAYERS, LAYERS * FILTERS));
        assert!(choice.layers.iter().all(|(_, filters)| *filters == Some(spread(52, FILTERS))));
        let note = choice.note.unwrap();
        assert!(note.contains("520 filters") && note.contains("8 of the 10 convolutions"), "{note}");
        // What is asked for is shown.
        let one = vec![convolution(&large, "block.4.conv").unwrap()];
        let choice = Choice::new(&large, Some(one.clone()), None);
        assert_eq!(choice.count(&large), FILTERS);
        assert!(choice.note.unwrap().contains("16 filters of each"));
        let choice = Choice::new(&large, Some(one), Some((0..40).collect()));
        assert_eq!((choice.count(&large), choice.note), (40, None));
    }

    #[test]
    fn numbers_are_spread_from_the_first_to_the_last() {
        assert_eq!(spread(5, 8), [0, 1, 2, 3, 4]);
        assert_eq!(spread(26, 8), [0, 3, 7, 10, 14, 17, 21, 25]);
        assert_eq!(spread(100, 2), [0, 99]);
        assert_eq!((spread(7, 1), spread(0, 3)), (vec![0], vec![]));
    }
}
