use serde_json::{Value, json};

use crate::support::{first_form, told, told_text, with};

fn told_with(pointer: &str, value: Value) -> String {
    told(&with(first_form(), pointer, value))
}

#[test]
fn a_file_that_is_no_json_is_told_where() {
    insta::assert_snapshot!(told_text(""), @"$ is empty; allowed: a JSON object");
    insta::assert_snapshot!(told_text(" \n\t"), @"$ is empty; allowed: a JSON object");
    insta::assert_snapshot!(told_text("[]"), @"$ is a list; allowed: an object");
    insta::assert_snapshot!(told_text("null"), @"$ is null; allowed: an object");
    insta::assert_snapshot!(told_text("{\n  \"service\": \"payments\",\n  \"kind\": web\n}"), @"$ is not JSON at line 3 column 11: expected value; allowed: a JSON object");
    insta::assert_snapshot!(told_text("{\"service\": \"payments\",}"), @"$ is not JSON at line 1 column 24: trailing comma; allowed: a JSON object");
    insta::assert_snapshot!(told_text("{\"service\": \"payments\"} {}"), @"$ is not JSON at line 1 column 25: trailing characters; allowed: a JSON object");
    insta::assert_snapshot!(told_text("{\n  \"service\": \"paym"), @"$ is cut off at line 2 column 18; allowed: a whole JSON object, every bracket and quote closed");
    insta::assert_snapshot!(told_text("{\"routing\": {\"paths\": [\"/payments\""), @"$ is cut off at line 1 column 34; allowed: a whole JSON object, every bracket and quote closed");
    insta::assert_snapshot!(told_text("\u{feff}{}"), @"$ is preceded by a byte order mark; allowed: UTF-8 without a byte order mark");
    insta::assert_snapshot!(told_text("service: payments"), @"$ is not JSON at line 1 column 1: expected value; allowed: a JSON object");
    insta::assert_snapshot!(told_text("{\"routing\": {\"priority\": 1e999}}"), @"$ is not JSON at line 1 column 30: number out of range; allowed: a JSON object");
    let latin1 = b"{\n \"service\": \"caf\xe9\"}";
    insta::assert_snapshot!(config::parse(latin1).unwrap_err(), @"$ is not UTF-8 at line 2 column 17; allowed: UTF-8");
    let utf16 = b"\xff\xfe{\0}\0";
    insta::assert_snapshot!(config::parse(utf16).unwrap_err(), @"$ is not UTF-8 at line 1 column 1; allowed: UTF-8");
}

#[test]
fn a_huge_or_deep_file_is_refused_before_it_is_read() {
    let huge = format!("{{\"service\": \"{}\"}}", "a".repeat(config::limits::CONFIG_BYTES_MAX));
    insta::assert_snapshot!(told_text(&huge), @"$ is 32783 bytes long; allowed: at most 32768 bytes");
    let deep = format!("{{\"StackPolicy\": {}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    insta::assert_snapshot!(told_text(&deep), @"$ is more than 32 levels deep at line 1 column 47; allowed: at most 32 levels");
}

#[test]
fn a_key_said_twice_is_told() {
    insta::assert_snapshot!(
        told_text(r#"{"Parameters": {"Priority": "1", "Priority": "2"}, "Tags": {}, "Tags": {}}"#), @"
    $.Parameters.Priority is said twice; allowed: each key once
    $.Tags is said twice; allowed: each key once
    ");
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    insta::assert_snapshot!(told_with("/servise", json!("payments")), @"$.servise is an unknown key; allowed: service, kind, schedule, routing, container, sidecars, scaling, deployment, taskRole, environments, Parameters, Tags, StackPolicy; did you mean $.service?");
    insta::assert_snapshot!(told_with("/parameters", json!({})), @"$.parameters is an unknown key; allowed: service, kind, schedule, routing, container, sidecars, scaling, deployment, taskRole, environments, Parameters, Tags, StackPolicy; did you mean $.Parameters?");
    insta::assert_snapshot!(told_with("/port", json!(8080)), @"$.port is an unknown key; allowed: service, kind, schedule, routing, container, sidecars, scaling, deployment, taskRole, environments, Parameters, Tags, StackPolicy; did you mean $.container.port?");
    insta::assert_snapshot!(told_with("/routing/prioriti", json!(1)), @"$.routing.prioriti is an unknown key; allowed: paths, hosts, priority, healthCheck; did you mean $.routing.priority?");
    insta::assert_snapshot!(told_with("/container/memory", json!(512)), @"$.container.memory is an unknown key; allowed: port, cpu, memoryMiB, environment, secrets, command, stopTimeoutSeconds; did you mean $.container.memoryMiB?");
    insta::assert_snapshot!(told_with("/container/memoryMib", json!(512)), @"$.container.memoryMib is an unknown key; allowed: port, cpu, memoryMiB, environment, secrets, command, stopTimeoutSeconds; did you mean $.container.memoryMiB?");
    insta::assert_snapshot!(told_with("/environments/production/required", json!(2)), @"$.environments.production.required is an unknown key; allowed: branch, after, approval, freeze, requires, schedule, routing, container, sidecars, scaling, deployment, taskRole; did you mean $.environments.<name>.approval.required?");
    insta::assert_snapshot!(told_with("/$schema\n", json!("x")), @r#"$["$schema\n"] is an unknown key; allowed: service, kind, schedule, routing, container, sidecars, scaling, deployment, taskRole, environments, Parameters, Tags, StackPolicy"#);
}

#[test]
fn a_wrong_service_or_kind_is_told() {
    insta::assert_snapshot!(told_with("/service", Value::Null), @"$.service is missing; allowed: the service's name, as its record says it");
    insta::assert_snapshot!(told_with("/service", json!("Payments_API")), @r#"$.service is "Payments_API"; allowed: a service name: 1 to 31 of a-z, 0-9 and single hyphens, starting with a letter and not ending with a hyphen"#);
    insta::assert_snapshot!(told_with("/service", json!("")), @"$.service is empty; allowed: a service name: 1 to 31 of a-z, 0-9 and single hyphens, starting with a letter and not ending with a hyphen");
    insta::assert_snapshot!(told_with("/service", json!(["payments"])), @"$.service is a list; allowed: a service name: 1 to 31 of a-z, 0-9 and single hyphens, starting with a letter and not ending with a hyphen");
    insta::assert_snapshot!(told_with("/kind", json!("Web")), @r#"$.kind is "Web"; allowed: "web", "worker" or "job"; did you mean "web"?"#);
    insta::assert_snapshot!(told_with("/kind", json!(1)), @r#"$.kind is 1; allowed: "web", "worker" or "job""#);
}

#[test]
fn wrong_routing_is_told() {
    insta::assert_snapshot!(told_with("/routing", Value::Null), @"$.routing is missing; allowed: an object with paths or hosts, and priority");
    insta::assert_snapshot!(told_with("/routing", json!("/payments")), @r#"$.routing is "/payments"; allowed: an object"#);
    insta::assert_snapshot!(told_with("/routing", json!({})), @r#"
    $.routing.paths is missing; allowed: a list of 1 to 5 path patterns, or hosts
    $.routing.priority is missing; allowed: a whole number from 1 to 50000, or "auto"
    "#);
    insta::assert_snapshot!(told_with("/routing/paths", json!("/payments")), @r#"$.routing.paths is "/payments"; allowed: a list of 1 to 5 path patterns"#);
    insta::assert_snapshot!(told_with("/routing/paths", json!([])), @"$.routing.paths is a list of 0; allowed: a list of 1 to 5 path patterns");
    insta::assert_snapshot!(told_with("/routing/paths", json!(["payments", "/a b", 7, "/ok"])), @r#"
    $.routing.paths[0] is "payments"; allowed: 1 to 128 of letters, digits, * ? & and _-.$/~"'@:+, starting with /
    $.routing.paths[1] is "/a b"; allowed: 1 to 128 of letters, digits, * ? & and _-.$/~"'@:+, starting with /
    $.routing.paths[2] is 7; allowed: 1 to 128 of letters, digits, * ? & and _-.$/~"'@:+, starting with /
    "#);
    insta::assert_snapshot!(told_with("/routing/paths", json!(["/1", "/2", "/3", "/4", "/5", "/6"])), @"$.routing.paths is a list of 6; allowed: a list of 1 to 5 path patterns");
    insta::assert_snapshot!(told_with("/routing/paths", json!(["/*/*/*", "/a/*/*/?"])), @"$.routing.paths is a list with 6 wildcards; allowed: at most 5 wildcards (* and ?) in all, a load balancer rule's limit");
    insta::assert_snapshot!(told_with("/routing/paths", json!(["/a", "/b", "/a"])), @r#"$.routing.paths[2] is "/a" again; allowed: each pattern once"#);
    insta::assert_snapshot!(told_with("/routing/paths/0", json!(format!("/{}", "a".repeat(128)))), @r#"$.routing.paths[0] is "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"; allowed: 1 to 128 of letters, digits, * ? & and _-.$/~"'@:+, starting with /"#);
    insta::assert_snapshot!(told_with("/routing/priority", json!(0)), @r#"$.routing.priority is 0; allowed: a whole number from 1 to 50000, or "auto""#);
    insta::assert_snapshot!(told_with("/routing/priority", json!(50_001)), @r#"$.routing.priority is 50001; allowed: a whole number from 1 to 50000, or "auto""#);
    insta::assert_snapshot!(told_with("/routing/priority", json!(-1)), @r#"$.routing.priority is -1; allowed: a whole number from 1 to 50000, or "auto""#);
    insta::assert_snapshot!(told_with("/routing/priority", json!(1.5)), @r#"$.routing.priority is 1.5; allowed: a whole number from 1 to 50000, or "auto""#);
    insta::assert_snapshot!(told_with("/routing/priority", json!("120")), @r#"$.routing.priority is "120"; allowed: a whole number from 1 to 50000, or "auto""#);
    insta::assert_snapshot!(told_with("/routing/priority", json!(18_446_744_073_709_551_615_u64)), @r#"$.routing.priority is 18446744073709551615; allowed: a whole number from 1 to 50000, or "auto""#);
}

#[test]
fn hosts_that_no_load_balancer_takes_are_told() {
    let hosts = |hosts: Value| told_with("/routing", json!({ "hosts": hosts, "priority": 7 }));
    insta::assert_snapshot!(hosts(json!([".", "..", "*.", "-.-", "*.*"])), @r#"
    $.routing.hosts[0] is "."; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[1] is ".."; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[2] is "*."; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[3] is "-.-"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[4] is "*.*"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    "#);
    insta::assert_snapshot!(hosts(json!(["example.com.", ".example.com", "10.0.0.1", "a.b:80"])), @r#"
    $.routing.hosts[0] is "example.com."; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[1] is ".example.com"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[2] is "10.0.0.1"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    $.routing.hosts[3] is "a.b:80"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it
    "#);
    insta::assert_snapshot!(hosts(json!(["a.b", "A.b"])), @r#"$.routing.hosts[1] is "A.b" again; allowed: each pattern once"#);
    insta::assert_snapshot!(told(&json!({"Parameters": {"Hosts": "shop.example.com,*.*"}})), @r#"$.Parameters.Hosts is "*.*"; allowed: host names with commas between; each a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it"#);
}

#[test]
fn a_path_to_verify_that_does_not_come_to_the_service_is_told() {
    let verified = |routing: Value, path: &str| {
        let verify = json!({ "verify": { "path": path } });
        told(&with(with(first_form(), "/routing", routing), "/deployment", verify))
    };
    let paths = json!({ "paths": ["/payments", "/payments/*"], "priority": 120 });
    insta::assert_snapshot!(verified(paths.clone(), "/other"), @r#"$.deployment.verify.path is "/other"; allowed: a path that its rule takes: /payments, /payments/*"#);
    insta::assert_snapshot!(verified(paths, "/paymentsready"), @r#"$.deployment.verify.path is "/paymentsready"; allowed: a path that its rule takes: /payments, /payments/*"#);
    let pattern = json!({ "hosts": ["*.payments.example.com"], "paths": ["/payments/*"], "priority": 120 });
    insta::assert_snapshot!(verified(pattern, "/payments/ready"), @r#"$.deployment.verify.path is "/payments/ready"; allowed: nothing: none of its hosts is without wildcards"#);
    let parameters = with(first_form(), "/Parameters", json!({ "Hosts": "*.example.com" }));
    insta::assert_snapshot!(told(&with(parameters, "/deployment", json!({ "verify": { "path": "/payments" } }))), @r#"$.deployment.verify.path is "/payments"; allowed: nothing: none of its hosts is without wildcards"#);
}

#[test]
fn a_secret_that_would_be_taken_for_another_is_told() {
    insta::assert_snapshot!(told_with("/container/secrets", json!({"DB": "payments/db-secret"})), @r#"$.container.secrets.DB is "payments/db-secret"; allowed: a secret's name that does not end in a hyphen and six letters or digits: Secrets Manager would take them for the ending that it gives every secret's ARN, and find no such secret"#);
    insta::assert_snapshot!(told_with("/container/secrets", json!({"DB": "payments/db-a1B2c3:url"})), @r#"$.container.secrets.DB is "payments/db-a1B2c3"; allowed: a secret's name that does not end in a hyphen and six letters or digits: Secrets Manager would take them for the ending that it gives every secret's ARN, and find no such secret"#);
}

#[test]
fn a_branch_that_git_does_not_have_is_told() {
    let branch = |name: &str| told_with("/environments/staging/branch", json!(name));
    insta::assert_snapshot!(branch("refs/heads/main"), @r#"$.environments.staging.branch is "refs/heads/main"; allowed: a branch's name as git takes it, without refs/heads/; did you mean "main"?"#);
    insta::assert_snapshot!(branch("refs/tags/v1"), @r#"$.environments.staging.branch is "refs/tags/v1"; allowed: a branch's name as git takes it, without refs/heads/"#);
    insta::assert_snapshot!(branch("a..b"), @r#"$.environments.staging.branch is "a..b"; allowed: a branch's name as git takes it, without refs/heads/"#);
    insta::assert_snapshot!(branch("-x"), @r#"$.environments.staging.branch is "-x"; allowed: a branch's name as git takes it, without refs/heads/"#);
    insta::assert_snapshot!(branch("release/"), @r#"$.environments.staging.branch is "release/"; allowed: a branch's name as git takes it, without refs/heads/"#);
    insta::assert_snapshot!(branch("release/*"), @r#"$.environments.staging.branch is "release/*"; allowed: a branch's name as git takes it, without refs/heads/"#);
}

#[test]
fn a_wrong_container_is_told() {
    insta::assert_snapshot!(told_with("/container", Value::Null), @"$.container is missing; allowed: an object with port, cpu and memoryMiB");
    insta::assert_snapshot!(told_with("/container/port", Value::Null), @"$.container.port is missing; allowed: a whole number from 1 to 65535");
    insta::assert_snapshot!(told_with("/container/port", json!(65_536)), @"$.container.port is 65536; allowed: a whole number from 1 to 65535");
    insta::assert_snapshot!(told_with("/container/cpu", json!(300)), @"$.container.cpu is 300; allowed: one of 256, 512, 1024, 2048, 4096, 8192, 16384");
    insta::assert_snapshot!(told_with("/container/cpu", json!("256")), @r#"$.container.cpu is "256"; allowed: a whole number from 1 to 16384"#);
    insta::assert_snapshot!(told_with("/container/memoryMiB", json!(4_096)), @"$.container.memoryMiB is 4096; allowed: 512, 1024 or 2048 with 256 CPU units");
    insta::assert_snapshot!(told_with("/container/memoryMiB", Value::Null), @"$.container.cpu is alone; allowed: CPU units and memory together, or neither");
    insta::assert_snapshot!(told_with("/container/cpu", Value::Null), @"$.container.memoryMiB is alone; allowed: CPU units and memory together, or neither");
    insta::assert_snapshot!(told_with("/container/memoryMiB", json!(9_999_999)), @"$.container.memoryMiB is 9999999; allowed: a whole number from 1 to 122880");
}

#[test]
fn wrong_environments_are_told() {
    insta::assert_snapshot!(told_with("/environments", json!(["staging"])), @"$.environments is a list; allowed: an object");
    insta::assert_snapshot!(told_with("/environments/pre-prod", json!({})), @r#"$.environments["pre-prod"] is not an environment name; allowed: a name of 1 to 16 of a-z and 0-9, starting with a letter"#);
    insta::assert_snapshot!(told_with("/environments/staging", json!("main")), @r#"$.environments.staging is "main"; allowed: an object"#);
    insta::assert_snapshot!(told_with("/environments/staging/branch", json!("")), @"$.environments.staging.branch is empty; allowed: a branch name: 1 to 256 characters without blanks or control characters");
    insta::assert_snapshot!(told_with("/environments/staging/branch", json!("my branch")), @r#"$.environments.staging.branch is "my branch"; allowed: a branch name: 1 to 256 characters without blanks or control characters"#);
    insta::assert_snapshot!(told_with("/environments/production/approval", json!(2)), @"$.environments.production.approval is 2; allowed: an object");
    insta::assert_snapshot!(told_with("/environments/production/approval/required", json!(11)), @"$.environments.production.approval.required is 11; allowed: a whole number from 0 to 10");
    insta::assert_snapshot!(told_with("/environments/production/approval/required", json!(-1)), @"$.environments.production.approval.required is -1; allowed: a whole number from 0 to 10");
    insta::assert_snapshot!(told_with("/environments/production/approval/required", json!(true)), @"$.environments.production.approval.required is true; allowed: a whole number from 0 to 10");
}

#[test]
fn wrong_parameters_are_told_without_their_values() {
    let parameters = |written: Value| told(&json!({ "Parameters": written }));
    insta::assert_snapshot!(parameters(json!([])), @"$.Parameters is a list; allowed: an object");
    insta::assert_snapshot!(parameters(json!({"Priority": 120})), @"$.Parameters.Priority is a number; allowed: a string, in quotes");
    insta::assert_snapshot!(parameters(json!({"Password": ["hunter2"], "Pin": 4711, "On": true})), @"
    $.Parameters.On is a boolean; allowed: a string, in quotes
    $.Parameters.Password is a list; allowed: a string, in quotes
    $.Parameters.Pin is a number; allowed: a string, in quotes
    ");
    insta::assert_snapshot!(parameters(json!({"Image": "evil", "ListenerArn": "arn"})), @"
    $.Parameters.Image is set by Tidegate itself; allowed: nothing here; remove it
    $.Parameters.ListenerArn is set by Tidegate itself; allowed: nothing here; remove it
    ");
    insta::assert_snapshot!(parameters(json!({"my-parameter": "x"})), @r#"$.Parameters["my-parameter"] is not a parameter name; allowed: 1 to 255 letters and digits"#);
    insta::assert_snapshot!(parameters(json!({"Password": "hunter2".repeat(600)})), @"$.Parameters.Password is 4200 bytes long; allowed: at most 4096 bytes");
    insta::assert_snapshot!(parameters(json!({"Priority": "0"})), @r#"$.Parameters.Priority is "0"; allowed: a whole number from 1 to 50000, in quotes"#);
    insta::assert_snapshot!(parameters(json!({"Priority": "{{resolve:ssm:/payments/priority:1}}"})), @r#"$.Parameters.Priority is "{{resolve:ssm:/payments/priority:1}}"; allowed: a whole number from 1 to 50000, in quotes"#);
    insta::assert_snapshot!(parameters(json!({"ContainerPort": " 80"})), @r#"$.Parameters.ContainerPort is " 80"; allowed: a whole number from 1 to 65535, in quotes"#);
    insta::assert_snapshot!(parameters(json!({"Paths": "/payments,payments"})), @r#"$.Parameters.Paths is "payments"; allowed: path patterns with commas between; each 1 to 128 of letters, digits, * ? & and _-.$/~"'@:+, starting with /"#);
    insta::assert_snapshot!(parameters(json!({"Paths": "/1,/2,/3,/4,/5,/6"})), @"$.Parameters.Paths is a list of 6; allowed: at most 5, a load balancer rule's limit");
    insta::assert_snapshot!(parameters(json!({"Cpu": "256", "MemoryMiB": "4096"})), @"$.Parameters.MemoryMiB is 4096; allowed: 512, 1024 or 2048 with 256 CPU units");
    insta::assert_snapshot!(parameters(json!({"Cpu": "1024"})), @"$.Parameters.Cpu is alone; allowed: CPU units and memory together, or neither");
    insta::assert_snapshot!(parameters(json!({"Level": "{{resolve:ssm:/payments/level}}"})), @r#"$.Parameters.Level is "{{resolve:ssm:/payments/level}}"; allowed: a dynamic reference that names its version: {{resolve:ssm:<name>:<version>}}, {{resolve:ssm-secure:<name>:<version>}} or {{resolve:secretsmanager:<name>:SecretString:<key>::<version id>}}"#);
    insta::assert_snapshot!(parameters(json!({"Db": "{{resolve:secretsmanager:payments/db:SecretString:url}}"})), @r#"$.Parameters.Db is "{{resolve:secretsmanager:payments/db:SecretString:url}}"; allowed: a dynamic reference that names its version: {{resolve:ssm:<name>:<version>}}, {{resolve:ssm-secure:<name>:<version>}} or {{resolve:secretsmanager:<name>:SecretString:<key>::<version id>}}"#);
    let many: serde_json::Map<String, Value> = (0..201).map(|n| (format!("P{n}"), json!("x"))).collect();
    insta::assert_snapshot!(parameters(json!(many)), @"$.Parameters is an object of 201 entries; allowed: at most 200");
    insta::assert_snapshot!(told_with("/Parameters", json!({"Priority": "7", "Cpu": "256"})), @"
    $.Parameters.Priority is said a second time; allowed: only $.routing.priority
    $.Parameters.Cpu is said a second time; allowed: only $.container.cpu
    ");
}

#[test]
fn parameters_that_do_not_go_together_are_told() {
    let parameters = |written: Value| told(&json!({ "Parameters": written }));
    insta::assert_snapshot!(parameters(json!({"Paths": "/a,/b,/c", "Hosts": "a.b,c.d,e.f", "Priority": "4"})), @"$.Parameters.Hosts is hosts and paths of 6; allowed: at most 5, a load balancer rule's limit");
    insta::assert_snapshot!(parameters(json!({"Paths": "/*/*/*", "Hosts": "*.*.b,?.d"})), @"$.Parameters.Hosts is hosts and paths with 6 wildcards; allowed: at most 5 wildcards (* and ?) in all, a load balancer rule's limit");
    insta::assert_snapshot!(told_with("/Parameters", json!({"Hosts": "a.b,c.d,e.f,g.h"})), @"$.Parameters.Hosts is hosts and paths of 6; allowed: at most 5, a load balancer rule's limit");
    insta::assert_snapshot!(parameters(json!({"MinTasks": "9", "MaxTasks": "2"})), @"$.Parameters.MaxTasks is 2; allowed: at least min, which is 9");
    insta::assert_snapshot!(parameters(json!({"HealthCheckIntervalSeconds": "5", "HealthCheckTimeoutSeconds": "5"})), @"$.Parameters.HealthCheckTimeoutSeconds is 5; allowed: less than the interval, which is 5");
    let both = |ours: Value, parameters: Value| {
        let (pointer, value) = ours.as_object().unwrap().iter().next().unwrap();
        told(&with(with(first_form(), &format!("/{pointer}"), value.clone()), "/Parameters", parameters))
    };
    insta::assert_snapshot!(both(json!({"deployment": {"strategy": "canary"}}), json!({"StepPercent": "50", "StepMinutes": "5"})), @"
    $.Parameters.StepPercent is said a second time; allowed: only $.deployment.strategy
    $.Parameters.StepMinutes is said a second time; allowed: only $.deployment.strategy
    ");
    insta::assert_snapshot!(both(json!({"scaling": {"spotPercent": 50}}), json!({"OnDemandPercent": "3"})), @"$.Parameters.OnDemandPercent is said a second time; allowed: only $.scaling.spotPercent");
    insta::assert_snapshot!(both(json!({"scaling": {"min": 3}}), json!({"MaxTasks": "2"})), @"$.Parameters.MaxTasks is 2; allowed: at least min, which is 3");
    insta::assert_snapshot!(both(json!({"scaling": {"requestsPerTarget": 100}}), json!({"Strategy": "BLUE_GREEN"})), @"$.scaling.requestsPerTarget is said with strategy blueGreen; allowed: left out with this strategy: the requests move to another target group");
    insta::assert_snapshot!(both(json!({"deployment": {"timeoutMinutes": 100}}), json!({"Strategy": "LINEAR", "BakeMinutes": "5"})), @"$.deployment.timeoutMinutes is 100; allowed: more than 105, which bakeMinutes, the steps of the strategy and verify may take");
}

#[test]
fn wrong_tags_and_stack_policies_are_told() {
    insta::assert_snapshot!(told(&json!({"Tags": {"aws:owner": "x", "AWS:other": "x", "": "y"}})), @r#"
    $.Tags[""] is a key of 0 characters; allowed: a key of 1 to 128 characters
    $.Tags["AWS:other"] is "AWS:other"; allowed: a key that does not start with aws:
    $.Tags["aws:owner"] is "aws:owner"; allowed: a key that does not start with aws:
    "#);
    insta::assert_snapshot!(told(&json!({"Tags": {"team": 7, "k": "v".repeat(257)}})), @r#"
    $.Tags.k is "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv…"; allowed: a string of at most 256 of letters, digits, blanks and _.:/=+-@
    $.Tags.team is 7; allowed: a string of at most 256 of letters, digits, blanks and _.:/=+-@
    "#);
    insta::assert_snapshot!(told(&json!({"Tags": {"team": "R&D", "owner\n": "ana", "{cost}": "1", "who": "a\u{200b}na"}})), @r#"
    $.Tags["owner\n"] is "owner\n"; allowed: a key of letters, digits, blanks and _.:/=+-@
    $.Tags.team is "R&D"; allowed: a string of at most 256 of letters, digits, blanks and _.:/=+-@
    $.Tags.who is "a\u{200b}na"; allowed: a string of at most 256 of letters, digits, blanks and _.:/=+-@
    $.Tags["{cost}"] is "{cost}"; allowed: a key of letters, digits, blanks and _.:/=+-@
    "#);
    insta::assert_snapshot!(told(&json!({"Tags": {"k".repeat(129): "v"}})), @r#"$.Tags["kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…"] is a key of 129 characters; allowed: a key of 1 to 128 characters"#);
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("t{n}"), json!("x"))).collect();
    insta::assert_snapshot!(told(&json!({ "Tags": many })), @"$.Tags is an object of 51 entries; allowed: at most 50");
    insta::assert_snapshot!(told(&json!({"StackPolicy": "{\"Statement\": []}"})), @r#"$.StackPolicy is "{\"Statement\": []}"; allowed: an object"#);
    insta::assert_snapshot!(told(&json!({"StackPolicy": {"Statement": "x".repeat(16_384)}})), @"$.StackPolicy is 16400 bytes long; allowed: at most 16384 bytes");
}

#[test]
fn a_policy_named_twice_is_told() {
    insta::assert_snapshot!(told_with("/taskRole", json!({"managedPolicies": ["orders", "queue", "orders"]})), @r#"$.taskRole.managedPolicies[2] is "orders" again; allowed: each policy once"#);
}

#[test]
fn every_fault_is_told_at_once() {
    let written = json!({
        "service": "Payments", "kind": "cron", "rooting": {},
        "routing": { "paths": ["payments"], "priority": 70_000 },
        "container": { "cpu": 256, "memoryMiB": 4_096 },
        "environments": { "staging": { "branch": 7 } },
        "Tags": { "aws:x": "y" }
    });
    insta::assert_snapshot!(told(&written), @r#"
    $.rooting is an unknown key; allowed: service, kind, schedule, routing, container, sidecars, scaling, deployment, taskRole, environments, Parameters, Tags, StackPolicy; did you mean $.routing?
    $.service is "Payments"; allowed: a service name: 1 to 31 of a-z, 0-9 and single hyphens, starting with a letter and not ending with a hyphen
    $.kind is "cron"; allowed: "web", "worker" or "job"
    $.routing.paths[0] is "payments"; allowed: 1 to 128 of letters, digits, * ? & and _-.$/~"'@:+, starting with /
    $.routing.priority is 70000; allowed: a whole number from 1 to 50000, or "auto"
    $.environments.staging.branch is 7; allowed: a branch name: 1 to 256 characters without blanks or control characters
    $.Tags["aws:x"] is "aws:x"; allowed: a key that does not start with aws:
    $.container.memoryMiB is 4096; allowed: 512, 1024 or 2048 with 256 CPU units
    "#);
}
