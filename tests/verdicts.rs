//! Every printed verdict is made again from the numbers in chapter.json, by a few lines that share nothing with the
//! program.

use serde_json::Value;

/// The list under a key; empty where there is none.
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} is no number: {value}"))
}

/// Supported if all of the interval lies beyond the margin, not supported if none of it does, else undecided.
fn of_number(judged: &Value) -> &'static str {
    let few_copies = judged["copies"].as_f64().is_some_and(|copies| copies < 5.0);
    if number(judged, "n") < number(judged, "fewest") || few_copies {
        return "undecided";
    }
    let margin = number(judged, "margin");
    let beyond = |end: &str| match judged["direction"].as_str() {
        Some("above") => number(judged, end) > margin,
        Some("below") => number(judged, end) < margin,
        other => panic!("no direction: {other:?}"),
    };
    match (beyond("low"), beyond("high")) {
        (true, true) => "supported",
        (false, false) => "not_supported",
        _ => "undecided",
    }
}

/// One that fails decides against, else one that is open leaves it open.
fn of_all(judged: &[Value]) -> &'static str {
    let each: Vec<&str> = judged.iter().map(of_number).collect();
    [("not_supported", "not_supported"), ("undecided", "undecided")]
        .iter()
        .find(|(wanted, _)| each.contains(wanted))
        .map_or("supported", |found| found.1)
}

/// Holds all claims of a chapter against their numbers: the verdict in the JSON, that of every number, how the deciding
/// one comes from its parts, and the word on the page. Returns how many claims there are.
pub fn all_follow(json: &Value, markdown: &str) -> usize {
    let claims: Vec<&Value> = ["items", "further"].iter().flat_map(|key| list(&json["inferences"], key)).collect();
    for claim in &claims {
        let data = &claim["data"];
        let of = format!("{} {}", claim["number"], claim["statement"]);
        for judged in list(data, "deciding").iter().chain(list(data, "parts")) {
            assert_eq!(judged["verdict"], of_number(judged), "{of}: {judged}");
            let [low, value, high] = ["low", "value", "high"].map(|key| number(judged, key));
            assert!(low <= value && value <= high, "{of}: {judged}");
        }
        assert!(!list(data, "deciding").is_empty(), "{of} is decided by nothing");
        let verdict = of_all(list(data, "deciding"));
        assert_eq!((&claim["verdict"], &data["verdict"]), (&verdict.into(), &verdict.into()), "{of}");
        assert_eq!(printed(markdown, claim), verdict, "{of}");
        follows_from_parts(data, &of);
        chart_shows_the_parts(data, &of);
    }
    claims.len()
}

/// A mean is the mean of its parts, a count the share of those that are supported or open.
fn follows_from_parts(data: &Value, of: &str) {
    let (decides, parts) = (&list(data, "deciding")[0], list(data, "parts"));
    let share = |wanted: &[&str]| {
        let found = parts.iter().filter(|part| wanted.iter().any(|verdict| part["verdict"] == *verdict)).count();
        found as f64 / parts.len() as f64
    };
    match data["rule"].as_str() {
        Some("mean") => {
            let mean = parts.iter().map(|part| number(part, "value")).sum::<f64>() / parts.len() as f64;
            assert!((number(decides, "value") - mean).abs() < 1e-9 * (1.0 + mean.abs()), "{of}: {mean}");
            // The mean cannot be known worse than the worst of its parts, but for the chance of resampling.
            let width = |judged: &Value| number(judged, "high") - number(judged, "low");
            let widest = parts.iter().map(width).fold(0.0, f64::max);
            assert!(width(decides) <= 1.1 * widest + 1e-9, "{of}");
        }
        Some("count") => {
            assert_eq!(number(decides, "low"), share(&["supported"]), "{of}");
            assert_eq!(number(decides, "high"), share(&["supported", "undecided"]), "{of}");
        }
        Some("conditions") => {}
        other => panic!("{of}: no rule: {other:?}"),
    }
}

/// A chart of intervals has a row for each part, with the part's numbers.
fn chart_shows_the_parts(data: &Value, of: &str) {
    if data["chart"]["kind"] != "intervals" || list(data, "parts").is_empty() {
        return;
    }
    let rows: Vec<f64> = list(&data["chart"], "rows").iter().map(|row| number(row, "value")).collect();
    let parts: Vec<f64> = list(data, "parts").iter().map(|part| number(part, "value")).collect();
    assert_eq!(rows[..parts.len()], parts, "{of}");
    assert!(rows.len() <= parts.len() + 1, "{of}");
}

/// The verdict under a claim's heading on the page.
fn printed(markdown: &str, claim: &Value) -> &'static str {
    let anchor = format!("<a id=\"{}\">", claim["id"].as_str().unwrap());
    let text = markdown.split_once(&anchor).unwrap_or_else(|| panic!("{anchor} is missing")).1;
    let words = [("Supported<", "supported"), ("Not supported<", "not_supported"), ("Undecided<", "undecided")];
    let places = words.iter().filter_map(|(word, verdict)| Some((text.find(word)?, *verdict)));
    places.min().unwrap_or_else(|| panic!("no verdict below {anchor}")).1
}
