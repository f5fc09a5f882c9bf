//! The pictures of a chapter under stable file names.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::figure::Picture;
use crate::report::page::Image;

/// Longest file name without its extension.
const NAME: usize = 72;

/// Every picture of a chapter by file name, in the order of the names.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    files: BTreeMap<String, String>,
}

impl Assets {
    /// Keeps a picture under a file name made from `name` and says how to refer to it. Equal pictures with equal names
    /// are kept once; a different picture under a name in use gets a number behind it.
    pub fn add(&mut self, name: &str, picture: Picture) -> Image {
        let file = self.keep(&slug(name), picture.svg);
        Image { file, width: picture.width, height: picture.height }
    }

    /// Takes in the pictures of another part of the chapter. Those that have the name of a different picture get a new one: the new
    /// names by the old ones.
    #[must_use = "the part of the page must refer to its pictures by their new names"]
    pub fn extend(&mut self, other: Assets) -> BTreeMap<String, String> {
        let mut renamed = BTreeMap::new();
        for (file, svg) in other.files {
            let stem = file.strip_suffix(".svg").unwrap_or(&file);
            let name = self.keep(stem, svg);
            if name != file {
                renamed.insert(file, name);
            }
        }
        renamed
    }

    /// Keeps a picture under `stem`, with a number behind it if a different picture has this name.
    fn keep(&mut self, stem: &str, svg: String) -> String {
        let mut file = format!("{stem}.svg");
        let mut number = 2;
        while self.files.get(&file).is_some_and(|kept| *kept != svg) {
            file = format!("{stem}-{number}.svg");
            number += 1;
        }
        self.files.insert(file.clone(), svg);
        file
    }

    /// The SVG document under this file name.
    pub fn get(&self, file: &str) -> Option<&str> {
        self.files.get(file).map(String::as_str)
    }

    /// All file names with their documents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(file, svg)| (file.as_str(), svg.as_str()))
    }
}

/// `text` as part of an address: letters, digits, `-` and `_`, lower case, begun by a letter. What is long or holds
/// other letters gets the beginning of its hash, so that different texts stay different.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        match character {
            'a'..='z' | '0'..='9' | '_' => slug.push(character),
            'A'..='Z' => slug.push(character.to_ascii_lowercase()),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if !slug.starts_with(|first: char| first.is_ascii_lowercase()) {
        slug.insert_str(0, "x-");
    }
    if slug.len() > NAME || !text.is_ascii() {
        let hash = Sha256::digest(text.as_bytes());
        let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        slug.truncate(NAME - 9);
        slug = format!("{}-{hash}", slug.trim_end_matches('-'));
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(svg: &str) -> Picture {
        Picture { svg: svg.to_owned(), width: 3, height: 4 }
    }

    #[test]
    fn names_are_safe_stable_and_distinct() {
        assert_eq!(slug("base-line conv2d_2/relu"), "base-line-conv2d_2-relu");
        assert_eq!(slug("Convolutional Filters (conv2d_2)"), "convolutional-filters-conv2d_2");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("3 × 3").split('-').next(), Some("x"));
        assert_ne!(slug("é"), slug("è"));
        let (long, longer) = (slug(&"a".repeat(10_000)), slug(&"a".repeat(10_001)));
        assert!(long != longer && long.len() <= NAME, "{long}");
    }

    #[test]
    fn a_name_never_hides_another_picture() {
        let mut assets = Assets::default();
        assert_eq!(assets.add("map", picture("a")).file, "map.svg");
        assert_eq!(assets.add("map", picture("a")).file, "map.svg");
        assert_eq!(assets.add("map", picture("b")).file, "map-2.svg");
        assert_eq!(assets.get("map-2.svg"), Some("b"));
        assert_eq!(assets.iter().count(), 2);
    }

    #[test]
    fn pictures_of_two_parts_with_one_name_stay_two() {
        let (mut one, mut two) = (Assets::default(), Assets::default());
        one.add("a", picture("one"));
        two.add("a", picture("two"));
        two.add("b", picture("b"));
        assert_eq!(one.extend(two), BTreeMap::from([("a.svg".into(), "a-2.svg".into())]));
        assert_eq!((one.get("a.svg"), one.get("a-2.svg"), one.get("b.svg")), (Some("one"), Some("two"), Some("b")));
    }
}
