//! JSON as people write it: bounded, with duplicate keys found and places told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::faults::{Fault, Faults, Path};
use crate::limits::DEPTH_MAX;

/// What a file says, and the keys that it says twice. `Err` when it is no JSON at all.
///
/// `file` begins the JSON paths of faults: `$`, or `service record: $`.
pub(crate) fn read(bytes: &[u8], bytes_max: usize, root: &Path) -> Result<(Value, Faults), Faults> {
    let whole = |value: String, allowed: &str| Faults::from(Fault::new(root, value, allowed));
    if bytes.len() > bytes_max {
        return Err(whole(format!("{} bytes long", bytes.len()), &format!("at most {bytes_max} bytes")));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(whole("preceded by a byte order mark".into(), "UTF-8 without a byte order mark"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(bytes, error.valid_up_to());
        whole(format!("not UTF-8 at line {line} column {column}"), "UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err(whole("empty".into(), "a JSON object"));
    }

    let sink = RefCell::new(Sink::default());
    match walk(text, root, &sink) {
        Ok(value) => Ok((value, sink.into_inner().duplicates)),
        Err(error) => {
            let at = format!("line {} column {}", error.line(), error.column());
            Err(match error.classify() {
                serde_json::error::Category::Eof => {
                    whole(format!("cut off at {at}"), "a whole JSON object, every bracket and quote closed")
                }
                // The one thing that we refuse while reading.
                serde_json::error::Category::Data => {
                    whole(format!("{} at {at}", reason(&error)), &format!("at most {DEPTH_MAX} levels"))
                }
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                    whole(format!("not JSON at {at}: {}", reason(&error)), "a JSON object")
                }
            })
        }
    }
}

/// The texts of a file below keys that are `wanted`, as far as it can be read: up to where it is cut off or broken.
pub(crate) fn texts(
    bytes: &[u8],
    bytes_max: usize,
    wanted: fn(&[String]) -> bool,
) -> Vec<(Vec<String>, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let readable = String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max)]);
    let sink = RefCell::new(Sink { wanted: Some(wanted), ..Sink::default() });
    // Only what was read before a failure matters here; `read` tells the failure.
    let _ = walk(&readable, &Path::root(), &sink);
    sink.into_inner().texts
}

fn walk(text: &str, root: &Path, sink: &RefCell<Sink>) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Node { path: root.clone(), keys: Vec::new(), depth: 1, sink }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// `serde_json`'s message without its place, which is told apart.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
    (line, column)
}

#[derive(Default)]
struct Sink {
    duplicates: Faults,
    /// Which texts are kept; long keys above many texts would take far more than the file itself.
    wanted: Option<fn(&[String]) -> bool>,
    texts: Vec<(Vec<String>, String)>,
}

/// Reads one value; `serde_json::Value` alone would let the last of two equal keys win in silence.
struct Node<'s> {
    path: Path,
    keys: Vec<String>,
    depth: usize,
    sink: &'s RefCell<Sink>,
}

impl Node<'_> {
    fn deeper<E: Error>(&self, path: Path, key: Option<&str>) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            return Err(E::custom(format!("more than {DEPTH_MAX} levels deep")));
        }
        let keys = self.keys.iter().map(String::as_str).chain(key).map(str::to_owned).collect();
        Ok(Self { path, keys, depth: self.depth + 1, sink: self.sink })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        let mut sink = self.sink.borrow_mut();
        if sink.wanted.is_some_and(|wanted| wanted(&self.keys)) {
            sink.texts.push((self.keys, value.to_owned()));
        }
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper(self.path.index(items.len()), None)?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        // Sorted here: the order of `serde_json`'s own map is another crate's feature away.
        let mut object = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = self.path.key(&key);
            let value = map.next_value_seed(self.deeper(path.clone(), Some(&key))?)?;
            if object.insert(key, value).is_some() {
                let fault = Fault::new(path, "said twice", "each key once");
                self.sink.borrow_mut().duplicates.push(fault);
            }
        }
        Ok(Value::Object(object.into_iter().collect::<Map<_, _>>()))
    }
}
