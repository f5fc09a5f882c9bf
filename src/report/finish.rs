//! The last hand on a filled page: numbers, anchors, references, folds, contents.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::report::assets::slug;
use crate::report::markdown;
use crate::report::page::{Entry, Figure, Inference, Page, Reference, Table, Verdict};

/// Grids with more tiles and tables with more rows than this fold.
const MANY_TILES: usize = 64;
const MANY_ROWS: usize = 30;

impl Page {
    /// Numbers figures in reading order and inferences in theirs, gives every heading an anchor, turns ids into
    /// references with their way back, folds what is long, and collects the contents. To be called once.
    ///
    /// # Errors
    /// When two parts have the same id, or an inference refers to a figure that is not there.
    pub fn finish(&mut self) -> Result<()> {
        self.place_anchors();
        self.number_figures();
        self.refer()?;
        self.check_anchors()?;
        for table in self.tables_mut() {
            finish_table(table);
        }
        self.contents = self.collect_contents();
        let anchors = self.contents.iter().flat_map(|e| e.entries.iter().map(|e| &e.id).chain([&e.id])).cloned();
        self.introduction = markdown::sanitize(&self.introduction, &anchors.collect());
        Ok(())
    }

    fn place_anchors(&mut self) {
        for section in &mut self.sections {
            section.id = slug(&section.id);
            for filters in &mut section.filters {
                filters.id = slug(&format!("{} {}", section.id, filters.heading));
            }
            if let Some(survey) = &mut section.survey {
                survey.id = slug(&format!("{} all images", section.id));
            }
            for (i, input) in section.inputs.iter_mut().enumerate() {
                input.id = slug(&format!("{} input {}", section.id, i + 1));
            }
        }
        if let Some(inferences) = &mut self.inferences {
            inferences.id = "inferences".to_owned();
            inferences.further_id = "further-findings".to_owned();
            for list in [&mut inferences.items, &mut inferences.further] {
                for (i, item) in list.iter_mut().enumerate() {
                    item.id = slug(&item.id);
                    if item.number == 0 {
                        item.number = i + 1;
                    }
                }
            }
            inferences.tally = tally(&inferences.items);
            if let Some(trust) = &mut inferences.trust {
                trust.id = "trust".to_owned();
            }
        }
        if let Some(making) = &mut self.making {
            making.id = "making".to_owned();
        }
    }

    fn number_figures(&mut self) {
        let chapter = self.number;
        for (i, figure) in self.figures_mut().into_iter().enumerate() {
            figure.id = slug(&figure.id);
            figure.number = match chapter {
                Some(chapter) => format!("{chapter}.{}", i + 1),
                None => (i + 1).to_string(),
            };
            if figure.tiles > MANY_TILES && figure.fold.is_none() {
                figure.fold = Some(format!("Show the {} tiles of Figure {}", figure.tiles, figure.number));
            }
        }
    }

    /// Resolves the figures that inferences name, and tells these figures who named them.
    fn refer(&mut self) -> Result<()> {
        let numbers: BTreeMap<String, String> =
            self.figures_mut().into_iter().map(|figure| (figure.id.clone(), figure.number.clone())).collect();
        let mut citations: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
        if let Some(inferences) = &mut self.inferences {
            for (kind, list) in [("Inference", &mut inferences.items), ("Finding", &mut inferences.further)] {
                for item in list {
                    let link = Reference { id: item.id.clone(), text: format!("{kind} {}", item.number) };
                    for id in item.figures.iter().map(|id| slug(id)) {
                        let number = numbers.get(&id).ok_or_else(|| {
                            Error::other(format!(
                                "inference '{}' refers to figure '{id}', which is not in the page",
                                item.id
                            ))
                        })?;
                        let reference = Reference { id: id.clone(), text: format!("Figure {number}") };
                        if !item.references.contains(&reference) {
                            item.references.push(reference);
                            citations.entry(id).or_default().push(link.clone());
                        }
                    }
                }
            }
        }
        for figure in self.figures_mut() {
            figure.cited_by = citations.remove(&figure.id).unwrap_or_default();
        }
        Ok(())
    }

    fn check_anchors(&mut self) -> Result<()> {
        // Each figure's pictures have an anchor of their own.
        let figures = self.figures_mut().into_iter();
        let mut ids: Vec<String> =
            figures.flat_map(|figure| [figure.id.clone(), format!("view-{}", figure.id)]).collect();
        for section in &self.sections {
            ids.push(section.id.clone());
            ids.extend(section.filters.iter().map(|filters| filters.id.clone()));
            ids.extend(section.survey.iter().map(|survey| survey.id.clone()));
            ids.extend(section.inputs.iter().map(|input| input.id.clone()));
        }
        if let Some(inferences) = &self.inferences {
            ids.extend(inferences.items.iter().chain(&inferences.further).map(|item| item.id.clone()));
        }
        let mut seen: BTreeSet<String> =
            ["inferences", "further-findings", "networks", "trust", "making", "top", "main", "contents", "reading"]
                .map(str::to_owned)
                .into();
        for id in ids {
            if !seen.insert(id.clone()) {
                return Err(Error::other(format!("two parts of the page have the id '{id}'")));
            }
        }
        Ok(())
    }

    /// Every figure in the order in which the page shows them.
    fn figures_mut(&mut self) -> Vec<&mut Figure> {
        let mut figures = Vec::new();
        for section in &mut self.sections {
            figures.extend(&mut section.flow);
            figures.extend(section.filters.iter_mut().flat_map(|filters| &mut filters.figures));
            for input in &mut section.inputs {
                figures.extend(&mut input.figure);
                figures.extend(&mut input.activations);
                figures.extend(&mut input.heatmaps);
            }
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
        for section in &self.sections {
            let filters = section.filters.iter().map(|filters| leaf(&filters.id, &filters.heading));
            let survey = section.survey.iter().map(|survey| leaf(&survey.id, &survey.heading));
            let inputs = section.inputs.iter().enumerate().map(|(i, input)| {
                let several = section.inputs.iter().filter(|other| other.heading == input.heading).count() > 1;
                let title = if several { format!("{} {}", input.heading, i + 1) } else { input.heading.clone() };
                leaf(&input.id, &title)
            });
            let entries = filters.chain(survey).chain(inputs).collect();
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
fn tally(items: &[Inference]) -> String {
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
    use crate::report::page::{Column, Image, Inferences, Input, Section, Survey};

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
    fn an_id_that_is_missing_or_taken_is_an_error() {
        let mut missing = page();
        missing.inferences.as_mut().unwrap().items[0].figures.push("nowhere".into());
        assert!(missing.finish().unwrap_err().to_string().contains("'nowhere'"));
        let mut taken = page();
        taken.sections[0].inputs[0].activations.push(figure("flow"));
        assert!(taken.finish().unwrap_err().to_string().contains("'flow'"));
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
        assert_eq!(tally(&items), "Of 3 claims, 2 are supported, 1 is not supported and none is undecided.");
    }
}
