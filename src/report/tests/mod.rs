//! The page as a whole: structure, twins, hostile text.

mod sample;

use std::collections::BTreeSet;
use std::path::PathBuf;

use scraper::{ElementRef, Html, Selector};

use crate::figure::svg::{Anchor, Ink, Svg};
use crate::output::Destination;
use crate::report::page::{
    Card, Column, Figure, Folded, Front, Inference, Inferences, Input, Line, Mood, Page, Panel, Prediction, Section,
    Sheet, Table, Thumbnail,
};
use crate::report::{Assets, Rendered, SideFiles, claims, render, write};

fn rendered() -> Rendered {
    let (mut page, assets) = sample::page();
    page.finish().unwrap();
    render(&page, assets).unwrap()
}

fn all<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes the sample where `CONVSCOPE_PAGE_OUT` says, to be looked at and checked in a browser.
#[test]
fn the_sample_can_be_written() {
    match std::env::var_os("CONVSCOPE_PAGE_OUT") {
        Some(folder) => {
            let mut destination = Destination::open(&PathBuf::from(folder), claims(false, false)).unwrap();
            write(&mut destination, &rendered(), SideFiles::default()).unwrap();
            destination.publish().unwrap();
        }
        None => println!("CONVSCOPE_PAGE_OUT is not set: the sample chapter is not written"),
    }
}

#[test]
fn headings_come_in_the_order_of_the_original() {
    let html = Html::parse_document(&rendered().html);
    let headings: Vec<String> = all(&html, "main h1, main h2, main h3, main h4").into_iter().map(text).collect();
    let wanted = [
        "Chapter 3 — Network Visualization",
        "What was found",
        "The idea in one figure",
        "Base model over Line data",
        "Convolutional Filters (conv2d_2)",
        "Convolutional Filters (max_pooling2d_2)",
        "Input Image",
        "Intermediate Layer Activation",
        "Class Activation Heatmap",
        "Heatmap",
        "Heatmap over Input Image",
        "Input Image",
    ];
    assert_eq!(headings.iter().take(wanted.len()).collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>());
    let inferences = headings.iter().position(|heading| heading == "3.1 Inferences").unwrap();
    assert_eq!(headings[inferences + 3], "3. The learned filters show intricate patterns.");
    assert_eq!(headings.last().map(String::as_str), Some("How this chapter was made"));
}

#[test]
fn no_heading_skips_a_level() {
    let html = Html::parse_document(&rendered().html);
    let levels: Vec<u32> =
        all(&html, "h1, h2, h3, h4, h5, h6").iter().map(|h| h.value().name()[1..].parse().unwrap()).collect();
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
}

#[test]
fn every_figure_has_number_caption_and_pictures_with_words_and_size() {
    let html = Html::parse_document(&rendered().html);
    let figures = all(&html, "figure");
    assert!(figures.len() > 30);
    for (i, figure) in figures.iter().enumerate() {
        let caption = text(figure.select(&Selector::parse("figcaption > p").unwrap()).next().unwrap());
        let number = format!("Figure 3.{}. ", i + 1);
        assert!(caption.starts_with(&number) && caption.len() > number.len() + 10, "{caption}");
        let pictures: Vec<ElementRef> = figure.select(&Selector::parse("svg[role=img]").unwrap()).collect();
        assert!(!pictures.is_empty(), "{caption}");
        for picture in pictures {
            let attribute = |name: &str| picture.value().attr(name).unwrap_or_default();
            assert!(attribute("aria-label").len() > 5, "{caption}");
            assert!(attribute("width").parse::<u32>().unwrap() > 0 && attribute("height").parse::<u32>().unwrap() > 0);
        }
    }
}

#[test]
fn ids_are_unique_and_every_internal_link_leads_somewhere() {
    let html = Html::parse_document(&rendered().html);
    let ids: Vec<&str> = all(&html, "[id]").iter().filter_map(|element| element.value().id()).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    let rendered = rendered();
    for link in all(&html, "a[href], use[href]") {
        let address = link.value().attr("href").unwrap();
        let beside =
            |file: &str| file == "chapter.json" || rendered.assets.get(&file.replace("chapter/", "")).is_some();
        let anchor = address.strip_prefix('#');
        assert!(anchor.map_or_else(|| beside(address), |id| unique.contains(id)), "{address}");
    }
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let page = rendered().html;
    let html = Html::parse_document(&page);
    assert!(all(&html, "script, iframe, object, embed, img, form").is_empty());
    for element in all(&html, "[src], [href], [data], [xlink\\:href]") {
        for name in ["src", "href", "data", "xlink:href"] {
            // A link leads to a file beside the page only when the reader follows it.
            let followed = element.value().name() == "a";
            if let Some(address) = element.value().attr(name) {
                let beside = followed && (address.starts_with("chapter/") || address == "chapter.json");
                assert!(address.starts_with('#') || address.starts_with("data:") || beside, "{address}");
            }
        }
    }
    assert!(!page.contains("@import") && !page.contains("url("));
}

/// The numbers of a text, in order.
fn numbers(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))
        .map(|part| part.trim_matches(['.', ',']).to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

#[test]
fn markdown_and_html_carry_the_same_numbers() {
    let rendered = rendered();
    let html = Html::parse_document(&rendered.html);
    let (mut shown, mut written) = (Vec::new(), Vec::new());
    for element in all(&html, "main p, main li, main th, main td, main summary, main h2, main h3") {
        // What a picture shows as text is in its own file.
        if element.select(&Selector::parse("svg, math").unwrap()).next().is_none() {
            shown.extend(numbers(&text(element)));
        }
    }
    for line in rendered.markdown.lines().filter(|line| !line.contains("](chapter/") && !line.contains('$')) {
        let mut visible = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](#") {
            visible.push_str(before);
            rest = after.split_once(')').map_or("", |(_, rest)| rest);
        }
        visible.push_str(rest);
        let visible = visible.split_once("</a>").map_or(visible.as_str(), |(_, heading)| heading).to_owned();
        if !visible.starts_with('<') || visible.starts_with("<summary") {
            written.extend(numbers(&visible.replace('\\', "")));
        }
    }
    let (in_html, in_markdown): (BTreeSet<_>, BTreeSet<_>) = (shown.iter().collect(), written.iter().collect());
    let only_one = in_html.symmetric_difference(&in_markdown).collect::<Vec<_>>();
    assert!(only_one.is_empty(), "in one of the twins only: {only_one:?}");
    assert!(shown.len() > 300);
}

#[test]
fn markdown_links_to_pictures_that_are_there() {
    let rendered = rendered();
    let linked: BTreeSet<&str> = rendered
        .markdown
        .match_indices("](chapter/")
        .map(|(i, found)| rendered.markdown[i + found.len()..].split(')').next().unwrap())
        .collect();
    let kept: BTreeSet<&str> = rendered.assets.iter().map(|(file, _)| file).collect();
    assert_eq!(linked, kept);
}

#[test]
fn the_same_page_gives_the_same_bytes() {
    let (one, two) = (rendered(), rendered());
    assert_eq!((one.html, one.markdown, one.json), (two.html, two.markdown, two.json));
}

#[test]
fn json_holds_the_numbers() {
    let json: serde_json::Value = serde_json::from_str(&rendered().json).unwrap();
    assert_eq!(json["sections"][0]["inputs"][0]["predictions"][0]["probability"], 0.93);
    assert_eq!(json["inferences"]["items"][0]["data"]["ratio"], 6.2);
    assert_eq!(json["inferences"]["items"][1]["verdict"], "not_supported");
    assert_eq!(json["sections"][0]["filters"][0]["figures"][0]["data"]["filters"][0]["end"], 2.5);
}

/// A page in which every string is `text`.
fn page_of(text: &str) -> (Page, Assets) {
    let mut assets = Assets::default();
    let mut svg = Svg::default();
    svg.text((0.0, 9.0), 10, Anchor::Start, Ink::Ink, text);
    let image = assets.add(text, svg.finish(10, 10, text));
    let mut id = 0;
    let mut figure = || {
        id += 1;
        let lines = vec![Line::new(text, text)];
        let mut figure = Figure::single(format!("{text}-{id}"), text, image.clone(), text);
        figure.rows[0].heading = Some(text.into());
        figure.fold = Some(text.into());
        figure.provenance = lines;
        figure.look = vec![text.into()];
        figure.folded = Some(Folded {
            summary: text.into(),
            panels: vec![Panel { image: image.clone(), alt: text.into() }],
            apart: id % 2 == 0,
        });
        figure
    };
    let table = Table {
        caption: text.into(),
        columns: vec![Column::text(text)],
        rows: vec![vec![text.into()]],
        totals: vec![text.into()],
        fold: Some(text.into()),
        parts: vec![Table {
            caption: text.into(),
            columns: vec![Column::text(text)],
            rows: vec![vec![text.into()]],
            fold: Some(text.into()),
            ..Table::default()
        }],
        parts_fold: text.into(),
    };
    let tile = Thumbnail {
        section: 0,
        input: 0,
        id: String::new(),
        image: image.clone(),
        alt: text.into(),
        title: text.into(),
        lines: vec![text.into()],
        mood: Mood::Open,
    };
    let front = Front {
        cards: vec![Card { value: text.into(), name: text.into(), note: text.into(), mood: Mood::Bad }],
        sheets: vec![Sheet { caption: text.into(), tiles: vec![tile] }],
        idea: Some(figure()),
        reading: vec![text.into()],
    };
    let input = Input {
        verdict: text.into(),
        heading: text.into(),
        description: text.into(),
        figure: Some(figure()),
        predictions: vec![Prediction::new(text, text, 0.5, Some(text.into()))],
        heatmaps: vec![figure()],
        notes: vec![text.into()],
        ..Input::default()
    };
    let section = Section {
        id: text.into(),
        heading: text.into(),
        paragraphs: vec![text.into()],
        table: Some(table),
        facts: vec![Line::formula(text, text)],
        inputs: vec![input],
        ..Section::default()
    };
    let item = Inference {
        id: format!("i-{text}"),
        statement: text.into(),
        measure: text.into(),
        result: text.into(),
        chart: Some(figure()),
        ..Inference::default()
    };
    let inferences = Inferences { heading: text.into(), items: vec![item], ..Inferences::default() };
    let page = Page {
        title: text.into(),
        introduction: text.into(),
        notes: vec![text.into()],
        sections: vec![section],
        inferences: Some(inferences),
        front: Some(front),
        ..Page::default()
    };
    (page, assets)
}

#[test]
fn hostile_text_never_becomes_markup() {
    let long = "<b>".repeat(3_334);
    for text in [
        "<img src=x onerror=alert(1)>",
        "](javascript:alert(1))",
        "</figcaption></figure><script>alert(1)</script>",
        "\"><svg onload=alert(1)>",
        "<!-- ",
        "```",
        "$$\\href{javascript:alert(1)}{x}$$",
        "| | |\n|---|\n# heading",
        "{{ title }}{% for x in y %}",
        "\u{202e}\u{0}\u{1b}[31m",
        "<style>*{display:none}</style>",
        &long,
    ] {
        let (mut page, assets) = page_of(text);
        page.finish().unwrap();
        let rendered = render(&page, assets).unwrap();
        for document in rendered.assets.iter().map(|(_, svg)| svg).chain([rendered.html.as_str()]) {
            let html = Html::parse_document(document);
            assert!(all(&html, "script, iframe, img, main style, main b").is_empty(), "{text}");
            for element in all(&html, "*") {
                let unsafe_attribute = |(name, value): (&str, &str)| {
                    let safe = ["#", "data:", "chapter/"].iter().any(|start| value.starts_with(start));
                    name.starts_with("on") || (name == "href" && !safe)
                };
                assert!(!element.value().attrs().any(unsafe_attribute), "{text}: {:?}", element.value());
            }
        }
        let html = Html::parse_document(&rendered.html);
        assert_eq!(all(&html, "figure").len(), 4, "{text}");
        assert_eq!(all(&html, "main h1").len(), 1, "{text}");
        assert_eq!(all(&html, "table").len(), 3, "{text}");
        assert_eq!(all(&html, "nav li a").len(), 4, "{text}");
        assert_eq!(all(&html, ".cards li, .sheet li").len(), 2, "{text}");
        assert!(!rendered.markdown.contains("<img") && !rendered.markdown.contains("<script"), "{text}");
        let longest = rendered.markdown.lines().map(str::len).max().unwrap();
        assert!(longest < 120_000, "{text}: {longest}");
    }
}

#[test]
fn a_small_page_in_markdown() {
    let (mut page, assets) = page_of("Grad-CAM of conv2d_2");
    page.number = Some(3);
    page.finish().unwrap();
    insta::assert_snapshot!(render(&page, assets).unwrap().markdown);
}

#[test]
fn an_empty_page_is_a_page() {
    let mut page = Page { title: "Nothing".into(), ..Page::default() };
    page.finish().unwrap();
    let rendered = render(&page, Assets::default()).unwrap();
    assert_eq!(rendered.markdown, "# Nothing\n\n<nav>\n\n</nav>\n");
    assert!(rendered.html.contains("<h1>Nothing</h1>"));
}
