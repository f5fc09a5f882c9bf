//! A chapter of synthetic numbers with everything a chapter can hold, for tests and for the eye.

use ndarray::{Array2, Array3};

use crate::figure::chart::{self, Bar, Curves, Distribution, Interval};
use crate::figure::flow::{self, Block, Branch, Kind};
use crate::figure::frame::Frame;
use crate::figure::grid::{self, Layout, Legend, Scale, Tile};
use crate::figure::heat::Heat;
use crate::figure::panel;
use crate::figure::{COLUMN, Colormap, Picture};
use crate::report::Assets;
use crate::report::page::{self, *};
use crate::visualize::placement::Grid;

/// A number in [0, 1) that looks random.
fn noise(seed: usize) -> f32 {
    let mixed = (seed as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / 16_777_216.0
}

/// A line through the middle, in the second half of the picture.
fn line(size: usize, slope: f32) -> Array3<f32> {
    let middle = size as f32 / 2.0;
    Array3::from_shape_fn((size, size, 3), |(y, x, c)| {
        let (dx, dy) = (x as f32 - middle, y as f32 - middle);
        let on = (dy - slope * dx).abs() < 1.5 && dx.abs() < size as f32 / 4.0;
        if on && c == 0 { 1.0 } else { 0.0 }
    })
}

fn activation(channels: usize, size: usize) -> Array3<f32> {
    let image = line(size, 0.5);
    Array3::from_shape_fn((channels, size, size), |(k, y, x)| {
        if k % 9 == 5 {
            return 0.0;
        }
        let (dx, dy) = (k % 3, k / 3 % 3);
        let near = image.get(((y + dy) % size, (x + dx) % size, 0)).copied().unwrap_or(0.0);
        near * (0.4 + noise(k)) + 0.1 * noise(k * 999 + y * 31 + x)
    })
}

fn filter_tile(number: usize, size: usize) -> Tile {
    let (fx, fy) = (noise(number) * 2.0 - 1.0, noise(number + 50) * 2.0 - 1.0);
    let image = Array3::from_shape_fn((size, size, 3), |(y, x, c)| {
        let wave = (fx * x as f32 + fy * y as f32 + c as f32 * noise(number + 7)).sin();
        0.5 + 0.45 * wave * (0.4 + 0.6 * noise(number * 3 + c))
    });
    match number % 17 {
        4 => Tile::empty(size, size, "dead").labelled(number.to_string()),
        9 => Tile::image(Array3::from_elem((size, size, 3), 0.4).view()).labelled(number.to_string()).marked("flat"),
        _ => Tile::image(image.view()).labelled(number.to_string()),
    }
}

fn single(assets: &mut Assets, id: &str, caption: &str, alt: &str, picture: Picture) -> Figure {
    let image = assets.add(id, picture);
    let provenance = vec![
        Line::new("Tensor", "conv2d_2/relu"),
        Line::new("Scale", "each channel from its own minimum to its maximum"),
    ];
    Figure { provenance, ..Figure::single(id, caption, image, alt) }
}

fn filters(assets: &mut Assets, id: &str, layer: &str, count: usize) -> Filters {
    let tiles: Vec<Tile> = (0..count).map(|number| filter_tile(number, 28)).collect();
    let layout = Layout::fitting(count, 28, COLUMN);
    let picture = grid::grid(&tiles, layout, None, &format!("filters of {layer}")).unwrap();
    let caption = format!(
        "The image that excites each of the {count} filters of {layer} most, by gradient ascent from one seeded start."
    );
    let mut figure = single(
        assets,
        &format!("{id}-{layer}-filters"),
        &caption,
        "Striped textures of varied direction and colour; two tiles are empty.",
        picture,
    );
    figure.tiles = count;
    figure.data = serde_json::json!({ "filters": [{ "number": 0, "start": 0.01, "end": 2.5 }] });
    let curves: Vec<Vec<f32>> = (0..count)
        .map(|k| (0..31).map(|s| (1.0 - (-0.1 * s as f32).exp()) * (1.0 + 2.0 * noise(k))).collect())
        .collect();
    let title = format!("Ascent curves of {layer}");
    let picture = chart::curves(&Curves { title: &title, x: "step", y: "activation", curves: &curves }).unwrap();
    let ascent = single(
        assets,
        &format!("{id}-{layer}-ascent"),
        "Activation over the steps of the ascent: every filter thin, their median thick.",
        "All curves rise and level off after about twenty steps.",
        picture,
    );
    let rows: Vec<Interval> = (0..4)
        .map(|k| Interval {
            label: ["start", "natural inputs", "ascended", "at equal norm"][k].into(),
            value: k as f64 + 0.5,
            low: k as f64,
            high: k as f64 + 1.2,
            control: k == 1,
        })
        .collect();
    let picture = chart::intervals(&format!("{layer} against natural inputs"), "activation", &rows, None).unwrap();
    let against = single(
        assets,
        &format!("{id}-{layer}-natural"),
        "Highest activation of the ascended images against natural inputs.",
        "The ascended images lie above natural inputs.",
        picture,
    );
    Filters {
        heading: format!("Convolutional Filters ({layer})"),
        count: format!("Of {count} filters, {} answered, 1 needed another start, 2 are dead from 5 starts.", count - 2),
        figures: vec![figure, ascent, against],
        ..Filters::default()
    }
}

fn heatmaps(assets: &mut Assets, id: &str, heads: &[&str], image: &Array3<f32>) -> Vec<Figure> {
    let size = panel::input_size((28, 28), heads.len());
    let frame = Frame::of_input((28, 28), size);
    let map = Array2::from_shape_fn((22, 22), |(y, x)| {
        (-((x as f32 - 11.0).powi(2) + (y as f32 - 8.0).powi(2)) / 30.0).exp()
    });
    let grid = Grid::of_field([3.5, 3.5], [1.0, 1.0]);
    let heat = Heat { values: map.view(), grid, colormap: Colormap::Inferno, object: None };
    let mut one = |name: &str, picture: Picture, alt: &str| page::Panel {
        image: assets.add(&format!("{id}-{name}"), picture),
        alt: alt.into(),
    };
    let lead = vec![one("cam-input", panel::input(image.view(), size).unwrap(), "A red line on black.")];
    let (mut maps, mut overlays) = (Vec::new(), Vec::new());
    for (i, head) in heads.iter().enumerate() {
        let alt = format!("{head}: activation concentrated on the line, 83 % of energy inside it.");
        let drawn = if i == 2 { panel::empty("all sums negative", size, head) } else { heat.map(&frame, head) };
        maps.push(one(&format!("cam-{head}"), drawn.unwrap(), &alt));
        overlays.push(one(&format!("over-{head}"), heat.overlay(image.view(), &frame).unwrap(), &alt));
    }
    vec![Figure {
        id: format!("{id}-grad-cam"),
        caption: "Grad-CAM at conv2d_2/relu for the predicted class, on the map's own grid of 22 × 22 cells and over the input at an opacity of 50 %.".into(),
        rows: vec![
            Row { heading: None, panels: lead },
            Row { heading: Some("Heatmap".into()), panels: maps },
            Row { heading: Some("Heatmap over Input Image".into()), panels: overlays },
        ],
        enlargeable: true,
        provenance: vec![
            Line::new("Score", "logit of class 17 at head Class"),
            Line::formula("Formula", r"L = \mathrm{ReLU}\Bigl(\sum_k \alpha_k A^k\Bigr),\quad \alpha_k = \frac{1}{Z}\sum_{i,j} \frac{\partial y}{\partial A^k_{ij}}"),
            Line::new("Error against finite differences", "5.1 × 10⁻¹⁰ of the largest gradient"),
        ],
        ..Figure::default()
    }]
}

fn input(assets: &mut Assets, id: &str, layers: &[(&str, usize, usize)], heads: &[&str]) -> Input {
    let image = line(28, if id.ends_with('2') { -1.0 } else { 0.5 });
    let picture = panel::input(image.view(), panel::panel_size((28, 28), 170)).unwrap();
    let mut figure = single(
        assets,
        &format!("{id}-input"),
        "The input and the five most probable classes of each head.",
        "A red line, 15 pixels long and 3 wide, at 30 degrees, on black.",
        picture,
    );
    figure.rows.push(Row::default());
    let mut predictions = Vec::new();
    for (i, head) in heads.iter().enumerate() {
        let bars: Vec<Bar> = (0..3)
            .map(|k| Bar {
                label: format!("long, wide, red, {}°", 15 * (k + 1)),
                value: [0.93, 0.05, 0.02][k],
                text: ["93.0 %", "5.0 %", "2.0 %"][k].into(),
                mark: if k == 0 { "truth".into() } else { String::new() },
            })
            .collect();
        let picture = chart::bars(head, &bars).unwrap();
        let image = assets.add(&format!("{id}-probabilities-{head}"), picture);
        figure.rows[1]
            .panels
            .push(page::Panel { image, alt: format!("Probabilities of {head}: 93.0 %, 5.0 %, 2.0 %.") });
        let truth = if i == 1 { "narrow" } else { "long, wide, red, 15°" };
        predictions.push(Prediction::new(*head, "long, wide, red, 15°", 0.93, Some(truth.into())));
    }
    let mut activations = Vec::new();
    for (layer, channels, size) in layers {
        let tiles = grid::feature_maps(activation(*channels, *size).view(), Scale::PerTile, Colormap::Viridis);
        let legend =
            Legend { colormap: Colormap::Viridis, low: "minimum of the channel".into(), high: "its maximum".into() };
        let picture = grid::grid(
            &tiles,
            Layout::fitting(*channels, *size, COLUMN),
            Some(&legend),
            &format!("activation of {layer}"),
        )
        .unwrap();
        let mut figure = single(
            assets,
            &format!("{id}-{layer}"),
            &format!(
                "Activation of {layer}: {channels} channels of {size} × {size}; channels that are zero everywhere are hatched."
            ),
            "The line appears in most channels, thickened or as its edges.",
            picture,
        );
        figure.tiles = *channels;
        let panel = figure.rows[0].panels[0].clone();
        figure.folded =
            Some(Folded { summary: format!("All {channels} channels"), panels: vec![panel], apart: *size > 25 });
        activations.push(figure);
    }
    Input {
        heading: "Input Image".into(),
        description: "The first sample of class 17 of the generated test lines (seed 7).".into(),
        figure: Some(figure),
        predictions,
        activations,
        heatmaps: heatmaps(assets, id, heads, &image),
        notes: vec![
            "Color has an empty map: all weighted sums are negative. The counterfactual map answers instead.".into(),
        ],
        ..Input::default()
    }
}

fn block(name: &str, detail: &str, shape: &str, kind: Kind) -> Block {
    Block { name: name.into(), detail: detail.into(), shape: shape.into(), kind }
}

fn section(
    assets: &mut Assets,
    id: &str,
    heading: &str,
    convolutions: &[(&str, usize, usize)],
    heads: &[&str],
    inputs: usize,
) -> Section {
    let trunk = [
        block("Input_Image", "InputLayer", "28 × 28 × 3", Kind::Input),
        block("conv2d_2", "Conv2D 7×7", "22 × 22 × 32", Kind::Convolution),
        block("batch_normalization_2", "BatchNormalization", "22 × 22 × 32", Kind::Other),
        block("max_pooling2d_2", "MaxPooling2D 2×2", "11 × 11 × 32", Kind::Pooling),
        block("flatten_2", "Flatten", "3872", Kind::Other),
        block("dense_3", "Dense", "1024", Kind::Dense),
    ];
    let head = |name: &&str| {
        vec![block("dense_4", "Dense", "64", Kind::Dense), block(name, "Dense, softmax", "12", Kind::Head)]
    };
    let branches: Vec<Branch> = heads.iter().map(|name| Branch { blocks: head(name), shared: 0 }).collect();
    let branches = if heads.len() > 1 { branches } else { Vec::new() };
    let picture = flow::strip(&trunk, &branches, &format!("Layers of {heading}")).unwrap();
    let flow = single(
        assets,
        &format!("{id}-flow"),
        "The shapes that flow through the network.",
        "Six layers from 28 × 28 × 3 to 96 classes.",
        picture,
    );
    let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let table = Table {
        caption: format!("Layers of {heading}"),
        columns: vec![Column::text("Layer (type)"), Column::text("Output Shape"), Column::number("Param #")],
        rows: vec![
            cells(["conv2d_2 (Conv2D)", "(None, 22, 22, 32)", "4736"]),
            cells(["batch_normalization_2 (BatchNormalization)", "(None, 22, 22, 32)", "128"]),
            cells(["max_pooling2d_2 (MaxPooling2D)", "(None, 11, 11, 32)", "0"]),
            cells(["flatten_2 (Flatten)", "(None, 3872)", "0"]),
            cells(["dense_3 (Dense)", "(None, 1024)", "3965952"]),
            cells(["dense_4 (Dense)", "(None, 96)", "98400"]),
        ],
        totals: vec![
            "Total params: 4,069,216".into(),
            "Trainable params: 4,069,152".into(),
            "Non-trainable params: 64".into(),
        ],
        fold: None,
        ..Table::default()
    };
    Section {
        survey: None,
        id: id.into(),
        heading: heading.into(),
        paragraphs: vec![
            "One convolution of 32 filters of 7 × 7, normalised and pooled, then two dense layers.".into(),
        ],
        flow: Some(flow),
        table: Some(table),
        facts: vec![
            Line::new("Test accuracy", "99.4 % of 9,600 fresh lines"),
            Line::new("Gradient check", "largest error 4 × 10⁻¹⁰ of the largest gradient, 352 scalars, 0 dropped"),
        ],
        filters: convolutions.iter().map(|(layer, count, _)| filters(assets, id, layer, *count)).collect(),
        inputs: (1..=inputs).map(|i| input(assets, &format!("{id}-{i}"), convolutions, heads)).collect(),
        ..Section::default()
    }
}

fn inference(assets: &mut Assets, number: usize, verdict: Verdict, statement: &str) -> Inference {
    let id = format!("inference-{number}");
    let chart = (number % 2 == 1).then(|| {
        let labels = ["trained", "re-initialised", "uniform", "edges"];
        let rows: Vec<Distribution> = labels.iter().enumerate().map(|(i, label)| Distribution { label: (*label).into(), values: (0..200).map(|k| noise(k + 200 * i) * (4.0 - i as f32) + 0.5).collect(), control: i > 0 }).collect();
        let picture = chart::distributions("Energy inside the line", "energy inside the line / its share of the area", &rows, Some((1.0, "chance"))).unwrap();
        single(assets, &format!("{id}-chart"), "Energy inside the line over its share of the area, trained network and controls; box over the middle half, line from the 5th to the 95th percentile.", "The trained network lies above all controls.", picture)
    });
    Inference {
        id,
        number: 0,
        statement: statement.into(),
        verdict,
        result: "The maps hold 6.2 times the energy that chance would put on the line (95 % interval 5.9 to 6.5), and re-initialised copies reach 5.3.".into(),
        chart,
        details: vec![Line::new("Statistic", "energy-based pointing game over area share"), Line::new("Sample", "n = 300 lines, seed 7"), Line::new("Control", "five re-initialised copies"), Line::new("Threshold", "paired difference above 0.5")],
        figures: vec!["base-line-1-grad-cam".into()],
        data: serde_json::json!({ "ratio": 6.2, "low": 5.9, "high": 6.5, "n": 300 }),
        ..Inference::default()
    }
}

/// Two networks, inferences, and how it was made.
pub fn page() -> (Page, Assets) {
    let mut assets = Assets::default();
    let sections = vec![
        section(
            &mut assets,
            "base-line",
            "Base model over Line data",
            &[("conv2d_2", 32, 22), ("max_pooling2d_2", 32, 11)],
            &["Class"],
            2,
        ),
        section(
            &mut assets,
            "variation-1",
            "Question 2 - Variation 1 model",
            &[("conv2d_1", 4, 26), ("conv2d_2", 6, 22)],
            &["Length", "Width", "Color", "Angle"],
            1,
        ),
        section(
            &mut assets,
            "deep-line",
            "Deep model on Line dataset",
            &[("conv2d_8", 32, 26), ("conv2d_9", 64, 13), ("conv2d_10", 128, 6)],
            &["Class"],
            1,
        ),
    ];
    let claims = [
        (
            Verdict::Supported,
            "In most models the activations and the class heatmaps attend in and around the region that matters for the class.",
        ),
        (Verdict::NotSupported, "The effect of max pooling on the convolution’s output is clearly visible."),
        (Verdict::Undecided, "The learned filters show intricate patterns."),
    ];
    let items =
        claims.iter().enumerate().map(|(i, (verdict, words))| inference(&mut assets, i + 1, *verdict, words)).collect();
    let further = vec![Inference {
        id: "finding-depth".into(),
        ..inference(&mut assets, 4, Verdict::Supported, "The classes separate after the first pooling.")
    }];
    let summary = Table {
        caption: "Accuracy, localisation, zero gradients and filters of every network".into(),
        columns: vec![
            Column::text("Network"),
            Column::number("Length"),
            Column::number("Width"),
            Column::number("Color"),
            Column::number("Angle"),
            Column::number("Energy ratio"),
            Column::number("Zero gradients"),
            Column::number("Filters alive"),
        ],
        rows: ["Variation 1", "Variation 2", "Variation 3"]
            .iter()
            .map(|name| {
                [*name, "99.6 %", "100.0 %", "100.0 %", "94.1 %", "6.20", "0", "32 of 32"].map(str::to_owned).to_vec()
            })
            .collect(),
        ..Table::default()
    };
    let inferences = Inferences {
        heading: "3.1 Inferences".into(),
        paragraphs: vec!["The original states eleven conclusions from looking. Each is measured here, against a threshold fixed beforehand, and each may fail.".into()],
        items,
        further_heading: "Further findings".into(),
        further,
        summary: Some(summary),
        trust: Some(Remarks { heading: "May I trust this map?".into(), paragraphs: vec!["Only as far as its controls allow: heatmaps are diagnostic evidence, not causal proof.".into()], ..Remarks::default() }),
        ..Inferences::default()
    };
    let models = Table {
        caption: "Models".into(),
        columns: vec![Column::text("File"), Column::text("SHA-256")],
        rows: vec![vec!["onnx/base-line.onnx".into(), "3f".repeat(32)]],
        ..Table::default()
    };
    let making = Making {
        heading: "How this chapter was made".into(),
        facts: vec![Line::new("Program", "convscope 0.1.0"), Line::new("Seed", "7")],
        tables: vec![models],
        ..Making::default()
    };
    let input = &sections[0].inputs[0];
    let over = input.heatmaps[0].rows[2].panels[0].clone();
    let tile = |n: usize, mood| Thumbnail {
        section: 0,
        input: n,
        id: String::new(),
        image: over.image.clone(),
        alt: "The line, hot.".into(),
        title: "long, wide, red, 15°".into(),
        lines: vec!["93.0 %".into(), "line 17".into()],
        mood,
    };
    let card = |value: &str, mood| Card {
        value: value.into(),
        name: "heatmaps empty".into(),
        note: "each says why".into(),
        mood,
    };
    let sheet = Sheet {
        caption: "The 2 images, the least certain first".into(),
        tiles: vec![tile(0, Mood::Good), tile(1, Mood::Plain)],
    };
    let idea = Figure {
        look: vec!["83 % of its energy lies on the line.".into()],
        ..Figure::single("idea", "The idea of this chapter, by its first input.", over.image.clone(), "The line, hot.")
    };
    let front = Front {
        cards: vec![card("1 of 8", Mood::Open), card("0 of 4", Mood::Good)],
        sheets: vec![sheet],
        idea: Some(idea),
        reading: vec!["A heatmap says which places raise the score of a class.".into()],
    };
    let page = Page {
        front: Some(front),
        files: vec!["chapter.json".into()],
        number: Some(3),
        title: "Network Visualization".into(),
        introduction: "Three ways to look into a convolutional network, to see what it has learned and which part of the image it uses:\n\n1. *Visualizing intermediate layer activations*: the images that the filters of each layer produce for one input.\n2. *Visualizing convnet filters*: for each filter, the input image that maximises its response.\n3. *Visualizing heatmaps of class activation*: a grid of scores, laid over the input, by Grad-CAM with weights $\\alpha_k = \\frac{1}{Z}\\sum_{ij} \\partial y / \\partial A^k_{ij}$.".into(),
        notes: vec!["Made with --quick: samples are small and intervals wide.".into()],
        sections,
        inferences: Some(inferences),
        making: Some(making),
        ..Page::default()
    };
    (page, assets)
}
