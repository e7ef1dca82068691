//! No payload whatever makes intake panic or take long, and every one is read as something.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

fn check(payload: &[u8]) {
    (fuzz::target("intake").check)(payload);
}

fn samples() -> Vec<Vec<u8>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or_else(|| project.join("../shared"), PathBuf::from);
    let mut samples = Vec::new();
    for folder in [project.join("events"), shared.join("aws-events")] {
        let Ok(services) = std::fs::read_dir(&folder) else {
            println!("skipped: {} is not on this machine", folder.display());
            continue;
        };
        for service in services.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            for case in std::fs::read_dir(service).unwrap() {
                samples.push(std::fs::read(case.unwrap().path()).unwrap());
            }
        }
    }
    assert!(samples.len() > 50, "our own samples are there");
    samples
}

/// How many of the replacements each place of a sample gets; which ones goes round from place to place.
const REPLACEMENTS: usize = 14;
const REPLACEMENTS_PER_PLACE: usize = 5;

/// What a hostile or merely new sender could put in the place of any value.
fn replacements() -> [Value; REPLACEMENTS] {
    [
        Value::Null,
        json!(7),
        json!(-1.5e300),
        json!(true),
        json!([]),
        json!([[], {}, null]),
        json!({}),
        json!({ "Records": [] }),
        json!(""),
        json!("a\u{0}\u{1b}[31m\u{202e}\n../../é💥"),
        json!("x".repeat(3_000)),
        json!("arn:"),
        json!("arn:aws:cloudformation:::stack/"),
        json!(r#"{"Records":[{"eventSource":"aws:sqs","body":"{\"track\":1}"}]}"#),
    ]
}

#[test]
fn every_sample_cut_anywhere_is_still_read() {
    for sample in samples() {
        let step = (sample.len() / 97).max(1);
        for end in (0..sample.len()).step_by(step) {
            check(&sample[..end]);
        }
    }
}

#[test]
fn every_sample_with_any_value_replaced_or_removed_is_still_read() {
    for sample in samples() {
        let Ok(sample) = serde_json::from_slice::<Value>(&sample) else { continue };
        for_each_mutation(&sample, &mut |mutated| check(mutated.to_string().as_bytes()));
    }
}

/// Messages inside of messages are JSON in a string: those are mutated too.
fn for_each_mutation(sample: &Value, visit: &mut dyn FnMut(&Value)) {
    let mut places = Vec::new();
    collect(sample, &mut Vec::new(), &mut places);
    for (n, place) in places.into_iter().enumerate() {
        let pointer: String =
            place.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect();
        let round = replacements().into_iter().cycle().skip(n * REPLACEMENTS_PER_PLACE % REPLACEMENTS);
        for replacement in round.take(REPLACEMENTS_PER_PLACE) {
            let mut mutated = sample.clone();
            *mutated.pointer_mut(&pointer).unwrap() = replacement;
            visit(&mutated);
        }
        let mut mutated = sample.clone();
        let (key, parent) = place.split_last().unwrap();
        let parent: String =
            parent.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect();
        match mutated.pointer_mut(&parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(key)),
            Value::Array(items) => drop(items.remove(key.parse().unwrap())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                unreachable!("a leaf has no children")
            }
        }
        visit(&mutated);
        if let Some(Ok(inner)) =
            sample.pointer(&pointer).and_then(Value::as_str).map(serde_json::from_str::<Value>)
            && inner.is_object()
        {
            for_each_mutation(&inner, &mut |inner| {
                let mut mutated = sample.clone();
                *mutated.pointer_mut(&pointer).unwrap() = Value::String(inner.to_string());
                visit(&mutated);
            });
        }
    }
}

fn collect(value: &Value, place: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (key, child) in children {
        place.push(key);
        places.push(place.clone());
        collect(child, place, places);
        place.pop();
    }
}

#[test]
fn huge_and_deep_payloads_are_quarantined_quickly() {
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let deep_fields = format!("{}1{}", "{\"detail\":".repeat(100_000), "}".repeat(100_000));
    let huge = format!("{{\"source\":\"{}\"}}", "x".repeat(intake::INTAKE_BYTES_MAX));
    for payload in [deep, deep_fields, huge] {
        check(payload.as_bytes());
        assert_eq!(intake::replay::json(payload.as_bytes())["outcome"], "quarantine");
    }
}

#[test]
fn a_message_wrapped_in_itself_again_and_again_is_quarantined() {
    let mut payload = json!({ "track": "payments/production" });
    for _ in 0..5 {
        payload = json!({ "Records": [{ "eventSource": "aws:sqs", "body": payload.to_string() }] });
    }
    check(payload.to_string().as_bytes());
    assert_eq!(intake::replay::json(payload.to_string().as_bytes())["outcome"], "quarantine");
}

#[test]
fn a_list_of_very_many_records_is_read_or_refused_in_time_that_grows_with_its_size() {
    let records = |n: usize| json!({ "Records": vec![json!({ "eventSource": "aws:s3" }); n] }).to_string();
    let started = std::time::Instant::now();
    assert_eq!(
        intake::read(records(intake::INTAKE_RECORDS_MAX).as_bytes()).len(),
        intake::INTAKE_RECORDS_MAX
    );
    let refused = intake::replay::json(records(intake::INTAKE_RECORDS_MAX + 1).as_bytes());
    assert_eq!(refused["outcome"], "quarantine");
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

proptest! {
    #[test]
    fn any_bytes_are_read(payload in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        check(&payload);
    }

    #[test]
    fn any_text_as_a_reply_is_a_signal_or_ignored_and_never_quarantined(text in "\\PC{0,80}[\n ]{0,3}\\PC{0,80}") {
        let topic = "arn:aws:sns:eu-west-1:123456789012:tidegate-ApprovalTopic-1";
        let sns = json!({ "TopicArn": topic, "Message": text });
        let payload = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": sns }] }).to_string();
        check(payload.as_bytes());
        if !text.is_empty() && !text.starts_with("StackId='") {
            prop_assert_ne!(&intake::replay::json(payload.as_bytes())["outcome"], "quarantine");
        }
    }
}
