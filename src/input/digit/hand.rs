//! A hand that writes a skeleton differently each time: slant, proportions, curvature and pressure vary.

use crate::input::digit::skeleton::Skeleton;
use crate::random::Random;

/// A point that the pen passes, with its pressure: the factor by which the stroke is thicker there than on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    pub x: f64,
    pub y: f64,
    pub pressure: f64,
}

/// The pen's path from touching the paper to leaving it, as a polyline.
pub type Stroke = Vec<Node>;

/// Line segments to a Bézier curve between two points of a skeleton.
const SEGMENTS: usize = 12;
/// At most so many line segments less one are left off at the end of a stroke.
const LATEST_LIFT: usize = 8;

/// A random number of mean 0 and variance 1 within ±3: the scaled sum of three uniform ones. Unlike a true normal number it needs no
/// logarithm, which platforms may round differently, and has no outliers, which would spoil a digit.
fn bell(random: &mut Random) -> f64 {
    (random.uniform() + random.uniform() + random.uniform() - 1.5) * 2.0
}

/// Half the thickness of the strokes in pixels of the final image; MNIST's strokes measure 2.5 ± 0.6 pixels.
pub fn thickness(random: &mut Random) -> f64 {
    (1.2 + 0.3 * bell(random)).max(0.75)
}

/// Writes a skeleton with a hand of its own.
pub fn write(skeleton: &Skeleton, random: &mut Random) -> Vec<Stroke> {
    let hand = Hand::new(random);
    skeleton
        .strokes
        .iter()
        .map(|points| {
            let mut stroke = curve(&hand.place(points, random), hand.roundness);
            // A hurried pen leaves the paper a little early: rings stay open, bars end short.
            stroke.truncate(stroke.len() - random.below(LATEST_LIFT).min(stroke.len()));
            stroke
        })
        .collect()
}

/// What stays the same while one digit is written. The sheet is mapped to u = x / 60, v = y / 100 within 0..1 first.
struct Hand {
    /// Horizontal shift of the top against the bottom, in heights.
    slant: f64,
    /// Vertical shift of the right against the left, in widths: how far the line of writing is turned.
    tilt: f64,
    /// Width of the digit relative to the skeleton's.
    width: f64,
    /// Moves the waist up (positive) or down: v + waist · v (1 − v), and the same sideways.
    waist: f64,
    lean: f64,
    /// Bends vertical lines into arcs, in heights.
    bend: f64,
    /// Bends horizontal lines into arcs.
    sag: f64,
    /// Length of the curves' handles relative to Catmull and Rom's: below 1 angular, above 1 swollen.
    roundness: f64,
    /// How far the points of a skeleton are missed, in heights.
    carelessness: f64,
}

impl Hand {
    fn new(random: &mut Random) -> Hand {
        Hand {
            slant: 0.05 + 0.2 * bell(random),
            tilt: 0.06 * bell(random),
            width: 1.15 + 0.19 * bell(random),
            waist: 0.14 * bell(random),
            lean: 0.14 * bell(random),
            bend: 0.05 * bell(random),
            sag: 0.05 * bell(random),
            roundness: random.between(0.75, 1.25),
            carelessness: random.between(0.008, 0.034),
        }
    }

    /// Where the hand puts the points of a stroke. A repeated point is a corner: it stays one point.
    fn place(&self, points: &[(u8, u8)], random: &mut Random) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::with_capacity(points.len());
        for (i, point) in points.iter().enumerate() {
            let corner = i.checked_sub(1).is_some_and(|before| points[before] == *point);
            let node = match nodes.last() {
                Some(before) if corner => *before,
                _ => self.touch(*point, random),
            };
            nodes.push(node);
        }
        nodes
    }

    fn touch(&self, (x, y): (u8, u8), random: &mut Random) -> Node {
        let (u, v) = (f64::from(x) / 60.0, f64::from(y) / 100.0);
        let (u, v) = (u + self.lean * u * (1.0 - u), v + self.waist * v * (1.0 - v));
        let (from_middle_x, from_middle_y) = (u - 0.5, v - 0.5);
        let x = 0.6 * self.width * u - self.slant * from_middle_y
            + self.bend * (1.0 - 4.0 * from_middle_y * from_middle_y)
            + self.carelessness * bell(random);
        let y = v
            + self.tilt * from_middle_x
            + self.sag * (1.0 - 4.0 * from_middle_x * from_middle_x)
            + self.carelessness * bell(random);
        Node { x, y, pressure: 1.0 + 0.1 * bell(random) }
    }
}

/// The smooth curve through the nodes as a polyline: a Catmull-Rom spline with centripetal parameters, which never makes loops
/// between its points (Yuksel, Schaefer, Keyser 2011), as Bézier curves whose handles are scaled by `roundness`.
fn curve(nodes: &[Node], roundness: f64) -> Stroke {
    let Some(first) = nodes.first() else { return Stroke::new() };
    let mut stroke = vec![*first];
    for piece in nodes.chunk_by(|a, b| (a.x, a.y) != (b.x, b.y)) {
        for i in 1..piece.len() {
            let (start, end) = (piece[i - 1], piece[i]);
            let before = if i >= 2 { piece[i - 2] } else { mirrored(end, start) };
            let after = if i + 1 < piece.len() { piece[i + 1] } else { mirrored(start, end) };
            let leaving = handle(before, start, end, roundness);
            let arriving = handle(after, end, start, roundness);
            stroke.extend((1..=SEGMENTS).map(|k| {
                let t = k as f64 / SEGMENTS as f64;
                let s = 1.0 - t;
                let (a, b, c, d) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
                Node {
                    x: a * start.x + b * leaving.0 + c * arriving.0 + d * end.x,
                    y: a * start.y + b * leaving.1 + c * arriving.1 + d * end.y,
                    pressure: s * start.pressure + t * end.pressure,
                }
            }));
        }
    }
    stroke
}

/// The Bézier handle at `at` towards `next`, for a centripetal Catmull-Rom spline that comes from `before`.
fn handle(before: Node, at: Node, next: Node, roundness: f64) -> (f64, f64) {
    let (squared_before, squared_next) = (distance(before, at), distance(at, next));
    let (d1, d2) = (squared_before.sqrt(), squared_next.sqrt());
    let scale = 3.0 * d1 * (d1 + d2);
    if scale == 0.0 {
        return (at.x, at.y);
    }
    let offset = |before: f64, at: f64, next: f64| {
        let control = (squared_before * next - squared_next * before
            + (2.0 * squared_before + 3.0 * d1 * d2 + squared_next) * at)
            / scale;
        at + roundness * (control - at)
    };
    (offset(before.x, at.x, next.x), offset(before.y, at.y, next.y))
}

/// The point as far beyond `at` as `from` lies before it: the neighbour of a stroke's end.
fn mirrored(from: Node, at: Node) -> Node {
    Node { x: 2.0 * at.x - from.x, y: 2.0 * at.y - from.y, pressure: at.pressure }
}

fn distance(a: Node, b: Node) -> f64 {
    let (dx, dy) = (a.x - b.x, a.y - b.y);
    (dx * dx + dy * dy).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(x: f64, y: f64) -> Node {
        Node { x, y, pressure: 1.0 }
    }

    #[test]
    fn a_curve_passes_through_its_points_and_keeps_straight_lines_straight() {
        let points = [node(0.0, 0.0), node(1.0, 2.0), node(2.0, 0.0), node(3.0, 1.0)];
        let stroke = curve(&points, 1.0);
        assert_eq!(stroke.len(), 3 * SEGMENTS + 1);
        for (i, point) in points.iter().enumerate() {
            let passed = stroke[i * SEGMENTS];
            assert!((passed.x - point.x).abs() < 1e-12 && (passed.y - point.y).abs() < 1e-12);
        }
        let straight = curve(&[node(0.0, 0.0), node(1.0, 2.0), node(4.0, 8.0)], 0.9);
        assert!(straight.iter().all(|node| (node.y - 2.0 * node.x).abs() < 1e-12));
    }

    #[test]
    fn a_repeated_point_is_a_corner() {
        let corner = [node(0.0, 0.0), node(1.0, 0.0), node(1.0, 0.0), node(1.0, 1.0)];
        let stroke = curve(&corner, 1.0);
        assert!(stroke.iter().all(|node| node.y.abs() < 1e-12 || (node.x - 1.0).abs() < 1e-12), "two straight lines");
        let round = curve(&[corner[0], corner[1], corner[3]], 1.0);
        assert!(round.iter().any(|node| node.y < -0.01), "without the repetition the pen swings out");
    }

    #[test]
    fn handles_of_evenly_spaced_points_are_catmull_and_roms() {
        // With equal distances the handle lies a sixth of the neighbours' difference from the point.
        let (x, y) = handle(node(0.0, 0.0), node(3.0, 4.0), node(6.0, 0.0), 1.0);
        assert!((x - 4.0).abs() < 1e-12 && (y - 4.0).abs() < 1e-12);
        let (x, y) = handle(node(0.0, 0.0), node(3.0, 4.0), node(6.0, 0.0), 0.5);
        assert!((x - 3.5).abs() < 1e-12 && (y - 4.0).abs() < 1e-12);
    }

    #[test]
    fn bell_numbers_have_mean_zero_and_variance_one_within_three() {
        let mut random = Random::new(9, 0);
        let numbers: Vec<f64> = (0..20_000).map(|_| bell(&mut random)).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
        assert!(numbers.iter().all(|x| x.abs() <= 3.0));
    }
}
