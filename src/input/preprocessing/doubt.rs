//! Signs that photographs reached the network in a form that it does not know.

use std::collections::BTreeMap;

/// Photographs from which on the same answer to most of them is suspicious, and their share.
const SEVERAL: usize = 4;
const MOST: f64 = 0.6;
/// Classes from which on answers are suspicious at all.
const MANY_CLASSES: usize = 10;
/// A mean largest probability below this is small.
const SMALL: f64 = 0.3;

/// What a head says of photographs: how many, and the sum of the probabilities, by their most probable class.
pub type Answers = BTreeMap<usize, (usize, f64)>;

/// A remark where the answers of a head of so many classes make one doubt the preprocessing.
pub fn doubt(answers: &Answers, classes: usize) -> Option<String> {
    let count: usize = answers.values().map(|(photographs, _)| photographs).sum();
    if classes < MANY_CLASSES || count == 0 {
        return None;
    }
    let mean = answers.values().map(|(_, sum)| sum).sum::<f64>() / count as f64;
    let most = answers.values().map(|(photographs, _)| *photographs).max().unwrap_or(0);
    let sign = if count >= SEVERAL && most as f64 >= MOST * count as f64 {
        format!("{most} of {count} photographs get the same class; that is a bad sign unless they show the same thing.")
    } else if mean < SMALL {
        format!(
            "The most probable class has {:.0} % on average; that is a bad sign on photographs of known things.",
            100.0 * mean
        )
    } else {
        return None;
    };
    Some(format!(
        "{sign} Wrong preprocessing is the commonest cause: compare the picture of the input with what the network was trained on, and \
         try another preset (--preprocess, or the chapter's key `preprocess`)."
    ))
}

#[cfg(test)]
mod tests {
    use super::Answers;

    fn doubt(best: &[(usize, f64)], classes: usize) -> Option<String> {
        let mut answers = Answers::new();
        for (class, probability) in best {
            let (count, sum) = answers.entry(*class).or_default();
            (*count, *sum) = (*count + 1, *sum + probability);
        }
        super::doubt(&answers, classes)
    }

    #[test]
    fn sure_and_different_answers_raise_no_doubt() {
        assert_eq!(doubt(&[(1, 0.7), (2, 0.6), (3, 0.2), (4, 0.9)], 1000), None);
        assert_eq!(doubt(&[], 1000), None);
        assert_eq!(doubt(&[(1, 0.5); 3], 1000), None, "three alike are no reason");
        assert_eq!(doubt(&[(1, 0.5); 9], 2), None, "of two classes one may well be all there is");
    }

    #[test]
    fn the_same_answer_to_most_and_small_probabilities_do() {
        let same = doubt(&[(1, 0.9), (1, 0.8), (1, 0.9), (1, 0.9), (2, 0.9), (3, 0.9)], 1000).unwrap();
        assert!(same.starts_with("4 of 6 photographs get the same class"), "{same}");
        assert!(doubt(&[(1, 0.1), (2, 0.06)], 1000).unwrap().contains("has 8 % on average"));
        assert!(doubt(&[(1, 0.25), (2, 0.3)], 10).is_some() && doubt(&[(1, 0.35), (2, 0.4)], 10).is_none());
    }
}
