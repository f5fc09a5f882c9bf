//! The architecture as Keras would print it: one row per layer, activations folded in, shapes in the network's layout.

use std::collections::BTreeMap;

use crate::model::layers::layer::Layer;
use crate::model::layers::layout::Layouts;
use crate::model::layers::name::{self, Names};
use crate::model::layers::row::{Row, rows};
use crate::model::layers::step::{readers, steps};
use crate::model::read::definition::Definition;
use crate::model::read::shapes::{Input, Values};

/// All rows, the input's first, in Keras's order for networks from Keras and in the file's order for others.
pub(crate) fn layers(definition: &Definition, values: &Values, input: &Input, layouts: &Layouts) -> Vec<Layer> {
    let steps = steps(definition, values);
    let mut rows = rows(&steps, readers(&steps, definition), values, (input, &definition.others));
    name_rows(&mut rows);
    finish(&mut rows, values, input, layouts);
    let order = if input.channels_last { keras_order(&rows) } else { (0..rows.len()).collect() };
    order.into_iter().filter_map(|index| rows.get(index)).map(|row| row.layer.clone()).collect()
}

fn name_rows(rows: &mut [Row]) {
    let mut counters: BTreeMap<String, usize> = BTreeMap::new();
    let mut names: Vec<Names> = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        names.push(match &row.names {
            Some(names) => names.clone(),
            None => {
                let number = counters.entry(row.layer.kind.clone()).or_default();
                *number += 1;
                Names::only(&format!("{}_{number}", name::snake(&row.layer.kind)))
            }
        });
    }
    for (row, name) in rows.iter_mut().zip(name::settle(names)) {
        row.layer.name = name;
    }
}

/// Fills in what needs all rows: connections, shapes.
fn finish(rows: &mut [Row], values: &Values, input: &Input, layouts: &Layouts) {
    let names: Vec<String> = rows.iter().map(|row| row.layer.name.clone()).collect();
    for row in rows {
        let connected = row.sources.iter().filter_map(|&source| names.get(source));
        row.layer.connected_to = connected.map(|name| format!("{name}[0][0]")).collect();
        let value = &row.layer.output_tensor;
        let shape = values.shapes.get(value).cloned().unwrap_or_default();
        row.layer.output_values =
            values.probed(value).iter().product::<usize>() / values.fixed_batch.unwrap_or(1).max(1);
        let last = layouts.channels_last(value);
        row.layer.channel_axis = match shape.len() {
            4 if last => 3,
            rank => 1.min(rank.saturating_sub(1)),
        };
        row.layer.output_shape = match *shape.as_slice() {
            [n, c, h, w] if input.channels_last && !last => vec![n, h, w, c],
            [n, h, w, c] if !input.channels_last && last => vec![n, c, h, w],
            _ => shape,
        };
    }
}

/// Keras lists a graph by depth below the outputs, deepest first; equally deep layers in the order of their making,
/// which their numbers tell (`dense_1` before `dense_5`).
fn keras_order(rows: &[Row]) -> Vec<usize> {
    let mut depth = vec![0usize; rows.len()];
    for (index, row) in rows.iter().enumerate().rev() {
        let own = depth.get(index).copied().unwrap_or(0);
        for &source in &row.sources {
            if let Some(above) = depth.get_mut(source) {
                *above = (*above).max(own + 1);
            }
        }
    }
    let depth_of = |index: usize| depth.get(index).copied().unwrap_or(0);
    // Layers of one kind and depth stay together, at the place of the first.
    let mut first: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        first.entry((depth_of(index), numbered(&row.layer.name).0)).or_insert(index);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&index| {
        let (stem, number) = rows.get(index).map_or(("", 0), |row| numbered(&row.layer.name));
        let group = first.get(&(depth_of(index), stem)).copied().unwrap_or(index);
        (std::cmp::Reverse(depth_of(index)), group, number, index)
    });
    order
}

/// `dense_12` → (`dense`, 12); a name without number has number 0.
fn numbered(name: &str) -> (&str, u64) {
    match name.rsplit_once('_') {
        Some((stem, number)) => number.parse().map_or((name, 0), |number| (stem, number)),
        None => (name, 0),
    }
}
