//! Reads all of a running ECS service, for whoever adopts it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use adoption::{Live, Rule, Target};
use aws_config::SdkConfig;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use engine::failure::Failure;
use serde_json::{Value, json};

use crate::failure::Call;
use crate::sdk::elasticloadbalancing::types::{
    Action, ActionTypeEnum, Listener, LoadBalancerTypeEnum, RuleCondition, TargetGroup,
};
use crate::sdk::{applicationautoscaling, cloudformation, ecs, elasticloadbalancing};

const DESCRIBE_SERVICES: Call = Call::reads("ecs DescribeServices");
const DESCRIBE_TASK_DEFINITION: Call = Call::reads("ecs DescribeTaskDefinition");
const DESCRIBE_TARGET_GROUPS: Call = Call::reads("elasticloadbalancing DescribeTargetGroups");
const DESCRIBE_ATTRIBUTES: Call = Call::reads("elasticloadbalancing DescribeTargetGroupAttributes");
const DESCRIBE_LOAD_BALANCERS: Call = Call::reads("elasticloadbalancing DescribeLoadBalancers");
const DESCRIBE_LISTENERS: Call = Call::reads("elasticloadbalancing DescribeListeners");
const DESCRIBE_RULES: Call = Call::reads("elasticloadbalancing DescribeRules");
const DESCRIBE_SCALABLE_TARGETS: Call = Call::reads("application-autoscaling DescribeScalableTargets");
const DESCRIBE_SCALING_POLICIES: Call = Call::reads("application-autoscaling DescribeScalingPolicies");
const DESCRIBE_STACK_RESOURCES: Call = Call::reads("cloudformation DescribeStackResources");
/// A listener has a hundred rules, unless its quota was raised.
const RULE_PAGES_MAX: usize = 20;

/// All of it as it is now.
///
/// # Errors
/// What was refused, or is not there.
pub async fn read_service(config: &SdkConfig, cluster: &str, service: &str) -> Result<Live, Failure> {
    let ecs = ecs::Client::new(config);
    let answer = Answer::default();
    let described = ecs.describe_services().cluster(cluster).services(service).customize();
    let sent = described.interceptor(answer.clone()).send().await;
    sent.map_err(|error| DESCRIBE_SERVICES.failed(error))?;
    // What is not found stands among the answer's failures.
    let service_read = answer.json(DESCRIBE_SERVICES)?["services"].get(0).cloned().unwrap_or_default();
    if service_read["status"] != "ACTIVE" {
        let why = format!("cluster {cluster} has no service {service} that runs");
        return Err(DESCRIBE_SERVICES.refused(why));
    }

    let answer = Answer::default();
    let definition = service_read["taskDefinition"].as_str().unwrap_or_default();
    let described = ecs.describe_task_definition().task_definition(definition).customize();
    let sent = described.interceptor(answer.clone()).send().await;
    sent.map_err(|error| DESCRIBE_TASK_DEFINITION.failed(error))?;
    let task_definition = answer.json(DESCRIBE_TASK_DEFINITION)?["taskDefinition"].take();

    let group = service_read["loadBalancers"][0]["targetGroupArn"].as_str();
    let target = match group {
        Some(arn) => Some(target(&elasticloadbalancing::Client::new(config), arn).await?),
        None => None,
    };
    let (scalable_target, scaling_policies) = scaling(config, cluster_name(cluster), &service_read).await?;
    let mut live = Live {
        service: service_read,
        task_definition,
        target,
        scalable_target,
        scaling_policies,
        owners: Vec::new(),
    };
    live.owners = owners(config, &live).await?;
    Ok(live)
}

fn cluster_name(cluster: &str) -> &str {
    cluster.rsplit_once('/').map_or(cluster, |(_, name)| name)
}

/// An answer as it came: there is more in it than a comparison could name member by member.
#[derive(Clone, Default)]
struct Answer(Arc<Mutex<Vec<u8>>>);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

#[dyn_dispatch_hint]
impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
        Ok(())
    }
}

impl Answer {
    fn json(&self, call: Call) -> Result<Value, Failure> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes)
            .map_err(|error| call.refused(format!("the answer is no JSON: {error}")))
    }
}

async fn target(client: &elasticloadbalancing::Client, arn: &str) -> Result<Target, Failure> {
    let described = client.describe_target_groups().target_group_arns(arn).send().await;
    let described = described.map_err(|error| DESCRIBE_TARGET_GROUPS.failed(error))?;
    let group = described.target_groups().first();
    let group = group.ok_or_else(|| DESCRIBE_TARGET_GROUPS.refused(format!("{arn} is gone")))?;
    let attributes = client.describe_target_group_attributes().target_group_arn(arn).send().await;
    let attributes = attributes.map_err(|error| DESCRIBE_ATTRIBUTES.failed(error))?;
    let attributes: Vec<Value> =
        attributes.attributes().iter().map(|one| json!({ "Key": one.key(), "Value": one.value() })).collect();
    let mut target = Target { arn: arn.to_owned(), properties: of_group(group), ..Target::default() };
    target.properties["TargetGroupAttributes"] = attributes.into();
    for load_balancer in group.load_balancer_arns() {
        let described = client.describe_load_balancers().load_balancer_arns(load_balancer).send().await;
        let described = described.map_err(|error| DESCRIBE_LOAD_BALANCERS.failed(error))?;
        for found in described.load_balancers() {
            target.load_balancer_security_groups.extend_from_slice(found.security_groups());
            if found.r#type() != Some(&LoadBalancerTypeEnum::Application) {
                let why =
                    format!("{load_balancer} is no application load balancer, and Tidegate knows no other");
                return Err(DESCRIBE_LOAD_BALANCERS.refused(why));
            }
        }
        let listeners = client.describe_listeners().load_balancer_arn(load_balancer).send().await;
        let listeners = listeners.map_err(|error| DESCRIBE_LISTENERS.failed(error))?;
        for listener in listeners.listeners() {
            rules(client, listener, &mut target).await?;
        }
    }
    Ok(target)
}

/// The listener's rules that forward to the target group.
async fn rules(
    client: &elasticloadbalancing::Client,
    listener: &Listener,
    target: &mut Target,
) -> Result<(), Failure> {
    let arn = listener.listener_arn().unwrap_or_default();
    if listener.default_actions().iter().any(|action| forwards_to(action, &target.arn)) {
        target.default_of.push(arn.to_owned());
    }
    let mut marker = None;
    for _ in 0..RULE_PAGES_MAX {
        let described = client.describe_rules().listener_arn(arn).set_marker(marker).send().await;
        let described = described.map_err(|error| DESCRIBE_RULES.failed(error))?;
        for rule in described.rules() {
            let forwards = rule.actions().iter().any(|action| forwards_to(action, &target.arn));
            if forwards && rule.is_default() != Some(true) {
                let properties = json!({
                    "ListenerArn": arn,
                    "Priority": rule.priority(),
                    "Conditions": rule.conditions().iter().map(of_condition).collect::<Vec<_>>(),
                    "Actions": rule.actions().iter().map(of_action).collect::<Vec<_>>(),
                });
                target.rules.push(Rule { arn: rule.rule_arn().unwrap_or_default().to_owned(), properties });
            }
        }
        marker = described.next_marker().map(str::to_owned);
        if marker.is_none() {
            return Ok(());
        }
    }
    Err(DESCRIBE_RULES.refused(format!("listener {arn} has more than {RULE_PAGES_MAX} pages of rules")))
}

fn forwards_to(action: &Action, group: &str) -> bool {
    let weighted = action.forward_config().map(|config| config.target_groups()).unwrap_or_default();
    action.target_group_arn() == Some(group)
        || weighted.iter().any(|one| one.target_group_arn() == Some(group))
}

/// Source: CloudFormation resource reference, `AWS::ElasticLoadBalancingV2::TargetGroup`.
fn of_group(group: &TargetGroup) -> Value {
    json!({
        "Name": group.target_group_name(),
        "TargetType": group.target_type().map(|kind| kind.as_str()),
        "Protocol": group.protocol().map(|protocol| protocol.as_str()),
        "ProtocolVersion": group.protocol_version(),
        "IpAddressType": group.ip_address_type().map(|kind| kind.as_str()),
        "Port": group.port(),
        "VpcId": group.vpc_id(),
        "HealthCheckEnabled": group.health_check_enabled(),
        "HealthCheckPath": group.health_check_path(),
        "HealthCheckPort": group.health_check_port(),
        "HealthCheckProtocol": group.health_check_protocol().map(|protocol| protocol.as_str()),
        "HealthCheckIntervalSeconds": group.health_check_interval_seconds(),
        "HealthCheckTimeoutSeconds": group.health_check_timeout_seconds(),
        "HealthyThresholdCount": group.healthy_threshold_count(),
        "UnhealthyThresholdCount": group.unhealthy_threshold_count(),
        "Matcher": group.matcher().map(|matcher| json!({ "HttpCode": matcher.http_code() })),
    })
}

/// Source: CloudFormation resource reference, `RuleCondition`.
fn of_condition(condition: &RuleCondition) -> Value {
    let values = |config: Option<&[String]>| {
        // Conditions that were made long ago have their values beside them.
        let values = config.filter(|values| !values.is_empty()).unwrap_or(condition.values());
        json!({ "Values": values })
    };
    let field = condition.field().unwrap_or_default();
    let (key, config) = match field {
        "path-pattern" => {
            ("PathPatternConfig", values(condition.path_pattern_config().map(|config| config.values())))
        }
        "host-header" => {
            ("HostHeaderConfig", values(condition.host_header_config().map(|config| config.values())))
        }
        "source-ip" => ("SourceIpConfig", values(condition.source_ip_config().map(|config| config.values()))),
        "http-request-method" => (
            "HttpRequestMethodConfig",
            values(condition.http_request_method_config().map(|config| config.values())),
        ),
        "http-header" => {
            let config = condition.http_header_config();
            let name = config.and_then(|config| config.http_header_name());
            let mut header = values(config.map(|config| config.values()));
            header["HttpHeaderName"] = name.into();
            ("HttpHeaderConfig", header)
        }
        _ => {
            let pairs = condition.query_string_config().map(|config| config.values()).unwrap_or_default();
            let pairs: Vec<Value> =
                pairs.iter().map(|pair| json!({ "Key": pair.key(), "Value": pair.value() })).collect();
            ("QueryStringConfig", json!({ "Values": pairs }))
        }
    };
    json!({ "Field": field, key: config })
}

/// Source: CloudFormation resource reference, `Action`. Only forwarding is told whole; a rule that does more beside it
/// is not like any that Tidegate makes.
fn of_action(action: &Action) -> Value {
    let groups = action.forward_config().map(|config| config.target_groups()).unwrap_or_default();
    match (action.r#type(), groups, action.target_group_arn()) {
        (Some(ActionTypeEnum::Forward), [_] | [], Some(arn)) => {
            json!({ "Type": "forward", "TargetGroupArn": arn })
        }
        (Some(ActionTypeEnum::Forward), [one], None) => {
            json!({ "Type": "forward", "TargetGroupArn": one.target_group_arn() })
        }
        (Some(ActionTypeEnum::Forward), groups, _) => {
            let groups: Vec<Value> = groups
                .iter()
                .map(|one| json!({ "TargetGroupArn": one.target_group_arn(), "Weight": one.weight() }))
                .collect();
            json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } })
        }
        (kind, _, _) => {
            json!({ "Type": kind.map(|kind| kind.as_str()), "Tidegate": "is not told what else it does" })
        }
    }
}

async fn scaling(
    config: &SdkConfig,
    cluster: &str,
    service: &Value,
) -> Result<(Option<Value>, Vec<Value>), Failure> {
    use applicationautoscaling::types::ServiceNamespace;
    let client = applicationautoscaling::Client::new(config);
    let name = service["serviceName"].as_str().unwrap_or_default();
    let resource = format!("service/{cluster}/{name}");
    let answer = Answer::default();
    let described = client.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
    let described = described.resource_ids(&resource).customize();
    let sent = described.interceptor(answer.clone()).send().await;
    sent.map_err(|error| DESCRIBE_SCALABLE_TARGETS.failed(error))?;
    let targets = answer.json(DESCRIBE_SCALABLE_TARGETS)?["ScalableTargets"].take();
    let Some(target) = targets.get(0).cloned() else { return Ok((None, Vec::new())) };
    let answer = Answer::default();
    let described = client.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
    let described = described.resource_id(&resource).customize();
    let sent = described.interceptor(answer.clone()).send().await;
    sent.map_err(|error| DESCRIBE_SCALING_POLICIES.failed(error))?;
    let policies = answer.json(DESCRIBE_SCALING_POLICIES)?["ScalingPolicies"].take();
    Ok((Some(target), policies.as_array().cloned().unwrap_or_default()))
}

/// Stacks that already hold what would be imported.
async fn owners(config: &SdkConfig, live: &Live) -> Result<Vec<(String, String)>, Failure> {
    let client = cloudformation::Client::new(config);
    let mut physical: Vec<String> = Vec::new();
    physical.extend(live.service["serviceArn"].as_str().map(str::to_owned));
    physical.extend(live.task_definition["taskDefinitionArn"].as_str().map(str::to_owned));
    if let Some(target) = &live.target {
        physical.push(target.arn.clone());
        physical.extend(target.rules.iter().map(|rule| rule.arn.clone()));
    }
    let mut owners = Vec::new();
    for id in physical {
        match client.describe_stack_resources().physical_resource_id(&id).send().await {
            Ok(found) => {
                let stack = found.stack_resources().first().and_then(|resource| resource.stack_name());
                owners.extend(stack.map(|stack| (id, stack.to_owned())));
            }
            Err(error) => {
                use cloudformation::error::ProvideErrorMetadata;
                // CloudFormation's way of saying that no stack has it.
                let is_nobodys = error.code() == Some("ValidationError")
                    && error.message().is_some_and(|message| message.contains("does not exist"));
                if !is_nobodys {
                    return Err(DESCRIBE_STACK_RESOURCES.failed(error));
                }
            }
        }
    }
    Ok(owners)
}
