//! The frame that all figures share: an SVG document with a name for screen readers, one font and one set of colour
//! classes that follow the reader's light or dark preference.

use std::fmt::{Display, Write as _};

use crate::figure::Picture;
use crate::text;

/// The colours of a figure that stands alone, beside the Markdown. A page that holds figures inline defines its own.
const COLOURS: &str = concat!(
    ".cs{--ink:#1f2328;--quiet:#57606a;--rule:#d0d7de;--plate:#f3f5f8;--edge:#8c959f;",
    "--c1:#2463a8;--c2:#b34700;--c3:#1f7a4d;--c4:#7a4fa3;--c5:#b0303a;--c6:#6b7280}",
    "@media(prefers-color-scheme:dark){.cs{--ink:#e6e8eb;--quiet:#a3abb5;--rule:#3a424c;--plate:#22272e;--edge:#768390;",
    "--c1:#79b4f2;--c2:#f0a35e;--c3:#75cb9a;--c4:#c5a3ee;--c5:#f58d8d;--c6:#a9b1bc}}",
);

/// What the colour classes mean: `f-` fills, `s-` strokes. Attributes beside the classes are for viewers without CSS.
pub const RULES: &str = concat!(
    ".cs text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums}",
    ".f-ink{fill:var(--ink)}.f-quiet{fill:var(--quiet)}.f-rule{fill:var(--rule)}.f-plate{fill:var(--plate)}",
    ".f-c1{fill:var(--c1)}.f-c2{fill:var(--c2)}.f-c3{fill:var(--c3)}.f-c4{fill:var(--c4)}.f-c5{fill:var(--c5)}.f-c6{fill:var(--c6)}",
    ".s-ink{stroke:var(--ink)}.s-quiet{stroke:var(--quiet)}.s-rule{stroke:var(--rule)}.s-edge{stroke:var(--edge)}",
    ".s-c1{stroke:var(--c1)}.s-c2{stroke:var(--c2)}.s-c3{stroke:var(--c3)}.s-c4{stroke:var(--c4)}.s-c5{stroke:var(--c5)}.s-c6{stroke:var(--c6)}",
);

/// The font for viewers without CSS.
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// A colour of the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Ink,
    /// Secondary text.
    Quiet,
    /// Hairlines.
    Rule,
    /// Backgrounds of blocks.
    Plate,
    /// Outlines that must be seen.
    Edge,
    /// One of six colours that differ in hue and keep a contrast of 3:1 in both themes; 0 is the first, 6 the first again.
    Series(usize),
}

impl Ink {
    /// The class name without its prefix.
    pub(super) fn class(self) -> &'static str {
        match self {
            Ink::Ink => "ink",
            Ink::Quiet => "quiet",
            Ink::Rule => "rule",
            Ink::Plate => "plate",
            Ink::Edge => "edge",
            Ink::Series(index) => ["c1", "c2", "c3", "c4", "c5", "c6"][index % 6],
        }
    }

    /// The light theme's colour, for viewers without CSS.
    pub(super) fn light(self) -> &'static str {
        match self {
            Ink::Ink => "#1f2328",
            Ink::Quiet => "#57606a",
            Ink::Rule => "#d0d7de",
            Ink::Plate => "#f3f5f8",
            Ink::Edge => "#8c959f",
            Ink::Series(index) => ["#2463a8", "#b34700", "#1f7a4d", "#7a4fa3", "#b0303a", "#6b7280"][index % 6],
        }
    }

    /// Attributes that fill a shape with this colour.
    pub fn fill(self) -> String {
        format!(r#"class="f-{}" fill="{}""#, self.class(), self.light())
    }

    /// Attributes that draw a shape's outline in this colour.
    pub fn stroke(self) -> String {
        format!(r#"class="s-{}" fill="none" stroke="{}""#, self.class(), self.light())
    }
}

/// Where a text stands relative to its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG document being drawn.
#[derive(Debug, Clone, Default)]
pub struct Svg {
    body: String,
}

impl Svg {
    /// Appends markup that is already SVG.
    pub fn raw(&mut self, markup: impl Display) {
        let _ = writeln!(self.body, "{markup}");
    }

    /// Writes `text` (anything; it is escaped) with its baseline at (x, y).
    pub fn text(&mut self, (x, y): (f64, f64), size: u32, anchor: Anchor, ink: Ink, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (fill, text) = (ink.fill(), escape(text));
        self.raw(format!(r#"<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" {fill}>{text}</text>"#));
    }

    /// A rectangle whose `paint` is [`Ink::fill`] or [`Ink::stroke`], perhaps with more attributes.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), paint: &str) {
        self.raw(format!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" {paint}/>"#));
    }

    /// A path in SVG's own notation.
    pub fn path(&mut self, data: &str, paint: &str) {
        self.raw(format!(r#"<path d="{data}" {paint}/>"#));
    }

    /// A box that holds nothing: dashed outline and hatching, so that it is told apart without colour.
    pub fn hatched(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let dashed = format!("{} stroke-width=\"1\" stroke-dasharray=\"3 2\"", Ink::Edge.stroke());
        self.rect((x + 0.5, y + 0.5), (width - 1.0, height - 1.0), &dashed);
        let (mut data, step) = (String::new(), 10.0);
        let mut offset = step;
        while offset < width + height {
            // The part of the line x + y = offset that lies inside the box.
            let (x1, y1) = if offset < height { (0.0, offset) } else { (offset - height, height) };
            let (x2, y2) = if offset < width { (offset, 0.0) } else { (width, offset - width) };
            let _ = write!(data, "M{} {}L{} {}", x + x1, y + y1, x + x2, y + y2);
            offset += step;
        }
        self.path(&data, &format!("{} stroke-width=\"0.75\"", Ink::Rule.stroke()));
    }

    /// Appends what another drawing holds.
    pub fn append(&mut self, other: Svg) {
        self.body.push_str(&other.body);
    }

    /// The finished document; `title` is its name for screen readers.
    pub fn finish(self, width: u32, height: u32, title: &str) -> Picture {
        let (title, body) = (escape(title), self.body);
        let svg = format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" class="cs" role="img" width="{width}" height="{height}" "#,
                r#"viewBox="0 0 {width} {height}" font-family="{font}">"#,
                "<title>{title}</title>\n{style}\n{body}</svg>\n",
            ),
            width = width,
            height = height,
            font = FONT,
            title = title,
            style = style(),
            body = body,
        );
        Picture { svg, width, height }
    }
}

/// The style sheet of a figure that stands alone.
fn style() -> String {
    format!("<style>{COLOURS}{RULES}</style>")
}

/// A document as [`Svg::finish`] makes it, without its style sheet, for a page that carries [`RULES`].
pub fn without_style(document: &str) -> String {
    document.replacen(&style(), "", 1)
}

/// Escapes text for XML content and attributes; characters that are hidden or that XML forbids are as [`text::shown`] says.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            other => escaped.extend(text::shown(other)),
        }
    }
    escaped
}

/// At most `limit` characters of `text`: words lose the last of them, a name without spaces its middle, as both its ends may be needed to know it.
pub fn shorten(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let first = |count: usize| text.chars().take(count).collect::<String>();
    if let Some((words, _)) = first(limit).rsplit_once(' ')
        && words.chars().count() * 2 > limit
    {
        return format!("{}…", words.trim_end_matches([',', ' ']));
    }
    let tail = limit.saturating_sub(1) / 3;
    let head = limit.saturating_sub(1 + tail);
    let end: String = text.chars().skip(length - tail).collect();
    format!("{}…{end}", first(head))
}

/// About how wide `text` is at a font size, in CSS pixels: there is no font to measure, and a little too wide is safe.
pub fn text_width(text: &str, size: u32) -> f64 {
    text.chars().count() as f64 * f64::from(size) * 0.58
}

/// `text` shortened until it fits into `width` CSS pixels.
pub fn fit(text: &str, size: u32, width: f64) -> String {
    let characters = (width / (f64::from(size) * 0.58)).floor().max(1.0);
    shorten(text, characters as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let mut svg = Svg::default();
        svg.text((0.0, 9.0), 10, Anchor::Start, Ink::Ink, "</text><script>alert('x')</script>\u{0}\u{202e}\u{200b}");
        let picture = svg.finish(10, 10, "\"><img src=x onerror=alert(1)>");
        assert!(!picture.svg.contains("<script") && !picture.svg.contains("<img"));
        assert!(
            picture.svg.contains("&lt;/text&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\u{fffd}\u{fffd}</text>")
        );
    }

    #[test]
    fn a_long_name_keeps_its_ends_and_words_their_first() {
        assert_eq!(shorten("abcdefghij", 10), "abcdefghij");
        assert_eq!(shorten("abcdefghijk", 7), "abcd…jk");
        assert_eq!(shorten("7 px long, 1 px wide, blue", 18), "7 px long, 1 px…");
        assert_eq!(shorten(&"é".repeat(10_000), 80).chars().count(), 80);
        assert!(text_width(&fit(&"m".repeat(500), 10, 100.0), 10) <= 100.0);
    }
}
