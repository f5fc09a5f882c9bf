//! The class that a word means.

use crate::model::Head;

/// The classes that a word names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassMatch {
    Nothing,
    Class(usize),
    /// Several classes that have the same label, or the same word among those of their labels.
    Several(Vec<usize>),
}

impl ClassMatch {
    /// The class, if it is one alone.
    pub fn class(&self) -> Option<usize> {
        if let ClassMatch::Class(class) = self { Some(*class) } else { None }
    }
}

/// The class that a label, one of several words for it (`tabby` of "tabby, tabby cat"), or a class number names.
pub fn class_of(text: &str, labels: Option<&[String]>, head: &Head) -> ClassMatch {
    let labels = labels.unwrap_or_default();
    let with = |has: &dyn Fn(&str) -> bool| -> Vec<usize> {
        labels.iter().enumerate().filter(|(_, label)| has(label)).map(|(class, _)| class).collect()
    };
    let whole = with(&|label| label.eq_ignore_ascii_case(text));
    let words = || with(&|label| label.split(',').any(|word| word.trim().eq_ignore_ascii_case(text)));
    let found = if whole.is_empty() { words() } else { whole };
    match found.as_slice() {
        [] => {}
        [class] => return ClassMatch::Class(*class),
        _ => return ClassMatch::Several(found),
    }
    let number = text.parse().ok().filter(|class| head.choices().is_none_or(|choices| *class < choices));
    number.map_or(ClassMatch::Nothing, ClassMatch::Class)
}
