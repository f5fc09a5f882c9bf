//! The kernels of a first layer as small images.

use ndarray::{Array3, Axis};

use crate::visualize::filter::Convolution;

/// Kernels that read the image itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernels {
    /// One for each filter, [kernel height, kernel width, input channels].
    pub images: Vec<Array3<f32>>,
    /// The largest magnitude of any weight that counts: the common scale.
    pub scale: f32,
    /// Input channels that do not count, because they never vary in the data and their weights are never learned.
    constant: Vec<usize>,
}

impl Kernels {
    /// The kernels of a convolution over the image itself; `None` for any other.
    pub fn of(convolution: &Convolution) -> Option<Kernels> {
        let (conv, _) = convolution.weights().filter(|_| convolution.is_first())?;
        let [depth, height, width] = conv.window.axes.map(|axis| axis.kernel);
        let inputs = conv.inputs / conv.groups.max(1);
        if depth != 1 || height * width * inputs == 0 {
            return None;
        }
        let image = |kernel: &[f32]| {
            Array3::from_shape_fn((height, width, inputs), |(y, x, c)| kernel[(c * height + y) * width + x])
        };
        let images = conv.kernel.chunks_exact(height * width * inputs).map(image).collect();
        Some(Kernels { images, scale: 0.0, constant: Vec::new() }.without(&[]))
    }

    /// The kernels with some input channels counting for nothing: those that never vary in the data.
    pub fn without(self, channels: &[usize]) -> Kernels {
        let weights = self.images.iter().flat_map(|image| image.indexed_iter());
        let counted = weights.filter(|((_, _, c), _)| !channels.contains(c));
        let scale = counted.fold(0.0, |largest: f32, (_, weight)| largest.max(weight.abs()));
        Kernels { scale, constant: channels.to_vec(), ..self }
    }

    /// A kernel as colours in [0, 1]: 0.5 stands for 0, the two ends for ± [`Kernels::scale`]. A channel that does not count
    /// shows the mean of the others, so that what weighs them alike is grey.
    pub fn shown(&self, filter: usize) -> Option<Array3<f32>> {
        let scale = self.scale.max(f32::MIN_POSITIVE);
        let mut shown = self.images.get(filter)?.mapv(|weight| 0.5 + weight / scale / 2.0);
        for mut pixel in shown.lanes_mut(Axis(2)) {
            let others: Vec<f32> =
                pixel.iter().enumerate().filter(|(c, _)| !self.constant.contains(c)).map(|(_, v)| *v).collect();
            let mean = others.iter().sum::<f32>() / others.len().max(1) as f32;
            for &c in &self.constant {
                if let Some(value) = pixel.get_mut(c) {
                    *value = mean;
                }
            }
        }
        Some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn channels_that_do_not_count_are_neutral() {
        let all = Kernels { images: vec![array![[[1.0, 9.0, -2.0], [2.0, 7.0, 2.0]]]], scale: 9.0, constant: vec![] };
        let kernels = all.without(&[1]);
        assert_eq!(kernels.scale, 2.0);
        assert_eq!(kernels.shown(0), Some(array![[[0.75, 0.375, 0.0], [1.0, 1.0, 1.0]]]));
        assert_eq!(kernels.shown(1), None);
    }
}
