//! Text from outside, made fit to be shown to others.

use model::text::one_line;

/// On one line, without what cannot be seen, and not endless.
pub fn plain(text: &str, chars_max: usize) -> String {
    let visible = one_line(text);
    if visible.chars().count() <= chars_max {
        return visible;
    }
    let cut: String = visible.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_hides_or_turns_text_is_left() {
        assert_eq!(plain(" a\u{202e}b\n\tc\u{200b}\u{7}\u{2066}d ", 100), "ab  cd");
        assert_eq!(plain("Zürich 東京 שלום", 100), "Zürich 東京 שלום");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(plain("abcdef", 6), "abcdef");
        assert_eq!(plain("abcdefg", 6), "abcde…");
    }
}
