use config::ServiceConfig;
use model::ids::BranchName;
use serde_json::{Value, json};

use crate::support::{BASE, config, environments, first_form, name, rendered, shipped, told_text, with};

/// The parameters that a config sets itself, as `Name=value`.
fn set(written: &Value) -> String {
    const SET: [&str; 6] = ["Paths", "Priority", "ContainerPort", "Cpu", "MemoryMiB", "HealthCheckPath"];
    let rendered = rendered(BASE, written).unwrap_or_else(|faults| panic!("{faults}"));
    let set = rendered.parameters.into_iter().filter(|(name, _)| SET.contains(&name.as_str()));
    set.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_good_config_sets_its_parameters() {
    let first = first_form;
    insta::assert_snapshot!(set(&first()), @"ContainerPort=8080 Cpu=256 MemoryMiB=512 Paths=/payments,/payments/* Priority=120");
    insta::assert_snapshot!(set(&with(first(), "/kind", Value::Null)), @"ContainerPort=8080 Cpu=256 MemoryMiB=512 Paths=/payments,/payments/* Priority=120");
    insta::assert_snapshot!(set(&with(first(), "/environments", Value::Null)), @"ContainerPort=8080 Cpu=256 MemoryMiB=512 Paths=/payments,/payments/* Priority=120");
    insta::assert_snapshot!(set(&with(first(), "/container", json!({"port": 80}))), @"ContainerPort=80 Paths=/payments,/payments/* Priority=120");
    insta::assert_snapshot!(set(&with(first(), "/container/memoryMiB", json!(2048))), @"ContainerPort=8080 Cpu=256 MemoryMiB=2048 Paths=/payments,/payments/* Priority=120");
    insta::assert_snapshot!(set(&with(first(), "/routing", json!({"paths": ["/"], "priority": 50_000}))), @"ContainerPort=8080 Cpu=256 MemoryMiB=512 Paths=/ Priority=50000");
    insta::assert_snapshot!(set(&with(first(), "/Parameters", json!({"HealthCheckPath": "/health"}))), @"ContainerPort=8080 Cpu=256 HealthCheckPath=/health MemoryMiB=512 Paths=/payments,/payments/* Priority=120");
    insta::assert_snapshot!(
        set(&json!({"service": "payments", "Parameters": {"Paths": "/payments", "Priority": "7", "ContainerPort": "80"}})), @"ContainerPort=80 Paths=/payments Priority=7");
    // CodePipeline's form.
    insta::assert_snapshot!(set(&json!({"Parameters": {"Paths": "/payments,/payments/*", "Priority": "7"}})), @"Paths=/payments,/payments/* Priority=7");
    insta::assert_snapshot!(
        set(&json!({
            "Parameters": {"Paths": "/payments, /payments/*", "Priority": "7", "ContainerPort": "3000", "Cpu": "512",
                "MemoryMiB": "1024", "HealthCheckPath": "{{resolve:ssm:/payments/health:3}}"},
            "Tags": {"team": "billing"},
            "StackPolicy": {"Statement": [{"Effect": "Allow", "NotAction": "Update:Delete", "Principal": "*", "Resource": "*"}]}
        })), @"ContainerPort=3000 Cpu=512 HealthCheckPath={{resolve:ssm:/payments/health:3}} MemoryMiB=1024 Paths=/payments, /payments/* Priority=7");
}

#[test]
fn code_pipelines_form_is_valid_as_it_stands() {
    for written in [
        json!({}),
        json!({"Parameters": {}}),
        json!({"Tags": {"team": "billing"}}),
        json!({"Parameters": {"DesiredCount": "2"}, "Tags": {}, "StackPolicy": {"Statement": []}}),
    ] {
        let config = config(&written);
        assert_eq!((config.service, config.routing, config.container), (None, None, None), "{written}");
    }
}

#[test]
fn what_looks_odd_and_is_right_is_taken() {
    for (pointer, value) in [
        ("/routing/hosts", json!(["*.Example.com", "xn--bcher-kva.example", "a?b.c"])),
        (
            "/container/secrets",
            json!({"A": "payments/db-secrets", "B": "payments/secret", "C": "payments/a-b:secret-abcdef"}),
        ),
        ("/environments/staging/branch", json!("feature/PAY-7_new.thing")),
        ("/environments/staging/branch", json!("heads/main")),
        ("/Tags", json!({"Kostenträger 7": "a.b:c/d=e+f-g@h_i", "empty": ""})),
        ("/taskRole", json!({"managedPolicies": ["orders", "Orders"]})),
    ] {
        config(&with(first_form(), pointer, value));
    }
}

#[test]
fn parameters_go_together_with_keys() {
    let of_template = |pointer: &str, value: Value, parameters: Value| {
        let written = with(with(first_form(), pointer, value), "/Parameters", parameters);
        rendered(&shipped(), &written).unwrap_or_else(|faults| panic!("{faults}")).parameters
    };
    let scaled = of_template("/scaling", json!({ "min": 3 }), json!({ "MaxTasks": "9" }));
    assert_eq!((scaled["MinTasks"].as_str(), scaled["MaxTasks"].as_str()), ("3", "9"));
    let requests = json!({ "requestsPerTarget": 100 });
    assert_eq!(of_template("/scaling", requests, json!({ "CpuPercent": "40" }))["CpuPercent"], "40");
    let shifted = json!({ "Strategy": "CANARY", "StepPercent": "50" });
    let shifted = of_template("/deployment", json!({ "bakeMinutes": 5 }), shifted);
    assert_eq!(shifted["StepPercent"], "50");
    assert_eq!((shifted["Strategy"].as_str(), shifted["BakeMinutes"].as_str()), ("CANARY", "5"));
    assert!(!shifted.contains_key("StepMinutes"));
    config(&with(
        first_form(),
        "/Parameters",
        json!({ "Hosts": "a.b,c.d", "HealthCheckTimeoutSeconds": "20" }),
    ));
}

#[test]
fn a_deployment_may_take_as_long_as_a_strategy_among_the_parameters_does() {
    let minutes = |parameters: Value| config(&json!({ "Parameters": parameters })).timeout_minutes();
    assert_eq!(minutes(json!({})), 60);
    assert_eq!(minutes(json!({ "Strategy": "BLUE_GREEN", "BakeMinutes": "30" })), 90);
    assert_eq!(minutes(json!({ "Strategy": "CANARY" })), 70);
    assert_eq!(minutes(json!({ "Strategy": "LINEAR", "StepPercent": "20", "StepMinutes": "4" })), 80);
    // The stack watches a rolling deployment, and no parameter tells it to.
    assert_eq!(minutes(json!({ "Strategy": "ROLLING", "BakeMinutes": "30" })), 60);
}

#[test]
fn what_was_read_is_what_was_written() {
    let written = with(first_form(), "/Tags", json!({"team": "billing"}));
    let config = config(&written);
    assert_eq!(serde_json::to_value(&config).unwrap().pointer("/container/memoryMiB"), Some(&json!(512)));
    assert_eq!(config.environments[&name("production")].approval.required, Some(2));
    assert_eq!(config.tags["team"], "billing");
}

fn deploying(config: &ServiceConfig, branch: &str, records: &[(&str, Option<&str>)]) -> String {
    let branch: BranchName = branch.parse().unwrap();
    match config.environments_for(&branch, &environments(records)) {
        Ok(names) => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn a_branch_deploys_where_the_config_says_or_else_where_the_records_say() {
    let both = [("staging", Some("main")), ("production", None)];
    let named = config(&first_form());
    assert_eq!(deploying(&named, "main", &both), "staging");
    assert_eq!(deploying(&named, "release", &both), "production");
    assert_eq!(deploying(&named, "topic", &both), "");

    // The config's branch wins over the record's.
    let moved = config(&with(first_form(), "/environments/staging/branch", json!("next")));
    assert_eq!(deploying(&moved, "main", &both), "");
    assert_eq!(deploying(&moved, "next", &both), "staging");

    // An environment named without a branch takes its record's.
    let unsaid = config(&with(first_form(), "/environments", json!({"staging": {}})));
    assert_eq!(deploying(&unsaid, "main", &both), "staging");
    assert_eq!(deploying(&unsaid, "main", &[("staging", Some("next"))]), "");

    let silent = config(&json!({}));
    assert_eq!(
        deploying(&silent, "main", &[("staging", Some("main")), ("canary", Some("main"))]),
        "canary staging"
    );
    assert_eq!(deploying(&silent, "main", &[("staging", None)]), "");
}

#[test]
fn an_environment_that_cannot_be_reached_is_told() {
    let named = config(&first_form());
    insta::assert_snapshot!(deploying(&named, "main", &[("staging", Some("main")), ("prod", None)]), @"$.environments.production is an unknown environment; allowed: prod, staging; did you mean $.environments.prod?");
    insta::assert_snapshot!(deploying(&named, "main", &[]), @"
    $.environments.production is an unknown environment; allowed: none: no environment is registered yet
    $.environments.staging is an unknown environment; allowed: none: no environment is registered yet
    ");
    let typo = config(&with(first_form(), "/environments", json!({"stagging": {"branch": "main"}})));
    insta::assert_snapshot!(deploying(&typo, "other", &[("staging", Some("main"))]), @"$.environments.stagging is an unknown environment; allowed: staging; did you mean $.environments.staging?");
    let unsaid = config(&with(first_form(), "/environments", json!({"staging": {}})));
    insta::assert_snapshot!(deploying(&unsaid, "main", &[("staging", None)]), @"$.environments.staging.branch is missing; allowed: a branch name, as the environment's record has none");
}

#[test]
fn a_bad_config_still_tells_which_environments_it_meant() {
    let meant = |bytes: &[u8], branch: &str| {
        let names = config::environments_meant(bytes, &branch.parse().unwrap());
        names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let wrong = with(first_form(), "/routing/priority", json!(0)).to_string();
    told_text(&wrong);
    assert_eq!(meant(wrong.as_bytes(), "main"), "staging");
    assert_eq!(meant(wrong.as_bytes(), "release"), "production");
    assert_eq!(meant(wrong.as_bytes(), "topic"), "");

    let cut = r#"{"environments": {"staging": {"branch": "main"}, "production": {"branch": "main", "appr"#;
    assert_eq!(meant(cut.as_bytes(), "main"), "production staging");
    let trailing_comma = r#"{"environments": {"staging": {"branch": "main"},}, "service": "payments"}"#;
    assert_eq!(meant(trailing_comma.as_bytes(), "main"), "staging");
    let twice = r#"{"environments": {"staging": {"branch": "main"}, "staging": {"branch": "main"}, "Bad_Name": {"branch": "main"}}}"#;
    assert_eq!(meant(twice.as_bytes(), "main"), "staging");
    assert_eq!(
        meant(b"\xef\xbb\xbf{\"environments\": {\"staging\": {\"branch\": \"main\"}}}", "main"),
        "staging"
    );
    assert_eq!(meant(b"\xff\xfe", "main"), "");
    // A branch elsewhere means nothing.
    assert_eq!(meant(br#"{"Parameters": {"staging": {"branch": "main"}}, "branch": "main"}"#, "main"), "");
}
