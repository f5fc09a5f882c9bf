//! Batch normalisation by its input's own statistics, as training does it: the form in which exporters write weight
//! standardisation ([Qiao et al. 2019](https://arxiv.org/abs/1903.10520)), over weights.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::ops::math::{add, div, mul, rsqrt, square, sub};
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use tract_onnx::tract_hir::internal::*;

/// What such an operator is called here; ONNX has one name for both kinds.
pub(crate) const OPERATOR: &str = "BatchStatistics";

/// scale · (x − mean) / √(variance + ε) + bias, with mean and variance of x over all axes but the second.
#[derive(Debug, Clone)]
struct BatchStatistics {
    epsilon: f32,
}

/// Reads one as tract's operator.
pub(crate) fn read(node: &NodeProto) -> Box<dyn InferenceOp> {
    let given = node.attribute.iter().find(|attribute| attribute.name == "epsilon");
    expand(BatchStatistics { epsilon: given.map_or(1e-5, |attribute| attribute.f) })
}

impl Expansion for BatchStatistics {
    fn name(&self) -> StaticName {
        OPERATOR.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 5)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)?;
        solver.equals(&inputs[1].rank, 1)?;
        solver.equals(&inputs[1].shape, &inputs[2].shape)?;
        solver.given(&inputs[0].rank, move |solver, rank| {
            ensure!(rank >= 2, "a batch normalisation needs channels in a second axis");
            solver.equals(&inputs[0].shape[1], &inputs[1].shape[0])
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let &[x, scale, bias, ..] = inputs else { bail!("a batch normalisation has five inputs") };
        let fact = model.outlet_fact(x)?.clone();
        let shape = fact.shape.as_concrete().ok_or_else(|| format_err!("the shape is open"))?;
        let axes: TVec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
        let count = axes.iter().filter_map(|axis| shape.get(*axis)).product::<usize>();
        let number = |model: &mut TypedModel, name: &str, value: f32| {
            let value = tensor0(value).cast_to_dt(fact.datum_type)?.into_owned();
            model.add_const(format!("{prefix}.{name}"), value.broadcast_into_rank(shape.len())?)
        };
        let count = number(model, "count", count as f32)?;
        let epsilon = number(model, "epsilon", self.epsilon)?;
        let mut wire = |name: &str, op: Box<dyn TypedOp>, inputs: &[OutletId]| {
            Ok::<_, TractError>(model.wire_node(format!("{prefix}.{name}"), op, inputs)?[0])
        };
        let sum = |axes: &TVec<usize>| Box::new(Reduce { axes: axes.clone(), reducer: Reducer::Sum });
        let total = wire("total", sum(&axes), &[x])?;
        let mean = wire("mean", Box::new(div()), &[total, count])?;
        let centred = wire("centred", Box::new(sub()), &[x, mean])?;
        let squares = wire("squares", Box::new(square()), &[centred])?;
        let squared = wire("squared", sum(&axes), &[squares])?;
        let variance = wire("variance", Box::new(div()), &[squared, count])?;
        let guarded = wire("guarded", Box::new(add()), &[variance, epsilon])?;
        let inverse = wire("inverse", Box::new(rsqrt()), &[guarded])?;
        let normalised = wire("normalised", Box::new(mul()), &[centred, inverse])?;
        // The two vectors lie along the second axis: an axis before them, and as many behind as there are left.
        let mut along_channels = |name: &str, mut value: OutletId| {
            for axis in axes.iter().copied() {
                value = wire(&format!("{name}.axis_{axis}"), Box::new(AxisOp::Add(axis)), &[value])?;
            }
            Ok::<_, TractError>(value)
        };
        let (scale, bias) = (along_channels("scale", scale)?, along_channels("bias", bias)?);
        let scaled = model.wire_node(format!("{prefix}.scaled"), mul(), &[normalised, scale])?;
        model.wire_node(prefix, add(), &[scaled[0], bias])
    }
}

#[cfg(test)]
mod tests {
    use crate::model::fixture::{Fixture, float, int, ints};
    use ndarray::{ArrayD, IxDyn};

    /// A convolution whose kernel [2, 1, 1, 2] = (1, 3; 0, 8) is standardised a filter: (−1, 1) each, times 2 and plus 1.
    #[test]
    fn standardised_weights_are_constants() {
        let mut f = Fixture::new("x", &[1, 1, 1, 2]);
        f.floats("w", &[1, 2, 2], &[1.0, 3.0, 0.0, 8.0]).floats("scale", &[2], &[2.0; 2]).floats(
            "bias",
            &[2],
            &[1.0; 2],
        );
        f.floats("mean", &[2], &[7.0; 2]).floats("variance", &[2], &[9.0; 2]).integers("shape", &[2, 1, 1, 2]);
        let trains = vec![int("training_mode", 1), float("epsilon", 0.0)];
        f.node("BatchNormalization", &["w", "scale", "bias", "mean", "variance"], "s", trains);
        f.graph.node[0].output.extend(["running_mean".to_string(), "running_variance".to_string()]);
        f.node("Reshape", &["s", "shape"], "k", vec![]).node("Conv", &["x", "k"], "y", vec![ints("strides", &[1, 1])]);
        let network = f.output("y").load();
        let convolution = network.layers()[1].convolution.clone().unwrap();
        let kernel = network.weight(&convolution.kernel).unwrap();
        for (found, expected) in kernel.iter().zip([-1.0, 3.0, -1.0, 3.0]) {
            assert!((found - expected).abs() < 1e-6, "{kernel}");
        }
        let image = ArrayD::from_shape_vec(IxDyn(&[1, 1, 1, 2]), vec![10.0, 1.0]).unwrap();
        let y = network.plan(&["y"], 1, None).unwrap().run(&image).unwrap().remove(0);
        assert!(y.iter().all(|y| (y + 7.0).abs() < 1e-5), "{y}");
        assert!(network.graph(&["y"], 1, None).is_ok());
    }

    #[test]
    fn a_network_in_training_mode_is_refused() {
        let mut f = Fixture::new("x", &[1, 1, 4, 4]);
        f.conv("x", "c", [2, 1, 3, 3], vec![]).batch_norm("c", "n", 2);
        f.graph.node[1].attribute.push(int("training_mode", 1));
        assert!(f.output("n").refusal().contains("training mode"), "{}", f.refusal());
    }
}
