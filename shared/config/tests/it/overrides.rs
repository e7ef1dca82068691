//! What an environment says lies over what is said in common.

use serde_json::{Value, json};

use crate::support::{config, environments, name, told};

fn written() -> Value {
    json!({
        "service": "payments",
        "routing": { "paths": ["/payments"], "priority": 120, "healthCheck": { "path": "/up", "status": "200" } },
        "container": { "port": 80, "cpu": 256, "memoryMiB": 512, "environment": { "A": "1", "B": "2" }, "command": ["a", "b"] },
        "sidecars": { "metrics": { "image": format!("metrics@sha256:{}", "0c".repeat(32)), "cpu": 1 } },
        "scaling": { "min": 2, "max": 4 },
        "deployment": { "strategy": "canary", "alarms": ["a", "b"] },
        "environments": {
            "staging": { "branch": "main" },
            "production": {
                "after": "staging",
                "routing": { "paths": ["/payments/*"], "healthCheck": { "status": "204" } },
                "container": { "cpu": 512, "memoryMiB": 1024, "environment": { "B": "3", "C": "4" }, "command": ["c"] },
                "sidecars": { "metrics": { "cpu": 2 } },
                "scaling": { "max": 8 },
                "deployment": { "strategy": "rolling", "alarms": [] }
            }
        }
    })
}

#[test]
fn maps_are_merged_and_everything_else_is_replaced() {
    let config = config(&written()).in_environment(&name("production"));
    let merged = serde_json::to_value(&config).unwrap();
    assert_eq!(
        merged["routing"],
        json!({"paths": ["/payments/*"], "priority": 120, "healthCheck": {"path": "/up", "status": "204"}})
    );
    assert_eq!(
        merged["container"],
        json!({"port": 80, "cpu": 512, "memoryMiB": 1024, "environment": {"A": "1", "B": "3", "C": "4"}, "command": ["c"]})
    );
    assert_eq!(merged["sidecars"]["metrics"]["cpu"], json!(2));
    assert!(merged["sidecars"]["metrics"]["image"].is_string());
    assert_eq!(merged["scaling"], json!({"min": 2, "max": 8}));
    assert_eq!(merged["deployment"], json!({"strategy": "rolling", "alarms": []}));
}

#[test]
fn an_environment_that_says_nothing_gets_what_is_common() {
    let all = config(&written());
    for environment in ["staging", "elsewhere"] {
        let here = all.in_environment(&name(environment));
        assert_eq!(
            (here.routing, here.container, here.scaling),
            (all.routing.clone(), all.container.clone(), all.scaling.clone())
        );
    }
}

#[test]
fn a_fault_of_what_lies_together_is_told_where_it_was_written() {
    let with = |pointer: &str, value: Value| told(&crate::support::with(written(), pointer, value));
    insta::assert_snapshot!(with("/environments/production/container/memoryMiB", json!(8192)), @"$.environments.production.container.memoryMiB is 8192; allowed: 1024 to 4096 in steps of 1024 with 512 CPU units");
    insta::assert_snapshot!(with("/container/memoryMiB", json!(8192)), @"$.container.memoryMiB is 8192; allowed: 512, 1024 or 2048 with 256 CPU units");
    insta::assert_snapshot!(with("/environments/production/scaling", json!({"max": 1})), @"$.environments.production.scaling.max is 1; allowed: at least min, which is 2");
    insta::assert_snapshot!(with("/environments/production/deployment", json!({"strategy": "rolling", "bakeMinutes": 200, "timeoutMinutes": 300})), @"$.environments.production.deployment.bakeMinutes is 200; allowed: at most 180 with strategy rolling");
    insta::assert_snapshot!(with("/environments/production/sidecars", json!({"other": {"cpu": 2}})), @"$.environments.production.sidecars.other.image is missing; allowed: an image by digest: <repository>@sha256:<64 hex digits>");
    insta::assert_snapshot!(with("/environments/production/kind", json!("worker")), @"$.environments.production.kind is an unknown key; allowed: branch, after, approval, freeze, requires, schedule, routing, container, sidecars, scaling, deployment, taskRole; did you mean $.kind?");
    insta::assert_snapshot!(with("/environments/production/container/secrets", json!({"A": "payments/a"})), @"$.environments.production.container.secrets.A is a variable of environment too; allowed: each name once, in one of the two");
}

#[test]
fn what_an_environment_adds_can_complete_what_is_common() {
    let config = config(&json!({
        "service": "payments", "routing": { "priority": 1 }, "container": {},
        "environments": { "production": { "branch": "main", "routing": { "paths": ["/payments"] }, "container": { "port": 80 } } }
    }));
    assert_eq!(config.in_environment(&name("production")).container.unwrap().port, Some(80));
}

#[test]
fn an_order_of_environments_that_comes_round_is_told() {
    let order = |environments: Value| {
        told(&json!({
            "service": "payments", "kind": "worker", "environments": environments
        }))
    };
    insta::assert_snapshot!(order(json!({"a": {"after": "a"}})), @r#"$.environments.a.after is "a", which comes round: a after a; allowed: an environment that does not come after this one"#);
    insta::assert_snapshot!(order(json!({"a": {"after": "b"}, "b": {"after": "c"}, "c": {"after": "a"}, "d": {"after": "c"}})), @r#"
    $.environments.a.after is "b", which comes round: a after b after c after a; allowed: an environment that does not come after this one
    $.environments.b.after is "c", which comes round: b after c after a after b; allowed: an environment that does not come after this one
    $.environments.c.after is "a", which comes round: c after a after b after c; allowed: an environment that does not come after this one
    "#);
    insta::assert_snapshot!(order(json!({"a": {"after": "stagin"}, "staging": {}})), @r#"$.environments.a.after is "stagin"; allowed: another environment of this config: staging; did you mean staging?"#);
    insta::assert_snapshot!(order(json!({"a": {"after": "b"}})), @r#"$.environments.a.after is "b"; allowed: another environment of this config; there is none"#);
    insta::assert_snapshot!(order(json!({"a": {}, "b": {"branch": "main", "after": "a"}})), @"$.environments.b is given a branch and what it comes after; allowed: one of branch and after");
    insta::assert_snapshot!(order(json!({"a": {"after": "B!"}})), @r#"$.environments.a.after is "B!"; allowed: an environment name: 1 to 16 of a-z and 0-9, starting with a letter"#);
}

/// Where a push to main goes, and what comes after each environment.
fn way(environments_said: Value, after_by_record: &[(&str, &str)]) -> String {
    let config =
        config(&json!({ "service": "payments", "kind": "worker", "environments": environments_said }));
    let mut records =
        environments(&[("production", Some("main")), ("staging", Some("main")), ("canary", None)]);
    for (environment, after) in after_by_record {
        records.get_mut(&name(environment)).unwrap().floor.after = Some(name(after));
    }
    match config.environments_for(&"main".parse().unwrap(), &records) {
        Err(faults) => faults.to_string(),
        Ok(pushed) => {
            let text = |names: Vec<model::ids::EnvironmentName>| {
                names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ")
            };
            let next = |from: &str| text(config.successors(&name(from), &records));
            format!(
                "push: {}; after staging: {}; after canary: {}",
                text(pushed),
                next("staging"),
                next("canary")
            )
        }
    }
}

#[test]
fn a_push_goes_to_the_first_environment_and_promotion_on_from_there() {
    let said = json!({"staging": {}, "canary": {"after": "staging"}, "production": {"after": "canary"}});
    assert_eq!(way(said.clone(), &[]), "push: staging; after staging: canary; after canary: production");
    // The record's word alone is enough.
    let unsaid = json!({"staging": {}, "canary": {"after": "staging"}, "production": {}});
    assert_eq!(
        way(unsaid, &[("production", "canary")]),
        "push: staging; after staging: canary; after canary: production"
    );
    // A config that names no environments goes by the records.
    assert_eq!(
        way(json!({}), &[("production", "staging")]),
        "push: staging; after staging: production; after canary: "
    );
}

#[test]
fn an_order_that_a_record_does_not_want_is_told() {
    insta::assert_snapshot!(way(json!({"staging": {}, "production": {"branch": "main"}}), &[("production", "staging")]), @r#"$.environments.production.branch is "main"; allowed: after "staging", as the record of production wants"#);
    insta::assert_snapshot!(way(json!({"staging": {}, "canary": {"branch": "main"}, "production": {"after": "staging"}}), &[("production", "canary")]), @r#"$.environments.production.after is "staging"; allowed: after "canary", as the record of production wants"#);
    insta::assert_snapshot!(way(json!({"production": {}}), &[("production", "staging")]), @"$.environments.staging is missing; allowed: named in this config: the record of production wants it deployed there first");
    insta::assert_snapshot!(way(json!({"staging": {}, "production": {"after": "staging"}}), &[("staging", "production")]), @"
    $.environments.production is part of an order that comes round: production after staging after production; allowed: environments of which none comes after itself
    $.environments.staging is part of an order that comes round: staging after production after staging; allowed: environments of which none comes after itself
    ");
}

#[test]
fn two_configs_are_told_apart_by_what_holds_in_an_environment() {
    let before = config(&written());
    let told = |changed: Value| config(&changed).differences(&before, &name("production")).join("\n");
    assert_eq!(told(written()), "");
    // What only another environment says makes no difference here.
    assert_eq!(told(crate::support::with(written(), "/environments/staging/scaling", json!({"max": 9}))), "");
    // Nor does what an environment's own words lie over.
    assert_eq!(told(crate::support::with(written(), "/scaling/max", json!(5))), "");

    let mut changed = written();
    for (pointer, value) in [
        ("/routing/paths", json!(["/payments", "/pay"])),
        ("/environments/production/scaling/max", json!(40)),
        ("/environments/production/container/environment/C", Value::Null),
        ("/environments/production/approval", json!({"required": 2})),
        ("/container/stopTimeoutSeconds", json!(60)),
        ("/Parameters", json!({"Password": "hunter2"})),
        ("/environments/production/routing/paths", Value::Null),
    ] {
        changed = crate::support::with_all(changed, pointer, value);
    }
    insta::assert_snapshot!(told(changed), @r#"
    Parameters.Password is new
    approval.required 2 is new
    container.environment.C is gone
    container.stopTimeoutSeconds 60 is new
    routing.paths ["/payments/*"] → ["/payments","/pay"]
    scaling.max 8 → 40
    "#);

    let many: serde_json::Map<String, Value> = (0..20).map(|n| (format!("V{n}"), json!("x"))).collect();
    let long = crate::support::with(written(), "/environments/production/container/environment", json!(many));
    assert!(told(long).ends_with("\nand 7 more differences"));
}

#[test]
fn secrets_are_told_with_the_place_that_names_them() {
    let written = json!({
        "service": "payments", "kind": "worker",
        "container": { "cpu": 256, "memoryMiB": 1024, "secrets": { "DB": "payments/db:password", "KEY": "payments/key" } },
        "sidecars": { "router": {
            "image": format!("registry.example/router@sha256:{}", "0".repeat(64)),
            "secrets": { "TOKEN": "payments/token" },
        } },
        "environments": { "production": { "container": { "secrets": { "KEY": "payments/production-key" } } }, "staging": {} },
    });
    let told = |environment: &str| {
        let secrets = config(&written).secrets(&name(environment));
        secrets
            .iter()
            .map(|(place, secret)| format!("{place}: {}", secret.name))
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(told("production"), @"
    $.container.secrets.DB: payments/db
    $.environments.production.container.secrets.KEY: payments/production-key
    $.sidecars.router.secrets.TOKEN: payments/token
    ");
    insta::assert_snapshot!(told("staging"), @"
    $.container.secrets.DB: payments/db
    $.container.secrets.KEY: payments/key
    $.sidecars.router.secrets.TOKEN: payments/token
    ");
}
