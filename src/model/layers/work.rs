//! How much of a network's work leads to one of its values.

use std::collections::BTreeSet;

use crate::model::Network;
use crate::model::read::bounds;

/// What an operation outside of matrix products takes, in their multiplications: it waits for memory.
const SLOWER: f64 = 8.0;

impl Network {
    /// Work that one image takes up to a value, at [`Network::listed_size`], in multiplications of a matrix product; 0 for an
    /// unknown value.
    pub fn work_to(&self, value: &str) -> f64 {
        let mut seen = BTreeSet::new();
        let mut pending = vec![value];
        let mut work = 0.0;
        while let Some(value) = pending.pop() {
            let Some(&place) = self.definition.producers.get(value) else { continue };
            let Some(node) = self.definition.nodes.get(place).filter(|_| !self.values.is_constant(value)) else {
                continue;
            };
            if seen.insert(place) {
                let group = node.int("group").unwrap_or(1);
                let product = matches!(node.op.as_str(), "Conv" | "Gemm" | "MatMul") && group == 1;
                work += bounds::work(node, &self.values.probed) * if product { 1.0 } else { SLOWER };
                pending.extend(node.inputs.iter().map(String::as_str));
            }
        }
        work
    }
}

#[cfg(test)]
mod tests {
    use crate::model::fixture::Fixture;

    #[test]
    fn work_is_that_of_what_leads_to_a_value() {
        let mut f = Fixture::new("x", &[1, 3, 6, 6]);
        f.conv("x", "a", [2, 3, 3, 3], vec![]).conv("a", "b", [4, 2, 1, 1], vec![]).conv(
            "a",
            "c",
            [1, 2, 4, 4],
            vec![],
        );
        f.node("Add", &["b", "c"], "s", vec![]).node("Flatten", &["s"], "y", vec![]);
        let network = f.output("y").load();
        // 32 outputs of 27 products; 64 of 2; one of 32, and 64 sums, each as slow as 8 products.
        assert_eq!(network.work_to("a"), 864.0);
        assert_eq!(network.work_to("b"), 864.0 + 128.0);
        assert_eq!(network.work_to("s"), 864.0 + 128.0 + 32.0 + 512.0);
        assert_eq!((network.work_to("x"), network.work_to("nowhere")), (0.0, 0.0));
    }
}
