//! The summary table: one row per network and head.

use crate::measure::accuracy::Proportion;
use crate::measure::mean;
use crate::study::measurements::{Maps, Measurements};
use serde::Serialize;

/// A row of the summary table; `None` where the inputs do not allow the number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryRow {
    pub network: String,
    pub head: String,
    pub accuracy: Option<Proportion>,
    /// Mean energy on the object in multiples of chance; empty maps count as chance.
    pub grad_cam: Option<f64>,
    /// The same of the re-initialised copies.
    pub grad_cam_copies: Option<f64>,
    pub hires_cam: Option<f64>,
    pub hires_cam_copies: Option<f64>,
    /// Grad-CAM maps, and the empty ones.
    pub maps: usize,
    pub empty: usize,
    /// Images whose gradient is zero everywhere, behind the softmax and of the logit.
    pub zero_gradients: Option<[usize; 2]>,
    /// Filters of the network that answered some image, and all.
    pub filters_alive: usize,
    pub filters: usize,
}

/// One row per network and head, in the networks' order.
pub fn summary(measurements: &Measurements) -> Vec<SummaryRow> {
    let mut rows = Vec::new();
    for network in &measurements.networks {
        for head in &network.heads {
            let (grad_cam, grad_cam_copies) = lifts(&head.grad_cam);
            let (hires_cam, hires_cam_copies) = lifts(&head.hires_cam);
            rows.push(SummaryRow {
                network: network.name.clone(),
                head: head.name.clone(),
                accuracy: head.accuracy(),
                grad_cam,
                grad_cam_copies,
                hires_cam,
                hires_cam_copies,
                maps: head.grad_cam.maps,
                empty: head.grad_cam.empty,
                zero_gradients: head.gradients.as_ref().map(|g| [g.softmax_zero(), g.logit_zero()]),
                filters_alive: network.filters.iter().map(|f| f.alive).sum(),
                filters: network.filters.iter().map(|f| f.total).sum(),
            });
        }
    }
    rows
}

/// Means of the trained network and of its copies.
fn lifts(maps: &Maps) -> (Option<f64>, Option<f64>) {
    let filled = maps.lift.as_ref().map(|l| l.with_chance(1.0));
    (filled.as_ref().and_then(|f| mean(&f.trained)), filled.and_then(|f| mean(&f.copies.concat())))
}
