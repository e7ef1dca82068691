//! One service's deployments: a pure state machine. Time and identities are arguments.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::stand_in::ServiceEvent;

/// Deployments remembered for each service; ECS forgets them after ninety days.
const DEPLOYMENTS_KEPT_MAX: usize = 100;

/// Every deployment of one service that went through the local AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    pub(crate) service_arn: String,
    /// What serves, and under which deployment's id; none before the first deployment succeeded.
    pub(crate) live: Option<Live>,
    /// Oldest first.
    pub(crate) deployments: Vec<Deployment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Live {
    pub(crate) deployment: String,
    pub(crate) task_definition: String,
    pub(crate) since_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deployment {
    /// Digits only; ECS prefixes them with `ecs-svc/`.
    pub(crate) id: String,
    pub(crate) task_definition: String,
    pub(crate) source: Option<Live>,
    pub(crate) started_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    InProgress,
    Successful,
    /// The tasks of the source are coming back, under an id of their own.
    RollingBack { rollback: String, to: Live, failure: Failure },
    RolledBack { rollback: String, failure: Failure },
    /// It failed, and nothing had ever succeeded that it could go back to.
    Failed { failure: Failure },
    /// A newer deployment took its place.
    Stopped,
}

/// Why ECS gave a deployment up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// ECS's wording, such as `tasks failed to start`.
    pub reason: String,
}

impl Failure {
    pub fn tasks_failed_to_start() -> Self {
        Self { reason: "tasks failed to start.".to_owned() }
    }
}

/// What is to happen after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    GoesBackTo { task_definition: String },
    NothingToGoBackTo,
}

/// What ECS tells about a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    InProgress { deployment: String, reason: String },
    Completed { deployment: String, reason: String },
    Failed { deployment: String, reason: String },
    SteadyState,
}

impl Rollout {
    pub fn new(service_arn: &str) -> Self {
        Self { service_arn: service_arn.to_owned(), live: None, deployments: Vec::new() }
    }

    /// A service that already ran when it was first seen.
    pub fn running(service_arn: &str, id: u64, task_definition: &str, at_ms: i64) -> Self {
        let live = Live { deployment: digits(id), task_definition: task_definition.to_owned(), since_ms: at_ms };
        Self { live: Some(live), ..Self::new(service_arn) }
    }

    /// Whether that task definition already serves and nothing else is on its way.
    pub fn is_settled_on(&self, task_definition: &str) -> bool {
        let in_flight = self.newest().is_some_and(|newest| newest.is_in_flight());
        !in_flight && self.live.as_ref().is_some_and(|live| live.task_definition == task_definition)
    }

    /// Starts a deployment; one that is still running is given up for it.
    pub fn start(&mut self, id: u64, task_definition: &str, at_ms: i64) -> Vec<Step> {
        if let Some(newest) = self.deployments.last_mut()
            && newest.is_in_flight()
        {
            newest.move_to(Stage::Stopped, at_ms);
        }
        let deployment = Deployment {
            id: digits(id),
            task_definition: task_definition.to_owned(),
            source: self.live.clone(),
            started_ms: at_ms,
            updated_ms: at_ms,
            stage: Stage::InProgress,
        };
        let name = deployment.name();
        self.deployments.push(deployment);
        if self.deployments.len() > DEPLOYMENTS_KEPT_MAX {
            self.deployments.remove(0);
        }
        vec![Step::InProgress { reason: format!("ECS deployment {name} in progress."), deployment: name }]
    }

    /// Whether that deployment is the newest and still under way.
    pub fn is_in_progress(&self, id: u64) -> bool {
        self.newest().is_some_and(|newest| newest.id == digits(id) && newest.stage == Stage::InProgress)
    }

    /// The running deployment's tasks are healthy.
    pub fn succeed(&mut self, at_ms: i64) -> Vec<Step> {
        let Some(newest) = self.deployments.last_mut().filter(|newest| newest.stage == Stage::InProgress) else {
            return Vec::new();
        };
        newest.move_to(Stage::Successful, at_ms);
        let name = newest.name();
        self.live = Some(Live {
            deployment: newest.id.clone(),
            task_definition: newest.task_definition.clone(),
            since_ms: newest.started_ms,
        });
        completed(name)
    }

    /// The circuit breaker opened. What follows is `finish_rollback`, if there is something to go back to.
    pub fn fail(&mut self, failure: Failure, rollback: u64, at_ms: i64) -> (Verdict, Vec<Step>) {
        let Some(newest) = self.deployments.last_mut().filter(|newest| newest.stage == Stage::InProgress) else {
            return (Verdict::NothingToGoBackTo, Vec::new());
        };
        let failed = Step::Failed {
            deployment: newest.name(),
            reason: format!("ECS deployment circuit breaker: {}", failure.reason),
        };
        let Some(source) = newest.source.clone() else {
            newest.move_to(Stage::Failed { failure }, at_ms);
            return (Verdict::NothingToGoBackTo, vec![failed]);
        };
        let rolling_back = Step::InProgress {
            deployment: name(&digits(rollback)),
            reason: format!(
                "ECS deployment circuit breaker: rolling back to deploymentId {}.",
                name(&source.deployment)
            ),
        };
        let back_to = source.task_definition.clone();
        newest.move_to(Stage::RollingBack { rollback: digits(rollback), to: source, failure }, at_ms);
        (Verdict::GoesBackTo { task_definition: back_to }, vec![failed, rolling_back])
    }

    /// The old tasks are back.
    pub fn finish_rollback(&mut self, at_ms: i64) -> Vec<Step> {
        let Some(newest) = self.deployments.last_mut() else { return Vec::new() };
        let Stage::RollingBack { rollback, to, failure } = newest.stage.clone() else { return Vec::new() };
        self.live = Some(Live { deployment: rollback.clone(), since_ms: newest.updated_ms, ..to });
        newest.move_to(Stage::RolledBack { rollback: rollback.clone(), failure }, at_ms);
        completed(name(&rollback))
    }

    pub(crate) fn newest(&self) -> Option<&Deployment> {
        self.deployments.last()
    }
}

impl Deployment {
    fn is_in_flight(&self) -> bool {
        match self.stage {
            Stage::InProgress | Stage::RollingBack { .. } => true,
            Stage::Successful | Stage::RolledBack { .. } | Stage::Failed { .. } | Stage::Stopped => false,
        }
    }

    fn move_to(&mut self, stage: Stage, at_ms: i64) {
        self.stage = stage;
        self.updated_ms = at_ms;
    }

    pub(crate) fn name(&self) -> String {
        name(&self.id)
    }
}

impl Step {
    /// "ECS Deployment State Change", or "ECS Service Action" for the steady state.
    pub(crate) fn event(&self, account: &str, region: &str, service_arn: &str, at: &str) -> ServiceEvent {
        let deployment = |kind: &str, name: &str, id: &str, reason: &str| {
            json!({ "eventType": kind, "eventName": name, "deploymentId": id, "updatedAt": at, "reason": reason })
        };
        let (detail_type, detail): (_, Value) = match self {
            Self::InProgress { deployment: id, reason } => {
                (DEPLOYMENT, deployment("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", id, reason))
            }
            Self::Completed { deployment: id, reason } => {
                (DEPLOYMENT, deployment("INFO", "SERVICE_DEPLOYMENT_COMPLETED", id, reason))
            }
            Self::Failed { deployment: id, reason } => {
                (DEPLOYMENT, deployment("ERROR", "SERVICE_DEPLOYMENT_FAILED", id, reason))
            }
            Self::SteadyState => (
                "ECS Service Action",
                json!({
                    "eventType": "INFO",
                    "eventName": "SERVICE_STEADY_STATE",
                    "clusterArn": cluster_arn(service_arn),
                    "createdAt": at,
                }),
            ),
        };
        ServiceEvent {
            source: "aws.ecs",
            detail_type,
            account: account.to_owned(),
            region: region.to_owned(),
            resources: vec![service_arn.to_owned()],
            detail,
        }
    }
}

const DEPLOYMENT: &str = "ECS Deployment State Change";

fn completed(deployment: String) -> Vec<Step> {
    let reason = format!("ECS deployment {deployment} completed.");
    vec![Step::Completed { deployment, reason }, Step::SteadyState]
}

pub(crate) fn name(id: &str) -> String {
    format!("ecs-svc/{id}")
}

fn digits(id: u64) -> String {
    format!("{:019}", id % 10_u64.pow(19))
}

/// `…:service/<cluster>/<name>` → `…:cluster/<cluster>`.
pub(crate) fn cluster_arn(service_arn: &str) -> String {
    let cluster = service_arn.split('/').nth(1).unwrap_or("default");
    let head = service_arn.split(":service/").next().unwrap_or_default();
    format!("{head}:cluster/{cluster}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "arn:aws:ecs:eu-west-1:111122223333:service/main/payments";

    fn deployed(task_definition: &str) -> Rollout {
        let mut rollout = Rollout::new(SERVICE);
        rollout.start(1, task_definition, 10);
        rollout.succeed(20);
        rollout
    }

    fn names(steps: &[Step]) -> Vec<String> {
        let event = |step: &Step| step.event("111122223333", "eu-west-1", SERVICE, "").detail["eventName"].clone();
        steps.iter().map(|step| event(step).as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_deployment_is_in_progress_until_its_tasks_are_healthy() {
        let mut rollout = Rollout::new(SERVICE);
        assert_eq!(names(&rollout.start(1, "payments:1", 10)), ["SERVICE_DEPLOYMENT_IN_PROGRESS"]);
        assert!(rollout.is_in_progress(1));
        assert!(!rollout.is_settled_on("payments:1"));
        assert_eq!(names(&rollout.succeed(20)), ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_STEADY_STATE"]);
        assert!(rollout.is_settled_on("payments:1"));
    }

    #[test]
    fn a_failed_deployment_goes_back_to_what_served_before() {
        let mut rollout = deployed("payments:1");
        rollout.start(2, "payments:2", 30);
        let (verdict, steps) = rollout.fail(Failure::tasks_failed_to_start(), 3, 40);
        assert_eq!(verdict, Verdict::GoesBackTo { task_definition: "payments:1".to_owned() });
        assert_eq!(names(&steps), ["SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_IN_PROGRESS"]);
        assert!(!rollout.is_settled_on("payments:1"));
        assert_eq!(names(&rollout.finish_rollback(50)), ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_STEADY_STATE"]);
        assert!(rollout.is_settled_on("payments:1"));
    }

    #[test]
    fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
        let mut rollout = Rollout::new(SERVICE);
        rollout.start(1, "payments:1", 10);
        let (verdict, steps) = rollout.fail(Failure::tasks_failed_to_start(), 2, 20);
        assert_eq!(verdict, Verdict::NothingToGoBackTo);
        assert_eq!(names(&steps), ["SERVICE_DEPLOYMENT_FAILED"]);
        assert_eq!(rollout.live, None);
    }

    #[test]
    fn a_newer_deployment_stops_the_running_one() {
        let mut rollout = deployed("payments:1");
        rollout.start(2, "payments:2", 30);
        rollout.start(3, "payments:3", 35);
        assert!(!rollout.is_in_progress(2));
        assert_eq!(rollout.deployments[1].stage, Stage::Stopped);
        rollout.succeed(40);
        assert!(rollout.is_settled_on("payments:3"));
    }

    #[test]
    fn steps_without_a_running_deployment_say_nothing() {
        let mut rollout = deployed("payments:1");
        let before = rollout.clone();
        assert!(rollout.succeed(50).is_empty());
        assert!(rollout.fail(Failure::tasks_failed_to_start(), 9, 50).1.is_empty());
        assert!(rollout.finish_rollback(50).is_empty());
        assert_eq!(rollout, before);
    }

    #[test]
    fn a_rollback_is_told_apart_from_a_success_only_by_its_reason_and_id() {
        let mut rollout = deployed("payments:1");
        rollout.start(2, "payments:2", 30);
        let (_, steps) = rollout.fail(Failure::tasks_failed_to_start(), 3, 40);
        let event = steps[1].event("111122223333", "eu-west-1", SERVICE, "2026-11-23T00:00:00Z");
        assert_eq!(event.resources, [SERVICE]);
        assert_eq!(event.detail["deploymentId"], "ecs-svc/0000000000000000003");
        assert_eq!(
            event.detail["reason"],
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/0000000000000000001."
        );
    }
}
