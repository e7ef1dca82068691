//! The environment record.

use std::collections::BTreeMap;

use model::ids::{BranchName, ServiceName};
use model::pattern::names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::floor::{self, Caps, Floor, May};
use super::prober::{self, Prober};
use super::{is_arn, is_id, is_word, optional, text, texts};
use crate::config::{POLICY_NAME_ALLOWED, is_policy_name};
use crate::faults::{Fault, Faults, Path};
use crate::limits::{GRANTS_MAX, RECORD_BYTES_MAX, SUBNETS_MAX};
use crate::{json, reader};

/// Parameter `/tidegate/environments/<environment>`: where an environment is and what it insists on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Environment record")]
pub struct EnvironmentRecord {
    /// Name of the ECS cluster.
    pub cluster: String,
    /// The load balancer's listener. An environment without one takes no web services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub listener_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^sg-"))]
    pub load_balancer_security_group: Option<String>,
    #[schemars(regex(pattern = "^vpc-"))]
    pub vpc_id: String,
    #[schemars(length(min = 1, max = 16), inner(regex(pattern = "^subnet-")))]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub assign_public_ip: bool,
    /// The boundary of every role that a service's stack makes.
    pub permissions_boundary_arn: String,
    /// Key of the base template in the artifact bucket.
    pub template: String,
    /// What deploys here when a pushed config names no environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 256))]
    pub branch: Option<BranchName>,
    #[serde(default)]
    pub floor: Floor,
    #[serde(default)]
    pub caps: Caps,
    /// Policies that services may have for their tasks, by the name that configs call them by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9+=,.@_-]{1,128}$"}, "maxProperties" = 50))]
    pub managed_policies: BTreeMap<String, Policy>,
    #[serde(default, skip_serializing_if = "May::is_empty")]
    pub may: May,
    /// Pipelines of CodePipeline whose manual approvals are answered by this environment's floor: `payments`, `payments-*`
    /// for all that begin so, or `payments/Approve` for one stage alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 50),
        inner(regex(pattern = r"^[A-Za-z0-9.@_-]{1,100}\*?(/[A-Za-z0-9.@_-]{1,100})?$"))
    )]
    pub pipelines: Vec<String>,
    /// Without it no config can have a path in `deployment.verify`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Prober", default)]
    pub probe: Option<Prober>,
}

/// A policy that services may have for their tasks. What it allows must lie within the permissions boundary too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    pub arn: String,
    /// The services that may have it. Unset: every service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = 50))]
    pub services: Vec<ServiceName>,
}

impl Policy {
    pub fn may_be_had_by(&self, service: &ServiceName) -> bool {
        self.services.is_empty() || self.services.contains(service)
    }
}

impl EnvironmentRecord {
    /// Parses and validates an environment record; `Err` holds every fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, Faults> {
        let root = Path::of("environment record");
        let (value, mut faults) = json::read(bytes, RECORD_BYTES_MAX, &root)?;
        match read_environment(&value, &root, &mut faults) {
            Some(record) => faults.or(record),
            None => Err(faults),
        }
    }

    /// Whether approvals in that stage are answered by this environment's floor.
    pub fn names_pipeline(&self, pipeline: &str, stage: &str) -> bool {
        self.pipelines.iter().any(|entry| {
            let (name, of_stage) =
                entry.split_once('/').map_or((&**entry, None), |(name, stage)| (name, Some(stage)));
            names(name, pipeline) && of_stage.is_none_or(|wanted| wanted == stage)
        })
    }
}

/// Source: CodePipeline API, PutApprovalResult.
fn is_pipeline(entry: &str) -> bool {
    let is_name = |name: &str| {
        (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'@' | b'_' | b'-'))
    };
    match entry.split_once('/') {
        Some((name, stage)) => is_name(name.strip_suffix('*').unwrap_or(name)) && is_name(stage),
        None => is_name(entry.strip_suffix('*').unwrap_or(entry)),
    }
}

const ENVIRONMENT_KEYS: [&str; 15] = [
    "cluster",
    "listenerArn",
    "loadBalancerSecurityGroup",
    "vpcId",
    "subnets",
    "assignPublicIp",
    "permissionsBoundaryArn",
    "template",
    "branch",
    "floor",
    "caps",
    "managedPolicies",
    "may",
    "pipelines",
    "probe",
];

fn read_environment(value: &Value, root: &Path, faults: &mut Faults) -> Option<EnvironmentRecord> {
    let record = reader::object(value, root, &ENVIRONMENT_KEYS, faults)?;
    let cluster = text(&record, "cluster", "the name of an ECS cluster", is_word, faults);
    let listener_arn = optional(&record, "listenerArn", "the ARN of a listener", is_arn, faults);
    let group = "a security group id: sg-…";
    let load_balancer_security_group =
        optional(&record, "loadBalancerSecurityGroup", group, |v| is_id(v, "sg-"), faults);
    let vpc_id = text(&record, "vpcId", "a VPC id: vpc-…", |v| is_id(v, "vpc-"), faults);
    let subnets = record.required("subnets", "a list of subnet ids", faults).and_then(|(value, path)| {
        reader::list(value, &path, 1..=SUBNETS_MAX, "subnet ids", faults, |value, path, faults| {
            let allowed = "a subnet id: subnet-…";
            reader::text(value, path, allowed, |v| is_id(v, "subnet-"), faults).map(str::to_owned)
        })
    });
    let assign_public_ip = record
        .get("assignPublicIp")
        .map_or(Some(false), |(value, path)| reader::boolean(value, &path, faults));
    let permissions_boundary_arn =
        text(&record, "permissionsBoundaryArn", "the ARN of a managed policy", is_arn, faults);
    let template =
        text(&record, "template", "a key in the artifact bucket: stacks/service.yaml", is_word, faults);
    let branch = record.optional("branch", faults, reader::id);
    let floor = record.optional("floor", faults, floor::read);
    let caps = record.optional("caps", faults, floor::read_caps);
    let managed_policies = record.optional("managedPolicies", faults, read_policies);
    let may = record.optional("may", faults, floor::read_may);
    let pipelines = texts(
        &record,
        "pipelines",
        "a pipeline: payments, payments-* for all that begin so, or payments/Approve for one stage alone",
        is_pipeline,
        faults,
    );
    let probe = record.optional("probe", faults, prober::read);
    Some(EnvironmentRecord {
        cluster: cluster?,
        listener_arn: listener_arn?,
        load_balancer_security_group: load_balancer_security_group?,
        vpc_id: vpc_id?,
        subnets: subnets?,
        assign_public_ip: assign_public_ip?,
        permissions_boundary_arn: permissions_boundary_arn?,
        template: template?,
        branch: branch?,
        floor: floor?.unwrap_or_default(),
        caps: caps?.unwrap_or_default(),
        managed_policies: managed_policies?.unwrap_or_default(),
        may: may?.unwrap_or_default(),
        pipelines: pipelines?,
        probe: probe?,
    })
}

fn read_policies(value: &Value, path: &Path, faults: &mut Faults) -> Option<BTreeMap<String, Policy>> {
    reader::map(value, path, GRANTS_MAX, faults, |name, value, path, faults| {
        if !is_policy_name(name) {
            faults.push(Fault::new(path, "not a policy's name", POLICY_NAME_ALLOWED));
            return None;
        }
        let policy = reader::object(value, path, &["arn", "services"], faults)?;
        let arn = text(&policy, "arn", "the ARN of a managed policy", is_arn, faults);
        let services = policy.optional("services", faults, |value, path, faults| {
            reader::list(value, path, 1..=GRANTS_MAX, "service names", faults, reader::id)
        });
        Some((name.to_owned(), Policy { arn: arn?, services: services?.unwrap_or_default() }))
    })
}
