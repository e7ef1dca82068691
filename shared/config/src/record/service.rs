//! The service record.

use std::collections::BTreeMap;

use model::ids::{BranchName, EnvironmentName, ServiceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{is_arn, is_word, optional, text, texts};
use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::{BRANCHES_MAX, ENVIRONMENTS_MAX, RECORD_BYTES_MAX};
use crate::record::EnvironmentRecord;
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
    /// The role by which ECS starts `deployment.before` and `deployment.verify`: it pulls the image, reads the service's
    /// secrets and writes the log group. Without it a config can have neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub task_execution_role_arn: Option<String>,
    /// The log group of those tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub task_log_group_arn: Option<LogGroupArn>,
    /// By environment: the key, in the artifact bucket, of a base template of the service's own, in place of the
    /// environment's. An adopted service has one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        with = "BTreeMap<String, String>",
        extend("propertyNames" = {"pattern": "^[a-z][a-z0-9]{0,15}$"}, "maxProperties" = 20)
    )]
    pub templates: BTreeMap<EnvironmentName, String>,
}

/// The ARN of a log group, without the `:*` that IAM wants at its end. It tells where the service's tasks run, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogGroupArn {
    pub partition: String,
    pub region: String,
    pub account: String,
    pub name: String,
}

const LOG_GROUP_ALLOWED: &str = "the ARN of a log group: arn:aws:logs:<region>:<account>:log-group:<name>";

impl TryFrom<String> for LogGroupArn {
    type Error = &'static str;

    /// Source: CloudWatch Logs user guide, "Using identity-based policies" (ARN formats).
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let arn = text.strip_suffix(":*").unwrap_or(&text);
        let parts: Vec<&str> = arn.split(':').filter(|part| is_word(part)).collect();
        match parts[..] {
            ["arn", partition, "logs", region, account, "log-group", name] => Ok(Self {
                partition: partition.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(LOG_GROUP_ALLOWED),
        }
    }
}

impl From<LogGroupArn> for String {
    fn from(arn: LogGroupArn) -> String {
        let LogGroupArn { partition, region, account, name } = arn;
        format!("arn:{partition}:logs:{region}:{account}:log-group:{name}")
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

    /// Key of the base template in that environment.
    pub fn template_in<'r>(&'r self, name: &EnvironmentName, environment: &'r EnvironmentRecord) -> &'r str {
        self.templates.get(name).unwrap_or(&environment.template)
    }

    /// Whether pushes to `branch` may deploy.
    pub fn allows(&self, branch: &BranchName) -> bool {
        self.branches.contains(branch)
    }
}

const SERVICE_KEYS: [&str; 10] = [
    "service",
    "branches",
    "paths",
    "hosts",
    "imageRepository",
    "imageRepositoryUri",
    "buildRoleArn",
    "taskExecutionRoleArn",
    "taskLogGroupArn",
    "templates",
];

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
    let task_execution_role_arn =
        optional(&record, "taskExecutionRoleArn", "the ARN of a role", is_arn, faults);
    let is_log_group = |text: &str| LogGroupArn::try_from(text.to_owned()).is_ok();
    let task_log_group_arn = optional(&record, "taskLogGroupArn", LOG_GROUP_ALLOWED, is_log_group, faults);
    let templates = record.optional("templates", faults, read_templates);
    Some(ServiceRecord {
        templates: templates?.unwrap_or_default(),
        service: service?,
        branches: branches?,
        paths: paths?,
        hosts: hosts?,
        image_repository: image_repository?,
        image_repository_uri: image_repository_uri?,
        build_role_arn: build_role_arn?,
        task_execution_role_arn: task_execution_role_arn?,
        task_log_group_arn: task_log_group_arn?.and_then(|text| LogGroupArn::try_from(text).ok()),
    })
}

fn read_templates(
    value: &Value,
    path: &Path,
    faults: &mut Faults,
) -> Option<BTreeMap<EnvironmentName, String>> {
    reader::map(value, path, ENVIRONMENTS_MAX, faults, |name, value, path, faults| {
        let Ok(name) = name.parse::<EnvironmentName>() else {
            faults.push(Fault::new(path, "not an environment name", "the name of an environment"));
            return None;
        };
        let allowed = "a key in the artifact bucket: stacks/adopted/payments-production.json";
        let key =
            reader::text(value, path, allowed, |key| is_word(key) && key.starts_with("stacks/"), faults)?;
        Some((name, key.to_owned()))
    })
}
