//! What runs.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::types::{DesiredStatus, Service, Task};
use engine::failure::Failure;
use engine::ports::{RolloutState, ServiceRead, Services, StoppedContainer, StoppedTask};
use model::time::Timestamp;

use crate::Aws;
use crate::failure::Call;

const DESCRIBE_SERVICES: Call = Call::reads("ecs DescribeServices");
const LIST_TASKS: Call = Call::reads("ecs ListTasks");
/// Of a hundred tasks; as many can be described at once.
const TASK_PAGES_MAX: usize = 10;
const DESCRIBE_TASKS: Call = Call::reads("ecs DescribeTasks");
const DESCRIBE_SERVICE_REVISIONS: Call = Call::reads("ecs DescribeServiceRevisions");
const DESCRIBE_TASK_DEFINITION: Call = Call::reads("ecs DescribeTaskDefinition");

impl Services for Aws {
    async fn service(&self, cluster: &str, service: &str) -> Result<Option<ServiceRead>, Failure> {
        let sent = self.ecs.describe_services().cluster(cluster).services(service).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeServicesError::is_cluster_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(DESCRIBE_SERVICES.failed(error)),
        };
        // A service that is missing stands among the answer's failures.
        match answer.services().first() {
            Some(found) if found.status() != Some("INACTIVE") => read(found).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    async fn stopped_tasks(&self, cluster: &str, family: &str) -> Result<Vec<StoppedTask>, Failure> {
        let mut tasks = Vec::new();
        let mut page = None;
        for _ in 0..TASK_PAGES_MAX {
            let listed = self
                .ecs
                .list_tasks()
                .cluster(cluster)
                .family(family)
                .desired_status(DesiredStatus::Stopped)
                .set_next_token(page)
                .send()
                .await
                .map_err(|error| LIST_TASKS.failed(error))?;
            if !listed.task_arns().is_empty() {
                let answer = self
                    .ecs
                    .describe_tasks()
                    .cluster(cluster)
                    .set_tasks(Some(listed.task_arns().to_vec()))
                    .send()
                    .await
                    .map_err(|error| DESCRIBE_TASKS.failed(error))?;
                tasks.extend(answer.tasks().iter().map(stopped));
            }
            page = listed.next_token;
            if page.is_none() {
                break;
            }
        }
        Ok(tasks)
    }

    async fn target_group(&self, revision: &str) -> Result<Option<String>, Failure> {
        let answer = self
            .ecs
            .describe_service_revisions()
            .service_revision_arns(revision)
            .send()
            .await
            .map_err(|error| DESCRIBE_SERVICE_REVISIONS.failed(error))?;
        let resolved = answer.service_revisions().first().and_then(|found| found.resolved_configuration());
        let served = resolved.and_then(|resolved| resolved.load_balancers().first());
        Ok(served.and_then(|served| served.target_group_arn()).map(str::to_owned))
    }

    async fn task_images(&self, task_definition: &str) -> Result<BTreeMap<String, String>, Failure> {
        let answer = self
            .ecs
            .describe_task_definition()
            .task_definition(task_definition)
            .send()
            .await
            .map_err(|error| DESCRIBE_TASK_DEFINITION.failed(error))?;
        let containers =
            answer.task_definition.and_then(|found| found.container_definitions).unwrap_or_default();
        Ok(containers.into_iter().filter_map(|container| Some((container.name?, container.image?))).collect())
    }
}

pub(crate) fn stopped(task: &Task) -> StoppedTask {
    let containers = task.containers().iter().map(|container| StoppedContainer {
        name: container.name().unwrap_or_default().to_owned(),
        exit_code: container.exit_code(),
        reason: container.reason().map(str::to_owned),
    });
    StoppedTask {
        created_at: task.created_at().and_then(|at| u64::try_from(at.to_millis().ok()?).ok()).map(Timestamp),
        stop_code: task.stop_code().map(|code| code.as_str().to_owned()),
        reason: task.stopped_reason().map(str::to_owned),
        containers: containers.collect(),
    }
}

fn read(service: &Service) -> Result<ServiceRead, Failure> {
    let refused = |why: &str| {
        let arn = service.service_arn().unwrap_or_default();
        DESCRIBE_SERVICES.refused(format!("service {arn} {why}"))
    };
    let primary = service
        .deployments()
        .iter()
        .find(|deployment| deployment.status() == Some("PRIMARY"))
        .ok_or_else(|| refused("has no primary deployment"))?;
    let rollout = match primary.rollout_state().map(|state| state.as_str()) {
        Some("IN_PROGRESS") => RolloutState::InProgress,
        Some("COMPLETED") => RolloutState::Completed,
        Some("FAILED") => RolloutState::Failed,
        Some(other) => {
            let why = format!("has rollout state {other:?}; known are IN_PROGRESS, COMPLETED and FAILED");
            return Err(refused(&why));
        }
        None => {
            return Err(refused("shows no rollout state: is its deployment controller another than ECS?"));
        }
    };
    let task_definition = primary.task_definition().or(service.task_definition());
    Ok(ServiceRead {
        task_definition: task_definition.ok_or_else(|| refused("names no task definition"))?.to_owned(),
        rollout,
        rollout_reason: primary.rollout_state_reason().map(str::to_owned),
        revision: match service.current_service_revisions() {
            [one] => one.arn().map(str::to_owned),
            [] | [_, _, ..] => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState};

    use super::*;

    #[test]
    fn the_primary_deployment_says_what_runs() {
        let old = deployment("ACTIVE", "arn:aws:ecs:eu-west-1:1:task-definition/p:1", "FAILED");
        let new = deployment("PRIMARY", "arn:aws:ecs:eu-west-1:1:task-definition/p:2", "IN_PROGRESS");
        let read = read(&Service::builder().deployments(old).deployments(new).build()).unwrap();
        assert!(read.task_definition.ends_with("p:2"));
        assert_eq!(read.rollout, RolloutState::InProgress);
    }

    #[test]
    fn a_service_without_rollout_state_is_not_called_deployed() {
        let silent = Deployment::builder().status("PRIMARY").task_definition("p:2").build();
        assert!(read(&Service::builder().deployments(silent).build()).is_err());
        let unknown = deployment("PRIMARY", "p:2", "PAUSED");
        assert!(read(&Service::builder().deployments(unknown).build()).is_err());
        assert!(read(&Service::builder().build()).is_err());
    }

    fn deployment(status: &str, task_definition: &str, rollout: &str) -> Deployment {
        Deployment::builder()
            .status(status)
            .task_definition(task_definition)
            .rollout_state(DeploymentRolloutState::from(rollout))
            .build()
    }
}
