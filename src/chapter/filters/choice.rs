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

/// Work that the ascents of a small network may take where no filters are named, those of a large one, and more for each
/// parameter of either.
const WORK_OF_SMALL: f64 = 4e11;
const WORK_OF_LARGE: f64 = 1e11;
const WORK_PER_PARAMETER: f64 = 1_048_576.0;
/// Runs up to a layer that a step of one filter's ascent takes: there, back, and a share of the starts.
const PER_STEP: f64 = 3.0;
/// Work that a step takes for each value of the image itself: looking, regularising, moving.
const PER_VALUE: f64 = 2000.0;

/// What is shown.
pub struct Choice<'n> {
    /// Convolutions, each with the filters that are shown of it; all of them if `None`.
    pub layers: Vec<(&'n Layer, Option<Vec<usize>>)>,
    /// What is left out, if anything, in a sentence.
    pub note: Option<String>,
}

impl<'n> Choice<'n> {
    /// The choice for a network, for ascents of so many steps: `layers` and `filters` as asked for, `None` where nothing was said.
    pub fn new(
        network: &'n Network,
        layers: Option<Vec<&'n Layer>>,
        filters: Option<Vec<usize>>,
        steps: usize,
    ) -> Choice<'n> {
        let count = |layer: &Layer| filter_count(network, layer).unwrap_or(0);
        let all: Vec<&Layer> = network.layers().iter().filter(|layer| layer.convolution.is_some()).collect();
        let (convolutions, total) = (all.len(), all.iter().map(|layer| count(layer)).sum::<usize>());
        let large = total > LARGE;
        let named = layers.is_some();
        let mut layers = layers.unwrap_or_else(|| {
            let most = if large { LAYERS } else { convolutions };
            spread(convolutions, most).into_iter().filter_map(|place| all.get(place).copied()).collect()
        });
        let mut some = Vec::new();
        let mut most = usize::MAX;
        if filters.is_none() {
            most = affordable(network, &mut layers, steps, large);
            if !named && layers.len() < convolutions {
                some.push(format!("{} of the {convolutions} convolutions", layers.len()));
            }
            most = if large { most.min(FILTERS) } else { most };
            if layers.iter().any(|layer| count(layer) > most) {
                some.push(format!("{most} filter{} of each convolution", if most == 1 { "" } else { "s" }));
            }
        }
        let of = |layer: &'n Layer| {
            let few = (most < usize::MAX).then(|| spread(count(layer), most)).filter(|_| large || count(layer) > most);
            (layer, filters.clone().or(few))
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

/// How many filters of each layer can be afforded, at least one; of a network for which even that is too much, the layers that
/// take the most work are left out. The layer that takes the least stays.
fn affordable(network: &Network, layers: &mut Vec<&Layer>, steps: usize, large: bool) -> usize {
    let parameters: f64 = network.layers().iter().map(|layer| layer.parameters as f64).sum();
    let limit = if large { WORK_OF_LARGE } else { WORK_OF_SMALL } + WORK_PER_PARAMETER * parameters;
    let (height, width) = network.listed_size();
    let image = PER_VALUE * (network.input().channels * height * width) as f64;
    let cost = |layer: &&Layer| (network.work_to(&layer.output_tensor) * PER_STEP + image) * steps as f64;
    let mut costs: Vec<f64> = layers.iter().map(cost).collect();
    while costs.len() > 1 && costs.iter().sum::<f64>() > limit {
        let largest = costs.iter().copied().fold(0.0, f64::max);
        let Some(place) = costs.iter().rposition(|cost| *cost == largest) else { break };
        costs.remove(place);
        layers.remove(place);
    }
    ((limit / costs.iter().sum::<f64>().max(1.0)) as usize).max(1)
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
        let choice = Choice::new(&small, None, None, 60);
        assert_eq!((choice.count(&small), choice.note.as_deref()), (510, None));
        let large = network(52);
        let choice = Choice::new(&large, None, None, 60);
        let names: Vec<&str> = choice.layers.iter().map(|(layer, _)| layer.name.as_str()).collect();
        assert_eq!((names.first(), names.last()), (Some(&"block.0.conv"), Some(&"block.9.conv")));
        assert_eq!((names.len(), choice.count(&large)), (LAYERS, LAYERS * FILTERS));
        assert!(choice.layers.iter().all(|(_, filters)| *filters == Some(spread(52, FILTERS))));
        let note = choice.note.unwrap();
        assert!(note.contains("520 filters") && note.contains("8 of the 10 convolutions"), "{note}");
        // What is asked for is shown.
        let one = vec![convolution(&large, "block.4.conv").unwrap()];
        let choice = Choice::new(&large, Some(one.clone()), None, 60);
        assert_eq!(choice.count(&large), FILTERS);
        assert!(choice.note.unwrap().contains("16 filters of each"));
        let choice = Choice::new(&large, Some(one), Some((0..40).collect()), 60);
        assert_eq!((choice.count(&large), choice.note), (40, None));
    }

    /// A network of few weights on a large image shows as many filters as some 10¹¹ multiplications make, whatever the clock says.
    #[test]
    fn work_bounds_what_is_shown() {
        // Two convolutions of 4 filters: 1,048,576 cells with 27 and, behind them, 36 products each.
        let mut fixture = Fixture::new("x", &[1, 3, 1024, 1024]);
        let padded = || vec![crate::model::fixture::ints("pads", &[1; 4])];
        fixture.conv("x", "a", [4, 3, 3, 3], padded()).conv("a", "b", [4, 4, 3, 3], padded());
        fixture.node("GlobalAveragePool", &["b"], "p", vec![]).node("Flatten", &["p"], "y", vec![]);
        let network = fixture.output("y").load();
        assert_eq!(network.work_to("b"), 4_194_304.0 * (27.0 + 36.0));
        let shown = |steps: usize| {
            let choice = Choice::new(&network, None, None, steps);
            let names: Vec<&str> = choice.layers.iter().map(|(layer, _)| layer.name.as_str()).collect();
            (names, choice.count(&network), choice.note)
        };
        assert_eq!(shown(25), (vec!["a", "b"], 2, Some("The network has 8 filters. Shown are 1 filter of each convolution, evenly spread; convscope filters with --layer and --filters shows others.".into())));
        assert_eq!(shown(5).1, 8, "all of them");
        let (names, count, note) = shown(50);
        assert_eq!((names, count), (vec!["a"], 1));
        assert!(note.unwrap().contains("1 of the 2 convolutions and at most 1 filter of"));
        let asked = Choice::new(&network, None, Some(vec![0, 1, 2]), 50);
        assert_eq!((asked.count(&network), asked.note), (6, None), "what is asked for is shown");
    }

    #[test]
    fn numbers_are_spread_from_the_first_to_the_last() {
        assert_eq!(spread(5, 8), [0, 1, 2, 3, 4]);
        assert_eq!(spread(26, 8), [0, 3, 7, 10, 14, 17, 21, 25]);
        assert_eq!(spread(100, 2), [0, 99]);
        assert_eq!((spread(7, 1), spread(0, 3)), (vec![0], vec![]));
    }
}
