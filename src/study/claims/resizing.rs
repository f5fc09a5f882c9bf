//! Claim 8: does resizing explain that heatmaps do not overlap the shape exactly?

use crate::measure::bootstrap::{Interval, interval_of};
use crate::measure::mean;
use crate::measure::overlap::THRESHOLDS;
use crate::study::claims::measurements::Overlap;
use crate::study::claims::words::{number, percent, percent_with_interval};
use crate::study::claims::{
    Chart, Detail, Evidence, IntervalRow, Measurements, Network, Statistic, Threshold, Verdict, judge, threshold,
};

/// The share of the maximum that decides: from half of it on, readers take a map's pixels for marked.
const DECIDING: f64 = THRESHOLDS[1];

/// Means of one network over the images and heads whose map follows the shape.
struct Means {
    stretched: f64,
    placed: f64,
    best: f64,
    n: usize,
    maps: usize,
}

/// *Some heatmaps do not overlap the shape exactly although they follow it; the cause is the resizing of the heatmap to
/// the image.*
///
/// The mismatch 1 − IoU of the stretched map has three parts: what placing the cells where they look regains, what no
/// map on this grid could reach, and the rest, which is the map's own. Resizing explains the first two.
pub(crate) fn claim_8(measurements: &Measurements) -> Option<Evidence> {
    let mut rows = Vec::new();
    let mut details = Vec::new();
    let mut all = Vec::new();
    let mut figures = Vec::new();
    for network in &measurements.networks {
        for cut in THRESHOLDS {
            let Some((explained, means)) = explained(network, cut, measurements.seed) else { continue };
            details.push(detail(network, cut, &explained, &means));
            if cut == DECIDING {
                rows.push(IntervalRow { label: network.name.clone(), interval: explained, points: Vec::new() });
                figures.extend(network.figures.heatmaps.iter().cloned());
                all.push(means);
            }
        }
    }
    let interval = Interval::mean_of(&rows.iter().map(|r| r.interval).collect::<Vec<_>>())?;
    let average = |of: fn(&Means) -> f64| mean(&all.iter().map(of).collect::<Vec<_>>()).unwrap_or(0.0);
    let (stretched, placed, best) = (average(|m| m.stretched), average(|m| m.placed), average(|m| m.best));
    let exact = 1.0 - stretched < threshold::MISMATCH;
    let verdict = if exact { Verdict::NotSupported } else { judge::above(&interval, threshold::RESIZING) };
    Some(Evidence {
        number: 8,
        statement: "Some heatmaps do not overlap the shape exactly although they follow it; the cause is the resizing of the heatmap to the image.".into(),
        verdict,
        result: format!(
            "Cut at {} of their maximum, maps stretched to the image overlap the shape by {} (intersection over union); cells at their true places give {}, and the best map found on the same grid reaches {}. {} of the mismatch is resizing, the rest is where the network looks.",
            percent(DECIDING),
            number(stretched),
            number(placed),
            number(best),
            percent_with_interval(&interval),
        ),
        statistic: Statistic { name: "share of the mismatch that resizing explains, mean over networks".into(), unit: String::new(), interval },
        n: all.iter().map(|m| m.n).sum(),
        cases: format!("Grad-CAM maps with at least {} times chance on the shape, of {}", number(threshold::FOLLOWS), all.iter().map(|m| m.maps).sum::<usize>()),
        control: "the same maps with their cells at the centres of their receptive fields, and the best map found on the same grid".into(),
        threshold: Threshold {
            value: threshold::RESIZING,
            rule: format!("the 95 % interval lies above {} and the mismatch is at least {}", percent(threshold::RESIZING), percent(threshold::MISMATCH)),
            why: "the cause is what explains more than half".into(),
        },
        beside: None,
        details,
        figures,
        chart: Some(Chart::Intervals { axis: "share of the mismatch that resizing explains".into(), rows, threshold: threshold::RESIZING }),
    })
}

fn detail(network: &Network, cut: f64, explained: &Interval, means: &Means) -> Detail {
    Detail {
        name: format!("{}, cut at {}", network.name, percent(cut)),
        text: format!(
            "intersection over union stretched {}, cells at their places {}, best found on the grid {}; resizing explains {} of the mismatch; {} of {} maps follow the shape",
            number(means.stretched),
            number(means.placed),
            number(means.best),
            percent_with_interval(explained),
            means.n,
            means.maps
        ),
    }
}

/// The explained share of one network at one threshold, images resampled with all their heads; `None` if no map follows
/// the shape.
fn explained(network: &Network, cut: f64, seed: u64) -> Option<(Interval, Means)> {
    let heads: Vec<&Overlap> =
        network.heads.iter().filter_map(|h| h.overlaps.iter().find(|o| o.threshold == cut)).collect();
    let images =
        heads.iter().map(|o| o.stretched.len().min(o.placed.len()).min(o.best.len()).min(o.lift.len())).min()?;
    // Per image: the parts explained and the mismatch, summed over the heads that follow the shape.
    let mut sums = vec![(0.0, 0.0); images];
    let (mut stretched, mut placed, mut best) = (Vec::new(), Vec::new(), Vec::new());
    for overlap in &heads {
        for (i, sum) in sums.iter_mut().enumerate().filter(|(i, _)| overlap.lift[*i] >= threshold::FOLLOWS) {
            // The search for the best map is not exhaustive; the map at hand may have found better.
            let top = overlap.best[i].max(overlap.placed[i]).max(overlap.stretched[i]);
            sum.0 += overlap.placed[i] - overlap.stretched[i] + 1.0 - top;
            sum.1 += 1.0 - overlap.stretched[i];
            stretched.push(overlap.stretched[i]);
            placed.push(overlap.placed[i]);
            best.push(top);
        }
    }
    let share = |cases: &[usize]| {
        let (explained, mismatch) = cases.iter().fold((0.0, 0.0), |t, &i| (t.0 + sums[i].0, t.1 + sums[i].1));
        // A resample without a mismatch says nothing and is dropped.
        if mismatch > 0.0 { explained / mismatch } else { f64::NAN }
    };
    let means = Means {
        stretched: mean(&stretched)?,
        placed: mean(&placed)?,
        best: mean(&best)?,
        n: stretched.len(),
        maps: images * heads.len(),
    };
    Some((interval_of(images, seed, share)?, means))
}
