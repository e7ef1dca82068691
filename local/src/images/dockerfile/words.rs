//! Words of an instruction: quotes, variables, here-document names.

/// Names of the here-documents that an instruction begins, and whether their tabs are stripped (`<<-`).
pub(super) fn document_names(text: &str) -> Vec<(String, bool)> {
    let keyword = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    text.split_whitespace().filter_map(document_name).collect()
}

/// `<<NAME`, `<<-NAME`, `<<"NAME"`; a here-string (`<<<`) and a shift (`1<<2`) are not.
pub(super) fn document_name(word: &str) -> Option<(String, bool)> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (rest, strip_tabs) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
    let name = rest.trim_matches(['"', '\'']);
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then(|| (name.to_owned(), strip_tabs))
}

/// Splits at spaces outside of quotes; quotes and escapes stay, for [`expand`].
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\\', _) => {
                word.push(c);
                word.extend(characters.next());
            }
            (c, Some(open)) => {
                word.push(c);
                if c == open {
                    quote = None;
                }
            }
            ('"' | '\'', None) => {
                word.push(c);
                quote = Some(c);
            }
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, None) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Replaces `$name`, `${name}`, `${name:-otherwise}` and `${name:+instead}`, and takes quotes and escapes away.
pub(crate) fn expand(word: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = word;
    let mut quote = None;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (c, quote) {
            ('\'', None) => quote = Some('\''),
            ('"', None) => quote = Some('"'),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                if let Some(next) = rest.chars().next() {
                    // Within double quotes only these are escaped; before others the backslash stays.
                    if quote.is_some() && !matches!(next, '"' | '$' | '\\') {
                        expanded.push('\\');
                    }
                    expanded.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
            ('$', None | Some('"')) => {
                let (text, after) = variable(rest, value);
                expanded.push_str(&text);
                rest = after;
            }
            (c, _) => expanded.push(c),
        }
    }
    expanded
}

/// The value of the variable that begins after a `$`, and the text behind it.
fn variable<'a>(rest: &'a str, value: &dyn Fn(&str) -> Option<String>) -> (String, &'a str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(braced) = rest.strip_prefix('{') {
        let mut depth = 1;
        let close = braced.char_indices().find(|&(_, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let Some((end, _)) = close else { return ("$".to_owned(), rest) };
        let (inside, after) = (&braced[..end], &braced[end + 1..]);
        let name_end = inside.find(|c| !is_part(c)).unwrap_or(inside.len());
        let (name, operator) = inside.split_at(name_end);
        let known = value(name);
        let text = match operator.split_at_checked(2) {
            Some((":-", otherwise)) => {
                known.filter(|text| !text.is_empty()).unwrap_or_else(|| expand(otherwise, value))
            }
            Some((":+", instead)) if known.as_deref().is_some_and(|text| !text.is_empty()) => {
                expand(instead, value)
            }
            Some((":+", _)) => String::new(),
            _ => known.unwrap_or_default(),
        };
        return (text, after);
    }
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if end == 0 {
        return ("$".to_owned(), rest);
    }
    (value(&rest[..end]).unwrap_or_default(), &rest[end..])
}
