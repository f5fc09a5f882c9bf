//! *May I trust this map?* — answered from the measurements of the chapter at hand.

use crate::study::claims::unit::{number, percent};
use crate::study::claims::{Evidence, Judgement, Measurements, Topic, Verdict, summary};

/// The answer, one paragraph. It uses the claims that were evaluated and says what could not be measured.
pub fn trust(measurements: &Measurements, evidence: &[Evidence]) -> String {
    let claim = |topic: Topic| evidence.iter().find(|e| e.topic == topic);
    let mut sentences = vec!["Heatmaps are diagnostic evidence, not causal proof.".to_string()];
    match claim(Topic::Attention) {
        Some(evidence) => sentences.push(attention(evidence)),
        None if has_masks(measurements) => sentences.push(
            "Whether the maps lie on the object because of training was not measured: that needs more images.".into(),
        ),
        None => sentences.push("Without masks nobody can say here whether the maps lie on the object.".into()),
    }
    sentences.extend(separated(measurements));
    sentences.extend(claim(Topic::Randomisation).and_then(randomisation));
    sentences.extend(claim(Topic::Deletion).and_then(deletion));
    sentences.extend(empty(measurements));
    sentences.push(advice(claim(Topic::Attention)).to_string());
    sentences.join(" ")
}

fn has_masks(measurements: &Measurements) -> bool {
    measurements.networks.iter().flat_map(|n| &n.heads).any(|head| head.grad_cam.lift.is_some())
}

fn attention(evidence: &Evidence) -> String {
    let found = match evidence.verdict {
        Verdict::Supported => {
            "In most networks of this chapter Grad-CAM lies on the object more than it does with random weights"
        }
        Verdict::NotSupported => {
            "In at least half of the networks of this chapter Grad-CAM does not lie on the object by the margin more than it does with random weights"
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
    format!("{found}{hires}.")
}

/// Grad-CAM and HiResCAM by the ratio of trained to random networks, in the means over heads.
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

fn randomisation(evidence: &Evidence) -> Option<String> {
    let left = number(decides(evidence)?.interval.value);
    Some(match evidence.verdict {
        Verdict::Supported => format!(
            "Drawing all weights anew leaves a rank correlation of only {left} with the map, in the mean over heads: it depends on what was learned."
        ),
        Verdict::NotSupported => format!(
            "Drawing all weights anew leaves a rank correlation of {left} with the map, in the mean over heads: most of its order comes from the image and the architecture."
        ),
        Verdict::Undecided => format!(
            "Drawing all weights anew leaves a rank correlation of {left} with the map, which does not decide how much of it was learned."
        ),
    })
}

fn deletion(evidence: &Evidence) -> Option<String> {
    let adverse = decides(evidence)?.is_adverse();
    Some(
        match evidence.verdict {
            Verdict::Supported => {
                "Removing the pixels it ranks first lowers the score faster than removing those of any control, so it does mark what matters."
            }
            Verdict::NotSupported if adverse => {
                "Removing the pixels it ranks first lowers the score more slowly than removing those of the best control, which knows only the image."
            }
            Verdict::NotSupported => {
                "Removing the pixels it ranks first does not lower the score faster, by the margin, than removing those of the best control, which knows only the image."
            }
            Verdict::Undecided => {
                "Whether the pixels it ranks first matter more than those of the best control is undecided."
            }
        }
        .to_string(),
    )
}

/// The single number that decides a claim.
fn decides(evidence: &Evidence) -> Option<&Judgement> {
    evidence.deciding.first()
}

fn empty(measurements: &Measurements) -> Option<String> {
    let rows = summary(measurements);
    let (maps, empty) = rows.iter().fold((0, 0), |sum, r| (sum.0 + r.maps, sum.1 + r.empty));
    let worst = rows.iter().filter(|r| r.maps > 0).max_by(|a, b| (a.empty * b.maps).cmp(&(b.empty * a.maps)))?;
    if empty == 0 {
        return Some("No Grad-CAM map is empty.".into());
    }
    let share = |empty: usize, maps: usize| percent(crate::measure::quotient(empty as f64, maps as f64, 0.0));
    Some(format!(
        "{} of the Grad-CAM maps are empty (most at {}, {}, {}): there the method says nothing, which is not the same as nothing being there.",
        share(empty, maps),
        worst.network,
        worst.head,
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
