//! *May I trust this map?* — answered from the measurements of the chapter at hand.

use crate::study::claims::words::{list, number, percent};
use crate::study::claims::{Evidence, Measurements, Verdict, summary};

/// The answer, one paragraph. It uses the claims that were evaluated and says what could not be measured.
pub fn trust(measurements: &Measurements, evidence: &[Evidence]) -> String {
    let claim = |number: u8| evidence.iter().find(|e| e.number == number);
    let mut sentences = vec!["Heatmaps are diagnostic evidence, not causal proof.".to_string()];
    sentences.extend(claim(1).map(attention));
    if claim(1).is_none() {
        sentences.push("Without masks nobody can say here whether the maps lie on the object.".into());
    }
    sentences.extend(separated(measurements));
    sentences.extend(claim(14).map(|e| {
        let left = number(e.statistic.interval.value);
        match e.verdict {
            Verdict::Supported => format!("Drawing all weights anew leaves a rank correlation of only {left} with the map: it depends on what was learned."),
            Verdict::NotSupported => format!("Drawing all weights anew leaves a rank correlation of {left} with the map: at many heads most of its order comes from the image and the architecture."),
            Verdict::Undecided => format!("Drawing all weights anew leaves a rank correlation of {left} with the map, which does not decide how much of it was learned."),
        }
    }));
    sentences.extend(claim(15).map(|e| match e.verdict {
        Verdict::Supported => "Removing the pixels it ranks first lowers the score faster than removing those of any control, so it does mark what matters.".to_string(),
        Verdict::NotSupported => "Removing the pixels it ranks first lowers the score no faster than the best control does, which knows only the image.".to_string(),
        Verdict::Undecided => "Whether the pixels it ranks first matter more than those of the best control is undecided.".to_string(),
    }));
    sentences.extend(empty(measurements));
    sentences.push(advice(claim(1)).to_string());
    sentences.join(" ")
}

fn attention(evidence: &Evidence) -> String {
    let found = match evidence.verdict {
        Verdict::Supported => {
            "In most networks of this chapter Grad-CAM lies on the object more than it does with random weights"
        }
        Verdict::NotSupported => {
            "In this chapter that Grad-CAM lies on the object says little: with random weights it does so nearly as much"
        }
        Verdict::Undecided => "Whether Grad-CAM lies on the object because of training is undecided in this chapter",
    };
    let hires = evidence.beside.as_ref().map_or(String::new(), |b| {
        let link = if b.verdict == evidence.verdict {
            "and by HiResCAM the verdict is the same"
        } else {
            "but HiResCAM's verdict differs"
        };
        format!(", {link} ({})", b.verdict.word())
    });
    format!("{found} (difference {} times chance){hires}.", number(evidence.statistic.interval.value))
}

/// Names the method that tells trained from random networks better, by the ratio of the means over heads.
fn separated(measurements: &Measurements) -> Option<String> {
    let rows = summary(measurements);
    let ratio = |pairs: Vec<(f64, f64)>| {
        let (trained, copies) = pairs.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
        (copies > 0.0).then(|| trained / copies)
    };
    let grad_cam = ratio(rows.iter().filter_map(|r| Some((r.grad_cam?, r.grad_cam_copies?))).collect())?;
    let hires_cam = ratio(rows.iter().filter_map(|r| Some((r.hires_cam?, r.hires_cam_copies?))).collect())?;
    if grad_cam.max(hires_cam) <= 1.0 {
        return Some(
            "Neither Grad-CAM nor HiResCAM puts more energy on the object than it does with random weights.".into(),
        );
    }
    if (grad_cam - hires_cam).abs() < 0.01 {
        return Some(format!(
            "Grad-CAM and HiResCAM tell trained networks from random ones equally well: {} times the copies' energy on the object.",
            number(grad_cam)
        ));
    }
    let (better, b, w) =
        if hires_cam > grad_cam { ("HiResCAM", hires_cam, grad_cam) } else { ("Grad-CAM", grad_cam, hires_cam) };
    Some(format!(
        "Of the two methods {better} tells trained networks from random ones better: {} times the copies' energy on the object, against {}.",
        number(b),
        number(w)
    ))
}

fn empty(measurements: &Measurements) -> Option<String> {
    let rows = summary(measurements);
    let (maps, empty) = rows.iter().fold((0, 0), |sum, r| (sum.0 + r.maps, sum.1 + r.empty));
    let worst = rows.iter().filter(|r| r.maps > 0).max_by(|a, b| (a.empty * b.maps).cmp(&(b.empty * a.maps)))?;
    if empty == 0 {
        return Some("No Grad-CAM map is empty.".into());
    }
    let share = |empty: usize, maps: usize| percent(crate::measure::quotient(empty as f64, maps as f64, 0.0));
    let place = list(&[worst.network.as_str(), worst.head.as_str()]).replace(" and ", ", ");
    Some(format!(
        "{} of the Grad-CAM maps are empty (most at {place}, {}): there the method says nothing, which is not the same as nothing being there.",
        share(empty, maps),
        share(worst.empty, worst.maps)
    ))
}

fn advice(attention: Option<&Evidence>) -> &'static str {
    let agrees = |e: &Evidence| e.beside.as_ref().is_none_or(|b| b.verdict == Verdict::Supported);
    match attention {
        Some(e) if e.verdict == Verdict::Supported && agrees(e) => {
            "So a single map may be read as a hint where the network looks; whether a part of the image decides, only changing that part tells."
        }
        _ => {
            "So do not conclude from a single map that the network uses what it shows; change that part of the image and see whether the score follows."
        }
    }
}
