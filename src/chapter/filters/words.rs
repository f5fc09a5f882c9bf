//! Sentences about filters.

use crate::explain::filters::FilterAscent;
use crate::visualize::filter::decorrelated::RISE;
use crate::visualize::filter::{Mode, Objective, Settings, Status};
use crate::visualize::natural::Confirmation;

/// How many filters answered, what others needed, and how many are dead.
pub fn count(filters: &[FilterAscent]) -> String {
    let number = |of: &dyn Fn(Status) -> bool| filters.iter().filter(|shown| of(shown.ascent.status)).count();
    let answered = number(&|status| status == Status::Answered);
    let another = number(&|status| matches!(status, Status::NeededStart(_)));
    let before = number(&|status| matches!(status, Status::NeededPreActivation(_)));
    let dead = number(&|status| matches!(status, Status::Dead(_)));
    let mut parts = vec![format!("{answered} of {} filters answered at the first start", filters.len())];
    if another > 0 {
        parts.push(format!("{another} needed another start"));
    }
    if before > 0 {
        parts.push(format!(
            "{before} answered only after the ascent had begun with the value before their activation function"
        ));
    }
    let starts = filters.iter().find_map(|shown| match shown.ascent.status {
        Status::Dead(starts) => Some(starts),
        _ => None,
    });
    parts.push(match starts {
        Some(starts) => format!("{dead} {} dead from {starts} starts", if dead == 1 { "is" } else { "are" }),
        None => "none is dead".into(),
    });
    format!("{}.", parts.join("; "))
}

/// Filters that answer uniform colour, those that natural inputs do not bear out, and those that are broken.
pub fn notes(filters: &[FilterAscent], broken: &[usize]) -> Vec<String> {
    let list = |of: &dyn Fn(&&FilterAscent) -> bool| {
        let numbers: Vec<String> = filters.iter().filter(of).map(|shown| shown.ascent.channel.to_string()).collect();
        (!numbers.is_empty()).then(|| numbers.join(", "))
    };
    let confirmed =
        |shown: &&FilterAscent, wanted: Confirmation| shown.standing.as_ref().is_some_and(|s| s.confirmation == wanted);
    let uniform = list(&|shown| shown.ascent.flat && !shown.ascent.is_dead());
    let silent = list(&|shown| confirmed(shown, Confirmation::Silent));
    let beaten = list(&|shown| confirmed(shown, Confirmation::Beaten));
    let left_out = (!broken.is_empty()).then(|| {
        let numbers: Vec<String> = broken.iter().map(usize::to_string).collect();
        format!("Left out, as their activations are not finite numbers: {}.", numbers.join(", "))
    });
    [
        left_out,
        uniform.map(|numbers| format!("Respond to a uniform colour (their image is one flat colour, or one colour alone gives at least 95 % of the activation): {numbers}.")),
        silent.map(|numbers| format!("Not confirmed by natural images, none of which excites them: {numbers}.")),
        beaten.map(|numbers| format!("Not confirmed by natural images, one of which excites them more than the ascended image at the same norm: {numbers}.")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What grows, in words.
pub fn objective(settings: &Settings, activation: Option<&str>, (height, width): (usize, usize)) -> String {
    let after = activation.map_or_else(String::new, |name| format!(" after its {name}"));
    match settings.objective {
        Objective::Unit => format!("the activation of the channel's central unit{after}"),
        Objective::Channel => {
            let [rows, _] = crate::visualize::filter::counted(Objective::Channel, (height, width));
            let border = if rows.0 > 0 { format!(", without a border of {} cells", rows.0) } else { String::new() };
            format!("the mean of the channel{after}{border}")
        }
    }
}

/// How the ascent goes, in words.
pub fn ascent(settings: &Settings) -> String {
    let Settings { steps, step, l2, tv, leak, starts, seed, motions, .. } = settings;
    match settings.mode {
        Mode::Pixel => format!(
            "{steps} steps of length {step:.3} along the gradient, unbounded, from grey with noise of seed {seed}, at most {starts} starts"
        ),
        Mode::Bounded => format!(
            "{steps} projected steps, the first {step} half ranges long, then shorter, with weights {l2} for the distance from the mean colour, {tv} for total variation, and at first {leak} for the value before the activation; from mid-range with noise of seed {seed}, at most {starts} starts"
        ),
        Mode::Decorrelated => format!(
            "{steps} steps of Adam at rate {step}, with weight {leak} for the value before the activation; for each the image is shifted by up to {:.1} pixels, scaled by up to {:.0} %, turned by up to {}° and shifted again by up to {:.1} pixels at random, grey coming in at its sides; from grey with noise of seed {seed}, {RISE} times as strong at each further start, at most {starts} starts",
            motions.jitter[0] / 2.0,
            100.0 * motions.scale,
            motions.rotation,
            motions.jitter[1] / 2.0
        ),
    }
}

/// What moves instead of the pixels, in words; `None` where they move themselves.
pub fn parametrisation(settings: &Settings) -> Option<String> {
    let colours = match settings.mixing.nrows() {
        3 | 4 => "their colours by a square root of the covariance of ImageNet's colours",
        _ => "each channel on its own",
    };
    (settings.mode == Mode::Decorrelated).then(|| {
        format!("coefficients of waves, weighted by one over their frequency; {colours}; a sigmoid into the range of each channel")
    })
}

/// Where a mode comes from, if it is not ours.
pub fn source(mode: Mode) -> Option<String> {
    match mode {
        Mode::Pixel => Some("F. Chollet, “Visualizing what convnets learn”, keras.io".into()),
        Mode::Bounded => None,
        Mode::Decorrelated => Some(
            "C. Olah, A. Mordvintsev, L. Schubert, “Feature Visualization”, Distill 2017, with the numbers of their program Lucid; Adam: D. Kingma, J. Ba, arXiv:1412.6980".into(),
        ),
    }
}

/// How a filter came to answer, for chapter.json.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Answered => "answered",
        Status::NeededStart(_) => "needed another start",
        Status::NeededPreActivation(_) => "needed the value before the activation",
        Status::Dead(_) => "dead",
    }
}

/// Whether natural inputs bear a filter's image out, for chapter.json.
pub fn confirmation(confirmation: Confirmation) -> &'static str {
    match confirmation {
        Confirmation::Confirmed => "confirmed",
        Confirmation::Silent => "not confirmed: no natural image excites the filter",
        Confirmation::Beaten => "not confirmed: a natural image of the same norm excites it more",
    }
}
