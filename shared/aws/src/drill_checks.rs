//! Runs of the teams' own checks of restored copies.

use aws_sdk_codebuild::primitives::DateTime;
use aws_sdk_codebuild::types::{Build, EnvironmentVariable, SortOrderType, StatusType};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use databases::drill::{CheckOrder, CheckRead, CheckState};
use engine::failure::Failure;
use engine::ports::DrillChecks;
use model::drill::AnswerKey;
use model::time::Timestamp;
use serde_json::{Value, json};

use crate::Aws;
use crate::failure::Call;

const START_BUILD: Call = Call::changes("codebuild StartBuild");
const BATCH_GET_BUILDS: Call = Call::reads("codebuild BatchGetBuilds");
const LIST_BUILDS: Call = Call::reads("codebuild ListBuildsForProject");
const INVOKE: Call = Call::changes("lambda Invoke");
const RANDOM: Call = Call::reads("the system's random numbers");

/// The drill that a run is for.
const DRILL: &str = "TIDEGATE_DRILL";

impl DrillChecks for Aws {
    async fn start_check(&self, order: &CheckOrder) -> Result<(), Failure> {
        let variables = [
            (DRILL, order.drill.as_str()),
            ("TIDEGATE_DATABASE", order.database.name()),
            ("TIDEGATE_ENGINE", &order.engine),
            ("TIDEGATE_HOST", &order.host),
            ("TIDEGATE_PORT", &order.port.to_string()),
        ];
        let secret = order.secret.as_deref().map(|secret| ("TIDEGATE_SECRET_ARN", secret));
        let variables: Result<Vec<_>, _> = variables
            .into_iter()
            .chain(secret)
            .map(|(name, value)| EnvironmentVariable::builder().name(name).value(value).build())
            .collect();
        let sent = self
            .codebuild
            .start_build()
            .project_name(&order.check)
            .idempotency_token(order.drill.as_str())
            .set_environment_variables_override(Some(
                variables.map_err(|error| START_BUILD.refused(error.to_string()))?,
            ))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_account_limit_exceeded_exception()) =>
            {
                Err(START_BUILD.no_capacity("as many builds run as the account may"))
            }
            Err(error) => Err(START_BUILD.failed(error)),
        }
    }

    async fn recent_checks(&self, project: &str) -> Result<Vec<String>, Failure> {
        let asked = self.codebuild.list_builds_for_project().project_name(project);
        let answer = asked.sort_order(SortOrderType::Descending).send().await;
        Ok(answer.map_err(|error| LIST_BUILDS.failed(error))?.ids.unwrap_or_default())
    }

    async fn read_checks(&self, ids: &[String]) -> Result<Vec<CheckRead>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sent = self.codebuild.batch_get_builds().set_ids(Some(ids.to_vec())).send().await;
        Ok(sent.map_err(|error| BATCH_GET_BUILDS.failed(error))?.builds().iter().map(read).collect())
    }

    async fn call_check(&self, order: &CheckOrder, key: &AnswerKey) -> Result<(), Failure> {
        let sent = self
            .lambda
            .invoke()
            .function_name(&order.check)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(call(order, key).to_string()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(InvokeError::is_too_many_requests_exception) =>
            {
                Err(INVOKE.no_capacity("as many functions are called as the account may"))
            }
            Err(error) => Err(INVOKE.failed(error)),
        }
    }

    fn answer_key(&self) -> Result<AnswerKey, Failure> {
        let mut random = [0; 16];
        getrandom::getrandom(&mut random).map_err(|error| RANDOM.transient(error.to_string()))?;
        Ok(AnswerKey::new(random))
    }
}

/// What a project gets as variables. `tidegate` comes back with the function's end.
fn call(order: &CheckOrder, key: &AnswerKey) -> Value {
    json!({
        "tidegate": { "drill": order.drill, "answerKey": key.reveal() },
        "database": order.database.name(),
        "engine": order.engine,
        "host": order.host,
        "port": order.port,
        "secretArn": order.secret,
    })
}

fn read(build: &Build) -> CheckRead {
    let variables =
        build.environment().map(|environment| environment.environment_variables()).unwrap_or_default();
    let drill = variables.iter().find(|variable| variable.name() == DRILL);
    let ended = time(build.end_time());
    let state = match (build.build_status(), ended) {
        (Some(StatusType::Succeeded), Some(at)) => CheckState::Succeeded { at },
        (None | Some(StatusType::InProgress | StatusType::Succeeded), _) => CheckState::Running,
        (Some(status), _) => {
            let id = build.id().unwrap_or("without id");
            CheckState::Failed { why: format!("build {id} is {status}") }
        }
    };
    CheckRead { drill: drill.and_then(|variable| variable.value().parse().ok()), state }
}

fn time(field: Option<&DateTime>) -> Option<Timestamp> {
    u64::try_from(field?.to_millis().ok()?).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use aws_sdk_codebuild::types::{ComputeType, EnvironmentType, ProjectEnvironment};
    use model::database::DatabaseKey;
    use model::drill::DrillId;

    use super::*;

    #[test]
    fn a_run_says_for_which_drill_it_is_and_how_it_ended() {
        let id = DrillId::of(&DatabaseKey::new("instance", "payments").unwrap(), "cli-1");
        let variable = EnvironmentVariable::builder().name(DRILL).value(id.as_str()).build().unwrap();
        let environment = ProjectEnvironment::builder()
            .r#type(EnvironmentType::LinuxContainer)
            .image("aws/codebuild/standard:7.0")
            .compute_type(ComputeType::BuildGeneral1Small)
            .environment_variables(variable)
            .build()
            .unwrap();
        let build = || Build::builder().id("check:1").environment(environment.clone());
        let state = |build: aws_sdk_codebuild::types::builders::BuildBuilder| read(&build.build()).state;
        let ended = build().end_time(DateTime::from_secs(1_772_442_900));
        assert_eq!(read(&build().build()).drill, Some(id));
        assert_eq!(read(&Build::builder().build()).drill, None);
        assert_eq!(state(build().build_status(StatusType::InProgress)), CheckState::Running);
        assert_eq!(
            state(ended.clone().build_status(StatusType::Succeeded)),
            CheckState::Succeeded { at: Timestamp(1_772_442_900_000) }
        );
        for status in [StatusType::Failed, StatusType::Fault, StatusType::Stopped, StatusType::TimedOut] {
            let why = format!("build check:1 is {status}");
            assert_eq!(state(ended.clone().build_status(status)), CheckState::Failed { why });
        }
    }
}
