//! What runs, as AWS describes it, against the shipped template.

use adoption::{Adoption, Asked, Live, Refused, Rule, Target, adopt};
use config::EnvironmentRecord;
use serde_json::{Value, json};

const BASE: &str = include_str!("../../../stacks/service.yaml");
const DIGEST: &str = "sha256:0d9f7e7f0c6b1f2a3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304";
const LISTENER: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/0123456789abcdef/0123456789abcdef";
const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/payments/0123456789abcdef";

/// A service as somebody made it in the console: `adopt` has something to pin.
fn running() -> Live {
    Live {
        service: json!({
            "serviceArn": "arn:aws:ecs:eu-west-1:123456789012:service/shop/payments",
            "serviceName": "payments",
            "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
            "loadBalancers": [{ "targetGroupArn": GROUP, "containerName": "web", "containerPort": 8080 }],
            "serviceRegistries": [],
            "status": "ACTIVE",
            "desiredCount": 2,
            "runningCount": 2,
            "pendingCount": 0,
            "launchType": "FARGATE",
            "platformVersion": "LATEST",
            "platformFamily": "Linux",
            "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/payments:7",
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": { "enable": true, "rollback": true },
                "maximumPercent": 200,
                "minimumHealthyPercent": 50,
                "alarms": { "alarmNames": [], "rollback": false, "enable": false },
                "strategy": "ROLLING",
                "bakeTimeInMinutes": 0,
                "lifecycleHooks": []
            },
            "deployments": [{ "status": "PRIMARY", "rolloutState": "COMPLETED" }],
            "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            "events": [],
            "placementConstraints": [],
            "placementStrategy": [],
            "networkConfiguration": { "awsvpcConfiguration": {
                "subnets": ["subnet-0b", "subnet-0a"],
                "securityGroups": ["sg-0123456789abcdef0"],
                "assignPublicIp": "DISABLED"
            } },
            "healthCheckGracePeriodSeconds": 60,
            "schedulingStrategy": "REPLICA",
            "deploymentController": { "type": "ECS" },
            "createdBy": "arn:aws:iam::123456789012:role/Developer",
            "enableECSManagedTags": true,
            "propagateTags": "NONE",
            "enableExecuteCommand": false,
            "availabilityZoneRebalancing": "ENABLED"
        }),
        task_definition: json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/payments:7",
            "containerDefinitions": [{
                "name": "web",
                "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments@{DIGEST}"),
                "cpu": 0,
                "portMappings": [{ "containerPort": 8080, "hostPort": 8080, "protocol": "tcp" }],
                "essential": true,
                "environment": [{ "name": "LOG_LEVEL", "value": "info" }, { "name": "EMPTY", "value": "" }],
                "mountPoints": [],
                "volumesFrom": [],
                "systemControls": [],
                "logConfiguration": { "logDriver": "awslogs", "options": {
                    "awslogs-group": "/ecs/payments",
                    "awslogs-region": "eu-west-1",
                    "awslogs-stream-prefix": "ecs"
                }, "secretOptions": [] }
            }],
            "family": "payments",
            "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
            "taskRoleArn": "arn:aws:iam::123456789012:role/payments",
            "networkMode": "awsvpc",
            "revision": 7,
            "volumes": [],
            "status": "ACTIVE",
            "requiresAttributes": [{ "name": "ecs.capability.execution-role-awslogs" }],
            "placementConstraints": [],
            "compatibilities": ["EC2", "FARGATE"],
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "512",
            "memory": "1024",
            "registeredAt": 1700000000.0,
            "registeredBy": "arn:aws:iam::123456789012:role/Developer"
        }),
        target: Some(Target {
            arn: GROUP.to_owned(),
            properties: json!({
                "Name": "payments",
                "TargetType": "ip",
                "Protocol": "HTTP",
                "Port": 80,
                "VpcId": "vpc-0123456789abcdef0",
                "HealthCheckEnabled": true,
                "HealthCheckPath": "/healthz",
                "HealthCheckPort": "traffic-port",
                "HealthCheckProtocol": "HTTP",
                "HealthCheckIntervalSeconds": 30,
                "HealthCheckTimeoutSeconds": 5,
                "HealthyThresholdCount": 5,
                "UnhealthyThresholdCount": 2,
                "Matcher": { "HttpCode": "200" },
                "IpAddressType": "ipv4",
                "ProtocolVersion": "HTTP1",
                "TargetGroupAttributes": [
                    { "Key": "stickiness.enabled", "Value": "false" },
                    { "Key": "deregistration_delay.timeout_seconds", "Value": "300" }
                ]
            }),
            rules: vec![Rule {
                arn: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/1/2/3"
                    .to_owned(),
                properties: json!({
                    "ListenerArn": LISTENER,
                    "Priority": 40,
                    "Conditions": [{ "Field": "path-pattern", "PathPatternConfig": { "Values": ["/payments/*"] } }],
                    "Actions": [{ "Type": "forward", "TargetGroupArn": GROUP }]
                }),
            }],
            ..Target::default()
        }),
        ..Live::default()
    }
}

fn asked() -> Asked {
    let record = json!({
        "cluster": "shop",
        "listenerArn": LISTENER,
        "loadBalancerSecurityGroup": "sg-0fedcba9876543210",
        "vpcId": "vpc-0123456789abcdef0",
        "subnets": ["subnet-0a", "subnet-0b"],
        "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/tidegate-boundary",
        "template": "stacks/service.yaml"
    });
    Asked {
        service: "payments".parse().expect("a service"),
        environment: "production".parse().expect("an environment"),
        branch: "main".parse().expect("a branch"),
        record: EnvironmentRecord::parse(record.to_string().as_bytes()).expect("a record"),
    }
}

fn adopted(live: &Live) -> Adoption {
    adopt(live, &asked(), BASE).unwrap_or_else(|Refused(why)| panic!("{}", why.join("\n")))
}

fn pins(adoption: &Adoption) -> String {
    let mut pins: Vec<String> = adoption.pins.iter().map(ToString::to_string).collect();
    pins.sort();
    pins.join("\n")
}

#[test]
fn a_service_made_in_the_console_is_written_as_it_runs() {
    let adoption = adopted(&running());
    insta::assert_snapshot!(adoption.config, @r#"
    {
      "container": {
        "cpu": 512,
        "environment": {
          "EMPTY": "",
          "LOG_LEVEL": "info"
        },
        "memoryMiB": 1024,
        "port": 8080
      },
      "environments": {
        "production": {
          "branch": "main"
        }
      },
      "kind": "web",
      "routing": {
        "healthCheck": {
          "graceSeconds": 60,
          "healthyCount": 5,
          "intervalSeconds": 30,
          "path": "/healthz",
          "status": "200",
          "timeoutSeconds": 5,
          "unhealthyCount": 2
        },
        "paths": [
          "/payments/*"
        ],
        "priority": 40
      },
      "service": "payments"
    }
    "#);
    insta::assert_snapshot!(pins(&adoption), @r#"
    EcsService.Properties.CapacityProviderStrategy: runs not said; Tidegate would render [{"CapacityProvider":"FARGATE","Weight":1}]
    EcsService.Properties.DeploymentConfiguration.MinimumHealthyPercent: runs 50; Tidegate would render 100
    EcsService.Properties.LaunchType: runs "FARGATE"; Tidegate would render not said
    EcsService.Properties.LoadBalancers[0].ContainerName: runs "web"; Tidegate would render "payments"
    EcsService.Properties.PropagateTags: runs not said; Tidegate would render "SERVICE"
    EcsService.Properties.ServiceName: runs "payments"; Tidegate would render not said
    TargetGroup.Properties.Name: runs "payments"; Tidegate would render not said
    TargetGroup.Properties.Port: runs 80; Tidegate would render "8080"
    TargetGroup.Properties.TargetGroupAttributes: runs not said; Tidegate would render [{"Key":"deregistration_delay.timeout_seconds","Value":"30"}]
    TaskDefinition.Properties.ContainerDefinitions[0].LogConfiguration.Options.awslogs-stream-prefix: runs "ecs"; Tidegate would render "production"
    TaskDefinition.Properties.ContainerDefinitions[0].Name: runs "web"; Tidegate would render "payments"
    TaskDefinition.Properties.Family: runs "payments"; Tidegate would render "tidegate-payments-production"
    "#);
    assert_eq!(adoption.notes, Vec::<String>::new());
    assert_eq!(adoption.paths, ["/payments"]);
}

#[test]
fn an_import_names_all_that_it_would_make_and_retains_it() {
    let adoption = adopted(&running());
    let import: Value = serde_json::from_str(&adoption.import).expect("JSON");
    assert!(import["Outputs"].is_null(), "an import may add none");
    assert!(import["Resources"]["Adopted"].is_null());
    for import_of in &adoption.imports {
        assert_eq!(import["Resources"][import_of.logical_id]["Type"], import_of.kind);
        assert_eq!(import["Resources"][import_of.logical_id]["DeletionPolicy"], "Retain");
    }
    let named: Vec<_> = adoption.imports.iter().map(|import| import.logical_id).collect();
    assert_eq!(named, ["TaskDefinition", "EcsService", "TargetGroup", "ListenerRule"]);
    let rendered: Value = serde_json::from_str(&adoption.rendered.template).expect("JSON");
    assert_eq!(rendered["Outputs"]["ContainerName"]["Value"], "web");
    assert_eq!(rendered["Outputs"]["TaskRoleArn"]["Value"], "arn:aws:iam::123456789012:role/payments");
    assert_eq!(
        adoption.roles,
        ["arn:aws:iam::123456789012:role/ecsTaskExecutionRole", "arn:aws:iam::123456789012:role/payments"]
    );
}

#[test]
fn what_it_is_deployed_and_looked_at_by_is_told_by_its_own_names() {
    assert_eq!(
        adopted(&running()).ecs_arns,
        [
            "arn:aws:ecs:eu-west-1:123456789012:service/shop/payments",
            "arn:aws:ecs:eu-west-1:123456789012:service-deployment/shop/payments/*",
            "arn:aws:ecs:eu-west-1:123456789012:service-revision/shop/payments/*",
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/payments:*",
        ]
    );
}

/// The config's own keys go on deciding: what is pinned is only what no key said.
#[test]
fn what_the_config_says_later_is_rendered() {
    let adoption = adopted(&running());
    let mut file: Value = serde_json::from_str(&adoption.config).expect("JSON");
    file["container"]["environment"]["LOG_LEVEL"] = "debug".into();
    file["routing"]["priority"] = 41.into();
    file["scaling"] = json!({ "min": 3, "max": 6 });
    let config = config::parse(file.to_string().as_bytes()).expect("a config");
    let template: Value = serde_json::from_str(&adoption.template).expect("JSON");
    assert_eq!(template["Resources"]["ListenerRule"]["Properties"]["Priority"], json!({ "Ref": "Priority" }));
    let count = &template["Resources"]["EcsService"]["Properties"]["DesiredCount"];
    assert_eq!(count["Fn::If"][2], json!({ "Ref": "AWS::NoValue" }), "the autoscaler's to say");
    let environment = config.container.expect("a container").process.environment;
    assert_eq!(environment["LOG_LEVEL"], "debug");
}

#[test]
fn what_no_config_can_say_is_kept_and_told() {
    let mut live = running();
    let container = &mut live.task_definition["containerDefinitions"][0];
    container["environment"] =
        json!([{ "name": "DB_PASSWORD", "value": "hunter2" }, { "name": "a-b", "value": "1" }]);
    container["secrets"] = json!([{
        "name": "DB_URL",
        "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments/db-AbCdEf"
    }]);
    container["command"] = json!(["serve", "--token", "t0ps3cret"]);
    container["dockerLabels"] = json!({ "team": "billing" });
    container["ulimits"] = json!([{ "name": "nofile", "softLimit": 1024, "hardLimit": 4096 }]);
    let sidecar = json!({ "name": "agent", "image": "public.ecr.aws/x/agent:1", "essential": false });
    live.task_definition["containerDefinitions"].as_array_mut().expect("a list").insert(0, sidecar);
    live.task_definition["runtimePlatform"] =
        json!({ "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" });
    live.service["desiredCount"] = 3.into();
    let adoption = adopted(&live);

    let template: Value = serde_json::from_str(&adoption.template).expect("JSON");
    let containers = &template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"];
    assert_eq!(containers[0]["Name"], "web");
    assert_eq!(containers[1]["Name"], "agent");
    assert_eq!(containers[0]["Environment"][0], json!({ "Name": "DB_PASSWORD", "Value": "hunter2" }));
    let labels = json!({ "tidegate.refresh": { "Ref": "Refresh" }, "team": "billing" });
    assert_eq!(containers[0]["DockerLabels"]["Fn::If"][1], labels);
    assert!(!adoption.config.contains("hunter2"), "{}", adoption.config);
    let said = pins(&adoption) + &adoption.notes.join("\n");
    assert!(!said.contains("hunter2") && !said.contains("t0ps3cret"), "{said}");
    insta::assert_snapshot!(adoption.notes.join("\n"), @"
    variable DB_PASSWORD is not in the config, as its name sounds like a secret: it stays in the service's template, until you keep it in Secrets Manager as DB_PASSWORD
    containers beside its own, kept in the service's template and not in `sidecars`: 1
    secrets stay in the service's template, by the ARNs that run: DB_URL
    3 tasks run without autoscaling: so it stays until the config says `scaling`
    ");
}

#[test]
fn an_autoscaled_service_keeps_its_autoscaler() {
    let mut live = running();
    live.scalable_target = Some(json!({
        "ServiceNamespace": "ecs",
        "ResourceId": "service/shop/payments",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 10,
        "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/x"
    }));
    live.scaling_policies = vec![
        json!({
            "PolicyARN": "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1:resource/ecs/service/shop/payments:policyName/cpu75",
            "PolicyName": "cpu75",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 75.0,
                "PredefinedMetricSpecification": { "PredefinedMetricType": "ECSServiceAverageCPUUtilization" },
                "ScaleInCooldown": 300
            }
        }),
        json!({ "PolicyARN": "arn:2", "PolicyName": "nightly", "PolicyType": "StepScaling" }),
    ];
    live.service["desiredCount"] = 7.into();
    let adoption = adopted(&live);
    let config = config::parse(adoption.config.as_bytes()).expect("a config");
    let scaling = config.scaling.expect("scaling");
    assert_eq!((scaling.min, scaling.max, scaling.cpu_percent), (Some(2), Some(10), Some(75)));
    let named: Vec<_> = adoption.imports.iter().map(|import| import.logical_id).collect();
    assert_eq!(named[4..], ["ScalableTarget", "ScalingPolicy"]);
    assert_eq!(adoption.notes, ["scaling policy nightly (StepScaling) stays as it is, outside of the stack"]);
    assert!(
        pins(&adoption).contains("ScalingPolicy.Properties.PolicyName: runs \"cpu75\""),
        "{}",
        pins(&adoption)
    );
}

#[test]
fn a_worker_has_no_load_balancer() {
    let mut live = running();
    live.target = None;
    live.service["loadBalancers"] = json!([]);
    live.service["healthCheckGracePeriodSeconds"] = json!(0);
    live.task_definition["containerDefinitions"][0]["portMappings"] = json!([]);
    let adoption = adopted(&live);
    let config = config::parse(adoption.config.as_bytes()).expect("a config");
    assert_eq!(config.kind, config::Kind::Worker);
    assert_eq!(adoption.imports.len(), 2);
}

#[test]
fn an_image_by_tag_runs_on_and_is_told() {
    let mut live = running();
    live.task_definition["containerDefinitions"][0]["image"] = json!("shop/payments:7");
    let adoption = adopted(&live);
    assert_eq!(adoption.rendered.parameters["Image"], "shop/payments:7");
    let rendered: Value = serde_json::from_str(&adoption.rendered.template).expect("JSON");
    assert!(rendered["Parameters"]["Image"]["AllowedPattern"].is_null());
    assert!(adoption.template.contains("@sha256:"), "a release still needs a digest");
    assert!(adoption.notes[0].starts_with("the image is named by a tag"), "{:?}", adoption.notes);
}

#[test]
fn what_cannot_be_adopted_says_why() {
    type Change = fn(&mut Live);
    let cases: [(Change, &str); 12] = [
        (|live| live.service["launchType"] = json!("EC2"), "payments runs on EC2"),
        (
            |live| live.service["deploymentController"]["type"] = json!("CODE_DEPLOY"),
            "payments is deployed by CODE_DEPLOY",
        ),
        (|live| live.task_definition["networkMode"] = json!("bridge"), "network mode bridge"),
        (|live| live.service["schedulingStrategy"] = json!("DAEMON"), "a DAEMON service"),
        (|live| live.service["deployments"] = json!([{}, {}]), "has 2 deployments: wait"),
        (|live| live.service["clusterArn"] = json!("arn:aws:ecs:eu-west-1:1:cluster/other"), "runs in other"),
        (|live| live.owners.push((GROUP.into(), "network".into())), "belongs to stack network"),
        (|live| live.service["networkConfiguration"] = json!({}), "names no security group"),
        (|live| live.task_definition["executionRoleArn"] = json!(""), "has no execution role"),
        (|live| live.target.as_mut().expect("one").rules.clear(), "0 rules forward"),
        (
            |live| live.target.as_mut().expect("one").default_of.push("l".into()),
            "by default, without a rule, at l",
        ),
        (
            |live| live.target.as_mut().expect("one").rules[0].properties["ListenerArn"] = json!("arn:other"),
            "its rule is on listener arn:other",
        ),
    ];
    for (change, expected) in cases {
        let mut live = running();
        change(&mut live);
        let refused = adopt(&live, &asked(), BASE).expect_err(expected);
        assert!(refused.0.iter().any(|why| why.contains(expected)), "{expected}: {refused:?}");
    }
}
