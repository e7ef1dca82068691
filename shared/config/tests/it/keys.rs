//! What every key of a config becomes in the rendered template, and what a wrong value is told.

use config::{Rendered, Standing};
use serde_json::{Value, json};

use crate::support::{config, digest, name, records, shipped, with, with_all};

fn of_kind(kind: &str) -> Value {
    let schedule = (kind == "job").then(|| json!({"cron": "0 3 * * ?", "timeZone": "UTC"}));
    let web = kind == "web";
    let mut written = json!({ "service": "payments", "kind": kind, "container": {} });
    if let Some(schedule) = schedule {
        written = with(written, "/schedule", schedule);
    }
    if web {
        written = with(written, "/routing", json!({"paths": ["/payments"], "priority": 120}));
        written = with(written, "/container", json!({"port": 8080}));
    }
    written
}

fn rendered(written: &Value) -> Result<Rendered, config::Faults> {
    let config = config::parse(written.to_string().as_bytes())?;
    let (service, record) = records();
    let production = name("production");
    config.check(&production, &service, &record)?;
    config::render(&shipped(), &config, &production, &service, &record, &digest(), &Standing::default())
}

/// A template's part that configs write into, and the parameters, one line each.
fn lines(rendered: &Rendered) -> Vec<String> {
    let template: Value = serde_json::from_str(&rendered.template).unwrap();
    let containers = &template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"];
    let mut lines: Vec<String> =
        rendered.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for (n, container) in containers.as_array().unwrap().iter().enumerate() {
        lines
            .extend(container.as_object().unwrap().iter().map(|(key, value)| format!("[{n}].{key}={value}")));
    }
    if let Some(watch) = &rendered.watch {
        lines.push(format!("watched {} min, {}", watch.minutes, watch.alarms.join(" ")));
    }
    lines.extend(rendered.tags.iter().map(|(key, value)| format!("tag {key}={value}")));
    lines
}

/// What a key adds to what is rendered without it, or what its author is told.
fn adds_to(kind: &str, pointer: &str, value: Value) -> String {
    let without = lines(&rendered(&of_kind(kind)).unwrap());
    match rendered(&with_all(of_kind(kind), pointer, value)) {
        Ok(with) => {
            let new = lines(&with).into_iter().filter(|line| !without.contains(line));
            new.collect::<Vec<_>>().join("\n")
        }
        Err(faults) => faults.to_string(),
    }
}

fn web(pointer: &str, value: Value) -> String {
    adds_to("web", pointer, value)
}

#[test]
fn routing_becomes_the_listeners_rule_and_the_target_groups_health_check() {
    insta::assert_snapshot!(web("/routing/paths", json!(["/payments/a", "/payments/b/*"])), @"Paths=/payments/a,/payments/b/*");
    insta::assert_snapshot!(web("/routing/hosts", json!(["shop.example.com", "a.payments.example.com"])), @"Hosts=shop.example.com,a.payments.example.com");
    insta::assert_snapshot!(web("/routing", json!({"hosts": ["shop.example.com"], "priority": 5})), @"
    Hosts=shop.example.com
    Priority=5
    ");
    insta::assert_snapshot!(web("/routing/priority", json!(50_000)), @"Priority=50000");
    insta::assert_snapshot!(web("/routing/priority", json!("auto")), @r#"$.routing.priority is "auto"; allowed: a whole number from 1 to 50000, as none is kept for this service here"#);
    insta::assert_snapshot!(web("/routing/healthCheck/path", json!("/payments/up?deep=1")), @"HealthCheckPath=/payments/up?deep=1");
    insta::assert_snapshot!(web("/routing/healthCheck/status", json!("200,204")), @"HealthCheckStatus=200,204");
    insta::assert_snapshot!(web("/routing/healthCheck/intervalSeconds", json!(30)), @"HealthCheckIntervalSeconds=30");
    insta::assert_snapshot!(web("/routing/healthCheck/timeoutSeconds", json!(10)), @"HealthCheckTimeoutSeconds=10");
    insta::assert_snapshot!(web("/routing/healthCheck/healthyCount", json!(5)), @"HealthyCount=5");
    insta::assert_snapshot!(web("/routing/healthCheck/unhealthyCount", json!(2)), @"UnhealthyCount=2");
    insta::assert_snapshot!(web("/routing/healthCheck/graceSeconds", json!(0)), @"HealthCheckGraceSeconds=0");
}

#[test]
fn a_health_checks_timeout_stays_below_its_interval() {
    let timeout = |interval: u32| web("/routing/healthCheck", json!({ "intervalSeconds": interval }));
    insta::assert_snapshot!(timeout(5), @"
    HealthCheckIntervalSeconds=5
    HealthCheckTimeoutSeconds=4
    ");
    insta::assert_snapshot!(timeout(6), @"HealthCheckIntervalSeconds=6");
    insta::assert_snapshot!(web("/Parameters", json!({"HealthCheckIntervalSeconds": "5"})), @"
    HealthCheckIntervalSeconds=5
    HealthCheckTimeoutSeconds=4
    ");
}

#[test]
fn wrong_routing_is_told() {
    insta::assert_snapshot!(web("/routing/hosts", json!(["other.example.com", "*.example.com"])), @r#"
    $.routing.hosts[0] is "other.example.com"; allowed: hosts granted to payments: shop.example.com, payments.example.com, *.payments.example.com
    $.routing.hosts[1] is "*.example.com"; allowed: hosts granted to payments: shop.example.com, payments.example.com, *.payments.example.com
    "#);
    insta::assert_snapshot!(web("/routing/hosts", json!(["localhost"])), @r#"$.routing.hosts[0] is "localhost"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it"#);
    insta::assert_snapshot!(web("/routing/hosts", json!([])), @"$.routing.hosts is a list of 0; allowed: a list of 1 to 5 host names");
    insta::assert_snapshot!(web("/routing", json!({"paths": ["/payments/1", "/payments/2", "/payments/3"], "hosts": ["shop.example.com", "a.payments.example.com", "b.payments.example.com"], "priority": 1})), @"$.routing is hosts and paths of 6; allowed: at most 5, a load balancer rule's limit");
    insta::assert_snapshot!(web("/routing/priority", json!("Auto")), @r#"$.routing.priority is "Auto"; allowed: a whole number from 1 to 50000, or "auto""#);
    insta::assert_snapshot!(web("/routing/healthCheck", json!("/health")), @r#"$.routing.healthCheck is "/health"; allowed: an object"#);
    insta::assert_snapshot!(web("/routing/healthCheck/path", json!("health")), @r#"$.routing.healthCheck.path is "health"; allowed: a path: 1 to 1024 printable characters, starting with /"#);
    insta::assert_snapshot!(web("/routing/healthCheck/status", json!("200-")), @r#"$.routing.healthCheck.status is "200-"; allowed: statuses from 200 to 499, such as "200", "200,302" or "200-399""#);
    insta::assert_snapshot!(web("/routing/healthCheck/status", json!(200)), @r#"$.routing.healthCheck.status is 200; allowed: statuses from 200 to 499, such as "200", "200,302" or "200-399""#);
    insta::assert_snapshot!(web("/routing/healthCheck/intervalSeconds", json!(301)), @"$.routing.healthCheck.intervalSeconds is 301; allowed: a whole number from 5 to 300");
    insta::assert_snapshot!(web("/routing/healthCheck/timeoutSeconds", json!(15)), @"$.routing.healthCheck.timeoutSeconds is 15; allowed: less than the interval, which is 15");
    insta::assert_snapshot!(web("/routing/healthCheck/healthyCount", json!(1)), @"$.routing.healthCheck.healthyCount is 1; allowed: a whole number from 2 to 10");
    insta::assert_snapshot!(web("/routing/healthCheck/unhealthyCount", json!(11)), @"$.routing.healthCheck.unhealthyCount is 11; allowed: a whole number from 2 to 10");
    insta::assert_snapshot!(web("/routing/healthCheck/graceSeconds", json!(-1)), @"$.routing.healthCheck.graceSeconds is -1; allowed: a whole number from 0 to 3600");
    insta::assert_snapshot!(web("/routing/healthCheck/grace", json!(1)), @"$.routing.healthCheck.grace is an unknown key; allowed: path, status, intervalSeconds, timeoutSeconds, healthyCount, unhealthyCount, graceSeconds; did you mean $.routing.healthCheck.graceSeconds?");
}

#[test]
fn container_becomes_the_services_own_container_definition() {
    insta::assert_snapshot!(web("/container/port", json!(3000)), @"ContainerPort=3000");
    insta::assert_snapshot!(web("/container", json!({"port": 8080, "cpu": 1024, "memoryMiB": 4096})), @"
    Cpu=1024
    MemoryMiB=4096
    ");
    insta::assert_snapshot!(web("/container/environment", json!({"LOG_LEVEL": "info", "LITERAL": "${AWS::Region}", "EMPTY": ""})), @r#"[0].Environment=[{"Name":"EMPTY","Value":""},{"Name":"LITERAL","Value":"${AWS::Region}"},{"Name":"LOG_LEVEL","Value":"info"}]"#);
    insta::assert_snapshot!(web("/container/secrets", json!({"DB_URL": "payments/db-url", "KEY": "payments/provider:key"})), @r#"[0].Secrets=[{"Name":"DB_URL","ValueFrom":{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:payments/db-url"}},{"Name":"KEY","ValueFrom":{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:payments/provider:key::"}}]"#);
    insta::assert_snapshot!(web("/container/command", json!(["./serve", "--port", "8080"])), @r#"[0].Command=["./serve","--port","8080"]"#);
    insta::assert_snapshot!(web("/container/stopTimeoutSeconds", json!(120)), @"[0].StopTimeout=120");
}

#[test]
fn a_wrong_container_is_told() {
    insta::assert_snapshot!(web("/container/environment", json!({"LOG_LEVEL": 3, "1ST": "x", "A-B": "x", "": "x"})), @r#"
    $.container.environment[""] is not a variable's name; allowed: a name of 1 to 255 letters, digits and _, not starting with a digit
    $.container.environment.1ST is not a variable's name; allowed: a name of 1 to 255 letters, digits and _, not starting with a digit
    $.container.environment["A-B"] is not a variable's name; allowed: a name of 1 to 255 letters, digits and _, not starting with a digit
    $.container.environment.LOG_LEVEL is 3; allowed: a string of at most 4096 characters, in quotes
    "#);
    insta::assert_snapshot!(web("/container/environment", json!({"DB": "{{resolve:secretsmanager:payments/db:SecretString:url::1}}"})), @r#"$.container.environment.DB is "{{resolve:secretsmanager:payments/db:SecretString:url::1}}"; allowed: a plain text; the name of a secret stands under secrets"#);
    insta::assert_snapshot!(web("/container/environment", json!({"LONG": "x".repeat(4_097)})), @r#"$.container.environment.LONG is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"; allowed: a string of at most 4096 characters, in quotes"#);
    insta::assert_snapshot!(web("/container/environment", json!(["LOG_LEVEL=info"])), @"$.container.environment is a list; allowed: an object");
    insta::assert_snapshot!(web("/container/secrets", json!({"A": "ledger/db", "B": "payments", "C": "payments/", "D": "/payments/db", "E": "payments-old/db", "F": 1, "G": "payments/db:", "H": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments/db"})), @r#"
    $.container.secrets.A is "ledger/db"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.B is "payments"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.C is "payments/"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.D is "/payments/db"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.E is "payments-old/db"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.F is 1; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.G is "payments/db:"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    $.container.secrets.H is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payment…"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url
    "#);
    insta::assert_snapshot!(web("/container", json!({"port": 8080, "environment": {"DB": "x"}, "secrets": {"DB": "payments/db"}})), @"$.container.secrets.DB is a variable of environment too; allowed: each name once, in one of the two");
    insta::assert_snapshot!(web("/container/command", json!("./serve")), @r#"$.container.command is "./serve"; allowed: a list of 1 to 100 words"#);
    insta::assert_snapshot!(web("/container/command", json!([])), @"$.container.command is a list of 0; allowed: a list of 1 to 100 words");
    insta::assert_snapshot!(web("/container/command", json!(["./serve", 8080, ""])), @"
    $.container.command[1] is 8080; allowed: a word of 1 to 4096 characters that can be seen
    $.container.command[2] is empty; allowed: a word of 1 to 4096 characters that can be seen
    ");
    insta::assert_snapshot!(web("/container/stopTimeoutSeconds", json!(121)), @"$.container.stopTimeoutSeconds is 121; allowed: a whole number from 1 to 120");
}

const IMAGE: &str = "public.ecr.aws/example/metrics:3@sha256:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";

#[test]
fn sidecars_become_container_definitions_of_their_own() {
    insta::assert_snapshot!(web("/sidecars/metrics", json!({"image": IMAGE})), @r#"
    [1].Essential=true
    [1].Image="public.ecr.aws/example/metrics:3@sha256:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
    [1].LogConfiguration={"LogDriver":"awslogs","Options":{"awslogs-group":{"Ref":"Logs"},"awslogs-region":{"Ref":"AWS::Region"},"awslogs-stream-prefix":{"Ref":"Environment"}}}
    [1].Name="metrics"
    "#);
    insta::assert_snapshot!(web("/sidecars/metrics", json!({"image": IMAGE, "essential": false, "cpu": 64, "memoryMiB": 128,
        "environment": {"A": "b"}, "secrets": {"C": "payments/c"}, "command": ["./run"], "stopTimeoutSeconds": 5})), @r#"
    [1].Command=["./run"]
    [1].Cpu=64
    [1].Environment=[{"Name":"A","Value":"b"}]
    [1].Essential=false
    [1].Image="public.ecr.aws/example/metrics:3@sha256:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
    [1].LogConfiguration={"LogDriver":"awslogs","Options":{"awslogs-group":{"Ref":"Logs"},"awslogs-region":{"Ref":"AWS::Region"},"awslogs-stream-prefix":{"Ref":"Environment"}}}
    [1].Memory=128
    [1].Name="metrics"
    [1].Secrets=[{"Name":"C","ValueFrom":{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:payments/c"}}]
    [1].StopTimeout=5
    "#);
    insta::assert_snapshot!(web("/sidecars", json!({
        "log-router": {"image": IMAGE, "logRouter": {"type": "fluentbit", "options": {"Name": "http"}, "secretOptions": {"Header": "payments/logs:header"}}},
        "metrics": {"image": IMAGE}})), @r#"
    [0].DependsOn=[{"Condition":"START","ContainerName":"log-router"}]
    [0].LogConfiguration={"LogDriver":"awsfirelens","Options":{"Name":"http"},"SecretOptions":[{"Name":"Header","ValueFrom":{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:payments/logs:header::"}}]}
    [1].Essential=true
    [1].FirelensConfiguration={"Type":"fluentbit"}
    [1].Image="public.ecr.aws/example/metrics:3@sha256:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
    [1].LogConfiguration={"LogDriver":"awslogs","Options":{"awslogs-group":{"Ref":"Logs"},"awslogs-region":{"Ref":"AWS::Region"},"awslogs-stream-prefix":{"Ref":"Environment"}}}
    [1].Name="log-router"
    [2].Essential=true
    [2].Image="public.ecr.aws/example/metrics:3@sha256:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
    [2].LogConfiguration={"LogDriver":"awsfirelens","Options":{"Name":"http"},"SecretOptions":[{"Name":"Header","ValueFrom":{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:payments/logs:header::"}}]}
    [2].Name="metrics"
    "#);
}

#[test]
fn wrong_sidecars_are_told() {
    insta::assert_snapshot!(web("/sidecars/metrics", json!({})), @"$.sidecars.metrics.image is missing; allowed: an image by digest: <repository>@sha256:<64 hex digits>");
    insta::assert_snapshot!(web("/sidecars/metrics", json!({"image": "example/metrics:latest"})), @r#"$.sidecars.metrics.image is "example/metrics:latest"; allowed: an image by digest: <repository>@sha256:<64 hex digits>"#);
    insta::assert_snapshot!(web("/sidecars/payments", json!({"image": IMAGE})), @r#"$.sidecars.payments is "payments"; allowed: a name other than the service's, which its own container has"#);
    insta::assert_snapshot!(web("/sidecars", json!({"me.trics": {"image": IMAGE}})), @r#"$.sidecars["me.trics"] is not a container's name; allowed: a name of 1 to 100 letters, digits, - and _"#);
    insta::assert_snapshot!(web("/sidecars/metrics", json!({"image": IMAGE, "port": 80, "essential": "no", "cpu": 20_000, "memoryMiB": 5})), @r#"
    $.sidecars.metrics.port is an unknown key; allowed: image, essential, cpu, memoryMiB, logRouter, environment, secrets, command, stopTimeoutSeconds; did you mean $.container.port?
    $.sidecars.metrics.essential is "no"; allowed: true or false
    $.sidecars.metrics.cpu is 20000; allowed: a whole number from 0 to 16384
    $.sidecars.metrics.memoryMiB is 5; allowed: a whole number from 6 to 122880
    "#);
    insta::assert_snapshot!(web("/sidecars/metrics", json!({"image": IMAGE, "memoryMiB": 512})), @"$.sidecars is to have 512 MiB; allowed: less than the task's 512 MiB in all");
    insta::assert_snapshot!(web("/sidecars/router", json!({"image": IMAGE, "logRouter": {"type": "logstash", "options": {"A": 1}}})), @r#"
    $.sidecars.router.logRouter.type is "logstash"; allowed: "fluentbit" or "fluentd"
    $.sidecars.router.logRouter.options.A is 1; allowed: a string of at most 4096 characters, in quotes
    "#);
    insta::assert_snapshot!(web("/sidecars", json!({"a": {"image": IMAGE, "logRouter": {"type": "fluentd"}}, "b": {"image": IMAGE, "logRouter": {"type": "fluentd"}}})), @"$.sidecars.b.logRouter is a second log router; allowed: one log router a task, which a is");
    insta::assert_snapshot!(web("/sidecars/router", json!({"image": IMAGE, "logRouter": {"type": "fluentd", "secretOptions": {"Key": "ledger/logs"}}})), @r#"$.sidecars.router.logRouter.secretOptions.Key is "ledger/logs"; allowed: a secret's name under payments/, such as payments/db-url or, for a key of its JSON, payments/db:url"#);
}

#[test]
fn what_cannot_be_seen_in_a_command_is_refused() {
    for hidden in ["true\u{1b}[2K", "a\u{202e}b", "a\u{2028}b", "a\r", "a\u{200b}", "\u{7}"] {
        for pointer in ["/container/command", "/deployment/before/command"] {
            let told = web(pointer, json!(["sh", hidden]));
            assert!(told.contains("[1] is ") && told.ends_with("characters that can be seen"), "{told}");
            assert!(!told.contains(hidden), "{told}");
        }
    }
    assert!(!web("/container/command", json!(["sh", "-c", "set -e\n\t./serve"])).contains("allowed"));
}

#[test]
fn a_dynamic_reference_is_refused_wherever_it_would_come_into_the_template() {
    let other = "{{resolve:secretsmanager:ledger/db:SecretString:url::0a1b}}";
    let sidecar = json!({"image": IMAGE, "environment": {"A": other}, "logRouter": {"type": "fluentd", "options": {"B": other}}});
    for (pointer, value) in [
        ("/container/environment", json!({"DB": other})),
        ("/container/command", json!(["./serve", other])),
        ("/sidecars/router", sidecar),
        ("/routing/healthCheck/path", json!(format!("/{other}"))),
        ("/deployment/alarms", json!([other])),
        ("/deployment/before/command", json!([other])),
        ("/environments/production", json!({"container": {"command": [other]}})),
    ] {
        let told = web(pointer, value);
        assert!(
            told.contains(r#"is "{{resolve:secretsmanager:ledger/db:"#) && told.contains("a plain text"),
            "{pointer}: {told}"
        );
    }
}

#[test]
fn a_task_definition_beyond_its_limit_is_told() {
    let secrets: serde_json::Map<String, Value> =
        (0..70).map(|n| (format!("S{n}"), json!("payments/s"))).collect();
    let sidecars: serde_json::Map<String, Value> =
        (0..9).map(|n| (format!("c{n}"), json!({"image": IMAGE, "secrets": secrets}))).collect();
    insta::assert_snapshot!(web("/sidecars", json!(sidecars)), @"template: $.Resources.TaskDefinition.Properties.ContainerDefinitions is 84555 bytes long with what the config says; allowed: at most 65536 bytes, a task definition's limit");
    let many: serde_json::Map<String, Value> =
        (0..10).map(|n| (format!("c{n}"), json!({"image": IMAGE}))).collect();
    insta::assert_snapshot!(web("/sidecars", json!(many)), @"$.sidecars is an object of 10 entries; allowed: at most 9");
}

#[test]
fn scaling_becomes_the_autoscalers_bounds_and_targets() {
    insta::assert_snapshot!(web("/scaling/min", json!(4)), @"
    MaxTasks=4
    MinTasks=4
    ");
    insta::assert_snapshot!(web("/scaling/max", json!(10)), @"MaxTasks=10");
    insta::assert_snapshot!(web("/scaling/cpuPercent", json!(75)), @"CpuPercent=75");
    insta::assert_snapshot!(web("/scaling/requestsPerTarget", json!(500)), @"
    CpuPercent=0
    RequestsPerTarget=500
    ");
    insta::assert_snapshot!(web("/scaling", json!({"cpuPercent": 50, "requestsPerTarget": 500})), @"
    CpuPercent=50
    RequestsPerTarget=500
    ");
    insta::assert_snapshot!(web("/scaling/spotPercent", json!(30)), @"
    OnDemandPercent=70
    SpotPercent=30
    ");
}

#[test]
fn wrong_scaling_is_told() {
    insta::assert_snapshot!(web("/scaling", json!({"min": 5, "max": 4})), @"$.scaling.max is 4; allowed: at least min, which is 5");
    insta::assert_snapshot!(web("/scaling/max", json!(1)), @"$.scaling.max is 1; allowed: at least min, which is 2");
    insta::assert_snapshot!(web("/scaling", json!({"min": 0, "max": 5_001, "cpuPercent": 95, "requestsPerTarget": 0, "spotPercent": 101})), @"
    $.scaling.min is 0; allowed: a whole number from 1 to 5000
    $.scaling.max is 5001; allowed: a whole number from 1 to 5000
    $.scaling.cpuPercent is 95; allowed: a whole number from 10 to 90
    $.scaling.requestsPerTarget is 0; allowed: a whole number from 1 to 1000000
    $.scaling.spotPercent is 101; allowed: a whole number from 0 to 100
    ");
    insta::assert_snapshot!(web("/scaling/max", json!(51)), @"$.scaling.max is 51; allowed: at most 50 tasks in production");
    insta::assert_snapshot!(web("/scaling/min", json!(51)), @"$.scaling.min is 51; allowed: at most 50 tasks in production");
    insta::assert_snapshot!(web("/scaling/desired", json!(3)), @"$.scaling.desired is an unknown key; allowed: min, max, cpuPercent, requestsPerTarget, spotPercent");
}

#[test]
fn deployment_becomes_the_services_strategy_or_the_stacks_watch() {
    insta::assert_snapshot!(web("/deployment/strategy", json!("rolling")), @"");
    insta::assert_snapshot!(web("/deployment/strategy", json!("blueGreen")), @"Strategy=BLUE_GREEN");
    insta::assert_snapshot!(web("/deployment/strategy", json!("canary")), @"
    StepMinutes=10
    StepPercent=5
    Strategy=CANARY
    ");
    insta::assert_snapshot!(web("/deployment/strategy", json!({"canary": {"percent": 20, "stepMinutes": 15}})), @"
    StepMinutes=15
    StepPercent=20
    Strategy=CANARY
    ");
    insta::assert_snapshot!(web("/deployment/strategy", json!({"linear": {"stepMinutes": 1}})), @"
    StepMinutes=1
    StepPercent=10
    Strategy=LINEAR
    ");
    insta::assert_snapshot!(web("/deployment", json!({"bakeMinutes": 5, "alarms": ["payments-5xx", "payments slow"]})), @"
    Alarms=payments-5xx,payments slow
    watched 5 min, payments-5xx payments slow
    ");
    insta::assert_snapshot!(web("/deployment", json!({"strategy": "blueGreen", "bakeMinutes": 5})), @"
    BakeMinutes=5
    Strategy=BLUE_GREEN
    ");
    insta::assert_snapshot!(web("/deployment/alarms", json!([])), @"");
}

#[test]
fn a_wrong_deployment_is_told() {
    insta::assert_snapshot!(web("/deployment/strategy", json!("bluegreen")), @r#"$.deployment.strategy is "bluegreen"; allowed: "rolling", "blueGreen", "canary" or "linear"; with settings {"canary": {…}} or {"linear": {…}}; did you mean "blueGreen"?"#);
    insta::assert_snapshot!(web("/deployment/strategy", json!(["canary"])), @r#"$.deployment.strategy is a list; allowed: "rolling", "blueGreen", "canary" or "linear"; with settings {"canary": {…}} or {"linear": {…}}"#);
    insta::assert_snapshot!(web("/deployment/strategy", json!({})), @r#"$.deployment.strategy is an object that names no strategy; allowed: "rolling", "blueGreen", "canary" or "linear"; with settings {"canary": {…}} or {"linear": {…}}"#);
    insta::assert_snapshot!(web("/deployment/strategy", json!({"canary": {}, "linear": {}})), @"$.deployment.strategy is canary and linear; allowed: one of the two");
    insta::assert_snapshot!(web("/deployment/strategy", json!({"canary": {"percent": 2}})), @"$.deployment.strategy.canary.percent is 2; allowed: a whole number from 3 to 99");
    insta::assert_snapshot!(web("/deployment/strategy", json!({"linear": {"stepPercent": 20}})), @"$.deployment.strategy.linear.stepPercent is an unknown key; allowed: percent, stepMinutes; did you mean $.deployment.strategy.linear.percent?");
    insta::assert_snapshot!(web("/deployment/bakeMinutes", json!(181)), @"$.deployment.bakeMinutes is 181; allowed: at most 180 with strategy rolling");
    insta::assert_snapshot!(web("/deployment/bakeMinutes", json!(60)), @"watched 60 min,");
    insta::assert_snapshot!(web("/deployment", json!({"strategy": {"linear": {"percent": 3, "stepMinutes": 60}}, "timeoutMinutes": 1_000})), @"$.deployment.strategy is to take 1980 minutes with bakeMinutes; allowed: less than 1680 minutes in all");
    insta::assert_snapshot!(web("/deployment/alarms", json!(["a", "b", "a"])), @r#"$.deployment.alarms[2] is "a" again; allowed: each alarm once"#);
    insta::assert_snapshot!(web("/deployment/alarms", json!(["1", "2", "3", "4", "5", "6"])), @"$.deployment.alarms is a list of 6; allowed: a list of 0 to 5 names of alarms");
    insta::assert_snapshot!(web("/deployment/alarms", json!(["a,b"])), @r#"$.deployment.alarms[0] is "a,b"; allowed: an alarm's name of 1 to 255 characters, none of them a comma"#);
    insta::assert_snapshot!(web("/deployment/timeoutMinutes", json!(4)), @"$.deployment.timeoutMinutes is 4; allowed: a whole number from 5 to 1680");
    insta::assert_snapshot!(web("/deployment/before", json!({})), @"$.deployment.before.command is missing; allowed: a list of words");
    insta::assert_snapshot!(web("/deployment/before", json!(["./migrate"])), @"$.deployment.before is a list; allowed: an object");
    insta::assert_snapshot!(web("/deployment/before", json!({"command": ["./migrate"], "timeoutMinutes": 241})), @"$.deployment.before.timeoutMinutes is 241; allowed: a whole number from 1 to 240");
    insta::assert_snapshot!(web("/deployment/verify", json!({})), @"$.deployment.verify.command is missing; allowed: one of the two: command, a list of words, or path");
    insta::assert_snapshot!(web("/deployment/verify", json!({"path": "/up", "command": ["./check"]})), @"$.deployment.verify is command and path; allowed: one of the two: command, a list of words, or path");
    insta::assert_snapshot!(web("/deployment/verify", json!({"path": "payments/ready"})), @r#"$.deployment.verify.path is "payments/ready"; allowed: a path: /, then letters, digits and _-.$/~@:+, without wildcards and query, 128 at most"#);
    insta::assert_snapshot!(web("/deployment/verify", json!({"path": "/payments/*"})), @r#"$.deployment.verify.path is "/payments/*"; allowed: a path: /, then letters, digits and _-.$/~@:+, without wildcards and query, 128 at most"#);
    insta::assert_snapshot!(web("/deployment/verify", json!({"path": "/payments/ready", "timeoutMinutes": 0})), @"$.deployment.verify.timeoutMinutes is 0; allowed: a whole number from 1 to 240");
    insta::assert_snapshot!(web("/deployment/verify", json!({"path": "/ledger/ready"})), @r#"$.deployment.verify.path is "/ledger/ready"; allowed: a path that its rule takes: /payments"#);
    insta::assert_snapshot!(web("/deployment", json!({"verify": {"command": ["./check"], "timeoutMinutes": 30}, "timeoutMinutes": 30})), @"$.deployment.timeoutMinutes is 30; allowed: more than 30, which bakeMinutes, the steps of the strategy and verify may take");
    let both = json!({"service": "payments", "routing": {"paths": ["/payments"], "priority": 1}, "container": {"port": 80},
        "scaling": {"requestsPerTarget": 10}, "deployment": {"strategy": "canary"}});
    insta::assert_snapshot!(rendered(&both).unwrap_err(), @"$.scaling.requestsPerTarget is said with strategy canary; allowed: left out with this strategy: the requests move to another target group");
}

#[test]
fn what_runs_before_and_after_changes_no_parameter() {
    assert_eq!(web("/deployment/before", json!({"command": ["./migrate"], "timeoutMinutes": 15})), "");
    assert_eq!(web("/deployment/verify", json!({"command": ["./check"]})), "");
    assert_eq!(web("/deployment/verify", json!({"path": "/payments", "timeoutMinutes": 2})), "");
    assert_eq!(web("/deployment/timeoutMinutes", json!(90)), "");
}

#[test]
fn a_task_role_gets_the_policies_that_the_record_allows() {
    insta::assert_snapshot!(web("/taskRole/managedPolicies", json!(["read-reports"])), @"TaskPolicyArns=arn:aws:iam::123456789012:policy/read-reports");
    insta::assert_snapshot!(web("/taskRole/managedPolicies", json!(["read-report", "AdministratorAccess"])), @r#"
    $.taskRole.managedPolicies[0] is "read-report"; allowed: policies that the record of production gives payments: read-reports; did you mean "read-reports"?
    $.taskRole.managedPolicies[1] is "AdministratorAccess"; allowed: policies that the record of production gives payments: read-reports
    "#);
    insta::assert_snapshot!(web("/taskRole/managedPolicies", json!(["arn:aws:iam::aws:policy/AdministratorAccess"])), @r#"$.taskRole.managedPolicies[0] is "arn:aws:iam::aws:policy/AdministratorAccess"; allowed: a policy's name, as the environment's record has it: 1 to 128 of letters, digits and +=,.@_-"#);
    insta::assert_snapshot!(web("/taskRole/policies", json!([])), @"$.taskRole.policies is an unknown key; allowed: managedPolicies; did you mean $.taskRole.managedPolicies?");
}

#[test]
fn a_worker_has_no_load_balancer_and_a_job_has_a_schedule() {
    insta::assert_snapshot!(lines(&rendered(&of_kind("worker")).unwrap()).join("\n"), @r#"
    AssignPublicIp=false
    Cluster=shared
    Environment=production
    Image=123456789012.dkr.ecr.eu-west-1.amazonaws.com/tidegate/payments@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
    Kind=worker
    ListenerArn=arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/0a1b2c3d4e5f6071/1b2c3d4e5f607182
    LoadBalancerSecurityGroup=sg-0a1b2c3d
    PermissionsBoundaryArn=arn:aws:iam::123456789012:policy/boundary
    Service=payments
    Serving=TargetGroup
    Subnets=subnet-0a1b2c3d,subnet-1a1b2c3d
    TaskPolicyArns=
    VpcId=vpc-0a1b2c3d
    [0].DockerLabels={"tidegate.refresh":{"Ref":"Refresh"}}
    [0].Essential=true
    [0].Image={"Ref":"Image"}
    [0].LogConfiguration={"LogDriver":"awslogs","Options":{"awslogs-group":{"Ref":"Logs"},"awslogs-region":{"Ref":"AWS::Region"},"awslogs-stream-prefix":{"Ref":"Environment"}}}
    [0].Name={"Ref":"Service"}
    [0].PortMappings={"Fn::If":["IsWeb",[{"ContainerPort":{"Ref":"ContainerPort"},"Protocol":"tcp"}],{"Ref":"AWS::NoValue"}]}
    "#);
    insta::assert_snapshot!(adds_to("job", "/schedule", json!({"cron": "30 2 ? * MON-FRI", "timeZone": "Europe/Berlin"})), @"
    ScheduleExpression=cron(30 2 ? * MON-FRI *)
    ScheduleTimeZone=Europe/Berlin
    ");
}

#[test]
fn what_a_kind_has_no_use_for_is_refused() {
    let extra = json!({"routing": {"paths": ["/payments"], "priority": 1}, "container": {"port": 80},
        "scaling": {"requestsPerTarget": 5}, "deployment": {"strategy": "canary", "bakeMinutes": 1, "alarms": ["a"], "verify": {"command": ["./check"]}},
        "schedule": {"cron": "0 3 * * ?", "timeZone": "UTC"}});
    let all = |kind: &str| {
        let mut written = extra.clone();
        written["service"] = json!("payments");
        written["kind"] = json!(kind);
        rendered(&written).unwrap_err().to_string()
    };
    insta::assert_snapshot!(all("worker"), @r#"
    $.routing is set; allowed: nothing: only a web service has it, and this is a worker
    $.container.port is set; allowed: nothing: only a web service has it, and this is a worker
    $.scaling.requestsPerTarget is set; allowed: nothing: only a web service has it, and this is a worker
    $.schedule is set; allowed: nothing: only a job has it, and this is a worker
    $.deployment.strategy is "canary"; allowed: "rolling": only a web service has traffic to shift
    "#);
    insta::assert_snapshot!(all("job"), @"
    $.routing is set; allowed: nothing: only a web service has it, and this is a job
    $.container.port is set; allowed: nothing: only a web service has it, and this is a job
    $.scaling.requestsPerTarget is set; allowed: nothing: only a web service has it, and this is a job
    $.scaling is set; allowed: nothing: only a service has it, and this is a job
    $.deployment.strategy is set; allowed: nothing: only a service has it, and this is a job
    $.deployment.bakeMinutes is set; allowed: nothing: only a service has it, and this is a job
    $.deployment.alarms is set; allowed: nothing: only a service has it, and this is a job
    ");
    insta::assert_snapshot!(web("/schedule", json!({"cron": "0 3 * * ?", "timeZone": "UTC"})), @"$.schedule is set; allowed: nothing: only a job has it, and this is a web service");
    insta::assert_snapshot!(rendered(&json!({"service": "payments", "kind": "job"})).unwrap_err(), @"$.schedule is missing; allowed: an object with cron and timeZone: when the job runs");
    insta::assert_snapshot!(adds_to("job", "/schedule", json!({"cron": "0 3 * * 1", "timeZone": "Mars/Olympus"})), @r#"
    $.schedule.cron is "0 3 * * 1"; allowed: a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; day of week of SUN, MON, TUE, WED, THU, FRI, SAT
    $.schedule.timeZone is "Mars/Olympus"; allowed: an IANA time zone, such as Europe/Berlin
    "#);
    insta::assert_snapshot!(adds_to("job", "/schedule", json!("0 3 * * ?")), @r#"$.schedule is "0 3 * * ?"; allowed: an object"#);
}

#[test]
fn tags_and_parameters_are_passed_on() {
    insta::assert_snapshot!(web("/Tags", json!({"team": "billing"})), @"tag team=billing");
    insta::assert_snapshot!(web("/Parameters", json!({"LogRetentionDays": "90"})), @"LogRetentionDays=90");
    insta::assert_snapshot!(web("/Parameters", json!({"Priority": "7", "MinTasks": "2", "Kind": "web"})), @"
    $.Parameters.Kind is said a second time; allowed: only $.kind
    $.Parameters.Priority is said a second time; allowed: only $.routing.priority
    ");
    insta::assert_snapshot!(web("/Parameters", json!({"TaskPolicyArns": "arn:aws:iam::aws:policy/AdministratorAccess", "Serving": "TargetGroup"})), @"
    $.Parameters.Serving is set by Tidegate itself; allowed: nothing here; remove it
    $.Parameters.TaskPolicyArns is set by Tidegate itself; allowed: nothing here; remove it
    ");
}

#[test]
fn every_config_of_the_set_renders_as_reviewed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configs");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (service, record) = records();
    let mut all = String::new();
    for file in files {
        let config = config(&serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap());
        config.check(&name("production"), &service, &record).unwrap();
        let rendered = config::render(
            &shipped(),
            &config,
            &name("production"),
            &service,
            &record,
            &digest(),
            &Standing::default(),
        );
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        all.push_str(&format!("# {name}\n{}\n\n", lines(&rendered.unwrap()).join("\n")));
    }
    insta::assert_snapshot!(all);
}
