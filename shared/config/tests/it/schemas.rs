//! Published schemas say what the types say. `UPDATE_SCHEMAS=1` writes them anew.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{environment_record, first_form, service_record, with, with_all};

fn published(file: &str, generated: String) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(file);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, generated, "schemas/{file} is old: run UPDATE_SCHEMAS=1 cargo test -p config");
    serde_json::from_str(&generated).unwrap()
}

fn config_schema() -> Value {
    published("ecs-service-config.schema.json", config::service_config_schema())
}

fn service_schema() -> Value {
    published("service-record.schema.json", config::service_record_schema())
}

fn environment_schema() -> Value {
    published("environment-record.schema.json", config::environment_record_schema())
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    config_schema();
    service_schema();
    environment_schema();
    published("people-record.schema.json", config::people_record_schema());
    published("channels-record.schema.json", config::channels_record_schema());
}

/// The keys that a schema knows at `pointer`, through its references.
fn keys(schema: &Value, pointer: &[&str]) -> Vec<String> {
    let follow = |node: &Value| -> Value {
        match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => node.clone(),
        }
    };
    let mut node = schema.clone();
    for step in pointer {
        node = match *step {
            "*" => follow(&node["additionalProperties"]),
            key => follow(&node["properties"][key]),
        };
    }
    assert_eq!(node["additionalProperties"], json!(false), "{pointer:?}");
    let mut keys: Vec<String> = node["properties"].as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

/// The keys that the reader allows, taken from what it tells of one that it does not.
fn allowed(faults: config::Faults) -> Vec<String> {
    let fault = faults.as_slice().iter().find(|fault| fault.value == "an unknown key").unwrap();
    let mut keys: Vec<String> = fault.allowed.split(", ").map(str::to_owned).collect();
    keys.sort();
    keys
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    for (written, steps) in [
        ("/zzz", &[][..]),
        ("/schedule/zzz", &["schedule"]),
        ("/routing/zzz", &["routing"]),
        ("/routing/healthCheck/zzz", &["routing", "healthCheck"]),
        ("/container/zzz", &["container"]),
        ("/sidecars/metrics/zzz", &["sidecars", "*"]),
        ("/sidecars/metrics/logRouter/zzz", &["sidecars", "*", "logRouter"]),
        ("/scaling/zzz", &["scaling"]),
        ("/deployment/zzz", &["deployment"]),
        ("/deployment/before/zzz", &["deployment", "before"]),
        ("/taskRole/zzz", &["taskRole"]),
        ("/environments/production/zzz", &["environments", "*"]),
        ("/environments/production/approval/zzz", &["environments", "*", "approval"]),
        ("/environments/production/requires/zzz", &["environments", "*", "requires"]),
        ("/environments/production/scaling/zzz", &["environments", "*", "scaling"]),
    ] {
        let written = with_all(first_form(), written, json!(1));
        let faults = config::parse(written.to_string().as_bytes()).unwrap_err();
        assert_eq!(allowed(faults), keys(&config_schema(), steps), "{written}");
    }
    let unknown = with(service_record(), "/zzz", json!(1)).to_string();
    let faults = config::ServiceRecord::parse(unknown.as_bytes()).unwrap_err();
    assert_eq!(allowed(faults), keys(&service_schema(), &[]));
    for (written, steps) in
        [("/zzz", &[][..]), ("/floor/zzz", &["floor"]), ("/caps/zzz", &["caps"]), ("/may/zzz", &["may"])]
    {
        let unknown = with_all(environment_record(), written, json!(1)).to_string();
        let faults = config::EnvironmentRecord::parse(unknown.as_bytes()).unwrap_err();
        assert_eq!(allowed(faults), keys(&environment_schema(), steps), "{written}");
    }
}

#[test]
fn code_pipelines_form_needs_no_key_of_the_schema() {
    assert_eq!(config_schema().get("required"), None);
}
