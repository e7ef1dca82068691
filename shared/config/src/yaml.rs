//! CloudFormation's YAML as JSON, short forms written out.

use serde_json::{Map, Number, Value};
use serde_yaml_ng::Value as Yaml;

use crate::faults::{Fault, Path, quote};

/// A template's YAML text as JSON. Scalars are read as YAML 1.2 does: `08`, `2012-10-17`, `yes` stay texts.
pub(crate) fn to_json(text: &str, root: &Path) -> Result<Value, Fault> {
    let yaml: Yaml = serde_yaml_ng::from_str(text)
        .map_err(|error| Fault::new(root, format!("not YAML: {error}"), "a CloudFormation template"))?;
    convert(yaml, root)
}

fn convert(yaml: Yaml, path: &Path) -> Result<Value, Fault> {
    match yaml {
        Yaml::Null => Ok(Value::Null),
        Yaml::Bool(value) => Ok(Value::Bool(value)),
        Yaml::Number(number) => convert_number(&number, path),
        Yaml::String(text) => Ok(Value::String(text)),
        Yaml::Sequence(items) => {
            let items = items.into_iter().enumerate().map(|(n, item)| convert(item, &path.index(n)));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Yaml::Mapping(mapping) => {
            let mut map = Map::new();
            for (key, item) in mapping {
                let key = convert_key(key, path)?;
                let path = path.key(&key);
                let item = convert(item, &path)?;
                if map.insert(key, item).is_some() {
                    return Err(Fault::new(path, "said twice", "each key once"));
                }
            }
            Ok(Value::Object(map))
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            convert_tagged(tag.trim_start_matches('!'), tagged.value, path)
        }
    }
}

/// Numbers that JSON would spell otherwise than they were meant are refused: in quotes they pass as they are.
fn convert_number(number: &serde_yaml_ng::Number, path: &Path) -> Result<Value, Fault> {
    // Beyond this a float no longer tells neighbouring whole numbers apart.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let exact = number
        .as_u64()
        .map(Number::from)
        .or_else(|| number.as_i64().map(Number::from))
        .or_else(|| number.as_f64().filter(|float| float.abs() < EXACT_MAX).and_then(Number::from_f64));
    exact.map(Value::Number).ok_or_else(|| {
        Fault::new(path, number.to_string(), "a number that JSON keeps exactly, or a string in quotes")
    })
}

fn convert_key(key: Yaml, path: &Path) -> Result<String, Fault> {
    match key {
        Yaml::String(key) if key == "<<" => Err(Fault::new(
            path.key("<<"),
            "a merge key",
            "keys written out: CloudFormation has no merge keys",
        )),
        Yaml::String(key) => Ok(key),
        // Mappings are often keyed by account numbers.
        Yaml::Number(number) if !number.is_f64() => Ok(number.to_string()),
        Yaml::Bool(_)
        | Yaml::Null
        | Yaml::Number(_)
        | Yaml::Sequence(_)
        | Yaml::Mapping(_)
        | Yaml::Tagged(_) => {
            Err(Fault::new(path, "an object with a key that is no text", "text keys, in quotes"))
        }
    }
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

fn convert_tagged(tag: &str, value: Yaml, path: &Path) -> Result<Value, Fault> {
    let name = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        function if FUNCTIONS.contains(&function) => format!("Fn::{function}"),
        unknown => {
            let meant = crate::faults::nearest(unknown, FUNCTIONS.into_iter().chain(["Ref", "Condition"]));
            let fault = Fault::new(path, quote(&format!("!{unknown}")), "CloudFormation's short forms");
            return Err(fault.nearest(meant.map(|meant| format!("!{meant}"))));
        }
    };
    let path = path.key(&name);
    let argument = match (tag, convert(value, &path)?) {
        // `!GetAtt Nested.Outputs.Url` is an attribute with a dot in its name.
        ("GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((resource, attribute)) => Value::from(vec![resource, attribute]),
            None => return Err(Fault::new(path, quote(&text), "<resource>.<attribute>")),
        },
        ("Ref" | "Condition", argument) if !argument.is_string() => {
            return Err(Fault::new(path, crate::faults::excerpt(&argument), "a name, in quotes if need be"));
        }
        // `!GetAZs` alone means this region.
        ("GetAZs", Value::Null) => Value::from(""),
        (_, argument) => argument,
    };
    Ok(Value::Object(Map::from_iter([(name, argument)])))
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
        insta::assert_snapshot!(json("a: 99999999999999999999"), @"$ is not YAML: a: invalid type: integer `99999999999999999999` as u128, expected any YAML value at line 1 column 4; allowed: a CloudFormation template");
        insta::assert_snapshot!(json("a: 1\na: 2"), @r#"$ is not YAML: duplicate entry with key "a"; allowed: a CloudFormation template"#);
        insta::assert_snapshot!(json("1: a\n'1': b"), @"$.1 is said twice; allowed: each key once");
        insta::assert_snapshot!(json("a: {<<: {b: 1}}"), @r#"$.a["<<"] is a merge key; allowed: keys written out: CloudFormation has no merge keys"#);
        insta::assert_snapshot!(json("a: !Reff b"), @r#"$.a is "!Reff"; allowed: CloudFormation's short forms; did you mean !Ref?"#);
        insta::assert_snapshot!(json("a: !GetAtt b"), @r#"$.a["Fn::GetAtt"] is "b"; allowed: <resource>.<attribute>"#);
        insta::assert_snapshot!(json("a: !Ref 1"), @"$.a.Ref is 1; allowed: a name, in quotes if need be");
        insta::assert_snapshot!(json("a: [1"), @"$ is not YAML: did not find expected ',' or ']' at line 2 column 1, while parsing a flow sequence at line 1 column 4; allowed: a CloudFormation template");
        insta::assert_snapshot!(json("[1, 2]: a"), @"$ is an object with a key that is no text; allowed: text keys, in quotes");
    }
}
