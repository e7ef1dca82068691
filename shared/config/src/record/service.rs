//! The service record.

use model::ids::{BranchName, ServiceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{is_arn, is_word, text, texts};
use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::{BRANCHES_MAX, RECORD_BYTES_MAX};
use crate::{json, reader, routing};

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

const SERVICE_KEYS: [&str; 7] =
    ["service", "branches", "paths", "hosts", "imageRepository", "imageRepositoryUri", "buildRoleArn"];

fn read_service(value: &Value, root: &Path, faults: &mut Faults) -> Option<ServiceRecord> {
    let record = reader::object(value, root, &SERVICE_KEYS, faults)?;
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
    let build_role_arn = text(&record, "buildRoleArn", "the ARN of a role", is_arn, faults);
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
