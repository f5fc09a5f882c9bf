//! Claims 4 to 6: patterns, colours and combinations of filters.

use crate::measure::bootstrap::{against_copies, mean_interval};
use crate::measure::color::{deviations, mean_hue};
use crate::measure::participation::selectivity;
use crate::study::claims::measurements::{Filled, Filters};
use crate::study::claims::words::{count, number, with_interval};
use crate::study::claims::{
    Detail, Evidence, Measurements, Network, Role, Statistic, Threshold, Verdict, judge, threshold,
};

/// *The learned filters show intricate patterns.*
pub(crate) fn claim_4(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::PATTERN;
    // The filters of a network are all there are, not a sample; no smallest number is asked for.
    let judged = judge::judged(measurements, margin, 1, |network| {
        let layers = network.filters.iter().filter_map(|f| f.patterns.as_ref()).map(|p| p.with_chance(0.0));
        Filled::joined(&layers.collect::<Vec<_>>())
    });
    let (verdict, interval) = judge::on_most(&judged)?;
    let mut details = judge::details(&judged, "");
    for j in &judged {
        details.extend(j.network.filters.iter().filter_map(|layer| layer_detail(j.network, layer)));
    }
    Some(Evidence {
        number: 4,
        statement: "The learned filters show intricate patterns.".into(),
        verdict,
        result: format!(
            "Pattern of the kernels on a scale from 0 (flat, or a single point) to 1 (a pure grating): {}; {}. Mean difference {}.{}",
            judge::levels(&judged),
            judge::sentence(&judged),
            with_interval(&interval),
            judge::meaning(verdict)
        ),
        statistic: Statistic {
            name: "pattern of the kernels (contrast times concentration of the spectrum) beyond the re-initialised copies', mean over networks".into(),
            unit: String::new(),
            interval,
        },
        n: judge::cases(&judged),
        cases: "filters".into(),
        control: "kernels of re-initialised copies: white noise of the same shapes".into(),
        threshold: Threshold {
            value: margin,
            rule: judge::rule(margin),
            why: "white noise itself scores 0.05 in a 7×7 colour kernel; a learned pattern should score as much again".into(),
        },
        beside: None,
        details,
        figures: judge::figures(&judged, |n| n.figures.filters.clone()),
        chart: Some(judge::chart(&judged, "pattern of the kernels, trained − re-initialised", margin)),
    })
}

fn layer_detail(network: &Network, layer: &Filters) -> Option<Detail> {
    let patterns = layer.patterns.as_ref()?.with_chance(0.0);
    let trained = crate::measure::mean(&patterns.trained)?;
    let copies = crate::measure::mean(&patterns.copies.concat())?;
    let text = format!(
        "pattern {}, copies {}; {} of {} filters answered",
        number(trained),
        number(copies),
        layer.alive,
        layer.total
    );
    Some(Detail { name: format!("{}, {}", network.name, layer.layer), text })
}

/// *With three input channels, filters of varied colours appear.*
pub(crate) fn claim_5(measurements: &Measurements) -> Option<Evidence> {
    let margin = threshold::COLOR;
    let first_colors = |network: &Network| network.filters.iter().find_map(|f| f.colors.clone());
    let judged = judge::judged(measurements, margin, 1, |network| {
        let colors = first_colors(network)?;
        Some(Filled {
            trained: deviations(&colors.trained),
            copies: colors.copies.iter().map(|c| deviations(c)).collect(),
        })
    });
    let (verdict, interval) = judge::on_most(&judged)?;
    let mut details = judge::details(&judged, "");
    for j in &judged {
        let Some(colors) = first_colors(j.network) else { continue };
        let saturation =
            mean_interval(&colors.trained.iter().map(|c| c.saturation).collect::<Vec<_>>(), measurements.seed);
        let hue = mean_hue(&colors.trained)
            .map_or("none".to_string(), |(hue, length)| format!("{hue:.0}° (length {})", number(length)));
        let saturation = saturation.map_or(String::new(), |s| with_interval(&s));
        details.push(Detail {
            name: format!("{}: hue and saturation", j.network.name),
            text: format!("mean hue {hue}; mean saturation {saturation}; judged in the channels that vary in the data"),
        });
    }
    Some(Evidence {
        number: 5,
        statement: "With three input channels, filters of varied colours appear.".into(),
        verdict,
        result: format!(
            "Mean distance of the first filters' colours from their mean colour (0 all alike, 1 opposite hues in full saturation): {}; {}. Mean difference {}.{}",
            judge::levels(&judged),
            judge::sentence(&judged),
            with_interval(&interval),
            judge::meaning(verdict)
        ),
        statistic: Statistic {
            name: "mean distance of the filters' colours from their mean colour beyond the re-initialised copies', mean over networks".into(),
            unit: String::new(),
            interval,
        },
        n: judge::cases(&judged),
        cases: "first-layer filters".into(),
        control: "first layers of re-initialised copies, whose colours vary by chance".into(),
        threshold: Threshold { value: margin, rule: judge::rule(margin), why: "a tenth of full saturation is about what one sees as another tint".into() },
        beside: None,
        details,
        figures: judge::figures(&judged, |n| n.figures.filters.first().cloned().into_iter().collect()),
        chart: Some(judge::chart(&judged, "variety of colours, trained − re-initialised", margin)),
    })
}

/// *In Variation 3, two consecutive filter layers show how the second combines small details of the first.* In other
/// chapters the first network with two convolutions is meant.
pub(crate) fn claim_6(measurements: &Measurements) -> Option<Evidence> {
    let second = |network: &Network| network.filters.iter().position(|f| f.participation.is_some());
    let networks = &measurements.networks;
    let network = networks
        .iter()
        .find(|n| n.role == Role::Variation(3) && second(n).is_some())
        .or_else(|| networks.iter().find(|n| second(n).is_some()))?;
    let position = second(network)?;
    let layer = network.filters.get(position)?;
    let first = position.checked_sub(1).and_then(|p| network.filters.get(p));
    let ratios = layer.participation.as_ref()?.with_chance(0.0);
    let selective = |ratios: &Vec<f64>| ratios.iter().map(|r| selectivity(*r, layer.inputs)).collect::<Vec<f64>>();
    let filled = Filled { trained: selective(&ratios.trained), copies: ratios.copies.iter().map(selective).collect() };
    let contrast = against_copies(&filled.trained, &filled.copies, measurements.seed)?;
    let combined = mean_interval(&ratios.trained, measurements.seed)?;
    let of_copies = crate::measure::mean(&ratios.copies.concat()).unwrap_or(0.0);

    let margin = threshold::SELECTIVITY;
    let verdict =
        judge::all(&[judge::against_margin(&contrast, margin, 1), judge::above(&combined, threshold::COMBINED)]);
    let sees = first.map_or(String::new(), |f| {
        format!(
            " A filter of {} sees {} px of the image, one of {} {} px.",
            f.layer, f.receptive_field, layer.layer, layer.receptive_field
        )
    });
    let meaning = match verdict {
        Verdict::NotSupported if combined.high < threshold::COMBINED => " So they combine next to nothing.",
        Verdict::NotSupported => {
            " Random weights combine the first layer about as selectively: the combination cannot be credited to training."
        }
        Verdict::Supported | Verdict::Undecided => "",
    };
    let judged = [judge::Judged { network, verdict, contrast: contrast.clone() }];
    let statement = "two consecutive filter layers show how the second combines small details of the first.";
    Some(Evidence {
        number: 6,
        statement: format!("In {}, {statement}", network.name),
        verdict,
        result: format!(
            "The {} filters of {} combine {} of {} inputs each, those of re-initialised copies {}; they are more selective by {}.{sees}{meaning}",
            layer.total.max(ratios.trained.len()),
            layer.layer,
            with_interval(&combined),
            layer.inputs,
            number(of_copies),
            with_interval(&contrast.difference),
        ),
        statistic: Statistic {
            name: "selectivity of the second layer's filters beyond the re-initialised copies'".into(),
            unit: String::new(),
            interval: contrast.difference,
        },
        n: contrast.n,
        cases: format!("filters of {}", layer.layer),
        control: "the same layer in re-initialised copies, which reads all inputs nearly alike".into(),
        threshold: Threshold {
            value: margin,
            rule: format!(
                "the 95 % interval of trained − re-initialised lies above {}, and a filter combines more than {} inputs",
                number(margin),
                number(threshold::COMBINED)
            ),
            why: format!(
                "a tenth of the way from reading all to reading one is about one of {} fewer",
                count(layer.inputs, "input")
            ),
        },
        beside: None,
        details: judge::details(&judged, ""),
        figures: network.figures.filters.clone(),
        chart: Some(judge::chart(&judged, "selectivity, trained − re-initialised", margin)),
    })
}
