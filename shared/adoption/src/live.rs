//! What runs, as AWS's describing calls tell it, in CloudFormation's words.

use serde_json::{Map, Value};

/// What was read of a running service.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Of ECS `DescribeServices`: one of its `services`, as it came.
    pub service: Value,
    /// Of ECS `DescribeTaskDefinition`: its `taskDefinition`, as it came.
    pub task_definition: Value,
    /// Where its requests come from; none for what has no load balancer.
    pub target: Option<Target>,
    /// Of Application Auto Scaling `DescribeScalableTargets`: one of its `ScalableTargets`, as it came.
    pub scalable_target: Option<Value>,
    /// Of `DescribeScalingPolicies`: its `ScalingPolicies`, as they came.
    pub scaling_policies: Vec<Value>,
    /// Stacks that hold what would be imported: physical id and stack.
    pub owners: Vec<(String, String)>,
}

/// A target group and the rules that forward to it, as properties of CloudFormation's resource types.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub arn: String,
    /// `AWS::ElasticLoadBalancingV2::TargetGroup`.
    pub properties: Value,
    pub rules: Vec<Rule>,
    /// Listeners that forward to it by default, without a rule.
    pub default_of: Vec<String>,
    pub load_balancer_security_groups: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Rule {
    pub arn: String,
    /// `AWS::ElasticLoadBalancingV2::ListenerRule`.
    pub properties: Value,
}

/// What CloudFormation can be told of a service, in its own words.
///
/// Source: CloudFormation resource reference, `AWS::ECS::Service`.
const SERVICE: [&str; 22] = [
    "AvailabilityZoneRebalancing",
    "CapacityProviderStrategy",
    "DeploymentConfiguration",
    "DesiredCount",
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "HealthCheckGracePeriodSeconds",
    "LaunchType",
    "LoadBalancers",
    "NetworkConfiguration",
    "PlacementConstraints",
    "PlacementStrategies",
    "PlatformVersion",
    "PropagateTags",
    "SchedulingStrategy",
    "ServiceName",
    "ServiceRegistries",
    "TaskDefinition",
    "Cluster",
    "ServiceConnectConfiguration",
    "VolumeConfigurations",
    "VpcLatticeConfigurations",
];

/// Source: CloudFormation resource reference, `AWS::ECS::TaskDefinition`.
const TASK_DEFINITION: [&str; 16] = [
    "ContainerDefinitions",
    "Cpu",
    "EnableFaultInjection",
    "EphemeralStorage",
    "ExecutionRoleArn",
    "Family",
    "InferenceAccelerators",
    "IpcMode",
    "Memory",
    "NetworkMode",
    "PidMode",
    "PlacementConstraints",
    "ProxyConfiguration",
    "RequiresCompatibilities",
    "RuntimePlatform",
    "TaskRoleArn",
];

/// Maps whose keys are the user's own.
const MAPS: [&str; 4] = ["dockerLabels", "options", "driverOpts", "labels"];

impl Live {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.service[key].as_str().unwrap_or_default()
    }

    /// The cluster's name.
    pub(crate) fn cluster(&self) -> &str {
        let arn = self.text("clusterArn");
        arn.rsplit_once('/').map_or(arn, |(_, name)| name)
    }

    /// `AWS::ECS::Service`.
    pub(crate) fn service_properties(&self) -> Value {
        let mut service = cased(&self.service);
        // ECS keeps these with the deployment that they came with.
        let running = cased(&self.service["deployments"][0]);
        for key in ["ServiceConnectConfiguration", "VolumeConfigurations", "VpcLatticeConfigurations"] {
            service[key] = running[key].clone();
        }
        service["Cluster"] = self.cluster().into();
        service["PlacementStrategies"] = service["PlacementStrategy"].take();
        without_defaults(only(service, &SERVICE), SERVICE_DEFAULTS)
    }

    /// `AWS::ECS::TaskDefinition`.
    pub(crate) fn task_definition_properties(&self) -> Value {
        let mut definition = cased(&self.task_definition);
        let volumes = definition["Volumes"].take();
        let mut definition = only(definition, &TASK_DEFINITION);
        definition["Volumes"] = volumes;
        task_definition_without_defaults(definition)
    }
}

/// ECS writes `camelCase` where CloudFormation writes `PascalCase`.
fn cased(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => items.iter().map(cased).collect(),
        Value::Object(map) => {
            let member = |(key, item): (&String, &Value)| {
                let item = if MAPS.contains(&key.as_str()) { item.clone() } else { cased(item) };
                (upper(key), item)
            };
            Value::Object(map.iter().map(member).collect())
        }
    }
}

fn upper(key: &str) -> String {
    match key {
        "efsVolumeConfiguration" => "EFSVolumeConfiguration".to_owned(),
        "fsxWindowsFileServerVolumeConfiguration" => "FSxWindowsFileServerVolumeConfiguration".to_owned(),
        "fileSystemId" => "FilesystemId".to_owned(),
        "iam" => "IAM".to_owned(),
        key => {
            key.chars().take(1).map(|first| first.to_ascii_uppercase()).chain(key.chars().skip(1)).collect()
        }
    }
}

fn only(value: Value, keys: &[&str]) -> Value {
    let Value::Object(map) = value else { return value };
    Value::Object(map.into_iter().filter(|(key, _)| keys.contains(&key.as_str())).collect())
}

/// What AWS does where nothing is said, by path; both sides of a comparison go without it.
///
/// Source: ECS API, `CreateService`; Elastic Load Balancing API, `CreateTargetGroup`.
pub(crate) const SERVICE_DEFAULTS: &[(&str, &str)] = &[
    ("/SchedulingStrategy", "REPLICA"),
    ("/PlatformVersion", "LATEST"),
    ("/PropagateTags", "NONE"),
    ("/EnableECSManagedTags", "false"),
    ("/EnableExecuteCommand", "false"),
    ("/HealthCheckGracePeriodSeconds", "0"),
    ("/AvailabilityZoneRebalancing", "DISABLED"),
    ("/NetworkConfiguration/AwsvpcConfiguration/AssignPublicIp", "DISABLED"),
    ("/DeploymentConfiguration/Strategy", "ROLLING"),
    ("/DeploymentConfiguration/BakeTimeInMinutes", "0"),
    ("/DeploymentConfiguration/MaximumPercent", "200"),
    ("/DeploymentConfiguration/MinimumHealthyPercent", "100"),
    ("/DeploymentConfiguration/DeploymentCircuitBreaker", r#"{"Enable":false,"Rollback":false}"#),
    ("/DeploymentConfiguration/Alarms", r#"{"AlarmNames":[],"Enable":false,"Rollback":false}"#),
];
const TARGET_GROUP_DEFAULTS: &[(&str, &str)] = &[
    ("/HealthCheckEnabled", "true"),
    ("/HealthCheckPort", "traffic-port"),
    ("/HealthCheckProtocol", "HTTP"),
    ("/IpAddressType", "ipv4"),
    ("/ProtocolVersion", "HTTP1"),
];
const CONTAINER_DEFAULTS: &[(&str, &str)] = &[("/Cpu", "0")];

pub(crate) fn without_defaults(mut value: Value, defaults: &[(&str, &str)]) -> Value {
    for (path, default) in defaults {
        if let Some(found) = value.pointer_mut(path)
            && crate::evaluate::plain(found) == *default
        {
            *found = Value::Null;
        }
    }
    without_empty(value)
}

pub(crate) fn task_definition_without_defaults(mut definition: Value) -> Value {
    for container in definition["ContainerDefinitions"].as_array_mut().into_iter().flatten() {
        *container = without_defaults(container.take(), CONTAINER_DEFAULTS);
    }
    without_empty(definition)
}

/// AWS answers with empty lists, maps and texts where nothing was said.
fn without_empty(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        Value::Array(items) => items.into_iter().map(without_empty).collect(),
        Value::Object(map) => {
            let kept = |(key, item): (String, Value)| {
                // A variable may be empty, and that is said.
                let item = if key == "Environment" { item } else { without_empty(item) };
                Some((key, item)).filter(|(_, item)| !is_empty(item))
            };
            Value::Object(map.into_iter().filter_map(kept).collect::<Map<_, _>>())
        }
    }
}

/// For comparing: scalars as text, lists whose order means nothing in one order.
pub(crate) fn comparable(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            // 60 and 60.0 are one number.
            let text = number.to_string();
            text.strip_suffix(".0").unwrap_or(&text).into()
        }
        Value::Null | Value::Bool(_) | Value::String(_) => crate::evaluate::plain(value).into(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(comparable).collect();
            let key = |item: &Value| {
                let named = ["Name", "Key", "Field", "ContainerPort", "CapacityProvider"];
                let named = named.iter().find_map(|key| item.get(key));
                named.map(crate::evaluate::plain)
            };
            if !items.is_empty() && items.iter().all(|item| key(item).is_some()) {
                items.sort_by_key(key);
            }
            items.into()
        }
        Value::Object(map) => {
            let sorted = ["Subnets", "SecurityGroups", "Values", "AlarmNames", "RequiresCompatibilities"];
            let member = |(key, item): (&String, &Value)| {
                let mut item = comparable(item);
                if sorted.contains(&key.as_str())
                    && let Some(items) = item.as_array_mut()
                {
                    items.sort_by_key(crate::evaluate::plain);
                }
                (key.clone(), item)
            };
            let mut map: Map<String, Value> = map.iter().map(member).collect();
            // Of a port mapping, and of a capacity provider: what AWS does where nothing is said.
            if map.contains_key("ContainerPort") {
                map.retain(|key, item| !(key == "Protocol" && item == "tcp") && key != "HostPort");
            }
            if map.contains_key("CapacityProvider") {
                map.retain(|key, item| !(key == "Base" && item == "0"));
            }
            Value::Object(map)
        }
    }
}

pub(crate) fn target_group_without_defaults(mut properties: Value) -> Value {
    let is_default = |attribute: &Value| {
        let (key, value) = (&attribute["Key"], crate::evaluate::plain(&attribute["Value"]));
        ATTRIBUTE_DEFAULTS.iter().any(|(known, default)| key == known && value == *default)
    };
    if let Some(attributes) = properties["TargetGroupAttributes"].as_array_mut() {
        attributes.retain(|attribute| !is_default(attribute));
    }
    without_defaults(properties, TARGET_GROUP_DEFAULTS)
}

/// Source: Elastic Load Balancing API, `TargetGroupAttribute`.
const ATTRIBUTE_DEFAULTS: [(&str, &str); 16] = [
    ("deregistration_delay.timeout_seconds", "300"),
    ("stickiness.enabled", "false"),
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("slow_start.duration_seconds", "0"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ("lambda.multi_value_headers.enabled", "false"),
    ("target_failover.on_unhealthy", "no_rebalance"),
];
