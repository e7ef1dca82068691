//! Plans on answers of DescribeChangeSet as AWS writes them, in the form of its command line.

use serde_json::{Value, json};

use super::*;

/// Source: CloudFormation API, `DescribeChangeSet`, `ResourceChange`, `ResourceChangeDetail`.
fn changes(answer: &Value) -> Vec<ResourceChange> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = |change: &Value| {
        let change = &change["ResourceChange"];
        let details = change["Details"].as_array().cloned().unwrap_or_default();
        let mut properties: Vec<String> =
            details
                .iter()
                .map(|detail| &detail["Target"])
                .map(|target| {
                    if target["Name"].is_null() { text(&target["Attribute"]) } else { text(&target["Name"]) }
                })
                .collect();
        properties.sort();
        properties.dedup();
        ResourceChange {
            logical_id: text(&change["LogicalResourceId"]),
            resource_type: text(&change["ResourceType"]),
            action: text(&change["Action"]),
            replacement: text(&change["Replacement"]),
            policy: text(&change["PolicyAction"]),
            properties,
        }
    };
    answer["Changes"].as_array().unwrap().iter().map(resource).collect()
}

/// One entry of `Changes`.
fn change(logical_id: &str, kind: &str, action: &str, more: Value, properties: &[&str]) -> Value {
    let detail = |property: &&str| {
        json!({
            "Target": { "Attribute": "Properties", "Name": property, "RequiresRecreation": "Never",
                        "Path": format!("/Properties/{property}"), "AttributeChangeType": "Modify" },
            "Evaluation": "Static", "ChangeSource": "DirectModification"
        })
    };
    let mut resource = json!({
        "Action": action,
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": format!("tidegate-payments-production-{logical_id}-1A2B3C4D5E6F"),
        "ResourceType": kind,
        "Scope": ["Properties"],
        "Details": properties.iter().map(detail).collect::<Vec<_>>()
    });
    resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "Type": "Resource", "ResourceChange": resource })
}

fn answer(changes: Vec<Value>) -> Value {
    json!({
        "ChangeSetName": "payments-production-7-31",
        "StackName": "tidegate-payments-production",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Changes": changes
    })
}

fn digest(digit: &str) -> ImageDigest {
    format!("sha256:{}", digit.repeat(64)).parse().unwrap()
}

/// The lines with their danger, the digests shortened.
fn told(changes: Vec<Value>, differences: &[&str]) -> String {
    let changes = self::changes(&answer(changes));
    let differences = differences.iter().map(|&difference| difference.to_owned()).collect();
    let lines = lines(ChangeSetKind::Update, Some(&digest("a")), &digest("b"), None, differences, &changes);
    let line = |line: &PlanLine| {
        format!("{:?} | {}", line.danger, line.text.replace(&"a".repeat(60), "").replace(&"b".repeat(60), ""))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

const NONE: fn() -> Value = || json!({});

#[test]
fn a_plain_deployment_is_a_new_image_and_nothing_dangerous() {
    insta::assert_snapshot!(told(vec![
        change("EcsService", "AWS::ECS::Service", "Modify", json!({"Replacement": "False"}), &["TaskDefinition"]),
        change("TaskDefinition", "AWS::ECS::TaskDefinition", "Modify", json!({"Replacement": "True", "PolicyAction": "ReplaceAndDelete"}), &["ContainerDefinitions"]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    None | change EcsService (AWS::ECS::Service): TaskDefinition
    None | new revision of TaskDefinition (AWS::ECS::TaskDefinition): ContainerDefinitions
    ");
}

#[test]
fn what_is_lost_comes_first_and_what_holds_data_before_what_does_not() {
    insta::assert_snapshot!(told(vec![
        change("Alarm", "AWS::CloudWatch::Alarm", "Remove", json!({"PolicyAction": "Delete"}), &[]),
        change("Orders", "AWS::DynamoDB::Table", "Modify", json!({"Replacement": "True", "PolicyAction": "ReplaceAndDelete"}), &["KeySchema"]),
        change("Logs", "AWS::Logs::LogGroup", "Remove", json!({"PolicyAction": "Delete"}), &[]),
        change("Files", "AWS::S3::Bucket", "Remove", json!({"PolicyAction": "Retain"}), &[]),
        change("Database", "AWS::RDS::DBInstance", "Remove", json!({"PolicyAction": "Snapshot"}), &[]),
        change("Replica", "AWS::RDS::DBInstance", "Modify", json!({"Replacement": "True", "PolicyAction": "ReplaceAndSnapshot"}), &["AvailabilityZone"]),
        change("Queue", "AWS::SQS::Queue", "Modify", json!({"Replacement": "True", "PolicyAction": "ReplaceAndRetain"}), &["FifoQueue"]),
        change("TaskRole", "AWS::IAM::Role", "Modify", json!({"Replacement": "True"}), &["Path"]),
        change("Topic", "AWS::SNS::Topic", "Modify", json!({"Replacement": "Conditional"}), &["TopicName"]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    Delete | delete Database (AWS::RDS::DBInstance) after a last snapshot
    Delete | delete Logs (AWS::Logs::LogGroup) and all that it holds
    Delete | delete Alarm (AWS::CloudWatch::Alarm)
    Replace | replace Orders (AWS::DynamoDB::Table): KeySchema; the new one is empty, and what the old one holds is lost
    Replace | replace Queue (AWS::SQS::Queue): FifoQueue; the new one is empty, the old one stays
    Replace | replace Replica (AWS::RDS::DBInstance): AvailabilityZone; the new one is empty, a last snapshot of the old one stays
    Replace | replace TaskRole (AWS::IAM::Role): Path
    MayReplace | may replace Topic (AWS::SNS::Topic): TopicName
    None | let go of Files (AWS::S3::Bucket); it stays, but is the stack's no more
    ");
}

#[test]
fn gaps_in_traffic_are_named() {
    insta::assert_snapshot!(told(vec![
        change("TargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup", "Modify", json!({"Replacement": "True"}), &["Port"]),
        change("ListenerRule", "AWS::ElasticLoadBalancingV2::ListenerRule", "Modify", json!({"Replacement": "False"}), &["Conditions", "Priority"]),
        change("TaskSecurityGroup", "AWS::EC2::SecurityGroup", "Modify", json!({"Replacement": "False"}), &["SecurityGroupIngress"]),
        change("EcsService", "AWS::ECS::Service", "Modify", json!({"Replacement": "True"}), &["Cluster"]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    Replace | replace EcsService (AWS::ECS::Service): Cluster; its tasks are started anew before the running ones end
    Replace | replace TargetGroup (AWS::ElasticLoadBalancingV2::TargetGroup): Port; requests fail until tasks are healthy in the new one
    TrafficGap | change ListenerRule (AWS::ElasticLoadBalancingV2::ListenerRule): Conditions, Priority; requests are routed anew at once, before new tasks run
    TrafficGap | change TaskSecurityGroup (AWS::EC2::SecurityGroup): SecurityGroupIngress; running tasks may be out of reach until new ones take their place
    ");
    insta::assert_snapshot!(told(vec![
        change("ListenerRule", "AWS::ElasticLoadBalancingV2::ListenerRule", "Modify", json!({"Replacement": "True"}), &["ListenerArn"]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    Replace | replace ListenerRule (AWS::ElasticLoadBalancingV2::ListenerRule): ListenerArn; requests to the old listener are not answered any more
    ");
    // A worker of what was a web service.
    insta::assert_snapshot!(told(vec![
        change("ListenerRule", "AWS::ElasticLoadBalancingV2::ListenerRule", "Remove", json!({"PolicyAction": "Delete"}), &[]),
        change("TargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup", "Remove", json!({"PolicyAction": "Delete"}), &[]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    Delete | delete ListenerRule (AWS::ElasticLoadBalancingV2::ListenerRule); no request comes to the service any more
    Delete | delete TargetGroup (AWS::ElasticLoadBalancingV2::TargetGroup)
    ");
    // A job of what was a service.
    insta::assert_snapshot!(told(vec![
        change("EcsService", "AWS::ECS::Service", "Remove", json!({"PolicyAction": "Delete"}), &[]),
        change("JobSchedule", "AWS::Scheduler::Schedule", "Add", NONE(), &[]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    Delete | delete EcsService (AWS::ECS::Service); nothing of it runs any more
    None | add JobSchedule (AWS::Scheduler::Schedule)
    ");
    // A rule's action alone is how traffic shifts.
    insta::assert_snapshot!(told(vec![
        change("ListenerRule", "AWS::ElasticLoadBalancingV2::ListenerRule", "Modify", json!({"Replacement": "False"}), &["Actions"]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    None | change ListenerRule (AWS::ElasticLoadBalancingV2::ListenerRule): Actions
    ");
}

#[test]
fn what_cloudformation_waits_by_is_told_as_what_it_waits_for() {
    let command = Verify::Errand(Errand { command: vec!["./check".to_owned()], timeout_minutes: 10 });
    let path = Verify::Probe(config::Probe { path: "/payments/ready".to_owned(), timeout_minutes: 10 });
    let condition = |name: &str, action: &str| change(name, config::WAIT_CONDITION, action, NONE(), &[]);
    assert_eq!(
        told(vec![condition("Verify0a", "Remove"), condition("Verify1b", "Add")], &[]).lines().count(),
        1
    );
    let mut lines = vec![plain("image".to_owned())];
    add_verify(&mut lines, &command);
    add_verify(&mut lines, &path);
    insta::assert_snapshot!(lines[2].text, @"`verify` runs when all is in place, and decides whether it stays: ./check");
    insta::assert_snapshot!(lines[1].text, @"`verify` runs when all is in place, and decides whether it stays: GET /payments/ready through the load balancer");
}

#[test]
fn a_command_forges_no_line_of_the_plan_and_hides_none() {
    let errand = |words: &[&str]| Errand {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        timeout_minutes: 10,
    };
    let told = |words: &[&str]| {
        let mut lines = vec![plain("image".to_owned())];
        add_verify(&mut lines, &Verify::Errand(errand(words)));
        lines[1].text.split_once("stays: ").unwrap().1.to_owned()
    };
    assert_eq!(told(&["./migrate", "up", "--to=7"]), "./migrate up --to=7");
    assert_eq!(told(&["sh", "-c", "./migrate up", ""]), r#"sh -c "./migrate up" """#);
    let forged = "true\n  - image stays as it is\u{1b}[2A\u{1b}[2K\u{202e}";
    assert_eq!(told(&[forged]), r#""true\n  - image stays as it is\u{1b}[2A\u{1b}[2K\u{202e}""#);
    assert_eq!(told(&["a\u{200b}b", "it's"]), r#""a\u{200b}b" "it's""#);
}

#[test]
fn differences_of_the_config_come_between_dangerous_and_harmless_lines() {
    insta::assert_snapshot!(told(vec![
        change("ScalableTarget", "AWS::ApplicationAutoScaling::ScalableTarget", "Modify", json!({"Replacement": "False"}), &["MaxCapacity"]),
        change("Logs", "AWS::Logs::LogGroup", "Remove", json!({"PolicyAction": "Delete"}), &[]),
    ], &["scaling.max 10 → 40", "container.environment.LOG_LEVEL \"info\" → \"warn\""]), @r#"
    None | image sha256:aaaa → sha256:bbbb
    Delete | delete Logs (AWS::Logs::LogGroup) and all that it holds
    None | config: scaling.max 10 → 40
    None | config: container.environment.LOG_LEVEL "info" → "warn"
    None | change ScalableTarget (AWS::ApplicationAutoScaling::ScalableTarget): MaxCapacity
    "#);
}

#[test]
fn what_is_not_known_is_told_as_it_stands() {
    insta::assert_snapshot!(told(vec![
        change("Nested", "AWS::CloudFormation::Stack", "Dynamic", NONE(), &[]),
        change("Imported", "AWS::S3::Bucket", "Import", NONE(), &[]),
        change("TaskDefinition", "AWS::ECS::TaskDefinition", "Modify", json!({"Replacement": "True"}),
            &["ContainerDefinitions", "Cpu", "Memory", "Volumes", "TaskRoleArn", "ExecutionRoleArn", "NetworkMode", "Family"]),
    ], &[]), @"
    None | image sha256:aaaa → sha256:bbbb
    MayReplace | Dynamic Nested (AWS::CloudFormation::Stack)
    None | import Imported (AWS::S3::Bucket)
    None | new revision of TaskDefinition (AWS::ECS::TaskDefinition): ContainerDefinitions, Cpu, ExecutionRoleArn, Family, Memory, NetworkMode and 2 more
    ");
}

#[test]
fn the_image_is_told_whether_it_changes_stays_or_is_the_first() {
    let first = |kind, live: Option<&str>| {
        let live = live.map(digest);
        lines(kind, live.as_ref(), &digest("b"), None, Vec::new(), &[])[0].text[..20].to_owned()
    };
    assert_eq!(first(ChangeSetKind::Update, Some("a")), "image sha256:aaaaaaa");
    assert_eq!(first(ChangeSetKind::Update, Some("b")), "image stays sha256:b");
    assert_eq!(first(ChangeSetKind::Update, None), "image sha256:bbbbbbb");
    assert_eq!(first(ChangeSetKind::Create, None), "create the stack; im");
}

#[test]
fn a_huge_plan_says_how_much_it_leaves_out() {
    let many = (0..40).map(|n| change(&format!("R{n:02}"), "AWS::SNS::Topic", "Add", NONE(), &[])).collect();
    let lines = told(many, &[]);
    assert_eq!(lines.lines().count(), LINES_MAX + 2);
    assert!(lines.ends_with("None | and 10 more lines"), "{lines}");
}

/// A whole stack that goes, with what the policy of each says.
#[test]
fn a_retirement_tells_first_what_ends_then_where_requests_no_longer_come_then_what_is_lost() {
    let removal = |logical_id: &str, resource_type: &str, policy: &str| ResourceChange {
        logical_id: logical_id.to_owned(),
        resource_type: resource_type.to_owned(),
        action: "Remove".to_owned(),
        replacement: String::new(),
        policy: policy.to_owned(),
        properties: Vec::new(),
    };
    let rule = "AWS::ElasticLoadBalancingV2::ListenerRule";
    let told = |removals: &[ResourceChange]| {
        let stack = StackRead {
            id: "stack/1".to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            reason: None,
            outputs: Default::default(),
            parameters: [("Hosts", ""), ("Paths", "/payments,/payments/*")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            is_protected: false,
        };
        let name = "payments/production".parse::<model::ids::TrackKey>().unwrap().stack();
        let lines = of_retirement((&name, &stack), &digest("a"), removals);
        let line =
            |line: &PlanLine| format!("{:?} | {}", line.danger, line.text.replace(&"a".repeat(60), ""));
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(&[
        removal("EcsService", "AWS::ECS::Service", "Delete"),
        removal("Files", "AWS::S3::Bucket", "Delete"),
        removal("ListenerRule", rule, "Delete"),
        removal("Logs", "AWS::Logs::LogGroup", "Retain"),
        removal("Store", "AWS::RDS::DBInstance", "Snapshot"),
        removal("Verify0", WAIT_CONDITION, "Delete"),
    ]), @"
    Delete | delete stack tidegate-payments-production; image sha256:aaaa runs no more
    TrafficGap | the route /payments,/payments/* is no longer served, and others may ask for it
    Delete | delete Files (AWS::S3::Bucket) and all that it holds
    Delete | delete Store (AWS::RDS::DBInstance) after a last snapshot
    Delete | delete EcsService (AWS::ECS::Service); nothing of it runs any more
    Delete | delete ListenerRule (AWS::ElasticLoadBalancingV2::ListenerRule); no request comes to the service any more
    None | let go of Logs (AWS::Logs::LogGroup); it stays, but is the stack's no more
    None | images, databases and secrets outside the stack stay, and so does the registration: a push or a promotion deploys it anew
    ");
    insta::assert_snapshot!(told(&[
        removal("EcsService", "AWS::ECS::Service", "Retain"),
        removal("ListenerRule", rule, "Retain"),
    ]), @"
    Delete | delete stack tidegate-payments-production; image sha256:aaaa runs no more
    None | let go of EcsService (AWS::ECS::Service); it goes on running, but is the stack's no more
    None | let go of ListenerRule (AWS::ElasticLoadBalancingV2::ListenerRule); it goes on taking its requests and its place
    None | images, databases and secrets outside the stack stay, and so does the registration: a push or a promotion deploys it anew
    ");
}
