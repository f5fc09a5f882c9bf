//! The colours of a picture where they are few, found in one pass, as a picture has a hundred thousand pixels.

/// A colour with its opacity.
pub type Rgba = [u8; 4];

/// The most colours a palette has.
const MOST: usize = 256;
/// Places for them: a power of two, four times as many, so that two seldom meet.
const SLOTS: usize = 4 * MOST;

/// A picture as numbers of colours.
pub(super) struct Indexed {
    /// The clear ones first, then by red, green and blue.
    pub colours: Vec<Rgba>,
    /// The number of each pixel's colour.
    pub pixels: Vec<u8>,
}

impl Indexed {
    /// The picture with a palette, or `None` when it has more than 256 colours.
    pub fn of(pixels: &[Rgba]) -> Option<Indexed> {
        let mut slots: [Option<Rgba>; SLOTS] = [None; SLOTS];
        let mut places: Vec<usize> = Vec::with_capacity(pixels.len());
        let mut count = 0;
        for pixel in pixels {
            let mut slot = hash(*pixel);
            while slots[slot].is_some_and(|colour| colour != *pixel) {
                slot = (slot + 1) % SLOTS;
            }
            if slots[slot].is_none() {
                count += 1;
                if count > MOST {
                    return None;
                }
                slots[slot] = Some(*pixel);
            }
            places.push(slot);
        }
        let mut colours: Vec<Rgba> = slots.iter().flatten().copied().collect();
        colours.sort_unstable_by_key(|&[r, g, b, alpha]| [alpha, r, g, b]);
        let number = |colour: Rgba| colours.iter().position(|other| *other == colour).unwrap_or(0) as u8;
        let numbers = slots.map(|colour| colour.map_or(0, number));
        Some(Indexed { pixels: places.into_iter().map(|slot| numbers[slot]).collect(), colours })
    }
}

/// Fibonacci hashing: the upper bits of the product with 2^32 over the golden ratio.
fn hash(pixel: Rgba) -> usize {
    (u32::from_le_bytes(pixel).wrapping_mul(0x9E37_79B1) >> 22) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_pixel_keeps_its_colour(pixels in prop::collection::vec(prop::array::uniform4(0u8..6), 0..3000)) {
            let distinct: std::collections::BTreeSet<Rgba> = pixels.iter().copied().collect();
            match Indexed::of(&pixels) {
                None => prop_assert!(distinct.len() > MOST),
                Some(indexed) => {
                    prop_assert!(distinct.len() <= MOST);
                    prop_assert_eq!(indexed.colours.len(), distinct.len());
                    prop_assert!(indexed.colours.windows(2).all(|pair| pair[0][3] <= pair[1][3]));
                    let back: Vec<Rgba> = indexed.pixels.iter().map(|i| indexed.colours[usize::from(*i)]).collect();
                    prop_assert_eq!(back, pixels);
                }
            }
        }
    }

    #[test]
    fn the_limit_is_256_colours() {
        let pixels: Vec<Rgba> = (0..=255).map(|i| [i, 255 - i, i / 2, 255]).collect();
        assert_eq!(Indexed::of(&pixels).map(|indexed| indexed.colours.len()), Some(256));
        assert!(Indexed::of(&[pixels, vec![[9, 9, 9, 9]]].concat()).is_none());
    }
}
