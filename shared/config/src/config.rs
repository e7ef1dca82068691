//! `ecs-service-config.json`, first form.

use std::collections::BTreeMap;

use model::ids::{BranchName, EnvironmentName, ServiceName};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

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
        "kind": ["service"], "routing": ["service"], "container": ["service"], "environments": ["service"]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Routing", default)]
    pub routing: Option<Routing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Container", default)]
    pub container: Option<Container>,
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

/// What kind of workload it is. Only `web` yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Serves HTTP behind the environment's load balancer.
    #[default]
    Web,
}

/// Which requests reach the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Routing {
    /// Load balancer path patterns, within the prefixes granted to the service.
    #[schemars(
        length(min = 1, max = 5),
        inner(length(min = 1, max = 128), regex(pattern = r#"^/[A-Za-z0-9*?&_.$/~"'@:+-]*$"#))
    )]
    pub paths: Vec<String>,
    /// Place among the listener's rules; the lowest number is tried first.
    #[schemars(range(min = 1, max = 50_000))]
    pub priority: u32,
}

/// The container and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"cpu": ["memoryMiB"], "memoryMiB": ["cpu"]}))]
pub struct Container {
    /// The port that the container listens on.
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u32,
    /// CPU units, 1024 to a vCPU; given together with `memoryMiB`, as Fargate allows. Unset: the template's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", extend("enum" = [256, 512, 1024, 2048, 4096, 8192, 16384]), default)]
    pub cpu: Option<u32>,
    /// Memory in MiB.
    #[serde(rename = "memoryMiB", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 512, max = 122_880), default)]
    pub memory_mib: Option<u32>,
}

/// What the service says about one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// Pushes to this branch deploy here. Unset: the branch that the environment's record names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 256), default)]
    pub branch: Option<BranchName>,
    #[schemars(default)]
    pub approval: ApprovalConfig,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalConfig {
    /// How many people must approve. The environment's floor holds whatever is said here. Unset: at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 10), default)]
    pub required: Option<u32>,
}
