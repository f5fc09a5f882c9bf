//! Numbers of a network beside those of its re-initialised copies, and what stands for the gaps among them.

use crate::measure::mean;
use serde::Serialize;

/// Numbers of the trained network beside those of its re-initialised copies, image by image (or filter by filter).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    pub trained: Vec<Option<f64>>,
    /// copies[copy][image].
    pub copies: Vec<Vec<Option<f64>>>,
}

impl Comparison {
    /// A comparison without gaps.
    pub fn complete(trained: Vec<f64>, copies: Vec<Vec<f64>>) -> Comparison {
        let some = |values: Vec<f64>| values.into_iter().map(Some).collect();
        Comparison { trained: some(trained), copies: copies.into_iter().map(some).collect() }
    }

    /// Trained and copies with `chance` for what is missing or not finite.
    pub(crate) fn with_chance(&self, chance: f64) -> Filled {
        let fill = |values: &Vec<Option<f64>>| values.iter().map(|v| finite(*v).unwrap_or(chance)).collect();
        Filled { trained: fill(&self.trained), copies: self.copies.iter().map(fill).collect() }
    }

    /// Trained and copies with the copies' own level as chance: what a copy lacks is the mean of the copies for that
    /// image (of all images, where none has it); what the trained network lacks is the same, so that its gaps count
    /// neither for nor against it. `None` if no copy has anything.
    pub(crate) fn with_copies_as_chance(&self) -> Option<Filled> {
        let all: Vec<f64> = self.copies.iter().flatten().filter_map(|v| finite(*v)).collect();
        let overall = mean(&all)?;
        let at =
            |copy: &Vec<Option<f64>>, image: usize| copy.get(image).copied().flatten().and_then(|v| finite(Some(v)));
        let level: Vec<f64> = (0..self.trained.len())
            .map(|i| mean(&self.copies.iter().filter_map(|c| at(c, i)).collect::<Vec<_>>()).unwrap_or(overall))
            .collect();
        let trained = self.trained.iter().zip(&level).map(|(v, level)| finite(*v).unwrap_or(*level)).collect();
        let copies =
            self.copies.iter().map(|c| level.iter().enumerate().map(|(i, level)| at(c, i).unwrap_or(*level)).collect());
        Some(Filled { trained, copies: copies.collect() })
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// A comparison whose gaps are filled: what [`crate::measure::contrast::against_copies`] reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filled {
    pub trained: Vec<f64>,
    pub copies: Vec<Vec<f64>>,
}

impl Filled {
    /// Image by image the mean over several (the heads of a network over the same images), cut to the shortest.
    pub(crate) fn mean_of(parts: &[Filled]) -> Option<Filled> {
        let copies = parts.iter().map(|p| p.copies.len()).min()?;
        let average = |rows: Vec<&Vec<f64>>| -> Vec<f64> {
            let images = rows.iter().map(|row| row.len()).min().unwrap_or(0);
            (0..images).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len() as f64).collect()
        };
        Some(Filled {
            trained: average(parts.iter().map(|p| &p.trained).collect()),
            copies: (0..copies).map(|c| average(parts.iter().map(|p| &p.copies[c]).collect())).collect(),
        })
    }

    /// Puts several behind one another (the layers of a network, filter by filter).
    pub(crate) fn joined(parts: &[Filled]) -> Option<Filled> {
        let copies = parts.iter().map(|p| p.copies.len()).min()?;
        Some(Filled {
            trained: parts.iter().flat_map(|p| p.trained.iter().copied()).collect(),
            copies: (0..copies).map(|c| parts.iter().flat_map(|p| p.copies[c].iter().copied()).collect()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_become_chance() {
        let comparison = Comparison {
            trained: vec![Some(4.0), None, Some(f64::NAN)],
            copies: vec![vec![Some(2.0), None, Some(3.0)]],
        };
        let filled = comparison.with_chance(1.0);
        assert_eq!(filled, Filled { trained: vec![4.0, 1.0, 1.0], copies: vec![vec![2.0, 1.0, 3.0]] });
    }

    #[test]
    fn gaps_of_the_trained_network_become_its_copies_level() {
        let comparison = Comparison {
            trained: vec![Some(4.0), None, None],
            copies: vec![vec![Some(2.0), None, None], vec![Some(4.0), Some(6.0), None]],
        };
        let filled = comparison.with_copies_as_chance().unwrap();
        assert_eq!(filled.trained, vec![4.0, 6.0, 4.0]);
        assert_eq!(filled.copies, vec![vec![2.0, 6.0, 4.0], vec![4.0, 6.0, 4.0]]);
        assert_eq!(Comparison { trained: vec![Some(1.0)], copies: vec![vec![None]] }.with_copies_as_chance(), None);
    }

    #[test]
    fn heads_are_averaged_and_layers_joined() {
        let a = Comparison::complete(vec![1.0, 2.0], vec![vec![0.0, 0.0]]).with_chance(0.0);
        let b = Comparison::complete(vec![3.0, 6.0, 9.0], vec![vec![2.0, 4.0, 6.0], vec![1.0; 3]]).with_chance(0.0);
        let mean = Filled::mean_of(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(mean, Filled { trained: vec![2.0, 4.0], copies: vec![vec![1.0, 2.0]] });
        assert_eq!(Filled::joined(&[a, b]).unwrap().copies, vec![vec![0.0, 0.0, 2.0, 4.0, 6.0]]);
        assert_eq!(Filled::mean_of(&[]), None);
    }
}
