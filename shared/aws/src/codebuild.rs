//! Builds. CodeBuild takes ids, its events and this crate's callers speak of ARNs: both are taken everywhere.

use aws_sdk_codebuild::types::{Build, BuildPhase, EnvironmentVariable, SourceType};
use engine::failure::Failure;
use engine::ports::{BuildOrder, BuildRead, BuildService, BuildStatus, LogStream};

use crate::Aws;
use crate::failure::Call;

const START_BUILD: Call = Call::changes("codebuild StartBuild");
const BATCH_GET_BUILDS: Call = Call::reads("codebuild BatchGetBuilds");
const LIST_BUILDS: Call = Call::reads("codebuild ListBuildsForProject");
const STOP_BUILD: Call = Call::changes("codebuild StopBuild");

const PROJECT: &str = "TIDEGATE_BUILD_PROJECT";
/// The build's id, and so its image's tag.
const BUILD: &str = "TIDEGATE_BUILD";
const IMAGE_REPOSITORY: &str = "TIDEGATE_IMAGE_REPOSITORY";
/// What the buildspec exports.
const DIGEST: &str = "TIDEGATE_DIGEST";

/// What a failing phase says is kept up to here.
const PHASE_CHARS_MAX: usize = 500;
const LINK_BYTES_MAX: usize = 1000;

impl BuildService for Aws {
    async fn start_build(&self, order: &BuildOrder) -> Result<String, Failure> {
        let sent = self
            .codebuild
            .start_build()
            .project_name(self.settings.required(PROJECT)?)
            .idempotency_token(order.id.as_str())
            .source_type_override(SourceType::Codecommit)
            .source_location_override(self.clone_url(order))
            .source_version(order.revision.as_str())
            .service_role_override(&order.role_arn)
            .environment_variables_override(variable(BUILD, order.id.as_str())?)
            .environment_variables_override(variable(IMAGE_REPOSITORY, &order.image_repository_uri)?)
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                let full = error
                    .as_service_error()
                    .filter(|error| error.is_account_limit_exceeded_exception())
                    .map(|error| {
                        error.meta().message().unwrap_or("as many builds run as the account may").to_owned()
                    });
                return Err(
                    full.map_or_else(|| START_BUILD.failed(error), |why| START_BUILD.no_capacity(why))
                );
            }
        };
        answer
            .build_value
            .and_then(|build| build.arn)
            .ok_or_else(|| START_BUILD.unanswered("the answer names no build"))
    }

    async fn read_builds(&self, arns: &[String]) -> Result<Vec<BuildRead>, Failure> {
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self
            .codebuild
            .batch_get_builds()
            .set_ids(Some(arns.iter().map(|arn| id_of(arn).to_owned()).collect()))
            .send()
            .await
            .map_err(|error| BATCH_GET_BUILDS.failed(error))?;
        answer.builds().iter().map(read).collect()
    }

    async fn recent_builds(&self) -> Result<Vec<String>, Failure> {
        let answer = self
            .codebuild
            .list_builds_for_project()
            .project_name(self.settings.required(PROJECT)?)
            .sort_order(aws_sdk_codebuild::types::SortOrderType::Descending)
            .send()
            .await
            .map_err(|error| LIST_BUILDS.failed(error))?;
        Ok(answer.ids.unwrap_or_default())
    }

    async fn stop_build(&self, arn: &str) -> Result<(), Failure> {
        match self.codebuild.stop_build().id(id_of(arn)).send().await {
            Ok(_) => Ok(()),
            // Forgotten by CodeBuild: it is over.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Ok(())
            }
            Err(error) => Err(STOP_BUILD.failed(error)),
        }
    }
}

impl Aws {
    fn clone_url(&self, order: &BuildOrder) -> String {
        format!("https://git-codecommit.{}.{}/v1/repos/{}", self.region, self.dns_suffix(), order.repository)
    }
}

fn variable(name: &str, value: &str) -> Result<EnvironmentVariable, Failure> {
    EnvironmentVariable::builder()
        .name(name)
        .value(value)
        .build()
        .map_err(|error| START_BUILD.refused(error.to_string()))
}

/// `project:uuid`, from that or from `arn:…:build/project:uuid`.
fn id_of(arn: &str) -> &str {
    arn.rsplit_once("build/").map_or(arn, |(_, id)| id)
}

fn read(build: &Build) -> Result<BuildRead, Failure> {
    let arn = build.arn().unwrap_or_default().to_owned();
    let status = build.build_status().map(|status| status.as_str()).unwrap_or_default();
    let status = match status {
        "IN_PROGRESS" => BuildStatus::InProgress,
        "SUCCEEDED" => BuildStatus::Succeeded,
        "FAILED" => BuildStatus::Failed,
        "FAULT" => BuildStatus::Fault,
        "TIMED_OUT" => BuildStatus::TimedOut,
        "STOPPED" => BuildStatus::Stopped,
        other => {
            return Err(BATCH_GET_BUILDS.refused(format!(
                "build {arn} has status {other:?}; known are IN_PROGRESS, SUCCEEDED, FAILED, FAULT, TIMED_OUT and STOPPED"
            )));
        }
    };
    let variables =
        build.environment().map(|environment| environment.environment_variables()).unwrap_or_default();
    Ok(BuildRead {
        arn,
        id: variables
            .iter()
            .find(|variable| variable.name() == BUILD)
            .and_then(|variable| variable.value().parse().ok()),
        status,
        phase: phase(build),
        log: build.logs().and_then(|logs| {
            let (group, name) = (logs.group_name()?, logs.stream_name()?);
            Some(LogStream { group: group.to_owned(), name: name.to_owned() })
        }),
        log_link: build.logs().and_then(|logs| logs.deep_link()).and_then(link),
        exported_digest: build
            .exported_environment_variables()
            .iter()
            .find(|variable| variable.name() == Some(DIGEST))
            .and_then(|variable| variable.value())
            .filter(|value| !value.is_empty())
            .map(str::to_owned),
    })
}

/// Shown to people as a link, and so nothing else.
fn link(text: &str) -> Option<String> {
    let is_link = text.starts_with("https://")
        && text.len() <= LINK_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'|' | b'"'));
    is_link.then(|| text.to_owned())
}

/// The failing phase with what it said, or else the current one.
fn phase(build: &Build) -> String {
    let failing = build.phases().iter().find(|phase| {
        phase.phase_status().is_some_and(|status| matches!(status.as_str(), "FAILED" | "FAULT" | "TIMED_OUT"))
    });
    let Some(failing) = failing else { return build.current_phase().unwrap_or_default().to_owned() };
    in_words(failing).chars().take(PHASE_CHARS_MAX).collect()
}

fn in_words(phase: &BuildPhase) -> String {
    let said: Vec<String> = phase
        .contexts()
        .iter()
        .map(|context| match (context.status_code(), context.message()) {
            (Some(code), Some(message)) => format!("{code} {message}"),
            (Some(text), None) | (None, Some(text)) => text.to_owned(),
            (None, None) => String::new(),
        })
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let name = phase.phase_type().map(|name| name.as_str()).unwrap_or("a phase");
    let status = phase.phase_status().map(|status| status.as_str()).unwrap_or_default();
    if said.is_empty() { format!("{name}: {status}") } else { format!("{name}: {}", said.join("; ")) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_codebuild::types::{
        BuildPhaseType, ExportedEnvironmentVariable, PhaseContext, ProjectEnvironment, StatusType,
    };

    use super::*;

    #[test]
    fn builds_are_asked_for_by_id_whatever_names_them() {
        assert_eq!(id_of("arn:aws:codebuild:eu-west-1:123456789012:build/tidegate:1-2"), "tidegate:1-2");
        assert_eq!(id_of("tidegate:1-2"), "tidegate:1-2");
    }

    #[test]
    fn a_failed_build_says_which_phase_failed_and_why() {
        let failed = BuildPhase::builder()
            .phase_type(BuildPhaseType::Build)
            .phase_status(StatusType::Failed)
            .contexts(
                PhaseContext::builder()
                    .status_code("COMMAND_EXECUTION_ERROR")
                    .message("Error while executing command: docker build. Reason: exit status 1")
                    .build(),
            )
            .build();
        let build = Build::builder()
            .arn("arn:aws:codebuild:eu-west-1:123456789012:build/tidegate:1-2")
            .build_status(StatusType::Failed)
            .phases(
                BuildPhase::builder()
                    .phase_type(BuildPhaseType::Install)
                    .phase_status(StatusType::Succeeded)
                    .build(),
            )
            .phases(failed)
            .environment(environment("tg-0123456789ab-89abcdef-1"))
            .build();
        let read = read(&build).unwrap();
        assert_eq!(read.status, BuildStatus::Failed);
        assert_eq!(
            read.phase,
            "BUILD: COMMAND_EXECUTION_ERROR Error while executing command: docker build. Reason: exit status 1"
        );
        assert_eq!(read.id, Some("tg-0123456789ab-89abcdef-1".parse().unwrap()));
        assert_eq!(read.exported_digest, None);
    }

    #[test]
    fn a_build_s_log_is_a_link_or_nothing() {
        let of = |link: &str| {
            let logs = aws_sdk_codebuild::types::LogsLocation::builder().deep_link(link).build();
            read(&Build::builder().build_status(StatusType::Failed).logs(logs).build()).unwrap().log_link
        };
        let link = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fbuilds";
        assert_eq!(of(link).as_deref(), Some(link));
        for other in ["", "javascript:alert(1)", "https://a b", "https://a|b", "https://a>b"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_build_of_somebody_else_has_no_id_of_ours() {
        let build = Build::builder()
            .build_status(StatusType::Succeeded)
            .current_phase("COMPLETED")
            .environment(environment("v1.2.3"))
            .exported_environment_variables(
                ExportedEnvironmentVariable::builder().name(DIGEST).value("sha256:abc").build(),
            )
            .build();
        let read = read(&build).unwrap();
        assert_eq!((read.id, read.phase.as_str()), (None, "COMPLETED"));
        assert_eq!(read.exported_digest.as_deref(), Some("sha256:abc"), "as written there");
    }

    #[test]
    fn an_unknown_status_is_not_guessed_at() {
        let build = Build::builder().build_status(StatusType::from("PAUSED")).build();
        assert!(read(&build).unwrap_err().to_string().contains("\"PAUSED\""));
    }

    fn environment(build: &str) -> ProjectEnvironment {
        ProjectEnvironment::builder()
            .r#type(aws_sdk_codebuild::types::EnvironmentType::LinuxContainer)
            .image("aws/codebuild/standard:7.0")
            .compute_type(aws_sdk_codebuild::types::ComputeType::BuildGeneral1Small)
            .environment_variables(variable(BUILD, build).unwrap())
            .build()
            .unwrap()
    }
}
