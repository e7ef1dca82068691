//! `environments`: where the service is deployed, and what is different there.

use std::collections::BTreeMap;

use model::ids::{BranchName, EnvironmentName};
use model::who::Who;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Container, Deployment, Routing, Scaling, Schedule, Sidecar, TaskRole, container, deployment, object,
    routing, scaling, schedule, sidecars, task_role,
};
use crate::faults::{Fault, Faults, Path, quote};
use crate::freeze::{self, Freeze};
use crate::limits::{
    APPROVAL_WAIT_HOURS_MAX, APPROVALS_MAX, ENVIRONMENTS_MAX, RESTORABLE_WITHIN_MINUTES_MAX, WHO_MAX,
};
use crate::reader;

/// What the service says about one environment.
///
/// The keys from `routing` on are those of the first level, said again for this environment: objects are merged key by
/// key, and what is no object takes the place of what the first level says. Nothing can be taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// Pushes to this branch deploy here. Unset, and `after` too: what the environment's record says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 256), default)]
    pub branch: Option<BranchName>,
    /// What ended well in that environment is deployed here next, by the same digest. Instead of `branch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9]{0,15}$"), default)]
    pub after: Option<EnvironmentName>,
    #[schemars(default)]
    pub approval: ApprovalConfig,
    /// When nothing is deployed here, beside what the environment's record says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), default)]
    pub freeze: Vec<Freeze>,
    /// A database that must be in such a state that it could be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Requires", default)]
    pub requires: Option<Requires>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Schedule", default)]
    pub schedule: Option<Schedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Routing", default)]
    pub routing: Option<Routing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Container", default)]
    pub container: Option<Container>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 9), default)]
    pub sidecars: BTreeMap<String, Sidecar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Scaling", default)]
    pub scaling: Option<Scaling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Deployment", default)]
    pub deployment: Option<Deployment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TaskRole", default)]
    pub task_role: Option<TaskRole>,
}

/// What approvals are asked for. The environment's floor holds whatever is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalConfig {
    /// How many people must approve. Unset: at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 10), default)]
    pub required: Option<u32>,
    /// Who may approve, as `user:…` or `group:…`, of those whom the floor lets approve. Unset: all of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        with = "Vec<String>",
        length(max = 50),
        inner(regex(pattern = "^(user|group):[A-Za-z0-9._@-]{1,64}$")),
        default
    )]
    pub approvers: Vec<Who>,
    /// How long a request may be answered, if the floor does not say less. Unset: as the floor says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 168), default)]
    pub expires_hours: Option<u32>,
}

/// A deployment may change a database for good: first it must be sure that what was there can be had again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requires {
    /// Identifier of the RDS instance or cluster.
    #[schemars(regex(pattern = "^[A-Za-z][A-Za-z0-9-]{0,62}$"))]
    pub database: String,
    /// How old the latest restorable time may be.
    #[schemars(range(min = 5, max = 1_440), default = "restorable_within")]
    pub restorable_within_minutes: u32,
    #[schemars(default)]
    pub on_failure: OnFailure,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// The release fails.
    #[default]
    Refuse,
    /// The plan says so, first of all.
    Warn,
}

const RESTORABLE_WITHIN_MINUTES_DEFAULT: u32 = 15;

fn restorable_within() -> u32 {
    RESTORABLE_WITHIN_MINUTES_DEFAULT
}

/// `service` is the one whose secrets may be named.
pub(crate) fn read(
    value: &Value,
    path: &Path,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<BTreeMap<EnvironmentName, EnvironmentConfig>> {
    let environments = reader::map(value, path, ENVIRONMENTS_MAX, faults, |name, value, path, faults| {
        let name = match name.parse::<EnvironmentName>() {
            Ok(name) => Some(name),
            Err(malformed) => {
                let allowed = format!("a name of {}", malformed.allowed);
                faults.push(Fault::new(path, "not an environment name", allowed));
                None
            }
        };
        let environment = read_environment(value, path, service, faults);
        Some((name?, environment?))
    })?;
    check_order(&environments, path, faults);
    Some(environments)
}

fn read_environment(
    value: &Value,
    path: &Path,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<EnvironmentConfig> {
    const KEYS: [&str; 12] = [
        "branch",
        "after",
        "approval",
        "freeze",
        "requires",
        "schedule",
        "routing",
        "container",
        "sidecars",
        "scaling",
        "deployment",
        "taskRole",
    ];
    let environment = object(value, path, &KEYS, faults)?;
    let branch = environment.optional("branch", faults, reader::branch);
    let after = environment.optional("after", faults, reader::id);
    if environment.has("branch") && environment.has("after") {
        faults.push(Fault::new(path, "given a branch and what it comes after", "one of branch and after"));
    }
    let approval = environment.optional("approval", faults, read_approval);
    let freeze = environment.optional("freeze", faults, freeze::read_all);
    let requires = environment.optional("requires", faults, read_requires);
    let schedule = environment.optional("schedule", faults, schedule::read);
    let routing = environment.optional("routing", faults, routing::read);
    let container = environment
        .optional("container", faults, |value, path, faults| container::read(value, path, service, faults));
    let sidecars = environment
        .optional("sidecars", faults, |value, path, faults| sidecars::read(value, path, service, faults));
    let scaling = environment.optional("scaling", faults, scaling::read);
    let deployment = environment.optional("deployment", faults, deployment::read);
    let task_role = environment.optional("taskRole", faults, task_role::read);
    Some(EnvironmentConfig {
        branch: branch?,
        after: after?,
        approval: approval?.unwrap_or_default(),
        freeze: freeze?.unwrap_or_default(),
        requires: requires?,
        schedule: schedule?,
        routing: routing?,
        container: container?,
        sidecars: sidecars?.unwrap_or_default(),
        scaling: scaling?,
        deployment: deployment?,
        task_role: task_role?,
    })
}

fn read_approval(value: &Value, path: &Path, faults: &mut Faults) -> Option<ApprovalConfig> {
    let approval = object(value, path, &["required", "approvers", "expiresHours"], faults)?;
    let required = approval.optional("required", faults, |value, path, faults| {
        reader::whole(value, path, 0..=APPROVALS_MAX, faults)
    });
    let approvers = approval.optional("approvers", faults, |value, path, faults| {
        reader::list(value, path, 1..=WHO_MAX, "people and groups", faults, reader::id)
    });
    let expires_hours = approval.optional("expiresHours", faults, |value, path, faults| {
        reader::whole(value, path, 1..=APPROVAL_WAIT_HOURS_MAX, faults)
    });
    Some(ApprovalConfig {
        required: required?,
        approvers: approvers?.unwrap_or_default(),
        expires_hours: expires_hours?,
    })
}

fn read_requires(value: &Value, path: &Path, faults: &mut Faults) -> Option<Requires> {
    const DATABASE: &str =
        "the identifier of a database: 1 to 63 letters, digits and hyphens, starting with a letter";
    const ON_FAILURE: &str = r#""refuse" or "warn""#;
    let requires = object(value, path, &["database", "restorableWithinMinutes", "onFailure"], faults)?;
    let database = requires.required("database", DATABASE, faults).and_then(|(value, path)| {
        let valid = |text: &str| {
            (1..=63).contains(&text.len())
                && text.as_bytes()[0].is_ascii_alphabetic()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        reader::text(value, &path, DATABASE, valid, faults).map(str::to_owned)
    });
    let within = requires.optional("restorableWithinMinutes", faults, |value, path, faults| {
        // RDS itself trails by five minutes.
        reader::whole(value, path, 5..=RESTORABLE_WITHIN_MINUTES_MAX, faults)
    });
    let on_failure = requires.optional("onFailure", faults, |value, path, faults| match value.as_str() {
        Some("refuse") => Some(OnFailure::Refuse),
        Some("warn") => Some(OnFailure::Warn),
        Some(_) | None => {
            faults.push(Fault::new(path, reader::excerpt_or_shape(value), ON_FAILURE));
            None
        }
    });
    Some(Requires {
        database: database?,
        restorable_within_minutes: within?.unwrap_or(RESTORABLE_WITHIN_MINUTES_DEFAULT),
        on_failure: on_failure?.unwrap_or_default(),
    })
}

/// That each `after` names another environment of this config, and that no environment waits for itself.
fn check_order(
    environments: &BTreeMap<EnvironmentName, EnvironmentConfig>,
    path: &Path,
    faults: &mut Faults,
) {
    let after = |name: &EnvironmentName| environments.get(name).and_then(|e| e.after.as_ref());
    for (name, environment) in environments {
        let Some(first) = &environment.after else { continue };
        let place = path.key(name.as_str()).key("after");
        if !environments.contains_key(first) {
            let known =
                environments.keys().map(EnvironmentName::as_str).filter(|known| *known != name.as_str());
            let names = known.clone().collect::<Vec<_>>();
            let allowed = match &names[..] {
                [] => "another environment of this config; there is none".to_owned(),
                names => format!("another environment of this config: {}", names.join(", ")),
            };
            let meant = crate::faults::nearest(first.as_str(), known).map(str::to_owned);
            faults.push(Fault::new(place, quote(first.as_str()), allowed).nearest(meant));
        } else if let Some(way) = cycle(name, after) {
            let value = format!("{}, which comes round: {way}", quote(first.as_str()));
            faults.push(Fault::new(place, value, "an environment that does not come after this one"));
        }
    }
}

/// The way from `start` back to itself, if there is one.
pub(crate) fn cycle<'n>(
    start: &'n EnvironmentName,
    after: impl Fn(&'n EnvironmentName) -> Option<&'n EnvironmentName>,
) -> Option<String> {
    let mut way = vec![start];
    let mut at = start;
    while way.len() <= ENVIRONMENTS_MAX {
        at = after(at)?;
        way.push(at);
        if at == start {
            return Some(way.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" after "));
        }
    }
    None
}
