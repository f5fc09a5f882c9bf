//! The attributes of generated lines, which a chapter file names.

/// The two lengths in pixels, by label.
pub const LENGTHS: [f64; 2] = [7.0, 15.0];
/// The two widths in pixels, by label.
pub const WIDTHS: [f64; 2] = [1.0, 3.0];
/// The two colors as RGB, by label.
pub const COLORS: [[u8; 3]; 2] = [[255, 0, 0], [0, 0, 255]];
/// The names of the colors, by label.
pub const COLOR_NAMES: [&str; 2] = ["red", "blue"];
/// The twelve angles with the x-axis in degrees, counter-clockwise, by label.
pub const ANGLES: [u32; 12] = [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150, 165];
/// Number of combinations of the four attributes.
pub const CLASSES: usize = 96;

/// The four attributes of a line, each as its label: length 0..2, width 0..2, color 0..2, angle 0..12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Index into [`LENGTHS`].
    pub length: usize,
    /// Index into [`WIDTHS`].
    pub width: usize,
    /// Index into [`COLORS`].
    pub color: usize,
    /// Index into [`ANGLES`].
    pub angle: usize,
}

impl Attributes {
    /// The attributes of a class, the inverse of [`Attributes::class`]; `class` is taken modulo 96.
    pub fn of_class(class: usize) -> Attributes {
        Attributes { length: class / 48 % 2, width: class / 24 % 2, color: class / 12 % 2, angle: class % 12 }
    }

    /// The class 0..96: length is its most significant digit, then width, color and angle.
    pub fn class(&self) -> usize {
        ((self.length * 2 + self.width) * 2 + self.color) * 12 + self.angle
    }

    /// A readable name, such as "15 px long, 3 px wide, red, 45°".
    pub fn name(&self) -> String {
        let (length, width) = (LENGTHS[self.length], WIDTHS[self.width]);
        format!("{length} px long, {width} px wide, {}, {}°", COLOR_NAMES[self.color], ANGLES[self.angle])
    }
}
