use config::{Caps, EnvironmentRecord, Floor, ServiceRecord};
use serde_json::{Value, json};

use crate::support::{environment, environment_record, service, service_record, with};

fn service_told(pointer: &str, value: Value) -> String {
    let written = with(service_record(), pointer, value).to_string();
    ServiceRecord::parse(written.as_bytes()).expect_err(&written).to_string()
}

fn environment_told(pointer: &str, value: Value) -> String {
    let written = with(environment_record(), pointer, value).to_string();
    EnvironmentRecord::parse(written.as_bytes()).expect_err(&written).to_string()
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let record = service(&service_record());
    assert_eq!(serde_json::to_value(&record).unwrap(), service_record());
    assert_eq!(serde_json::from_value::<ServiceRecord>(service_record()).unwrap(), record);
    let record = environment(&environment_record());
    assert_eq!(serde_json::to_value(&record).unwrap(), environment_record());
    assert_eq!(serde_json::from_value::<EnvironmentRecord>(environment_record()).unwrap(), record);
}

#[test]
fn what_a_record_leaves_out_is_the_safe_choice() {
    let mut written = environment_record();
    for pointer in
        ["/assignPublicIp", "/branch", "/floor", "/caps", "/listenerArn", "/loadBalancerSecurityGroup"]
    {
        written = with(written, pointer, Value::Null);
    }
    let record = environment(&written);
    assert_eq!(record.floor, Floor::default());
    assert_eq!(record.caps, Caps { cpu: 16_384, memory_mib: 122_880, tasks: 5_000 });
    assert!(!record.assign_public_ip && record.branch.is_none() && record.listener_arn.is_none());
    // Reading by the types alone gives the same.
    assert_eq!(serde_json::from_value::<EnvironmentRecord>(written).unwrap(), record);

    let written = with(with(service_record(), "/paths", Value::Null), "/hosts", Value::Null);
    assert_eq!(service(&written).paths, Vec::<String>::new());
}

#[test]
fn only_a_registered_branch_may_deploy() {
    let record = service(&service_record());
    assert!(record.allows(&"main".parse().unwrap()));
    assert!(!record.allows(&"main2".parse().unwrap()));
}

#[test]
fn a_wrong_service_record_is_told() {
    insta::assert_snapshot!(service_told("/service", Value::Null), @"service record: $.service is missing; allowed: a service name");
    insta::assert_snapshot!(service_told("/branch", json!("main")), @"service record: $.branch is an unknown key; allowed: service, branches, paths, hosts, imageRepository, imageRepositoryUri, buildRoleArn, taskExecutionRoleArn, taskLogGroupArn, templates; did you mean service record: $.branches?");
    insta::assert_snapshot!(service_told("/branches", json!([])), @"service record: $.branches is a list of 0; allowed: a list of 1 to 50 branch names");
    insta::assert_snapshot!(service_told("/paths", json!(["/payments/*", "payments"])), @r#"
    service record: $.paths[0] is "/payments/*"; allowed: a path prefix: 1 to 128 of letters, digits, & and _-.$/~"'@:+, starting with /
    service record: $.paths[1] is "payments"; allowed: a path prefix: 1 to 128 of letters, digits, & and _-.$/~"'@:+, starting with /
    "#);
    insta::assert_snapshot!(service_told("/hosts", json!(["localhost"])), @r#"service record: $.hosts[0] is "localhost"; allowed: a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand for any part before it"#);
    insta::assert_snapshot!(service_told("/imageRepositoryUri", json!("123.dkr.ecr.eu-west-1.amazonaws.com/other")), @r#"service record: $.imageRepositoryUri is "123.dkr.ecr.eu-west-1.amazonaws.com/other"; allowed: the ECR repository's URI: <registry>/<imageRepository>, without tag or digest"#);
    insta::assert_snapshot!(service_told("/imageRepository", json!("tidegate payments")), @r#"service record: $.imageRepository is "tidegate payments"; allowed: the name of an ECR repository"#);
    insta::assert_snapshot!(service_told("/buildRoleArn", json!("build-payments")), @r#"service record: $.buildRoleArn is "build-payments"; allowed: the ARN of a role"#);
    insta::assert_snapshot!(service_told("/taskLogGroupArn", json!("payments-tasks")), @r#"service record: $.taskLogGroupArn is "payments-tasks"; allowed: the ARN of a log group: arn:aws:logs:<region>:<account>:log-group:<name>"#);
    insta::assert_snapshot!(service_told("/templates", json!({ "Prod": "stacks/a.json" })), @"service record: $.templates.Prod is not an environment name; allowed: the name of an environment");
    insta::assert_snapshot!(service_told("/templates", json!({ "production": "templates/a.json" })), @r#"service record: $.templates.production is "templates/a.json"; allowed: a key in the artifact bucket: stacks/adopted/payments-production.json"#);
    insta::assert_snapshot!(ServiceRecord::parse(b"{").unwrap_err(), @"service record: $ is cut off at line 1 column 1; allowed: a whole JSON object, every bracket and quote closed");
}

#[test]
fn a_wrong_environment_record_is_told() {
    insta::assert_snapshot!(environment_told("/cluster", Value::Null), @"environment record: $.cluster is missing; allowed: the name of an ECS cluster");
    insta::assert_snapshot!(environment_told("/listener", json!("arn")), @"environment record: $.listener is an unknown key; allowed: cluster, listenerArn, loadBalancerSecurityGroup, vpcId, subnets, assignPublicIp, permissionsBoundaryArn, template, branch, floor, caps, managedPolicies, may, pipelines, probe; did you mean environment record: $.listenerArn?");
    insta::assert_snapshot!(environment_told("/listenerArn", json!("app/shared")), @r#"environment record: $.listenerArn is "app/shared"; allowed: the ARN of a listener"#);
    insta::assert_snapshot!(environment_told("/vpcId", json!("subnet-1")), @r#"environment record: $.vpcId is "subnet-1"; allowed: a VPC id: vpc-…"#);
    insta::assert_snapshot!(environment_told("/subnets", json!([])), @"environment record: $.subnets is a list of 0; allowed: a list of 1 to 16 subnet ids");
    insta::assert_snapshot!(environment_told("/subnets", json!(["subnet-1,subnet-2"])), @r#"environment record: $.subnets[0] is "subnet-1,subnet-2"; allowed: a subnet id: subnet-…"#);
    insta::assert_snapshot!(environment_told("/assignPublicIp", json!("ENABLED")), @r#"environment record: $.assignPublicIp is "ENABLED"; allowed: true or false"#);
    insta::assert_snapshot!(environment_told("/floor/approvals", json!(99)), @"environment record: $.floor.approvals is 99; allowed: a whole number from 0 to 10");
    insta::assert_snapshot!(environment_told("/floor/expiresHours", json!(169)), @"environment record: $.floor.expiresHours is 169; allowed: a whole number from 1 to 168");
    insta::assert_snapshot!(environment_told("/floor/expireHours", json!(4)), @"environment record: $.floor.expireHours is an unknown key; allowed: approvals, approvers, replies, expiresHours, selfApproval, rollbackApprovals, after, freeze; did you mean environment record: $.floor.expiresHours?");
    insta::assert_snapshot!(environment_told("/caps/cpu", json!(0)), @"environment record: $.caps.cpu is 0; allowed: a whole number from 256 to 16384");
    insta::assert_snapshot!(environment_told("/branch", json!("a b")), @r#"environment record: $.branch is "a b"; allowed: a branch name: 1 to 256 characters without blanks or control characters"#);
}

#[test]
fn a_record_says_who_may_do_what_and_what_services_may_have() {
    let mut written = environment_record();
    for (pointer, value) in [
        ("/floor/approvers", json!(["group:release-managers", "user:ana"])),
        ("/floor/after", json!("staging")),
        ("/floor/freeze", json!([{"cron": "0 16 ? * FRI", "hours": 64, "timeZone": "Asia/Kolkata"}])),
        (
            "/managedPolicies",
            json!({"read-reports": {"arn": "arn:aws:iam::123456789012:policy/read-reports", "services": ["payments"]}}),
        ),
        (
            "/may",
            json!({"rollback": ["group:on-call"], "redeploy": [], "retry": [], "cancel": [], "hold": ["user:ben"],
            "lift": [], "override": ["user:ana"], "repair": [], "retire": []}),
        ),
        ("/pipelines", json!(["payments", "ledger-*/Approve"])),
        ("/probe", json!({"url": "http://lb.example.com:8080", "image": "curl:8"})),
    ] {
        written = with(written, pointer, value);
    }
    let record = environment(&written);
    assert_eq!(serde_json::to_value(&record).unwrap(), written);
    assert_eq!(serde_json::from_value::<EnvironmentRecord>(written).unwrap(), record);
    assert_eq!(record.may.override_freeze, ["user:ana".parse().unwrap()]);
    let policy = &record.managed_policies["read-reports"];
    assert!(
        policy.may_be_had_by(&"payments".parse().unwrap())
            && !policy.may_be_had_by(&"ledger".parse().unwrap())
    );
}

#[test]
fn wrong_rights_are_told() {
    let told = environment_told;
    insta::assert_snapshot!(told("/floor/approvers", json!(["ana", "group:"])), @r#"
    environment record: $.floor.approvers[0] is "ana"; allowed: a person or group: "user:<name>" or "group:<name>", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'
    environment record: $.floor.approvers[1] is "group:"; allowed: a person or group: "user:<name>" or "group:<name>", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'
    "#);
    insta::assert_snapshot!(told("/floor/rollbackApprovals", json!(11)), @"environment record: $.floor.rollbackApprovals is 11; allowed: a whole number from 0 to 10");
    insta::assert_snapshot!(told("/floor/after", json!("Staging")), @r#"environment record: $.floor.after is "Staging"; allowed: an environment name: 1 to 16 of a-z and 0-9, starting with a letter"#);
    insta::assert_snapshot!(told("/floor/freeze", json!([{"cron": "0 16 ? * FRI", "hours": 64}])), @"environment record: $.floor.freeze[0].timeZone is missing; allowed: an IANA time zone, such as Europe/Berlin");
    insta::assert_snapshot!(told("/caps/tasks", json!(0)), @"environment record: $.caps.tasks is 0; allowed: a whole number from 1 to 5000");
    insta::assert_snapshot!(told("/managedPolicies", json!({"a b": {"arn": "x"}, "c": {"arn": "s3", "services": ["X"]}, "d": "arn"})), @r#"
    environment record: $.managedPolicies["a b"] is not a policy's name; allowed: a policy's name, as the environment's record has it: 1 to 128 of letters, digits and +=,.@_-
    environment record: $.managedPolicies.c.arn is "s3"; allowed: the ARN of a managed policy
    environment record: $.managedPolicies.c.services[0] is "X"; allowed: a service name: 1 to 31 of a-z, 0-9 and single hyphens, starting with a letter and not ending with a hyphen
    environment record: $.managedPolicies.d is "arn"; allowed: an object
    "#);
    insta::assert_snapshot!(told("/pipelines", json!(["pay ments", "*", "a/b/c"])), @r#"
    environment record: $.pipelines[0] is "pay ments"; allowed: a pipeline: payments, payments-* for all that begin so, or payments/Approve for one stage alone
    environment record: $.pipelines[1] is "*"; allowed: a pipeline: payments, payments-* for all that begin so, or payments/Approve for one stage alone
    environment record: $.pipelines[2] is "a/b/c"; allowed: a pipeline: payments, payments-* for all that begin so, or payments/Approve for one stage alone
    "#);
    insta::assert_snapshot!(told("/probe", json!({"url": "https://shop.example.com/ready", "image": ""})), @r#"
    environment record: $.probe.url is "https://shop.example.com/ready"; allowed: where the listener answers, without a path: https://shop.example.com
    environment record: $.probe.image is empty; allowed: an image of up to 512 characters, with its tag or digest
    "#);
    insta::assert_snapshot!(told("/probe", json!({"url": "ftp://shop.example.com"})), @r#"
    environment record: $.probe.url is "ftp://shop.example.com"; allowed: where the listener answers, without a path: https://shop.example.com
    environment record: $.probe.image is missing; allowed: an image of up to 512 characters, with its tag or digest
    "#);
    insta::assert_snapshot!(told("/may", json!({"rollbacks": [], "hold": "user:ana", "lift": ["ana"]})), @r#"
    environment record: $.may.rollbacks is an unknown key; allowed: rollback, redeploy, retry, cancel, hold, lift, override, repair, retire; did you mean environment record: $.may.rollback?
    environment record: $.may.hold is "user:ana"; allowed: a list of 0 to 50 people and groups
    environment record: $.may.lift[0] is "ana"; allowed: a person or group: "user:<name>" or "group:<name>", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'
    "#);
}

#[test]
fn a_pipeline_is_named_whole_by_its_beginning_or_by_one_stage() {
    let named = |entry: &str, pipeline: &str, stage: &str| {
        environment(&with(environment_record(), "/pipelines", json!([entry]))).names_pipeline(pipeline, stage)
    };
    assert!(named("payments", "payments", "Approve"));
    assert!(!named("payments", "payments-2", "Approve"));
    assert!(named("payments*", "payments-2", "Approve"));
    assert!(named("payments/Approve", "payments", "Approve"));
    assert!(!named("payments/Approve", "payments", "Release"));
    assert!(named("pay*/Approve", "payments", "Approve") && !named("pay*/Approve", "ledger", "Approve"));
}
