//! Small motions of the image before each step, so that it pleases the filter wherever it lies a little differently: its
//! robustness under transformations (C. Olah et al., "Feature Visualization", Distill 2017, "Transformation Robustness").

use crate::random::Random;

/// How far an image is moved at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motions {
    /// Pixels: the width of the range of shifts, before and after it is scaled and turned.
    pub jitter: [f32; 2],
    /// The largest change of its size, as a share of it.
    pub scale: f32,
    /// The largest angle, in degrees.
    pub rotation: f32,
}

impl Motions {
    /// None at all.
    pub const STILL: Motions = Motions { jitter: [0.0, 0.0], scale: 0.0, rotation: 0.0 };

    /// A motion out of these.
    pub fn draw(&self, random: &mut Random) -> Motion {
        let mut within = |reach: f32| random.between(-f64::from(reach), f64::from(reach)) as f32;
        let mut shift = |jitter: f32| [within(jitter / 2.0), within(jitter / 2.0)];
        let [before, after] = self.jitter.map(&mut shift);
        Motion { before, scale: 1.0 + within(self.scale), angle: within(self.rotation).to_radians(), after }
    }
}

/// One motion: a shift, an enlargement and a turn about the centre, and another shift. Shifts are (down, right) in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// The first shift.
    pub before: [f32; 2],
    /// The enlargement.
    pub scale: f32,
    /// In radians.
    pub angle: f32,
    /// The second shift.
    pub after: [f32; 2],
}

/// A motion of an image of one size as a linear map: every pixel that is seen lies between four of the image, bilinearly.
/// Outside the image there is 0.
pub struct Resampling {
    /// Four pixels of the image and their weights for each that is seen.
    taps: Vec<[(usize, f32); 4]>,
}

impl Motion {
    /// The motion of images of this size.
    pub fn resampling(&self, height: usize, width: usize) -> Resampling {
        let (sin, cos) = self.angle.sin_cos();
        let centre = [height as f32 / 2.0, width as f32 / 2.0];
        let seen = |i: usize| {
            let y = (i / width) as f32 + 0.5 - centre[0] - self.after[0];
            let x = (i % width) as f32 + 0.5 - centre[1] - self.after[1];
            // Turned back, made smaller by as much, and counted from the first pixel's centre.
            let y_before = (cos * y - sin * x) / self.scale + centre[0] - self.before[0] - 0.5;
            let x_before = (sin * y + cos * x) / self.scale + centre[1] - self.before[1] - 0.5;
            let (top, left) = (y_before.floor(), x_before.floor());
            let (down, right) = (y_before - top, x_before - left);
            let tap = |y: f32, x: f32, weight: f32| {
                let inside = y >= 0.0 && x >= 0.0 && y < height as f32 && x < width as f32;
                if inside { (y as usize * width + x as usize, weight) } else { (0, 0.0) }
            };
            [
                tap(top, left, (1.0 - down) * (1.0 - right)),
                tap(top, left + 1.0, (1.0 - down) * right),
                tap(top + 1.0, left, down * (1.0 - right)),
                tap(top + 1.0, left + 1.0, down * right),
            ]
        };
        Resampling { taps: (0..height * width).map(seen).collect() }
    }
}

impl Resampling {
    /// What is seen of planes [channels, height, width].
    pub fn seen(&self, planes: &[f32]) -> Vec<f32> {
        let mut seen = Vec::with_capacity(planes.len());
        for plane in planes.chunks_exact(self.taps.len().max(1)) {
            seen.extend(
                self.taps.iter().map(|taps| taps.iter().map(|&(from, weight)| weight * plane[from]).sum::<f32>()),
            );
        }
        seen
    }

    /// The adjoint of [`Resampling::seen`]: a gradient of what is seen as one of the planes.
    pub fn adjoint(&self, seen: &[f32]) -> Vec<f32> {
        let mut planes = vec![0.0; seen.len()];
        let pixels = self.taps.len().max(1);
        for (plane, gradient) in planes.chunks_exact_mut(pixels).zip(seen.chunks_exact(pixels)) {
            for (taps, g) in self.taps.iter().zip(gradient) {
                taps.iter().for_each(|&(from, weight)| plane[from] += weight * g);
            }
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visualize::filter::decorrelated::inner;

    const STILL: Motion = Motion { before: [0.0, 0.0], scale: 1.0, angle: 0.0, after: [0.0, 0.0] };

    fn noise(n: usize, stream: u64) -> Vec<f32> {
        let mut random = Random::new(6, stream);
        (0..n).map(|_| random.normal() as f32).collect()
    }

    #[test]
    fn the_adjoint_of_every_motion_is_one() {
        let motions = Motions { jitter: [2.0, 1.0], scale: 0.1, rotation: 10.0 };
        let drawn = (0..8).map(|n| motions.draw(&mut Random::new(1, n)));
        let single = [
            STILL,
            Motion { before: [1.3, -0.4], ..STILL },
            Motion { after: [-7.0, 2.5], ..STILL },
            Motion { scale: 0.9, ..STILL },
            Motion { scale: 1.1, ..STILL },
            Motion { angle: 0.17, ..STILL },
        ];
        for motion in single.into_iter().chain(drawn) {
            let resampling = motion.resampling(9, 7);
            let (x, y) = (noise(2 * 63, 0), noise(2 * 63, 1));
            let (left, right) = (inner(&resampling.seen(&x), &y), inner(&x, &resampling.adjoint(&y)));
            assert!((left - right).abs() < 1e-5 * (1.0 + left.abs()), "{motion:?}: {left} {right}");
        }
    }

    #[test]
    fn motions_move_as_they_say() {
        let image: Vec<f32> = (1..=9).map(|v| v as f32).collect();
        let seen = |motion: Motion| motion.resampling(3, 3).seen(&image);
        assert_eq!(seen(STILL), image);
        // One down, half a pixel to the right; what comes in from outside is 0.
        let shifted = seen(Motion { before: [1.0, 0.0], after: [0.0, 0.5], ..STILL });
        assert_eq!(shifted, [0.0, 0.0, 0.0, 0.5, 1.5, 2.5, 2.0, 4.5, 5.5]);
        // Twice as large: the middle half, at quarter pixels 0.5, 1 and 1.5 from the first pixel's centre.
        assert_eq!(seen(Motion { scale: 2.0, ..STILL }), [3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0]);
        // A quarter turn: what was at the right is at the bottom.
        let turned = seen(Motion { angle: std::f32::consts::FRAC_PI_2, ..STILL });
        for (got, wanted) in turned.iter().zip([7.0, 4.0, 1.0, 8.0, 5.0, 2.0, 9.0, 6.0, 3.0]) {
            assert!((got - wanted).abs() < 1e-5, "{turned:?}");
        }
        // The shift before is turned along, the one after is not.
        let quarter = Motion { angle: std::f32::consts::FRAC_PI_2, ..STILL };
        let before = seen(Motion { before: [0.0, 1.0], ..quarter });
        let after = seen(Motion { after: [1.0, 0.0], ..quarter });
        before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{before:?} {after:?}"));
    }

    #[test]
    fn motions_stay_within_their_reach_and_use_it() {
        let motions = Motions { jitter: [8.0, 4.0], scale: 0.1, rotation: 10.0 };
        let drawn: Vec<Motion> = (0..400).map(|n| motions.draw(&mut Random::new(3, n))).collect();
        let reach = |of: &dyn Fn(&Motion) -> f32| drawn.iter().map(of).fold(0.0, f32::max);
        for (most, wanted) in [
            (reach(&|m| m.before[0].abs().max(m.before[1].abs())), 4.0),
            (reach(&|m| m.after[0].abs().max(m.after[1].abs())), 2.0),
            (reach(&|m| (m.scale - 1.0).abs()), 0.1),
            (reach(&|m| m.angle.to_degrees().abs()), 10.0),
        ] {
            assert!(most <= wanted * 1.0001 && most > 0.95 * wanted, "{most} {wanted}");
        }
        assert_eq!(Motions::STILL.draw(&mut Random::new(3, 0)), STILL);
    }
}
