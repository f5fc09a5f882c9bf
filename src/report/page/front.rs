//! What a reader wants to know first: the numbers that matter, what to beware of, and every image at a glance.

use serde::Serialize;

use crate::report::page::{Figure, Image};

/// The front of the page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Front {
    /// The numbers that matter.
    pub cards: Vec<Card>,
    /// Every image at a glance, a sheet for each section.
    pub sheets: Vec<Sheet>,
    /// One figure that shows the whole idea.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idea: Option<Figure>,
    /// How to read the page, a paragraph for each kind of figure.
    pub reading: Vec<String>,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not known, or to be looked at.
    Open,
}

/// A number that matters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Such as "22 of 24".
    pub value: String,
    /// What it counts.
    pub name: String,
    /// Why it is so, in a few words; may be empty.
    pub note: String,
    /// Whether that is good.
    pub mood: Mood,
}

/// A contact sheet.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sheet {
    /// Such as "The 24 photographs, …".
    pub caption: String,
    /// The images, wrong ones first, then the least certain.
    pub tiles: Vec<Thumbnail>,
}

/// One image of a contact sheet.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Thumbnail {
    /// The section of the image and its place in it, both from 0.
    #[serde(skip)]
    pub section: usize,
    #[serde(skip)]
    pub input: usize,
    /// Anchor of the image's own part of the page; filled by `finish`.
    pub id: String,
    /// Its heatmap over it.
    pub image: Image,
    /// What is seen, in words.
    pub alt: String,
    /// The predicted class.
    pub title: String,
    /// Its probability, whether it is right, and the like.
    pub lines: Vec<String>,
    /// Whether the prediction is right.
    pub mood: Mood,
}
