//! Keras and TensorFlow as witnesses: layer outputs, gradients and maps of the bundled networks, from tests/goldens.

use crate::support::{NETWORKS, network, repository};
use convscope::backprop::ReluRule;
use convscope::explain::engine::{Engine, Score};
use convscope::explain::score::End;
use convscope::explain::tail::feature_maps;
use convscope::model::Network;
use convscope::model::layers::table;
use convscope::visualize::cam::{Method, signed_map};
use ndarray::{Array3, ArrayD, Axis, IxDyn};
use ndarray_npy::NpzReader;
use std::fs::File;

/// One network's goldens.
struct Goldens(NpzReader<File>);

impl Goldens {
    fn of(stem: &str) -> Goldens {
        let path = repository(&format!("tests/goldens/{stem}.npz"));
        Goldens(NpzReader::new(File::open(path).unwrap()).unwrap())
    }

    fn get(&mut self, key: &str) -> ArrayD<f32> {
        self.0.by_name(&format!("{key}.npy")).unwrap_or_else(|cause| panic!("{key}: {cause}"))
    }

    /// Both inputs, each with a batch of one.
    fn inputs(&mut self) -> Vec<ArrayD<f32>> {
        let both = self.get("input");
        both.axis_iter(Axis(0)).map(|image| image.insert_axis(Axis(0)).to_owned()).collect()
    }
}

fn largest(array: &ArrayD<f32>) -> f32 {
    array.iter().fold(0.0, |most, value| most.max(value.abs()))
}

fn largest_difference(a: &ArrayD<f32>, b: &ArrayD<f32>) -> f32 {
    assert_eq!(a.shape(), b.shape());
    largest(&(a - b))
}

/// A value in the layout of Keras: channels last.
fn channels_last(value: &ArrayD<f32>, channel_axis: usize) -> ArrayD<f32> {
    if value.ndim() == 4 && channel_axis == 1 {
        value.view().permuted_axes(IxDyn(&[0, 2, 3, 1])).as_standard_layout().into_owned()
    } else {
        value.clone()
    }
}

fn engine(network: &Network) -> Engine {
    let target = network.default_target(&network.heads()[0]).unwrap();
    Engine::new(network, &target.tensor, &[], (28, 28)).unwrap()
}

#[test]
fn every_layers_output_equals_keras() {
    for stem in NETWORKS {
        let network = Network::load(&network(stem)).unwrap();
        let mut goldens = Goldens::of(stem);
        let layers: Vec<_> =
            table::printed_layers(&network).iter().filter(|layer| layer.kind != "InputLayer").collect();
        let taps: Vec<&str> = layers.iter().map(|layer| layer.output_tensor.as_str()).collect();
        let images = goldens.get("input");
        let outputs = network.plan(&taps, 2, None).unwrap().run(&images).unwrap();
        for (layer, output) in layers.iter().zip(&outputs) {
            let golden = goldens.get(&format!("output.{}", layer.name));
            // Values of hundreds carry single precision's own error of 1e-5 and more, in Keras as here.
            let scale = largest(&golden).max(1.0);
            let difference = largest_difference(&channels_last(output, layer.channel_axis), &golden) / scale;
            assert!(difference < 1e-4, "{stem} {}: {difference}", layer.name);
        }
    }
}

#[test]
fn gradients_and_maps_of_every_head_equal_tensorflow() {
    for stem in NETWORKS {
        let network = Network::load(&network(stem)).unwrap();
        let engine = engine(&network);
        let mut goldens = Goldens::of(stem);
        for (i, image) in goldens.inputs().iter().enumerate() {
            let forward = engine.forward(image).unwrap();
            let activation = forward.get(&engine.target).unwrap();
            let tail = engine.tail(image, activation).unwrap();
            let maps = feature_maps("activation", activation.view()).unwrap();
            for (number, head) in network.heads().iter().enumerate() {
                let golden = |goldens: &mut Goldens, key: &str| {
                    goldens.get(&format!("{key}.{}", head.name)).index_axis(Axis(0), i).to_owned()
                };
                let class = golden(&mut goldens, "class").sum() as usize;
                let ours = tail.gradient(number, class, Score::Logit).unwrap();
                let logits = golden(&mut goldens, "logits");
                assert!((ours.score - logits[[class]]).abs() < 1e-4 * largest(&logits), "{stem} {}: logit", head.name);

                let gradient: Array3<f32> = ours.gradient.clone();
                let wanted = golden(&mut goldens, "gradient");
                let keras = gradient.view().permuted_axes([1, 2, 0]).as_standard_layout().into_owned().into_dyn();
                let difference = largest_difference(&keras, &wanted) / largest(&wanted);
                assert!(difference < 1e-4, "{stem} {} input {i}: gradient differs by {difference}", head.name);

                let signed = signed_map(Method::GradCam, maps.view(), ours.gradient.view()).into_dyn();
                let wanted = golden(&mut goldens, "signed_cam");
                let difference = largest_difference(&signed, &wanted) / largest(&wanted);
                assert!(difference < 1e-4, "{stem} {} input {i}: map differs by {difference}", head.name);

                let (_, gradient) = engine.input_gradient(image, End::of(number, class), ReluRule::Plain).unwrap();
                let wanted = golden(&mut goldens, "input_gradient").insert_axis(Axis(0));
                let difference = largest_difference(&gradient, &wanted) / largest(&wanted);
                assert!(difference < 1e-4, "{stem} {} input {i}: input gradient differs by {difference}", head.name);
            }
        }
    }
}

#[test]
fn single_precision_gradients_agree_with_double_precision() {
    for stem in NETWORKS {
        let network = Network::load(&network(stem)).unwrap();
        let engine = engine(&network);
        let image = Goldens::of(stem).inputs().remove(0);
        let forward = engine.forward(&image).unwrap();
        let activation = forward.get(&engine.target).unwrap();
        let tail = engine.tail(&image, activation).unwrap();
        for (number, head) in network.heads().iter().enumerate() {
            let single = tail.gradient(number, 1, Score::Logit).unwrap().gradient.mapv(f64::from);
            let wide = |array: &ArrayD<f32>| array.mapv(f64::from);
            let double = engine.gradient_in_double(&wide(&image), &wide(activation), End::of(number, 1)).unwrap();
            let most = double.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
            let worst = single.iter().zip(&double).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
            assert!(most > 0.0 && worst <= 1e-3 * most, "{stem} {}: {worst} of {most}", head.name);
        }
    }
}

#[test]
fn the_bundled_network_recognises_the_drawn_digits() {
    let network = Network::load(&network("base-mnist")).unwrap();
    let samples: Vec<_> = convscope::input::digit::samples(77, 500).collect();
    let pixels = samples.iter().flat_map(|sample| sample.image.iter().map(|value| f32::from(*value) / 255.0)).collect();
    let images = ArrayD::from_shape_vec(vec![500, 28, 28, 1], pixels).unwrap();
    let outputs = network.plan(&["Digit"], 100, None).unwrap().run(&images).unwrap();
    let said = |row: ndarray::ArrayViewD<f32>| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let right =
        outputs[0].axis_iter(Axis(0)).zip(&samples).filter(|(row, sample)| said(row.view()) == sample.label).count();
    assert!(right >= 450, "{right} of 500");
}
