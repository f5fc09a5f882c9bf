//! The range of numbers.

/// Smallest and largest of the finite values; `None` if there are none.
pub fn range(values: impl IntoIterator<Item = f32>) -> Option<(f32, f32)> {
    let none = (f32::INFINITY, f32::NEG_INFINITY);
    let wider = |(low, high): (f32, f32), value: f32| (low.min(value), high.max(value));
    let (low, high) = values.into_iter().filter(|value| value.is_finite()).fold(none, wider);
    (low <= high).then_some((low, high))
}
