//! What must hold of every sentence that a person is told about outside bytes.

use model::text::is_unseen;

/// Something is said, it is not endless, and nothing in it moves a terminal's cursor or turns words around.
pub(crate) fn is_fit_to_show(text: &str, bytes_max: usize) {
    assert!(!text.trim().is_empty(), "nothing is said");
    assert!(text.len() <= bytes_max, "{} bytes are said, more than {bytes_max}: {text:.300}…", text.len());
    if let Some(unseen) = text.chars().find(|c| is_unseen(*c)) {
        panic!("{unseen:?} is shown as it is: {text:?}");
    }
}
