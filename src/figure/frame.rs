//! Where the network's input lies in a picture: the whole of it, or the part of a photograph that was cut out.

/// A picture's size on the page, and the rectangle of it that shows the network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Width and height of the picture in CSS pixels.
    pub size: (u32, u32),
    /// Width and height of the network's input in its own pixels.
    pub input: (usize, usize),
    /// The part of the picture that shows the input: left, top, width and height as shares of the picture's.
    pub seen: [f64; 4],
}

impl Frame {
    /// A picture of the input itself.
    pub fn of_input(input: (usize, usize), size: (u32, u32)) -> Frame {
        Frame { size, input, seen: [0.0, 0.0, 1.0, 1.0] }
    }

    /// Whether the picture shows more than the input.
    pub fn is_cropped(&self) -> bool {
        self.seen != [0.0, 0.0, 1.0, 1.0]
    }

    /// Where a point (x, y) of the input, in its pixels, lies in the picture, in CSS pixels.
    pub fn point(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let [left, top, width, height] = self.seen;
        let along = |at: f64, input: usize, start: f64, share: f64, size: u32| {
            (start + at / input.max(1) as f64 * share) * f64::from(size)
        };
        (along(x, self.input.0, left, width, self.size.0), along(y, self.input.1, top, height, self.size.1))
    }

    /// The input's rectangle in the picture: its upper left corner, its width and height, in CSS pixels.
    pub fn rectangle(&self) -> ((f64, f64), (f64, f64)) {
        let corner = self.point((0.0, 0.0));
        let end = self.point((self.input.0 as f64, self.input.1 as f64));
        (corner, (end.0 - corner.0, end.1 - corner.1))
    }

    /// Where the centres of `columns` × `rows` pixels that fill the picture lie in the input, (ys, xs); no number where the picture shows
    /// what the network did not see.
    pub fn centres(&self, (columns, rows): (usize, usize)) -> (Vec<f64>, Vec<f64>) {
        let [left, top, width, height] = self.seen;
        let along = |count: usize, start: f64, share: f64, input: usize| {
            let at = move |i: usize| ((i as f64 + 0.5) / count as f64 - start) / share * input as f64;
            (0..count).map(|i| Some(at(i)).filter(|at| (0.0..=input as f64).contains(at)).unwrap_or(f64::NAN)).collect()
        };
        (along(rows, top, height, self.input.1), along(columns, left, width, self.input.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_fills_its_own_picture() {
        let frame = Frame::of_input((28, 14), (112, 56));
        assert!(!frame.is_cropped());
        assert_eq!(frame.point((7.0, 7.0)), (28.0, 28.0));
        assert_eq!(frame.centres((2, 1)), (vec![7.0], vec![7.0, 21.0]));
    }

    #[test]
    fn a_crop_lies_within_its_photograph() {
        // The middle half of a photograph twice as wide as it is high.
        let frame = Frame { size: (200, 100), input: (50, 50), seen: [0.25, 0.0, 0.5, 1.0] };
        assert_eq!(frame.rectangle(), ((50.0, 0.0), (100.0, 100.0)));
        assert_eq!(frame.point((25.0, 25.0)), (100.0, 50.0));
        let (ys, xs) = frame.centres((4, 2));
        assert_eq!(ys, [12.5, 37.5]);
        assert!(xs[0].is_nan() && xs[1..3] == [12.5, 37.5] && xs[3].is_nan());
    }
}
