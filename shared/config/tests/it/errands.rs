//! Tasks that run once for a release.

use serde_json::{Value, json};

use crate::support::{environment, environment_record, name, service, service_record, with};

fn config(more: &Value) -> config::ServiceConfig {
    let mut config = json!({
        "service": "payments",
        "kind": "web",
        "routing": { "paths": ["/payments"], "priority": 120 },
        "container": {
            "port": 8080, "cpu": 512, "memoryMiB": 1024, "command": ["serve"],
            "environment": { "LOG_LEVEL": "info" }, "secrets": { "DB_URL": "payments/db-url:url" }
        },
        "deployment": { "before": { "command": ["./migrate", "up"] } },
        "environments": { "production": { "branch": "main", "container": { "cpu": 1024, "memoryMiB": 2048 } } }
    });
    if let (Some(config), Some(more)) = (config.as_object_mut(), more.as_object()) {
        config.extend(more.clone());
    }
    config::parse(config.to_string().as_bytes()).unwrap()
}

#[test]
fn a_task_of_its_own_is_the_services_container_with_another_command() {
    let image = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
    let command = vec!["./migrate".to_owned(), "up".to_owned()];
    let task = config(&json!({}))
        .task(&name("production"), &service(&service_record()), &image, command.clone())
        .unwrap();
    assert_eq!(task.name, "payments");
    assert!(task.image.ends_with(&format!("tidegate/payments@sha256:{}", "a".repeat(64))), "{}", task.image);
    assert_eq!(task.command, command);
    assert_eq!((task.cpu, task.memory_mib), (1024, 2048));
    assert_eq!(task.environment["LOG_LEVEL"], "info");
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments/db-url:url::";
    assert_eq!(task.secrets["DB_URL"], secret);
    assert_eq!(task.log_group.name, "payments-tasks");

    let sizeless = config(
        &json!({ "container": { "port": 8080 }, "environments": { "production": { "branch": "main" } } }),
    );
    let task = sizeless.task(&name("production"), &service(&service_record()), &image, command).unwrap();
    assert_eq!((task.cpu, task.memory_mib), (256, 512));
}

#[test]
fn a_before_is_refused_where_the_services_record_has_no_means_for_it() {
    let here = environment(&environment_record());
    let check = |record: &Value, config: config::ServiceConfig| {
        config.check(&name("production"), &service(record), &here).map_err(|faults| faults.to_string())
    };
    let roleless = with(service_record(), "/taskExecutionRoleArn", Value::Null);
    insta::assert_snapshot!(check(&roleless, config(&json!({}))).unwrap_err(), @"$.deployment.before is set; allowed: nothing until the service's record has taskExecutionRoleArn and taskLogGroupArn: run `tidegate service add` again");
    let logless = with(service_record(), "/taskLogGroupArn", Value::Null);
    insta::assert_snapshot!(check(&logless, config(&json!({}))).unwrap_err(), @"$.deployment.before is set; allowed: nothing until the service's record has taskExecutionRoleArn and taskLogGroupArn: run `tidegate service add` again");
    assert_eq!(check(&logless, config(&json!({ "deployment": {} }))), Ok(()));
}

#[test]
fn a_path_is_asked_for_through_the_load_balancer_by_curl_alone() {
    let asking = |routing: &Value, probe: &Value| {
        let config = config(&json!({
            "routing": routing, "deployment": { "verify": { "path": "/payments/ready" } },
            "environments": { "production": { "branch": "main" } }
        }));
        let here = environment(&with(environment_record(), "/probe", probe.clone()));
        let Some(config::Verify::Probe(probe)) = config.deployment.as_ref().and_then(|d| d.verify.clone())
        else {
            panic!("{config:?}");
        };
        config.probe(&name("production"), &service(&service_record()), &here, &probe)
    };
    let prober = |url: &str| json!({ "url": url, "image": "curl:8" });
    let paths = json!({ "paths": ["/payments/*"], "priority": 120 });
    let task = asking(&paths, &prober("https://shop.example.com")).unwrap();
    assert_eq!((task.name.as_str(), task.image.as_str()), ("payments", "curl:8"));
    assert!(task.environment.is_empty() && task.secrets.is_empty(), "{task:?}");
    assert_eq!((task.cpu, task.memory_mib), (256, 512));
    insta::assert_snapshot!(task.command.join(" "), @"curl --fail --silent --show-error --output /dev/null --max-time 10 --retry 6 --retry-delay 10 --retry-all-errors --connect-to ::shop.example.com:443 https://shop.example.com:443/payments/ready");

    // The certificate is that of the service's own host, whatever the load balancer is called.
    let hosts = json!({ "hosts": ["*.pay.example.com", "pay.example.com"], "priority": 120 });
    let task = asking(&hosts, &prober("http://internal-lb.example.com:8080")).unwrap();
    insta::assert_snapshot!(task.command[task.command.len() - 2..].join(" "), @"::internal-lb.example.com:8080 http://pay.example.com:8080/payments/ready");

    insta::assert_snapshot!(asking(&paths, &Value::Null).unwrap_err(), @"environment record: $.probe is missing; allowed: an object with url and image, as the config has a path to verify");
}

#[test]
fn a_path_is_refused_where_something_else_would_answer() {
    let here = environment(&environment_record());
    let proberless = environment(&with(environment_record(), "/probe", Value::Null));
    let check = |more: &Value, here| {
        let config = config(more);
        let checked = config.check(&name("production"), &service(&service_record()), here);
        checked.map_err(|faults| faults.to_string())
    };
    let verified = |path: &str, routing: &Value| json!({ "routing": routing, "deployment": { "verify": { "path": path } } });
    let paths = json!({ "paths": ["/payments", "/payments/*"], "priority": 120 });
    assert_eq!(check(&verified("/payments/ready", &paths), &here), Ok(()));
    assert_eq!(check(&verified("/payments", &paths), &here), Ok(()));
    insta::assert_snapshot!(check(&verified("/payments/ready", &paths), &proberless).unwrap_err(), @r#"$.deployment.verify.path is "/payments/ready"; allowed: nothing: the record of production has no probe"#);
}

#[test]
fn a_path_is_for_web_services_alone() {
    let worker = json!({
        "service": "payments", "kind": "worker", "deployment": { "verify": { "path": "/payments/ready" } },
        "environments": { "production": { "branch": "main" } }
    });
    insta::assert_snapshot!(config::parse(worker.to_string().as_bytes()).unwrap_err(), @"$.deployment.verify.path is set; allowed: nothing: only a web service has it, and this is a worker");
}
