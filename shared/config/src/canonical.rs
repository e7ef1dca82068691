//! One spelling for one JSON value, so that hashes compare meanings.

use serde_json::Value;

/// JSON text with sorted keys and no blanks. Sorting is done here, not left to `serde_json`'s map, whose order
/// another crate's feature can change.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string())
        }
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (n, (key, item)) in entries.into_iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_one_spelling() {
        let a: Value = serde_json::from_str(r#"{"b": [1, {"z": "\u00e9\n", "y": null}], "a": 1.5}"#).unwrap();
        assert_eq!(canonical_json(&a), "{\"a\":1.5,\"b\":[1,{\"y\":null,\"z\":\"é\\n\"}]}");
    }
}
