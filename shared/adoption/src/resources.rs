//! What of a service is imported, by which identifiers, and how it runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::live;
use crate::{
    CPU_POLICY, Import, LISTENER_RULE, Live, REQUESTS_POLICY, SCALABLE_TARGET, SERVICE, TARGET_GROUP,
    TASK_DEFINITION,
};

/// What the imported resources are called by AWS.
pub(crate) struct Arns {
    pub(crate) service: String,
    pub(crate) task_definition: String,
    pub(crate) target_group: Option<String>,
    pub(crate) rule: Option<String>,
    cpu_policy: Option<String>,
    requests_policy: Option<String>,
}

impl Arns {
    pub(crate) fn of(live: &Live) -> Self {
        let policy = |metric: &str| {
            let policy = live.scaling_policies.iter().find(|policy| metric_of(policy) == Some(metric));
            policy.and_then(|policy| policy["PolicyARN"].as_str()).map(str::to_owned)
        };
        Self {
            service: live.text("serviceArn").to_owned(),
            task_definition: live.task_definition["taskDefinitionArn"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            target_group: live.target.as_ref().map(|target| target.arn.clone()),
            rule: live.target.as_ref().and_then(|target| target.rules.first()).map(|rule| rule.arn.clone()),
            cpu_policy: policy(CPU_METRIC),
            requests_policy: policy(REQUESTS_METRIC),
        }
    }
}

pub(crate) const CPU_METRIC: &str = "ECSServiceAverageCPUUtilization";
pub(crate) const REQUESTS_METRIC: &str = "ALBRequestCountPerTarget";
pub(crate) const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";

/// The metric that a policy keeps near its target; none for policies of another kind.
pub(crate) fn metric_of(policy: &Value) -> Option<&str> {
    policy[TRACKING]["PredefinedMetricSpecification"]["PredefinedMetricType"].as_str()
}

/// Source: the resource types' schemas, `primaryIdentifier`.
pub(crate) fn imports(live: &Live, arns: &Arns) -> Vec<Import> {
    let mut all = vec![
        Import {
            logical_id: TASK_DEFINITION,
            kind: "AWS::ECS::TaskDefinition",
            identifier: BTreeMap::from([("TaskDefinitionArn", arns.task_definition.clone())]),
        },
        Import {
            logical_id: SERVICE,
            kind: "AWS::ECS::Service",
            identifier: BTreeMap::from([
                ("ServiceArn", arns.service.clone()),
                ("Cluster", live.cluster().to_owned()),
            ]),
        },
    ];
    let mut add = |logical_id, kind, identifier| all.push(Import { logical_id, kind, identifier });
    if let Some(arn) = &arns.target_group {
        let kind = "AWS::ElasticLoadBalancingV2::TargetGroup";
        add(TARGET_GROUP, kind, BTreeMap::from([("TargetGroupArn", arn.clone())]));
    }
    if let Some(arn) = &arns.rule {
        let kind = "AWS::ElasticLoadBalancingV2::ListenerRule";
        add(LISTENER_RULE, kind, BTreeMap::from([("RuleArn", arn.clone())]));
    }
    const DIMENSION: (&str, &str) = ("ScalableDimension", "ecs:service:DesiredCount");
    let dimension = (DIMENSION.0, DIMENSION.1.to_owned());
    if live.scalable_target.is_some() {
        let kind = "AWS::ApplicationAutoScaling::ScalableTarget";
        let identifier =
            [("ResourceId", resource_id(live)), dimension.clone(), ("ServiceNamespace", "ecs".into())];
        add(SCALABLE_TARGET, kind, BTreeMap::from(identifier));
    }
    for (logical_id, arn) in [(CPU_POLICY, &arns.cpu_policy), (REQUESTS_POLICY, &arns.requests_policy)] {
        if let Some(arn) = arn {
            let kind = "AWS::ApplicationAutoScaling::ScalingPolicy";
            add(logical_id, kind, BTreeMap::from([("Arn", arn.clone()), dimension.clone()]));
        }
    }
    all
}

fn resource_id(live: &Live) -> String {
    format!("service/{}/{}", live.cluster(), live.text("serviceName"))
}

/// What runs, by logical id, as properties.
pub(crate) fn runs(live: &Live, arns: &Arns) -> BTreeMap<&'static str, Value> {
    let mut runs = BTreeMap::new();
    let mut service = live.service_properties();
    if live.scalable_target.is_some()
        && let Some(service) = service.as_object_mut()
    {
        // The autoscaler's to say.
        service.remove("DesiredCount");
    }
    runs.insert(SERVICE, service);
    runs.insert(TASK_DEFINITION, live.task_definition_properties());
    if let Some(target) = &live.target {
        runs.insert(TARGET_GROUP, live::target_group_without_defaults(target.properties.clone()));
        if let Some(rule) = target.rules.first() {
            runs.insert(LISTENER_RULE, rule.properties.clone());
        }
    }
    if let Some(target) = &live.scalable_target {
        let keys = ["ServiceNamespace", "ScalableDimension", "ResourceId", "MinCapacity", "MaxCapacity"];
        runs.insert(
            SCALABLE_TARGET,
            keys.iter().map(|key| ((*key).to_owned(), target[*key].clone())).collect(),
        );
    }
    let policies = [(CPU_POLICY, &arns.cpu_policy), (REQUESTS_POLICY, &arns.requests_policy)];
    for (logical_id, arn) in policies {
        let found = live
            .scaling_policies
            .iter()
            .find(|policy| arn.is_some() && policy["PolicyARN"].as_str() == arn.as_deref());
        if let Some(policy) = found {
            runs.insert(logical_id, policy_properties(policy, live));
        }
    }
    runs
}

fn policy_properties(policy: &Value, live: &Live) -> Value {
    let properties = json!({
        "PolicyName": policy["PolicyName"],
        "PolicyType": policy["PolicyType"],
        "ScalingTargetId": target_id(live),
        TRACKING: policy[TRACKING],
    });
    live::without_defaults(properties, POLICY_DEFAULTS)
}

pub(crate) const POLICY_DEFAULTS: &[(&str, &str)] =
    &[("/TargetTrackingScalingPolicyConfiguration/DisableScaleIn", "false")];

/// What `Ref` of a scalable target gives.
pub(crate) fn target_id(live: &Live) -> String {
    format!("{}|ecs:service:DesiredCount|ecs", resource_id(live))
}

pub(crate) fn roles(live: &Live) -> Vec<String> {
    let roles = ["executionRoleArn", "taskRoleArn"];
    let arns = roles.iter().filter_map(|key| live.task_definition[*key].as_str());
    arns.filter(|arn| !arn.is_empty() && !arn.contains(":role/tidegate/service/"))
        .map(str::to_owned)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Of the service, of its deployments and revisions, and of every revision of its task definition.
pub(crate) fn ecs_arns(live: &Live) -> Vec<String> {
    let definition = live.task_definition["taskDefinitionArn"].as_str().unwrap_or_default();
    let family = definition.rsplit_once(':').map_or(definition, |(family, _)| family);
    let service = live.text("serviceArn");
    let of_it = |kind: &str| format!("{}/*", service.replacen(":service/", &format!(":{kind}/"), 1));
    vec![service.to_owned(), of_it("service-deployment"), of_it("service-revision"), format!("{family}:*")]
}
