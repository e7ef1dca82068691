//! Texts of others, shown to people: nothing in them may move a terminal's cursor, break a line or turn words around.

/// Whether a character stands for nothing that can be seen: control characters, line and paragraph separators, and
/// those that reorder text.
///
/// Source: Unicode Standard Annex #9, "Directional Formatting Characters"; Unicode Standard, chapter 23.2.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most `chars_max` of a text, with a mark in the place of what cannot be seen.
pub fn excerpt(text: &str, chars_max: usize) -> String {
    let seen = |c: char| if is_unseen(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut excerpt: String = text.chars().take(chars_max).map(seen).collect();
    if text.chars().nth(chars_max).is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// The same as a quotation: what cannot be seen is written out.
pub fn quoted(text: &str, chars_max: usize) -> String {
    let mut excerpt: String = text.chars().take(chars_max).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    format!("{excerpt:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_marked_or_written_out() {
        let hidden = "a\u{1b}[2J\u{9b}\u{202e}\u{2029}\u{2066}é";
        assert_eq!(excerpt(hidden, 100), "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}é");
        assert_eq!(quoted(hidden, 100), r#""a\u{1b}[2J\u{9b}\u{202e}\u{2029}\u{2066}é""#);
    }

    #[test]
    fn an_excerpt_says_that_it_is_one() {
        assert_eq!(excerpt("ééé", 2), "éé…");
        assert_eq!(excerpt("éé", 2), "éé");
        assert_eq!(quoted("ééé", 2), "\"éé…\"");
    }
}
