use config::{Capability, Faults, Probe, Rendered, Verify};
use serde_json::{Value, json};

use crate::support::{
    BASE, config, digest, environment, environment_record, first_form, name, rendered, service,
    service_record, shipped, with,
};

fn told(rendered: Result<Rendered, Faults>) -> String {
    rendered.expect_err("a fault").to_string()
}

/// A template with these resources and no parameters, rendered for a config that sets none.
fn rendered_resources(resources: &str) -> Rendered {
    rendered(&format!("Resources: {resources}"), &json!({})).unwrap()
}

#[test]
fn the_engines_parameters_come_from_the_records() {
    let rendered = rendered(BASE, &first_form()).unwrap();
    let lines: Vec<String> =
        rendered.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    AssignPublicIp=false
    Cluster=shared
    ContainerPort=8080
    Cpu=256
    Environment=production
    Image=123456789012.dkr.ecr.eu-west-1.amazonaws.com/tidegate/payments@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
    ListenerArn=arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/0a/1b
    LoadBalancerSecurityGroup=sg-0a1b
    MemoryMiB=512
    Paths=/payments,/payments/*
    PermissionsBoundaryArn=arn:aws:iam::123456789012:policy/boundary
    Priority=120
    Service=payments
    Subnets=subnet-0a,subnet-1b
    VpcId=vpc-0a1b
    ");
}

#[test]
fn the_shipped_template_takes_every_parameter_that_the_engine_and_a_config_set() {
    let rendered = rendered(&shipped(), &first_form()).unwrap();
    let names: Vec<&str> = rendered.parameters.keys().map(String::as_str).collect();
    insta::assert_snapshot!(names.join(" "), @"AssignPublicIp Cluster ContainerPort Cpu Environment Image ListenerArn LoadBalancerSecurityGroup MemoryMiB Paths PermissionsBoundaryArn Priority Service Serving Subnets TaskPolicyArns VpcId");
    assert_eq!(rendered.capabilities, [Capability::Iam]);
    assert!(rendered.stack_policy.is_none() && rendered.tags.is_empty());
}

#[test]
fn a_policy_that_has_two_names_is_attached_once() {
    const ARN: &str = "arn:aws:iam::123456789012:policy/orders";
    let policy = json!({ "arn": ARN, "services": ["payments"] });
    let record = with(environment_record(), "/managedPolicies", json!({ "orders": policy, "queue": policy }));
    let written = with(first_form(), "/taskRole", json!({ "managedPolicies": ["orders", "queue"] }));
    let (service, record) = (service(&service_record()), environment(&record));
    let (environment, standing) = (name("production"), Default::default());
    let config = config(&written);
    let rendered =
        config::render(&shipped(), &config, &environment, &service, &record, &digest(), &standing).unwrap();
    assert_eq!(rendered.parameters["TaskPolicyArns"], ARN);
}

#[test]
fn the_shipped_template_keeps_its_meaning_as_json() {
    let rendered = rendered(&shipped(), &first_form()).unwrap();
    let template: Value = serde_json::from_str(&rendered.template).unwrap();
    let at = |pointer: &str| template.pointer(pointer).unwrap().clone();
    assert_eq!(at("/AWSTemplateFormatVersion"), "2010-09-09");
    let container = "/Resources/TaskDefinition/Properties/ContainerDefinitions/0";
    assert_eq!(at(&format!("{container}/Image")), json!({"Ref": "Image"}));
    assert_eq!(
        at("/Resources/TaskDefinition/Properties/ExecutionRoleArn"),
        json!({"Fn::GetAtt": ["ExecutionRole", "Arn"]})
    );
    assert!(!rendered.template.contains("!Ref") && !rendered.template.contains("!Sub"));
}

#[test]
fn the_shipped_template_tells_what_it_needs() {
    insta::assert_snapshot!(told(rendered(&shipped(), &json!({"Parameters": {"MinTasks": "0", "HealthPath": "/"}}))), @"
    $.Parameters.Paths is missing; allowed: path patterns that come to this service
    $.Parameters.Priority is missing; allowed: its place among the listener's rules
    $.Parameters.HealthPath is set, but HealthPath is not a parameter of the environment's template; allowed: the template's parameters Alarms, BakeMinutes, ContainerPort, Cpu, CpuPercent, HealthCheckGraceSeconds, HealthCheckIntervalSeconds, HealthCheckPath, HealthCheckStatus, HealthCheckTimeoutSeconds, HealthyCount, Hosts, Kind, LogRetentionDays, MaxTasks, MemoryMiB, MinTasks, OnDemandPercent, Paths, Priority, RequestsPerTarget, ScheduleExpression, ScheduleTimeZone, SpotPercent, StepMinutes, StepPercent, Strategy, UnhealthyCount; did you mean $.Parameters.HealthCheckPath?
    $.Parameters.MinTasks is a value that the environment's template refuses; allowed: a number from 1 to 5000
    ");
}

#[test]
fn what_a_config_says_goes_with_what_the_template_says_beside_it() {
    let told = |parameters: Value| told(rendered(&shipped(), &with(first_form(), "/Parameters", parameters)));
    insta::assert_snapshot!(told(json!({"MinTasks": "9"})), @"$.Parameters.MinTasks is 9; allowed: at most the template's MaxTasks, which is 2");
    insta::assert_snapshot!(told(json!({"MaxTasks": "1"})), @"$.Parameters.MaxTasks is 1; allowed: at least the template's MinTasks, which is 2");
    insta::assert_snapshot!(told(json!({"HealthCheckTimeoutSeconds": "20"})), @"$.Parameters.HealthCheckTimeoutSeconds is 20; allowed: less than the template's HealthCheckIntervalSeconds, which is 15");
}

#[test]
fn a_template_that_does_not_declare_a_parameter_is_not_given_it() {
    let rendered = rendered("Parameters: {Image: {Type: String}}\nResources: {}", &json!({})).unwrap();
    assert_eq!(rendered.parameters.keys().collect::<Vec<_>>(), ["Image"]);
}

#[test]
fn the_template_is_canonical_json_under_its_own_hash() {
    let rendered = rendered_resources("{ B: {Type: T, Properties: {V: 08, W: !Ref A}}, A: {Type: T} }");
    insta::assert_snapshot!(rendered.template, @r#"{"Resources":{"A":{"Type":"T"},"B":{"Properties":{"V":"08","W":{"Ref":"A"}},"Type":"T"}}}"#);
    insta::assert_snapshot!(rendered.sha256, @"49a3770cdc59ddf65500ec48f04077c2e3c3ae4e9e3c38739cdf892882f8dcef");
}

#[test]
fn what_is_to_be_verified_waits_for_all_else_under_a_name_of_its_own() {
    let verify = Verify::Probe(Probe { path: "/payments".to_owned(), timeout_minutes: 10 });
    let awaiting = |resources: &str| {
        let mut rendered = rendered_resources(resources);
        let condition = rendered.await_verdict(&verify).unwrap();
        (condition, rendered)
    };
    let (condition, first) = awaiting("{ B: {Type: T}, A: {Type: T} }");
    let template: Value = serde_json::from_str(&first.template).unwrap();
    insta::assert_snapshot!(template["Resources"][&condition], @r#"{"CreationPolicy":{"ResourceSignal":{"Count":1,"Timeout":"PT25M"}},"DependsOn":["A","B"],"Type":"AWS::CloudFormation::WaitCondition"}"#);
    assert_eq!(
        awaiting("{ B: {Type: T}, A: {Type: T} }"),
        (condition.clone(), first),
        "nothing new, no new name"
    );
    assert_ne!(awaiting("{ B: {Type: T}, A: {Type: U} }").0, condition);
}

#[test]
fn blanks_comments_and_the_order_of_keys_change_no_byte() {
    let a = rendered_resources("\n  A: { Type: T, Condition: C }\n  B: {Type: T} # why\n");
    let b = rendered_resources("{\"B\": {Type: T}, A: {Condition: \"C\", Type: T}}");
    assert_eq!(a, b);
    assert_eq!(rendered(BASE, &first_form()).unwrap(), rendered(BASE, &first_form()).unwrap());
}

#[test]
fn tags_and_stack_policy_are_passed_on() {
    let written = json!({"Tags": {"team": "billing"}, "StackPolicy": {"Statement": [{"Resource": "*", "Effect": "Deny"}]}});
    let rendered = rendered("Resources: {}", &written).unwrap();
    assert_eq!(rendered.tags["team"], "billing");
    assert_eq!(rendered.stack_policy.unwrap(), r#"{"Statement":[{"Effect":"Deny","Resource":"*"}]}"#);
}

#[test]
fn a_template_gets_the_least_capabilities_that_it_needs() {
    for (resources, needed) in [
        ("{A: {Type: AWS::SNS::Topic}}", vec![]),
        ("{A: {Type: AWS::IAM::Role, Properties: {Path: /x/}}}", vec![Capability::Iam]),
        ("{A: {Type: AWS::IAM::Role, Properties: {RoleName: x}}}", vec![Capability::NamedIam]),
        (
            "{A: {Type: AWS::IAM::Role, Properties: {RoleName: x}}, B: {Type: AWS::IAM::Policy, Properties: {PolicyName: x}}}",
            vec![Capability::NamedIam],
        ),
        ("{A: {Type: AWS::IAM::Policy, Properties: {PolicyName: x}}}", vec![Capability::Iam]),
        ("{A: {Type: T, Properties: {Fn::Transform: {Name: AWS::Include}}}}", vec![Capability::AutoExpand]),
        (
            "{A: {Type: AWS::IAM::Role}}\nTransform: AWS::LanguageExtensions",
            vec![Capability::Iam, Capability::AutoExpand],
        ),
    ] {
        assert_eq!(rendered_resources(resources).capabilities, needed, "{resources}");
    }
}

#[test]
fn a_capability_is_spelled_as_cloudformation_spells_it() {
    for capability in [Capability::Iam, Capability::NamedIam, Capability::AutoExpand] {
        assert_eq!(serde_json::to_value(capability).unwrap(), capability.as_str());
    }
}

#[test]
fn a_parameter_that_the_template_lacks_is_told_with_the_nearest() {
    let parameters = |written: Value| told(rendered(BASE, &json!({ "Parameters": written })));
    insta::assert_snapshot!(parameters(json!({"Paths": "/a", "Priority": "1", "HealthChekPath": "/health"})), @"$.Parameters.HealthChekPath is set, but HealthChekPath is not a parameter of the environment's template; allowed: the template's parameters ContainerPort, Cpu, HealthCheckPath, MemoryMiB, Paths, Priority; did you mean $.Parameters.HealthCheckPath?");
    let bare = "Parameters: {Image: {Type: String}}\nResources: {}";
    insta::assert_snapshot!(told(rendered(bare, &with(first_form(), "/container", json!({"port": 80})))), @"
    $.container.port is set, but ContainerPort is not a parameter of the environment's template; allowed: nothing: the environment's template takes no parameters from a config
    $.routing.paths is set, but Paths is not a parameter of the environment's template; allowed: nothing: the environment's template takes no parameters from a config
    $.routing.priority is set, but Priority is not a parameter of the environment's template; allowed: nothing: the environment's template takes no parameters from a config
    ");
}

#[test]
fn a_parameter_that_nobody_set_is_told() {
    insta::assert_snapshot!(told(rendered(BASE, &json!({}))), @"
    $.Parameters.Paths is missing; allowed: path patterns that come to this service
    $.Parameters.Priority is missing; allowed: its place among the listener's rules
    $.Parameters.Paths is missing; allowed: a value, as the environment's template has no default for Paths
    $.Parameters.Priority is missing; allowed: a value, as the environment's template has no default for Priority
    ");
    let more = BASE.replace("  Priority:", "  Shards: { Type: Number }\n  Priority:");
    insta::assert_snapshot!(told(rendered(&more, &first_form())), @"$.Parameters.Shards is missing; allowed: a value, as the environment's template has no default for Shards");
}

#[test]
fn a_value_that_the_record_lacks_is_told() {
    let record = with(environment_record(), "/listenerArn", Value::Null);
    let (service, record) = (service(&service_record()), environment(&record));
    let config = config(&first_form());
    let render = |base: &str| {
        config::render(base, &config, &name("production"), &service, &record, &digest(), &Default::default())
    };
    insta::assert_snapshot!(told(render(BASE)), @"environment record: $.listenerArn is missing; allowed: a value, as the environment's template has the parameter ListenerArn");
    let optional =
        BASE.replace("ListenerArn: { Type: String }", "ListenerArn: { Type: String, Default: '' }");
    assert!(!render(&optional).unwrap().parameters.contains_key("ListenerArn"));
}

#[test]
fn a_value_that_the_template_refuses_is_told_and_not_quoted() {
    let base = |body: &str| format!("Parameters: {{P: {{{body}}}}}\nResources: {{}}");
    let given = |body: &str, value: &str| match rendered(&base(body), &json!({"Parameters": {"P": value}})) {
        Ok(rendered) => rendered.parameters["P"].clone(),
        Err(faults) => faults.to_string(),
    };
    assert_eq!(given("AllowedValues: [1, '2', x]", "2"), "2");
    assert_eq!(given("AllowedValues: [1, '2', x]", "1"), "1");
    assert_eq!(given("MinValue: 1, MaxValue: 3", "3"), "3");
    insta::assert_snapshot!(given("AllowedValues: [1, '2', x]", "3"), @"$.Parameters.P is a value that the environment's template refuses; allowed: one of 1, 2, x");
    insta::assert_snapshot!(given("MinValue: 1, MaxValue: 3", "4"), @"$.Parameters.P is a value that the environment's template refuses; allowed: a number from 1 to 3");
    insta::assert_snapshot!(given("MinValue: 1", "0"), @"$.Parameters.P is a value that the environment's template refuses; allowed: a number of at least 1");
    insta::assert_snapshot!(given("MaxValue: 3", "many"), @"$.Parameters.P is a value that the environment's template refuses; allowed: a number of at most 3");
    let closed = "Parameters: {AssignPublicIp: {AllowedValues: [ENABLED]}}\nResources: {}";
    insta::assert_snapshot!(told(rendered(closed, &json!({}))), @r#"template: $.Parameters.AssignPublicIp is to be "false", which it does not take; allowed: one of ENABLED"#);
}

#[test]
fn a_bad_template_is_told() {
    let base = |text: &str| told(rendered(text, &json!({})));
    insta::assert_snapshot!(base(""), @"template: $.Resources is missing; allowed: a CloudFormation template's resources");
    insta::assert_snapshot!(base("Resources: ["), @"template: $ is not YAML: did not find expected node content at line 2 column 1, while parsing a flow node; allowed: a CloudFormation template");
    insta::assert_snapshot!(base("Parameters: []\nResources: {}"), @"template: $.Parameters is a list; allowed: an object");
    insta::assert_snapshot!(base("Resources: {A: {Type: T, Properties: {P: '{{resolve:ssm:/x}}', Q: !Sub '{{resolve:ssm:/x:${V}}}'}}}"), @r#"
    template: $.Resources.A.Properties.P is "{{resolve:ssm:/x}}"; allowed: a dynamic reference that names its version: {{resolve:ssm:<name>:<version>}}, {{resolve:ssm-secure:<name>:<version>}} or {{resolve:secretsmanager:<name>:SecretString:<key>::<version id>}}
    template: $.Resources.A.Properties.Q["Fn::Sub"] is "{{resolve:ssm:/x:${V}}"; allowed: a dynamic reference that names its version: {{resolve:ssm:<name>:<version>}}, {{resolve:ssm-secure:<name>:<version>}} or {{resolve:secretsmanager:<name>:SecretString:<key>::<version id>}}
    "#);
    insta::assert_snapshot!(base(&format!("# {}\nResources: {{}}", "x".repeat(1_000_000))), @"template: $ is 1000016 bytes long; allowed: at most 1000000 bytes");
    let many: String = (0..201).map(|n| format!("  P{n}: {{Type: String, Default: x}}\n")).collect();
    insta::assert_snapshot!(base(&format!("Parameters:\n{many}Resources: {{}}")), @"template: $.Parameters is an object of 201 entries; allowed: at most 200");
}

#[test]
fn a_deep_or_swelling_template_is_refused() {
    let deep = format!("Resources: {}{}", "[".repeat(900), "]".repeat(900));
    insta::assert_snapshot!(told(rendered(&deep, &json!({}))), @"template: $ is not YAML: recursion limit exceeded at line 1 column 139; allowed: a CloudFormation template");
    insta::assert_snapshot!(told(rendered(&"{a: [".repeat(501), &json!({}))), @"template: $ is more than 1000 brackets within each other; allowed: a CloudFormation template");
    let short = format!("a: &a [{}]\nResources: {{A: [{}]}}", "x, ".repeat(3_000), "*a, ".repeat(1_000));
    insta::assert_snapshot!(told(rendered(&short, &json!({}))), @"template: $ is more than 1000000 bytes long with its aliases written out; allowed: at most 1000000 bytes");
    let mut swelling = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let inner = vec![format!("*a{}", n - 1); 9].join(", ");
        swelling.push_str(&format!("a{n}: &a{n} [{inner}]\n"));
    }
    insta::assert_snapshot!(told(rendered(&format!("{swelling}Resources: {{}}"), &json!({}))), @"template: $ is not YAML: repetition limit exceeded; allowed: a CloudFormation template");
}

#[test]
fn what_a_template_sets_itself_or_cannot_hold_is_told() {
    let written = with(first_form(), "/container/environment", json!({"LOG_LEVEL": "info"}));
    let base = |container: &str| BASE.replace("{ Name: !Ref Service, Image: !Ref Image }", container);
    let place = "template: $.Resources.TaskDefinition.Properties.ContainerDefinitions";
    let first = "missing; allowed: a list whose first entry is the service's own container, as the config says more of it";
    for (container, expected) in [
        (
            "{ Name: !Ref Service, Environment: [{ Name: LOG_LEVEL, Value: debug }] }",
            "[0].Environment is to hold \"LOG_LEVEL\" a second time; allowed: variables that the environment's template does not \
             set itself".to_owned(),
        ),
        (
            "{ Name: !Ref Service, Environment: !Ref Variables }",
            "[0].Environment is no list; allowed: a list, as the config says more of it".to_owned(),
        ),
        ("!Ref Container", format!(" is {first}")),
        ("", format!(" is {first}")),
    ] {
        assert_eq!(told(rendered(&base(container), &written)), format!("{place}{expected}"), "{container}");
    }
    let kept =
        rendered(&base("{ Name: !Ref Service, Environment: [{ Name: ZONE, Value: a }] }"), &written).unwrap();
    assert!(
        kept.template
            .contains(r#""Environment":[{"Name":"ZONE","Value":"a"},{"Name":"LOG_LEVEL","Value":"info"}]"#)
    );
}
