use std::collections::BTreeMap;

use config::{EnvironmentRecord, Rendered, ServiceConfig, ServiceRecord};
use model::ids::EnvironmentName;
use serde_json::{Value, json};

/// A small base template with every kind of parameter.
pub(crate) const BASE: &str = r#"
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Service: { Type: String }
  Environment: { Type: String }
  Image: { Type: String }
  Cluster: { Type: String }
  ListenerArn: { Type: String }
  VpcId: { Type: AWS::EC2::VPC::Id }
  Subnets: { Type: List<AWS::EC2::Subnet::Id> }
  AssignPublicIp: { Type: String }
  LoadBalancerSecurityGroup: { Type: String }
  PermissionsBoundaryArn: { Type: String }
  Paths: { Type: CommaDelimitedList }
  Priority: { Type: Number }
  ContainerPort: { Type: Number, Default: 8080 }
  Cpu: { Type: Number, Default: 256 }
  MemoryMiB: { Type: Number, Default: 512 }
  HealthCheckPath: { Type: String, Default: / }
Resources:
  TaskRole:
    Type: AWS::IAM::Role
    Properties:
      PermissionsBoundary: !Ref PermissionsBoundaryArn
      AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }
  TaskDefinition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{ Name: !Ref Service, Image: !Ref Image }]
"#;

pub(crate) fn name(environment: &str) -> EnvironmentName {
    environment.parse().unwrap()
}

pub(crate) fn service_record() -> Value {
    json!({
        "service": "payments", "branches": ["main"], "paths": ["/payments"], "hosts": [],
        "imageRepository": "tidegate/payments",
        "imageRepositoryUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tidegate/payments",
        "buildRoleArn": "arn:aws:iam::123456789012:role/build-payments",
        "taskExecutionRoleArn": "arn:aws:iam::123456789012:role/tidegate/task/payments",
        "taskLogGroupArn": "arn:aws:logs:eu-west-1:123456789012:log-group:payments-tasks"
    })
}

pub(crate) fn environment_record() -> Value {
    json!({
        "cluster": "shared",
        "listenerArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/0a/1b",
        "loadBalancerSecurityGroup": "sg-0a1b", "vpcId": "vpc-0a1b", "subnets": ["subnet-0a", "subnet-1b"],
        "assignPublicIp": false, "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "template": "stacks/service.yaml", "branch": "main",
        "floor": {
            "approvals": 1, "replies": true, "selfApproval": false, "expiresHours": 72, "rollbackApprovals": 1
        },
        "caps": { "cpu": 4096, "memoryMiB": 30720, "tasks": 50 },
        "probe": { "url": "https://shop.example.com", "image": "curl:8" }
    })
}

/// `record` with the value at `pointer` changed; null removes it.
pub(crate) fn with(mut record: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = record.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(map) if value.is_null() => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            panic!("{pointer} leads nowhere")
        }
    }
    record
}

/// Objects on the way to `pointer` are made.
pub(crate) fn with_all(mut written: Value, pointer: &str, value: Value) -> Value {
    let steps: Vec<usize> = pointer.match_indices('/').map(|(at, _)| at).skip(1).collect();
    for at in steps {
        if written.pointer(&pointer[..at]).is_none() {
            written = with(written, &pointer[..at], json!({}));
        }
    }
    with(written, pointer, value)
}

pub(crate) fn service(record: &Value) -> ServiceRecord {
    ServiceRecord::parse(record.to_string().as_bytes()).unwrap()
}

pub(crate) fn environment(record: &Value) -> EnvironmentRecord {
    EnvironmentRecord::parse(record.to_string().as_bytes()).unwrap()
}

pub(crate) fn environments(
    branches: &[(&str, Option<&str>)],
) -> BTreeMap<EnvironmentName, EnvironmentRecord> {
    let record = |branch: &Option<&str>| environment(&with(environment_record(), "/branch", json!(branch)));
    branches.iter().map(|(environment, branch)| (name(environment), record(branch))).collect()
}

pub(crate) fn first_form() -> Value {
    json!({
        "service": "payments", "kind": "web",
        "routing": { "paths": ["/payments", "/payments/*"], "priority": 120 },
        "container": { "port": 8080, "cpu": 256, "memoryMiB": 512 },
        "environments": {
            "staging": { "branch": "main" },
            "production": { "branch": "release", "approval": { "required": 2 } }
        }
    })
}

pub(crate) fn config(written: &Value) -> ServiceConfig {
    config::parse(written.to_string().as_bytes()).unwrap_or_else(|faults| panic!("{faults}\nin {written:#}"))
}

/// What the author of a config is told.
pub(crate) fn told(written: &Value) -> String {
    told_text(&written.to_string())
}

pub(crate) fn told_text(written: &str) -> String {
    config::parse(written.as_bytes()).expect_err(written).to_string()
}

/// The base that the project ships.
pub(crate) fn shipped() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../stacks/service.yaml")).unwrap()
}

/// The records that the configs in `tests/configs` are written for.
pub(crate) fn records() -> (ServiceRecord, EnvironmentRecord) {
    let read =
        |file: &str| std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/records/").to_owned() + file);
    let service = ServiceRecord::parse(&read("service.json").unwrap()).unwrap();
    (service, EnvironmentRecord::parse(&read("environment.json").unwrap()).unwrap())
}

pub(crate) fn digest() -> model::ids::ImageDigest {
    format!("sha256:{}", "0a".repeat(32)).parse().unwrap()
}

pub(crate) fn rendered(base: &str, written: &Value) -> Result<Rendered, config::Faults> {
    let (service, record) = (service(&service_record()), environment(&environment_record()));
    config::render(
        base,
        &config(written),
        &name("production"),
        &service,
        &record,
        &digest(),
        &Default::default(),
    )
}
