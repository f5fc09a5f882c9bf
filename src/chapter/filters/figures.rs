//! The figures of one convolution's filters.

use crate::chapter::filters::request::{FEW, Request};
use crate::chapter::filters::words;
use crate::error::Result;
use crate::explain::filters::{FilterAscent, LayerAscents};
use crate::figure::chart::{Curves, curves};
use crate::figure::grid::{Layout, Tile, grid};
use crate::input::image::{Channels, composite};
use crate::report::Assets;
use crate::report::page::{Figure, Image, Line};
use crate::visualize::filter::{Convolution, Kernels, Mode, Objective, counted};
use crate::visualize::natural::{Confirmation, Field, Window};
use ndarray::{Array3, Axis};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Room for a grid in CSS pixels.
const ROOM: usize = 960;
/// Inputs that are shown for each filter.
const TOP: usize = 9;
/// Least side of a tile in picture pixels, so that kernels and crops of a few pixels have room for their labels.
const SIDE: usize = 48;

/// Draws what one convolution's filters look for.
pub struct Drawing<'a> {
    pub request: &'a Request<'a>,
    pub convolution: &'a Convolution<'a>,
    pub field: Option<Field>,
    pub chosen: &'a [usize],
}

impl Drawing<'_> {
    fn id(&self, what: &str) -> String {
        format!("{}-{}-{what}", self.request.section, self.request.ascent.layer.name)
    }

    /// The kernels of a first layer.
    pub fn kernels(&self, kernels: &Kernels, assets: &mut Assets) -> Result<Figure> {
        let layer = &self.request.ascent.layer.name;
        let bands = matches!(self.request.ascent.scene.channels, Channels::Bands(_));
        let shown = |&filter: &usize| Some((filter, kernels.shown(filter)?));
        let shown: Vec<(usize, Array3<f32>)> = self.chosen.iter().filter_map(shown).collect();
        let count = shown.len();
        let tiles: Vec<Tile> = shown.into_iter().flat_map(|(filter, image)| self.kernel(filter, image)).collect();
        let size = kernels.images.first().map_or([1, 1], |image| [image.dim().0, image.dim().1]);
        let image = self.draw(&tiles, size, "kernels", &format!("Kernels of {layer}"), assets)?;
        let constant = self
            .constant_channels()
            .map(|names| format!(" The weights of {names}, which never varies in the data, are left out; the mean of the others stands for them, so that grey stays grey."));
        let constant = constant.unwrap_or_default();
        let each = if bands {
            " A tile is the weights of one band; its label is the filter and, from 1, the band."
        } else {
            ""
        };
        let caption = format!(
            "Kernels of {layer}: the weights of its {count} filters themselves, on one scale for all; grey is 0, the ends of each colour are ±{:.3}.{each}{constant}",
            kernels.scale
        );
        let alt = format!("{count} kernels of {layer} as small images, centred on grey");
        let mut figure = Figure::single(self.id("kernels"), caption, image, alt);
        figure.tiles = tiles.len();
        figure.data = json!({ "layer": layer, "scale": kernels.scale });
        Ok(figure)
    }

    /// The ascended images of one study.
    pub fn images(&self, study: &LayerAscents, assets: &mut Assets) -> Result<Figure> {
        let layer = self.request.ascent.layer;
        let unit = study.settings.objective == Objective::Unit;
        let tiles: Vec<Tile> = study.filters.iter().map(|shown| self.image_tile(study, shown)).collect();
        let what = if unit { "units" } else { "filters" };
        let objective = words::objective(&study.settings, layer.activation.as_deref(), self.convolution.map_size());
        let frame = self.request.ascent.scene.frame;
        let seen = self.seen(study, &Array3::zeros((frame.height, frame.width, 1)));
        let image = self.draw(
            &tiles,
            [seen.dim().0, seen.dim().1],
            what,
            &format!("What the filters of {} look for", layer.name),
            assets,
        )?;
        let crop = if unit && self.field.is_some() { " Only what that unit sees is shown." } else { "" };
        let constant = self
            .constant_channels()
            .map(|names| format!(" There is no {names} in the data, hence none in the images."));
        let constant = constant.unwrap_or_default();
        let (kept, constant) = match study.settings.mode {
            Mode::Pixel => ("; shown with mean 0.5 and deviation 0.15".to_string(), String::new()),
            Mode::Bounded => ("; kept within the range of real inputs".to_string(), constant),
            Mode::Decorrelated => (
                "; composed of independent waves and colours, and optimised under small random shifts, scalings and rotations".to_string(),
                constant,
            ),
        };
        let caption = format!(
            "The input that excites each of the {} filters of {} most, by gradient ascent of {objective}{kept}.{constant}{crop}",
            tiles.len(),
            layer.name
        );
        let alt = format!("{} ascended images of {}; {}", tiles.len(), layer.name, words::count(&study.filters));
        let mut figure = Figure::single(self.id(what), caption, image, alt);
        figure.tiles = tiles.len();
        figure.provenance = self.provenance(study, objective);
        let filters: Vec<Value> = study.filters.iter().map(|shown| self.numbers(shown)).collect();
        figure.data = json!({ "layer": layer.name, "tensor": layer.output_tensor, "filters": filters });
        Ok(figure)
    }

    /// What each filter that answered looks for, by its number: [height, width, channels] in [0, 1].
    pub fn shown(&self, study: &LayerAscents) -> BTreeMap<usize, Array3<f32>> {
        let alive = study.filters.iter().map(|filter| &filter.ascent).filter(|ascent| !ascent.is_dead());
        alive.map(|ascent| (ascent.channel, self.coloured(ascent.shown(&study.settings)))).collect()
    }

    fn image_tile(&self, study: &LayerAscents, shown: &FilterAscent) -> Tile {
        let ascent = &shown.ascent;
        let image = self.coloured(self.seen(study, &ascent.shown(&study.settings)));
        let label = ascent.channel.to_string();
        if ascent.is_dead() {
            let factor = magnification([image.dim().0, image.dim().1]);
            return Tile::empty(
                image.dim().1 * factor,
                image.dim().0 * factor,
                format!("dead from {} starts", study.settings.starts),
            )
            .labelled(label);
        }
        let tile = tile(&image).labelled(label);
        let confirmation = shown.standing.as_ref().map(|standing| standing.confirmation);
        match confirmation {
            _ if ascent.flat => tile.marked("uniform"),
            Some(Confirmation::Beaten) => tile.marked("beaten"),
            Some(Confirmation::Silent) => tile.marked("silent"),
            _ => tile,
        }
    }

    /// What the central unit sees for the unit objective; the whole image for the channel's.
    fn seen(&self, study: &LayerAscents, image: &Array3<f32>) -> Array3<f32> {
        let (height, width, _) = image.dim();
        match (study.settings.objective, self.field) {
            (Objective::Unit, Some(field)) => {
                let [rows, columns] = counted(Objective::Unit, self.convolution.map_size());
                field.window((rows.0, columns.0), (height, width)).of(image)
            }
            _ => image.clone(),
        }
    }

    fn provenance(&self, study: &LayerAscents, objective: String) -> Vec<Line> {
        let scene = self.request.ascent.scene;
        let range: Vec<String> =
            study.settings.range.iter().map(|(low, high)| format!("{low:.3} to {high:.3}")).collect();
        let described = [
            ("Parametrisation", words::parametrisation(&study.settings)),
            ("Source", words::source(study.settings.mode)),
        ];
        let mut lines = vec![
            Line::new(
                "Tensor",
                format!("{} ({})", self.request.ascent.layer.output_tensor, self.request.ascent.layer.kind),
            ),
            Line::new("Objective", objective),
            Line::new("Ascent", words::ascent(&study.settings)),
            Line::new("Range of each channel", range.join(", ")),
        ];
        lines.extend(described.into_iter().filter_map(|(name, text)| text.map(|text| Line::new(name, text))));
        if !scene.inputs.is_empty() {
            let compared =
                "each image, scaled towards their mean colour to the norm of each and never up, is compared with them";
            lines.push(Line::new(
                "Natural inputs",
                format!("{}, from “{}” on; {compared}", scene.inputs.len(), scene.inputs[0].name),
            ));
        }
        lines.push(Line::new("Outlined", "uniform: one colour alone excites the filter as much, or is all the image shows; beaten: a natural image of the same norm excites it more; silent: no natural image excites it; dead: nothing does"));
        lines
    }

    /// A filter's numbers for chapter.json.
    fn numbers(&self, shown: &FilterAscent) -> Value {
        let ascent = &shown.ascent;
        let natural = shown.standing.as_ref().map(|standing| {
            json!({
                "highest": standing.best,
                "input": self.request.ascent.scene.inputs.get(standing.best_input).map(|input| &input.name),
                "ascended_at_equal_norm": standing.at_equal_norm,
                "ratio": standing.ratio,
                "percentile": standing.percentile,
                "verdict": words::confirmation(standing.confirmation),
            })
        });
        json!({
            "filter": ascent.channel,
            "status": words::status(ascent.status),
            "start": ascent.start,
            "end": ascent.end,
            "uniform": ascent.flat,
            "natural": natural,
        })
    }

    /// The activation over the steps; `None` where no filter answered.
    pub fn curves(&self, study: &LayerAscents, assets: &mut Assets) -> Result<Option<Figure>> {
        let layer = &self.request.ascent.layer.name;
        let alive: Vec<&FilterAscent> = study.filters.iter().filter(|shown| !shown.ascent.is_dead()).collect();
        if alive.is_empty() {
            return Ok(None);
        }
        let climbs: Vec<Vec<f32>> =
            alive.iter().map(|shown| [&[shown.ascent.start], &shown.ascent.curve[..]].concat()).collect();
        let title = format!("Ascent of the filters of {layer}");
        let picture = curves(&Curves { title: &title, x: "step", y: "activation", curves: &climbs })?;
        let image = assets.add(&self.id("ascent"), picture);
        let moved = match study.settings.mode {
            Mode::Decorrelated => {
                " Each is that of the image as it was moved; only the first and the last are of the image as it is."
            }
            Mode::Pixel | Mode::Bounded => "",
        };
        let caption = format!(
            "Activation over the steps of the ascent, one thin curve for each of the {} filters of {layer} that answered; thick: their median.{moved}",
            alive.len()
        );
        let alt = format!("{} rising curves", alive.len());
        Ok(Some(Figure::single(self.id("ascent"), caption, image, alt)))
    }

    /// The natural inputs that excite each filter most, cut to what the strongest unit sees: a row for each filter.
    pub fn top_inputs(&self, study: &LayerAscents, assets: &mut Assets) -> Result<Figure> {
        let (layer, scene) = (&self.request.ascent.layer.name, self.request.ascent.scene);
        let mut tiles = Vec::new();
        let mut data = Vec::new();
        let whole = Window::whole(scene.frame.height, scene.frame.width);
        let size = self
            .field
            .map_or([whole.height, whole.width], |field| field.size)
            .map(|length| length.min(whole.height.max(whole.width)));
        for &filter in self.chosen {
            let top = study.responses.top(filter, TOP);
            for place in 0..TOP {
                let label =
                    |activation: String| if place == 0 { format!("{filter}: {activation}") } else { activation };
                let Some(&input) = top.get(place) else {
                    let factor = magnification(size);
                    tiles.push(Tile::empty(size[1] * factor, size[0] * factor, "").labelled(if place == 0 {
                        format!("{filter}: silent")
                    } else {
                        String::new()
                    }));
                    continue;
                };
                let at = study.responses.strongest[[input, filter]];
                let window = self.field.map_or(whole, |field| field.window(at, (whole.height, whole.width)));
                let crop = window.of(&scene.inputs[input].shown);
                tiles.push(tile(&crop).labelled(label(short(study.responses.activation[[input, filter]]))));
            }
            let names: Vec<&str> = top.iter().map(|&input| scene.inputs[input].name.as_str()).collect();
            data.push(json!({ "filter": filter, "inputs": names }));
        }
        let picture = grid(
            &tiles,
            Layout { columns: TOP, magnification: 1 },
            None,
            &format!("Inputs that excite the filters of {layer} most"),
        )?;
        let image = assets.add(&self.id("top"), picture);
        let caption = format!(
            "The {TOP} natural inputs, of {}, that excite each filter of {layer} most, cut to what the strongest unit sees, with the activation; a row for each filter, its number first.",
            scene.inputs.len()
        );
        let alt = format!("{} rows of up to {TOP} crops of inputs", self.chosen.len());
        let mut figure = Figure::single(self.id("top"), caption, image, alt);
        figure.tiles = tiles.len();
        figure.fold = (self.chosen.len() > FEW).then(|| format!("The inputs that excite the filters of {layer} most"));
        figure.data = json!({ "layer": layer, "filters": data });
        Ok(figure)
    }

    /// A grid of tiles of images of this size.
    fn draw(&self, tiles: &[Tile], size: [usize; 2], what: &str, title: &str, assets: &mut Assets) -> Result<Image> {
        let width = size[1] * magnification(size);
        let picture = grid(tiles, Layout::fitting(tiles.len(), width, ROOM), None, title)?;
        Ok(assets.add(&self.id(what), picture))
    }

    /// The tiles of a kernel [h, w, c]: one in colours, or one in grey for each band of a network that takes no colours.
    fn kernel(&self, filter: usize, image: Array3<f32>) -> Vec<Tile> {
        if !matches!(self.request.ascent.scene.channels, Channels::Bands(_)) {
            return vec![tile(&self.coloured(image)).labelled(filter.to_string())];
        }
        let band = |(band, weights): (usize, ndarray::ArrayView2<f32>)| {
            tile(&weights.insert_axis(Axis(2)).to_owned()).labelled(format!("{filter}·{}", band + 1))
        };
        image.axis_iter(Axis(2)).enumerate().map(band).collect()
    }

    /// Colours as red, green and blue, whatever order the network reads them in; of other channels those that are to be shown so.
    fn coloured(&self, mut image: Array3<f32>) -> Array3<f32> {
        let scene = self.request.ascent.scene;
        match scene.channels {
            Channels::Bgr => image.invert_axis(Axis(2)),
            Channels::Bands(_) => return composite(image.view(), scene.show),
            _ => {}
        }
        image
    }

    /// The colours that never vary in the data: "green", "red and green".
    fn constant_channels(&self) -> Option<String> {
        let names = match self.request.ascent.scene.channels {
            Channels::Rgb | Channels::Rgba => &["red", "green", "blue", "opacity"][..],
            Channels::Bgr => &["blue", "green", "red"],
            Channels::Grey => &["grey"],
            Channels::Bands(_) => &[],
        };
        let name = |c: usize| names.get(c).map_or_else(|| format!("band {}", c + 1), |name| name.to_string());
        let constant: Vec<String> = self.request.ascent.scene.constant_channels().into_iter().map(name).collect();
        (!constant.is_empty()).then(|| constant.join(" and "))
    }
}

/// A tile whose small images are enlarged by a whole number, so that their pixels are squares.
fn tile(image: &Array3<f32>) -> Tile {
    Tile::image(enlarged(image).view())
}

/// How many times an image of this height and width is enlarged.
fn magnification(size: [usize; 2]) -> usize {
    SIDE.div_ceil(size[0].max(size[1]).max(1))
}

fn enlarged(image: &Array3<f32>) -> Array3<f32> {
    let (height, width, channels) = image.dim();
    let factor = magnification([height, width]);
    Array3::from_shape_fn((height * factor, width * factor, channels), |(y, x, c)| image[[y / factor, x / factor, c]])
}

fn short(value: f32) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
