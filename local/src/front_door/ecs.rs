//! ECS on its way to the emulator: deployments are told as they stand here, where they take time.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scope::Scope;
use super::upstream::{Reply, Upstream};
use super::{FrontDoor, Incoming, pass_on, tasks};
use crate::deployments::{self, Rollout};

pub(crate) async fn answer(
    door: &FrontDoor,
    upstream: &Upstream,
    scope: &Scope,
    action: &str,
    incoming: Incoming,
) -> Result<Reply, reqwest::Error> {
    let input: Value = serde_json::from_slice(&incoming.body).unwrap_or(Value::Null);
    if let Some(reply) = tasks::answer(door, upstream, scope, action, &input).await? {
        return Ok(reply);
    }
    let reply = pass_on(upstream, incoming).await?;
    let Some(mut output) = reply.json() else { return Ok(reply) };
    numbers_from_text(&mut output);
    let rollouts = door.rollouts();
    let nothing = BTreeMap::new();
    let of_account = rollouts.get(&scope.account).unwrap_or(&nothing);
    let answered = match action {
        "DescribeServices" => {
            for service in output["services"].as_array_mut().into_iter().flatten() {
                let known = service["serviceArn"].as_str().and_then(|arn| of_account.get(arn));
                if let Some(rollout) = known {
                    deployments::rewrite_service(service, rollout);
                }
            }
            output
        }
        "ListServiceDeployments" => {
            let found = service_of(of_account, &input);
            found.map_or(output, |rollout| deployments::list_deployments(rollout, &strings(&input["status"])))
        }
        "DescribeServiceDeployments" => {
            deployments::describe_deployments(of_account.values(), &strings(&input["serviceDeploymentArns"]))
        }
        "DescribeServiceRevisions" => {
            deployments::describe_revisions(of_account.values(), &strings(&input["serviceRevisionArns"]))
        }
        "ListTasks" => tasks::with_ours(door, scope, &input, output),
        _ => output,
    };
    Ok(reply.with_json(&answered))
}

/// What a stack's parameters gave, the emulator keeps as text; ECS answers these members as numbers, and an SDK
/// refuses anything else.
fn numbers_from_text(value: &mut Value) {
    const NUMBERS: [&str; 15] = [
        "base",
        "bakeTimeInMinutes",
        "containerPort",
        "desiredCount",
        "hardLimit",
        "healthCheckGracePeriodSeconds",
        "hostPort",
        "interval",
        "maximumPercent",
        "minimumHealthyPercent",
        "retries",
        "softLimit",
        "startPeriod",
        "stopTimeout",
        "weight",
    ];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let number = member.as_str().and_then(|text| text.parse::<i64>().ok());
                match number.filter(|_| NUMBERS.contains(&name.as_str())) {
                    Some(number) => *member = number.into(),
                    None => numbers_from_text(member),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(numbers_from_text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A service is named by its ARN, or by its name and cluster.
fn service_of<'a>(rollouts: &'a BTreeMap<String, Rollout>, input: &Value) -> Option<&'a Rollout> {
    let named = input["service"].as_str()?;
    let cluster =
        input["cluster"].as_str().map_or("default", |cluster| cluster.rsplit('/').next().unwrap_or(cluster));
    let tail = format!(":service/{cluster}/{named}");
    rollouts
        .get(named)
        .or_else(|| rollouts.iter().find(|(arn, _)| arn.ends_with(&tail)).map(|(_, rollout)| rollout))
}

pub(super) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_that_a_parameter_gave_are_numbers_and_a_tasks_size_stays_text() {
        let mut output = json!({
            "services": [{ "loadBalancers": [{ "containerPort": "8080", "containerName": "1" }] }],
            "taskDefinition": { "cpu": "256", "containerDefinitions": [{ "portMappings": [{ "hostPort": 80 }] }] },
        });
        numbers_from_text(&mut output);
        assert_eq!(
            output,
            json!({
                "services": [{ "loadBalancers": [{ "containerPort": 8080, "containerName": "1" }] }],
                "taskDefinition": {
                    "cpu": "256",
                    "containerDefinitions": [{ "portMappings": [{ "hostPort": 80 }] }],
                },
            })
        );
    }
}
