use super::*;
use crate::config::raw::parse;

fn message(text: &str) -> String {
    match parse(Path::new("chapter.toml"), text) {
        Err(error) => {
            assert!(error.is_input());
            error.to_string()
        }
        Ok(_) => panic!("the chapter should have been refused:\n{text}"),
    }
}

const HEAD: &str = "title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"Cargo.toml\"\n";

#[test]
fn a_whole_section_is_read() {
    let text = format!(
        "{HEAD}method = \"hirescam\"\nascent = \"decorrelated\"\nplacement = \"stretch\"\nactivations = [\"a\", \"b\"]\n\
         [[section.input]]\nline = {{ length = 15, width = 3, color = \"blue\", angle = 165 }}\nsample = 4\n\
         [[section.input]]\nimage = \"cat.jpg\"\nlabel = \"cat\"\nbox = [1, 2, 3.5, 4]\n"
    );
    let chapter = parse(Path::new("chapter.toml"), &text).unwrap();
    let section = &chapter.sections[0];
    assert_eq!(chapter.seed, 2019);
    assert_eq!((section.method, section.placement), (Method::HiResCam, Placement::Stretch));
    assert_eq!(section.ascent, Mode::Decorrelated);
    assert_eq!(section.inputs[0].source, Source::Line { class: 95, sample: 4 });
    let object = Some(Region::Box([1.0, 2.0, 3.5, 4.0]));
    assert_eq!(
        section.inputs[1].source,
        Source::Image { path: "cat.jpg".into(), label: Some("cat".into()), object, pixels: None }
    );
    assert_eq!(
        section.activations.as_ref().unwrap()[1],
        Located { value: "b".into(), line: 8, key: "section.activations".into() }
    );
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    let text = message(&format!("{HEAD}modle = \"x\"\n"));
    assert!(text.starts_with("chapter.toml:5: unknown field `modle`"), "{text}");
    assert!(text.ends_with("did you mean `model`?"), "{text}");
}

#[test]
fn a_wrong_type_names_its_line() {
    let text = message("title = 3\n[[section]]\ntitle = \"S\"\nmodel = \"Cargo.toml\"\n");
    assert!(text.starts_with("chapter.toml:1: ") && text.contains("expected a string"), "{text}");
}

#[test]
fn a_missing_model_is_refused_with_a_suggestion() {
    let text = message("title = \"T\"\n[[section]]\ntitle = \"S\"\nmodel = \"Crago.toml\"\n");
    assert_eq!(text, "chapter.toml:4: section.model: there is no file Crago.toml; did you mean Cargo.toml?");
}

#[test]
fn words_and_numbers_outside_their_sets_are_refused() {
    let text = message(&format!("{HEAD}method = \"gradcam\"\n"));
    assert!(text.contains("chapter.toml:5: section.method: `gradcam` is none of grad-cam,"), "{text}");
    assert!(text.ends_with("did you mean `grad-cam`?"), "{text}");
    let text =
        message(&format!("{HEAD}[[section.input]]\nline = {{ length = 9, width = 3, color = \"blue\", angle = 0 }}\n"));
    assert!(text.contains(":6: section.input.line.length: 9 is none of 7, 15"), "{text}");
    let text = message(&format!(
        "{HEAD}[[section.input]]\nline = {{ length = 7, width = 3, color = \"green\", angle = 0 }}\n"
    ));
    assert!(text.contains(":6: section.input.line.color: `green` is none of red, blue"), "{text}");
    let text = message(&format!("{HEAD}ascent = \"decorelated\"\n"));
    assert!(text.contains(":5: section.ascent: `decorelated` is none of bounded, pixel, decorrelated"), "{text}");
    let text = message(&format!("{HEAD}[[section.input]]\ndigit = 12\n"));
    assert!(text.contains(":6: section.input.digit: 12 is no digit"), "{text}");
}

#[test]
fn inputs_have_one_source_and_only_its_keys() {
    let text = message(&format!("{HEAD}[[section.input]]\nsample = 3\n"));
    assert!(text.contains("wants exactly one of"), "{text}");
    let text = message(&format!("{HEAD}[[section.input]]\ndigit = 3\nlabel = \"three\"\n"));
    assert!(text.contains(":7: section.input: `label`, `mask`, `box` and `pixels` go with `image`"), "{text}");
    let text = message(&format!("{HEAD}[[section.input]]\nimage = \"a.png\"\nsample = 1\n"));
    assert!(text.contains(":7: section.input: `sample` goes with"), "{text}");
}

#[test]
fn empty_files_are_refused() {
    assert_eq!(message(" \n"), "chapter.toml: is empty; a chapter needs a title and at least one [[section]]");
    assert!(message("title = \"T\"\n").contains("has no [[section]]"));
}

#[test]
fn a_box_that_no_photograph_has_is_refused_with_line_and_key() {
    for (bounds, what) in [
        ("[nan, 2, 3, 4]", "has a number that is not finite"),
        ("[1, 2, inf, 4]", "has a number that is not finite"),
        ("[-1, 2, 3, 4]", "begins outside the photograph"),
        ("[1, 2, 0, 4]", "has no area"),
        ("[1, 2, 3, -4]", "has no area"),
    ] {
        for key in ["box", "pixels"] {
            let text = message(&format!("{HEAD}[[section.input]]\nimage = \"a.png\"\n{key} = {bounds}\n"));
            assert!(text.starts_with(&format!("chapter.toml:7: section.input.{key}: the box {what}")), "{text}");
        }
    }
}

#[test]
fn more_sections_or_inputs_than_a_page_holds_are_refused() {
    let inputs = "[[section.input]]\ndigit = 3\n".repeat(MOST_INPUTS + 1);
    assert!(message(&format!("{HEAD}{inputs}")).contains("has 10001 inputs, more than the 10000 that one page holds"));
    let section = &HEAD["title = \"T\"\n".len()..];
    let sections = section.repeat(MOST_SECTIONS + 1);
    assert!(message(&format!("title = \"T\"\n{sections}")).contains("has 101 sections, more than the 100"));
}

#[test]
fn a_role_is_one_of_six_and_none_without_the_key() {
    let role =
        |text: &str| parse(Path::new("chapter.toml"), &format!("{HEAD}{text}")).map(|chapter| chapter.sections[0].role);
    assert_eq!(role("").unwrap(), Role::Other);
    for name in Role::NAMES {
        assert_eq!(role(&format!("role = {name:?}\n")).ok(), Role::named(name));
    }
    assert_eq!(role("role = \"variation-3\"\n").unwrap(), Role::Variation(3));
    assert!(
        message(&format!("{HEAD}role = \"bass\"\n")).contains("chapter.toml:5: section.role: `bass` is none of base")
    );
}
