//! Does resizing explain that heatmaps do not overlap the shape exactly?

use crate::measure::bootstrap::{Interval, Sampled, interval_of, interval_of_samples, samples};
use crate::measure::mean;
use crate::measure::overlap::THRESHOLDS;
use crate::study::claims::unit::{Unit, number, percent};
use crate::study::claims::words::{count, standing};
use crate::study::claims::{
    Basis, Detail, Evidence, Judgement, Measurements, Network, Rule, Topic, Verdict, chart_of, threshold,
};
use crate::study::measurements::Overlap;

/// The share of the maximum that decides: from half of it on, readers take a map's pixels for marked.
const DECIDING: f64 = THRESHOLDS[1];

/// One network's maps that follow the shape, at one threshold.
struct Followed<'a> {
    network: &'a Network,
    /// Image by image, summed over the heads whose map follows the shape.
    images: Vec<Sums>,
    maps: usize,
}

/// The maps of one image that follow the shape.
#[derive(Default, Clone, Copy)]
struct Sums {
    maps: usize,
    /// Intersection over union of the stretched maps, of the placed ones, and of the best on the grid.
    stretched: f64,
    placed: f64,
    best: f64,
}

/// *Some heatmaps do not overlap the shape exactly although they follow it; the cause is the resizing of the heatmap to
/// the image.*
///
/// The mismatch 1 − IoU of the stretched map has three parts: what placing the cells where they look regains, what no
/// map on this grid could reach, and the rest, which is the map's own. Resizing explains the first two.
pub(crate) fn resizing(measurements: &Measurements) -> Option<Evidence> {
    let at = |cut: f64| measurements.networks.iter().filter_map(move |network| followed(network, cut));
    let all: Vec<Followed> = at(DECIDING).collect();
    let seed = measurements.seed;
    let share = mean_of(&all, seed, Sums::explained)?;
    let mismatch = mean_of(&all, seed, Sums::mismatch)?;
    let maps = all.iter().map(Followed::follow).sum();
    let conditions = vec![
        Judgement::new(
            "mismatch (1 − intersection over union)",
            Unit::Share,
            mismatch,
            Basis::of(maps, 1),
            threshold::MISMATCH,
        ),
        Judgement::new(
            "share of it that resizing explains",
            Unit::Share,
            share,
            Basis::of(maps, 1),
            threshold::RESIZING,
        ),
    ];
    let parts: Vec<Judgement> = all.iter().filter_map(|f| judgement(f, seed)).collect();
    let average = |of: fn(&Followed) -> f64| number(mean(&all.iter().map(of).collect::<Vec<_>>()).unwrap_or(0.0));
    let statement = "Some heatmaps do not overlap the shape exactly although they follow it; the cause is the resizing of the heatmap to the image.";
    Some(Evidence {
        result: format!(
            "Cut at {} of their maximum, maps stretched to the image overlap the shape by {} (intersection over union); cells at their true places give {}, and the best map found on the same grid reaches {}. Two conditions decide, by the means over the networks. There must be a mismatch: {}. And resizing must explain more than half of it: {}; one by one this is {}.{}",
            percent(DECIDING),
            average(|f| f.level(|s| s.stretched)),
            average(|f| f.level(|s| s.placed)),
            average(|f| f.level(|s| s.best)),
            conditions[0].held(),
            conditions[1].held(),
            standing("networks", &parts),
            if conditions[1].verdict == Verdict::NotSupported { " Most of the mismatch is where the network looks." } else { "" },
        ),
        statistic: "share of the mismatch that resizing explains".into(),
        cases: format!(
            "Grad-CAM maps with at least {} times chance on the shape, of {}",
            number(threshold::FOLLOWS),
            all.iter().map(|f| f.maps).sum::<usize>()
        ),
        control: "the same maps with their cells at the centres of their receptive fields, and the best map found on the same grid".into(),
        why: "the cause is what explains more than half".into(),
        details: THRESHOLDS.iter().flat_map(|cut| at(*cut).filter_map(|f| detail(&f, *cut, seed)).collect::<Vec<_>>()).collect(),
        figures: all.iter().flat_map(|f| f.network.figures.heatmaps.iter().cloned()).collect(),
        chart: parts.first().map(|_| chart_of("share of the mismatch that resizing explains", &parts, &conditions[1])),
        parts,
        ..Evidence::of(Topic::Resizing, statement, Rule::Conditions, conditions)
    })
}

impl Sums {
    /// The sum over some images.
    fn of(images: &[Sums], positions: impl Iterator<Item = usize>) -> Sums {
        positions.filter_map(|at| images.get(at)).fold(Sums::default(), |sum, image| Sums {
            maps: sum.maps + image.maps,
            stretched: sum.stretched + image.stretched,
            placed: sum.placed + image.placed,
            best: sum.best + image.best,
        })
    }

    /// The explained share of the mismatch; no number where there is none.
    fn explained(&self) -> f64 {
        let mismatch = self.maps as f64 - self.stretched;
        let explained = self.placed - self.stretched + self.maps as f64 - self.best;
        if mismatch > 0.0 { explained / mismatch } else { f64::NAN }
    }

    /// The mean mismatch; no number without maps.
    fn mismatch(&self) -> f64 {
        1.0 - self.stretched / self.maps as f64
    }
}

impl Followed<'_> {
    /// Maps that follow the shape.
    fn follow(&self) -> usize {
        self.images.iter().map(|image| image.maps).sum()
    }

    /// The mean of one of the overlaps over the maps that follow the shape.
    fn level(&self, of: fn(&Sums) -> f64) -> f64 {
        crate::measure::quotient(self.images.iter().map(of).sum::<f64>(), self.follow() as f64, 0.0)
    }

    fn interval(&self, seed: u64, of: fn(&Sums) -> f64) -> Option<Interval> {
        interval_of(self.images.len(), seed, |drawn| of(&Sums::of(&self.images, drawn.iter().copied())))
    }
}

/// The mean over networks of a number, images of one sample drawn for all its networks together.
fn mean_of(all: &[Followed], seed: u64, of: fn(&Sums) -> f64) -> Option<Interval> {
    let cases: Vec<Sampled> =
        all.iter().map(|f| Sampled { sample: &f.network.sample, values: vec![0.0; f.images.len()] }).collect();
    let (names, sizes) = samples(&cases);
    interval_of_samples(&sizes, seed, |drawn| {
        let of_network = |(f, case): (&Followed, &Sampled)| {
            let sample = names.iter().position(|name| *name == case.sample).unwrap_or(0);
            of(&Sums::of(&f.images, drawn[sample].iter().copied()))
        };
        all.iter().zip(&cases).map(of_network).sum::<f64>() / all.len() as f64
    })
}

fn judgement(followed: &Followed, seed: u64) -> Option<Judgement> {
    let interval = followed.interval(seed, Sums::explained)?;
    let basis = Basis::of(followed.follow(), 1);
    Some(Judgement::new(&followed.network.name, Unit::Share, interval, basis, threshold::RESIZING))
}

fn detail(followed: &Followed, cut: f64, seed: u64) -> Option<Detail> {
    let explained = followed.interval(seed, Sums::explained)?;
    Some(Detail {
        name: format!("{}, cut at {}", followed.network.name, percent(cut)),
        text: format!(
            "intersection over union stretched {}, cells at their places {}, best found on the grid {}; resizing explains {} of the mismatch; {} of {} follow the shape",
            number(followed.level(|s| s.stretched)),
            number(followed.level(|s| s.placed)),
            number(followed.level(|s| s.best)),
            Unit::Share.with_interval(&explained),
            followed.follow(),
            count(followed.maps, "map")
        ),
    })
}

/// The maps of one network that follow the shape; `None` if there are none.
fn followed(network: &Network, cut: f64) -> Option<Followed<'_>> {
    let heads: Vec<&Overlap> =
        network.heads.iter().filter_map(|h| h.overlaps.iter().find(|o| o.threshold == cut)).collect();
    let images =
        heads.iter().map(|o| o.stretched.len().min(o.placed.len()).min(o.best.len()).min(o.lift.len())).min()?;
    let mut sums = vec![Sums::default(); images];
    for overlap in &heads {
        for (i, sum) in sums.iter_mut().enumerate().filter(|(i, _)| overlap.lift[*i] >= threshold::FOLLOWS) {
            sum.maps += 1;
            sum.stretched += overlap.stretched[i];
            sum.placed += overlap.placed[i];
            // The search for the best map is not exhaustive; the map at hand may have found better.
            sum.best += overlap.best[i].max(overlap.placed[i]).max(overlap.stretched[i]);
        }
    }
    let followed = Followed { network, images: sums, maps: images * heads.len() };
    (followed.follow() > 0).then_some(followed)
}
