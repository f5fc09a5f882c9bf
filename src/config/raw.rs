//! The chapter file as serde reads it, and its validation.

use crate::config::line::{ANGLES, Attributes, COLOR_NAMES, LENGTHS, WIDTHS};
use crate::config::{
    Chapter, Class, DEFAULT_SEED, Input, Located, MOST_INPUTS, MOST_SECTIONS, OtherInput, OtherValue, Preprocessing,
    Region, Role, Section, Source, suggestion,
};
use crate::error::{Error, Result};
use crate::figure::Colormap;
use crate::file;
use crate::model::ScoreKind;
use crate::visualize::cam::Method;
use crate::visualize::filter::Mode;
use crate::visualize::placement::Placement;
use crate::visualize::saliency;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChapter {
    title: String,
    #[serde(default)]
    introduction: String,
    seed: Option<u64>,
    colormap: Option<Spanned<String>>,
    mnist: Option<Spanned<PathBuf>>,
    #[serde(default)]
    section: Vec<RawSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    title: String,
    model: Spanned<PathBuf>,
    role: Option<Spanned<String>>,
    #[serde(default)]
    input: Vec<Spanned<RawInput>>,
    activations: Option<Vec<Spanned<String>>>,
    filters: Option<Vec<Spanned<String>>>,
    ascent: Option<Spanned<String>>,
    target: Option<Spanned<String>>,
    method: Option<Spanned<String>>,
    saliency: Option<Spanned<String>>,
    class: Option<Spanned<String>>,
    placement: Option<Spanned<String>>,
    #[serde(default)]
    top_inputs: bool,
    preprocess: Option<RawPreprocessing>,
    labels: Option<Spanned<PathBuf>>,
    scores: Option<Spanned<String>>,
    #[serde(default)]
    other_inputs: BTreeMap<String, Spanned<RawOtherValue>>,
    image_input: Option<String>,
}

/// A number, or a file.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number, or the file of an image or a .npy array")]
enum RawOtherValue {
    Number(f64),
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    line: Option<Spanned<RawLine>>,
    digit: Option<Spanned<usize>>,
    mnist: Option<Spanned<usize>>,
    image: Option<Spanned<PathBuf>>,
    sample: Option<Spanned<usize>>,
    label: Option<Spanned<String>>,
    mask: Option<Spanned<PathBuf>>,
    #[serde(rename = "box")]
    bounds: Option<Spanned<[f64; 4]>>,
    pixels: Option<Spanned<RawRegion>>,
}

/// A mask's file, or left, top, width and height.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a mask's file, or a box as in [left, top, width, height]")]
enum RawRegion {
    Box([f64; 4]),
    Mask(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    length: Spanned<u32>,
    width: Spanned<u32>,
    color: Spanned<String>,
    angle: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPreprocessing {
    preset: Option<Spanned<String>>,
    mean: Option<Vec<f64>>,
    std: Option<Vec<f64>>,
    scale: Option<f64>,
    size: Option<(usize, usize)>,
    shortest: Option<usize>,
    fit: Option<Spanned<String>>,
    filter: Option<Spanned<String>>,
    bgr: Option<bool>,
    range: Option<Spanned<String>>,
    show: Option<Spanned<String>>,
    pad: Option<Spanned<u8>>,
}

/// The colour maps a heatmap can have.
const HEAT_COLORMAPS: [&str; 4] = ["inferno", "viridis", "grey", "jet"];

fn heat_colormap(name: &str) -> Option<Colormap> {
    [Colormap::Inferno, Colormap::Viridis, Colormap::Grey, Colormap::Jet].into_iter().find(|map| map.name() == name)
}

/// The file being validated, for messages and for joining paths.
struct Reader<'a> {
    path: &'a Path,
    /// Where the lines of the text end, so that a key's line is found without counting from the top.
    line_ends: Vec<usize>,
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Chapter> {
    let reader = Reader { path, line_ends: text.match_indices('\n').map(|(end, _)| end).collect() };
    if text.trim().is_empty() {
        return Err(Error::input(format!(
            "{}: is empty; a chapter needs a title and at least one [[section]]",
            path.display()
        )));
    }
    let raw: RawChapter = toml::from_str(text).map_err(|error| reader.syntax(&error))?;
    if raw.section.is_empty() {
        return Err(Error::input(format!(
            "{}: has no [[section]]; each network of the chapter is one",
            path.display()
        )));
    }
    let inputs = raw.section.iter().map(|section| section.input.len()).sum();
    for (what, count, most) in [("sections", raw.section.len(), MOST_SECTIONS), ("inputs", inputs, MOST_INPUTS)] {
        if count > most {
            return Err(Error::input(format!(
                "{}: has {count} {what}, more than the {most} that one page holds; make several chapters, or give thousands of photographs to `convscope explain`",
                path.display()
            )));
        }
    }
    Ok(Chapter {
        path: path.to_path_buf(),
        sha256: Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
        colormap: reader.choice(
            "colormap",
            raw.colormap.as_ref(),
            heat_colormap,
            &HEAT_COLORMAPS,
            Colormap::Inferno,
        )?,
        title: raw.title,
        introduction: raw.introduction,
        seed: raw.seed.unwrap_or(DEFAULT_SEED),
        mnist: raw.mnist.map(|folder| reader.join(folder.get_ref())),
        notes: Vec::new(),
        sections: raw.section.into_iter().map(|section| reader.section(section)).collect::<Result<_>>()?,
    })
}

impl Reader<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        self.line_ends.partition_point(|&end| end < span.start) + 1
    }

    fn error(&self, span: Range<usize>, message: impl std::fmt::Display) -> Error {
        Error::input(format!("{}:{}: {message}", self.path.display(), self.line(span)))
    }

    /// The parser's message with file and line, and a suggestion for an unknown key.
    fn syntax(&self, error: &toml::de::Error) -> Error {
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let hint = match quoted.next() {
            Some(key) if message.starts_with("unknown field") => {
                suggestion(key, quoted).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default()
            }
            _ => String::new(),
        };
        self.error(error.span().unwrap_or(0..0), format!("{}{hint}", message.trim_end()))
    }

    fn join(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn located<T, U>(&self, key: &str, value: &Spanned<T>, convert: impl FnOnce(&T) -> U) -> Located<U> {
        Located { value: convert(value.get_ref()), line: self.line(value.span()), key: key.to_string() }
    }

    fn file(&self, key: &str, path: &Spanned<PathBuf>) -> Result<Located<PathBuf>> {
        let joined = self.join(path.get_ref());
        if joined.exists() {
            // A pipe, a device or a folder would only be missed later.
            file::open(&joined, u64::MAX).map_err(|cause| self.error(path.span(), format!("{key}: {cause}")))?;
            return Ok(Located { value: joined, line: self.line(path.span()), key: key.to_string() });
        }
        let wanted = joined.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let siblings: Vec<String> = joined
            .parent()
            .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        let mut siblings: Vec<&str> = siblings.iter().map(String::as_str).collect();
        siblings.sort_unstable();
        let hint = suggestion(&wanted, siblings).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Err(self.error(path.span(), format!("{key}: there is no file {}{hint}", joined.display())))
    }

    fn names(&self, key: &str, names: Option<Vec<Spanned<String>>>) -> Option<Vec<Located<String>>> {
        names.map(|names| names.iter().map(|name| self.located(key, name, String::clone)).collect())
    }

    /// Looks up one of a fixed set of words.
    fn choice<T>(
        &self,
        key: &str,
        word: Option<&Spanned<String>>,
        find: impl Fn(&str) -> Option<T>,
        all: &[&str],
        default: T,
    ) -> Result<T> {
        let Some(word) = word else { return Ok(default) };
        find(word.get_ref()).ok_or_else(|| {
            let hint = suggestion(word.get_ref(), all.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_default();
            self.error(word.span(), format!("{key}: `{}` is none of {}{hint}", word.get_ref(), all.join(", ")))
        })
    }

    fn section(&self, raw: RawSection) -> Result<Section> {
        Ok(Section {
            model: self.file("section.model", &raw.model)?,
            role: self.choice("section.role", raw.role.as_ref(), Role::named, &Role::NAMES, Role::Other)?,
            inputs: raw.input.iter().map(|input| self.input(input)).collect::<Result<_>>()?,
            activations: self.names("section.activations", raw.activations),
            filters: self.names("section.filters", raw.filters),
            ascent: self.choice("section.ascent", raw.ascent.as_ref(), Mode::named, &Mode::NAMES, Mode::Bounded)?,
            target: raw.target.map(|name| self.located("section.target", &name, String::clone)),
            method: self.choice(
                "section.method",
                raw.method.as_ref(),
                Method::named,
                &Method::NAMES,
                Method::GradCam,
            )?,
            saliency: self.choice(
                "section.saliency",
                raw.saliency.as_ref(),
                |name| saliency::Method::named(name).map(Some),
                &saliency::Method::NAMES,
                None,
            )?,
            class: raw.class.map_or_else(
                || Located { value: Class::Predicted, line: self.line(raw.model.span()), key: "section.class".into() },
                |word| self.located("section.class", &word, |word| Class::of(word)),
            ),
            placement: self.choice(
                "section.placement",
                raw.placement.as_ref(),
                Placement::named,
                &Placement::NAMES,
                Placement::ReceptiveField,
            )?,
            top_inputs: raw.top_inputs,
            preprocess: raw.preprocess.map(|raw| self.preprocessing(raw)),
            labels: raw.labels.map(|path| self.file("section.labels", &path)).transpose()?,
            scores: self.scores(raw.scores.as_ref())?,
            other_inputs: raw.other_inputs.iter().map(|entry| self.other_input(entry)).collect::<Result<_>>()?,
            image_input: raw.image_input,
            title: raw.title,
        })
    }

    fn other_input(&self, (name, value): (&String, &Spanned<RawOtherValue>)) -> Result<Located<OtherInput>> {
        let key = "section.other_inputs";
        let made = match value.get_ref() {
            RawOtherValue::Number(number) => OtherValue::Number(*number),
            RawOtherValue::File(file) => {
                OtherValue::File(self.file(key, &Spanned::new(value.span(), file.clone()))?.value)
            }
        };
        Ok(self.located(key, value, |_| OtherInput { name: name.clone(), value: made }))
    }

    fn scores(&self, word: Option<&Spanned<String>>) -> Result<Option<Located<ScoreKind>>> {
        let Some(word) = word else { return Ok(None) };
        let kind =
            self.choice("section.scores", Some(word), ScoreKind::named, &ScoreKind::NAMES, ScoreKind::Softmax)?;
        Ok(Some(self.located("section.scores", word, |_| kind)))
    }

    fn preprocessing(&self, raw: RawPreprocessing) -> Preprocessing {
        Preprocessing {
            preset: raw.preset.map(|name| self.located("section.preprocess.preset", &name, String::clone)),
            mean: raw.mean,
            std: raw.std,
            scale: raw.scale,
            size: raw.size,
            shortest: raw.shortest,
            fit: raw.fit.map(|name| self.located("section.preprocess.fit", &name, String::clone)),
            filter: raw.filter.map(|name| self.located("section.preprocess.filter", &name, String::clone)),
            bgr: raw.bgr,
            range: raw.range.map(|range| self.located("section.preprocess.range", &range, String::clone)),
            show: raw.show.map(|bands| self.located("section.preprocess.show", &bands, String::clone)),
            pad: raw.pad.map(|pad| self.located("section.preprocess.pad", &pad, |pad| *pad)),
        }
    }

    fn input(&self, input: &Spanned<RawInput>) -> Result<Input> {
        let raw = input.get_ref();
        let named = [raw.line.is_some(), raw.digit.is_some(), raw.mnist.is_some(), raw.image.is_some()];
        if named.iter().filter(|given| **given).count() != 1 {
            return Err(
                self.error(input.span(), "section.input: wants exactly one of `line`, `digit`, `mnist` and `image`")
            );
        }
        let photograph_only = [
            raw.label.as_ref().map(Spanned::span),
            raw.mask.as_ref().map(Spanned::span),
            raw.bounds.as_ref().map(Spanned::span),
            raw.pixels.as_ref().map(Spanned::span),
        ];
        if let (None, Some(span)) = (&raw.image, photograph_only.into_iter().flatten().next()) {
            return Err(self.error(
                span,
                "section.input: `label`, `mask`, `box` and `pixels` go with `image`; generated inputs know their own",
            ));
        }
        if let (Some(_), Some(sample)) = (&raw.image, &raw.sample) {
            return Err(self.error(sample.span(), "section.input: `sample` goes with `line`, `digit` or `mnist`"));
        }
        let sample = raw.sample.as_ref().map_or(0, |sample| *sample.get_ref());
        let source = if let Some(line) = &raw.line {
            Source::Line { class: self.line_class(line.get_ref())?, sample }
        } else if let Some(digit) = &raw.digit {
            Source::Digit { digit: self.digit("section.input.digit", digit)?, sample }
        } else if let Some(digit) = &raw.mnist {
            Source::Mnist { digit: self.digit("section.input.mnist", digit)?, sample }
        } else if let Some(path) = &raw.image {
            let object = match (&raw.mask, &raw.bounds) {
                (Some(_), Some(bounds)) => {
                    return Err(self.error(bounds.span(), "section.input: wants `mask` or `box`, not both"));
                }
                (Some(mask), None) => Some(Region::Mask(self.file("section.input.mask", mask)?.value)),
                (None, Some(bounds)) => Some(self.bounds("section.input.box", bounds.span(), *bounds.get_ref())?),
                (None, None) => None,
            };
            // A missing photograph is a line in the report, not the end of the chapter, so it is not looked for here.
            Source::Image {
                path: self.join(path.get_ref()),
                label: raw.label.as_ref().map(|label| label.get_ref().clone()),
                object,
                pixels: raw.pixels.as_ref().map(|region| self.region("section.input.pixels", region)).transpose()?,
            }
        } else {
            return Err(self.error(input.span(), "section.input: names no source"));
        };
        Ok(Input { source, line: self.line(input.span()) })
    }

    fn region(&self, key: &str, region: &Spanned<RawRegion>) -> Result<Region> {
        match region.get_ref() {
            RawRegion::Box(bounds) => self.bounds(key, region.span(), *bounds),
            RawRegion::Mask(file) => {
                Ok(Region::Mask(self.file(key, &Spanned::new(region.span(), file.clone()))?.value))
            }
        }
    }

    fn bounds(&self, key: &str, span: Range<usize>, bounds: [f64; 4]) -> Result<Region> {
        Region::of_box(bounds).map_err(|problem| self.error(span, format!("{key}: the box {problem}")))
    }

    fn digit(&self, key: &str, digit: &Spanned<usize>) -> Result<usize> {
        match *digit.get_ref() {
            value @ 0..=9 => Ok(value),
            value => Err(self.error(digit.span(), format!("{key}: {value} is no digit; 0 to 9 are"))),
        }
    }

    fn line_class(&self, raw: &RawLine) -> Result<usize> {
        let numbers = |key: &str, value: &Spanned<u32>, all: &[f64]| {
            all.iter().position(|known| *known == f64::from(*value.get_ref())).ok_or_else(|| {
                let all: Vec<String> = all.iter().map(f64::to_string).collect();
                self.error(
                    value.span(),
                    format!("section.input.line.{key}: {} is none of {}", value.get_ref(), all.join(", ")),
                )
            })
        };
        let color = COLOR_NAMES.iter().position(|name| name == raw.color.get_ref());
        let attributes = Attributes {
            length: numbers("length", &raw.length, &LENGTHS)?,
            width: numbers("width", &raw.width, &WIDTHS)?,
            color: self.choice("section.input.line.color", Some(&raw.color), |_| color, &COLOR_NAMES, 0)?,
            angle: numbers("angle", &raw.angle, &ANGLES.map(f64::from))?,
        };
        Ok(attributes.class())
    }
}
