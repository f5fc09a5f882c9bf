//! Which layers' activations a page shows: those asked for, every convolution and pooling layer of a small network, a few of a large one.

use crate::config::{Chapter, Located, Section};
use crate::error::Result;
use crate::model::{Layer, Network, Target};

/// A network with more convolution and pooling layers than this is large.
const MANY: usize = 16;
/// Layers that are shown of a large network.
const CHOSEN: usize = 6;
/// What asks for every layer.
const ALL: &str = "all";

/// The layers shown, in the network's order, and a sentence about how they were chosen where not all are shown.
pub(crate) struct Shown<'n> {
    pub layers: Vec<&'n Layer>,
    pub note: Option<String>,
    /// Whether the network has so many layers that less is shown of each.
    pub large: bool,
}

/// Chooses the layers; `target` is the activation that heatmaps explain.
///
/// # Errors
/// As for [`named_layers`].
pub(crate) fn choose_layers<'n>(
    chapter: &Chapter,
    section: &Section,
    network: &'n Network,
    target: &Target,
) -> Result<Shown<'n>> {
    let every = every(network);
    let large = every.len() > MANY;
    let all = |layers: Vec<&'n Layer>| Shown { layers, note: None, large };
    match named_layers(chapter, section, network)? {
        Some(named) => Ok(all(named)),
        None if large => {
            let layers = few(network, &every, target);
            let note = format!(
                "Of the {} convolution and pooling layers of this network, activations are shown of {}, taken from the first convolution, the last layer before each change of size, and the layer that heatmaps explain. {}",
                every.len(),
                layers.len(),
                "The key activations of a chapter file, and the option --activations of explain, ask for others by name, for all or for none."
            );
            Ok(Shown { layers, note: Some(note), large })
        }
        None => Ok(all(every)),
    }
}

/// The layers that the section asks for: those it names, or all; `None` where it says nothing.
///
/// # Errors
/// A layer that the network lacks, or that is no feature map.
pub(crate) fn named_layers<'n>(
    chapter: &Chapter,
    section: &Section,
    network: &'n Network,
) -> Result<Option<Vec<&'n Layer>>> {
    let map = |name: &Located<String>| {
        let found = network.find_layer(&name.value).map_err(|cause| chapter.error(name, cause))?;
        let shape = &found.output_shape;
        let refused = || chapter.error(name, format!("{} gives {shape:?}, which is no feature map", found.name));
        if found.is_map() { Ok(found) } else { Err(refused()) }
    };
    match section.activations.as_deref() {
        None => Ok(None),
        Some([word]) if word.value == ALL && network.layer(ALL).is_none() => Ok(Some(every(network))),
        Some(names) => names.iter().map(map).collect::<Result<_>>().map(|layers| Some(each_once(layers))),
    }
}

/// The layers in their order, each once: several names may be the same layer's.
pub(crate) fn each_once(layers: Vec<&Layer>) -> Vec<&Layer> {
    let mut once: Vec<&Layer> = Vec::new();
    for layer in layers {
        if !once.iter().any(|other| std::ptr::eq(*other, layer)) {
            once.push(layer);
        }
    }
    once
}

/// Every convolution and pooling layer.
fn every(network: &Network) -> Vec<&Layer> {
    let convolution_or_pooling =
        |layer: &&Layer| layer.is_map() && (layer.convolution.is_some() || layer.kind.contains("Pooling"));
    network.layers().iter().filter(convolution_or_pooling).collect()
}

/// The first convolution, the last of `every` before each change of size, and the target; of more than [`CHOSEN`] those that lie evenly.
fn few<'n>(network: &'n Network, every: &[&'n Layer], target: &Target) -> Vec<&'n Layer> {
    let first = every.iter().find(|layer| layer.convolution.is_some()).copied();
    let target = target.layer.as_ref().and_then(|name| network.layer(name)).filter(|layer| layer.is_map());
    // The target stands for the last layer of its size.
    let stages = every.windows(2).filter(|pair| size(network, pair[0]) != size(network, pair[1])).map(|pair| pair[0]);
    let last = if target.is_some() { None } else { every.last().copied() };
    let chosen: Vec<&Layer> = first.into_iter().chain(stages).chain(last).chain(target).collect();
    let layers: Vec<&Layer> =
        network.layers().iter().filter(|layer| chosen.iter().any(|other| other.name == layer.name)).collect();
    let place = |i: usize| i * (layers.len() - 1) / (CHOSEN - 1);
    if layers.len() > CHOSEN { (0..CHOSEN).map(|i| layers[place(i)]).collect() } else { layers }
}

/// Height and width of a layer's output, or the distance of its cells in the image where its size is open.
fn size(network: &Network, layer: &Layer) -> [Option<usize>; 2] {
    let axes = if network.input().channels_last { [1, 2] } else { [2, 3] };
    let size = axes.map(|axis| layer.output_shape.get(axis).copied().flatten());
    if size != [None, None] {
        return size;
    }
    network.receptive_field(&layer.output_tensor).map_or(size, |field| field.jump.map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Located;
    use crate::model::fixture::{Fixture, ints};
    use std::path::Path;

    /// A chain of 3×3 convolutions, `c0` to the last, on an image of 64×64; those in `halving` halve the size.
    fn chain(convolutions: usize, halving: &[usize]) -> Network {
        let mut fixture = Fixture::new("x", &[1, 1, 64, 64]);
        fixture.floats("kernel", &[1, 1, 3, 3], &[1.0; 9]);
        for i in 0..convolutions {
            let input = if i == 0 { "x".to_string() } else { format!("c{}", i - 1) };
            let stride = if halving.contains(&i) { 2 } else { 1 };
            fixture.node(
                "Conv",
                &[&input, "kernel"],
                &format!("c{i}"),
                vec![ints("strides", &[stride, stride]), ints("pads", &[1, 1, 1, 1])],
            );
        }
        fixture.node("ReduceMean", &[&format!("c{}", convolutions - 1)], "score", vec![ints("axes", &[2, 3])]);
        fixture.output("score").load()
    }

    fn tensors(network: &Network, activations: Option<Vec<&str>>) -> (Vec<String>, Option<String>) {
        let mut section = Section::of(Path::new("chain.onnx"));
        let option = |name: &str| Located::option("--activations", name.to_string());
        section.activations = activations.map(|names| names.into_iter().map(option).collect());
        let chapter = Chapter::of("T", section.clone());
        let target = network.default_target(&network.heads()[0]).unwrap();
        let shown = choose_layers(&chapter, &section, network, &target).unwrap();
        (shown.layers.iter().map(|layer| layer.output_tensor.clone()).collect(), shown.note)
    }

    #[test]
    fn of_a_large_network_the_ends_of_its_stages_are_shown_and_the_page_says_so() {
        let (layers, note) = tensors(&chain(18, &[6, 12]), None);
        assert_eq!(layers, ["c0", "c5", "c11", "c17"]);
        assert!(
            note.unwrap()
                .starts_with("Of the 18 convolution and pooling layers of this network, activations are shown of 4,")
        );
        // Seven sizes are too many: six of their ends, the first and the last among them.
        let (layers, _) = tensors(&chain(20, &[2, 4, 6, 8, 10]), None);
        assert_eq!(layers, ["c0", "c1", "c3", "c5", "c7", "c19"]);
    }

    #[test]
    fn of_a_small_network_every_layer_is_shown_as_of_any_where_all_are_asked_for() {
        let (layers, note) = tensors(&chain(16, &[6]), None);
        assert_eq!((layers.len(), note), (16, None));
        assert_eq!(tensors(&chain(18, &[6]), Some(vec!["all"])).0.len(), 18);
        assert!(tensors(&chain(18, &[6]), Some(vec![])).0.is_empty());
        assert_eq!(tensors(&chain(3, &[]), Some(vec!["c2", "c0", "c2", "c0"])).0, ["c2", "c0"], "each once");
    }
}
