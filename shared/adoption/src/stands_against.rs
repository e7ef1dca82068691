//! Why a service cannot be adopted as it runs.

use crate::{Asked, Live};

/// Each reason in a sentence.
pub(crate) fn stands_against(live: &Live, asked: &Asked) -> Vec<String> {
    let mut why = Vec::new();
    let mut unless = |good: bool, what: String| {
        if !good {
            why.push(what);
        }
    };
    let service = &live.service;
    let name = live.text("serviceName");
    let controller = service["deploymentController"]["type"].as_str().unwrap_or("ECS");
    unless(
        controller == "ECS",
        format!("{name} is deployed by {controller}: Tidegate deploys by ECS itself"),
    );
    let launch = service["launchType"].as_str().unwrap_or("FARGATE");
    unless(launch == "FARGATE", format!("{name} runs on {launch}: Tidegate runs services on Fargate"));
    let providers = service["capacityProviderStrategy"].as_array().into_iter().flatten();
    for provider in providers.filter_map(|one| one["capacityProvider"].as_str()) {
        let good = matches!(provider, "FARGATE" | "FARGATE_SPOT");
        unless(
            good,
            format!("{name} runs on capacity provider {provider}: Tidegate runs services on Fargate"),
        );
    }
    let network = live.task_definition["networkMode"].as_str().unwrap_or("bridge");
    unless(network == "awsvpc", format!("its tasks have network mode {network}: Fargate has awsvpc only"));
    let scheduling = service["schedulingStrategy"].as_str().unwrap_or("REPLICA");
    unless(scheduling == "REPLICA", format!("{name} is a {scheduling} service: Tidegate knows REPLICA"));
    let strategy = service["deploymentConfiguration"]["strategy"].as_str().unwrap_or("ROLLING");
    unless(
        strategy == "ROLLING",
        format!(
            "{name} is deployed {strategy}: make it ROLLING first, and say deployment.strategy afterwards"
        ),
    );
    let deployments = service["deployments"].as_array().map_or(0, Vec::len);
    unless(
        deployments == 1,
        format!("{name} has {deployments} deployments: wait until one has come to its end"),
    );
    let balanced = service["loadBalancers"].as_array().map_or(0, Vec::len);
    unless(balanced <= 1, format!("{name} is in {balanced} target groups: Tidegate knows one"));
    let cluster = &asked.record.cluster;
    unless(
        live.cluster() == cluster,
        format!(
            "the record of {} names cluster {cluster}, and {name} runs in {}",
            asked.environment,
            live.cluster()
        ),
    );
    for (what, stack) in &live.owners {
        unless(
            false,
            format!(
                "{what} belongs to stack {stack}, and nothing belongs to two: give it DeletionPolicy Retain there, then \
                 take it out of that stack's template"
            ),
        );
    }
    let groups = &service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"];
    unless(
        groups.as_array().is_some_and(|groups| !groups.is_empty()),
        format!("{name} names no security group, so that its tasks have their VPC's default one: name it"),
    );
    unless(
        live.task_definition["executionRoleArn"].as_str().is_some_and(|arn| !arn.is_empty()),
        "its task definition has no execution role, without which no image by digest can be pulled from ECR"
            .into(),
    );
    if balanced == 1 {
        unless(live.target.is_some(), format!("{name} is behind something that is no target group"));
    }
    if let Some(target) = &live.target {
        let rules = target.rules.len();
        unless(
            rules == 1,
            format!("{rules} rules forward to its target group: Tidegate keeps one rule for each service"),
        );
        unless(
            target.default_of.is_empty(),
            format!(
                "requests come by default, without a rule, at {}: Tidegate needs a rule",
                target.default_of.join(", ")
            ),
        );
        if let Some(rule) = target.rules.first() {
            let listener = rule.properties["ListenerArn"].as_str();
            unless(
                listener == asked.record.listener_arn.as_deref(),
                format!(
                    "its rule is on listener {}, and the record of {} names {}",
                    listener.unwrap_or("?"),
                    asked.environment,
                    asked.record.listener_arn.as_deref().unwrap_or("none")
                ),
            );
        }
    }
    why
}
