//! `StartBuild`: what one build is made of, and the rule of its token.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use tokio::sync::watch;
use tracing::info;

use super::{
    Running, Shop,
    build::{Build, PhaseKind, Status, Token},
    event, invalid,
    project::{self, Project, Source, Variable},
    read, runner, workplace,
};
use crate::{fresh::uuid, refusal::Refusal, stand_in::Call};

/// Source: CodeBuild API, StartBuild, `idempotencyToken`: "valid for 5 minutes".
const TOKEN_LIFE_SECONDS: f64 = 5.0 * 60.0;
const TIMEOUT_MINUTES: std::ops::RangeInclusive<u64> = 5..=2160;
const QUEUED_TIMEOUT_MINUTES: std::ops::RangeInclusive<u64> = 5..=480;

/// Overrides that are not here (buildspec, image, privilege) are refused: the product's own policy denies them too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    project_name: String,
    source_type_override: Option<String>,
    source_location_override: Option<String>,
    source_version: Option<String>,
    #[serde(default)]
    environment_variables_override: Vec<Variable>,
    service_role_override: Option<String>,
    timeout_in_minutes_override: Option<u64>,
    queued_timeout_in_minutes_override: Option<u64>,
    idempotency_token: Option<String>,
}

/// Starts the build and returns it as it then stands; or the build that the same token started.
pub(super) async fn start(shop: &Arc<Shop>, call: &Call) -> Result<Build, Refusal> {
    let request: Request = read(call)?;
    let token = request.idempotency_token.clone().map(|token| -> Result<Token, Refusal> {
        Ok(Token { token, request: serde_json::from_slice(&call.body).map_err(Refusal::internal)? })
    });
    let token = token.transpose()?;
    check(&request)?;

    let _one_at_a_time = shop.starting.lock().await;
    let known = shop.history.of_account(&call.account, &call.region);
    if let Some(token) = &token
        && let Some(build) = started_with(&known, token, now_seconds())?
    {
        return Ok(build.clone());
    }
    let project =
        project::deployed(&shop.emulator, &call.account, &call.region, &request.project_name).await?;
    check_limits(shop, call, &project, &known).await?;

    let number = known.iter().filter(|build| build.project == project.name).count() as u64 + 1;
    let mut build = make(call, &project, request, token, number);
    build.enter(PhaseKind::Submitted, build.started_at);
    build.leave(Status::Succeeded, None, build.started_at);
    build.enter(PhaseKind::Queued, build.started_at);
    workplace::make(&shop.settings.work, &build).map_err(Refusal::internal)?;
    shop.history.put(&build);
    info!(build = %build.id(), account = %build.account, "build started");
    // Nobody may be listening, in tests.
    let _ = shop.events.send(event::state_change(&build));

    let (stop, stopped) = watch::channel(false);
    let (over_sender, over) = watch::channel(false);
    shop.running.lock().await.insert(build.arn(), Running { stop, over });
    tokio::spawn(runner::run(Arc::clone(shop), build.clone(), project, stopped, over_sender));
    Ok(build)
}

fn check(request: &Request) -> Result<(), Refusal> {
    for (name, value, allowed) in [
        ("timeoutInMinutesOverride", request.timeout_in_minutes_override, TIMEOUT_MINUTES),
        (
            "queuedTimeoutInMinutesOverride",
            request.queued_timeout_in_minutes_override,
            QUEUED_TIMEOUT_MINUTES,
        ),
    ] {
        if let Some(value) = value.filter(|value| !allowed.contains(value)) {
            let (least, most) = (allowed.start(), allowed.end());
            return Err(invalid(format!("{name} is {value}; {least} to {most} is allowed")));
        }
    }
    let secret = |variable: &&Variable| variable.kind != "PLAINTEXT";
    if let Some(variable) = request.environment_variables_override.iter().find(secret) {
        return Err(invalid(format!("{} is {}; only PLAINTEXT runs locally", variable.name, variable.kind)));
    }
    Ok(())
}

/// The build that the token started not long ago, if any; refused when the request was another one.
fn started_with<'a>(known: &'a [Build], token: &Token, now: f64) -> Result<Option<&'a Build>, Refusal> {
    let same = |build: &&Build| {
        build.token.as_ref().is_some_and(|used| used.token == token.token)
            && now - build.started_at < TOKEN_LIFE_SECONDS
    };
    match known.iter().rev().find(same) {
        Some(build) if build.token.as_ref().is_some_and(|used| used.request == token.request) => {
            Ok(Some(build))
        }
        Some(build) => Err(invalid(format!(
            "The idempotency token {} was used with other parameters for build {}",
            token.token,
            build.id()
        ))),
        None => Ok(None),
    }
}

async fn check_limits(shop: &Shop, call: &Call, project: &Project, known: &[Build]) -> Result<(), Refusal> {
    let running: Vec<&Build> = known.iter().filter(|build| !build.is_over()).collect();
    let of_project = running.iter().filter(|build| build.project == project.name).count();
    let exceeded = |limit: usize, whose: &str| {
        let message = format!("Cannot have more than {limit} active builds for the {whose}");
        Err(Refusal::new("AccountLimitExceededException", message))
    };
    if let Some(limit) = project.concurrent_build_limit.filter(|limit| of_project >= *limit) {
        return exceeded(limit, "project");
    }
    let limit = shop.limits.lock().await.get(&call.account).copied();
    if let Some(limit) = limit.filter(|limit| running.len() >= *limit) {
        return exceeded(limit, "account");
    }
    Ok(())
}

fn make(call: &Call, project: &Project, request: Request, token: Option<Token>, number: u64) -> Build {
    let mut variables = project.environment.environment_variables.clone();
    for variable in request.environment_variables_override {
        variables.retain(|known| known.name != variable.name);
        variables.push(variable);
    }
    let of_project = Some(project.source_version.clone()).filter(|version| !version.is_empty());
    Build {
        account: call.account.clone(),
        region: call.region.clone(),
        project: project.name.clone(),
        uuid: uuid(),
        number,
        source: Source {
            kind: request.source_type_override.unwrap_or_else(|| project.source.kind.clone()),
            location: request.source_location_override.unwrap_or_else(|| project.source.location.clone()),
            buildspec: project.source.buildspec.clone(),
        },
        source_version: request.source_version.or(of_project),
        resolved_version: None,
        image: project.environment.image.clone(),
        compute_type: project.environment.compute_type.clone(),
        environment_type: project.environment.kind.clone(),
        privileged: project.environment.privileged_mode,
        variables,
        service_role: request.service_role_override.unwrap_or_else(|| project.service_role.clone()),
        timeout_minutes: request.timeout_in_minutes_override.unwrap_or(project.timeout_in_minutes),
        queued_timeout_minutes: request
            .queued_timeout_in_minutes_override
            .unwrap_or(project.queued_timeout_in_minutes),
        started_at: now_seconds(),
        ended_at: None,
        status: Status::InProgress,
        phases: Vec::new(),
        exported: Vec::new(),
        token,
    }
}

/// Seconds since 1970, to the millisecond as AWS gives them.
pub(super) fn now_seconds() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call() -> Call {
        Call {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            service: "codebuild".into(),
            action: "StartBuild".into(),
            headers: axum::http::HeaderMap::new(),
            body: "{}".into(),
        }
    }

    #[test]
    fn a_token_stands_for_its_build_five_minutes_long() {
        let project: Project = serde_json::from_value(json!({ "name": "images" })).unwrap();
        let request: Request = serde_json::from_value(json!({ "projectName": "images" })).unwrap();
        let token = |request| Token { token: "payments-production-7-1".into(), request };
        let build = make(&call(), &project, request, Some(token(json!({ "a": 1 }))), 1);
        let (then, known) = (build.started_at, [build]);

        let found = |token: Token, now| started_with(&known, &token, now).map(|build| build.map(Build::id));
        assert_eq!(found(token(json!({ "a": 1 })), then + 299.0), Ok(Some(known[0].id())));
        assert_eq!(found(token(json!({ "a": 2 })), then + 299.0).unwrap_err().kind, "InvalidInputException");
        assert_eq!(found(token(json!({ "a": 1 })), then + 300.0), Ok(None));
        let other = Token { token: "another".into(), request: json!({ "a": 1 }) };
        assert_eq!(found(other, then), Ok(None));
    }
}
