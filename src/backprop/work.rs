//! How much a part of the graph computes and holds: what budgets are counted in.

use crate::backprop::graph::{Graph, Node, Op};

impl Graph {
    /// Multiplications, or comparisons, that the node at `id` takes; one for each element where it takes none. A floating-point
    /// number, which does not overflow.
    pub fn work(&self, id: usize) -> f64 {
        let Some(node) = self.nodes.get(id) else { return 0.0 };
        let output = node.len() as f64;
        match &node.op {
            Op::Input | Op::Constant(_) | Op::Reshape => 0.0,
            Op::Conv(conv) => output * (conv.inputs / conv.groups.max(1) * conv.window.kernel_len()) as f64,
            Op::Deconv(deconv) => {
                let conv = &deconv.conv;
                let input = node.inputs.first().and_then(|input| self.nodes.get(*input)).map_or(0, Node::len);
                input as f64 * (conv.inputs / conv.groups.max(1) * conv.window.kernel_len()) as f64
            }
            Op::MaxPool(window) => output * window.kernel_len() as f64,
            Op::SumPool(pool) => output * pool.window.kernel_len() as f64,
            Op::Resize(resize) => output * resize.taps as f64,
            Op::EinSum(sum) => {
                let shapes = node.inputs.iter().filter_map(|input| self.nodes.get(*input));
                let operands = [&sum.left, &sum.right].into_iter().zip(shapes);
                let labelled = operands.flat_map(|(labels, node)| labels.iter().zip(&node.shape));
                // Every label that the output lacks is summed over.
                let mut summed: Vec<(u32, usize)> = labelled
                    .filter(|(label, _)| !sum.output.contains(label))
                    .map(|(label, length)| (*label, *length))
                    .collect();
                summed.sort_unstable();
                summed.dedup();
                output * summed.iter().map(|(_, length)| *length as f64).product::<f64>()
            }
            Op::Reduce { .. } | Op::Softmax { .. } => {
                let inputs = node.inputs.iter().filter_map(|input| self.nodes.get(*input));
                inputs.map(|input| input.len() as f64).sum()
            }
            _ => output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{Fixture, int, ints};

    /// Multiplications of each operator of a network, counted by hand.
    #[test]
    fn work_is_counted() {
        let mut f = Fixture::new("x", &[1, 4, 8, 8]);
        f.conv("x", "c", [6, 2, 3, 3], vec![int("group", 2)]).pool("c", "p", 2, 2);
        f.node("GlobalAveragePool", &["p"], "g", vec![]).node("Flatten", &["g"], "f", vec![]);
        f.weight("k", &[6, 5]).node("MatMul", &["f", "k"], "y", vec![]).output("y");
        let graph = f.load().graph(&["y"], 1, None).unwrap();
        let work = |wanted: &dyn Fn(&Op) -> bool| {
            (0..graph.nodes.len()).filter(|id| wanted(&graph.nodes[*id].op)).map(|id| graph.work(id)).sum::<f64>()
        };
        // [1, 6, 6, 6], each of 2 channels and 9 taps.
        assert_eq!(work(&|op| matches!(op, Op::Conv(_))), 216.0 * 18.0);
        assert_eq!(work(&|op| matches!(op, Op::MaxPool(_))), 54.0 * 4.0);
        assert_eq!(work(&|op| matches!(op, Op::EinSum(_))), 30.0);
        let mut f = Fixture::new("x", &[1, 3, 4, 4]);
        f.weight("k", &[3, 2, 2, 2]).node("ConvTranspose", &["x", "k"], "y", vec![ints("strides", &[2, 2])]);
        let graph = f.output("y").load().graph(&["y"], 1, None).unwrap();
        let id = (0..graph.nodes.len()).find(|id| matches!(graph.nodes[*id].op, Op::Deconv(_))).unwrap();
        // 48 inputs, each to 2 channels of 4 taps.
        assert_eq!(graph.work(id), 48.0 * 8.0);
        assert_eq!(graph.work(graph.nodes.len()), 0.0);
    }
}
