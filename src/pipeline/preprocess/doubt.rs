//! Signs that photographs reached the network in a form that it does not know.

/// Photographs from which on the same answer to all of them is suspicious.
const SEVERAL: usize = 4;
/// Classes from which on a small largest probability is suspicious.
const MANY_CLASSES: usize = 10;
/// A mean largest probability below this, or below three times chance, is small.
const SMALL: f64 = 0.15;

/// A remark where the most probable class and its probability of each photograph, `best`, make one doubt the preprocessing of a
/// head of so many classes.
pub fn doubt(best: &[(usize, f64)], classes: usize) -> Option<String> {
    let count = best.len();
    let mean = best.iter().map(|(_, probability)| probability).sum::<f64>() / count.max(1) as f64;
    let advice = "Wrong preprocessing is the commonest cause: look at the picture of the input, and try another --preprocess (or the \
                  chapter's key `preprocess`)";
    if count >= SEVERAL && classes > 2 && best.iter().all(|(class, _)| *class == best[0].0) {
        return Some(format!(
            "All {count} photographs get the same class. If they do not show the same thing: {advice}."
        ));
    }
    let small = mean < SMALL.max(3.0 / classes.max(1) as f64);
    (count > 0 && classes >= MANY_CLASSES && small).then(|| {
        let percent = 100.0 * mean;
        format!("The network is sure of nothing: its most probable class has {percent:.0} % on average. {advice}.")
    })
}

#[cfg(test)]
mod tests {
    use super::doubt;

    #[test]
    fn sure_and_different_answers_raise_no_doubt() {
        assert_eq!(doubt(&[(1, 0.7), (2, 0.6), (3, 0.2), (4, 0.9)], 1000), None);
        assert_eq!(doubt(&[], 1000), None);
        assert_eq!(doubt(&[(1, 0.5); 3], 1000), None, "three alike are no reason");
        assert_eq!(doubt(&[(1, 0.5); 9], 2), None, "of two classes one may well be all there is");
    }

    #[test]
    fn the_same_answer_to_all_and_small_probabilities_do() {
        assert!(doubt(&[(1, 0.9); 4], 1000).unwrap().starts_with("All 4 photographs"));
        assert!(doubt(&[(1, 0.1), (2, 0.06)], 1000).unwrap().contains("has 8 % on average"));
        assert!(doubt(&[(1, 0.25), (2, 0.3)], 10).is_some() && doubt(&[(1, 0.35), (2, 0.4)], 10).is_none());
    }
}
