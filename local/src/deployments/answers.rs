//! Service deployments in the shapes of ECS's answers.

use serde_json::{Value, json};

use super::rollout::{Deployment, Live, Rollout, Stage, cluster_arn, name};

/// Puts the deployments as they stand into a service of `DescribeServices`.
///
/// Source: ECS `Service.deployments`: one PRIMARY, and ACTIVE ones still draining.
pub(crate) fn rewrite_service(service: &mut Value, rollout: &Rollout) {
    let template = service["deployments"][0].clone();
    let shown = |id: &str, task_definition: &str, status: &str, state: &str, reason: String, since_ms, updated_ms| {
        let mut deployment = if template.is_object() { template.clone() } else { json!({}) };
        let serves = state != "FAILED" && !(status == "PRIMARY" && state == "IN_PROGRESS");
        let desired = service["desiredCount"].clone();
        deployment["id"] = name(id).into();
        deployment["taskDefinition"] = task_definition.into();
        deployment["status"] = status.into();
        deployment["rolloutState"] = state.into();
        deployment["rolloutStateReason"] = reason.into();
        deployment["desiredCount"] = desired.clone();
        deployment["runningCount"] = if serves { desired } else { 0.into() };
        deployment["pendingCount"] = 0.into();
        deployment["createdAt"] = seconds(since_ms);
        deployment["updatedAt"] = seconds(updated_ms);
        deployment
    };
    let completed = |live: &Live, status| {
        let reason = format!("ECS deployment {} completed.", name(&live.deployment));
        shown(&live.deployment, &live.task_definition, status, "COMPLETED", reason, live.since_ms, live.since_ms)
    };
    let old = |source: &Option<Live>| source.iter().map(|live| completed(live, "ACTIVE")).collect::<Vec<_>>();
    let newest = rollout.newest();
    let deployments = match newest.map(|newest| (newest, &newest.stage)) {
        Some((newest, Stage::InProgress)) => {
            let reason = format!("ECS deployment {} in progress.", newest.name());
            let (since, updated) = (newest.started_ms, newest.updated_ms);
            let mut all =
                vec![shown(&newest.id, &newest.task_definition, "PRIMARY", "IN_PROGRESS", reason, since, updated)];
            all.extend(old(&newest.source));
            all
        }
        Some((newest, Stage::RollingBack { rollback, to, failure })) => {
            let back = format!(
                "ECS deployment circuit breaker: rolling back to deploymentId {}.",
                name(&to.deployment)
            );
            let failed = format!("ECS deployment circuit breaker: {}", failure.reason);
            let (since, updated) = (newest.started_ms, newest.updated_ms);
            vec![
                shown(rollback, &to.task_definition, "PRIMARY", "IN_PROGRESS", back, updated, updated),
                shown(&newest.id, &newest.task_definition, "ACTIVE", "FAILED", failed, since, updated),
            ]
        }
        Some((newest, Stage::Failed { failure })) => {
            let failed = format!("ECS deployment circuit breaker: {}", failure.reason);
            let (since, updated) = (newest.started_ms, newest.updated_ms);
            vec![shown(&newest.id, &newest.task_definition, "PRIMARY", "FAILED", failed, since, updated)]
        }
        Some((_, Stage::Successful | Stage::RolledBack { .. } | Stage::Stopped)) | None => {
            rollout.live.iter().map(|live| completed(live, "PRIMARY")).collect()
        }
    };
    if !deployments.is_empty() {
        service["deployments"] = deployments.into();
    }
}

/// `ListServiceDeployments`: newest first, as ECS answers; `statuses` empty means all.
pub(crate) fn list_deployments(rollout: &Rollout, statuses: &[String]) -> Value {
    let wanted = |deployment: &&Deployment| {
        statuses.is_empty() || statuses.iter().any(|status| status == status_of(&deployment.stage))
    };
    let brief = |deployment: &Deployment| {
        let full = described(rollout, deployment);
        let mut brief = json!({ "targetServiceRevisionArn": full["targetServiceRevision"]["arn"] });
        for key in [
            "serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status",
            "statusReason",
        ] {
            if let Some(value) = full.get(key) {
                brief[key] = value.clone();
            }
        }
        brief
    };
    let all: Vec<Value> = rollout.deployments.iter().rev().filter(wanted).map(brief).collect();
    json!({ "serviceDeployments": all })
}

/// `DescribeServiceDeployments` of the named ARNs among these rollouts; unknown ones are `MISSING` failures.
pub(crate) fn describe_deployments<'a>(rollouts: impl Iterator<Item = &'a Rollout> + Clone, arns: &[String]) -> Value {
    let find = |arn: &String| {
        rollouts.clone().find_map(|rollout| {
            let found = rollout.deployments.iter().find(|one| deployment_arn(rollout, &one.id) == *arn);
            found.map(|deployment| described(rollout, deployment))
        })
    };
    let found: Vec<Value> = arns.iter().filter_map(find).collect();
    let missing: Vec<Value> = arns
        .iter()
        .filter(|arn| find(arn).is_none())
        .map(|arn| json!({ "arn": arn, "reason": "MISSING" }))
        .collect();
    json!({ "serviceDeployments": found, "failures": missing })
}

/// `DescribeServiceRevisions` of the named ARNs: which task definition each revision runs.
pub(crate) fn describe_revisions<'a>(rollouts: impl Iterator<Item = &'a Rollout> + Clone, arns: &[String]) -> Value {
    let find = |arn: &String| {
        rollouts.clone().find_map(|rollout| {
            let found = rollout.deployments.iter().find(|one| revision_arn(rollout, &one.id) == *arn)?;
            Some(json!({
                "serviceRevisionArn": arn,
                "serviceArn": rollout.service_arn,
                "clusterArn": cluster_arn(&rollout.service_arn),
                "taskDefinition": found.task_definition,
                "createdAt": seconds(found.started_ms),
            }))
        })
    };
    let found: Vec<Value> = arns.iter().filter_map(find).collect();
    json!({ "serviceRevisions": found, "failures": [] })
}

fn described(rollout: &Rollout, deployment: &Deployment) -> Value {
    let mut answer = json!({
        "serviceDeploymentArn": deployment_arn(rollout, &deployment.id),
        "serviceArn": rollout.service_arn,
        "clusterArn": cluster_arn(&rollout.service_arn),
        "createdAt": seconds(deployment.started_ms),
        "startedAt": seconds(deployment.started_ms),
        "updatedAt": seconds(deployment.updated_ms),
        "status": status_of(&deployment.stage),
        "targetServiceRevision": { "arn": revision_arn(rollout, &deployment.id) },
        "deploymentCircuitBreaker": { "status": breaker_of(&deployment.stage), "failureCount": 0, "threshold": 3 },
    });
    if let Some(source) = &deployment.source {
        answer["sourceServiceRevisions"] = json!([{ "arn": revision_arn(rollout, &source.deployment) }]);
    }
    match &deployment.stage {
        Stage::InProgress => {}
        Stage::Successful | Stage::Stopped => answer["finishedAt"] = seconds(deployment.updated_ms),
        Stage::RollingBack { to, failure, .. } => {
            answer["statusReason"] = failure.reason.clone().into();
            answer["rollback"] = json!({
                "reason": format!("Circuit breaker: {}", failure.reason),
                "startedAt": seconds(deployment.updated_ms),
                "serviceRevisionArn": revision_arn(rollout, &to.deployment),
            });
        }
        Stage::RolledBack { failure, .. } | Stage::Failed { failure } => {
            answer["statusReason"] = failure.reason.clone().into();
            answer["finishedAt"] = seconds(deployment.updated_ms);
        }
    }
    answer
}

/// Source: ECS `ServiceDeploymentStatus`.
fn status_of(stage: &Stage) -> &'static str {
    match stage {
        Stage::InProgress => "IN_PROGRESS",
        Stage::Successful => "SUCCESSFUL",
        Stage::RollingBack { .. } => "ROLLBACK_IN_PROGRESS",
        Stage::RolledBack { .. } => "ROLLBACK_SUCCESSFUL",
        Stage::Failed { .. } => "ROLLBACK_FAILED",
        Stage::Stopped => "STOPPED",
    }
}

fn breaker_of(stage: &Stage) -> &'static str {
    match stage {
        Stage::InProgress => "MONITORING",
        Stage::Successful | Stage::Stopped => "MONITORING_COMPLETE",
        Stage::RollingBack { .. } | Stage::RolledBack { .. } | Stage::Failed { .. } => "TRIGGERED",
    }
}

fn deployment_arn(rollout: &Rollout, id: &str) -> String {
    format!("{}/{id}", rollout.service_arn.replacen(":service/", ":service-deployment/", 1))
}

fn revision_arn(rollout: &Rollout, id: &str) -> String {
    format!("{}/{id}", rollout.service_arn.replacen(":service/", ":service-revision/", 1))
}

/// ECS's JSON protocol has times as seconds with a fraction.
fn seconds(at_ms: i64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since the epoch fit a double for ever")]
    let seconds = at_ms as f64 / 1000.0;
    seconds.into()
}

#[cfg(test)]
mod tests {
    use super::super::Failure;
    use super::*;

    const SERVICE: &str = "arn:aws:ecs:eu-west-1:111122223333:service/main/payments";

    fn seen(rollout: &Rollout) -> Vec<(String, String, String)> {
        let mut service = json!({ "desiredCount": 2, "deployments": [{ "launchType": "FARGATE" }] });
        rewrite_service(&mut service, rollout);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |one: &Value| (text(&one["status"]), text(&one["taskDefinition"]), text(&one["rolloutState"]));
        service["deployments"].as_array().unwrap().iter().map(one).collect()
    }

    fn row(status: &str, task_definition: &str, state: &str) -> (String, String, String) {
        (status.to_owned(), task_definition.to_owned(), state.to_owned())
    }

    #[test]
    fn describe_services_shows_a_deployment_from_start_to_rollback() {
        let mut rollout = Rollout::new(SERVICE);
        rollout.start(1, "td:1", 10);
        assert_eq!(seen(&rollout), [row("PRIMARY", "td:1", "IN_PROGRESS")]);
        rollout.succeed(20);
        assert_eq!(seen(&rollout), [row("PRIMARY", "td:1", "COMPLETED")]);
        rollout.start(2, "td:2", 30);
        assert_eq!(seen(&rollout), [row("PRIMARY", "td:2", "IN_PROGRESS"), row("ACTIVE", "td:1", "COMPLETED")]);
        rollout.fail(Failure::tasks_failed_to_start(), 3, 40);
        assert_eq!(seen(&rollout), [row("PRIMARY", "td:1", "IN_PROGRESS"), row("ACTIVE", "td:2", "FAILED")]);
        rollout.finish_rollback(50);
        assert_eq!(seen(&rollout), [row("PRIMARY", "td:1", "COMPLETED")]);
    }

    #[test]
    fn service_deployments_are_listed_newest_first_and_filtered_by_status() {
        let mut rollout = Rollout::new(SERVICE);
        rollout.start(1, "td:1", 10);
        rollout.succeed(20);
        rollout.start(2, "td:2", 30);
        let statuses = |filter: &[String]| {
            let listed = list_deployments(&rollout, filter);
            let all = listed["serviceDeployments"].as_array().unwrap().clone();
            all.iter().map(|one| one["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(statuses(&[]), ["IN_PROGRESS", "SUCCESSFUL"]);
        assert_eq!(statuses(&["SUCCESSFUL".to_owned()]), ["SUCCESSFUL"]);
    }

    #[test]
    fn a_described_deployment_leads_to_its_task_definition() {
        let mut rollout = Rollout::new(SERVICE);
        rollout.start(1, "td:1", 10);
        let arn = "arn:aws:ecs:eu-west-1:111122223333:service-deployment/main/payments/0000000000000000001".to_owned();
        let described = describe_deployments([&rollout].into_iter(), &[arn, "arn:unknown".to_owned()]);
        assert_eq!(described["failures"][0]["reason"], "MISSING");
        let revision = described["serviceDeployments"][0]["targetServiceRevision"]["arn"].as_str().unwrap().to_owned();
        let revisions = describe_revisions([&rollout].into_iter(), &[revision]);
        assert_eq!(revisions["serviceRevisions"][0]["taskDefinition"], "td:1");
    }
}
