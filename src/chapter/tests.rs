//! What a chapter takes from its file.

use crate::chapter::numbered;

#[test]
fn a_chapter_number_is_taken_from_the_title() {
    assert_eq!(numbered("Chapter 3 — Network Visualization"), (Some(3), "Network Visualization".into()));
    assert_eq!(numbered("Cats — and dogs"), (None, "Cats — and dogs".into()));
}
