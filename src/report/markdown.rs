//! Text from outside made fit for Markdown, and Markdown from outside made harmless.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::figure::svg;
use crate::text;

/// The Markdown that the chapter is written in: CommonMark with tables and formulas between dollar signs.
pub const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_MATH);

/// Labels longer than this are shortened, and hold their full text (up to a limit) as a tooltip.
const LABEL: usize = 72;
const TOOLTIP: usize = 400;

/// Plain text as Markdown that renders as exactly this text, in a paragraph, heading, link, image or table cell, without the white space
/// around it, which would make code of a paragraph. White space becomes spaces, and what [`text::shown`] does not show is not there.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut previous = None;
    let line = text::line(text);
    let mut characters = line.trim().chars().peekable();
    // At the beginning of a line "1." and "-" start lists and "#" a heading.
    let mut only_digits = true;
    while let Some(character) = characters.next() {
        let first = previous.is_none();
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '$' | '|' | '~' => escaped.extend(['\\', character]),
            '_' => {
                let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let inside_a_word = word(previous) && word(characters.peek().copied());
                escaped.push_str(if inside_a_word { "_" } else { "\\_" });
            }
            '#' | '+' | '-' | '=' | ':' if first => escaped.extend(['\\', character]),
            '.' | ')' if only_digits && !first && characters.peek().is_none_or(|next| next.is_whitespace()) => {
                escaped.extend(['\\', character]);
            }
            c => escaped.push(c),
        }
        only_digits &= character.is_ascii_digit();
        previous = Some(character);
    }
    escaped
}

/// A label, escaped; when it is long, shortened with the rest as a tooltip.
pub fn label(text: &str) -> String {
    if text.chars().count() <= LABEL {
        return escape(text);
    }
    let full = svg::escape(&svg::shorten(text, TOOLTIP));
    // Inside an HTML attribute Markdown is not read, but a pipe would still end a table cell.
    let full = full.replace('|', "&#124;").replace('`', "&#96;").replace('$', "&#36;").replace('\\', "&#92;");
    format!("<span title=\"{full}\">{}</span>", escape(&svg::shorten(text, LABEL)))
}

/// Markdown from outside: HTML becomes text, images become their words, headings bold lines, and links stay only when
/// they lead to the web, to a mailbox or to one of `anchors`.
pub fn sanitize(text: &str, anchors: &BTreeSet<String>) -> String {
    // What follows in the document must stand on its own, whatever the text leaves open.
    const PROBE: &str = "what follows";
    let probed = format!("{text}\n\n{PROBE}\n");
    let mut depth = 0usize;
    let mut closed = false;
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut skip_to = 0;
    for (event, range) in Parser::new_ext(&probed, OPTIONS).into_offset_iter() {
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if range.start >= text.len() {
            closed |= depth == 1 && matches!(&event, Event::Text(words) if words.as_ref() == PROBE);
            continue;
        }
        if range.start < skip_to {
            continue;
        }
        let source = probed.get(range.clone()).unwrap_or_default();
        let change = match event {
            Event::Html(_) | Event::InlineHtml(_) => {
                escape(source.trim_end()) + if source.ends_with('\n') { "\n" } else { "" }
            }
            Event::Start(Tag::Image { .. }) => words(source),
            Event::Start(Tag::Heading { .. }) => format!("**{}**\n", words(source)),
            Event::Start(Tag::Link { dest_url, .. }) if !is_safe(&dest_url, anchors) => words(source),
            _ => continue,
        };
        skip_to = range.end;
        changes.push((range, change));
    }
    if !closed {
        return text.split("\n\n").map(escape).collect::<Vec<_>>().join("\n\n");
    }
    let mut clean = String::with_capacity(text.len());
    let mut position = 0;
    for (range, change) in changes {
        clean.push_str(probed.get(position..range.start).unwrap_or_default());
        clean.push_str(&change);
        position = range.end.min(text.len());
    }
    clean.push_str(text.get(position..).unwrap_or_default());
    clean
}

/// The words of a piece of Markdown, as plain escaped text.
fn words(source: &str) -> String {
    let mut text = String::new();
    for event in Parser::new_ext(source, OPTIONS) {
        match event {
            Event::Text(words) | Event::Code(words) | Event::InlineMath(words) | Event::InlineHtml(words) => {
                text.push_str(&words);
            }
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    escape(&text)
}

fn is_safe(address: &str, anchors: &BTreeSet<String>) -> bool {
    match address.strip_prefix('#') {
        Some(anchor) => anchors.contains(anchor),
        None => {
            ["https://", "http://", "mailto:"].iter().any(|scheme| address.to_ascii_lowercase().starts_with(scheme))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::html::push_html;

    use super::*;

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        push_html(&mut html, Parser::new_ext(markdown, OPTIONS));
        html
    }

    #[test]
    fn names_stay_readable_in_the_source() {
        assert_eq!(escape("conv2d_2/relu (22×22)"), "conv2d_2/relu (22×22)");
        assert_eq!(escape("Gradient is 0.5, n = 300"), "Gradient is 0.5, n = 300");
    }

    #[test]
    fn spaces_around_a_name_make_no_code_and_hidden_characters_go() {
        assert_eq!(html(&escape("    four spaces ")), "<p>four spaces</p>\n");
        assert_eq!(html(&escape(" - item")), "<p>- item</p>\n");
        assert_eq!(html(&format!("**{}**", escape(" name "))), "<p><strong>name</strong></p>\n");
        assert_eq!(escape("a\u{202e}b\u{200b}c\u{feff}"), "a\u{fffd}bc");
        assert_eq!(escape("\u{200b}- item"), "\\- item");
    }

    #[test]
    fn hostile_names_stay_text() {
        for name in
            ["<img src=x onerror=alert(1)>", "](javascript:alert(1))", "<!-- ", "[x]: javascript:x", "$\\href{x}$"]
        {
            let html = html(&format!("text {} [{}](#a) ![{}](chapter/x.svg)", escape(name), label(name), escape(name)));
            assert!(
                !html.contains("<img src=\"x") && !html.contains("<img src=x") && !html.contains("href=\"java"),
                "{html}"
            );
            assert!(!html.contains("<!--") && !html.contains("<math") && html.contains("href=\"#a\""), "{html}");
        }
    }

    #[test]
    fn a_long_label_is_shortened_with_a_bounded_tooltip() {
        let long = label(&"\"<b>|".repeat(2_000));
        assert!(long.starts_with("<span title=\"&quot;&lt;b&gt;&#124;") && !long.contains("<b>"));
        assert!(long.len() < 10 * (LABEL + TOOLTIP));
    }

    #[test]
    fn an_introduction_keeps_its_markdown_and_loses_its_teeth() {
        let anchors = BTreeSet::from(["base".to_owned()]);
        let clean = |text: &str| sanitize(text, &anchors);
        assert_eq!(
            clean("1. *One*\n2. `two` [three](https://x.org) [four](#base)"),
            "1. *One*\n2. `two` [three](https://x.org) [four](#base)"
        );
        assert_eq!(clean("a <script>b</script>"), "a &lt;script&gt;b&lt;/script&gt;");
        assert_eq!(clean("[a](javascript:b) ![c](https://d/e.png) [f](#nowhere)"), "a c f");
        assert!(!html(&clean("[a]\n\n[a]: javascript:b")).contains("href"));
        assert_eq!(clean("# Big\n\ntext"), "**Big**\n\ntext");
        let block = html(&clean("<div>\n<iframe src=x>\n</div>\n\ntext"));
        assert!(!block.contains("<iframe") && !block.contains("<div"), "{block}");
    }

    #[test]
    fn an_introduction_cannot_swallow_what_follows() {
        for open in
            ["```\ncode", "~~~", "<!-- comment", "<pre>", "$$", "> quote", "- item", "<details>", "`", "[", "    "]
        {
            let html = html(&format!("{}\n\n## After\n", sanitize(open, &BTreeSet::new())));
            assert!(html.contains("<h2>After</h2>"), "{open}: {html}");
        }
    }

    proptest! {
        /// Whatever the text, the rendered paragraph shows it and nothing else.
        #[test]
        fn escaped_text_renders_as_itself(text in "[ -~éß]{1,40}") {
            let text = text.trim();
            prop_assume!(!text.is_empty());
            let wanted = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let after = html(&format!("x {}", escape(text)));
            prop_assert_eq!(after.trim(), format!("<p>x {wanted}</p>"));
            let alone = html(&escape(text));
            prop_assert_eq!(alone.trim(), format!("<p>{wanted}</p>"));
        }
    }
}
