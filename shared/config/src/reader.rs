//! Reads values out of JSON and notes every fault on the way, instead of stopping at the first.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use model::ids::{BranchName, Malformed};
use serde_json::{Map, Value};

use crate::faults::{Fault, Faults, Path, excerpt, nearest, quote};

/// An object of which each key is known.
pub(crate) struct Object<'v> {
    pub(crate) path: Path,
    map: &'v Map<String, Value>,
}

/// `value` as an object; keys other than `known` are faults.
pub(crate) fn object<'v>(
    value: &'v Value,
    path: &Path,
    known: &[&str],
    faults: &mut Faults,
) -> Option<Object<'v>> {
    object_among(value, path, known, &[], faults)
}

/// The same, where `elsewhere` are the paths of keys that stand in other places of the same file: for a key that was
/// written one level too high or too low.
pub(crate) fn object_among<'v>(
    value: &'v Value,
    path: &Path,
    known: &[&str],
    elsewhere: &[&str],
    faults: &mut Faults,
) -> Option<Object<'v>> {
    let map = any_object(value, path, faults)?;
    for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
        let meant = nearest(key, known.iter().copied()).map(|key| path.key(key).to_string());
        let moved = elsewhere.iter().find(|place| place.rsplit('.').next().is_some_and(|last| last == key));
        faults.push(
            Fault::new(path.key(key), "an unknown key", known.join(", "))
                .nearest(moved.map(|place| (*place).to_owned()).or(meant)),
        );
    }
    Some(Object { path: path.clone(), map })
}

pub(crate) fn any_object<'v>(
    value: &'v Value,
    path: &Path,
    faults: &mut Faults,
) -> Option<&'v Map<String, Value>> {
    let map = value.as_object();
    if map.is_none() {
        faults.push(Fault::new(path, excerpt_or_shape(value), "an object"));
    }
    map
}

impl<'v> Object<'v> {
    pub(crate) fn get(&self, key: &str) -> Option<(&'v Value, Path)> {
        self.map.get(key).map(|value| (value, self.path.key(key)))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// What `read` makes of a key that may be left out; `None` when it is given and wrong.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&'v Value, &Path, &mut Faults) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(key) {
            None => Some(None),
            Some((value, path)) => read(value, &path, faults).map(Some),
        }
    }

    pub(crate) fn required(
        &self,
        key: &str,
        allowed: &str,
        faults: &mut Faults,
    ) -> Option<(&'v Value, Path)> {
        let found = self.get(key);
        if found.is_none() {
            faults.push(Fault::missing(self.path.key(key), allowed));
        }
        found
    }
}

pub(crate) fn whole(
    value: &Value,
    path: &Path,
    range: RangeInclusive<u32>,
    faults: &mut Faults,
) -> Option<u32> {
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
    if number.is_none() {
        faults.push(Fault::new(path, excerpt_or_shape(value), whole_allowed(&range)));
    }
    number
}

pub(crate) fn whole_allowed(range: &RangeInclusive<u32>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}

pub(crate) fn boolean(value: &Value, path: &Path, faults: &mut Faults) -> Option<bool> {
    let boolean = value.as_bool();
    if boolean.is_none() {
        faults.push(Fault::new(path, excerpt_or_shape(value), "true or false"));
    }
    boolean
}

/// A text that `valid` accepts.
pub(crate) fn text<'v>(
    value: &'v Value,
    path: &Path,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<&'v str> {
    let text = value.as_str().filter(|text| valid(text));
    if text.is_none() {
        faults.push(Fault::new(path, excerpt_or_shape(value), allowed));
    }
    text
}

pub(crate) fn id<T: FromStr<Err = Malformed>>(value: &Value, path: &Path, faults: &mut Faults) -> Option<T> {
    // Parsing the empty text, which no identifier is, tells what is allowed where no text stands at all.
    match value.as_str().unwrap_or_default().parse::<T>() {
        Ok(id) => Some(id),
        Err(malformed) => {
            let article = if malformed.what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            let allowed = format!("{article} {}: {}", malformed.what, malformed.allowed);
            faults.push(Fault::new(path, excerpt_or_shape(value), allowed));
            None
        }
    }
}

/// A branch as a person names it: one of a name that git takes.
pub(crate) fn branch(value: &Value, path: &Path, faults: &mut Faults) -> Option<BranchName> {
    let branch: BranchName = id(value, path, faults)?;
    let name = branch.as_str();
    let short = name.strip_prefix("refs/heads/");
    if short.is_none() && !name.starts_with("refs/") && is_git_branch(name) {
        return Some(branch);
    }
    let meant = short.filter(|short| is_git_branch(short)).map(quote);
    faults.push(Fault::new(path, quote(name), BRANCH_ALLOWED).nearest(meant));
    None
}

const BRANCH_ALLOWED: &str = "a branch's name as git takes it, without refs/heads/";

/// Source: git, `git check-ref-format --branch`.
fn is_git_branch(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    name.split('/').all(is_part)
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && !["..", "@{"].iter().any(|refused| name.contains(refused))
        && !name.contains(['~', '^', ':', '?', '*', '[', '\\'])
}

/// A list of `count` items, each read by `item`.
pub(crate) fn list<'v, T>(
    value: &'v Value,
    path: &Path,
    count: RangeInclusive<usize>,
    what: &str,
    faults: &mut Faults,
    mut item: impl FnMut(&'v Value, &Path, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let allowed = || format!("a list of {} to {} {what}", count.start(), count.end());
    let Some(items) = value.as_array() else {
        faults.push(Fault::new(path, excerpt_or_shape(value), allowed()));
        return None;
    };
    if !count.contains(&items.len()) {
        faults.push(Fault::new(path, format!("a list of {}", items.len()), allowed()));
        return None;
    }
    let read: Vec<Option<T>> =
        items.iter().enumerate().map(|(n, value)| item(value, &path.index(n), faults)).collect();
    read.into_iter().collect()
}

/// An object from names to `T`, where the names are written freely.
pub(crate) fn map<'v, K: Ord, T>(
    value: &'v Value,
    path: &Path,
    count_max: usize,
    faults: &mut Faults,
    mut entry: impl FnMut(&'v str, &'v Value, &Path, &mut Faults) -> Option<(K, T)>,
) -> Option<BTreeMap<K, T>> {
    let object = any_object(value, path, faults)?;
    if object.len() > count_max {
        let allowed = format!("at most {count_max}");
        faults.push(Fault::new(path, format!("an object of {} entries", object.len()), allowed));
        return None;
    }
    let read: Vec<Option<(K, T)>> =
        object.iter().map(|(key, value)| entry(key, value, &path.key(key), faults)).collect();
    read.into_iter().collect()
}

pub(crate) fn excerpt_or_shape(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => quote(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            excerpt(value)
        }
    }
}
