//! The last lines of a log, as they may be told to people.
//!
//! A log is written by whatever a repository holds, and what is told of it goes to the notifications topic, to the channel
//! and into the history. So little of it is told, nothing in it moves a cursor or breaks a line, and what looks like a
//! secret is hidden (I9). CodeBuild itself hides the values of a build's own secrets.

use model::text::is_unseen;

const LINE_CHARS_MAX: usize = 200;
/// All lines together; the last are kept.
const CHARS_MAX: usize = 2_000;
/// So many letters and digits in a row, at least one of each, may be a key, a token or a digest.
const SECRET_CHARS_MIN: usize = 20;
/// What stands after these and `=` or `:` is not told.
const SECRET_NAMES: [&str; 7] =
    ["password", "passwd", "secret", "token", "credential", "authorization", "api_key"];
const HIDDEN: &str = "(hidden)";

/// `why`, with the last of these lines below it.
pub(crate) fn below(why: String, lines: &[String]) -> String {
    let shown: Vec<String> = lines.iter().map(|line| shown(line)).filter(|line| !line.is_empty()).collect();
    let mut room = CHARS_MAX;
    let fits = |line: &&String| {
        room = room.saturating_sub(line.chars().count());
        room > 0
    };
    let mut kept: Vec<&String> = shown.iter().rev().take_while(fits).collect();
    kept.reverse();
    if kept.is_empty() {
        return why;
    }
    kept.iter().fold(format!("{why}; its last lines:"), |told, line| format!("{told}\n  {line}"))
}

fn shown(line: &str) -> String {
    let seen: String =
        line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !is_unseen(*c)).collect();
    without_secrets(&seen).trim_end().chars().take(LINE_CHARS_MAX).collect()
}

fn without_secrets(line: &str) -> String {
    let named = line.char_indices().find(|(at, c)| {
        let before = line[..*at].trim_end_matches(['"', '\'', ' ']).to_ascii_lowercase();
        matches!(c, '=' | ':') && SECRET_NAMES.iter().any(|name| before.ends_with(name))
    });
    if let Some((at, _)) = named {
        return format!("{}{HIDDEN}", without_long_words(&line[..=at]));
    }
    without_long_words(line)
}

/// Keys, tokens, digests; and what stands between `//` and `@` in an address.
fn without_long_words(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | '_' | '-');
    let mut told = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_word) {
        let (before, word) = rest.split_at(start);
        told.push_str(before);
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let (own, after) = word.split_at(end);
        let address = before.ends_with("//").then(|| word.split_once('@')).flatten();
        if let Some((credentials, after)) = address
            && !credentials.contains(['/', ' '])
        {
            told.push_str(HIDDEN);
            told.push('@');
            rest = after;
            continue;
        }
        let is_secret = own.len() >= SECRET_CHARS_MIN
            && own.bytes().any(|b| b.is_ascii_digit())
            && own.bytes().any(|b| b.is_ascii_alphabetic());
        told.push_str(if is_secret { HIDDEN } else { own });
        rest = after;
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        below(String::new(), &[line.to_owned()]).replace("; its last lines:\n  ", "")
    }

    #[test]
    fn what_looks_like_a_secret_is_hidden_and_the_rest_is_told() {
        let cases = [
            ("error[E0425]: cannot find value `x` in src/main.rs:3:5", None),
            ("npm ERR! code ELIFECYCLE", None),
            ("Phase complete: BUILD State: FAILED", None),
            ("key AKIAIOSFODNN7EXAMPLE", Some("key (hidden)")),
            ("export DB_PASSWORD=hunter2 PORT=1", Some("export DB_PASSWORD=(hidden)")),
            (r#"{"token": "abc"}"#, Some(r#"{"token":(hidden)"#)),
            ("git clone https://ana:s3cret@example.com/x", Some("git clone https://(hidden)@example.com/x")),
            ("Authorization: Bearer abc", Some("Authorization:(hidden)")),
            ("pushed 0d9f7e7f0c6b1f2a3d4e5f60718293a4", Some("pushed (hidden)")),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), expected.unwrap_or(line), "{line}");
        }
    }

    #[test]
    fn a_log_moves_no_cursor_and_does_not_fill_a_message() {
        assert_eq!(told("a\u{1b}[2J\u{202e}b\r\n"), "a[2Jb");
        assert_eq!(told(&"x ".repeat(500)).chars().count(), LINE_CHARS_MAX);
        let lines: Vec<String> = (0..100).map(|n| format!("{n} {}", "y ".repeat(90))).collect();
        let told = below("it failed".to_owned(), &lines);
        assert!(told.len() < CHARS_MAX + 200, "{}", told.len());
        assert!(
            told.starts_with("it failed; its last lines:\n  ") && told.trim_end().contains("\n  99 y"),
            "{told}"
        );
    }

    #[test]
    fn nothing_written_is_nothing_told() {
        assert_eq!(below("it failed".to_owned(), &["\u{7}".to_owned()]), "it failed");
    }
}
