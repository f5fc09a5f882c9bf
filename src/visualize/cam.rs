//! Class activation maps: weighted sums of a layer's feature maps, from its activation A and the gradient g = ∂y/∂A of a score y.

use ndarray::{Array1, Array2, ArrayView3, Axis, Zip};

/// How the map is made from A and g; Z is the number of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// ReLU(Σ_k α_k A^k), α_k = (1/Z) Σ_ij g^k_ij (Selvaraju et al. 2017, arXiv:1610.02391).
    GradCam,
    /// ReLU(Σ_k g^k ⊙ A^k) (Draelos and Carin 2020, arXiv:2011.08891).
    HiResCam,
    /// w_k = Σ_ij α_ij ReLU(g_ij), α_ij = g² / (2g² + (Σ_ab A_ab) g³), 0 where g = 0 (Chattopadhay et al. 2018, arXiv:1710.11063, eq. 19).
    GradCamPlusPlus,
    /// ReLU(Σ_k ReLU(g^k) ⊙ A^k) (Jiang et al. 2021, LayerCAM).
    LayerCam,
    /// w_k = Σ_ij g A / (Σ_ij A + ε) (Fu et al. 2020, arXiv:2008.02312).
    XGradCam,
    /// Grad-CAM with −g: what speaks against the class (Selvaraju et al. 2017, section 3.3).
    Counterfactual,
}

impl Method {
    /// Every method, the usual one first.
    pub const ALL: [Method; 6] = [
        Method::GradCam,
        Method::HiResCam,
        Method::GradCamPlusPlus,
        Method::LayerCam,
        Method::XGradCam,
        Method::Counterfactual,
    ];
    /// The names used in chapter files and on the command line, in the order of [`Method::ALL`].
    pub const NAMES: [&'static str; 6] = {
        let mut names = [""; 6];
        let mut i = 0;
        while i < 6 {
            names[i] = Method::ALL[i].name();
            i += 1;
        }
        names
    };

    /// The name used in chapter files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Method::GradCam => "grad-cam",
            Method::HiResCam => "hirescam",
            Method::GradCamPlusPlus => "grad-cam++",
            Method::LayerCam => "layercam",
            Method::XGradCam => "xgrad-cam",
            Method::Counterfactual => "counterfactual",
        }
    }

    /// The method of a name in [`Method::NAMES`].
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The name as the literature writes it.
    pub fn title(self) -> &'static str {
        match self {
            Method::GradCam => "Grad-CAM",
            Method::HiResCam => "HiResCAM",
            Method::GradCamPlusPlus => "Grad-CAM++",
            Method::LayerCam => "LayerCAM",
            Method::XGradCam => "XGrad-CAM",
            Method::Counterfactual => "counterfactual Grad-CAM",
        }
    }

    /// The formula in LaTeX.
    pub fn formula(self) -> &'static str {
        match self {
            Method::GradCam => {
                r"\mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big),\quad \alpha_k = \frac{1}{Z}\sum_{ij} \frac{\partial y}{\partial A^k_{ij}}"
            }
            Method::HiResCam => r"\mathrm{ReLU}\Big(\sum_k \frac{\partial y}{\partial A^k} \odot A^k\Big)",
            Method::GradCamPlusPlus => {
                r"\mathrm{ReLU}\Big(\sum_k w_k A^k\Big),\quad w_k = \sum_{ij} \frac{g^2}{2 g^2 + g^3 \sum_{ab} A^k_{ab}} \mathrm{ReLU}(g),\quad g = \frac{\partial y}{\partial A^k_{ij}}"
            }
            Method::LayerCam => {
                r"\mathrm{ReLU}\Big(\sum_k \mathrm{ReLU}\big(\frac{\partial y}{\partial A^k}\big) \odot A^k\Big)"
            }
            Method::XGradCam => {
                r"\mathrm{ReLU}\Big(\sum_k w_k A^k\Big),\quad w_k = \frac{\sum_{ij} \frac{\partial y}{\partial A^k_{ij}} A^k_{ij}}{\sum_{ij} A^k_{ij}}"
            }
            Method::Counterfactual => {
                r"\mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big),\quad \alpha_k = -\frac{1}{Z}\sum_{ij} \frac{\partial y}{\partial A^k_{ij}}"
            }
        }
    }
}

/// The signed map before the final ReLU, [h, w], from activation and gradient, both [k, h, w].
pub fn signed_map(method: Method, activation: ArrayView3<f32>, gradient: ArrayView3<f32>) -> Array2<f32> {
    match method {
        Method::GradCam => weighted_sum(activation, &mean_gradient(gradient)),
        Method::Counterfactual => weighted_sum(activation, &mean_gradient(gradient).mapv(|alpha| -alpha)),
        Method::HiResCam => product_sum(activation, gradient, |g| g),
        Method::LayerCam => product_sum(activation, gradient, |g| g.max(0.0)),
        Method::GradCamPlusPlus => weighted_sum(activation, &plus_plus_weights(activation, gradient)),
        Method::XGradCam => weighted_sum(activation, &x_weights(activation, gradient)),
    }
}

/// The map as it is shown: negative values are cut to zero.
pub fn rectified(signed: &Array2<f32>) -> Array2<f32> {
    signed.mapv(|value| value.max(0.0))
}

/// Grad-CAM's map from channel weights that were found otherwise (by the finite gradient), [k], over the activation [k, h, w].
pub fn weighted_sum(activation: ArrayView3<f32>, weights: &Array1<f32>) -> Array2<f32> {
    let (_, height, width) = activation.dim();
    let mut map = Array2::<f64>::zeros((height, width));
    for (feature_map, weight) in activation.outer_iter().zip(weights) {
        Zip::from(&mut map).and(feature_map).for_each(|sum, a| *sum += f64::from(*weight) * f64::from(*a));
    }
    map.mapv(|sum| sum as f32)
}

/// Grad-CAM's channel weights α_k: the mean of the gradient [k, h, w] over the positions; zero for a map without positions.
pub fn mean_gradient(gradient: ArrayView3<f32>) -> Array1<f32> {
    let positions = (gradient.len_of(Axis(1)) * gradient.len_of(Axis(2))).max(1) as f64;
    gradient.outer_iter().map(|g| (sum(g.iter().copied()) / positions) as f32).collect()
}

fn product_sum(
    activation: ArrayView3<f32>,
    gradient: ArrayView3<f32>,
    of_gradient: impl Fn(f32) -> f32,
) -> Array2<f32> {
    let (_, height, width) = activation.dim();
    let mut map = Array2::<f64>::zeros((height, width));
    for (a, g) in activation.outer_iter().zip(gradient.outer_iter()) {
        Zip::from(&mut map).and(a).and(g).for_each(|sum, a, g| *sum += f64::from(of_gradient(*g)) * f64::from(*a));
    }
    map.mapv(|sum| sum as f32)
}

fn plus_plus_weights(activation: ArrayView3<f32>, gradient: ArrayView3<f32>) -> Array1<f32> {
    let weight = |(a, g): (ndarray::ArrayView2<f32>, ndarray::ArrayView2<f32>)| {
        let total = sum(a.iter().copied());
        let terms = g.iter().map(|g| {
            let g = f64::from(*g);
            // g²/(2g² + S g³) with g² cancelled, so that tiny gradients do not underflow.
            let denominator = 2.0 + total * g;
            if g <= 0.0 || denominator == 0.0 { 0.0 } else { g / denominator }
        });
        terms.sum::<f64>() as f32
    };
    activation.outer_iter().zip(gradient.outer_iter()).map(weight).collect()
}

fn x_weights(activation: ArrayView3<f32>, gradient: ArrayView3<f32>) -> Array1<f32> {
    let weight = |(a, g): (ndarray::ArrayView2<f32>, ndarray::ArrayView2<f32>)| {
        let total = sum(a.iter().copied());
        let product: f64 = a.iter().zip(g.iter()).map(|(a, g)| f64::from(*a) * f64::from(*g)).sum();
        // The epsilon keeps its sign with the total, so that an activation of negative mean is not pushed through zero.
        let guarded = if total < 0.0 { total - 1e-7 } else { total + 1e-7 };
        (product / guarded) as f32
    };
    activation.outer_iter().zip(gradient.outer_iter()).map(weight).collect()
}

fn sum(values: impl Iterator<Item = f32>) -> f64 {
    values.map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use ndarray::{Array3, array};

    fn fixture() -> (Array3<f32>, Array3<f32>) {
        (
            array![[[1.0, 2.0], [0.0, 3.0]], [[0.0, 1.0], [4.0, 0.0]]],
            array![[[1.0, -1.0], [2.0, 2.0]], [[-1.0, 0.0], [-3.0, 0.0]]],
        )
    }

    fn seeded(shape: (usize, usize, usize), seed: u64, low: f64) -> Array3<f32> {
        let mut random = Random::new(seed, 0);
        Array3::from_shape_fn(shape, |_| random.between(low, 1.0) as f32)
    }

    #[test]
    fn each_method_equals_its_formula_by_hand() {
        let (a, g) = fixture();
        let map = |method| signed_map(method, a.view(), g.view());
        // α = (1+(-1)+2+2)/4 = 1 and (-1+0-3+0)/4 = -1.
        assert_eq!(map(Method::GradCam), array![[1.0, 1.0], [-4.0, 3.0]]);
        assert_eq!(map(Method::Counterfactual), array![[-1.0, -1.0], [4.0, -3.0]]);
        assert_eq!(map(Method::HiResCam), array![[1.0, -2.0], [-12.0, 6.0]]);
        assert_eq!(map(Method::LayerCam), array![[1.0, 0.0], [0.0, 6.0]]);
        // Channel 0: ΣA = 6, terms 1/(2+6) + 2/(2+12) + 2/(2+12); channel 1 has no positive gradient.
        let w = (1.0 / 8.0 + 2.0 / 14.0 + 2.0 / 14.0) as f32;
        let expected = array![[w, 2.0 * w], [0.0, 3.0 * w]];
        assert!((map(Method::GradCamPlusPlus) - &expected).iter().all(|d| d.abs() < 1e-6));
        // Weights (1 - 2 + 0 + 6)/6 and (0 + 0 - 12 + 0)/5.
        let (w0, w1) = (5.0 / 6.0, -12.0 / 5.0);
        let expected = array![[w0, 2.0 * w0 + w1], [4.0 * w1, 3.0 * w0]];
        assert!((map(Method::XGradCam) - &expected).iter().all(|d| d.abs() < 1e-5));
        assert_eq!(rectified(&map(Method::GradCam)), array![[1.0, 1.0], [0.0, 3.0]]);
    }

    #[test]
    fn pooling_and_a_linear_layer_give_weights_over_positions() {
        // y = Σ_k w_k mean(A^k), so g = w_k / Z everywhere and α_k = w_k / Z.
        let weights = [0.5f32, -2.0, 3.0];
        let g = Array3::from_shape_fn((3, 4, 5), |(k, _, _)| weights[k] / 20.0);
        for (alpha, w) in mean_gradient(g.view()).iter().zip(weights) {
            assert!((alpha - w / 20.0).abs() < 1e-7);
        }
    }

    #[test]
    fn hirescam_of_a_linear_head_sums_to_the_score_without_its_bias() {
        let (a, w) = (seeded((6, 5, 7), 1, -1.0), seeded((6, 5, 7), 2, -1.0));
        let score: f32 = (&a * &w).sum();
        assert!((signed_map(Method::HiResCam, a.view(), w.view()).sum() - score).abs() < 1e-4);
    }

    #[test]
    fn xgradcam_and_hirescam_have_equal_totals() {
        let (a, g) = (seeded((6, 5, 7), 3, 0.0), seeded((6, 5, 7), 4, -1.0));
        let total = |method| signed_map(method, a.view(), g.view()).sum();
        assert!((total(Method::XGradCam) - total(Method::HiResCam)).abs() < 1e-4);
    }

    #[test]
    fn nothing_is_ever_nan() {
        let zero = Array3::<f32>::zeros((2, 3, 3));
        let tiny = Array3::from_elem((2, 3, 3), 1e-30f32);
        for method in Method::ALL {
            for (a, g) in [(&zero, &zero), (&zero, &tiny), (&tiny, &zero), (&tiny, &tiny)] {
                assert!(signed_map(method, a.view(), g.view()).iter().all(|v| v.is_finite()), "{method:?}");
            }
        }
    }

    #[test]
    fn names_and_methods_agree() {
        for (name, method) in Method::NAMES.iter().zip(Method::ALL) {
            assert_eq!(Method::named(name), Some(method));
        }
        assert_eq!(Method::named("gradcam"), None);
    }
}
