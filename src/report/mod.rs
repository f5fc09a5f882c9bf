//! The chapter as a page: Markdown by tera, HTML from that Markdown.
