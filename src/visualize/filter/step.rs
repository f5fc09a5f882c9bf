//! How an image moves along a gradient: freely, or within the range of real inputs.

use crate::visualize::filter::frame::{self, Frame};
use crate::visualize::filter::{Mode, Settings};

/// One step of an ascent whose pixels move: free in pixel mode, else bounded.
pub fn advance(image: &mut [f32], gradient: &[f32], step: usize, frame: Frame, settings: &Settings) {
    if settings.mode == Mode::Pixel {
        let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
        // The floor is that of TensorFlow's l2_normalize.
        let scale = f64::from(settings.step) / square.max(1e-12).sqrt();
        image.iter_mut().zip(gradient).for_each(|(x, &g)| *x += (scale * f64::from(g)) as f32);
        return;
    }
    let decay = 1.0 - step as f32 / settings.steps.max(1) as f32;
    bounded_step(image, gradient, decay, frame, settings);
}

/// A step of projected ascent of objective − l2/2 ‖z − background‖² − tv · TV(z), where z are the values in half ranges
/// from the middle and the gradient is brought to root mean square 1 over the values it reaches.
///
/// `decay` falls from 1 to 0 over the ascent. Both weights start at twice theirs and are down to it by half time, so that
/// what does not count gives way early and the activation keeps rising to the end.
fn bounded_step(image: &mut [f32], gradient: &[f32], decay: f32, frame: Frame, settings: &Settings) {
    let (step, fade) = (settings.step * decay, 1.0 + (2.0 * decay - 1.0).max(0.0));
    let channel = |c: usize| {
        let (low, high) = frame::bounds(&settings.range, c);
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
        (middle, half, (settings.background_of(c) - middle) / half)
    };
    let channels: Vec<(f32, f32, f32)> = (0..frame.channels).map(channel).collect();
    let of = |i: usize| channels[frame.channel(i)];
    let z = |(i, x): (usize, &f32)| match of(i) {
        (middle, half, _) if half > 0.0 => (x - middle) / half,
        _ => 0.0,
    };
    let z: Vec<f32> = image.iter().enumerate().map(z).collect();
    let gradient: Vec<f32> = gradient.iter().enumerate().map(|(i, g)| g * of(i).1).collect();
    let reached = gradient.iter().filter(|g| **g != 0.0);
    let (square, count) = reached.fold((0.0, 0.0), |(sum, n), &g| (sum + f64::from(g).powi(2), n + 1.0));
    let norm = if count > 0.0 { (square / count).sqrt() as f32 } else { 1.0 };
    let variation = total_variation_gradient(&z, frame);
    for (i, x) in image.iter_mut().enumerate() {
        let (middle, half, background) = of(i);
        if half > 0.0 {
            let direction =
                gradient[i] / norm - fade * (settings.l2 * (z[i] - background) + settings.tv * variation[i]);
            *x = middle + half * (z[i] + step * direction).clamp(-1.0, 1.0);
        }
    }
}

/// The gradient of Σ √(∂x² + ∂y² + ε²) over all pixels and channels, differences taken to the right and down.
pub fn total_variation_gradient(z: &[f32], frame: Frame) -> Vec<f32> {
    const EPSILON: f32 = 0.1;
    let mut gradient = vec![0.0; z.len()];
    for c in 0..frame.channels {
        for y in 0..frame.height {
            for x in 0..frame.width {
                let here = frame.at(y, x, c);
                let right = if x + 1 < frame.width { frame.at(y, x + 1, c) } else { here };
                let below = if y + 1 < frame.height { frame.at(y + 1, x, c) } else { here };
                let (dx, dy) = (z[right] - z[here], z[below] - z[here]);
                let length = (dx * dx + dy * dy + EPSILON * EPSILON).sqrt();
                gradient[right] += dx / length;
                gradient[below] += dy / length;
                gradient[here] -= (dx + dy) / length;
            }
        }
    }
    gradient
}
