//! `deployment.before` and `deployment.verify`: what runs once for a release.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{container, object};
use crate::faults::{Fault, Faults, Path};
use crate::limits::{PATH_CHARS_MAX, TASK_TIMEOUT_MINUTES_DEFAULT, TASK_TIMEOUT_MINUTES_MAX};
use crate::reader::{self, Object};

/// A task that runs once, with the new image and the container's own environment, secrets and role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Errand {
    #[schemars(length(min = 1, max = 100))]
    pub command: Vec<String>,
    #[schemars(range(min = 1, max = 240), default = "task_timeout")]
    pub timeout_minutes: u32,
}

/// What tells whether a deployment may stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Verify {
    Errand(Errand),
    Probe(Probe),
}

impl Verify {
    pub fn timeout_minutes(&self) -> u32 {
        match self {
            Verify::Errand(errand) => errand.timeout_minutes,
            Verify::Probe(probe) => probe.timeout_minutes,
        }
    }
}

/// A request to a `web` service through its load balancer, for which a status below 400 is a good answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// One that the service's own rule takes.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^/[A-Za-z0-9_.$/~@:+-]*$"))]
    pub path: String,
    /// From its start until it must have been answered well.
    #[schemars(range(min = 1, max = 240), default = "task_timeout")]
    pub timeout_minutes: u32,
}

fn task_timeout() -> u32 {
    TASK_TIMEOUT_MINUTES_DEFAULT
}

pub(super) fn read_errand(value: &Value, path: &Path, faults: &mut Faults) -> Option<Errand> {
    let errand = object(value, path, &["command", "timeoutMinutes"], faults)?;
    let command = errand
        .required("command", "a list of words", faults)
        .and_then(|(value, path)| container::read_command(value, &path, faults));
    let timeout_minutes = read_timeout(&errand, faults);
    Some(Errand { command: command?, timeout_minutes: timeout_minutes? })
}

pub(super) fn read_verify(value: &Value, path: &Path, faults: &mut Faults) -> Option<Verify> {
    let verify = object(value, path, &["command", "path", "timeoutMinutes"], faults)?;
    let command = verify.optional("command", faults, container::read_command);
    let asked = verify.optional("path", faults, read_path);
    let timeout_minutes = read_timeout(&verify, faults);
    let one = "one of the two: command, a list of words, or path";
    match (command?, asked?) {
        (Some(command), None) => Some(Verify::Errand(Errand { command, timeout_minutes: timeout_minutes? })),
        (None, Some(path)) => Some(Verify::Probe(Probe { path, timeout_minutes: timeout_minutes? })),
        (Some(_), Some(_)) => {
            faults.push(Fault::new(path, "command and path", one));
            None
        }
        (None, None) => {
            faults.push(Fault::missing(path.key("command"), one));
            None
        }
    }
}

fn read_path(value: &Value, path: &Path, faults: &mut Faults) -> Option<String> {
    let allowed = format!(
        "a path: /, then letters, digits and _-.$/~@:+, without wildcards and query, {PATH_CHARS_MAX} at most"
    );
    let valid = |text: &str| {
        text.len() <= PATH_CHARS_MAX
            && text.starts_with('/')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.$/~@:+".contains(&b))
    };
    reader::text(value, path, &allowed, valid, faults).map(str::to_owned)
}

fn read_timeout(errand: &Object<'_>, faults: &mut Faults) -> Option<u32> {
    let minutes = errand.optional("timeoutMinutes", faults, |value, path, faults| {
        reader::whole(value, path, 1..=TASK_TIMEOUT_MINUTES_MAX, faults)
    });
    Some(minutes?.unwrap_or(TASK_TIMEOUT_MINUTES_DEFAULT))
}
