//! Finishes a filled page: numbers figures and inferences, sets anchors, resolves references, decides what folds, collects the contents.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::report::assets::slug;
use crate::report::markdown;
use crate::report::page::{Entry, Figure, Inference, Input, Page, Reference, Section, Table, Verdict};

/// Grids with more tiles and tables with more rows than this fold.
const MANY_TILES: usize = 64;
const MANY_ROWS: usize = 30;
/// Links that a list of references has at most; the others are counted.
const LINKS: usize = 3;

/// The ids of the page's frame and of the parts that every page has.
const FRAME: [&str; 11] = [
    "inferences",
    "further-findings",
    "networks",
    "trust",
    "making",
    "top",
    "main",
    "contents",
    "reading",
    "everything",
    "glance",
];

impl Page {
    /// Numbers figures in reading order and inferences in theirs, gives every part an id of its own, turns ids into
    /// references with their way back, folds what is long, and collects the contents. To be called once.
    ///
    /// # Errors
    /// When an inference refers to a figure that is not there.
    pub fn finish(&mut self) -> Result<()> {
        let mut ids = Ids::default();
        self.place_anchors(&mut ids);
        let figures = self.number_figures(&mut ids);
        self.refer(&figures)?;
        for table in self.tables_mut() {
            finish_table(table);
        }
        self.contents = self.collect_contents();
        let anchors = self.contents.iter().flat_map(|e| e.entries.iter().map(|e| &e.id).chain([&e.id])).cloned();
        self.introduction = markdown::sanitize(&self.introduction, &anchors.collect());
        Ok(())
    }

    fn place_anchors(&mut self, ids: &mut Ids) {
        for section in &mut self.sections {
            section.id = ids.unique(&section.id);
            for filters in &mut section.filters {
                filters.id = ids.unique(&format!("{} {}", section.id, filters.heading));
            }
            if let Some(survey) = &mut section.survey {
                survey.id = ids.unique(&format!("{} all images", section.id));
            }
            section.network_id = ids.unique(&format!("{} network", section.id));
            for (i, input) in section.inputs.iter_mut().enumerate() {
                input.id = ids.unique(&format!("{} input {}", section.id, i + 1));
            }
        }
        let thumbnails = self.front.iter_mut().flat_map(|front| &mut front.sheets).flat_map(|sheet| &mut sheet.tiles);
        for thumbnail in thumbnails {
            let section = self.sections.get(thumbnail.section);
            thumbnail.id =
                section.and_then(|s| s.inputs.get(thumbnail.input)).map_or_else(String::new, |input| input.id.clone());
        }
        if let Some(inferences) = &mut self.inferences {
            inferences.id = "inferences".to_owned();
            inferences.further_id = "further-findings".to_owned();
            for list in [&mut inferences.items, &mut inferences.further] {
                for (i, item) in list.iter_mut().enumerate() {
                    item.id = ids.unique(&item.id);
                    if item.number == 0 {
                        item.number = i + 1;
                    }
                }
            }
            inferences.tally = tally(inferences.items.iter().chain(&inferences.further));
            if let Some(trust) = &mut inferences.trust {
                trust.id = "trust".to_owned();
            }
        }
        if let Some(making) = &mut self.making {
            making.id = "making".to_owned();
        }
    }

    /// Gives every figure its number and its id; a reference to each by the id it was made with, the first of those with the same.
    fn number_figures(&mut self, ids: &mut Ids) -> BTreeMap<String, Reference> {
        let chapter = self.number;
        let mut references = BTreeMap::new();
        for (i, figure) in self.figures_mut().into_iter().enumerate() {
            figure.number = match chapter {
                Some(chapter) => format!("{chapter}.{}", i + 1),
                None => (i + 1).to_string(),
            };
            let id = ids.unique(&figure.id);
            let reference = Reference { id: id.clone(), text: format!("Figure {}", figure.number) };
            references.entry(std::mem::replace(&mut figure.id, id)).or_insert(reference);
            if figure.tiles > MANY_TILES && figure.fold.is_none() {
                figure.fold = Some(format!("Show the {} tiles of Figure {}", figure.tiles, figure.number));
            }
        }
        references
    }

    /// Resolves the figures that inferences name, and tells these figures who named them.
    fn refer(&mut self, figures: &BTreeMap<String, Reference>) -> Result<()> {
        let mut citations: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
        if let Some(inferences) = &mut self.inferences {
            for (kind, list) in [("Inference", &mut inferences.items), ("Finding", &mut inferences.further)] {
                for item in list {
                    let link = Reference { id: item.id.clone(), text: format!("{kind} {}", item.number) };
                    let mut seen = BTreeSet::new();
                    for id in &item.figures {
                        let reference = figures.get(id).ok_or_else(|| {
                            Error::other(format!(
                                "inference '{}' refers to figure '{id}', which is not in the page",
                                item.id
                            ))
                        })?;
                        if seen.insert(reference.id.clone()) {
                            if item.references.len() < LINKS {
                                item.references.push(reference.clone());
                            } else {
                                item.more_references += 1;
                            }
                            citations.entry(reference.id.clone()).or_default().push(link.clone());
                        }
                    }
                }
            }
        }
        for figure in self.figures_mut() {
            figure.cited_by = citations.remove(&figure.id).unwrap_or_default();
            figure.more_citations = figure.cited_by.len().saturating_sub(LINKS);
            figure.cited_by.truncate(LINKS);
        }
        Ok(())
    }

    /// Every figure in the order in which the page shows them.
    fn figures_mut(&mut self) -> Vec<&mut Figure> {
        let mut figures = Vec::new();
        figures.extend(self.front.iter_mut().flat_map(|front| &mut front.idea));
        let answers_first = self.answers_first;
        for section in &mut self.sections {
            figures.extend(section.figures_mut(answers_first));
        }
        if let Some(inferences) = &mut self.inferences {
            let items = inferences.items.iter_mut().chain(&mut inferences.further);
            figures.extend(items.flat_map(|item| &mut item.chart));
        }
        figures
    }

    fn tables_mut(&mut self) -> Vec<&mut Table> {
        let mut tables: Vec<&mut Table> = Vec::new();
        for section in &mut self.sections {
            tables.extend(&mut section.table);
            tables.extend(section.survey.iter_mut().flat_map(|survey| &mut survey.tables));
        }
        tables.extend(self.inferences.iter_mut().flat_map(|inferences| &mut inferences.summary));
        tables.extend(self.making.iter_mut().flat_map(|making| &mut making.tables));
        tables
    }

    fn collect_contents(&self) -> Vec<Entry> {
        let leaf = |id: &str, title: &str| Entry { id: id.to_owned(), title: title.to_owned(), entries: Vec::new() };
        let mut contents = Vec::new();
        if self.front.is_some() {
            contents.push(leaf("glance", "At a glance"));
        }
        for section in &self.sections {
            let filters = section.filters.iter().map(|filters| leaf(&filters.id, &filters.heading));
            let survey = section.survey.iter().map(|survey| leaf(&survey.id, &survey.heading));
            let inputs = section.inputs.iter().enumerate().map(|(i, input)| {
                let several = section.inputs.iter().filter(|other| other.heading == input.heading).count() > 1;
                let title = if several { format!("{} {}", input.heading, i + 1) } else { input.heading.clone() };
                leaf(&input.id, &title)
            });
            let entries = if self.answers_first {
                let network = leaf(&section.network_id, "The network");
                survey.chain(inputs).chain([network]).chain(filters).collect()
            } else {
                filters.chain(survey).chain(inputs).collect()
            };
            contents.push(Entry { entries, ..leaf(&section.id, &section.heading) });
        }
        if let Some(inferences) = &self.inferences {
            let mut entries = Vec::new();
            if !inferences.further.is_empty() {
                entries.push(leaf(&inferences.further_id, &inferences.further_heading));
            }
            if inferences.summary.is_some() {
                entries.push(leaf("networks", "The networks side by side"));
            }
            entries.extend(inferences.trust.iter().map(|trust| leaf(&trust.id, &trust.heading)));
            contents.push(Entry { entries, ..leaf(&inferences.id, &inferences.heading) });
        }
        contents.extend(self.making.iter().map(|making| leaf(&making.id, &making.heading)));
        contents
    }
}

impl Section {
    /// Every figure in the order in which the page shows them, see [`Page::answers_first`].
    pub fn figures_mut(&mut self, answers_first: bool) -> Vec<&mut Figure> {
        let mut network: Vec<&mut Figure> = self.flow.iter_mut().collect();
        network.extend(self.filters.iter_mut().flat_map(|filters| &mut filters.figures));
        let mut images: Vec<&mut Figure> =
            self.inputs.iter_mut().flat_map(|input| input.figures_mut(answers_first)).collect();
        if answers_first {
            images.extend(network);
            images
        } else {
            network.extend(images);
            network
        }
    }
}

impl Input {
    /// Every figure in the order in which the page shows them, see [`Page::answers_first`].
    pub fn figures_mut(&mut self, answers_first: bool) -> Vec<&mut Figure> {
        let (first, second) = if answers_first {
            (&mut self.heatmaps, &mut self.activations)
        } else {
            (&mut self.activations, &mut self.heatmaps)
        };
        self.figure.iter_mut().chain(first).chain(second).collect()
    }
}

/// The ids of a page that are taken, those of its frame from the beginning.
struct Ids(BTreeSet<String>);

impl Default for Ids {
    fn default() -> Ids {
        Ids(FRAME.map(str::to_owned).into())
    }
}

impl Ids {
    /// An id made from `text` that no other part has, if need be with a number behind it. Every figure's pictures have an anchor of
    /// their own, `view-` before the figure's; whoever may be a figure leaves room for it.
    fn unique(&mut self, text: &str) -> String {
        let stem = slug(text);
        let mut id = stem.clone();
        let mut number = 2;
        while self.0.contains(&id) || self.0.contains(&format!("view-{id}")) {
            id = format!("{stem}-{number}");
            number += 1;
        }
        self.0.insert(format!("view-{id}"));
        self.0.insert(id.clone());
        id
    }
}

/// Fills rows up to the number of columns, and folds a long table.
fn finish_table(table: &mut Table) {
    for row in &mut table.rows {
        row.resize(table.columns.len(), String::new());
    }
    table.parts.iter_mut().for_each(finish_table);
    if table.rows.len() > MANY_ROWS && table.fold.is_none() {
        table.fold = Some(format!("Show the {} rows: {}", table.rows.len(), table.caption));
    }
}

/// "Of 11 claims 5 are supported, 4 are not, and 2 are undecided."
fn tally<'a>(items: impl Iterator<Item = &'a Inference>) -> String {
    let items: Vec<&Inference> = items.collect();
    let count = |verdict: Verdict| items.iter().filter(|item| item.verdict == verdict).count();
    if items.is_empty() {
        return String::new();
    }
    let parts = [
        (Verdict::Supported, "supported"),
        (Verdict::NotSupported, "not supported"),
        (Verdict::Undecided, "undecided"),
    ]
    .map(|(verdict, word)| match count(verdict) {
        0 => format!("none is {word}"),
        1 => format!("1 is {word}"),
        n => format!("{n} are {word}"),
    });
    let [supported, not, undecided] = parts;
    let claims = if items.len() == 1 { "claim" } else { "claims" };
    format!("Of {} {claims}, {supported}, {not} and {undecided}.", items.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::{Column, Image, Inferences, Survey};

    fn figure(id: &str) -> Figure {
        Figure::single(id, "A caption.", Image::default(), "alt")
    }

    fn page() -> Page {
        let input = Input { figure: Some(figure("input")), heatmaps: vec![figure("cam")], ..Input::default() };
        let section =
            Section { id: "Base Line".into(), flow: Some(figure("flow")), inputs: vec![input], ..Section::default() };
        let item = Inference { id: "claim".into(), figures: vec!["cam".into(), "cam".into()], ..Inference::default() };
        let inferences = Inferences { items: vec![item], ..Inferences::default() };
        Page { number: Some(3), sections: vec![section], inferences: Some(inferences), ..Page::default() }
    }

    #[test]
    fn figures_are_numbered_in_reading_order_and_linked_both_ways() {
        let mut page = page();
        page.finish().unwrap();
        let numbers: Vec<(String, String)> =
            page.figures_mut().iter().map(|figure| (figure.id.clone(), figure.number.clone())).collect();
        let wanted = [("flow", "3.1"), ("input", "3.2"), ("cam", "3.3")];
        assert!(numbers.iter().zip(wanted).all(|((id, number), (a, b))| id == a && number == b), "{numbers:?}");
        let item = &page.inferences.as_ref().unwrap().items[0];
        assert_eq!(item.references, [Reference { id: "cam".into(), text: "Figure 3.3".into() }]);
        let cam = &page.sections[0].inputs[0].heatmaps[0];
        assert_eq!(cam.cited_by, [Reference { id: "claim".into(), text: "Inference 1".into() }]);
        assert_eq!(page.contents[0].id, "base-line");
    }

    #[test]
    fn a_reference_to_a_figure_that_is_not_there_is_an_error() {
        let mut missing = page();
        missing.inferences.as_mut().unwrap().items[0].figures.push("nowhere".into());
        assert!(missing.finish().unwrap_err().to_string().contains("'nowhere'"));
    }

    #[test]
    fn ids_that_are_taken_get_a_number() {
        for name in FRAME {
            let mut page = page();
            page.sections[0].id = name.to_owned();
            page.finish().unwrap();
            assert_eq!(page.sections[0].id, format!("{name}-2"));
            assert_eq!(page.contents[0].id, format!("{name}-2"));
        }
        // Figures whose names differ in case alone, one with the name of another's enlarged view, and one with a section's name.
        let mut page = page();
        page.sections[0].inputs[0].activations = ["Flow", "view-flow", "base line", "cam"].map(figure).into();
        page.finish().unwrap();
        let ids: Vec<String> = page.figures_mut().iter().map(|figure| figure.id.clone()).collect();
        assert_eq!(ids, ["flow", "input", "flow-2", "view-flow-3", "base-line-2", "cam", "cam-2"]);
        let item = &page.inferences.as_ref().unwrap().items[0];
        assert_eq!(item.references[0].id, "cam", "the first of the two");
    }

    #[test]
    fn long_grids_and_tables_fold_and_say_what_is_inside() {
        let mut page = page();
        page.sections[0].inputs[0].heatmaps[0].tiles = 128;
        let rows = vec![vec!["conv".to_owned()]; 31];
        let columns = vec![Column::text("Layer"), Column::number("Param #")];
        page.sections[0].table = Some(Table { caption: "Layers".into(), columns, rows, ..Table::default() });
        page.finish().unwrap();
        assert_eq!(page.sections[0].inputs[0].heatmaps[0].fold.as_deref(), Some("Show the 128 tiles of Figure 3.3"));
        let table = page.sections[0].table.as_ref().unwrap();
        assert_eq!(table.fold.as_deref(), Some("Show the 31 rows: Layers"));
        assert_eq!(table.rows[0], ["conv", ""]);
    }

    #[test]
    fn the_contents_number_inputs_only_where_their_headings_are_the_same() {
        let mut page = page();
        let named = |heading: &str| Input { heading: heading.into(), ..Input::default() };
        page.sections[0].inputs = ["Input Image", "a.png", "Input Image"].map(named).to_vec();
        page.sections[0].survey = Some(Survey { heading: "All images".into(), ..Survey::default() });
        page.inferences = None;
        page.finish().unwrap();
        let titles: Vec<&str> = page.contents[0].entries.iter().map(|entry| entry.title.as_str()).collect();
        assert_eq!(titles, ["All images", "Input Image 1", "a.png", "Input Image 3"]);
        assert_eq!(page.contents[0].entries[0].id, "base-line-all-images");
    }

    #[test]
    fn the_tally_counts_in_words() {
        let item = |verdict| Inference { verdict, ..Inference::default() };
        let items = [item(Verdict::Supported), item(Verdict::Supported), item(Verdict::NotSupported)];
        assert_eq!(tally(items.iter()), "Of 3 claims, 2 are supported, 1 is not supported and none is undecided.");
    }
}
