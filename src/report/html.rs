//! The chapter's HTML, made from its Markdown. What HTML can do beyond Markdown is added here by five rules:
//!
//! 1. `<nav>` … `</nav>` moves to the side of the page;
//! 2. an `<a id="x"></a>` at the head of a heading becomes the heading's id;
//! 3. a picture is drawn inline, so that its text is text and its colours follow the page;
//! 4. tables stand in a box that scrolls, so that the page never does;
//! 5. `<div id="view-x">` around a figure's pictures gets links that enlarge it and bring it back;
//! 6. encoded pixels that come again, as in a contact sheet, refer to where they came first.
//!
//! Formulas become MathML.

use base64::Engine as _;
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html::push_html};
use tera::{Context, Tera};

use crate::error::{Error, Result};
use crate::figure::svg;
use crate::report::assets::Assets;
use crate::report::markdown::OPTIONS;
use crate::report::pixels::Pixels;
use crate::text;

const SHELL: &str = include_str!("../../templates/shell.html");
const CSS: &str = include_str!("../../templates/page.css");
const NEWER_CSS: &str = include_str!("../../templates/newer.css");

/// The folder of the pictures, beside the Markdown.
pub const FOLDER: &str = "chapter";

/// The complete document for this Markdown; `title` is plain text.
///
/// # Errors
/// When the shell template cannot be rendered.
pub fn document(markdown: &str, title: &str, assets: &Assets) -> Result<String> {
    let (contents, main) = body(markdown, assets);
    let mut context = Context::new();
    context.insert("title", text::line(title).trim());
    context.insert("css", CSS);
    context.insert("newer_css", &base64::engine::general_purpose::STANDARD.encode(NEWER_CSS));
    context.insert("figure_rules", svg::RULES);
    context.insert("contents", &contents);
    context.insert("main", &main);
    let mut tera = Tera::default();
    tera.add_raw_template("shell.html", SHELL)
        .and_then(|()| tera.render("shell.html", &context))
        .map_err(|cause| Error::other(format!("templates/shell.html: {cause}")))
}

/// The contents and the body of the page.
fn body(markdown: &str, assets: &Assets) -> (String, String) {
    let mut parser = Parser::new_ext(markdown, OPTIONS);
    let (mut contents, mut main) = (Vec::new(), Vec::new());
    let mut in_nav = false;
    let mut name = String::new();
    let mut pixels = Pixels::default();
    while let Some(event) = parser.next() {
        let out = if in_nav { &mut contents } else { &mut main };
        match event {
            Event::Html(markup) if markup.trim() == "<nav>" => in_nav = true,
            Event::Html(markup) if markup.trim() == "</nav>" => in_nav = false,
            Event::Html(markup) => out.push(Event::Html(enlargeable(&markup).unwrap_or(markup))),
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                let mut inner: Vec<Event> =
                    parser.by_ref().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_)))).collect();
                name = plain(&inner);
                let anchor = inner.first().and_then(anchor);
                if anchor.is_some() {
                    inner.drain(..inner.len().min(2));
                }
                out.push(Event::Start(Tag::Heading { level, id: anchor.or(id), classes, attrs }));
                out.extend(inner);
                out.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let inner: Vec<Event> =
                    parser.by_ref().take_while(|event| !matches!(event, Event::End(TagEnd::Image))).collect();
                out.push(picture(&dest_url, &plain(&inner), assets, &mut pixels));
            }
            Event::Start(Tag::Table(alignment)) => {
                let label = svg::escape(&name);
                out.push(html(format!("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{label}\">")));
                out.push(Event::Start(Tag::Table(alignment)));
            }
            Event::End(TagEnd::Table) => out.extend([Event::End(TagEnd::Table), html("</div>\n".to_owned())]),
            Event::Start(Tag::Emphasis) => {
                // The caption of a table is an emphasised paragraph above it; it names the box that scrolls.
                let inner: Vec<Event> =
                    parser.by_ref().take_while(|event| !matches!(event, Event::End(TagEnd::Emphasis))).collect();
                name = plain(&inner);
                out.push(Event::Start(Tag::Emphasis));
                out.extend(inner);
                out.push(Event::End(TagEnd::Emphasis));
            }
            Event::InlineMath(latex) => out.push(formula(&latex, false)),
            Event::DisplayMath(latex) => out.push(formula(&latex, true)),
            other => out.push(other),
        }
    }
    let render = |events: Vec<Event>| {
        let mut html = String::new();
        push_html(&mut html, events.into_iter());
        html
    };
    (render(contents), render(main))
}

fn html<'a>(markup: String) -> Event<'a> {
    Event::InlineHtml(CowStr::from(markup))
}

/// The text of a run of events.
fn plain(events: &[Event]) -> String {
    let text = |event: &Event| match event {
        Event::Text(text) | Event::Code(text) => text.to_string(),
        Event::SoftBreak | Event::HardBreak => " ".to_owned(),
        _ => String::new(),
    };
    events.iter().map(text).collect()
}

/// The id in `<a id="…">`.
fn anchor<'a>(event: &Event) -> Option<CowStr<'a>> {
    let Event::InlineHtml(markup) = event else { return None };
    markup.strip_prefix("<a id=\"")?.strip_suffix("\">").map(|id| CowStr::from(id.to_owned()))
}

/// Rule 5: the box of a figure's pictures with its two links, if this markup opens one.
fn enlargeable<'a>(markup: &str) -> Option<CowStr<'a>> {
    let id = markup.trim().strip_prefix("<div id=\"view-")?.strip_suffix("\">")?;
    Some(CowStr::from(format!(
        concat!(
            "<div id=\"view-{id}\" class=\"view\">\n",
            "<a class=\"enlarge\" href=\"#view-{id}\" aria-label=\"Enlarge this figure\"><span>Enlarge</span></a>\n",
            "<a class=\"close\" href=\"#{id}\">Close</a>\n",
        ),
        id = id
    )))
}

/// Rule 3. A picture that is not ours is never fetched: its words stand in its place.
fn picture<'e, 'a>(address: &str, alt: &str, assets: &'a Assets, pixels: &mut Pixels<'a>) -> Event<'e> {
    let known = address.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')).and_then(|file| assets.get(file));
    let Some(document) = known else { return Event::Text(CowStr::from(alt.to_owned())) };
    let opening = format!("<svg aria-label=\"{}\" ", svg::escape(alt));
    let once = pixels.once(document.trim_end());
    let inline = once.replacen("<svg xmlns=\"http://www.w3.org/2000/svg\" ", &opening, 1);
    html(svg::without_style(&inline))
}

/// LaTeX as MathML; what cannot be read is shown as it is.
fn formula<'a>(latex: &str, display: bool) -> Event<'a> {
    use pulldown_latex::{Parser, RenderConfig, Storage, config::DisplayMode, push_mathml};
    let storage = Storage::new();
    let events: Vec<_> = Parser::new(latex, &storage).collect();
    let display_mode = if display { DisplayMode::Block } else { DisplayMode::Inline };
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    let mut mathml = String::new();
    let readable =
        events.iter().all(|event| event.is_ok()) && push_mathml(&mut mathml, events.into_iter(), config).is_ok();
    // pulldown-latex 0.8 leaves out a space in the tags of large brackets.
    let mathml = mathml.replace("\"minsize=", "\" minsize=");
    html(if readable { mathml } else { format!("<code>{}</code>", svg::escape(latex)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::svg::Svg;

    fn rendered(markdown: &str, assets: &Assets) -> String {
        body(markdown, assets).1
    }

    #[test]
    fn headings_take_their_anchor_as_id() {
        let html = rendered("## <a id=\"base\"></a>Base *model*\n", &Assets::default());
        assert_eq!(html, "<h2 id=\"base\">Base <em>model</em></h2>\n");
    }

    #[test]
    fn the_contents_move_aside() {
        let (contents, main) = body("<nav>\n\n- [A](#a)\n\n</nav>\n\ntext\n", &Assets::default());
        assert_eq!(contents, "<ul>\n<li><a href=\"#a\">A</a></li>\n</ul>\n");
        assert_eq!(main, "<p>text</p>\n");
    }

    #[test]
    fn pictures_are_drawn_inline_and_foreign_ones_never_fetched() {
        let mut assets = Assets::default();
        let image = assets.add("a", Svg::default().finish(7, 8, "title"));
        let html = rendered(&format!("![see \"it\"](chapter/{}) ![words](https://x.org/a.png)", image.file), &assets);
        assert!(
            html.contains("<svg aria-label=\"see &quot;it&quot;\" class=\"cs\" role=\"img\" width=\"7\" height=\"8\"")
        );
        assert!(!html.contains("<style") && !html.contains("<img") && html.contains("words"), "{html}");
    }

    #[test]
    fn tables_scroll_in_a_box_named_by_their_caption() {
        let html = rendered("*Layers of X*\n\n|a|b|\n|---|--:|\n|1|2|\n", &Assets::default());
        assert!(html.contains("tabindex=\"0\" aria-label=\"Layers of X\"><table>"), "{html}");
    }

    #[test]
    fn formulas_become_mathml_or_stay_readable() {
        let html = rendered("$\\alpha_k = \\Bigl(\\frac{1}{Z}\\Bigr)$ and $\\nosuchcommand{<b>}$", &Assets::default());
        assert!(html.contains("<math") && html.contains("<mfrac>") && !html.contains("\"minsize"), "{html}");
        assert!(html.contains("<code>\\nosuchcommand{&lt;b&gt;}</code>"), "{html}");
    }

    #[test]
    fn enlarged_figures_find_back() {
        let html = rendered("<div id=\"view-x\">\n\ntext\n\n</div>\n", &Assets::default());
        assert!(html.contains("href=\"#view-x\"") && html.contains("href=\"#x\">Close"), "{html}");
    }
}
