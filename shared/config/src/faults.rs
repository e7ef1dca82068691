//! What is wrong with what somebody wrote, said so that they can repair it.

use std::fmt;

use model::text::{excerpt as excerpt_of, quoted};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::{EXCERPT_CHARS, FAULT_ALLOWED_CHARS, FAULT_PATH_CHARS, FAULT_VALUE_CHARS, FAULTS_MAX};

/// One thing wrong with a file: where, what stands there, and what may stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON path: `$.routing.priority`.
    pub path: String,
    /// An excerpt of what was written, or a word such as `missing`.
    pub value: String,
    pub allowed: String,
    /// What was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Fault {
    pub fn new(path: impl ToString, value: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            path: excerpt_of(&path.to_string(), FAULT_PATH_CHARS),
            value: excerpt_of(&value.into(), FAULT_VALUE_CHARS),
            allowed: excerpt_of(&allowed.into(), FAULT_ALLOWED_CHARS),
            nearest: None,
        }
    }

    pub fn missing(path: impl ToString, allowed: impl Into<String>) -> Self {
        Self::new(path, "missing", allowed)
    }

    #[must_use]
    pub fn nearest(mut self, nearest: Option<String>) -> Self {
        self.nearest = nearest.map(|nearest| excerpt_of(&nearest, FAULT_PATH_CHARS));
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; allowed: {}", self.path, self.value, self.allowed)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

/// Everything found wrong with one file, one line each; at most [`FAULTS_MAX`] are told in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    faults: Vec<Fault>,
    /// How many more there were.
    #[serde(default)]
    untold: u32,
}

impl Faults {
    pub fn as_slice(&self) -> &[Fault] {
        &self.faults
    }

    /// How many faults there are beyond those told in full.
    pub fn untold(&self) -> u32 {
        self.untold
    }

    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    pub fn push(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// `value` when nothing was found wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault], untold: 0 }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.faults.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        match self.untold {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Faults {}

/// A JSON path: `$.routing.paths[2]`.
#[derive(Debug, Clone)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn root() -> Self {
        Self("$".to_owned())
    }

    /// A path that does not begin at a file's root.
    pub(crate) fn of_words(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The root of a file that is not the one a reader would think of first.
    pub(crate) fn of(file: &str) -> Self {
        Self(format!("{file}: $"))
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        let plain = !key.is_empty()
            && key.len() <= EXCERPT_CHARS
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if plain { Self(format!("{}.{key}", self.0)) } else { Self(format!("{}[{}]", self.0, quote(key))) }
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text in quotes, with what cannot be seen escaped, cut to an excerpt.
pub(crate) fn quote(text: &str) -> String {
    quoted(text, EXCERPT_CHARS)
}

/// What stands in a file, cut to an excerpt.
pub(crate) fn excerpt(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => shape(value).to_owned(),
    }
}

/// What kind of value stands there, for values that may be secret.
pub(crate) fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The known word most like `word`, if any is like it at all.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below this a suggestion is a guess that sends the reader the wrong way.
    const LIKENESS_MIN: f64 = 0.5;
    // Words much longer than any key are not misspelt keys; comparing takes time and memory for each pair of letters.
    const WORD_BYTES_MAX: usize = 256;
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .filter(|known| known.len() <= WORD_BYTES_MAX)
        .map(|known| (likeness(&word, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

/// From 0 to 1, the same word.
fn likeness(word: &str, known: &str) -> f64 {
    // People shorten: prod, mem.
    const SHORT_CHARS_MIN: usize = 3;
    const SHORTENED: f64 = 0.6;
    let likeness = strsim::normalized_damerau_levenshtein(word, known);
    let shortened = word.chars().count().min(known.chars().count()) >= SHORT_CHARS_MIN
        && (known.starts_with(word) || word.starts_with(known));
    if shortened { likeness.max(SHORTENED) } else { likeness }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_tells_place_value_what_is_allowed_and_what_was_meant() {
        let fault = Fault::new("$.routing.prioriti", "an unknown key", "paths, priority")
            .nearest(Some("$.routing.priority".to_owned()));
        insta::assert_snapshot!(fault, @"$.routing.prioriti is an unknown key; allowed: paths, priority; did you mean $.routing.priority?");
    }

    #[test]
    fn a_flood_of_faults_is_cut_and_counted() {
        let mut faults = Faults::default();
        for n in 0..FAULTS_MAX + 7 {
            faults.push(Fault::missing(n, "anything"));
        }
        assert_eq!(faults.as_slice().len(), FAULTS_MAX);
        assert!(faults.to_string().ends_with("\nand 7 more"));
    }

    #[test]
    fn long_texts_are_cut_and_control_characters_escaped() {
        assert_eq!(quote("a\nb\u{1b}"), r#""a\nb\u{1b}""#);
        assert_eq!(quote(&"é".repeat(EXCERPT_CHARS + 1)), format!("\"{}…\"", "é".repeat(EXCERPT_CHARS)));
    }

    #[test]
    fn a_word_unlike_every_known_one_gets_no_suggestion() {
        assert_eq!(nearest("prioriti", ["paths", "priority"]), Some("priority"));
        assert_eq!(nearest("parameters", ["Parameters", "Tags"]), Some("Parameters"));
        assert_eq!(nearest("production", ["staging", "prod"]), Some("prod"));
        assert_eq!(nearest("sidecars", ["paths", "priority"]), None);
    }
}
