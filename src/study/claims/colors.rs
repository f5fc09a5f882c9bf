//! Do filters of varied colours appear?

use crate::measure::bootstrap::mean_interval;
use crate::measure::color::{deviations, mean_hue};
use crate::study::claims::contrasts::{Comparing, Contrasts, mean_over_networks};
use crate::study::claims::unit::{Unit, number};
use crate::study::claims::{Colors, Detail, Evidence, Measurements, Network, Topic, threshold};
use crate::study::measurements::Filled;

/// *With three input channels, filters of varied colours appear.*
pub(crate) fn colors(measurements: &Measurements) -> Option<Evidence> {
    let how = Comparing { unit: Unit::Plain, margin: threshold::COLOR, fewest: 1, shared: false };
    let contrasts = Contrasts::of(measurements, how, |network| {
        let colors = of_first(network)?;
        Some(Filled {
            trained: deviations(&colors.trained),
            copies: colors.copies.iter().map(|c| deviations(c)).collect(),
        })
    })?;
    let mut details = contrasts.details("");
    details.extend(contrasts.all.iter().filter_map(|one| hues(one.network, measurements.seed)));
    let statement = "With three input channels, filters of varied colours appear.";
    Some(Evidence {
        result: format!(
            "Mean distance of the first filters' colours from their mean colour (0 all alike, 1 opposite hues in full saturation): {}. {}",
            contrasts.levels(),
            contrasts.decided_by_mean(),
        ),
        statistic: "mean distance of the filters' colours from their mean colour, trained − random weights".into(),
        cases: "first-layer filters".into(),
        control: contrasts.control("the first layers, whose colours vary by chance,"),
        why: "a tenth of full saturation is about what one sees as another tint".into(),
        details,
        figures: contrasts.figures(|n| n.figures.filters.first().cloned().into_iter().collect()),
        chart: Some(contrasts.chart("variety of colours, trained − random")),
        parts: contrasts.parts(),
        ..Evidence::of(Topic::Colors, statement, mean_over_networks(), vec![contrasts.mean()])
    })
}

fn of_first(network: &Network) -> Option<&Colors> {
    network.filters.iter().find_map(|f| f.colors.as_ref())
}

fn hues(network: &Network, seed: u64) -> Option<Detail> {
    let colors = &of_first(network)?.trained;
    let saturation = mean_interval(&colors.iter().map(|c| c.saturation).collect::<Vec<_>>(), seed)?;
    let hue =
        mean_hue(colors).map_or("none".to_string(), |(hue, length)| format!("{hue:.0}° (length {})", number(length)));
    let saturation = Unit::Plain.with_interval(&saturation);
    Some(Detail {
        name: format!("{}: hue and saturation", network.name),
        text: format!("mean hue {hue}; mean saturation {saturation}; judged in the channels that vary in the data"),
    })
}
