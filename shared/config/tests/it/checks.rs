use serde_json::{Value, json};

use crate::support::{
    config, environment, environment_record, first_form, name, service, service_record, with,
};

/// What is told of `written` against the records; empty when it may be deployed.
fn checked(written: &Value, service_with: (&str, Value), environment_with: (&str, Value)) -> String {
    let service = service(&with(service_record(), service_with.0, service_with.1));
    let record = environment(&with(environment_record(), environment_with.0, environment_with.1));
    match config(written).check(&name("production"), &service, &record) {
        Ok(()) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

const AS_IT_IS: (&str, Value) = ("/none", Value::Null);

#[test]
fn a_config_within_its_records_may_be_deployed() {
    assert_eq!(checked(&first_form(), AS_IT_IS, AS_IT_IS), "");
    assert_eq!(checked(&json!({}), AS_IT_IS, AS_IT_IS), "");
    let own = json!({"Parameters": {"Paths": "/payments, /payments/*", "Priority": "7", "Db": "{{resolve:ssm:/payments/db:3}}"}});
    assert_eq!(checked(&own, AS_IT_IS, AS_IT_IS), "");
}

#[test]
fn another_services_name_is_refused() {
    let other = with(first_form(), "/service", json!("ledger"));
    insta::assert_snapshot!(checked(&other, AS_IT_IS, AS_IT_IS), @r#"$.service is "ledger"; allowed: "payments", the service that this repository is registered for"#);
}

#[test]
fn paths_outside_the_grant_are_refused_in_both_forms() {
    let paths = json!(["/payments/*", "/payments*", "/ledger"]);
    insta::assert_snapshot!(checked(&with(first_form(), "/routing/paths", paths), AS_IT_IS, AS_IT_IS), @r#"
    $.routing.paths[1] is "/payments*"; allowed: paths granted to payments: /payments, /payments/*
    $.routing.paths[2] is "/ledger"; allowed: paths granted to payments: /payments, /payments/*
    "#);
    insta::assert_snapshot!(checked(&json!({"Parameters": {"Paths": "/payments,/*"}}), AS_IT_IS, AS_IT_IS), @r#"$.Parameters.Paths is "/*"; allowed: paths granted to payments: /payments, /payments/*"#);
    insta::assert_snapshot!(checked(&first_form(), ("/paths", json!([])), AS_IT_IS), @r#"
    $.routing.paths[0] is "/payments"; allowed: nothing: the service's record grants no paths
    $.routing.paths[1] is "/payments/*"; allowed: nothing: the service's record grants no paths
    "#);
    assert_eq!(checked(&first_form(), ("/paths", json!(["/"])), AS_IT_IS), "");
}

#[test]
fn sizes_beyond_the_environments_caps_are_refused_in_both_forms() {
    let caps = || ("/caps", json!({"cpu": 1024, "memoryMiB": 4096}));
    let large = with(first_form(), "/container", json!({"port": 80, "cpu": 2048, "memoryMiB": 8192}));
    insta::assert_snapshot!(checked(&large, AS_IT_IS, caps()), @"
    $.container.cpu is 2048; allowed: at most 1024 CPU units in production
    $.container.memoryMiB is 8192; allowed: at most 4096 MiB in production
    ");
    let large = json!({"Parameters": {"Cpu": "2048", "MemoryMiB": "4096"}});
    insta::assert_snapshot!(checked(&large, AS_IT_IS, caps()), @"$.Parameters.Cpu is 2048; allowed: at most 1024 CPU units in production");
    let fits = with(first_form(), "/container", json!({"port": 80, "cpu": 1024, "memoryMiB": 4096}));
    assert_eq!(checked(&fits, AS_IT_IS, caps()), "");
}

#[test]
fn another_services_secrets_are_refused() {
    let written =
        json!({"Parameters": {"Db": "{{resolve:secretsmanager:ledger/db:SecretString:url::0a1b}}"}});
    insta::assert_snapshot!(checked(&written, AS_IT_IS, AS_IT_IS), @r#"$.Parameters.Db is "{{resolve:secretsmanager:ledger/db:SecretString:url::0a1b}}"; allowed: references to names under payments/ or /payments/"#);
}

#[test]
fn a_web_service_needs_a_listener() {
    insta::assert_snapshot!(checked(&first_form(), AS_IT_IS, ("/listenerArn", Value::Null)), @"$.routing.paths is routed in production; allowed: nothing: its record names no listener, so it takes no web services");
}
