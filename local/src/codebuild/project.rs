//! The deployed project, asked of the emulator: CloudFormation made it there.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    json_call::{JsonClient, Operation},
    refusal::Refusal,
};

const TIMEOUT_MINUTES_DEFAULT: u64 = 60;
const QUEUED_TIMEOUT_MINUTES_DEFAULT: u64 = 480;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Project {
    pub(super) name: String,
    #[serde(default)]
    pub(super) source: Source,
    #[serde(default)]
    pub(super) source_version: String,
    #[serde(default)]
    pub(super) environment: Environment,
    #[serde(default)]
    pub(super) service_role: String,
    #[serde(default = "timeout_minutes")]
    pub(super) timeout_in_minutes: u64,
    #[serde(default = "queued_timeout_minutes")]
    pub(super) queued_timeout_in_minutes: u64,
    /// The emulator forgets this one when CloudFormation makes the project; then there is no limit.
    pub(super) concurrent_build_limit: Option<usize>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Source {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) location: String,
    #[serde(default)]
    pub(super) buildspec: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Environment {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) image: String,
    pub(super) compute_type: String,
    #[serde(deserialize_with = "flag")]
    pub(super) privileged_mode: bool,
    pub(super) environment_variables: Vec<Variable>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
    #[serde(rename = "type", default = "plaintext")]
    pub(super) kind: String,
}

pub(super) async fn deployed(
    emulator: &JsonClient,
    account: &str,
    region: &str,
    name: &str,
) -> Result<Project, Refusal> {
    let operation =
        Operation { account, region, service: "codebuild", target: "CodeBuild_20161006.BatchGetProjects" };
    let answer = emulator.call(&operation, &json!({ "names": [name] })).await.map_err(Refusal::internal)?;
    let found = answer["projects"].get(0).ok_or_else(|| {
        let arn = format!("arn:aws:codebuild:{region}:{account}:project/{name}");
        Refusal::new("ResourceNotFoundException", format!("Project cannot be found: {arn}"))
    })?;
    Project::deserialize(found).map_err(|error| Refusal::internal(format!("project {name}: {error}")))
}

/// CloudFormation's booleans may arrive as text.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_bool().unwrap_or_else(|| value == "true"))
}

fn timeout_minutes() -> u64 {
    TIMEOUT_MINUTES_DEFAULT
}

fn queued_timeout_minutes() -> u64 {
    QUEUED_TIMEOUT_MINUTES_DEFAULT
}

fn plaintext() -> String {
    "PLAINTEXT".to_owned()
}
