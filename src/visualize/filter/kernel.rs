//! The kernels of a first layer as small images.

use ndarray::Array3;

use super::Convolution;

/// Kernels that read the image itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernels {
    /// One for each filter, [kernel height, kernel width, input channels].
    pub images: Vec<Array3<f32>>,
    /// The largest magnitude of any weight: the common scale.
    pub scale: f32,
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
        Some(Kernels { images, scale: 0.0 }.scaled())
    }

    /// The kernels without the weights of some input channels, which are set to 0: those that never vary in the data are
    /// never learned.
    pub fn without(mut self, channels: &[usize]) -> Kernels {
        for ((_, _, c), weight) in self.images.iter_mut().flat_map(|image| image.indexed_iter_mut()) {
            if channels.contains(&c) {
                *weight = 0.0;
            }
        }
        self.scaled()
    }

    fn scaled(self) -> Kernels {
        let scale = self.images.iter().flatten().fold(0.0, |largest: f32, weight| largest.max(weight.abs()));
        Kernels { scale, ..self }
    }

    /// A kernel as colours in [0, 1]: 0.5 stands for 0, the two ends for ± [`Kernels::scale`].
    pub fn shown(&self, filter: usize) -> Option<Array3<f32>> {
        let scale = self.scale.max(f32::MIN_POSITIVE);
        Some(self.images.get(filter)?.mapv(|weight| 0.5 + weight / scale / 2.0))
    }
}
