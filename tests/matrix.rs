//! Architectures × exporters: networks that torch, Keras and others wrote, with the truth those frameworks and onnxruntime
//! computed (tests/matrix/README.md).

mod case;

use crate::support::repository;
use case::{for_each_file, laid_out, manifest, said};
use convscope::backprop::ReluRule;
use convscope::backprop::graph::Op;
use convscope::explain::differences::{Differences, Point};
use convscope::explain::engine::Score;
use convscope::explain::score::End;
use convscope::explain::tail::feature_maps;
use convscope::finite_gradient::{Comparison, Verdict};
use convscope::model::Precision;
use convscope::random::Random;
use convscope::visualize::cam::{Method, rectified, signed_map, weighted_sum};
use ndarray::{ArrayD, Axis};
use std::collections::BTreeSet;

/// Forward values, relative to the larger of 1 and the tensor's largest; gradients and maps, relative to their largest.
const TOLERANCE: f32 = 1e-4;
/// The same where only central differences in single precision can tell.
const SINGLE: f32 = 5e-3;
/// Single elements of each gradient that central differences confirm.
const ELEMENTS: usize = 24;

fn largest(array: &ArrayD<f32>) -> f32 {
    array.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// Fails unless `ours` is `theirs` within a tolerance, relative to `scale`.
fn equal(what: &str, ours: &ArrayD<f32>, theirs: &ArrayD<f32>, scale: f32, tolerance: f32) -> Result<(), String> {
    if ours.shape() != theirs.shape() {
        return Err(format!("{what}: shape {:?}, not {:?}", ours.shape(), theirs.shape()));
    }
    let difference = largest(&(ours - theirs)) / scale;
    if difference <= tolerance { Ok(()) } else { Err(format!("{what}: differs by {difference:e}")) }
}

#[test]
fn every_file_is_in_the_manifest_and_there() {
    let (mut listed, mut truths) = (BTreeSet::new(), BTreeSet::new());
    for (name, entry) in manifest() {
        truths.insert(format!("{name}.npz"));
        listed.extend(entry.exports.iter().map(|export| export.file.clone()));
    }
    let there = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(repository(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(listed, there("tests/matrix/networks"));
    assert_eq!(truths, there("tests/matrix/truth"));
}

#[test]
fn outputs_and_activations_equal_onnxruntime_and_the_framework() {
    for_each_file(|case| {
        let export = case.export();
        let (_, head) = case.head()?;
        let mut taps: Vec<&str> = export.outputs.iter().map(String::as_str).collect();
        taps.push(&head.logits);
        let places: Vec<_> = export.places.iter().filter(|(key, _)| *key != "logits").collect();
        taps.extend(places.iter().map(|(_, found)| found[0].0.as_str()));
        let plan = said(case.network.plan(&taps, 1, Some(case.size())))?;
        let mut values = said(plan.run(&case.image()))?.into_iter();
        let mut check = |what: &str, theirs: &ArrayD<f32>| {
            equal(what, &values.next().unwrap(), theirs, largest(theirs).max(1.0), TOLERANCE)
        };
        for number in 0..export.outputs.len() {
            let key = format!("onnxruntime.{}{}.{number}", export.exporter, export.opset);
            check(&key, &case.truth[&key])?;
        }
        let logits = &export.places["logits"];
        let (_, layout) = logits
            .iter()
            .find(|(value, _)| *value == head.logits)
            .ok_or_else(|| format!("takes {} for the logits, which are {logits:?}", head.logits))?;
        check("logits", &laid_out(&case.truth["logits"], layout))?;
        places.iter().try_for_each(|(key, found)| check(key, &laid_out(&case.truth[*key], &found[0].1)))
    });
}

#[test]
fn the_default_target_is_the_one_a_person_would_take() {
    for_each_file(|case| {
        let target = said(case.network.default_target(case.head()?.1))?.tensor;
        let wanted = &case.export().places["target"];
        if wanted.iter().any(|(value, _)| *value == target) {
            return Ok(());
        }
        Err(format!("explains {target}, not {wanted:?}"))
    });
}

#[test]
fn gradients_and_maps_equal_the_framework() {
    for_each_file(|case| {
        let engine = case.engine()?;
        let image = case.image();
        let missing = engine.without_rule();
        if missing.is_empty() != case.entry.without_rule.is_empty() {
            return Err(format!("without rule: {missing:?}, expected {}", case.entry.without_rule));
        }
        if !missing.is_empty() {
            return Ok(());
        }
        let (head, class) = (case.head()?.0, case.entry.class);
        let same = |what: &str, ours: ArrayD<f32>, layout: &str| {
            let theirs = laid_out(&case.truth[what], layout);
            equal(what, &ours, &theirs, largest(&theirs), TOLERANCE)
        };
        let forward = said(engine.forward(&image))?;
        let activation = said(forward.get(&engine.target))?;
        let maps = said(feature_maps("target", activation.view()))?;
        let tail = said(engine.tail(&image, activation))?;
        let gradient = said(tail.gradient(head, class, Score::Logit))?.gradient;
        let signed = signed_map(Method::GradCam, maps.view(), gradient.view());
        same("target_gradient", gradient.insert_axis(Axis(0)).into_dyn(), "nchw")?;
        same("cam", rectified(&signed).into_dyn(), "")?;
        same("signed_cam", signed.into_dyn(), "")?;
        let (_, gradient) = said(engine.input_gradient(&image, End::of(head, class), ReluRule::Plain))?;
        same("input_gradient", gradient, &case.export().input)
    });
}

/// Grad-CAM's pooled gradients by perturbing whole channels, against the framework's; and single elements, on an activation
/// that a little noise moved off its kinks, against backprop in double precision.
#[test]
fn central_differences_confirm_the_gradients_at_the_target() {
    for_each_file(|case| {
        let engine = case.engine()?;
        let image = case.image();
        let forward = said(engine.forward(&image))?;
        let activation = said(forward.get(&engine.target))?;
        let differences = said(Differences::new(&case.network, &engine))?;
        let (head, class) = (case.head()?.0, case.entry.class);
        let double = differences.precision() == Precision::F64;
        let tolerance = f64::from(if double { TOLERANCE } else { SINGLE });
        let outcome = |what: &str, comparison: &Comparison| {
            let check = comparison.check(tolerance);
            // A gradient that is zero wherever it was looked at, as behind a mean of normalised maps, is confirmed by differences of zero.
            let zero = check.verdict == Verdict::Empty && check.compared > 0 && check.max_relative_error == 0.0;
            if check.passed() || zero {
                Ok(())
            } else {
                Err(format!("{what}, {:?}: {check:?}", differences.precision()))
            }
        };

        let theirs = case.truth["target_gradient"].mapv(f64::from);
        let pooled = theirs.sum_axis(Axis(3)).sum_axis(Axis(2)).into_iter().collect::<Vec<_>>();
        let channels: Vec<usize> = (0..pooled.len()).collect();
        let found = said(
            differences.along_channels(&Point { image: &image, activation, end: End::of(head, class) }, &channels),
        )?;
        let mut comparison = Comparison::default();
        comparison.add(&pooled, &found, most(&pooled));
        outcome("channels", &comparison)?;

        if !engine.without_rule().is_empty() {
            return Ok(());
        }
        let mut random = Random::new(5, 0);
        let noise = 0.05 * f64::from(largest(activation));
        let noisy = activation.mapv(|value| value + (noise * random.normal()) as f32);
        let wide = |array: &ArrayD<f32>| array.mapv(f64::from);
        let ours = said(engine.gradient_in_double(&wide(&image), &wide(&noisy), End::of(head, class)))?;
        let ours: Vec<f64> = ours.into_iter().collect();
        let mut places: Vec<usize> = (0..ours.len()).collect();
        random.shuffle(&mut places);
        places.truncate(ELEMENTS);
        let found = said(
            differences.at_elements(&Point { image: &image, activation: &noisy, end: End::of(head, class) }, &places),
        )?;
        let sampled: Vec<f64> = places.iter().map(|&place| ours[place]).collect();
        let mut comparison = Comparison::default();
        comparison.add(&sampled, &found, most(&ours));
        outcome("elements", &comparison)
    });
}

/// The largest magnitude.
fn most(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// Where an operator in the tail has no rule, central differences give Grad-CAM all the same, and the operator is named.
#[test]
fn central_differences_carry_grad_cam_where_there_is_no_rule() {
    for_each_file(|case| {
        let engine = case.engine()?;
        let missing = engine.without_rule();
        if case.entry.without_rule.is_empty() {
            return Ok(());
        }
        if !missing.iter().any(|named| named.contains(&case.entry.without_rule)) {
            return Err(format!("{} is not named in {missing:?}", case.entry.without_rule));
        }
        let image = case.image();
        let forward = said(engine.forward(&image))?;
        let activation = said(forward.get(&engine.target))?;
        let refused = engine.tail(&image, activation).err().map(|cause| cause.to_string()).unwrap_or_default();
        if !refused.contains("no gradient rule for") || !refused.contains(&case.entry.without_rule) {
            return Err(format!("backprop says {refused:?}"));
        }
        let differences = said(Differences::new(&case.network, &engine))?;
        let (weights, kinks, _) = said(differences.weights(&Point {
            image: &image,
            activation,
            end: End::of(case.head()?.0, case.entry.class),
        }))?;
        if kinks > 0 {
            return Err(format!("{kinks} channels are on a kink"));
        }
        let signed = weighted_sum(said(feature_maps("target", activation.view()))?.view(), &weights).into_dyn();
        let theirs = &case.truth["signed_cam"];
        let tolerance = if differences.precision() == Precision::F64 { TOLERANCE } else { SINGLE };
        equal("signed_cam", &signed, theirs, largest(theirs), tolerance)
    });
}

/// Every operator of the gradient graph is there in some network, by the name it has in the code.
#[test]
fn every_operator_of_the_gradient_graph_is_touched() {
    let touched = std::sync::Mutex::new(BTreeSet::new());
    for_each_file(|case| {
        let engine = case.engine()?;
        let families = engine.graph().nodes.iter().map(|node| family(&node.op));
        touched.lock().unwrap().extend(families);
        Ok(())
    });
    let all = [
        "Input",
        "Constant",
        "Conv",
        "Deconv",
        "MaxPool",
        "SumPool",
        "EinSum",
        "Binary",
        "Unary",
        "Softmax",
        "Reduce",
        "Permute",
        "Reshape",
        "Broadcast",
        "Concat",
        "Slice",
        "Pad",
        "Resize",
        "Gather",
        "Compare",
        "Select",
        "Unsupported",
    ];
    let touched = touched.into_inner().unwrap();
    assert_eq!(all.iter().filter(|family| !touched.contains(**family)).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// Exhaustive, so that a new operator is missed here.
fn family(op: &Op) -> &'static str {
    match op {
        Op::Input => "Input",
        Op::Constant(_) => "Constant",
        Op::Conv(_) => "Conv",
        Op::Deconv(_) => "Deconv",
        Op::MaxPool(_) => "MaxPool",
        Op::SumPool(_) => "SumPool",
        Op::EinSum(_) => "EinSum",
        Op::Binary(_) => "Binary",
        Op::Unary(_) => "Unary",
        Op::Softmax { .. } => "Softmax",
        Op::Reduce { .. } => "Reduce",
        Op::Permute(_) => "Permute",
        Op::Reshape => "Reshape",
        Op::Broadcast => "Broadcast",
        Op::Concat { .. } => "Concat",
        Op::Slice { .. } => "Slice",
        Op::Pad { .. } => "Pad",
        Op::Resize(_) => "Resize",
        Op::Gather { .. } => "Gather",
        Op::Compare(_) => "Compare",
        Op::Select => "Select",
        Op::Unsupported { .. } => "Unsupported",
    }
}
