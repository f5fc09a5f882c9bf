//! The chapter as a page: a model of display-ready structs, Markdown by tera, HTML from that Markdown, and the model's
//! numbers as JSON.

pub mod assets;
mod finish;
mod html;
mod markdown;
pub mod npy_rows;
pub mod page;
mod pixels;
pub mod raw;
pub mod rows;
#[cfg(test)]
mod tests;
mod write;

use tera::{Context, Kwargs, State, Tera, Value};

use crate::error::{Error, Result};
use crate::figure::svg;
pub use assets::Assets;
pub use html::FOLDER;
pub use page::Page;
pub use rows::Rows;
pub use write::{SideFiles, claims, write};

const CHAPTER: &str = include_str!("../../templates/chapter.md");
const PARTS: &str = include_str!("../../templates/parts.md");

/// A chapter ready to be written.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// `chapter.md`; its pictures are the files of `chapter/`.
    pub markdown: String,
    /// `chapter.html`, everything in one file.
    pub html: String,
    /// `chapter.json`, the page model.
    pub json: String,
    /// The files of `chapter/`.
    pub assets: Assets,
}

/// Renders a finished page (see [`Page::finish`]).
///
/// # Errors
/// When a template is at fault, never because of what the page holds.
pub fn render(page: &Page, assets: Assets) -> Result<Rendered> {
    let markdown = self::chapter(page)?;
    let title = match page.number {
        Some(number) => format!("Chapter {number}. {}", page.title),
        None => page.title.clone(),
    };
    let html = html::document(&markdown, &title, &assets)?;
    let mut json = serde_json::to_string_pretty(page)
        .map_err(|cause| Error::other(format!("the page cannot be written as JSON: {cause}")))?;
    json.push('\n');
    Ok(Rendered { markdown, html, json, assets })
}

/// The page as Markdown. Every string is escaped unless the template says `safe`.
fn chapter(page: &Page) -> Result<String> {
    let mut tera = Tera::default();
    tera.autoescape_on([".md"]);
    tera.set_escape_fn(|text, out| out.write_all(markdown::escape(text).as_bytes()));
    tera.register_filter("label", |text: &str, _: Kwargs, _: &State| Value::safe_string(&markdown::label(text)));
    // For the few places where the template writes HTML itself.
    tera.register_filter("html", |text: &str, _: Kwargs, _: &State| Value::safe_string(&svg::escape(text)));
    // A formula stands between dollar signs, must not end there early, and holds no markup.
    tera.register_filter("latex", |text: &str, _: Kwargs, _: &State| {
        let latex = text.replace('$', "").replace('<', "\\lt ").replace('>', "\\gt ");
        Value::safe_string(&latex.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    let failed = |cause: tera::Error| Error::other(format!("templates/chapter.md: {cause}"));
    tera.add_raw_templates([("parts.md", PARTS), ("chapter.md", CHAPTER)]).map_err(failed)?;
    let mut context = Context::from_serialize(page).map_err(failed)?;
    context.insert("folder", FOLDER);
    let text = tera.render("chapter.md", &context).map_err(failed)?;
    Ok(tidy(&text))
}

/// At most one empty line in a row, none at the ends of lines or of the text.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty) {
            tidy.push_str(line);
            tidy.push('\n');
        }
        empty = line.is_empty();
    }
    tidy.truncate(tidy.trim_end().len());
    tidy.push('\n');
    tidy
}
