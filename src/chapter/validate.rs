//! Whether a section's wishes can be met, before anything runs: classes, true labels and pixels that its network has.

use crate::config::{Chapter, Class, Input, Located, Region, Section, Source, suggestion};
use crate::error::Result;
use crate::input::image;
use crate::input::labels::ClassMatch;
use crate::input::loaded::LoadedNetwork;
use crate::model::Head;
use std::path::Path;

/// Labels that a message lists at most.
const LISTED: usize = 12;

/// Refuses a class or a photograph's label that no head has, and pixels for a network without positions.
///
/// # Errors
/// The first of these, with what there is.
pub fn check(chapter: &Chapter, section: &Section, loaded: &LoadedNetwork) -> Result<()> {
    for input in &section.inputs {
        let Source::Image { path, label, object, pixels } = &input.source else { continue };
        let at = |option: &str, key: &str| {
            let key = if input.line == 0 { option } else { key };
            Located { value: (), line: input.line, key: key.to_string() }
        };
        if let Some(Err(message)) = label.as_ref().map(|label| class(loaded, label)) {
            return Err(chapter.error(&at("--true", "section.input.label"), message));
        }
        for (key, region) in [("section.input.box", object), ("section.input.pixels", pixels)] {
            if let Some(size) = region.as_ref().and_then(|region| exceeded(input, path, region)) {
                let at = Located { value: (), line: input.line, key: key.to_string() };
                return Err(
                    chapter.error(&at, format!("the box reaches beyond the {size} pixels of {}", path.display()))
                );
            }
        }
        if pixels.is_some() && !loaded.heads().iter().any(Head::has_maps) {
            let name = loaded.network.name();
            let message = format!("{name} has no output with a map of scores, so there is nothing to choose");
            return Err(chapter.error(&at("--pixels", "section.input.pixels"), message));
        }
    }
    match &section.class.value {
        Class::Named(text) => class(loaded, text).map_err(|message| chapter.error(&section.class, message)),
        _ => Ok(()),
    }
}

/// The size of a photograph that a chapter's box reaches beyond. A photograph that cannot be read becomes a line in the report, as do
/// those of the command line with such a box, of which there may be thousands.
fn exceeded(input: &Input, path: &Path, region: &Region) -> Option<String> {
    let bounds = matches!(region, Region::Box(_)) && input.line > 0;
    let (height, width, _) = bounds.then(|| image::decode(path, 3).ok()).flatten()?.pixels.dim();
    region.reaches_beyond((height, width)).then(|| format!("{width}×{height}"))
}

/// Refuses a word that names no class of any head, or several classes of one.
fn class(loaded: &LoadedNetwork, text: &str) -> std::result::Result<(), String> {
    let found: Vec<ClassMatch> = (0..loaded.heads().len()).map(|head| loaded.class_match(head, text)).collect();
    for (head, found) in found.iter().enumerate() {
        if let ClassMatch::Several(classes) = found {
            let one = |class: &usize| {
                let label = loaded.labels(head).and_then(|labels| labels.get(*class));
                format!("{class} ({})", label.map_or("", String::as_str))
            };
            let shown: Vec<String> = classes.iter().take(LISTED).map(one).collect();
            return Err(format!("`{text}` names several classes, {}; give the number of one", shown.join(" and ")));
        }
    }
    if found.iter().any(|found| *found != ClassMatch::Nothing) { Ok(()) } else { Err(no_class(loaded, text)) }
}

/// The message about a class that no head has: labels with this word in them, or the most similar one, or the first few.
fn no_class(loaded: &LoadedNetwork, text: &str) -> String {
    let of_head = |(i, head): (usize, &Head)| {
        let last = head.choices().unwrap_or(1).max(1) - 1;
        let Some(labels) = loaded.labels(i) else { return format!("{} has the classes 0 to {last}", head.name) };
        let with: Vec<&String> =
            labels.iter().filter(|label| label.to_lowercase().contains(&text.to_lowercase())).collect();
        match (with.is_empty(), suggestion(text, labels.iter().map(String::as_str))) {
            (false, _) => format!("of the labels of {} these have it in them: {}", head.name, shortened(&with)),
            (true, Some(near)) => format!("did you mean `{near}` of {}?", head.name),
            (true, None) => {
                let all: Vec<&String> = labels.iter().collect();
                format!("{} has the classes 0 to {last} ({})", head.name, shortened(&all))
            }
        }
    };
    let known: Vec<String> = loaded.heads().iter().enumerate().map(of_head).collect();
    format!("`{text}` is no class; {}", known.join("; "))
}

/// The first few labels.
fn shortened(labels: &[&String]) -> String {
    let more = if labels.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", labels.iter().take(LISTED).map(|label| label.as_str()).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use crate::chapter::load::load;
    use crate::config::{Chapter, Class, Input, Located, Region, Section, Source};
    use crate::model::fixture::Fixture;
    use std::path::Path;

    /// The message with which a section over a network of three labelled classes is refused; nothing if it is not.
    fn refusal(change: impl FnOnce(&mut Section)) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("net.onnx");
        let mut fixture = Fixture::new("x", &[1, 1, 4, 4]);
        fixture.conv("x", "c", [2, 1, 3, 3], vec![]).node("GlobalAveragePool", &["c"], "p", vec![]);
        fixture.node("Flatten", &["p"], "f", vec![]).dense("f", "y", 2, 3).output("y");
        fixture.metadata("labels", r#"["tabby, tabby cat", "tiger cat", "tiger, Panthera tigris"]"#);
        std::fs::write(&file, fixture.bytes()).unwrap();
        let mut section = Section::of(&file);
        change(&mut section);
        load(&Chapter::of("T", section.clone()), &section).err().map(|cause| cause.to_string())
    }

    fn class(text: &str) -> Option<String> {
        refusal(|section| section.class = Located::option("--class", Class::of(text)))
    }

    fn photograph(label: Option<&str>, pixels: Option<Region>) -> Input {
        let path = Path::new("photo.png").to_path_buf();
        Input { source: Source::Image { path, label: label.map(str::to_string), object: None, pixels }, line: 0 }
    }

    #[test]
    fn classes_go_by_label_by_one_of_its_words_or_by_number() {
        for text in ["tiger cat", "Tabby", "tabby cat", "tiger", "2", "predicted"] {
            assert_eq!(class(text), None, "{text}");
        }
        assert_eq!(
            class("cat").unwrap(),
            "--class: `cat` is no class; of the labels of y these have it in them: tabby, tabby cat, tiger cat"
        );
        assert_eq!(class("tigercat").unwrap(), "--class: `tigercat` is no class; did you mean `tiger cat` of y?");
        assert!(
            class("3").unwrap().starts_with("--class: `3` is no class; y has the classes 0 to 2 (tabby, tabby cat, ")
        );
    }

    #[test]
    fn a_label_of_several_classes_is_refused_with_their_numbers() {
        let asked = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("names.txt");
            std::fs::write(&file, "crane\nhen, fowl\nCrane").unwrap();
            refusal(|section| {
                section.labels = Some(Located::option("--labels", file));
                section.class = Located::option("--class", Class::of(text));
            })
        };
        let several = "--class: `crane` names several classes, 0 (crane) and 2 (Crane); give the number of one";
        assert_eq!(asked("crane").as_deref(), Some(several));
        assert_eq!((asked("2"), asked("fowl")), (None, None));
    }

    #[test]
    fn labels_and_pixels_of_photographs_are_checked_before_anything_runs() {
        assert_eq!(refusal(|section| section.inputs = vec![photograph(Some("tiger"), None)]), None);
        let several = refusal(|section| section.inputs = vec![photograph(Some("cat"), None)]);
        assert!(several.unwrap().contains("is no class"), "a part of a word names nothing");
        let label = refusal(|section| section.inputs = vec![photograph(Some("lion"), None)]).unwrap();
        assert!(label.starts_with("--true: `lion` is no class"), "{label}");
        let region = Some(Region::Box([0.0, 0.0, 2.0, 2.0]));
        let pixels = refusal(|section| section.inputs = vec![photograph(None, region)]).unwrap();
        assert_eq!(pixels, "--pixels: net has no output with a map of scores, so there is nothing to choose");
    }

    #[test]
    fn a_box_that_reaches_beyond_its_photograph_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.png");
        ::image::RgbImage::new(40, 30).save(&path).unwrap();
        let with = |bounds: [f64; 4]| {
            let object = Some(Region::Box(bounds));
            let source = Source::Image { path: path.clone(), label: None, object, pixels: None };
            refusal(|section| section.inputs = vec![Input { source, line: 7 }])
        };
        assert_eq!(with([30.0, 20.0, 10.4, 10.4]), None, "rounding");
        for bounds in [[30.0, 20.0, 20.0, 5.0], [30.0, 20.0, 5.0, 20.0], [400.0, 300.0, 5.0, 5.0]] {
            let message = with(bounds).unwrap();
            assert!(message.contains(":7: section.input.box: the box reaches beyond the 40×30 pixels"), "{message}");
        }
    }
}
