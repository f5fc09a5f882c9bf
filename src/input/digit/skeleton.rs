//! The shapes of the ten digits as people write them: for each digit a few variants, each a list of strokes through given points.

use crate::random::Random;

/// One way to write a digit. Points are (x, y) on a sheet about 60 wide and 100 high, y downwards; the pen passes smoothly
/// through the points of a stroke in their order, and turns sharply where a point is repeated.
pub struct Skeleton {
    /// How often this variant is chosen, relative to the others of its digit.
    pub weight: f64,
    pub strokes: &'static [&'static [(u8, u8)]],
}

/// Chooses a variant of a digit 0..=9 by weight.
pub fn choose(digit: usize, random: &mut Random) -> &'static Skeleton {
    let variants = DIGITS[digit];
    let total: f64 = variants.iter().map(|variant| variant.weight).sum();
    let mut left = random.between(0.0, total);
    for variant in variants {
        left -= variant.weight;
        if left < 0.0 {
            return variant;
        }
    }
    &variants[0]
}

const fn variant(weight: f64, strokes: &'static [&'static [(u8, u8)]]) -> Skeleton {
    Skeleton { weight, strokes }
}

/// The variants of every digit, 0 to 9.
pub static DIGITS: [&[Skeleton]; 10] = [&ZERO, &ONE, &TWO, &THREE, &FOUR, &FIVE, &SIX, &SEVEN, &EIGHT, &NINE];

#[rustfmt::skip]
const ZERO: [Skeleton; 3] = [
    // Counter-clockwise from the top, a little past the start.
    variant(3.0, &[
        &[(36, 2), (18, 8), (5, 30), (2, 58), (11, 87), (29, 98), (47, 88), (58, 60), (57, 32), (47, 9), (31, 2),
          (22, 7)],
    ]),
    // Clockwise from the upper left.
    variant(1.0, &[
        &[(14, 12), (32, 1), (51, 12), (60, 42), (53, 78), (34, 98), (14, 90), (3, 64), (4, 36), (13, 13), (22, 5)],
    ]),
    // A wide ring that ends inside.
    variant(1.0, &[
        &[(42, 6), (22, 6), (5, 26), (1, 54), (12, 82), (34, 92), (56, 80), (66, 52), (60, 24), (44, 8), (30, 10)],
    ]),
];

#[rustfmt::skip]
const ONE: [Skeleton; 3] = [
    variant(8.0, &[
        &[(30, 0), (30, 34), (30, 68), (30, 100)],
    ]),
    // With an upstroke.
    variant(1.6, &[
        &[(16, 20), (24, 11), (32, 0), (32, 0), (32, 34), (31, 68), (31, 100)],
    ]),
    // With an upstroke and a foot.
    variant(0.5, &[
        &[(12, 20), (22, 12), (32, 0), (32, 0), (32, 48), (32, 98)],
        &[(8, 99), (32, 98), (56, 98)],
    ]),
];

#[rustfmt::skip]
const TWO: [Skeleton; 3] = [
    // A sharp corner at the foot.
    variant(2.0, &[
        &[(6, 20), (16, 5), (34, 1), (50, 12), (50, 32), (36, 58), (18, 80), (3, 97), (3, 97), (30, 95), (62, 96)],
    ]),
    // A loop at the foot.
    variant(2.0, &[
        &[(8, 18), (20, 3), (38, 2), (51, 16), (48, 38), (36, 64), (20, 88), (8, 97), (2, 88), (12, 79), (28, 86),
          (46, 97), (64, 93)],
    ]),
    // A round back and a wavy foot.
    variant(1.5, &[
        &[(4, 14), (22, 2), (42, 4), (54, 22), (48, 48), (30, 76), (6, 94), (6, 94), (24, 88), (44, 96), (64, 92)],
    ]),
];

#[rustfmt::skip]
const THREE: [Skeleton; 3] = [
    variant(3.0, &[
        &[(6, 12), (22, 1), (42, 5), (49, 20), (40, 38), (22, 47), (22, 47), (42, 51), (54, 68), (47, 88), (26, 99),
          (4, 92)],
    ]),
    // A small loop in the middle.
    variant(1.0, &[
        &[(8, 8), (26, 0), (46, 8), (46, 26), (32, 42), (19, 49), (22, 43), (40, 48), (53, 64), (47, 86), (28, 98),
          (2, 96)],
    ]),
    // A flat top.
    variant(0.6, &[
        &[(6, 6), (28, 4), (50, 3), (50, 3), (38, 22), (24, 41), (24, 41), (44, 46), (55, 66), (46, 88), (24, 99),
          (2, 92)],
    ]),
];

#[rustfmt::skip]
const FOUR: [Skeleton; 4] = [
    // Open at the top, round at the corner.
    variant(3.0, &[
        &[(10, 4), (5, 26), (4, 46), (16, 54), (36, 51), (54, 46)],
        &[(52, 0), (50, 34), (47, 68), (45, 100)],
    ]),
    // Open at the top, sharp at the corner.
    variant(2.0, &[
        &[(16, 4), (10, 30), (3, 56), (3, 56), (34, 54), (64, 52)],
        &[(46, 8), (45, 40), (43, 70), (42, 100)],
    ]),
    // Closed at the top.
    variant(1.0, &[
        &[(62, 62), (34, 64), (2, 65), (2, 65), (22, 34), (45, 2), (45, 2), (44, 34), (43, 68), (42, 100)],
    ]),
    // The cross-bar in one go with the stem.
    variant(1.5, &[
        &[(12, 2), (4, 24), (8, 44), (28, 46), (46, 32), (54, 6), (54, 6), (50, 38), (46, 70), (44, 100)],
    ]),
];

#[rustfmt::skip]
const FIVE: [Skeleton; 3] = [
    // The roof as a stroke of its own.
    variant(2.0, &[
        &[(14, 4), (11, 24), (9, 44), (9, 44), (28, 38), (47, 48), (53, 68), (43, 90), (24, 99), (3, 92)],
        &[(14, 5), (36, 4), (60, 1)],
    ]),
    // In one go from the end of the roof.
    variant(2.0, &[
        &[(58, 2), (38, 4), (18, 6), (18, 6), (14, 24), (10, 42), (10, 42), (30, 40), (46, 52), (48, 72), (38, 91),
          (20, 99), (2, 92)],
    ]),
    // Without corners.
    variant(1.0, &[
        &[(62, 2), (42, 3), (26, 10), (18, 28), (26, 42), (42, 54), (47, 74), (36, 93), (18, 98), (2, 88)],
    ]),
];

#[rustfmt::skip]
const SIX: [Skeleton; 3] = [
    variant(3.0, &[
        &[(42, 0), (24, 16), (10, 40), (4, 66), (10, 90), (27, 99), (45, 90), (51, 72), (40, 57), (22, 60), (9, 76)],
    ]),
    // A straight back and a small ring.
    variant(1.5, &[
        &[(26, 0), (15, 26), (7, 52), (5, 76), (14, 95), (30, 97), (42, 85), (40, 69), (27, 64), (12, 74), (8, 84)],
    ]),
    // A hooked top.
    variant(1.0, &[
        &[(50, 8), (38, 1), (20, 14), (7, 42), (4, 70), (12, 92), (30, 99), (49, 88), (52, 68), (38, 53), (19, 60),
          (7, 78)],
    ]),
];

#[rustfmt::skip]
const SEVEN: [Skeleton; 4] = [
    // A sharp corner.
    variant(3.0, &[
        &[(2, 8), (26, 6), (54, 3), (54, 3), (42, 34), (31, 66), (24, 100)],
    ]),
    // A round corner after a small hook.
    variant(2.0, &[
        &[(2, 18), (10, 6), (30, 6), (49, 3), (53, 12), (43, 40), (32, 70), (24, 100)],
    ]),
    // With a cross-bar.
    variant(0.8, &[
        &[(4, 8), (28, 6), (54, 3), (54, 3), (42, 36), (30, 68), (22, 100)],
        &[(16, 54), (36, 51), (54, 48)],
    ]),
    // A serif and a bent stem.
    variant(1.2, &[
        &[(4, 24), (6, 6), (6, 6), (30, 7), (56, 4), (56, 4), (40, 30), (31, 60), (29, 100)],
    ]),
];

#[rustfmt::skip]
const EIGHT: [Skeleton; 3] = [
    // In one go from the upper right.
    variant(3.0, &[
        &[(46, 14), (30, 1), (12, 10), (13, 29), (30, 46), (47, 66), (46, 88), (27, 99), (9, 89), (10, 68), (29, 47),
          (46, 28), (46, 14), (40, 7)],
    ]),
    // In one go from the middle.
    variant(1.0, &[
        &[(32, 45), (14, 30), (14, 11), (30, 1), (46, 11), (44, 30), (26, 49), (9, 70), (12, 91), (30, 99), (47, 89),
          (47, 68), (30, 46)],
    ]),
    // Two rings.
    variant(0.7, &[
        &[(34, 45), (17, 40), (11, 22), (20, 5), (36, 2), (48, 14), (47, 32), (34, 45), (27, 46)],
        &[(30, 45), (13, 55), (6, 75), (16, 94), (34, 98), (49, 85), (50, 65), (38, 48), (28, 46)],
    ]),
];

#[rustfmt::skip]
const NINE: [Skeleton; 3] = [
    // A ring and a straight stem.
    variant(3.0, &[
        &[(47, 14), (32, 2), (13, 9), (4, 28), (10, 44), (26, 46), (41, 34), (49, 10), (49, 10), (47, 40), (43, 70),
          (40, 100)],
    ]),
    // A bent tail.
    variant(1.5, &[
        &[(48, 18), (34, 2), (14, 7), (4, 26), (12, 44), (31, 43), (48, 22), (48, 22), (51, 48), (48, 78), (38, 96),
          (24, 99)],
    ]),
    // A small ring on a long leaning stem.
    variant(1.5, &[
        &[(46, 10), (28, 1), (10, 10), (6, 28), (18, 38), (36, 30), (50, 8), (50, 8), (44, 38), (35, 70), (28, 100)],
    ]),
];
