//! Encoded pixels that a page holds once: where the same come again, they refer to where they came first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Shorter `<image>` elements are written again: a reference would save nothing.
const SHORT: usize = 600;

/// The `<image>` elements of a page by the data in them, in the order in which they came.
#[derive(Default)]
pub(super) struct Pixels<'a> {
    known: BTreeMap<&'a str, (usize, Rectangle)>,
}

/// Where an `<image>` stands in its drawing.
#[derive(Clone, Copy)]
struct Rectangle {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl<'a> Pixels<'a> {
    /// An SVG document in which long `<image>` elements have an id, or are references if an earlier document had the same.
    pub fn once(&mut self, document: &'a str) -> String {
        let mut text = String::with_capacity(document.len());
        let mut rest = document;
        while let Some(start) = rest.find("<image ") {
            let Some(length) = rest.get(start..).and_then(|from| from.find("/>")) else { break };
            let (before, after) = rest.split_at(start);
            let (element, after) = after.split_at(length + 2);
            text.push_str(before);
            self.write(element, &mut text);
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn write(&mut self, element: &'a str, text: &mut String) {
        let data = attribute(element, "href").filter(|_| element.len() >= SHORT);
        let (Some(data), Some(here)) = (data, Rectangle::of(element)) else { return text.push_str(element) };
        let number = self.known.len() + 1;
        match self.known.get(data) {
            None => {
                self.known.insert(data, (number, here));
                text.push_str(&element.replacen("<image ", &format!("<image id=\"pixels-{number}\" "), 1));
            }
            Some((number, first)) => {
                let (across, down) = (here.width / first.width, here.height / first.height);
                let (x, y) = (here.x - first.x * across, here.y - first.y * down);
                let _ =
                    write!(text, "<use href=\"#pixels-{number}\" transform=\"matrix({across} 0 0 {down} {x} {y})\"/>");
            }
        }
    }
}

impl Rectangle {
    fn of(element: &str) -> Option<Rectangle> {
        let number = |name: &str| attribute(element, name)?.parse::<f64>().ok();
        let (width, height) = (number("width")?, number("height")?);
        (width > 0.0 && height > 0.0).then_some(Rectangle { x: number("x")?, y: number("y")?, width, height })
    }
}

/// The value of an attribute of an element that we wrote ourselves.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let start = element.find(&format!(" {name}=\""))? + name.len() + 3;
    element.get(start..)?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_pixels_are_held_once_at_any_size() {
        let data = "A".repeat(SHORT);
        let image = |x: u32, width: u32| {
            format!("<svg><image x=\"{x}\" y=\"0\" width=\"{width}\" height=\"8\" href=\"data:{data}\"/></svg>")
        };
        let (first, second) = (image(2, 10), image(7, 20));
        let mut pixels = Pixels::default();
        assert!(pixels.once(&first).starts_with("<svg><image id=\"pixels-1\" x=\"2\""));
        // x = 2 must come to 7 and 12 to 27: twice as wide, and moved by 3.
        assert_eq!(pixels.once(&second), "<svg><use href=\"#pixels-1\" transform=\"matrix(2 0 0 1 3 0)\"/></svg>");
        let small = "<svg><image x=\"0\" y=\"0\" width=\"1\" height=\"1\" href=\"data:B\"/></svg>";
        assert_eq!((pixels.once(small), pixels.once(small)), (small.to_owned(), small.to_owned()));
    }
}
