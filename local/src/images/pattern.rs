//! Patterns of paths, as Go's `filepath.Match` has them, and `**`.

/// `*` and `?` stay within a part of the path, `**` does not; `[a-z]`, `[^a]` and `\` are understood.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    matches_from(&pattern, &path)
}

pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn matches_from(pattern: &[char], path: &[char]) -> bool {
    match pattern {
        [] => path.is_empty(),
        // `**/` matches no folder, too.
        ['*', '*', '/', rest @ ..] => {
            matches_from(rest, path)
                || (0..path.len()).any(|end| path[end] == '/' && matches_from(rest, &path[end + 1..]))
        }
        ['*', '*', rest @ ..] => (0..=path.len()).any(|end| matches_from(rest, &path[end..])),
        ['*', rest @ ..] => {
            let part = path.iter().position(|&c| c == '/').unwrap_or(path.len());
            (0..=part).any(|end| matches_from(rest, &path[end..]))
        }
        ['?', rest @ ..] => path.first().is_some_and(|&c| c != '/') && matches_from(rest, &path[1..]),
        ['[', class @ ..] => match (class.iter().skip(1).position(|&c| c == ']'), path.first()) {
            (Some(end), Some(&c)) if c != '/' => {
                is_in(&class[..end + 1], c) && matches_from(&class[end + 2..], &path[1..])
            }
            _ => false,
        },
        ['\\', escaped, rest @ ..] => path.first() == Some(escaped) && matches_from(rest, &path[1..]),
        [c, rest @ ..] => path.first() == Some(c) && matches_from(rest, &path[1..]),
    }
}

fn is_in(class: &[char], c: char) -> bool {
    let (negated, mut class) = match class {
        ['^' | '!', rest @ ..] => (true, rest),
        other => (false, other),
    };
    let mut found = false;
    while let [first, rest @ ..] = class {
        if let ['-', last, after @ ..] = rest {
            found |= (*first..=*last).contains(&c);
            class = after;
        } else {
            found |= *first == c;
            class = rest;
        }
    }
    found != negated
}
