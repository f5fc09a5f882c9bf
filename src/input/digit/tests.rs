use super::*;

#[test]
fn the_bytes_are_pinned() {
    let digest = samples(1, 200).fold(0u64, |hash, sample| {
        sample.image.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
    });
    assert_eq!(digest, 15_988_442_569_018_503_796, "FNV-1a of the first 200 images of seed 1");
}

#[test]
fn a_sample_does_not_depend_on_the_others() {
    let all: Vec<Sample> = samples(3, 60).collect();
    assert_eq!(all[57], sample(3, 7, 5));
    assert_ne!(sample(3, 7, 5).image, sample(4, 7, 5).image);
    assert_ne!(sample(3, 7, 5).image, sample(3, 7, 6).image);
    assert_eq!(sample(3, 17, 5), sample(3, 7, 5), "digits are taken modulo ten");
    sample(u64::MAX, usize::MAX, usize::MAX);
}

#[test]
fn digits_are_normalised_as_mnist_is() {
    let count = 1000;
    let (mut filled, mut intensity) = (0, 0.0);
    for sample in samples(2, count) {
        let inked = |axis: usize| {
            let lines: Vec<usize> =
                (0..SIDE).filter(|i| sample.image.index_axis(ndarray::Axis(axis), *i).iter().any(|v| *v > 0)).collect();
            (lines[0], lines[lines.len() - 1] + 1)
        };
        let ((top, bottom), (left, right)) = (inked(0), inked(1));
        let (height, width) = (bottom - top, right - left);
        assert!(height <= 20 && width <= 20, "{}: the ink is {width}×{height}", sample.label);
        filled += usize::from(height.max(width) == 20);

        let mass: f64 = sample.image.iter().map(|v| f64::from(*v)).sum();
        let centre = |axis: usize| {
            let moments = sample.image.indexed_iter().map(|(at, v)| f64::from(*v) * ([at.0, at.1][axis] as f64 + 0.5));
            moments.sum::<f64>() / mass
        };
        for axis in 0..2 {
            assert!((centre(axis) - 14.0).abs() <= 0.51, "{}: centred at {}", sample.label, centre(axis));
        }
        intensity += mass / (255.0 * (SIDE * SIDE) as f64 * count as f64);
    }
    assert!(filled > count * 19 / 20, "the ink should fill the box: {filled} of {count}");
    // MNIST's mean intensity is 0.131.
    assert!((0.11..0.145).contains(&intensity), "{intensity}");
}

#[test]
fn the_mask_is_the_ink() {
    for sample in samples(4, 100) {
        let ink = sample.mask.iter().filter(|inked| **inked).count();
        assert!((25..250).contains(&ink), "{}: {ink} pixels of ink", sample.label);
        assert!(sample.mask.iter().zip(&sample.image).all(|(inked, value)| *inked == (*value >= 128)));
    }
}

#[test]
fn every_variant_is_chosen_as_often_as_its_weight_says() {
    for (digit, variants) in skeleton::DIGITS.iter().enumerate() {
        let total: f64 = variants.iter().map(|variant| variant.weight).sum();
        let mut random = Random::new(6, digit as u64);
        let chosen: Vec<_> = (0..4000).map(|_| skeleton::choose(digit, &mut random)).collect();
        for variant in *variants {
            let share = chosen.iter().filter(|skeleton| std::ptr::eq(**skeleton, variant)).count() as f64 / 4000.0;
            assert!((share - variant.weight / total).abs() < 0.03, "{digit}: {share}");
        }
    }
}
