//! Texts of others, shown to people: nothing in them may move a terminal's cursor, break a line or turn words around.

/// Whether a character stands for nothing that can be seen: control characters, line and paragraph separators, those
/// that reorder text, and those without a width.
///
/// Source: Unicode Standard Annex #9, "Directional Formatting Characters"; general category Cf.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// On one line, and without what cannot be seen.
pub fn one_line(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    line.filter(|c| !is_unseen(*c)).collect::<String>().trim().to_owned()
}

/// The same of every line of a text.
pub fn lines(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !is_unseen(*c)).collect()
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
    fn nothing_in_a_line_breaks_it_hides_it_or_turns_it_around() {
        assert_eq!(one_line(" a\u{202e}b\n\tc\u{200b}\u{7}\u{2066}d\u{2028}e "), "ab  cd e");
        assert_eq!(lines("a\n\n  b\u{1b}[2A\r\n\u{2028}c\u{202e}\n"), "a\n\n  b[2A\nc\n");
        assert_eq!(one_line("Zürich 東京 שלום"), "Zürich 東京 שלום");
    }

    #[test]
    fn an_excerpt_says_that_it_is_one() {
        assert_eq!(excerpt("ééé", 2), "éé…");
        assert_eq!(excerpt("éé", 2), "éé");
        assert_eq!(quoted("ééé", 2), "\"éé…\"");
    }
}
