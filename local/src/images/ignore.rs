//! `.dockerignore`: which files of the context a build may see.
//!
//! Source: Docker's "Build context", ".dockerignore files": patterns are anchored at the context's root, `**` spans
//! folders, `!` takes back, the last pattern that matches decides, and a pattern that matches a folder matches all in it.

use super::pattern::matches;

#[derive(Debug, Default)]
pub(super) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    takes_back: bool,
}

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rules = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let line = line.trim();
            let (takes_back, pattern) = match line.strip_prefix('!') {
                Some(pattern) => (true, pattern.trim()),
                None => (false, line),
            };
            let pattern = clean(pattern);
            (!pattern.is_empty()).then_some(Rule { pattern, takes_back })
        });
        Self { rules: rules.collect() }
    }

    /// Whether the path (relative, `/` between its parts) is left out.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        let mut out = false;
        for rule in &self.rules {
            // A rule for a folder is a rule for what is in it.
            let folders = path.char_indices().filter(|&(_, c)| c == '/').map(|(end, _)| &path[..end]);
            if folders.chain([path]).any(|part| matches(&rule.pattern, part)) {
                out = !rule.takes_back;
            }
        }
        out
    }
}

/// Without leading and trailing slashes, `.` and `..`, as Go's `filepath.Clean` has it.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_matches_decides() {
        for (rules, path, out) in [
            ("", "a", false),
            ("target", "target", true),
            ("target", "target/debug/a", true),
            ("target", "other/target", false),
            ("**/target", "other/target/a", true),
            ("**/target", "target", true),
            ("/target/", "target/a", true),
            ("./a/../target", "target", true),
            ("*.md", "README.md", true),
            ("*.md", "docs/README.md", false),
            ("**/*.md", "docs/deep/README.md", true),
            ("*.md\n!README.md", "README.md", false),
            ("!README.md\n*.md", "README.md", true),
            ("docs\n!docs/keep.md", "docs/keep.md", false),
            ("docs\n!docs/keep.md", "docs/other.md", true),
            ("*/temp*", "some/temporary", true),
            ("*/temp*", "some/deep/temporary", false),
            ("temp?", "tempa", true),
            ("temp?", "temp", false),
            ("a[0-9]", "a7", true),
            ("a[^0-9]", "a7", false),
            ("# comment\nb", "# comment", false),
            ("  b  ", "b", true),
            ("*\n!src", "src/main.rs", false),
            ("*\n!src", "Cargo.toml", true),
            (".git", ".gitignore", false),
            ("a**", "ab/c", true),
        ] {
            assert_eq!(Ignore::parse(rules).leaves_out(path), out, "{rules:?} {path}");
        }
    }
}
