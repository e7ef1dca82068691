//! Text from outside, made fit to be shown to others.

/// Without control, direction-changing and invisible characters, on one line, and not endless.
pub fn plain(text: &str, chars_max: usize) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let visible = visible.trim();
    if visible.chars().count() <= chars_max {
        return visible.to_owned();
    }
    let cut: String = visible.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Source: Unicode Standard Annex #9, "Directional Formatting Characters"; general category Cf.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
