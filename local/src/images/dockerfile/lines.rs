//! Physical lines to logical ones.

use super::{Unusable, words};

/// One instruction as written: its continuation lines joined, its here-documents beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logical {
    /// Where it begins, from 1.
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) documents: Vec<Document>,
}

/// `<<NAME … NAME` of a `RUN`, `COPY` or `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) content: String,
}

pub(super) fn read(text: &str) -> Result<Vec<Logical>, Unusable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape(text);
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        if is_skipped(first) {
            continue;
        }
        let mut joined = first.trim_start().to_owned();
        while let Some(begun) = continued(&joined, escape) {
            joined.truncate(begun);
            // Comments and empty lines inside a continued instruction are left out.
            let Some((_, next)) = lines.find(|(_, line)| !is_skipped(line)) else { break };
            joined.push_str(next);
        }
        let text = joined.trim().to_owned();
        if text.is_empty() {
            continue;
        }
        let mut documents = Vec::new();
        for (name, strip_tabs) in words::document_names(&text) {
            let mut content = String::new();
            loop {
                let Some((_, line)) = lines.next() else {
                    let reason = format!("unterminated heredoc: {name}");
                    return Err(Unusable::Line { line: index + 1, reason });
                };
                let line = if strip_tabs { line.trim_start_matches('\t') } else { line };
                if line == name {
                    break;
                }
                content.push_str(line);
                content.push('\n');
            }
            documents.push(Document { name, content });
        }
        found.push(Logical { line: index + 1, text, documents });
    }
    Ok(found)
}

fn is_skipped(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Where the escape character that continues this line stands, if one does.
fn continued(line: &str, escape: char) -> Option<usize> {
    let trimmed = line.trim_end();
    trimmed.strip_suffix(escape).map(str::len)
}

/// The `# escape=` directive, which must be among the first comment lines.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some(comment) = line.trim_start().strip_prefix('#') else { break };
        let Some((name, value)) = comment.split_once('=') else { break };
        if name.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}
