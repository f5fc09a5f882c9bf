//! A network's architecture as a table and a strip, and the facts about it.

use crate::error::Result;
use crate::figure::flow::{Block, Branch, Kind, strip as draw};
use crate::model::layers::layer::totals;
use crate::model::layers::scope::{Item, MOST_ROWS};
use crate::model::layers::table::{overview, parameters, printed_layers, shape_text, thousands};
use crate::model::{Layer, Meaning, Network};
use crate::report::Assets;
use crate::report::page::{Column, Figure, Line, Table};

/// Layers that the strip's alternative text names; the table has them all.
const SPOKEN: usize = 12;

/// The architecture, row by row; `Connected to` only where the network branches. A large network's layers stand in a table for
/// each group of them, and the first table has a row a group.
pub fn table(network: &Network) -> Table {
    let branches = !network.sequential();
    let mut columns = vec![Column::text("Layer (type)"), Column::text("Output Shape"), Column::number("Param #")];
    if branches {
        columns.push(Column::text("Connected to"));
    }
    let row = |name: String, last: &Layer, parameters: usize, connected_to: String| {
        let mut row = vec![name, shape_text(&last.output_shape), parameters.to_string()];
        row.extend(branches.then_some(connected_to));
        row
    };
    let of_layer = |layer: &Layer| {
        row(format!("{} ({})", layer.name, layer.kind), layer, layer.parameters, layer.connected_to.join(", "))
    };
    let (mut rows, mut parts) = (Vec::new(), Vec::new());
    for item in overview(network) {
        let layers = item.layers();
        match (&item, layers.last()) {
            (Item::Group(group), Some(last)) => {
                let parameters = parameters(&layers);
                let name = format!("{} ({} layers)", group.name, layers.len());
                parts.push(Table {
                    caption: format!("{}: layer by layer", group.name),
                    columns: columns.clone(),
                    rows: layers.iter().map(|layer| of_layer(layer)).collect(),
                    fold: Some(format!("{name}, {} parameters", thousands(parameters))),
                    ..Table::default()
                });
                rows.push(row(name, last, parameters, String::new()));
            }
            _ => rows.extend(layers.iter().map(|layer| of_layer(layer))),
        }
    }
    let totals = totals(network.layers());
    let count = printed_layers(network).len();
    let folded = format!(
        "Show all {count} layers, in {} groups; a group's row above shows its last layer's output",
        parts.len()
    );
    Table {
        caption: format!("Architecture of {}", network.title()),
        columns,
        rows,
        parts_fold: if parts.is_empty() { String::new() } else { folded },
        parts,
        totals: vec![
            format!("Total params: {}", thousands(totals.parameters)),
            format!("Trainable params: {}", thousands(totals.trainable)),
            format!("Non-trainable params: {}", thousands(totals.non_trainable)),
        ],
        fold: None,
    }
}

/// The strip of layer blocks: the layers up to the last that all heads share, then one row for each head's own.
///
/// # Errors
/// A network without layers.
pub fn strip(id: &str, network: &Network, assets: &mut Assets) -> Result<Figure> {
    if printed_layers(network).len() > MOST_ROWS {
        return grouped_strip(id, network, assets);
    }
    let layers = network.layers();
    let readers = |layer: &Layer| {
        let prefix = format!("{}[", layer.name);
        layers
            .iter()
            .filter(|other| other.connected_to.iter().any(|from| from.starts_with(&prefix)))
            .collect::<Vec<_>>()
    };
    let fork = layers.iter().position(|layer| readers(layer).len() > 1);
    // Beyond a fork that closes again (a residual block) rows of branches would say nothing; the layers then stand in one chain.
    let opens_for_good = fork.is_some_and(|at| layers[at + 1..].iter().all(|layer| layer.connected_to.len() <= 1));
    let (trunk, branches) = match fork {
        Some(at) if opens_for_good => {
            // A layer that several heads read stands in the row of the first of them.
            let rows = readers(&layers[at]).into_iter().flat_map(|first| {
                let ends = readers(first);
                let mut rows = vec![(vec![first], 0)];
                rows[0].0.extend(ends.first());
                rows.extend(ends.into_iter().skip(1).map(|end| (vec![end], 1)));
                rows
            });
            (&layers[..=at], rows.collect::<Vec<(Vec<&Layer>, usize)>>())
        }
        _ => (layers, Vec::new()),
    };
    let trunk: Vec<Block> = trunk.iter().map(block).collect();
    let branches: Vec<Branch> = branches
        .iter()
        .map(|(layers, shared)| Branch { blocks: layers.iter().map(|layer| block(layer)).collect(), shared: *shared })
        .collect();
    let title = format!("The flow of shapes through {}", network.title());
    let id = format!("{id}-flow");
    let image = assets.add(&id, draw(&trunk, &branches, &title)?);
    let caption = format!(
        "{title}: {} layers, each with the size of its output.",
        trunk.len() + branches.iter().map(|branch| branch.blocks.len()).sum::<usize>()
    );
    let mut words: Vec<String> =
        trunk.iter().take(SPOKEN).map(|block| format!("{} {}", block.name, block.shape)).collect();
    if trunk.len() > SPOKEN {
        words.push(format!("{} more layers", trunk.len() - SPOKEN));
    }
    Ok(Figure::single(id, caption, image, words.join(", then ")))
}

/// The strip of a large network: a block for each group of layers.
fn grouped_strip(id: &str, network: &Network, assets: &mut Assets) -> Result<Figure> {
    let blocks: Vec<Block> = overview(network).iter().map(item_block).collect();
    let title = format!("The flow of shapes through {}", network.title());
    let id = format!("{id}-flow");
    let image = assets.add(&id, draw(&blocks, &[], &title)?);
    let caption = format!(
        "{title}: its {} layers, those of a group in one block, with the size of the last one's output.",
        printed_layers(network).len()
    );
    let words: Vec<String> = blocks.iter().map(|block| format!("{} {}", block.name, block.shape)).collect();
    Ok(Figure::single(id, caption, image, words.join(", then ")))
}

fn item_block(item: &Item) -> Block {
    let layers = item.layers();
    match (item, layers.last()) {
        (Item::Group(group), Some(last)) => {
            let convolutions = layers.iter().filter(|layer| layer.convolution.is_some()).count();
            let kind = if convolutions > 0 { Kind::Convolution } else { Kind::Other };
            let detail = format!("{} layers, {convolutions} Conv", layers.len());
            Block { name: group.name.clone(), detail, kind, ..block(last) }
        }
        (Item::Layer(layer), _) => block(layer),
        (Item::Group(_), None) => Block::default(),
    }
}

fn block(layer: &Layer) -> Block {
    let kind = match layer.kind.as_str() {
        "InputLayer" => Kind::Input,
        kind if layer.convolution.is_some() || kind.contains("Conv") => Kind::Convolution,
        kind if kind.contains("Pooling") => Kind::Pooling,
        "Dense" if layer.activation.as_deref() == Some("softmax") => Kind::Head,
        "Dense" => Kind::Dense,
        _ => Kind::Other,
    };
    let detail = match &layer.convolution {
        Some(convolution) => format!("{} {}×{}", layer.kind, convolution.kernel_size[0], convolution.kernel_size[1]),
        None => layer.kind.clone(),
    };
    let axes: Vec<String> =
        layer.output_shape.iter().skip(1).map(|axis| axis.map_or("?".into(), |n| n.to_string())).collect();
    Block { name: layer.name.clone(), detail, shape: axes.join(" × "), kind }
}

/// What the file's metadata says about training, the recorded test accuracy of each head, and what of the outputs is explained.
pub fn facts(network: &Network) -> Vec<Line> {
    let metadata = network.metadata();
    let mut facts = outputs(network);
    for (key, name) in [("dataset", "Trained on"), ("epochs", "Epochs"), ("frameworks", "Trained with")] {
        if let Some(value) = metadata.get(key) {
            facts.push(Line::new(name, plain(value)));
        }
    }
    for head in network.heads() {
        let recorded =
            metadata.get(&format!("accuracy.{}", head.name)).and_then(|text| serde_json::from_str(text).ok());
        let Some(recorded): Option<serde_json::Value> = recorded else { continue };
        let Some(accuracy) = recorded.get("accuracy").and_then(serde_json::Value::as_f64) else { continue };
        let mut value = format!("{:.2} %", accuracy * 100.0);
        if let Some(n) = recorded.get("n").and_then(serde_json::Value::as_u64) {
            value += &format!(" of {}", thousands(n as usize));
        }
        if let Some(data) = recorded.get("data").and_then(serde_json::Value::as_str) {
            value += &format!(" ({data})");
        }
        facts.push(Line::new(format!("Test accuracy of {}, recorded in the model's metadata", head.name), value));
    }
    facts
}

/// What there is to say about outputs that are no usual classifier.
fn outputs(network: &Network) -> Vec<Line> {
    let others: Vec<String> =
        network.other_outputs().iter().map(|other| format!("{} {}", other.name, shape_text(&other.shape))).collect();
    let mut facts = Vec::new();
    if !others.is_empty() {
        let why = "they name no classes, or those of another output once more, so no maps are made of them";
        facts.push(Line::new("Other outputs", format!("{}: {why}", others.join(", "))));
    }
    for head in network.heads() {
        let shape = network.shape(&head.logits).map(shape_text).unwrap_or_default();
        let said = match (head.meaning, head.spatial) {
            (Meaning::Values, _) => {
                let what = if head.classes == Some(1) { "it" } else { "the largest" };
                format!("{shape}: values and no classes, so there are no probabilities; maps explain {what}")
            }
            (Meaning::Classes, true) => {
                format!(
                    "{shape}: a score for each class and position; scores are averaged over all positions, or over pixels that were given"
                )
            }
            (Meaning::Classes, false) => continue,
        };
        facts.push(Line::new(format!("Output {}", head.name), said));
    }
    facts
}

/// A metadata value as words: JSON objects and strings without their punctuation; training data with its size and its test data.
fn plain(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(entries)) if entries.contains_key("train") => {
            let words =
                |key: &str| entries.get(key).and_then(serde_json::Value::as_str).unwrap_or("unknown data").to_string();
            let samples = entries.get("samples").and_then(serde_json::Value::as_u64).unwrap_or(0);
            format!("{}, {} images; tested on {}", words("train"), thousands(samples as usize), words("test"))
        }
        Ok(serde_json::Value::Object(entries)) => {
            let words = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
            entries.iter().map(|(key, value)| format!("{key} {}", words(value))).collect::<Vec<_>>().join(", ")
        }
        Ok(serde_json::Value::String(text)) => text,
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_networks_table_has_a_row_a_group_and_a_part_for_its_layers() {
        let network = crate::model::fixture::Fixture::scoped().load();
        let table = table(&network);
        assert_eq!((table.rows.len(), table.parts.len()), (14, 10));
        assert_eq!(table.rows[2], ["stage1.0 (3 layers)", "(None, 4, 8, 8)", "296", ""]);
        assert_eq!(table.parts[0].fold.as_deref(), Some("stage1.0 (3 layers), 296 parameters"));
        assert!(table.parts_fold.starts_with("Show all 34 layers, in 10 groups"), "{}", table.parts_fold);
        // Every layer is listed once, alone or in its group's part, and the numbers add up.
        let alone = table.rows.iter().filter(|row| !row[0].ends_with("layers)"));
        let listed: Vec<&Vec<String>> = alone.chain(table.parts.iter().flat_map(|part| &part.rows)).collect();
        let sum = |rows: &mut dyn Iterator<Item = &Vec<String>>| {
            rows.map(|row| row[2].parse::<usize>().unwrap()).sum::<usize>()
        };
        assert_eq!((listed.len(), sum(&mut listed.into_iter()), sum(&mut table.rows.iter())), (34, 3051, 3051));
    }

    #[test]
    fn the_strip_of_a_large_network_has_a_block_a_group() {
        let network = crate::model::fixture::Fixture::scoped().load();
        let mut assets = Assets::default();
        let figure = strip("n", &network, &mut assets).unwrap();
        assert!(figure.caption.contains("its 34 layers"), "{}", figure.caption);
        assert_eq!(figure.rows[0].panels[0].alt.matches(", then ").count(), 13);
        let picture = assets.iter().find(|(name, _)| name.contains("flow")).map(|(_, svg)| svg).unwrap();
        assert!(picture.contains("stage2.4") && picture.contains("3 layers, 2 Conv"), "{picture}");
    }

    #[test]
    fn outputs_that_are_no_usual_classifier_are_described() {
        let mut fixture = crate::model::fixture::Fixture::new("x", &[1, 1, 6, 6]);
        fixture.conv("x", "map", [3, 1, 3, 3], vec![]).node("GlobalAveragePool", &["map"], "p", vec![]);
        fixture.node("Flatten", &["p"], "f", vec![]).dense("f", "y", 3, 1);
        let lines = |facts: Vec<Line>| facts.into_iter().map(|line| (line.name, line.value)).collect::<Vec<_>>();
        let value = lines(facts(&fixture.output("y").load()));
        assert!(value[0].0 == "Output y" && value[0].1.contains("no probabilities; maps explain it"), "{value:?}");
        let both = lines(facts(&fixture.output("map").load()));
        assert!(both.len() == 2 && both[1].1.contains("maps explain the largest"), "{both:?}");
        fixture.node("Softmax", &["map"], "s", vec![crate::model::fixture::int("axis", 1)]);
        let scores = lines(facts(&fixture.output("s").load()));
        assert!(
            scores[0].0 == "Other outputs" && scores[0].1.starts_with("y (None, 1), map (None, 3, 4, 4):"),
            "{scores:?}"
        );
        assert!(scores[1].0 == "Output s" && scores[1].1.contains("a score for each class and position"), "{scores:?}");
    }

    #[test]
    fn metadata_becomes_words() {
        assert_eq!(plain(r#"{"name": "Line", "seed": 1}"#), "name Line, seed 1");
        assert_eq!(
            plain(r#"{"train": "Line", "samples": 96000, "test": "fresh lines"}"#),
            "Line, 96,000 images; tested on fresh lines"
        );
        assert_eq!(plain("12"), "12");
        assert_eq!(plain("Line, seed 1"), "Line, seed 1");
    }
}
