//! An image whose frequencies and colours move independently of each other (C. Olah, A. Mordvintsev, L. Schubert, "Feature
//! Visualization", Distill 2017, distill.pub/2017/feature-visualization; the numbers are those of their program, Lucid).
//!
//! Coefficients of waves → planes of independent colour parts ([`fourier`]) → channels ([`colour`]) → sigmoid, into the
//! range of real inputs → a small random motion ([`motion`]) → what the network sees. All but the sigmoid is linear; its
//! gradient goes back through the adjoints, and [`adam`] moves the coefficients.

pub mod adam;
pub mod colour;
pub mod fourier;
pub mod motion;

use adam::Adam;
use fourier::Fourier;
use motion::Resampling;

use crate::random::Random;
use crate::visualize::filter::Settings;
use crate::visualize::filter::frame::{self, Frame};

/// Standard deviation of the coefficients of the first start: Lucid's.
const DEVIATION: f64 = 0.01;
/// How many times that of the one before each further start has, for filters that grey leaves silent: the fourth is about as
/// varied as a photograph.
pub const RISE: f64 = 4.0;
/// Streams of random numbers from which on they are those of the motions, one for each step.
const MOTIONS: u64 = 1 << 32;

/// An image under ascent, and what the network was last shown of it.
pub struct Decorrelated<'s> {
    settings: &'s Settings,
    frame: Frame,
    fourier: Fourier,
    /// [channels, height, width].
    coefficients: Vec<f32>,
    adam: Adam,
    /// The planes in [0, 1] that were last looked at.
    planes: Vec<f32>,
    /// How they were moved; `None` for not at all.
    moved: Option<Resampling>,
}

impl<'s> Decorrelated<'s> {
    /// Start number `start` of the settings' seed: the first is all but grey. The same for every filter.
    pub fn start(start: usize, frame: Frame, settings: &'s Settings) -> Decorrelated<'s> {
        let mut random = Random::new(settings.seed, start as u64);
        let deviation = DEVIATION * RISE.powi(start.min(8) as i32);
        let coefficients = (0..frame.len()).map(|_| (random.normal() * deviation) as f32).collect();
        Decorrelated {
            settings,
            frame,
            fourier: Fourier::new(frame.height, frame.width),
            coefficients,
            adam: Adam::new(frame.len(), settings.step),
            planes: Vec::new(),
            moved: None,
        }
    }

    /// What the network sees before step `step`, in its layout and units. Before the first step and after the last one that
    /// is the image as it is; the motions of the others depend on the seed and the step alone.
    pub fn look(&mut self, step: usize) -> Vec<f32> {
        let channels = colour::mixed(&self.settings.mixing, &self.fourier.planes(&self.coefficients));
        self.planes = channels.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect();
        self.moved = (1..self.settings.steps).contains(&step).then(|| {
            let mut random = Random::new(self.settings.seed, MOTIONS + step as u64);
            self.settings.motions.draw(&mut random).resampling(self.frame.height, self.frame.width)
        });
        // Motions bring in mid-grey from outside, so that planes are moved as differences from it.
        let from_grey: Vec<f32> = self.planes.iter().map(|v| v - 0.5).collect();
        let seen = self.moved.as_ref().map_or_else(|| from_grey.clone(), |moved| moved.seen(&from_grey));
        let mut values = vec![0.0; seen.len()];
        self.each(|planar, position, (low, high)| {
            values[position] = (low + high) / 2.0 + (high - low) * seen[planar];
        });
        values
    }

    /// A step up along the gradient of the objective at what was last looked at.
    pub fn advance(&mut self, gradient: &[f32]) {
        let gradient = self.gradient(gradient);
        self.adam.advance(&mut self.coefficients, &gradient);
    }

    /// The gradient at what was last looked at, in the network's layout, as one of the coefficients.
    fn gradient(&self, gradient: &[f32]) -> Vec<f32> {
        let mut seen = vec![0.0; gradient.len()];
        self.each(|planar, position, (low, high)| seen[planar] = (high - low) * gradient[position]);
        let mut planes = self.moved.as_ref().map_or_else(|| seen.clone(), |moved| moved.adjoint(&seen));
        planes.iter_mut().zip(&self.planes).for_each(|(g, v)| *g *= v * (1.0 - v));
        self.fourier.adjoint(&colour::adjoint(&self.settings.mixing, &planes))
    }

    /// Visits every value: its place in planes [c, h, w], its place in the network's layout, and its channel's range.
    fn each(&self, mut visit: impl FnMut(usize, usize, (f32, f32))) {
        let Frame { height, width, channels, .. } = self.frame;
        let mut planar = 0;
        for c in 0..channels {
            let range = frame::bounds(&self.settings.range, c);
            for y in 0..height {
                for x in 0..width {
                    visit(planar, self.frame.at(y, x, c), range);
                    planar += 1;
                }
            }
        }
    }
}

/// ⟨a, b⟩.
#[cfg(test)]
fn inner(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(frame: Frame) -> Settings {
        let range = vec![(0.0, 1.0), (-2.0, 3.0), (10.0, 10.0)];
        Settings { steps: 9, ..Settings::decorrelated(range, vec![], false, frame, 7) }
    }

    #[test]
    fn the_gradient_of_the_whole_map_is_its_central_difference() {
        for frame in [Frame::new(&[1, 3, 10, 7], false).unwrap(), Frame::new(&[1, 10, 7, 3], true).unwrap()] {
            let settings = settings(frame);
            let mut random = Random::new(5, 0);
            let mut image = Decorrelated::start(0, frame, &settings);
            // Far from grey, where the sigmoid bends.
            image.coefficients.iter_mut().for_each(|v| *v = 0.3 * random.normal() as f32);
            let weights: Vec<f32> = (0..frame.len()).map(|_| random.normal() as f32).collect();
            for step in [0, 4] {
                let _ = image.look(step);
                assert_eq!(image.moved.is_some(), step == 4);
                let gradient = image.gradient(&weights);
                let largest = gradient.iter().fold(0.0, |most: f32, g| most.max(g.abs()));
                for i in (0..frame.len()).step_by(11) {
                    let mut objective = |by: f32| {
                        image.coefficients[i] += by;
                        let value = inner(&image.look(step), &weights);
                        image.coefficients[i] -= by;
                        value
                    };
                    let difference = (objective(0.01) - objective(-0.01)) / 0.02;
                    let off = (difference - f64::from(gradient[i])).abs();
                    assert!(off < 2e-3 * f64::from(largest), "{step} {i}: {difference} {}", gradient[i]);
                }
            }
        }
    }

    #[test]
    fn the_first_start_is_all_but_grey_and_both_layouts_see_the_same() {
        let (first, last) = (Frame::new(&[1, 3, 10, 7], false).unwrap(), Frame::new(&[1, 10, 7, 3], true).unwrap());
        let (one, other) = (settings(first), settings(last));
        for step in [0, 5] {
            let spread = [0, 1, 3].map(|start| {
                let seen = Decorrelated::start(start, first, &one).look(step);
                assert_eq!(first.image(&seen), last.image(&Decorrelated::start(start, last, &other).look(step)));
                let from_grey = seen.iter().take(2 * 70).enumerate().map(|(i, value)| {
                    let (low, high) = one.range[first.channel(i)];
                    ((value - (low + high) / 2.0) / (high - low)).powi(2)
                });
                (from_grey.sum::<f32>() / 140.0).sqrt()
            });
            assert!(spread[0] < 0.01 && spread[1] > 2.5 * spread[0], "{spread:?}");
            // Values spread evenly over the range would have 0.29.
            assert!((0.1..0.3).contains(&spread[2]), "{spread:?}");
        }
    }

    #[test]
    fn the_first_and_the_last_look_are_at_the_image_as_it_is() {
        let frame = Frame::new(&[1, 3, 10, 7], false).unwrap();
        let settings = settings(frame);
        let mut image = Decorrelated::start(0, frame, &settings);
        let still = image.look(0);
        assert_eq!(image.look(settings.steps), still);
        assert_ne!(image.look(1), still);
        assert_ne!(image.look(1), image.look(2));
    }
}
