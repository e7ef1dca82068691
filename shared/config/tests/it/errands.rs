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
