//! What is told from within: pushes by git's hook; by the emulator, statuses of stacks and services of stacks that
//! must become stable.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::FrontDoor;
use super::failing_image;
use super::scope::Scope;
use crate::clock;
use crate::codecommit::Pushed;
use crate::control::Mishap;
use crate::deployments::{Failure, Rollout, Step, Verdict};
use crate::events::envelope;
use crate::fresh;

/// How often a held deployment looks whether it was released.
const HOLD_POLL: Duration = Duration::from_millis(50);

/// What a repository's post-receive hook tells.
pub(crate) async fn pushed(State(door): State<Arc<FrontDoor>>, body: String) -> (StatusCode, String) {
    let Some(stand_ins) = door.stand_ins() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the local AWS is still starting".to_owned());
    };
    let announced = match body.parse::<Pushed>() {
        Ok(pushed) => stand_ins.codecommit.pushed(&pushed).await,
        Err(refusal) => Err(refusal),
    };
    match announced {
        Ok(()) => (StatusCode::OK, String::new()),
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal.to_string()),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct StackStatus {
    account: String,
    region: String,
    stack: String,
    status: String,
    reason: String,
    token: Option<String>,
}

pub(crate) async fn stack(State(door): State<Arc<FrontDoor>>, Json(told): Json<StackStatus>) -> Json<Value> {
    let StackStatus { account, region, stack, status, reason, token } = told;
    let event = envelope::stack_status(&account, &region, &stack, &status, &reason, token.as_deref());
    // Nobody listens only while everything is being stopped.
    let _ = door.events.send(event);
    Json(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceOfStack {
    account: String,
    region: String,
    stack: String,
    service: Option<String>,
    task_definition: String,
}

impl ServiceOfStack {
    fn scope(&self) -> Scope {
        Scope { account: self.account.clone(), region: self.region.clone(), service: "ecs".to_owned() }
    }
}

/// Before CloudFormation touches the service: whether it may.
pub(crate) async fn before(
    State(door): State<Arc<FrontDoor>>,
    Json(asked): Json<ServiceOfStack>,
) -> Json<Value> {
    remember_what_runs(&door, &asked).await;
    let due = |mishap: &Mishap| match mishap {
        Mishap::ResourceFails { .. } | Mishap::RunsTheOldImage => true,
        Mishap::DeploymentFails => false,
    };
    Json(match door.control.take_mishap(&asked.account, &asked.stack, due) {
        Some(Mishap::ResourceFails { reason }) => {
            json!({ "do": "fail", "reason": resource_handler(&reason) })
        }
        Some(Mishap::RunsTheOldImage) => json!({ "do": "skip" }),
        Some(Mishap::DeploymentFails) | None => json!({ "do": "apply" }),
    })
}

/// After CloudFormation asked ECS for it: answers when the service's deployment has ended.
pub(crate) async fn after(
    State(door): State<Arc<FrontDoor>>,
    Json(asked): Json<ServiceOfStack>,
) -> Json<Value> {
    let Some(service) = asked.service.clone() else { return Json(json!({ "stable": true })) };
    let deployment = ServiceDeployment { door: &door, asked: &asked, service };
    Json(match deployment.carry_out().await {
        Ok(()) => json!({ "stable": true }),
        Err(reason) => json!({ "stable": false, "reason": reason }),
    })
}

/// A service that ran before we did has something to go back to.
async fn remember_what_runs(door: &FrontDoor, asked: &ServiceOfStack) {
    let Some(arn) = &asked.service else { return };
    let is_known = door.rollouts().get(&asked.account).is_some_and(|of_account| of_account.contains_key(arn));
    let Some(upstream) = door.upstream().filter(|_| !is_known) else { return };
    let cluster = arn.split('/').nth(1).unwrap_or("default");
    let input = json!({ "cluster": cluster, "services": [arn] });
    let described = upstream.json(&asked.scope(), &target("DescribeServices"), &input).await;
    let running =
        described.ok().and_then(|output| output["services"][0]["taskDefinition"].as_str().map(str::to_owned));
    if let Some(running) = running {
        let rollout = Rollout::running(arn, fresh::number(), &running, clock::now_ms());
        door.rollouts().entry(asked.account.clone()).or_default().insert(arn.clone(), rollout);
    }
}

struct ServiceDeployment<'a> {
    door: &'a FrontDoor,
    asked: &'a ServiceOfStack,
    service: String,
}

impl ServiceDeployment<'_> {
    async fn carry_out(&self) -> Result<(), String> {
        let target = &self.asked.task_definition;
        if self.rollout(|rollout| rollout.is_settled_on(target)) {
            return Ok(());
        }
        let id = fresh::number();
        self.say(self.rollout(|rollout| rollout.start(id, target, clock::now_ms())));
        let time = self.door.control.deployment_time(&self.asked.account);
        tokio::time::sleep(time).await;
        while self.door.control.holds_deployments(&self.asked.account) {
            tokio::time::sleep(HOLD_POLL).await;
        }
        if !self.rollout(|rollout| rollout.is_in_progress(id)) {
            // A newer deployment took its place: the service will be stable when that one is.
            return Ok(());
        }
        if !self.fails().await {
            self.say(self.rollout(|rollout| rollout.succeed(clock::now_ms())));
            return Ok(());
        }
        let failure = Failure::tasks_failed_to_start();
        let (verdict, steps) =
            self.rollout(|rollout| rollout.fail(failure, fresh::number(), clock::now_ms()));
        self.say(steps);
        if let Verdict::GoesBackTo { task_definition } = verdict {
            self.go_back_to(&task_definition).await;
            tokio::time::sleep(time / 2).await;
            self.say(self.rollout(|rollout| rollout.finish_rollback(clock::now_ms())));
        }
        Err(resource_handler(
            "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.",
        ))
    }

    /// Whether somebody asked for it, by a control or by the image's own label.
    async fn fails(&self) -> bool {
        let due = |mishap: &Mishap| match mishap {
            Mishap::DeploymentFails => true,
            Mishap::ResourceFails { .. } | Mishap::RunsTheOldImage => false,
        };
        let asked_for = self.door.control.take_mishap(&self.asked.account, &self.asked.stack, due);
        asked_for.is_some()
            || failing_image::is_run_by(self.door, &self.asked.scope(), &self.asked.task_definition).await
    }

    /// ECS itself takes the service back, before CloudFormation notices the failure.
    async fn go_back_to(&self, task_definition: &str) {
        let cluster = self.service.split('/').nth(1).unwrap_or("default");
        let input = json!({ "cluster": cluster, "service": self.service, "taskDefinition": task_definition });
        let Some(upstream) = self.door.upstream() else { return };
        if let Err(failure) = upstream.json(&self.asked.scope(), &target("UpdateService"), &input).await {
            tracing::warn!(service = %self.service, %failure, "the service could not be taken back");
        }
    }

    fn rollout<T>(&self, change: impl FnOnce(&mut Rollout) -> T) -> T {
        let mut rollouts = self.door.rollouts();
        let of_account = rollouts.entry(self.asked.account.clone()).or_default();
        change(of_account.entry(self.service.clone()).or_insert_with(|| Rollout::new(&self.service)))
    }

    fn say(&self, steps: Vec<Step>) {
        let at = envelope::seconds(Timestamp::now());
        for step in steps {
            let event = step.event(&self.asked.account, &self.asked.region, &self.service, &at);
            // Nobody listens only while everything is being stopped.
            let _ = self.door.events.send(event);
        }
    }
}

/// CloudFormation's frame around a resource's failure.
fn resource_handler(message: &str) -> String {
    let token = fresh::uuid();
    format!(
        "Resource handler returned message: \"{message}\" (RequestToken: {token}, HandlerErrorCode: GeneralServiceException)"
    )
}

fn target(action: &str) -> String {
    format!("AmazonEC2ContainerServiceV20141113.{action}")
}
