//! Arrays of NumPy's `.npy` format as images.
//!
//! The format: NumPy's `numpy.lib.format`, versions 1 to 3: a magic word, a header in Python's notation, and the bare values.

use ndarray::{Array3, ArrayD, IxDyn, ShapeBuilder};

/// What a `.npy` file begins with.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// An array's values and kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    pub values: ArrayD<f32>,
    /// NumPy's word for the kind and its bytes, such as `u1`, `u2` or `f4`.
    pub kind: String,
}

impl Numbers {
    /// The array as an image [height, width, channels]: one of H×W, H×W×C or C×H×W, a batch of one being taken away. Which axis
    /// is the channels' is told by the number that the network takes.
    ///
    /// # Errors
    /// An array of another rank, or one in which no axis, or either, can be the channels'.
    pub fn image(self, channels: usize) -> Result<Array3<f32>, String> {
        let shape = self.values.shape().to_vec();
        let unfit = |why: &str| {
            format!("the array has the shape {shape:?}, {why}; an image is height × width, with channels first or last")
        };
        let axes = if shape.len() == 4 && shape[0] == 1 { &shape[1..] } else { &shape[..] };
        let reshaped = |to: (usize, usize, usize)| {
            self.values.to_shape(to).map(|array| array.to_owned()).map_err(|cause| format!("{cause}"))
        };
        match *axes {
            [height, width] => reshaped((height, width, 1)),
            [first, middle, last] => match (first == channels, last == channels) {
                (false, true) => reshaped((first, middle, last)),
                (true, false) => {
                    Ok(reshaped((first, middle, last))?.permuted_axes([1, 2, 0]).as_standard_layout().into_owned())
                }
                (true, true) => {
                    Err(unfit(&format!("and its first and last axis could both be the {channels} channels")))
                }
                (false, false) => Err(unfit(&format!("and the network takes {channels} channels"))),
            },
            _ => Err(unfit("which is not that of an image")),
        }
    }
}

/// The array of a file's bytes.
///
/// # Errors
/// A file that is none, is cut short, or holds values that are no numbers.
pub fn read(bytes: &[u8]) -> Result<Numbers, String> {
    let damaged = || "the .npy array is damaged: its header cannot be read".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(damaged()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let header = Header::parse(&String::from_utf8_lossy(header)).ok_or_else(damaged)?;
    let width = header.width().ok_or_else(|| {
        format!("the .npy array holds values of the kind `{}`; save it as float32, uint8 or uint16", header.kind)
    })?;
    let count = header.shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    let needed = count.and_then(|count| count.checked_mul(width));
    if needed != Some(data.len()) || data.is_empty() {
        let (shape, found) = (&header.shape, data.len());
        return Err(format!("the .npy array is damaged: its shape {shape:?} does not go with {found} bytes of values"));
    }
    let values = data.chunks_exact(width).map(|value| header.value(value)).collect();
    let shape = IxDyn(&header.shape).set_f(header.fortran);
    let values = ArrayD::from_shape_vec(shape, values).map_err(|cause| format!("the .npy array: {cause}"))?;
    Ok(Numbers { values, kind: header.kind })
}

/// The header's dictionary: `{'descr': '<f4', 'fortran_order': False, 'shape': (64, 64, 3), }`.
struct Header {
    big_endian: bool,
    kind: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Option<Header> {
        let after =
            |key: &str| Some(text.split_once(&format!("'{key}'"))?.1.trim_start().strip_prefix(':')?.trim_start());
        let description = after("descr")?.strip_prefix('\'')?.split('\'').next()?;
        let (order, kind) = match description.split_at_checked(1)? {
            (order @ ("<" | ">" | "|" | "="), kind) => (order, kind),
            _ => ("|", description),
        };
        let lengths = after("shape")?.strip_prefix('(')?.split_once(')')?.0;
        let lengths = lengths.split(',').map(str::trim).filter(|length| !length.is_empty());
        Some(Header {
            big_endian: order == ">",
            kind: kind.to_string(),
            fortran: after("fortran_order")?.starts_with("True"),
            shape: lengths.map(|length| length.parse().ok()).collect::<Option<_>>()?,
        })
    }

    /// Bytes of a value; `None` for a kind that is no number.
    fn width(&self) -> Option<usize> {
        match self.kind.as_str() {
            "u1" | "i1" | "b1" => Some(1),
            "u2" | "i2" | "f2" => Some(2),
            "u4" | "i4" | "f4" => Some(4),
            "u8" | "i8" | "f8" => Some(8),
            _ => None,
        }
    }

    /// A value from its bytes, of which there are [`Header::width`].
    fn value(&self, bytes: &[u8]) -> f32 {
        let mut little = [0u8; 8];
        let place = |i: usize| if self.big_endian { bytes.len() - 1 - i } else { i };
        (0..bytes.len().min(8)).for_each(|i| little[i] = bytes[place(i)]);
        let unsigned = u64::from_le_bytes(little);
        match self.kind.as_str() {
            "f2" => half(unsigned as u16),
            "f4" => f32::from_bits(unsigned as u32),
            "f8" => f64::from_bits(unsigned) as f32,
            "i1" => f32::from(unsigned as u8 as i8),
            "i2" => f32::from(unsigned as u16 as i16),
            "i4" => unsigned as u32 as i32 as f32,
            "i8" => unsigned as i64 as f32,
            _ => unsigned as f32,
        }
    }
}

/// A number in half precision (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2f32.powi(-24),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        exponent => sign * (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array2};
    use ndarray_npy::{WritableElement, WriteNpyExt};

    fn file<T: WritableElement, D: ndarray::Dimension>(array: &Array<T, D>) -> Vec<u8> {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_kind_of_number_is_read() {
        let kinds: Vec<(&str, Vec<u8>)> = vec![
            ("u1", file(&Array2::from_elem((2, 3), 200u8))),
            ("u2", file(&Array2::from_elem((2, 3), 200u16))),
            ("u4", file(&Array2::from_elem((2, 3), 200u32))),
            ("i2", file(&Array2::from_elem((2, 3), 200i16))),
            ("i8", file(&Array2::from_elem((2, 3), 200i64))),
            ("f4", file(&Array2::from_elem((2, 3), 200f32))),
            ("f8", file(&Array2::from_elem((2, 3), 200f64))),
        ];
        for (kind, bytes) in kinds {
            let read = read(&bytes).unwrap();
            assert_eq!((read.kind.as_str(), read.values), (kind, ArrayD::from_elem(vec![2, 3], 200.0)), "{kind}");
        }
        assert_eq!(read(&file(&Array2::from_elem((1, 1), -7i8))).unwrap().values[[0, 0]], -7.0);
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8)] {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan() && half(0x7c00) == f32::INFINITY);
    }

    #[test]
    fn order_and_byte_order_are_those_of_the_header() {
        let columns_first = Array2::from_shape_vec((2, 3).f(), vec![1u16, 2, 3, 4, 5, 6]).unwrap();
        let numbers = read(&file(&columns_first)).unwrap();
        assert_eq!((numbers.values[[0, 1]], numbers.values[[1, 0]]), (3.0, 2.0));
        let mut swapped = file(&Array2::from_elem((1, 1), 0x0102u16));
        let at = swapped.windows(3).position(|window| window == b"<u2").unwrap();
        swapped[at] = b'>';
        assert_eq!(read(&swapped).unwrap().values[[0, 0]], f32::from(0x0201u16));
    }

    #[test]
    fn the_channels_are_where_the_network_has_as_many() {
        let numbers = |shape: &[usize]| {
            let mut next = 0.0;
            let values = ArrayD::from_shape_simple_fn(shape, || (next, next += 1.0).0);
            Numbers { values, kind: "f4".into() }
        };
        assert_eq!(numbers(&[4, 5]).image(3).unwrap().dim(), (4, 5, 1));
        assert_eq!(numbers(&[4, 5, 3]).image(3).unwrap()[[0, 0, 1]], 1.0);
        assert_eq!(numbers(&[3, 4, 5]).image(3).unwrap()[[0, 0, 1]], 20.0);
        assert_eq!(numbers(&[1, 3, 4, 5]).image(3).unwrap().dim(), (4, 5, 3));
        assert!(numbers(&[3, 4, 3]).image(3).unwrap_err().contains("could both be the 3 channels"));
        assert!(numbers(&[6, 4, 5]).image(3).unwrap_err().contains("[6, 4, 5], and the network takes 3 channels"));
        assert!(numbers(&[6]).image(3).unwrap_err().contains("not that of an image"));
    }

    #[test]
    fn damaged_arrays_are_refused_whatever_they_promise() {
        let whole = file(&Array2::from_elem((4, 4), 1f32));
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        let promise = String::from_utf8_lossy(&whole).replace("(4, 4)", "(99999999999, 9999999)");
        assert!(read(promise.as_bytes()).is_err());
        let text = file(&Array2::from_elem((4, 4), 1f32))
            .iter()
            .map(|b| if *b == b'f' { b'U' } else { *b })
            .collect::<Vec<_>>();
        assert!(read(&text).is_err());
    }
}
