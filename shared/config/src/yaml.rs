//! CloudFormation's YAML as JSON, short forms written out.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use crate::faults::{Fault, Path, quote};
use crate::limits::TEMPLATE_BYTES_MAX;

/// A template's YAML text as JSON. Scalars are read as YAML 1.2 does: `08`, `2012-10-17`, `yes` stay texts.
pub(crate) fn to_json(text: &str, root: &Path) -> Result<Value, Fault> {
    if brackets_deep(text) > BRACKETS_DEEP_MAX {
        let value = format!("more than {BRACKETS_DEEP_MAX} brackets within each other");
        return Err(Fault::new(root, value, "a CloudFormation template"));
    }
    let reading = Reading { root, room_bytes: Cell::new(TEMPLATE_BYTES_MAX), fault: RefCell::default() };
    let read = Node { path: root.clone(), reading: &reading }
        .deserialize(serde_yaml_ng::Deserializer::from_str(text));
    read.map_err(|error| {
        let told = reading.fault.take();
        told.unwrap_or_else(|| Fault::new(root, format!("not YAML: {error}"), "a CloudFormation template"))
    })
}

/// The YAML parser refuses what is deep only after reading all of it, in time that grows with the square of the depth.
const BRACKETS_DEEP_MAX: usize = 1_000;

/// How deep brackets go, those in texts counted too: texts mostly close what they open, and never open a thousand.
fn brackets_deep(text: &str) -> usize {
    let (mut deep, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => deep += 1,
            b']' | b'}' => deep = deep.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(deep);
    }
    deepest
}

/// What all nodes of one template share.
struct Reading<'r> {
    root: &'r Path,
    /// How much more JSON there may be. Aliases repeat what they name, and again within each other, so that a short text
    /// can stand for more than any memory holds.
    room_bytes: Cell<usize>,
    /// Why reading was given up, where that is ours to say and not the parser's.
    fault: RefCell<Option<Fault>>,
}

impl Reading<'_> {
    fn give_up<E: Error>(&self, fault: Fault) -> E {
        let error = E::custom(&fault);
        self.fault.replace(Some(fault));
        error
    }

    /// Counts what a value takes in JSON, or less.
    fn take<E: Error>(&self, bytes: usize) -> Result<(), E> {
        match self.room_bytes.get().checked_sub(bytes) {
            Some(left) => {
                self.room_bytes.set(left);
                Ok(())
            }
            None => Err(self.give_up(Fault::new(
                self.root,
                format!("more than {TEMPLATE_BYTES_MAX} bytes long with its aliases written out"),
                format!("at most {TEMPLATE_BYTES_MAX} bytes"),
            ))),
        }
    }
}

/// Reads one value, without building what will be refused.
struct Node<'r> {
    path: Path,
    reading: &'r Reading<'r>,
}

impl Node<'_> {
    fn give_up<E: Error>(&self, value: impl Into<String>, allowed: &str) -> E {
        self.reading.give_up(Fault::new(&self.path, value, allowed))
    }

    fn number<E: Error>(&self, number: &serde_yaml_ng::Number) -> Result<Value, E> {
        self.reading.take(1)?;
        convert_number(number, &self.path).map_err(|fault| self.reading.give_up(fault))
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
        f.write_str("a value that JSON has")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.reading.take(1)?;
        Ok(Value::Null)
    }

    // An empty text is no value at all.
    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.reading.take(1)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.number(&value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.number(&value.into())
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        Err(self.give_up(value.to_string(), EXACT_ALLOWED))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        Err(self.give_up(value.to_string(), EXACT_ALLOWED))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.number(&value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.reading.take(value.len() + 2)?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.reading.take(2)?;
        let mut items = Vec::new();
        while let Some(item) =
            seq.next_element_seed(Node { path: self.path.index(items.len()), reading: self.reading })?
        {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.reading.take(2)?;
        let mut object = Map::new();
        while let Some(key) = map.next_key_seed(Key(&self))? {
            let inner = Node { path: self.path.key(&key), reading: self.reading };
            if object.contains_key(&key) {
                return Err(inner.give_up("said twice", "each key once"));
            }
            let value = map.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (tag, value) = data.variant::<String>()?;
        let reading = self.reading;
        let name =
            function_of(tag.trim_start_matches('!'), &self.path).map_err(|fault| reading.give_up(fault))?;
        let path = self.path.key(&name);
        let value = value.newtype_variant_seed(Node { path: path.clone(), reading })?;
        let argument = argument_of(&name, value, &path).map_err(|fault| reading.give_up(fault))?;
        Ok(Value::Object(Map::from_iter([(name, argument)])))
    }
}

/// Reads a key of the object that a node is.
struct Key<'k, 'r>(&'k Node<'r>);

impl Key<'_, '_> {
    fn read<E: Error>(&self, key: String) -> Result<String, E> {
        self.0.reading.take(key.len() + 2)?;
        Ok(key)
    }

    fn no_text<E: Error>(&self) -> E {
        self.0.give_up("an object with a key that is no text", "text keys, in quotes")
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, '_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if key == "<<" {
            let fault = Fault::new(
                self.0.path.key(key),
                "a merge key",
                "keys written out: CloudFormation has no merge keys",
            );
            return Err(self.0.reading.give_up(fault));
        }
        self.read(key.to_owned())
    }

    // Mappings are often keyed by account numbers.
    fn visit_u64<E: Error>(self, key: u64) -> Result<String, E> {
        self.read(key.to_string())
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<String, E> {
        self.read(key.to_string())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Err(self.no_text())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.no_text())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.no_text())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.no_text())
    }
}

const EXACT_ALLOWED: &str = "a number that JSON keeps exactly, or a string in quotes";

/// Numbers that JSON would spell otherwise than they were meant are refused: in quotes they pass as they are.
fn convert_number(number: &serde_yaml_ng::Number, path: &Path) -> Result<Value, Fault> {
    // Beyond this a float no longer tells neighbouring whole numbers apart.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let exact = number
        .as_u64()
        .map(Number::from)
        .or_else(|| number.as_i64().map(Number::from))
        .or_else(|| number.as_f64().filter(|float| float.abs() < EXACT_MAX).and_then(Number::from_f64));
    exact.map(Value::Number).ok_or_else(|| Fault::new(path, number.to_string(), EXACT_ALLOWED))
}

/// Source: CloudFormation template reference, "Intrinsic function reference".
const FUNCTIONS: [&str; 18] = [
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
    "GetAtt",
];

/// The long name of a short form.
fn function_of(tag: &str, path: &Path) -> Result<String, Fault> {
    match tag {
        "Ref" | "Condition" => Ok(tag.to_owned()),
        function if FUNCTIONS.contains(&function) => Ok(format!("Fn::{function}")),
        unknown => {
            let meant = crate::faults::nearest(unknown, FUNCTIONS.into_iter().chain(["Ref", "Condition"]));
            let fault = Fault::new(path, quote(&format!("!{unknown}")), "CloudFormation's short forms");
            Err(fault.nearest(meant.map(|meant| format!("!{meant}"))))
        }
    }
}

/// What a short form's argument is in the long one.
fn argument_of(name: &str, argument: Value, path: &Path) -> Result<Value, Fault> {
    match (name, argument) {
        // `!GetAtt Nested.Outputs.Url` is an attribute with a dot in its name.
        ("Fn::GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((resource, attribute)) => Ok(Value::from(vec![resource, attribute])),
            None => Err(Fault::new(path, quote(&text), "<resource>.<attribute>")),
        },
        ("Ref" | "Condition", argument) if !argument.is_string() => {
            Err(Fault::new(path, crate::faults::excerpt(&argument), "a name, in quotes if need be"))
        }
        // `!GetAZs` alone means this region.
        ("Fn::GetAZs", Value::Null) => Ok(Value::from("")),
        (_, argument) => Ok(argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonical_json;

    fn json(text: &str) -> String {
        match to_json(text, &Path::root()) {
            Ok(value) => canonical_json(&value),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn short_forms_are_written_out() {
        for (short, long) in [
            ("!Ref A", r#"{"Ref":"A"}"#),
            ("!Condition A", r#"{"Condition":"A"}"#),
            ("!GetAtt A.Arn", r#"{"Fn::GetAtt":["A","Arn"]}"#),
            ("!GetAtt A.Outputs.Url", r#"{"Fn::GetAtt":["A","Outputs.Url"]}"#),
            ("!GetAtt [A, Arn]", r#"{"Fn::GetAtt":["A","Arn"]}"#),
            ("!Sub 'a-${B}'", r#"{"Fn::Sub":"a-${B}"}"#),
            ("!Sub ['${C}', {C: !Ref D}]", r#"{"Fn::Sub":["${C}",{"C":{"Ref":"D"}}]}"#),
            ("!Join ['', [a, !Ref B]]", r#"{"Fn::Join":["",["a",{"Ref":"B"}]]}"#),
            ("!Select [0, !Split [',', !Ref P]]", r#"{"Fn::Select":[0,{"Fn::Split":[",",{"Ref":"P"}]}]}"#),
            ("!If [C, 1, !Ref 'AWS::NoValue']", r#"{"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]}"#),
            (
                "!And [!Condition A, !Not [!Equals [a, b]]]",
                r#"{"Fn::And":[{"Condition":"A"},{"Fn::Not":[{"Fn::Equals":["a","b"]}]}]}"#,
            ),
            ("!FindInMap [M, !Ref R, v]", r#"{"Fn::FindInMap":["M",{"Ref":"R"},"v"]}"#),
            ("!GetAZs", r#"{"Fn::GetAZs":""}"#),
            ("!Base64 text", r#"{"Fn::Base64":"text"}"#),
            ("Fn::Sub: a", r#"{"Fn::Sub":"a"}"#),
        ] {
            assert_eq!(json(short), long, "{short}");
        }
    }

    #[test]
    fn scalars_keep_their_spelling() {
        for (yaml, json_text) in [
            ("a: 08", r#"{"a":"08"}"#),
            ("a: 2012-10-17", r#"{"a":"2012-10-17"}"#),
            ("a: yes", r#"{"a":"yes"}"#),
            ("a: on", r#"{"a":"on"}"#),
            ("a: true", r#"{"a":true}"#),
            ("a: 123456789012", r#"{"a":123456789012}"#),
            ("a: 18446744073709551615", r#"{"a":18446744073709551615}"#),
            ("a: 012345678901", r#"{"a":"012345678901"}"#),
            ("a: 12:30", r#"{"a":"12:30"}"#),
            ("a: 0.5", r#"{"a":0.5}"#),
            ("a: -3", r#"{"a":-3}"#),
            ("a:", r#"{"a":null}"#),
            ("123456789012: a", r#"{"123456789012":"a"}"#),
            ("a: |\n  line\n  line\n", r#"{"a":"line\nline\n"}"#),
            ("a: &x [1]\nb: *x", r#"{"a":[1],"b":[1]}"#),
        ] {
            assert_eq!(json(yaml), json_text, "{yaml}");
        }
    }

    #[test]
    fn what_json_cannot_say_is_a_fault() {
        insta::assert_snapshot!(json("a: .inf"), @"$.a is .inf; allowed: a number that JSON keeps exactly, or a string in quotes");
        insta::assert_snapshot!(json("a: 1e300"), @"$.a is 1e300; allowed: a number that JSON keeps exactly, or a string in quotes");
        insta::assert_snapshot!(json("a: 99999999999999999999"), @"$.a is 99999999999999999999; allowed: a number that JSON keeps exactly, or a string in quotes");
        insta::assert_snapshot!(json("a: 1\na: 2"), @"$.a is said twice; allowed: each key once");
        insta::assert_snapshot!(json("1: a\n'1': b"), @"$.1 is said twice; allowed: each key once");
        insta::assert_snapshot!(json("a: {<<: {b: 1}}"), @r#"$.a["<<"] is a merge key; allowed: keys written out: CloudFormation has no merge keys"#);
        insta::assert_snapshot!(json("a: !Reff b"), @r#"$.a is "!Reff"; allowed: CloudFormation's short forms; did you mean !Ref?"#);
        insta::assert_snapshot!(json("a: !GetAtt b"), @r#"$.a["Fn::GetAtt"] is "b"; allowed: <resource>.<attribute>"#);
        insta::assert_snapshot!(json("a: !Ref 1"), @"$.a.Ref is 1; allowed: a name, in quotes if need be");
        insta::assert_snapshot!(json("a: [1"), @"$ is not YAML: did not find expected ',' or ']' at line 2 column 1, while parsing a flow sequence at line 1 column 4; allowed: a CloudFormation template");
        insta::assert_snapshot!(json("[1, 2]: a"), @"$ is an object with a key that is no text; allowed: text keys, in quotes");
    }
}
