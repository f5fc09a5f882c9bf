//! `convscope explain`: photographs without a chapter file.

use super::photographs;
use super::preprocess::{Preprocess, other_input, region};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use convscope::config::{Chapter, Class, Input, Located, OtherInput, OtherValue, Region, Section, Source};
use convscope::error::Result;
use convscope::input::files;
use convscope::model::ScoreKind;
use convscope::visualize::placement::Placement;
use convscope::visualize::{cam, saliency};
use std::path::PathBuf;

#[derive(Args)]
pub struct Explain {
    /// The network
    pub model: PathBuf,
    /// Photographs (PNG, JPEG, WebP, BMP, GIF, TIFF, or arrays as .npy), folders of them, or patterns in quotes such as "photos/*.jpg"
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// How the heatmap is made
    #[arg(long, default_value = "grad-cam", value_parser = PossibleValuesParser::new(heatmap_methods()))]
    pub method: String,
    /// The layer or tensor whose activation is explained [default: the activation after the last convolution]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// The class to explain: its number or label, `predicted`, or `true`; several, as in Mass,Nodule without a blank after the comma, are
    /// explained one after the other
    #[arg(long, default_value = "predicted", value_name = "K|predicted|true")]
    pub class: String,
    /// What another input of the network gets, of one that takes several: an image, a .npy array, or a number. An image is explained,
    /// too, as the first photograph's companion
    #[arg(long = "input", value_name = "NAME=FILE|NUMBER", value_parser = other_input)]
    pub inputs: Vec<OtherInput>,
    /// The input that the photographs go to [default: the first with four axes that --input does not name]
    #[arg(long, value_name = "NAME")]
    pub image_input: Option<String>,
    /// A file of labels: a line a class, JSON, YAML with `names:`, or a table with a header
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// How logits are read where the graph ends in them: softmax, of classes that exclude each other; sigmoid, of independent ones; or
    /// none, as values [default: what the model's files say, else softmax, which is said]
    #[arg(long, value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(ScoreKind::NAMES))]
    pub scores: Option<String>,
    /// The images' true class, number or label, for `--class true` and the page
    #[arg(long = "true", value_name = "K")]
    pub truth: Option<String>,
    /// Of a network that scores every position (segmentation): the pixels whose scores are averaged, a box in the
    /// photograph or a mask's file, white where they count [default: all]
    #[arg(long, value_name = "X,Y,W,H|FILE", value_parser = region)]
    pub pixels: Option<Region>,
    /// Where the cells of a map lie in the image
    #[arg(long, default_value = "receptive-field", value_parser = placement())]
    pub placement: Placement,
    #[command(flatten)]
    pub preprocess: Preprocess,
    /// Layers whose activations are shown: names or unambiguous parts of them, `all`, or `none` [default: every convolution and pooling
    /// layer of a small network, a few of a large one]
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub activations: Option<Vec<String>>,
    /// Images that the page shows; the numbers of all are in images.jsonl
    #[arg(long, default_value_t = 24, value_name = "N")]
    pub gallery: usize,
    /// Also write the shown images' maps and logits as .npy files
    #[arg(long)]
    pub raw: bool,
    /// Where the page goes
    #[arg(long, default_value = "explained", value_name = "DIR")]
    pub out: PathBuf,
}

/// Reads a placement by its name.
fn placement() -> impl TypedValueParser<Value = Placement> {
    PossibleValuesParser::new(Placement::NAMES).try_map(|name| Placement::named(&name).ok_or("is no placement"))
}

/// Every heatmap method's name: class activation maps, then maps of the input's gradient.
fn heatmap_methods() -> Vec<&'static str> {
    cam::Method::NAMES.into_iter().chain(saliency::Method::NAMES).collect()
}

/// The classes of a list such as `Mass,Nodule`. A comma before a blank belongs to a label, as in "tabby, tabby cat".
fn classes(text: &str) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for part in text.split(',') {
        match classes.last_mut() {
            Some(last) if part.starts_with(' ') || part.is_empty() => *last = format!("{last},{part}"),
            _ => classes.push(part.to_string()),
        }
    }
    classes
}

/// A section for each other input that is an image, in which that image is explained and the first photograph is given.
fn companions(section: &Section) -> Vec<Section> {
    let Some(Source::Image { path: photograph, .. }) = section.inputs.first().map(|input| &input.source) else {
        return Vec::new();
    };
    let turned = |other: &Located<OtherInput>| {
        let OtherValue::File(file) = &other.value.value else { return None };
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy")) {
            return None;
        }
        let name = section.image_input.clone().unwrap_or_default();
        let first = OtherInput { name, value: OtherValue::File(photograph.clone()) };
        let rest = section.other_inputs.iter().filter(|input| input.value.name != other.value.name).cloned();
        let source = Source::Image { path: file.clone(), label: None, object: None, pixels: None };
        Some(Section {
            title: format!("{}: the input {}", section.title, other.value.name),
            inputs: vec![Input { source, line: 0 }],
            other_inputs: rest.chain([Located::option("--input", first)]).collect(),
            image_input: Some(other.value.name.clone()),
            ..section.clone()
        })
    };
    section.other_inputs.iter().filter_map(turned).collect()
}

impl Explain {
    /// The chapter that explains these images.
    ///
    /// # Errors
    /// A folder without images, or a pattern that matches no file.
    pub fn chapter(&self) -> Result<Chapter> {
        let images = files::images(&self.images)?;
        let mut section =
            photographs(&self.model, &images.files, self.truth.as_ref(), self.pixels.as_ref(), &self.preprocess);
        section.activations = self.activations.as_ref().map(|names| match names.as_slice() {
            [none] if none == "none" => Vec::new(),
            names => names.iter().map(|name| Located::option("--activations", name.clone())).collect(),
        });
        section.target = self.layer.clone().map(|name| Located::option("--layer", name));
        let classes = classes(&self.class);
        let class = |word: &String| Located::option("--class", Class::of(word));
        section.class = classes.first().map_or(section.class, class);
        // Filters do not depend on the photographs, and a large network has thousands; `convscope filters` shows them.
        section.filters = Some(Vec::new());
        section.labels = self.labels.clone().map(|path| Located::option("--labels", path));
        section.placement = self.placement;
        let scores = self.scores.as_deref().and_then(ScoreKind::named);
        section.scores = scores.map(|kind| Located::option("--scores", kind));
        match cam::Method::named(&self.method) {
            Some(method) => section.method = method,
            None => section.saliency = saliency::Method::named(&self.method),
        }
        section.other_inputs = self.inputs.iter().map(|input| Located::option("--input", input.clone())).collect();
        section.image_input = self.image_input.clone();
        let title = format!("What {} sees", section.title);
        let companions = companions(&section);
        let mut chapter = Chapter { notes: images.left_out, ..Chapter::of(&title, section) };
        chapter.sections.extend(companions);
        if let Some(first) = chapter.sections.first().cloned() {
            let further = classes.iter().skip(1).map(|word| Section {
                title: format!("{}: the class {word}", first.title),
                class: class(word),
                activations: Some(Vec::new()),
                ..first.clone()
            });
            chapter.sections.extend(further);
        }
        Ok(chapter)
    }
}
