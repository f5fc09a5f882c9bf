//! Layers grouped by the scopes of their names (`layer3.4.conv2` under `layer3.4` under `layer3`), so that an architecture
//! of hundreds of layers stays readable.

use std::collections::BTreeSet;

use crate::model::Layer;

/// A table or group of more rows than this is divided.
pub const MOST_ROWS: usize = 30;

/// A layer, or several under one scope.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'n> {
    Layer(&'n Layer),
    Group(Group<'n>),
}

/// Consecutive layers that share a scope; at least two.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'n> {
    /// The scope, or the first and the last layer's name where names have none and layers of one map size stand together.
    pub name: String,
    pub items: Vec<Item<'n>>,
}

impl<'n> Item<'n> {
    /// All layers below, in order.
    pub fn layers(&self) -> Vec<&'n Layer> {
        match self {
            Item::Layer(layer) => vec![layer],
            Item::Group(group) => group.items.iter().flat_map(Item::layers).collect(),
        }
    }
}

/// The layers as a tree of scopes, in their order. Networks whose names have no scopes are divided where the size of the maps
/// changes.
pub fn tree(layers: &[Layer], channels_last: bool) -> Vec<Item<'_>> {
    let mut items = scoped(&paths(layers), 0);
    // A scope around everything is the model's own.
    while let [Item::Group(only)] = items.as_mut_slice() {
        items = std::mem::take(&mut only.items);
    }
    divided(items, channels_last)
}

/// The finest level of the tree that has at most [`MOST_ROWS`] rows, its groups closed; the coarsest if none has.
pub fn overview(layers: &[Layer], channels_last: bool) -> Vec<Item<'_>> {
    let mut level = tree(layers, channels_last);
    loop {
        let finer = opened(level.clone());
        if finer.len() == level.len() || finer.len() > MOST_ROWS {
            return level;
        }
        level = finer;
    }
}

/// One level finer: groups that hold groups give way to what they hold.
fn opened(items: Vec<Item>) -> Vec<Item> {
    let open = |item| match item {
        Item::Group(group) if group.items.iter().any(|item| matches!(item, Item::Group(_))) => group.items,
        other => vec![other],
    };
    items.into_iter().flat_map(open).collect()
}

/// A layer with the ends of the scopes in a name: its own, or a neighbour's if it has none.
struct Scoped<'n> {
    layer: &'n Layer,
    name: &'n str,
    ends: Vec<usize>,
}

impl<'n> Scoped<'n> {
    /// The scope at a depth, if the name is that deep.
    fn scope(&self, depth: usize) -> Option<&'n str> {
        self.name.get(..*self.ends.get(depth)?)
    }
}

/// Every layer's scopes. One without any stands in the scope that its neighbours share: exporters leave additions and
/// activations without a name.
fn paths<'n>(layers: &'n [Layer]) -> Vec<Scoped<'n>> {
    let ends: Vec<Vec<usize>> = layers.iter().map(|layer| scope_ends(&layer.name)).collect();
    let scopes: BTreeSet<&str> =
        layers.iter().zip(&ends).flat_map(|(layer, ends)| ends.iter().map(|&end| &layer.name[..end])).collect();
    // An addition or concatenation that ends a module bears the module's own name, perhaps with a number.
    let own = |(layer, mut ends): (&'n Layer, Vec<usize>)| {
        let stem = without_number(&layer.name);
        ends.extend([stem, &layer.name].into_iter().find(|name| scopes.contains(name)).map(str::len));
        (layer, ends)
    };
    let of = |(layer, ends): (&'n Layer, Vec<usize>)| Scoped { layer, name: &layer.name, ends };
    let mut paths: Vec<Scoped> = layers.iter().zip(ends.clone()).map(own).map(of).collect();
    let with_scope: Vec<usize> = (0..paths.len()).filter(|&index| !paths[index].ends.is_empty()).collect();
    for pair in with_scope.windows(2) {
        let (before, after) = (&paths[pair[0]], &paths[pair[1]]);
        let shared = (0..before.ends.len()).take_while(|&depth| before.scope(depth) == after.scope(depth)).count();
        let (name, ends) = (before.name, before.ends[..shared].to_vec());
        for between in &mut paths[pair[0] + 1..pair[1]] {
            (between.name, between.ends) = (name, ends.clone());
        }
    }
    paths
}

/// `layer1.0_1` → `layer1.0`.
fn without_number(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((stem, number)) if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) => stem,
        _ => name,
    }
}

/// Where the scopes of a name end: before each dot or slash, else around Keras's `block` and its number.
fn scope_ends(name: &str) -> Vec<usize> {
    let separators: Vec<usize> =
        name.match_indices(['.', '/']).map(|(at, _)| at).filter(|&at| at > 0 && at + 1 < name.len()).collect();
    if separators.is_empty() { keras_scopes(name).unwrap_or_default() } else { separators }
}

/// `conv2_block1_1_conv` lies in `conv2_block1` in `conv2`; `block_3_expand` in `block_3`; `block2a_dwconv` in `block2a`.
fn keras_scopes(name: &str) -> Option<Vec<usize>> {
    let block = name.find("block")?;
    let number = block + "block".len();
    let number = if name[number..].starts_with('_') { number + 1 } else { number };
    let length = name[number..].find('_')?;
    if !name[number..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let outer = name[..block].strip_suffix('_').filter(|outer| !outer.is_empty());
    Some(outer.map(str::len).into_iter().chain([number + length]).collect())
}

/// Runs of layers with the same scope at a depth become groups.
fn scoped<'n>(layers: &[Scoped<'n>], depth: usize) -> Vec<Item<'n>> {
    let runs = layers.chunk_by(|a, b| a.scope(depth).is_some() && a.scope(depth) == b.scope(depth));
    let item = |run: &[Scoped<'n>]| match (run, run.first().and_then(|first| first.scope(depth))) {
        ([_, _, ..], Some(name)) => match scoped(run, depth + 1) {
            // A scope that holds nothing but another is passed over.
            mut items if matches!(items.as_slice(), [Item::Group(_)]) => items.pop(),
            items => Some(Item::Group(Group { name: name.to_string(), items })),
        },
        _ => run.first().map(|only| Item::Layer(only.layer)),
    };
    runs.filter_map(item).collect()
}

/// Long lists divided, at every depth: runs of layers of one map size become groups.
fn divided(items: Vec<Item>, channels_last: bool) -> Vec<Item> {
    let inner = |item| match item {
        Item::Group(group) => Item::Group(Group { items: divided(group.items, channels_last), ..group }),
        layer => layer,
    };
    let items: Vec<Item> = items.into_iter().map(inner).collect();
    if items.len() <= MOST_ROWS {
        return items;
    }
    let runs = items.chunk_by(|a, b| match (a, b) {
        (Item::Layer(a), Item::Layer(b)) => map_size(a, channels_last) == map_size(b, channels_last),
        _ => false,
    });
    let mut divided = Vec::new();
    for run in runs {
        match run {
            [Item::Layer(first), .., Item::Layer(last)] => {
                let name = format!("{} … {}", first.name, last.name);
                divided.push(Item::Group(Group { name, items: run.to_vec() }));
            }
            alone => divided.extend_from_slice(alone),
        }
    }
    divided
}

/// Rows and columns of a layer's maps; `None` for a vector.
fn map_size(layer: &Layer, channels_last: bool) -> Option<[Option<usize>; 2]> {
    match *layer.output_shape.as_slice() {
        [_, height, width, _] if channels_last => Some([height, width]),
        [_, _, height, width] => Some([height, width]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layer(name: &str, side: usize) -> Layer {
        Layer {
            name: name.into(),
            kind: "Conv2D".into(),
            output_shape: vec![None, Some(8), Some(side), Some(side)],
            parameters: name.len(),
            trainable: name.len(),
            multiply_adds: 0,
            output_values: 8 * side * side,
            connected_to: Vec::new(),
            activation: None,
            input_tensors: Vec::new(),
            output_tensor: name.into(),
            pre_activation: name.into(),
            channel_axis: 1,
            convolution: None,
        }
    }

    /// The tree on one line, groups in brackets.
    fn sketch(items: &[Item]) -> String {
        let item = |item: &Item| match item {
            Item::Layer(layer) => layer.name.clone(),
            Item::Group(group) => format!("{}[{}]", group.name, sketch(&group.items)),
        };
        items.iter().map(item).collect::<Vec<_>>().join(" ")
    }

    fn sketched(names: &[&str]) -> String {
        let layers: Vec<Layer> = names.iter().map(|name| layer(name, 8)).collect();
        sketch(&tree(&layers, false))
    }

    #[test]
    fn scopes_nest_and_what_stands_alone_stays_alone() {
        assert_eq!(
            sketched(&["conv1", "layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv1", "layer1.1.bn1", "fc"]),
            "conv1 layer1[layer1.0[layer1.0.conv1 layer1.0.bn1] layer1.1[layer1.1.conv1 layer1.1.bn1]] fc"
        );
        assert_eq!(sketched(&["fire2/squeeze", "fire2/expand", "pool"]), "fire2[fire2/squeeze fire2/expand] pool");
        // The addition that ends a block bears the block's name, and the next one's a number.
        assert_eq!(
            sketched(&["a.0.c", "a.0.d", "a.0", "a.1.c", "a.1_1", "b"]),
            "a[a.0[a.0.c a.0.d a.0] a.1[a.1.c a.1_1]] b"
        );
        // The scope around everything, and a scope of one other scope, say nothing.
        assert_eq!(sketched(&["net.a.x", "net.a.y", "net.b.x"]), "net.a[net.a.x net.a.y] net.b.x");
        assert_eq!(sketched(&["x", "a.b.c", "a.b.d"]), "x a.b[a.b.c a.b.d]");
    }

    #[test]
    fn nameless_layers_stand_with_their_neighbours() {
        assert_eq!(
            sketched(&["l1.0.conv", "add", "l1.1.conv", "add_1", "l2.0.conv", "relu", "l2.0.bn"]),
            "l1[l1.0.conv add l1.1.conv] add_1 l2.0[l2.0.conv relu l2.0.bn]"
        );
    }

    #[test]
    fn keras_blocks_are_scopes() {
        let names = ["conv2_block1_1_conv", "conv2_block1_out", "conv2_block2_1_conv", "conv2_block2_out", "avg_pool"];
        assert_eq!(
            sketched(&names),
            "conv2[conv2_block1[conv2_block1_1_conv conv2_block1_out] \
             conv2_block2[conv2_block2_1_conv conv2_block2_out]] avg_pool"
        );
        assert_eq!(
            sketched(&["stem", "block2a_dw", "block2a_bn", "block_3_a", "block_3_b"]),
            "stem block2a[block2a_dw block2a_bn] block_3[block_3_a block_3_b]"
        );
        assert_eq!(sketched(&["blocked_a", "blocked_b"]), "blocked_a blocked_b");
    }

    #[test]
    fn long_lists_without_scopes_are_divided_by_map_size() {
        let layers: Vec<Layer> = (0..40).map(|i| layer(&format!("op_{i}"), if i < 25 { 56 } else { 28 })).collect();
        let groups = overview(&layers, false);
        let names: Vec<String> = groups.iter().map(|item| sketch(std::slice::from_ref(item))).collect();
        assert_eq!(groups.len(), 2);
        assert!(names[0].starts_with("op_0 … op_24[op_0 ") && names[1].starts_with("op_25 … op_39["), "{names:?}");
    }

    #[test]
    fn the_overview_is_the_finest_level_that_fits() {
        let block = |stage, block| (0..3).map(move |i| layer(&format!("s{stage}.{block}.c{i}"), 8));
        let of = |blocks: usize| (0..4).flat_map(|s| (0..blocks).flat_map(move |b| block(s, b))).collect::<Vec<_>>();
        let names =
            |layers: &[Layer]| overview(layers, false).iter().map(|item| item.layers().len()).collect::<Vec<_>>();
        assert_eq!(names(&of(7)), [3; 28]);
        assert_eq!(names(&of(8)), [24; 4]);
    }

    proptest! {
        /// However layers are named, none is lost, none doubled, and their order stays.
        #[test]
        fn grouping_keeps_every_layer_in_order(
            names in prop::collection::vec("([ab]|block_?[12]_|[ab]_){0,3}[./]?[ab]?[./]?[xy]", 1..120), sides in 1usize..4,
        ) {
            let layers: Vec<Layer> =
                names.iter().enumerate().map(|(i, name)| layer(name, 7 * (i * sides / names.len()))).collect();
            for items in [tree(&layers, false), overview(&layers, false)] {
                let listed: Vec<&Layer> = items.iter().flat_map(Item::layers).collect();
                prop_assert!(listed.iter().copied().eq(&layers));
                let sum = |layers: &[&Layer]| layers.iter().map(|layer| layer.parameters).sum::<usize>();
                let in_items: usize = items.iter().map(|item| sum(&item.layers())).sum();
                prop_assert_eq!(in_items, sum(&layers.iter().collect::<Vec<_>>()));
            }
        }
    }
}
