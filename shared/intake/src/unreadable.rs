//! Why a message is quarantined: the place, what stands there, and what is allowed.

use model::ids::Malformed;
use serde_json::Value;

/// A message that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} is {value}: it must be {allowed}")]
pub struct Unreadable {
    /// JSON path, such as `detail.stack-id`.
    pub place: String,
    /// An excerpt, escaped.
    pub value: String,
    pub allowed: String,
}

/// Reasons quote at most this much of a value.
const EXCERPT_CHARS: usize = 80;

impl Unreadable {
    pub(crate) fn new(
        place: impl Into<String>,
        value: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), value: value.into(), allowed: allowed.into() }
    }
}

/// A text as reasons show it: quoted, escaped, cut.
pub(crate) fn quoted(text: &str) -> String {
    model::text::quoted(text, EXCERPT_CHARS)
}

/// Longer texts are cut where they are shown as they are.
const SHOWN_CHARS: usize = 300;

/// Others' words, shown as they are but for what cannot be seen.
pub(crate) fn plain(text: &str) -> String {
    model::text::excerpt(text, SHOWN_CHARS)
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    /// Null where nothing stands.
    pub(crate) value: &'a Value,
    pub(crate) place: String,
    lacks: Option<Lacks>,
}

/// Why nothing stands at a place.
#[derive(Debug, Clone)]
enum Lacks {
    /// What holds it has no such field.
    Field,
    /// What should hold it is no object: that is what is wrong.
    Holder(Box<Unreadable>),
}

impl<'a> At<'a> {
    pub(crate) fn new(value: &'a Value, place: impl Into<String>) -> Self {
        Self { value, place: place.into(), lacks: None }
    }

    /// A field; null where it is missing or where this is no object.
    pub(crate) fn field(&self, key: &str) -> At<'a> {
        let place = if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) };
        if let Some(value) = self.value.get(key) {
            return At::new(value, place);
        }
        let lacks = match &self.lacks {
            Some(lacks) => lacks.clone(),
            None if self.value.is_object() => Lacks::Field,
            None => Lacks::Holder(Box::new(self.unreadable("an object"))),
        };
        At { value: &Value::Null, place, lacks: Some(lacks) }
    }

    /// The elements of a list, at most `max` of them.
    pub(crate) fn list(&self, max: usize) -> Result<impl Iterator<Item = At<'a>>, Unreadable> {
        let place = self.place.clone();
        match self.value {
            Value::Array(items) if items.len() <= max => {
                Ok(items.iter().enumerate().map(move |(i, value)| At::new(value, format!("{place}[{i}]"))))
            }
            Value::Array(items) => Err(Unreadable::new(
                &self.place,
                format!("a list of {}", items.len()),
                format!("at most {max} long"),
            )),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(self.unreadable("a list"))
            }
        }
    }

    /// A text that decides something.
    pub(crate) fn text(&self, allowed: &str) -> Result<&'a str, Unreadable> {
        self.value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| self.unreadable(allowed))
    }

    /// A text that decides nothing: missing, of another type, empty or far too long is no text.
    pub(crate) fn hint(&self) -> Option<String> {
        let text = self.value.as_str()?;
        (!text.is_empty() && text.len() <= HINT_BYTES_MAX).then(|| text.to_owned())
    }

    /// A text that must be a valid identifier.
    pub(crate) fn id<T: std::str::FromStr<Err = Malformed>>(&self, allowed: &str) -> Result<T, Unreadable> {
        self.text(allowed)?.parse().map_err(|malformed: Malformed| self.unreadable(malformed.allowed))
    }

    pub(crate) fn object(&self) -> Result<&'a serde_json::Map<String, Value>, Unreadable> {
        self.value.as_object().ok_or_else(|| self.unreadable("an object"))
    }

    /// An object with none but these keys.
    pub(crate) fn only(&self, keys: &[&str]) -> Result<(), Unreadable> {
        match self.object()?.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(unknown) => {
                Err(Unreadable::new("a key", quoted(unknown), format!("one of {}", keys.join(", "))))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn unreadable(&self, allowed: impl Into<String>) -> Unreadable {
        let value = match &self.lacks {
            Some(Lacks::Holder(holder)) => return Unreadable::clone(holder),
            Some(Lacks::Field) => "missing".to_owned(),
            None => shown(self.value),
        };
        Unreadable::new(self.place.clone(), value, allowed)
    }
}

/// Longer hints (an ARN has at most 2,048 characters) are not kept.
const HINT_BYTES_MAX: usize = 4096;

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
