//! `ecs-service-config.json`, first form: a file for each key, with its type, its reader, and how an environment's own
//! words are laid over the common ones.

mod container;
mod deployment;
mod environments;
mod errands;
mod routing;
mod scaling;
mod schedule;
mod sidecars;
mod task_role;

use std::collections::BTreeMap;

use model::ids::{EnvironmentName, ServiceName};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use container::{Container, Process, Secret};
pub use deployment::{Canary, Deployment, Linear, Strategy};
pub use environments::{ApprovalConfig, EnvironmentConfig, OnFailure, Requires};
pub use errands::{Errand, Probe, Verify};
pub use routing::{HealthCheck, Priority, Routing};
pub use scaling::Scaling;
pub use schedule::Schedule;
pub use sidecars::{LogRouter, LogRouterKind, Sidecar};
pub use task_role::TaskRole;

pub(crate) use container::read as read_container;
pub(crate) use deployment::read as read_deployment;
pub(crate) use environments::{cycle, read as read_environments};
pub(crate) use routing::{priority_allowed, read as read_routing};
pub(crate) use scaling::read as read_scaling;
pub(crate) use schedule::read as read_schedule;
pub(crate) use sidecars::{IMAGE_ALLOWED, read as read_sidecars};
pub(crate) use task_role::{POLICY_NAME_ALLOWED, is_policy_name, read as read_task_role};

use crate::faults::{Faults, Path};
use crate::reader;

/// A parsed and validated `ecs-service-config.json`.
///
/// CodePipeline's template configuration form is the same type with nothing but `parameters`, `tags` and
/// `stack_policy`; what it says about routing and container stands in `parameters`, under the template's names.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(
    title = "ecs-service-config.json",
    description = "What a service asks of Tidegate. A file with nothing but Parameters, Tags and StackPolicy is \
                   CodePipeline's template configuration and valid as it stands; any other key asks for service.",
    extend("dependentRequired" = {
        "kind": ["service"], "schedule": ["service"], "routing": ["service"], "container": ["service"],
        "sidecars": ["service"], "scaling": ["service"], "deployment": ["service"], "taskRole": ["service"],
        "environments": ["service"]
    })
)]
pub struct ServiceConfig {
    /// The service, as the platform's record of this repository names it. Unset only in CodePipeline's template
    /// configuration form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"), length(max = 31), default)]
    pub service: Option<ServiceName>,
    #[schemars(default)]
    pub kind: Kind,
    /// When a `job` runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Schedule", default)]
    pub schedule: Option<Schedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Routing", default)]
    pub routing: Option<Routing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Container", default)]
    pub container: Option<Container>,
    /// Containers that run beside the service's own, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        extend("propertyNames" = {"pattern": "^[A-Za-z0-9_-]{1,100}$"}, "maxProperties" = 9),
        default
    )]
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
    /// Where the service is deployed. Without it: to the environments whose record names the pushed branch.
    #[schemars(
        with = "BTreeMap<String, EnvironmentConfig>",
        extend("propertyNames" = {"pattern": "^[a-z][a-z0-9]{0,15}$"}, "maxProperties" = 20),
        default
    )]
    pub environments: BTreeMap<EnvironmentName, EnvironmentConfig>,
    /// Values for the template's parameters, all strings.
    #[serde(rename = "Parameters")]
    #[schemars(
        extend(
            "propertyNames" = {"pattern": "^[A-Za-z0-9]{1,255}$", "not": {"enum": crate::parameters::ENGINE_OWNED}},
            "maxProperties" = 200
        ),
        default
    )]
    pub parameters: BTreeMap<String, String>,
    /// Tags of the stack and of what it makes.
    #[serde(rename = "Tags")]
    #[schemars(
        extend("propertyNames" = {"pattern": "^(?![Aa][Ww][Ss]:).{1,128}$"}, "maxProperties" = 50),
        default
    )]
    pub tags: BTreeMap<String, String>,
    /// CloudFormation's stack policy.
    #[serde(rename = "StackPolicy", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>", default)]
    pub stack_policy: Option<Map<String, Value>>,
}

/// What kind of workload it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Serves HTTP behind the environment's load balancer.
    #[default]
    Web,
    /// Runs all the time, without a load balancer.
    Worker,
    /// Runs when its schedule says, and ends.
    Job,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Web => "web",
            Kind::Worker => "worker",
            Kind::Job => "job",
        }
    }

    /// What one calls it.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Web => "web service",
            Kind::Worker | Kind::Job => self.word(),
        }
    }
}

impl ServiceConfig {
    /// What holds in `environment`: its own words laid over the common ones, and nothing said of environments any more
    /// but of this one.
    ///
    /// `routing`, `healthCheck`, `container`, `sidecars`, `scaling`, `deployment` and `taskRole` are merged key by key,
    /// and so are the maps in them; anything else, lists too, takes the place of what was there.
    #[must_use]
    pub fn in_environment(&self, environment: &EnvironmentName) -> ServiceConfig {
        let Some(own) = self.environments.get(environment) else { return self.clone() };
        ServiceConfig {
            schedule: take(&own.schedule, &self.schedule),
            routing: laid_over(&own.routing, &self.routing, Routing::over),
            container: laid_over(&own.container, &self.container, Container::over),
            sidecars: merge(&own.sidecars, &self.sidecars, Sidecar::over),
            scaling: laid_over(&own.scaling, &self.scaling, Scaling::over),
            deployment: laid_over(&own.deployment, &self.deployment, Deployment::over),
            task_role: laid_over(&own.task_role, &self.task_role, TaskRole::over),
            ..self.clone()
        }
    }
}

/// What was said of the environment, or else in common.
fn take<T: Clone>(own: &Option<T>, base: &Option<T>) -> Option<T> {
    own.as_ref().or(base.as_ref()).cloned()
}

fn laid_over<T: Clone>(own: &Option<T>, base: &Option<T>, over: impl Fn(&T, &T) -> T) -> Option<T> {
    match (own, base) {
        (Some(own), Some(base)) => Some(over(own, base)),
        (own, base) => take(own, base),
    }
}

fn merge<T: Clone>(
    own: &BTreeMap<String, T>,
    base: &BTreeMap<String, T>,
    over: impl Fn(&T, &T) -> T,
) -> BTreeMap<String, T> {
    let mut merged = base.clone();
    for (key, value) in own {
        let value = base.get(key).map_or_else(|| value.clone(), |base| over(value, base));
        merged.insert(key.clone(), value);
    }
    merged
}

/// Where keys below the first level belong, for those written in the wrong place.
const ELSEWHERE: [&str; 38] = [
    "$.service",
    "$.kind",
    "$.schedule",
    "$.schedule.cron",
    "$.routing",
    "$.routing.paths",
    "$.routing.hosts",
    "$.routing.priority",
    "$.routing.healthCheck",
    "$.container",
    "$.container.port",
    "$.container.cpu",
    "$.container.memoryMiB",
    "$.container.environment",
    "$.container.secrets",
    "$.container.stopTimeoutSeconds",
    "$.sidecars",
    "$.scaling",
    "$.scaling.min",
    "$.scaling.max",
    "$.scaling.cpuPercent",
    "$.scaling.requestsPerTarget",
    "$.scaling.spotPercent",
    "$.deployment",
    "$.deployment.strategy",
    "$.deployment.bakeMinutes",
    "$.deployment.alarms",
    "$.deployment.before",
    "$.deployment.verify",
    "$.taskRole",
    "$.taskRole.managedPolicies",
    "$.environments",
    "$.environments.<name>.branch",
    "$.environments.<name>.after",
    "$.environments.<name>.approval",
    "$.environments.<name>.approval.required",
    "$.environments.<name>.freeze",
    "$.environments.<name>.requires",
];

/// An object of the config.
pub(crate) fn object<'v>(
    value: &'v Value,
    path: &Path,
    known: &[&str],
    faults: &mut Faults,
) -> Option<reader::Object<'v>> {
    reader::object_among(value, path, known, &ELSEWHERE, faults)
}
