//! Orientation of a kernel by its structure tensor (Bigün and Granlund 1987).

use crate::measure::quotient;
use ndarray::ArrayView3;
use serde::Serialize;

/// The stripes of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Orientation {
    /// Direction of the stripes in degrees in [0, 180), counter-clockwise from the x-axis as the angles of the Line
    /// data; 0 where there is none.
    pub degrees: f64,
    /// √((Jxx − Jyy)² + 4 Jxy²) / (Jxx + Jyy) in [0, 1]: 1 for parallel stripes, 0 for what looks alike in all
    /// directions and for constant kernels.
    pub coherence: f64,
}

/// The orientation of one filter [input channels, height, width]: J sums the products of the gradients over all 2×2
/// blocks and channels.
pub fn orientation(kernel: ArrayView3<'_, f32>) -> Orientation {
    let (_, rows, columns) = kernel.dim();
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for plane in kernel.outer_iter() {
        for r in 1..rows {
            for c in 1..columns {
                let at = |i: usize, j: usize| f64::from(plane[[r - 1 + i, c - 1 + j]]);
                let right = (at(0, 1) + at(1, 1) - at(0, 0) - at(1, 0)) / 2.0;
                let up = (at(0, 0) + at(0, 1) - at(1, 0) - at(1, 1)) / 2.0;
                xx += right * right;
                yy += up * up;
                xy += right * up;
            }
        }
    }
    let strength = (xx - yy).hypot(2.0 * xy);
    let coherence = quotient(strength, xx + yy, 0.0).clamp(0.0, 1.0);
    // The gradient stands across the stripes.
    let degrees =
        if coherence > 0.0 { (0.5 * (2.0 * xy).atan2(xx - yy).to_degrees() + 90.0).rem_euclid(180.0) } else { 0.0 };
    Orientation { degrees, coherence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    /// Parallel stripes at an angle: values depend only on the distance across them.
    fn stripes(degrees: f64) -> Array3<f32> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Array3::from_shape_fn((1, 7, 7), |(_, r, c)| {
            let (x, y) = (c as f64 - 3.0, 3.0 - r as f64);
            (0.9 * (y * cos - x * sin)).cos() as f32
        })
    }

    #[test]
    fn stripes_are_found_at_their_angle() {
        for degrees in [0.0, 45.0, 90.0, 135.0] {
            let found = orientation(stripes(degrees).view());
            let off = (found.degrees - degrees + 90.0).rem_euclid(180.0) - 90.0;
            assert!(off.abs() < 1e-3 && found.coherence > 0.999, "{degrees}: {found:?}");
        }
        let found = orientation(stripes(30.0).view());
        assert!((found.degrees - 30.0).abs() < 5.0, "{found:?}");
    }

    #[test]
    fn what_has_no_direction_has_no_coherence() {
        let mut point = Array3::<f32>::zeros((1, 5, 5));
        point[[0, 2, 2]] = 1.0;
        assert!(orientation(point.view()).coherence < 1e-12);
        for kernel in
            [Array3::from_elem((3, 3, 3), 0.4f32), Array3::zeros((2, 1, 1)), Array3::from_elem((1, 3, 3), f32::NAN)]
        {
            assert_eq!(orientation(kernel.view()), Orientation { degrees: 0.0, coherence: 0.0 });
        }
    }
}
