//! Tasks that are started by themselves. The emulator's run for ever where there is no container runtime; these take a
//! moment and end as they were told to. Nothing of them is executed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::FrontDoor;
use super::ecs::strings;
use super::scope::Scope;
use super::upstream::{Reply, Unanswered, Upstream};
use crate::clock;
use crate::control::TaskEnd;
use crate::fresh;

/// How long a task runs that ends by itself.
const TASK_TIME_MS: i64 = 1_500;

/// By account.
#[derive(Default)]
pub(super) struct Tasks {
    all: Mutex<BTreeMap<String, Vec<Task>>>,
}

#[derive(Debug, Clone)]
struct Task {
    arn: String,
    cluster: String,
    family: String,
    definition: String,
    container: String,
    image: String,
    token: String,
    started_by: String,
    since_ms: i64,
    /// When it ends, and with what.
    ends: Option<(i64, i32)>,
    stopped_for: Option<String>,
}

impl Tasks {
    fn of<T>(&self, account: &str, look: impl FnOnce(&mut Vec<Task>) -> T) -> T {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        look(all.entry(account.to_owned()).or_default())
    }
}

/// What we answer ourselves; none where the emulator's own answer is right.
pub(super) async fn answer(
    door: &FrontDoor,
    upstream: &Upstream,
    scope: &Scope,
    action: &str,
    input: &Value,
) -> Result<Option<Reply>, reqwest::Error> {
    let now = clock::now_ms();
    let ok = |value: &Value| Some(Reply::of_json(StatusCode::OK, value));
    Ok(match action {
        "RunTask" => Some(match run(door, upstream, scope, input).await {
            Ok(task) => Reply::of_json(StatusCode::OK, &json!({ "tasks": [task], "failures": [] })),
            Err(Refusal::Unanswered(Unanswered::Unreachable(failure))) => return Err(failure),
            Err(Refusal::Unanswered(refused)) => client_exception("ClientException", &refused.to_string()),
            Err(Refusal::Conflict) => client_exception(
                "ConflictException",
                "The provided clientToken is already in use with a different RunTask request.",
            ),
        }),
        "DescribeTasks" => {
            let asked = strings(&input["tasks"]);
            let ours: Vec<Value> = door.tasks.of(&scope.account, |tasks| {
                let ours = tasks.iter().filter(|task| asked.iter().any(|name| task.is_named(name)));
                ours.map(|task| task.described(now)).collect()
            });
            if ours.is_empty() { None } else { ok(&json!({ "tasks": ours, "failures": [] })) }
        }
        "StopTask" => door.tasks.of(&scope.account, |tasks| {
            let named = input["task"].as_str().unwrap_or_default();
            let task = tasks.iter_mut().find(|task| task.is_named(named))?;
            task.stop(input["reason"].as_str().unwrap_or_default(), now);
            ok(&json!({ "task": task.described(now) }))
        }),
        _ => None,
    })
}

/// The emulator's list with ours.
pub(super) fn with_ours(door: &FrontDoor, scope: &Scope, input: &Value, mut output: Value) -> Value {
    let now = clock::now_ms();
    let text = |key: &str| input[key].as_str();
    let cluster = text("cluster").map_or("default", last_part);
    let status = text("desiredStatus").unwrap_or("RUNNING");
    let arns: Vec<Value> = door.tasks.of(&scope.account, |tasks| {
        let ours = tasks.iter().filter(|task| {
            task.cluster == cluster
                && text("family").is_none_or(|family| family == task.family)
                && text("startedBy").is_none_or(|started_by| started_by == task.started_by)
                && text("serviceName").is_none()
                && task.desired_status(now) == status
        });
        ours.map(|task| Value::from(task.arn.clone())).collect()
    });
    if let Some(listed) = output["taskArns"].as_array_mut() {
        listed.extend(arns);
    }
    output
}

enum Refusal {
    Unanswered(Unanswered),
    Conflict,
}

impl From<Unanswered> for Refusal {
    fn from(unanswered: Unanswered) -> Self {
        Self::Unanswered(unanswered)
    }
}

/// Source: ECS API, "Ensuring idempotency": the same token and request give the same task; another request is refused.
async fn run(door: &FrontDoor, upstream: &Upstream, scope: &Scope, input: &Value) -> Result<Value, Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let asked = json!({ "taskDefinition": input["taskDefinition"] });
    let target = "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition";
    let found = upstream.json(scope, target, &asked).await?["taskDefinition"].take();
    let (definition, container) = (text(&found["taskDefinitionArn"]), &found["containerDefinitions"][0]);
    let (cluster, token) =
        (input["cluster"].as_str().map_or("default", last_part), text(&input["clientToken"]));
    let (now, id) = (clock::now_ms(), fresh::uuid().replace('-', ""));
    let Scope { account, region, .. } = scope;
    let (family, options) = (text(&found["family"]), &container["logConfiguration"]["options"]);
    let stream = format!("{}/{}/{id}", text(&options["awslogs-stream-prefix"]), text(&container["name"]));
    // Looked at and put there at once: the same request may come twice at the same time.
    let (described, log) = door.tasks.of(account, |tasks| {
        if let Some(known) = tasks.iter().find(|task| !token.is_empty() && task.token == token) {
            let same = known.definition == definition;
            return if same { Ok((known.described(now), Vec::new())) } else { Err(Refusal::Conflict) };
        }
        let (ends, log) = match door.control.take_task_end(account, &family) {
            None => (Some((now + TASK_TIME_MS, 0)), vec!["the local AWS runs no containers".to_owned()]),
            Some(TaskEnd::Exits { code, log }) => (Some((now + TASK_TIME_MS, code)), log),
            Some(TaskEnd::Hangs) => (None, Vec::new()),
        };
        let task = Task {
            arn: format!("arn:aws:ecs:{region}:{account}:task/{cluster}/{id}"),
            cluster: cluster.to_owned(),
            family,
            definition,
            container: text(&container["name"]),
            image: text(&container["image"]),
            token,
            started_by: text(&input["startedBy"]),
            since_ms: now,
            ends,
            stopped_for: None,
        };
        let described = task.described(now);
        tasks.push(task);
        Ok((described, log))
    })?;
    if !log.is_empty() {
        write(upstream, scope, &text(&options["awslogs-group"]), &stream, &log).await?;
    }
    Ok(described)
}

/// A container's log, where the API says it is.
async fn write(
    upstream: &Upstream,
    scope: &Scope,
    group: &str,
    stream: &str,
    lines: &[String],
) -> Result<(), Unanswered> {
    let scope = Scope { service: "logs".to_owned(), ..scope.clone() };
    let named = json!({ "logGroupName": group, "logStreamName": stream });
    upstream.json(&scope, "Logs_20140328.CreateLogStream", &named).await?;
    let now = clock::now_ms();
    let events: Vec<Value> = lines.iter().map(|line| json!({ "timestamp": now, "message": line })).collect();
    let put = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events });
    upstream.json(&scope, "Logs_20140328.PutLogEvents", &put).await.map(drop)
}

impl Task {
    fn is_named(&self, name: &str) -> bool {
        self.arn == name || last_part(&self.arn) == name
    }

    fn exit_code(&self, now: i64) -> Option<i32> {
        self.ends.filter(|(at, _)| *at <= now).map(|(_, code)| code)
    }

    fn desired_status(&self, now: i64) -> &'static str {
        if self.exit_code(now).is_some() || self.stopped_for.is_some() { "STOPPED" } else { "RUNNING" }
    }

    fn stop(&mut self, reason: &str, now: i64) {
        const TERMINATED: i32 = 143;
        if self.exit_code(now).is_none() {
            self.stopped_for = Some(reason.to_owned());
            self.ends = Some((now, TERMINATED));
        }
    }

    /// Source: ECS API, `Task`.
    fn described(&self, now: i64) -> Value {
        let exit_code = self.exit_code(now);
        let status = if exit_code.is_some() { "STOPPED" } else { "RUNNING" };
        let mut container = json!({ "name": self.container, "image": self.image, "lastStatus": status });
        let mut task = json!({
            "taskArn": self.arn,
            "clusterArn": format!("{}:cluster/{}", self.arn.split(":task/").next().unwrap_or_default(), self.cluster),
            "taskDefinitionArn": self.definition,
            "group": format!("family:{}", self.family),
            "startedBy": self.started_by,
            "launchType": "FARGATE",
            "lastStatus": status,
            "desiredStatus": self.desired_status(now),
            "createdAt": self.since_ms / 1000,
        });
        if let Some(code) = exit_code {
            container["exitCode"] = code.into();
            let reason = self.stopped_for.as_deref().unwrap_or("Essential container in task exited");
            task["stoppedReason"] = reason.into();
            let by_itself = self.stopped_for.is_none();
            task["stopCode"] = if by_itself { "EssentialContainerExited" } else { "UserInitiated" }.into();
        }
        task["containers"] = json!([container]);
        task
    }
}

/// A name, from that or from an ARN.
fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn client_exception(kind: &str, message: &str) -> Reply {
    Reply::of_json(StatusCode::BAD_REQUEST, &json!({ "__type": kind, "message": message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(ends: Option<(i64, i32)>) -> Task {
        Task {
            arn: "arn:aws:ecs:eu-west-1:111122223333:task/main/0a1b".to_owned(),
            cluster: "main".to_owned(),
            family: "tidegate-payments-production-before".to_owned(),
            definition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/payments:1".to_owned(),
            container: "payments".to_owned(),
            image: "registry.example/payments@sha256:00".to_owned(),
            token: "payments-production-1-7".to_owned(),
            started_by: "payments-production-1-7".to_owned(),
            since_ms: 0,
            ends,
            stopped_for: None,
        }
    }

    #[test]
    fn a_task_runs_until_it_ends_and_then_tells_its_exit_code() {
        let task = task(Some((1_000, 3)));
        assert_eq!(task.described(999)["lastStatus"], "RUNNING");
        assert!(task.described(999)["containers"][0].get("exitCode").is_none());
        assert_eq!(task.described(1_000)["lastStatus"], "STOPPED");
        assert_eq!(task.described(1_000)["containers"][0]["exitCode"], 3);
        assert_eq!(task.desired_status(1_000), "STOPPED");
    }

    #[test]
    fn stopping_ends_what_hangs_and_changes_nothing_of_what_has_ended() {
        let mut hangs = task(None);
        hangs.stop("cancelled", 5_000);
        assert_eq!(hangs.described(5_000)["containers"][0]["exitCode"], 143);
        assert_eq!(hangs.described(5_000)["stoppedReason"], "cancelled");
        let mut ended = task(Some((1_000, 0)));
        ended.stop("too late", 5_000);
        assert_eq!(ended.described(5_000)["containers"][0]["exitCode"], 0);
    }
}
