//! Patterns: of names, and of a load balancer's rules, where `*` stands for any text and `?` for any character.
//!
//! Source: Elastic Load Balancing, "Condition types for listener rules".

/// Whether `payments`, or `payments-*` for all that begin so, means that name.
pub fn names(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// Whether some text matches both.
pub fn overlap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Row by row over the rest of `a` and the rest of `b`, from their ends.
    let mut below: Vec<bool> = Vec::new();
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                // A `*` stands for nothing, or for one character more of the other.
                (Some('*'), None) => below[j],
                (None, Some('*')) => row[j + 1],
                (Some('*'), Some(_)) | (Some(_), Some('*')) => below[j] || row[j + 1],
                (Some(x), Some(y)) => (x == y || *x == '?' || *y == '?') && below[j + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
        below = row;
    }
    below[0]
}

/// Whether `a` matches everything that `b` matches. Says no where that is hard to tell.
pub fn covers(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut below: Vec<bool> = Vec::new();
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some('*'), None) => below[j],
                // What `b` leaves open only a `*` of `a` takes, be it one character or many.
                (Some('*'), Some(_)) => below[j] || row[j + 1],
                (Some('?'), Some(y)) => *y != '*' && below[j + 1],
                (Some(x), Some(y)) => x == y && *y != '*' && *y != '?' && below[j + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        // A text without wildcards is a pattern that matches itself alone.
        overlap(pattern, text)
    }

    #[test]
    fn patterns_overlap_when_one_text_matches_both() {
        for (a, b, expected) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a", false),
            ("/a*", "/a", true),
            ("/a/*", "/*/b", true),
            ("/a/*", "/b/*", false),
            ("/a?c", "/abc", true),
            ("/a?", "/a", false),
            ("*", "/x", true),
            ("/*/x", "/a/*y", false),
            ("/a/*/c", "/a/b/*", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("", "", true),
            ("", "*", true),
        ] {
            assert_eq!(overlap(a, b), expected, "{a} and {b}");
            assert_eq!(overlap(b, a), expected, "{b} and {a}");
        }
    }

    #[test]
    fn a_pattern_covers_another_when_it_matches_all_of_it() {
        for (a, b, expected) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/*", true),
            ("/a/b", "/a/*", false),
            ("/a/*", "/a/*", true),
            ("/*/b", "/a/b", true),
            ("/a?c", "/a?c", true),
            ("/a?c", "/a*c", false),
            ("/a*c", "/a?c", true),
            ("*", "/x/*", true),
            ("/a/*/c", "/a/b/*", false),
        ] {
            assert_eq!(covers(a, b), expected, "{a} over {b}");
        }
    }

    proptest! {
        #[test]
        fn what_is_covered_overlaps_and_is_matched(a in "[ab*?]{0,6}", b in "[ab*?]{0,6}", text in "[ab]{0,8}") {
            if covers(&a, &b) {
                prop_assert!(overlap(&a, &b));
                if matches(&b, &text) {
                    prop_assert!(matches(&a, &text));
                }
            }
            if matches(&a, &text) && matches(&b, &text) {
                prop_assert!(overlap(&a, &b));
            }
        }
    }
}
