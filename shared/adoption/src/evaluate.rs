//! What a template's value comes to: CloudFormation's intrinsic functions, as far as service templates use them.
//!
//! Source: CloudFormation user guide, "Intrinsic function reference".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What `Ref` of it gives where a property is to be left out.
pub(crate) const NO_VALUE: &str = "AWS::NoValue";
/// Conditions name each other; none does so without end.
const CONDITIONS_DEEP_MAX: usize = 64;

/// What a template's names stand for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Of parameters, resources and pseudo parameters.
    pub refs: BTreeMap<String, Value>,
    /// Of `<resource>.<attribute>`.
    pub attributes: BTreeMap<String, Value>,
    pub conditions: Map<String, Value>,
}

/// The one intrinsic function that a value is, with what it is given.
pub(crate) fn intrinsic(value: &Value) -> Option<(&str, &Value)> {
    let (name, given) = value.as_object().filter(|map| map.len() == 1)?.iter().next()?;
    let is_one = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    is_one.then_some((name.as_str(), given))
}

pub(crate) fn no_value() -> Value {
    serde_json::json!({ "Ref": NO_VALUE })
}

impl Names {
    /// Names for a template with these parameters: the given ones, and for the others their defaults.
    pub(crate) fn of(template: &Value, given: &BTreeMap<String, String>) -> Self {
        let mut refs = BTreeMap::new();
        let declared = template["Parameters"].as_object();
        for (name, declaration) in declared.into_iter().flatten() {
            let default = declaration.get("Default").map(plain).unwrap_or_default();
            let value = given.get(name).cloned().unwrap_or(default);
            let is_list = declaration["Type"].as_str().is_some_and(|kind| kind.contains("List"));
            let value = if is_list {
                value.split(',').map(|part| Value::from(part.trim())).collect()
            } else {
                Value::from(value)
            };
            refs.insert(name.clone(), value);
        }
        let conditions = template["Conditions"].as_object().cloned().unwrap_or_default();
        Self { refs, attributes: BTreeMap::new(), conditions }
    }

    /// `None` for what is left out. `Err` names what is not understood here.
    pub(crate) fn value(&self, value: &Value) -> Result<Option<Value>, String> {
        if let Some((function, given)) = intrinsic(value) {
            return self.call(function, given);
        }
        Ok(Some(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
            Value::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                items?.into_iter().flatten().collect()
            }
            Value::Object(map) => {
                let mut made = Map::new();
                for (key, item) in map {
                    if let Some(item) = self.value(item)? {
                        made.insert(key.clone(), item);
                    }
                }
                Value::Object(made)
            }
        }))
    }

    pub(crate) fn holds(&self, condition: &str) -> Result<bool, String> {
        self.named(condition, 0)
    }

    fn named(&self, condition: &str, deep: usize) -> Result<bool, String> {
        let body = self.conditions.get(condition).filter(|_| deep < CONDITIONS_DEEP_MAX);
        self.test(body.ok_or_else(|| format!("condition {condition} cannot be told"))?, deep)
    }

    fn test(&self, condition: &Value, deep: usize) -> Result<bool, String> {
        let (function, given) = intrinsic(condition).ok_or("a condition that is no function")?;
        let tests = || given.as_array().into_iter().flatten().map(|one| self.test(one, deep + 1));
        match (function, given) {
            ("Condition", Value::String(name)) => self.named(name, deep + 1),
            ("Fn::Not", Value::Array(one)) if one.len() == 1 => Ok(!self.test(&one[0], deep + 1)?),
            ("Fn::And", Value::Array(_)) => {
                Ok(tests().collect::<Result<Vec<_>, _>>()?.iter().all(|one| *one))
            }
            ("Fn::Or", Value::Array(_)) => Ok(tests().collect::<Result<Vec<_>, _>>()?.iter().any(|one| *one)),
            ("Fn::Equals", Value::Array(pair)) if pair.len() == 2 => {
                let side = |n: usize| Ok::<_, String>(self.value(&pair[n])?.as_ref().map(plain));
                Ok(side(0)? == side(1)?)
            }
            (function, _) => Err(format!("{function} as a condition")),
        }
    }

    fn call(&self, function: &str, given: &Value) -> Result<Option<Value>, String> {
        let listed = given.as_array().map(Vec::as_slice);
        match (function, given, listed) {
            ("Ref", Value::String(name), _) if name == NO_VALUE => Ok(None),
            ("Ref", Value::String(name), _) => {
                self.refs.get(name).cloned().map(Some).ok_or_else(|| format!("Ref of {name}"))
            }
            ("Fn::If", _, Some([Value::String(condition), yes, no])) => {
                self.value(if self.holds(condition)? { yes } else { no })
            }
            ("Fn::GetAtt", _, _) => {
                let name = attribute(given).ok_or("Fn::GetAtt of no attribute")?;
                self.attributes.get(&name).cloned().map(Some).ok_or_else(|| format!("Fn::GetAtt of {name}"))
            }
            ("Fn::Sub", Value::String(text), _) => self.substitute(text, &Map::new()).map(Some),
            ("Fn::Sub", _, Some([Value::String(text), Value::Object(own)])) => {
                self.substitute(text, own).map(Some)
            }
            ("Fn::Join", _, Some([Value::String(between), parts])) => {
                let parts = self.value(parts)?.unwrap_or_default();
                let parts: Vec<String> = parts.as_array().into_iter().flatten().map(plain).collect();
                Ok(Some(parts.join(between).into()))
            }
            ("Fn::Split", _, Some([Value::String(at), text])) => {
                let text = self.value(text)?.as_ref().map(plain).unwrap_or_default();
                Ok(Some(text.split(at.as_str()).map(Value::from).collect()))
            }
            ("Fn::Select", _, Some([number, list])) => {
                let at: Option<usize> = plain(number).parse().ok();
                let list = self.value(list)?.unwrap_or_default();
                let found = at.and_then(|at| list.get(at)).cloned();
                found.map(Some).ok_or_else(|| "Fn::Select beyond its list".to_owned())
            }
            (function, _, _) => Err(function.to_owned()),
        }
    }

    fn substitute(&self, text: &str, own: &Map<String, Value>) -> Result<Value, String> {
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or("Fn::Sub without its closing brace")?;
            made.push_str(before);
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                made.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let value = match own.get(name) {
                Some(value) => self.value(value)?,
                None => self.refs.get(name).or_else(|| self.attributes.get(name)).cloned(),
            };
            made.push_str(&plain(&value.ok_or_else(|| format!("Fn::Sub of {name}"))?));
        }
        made.push_str(rest);
        Ok(made.into())
    }
}

/// `<resource>.<attribute>`, whichever way it is written.
pub(crate) fn attribute(given: &Value) -> Option<String> {
    match given {
        Value::String(name) => Some(name.clone()),
        Value::Array(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts.map(|parts| parts.join("."))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// Templates write the same number or truth with and without quotes.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let template = json!({
            "Parameters": {
                "Kind": { "Type": "String", "Default": "web" },
                "Paths": { "Type": "CommaDelimitedList", "Default": "" },
                "Min": { "Type": "Number", "Default": 2 },
            },
            "Conditions": {
                "IsWeb": { "Fn::Equals": [{ "Ref": "Kind" }, "web"] },
                "IsNot": { "Fn::Not": [{ "Condition": "IsWeb" }] },
                "Two": { "Fn::And": [{ "Condition": "IsWeb" }, { "Fn::Equals": [{ "Ref": "Min" }, 2] }] },
                "Round": { "Condition": "Round" },
            },
        });
        let given = BTreeMap::from([("Paths".to_owned(), "/a, /b".to_owned())]);
        let mut names = Names::of(&template, &given);
        names.attributes.insert("EcsService.Name".to_owned(), json!("payments"));
        names
    }

    #[test]
    fn functions_come_to_what_cloudformation_makes_of_them() {
        let cases = [
            (json!({ "Ref": "Paths" }), json!(["/a", "/b"])),
            (json!({ "Fn::If": ["IsWeb", "yes", { "Ref": "Unknown" }] }), json!("yes")),
            (json!({ "Fn::Sub": "${Kind}/${EcsService.Name}/${!Kind}" }), json!("web/payments/${Kind}")),
            (json!({ "Fn::Sub": ["${A}-${Min}", { "A": { "Ref": "Kind" } }] }), json!("web-2")),
            (json!({ "Fn::Join": ["", { "Ref": "Paths" }] }), json!("/a/b")),
            (json!({ "Fn::Select": [1, { "Fn::Split": ["/", "a/b"] }] }), json!("b")),
            (json!({ "Fn::GetAtt": ["EcsService", "Name"] }), json!("payments")),
            (json!([{ "Ref": NO_VALUE }, 1]), json!([1])),
            (json!({ "A": { "Fn::If": ["IsNot", 1, { "Ref": NO_VALUE }] }, "B": 2 }), json!({ "B": 2 })),
            (json!({ "Fn::If": ["Two", 1, 2] }), json!(1)),
        ];
        for (value, expected) in cases {
            assert_eq!(names().value(&value), Ok(Some(expected)), "{value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let cases = [
            (json!({ "Ref": "Other" }), "Ref of Other"),
            (json!({ "Fn::ImportValue": "x" }), "Fn::ImportValue"),
            (json!({ "Fn::If": ["Round", 1, 2] }), "condition Round cannot be told"),
            (json!({ "Fn::Sub": "${Other}" }), "Fn::Sub of Other"),
        ];
        for (value, expected) in cases {
            assert_eq!(names().value(&value), Err(expected.to_owned()), "{value}");
        }
    }
}
