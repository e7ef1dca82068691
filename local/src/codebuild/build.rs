//! A build as CodeBuild knows it, and its form in the API.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::project::{Source, Variable};

/// What `BatchGetBuilds` tells, kept as a file beside the build's log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Build {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) project: String,
    pub(super) uuid: String,
    pub(super) number: u64,
    pub(super) source: Source,
    pub(super) source_version: Option<String>,
    pub(super) resolved_version: Option<String>,
    pub(super) image: String,
    pub(super) compute_type: String,
    pub(super) environment_type: String,
    pub(super) privileged: bool,
    pub(super) variables: Vec<Variable>,
    pub(super) service_role: String,
    pub(super) timeout_minutes: u64,
    pub(super) queued_timeout_minutes: u64,
    pub(super) started_at: f64,
    pub(super) ended_at: Option<f64>,
    pub(super) status: Status,
    pub(super) phases: Vec<Phase>,
    pub(super) exported: Vec<Exported>,
    pub(super) token: Option<Token>,
}

/// The request that a `StartBuild` token stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) token: String,
    pub(super) request: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Exported {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    InProgress,
    Succeeded,
    Failed,
    Fault,
    Stopped,
    TimedOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PhaseKind {
    Submitted,
    Queued,
    Provisioning,
    DownloadSource,
    Install,
    PreBuild,
    Build,
    PostBuild,
    UploadArtifacts,
    Finalizing,
    Completed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Phase {
    pub(super) kind: PhaseKind,
    pub(super) status: Option<Status>,
    pub(super) started_at: f64,
    pub(super) ended_at: Option<f64>,
    pub(super) context: Option<Context>,
}

/// Why a phase failed: `COMMAND_EXECUTION_ERROR` and a sentence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Context {
    pub(super) code: String,
    pub(super) message: String,
}

impl Build {
    /// `<project>:<uuid>`
    pub(super) fn id(&self) -> String {
        format!("{}:{}", self.project, self.uuid)
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:codebuild:{}:{}:build/{}", self.region, self.account, self.id())
    }

    pub(super) fn is_over(&self) -> bool {
        self.status != Status::InProgress
    }

    pub(super) fn log_group(&self) -> String {
        format!("/aws/codebuild/{}", self.project)
    }

    pub(super) fn log_link(&self) -> String {
        format!(
            "https://console.aws.amazon.com/cloudwatch/home?region={}#logEvent:group={};stream={}",
            self.region,
            self.log_group(),
            self.uuid
        )
    }

    pub(super) fn current_phase(&self) -> PhaseKind {
        self.phases.last().map_or(PhaseKind::Submitted, |phase| phase.kind)
    }

    pub(super) fn enter(&mut self, kind: PhaseKind, now: f64) {
        self.phases.push(Phase { kind, status: None, started_at: now, ended_at: None, context: None });
    }

    pub(super) fn leave(&mut self, status: Status, context: Option<Context>, now: f64) {
        if let Some(phase) = self.phases.last_mut() {
            phase.status = Some(status);
            phase.ended_at = Some(now);
            phase.context = context;
        }
    }

    pub(super) fn complete(&mut self, status: Status, now: f64) {
        self.enter(PhaseKind::Completed, now);
        self.status = status;
        self.ended_at = Some(now);
    }

    /// As in `BatchGetBuilds`.
    pub(super) fn told(&self) -> Value {
        let mut told = json!({
            "id": self.id(),
            "arn": self.arn(),
            "buildNumber": self.number,
            "startTime": self.started_at,
            "currentPhase": self.current_phase(),
            "buildStatus": self.status,
            "projectName": self.project,
            "phases": self.phases.iter().map(Phase::told).collect::<Vec<_>>(),
            "source": { "type": self.source.kind, "location": self.source.location, "buildspec": self.source.buildspec },
            "secondarySources": [],
            "artifacts": { "location": "" },
            "cache": { "type": "NO_CACHE" },
            "environment": {
                "type": self.environment_type,
                "image": self.image,
                "computeType": self.compute_type,
                "privilegedMode": self.privileged,
                "environmentVariables": self.variables,
            },
            "serviceRole": self.service_role,
            "logs": {
                "groupName": self.log_group(),
                "streamName": self.uuid,
                "deepLink": self.log_link(),
                "cloudWatchLogsArn": format!(
                    "arn:aws:logs:{}:{}:log-group:{}:log-stream:{}",
                    self.region, self.account, self.log_group(), self.uuid
                ),
            },
            "timeoutInMinutes": self.timeout_minutes,
            "queuedTimeoutInMinutes": self.queued_timeout_minutes,
            "buildComplete": self.is_over(),
            "initiator": "local",
            "encryptionKey": format!("arn:aws:kms:{}:{}:alias/aws/s3", self.region, self.account),
            "exportedEnvironmentVariables": self.exported,
        });
        for (name, value) in
            [("sourceVersion", &self.source_version), ("resolvedSourceVersion", &self.resolved_version)]
        {
            if let Some(value) = value {
                told[name] = value.as_str().into();
            }
        }
        if let Some(ended_at) = self.ended_at {
            told["endTime"] = ended_at.into();
        }
        told
    }
}

impl Phase {
    pub(super) fn seconds(&self) -> Option<u64> {
        self.ended_at.map(|ended_at| (ended_at - self.started_at).max(0.0) as u64)
    }

    fn told(&self) -> Value {
        let mut told = json!({ "phaseType": self.kind, "startTime": self.started_at });
        if let (Some(status), Some(ended_at), Some(seconds)) = (self.status, self.ended_at, self.seconds()) {
            told["phaseStatus"] = json!(status);
            told["endTime"] = ended_at.into();
            told["durationInSeconds"] = seconds.into();
            told["contexts"] = match &self.context {
                Some(context) => json!([{ "statusCode": context.code, "message": context.message }]),
                None => json!([{ "statusCode": "", "message": "" }]),
            };
        }
        told
    }
}
