//! The platform's records: what whoever runs the platform says about a repository and an environment.

use model::ids::{BranchName, ServiceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::{
    APPROVAL_WAIT_HOURS_DEFAULT, APPROVAL_WAIT_HOURS_MAX, APPROVALS_MAX, BRANCHES_MAX, GRANTS_MAX,
    RECORD_BYTES_MAX, SUBNETS_MAX,
};
use crate::reader::{self, Object};
use crate::{fargate, json, routing};

/// Parameter `/tidegate/repositories/<repository>`: which service a repository is, and what it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Service record")]
pub struct ServiceRecord {
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"), length(max = 31))]
    pub service: ServiceName,
    /// Branches whose pushes may deploy.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub branches: Vec<BranchName>,
    /// Granted path prefixes: `/payments` grants `/payments` and everything below `/payments/`.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Granted host names.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Name of the ECR repository.
    pub image_repository: String,
    /// Its URI, without tag or digest.
    pub image_repository_uri: String,
    /// The role that builds of this repository run under.
    pub build_role_arn: String,
}

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
}

/// What an environment insists on, whatever a config says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Floor {
    /// Least approvals.
    #[schemars(range(max = 10))]
    pub approvals: u32,
    /// Whether an SNS reply with the request's token may approve.
    pub replies: bool,
    /// How long a request may be answered.
    #[schemars(range(min = 1, max = 168))]
    pub expires_hours: u32,
    /// Whether those who pushed, wrote or asked for a release may approve it.
    pub self_approval: bool,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            approvals: 1,
            replies: false,
            expires_hours: APPROVAL_WAIT_HOURS_DEFAULT,
            self_approval: false,
        }
    }
}

/// The largest task that may run in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Caps {
    #[schemars(range(min = 256, max = 16_384))]
    pub cpu: u32,
    #[serde(rename = "memoryMiB")]
    #[schemars(range(min = 512, max = 122_880))]
    pub memory_mib: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { cpu: fargate::CPU_MAX, memory_mib: fargate::MEMORY_MIB_MAX }
    }
}

impl ServiceRecord {
    /// Parses and validates a service record; `Err` holds every fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, Faults> {
        let root = Path::of("service record");
        let (value, mut faults) = json::read(bytes, RECORD_BYTES_MAX, &root)?;
        match read_service(&value, &root, &mut faults) {
            Some(record) => faults.or(record),
            None => Err(faults),
        }
    }

    /// Whether pushes to `branch` may deploy.
    pub fn allows(&self, branch: &BranchName) -> bool {
        self.branches.contains(branch)
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
}

const SERVICE_KEYS: [&str; 7] =
    ["service", "branches", "paths", "hosts", "imageRepository", "imageRepositoryUri", "buildRoleArn"];
const ENVIRONMENT_KEYS: [&str; 11] = [
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
];

fn read_service(value: &Value, root: &Path, faults: &mut Faults) -> Option<ServiceRecord> {
    let record = reader::object(value, root, &SERVICE_KEYS, &[], faults)?;
    let service = record
        .required("service", "a service name", faults)
        .and_then(|(value, path)| reader::id(value, &path, faults));
    let branches = record.required("branches", "a list of branch names", faults).and_then(|(value, path)| {
        reader::list(value, &path, 1..=BRANCHES_MAX, "branch names", faults, |value, path, faults| {
            reader::id(value, path, faults)
        })
    });
    let paths = texts(&record, "paths", routing::PREFIX_ALLOWED, routing::is_prefix, faults);
    let hosts = texts(&record, "hosts", routing::HOST_ALLOWED, routing::is_host, faults);
    let image_repository = text(&record, "imageRepository", "the name of an ECR repository", is_word, faults);
    let uri = "the ECR repository's URI: <registry>/<imageRepository>, without tag or digest";
    let image_repository_uri = text(&record, "imageRepositoryUri", uri, is_word, faults).filter(|written| {
        let suffix = image_repository.as_ref().map(|name| format!("/{name}"));
        let named = suffix.is_none_or(|suffix| written.ends_with(&suffix));
        if !named {
            faults.push(Fault::new(root.key("imageRepositoryUri"), quote(written), uri));
        }
        named
    });
    let build_role_arn = text(&record, "buildRoleArn", ROLE_ALLOWED, is_arn, faults);
    Some(ServiceRecord {
        service: service?,
        branches: branches?,
        paths: paths?,
        hosts: hosts?,
        image_repository: image_repository?,
        image_repository_uri: image_repository_uri?,
        build_role_arn: build_role_arn?,
    })
}

fn read_environment(value: &Value, root: &Path, faults: &mut Faults) -> Option<EnvironmentRecord> {
    let record = reader::object(value, root, &ENVIRONMENT_KEYS, &[], faults)?;
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
    let branch = match record.get("branch") {
        None => Some(None),
        Some((value, path)) => reader::id(value, &path, faults).map(Some),
    };
    let floor =
        record.get("floor").map_or(Some(Floor::default()), |(value, path)| read_floor(value, &path, faults));
    let caps =
        record.get("caps").map_or(Some(Caps::default()), |(value, path)| read_caps(value, &path, faults));
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
        floor: floor?,
        caps: caps?,
    })
}

fn read_floor(value: &Value, path: &Path, faults: &mut Faults) -> Option<Floor> {
    let floor =
        reader::object(value, path, &["approvals", "replies", "expiresHours", "selfApproval"], &[], faults)?;
    let unset = Floor::default();
    let approvals = floor.get("approvals").map_or(Some(unset.approvals), |(value, path)| {
        reader::whole(value, &path, 0..=APPROVALS_MAX, faults)
    });
    let replies = floor
        .get("replies")
        .map_or(Some(unset.replies), |(value, path)| reader::boolean(value, &path, faults));
    let expires_hours = floor.get("expiresHours").map_or(Some(unset.expires_hours), |(value, path)| {
        reader::whole(value, &path, 1..=APPROVAL_WAIT_HOURS_MAX, faults)
    });
    let self_approval = floor
        .get("selfApproval")
        .map_or(Some(unset.self_approval), |(value, path)| reader::boolean(value, &path, faults));
    Some(Floor {
        approvals: approvals?,
        replies: replies?,
        expires_hours: expires_hours?,
        self_approval: self_approval?,
    })
}

fn read_caps(value: &Value, path: &Path, faults: &mut Faults) -> Option<Caps> {
    let caps = reader::object(value, path, &["cpu", "memoryMiB"], &[], faults)?;
    let unset = Caps::default();
    let cpu = caps.get("cpu").map_or(Some(unset.cpu), |(value, path)| {
        reader::whole(value, &path, fargate::CPU_MIN..=fargate::CPU_MAX, faults)
    });
    let memory_mib = caps.get("memoryMiB").map_or(Some(unset.memory_mib), |(value, path)| {
        reader::whole(value, &path, fargate::MEMORY_MIB_MIN..=fargate::MEMORY_MIB_MAX, faults)
    });
    Some(Caps { cpu: cpu?, memory_mib: memory_mib? })
}

const ROLE_ALLOWED: &str = "the ARN of a role";

fn text(
    record: &Object<'_>,
    key: &str,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<String> {
    let (value, path) = record.required(key, allowed, faults)?;
    reader::text(value, &path, allowed, valid, faults).map(str::to_owned)
}

/// `None` when it is given and wrong.
fn optional(
    record: &Object<'_>,
    key: &str,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<Option<String>> {
    match record.get(key) {
        None => Some(None),
        Some((value, path)) => {
            reader::text(value, &path, allowed, valid, faults).map(|text| Some(text.to_owned()))
        }
    }
}

/// A list that may be left out.
fn texts(
    record: &Object<'_>,
    key: &str,
    allowed: &str,
    valid: impl Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    let Some((value, path)) = record.get(key) else {
        return Some(Vec::new());
    };
    reader::list(value, &path, 0..=GRANTS_MAX, "texts", faults, |value, path, faults| {
        reader::text(value, path, allowed, &valid, faults).map(str::to_owned)
    })
}

/// Printable ASCII without blanks, commas and quotes: nothing that a parameter or a message could take apart.
fn is_word(text: &str) -> bool {
    const BYTES_MAX: usize = 1_024;
    (1..=BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b'"' | b'\'' | b'@'))
}

fn is_arn(text: &str) -> bool {
    is_word(text) && text.starts_with("arn:") && text.split(':').count() >= 6
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}
