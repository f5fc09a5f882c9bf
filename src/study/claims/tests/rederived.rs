//! A verdict made again from the numbers of its JSON by a few lines that share nothing with the rule under test.

use serde_json::Value;

/// The verdict of one number: "supported", "not_supported" or "undecided".
pub(crate) fn of_number(number: &Value) -> &'static str {
    let at = |key: &str| number[key].as_f64().unwrap_or_else(|| panic!("{key} is missing: {number}"));
    if at("n") < at("fewest") || number["copies"].as_f64().is_some_and(|copies| copies < 5.0) {
        return "undecided";
    }
    let beyond = |value: f64| match number["direction"].as_str() {
        Some("above") => value > at("margin"),
        Some("below") => value < at("margin"),
        other => panic!("no direction: {other:?}"),
    };
    match (beyond(at("low")), beyond(at("high"))) {
        (true, true) => "supported",
        (false, false) => "not_supported",
        _ => "undecided",
    }
}

/// The verdict of a claim: what all its deciding numbers come to.
pub(crate) fn verdict(evidence: &Value) -> crate::study::claims::Verdict {
    use crate::study::claims::Verdict::{NotSupported, Supported, Undecided};
    let each: Vec<&str> = evidence["deciding"].as_array().unwrap().iter().map(of_number).collect();
    match each.as_slice() {
        all if all.contains(&"not_supported") => NotSupported,
        all if all.contains(&"undecided") => Undecided,
        _ => Supported,
    }
}
